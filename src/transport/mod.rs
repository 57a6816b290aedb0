//! Transports: how a stream of bytes is opened, kept alive and closed. They know sockets and bytes, and nothing of what
//! the bytes say.

pub mod tcp;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// A connection to one peer, whatever it is made of.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + 'static {
    /// How long sent data may stay without an acknowledgement until the connection counts as lost; zero leaves it to the
    /// system. Does nothing where there is no network in between, or the system cannot.
    fn set_user_timeout(&self, time: Duration);
}

impl Transport for TcpStream {
    fn set_user_timeout(&self, time: Duration) {
        tcp::set_user_timeout(self, time);
    }
}

/// A pipe within the process.
impl Transport for DuplexStream {
    fn set_user_timeout(&self, _: Duration) {}
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
