//! Whether the program at the other end of a WebSocket is still there. TCP finds out when a machine is gone; a ping is
//! answered only by a program that lives, and keeps the connection alive in whatever is on the way.

use std::pin::Pin;
use std::task;

use tokio::time::{Instant, Sleep, sleep};

use super::limit::stood_still;
use super::{Connection, goodbye};
use crate::chat::event::Reason;
use crate::dialect::{Format, websocket};
use crate::transport::Transport;

/// When the next ping is due, or the answer to the last one.
pub(super) struct Keepalive {
    timer: Pin<Box<Sleep>>,
    is_pinged: bool,
}

impl<S: Transport> Connection<S> {
    /// Pings a peer that has been silent, and ends the session of one that does not answer.
    pub(super) fn poll_keepalive(&mut self, cx: &mut task::Context<'_>) {
        let (ping_after, ping_timeout) = (self.config.ping_after, self.config.ping_timeout);
        if self.format != Format::WebSocket || ping_after.is_zero() || self.is_closing() {
            return;
        }
        loop {
            let keepalive = self
                .keepalive
                .get_or_insert_with(|| Keepalive { timer: Box::pin(sleep(ping_after)), is_pinged: false });
            if keepalive.timer.as_mut().poll(cx).is_pending() {
                return;
            }
            let now = Instant::now();
            let since = if stood_still(&keepalive.timer) { now } else { self.heard_at };
            let was_pinged = std::mem::take(&mut keepalive.is_pinged);
            if now < since + ping_after {
                keepalive.timer.as_mut().reset(since + ping_after);
            } else if !was_pinged {
                keepalive.is_pinged = true;
                keepalive.timer.as_mut().reset(now + ping_timeout);
                self.owe(websocket::ping());
            } else {
                self.close(Reason::TimedOut, goodbye(Reason::TimedOut));
                return cx.waker().wake_by_ref();
            }
        }
    }
}
