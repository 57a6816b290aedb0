//! What the chat *is*: names, commands, events, sentences, and who holds which name.
//!
//! Plain data and functions. Nothing here knows an actor, a runtime, a socket or a clock: whoever
//! needs the time passes it in. So every rule of this floor is tested without starting anything.
//!
//! | file | question it answers |
//! |---|---|
//! | [`name`] | what is a valid name, and when are two names the same? |
//! | [`registry`] | who is in the room, under which name? |
//! | [`command`] | what may a person ask, and how is it typed? |
//! | [`event`] | what can happen in the room, and why does a member leave? |
//! | [`answer`] | what does the server tell one person? |
//! | [`hygiene`] | which characters of a peer's line may reach other people's screens? |
//! | [`history`] | what happened last, and what has somebody missed? |
//! | [`whispers`] | which whispers has a member missed? |
//! | [`token`] | who is the member that they were, and which message is which? |
//! | [`repeats`] | has this message been said already? |
//! | [`throttle`] | how often may something be done? |
//! | [`text`] | every sentence people read, in both languages |
//! | [`strikes`] | how often has somebody done something lately? |
//! | [`language`] | which languages are there? |

pub mod answer;
pub mod command;
pub mod event;
pub mod fold;
pub mod history;
pub mod hygiene;
pub mod language;
pub mod name;
pub mod registry;
pub mod repeats;
pub mod strikes;
pub mod text;
pub mod throttle;
pub mod token;
pub mod whispers;
