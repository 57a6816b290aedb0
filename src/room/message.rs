//! What the room is asked and told, and what it tells the hubs: the messages of its actor.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use crate::addresses::Origin;
use crate::chat::event::Reason;
use crate::chat::history::Place;
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::registry::{MemberId, SessionId};
use crate::chat::token::{MessageKey, Token};
use crate::journal::Report;
use crate::turn::Turn;
#[cfg(doc)]
use crate::{chat::answer::Answer, chat::event::EventKind, chat::history::MAX_MESSAGES, turn::Private};

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
    /// Where a [`HealthProbe`] reaches it.
    pub probe: Recipient<HealthProbe>,
}

/// A session asks for a name. Answered with [`Answer::Welcome`], [`Answer::NameTaken`], [`Answer::NameTooSimilar`] or
/// [`Answer::NameHeld`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Who asks.
    pub session: SessionId,
    /// From where.
    pub origin: Origin,
    /// The name.
    pub name: Name,
    /// Where the person was before, if they come back and want to know what they have missed.
    pub from: Option<Place>,
    /// How a program will prove that it is this member, when it comes back. If a member has it already, this session is that
    /// member from now on, whatever the name.
    pub token: Option<Token>,
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
    /// By which it is known if it comes again: it is not told twice.
    pub key: Option<MessageKey>,
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
    /// From where.
    pub origin: Origin,
    /// To whom.
    pub to: To,
    /// What.
    pub text: CleanText,
    /// By which it is known if it comes again: it is not told twice.
    pub key: Option<MessageKey>,
}

/// To whom a [`Whisper`] goes.
#[derive(Debug, Clone)]
pub enum To {
    /// Whoever has this name.
    Name(Name),
    /// This member and no other, whatever its name is now.
    Member {
        /// The member.
        member: MemberId,
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

/// A member was sent a line to find out whether it is still there, because another session asked for its name. That one is
/// told [`Answer::NameProbed`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Probing {
    /// The member.
    pub session: SessionId,
    /// Who asked for its name.
    pub asker: SessionId,
}

/// A member asks who is there. Answered with [`Answer::Who`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Who {
    /// Who asks.
    pub session: SessionId,
}

/// The journal says how far it has come.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct JournalReport(pub Report);

/// Nothing more will happen: what waits for the journal is written. Answered with whether all of it was, within this time.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct CloseJournal {
    /// The time.
    pub within: Duration,
}

/// A member asks what was said before. Answered with [`Answer::History`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Recall {
    /// Who asks.
    pub session: SessionId,
    /// How many messages, at most [`MAX_MESSAGES`].
    pub count: usize,
}

/// A member asks for something that the [archive](crate::archive) knows. If it is about somebody who is there, it is answered
/// with [`Answer::Seen`], otherwise with [`Private::Unwritten`]: what the archive may not know yet.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Research {
    /// Who asks.
    pub session: SessionId,
    /// About whom, if it is about somebody.
    pub about: Option<Name>,
}

/// A session is gone or about to go. If it may come back, nobody hears of it before the grace is over. A member is told
/// [`Private::Farewell`] after everything else; a session that is no member (any more) changes nothing.
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

/// Asks whether messages get through. The room hands it on to every hub, and in each mailbox it waits behind all others,
/// as a line of the chat would. Answered, when all hubs have answered, with whether the room and all of them serve.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct HealthProbe;

/// More is owed to all sessions together than may be ([`Budget`](crate::budget::Budget)). Every hub is handed a turn, which
/// may be empty, and then looks whether it has the largest debtor.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Relieve;

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
    /// The number of an event of which somebody there wants to know when it is in the journal; there may be later ones.
    pub awaits: Option<u64>,
}
