//! A turn of the room: what happened, in order, and who learns of it.
//!
//! The room makes one [`Turn`] of everything that waited in its mailbox, and all hubs share it. Its events are written
//! out once for each language and format that somebody reads.
//! Knows nothing of who is there and how bytes travel.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::chat::answer::Answer;
use crate::chat::event::{Event, EventKind, Whispered};
use crate::chat::history::Page;
use crate::chat::language::Language;
use crate::chat::registry::SessionId;
use crate::chat::repeats::First;
use crate::dialect::text::{self, notices};
use crate::dialect::{Format, Written, json};

/// A step of a turn.
#[derive(Debug)]
pub enum Item {
    /// What everybody in the room learns.
    Event {
        /// The event.
        event: Arc<Event>,
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
    /// The whispers that it has missed, and the last one before them: that is what it would reply to.
    Missed {
        /// Those that it has missed, in order.
        whispers: Vec<Whispered>,
        /// The last one that it knows, if it is still known here.
        known: Option<Whispered>,
    },
    /// What it asked is answered, in words or without.
    Answered(Option<Answer>),
    /// What it asked is for the archive to answer, which may not have yet what happened last: this.
    Unwritten(Page),
    /// Something that it did not ask.
    Told(Answer),
    /// A message of it, in its place among those that have gone to everybody: it had come already.
    Repeated(First),
    /// Another session is the member now that it was.
    Replaced,
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
    /// The number of the last event that is written.
    written: u64,
    /// The numbers of events that never will be, if there are any news of that.
    lost: Option<RangeInclusive<u64>>,
    /// Whether the journal is behind.
    is_journal_behind: bool,
    /// Made when somebody reads them first: nobody does in a turn of nothing but whispers.
    versions: OnceLock<Box<[[Version; Language::ALL.len()]; Format::ALL.len()]>>,
}

/// The events of a turn, written out in one format and language when first asked for.
#[derive(Debug, Default)]
struct Version {
    /// One by one.
    each: OnceLock<Written>,
    /// All of them; for people, with the notices that pile up folded.
    whole: OnceLock<Bytes>,
}

impl Turn {
    /// A turn of these items, of which no bytes are made yet. All events up to number `written` are in the journal.
    pub fn new(items: Vec<Item>, written: u64) -> Turn {
        let renames = items.iter().any(|item| matches!(item.event(), Some(EventKind::Renamed { .. })));
        let number = |item: &Item| if let Item::Event { event, .. } = item { Some(event.seq) } else { None };
        let first = items.iter().find_map(number);
        let events = items.iter().filter(|item| item.event().is_some()).count();
        Turn { items, first, events, renames, written, lost: None, is_journal_behind: false, versions: OnceLock::new() }
    }

    /// The same, with the news that the journal has lost the events with these numbers.
    pub fn with_lost(self, lost: RangeInclusive<u64>) -> Turn {
        Turn { lost: Some(lost), ..self }
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

    /// The number of the last event that is in the journal; that of every event, if there is none.
    pub fn written_up_to(&self) -> u64 {
        self.written
    }

    /// The same. If the journal is behind, those who said something in it say no more until a turn comes of which that is not
    /// true.
    pub fn with_journal_behind(self, is_behind: bool) -> Turn {
        Turn { is_journal_behind: is_behind, ..self }
    }

    /// Whether the journal was behind when it was over.
    pub fn is_journal_behind(&self) -> bool {
        self.is_journal_behind
    }

    /// The numbers of the events that the journal has lost since the last turn.
    pub fn lost(&self) -> Option<&RangeInclusive<u64>> {
        self.lost.as_ref()
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

    /// The events in this range, for everybody who learns of them and reads this format and language.
    ///
    /// # Panics
    /// If the range is not within the [items](Turn::items).
    pub fn written(&self, range: Range<usize>, format: Format, language: Language) -> Bytes {
        let version = &self.versions.get_or_init(Box::default)[format.index()][language.index()];
        if range == (0..self.items.len()) {
            return version.whole.get_or_init(|| self.write(range, version, format, language)).clone();
        }
        self.write(range, version, format, language)
    }

    fn write(&self, range: Range<usize>, version: &Version, format: Format, language: Language) -> Bytes {
        if format == Format::Text
            && let Some(folded) = notices::folded(self.items[range.clone()].iter().filter_map(Item::event), language)
        {
            return folded;
        }
        version.each.get_or_init(|| self.write_each(format, language)).get(range)
    }

    fn write_each(&self, format: Format, language: Language) -> Written {
        let events =
            self.items.iter().map(|item| if let Item::Event { event, .. } = item { Some(event) } else { None });
        Written::new(events, |bytes, event| match format {
            Format::Text => text::write_event(bytes, &event.kind, language),
            Format::Json | Format::WebSocket => format.write_frame(bytes, &json::event(event, language)),
        })
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
        Item::Event {
            event: Arc::new(Event { seq, at: SystemTime::UNIX_EPOCH, kind }),
            author: Some(SessionId(author)),
        }
    }

    #[test]
    fn everybody_who_reads_a_turn_shares_its_bytes() {
        let items = vec![said(1, 1), said(2, 2), Item::To(SessionId(1), Private::Farewell), said(3, 1)];
        let turn = Turn::new(items, u64::MAX);
        let whole = turn.written(0..4, Format::Text, Language::English);
        assert_eq!(whole, "p1: 1\np2: 2\np1: 3\n");
        assert_eq!(whole.as_ptr(), turn.written(0..4, Format::Text, Language::English).as_ptr());
        // a part is a part of the same bytes
        let part = turn.written(1..3, Format::Text, Language::English);
        assert_eq!(part, "p2: 2\n");
        assert_eq!(part.as_ptr(), whole[6..].as_ptr());
        assert_eq!(turn.written(2..3, Format::Text, Language::English), "");
        assert_eq!([0..4, 1..3, 2..3].map(|range| turn.events(&range)), [3, 1, 0]);
    }
}
