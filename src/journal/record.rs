//! What is written into the journal and read from it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::chat::event::{Event, EventKind};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::token::Proof;

/// The most bytes in a [`MessageId`].
pub const MAX_ID: usize = 64;

/// By what a message is known if it comes again, so that it is not said twice. 1 to [`MAX_ID`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(Box<str>);

/// A text that is no [`MessageId`]: empty, or longer than [`MAX_ID`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id of a message has 1 to {MAX_ID} bytes")]
pub struct BadMessageId;

impl MessageId {
    /// This text, as an id.
    ///
    /// # Errors
    /// [`BadMessageId`] if it is empty or too long.
    pub fn new(text: impl Into<Box<str>>) -> Result<MessageId, BadMessageId> {
        let text = text.into();
        if (1..=MAX_ID).contains(&text.len()) { Ok(MessageId(text)) } else { Err(BadMessageId) }
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one person told another one, for the two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whisper {
    /// The number of the room's last event before it.
    pub after: u64,
    /// When the room took it, for show only.
    pub at: SystemTime,
    /// Who whispers.
    pub from: Name,
    /// To whom.
    pub to: Name,
    /// What.
    pub text: CleanText,
    /// What is known of the reader, beside the name, if it can prove who it is.
    pub recipient: Option<Recipient>,
}

/// A reader of whispers that can prove who it is, also after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// What it proves.
    pub proof: Proof,
    /// How many whispers to it this is.
    pub number: u64,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Something that everybody in the room learned.
    Event {
        /// What.
        event: Arc<Event>,
        /// The id that its author's client gave it.
        id: Option<MessageId>,
    },
    /// Something that two people know.
    Whisper {
        /// What. There are fewer of them than of events, which should not be as large.
        whisper: Box<Whisper>,
        /// The id that its author's client gave it.
        id: Option<MessageId>,
    },
}

impl Record {
    /// Roughly what it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let of_id = |id: &Option<MessageId>| id.as_ref().map_or(0, |id| id.as_str().len());
        size_of::<Record>()
            + match self {
                Record::Event { event, id } => {
                    size_of::<Event>() + text_of(&event.kind).map_or(0, |text| text.as_str().len()) + of_id(id)
                }
                Record::Whisper { whisper, id } => size_of::<Whisper>() + whisper.text.as_str().len() + of_id(id),
            }
    }

    /// Its number in the order of the room, if it is an event.
    pub(super) fn seq(&self) -> Option<u64> {
        match self {
            Record::Event { event, .. } => Some(event.seq),
            Record::Whisper { .. } => None,
        }
    }
}

/// What somebody said or did, in words.
pub(super) fn text_of(kind: &EventKind) -> Option<&CleanText> {
    match kind {
        EventKind::Said { text, .. } | EventKind::Acted { text, .. } => Some(text),
        EventKind::Joined { .. } | EventKind::Renamed { .. } | EventKind::Left { .. } => None,
    }
}

/// A place in what one person may read: behind an event or a whisper, before the next. Places are ordered as what they are
/// behind.
///
/// Only the server knows the number of a whisper. It must not be shown: it tells how much everybody whispers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The number of the last event, 0 before the first one.
    pub seq: u64,
    /// The number of the last whisper behind that event, 0 before the first one.
    pub whisper: u64,
}

impl Place {
    /// Right behind the event with this number, before the whispers that follow it.
    pub const fn behind(seq: u64) -> Place {
        Place { seq, whisper: 0 }
    }
}

/// An event that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event. Its text is empty if it was erased.
    pub event: Event,
    /// The id that its author's client gave it.
    pub id: Option<MessageId>,
    /// Whether its text was erased at somebody's wish ([`erase`](super::erase())).
    pub is_erased: bool,
}

/// A whisper that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWhisper {
    /// Its number among all whispers: see [`Place`].
    pub number: u64,
    /// The whisper.
    pub whisper: Whisper,
    /// The id that its author's client gave it.
    pub id: Option<MessageId>,
}

/// Why numbers of the room have no events in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The events were older than what is kept, or it was more than may be kept.
    Pruned,
    /// The disk was full or failing, and they were never written.
    Lost,
    /// The server ended without a word. The numbers are skipped, since readers may have seen some of them that were not
    /// written yet; no event behind them was ever acknowledged.
    Restart,
    /// They were written, and the file was damaged afterwards.
    Damaged,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 4] = [Cause::Pruned, Cause::Lost, Cause::Restart, Cause::Damaged];

    /// A stable word, for the file and for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Cause::Pruned => "pruned",
            Cause::Lost => "lost",
            Cause::Restart => "restart",
            Cause::Damaged => "damaged",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.word() == word)
    }
}

/// Numbers of the room that have no events in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Why.
    pub cause: Cause,
}

/// A step of what is read. Between two events with numbers that do not follow each other there is always a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An event.
    Event(KeptEvent),
    /// A whisper, to or from who reads.
    Whisper(KeptWhisper),
    /// What is missing here.
    Gap(Gap),
}

impl Item {
    /// The place behind it.
    pub fn place(&self) -> Place {
        match self {
            Item::Event(KeptEvent { event, .. }) => Place::behind(event.seq),
            Item::Whisper(KeptWhisper { number, whisper, .. }) => Place { seq: whisper.after, whisper: *number },
            Item::Gap(Gap { last, .. }) => Place::behind(*last),
        }
    }

    /// The bytes it counts for in a page: those of its text, and 128 for all the rest.
    pub(super) fn size(&self) -> usize {
        128 + match self {
            Item::Event(KeptEvent { event, .. }) => text_of(&event.kind).map_or(0, |text| text.as_str().len()),
            Item::Whisper(KeptWhisper { whisper, .. }) => whisper.text.as_str().len(),
            Item::Gap(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_64_bytes() {
        assert_eq!(MessageId::new(""), Err(BadMessageId));
        assert_eq!(MessageId::new("x".repeat(65)), Err(BadMessageId));
        assert_eq!(MessageId::new("x".repeat(64)).unwrap().as_str().len(), 64);
    }

    #[test]
    fn a_whisper_is_behind_its_event_and_before_the_next() {
        let whisper = Place { seq: 7, whisper: 3 };
        assert!(Place::behind(7) < whisper && whisper < Place { seq: 7, whisper: 4 } && whisper < Place::behind(8));
    }

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_word(cause.word()), Some(cause));
        }
    }
}
