//! The newest events of the room, in memory: what newcomers are shown, what is shown to whoever asks, and what somebody has
//! missed who comes back.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::event::{Event, EventKind};

/// The most messages that are kept, and that can be asked for at once.
pub const MAX_MESSAGES: usize = 1000;

/// The most bytes of texts that are kept, of messages and of all events.
pub const MAX_BYTES: usize = 1024 * 1024; // 1 MiB

/// The most events that are kept, and that somebody can have missed who comes back; whoever missed more has a gap.
pub const MAX_MISSED: usize = 1000;

/// Events of the room, oldest first, shared with whoever reads them.
pub type Page = Arc<[Arc<Event>]>;

/// Where somebody was in the order of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which order that is: every start of a room begins another one.
    pub epoch: Box<str>,
    /// The number of the last event that they know.
    pub seq: u64,
    /// The [number](super::event::Whispered::number) of the last whisper to them that they know; 0 for none.
    pub whispers: u64,
}

/// What happened last.
#[derive(Debug, Default)]
pub struct History {
    /// All events.
    events: Bounded,
    /// Those in which somebody said or did something.
    messages: Bounded,
    /// Numbers of events that somebody may know though they are not kept: see [`History::undone_from`].
    undone: Vec<RangeInclusive<u64>>,
    /// The page that was asked for last, until something else is said: many who come at once are shown the same.
    page: Option<(usize, Page)>,
}

impl History {
    /// Keeps an event, whose number is higher than that of the one before, and forgets the oldest ones if there are too many.
    pub fn add(&mut self, event: &Arc<Event>) {
        self.events.push(event, MAX_MISSED);
        if matches!(event.kind, EventKind::Said { .. } | EventKind::Acted { .. }) {
            self.page = None;
            self.messages.push(event, MAX_MESSAGES);
        }
    }

    /// Events with these numbers were told to people, perhaps, and are not kept: the server ended before they were written. Nobody
    /// else will ever hear of them, unless somebody says the same again.
    pub fn undo(&mut self, numbers: RangeInclusive<u64>) {
        self.undone.push(numbers);
    }

    /// The number of the first event that did not happen for anybody else, if that of the last event that somebody knows is
    /// one of those.
    pub fn undone_from(&self, seq: u64) -> Option<u64> {
        self.undone.iter().find(|numbers| numbers.contains(&seq)).map(|numbers| *numbers.start())
    }

    /// Everything that happened after the event with number `seq`, at most [`MAX_MISSED`] events; `None` if that is more, or
    /// not kept any more, or if that number was not given yet. Numbers may be skipped: nothing happened there.
    pub fn after(&self, seq: u64) -> Option<Page> {
        let events = &self.events;
        if seq < events.forgotten || seq > events.last {
            return None;
        }
        Some(self.known_after(seq))
    }

    /// What happened after the event with number `seq`, as far as it is still known.
    pub fn known_after(&self, seq: u64) -> Page {
        let list = &self.events.list;
        list.range(list.partition_point(|event| event.seq <= seq)..).cloned().collect()
    }

    /// Nothing is known of what happened up to this number.
    pub fn begin_after(&mut self, seq: u64) {
        for list in [&mut self.events, &mut self.messages] {
            (list.forgotten, list.last) = (seq, seq);
        }
    }

    /// No events have the numbers up to this one that were not given yet.
    pub fn skip_to(&mut self, seq: u64) {
        self.events.last = self.events.last.max(seq);
    }

    /// The newest `count` messages, or as many as there are.
    pub fn newest(&mut self, count: usize) -> Page {
        if let Some((_, page)) = self.page.as_ref().filter(|(asked, _)| *asked == count) {
            return Arc::clone(page);
        }
        let page = self.messages.newest(count);
        self.page = Some((count, Arc::clone(&page)));
        page
    }
}

/// A list that forgets its oldest events when there are too many, or their texts are too long.
#[derive(Debug, Default)]
struct Bounded {
    list: VecDeque<Arc<Event>>,
    /// The bytes of their texts.
    bytes: usize,
    /// The number of the last event that there was.
    last: u64,
    /// That of the last one that is forgotten.
    forgotten: u64,
}

impl Bounded {
    fn push(&mut self, event: &Arc<Event>, max: usize) {
        self.list.push_back(Arc::clone(event));
        self.bytes += bytes(event);
        self.last = event.seq;
        while self.list.len() > max || self.bytes > MAX_BYTES {
            let Some(oldest) = self.list.pop_front() else { return };
            self.bytes -= bytes(&oldest);
            self.forgotten = oldest.seq;
        }
    }

    fn newest(&self, count: usize) -> Page {
        self.list.iter().skip(self.list.len().saturating_sub(count)).cloned().collect()
    }
}

/// How long the text of an event is.
fn bytes(event: &Event) -> usize {
    match &event.kind {
        EventKind::Said { text, .. } | EventKind::Acted { text, .. } => text.as_str().len(),
        EventKind::Joined { .. } | EventKind::Renamed { .. } | EventKind::Left { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Name;
    use super::*;
    use proptest::prelude::*;
    use std::time::SystemTime;

    fn event(seq: u64, kind: EventKind) -> Arc<Event> {
        Arc::new(Event { seq, at: SystemTime::UNIX_EPOCH, kind })
    }

    fn said(seq: u64, text: &str) -> Arc<Event> {
        event(seq, EventKind::Said { from: Name::parse("Ana").unwrap(), text: text.into() })
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.iter().map(|event| event.seq).collect()
    }

    #[test]
    fn the_newest_messages_and_nothing_else() {
        let mut history = History::default();
        assert_eq!(numbers(&history.newest(50)), [0; 0]);
        history.add(&event(1, EventKind::Joined { name: Name::parse("Ana").unwrap() }));
        history.add(&said(2, "oi"));
        history.add(&event(3, EventKind::Acted { from: Name::parse("Ana").unwrap(), text: "acena".into() }));
        history.add(&said(4, "tchau"));
        assert_eq!(numbers(&history.newest(50)), [2, 3, 4]);
        assert_eq!(numbers(&history.newest(2)), [3, 4]);
        assert_eq!(numbers(&history.newest(0)), [0; 0]);
    }

    #[test]
    fn exactly_what_somebody_has_missed_or_nothing() {
        let mut history = History::default();
        assert_eq!(history.after(0).map(|page| page.len()), Some(0));
        assert_eq!(history.after(1), None);
        (1..=3000).for_each(|seq| history.add(&said(seq, "x")));
        for (seq, missed) in
            [(3000, Some(0)), (2999, Some(1)), (2000, Some(1000)), (1999, None), (0, None), (3001, None)]
        {
            let page = history.after(seq);
            assert_eq!(page.as_ref().map(|page| page.len()), missed, "{seq}");
            let numbers = page.map(|page| numbers(&page)).unwrap_or_default();
            assert!(numbers.iter().copied().eq(seq + 1..=seq + missed.unwrap_or(0) as u64), "{seq}: {numbers:?}");
        }
        for (seq, first) in [(0, 2001), (2000, 2001), (2998, 2999), (2999, 3000)] {
            assert!(numbers(&history.known_after(seq)).into_iter().eq(first..=3000), "{seq}");
        }
        for seq in [3000, u64::MAX] {
            assert_eq!(numbers(&history.known_after(seq)), [0; 0]);
        }
    }

    #[test]
    fn numbers_may_be_skipped_and_what_was_before_is_unknown() {
        let mut history = History::default();
        history.begin_after(100);
        assert_eq!(
            (history.after(99), history.after(100).map(|page| page.len()), history.after(101)),
            (None, Some(0), None)
        );
        history.add(&said(101, "x"));
        history.skip_to(500);
        history.add(&said(501, "x"));
        for (seq, missed) in [(99, None), (100, Some(2)), (101, Some(1)), (300, Some(1)), (501, Some(0)), (502, None)] {
            assert_eq!(history.after(seq).map(|page| page.len()), missed, "{seq}");
        }
    }

    #[test]
    fn what_is_undone_is_said_to_whoever_knows_it() {
        let mut history = History::default();
        history.add(&said(4, "x"));
        history.undo(5..=1000);
        history.skip_to(1000);
        history.add(&said(1001, "x"));
        let undone = [4, 5, 7, 1000, 1001].map(|seq| history.undone_from(seq));
        assert_eq!(undone, [None, Some(5), Some(5), Some(5), None]);
        assert_eq!(history.after(7).map(|page| numbers(&page)), Some(vec![1001]));
    }

    proptest! {
        /// Whatever happened, was skipped, or was undone: whoever comes back gets what followed, or is told that it is not known.
        #[test]
        fn whoever_comes_back_gets_exactly_the_rest(steps in prop::collection::vec((0u8..10, 1u64..50), 0..60), known: u64) {
            let mut history = History::default();
            let (mut all, mut undone, mut last) = (Vec::new(), Vec::new(), 0);
            for (step, count) in steps {
                if step < 8 {
                    (0..count).for_each(|_| {
                        last += 1;
                        all.push(last);
                        history.add(&said(last, "x"));
                    });
                } else {
                    undone.push(last + 1..=last + count);
                    history.undo(last + 1..=last + count);
                    last += count;
                    history.skip_to(last);
                }
            }
            let known = known % (last + 2);
            let rest: Vec<u64> = all.iter().copied().filter(|seq| *seq > known).collect();
            let is_known = rest.len() <= MAX_MISSED && known <= last;
            prop_assert_eq!(history.after(known).map(|page| numbers(&page)), is_known.then_some(rest));
            let expected = undone.iter().find(|numbers| numbers.contains(&known)).map(|numbers| *numbers.start());
            prop_assert_eq!(history.undone_from(known), expected);
        }
    }

    #[test]
    fn many_who_come_at_once_share_a_page() {
        let mut history = History::default();
        history.add(&said(1, "oi"));
        let page = history.newest(50);
        assert!(Arc::ptr_eq(&page, &history.newest(50)));
        history.add(&said(2, "oi"));
        assert_eq!(numbers(&history.newest(50)), [1, 2]);
    }

    #[test]
    fn it_is_bounded_in_messages_and_in_bytes() {
        let mut history = History::default();
        (1..=3000).for_each(|seq| history.add(&said(seq, "x")));
        assert_eq!(numbers(&history.newest(usize::MAX)), (2001..=3000).collect::<Vec<_>>());
        let long = "x".repeat(MAX_BYTES / 10);
        (3001..=3020).for_each(|seq| history.add(&said(seq, &long)));
        assert_eq!((history.after(3010).map(|page| page.len()), history.after(3009)), (Some(10), None));
        assert_eq!(numbers(&history.newest(usize::MAX)), (3011..=3020).collect::<Vec<_>>());
        history.add(&said(4000, &"x".repeat(MAX_BYTES + 1)));
        assert_eq!((numbers(&history.newest(1)), history.messages.bytes), (vec![], 0));
        assert_eq!((history.after(4000).map(|page| page.len()), history.after(3999)), (Some(0), None));
    }
}
