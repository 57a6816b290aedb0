//! A turn of the room: what happened, in order, and who learns of it.
//!
//! The room makes one [`Turn`] of everything that waited in its mailbox, and all hubs share it. Its events are written
//! out once for each language that somebody reads, and everybody who reads it shares those bytes.
//! Knows nothing of who is there and how bytes travel.

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::chat::answer::Answer;
use crate::chat::event::{Event, EventKind, Whispered};
use crate::chat::language::Language;
use crate::chat::registry::SessionId;
use crate::dialect::text::lines::{self, Lines};

/// A step of a turn.
#[derive(Debug)]
pub enum Item {
    /// What everybody in the room learns.
    Event {
        /// The event.
        event: Event,
        /// Whose doing it was; that session gets no echo.
        author: Option<SessionId>,
    },
    /// What one session learns.
    To(SessionId, Private),
}

/// What the room tells one session.
#[derive(Debug)]
pub enum Private {
    /// A whisper to it.
    Whispered(Whispered),
    /// What it asked is answered, in words or without.
    Answered(Option<Answer>),
    /// Something that it did not ask.
    Told(Answer),
    /// Somebody asks for its name.
    Wanted {
        /// Who.
        by: SessionId,
    },
    /// It is no member any more, and nothing follows.
    Farewell,
}

impl Item {
    /// The session that this item is about, beside or instead of everybody else.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Item::Event { author, .. } => *author,
            Item::To(session, _) => Some(*session),
        }
    }

    /// What happened, if everybody learns of it.
    pub fn event(&self) -> Option<&EventKind> {
        match self {
            Item::Event { event, .. } => Some(&event.kind),
            Item::To(..) => None,
        }
    }
}

/// What happened in one turn of the room, in order.
#[derive(Debug)]
pub struct Turn {
    items: Vec<Item>,
    /// The number of the first event, if there is one.
    first: Option<u64>,
    /// How many of them are events.
    events: usize,
    /// Whether somebody goes by another name from here on: those who remember names must follow.
    renames: bool,
    text: [Written; Language::ALL.len()],
}

/// The events of a turn, written out in one language when first asked for.
#[derive(Debug, Default)]
struct Written {
    /// One by one.
    lines: OnceLock<Lines>,
    /// All of them, with the notices that pile up folded.
    whole: OnceLock<Bytes>,
}

impl Turn {
    /// A turn of these items; nothing is written yet.
    pub fn new(items: Vec<Item>) -> Turn {
        let renames = items.iter().any(|item| matches!(item.event(), Some(EventKind::Renamed { .. })));
        let number = |item: &Item| if let Item::Event { event, .. } = item { Some(event.seq) } else { None };
        let first = items.iter().find_map(number);
        let events = items.iter().filter(|item| item.event().is_some()).count();
        Turn { items, first, events, renames, text: Default::default() }
    }

    /// The place behind the last item that happened before the event with number `after` or is that event itself: notices
    /// of a rush of people may reach a hub after somebody was welcomed to whom they are no news.
    pub fn news_since(&self, after: u64) -> usize {
        if self.first.is_none_or(|first| first > after) {
            return 0;
        }
        let is_old = |item: &Item| matches!(item, Item::Event { event, .. } if event.seq <= after);
        self.items.iter().rposition(is_old).map_or(0, |last| last + 1)
    }

    /// Whether everybody learns something in it.
    pub fn is_for_all(&self) -> bool {
        self.first.is_some()
    }

    /// What happened.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether somebody goes by another name from here on.
    pub fn renames(&self) -> bool {
        self.renames
    }

    /// How many events there are in this range.
    ///
    /// # Panics
    /// If the range is not within the [items](Turn::items).
    pub fn events(&self, range: &Range<usize>) -> usize {
        if *range == (0..self.items.len()) {
            return self.events;
        }
        self.items[range.clone()].iter().filter(|item| item.event().is_some()).count()
    }

    /// The lines of the text dialect for everybody who learns of the events in this range.
    ///
    /// # Panics
    /// If the range is not within the [items](Turn::items).
    pub fn text(&self, range: Range<usize>, language: Language) -> Bytes {
        let written = &self.text[language.index()];
        if range == (0..self.items.len()) {
            return written.whole.get_or_init(|| self.write(range, written, language)).clone();
        }
        self.write(range, written, language)
    }

    fn write(&self, range: Range<usize>, written: &Written, language: Language) -> Bytes {
        let events = self.items[range.clone()].iter().filter_map(Item::event);
        match lines::folded(events, language) {
            Some(folded) => folded,
            None => {
                let lines = written.lines.get_or_init(|| Lines::new(self.items.iter().map(Item::event), language));
                lines.get(range)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::name::Name;
    use std::time::SystemTime;

    fn said(seq: u64, author: u64) -> Item {
        let from = Name::parse(&format!("p{author}")).unwrap();
        let kind = EventKind::Said { from, text: format!("{seq}").as_str().into() };
        Item::Event { event: Event { seq, at: SystemTime::UNIX_EPOCH, kind }, author: Some(SessionId(author)) }
    }

    #[test]
    fn everybody_who_reads_a_turn_shares_its_bytes() {
        let turn = Turn::new(vec![said(1, 1), said(2, 2), Item::To(SessionId(1), Private::Farewell), said(3, 1)]);
        let whole = turn.text(0..4, Language::English);
        assert_eq!(whole, "p1: 1\np2: 2\np1: 3\n");
        assert_eq!(whole.as_ptr(), turn.text(0..4, Language::English).as_ptr());
        // a part is a part of the same bytes
        let part = turn.text(1..3, Language::English);
        assert_eq!(part, "p2: 2\n");
        assert_eq!(part.as_ptr(), whole[6..].as_ptr());
        assert_eq!(turn.text(2..3, Language::English), "");
        assert_eq!([0..4, 1..3, 2..3].map(|range| turn.events(&range)), [3, 1, 0]);
    }
}
