//! A stream below an encryption: how much comes off the network, whatever is made of it.
//!
//! A peer can send much that TLS takes in and that is no text at all (new keys, again and again). It is the network's bytes
//! that a session pays for, and no more of them are taken in at once than a line or two.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::{Transport, written_through};

/// So many bytes are read, then everybody else of the thread has a turn, and whoever reads can look at what was read.
const STRETCH: usize = 16 * 1024; // 16 KiB

/// A stream that counts what is read of it, and pauses after each stretch of it.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    received: u64,
    /// Of this stretch.
    left: usize,
}

impl<S> Metered<S> {
    /// A stream of which nothing was read.
    pub fn new(stream: S) -> Metered<S> {
        Metered { stream, received: 0, left: STRETCH }
    }

    /// The bytes that were read.
    pub fn received(&self) -> u64 {
        self.received
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.left = STRETCH;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        self.received += count as u64;
        self.left = self.left.saturating_sub(count);
        read
    }
}

written_through!(Metered);

impl<S: Transport> Transport for Metered<S> {
    fn is_unanswered(&self) -> bool {
        self.stream.is_unanswered()
    }

    fn send_ack(&self) {
        self.stream.send_ack();
    }

    fn received(&self) -> Option<u64> {
        Some(self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[actix_rt::test]
    async fn it_counts_and_pauses_after_each_stretch() {
        let (mut near, far) = duplex(4 * STRETCH);
        near.write_all(&vec![b'x'; 2 * STRETCH + 5]).await.unwrap();
        let mut stream = Metered::new(far);
        let mut bytes = vec![0; 10 * STRETCH];
        let (mut read, mut pauses) = (0, 0);
        while read < 2 * STRETCH + 5 {
            let mut buffer = ReadBuf::new(&mut bytes[..STRETCH]);
            let step = poll_fn(|cx| Poll::Ready(Pin::new(&mut stream).poll_read(cx, &mut buffer))).await;
            pauses += usize::from(step.is_pending());
            read += buffer.filled().len();
            assert_eq!(stream.received(), read as u64);
        }
        assert_eq!(pauses, 2);
        // whoever waits for it is woken
        near.write_all(b"oi").await.unwrap();
        stream.read_exact(&mut bytes[..2]).await.unwrap();
    }
}
