//! Events in a row as one value: how it is written, and read again. Pure: it knows no database.
//!
//! As a row of its own an event costs the database several times what its bytes do, and a room may say a hundred thousand lines a
//! second. So one row holds as many events as fit into a page.
//!
//! ```text
//! version    u8   = 1
//! newest     i64  the latest time of its events, in milliseconds since 1970
//! has ids    u8   1 if one of its messages has an id
//! checksum   u64  XXH3 of all the rest, with the number of the first event in it
//! events          one behind the other: Entry, in postcard's format
//! ```
//!
//! Numbers are little-endian. The events of a block have numbers without a hole between them.

use std::mem;
use std::ops::{Range, RangeInclusive};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::marks::Marks;
use super::record::{KeptEvent, MessageId, text_of};
use crate::chat::event::{Event, EventKind, Reason};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;

/// The bytes that a block of several events does not exceed: its row is just one page of the file.
pub(super) const FULL: usize = 4000;

/// The most people who take part in one block: each event looks for its name among theirs.
const MAX_NAMES: usize = 64;

/// What an event takes at most beside its texts: its time, kinds and lengths.
const ENTRY_COST: usize = 40;

const VERSION: u8 = 1;

const NEWEST: Range<usize> = 1..9;
const HAS_IDS: usize = 9;
const CHECKSUM: Range<usize> = 10..18;
const EVENTS: usize = 18;

/// An event, as bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<'a> {
    /// Milliseconds since the event before; of the first one, since 1970.
    since: i64,
    #[serde(borrow)]
    who: Who<'a>,
    #[serde(borrow)]
    what: What<'a>,
    id: Option<&'a str>,
}

/// Whose event it is: spelled out the first time, and then by its place among those who were.
#[derive(Debug, Serialize, Deserialize)]
enum Who<'a> {
    New(&'a str),
    Known(usize),
}

/// What happened. A text that was erased is not there. Kinds are only ever added, at the end.
#[derive(Debug, Serialize, Deserialize)]
enum What<'a> {
    Joined,
    Said(Option<&'a str>),
    Acted(Option<&'a str>),
    Renamed(&'a str),
    Left(&'a str),
}

/// An event that does not become bytes. There is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event cannot be written as bytes")]
pub(super) struct Unwritable;

/// Milliseconds since 1970.
pub(super) fn millis(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}

/// The time so many milliseconds after 1970.
pub(super) fn time(millis: i64) -> SystemTime {
    let offset = Duration::from_millis(millis.unsigned_abs());
    let at = if millis < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    at.unwrap_or(UNIX_EPOCH)
}

/// An event that is to be put into a block.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub(super) event: &'a Event,
    pub(super) id: Option<&'a MessageId>,
    pub(super) is_erased: bool,
}

impl<'a> From<&'a KeptEvent> for Incoming<'a> {
    fn from(kept: &'a KeptEvent) -> Incoming<'a> {
        Incoming { event: &kept.event, id: kept.id.as_ref(), is_erased: kept.is_erased }
    }
}

/// A block that grows.
#[derive(Debug)]
pub(super) struct Builder {
    first: u64,
    /// The number of the event that comes next.
    next: u64,
    bytes: Vec<u8>,
    /// Whose events are in it, as spelled.
    people: Vec<Box<str>>,
    /// Whose event was the last one, among them.
    latest: usize,
    marks: Marks,
    /// The times of the last event, and of the newest one.
    last: i64,
    newest: i64,
}

impl Builder {
    /// One that begins with the event of this number.
    pub(super) fn new(first: u64) -> Builder {
        let mut bytes = Vec::with_capacity(FULL);
        bytes.resize(EVENTS, 0);
        bytes[0] = VERSION;
        let (people, marks) = (Vec::new(), Marks::default());
        Builder { first, next: first, bytes, people, latest: 0, marks, last: 0, newest: i64::MIN }
    }

    /// These events, which are in a row; `None` if there are none.
    ///
    /// # Errors
    /// As [`Builder::push`].
    pub(super) fn of(events: &[KeptEvent]) -> Result<Option<Builder>, Unwritable> {
        let Some(first) = events.first() else { return Ok(None) };
        let mut builder = Builder::new(first.event.seq);
        events.iter().try_for_each(|kept| builder.push(kept.into()))?;
        Ok(Some(builder))
    }

    /// The numbers of its events.
    pub(super) fn numbers(&self) -> RangeInclusive<u64> {
        self.first..=self.next - 1
    }

    /// Whether this event has its place here: it has the next number, and there is room.
    pub(super) fn takes(&self, incoming: Incoming<'_>) -> bool {
        let Incoming { event, id, .. } = incoming;
        let names: usize = event.kind.names().into_iter().flatten().map(|name| name.as_str().len()).sum();
        let text = text_of(&event.kind).map_or(0, |text| text.as_str().len());
        let id = id.map_or(0, |id| id.as_str().len());
        let has_room = self.people.len() < MAX_NAMES && self.bytes.len() + names + text + id + ENTRY_COST <= FULL;
        event.seq == self.next && (has_room || self.next == self.first)
    }

    /// Puts an event in that has its [place](Builder::takes) here.
    ///
    /// # Errors
    /// [`Unwritable`]; then the block is of no use any more.
    pub(super) fn push(&mut self, incoming: Incoming<'_>) -> Result<(), Unwritable> {
        let Incoming { event, id, is_erased } = incoming;
        let at = millis(event.at);
        let text = if is_erased { None } else { text_of(&event.kind).map(CleanText::as_str) };
        let (name, what) = match &event.kind {
            EventKind::Joined { name } => (name, What::Joined),
            EventKind::Said { from, .. } => (from, What::Said(text)),
            EventKind::Acted { from, .. } => (from, What::Acted(text)),
            EventKind::Renamed { old, new } => (old, What::Renamed(new.as_str())),
            EventKind::Left { name, reason } => (name, What::Left(reason.word())),
        };
        let spelled = name.as_str();
        // what somebody says at once comes one behind the other
        let is_same = self.people.get(self.latest).is_some_and(|latest| **latest == *spelled);
        let known = if is_same { Some(self.latest) } else { self.people.iter().position(|one| **one == *spelled) };
        self.latest = known.unwrap_or(self.people.len());
        let who = known.map_or(Who::New(spelled), Who::Known);
        let entry = Entry { since: at.wrapping_sub(self.last), who, what, id: id.map(MessageId::as_str) };
        self.bytes = postcard::to_extend(&entry, mem::take(&mut self.bytes)).map_err(|_| Unwritable)?;
        if known.is_none() {
            self.people.push(spelled.into());
            self.marks.add_name(name);
        }
        if let EventKind::Renamed { new, .. } = &event.kind {
            self.marks.add_name(new);
        }
        self.marks.add_text(text);
        (self.last, self.newest) = (at, self.newest.max(at));
        self.next += 1;
        if id.is_some() {
            self.bytes[HAS_IDS] = 1;
        }
        Ok(())
    }

    /// The block as it is now.
    pub(super) fn bytes(&mut self) -> &[u8] {
        self.bytes[NEWEST].copy_from_slice(&self.newest.to_le_bytes());
        let checksum = checksum(self.first, &self.bytes);
        self.bytes[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        &self.bytes
    }

    /// By what its names and words are found.
    pub(super) fn marks(&self) -> Vec<u8> {
        self.marks.bytes()
    }
}

fn checksum(first: u64, block: &[u8]) -> u64 {
    let head = xxh3_64_with_seed(&block[..CHECKSUM.start], first);
    xxh3_64_with_seed(&block[EVENTS..], head)
}

/// The events of a block, all of them, whose first and last one should have these numbers. `None` if it is damaged.
pub(super) fn read(numbers: RangeInclusive<u64>, block: &[u8]) -> Option<Vec<KeptEvent>> {
    if block.len() < EVENTS || block[0] != VERSION {
        return None;
    }
    let (first, last) = numbers.into_inner();
    if block[CHECKSUM] != checksum(first, block).to_le_bytes() {
        return None;
    }
    let (mut rest, mut at) = (&block[EVENTS..], 0_i64);
    let (mut events, mut people): (Vec<KeptEvent>, Vec<Name>) = (Vec::new(), Vec::new());
    let mut seq = first;
    while !rest.is_empty() {
        let entry: Entry<'_>;
        (entry, rest) = postcard::take_from_bytes(rest).ok()?;
        at = at.wrapping_add(entry.since);
        let name = match entry.who {
            Who::Known(place) => people.get(place)?.clone(),
            Who::New(spelled) => {
                people.push(Name::parse_addressed(spelled).ok()?);
                people.last()?.clone()
            }
        };
        let is_erased = matches!(entry.what, What::Said(None) | What::Acted(None));
        let text = |text: Option<&str>| CleanText::new(text.unwrap_or_default().to_owned());
        let kind = match entry.what {
            What::Joined => EventKind::Joined { name },
            What::Said(said) => EventKind::Said { from: name, text: text(said) },
            What::Acted(acted) => EventKind::Acted { from: name, text: text(acted) },
            What::Renamed(new) => EventKind::Renamed { old: name, new: Name::parse_addressed(new).ok()? },
            What::Left(reason) => EventKind::Left { name, reason: Reason::from_word(reason)? },
        };
        let id = entry.id.map(MessageId::new).transpose().ok()?;
        events.push(KeptEvent { event: Event { seq, at: time(at), kind }, id, is_erased });
        seq = seq.checked_add(1)?;
    }
    (!events.is_empty() && seq.checked_sub(1) == Some(last)).then_some(events)
}

/// What can be known of a block without reading it: the time of its newest event, and whether a message in it has an id. `None`
/// if it is damaged.
pub(super) fn summary(block: &[u8]) -> Option<(i64, bool)> {
    let newest = block.get(NEWEST)?.try_into().ok()?;
    Some((i64::from_le_bytes(newest), *block.get(HAS_IDS)? != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Name> {
        prop::sample::select(vec!["Ana", "ANA", "João", "Ｂia", "x", "ab_9"])
            .prop_map(|text| Name::parse(text).unwrap())
    }

    fn kind() -> impl Strategy<Value = EventKind> {
        let text = || "[ -~áç🎉]{0,60}".prop_map(|text: String| CleanText::new(text));
        prop_oneof![
            name().prop_map(|name| EventKind::Joined { name }),
            (name(), text()).prop_map(|(from, text)| EventKind::Said { from, text }),
            (name(), text()).prop_map(|(from, text)| EventKind::Acted { from, text }),
            (name(), name()).prop_map(|(old, new)| EventKind::Renamed { old, new }),
            (name(), prop::sample::select(Reason::ALL.to_vec()))
                .prop_map(|(name, reason)| EventKind::Left { name, reason }),
        ]
    }

    prop_compose! {
        fn events()(
            first in prop_oneof![Just(1), 1..u64::MAX >> 1],
            some in prop::collection::vec((any::<i32>(), kind(), prop::option::of("[!-~]{1,64}"), any::<bool>()), 1..60),
        ) -> Vec<KeptEvent> {
            let kept = |(seq, (at, kind, id, wish)): (u64, (i32, EventKind, Option<String>, bool))| {
                let is_erased = wish && text_of(&kind).is_some();
                let kind = match kind {
                    EventKind::Said { from, .. } if is_erased => EventKind::Said { from, text: "".into() },
                    EventKind::Acted { from, .. } if is_erased => EventKind::Acted { from, text: "".into() },
                    kind => kind,
                };
                let event = Event { seq, at: time(i64::from(at) * 1000), kind };
                KeptEvent { event, id: id.map(|id| MessageId::new(id).unwrap()), is_erased }
            };
            (first..).zip(some).map(kept).collect()
        }
    }

    /// Names as they are spelled: two of one person are equal otherwise.
    fn spelled(events: &[KeptEvent]) -> String {
        format!("{events:?}")
    }

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(events in events()) {
            let mut builder = Builder::of(&events).unwrap().unwrap();
            let numbers = builder.numbers();
            let bytes = builder.bytes().to_owned();
            prop_assert_eq!(spelled(&read(numbers, &bytes).unwrap()), spelled(&events));
            let newest = events.iter().map(|kept| millis(kept.event.at)).max().unwrap();
            prop_assert_eq!(summary(&bytes), Some((newest, events.iter().any(|kept| kept.id.is_some()))));
        }

        #[test]
        fn only_a_large_event_exceeds_a_page(events in events()) {
            let mut builder = Builder::new(events[0].event.seq);
            for kept in &events {
                if !builder.takes(kept.into()) {
                    builder = Builder::new(kept.event.seq);
                }
                prop_assert!(builder.takes(kept.into()));
                builder.push(kept.into()).unwrap();
                prop_assert!(builder.bytes().len() <= FULL);
            }
        }

        #[test]
        fn another_byte_anywhere_is_noticed(events in events(), place: prop::sample::Index, flip in 1..=255_u8) {
            let mut builder = Builder::of(&events).unwrap().unwrap();
            let numbers = builder.numbers();
            let mut bytes = builder.bytes().to_owned();
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
            prop_assert_eq!(read(numbers.clone(), &bytes), None);
            bytes[place] ^= flip;
            prop_assert_eq!(read(numbers.start() + 1..=numbers.end() + 1, &bytes), None);
            prop_assert_eq!(read(*numbers.start()..=numbers.end() + 1, &bytes), None);
            prop_assert_eq!(read(numbers, &bytes[..place]), None);
        }

        /// With the right checksum, too: whoever can write the file can make one.
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200), first: u64, last: u64) {
            let mut block = vec![0; EVENTS];
            block[0] = VERSION;
            block.extend(bytes);
            let checksum = checksum(first, &block);
            block[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
            if let Some(events) = read(first..=last, &block) {
                prop_assert_eq!(events.len() as u64, last - first + 1);
            }
        }
    }
}
