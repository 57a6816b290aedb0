//! Messages that are sent again: whoever lost the connection before the acknowledgement came cannot know whether the
//! message arrived, sends it once more, and it is said once.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant, SystemTime};

use super::token::MessageKey;

/// How long a message is known.
pub const WINDOW: Duration = Duration::from_secs(10 * 60); // 10 min

/// The most messages that are known; with more, the oldest is forgotten before its time. A hundred bytes each.
pub const MAX_KNOWN: usize = 100_000;

/// What became of a message when it first came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// The number of its event; `None` for a whisper.
    pub seq: Option<u64>,
    /// The number of its record among those that the journal was handed since the start; 0 if it was handed none.
    pub record: u64,
    /// When the room took it.
    pub at: SystemTime,
    /// Whether the journal has not lost it.
    pub is_kept: bool,
}

/// The messages that would be known if they came again.
#[derive(Debug, Default)]
pub struct Repeats {
    known: HashMap<MessageKey, First>,
    /// When which one came, in that order.
    order: VecDeque<(Instant, MessageKey)>,
}

impl Repeats {
    /// What became of this message, if it is known.
    pub fn find(&mut self, key: MessageKey, now: Instant) -> Option<First> {
        self.forget(now);
        self.known.get(&key).copied()
    }

    /// Remembers a message that came now, and was not known.
    pub fn add(&mut self, key: MessageKey, first: First, now: Instant) {
        self.known.insert(key, first);
        self.order.push_back((now, key));
        self.forget(now);
    }

    /// The journal has lost the records with these numbers.
    pub fn lose(&mut self, records: &RangeInclusive<u64>) {
        for first in self.known.values_mut().filter(|first| records.contains(&first.record)) {
            first.is_kept = false;
        }
    }

    fn forget(&mut self, now: Instant) {
        while let Some((came, key)) = self.order.front().copied()
            && (now.saturating_duration_since(came) >= WINDOW || self.order.len() > MAX_KNOWN)
        {
            self.order.pop_front();
            self.known.remove(&key);
        }
        // a crowd that has left takes its memory with it
        if self.known.capacity() > 1024.max(4 * self.known.len()) {
            self.known.shrink_to(2 * self.known.len());
            self.order.shrink_to(2 * self.order.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::{TOKEN_BYTES, Token};
    use super::*;
    use proptest::prelude::*;

    fn key(id: usize) -> MessageKey {
        MessageKey::new(&Token::new([1; TOKEN_BYTES]).proof(), &id.to_string())
    }

    fn first(seq: u64) -> First {
        First { seq: Some(seq), record: seq, at: SystemTime::UNIX_EPOCH, is_kept: true }
    }

    proptest! {
        /// Against the simplest thing that could be right: a list that is looked through.
        #[test]
        fn a_message_is_known_for_as_long_as_the_window(steps in prop::collection::vec((0usize..20, 0u64..400), 0..100)) {
            let mut repeats = Repeats::default();
            let mut list: Vec<(Instant, usize, First)> = Vec::new();
            let mut now = Instant::now();
            for (seq, (id, seconds)) in (1..).zip(steps) {
                now += Duration::from_secs(seconds);
                list.retain(|(came, ..)| now - *came < WINDOW);
                let expected = list.iter().find(|(_, other, _)| *other == id).map(|(.., first)| *first);
                let found = repeats.find(key(id), now);
                prop_assert_eq!(found, expected);
                if found.is_none() {
                    repeats.add(key(id), first(seq), now);
                    list.push((now, id, first(seq)));
                }
                prop_assert_eq!(repeats.known.len(), list.len());
                prop_assert_eq!(repeats.order.len(), list.len());
            }
        }
    }

    #[test]
    fn it_is_bounded() {
        let mut repeats = Repeats::default();
        let now = Instant::now();
        for id in 0..MAX_KNOWN + 10 {
            repeats.add(key(id), first(1), now);
        }
        assert_eq!((repeats.known.len(), repeats.order.len()), (MAX_KNOWN, MAX_KNOWN));
        assert_eq!((repeats.find(key(9), now), repeats.find(key(10), now)), (None, Some(first(1))));
        assert_eq!(repeats.find(key(10), now + WINDOW), None);
        assert!(repeats.known.is_empty() && repeats.known.capacity() <= 1024);
    }

    #[test]
    fn what_the_journal_lost_is_known_and_not_kept() {
        let mut repeats = Repeats::default();
        let now = Instant::now();
        (1..=3).for_each(|seq| repeats.add(key(seq as usize), first(seq), now));
        repeats.lose(&(2..=2));
        let kept = [1, 2, 3].map(|id| repeats.find(key(id), now).unwrap().is_kept);
        assert_eq!(kept, [true, false, true]);
    }
}
