//! A stream of which some has been read already.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{Transport, written_through};

/// A stream that first gives back what was read of it. What was read at once is given back at once, and by itself: to some
/// clients a read is a message.
#[derive(Debug)]
pub struct Rewind<S> {
    reads: VecDeque<Bytes>,
    stream: S,
}

impl<S> Rewind<S> {
    /// A stream that gives back these reads, none of which is empty, and goes on as `stream`.
    pub fn new(reads: VecDeque<Bytes>, stream: S) -> Rewind<S> {
        Rewind { reads, stream }
    }

    /// Puts these bytes before whatever comes next.
    pub fn put_back(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.reads.push_front(bytes);
        }
    }

    /// The stream itself.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewind<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(read) = self.reads.front_mut() else {
            return match Pin::new(&mut self.stream).poll_read(cx, buffer) {
                // an encrypted stream that ends without saying so, as many programs end theirs, ends like one that is not
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                read => read,
            };
        };
        let count = read.len().min(buffer.remaining());
        buffer.put_slice(&read.split_to(count));
        if read.is_empty() {
            self.reads.pop_front();
        }
        if self.reads.is_empty() {
            // most streams have nothing to give back any more, and keep no memory for it
            self.reads = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }
}

written_through!(Rewind);

impl<S: Transport> Transport for Rewind<S> {
    fn is_unanswered(&self) -> bool {
        self.stream.is_unanswered()
    }

    fn send_ack(&self) {
        self.stream.send_ack();
    }

    fn received(&self) -> Option<u64> {
        self.stream.received()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[actix_rt::test]
    async fn what_was_read_comes_first_read_by_read_and_then_the_stream() {
        let (mut near, far) = duplex(64);
        near.write_all(b"xyz").await.unwrap();
        let reads = ["ab", "cde"].map(|read| Bytes::from_static(read.as_bytes()));
        let mut stream = Rewind::new(reads.into(), far);
        stream.put_back("first".into());
        stream.put_back(Bytes::new());
        let mut buffer = [0; 4];
        for expected in ["firs", "t", "ab", "cde", "xyz"] {
            let count = stream.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..count], expected.as_bytes());
        }
        stream.write_all(b"oi").await.unwrap();
        near.read_exact(&mut buffer[..2]).await.unwrap();
        assert_eq!(&buffer[..2], b"oi");
    }
}
