//! The room: who is in it, in which order things happen, and who learns of them.
//!
//! [`ChatRoom`] is the one actor that everything passes through, so the order in which it handles messages *is* the
//! order of the chat: every reader sees the same. It asks the pure [`Registry`], numbers the event and delivers it.
//! It knows no bytes, no sockets and no [`Session`](crate::session::Session): a member is an id, and the hubs that it
//! delivers to know where that is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use actix::prelude::*;
use log::error;

use crate::chat::answer::Answer;
use crate::chat::event::{Event, EventKind, Reason, Whispered};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::registry::{Registry, RegistryError, SessionId};
use crate::turn::{Item, Private, Turn};

/// The exit code of a process whose room stopped unasked: "internal software error" in `sysexits.h`.
pub const EXIT_INTERNAL: i32 = 70;

/// The number of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubId(pub usize);

/// A hub wants to be told everything from now on. Its sessions may join then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Which hub.
    pub hub: HubId,
    /// Where the room delivers to.
    pub recipient: Recipient<Deliver>,
}

/// A session asks for a name. Answered with [`Answer::Welcome`], [`Answer::NameTaken`] or
/// [`Answer::NameTooSimilar`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Who asks.
    pub session: SessionId,
    /// The name.
    pub name: Name,
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

/// A member tells one person something. Answered with [`Answer::NotFound`] if nobody has the name, else without words.
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

/// A member wants to go by another name. The [`EventKind::Renamed`] goes to the member too, and the answer has no words;
/// otherwise it is [`Answer::NameTaken`], [`Answer::NameTooSimilar`] or [`Answer::NameUnchanged`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rename {
    /// Who.
    pub session: SessionId,
    /// The new name.
    pub name: Name,
}

/// A member asks who is there. Answered with [`Answer::Who`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Who {
    /// Who asks.
    pub session: SessionId,
}

/// A session is gone or about to go. A member is told [`Private::Farewell`] after everything else; a session that
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

/// What the room hands to every hub. Answered with [`Delivered`].
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Deliver(pub Arc<Turn>);

/// A hub has delivered one more turn.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Delivered {
    /// Which hub.
    pub hub: HubId,
}

/// The most steps in one turn. A turn that is full is over, and the next one begins.
const MAX_ITEMS: usize = 256;

/// The most bytes of people's texts in one turn, but for the last line of it.
const MAX_TEXT: usize = 64 * 1024; // 64 KiB

/// The most turns that one hub may be behind. Until it has caught up, nothing is handed to any of them.
const MAX_BEHIND: usize = 8;

/// The room actor.
///
/// It works in turns: it handles every message that waits in its mailbox, then hands every hub all that happened. A lone
/// event is a turn of its own, so nothing ever waits for company.
///
/// What waits is bounded by construction. In the room's mailbox, and in turns not yet handed over: a session has at most
/// [`MAX_IN_FLIGHT`](crate::session::MAX_IN_FLIGHT) lines on their way, and asks one question at a time. In a hub's: the
/// turns that it is behind, at most 8.
pub struct ChatRoom {
    registry: Registry,
    /// Everybody's name, until somebody comes, goes or goes by another name.
    names: Option<Arc<[Name]>>,
    hubs: Vec<Hub>,
    /// The number of the last event.
    seq: u64,
    /// What happened in this turn.
    items: Vec<Item>,
    /// The bytes of people's texts in it.
    text: usize,
    /// The turns that are over and wait for a hub to catch up.
    waiting: VecDeque<Turn>,
    clock: fn() -> SystemTime,
    is_shutting_down: bool,
}

/// Somebody to deliver to.
struct Hub {
    id: HubId,
    recipient: Recipient<Deliver>,
    /// The turns it was handed and has not delivered yet.
    behind: usize,
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
        ChatRoom {
            registry: Registry::default(),
            names: None,
            hubs: Vec::new(),
            seq: 0,
            items: Vec::new(),
            text: 0,
            waiting: VecDeque::new(),
            clock,
            is_shutting_down: false,
        }
    }

    /// Numbers an event, for everybody but its author to learn at the end of this turn.
    fn publish(&mut self, author: Option<SessionId>, kind: EventKind, ctx: &mut Context<Self>) {
        self.seq += 1;
        let event = Event { seq: self.seq, at: (self.clock)(), kind };
        self.add(Item::Event { event, author }, ctx);
    }

    /// Tells one session something, in its place among the events.
    fn tell(&mut self, session: SessionId, private: Private, ctx: &mut Context<Self>) {
        self.add(Item::To(session, private), ctx);
    }

    /// Answers what a session asked; `None` if there is nothing to say.
    fn answer(&mut self, session: SessionId, answer: Option<Answer>, ctx: &mut Context<Self>) {
        self.tell(session, Private::Answered(answer), ctx);
    }

    fn add(&mut self, item: Item, ctx: &mut Context<Self>) {
        if self.items.is_empty() {
            // runs when the mailbox has been emptied
            ctx.notify(EndOfTurn);
        }
        self.items.push(item);
        if self.items.len() == MAX_ITEMS || self.text >= MAX_TEXT {
            self.end_turn();
        }
    }

    fn end_turn(&mut self) {
        if !self.items.is_empty() {
            self.text = 0;
            self.waiting.push_back(Turn::new(std::mem::take(&mut self.items)));
        }
        while self.hubs.iter().all(|hub| hub.behind < MAX_BEHIND)
            && let Some(turn) = self.waiting.pop_front()
        {
            self.deliver(turn);
        }
    }

    fn deliver(&mut self, turn: Turn) {
        let turn = Arc::new(turn);
        for hub in &mut self.hubs {
            hub.behind += 1;
            hub.recipient.do_send(Deliver(Arc::clone(&turn)));
        }
    }

    fn welcome(&self, newcomer: SessionId, name: &Name) -> Answer {
        let others = self.registry.members().filter(|(session, _)| *session != newcomer);
        let others: Vec<Name> = others.take(Answer::WELCOME_NAMES).map(|(_, name)| name.clone()).collect();
        let more = self.registry.len() - 1 - others.len();
        Answer::Welcome { name: name.clone(), others, more }
    }
}

impl Actor for ChatRoom {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        if !self.is_shutting_down {
            end_process("the room");
        }
    }
}

/// Ends the process, because an actor has stopped unasked without which the server would accept people and stay mute.
/// Whoever watches over the process starts it anew.
pub(crate) fn end_process(actor: &str) {
    error!("{actor} stopped unasked: ending the process with code {EXIT_INTERNAL}");
    if let Some(system) = System::try_current() {
        system.stop_with_code(EXIT_INTERNAL);
    }
}

impl Handler<Attach> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Attach { hub: id, recipient }: Attach, _: &mut Self::Context) {
        self.hubs.push(Hub { id, recipient, behind: 0 });
    }
}

impl Handler<Join> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Join { session, name }: Join, ctx: &mut Self::Context) {
        match self.registry.join(session, name.clone()) {
            Ok(()) => {
                self.names = None;
                self.answer(session, Some(self.welcome(session, &name)), ctx);
                self.publish(Some(session), EventKind::Joined { name }, ctx);
            }
            Err(RegistryError::Taken) => self.answer(session, Some(Answer::NameTaken(name)), ctx),
            Err(RegistryError::TooSimilar) => self.answer(session, Some(Answer::NameTooSimilar(name)), ctx),
            Err(RegistryError::WrongState) => {
                error!("session={session} joined twice");
                self.answer(session, None, ctx);
            }
        }
    }
}

impl Handler<Broadcast> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Broadcast { session, manner, text }: Broadcast, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        self.text += text.as_str().len();
        let kind = match manner {
            Manner::Says => EventKind::Said { from, text },
            Manner::Acts => EventKind::Acted { from, text },
        };
        self.publish(Some(session), kind, ctx);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Whisper { session, to, text }: Whisper, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let (found, name) = match to {
            To::Name(name) => (self.registry.find(&name), name),
            To::Session { session, name } => (self.registry.name_of(session).map(|_| session), name),
        };
        let answer = match found {
            Some(found) => {
                self.text += text.as_str().len();
                let whispered = Whispered { after: self.seq, at: (self.clock)(), from, session, text };
                self.tell(found, Private::Whispered(whispered), ctx);
                None
            }
            None => Some(Answer::NotFound(name)),
        };
        self.answer(session, answer, ctx);
    }
}

impl Handler<Rename> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Rename { session, name }: Rename, ctx: &mut Self::Context) {
        let answer = match self.registry.rename(session, name.clone()) {
            Ok(old) if old.as_str() == name.as_str() => Some(Answer::NameUnchanged(name)),
            Ok(old) => {
                self.names = None;
                self.publish(None, EventKind::Renamed { old, new: name }, ctx);
                None
            }
            Err(RegistryError::Taken) => Some(Answer::NameTaken(name)),
            Err(RegistryError::TooSimilar) => Some(Answer::NameTooSimilar(name)),
            Err(RegistryError::WrongState) => return,
        };
        self.answer(session, answer, ctx);
    }
}

impl Handler<Who> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Who { session }: Who, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_none() {
            return;
        }
        // however many ask at once, there is one list
        let list = || self.registry.members().map(|(_, name)| name.clone()).collect();
        let names = Arc::clone(self.names.get_or_insert_with(list));
        self.answer(session, Some(Answer::Who(names)), ctx);
    }
}

impl Handler<Leave> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Leave { session, reason }: Leave, ctx: &mut Self::Context) {
        let Some(name) = self.registry.leave(session) else { return };
        self.names = None;
        self.tell(session, Private::Farewell, ctx);
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
        self.end_turn();
        while let Some(turn) = self.waiting.pop_front() {
            self.deliver(turn);
        }
    }
}

impl Handler<EndOfTurn> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: EndOfTurn, _: &mut Self::Context) {
        self.end_turn();
    }
}

impl Handler<Delivered> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Delivered { hub: id }: Delivered, _: &mut Self::Context) {
        if let Some(hub) = self.hubs.iter_mut().find(|hub| hub.id == id) {
            hub.behind = hub.behind.saturating_sub(1);
        }
        if !self.waiting.is_empty() {
            self.end_turn();
        }
    }
}
