//! The parts of the example client that know no socket and no terminal, with their own tests. (Cargo would either test an example
//! or build it for the tests that run it.)
#![allow(dead_code, unreachable_pub, reason = "what is not tested here is used by the rest of the client")]

#[path = "../examples/client/completion.rs"]
mod completion;
#[path = "../examples/client/outgoing.rs"]
mod outgoing;
#[path = "../examples/client/pauses.rs"]
mod pauses;
#[path = "../examples/client/people.rs"]
mod people;
#[path = "../examples/client/protocol.rs"]
mod protocol;
#[path = "../examples/client/session.rs"]
mod session;
#[path = "../examples/client/show.rs"]
mod show;
#[path = "../examples/client/target.rs"]
mod target;
#[path = "../examples/client/typed.rs"]
mod typed;
