//! What is owed to one session: bytes that its socket has not taken yet, and the bound on them.
//!
//! Knows bytes and a stream to write them to; neither what they say nor whose they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// What an entry counts beyond its bytes. It covers the queue's own memory, so that a flood of tiny lines is bounded
/// as well as one of long ones.
pub const ENTRY_COST: usize = 64;

/// The most entries handed to the kernel in one call.
const MAX_SLICES: usize = 64;

/// Bytes owed to one session, oldest first. An entry is one or more whole lines.
///
/// 1. What was pushed leaves in the order of pushing, byte for byte, or not at all.
/// 2. It takes everything, and says when that is too much: whoever pushes must then write or [forget](Outbox::forget).
/// 3. A [unit](Unit) of which a part has left stays until the rest has left, so a reader never sees half a line followed
///    by another one.
/// 4. An outbox with one entry or none holds no memory of its own.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The oldest entry; empty if nothing is owed.
    first: Bytes,
    rest: VecDeque<Bytes>,
    owed: usize,
    /// What may be owed beyond the limit, until nothing is.
    spared: usize,
    /// What was owed when it was last reported.
    reported: usize,
    limit: usize,
    soft_limit: usize,
    /// The byte of the first entry that left last, if one has.
    last_sent: Option<u8>,
}

/// What a reader must be sent to its end, if a part of it has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A line, up to its `\n`.
    Line,
    /// A whole entry: where its parts end, only its reader knows.
    Entry,
}

impl Outbox {
    /// An empty outbox that may owe `limit` bytes, entry costs included, and should owe less than `soft_limit`, or than a
    /// quarter of the other; 0 = no limit.
    pub fn new(limit: usize, soft_limit: usize) -> Outbox {
        let [limit, soft_limit] = [limit, soft_limit].map(|bytes| if bytes == 0 { usize::MAX } else { bytes });
        Outbox { limit, soft_limit: soft_limit.min(limit / 4), ..Outbox::default() }
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Bytes) {
        if entry.is_empty() {
            return;
        }
        self.owed += entry.len() + ENTRY_COST;
        if self.first.is_empty() {
            self.first = entry;
        } else {
            self.rest.push_back(entry);
        }
    }

    /// Adds an entry that is no fault of the reader's: until nothing is owed any more, as much may be owed beyond the limit.
    pub fn push_spared(&mut self, entry: Bytes) {
        if !entry.is_empty() {
            self.spared += entry.len() + ENTRY_COST;
            self.push(entry);
        }
    }

    /// Whether more is owed than may be. A single entry never is, however long: it may be the answer to a question.
    pub fn is_over_limit(&self) -> bool {
        self.owed > self.limit.saturating_add(self.spared) && !self.rest.is_empty()
    }

    /// Forgets everything owed but the rest of a unit that has left in part.
    pub fn forget(&mut self, unit: Unit) {
        let line_end = || self.first.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let rest = match (unit, self.last_sent) {
            (_, None) | (Unit::Line, Some(b'\n')) => 0,
            (Unit::Line, Some(_)) => line_end().unwrap_or(self.first.len()),
            (Unit::Entry, Some(_)) => self.first.len(),
        };
        self.first.truncate(rest);
        self.rest = VecDeque::new();
        self.spared = 0;
        self.owed = if self.first.is_empty() { 0 } else { self.first.len() + ENTRY_COST };
    }

    /// Forgets everything owed: nothing more will be written.
    pub fn abandon(&mut self) {
        self.first = Bytes::new();
        self.rest = VecDeque::new();
        (self.owed, self.spared) = (0, 0);
    }

    /// The bytes owed, entry costs included.
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// How many bytes more are owed than at the last report (or fewer, if negative). All reports of an outbox add up to what
    /// it owes.
    pub fn report(&mut self) -> i64 {
        let change = self.owed as i64 - self.reported as i64;
        self.reported = self.owed;
        change
    }

    /// The sum of all reports.
    pub fn reported(&self) -> i64 {
        self.reported as i64
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Whether less is owed than the soft limit. Nothing more is read from a session that owes us reading.
    pub fn has_room(&self) -> bool {
        self.owed < self.soft_limit
    }

    /// Writes until everything has left (`Ready(Ok)`) or the stream takes no more (`Pending`).
    ///
    /// # Errors
    /// Those of the stream.
    pub fn poll_write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = if self.rest.is_empty() {
                ready!(Pin::new(&mut *stream).poll_write(cx, &self.first))?
            } else {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let entries = std::iter::once(&self.first).chain(&self.rest);
                let mut count = 0;
                for (slice, entry) in slices.iter_mut().zip(entries) {
                    *slice = IoSlice::new(entry);
                    count += 1;
                }
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Pin::new(stream).poll_flush(cx)
    }

    /// So many bytes of the oldest entries have left.
    fn advance(&mut self, mut written: usize) {
        while written >= self.first.len() {
            written -= self.first.len();
            self.owed -= self.first.len() + ENTRY_COST;
            self.last_sent = None;
            match self.rest.pop_front() {
                Some(next) => self.first = next,
                None => {
                    self.first = Bytes::new();
                    self.rest = VecDeque::new();
                    self.spared = 0;
                    return;
                }
            }
        }
        if written > 0 {
            self.last_sent = Some(self.first[written - 1]);
            self.first.advance(written);
            self.owed -= written;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::task::Waker;

    /// A stream that takes what it is told to, then no more.
    struct Taker {
        takes: VecDeque<usize>,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Taker {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let Some(take) = self.takes.pop_front() else { return Poll::Pending };
            let take = take.min(bytes.len());
            self.taken.extend_from_slice(&bytes[..take]);
            Poll::Ready(Ok(take))
        }
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            self.poll_write(cx, &bytes)
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn write(outbox: &mut Outbox, taker: &mut Taker) -> Poll<io::Result<()>> {
        outbox.poll_write(taker, &mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_limit_counts_every_entry() {
        let mut outbox = Outbox::new(2 * (ENTRY_COST + 3), 0);
        outbox.push("oi\n".into());
        outbox.push("oi\n".into());
        assert_eq!(outbox.owed(), 2 * (ENTRY_COST + 3));
        assert!(!outbox.is_over_limit());
        assert!(!outbox.has_room());
        outbox.push("\n".into());
        assert!(outbox.is_over_limit());
    }

    #[test]
    fn the_soft_limit_is_at_most_a_quarter_of_the_hard_one() {
        for (limit, soft, expected) in [(1000, 100, 100), (1000, 900, 250), (1000, 0, 250), (0, 100, 100)] {
            let mut outbox = Outbox::new(limit, soft);
            assert!(outbox.has_room());
            outbox.push(vec![b'x'; expected - ENTRY_COST - 1].into());
            assert!(outbox.has_room(), "{limit} {soft}");
            outbox.push("x".into());
            assert!(!outbox.has_room(), "{limit} {soft}");
        }
    }

    #[test]
    fn what_is_spared_counts_against_the_limit_for_nobody_and_as_long_as_something_is_owed() {
        let mut outbox = Outbox::new(1000, 0);
        let much = || Bytes::from_static(&[b'x'; 900]);
        outbox.push_spared(much());
        outbox.push_spared(much());
        outbox.push(much());
        assert!(!outbox.is_over_limit() && !outbox.has_room());
        outbox.push(much());
        assert!(outbox.is_over_limit());
        let mut taker = Taker { takes: [3600, 1].into(), taken: Vec::new() };
        assert!(write(&mut outbox, &mut taker).is_ready());
        outbox.push(much());
        assert!(!outbox.is_over_limit());
        outbox.push(much());
        assert!(outbox.is_over_limit());
    }

    #[test]
    fn zero_is_no_limit() {
        let mut outbox = Outbox::new(0, 0);
        for _ in 0..10_000 {
            outbox.push(Bytes::from_static(&[b'x'; 1000]));
        }
        assert!(outbox.has_room() && !outbox.is_over_limit());
    }

    #[test]
    fn last_words_follow_the_rest_of_a_line_that_was_begun() {
        let mut outbox = Outbox::new(1000, 0);
        for line in ["primeira\n", "segunda\n", "terceira\n"] {
            outbox.push(line.into());
        }
        let mut taker = Taker { takes: [12].into(), taken: Vec::new() };
        assert!(write(&mut outbox, &mut taker).is_pending());
        outbox.forget(Unit::Line);
        outbox.push("fim\n".into());
        taker.takes.extend([99, 99]);
        assert!(write(&mut outbox, &mut taker).is_ready());
        assert_eq!(taker.taken, b"primeira\nsegunda\nfim\n");
        assert_eq!(outbox.owed(), 0);
    }

    #[test]
    fn of_an_entry_with_many_lines_only_the_line_that_was_begun_is_kept() {
        for (taken, expected) in
            [(12, "primeira\nsegunda\nfim\n"), (9, "primeira\nfim\n"), (25, "primeira\nsegunda\nterceira\nfim\n")]
        {
            let mut outbox = Outbox::new(1000, 0);
            outbox.push("primeira\nsegunda\nterceira\n".into());
            outbox.push("quarta\n".into());
            let mut taker = Taker { takes: [taken].into(), taken: Vec::new() };
            assert!(write(&mut outbox, &mut taker).is_pending());
            outbox.forget(Unit::Line);
            outbox.push("fim\n".into());
            taker.takes.extend([99, 99]);
            assert!(write(&mut outbox, &mut taker).is_ready());
            assert_eq!(taker.taken, expected.as_bytes());
            assert_eq!(outbox.owed(), 0);
        }
    }

    #[test]
    fn of_an_entry_that_is_kept_whole_all_is_kept_if_a_part_has_left() {
        for (taken, expected) in [(3, "a\nb\nfim"), (2, "a\nb\nfim"), (4, "a\nb\nfim")] {
            let mut outbox = Outbox::new(1000, 0);
            outbox.push("a\nb\n".into());
            outbox.push("c".into());
            let mut taker = Taker { takes: [taken].into(), taken: Vec::new() };
            assert!(write(&mut outbox, &mut taker).is_pending());
            outbox.forget(Unit::Entry);
            outbox.push("fim".into());
            taker.takes.extend([99, 99]);
            assert!(write(&mut outbox, &mut taker).is_ready());
            assert_eq!(taker.taken, expected.as_bytes());
        }
    }

    #[test]
    fn last_words_alone_if_no_line_was_begun() {
        let mut outbox = Outbox::new(1000, 0);
        outbox.push("primeira\n".into());
        outbox.forget(Unit::Line);
        outbox.push("fim\n".into());
        let mut taker = Taker { takes: [99].into(), taken: Vec::new() };
        assert!(write(&mut outbox, &mut taker).is_ready());
        assert_eq!(taker.taken, b"fim\n");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error() {
        let mut outbox = Outbox::new(1000, 0);
        outbox.push("oi\n".into());
        let mut taker = Taker { takes: [0].into(), taken: Vec::new() };
        assert!(matches!(write(&mut outbox, &mut taker), Poll::Ready(Err(_))));
    }

    proptest! {
        #[test]
        fn everything_leaves_once_and_in_order(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..200),
            takes in prop::collection::vec(1usize..120, 0..300),
        ) {
            let mut outbox = Outbox::new(0, 0);
            for entry in &entries {
                outbox.push(entry.clone().into());
            }
            let mut taker = Taker { takes: takes.into(), taken: Vec::new() };
            let done = write(&mut outbox, &mut taker).is_ready();
            let all = entries.concat();
            prop_assert_eq!(&taker.taken, &all[..taker.taken.len()]);
            prop_assert_eq!(done, taker.taken.len() == all.len());
            prop_assert_eq!(done, outbox.is_empty());
            let left = std::iter::once(&outbox.first).chain(&outbox.rest).filter(|entry| !entry.is_empty());
            let left: usize = left.map(|entry| entry.len() + ENTRY_COST).sum();
            prop_assert_eq!(outbox.owed(), left);
            prop_assert_eq!(outbox.report(), left as i64);
            prop_assert_eq!((outbox.report(), outbox.reported()), (0, left as i64));
        }
    }
}
