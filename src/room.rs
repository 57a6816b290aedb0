//! The room: who is in it, in which order things happen, and who learns of them.
//!
//! [`ChatRoom`] is the one actor that everything passes through, so the order in which it handles messages *is* the
//! order of the chat: every reader sees the same. It asks the pure [`Registry`], numbers the event and delivers it.
//! It knows no bytes, no sockets and no [`Session`](crate::session::Session): a member is an id and somebody to
//! deliver to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use log::error;

use crate::chat::answer::Answer;
use crate::chat::event::{Event, EventKind, Reason, Whispered};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::registry::{Registry, RegistryError, SessionId};
use crate::dialect::Encoded;

/// The exit code of a process whose room stopped unasked: "internal software error" in `sysexits.h`.
pub const EXIT_INTERNAL: i32 = 70;

/// A session asks for a name. Answered with [`Answer::Welcome`] or [`Answer::NameTaken`], then [`Deliver::Done`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Who asks.
    pub session: SessionId,
    /// The name.
    pub name: Name,
    /// Where the room delivers to from now on.
    pub recipient: Recipient<Deliver>,
}

/// A member tells everybody else something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Broadcast {
    /// Who.
    pub session: SessionId,
    /// How it is told.
    pub manner: Manner,
    /// What.
    pub text: CleanText,
}

/// How a [`Broadcast`] is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As something said.
    Says,
    /// As something done (`/eu acena`).
    Acts,
}

/// A member tells one person something. Answered with [`Answer::NotFound`] if nobody has the name, then with
/// [`Deliver::Done`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Whisper {
    /// Who.
    pub session: SessionId,
    /// To whom.
    pub to: To,
    /// What.
    pub text: CleanText,
}

/// To whom a [`Whisper`] goes.
#[derive(Debug, Clone)]
pub enum To {
    /// Whoever has this name.
    Name(Name),
    /// This session and no other, whatever its name is now.
    Session {
        /// The session.
        session: SessionId,
        /// The name it had when last heard of.
        name: Name,
    },
}

/// A member wants to go by another name. The [`EventKind::Renamed`] goes to the member too; otherwise the answer
/// is [`Answer::NameTaken`] or [`Answer::NameUnchanged`]. Then comes [`Deliver::Done`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rename {
    /// Who.
    pub session: SessionId,
    /// The new name.
    pub name: Name,
}

/// A member asks who is there. Answered with [`Answer::Who`], then [`Deliver::Done`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Who {
    /// Who asks.
    pub session: SessionId,
}

/// A session is gone or about to go. A member is told [`Deliver::Farewell`] after everything else; a session that
/// is no member (any more) changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave {
    /// Who.
    pub session: SessionId,
    /// Why.
    pub reason: Reason,
}

/// The server stops. The room falls silent: nobody is told of everybody's departure, and its own stop is no fault.
/// A session says goodbye and closes.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// What the room hands to one session.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum Deliver {
    /// What happened in a turn of the room: `turn[from..]`, in order. The turn is shared by everybody.
    Turn {
        /// The events.
        turn: Arc<[Published]>,
        /// How many of them this session has had already, or need not know.
        from: usize,
    },
    /// A whisper to this session.
    Whispered(Whispered),
    /// An answer to this session.
    Answer(Answer),
    /// What this session asked is answered, in words or without.
    Done,
    /// The session is no member any more, and nothing follows.
    Farewell,
}

/// An event on its way to those who learn of it.
#[derive(Debug, Clone)]
pub struct Published {
    /// The event.
    pub event: Arc<Encoded>,
    /// Whose doing it was; that session gets no echo.
    pub author: Option<SessionId>,
}

/// The most events in one turn. A turn that is full is delivered, and the next one begins.
const MAX_TURN: usize = 256;

/// The room actor.
///
/// It works in turns: it handles every message that waits in its mailbox, then hands each member all events of the turn
/// in one message. A lone event is a turn of its own, so nothing ever waits for company.
///
/// What waits in mailboxes is bounded by construction. In the room's: a session hands over at most
/// [`LINES_PER_TURN`](crate::session::LINES_PER_TURN) commands before every other task of its thread, the room among
/// them, has had its turn. In a session's: the room sends it one message a turn (of at most 256 events), and one or two
/// for each question it asked and each whisper to it.
pub struct ChatRoom {
    registry: Registry,
    members: HashMap<SessionId, Member>,
    /// The number of the last event.
    seq: u64,
    /// The events of this turn.
    turn: Vec<Published>,
    clock: fn() -> SystemTime,
    is_shutting_down: bool,
}

/// Somebody to deliver to.
struct Member {
    recipient: Recipient<Deliver>,
    /// How many events of this turn the member has had already, or need not know.
    seen: usize,
}

impl Member {
    /// Hands over what happened so far, so that what is sent to this member alone comes in its place.
    fn catch_up(&mut self, turn: &[Published]) {
        if self.seen < turn.len() {
            self.recipient.do_send(Deliver::Turn { turn: turn[self.seen..].into(), from: 0 });
            self.seen = turn.len();
        }
    }
}

/// The mailbox is empty: what happened is delivered.
#[derive(Message)]
#[rtype(result = "()")]
struct EndOfTurn;

impl Default for ChatRoom {
    fn default() -> ChatRoom {
        ChatRoom::with_clock(SystemTime::now)
    }
}

impl ChatRoom {
    /// An empty room that takes the time of its events from this clock.
    pub fn with_clock(clock: fn() -> SystemTime) -> ChatRoom {
        let registry = Registry::default();
        ChatRoom { registry, members: HashMap::new(), seq: 0, turn: Vec::new(), clock, is_shutting_down: false }
    }

    /// Numbers an event, for everybody but its author to learn at the end of this turn.
    fn publish(&mut self, author: Option<SessionId>, kind: EventKind, ctx: &mut Context<Self>) {
        if self.turn.is_empty() {
            // runs when the mailbox has been emptied
            ctx.notify(EndOfTurn);
        }
        self.seq += 1;
        let event = Arc::new(Encoded::new(Event { seq: self.seq, at: (self.clock)(), kind }));
        self.turn.push(Published { event, author });
        if self.turn.len() == MAX_TURN {
            self.deliver();
        }
    }

    /// Ends the turn: hands every member what it has not had yet.
    fn deliver(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        let turn: Arc<[Published]> = self.turn.drain(..).collect();
        for member in self.members.values_mut() {
            if member.seen < turn.len() {
                member.recipient.do_send(Deliver::Turn { turn: Arc::clone(&turn), from: member.seen });
            }
            member.seen = 0;
        }
    }

    /// Answers what a member asked; `None` if there is nothing to say.
    fn answer(&mut self, session: SessionId, answer: Option<Answer>) {
        if let Some(member) = self.members.get_mut(&session) {
            member.catch_up(&self.turn);
            answer_to(&member.recipient, answer);
        }
    }

    fn welcome(&self, newcomer: SessionId, name: &Name) -> Answer {
        let others = self.registry.members().filter(|(session, _)| *session != newcomer);
        let others: Vec<Name> = others.take(Answer::WELCOME_NAMES).map(|(_, name)| name.clone()).collect();
        let more = self.registry.len() - 1 - others.len();
        Answer::Welcome { name: name.clone(), others, more }
    }
}

fn answer_to(recipient: &Recipient<Deliver>, answer: Option<Answer>) {
    if let Some(answer) = answer {
        recipient.do_send(Deliver::Answer(answer));
    }
    recipient.do_send(Deliver::Done);
}

impl Actor for ChatRoom {
    type Context = Context<Self>;

    /// A server without its room would accept people and stay mute, so it ends, and whoever watches over it starts
    /// it anew.
    fn stopped(&mut self, _: &mut Self::Context) {
        if self.is_shutting_down {
            return;
        }
        error!("the room stopped unasked: ending the process with code {EXIT_INTERNAL}");
        if let Some(system) = System::try_current() {
            system.stop_with_code(EXIT_INTERNAL);
        }
    }
}

impl Handler<Join> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Join { session, name, recipient }: Join, ctx: &mut Self::Context) {
        match self.registry.join(session, name.clone()) {
            Ok(()) => {
                answer_to(&recipient, Some(self.welcome(session, &name)));
                self.members.insert(session, Member { recipient, seen: self.turn.len() });
                self.publish(Some(session), EventKind::Joined { name }, ctx);
            }
            Err(RegistryError::Taken) => answer_to(&recipient, Some(Answer::NameTaken(name))),
            Err(RegistryError::WrongState) => {
                error!("session={session} joined twice");
                answer_to(&recipient, None);
            }
        }
    }
}

impl Handler<Broadcast> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Broadcast { session, manner, text }: Broadcast, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let kind = match manner {
            Manner::Says => EventKind::Said { from, text },
            Manner::Acts => EventKind::Acted { from, text },
        };
        self.publish(Some(session), kind, ctx);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Whisper { session, to, text }: Whisper, _: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let (found, name) = match to {
            To::Name(name) => (self.registry.find(&name), name),
            To::Session { session, name } => (Some(session), name),
        };
        let answer = match found.and_then(|found| self.members.get_mut(&found)) {
            Some(member) => {
                member.catch_up(&self.turn);
                let whispered = Whispered { after: self.seq, at: (self.clock)(), from, session, text };
                member.recipient.do_send(Deliver::Whispered(whispered));
                None
            }
            None => Some(Answer::NotFound(name)),
        };
        self.answer(session, answer);
    }
}

impl Handler<Rename> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Rename { session, name }: Rename, ctx: &mut Self::Context) {
        let answer = match self.registry.rename(session, name.clone()) {
            Ok(old) if old.as_str() == name.as_str() => Some(Answer::NameUnchanged(name)),
            Ok(old) => {
                self.publish(None, EventKind::Renamed { old, new: name }, ctx);
                None
            }
            Err(RegistryError::Taken) => Some(Answer::NameTaken(name)),
            Err(RegistryError::WrongState) => None,
        };
        self.answer(session, answer);
    }
}

impl Handler<Who> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Who { session }: Who, _: &mut Self::Context) {
        let names = self.registry.members().map(|(_, name)| name.clone()).collect();
        self.answer(session, Some(Answer::Who(names)));
    }
}

impl Handler<Leave> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Leave { session, reason }: Leave, ctx: &mut Self::Context) {
        let Some(name) = self.registry.leave(session) else { return };
        if let Some(mut member) = self.members.remove(&session) {
            member.catch_up(&self.turn);
            member.recipient.do_send(Deliver::Farewell);
        }
        if !self.is_shutting_down {
            self.publish(None, EventKind::Left { name, reason }, ctx);
        }
    }
}

impl Handler<Shutdown> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Shutdown, _: &mut Self::Context) {
        self.is_shutting_down = true;
        // before anybody is told to close
        self.deliver();
    }
}

impl Handler<EndOfTurn> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: EndOfTurn, _: &mut Self::Context) {
        self.deliver();
    }
}
