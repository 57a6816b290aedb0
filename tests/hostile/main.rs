//! Hostile peers, dying networks and sick machines: one file a family, and in each a witness who must not notice.
//!
//! What dies and what falls sick, and where that is tested:
//!
//! | what happens | what must follow | tests |
//! |---|---|---|
//! | a connection is reset, idle or while lines are on their way | one departure, "connection lost" | `dying`, `tests/presence.rs` |
//! | the input ends (`printf … \| nc -N`) | all of it is delivered and answered, then the end | `dying::all_that_was_sent_before_the_end…`, `tests/lines.rs` |
//! | a client is killed | one departure | `processes::a_client_that_is_killed…` |
//! | the cable is pulled, silent or with lines on their way | gone in keepalive time, or in the user timeout | `cable` |
//! | the cable is put back in time | nobody cut, nothing lost | `cable::a_cable_that_is_put_back…` |
//! | somebody comes back to the old name | it is free within seconds | `cable::whoever_comes_back…`, `tests/session.rs` |
//! | a reader stops reading | cut with the reason, which arrives when reading goes on | `slow`, `tests/limits.rs`, `tests/session.rs` |
//! | last words to a peer who pours on | they arrive | `dying::last_words…`, `flood`, `tests/limits.rs` |
//! | no descriptor is left | whoever is in chats on, all others wait | `tests/program.rs` |
//! | more connections wanted than descriptors | said at start | `tests/program.rs` |
//! | a session panics | one departure | `tests/session.rs` |
//! | the room dies | exit code 70 within a second | `machine::a_room_that_dies…`, `tests/shutdown.rs` |
//! | SIGTERM, SIGINT | a last line, then exit code 0 | `tests/program.rs`, `tests/shutdown.rs` |
//! | the server is killed | seen at once; the successor has the port at once | `processes::a_server_that_is_killed…` |
//! | the server or a client stands still and goes on | nobody who answers is cut, nothing lost | `processes::…stands_still…`, `tests/session.rs` |
//! | the wall clock jumps | nothing changes | `machine::a_clock_that_jumps…` |
//! | stdout or stderr is closed or full | the chat goes on | `processes::it_serves_…`, `tests/program.rs` |
//! | a request, a handshake or a frame that does not end, or is none | that connection ends, nobody else notices | `web`, `tests/web.rs`, `tests/tls.rs` |
//! | a wrong flag or variable, a port in use | one sentence, exit code 2 or 1 | `tests/program.rs`, `src/cli/args.rs` |
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(target_os = "linux")]
mod cable;
mod connections;
mod dying;
mod flood;
mod long_lines;
mod machine;
mod names;
#[cfg(unix)]
mod processes;
mod protocol;
mod slow;
mod text;
mod web;
mod witness;
