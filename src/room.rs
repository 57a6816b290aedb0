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
    pub to: Name,
    /// What.
    pub text: CleanText,
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
    /// Something that happened, shared by everybody who learns of it.
    Event(Arc<Encoded>),
    /// A whisper to this session.
    Whispered(Whispered),
    /// An answer to this session.
    Answer(Answer),
    /// What this session asked is answered, in words or without.
    Done,
    /// The session is no member any more, and nothing follows.
    Farewell,
}

/// The room actor.
///
/// Its mailbox is bounded by what may write to it: a session hands over at most
/// [`LINES_PER_TURN`](crate::session::LINES_PER_TURN) commands before every other task of its thread has had its
/// turn, the room among them.
pub struct ChatRoom {
    registry: Registry,
    members: HashMap<SessionId, Recipient<Deliver>>,
    /// The number of the last event.
    seq: u64,
    clock: fn() -> SystemTime,
    is_shutting_down: bool,
}

impl Default for ChatRoom {
    fn default() -> ChatRoom {
        ChatRoom::with_clock(SystemTime::now)
    }
}

impl ChatRoom {
    /// An empty room that takes the time of its events from this clock.
    pub fn with_clock(clock: fn() -> SystemTime) -> ChatRoom {
        ChatRoom { registry: Registry::default(), members: HashMap::new(), seq: 0, clock, is_shutting_down: false }
    }

    /// Numbers an event and delivers it to everybody but its author.
    fn publish(&mut self, author: Option<SessionId>, kind: EventKind) {
        self.seq += 1;
        let event = Arc::new(Encoded::new(Event { seq: self.seq, at: (self.clock)(), kind }));
        for (session, recipient) in &self.members {
            if Some(*session) != author {
                recipient.do_send(Deliver::Event(Arc::clone(&event)));
            }
        }
    }

    /// Answers what a member asked; `None` if there is nothing to say.
    fn answer(&self, session: SessionId, answer: Option<Answer>) {
        if let Some(recipient) = self.members.get(&session) {
            answer_to(recipient, answer);
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

    fn handle(&mut self, Join { session, name, recipient }: Join, _: &mut Self::Context) {
        match self.registry.join(session, name.clone()) {
            Ok(()) => {
                answer_to(&recipient, Some(self.welcome(session, &name)));
                self.members.insert(session, recipient);
                self.publish(Some(session), EventKind::Joined { name });
            }
            Err(RegistryError::Taken) => answer_to(&recipient, Some(Answer::NameTaken(name))),
            Err(RegistryError::WrongState) => error!("session={session} joined twice"),
        }
    }
}

impl Handler<Broadcast> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Broadcast { session, manner, text }: Broadcast, _: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let kind = match manner {
            Manner::Says => EventKind::Said { from, text },
            Manner::Acts => EventKind::Acted { from, text },
        };
        self.publish(Some(session), kind);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Whisper { session, to, text }: Whisper, _: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let answer = match self.registry.find(&to).and_then(|found| self.members.get(&found)) {
            Some(recipient) => {
                let whispered = Whispered { after: self.seq, at: (self.clock)(), from, text };
                recipient.do_send(Deliver::Whispered(whispered));
                None
            }
            None => Some(Answer::NotFound(to)),
        };
        self.answer(session, answer);
    }
}

impl Handler<Rename> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Rename { session, name }: Rename, _: &mut Self::Context) {
        let answer = match self.registry.rename(session, name.clone()) {
            Ok(old) if old.as_str() == name.as_str() => Some(Answer::NameUnchanged(name)),
            Ok(old) => {
                self.publish(None, EventKind::Renamed { old, new: name });
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

    fn handle(&mut self, Leave { session, reason }: Leave, _: &mut Self::Context) {
        let Some(name) = self.registry.leave(session) else { return };
        if let Some(recipient) = self.members.remove(&session) {
            recipient.do_send(Deliver::Farewell);
        }
        if !self.is_shutting_down {
            self.publish(None, EventKind::Left { name, reason });
        }
    }
}

impl Handler<Shutdown> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Shutdown, _: &mut Self::Context) {
        self.is_shutting_down = true;
    }
}
