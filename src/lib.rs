//! papo: a chat server for the people on one network.
//!
//! # The path of a line
//!
//! Ana types `oi` and Enter; this is how it reaches everybody else:
//!
//! 1. [`server`] accepted her connection, since [`admission`] had a place for it, and gave it the options of
//!    [`transport::tcp`]. An [`opening`] found out from its first bytes ([`dialect::sniff`]) what she speaks: TLS is opened,
//!    HTTP shows the page ([`web`]) or becomes a WebSocket, and what is left is handed to the [`hub`] of the thread, which
//!    starts a [`session`] on it.
//! 2. The session reads bytes, unless its throttle has it wait, and a [codec](dialect::codec) makes a line of them.
//! 3. The line becomes [`CleanText`](chat::hygiene::CleanText), which no terminal obeys, and then a
//!    [`Command`](chat::command::Command); that of a program is a JSON object, and a
//!    [`Request`](dialect::json::request::Request) first.
//! 4. The session hands the command to the [`room`] as an actor message, here a [`Broadcast`](room::Broadcast).
//! 5. The room asks its [`Registry`](chat::registry::Registry) who is speaking, makes a numbered
//!    [`Event`](chat::event::Event), and puts it into the present [`turn`]. When its mailbox is empty, it sends the turn
//!    to every hub ([`Deliver`](room::Deliver)): once a thread, not once a reader. The [`journal`] gets it at the same
//!    time; nobody waits for that but the acknowledgement of a program.
//! 6. The hub walks its sessions. Each takes what it reads of the turn, written out once for all readers of a language and a
//!    [`Format`](dialect::Format) and joined to what else is new in the hub's [`backlog`], and writes it to its socket at once;
//!    what the socket does not take waits in the session's [`outbox`].
//!
//! # How a session ends
//!
//! By `/sair`, by the end of its input, because it read too slowly or went beyond another limit, because the connection
//! broke, because the server stops, or by a panic: whatever it was, the actor stops, and [`Leave`](room::Leave) has reached the room with a
//! [`Reason`](chat::event::Reason) by then. The name is free, and the others read one departure notice.
//!
//! # The floors
//!
//! Each uses only what is below it.
//!
//! ```text
//! main.rs, cli     arguments, logging, signals, exit code
//! admin            counters and health for the operator, over HTTP             knows no session
//! server           listening, accepting, shutdown                              knows sockets
//! opening          from accepted to session: what a peer speaks                knows streams
//! web              the page, over HTTP; what becomes a WebSocket               knows nothing of the chat
//! admission        who may come in: limits in all, by address, without a name  knows no sockets, no clock
//! transport        how a socket is opened, kept alive, encrypted               knows bytes
//! data             where files are kept from one start to the next             knows paths
//! hub              the Hub actor: the sessions of a thread, fan-out to them    knows no sockets, no meaning
//! session          the Session actor: one connection's life                    knows no TCP
//! room             the ChatRoom actor: registry, order                         knows no bytes, no sockets
//! backlog          the turns that not everybody on a thread has, joined        knows nobody
//! turn             what happened in a turn of the room, and for whom           knows nobody
//! archive          answers what was, from the journal                        knows no session, no sentence
//! journal          what happened in the room, in order, on disk                knows no actor, no session, no socket
//! dialect          text, JSON, WebSocket: bytes <-> lines, events -> bytes     knows one format each
//! password         the gate: whether a password is the room's                  knows no session, no sentence
//! addresses        what is remembered of addresses, for limits                 knows no sockets, no clock
//! budget           what all sessions together may owe                          knows numbers
//! memory           how much there is
//! outbox           what is owed to one session, and its bound                  knows no meaning
//! metrics          what is counted                                             knows no actor, no socket
//! config           every limit: unit, default, what happens beyond it
//! chat             names, commands, events, sentences, registry                pure: no actor, runtime, clock, I/O
//! ```

mod addresses;
pub mod admin;
pub mod admission;
pub mod archive;
pub mod backlog;
pub mod budget;
pub mod chat;
pub mod cli;
pub mod config;
pub mod data;
pub mod dialect;
pub mod hub;
pub mod journal;
pub mod memory;
pub mod metrics;
pub mod opening;
pub mod outbox;
pub mod password;
pub mod room;
pub mod server;
pub mod session;
pub mod transport;
pub mod turn;
pub mod web;
