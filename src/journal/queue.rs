//! What waits for the disk, and its bound: pure, so that the rules about what is lost can be tested without a disk.
//!
//! Beyond the bound the oldest that waits is dropped, so that what was lost is one range of numbers, and the newest is kept.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::record::Record;

/// The most records that wait for the disk, unless [less](super::Options::max_waiting) may. Beyond it the journal has
/// [failed](super::Failure::TooSlow).
///
/// It is what 1,920 senders have on their way at once, each as much as it may, on top of what waited when the writer fell
/// [behind](super::Journal::is_behind).
pub const MAX_WAITING: usize = 65_536;

/// The most bytes that wait for the disk.
pub const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024; // 32 MiB

/// The most records in one transaction: the more, the less each costs, and the longer the first one takes.
pub(super) const MAX_BATCH: usize = 2048;

/// The writer has fallen behind if more than this share of what may wait does, in records or bytes.
const MUCH: usize = 16;

/// It has caught up if less than this share waits.
const LITTLE: usize = 64;

/// How many records were [appended](super::Journal::append) until this one, itself included, since the journal was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(pub u64);

/// What was never written, and never will be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lost {
    /// The tickets of its records: none of them is acknowledged.
    pub tickets: Option<RangeInclusive<Ticket>>,
    /// The numbers of the room's events. Readers of the journal find a gap there.
    pub events: Option<RangeInclusive<u64>>,
    /// How many whispers.
    pub whispers: u64,
}

impl Lost {
    /// Whether nothing was lost.
    pub fn is_nothing(&self) -> bool {
        self.tickets.is_none()
    }

    fn add(&mut self, waiting: &Waiting) {
        let event = waiting.record.seq();
        let whispers = u64::from(event.is_none());
        let tickets = Some(waiting.ticket..=waiting.ticket);
        self.extend(&Lost { tickets, events: event.map(|seq| seq..=seq), whispers });
    }

    fn extend(&mut self, other: &Lost) {
        self.tickets = both(self.tickets.take(), other.tickets.as_ref());
        self.events = both(self.events.take(), other.events.as_ref());
        self.whispers += other.whispers;
    }
}

/// The range from the first of two to the last.
fn both<T: Copy + Ord>(one: Option<RangeInclusive<T>>, other: Option<&RangeInclusive<T>>) -> Option<RangeInclusive<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(*one.start().min(other.start())..=*one.end().max(other.end())),
        (one, other) => one.or_else(|| other.cloned()),
    }
}

/// A record on its way to the disk.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) record: Record,
    pub(super) ticket: Ticket,
    /// The number of the last whisper, the record itself included.
    pub(super) whisper: u64,
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Waiting>,
    /// What was dropped before the first one.
    pub(super) lost: Lost,
}

/// What waits.
#[derive(Debug)]
pub(super) struct Queue {
    records: VecDeque<Waiting>,
    bytes: usize,
    /// The most records.
    max: usize,
    /// Whether more waits than is good, or did and has not become little again.
    is_behind: bool,
    /// That of the last record that was ever put in.
    ticket: Ticket,
    /// The number of the last event that was ever put in.
    last_seq: u64,
    /// The number of the last whisper.
    last_whisper: u64,
    /// What was dropped since the last batch.
    lost: Lost,
}

impl Queue {
    /// Nothing waits; these are the numbers of the last event and the last whisper.
    pub(super) fn new(last_seq: u64, last_whisper: u64, max: usize) -> Queue {
        Queue {
            records: VecDeque::new(),
            bytes: 0,
            max,
            is_behind: false,
            ticket: Ticket::default(),
            last_seq,
            last_whisper,
            lost: Lost::default(),
        }
    }

    /// How many records wait.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the writer has fallen behind, and not caught up since: so much waits that whoever brings more should wait, too.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    fn look_whether_behind(&mut self) {
        let share = if self.is_behind { LITTLE } else { MUCH };
        self.is_behind = self.records.len() > self.max / share || self.bytes > MAX_WAITING_BYTES / share;
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether something was dropped since the last batch.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_nothing()
    }

    /// The number of the last event that was ever put in.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The ticket of the last record that was ever put in.
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Puts one in; an event whose number does not rise is refused. Whether it was kept.
    pub(super) fn push(&mut self, record: Record) -> bool {
        self.ticket.0 += 1;
        match record.seq() {
            Some(seq) if seq <= self.last_seq => return false,
            Some(seq) => self.last_seq = seq,
            None => self.last_whisper += 1,
        }
        self.bytes += record.size();
        self.records.push_back(Waiting { record, ticket: self.ticket, whisper: self.last_whisper });
        true
    }

    /// Drops what is too much. Whether there was too much. To be called when all is [in](Queue::push).
    pub(super) fn shorten(&mut self) -> bool {
        let mut is_too_much = false;
        while self.records.len() > self.max || self.bytes > MAX_WAITING_BYTES {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes -= oldest.record.size();
            self.lost.add(&oldest);
            is_too_much = true;
        }
        self.look_whether_behind();
        is_too_much
    }

    /// Takes the next batch out.
    pub(super) fn take(&mut self) -> Batch {
        let count = self.records.len().min(MAX_BATCH);
        let records: Vec<_> = self.records.drain(..count).collect();
        self.bytes -= size(&records);
        self.look_whether_behind();
        Batch { records, lost: std::mem::take(&mut self.lost) }
    }

    /// Puts a batch back that could not be written. If more recent records were dropped meanwhile it is dropped as well: what
    /// is lost stays one range.
    pub(super) fn put_back(&mut self, batch: Batch) {
        if self.lost.is_nothing() {
            self.bytes += size(&batch.records);
            for waiting in batch.records.into_iter().rev() {
                self.records.push_front(waiting);
            }
            self.lost = batch.lost;
            return;
        }
        for waiting in &batch.records {
            self.lost.add(waiting);
        }
        self.lost.extend(&batch.lost);
    }
}

fn size(records: &[Waiting]) -> usize {
    records.iter().map(|waiting| waiting.record.size()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::{Event, EventKind};
    use crate::chat::name::Name;
    use crate::journal::record::Whisper;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::SystemTime;

    fn said(seq: u64, text: &str) -> Record {
        let kind = EventKind::Said { from: Name::parse("Ana").unwrap(), text: text.into() };
        Record::Event { event: Arc::new(Event { seq, at: SystemTime::UNIX_EPOCH, kind }), id: None }
    }

    fn whisper(after: u64) -> Record {
        let [from, to] = ["Ana", "Beto"].map(|name| Name::parse(name).unwrap());
        Record::Whisper {
            whisper: Box::new(Whisper {
                after,
                at: SystemTime::UNIX_EPOCH,
                from,
                to,
                text: "x".into(),
                recipient: None,
            }),
            id: None,
        }
    }

    fn seqs(batch: &Batch) -> Vec<u64> {
        batch.records.iter().filter_map(|waiting| waiting.record.seq()).collect()
    }

    #[test]
    fn a_batch_is_what_waits_up_to_2048() {
        let mut queue = Queue::new(0, 0, MAX_WAITING);
        for seq in 1..=2100 {
            assert!(queue.push(said(seq, "x")));
        }
        assert_eq!(seqs(&queue.take()), (1..=2048).collect::<Vec<_>>());
        let batch = queue.take();
        assert_eq!((seqs(&batch), batch.records.last().unwrap().ticket), ((2049..=2100).collect(), Ticket(2100)));
        assert!(queue.is_empty() && queue.bytes == 0);
    }

    #[test]
    fn a_number_that_does_not_rise_is_refused() {
        let mut queue = Queue::new(4, 0, MAX_WAITING);
        assert_eq!([4, 5, 5, 7].map(|seq| queue.push(said(seq, "x"))), [false, true, false, true]);
    }

    #[test]
    fn beyond_the_bytes_the_oldest_go() {
        let mut queue = Queue::new(0, 0, MAX_WAITING);
        let text = "x".repeat(1024 * 1024);
        for seq in 1..=40 {
            queue.push(said(seq, &text));
        }
        assert!(queue.shorten() && !queue.shorten());
        let batch = queue.take();
        assert_eq!(batch.lost.events, Some(1..=9));
        assert_eq!(batch.lost.tickets, Some(Ticket(1)..=Ticket(9)));
        assert_eq!(seqs(&batch), (10..=40).collect::<Vec<_>>());
    }

    #[test]
    fn the_writer_is_behind_from_much_until_little() {
        let mut queue = Queue::new(0, 0, MAX_WAITING);
        let mut seq = 0;
        let mut push = |queue: &mut Queue, count, text: &str| {
            for _ in 0..count {
                seq += 1;
                queue.push(said(seq, text));
            }
            queue.shorten();
            queue.is_behind()
        };
        assert!(!push(&mut queue, 4096, "x") && push(&mut queue, 1, "x"));
        queue.take();
        assert_eq!((queue.len(), queue.is_behind()), (2049, true));
        queue.take();
        assert!(!queue.is_behind() && !push(&mut queue, 4095, "x") && push(&mut queue, 1, "x"));
        // few, but large
        let mut queue = Queue::new(0, 0, MAX_WAITING);
        assert!(!push(&mut queue, 1, "x") && push(&mut queue, 1, &"x".repeat(MAX_WAITING_BYTES / MUCH)));
    }

    /// Who reads what comes out, and wants every ticket once and in order.
    #[derive(Default)]
    struct Reader {
        ticket: u64,
        seq: u64,
        whispers: u64,
    }

    impl Reader {
        fn read(&mut self, batch: &Batch) {
            if let Some(tickets) = &batch.lost.tickets {
                assert_eq!(tickets.start().0, self.ticket + 1);
                self.ticket = tickets.end().0;
            }
            if let Some(events) = &batch.lost.events {
                assert_eq!(*events.start(), self.seq + 1);
                self.seq = *events.end();
            }
            self.whispers += batch.lost.whispers;
            for waiting in &batch.records {
                self.ticket += 1;
                assert_eq!(waiting.ticket, Ticket(self.ticket));
                match waiting.record.seq() {
                    Some(seq) => self.seq += u64::from(seq == self.seq + 1),
                    None => self.whispers += 1,
                }
                if waiting.record.seq().is_none() {
                    assert_eq!(waiting.whisper, self.whispers);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Whatever happens, what is written and what is lost together are all that was put in, in order, and no more waits
        /// than may.
        #[test]
        fn nothing_is_forgotten(steps in prop::collection::vec((0..36_000_u64, any::<bool>(), any::<bool>()), 1..12)) {
            let (mut queue, mut reader) = (Queue::new(0, 0, MAX_WAITING), Reader::default());
            let (mut seq, mut whispers) = (0, 0);
            for (pushed, fails, is_taken_before) in steps {
                let taken = is_taken_before.then(|| queue.take());
                for _ in 0..pushed {
                    seq += 1;
                    queue.push(said(seq, "x"));
                    if seq.is_multiple_of(3) {
                        queue.push(whisper(seq));
                        whispers += 1;
                    }
                }
                queue.shorten();
                prop_assert!(queue.records.len() <= MAX_WAITING);
                let batch = taken.unwrap_or_else(|| queue.take());
                match fails {
                    true => queue.put_back(batch),
                    false => reader.read(&batch),
                }
                queue.shorten();
            }
            while !queue.is_empty() {
                reader.read(&queue.take());
            }
            prop_assert_eq!((reader.seq, reader.whispers, reader.ticket), (seq, whispers, seq + whispers));
        }
    }
}
