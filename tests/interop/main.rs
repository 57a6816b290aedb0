//! Clients that are not papo's own code, in one room: `nc` and `openssl s_client` as people, the PyPI package `websockets`
//! as programs, and `curl` at the page.
//!
//! `cargo test --test interop -- --ignored`. The programs must be in the path, and `python3` be one that has what is in
//! `requirements.txt`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

mod curl;
mod peer;
mod room;

use common::{TestServer, config};
use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};

/// A server that takes encrypted connections as well as plain ones.
fn server() -> TestServer {
    let acceptor = Acceptor::new(&Identity::passing().unwrap());
    TestServer::change(config(), ChatRoom::default, move |server| server.with_tls(acceptor))
}
