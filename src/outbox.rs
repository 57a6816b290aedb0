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

/// Entries an idle outbox keeps room for.
const IDLE_ENTRIES: usize = 16;

/// Bytes owed to one session, oldest first, at most `limit` of them.
///
/// 1. What was pushed leaves in the order of pushing, byte for byte, or not at all.
/// 2. What would exceed the limit is not taken.
/// 3. An entry of which a part has left stays until the rest has left, so a reader never sees half a line followed
///    by another one.
#[derive(Debug)]
pub struct Outbox {
    entries: VecDeque<Bytes>,
    owed: usize,
    limit: usize,
    /// Whether a part of the first entry has left.
    first_is_partial: bool,
}

/// The outbox would owe more than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session reads too slowly")]
pub struct Overflow;

impl Outbox {
    /// An empty outbox that takes `limit` bytes, entry costs included; 0 = no limit.
    pub fn new(limit: usize) -> Outbox {
        Outbox {
            entries: VecDeque::new(),
            owed: 0,
            limit: if limit == 0 { usize::MAX } else { limit },
            first_is_partial: false,
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`Overflow`] if the limit would be exceeded; the entry is dropped then, what is owed already stays.
    pub fn push(&mut self, entry: Bytes) -> Result<(), Overflow> {
        let owed = self.owed + entry.len() + ENTRY_COST;
        if owed > self.limit {
            return Err(Overflow);
        }
        self.owed = owed;
        self.entries.push_back(entry);
        Ok(())
    }

    /// Adds last words, whatever the limit. Called once in a session's life, so the bound holds but for one sentence.
    pub fn push_last_words(&mut self, entry: Bytes) {
        self.owed += entry.len() + ENTRY_COST;
        self.entries.push_back(entry);
    }

    /// Forgets everything owed but the rest of an entry that has left in part.
    pub fn forget(&mut self) {
        self.entries.truncate(usize::from(self.first_is_partial));
        self.owed = self.entries.iter().map(|entry| entry.len() + ENTRY_COST).sum();
    }

    /// The bytes owed, entry costs included.
    pub fn owed(&self) -> usize {
        self.owed
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether less than a quarter of the limit is owed. Nothing more is read from a session that owes us reading.
    pub fn has_room(&self) -> bool {
        self.owed < self.limit / 4
    }

    /// Writes until everything has left (`Ready(Ok)`) or the stream takes no more (`Pending`).
    ///
    /// # Errors
    /// Those of the stream.
    pub fn poll_write<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.entries.is_empty() {
            let written = if self.entries.len() == 1 {
                ready!(Pin::new(&mut *stream).poll_write(cx, &self.entries[0]))?
            } else {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let count = self.entries.len().min(MAX_SLICES);
                for (slice, entry) in slices.iter_mut().zip(&self.entries) {
                    *slice = IoSlice::new(entry);
                }
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        self.entries.shrink_to(IDLE_ENTRIES);
        Pin::new(stream).poll_flush(cx)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.entries.front_mut() {
            if written < first.len() {
                first.advance(written);
                self.owed -= written;
                self.first_is_partial |= written > 0;
                return;
            }
            written -= first.len();
            self.owed -= first.len() + ENTRY_COST;
            self.first_is_partial = false;
            self.entries.pop_front();
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
        let mut outbox = Outbox::new(2 * (ENTRY_COST + 3));
        assert_eq!(outbox.push(Bytes::from_static(b"oi\n")), Ok(()));
        assert_eq!(outbox.push(Bytes::from_static(b"oi\n")), Ok(()));
        assert_eq!(outbox.push(Bytes::new()), Err(Overflow));
        assert_eq!(outbox.owed(), 2 * (ENTRY_COST + 3));
        assert!(!outbox.has_room());
    }

    #[test]
    fn zero_is_no_limit() {
        let mut outbox = Outbox::new(0);
        for _ in 0..10_000 {
            outbox.push(Bytes::from_static(&[b'x'; 1000])).unwrap();
        }
        assert!(outbox.has_room());
    }

    #[test]
    fn last_words_follow_the_rest_of_a_line_that_was_begun() {
        let mut outbox = Outbox::new(1000);
        for line in ["primeira\n", "segunda\n", "terceira\n"] {
            outbox.push(line.into()).unwrap();
        }
        let mut taker = Taker { takes: [12].into(), taken: Vec::new() };
        assert!(write(&mut outbox, &mut taker).is_pending());
        outbox.forget();
        outbox.push_last_words("fim\n".into());
        taker.takes.extend([99, 99]);
        assert!(write(&mut outbox, &mut taker).is_ready());
        assert_eq!(taker.taken, b"primeira\nsegunda\nfim\n");
        assert_eq!(outbox.owed(), 0);
    }

    #[test]
    fn last_words_alone_if_no_line_was_begun() {
        let mut outbox = Outbox::new(1000);
        outbox.push("primeira\n".into()).unwrap();
        outbox.forget();
        outbox.push_last_words("fim\n".into());
        let mut taker = Taker { takes: [99].into(), taken: Vec::new() };
        assert!(write(&mut outbox, &mut taker).is_ready());
        assert_eq!(taker.taken, b"fim\n");
    }

    #[test]
    fn a_stream_that_takes_nothing_is_an_error() {
        let mut outbox = Outbox::new(1000);
        outbox.push("oi\n".into()).unwrap();
        let mut taker = Taker { takes: [0].into(), taken: Vec::new() };
        assert!(matches!(write(&mut outbox, &mut taker), Poll::Ready(Err(_))));
    }

    proptest! {
        #[test]
        fn everything_leaves_once_and_in_order(
            entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..200),
            takes in prop::collection::vec(1usize..120, 0..300),
        ) {
            let mut outbox = Outbox::new(0);
            for entry in &entries {
                outbox.push(entry.clone().into()).unwrap();
            }
            let mut taker = Taker { takes: takes.into(), taken: Vec::new() };
            let done = write(&mut outbox, &mut taker).is_ready();
            let all = entries.concat();
            prop_assert_eq!(&taker.taken, &all[..taker.taken.len()]);
            prop_assert_eq!(done, taker.taken.len() == all.len());
            prop_assert_eq!(done, outbox.is_empty());
            let left: usize = outbox.entries.iter().map(|entry| entry.len() + ENTRY_COST).sum();
            prop_assert_eq!(outbox.owed(), left);
        }
    }
}
