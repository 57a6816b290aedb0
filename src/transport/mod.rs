//! Transports: how a stream of bytes is opened, kept alive and closed. They know sockets and bytes, and nothing of what
//! the bytes say.

pub mod metered;
pub mod rewind;
pub mod tcp;
pub mod tls;
mod unanswered;
mod written_through;

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

use self::written_through::written_through;

/// A connection to one peer, whatever it is made of.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Whether the peer has left unacknowledged what it was sent, for so long that nobody is there any more. False where nobody
    /// can know.
    fn is_unanswered(&self) -> bool;

    /// Has the peer's system told that what was read has arrived, if that waits for something to go along with. Nothing happens
    /// where a program has no say in it.
    fn send_ack(&self);

    /// The bytes that came off the network so far; `None` if they are those that are read of it.
    fn received(&self) -> Option<u64> {
        None
    }
}

impl Transport for TcpStream {
    fn is_unanswered(&self) -> bool {
        unanswered::is_unanswered(self)
    }

    fn send_ack(&self) {
        tcp::send_ack(self);
    }
}

/// A pipe within the process.
impl Transport for DuplexStream {
    fn is_unanswered(&self) -> bool {
        false
    }

    fn send_ack(&self) {}
}

/// Reads and throws away until the peer is done too (or the stream fails) or `left` bytes have come. A socket that is closed
/// with unread input takes back what it sent last.
pub(crate) fn poll_drain<S: AsyncRead + Unpin>(stream: &mut S, left: &mut usize, cx: &mut Context<'_>) -> Poll<()> {
    let mut bytes = [0; 4096];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => *left = left.saturating_sub(buffer.filled().len()),
            Poll::Ready(_) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
        if *left == 0 {
            return Poll::Ready(());
        }
    }
}
