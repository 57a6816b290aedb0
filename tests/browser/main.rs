//! The page in a real browser: a headless Chromium without network, driven over WebDriver.
//!
//! `cargo test --test browser -- --ignored`. The programs `chromium` and `chromedriver` must be there. At its end each test
//! looks at what the browser has noted: a message in the console, a failed request or one to anywhere but the server is a
//! failure. Pictures are written to `target/screenshots`.
//!
//! | what | tests |
//! |---|---|
//! | who writes to whom, and what a hostile message does | `chat` |
//! | the form: names, the password, languages, encryption | `door` |
//! | the server goes, and comes back | `lost` |
//! | the connection is lost, or the page is loaded again, and nothing else is | `back` |
//! | phones, pictures | `looks` |
//! | connections that a browser opens in advance | `spare` |
// servers are ended by signals here
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

mod back;
mod chat;
mod door;
mod driver;
mod looks;
mod lost;
mod page;
mod relay;
mod server;
mod spare;
