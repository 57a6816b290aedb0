//! The server that a browser is driven against: however busy the machine is, a page opens.

use papo::config::Config;
use papo::room::ChatRoom;

use super::common::{self, DEADLINE, TestServer};

/// A configuration that takes nobody for a person too soon who is one of a browser's connections: on a busy machine Chromium
/// opens one more than it needs, keeps it for a minute, and the next page comes over it.
pub(crate) fn config() -> Config {
    Config { hello_silence: DEADLINE, ..common::config() }
}

/// A server with that.
pub(crate) fn start() -> TestServer {
    TestServer::with(config(), ChatRoom::default)
}
