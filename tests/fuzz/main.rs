//! Fuzz targets: whatever a peer sends, these things hold.
//!
//! `cargo test --test fuzz` feeds each target random input for a few seconds, on the stable toolchain; a failure prints
//! the smallest input that it found and the seed to see it again. To let it run for ten minutes:
//!
//! ```sh
//! BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test --release --test fuzz
//! ```
//!
//! The same targets run under a fuzzer that is guided by coverage; see the README.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod codec;
mod command;
mod hygiene;
mod input;
mod json;
mod name;
mod sniff;
mod websocket;

use std::time::Duration;

/// How long each target runs, unless the environment says otherwise.
const TIME: Duration = Duration::from_secs(2);
