//! Hostile peers, dying networks and sick machines: one file a family, and in each a witness who must not notice.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

mod connections;
mod dying;
mod flood;
mod long_lines;
mod names;
mod protocol;
mod slow;
mod text;
mod witness;
