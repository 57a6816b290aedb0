//! How long somebody may read too slowly. A reader who is far behind is cut when so much is owed that the outbox is full;
//! one who stays behind, who costs memory as well, is cut after a while.

use std::task;
use std::time::Duration;

use tokio::time::sleep;

use super::limit::poll_limit;
use super::{Connection, goodbye};
use crate::chat::event::Reason;
use crate::dialect::Format;
use crate::metrics::Limit;
use crate::outbox::Unit;
use crate::transport::Transport;

impl<S: Transport> Connection<S> {
    /// Whether the session must look at the clock, which it does not know yet.
    pub(super) fn begins_to_lag(&self) -> bool {
        self.lag.is_none() && !self.outbox.has_room() && self.config.outbox_time > Duration::ZERO
    }

    /// Ends a session that has owed reading for too long.
    pub(super) fn poll_lag(&mut self, cx: &mut task::Context<'_>) {
        if self.is_closing() || self.outbox.has_room() {
            self.lag = None;
            return;
        }
        if self.begins_to_lag() {
            self.lag = Some(Box::pin(sleep(self.config.outbox_time)));
        }
        let Some(lag) = &mut self.lag else { return };
        if poll_limit(lag, self.config.outbox_time, cx).is_ready() {
            self.lag = None;
            self.cut_for_slowness(Limit::OutboxTime);
            cx.waker().wake_by_ref();
        }
    }

    /// Forgets what is owed, and says why.
    pub(super) fn cut_for_slowness(&mut self, limit: Limit) {
        self.metrics.limits.count(limit);
        self.outbox.forget(if self.format == Format::WebSocket { Unit::Entry } else { Unit::Line });
        self.close(Reason::TooSlow, goodbye(Reason::TooSlow));
    }
}
