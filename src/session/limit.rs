//! Time limits, and the time in which the server itself stood still.
//!
//! When a process that was stopped goes on (`kill -STOP` and `-CONT`, a debugger, a virtual machine that was paused), its
//! timers are over at once, before it has heard what its peers did meanwhile. Nobody is cut for that: a limit that is noticed
//! so late counts anew.

use std::pin::Pin;
use std::task::{self, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A timer that is noticed so late was not noticed because the server stood still, or had far too much to do.
const LATE: Duration = Duration::from_millis(500);

/// Polls the timer of a limit. If it is over, but the server stood still meanwhile, the limit begins anew.
pub(super) fn poll_limit(timer: &mut Pin<Box<Sleep>>, limit: Duration, cx: &mut task::Context<'_>) -> Poll<()> {
    ready!(timer.as_mut().poll(cx));
    if !stood_still(timer) {
        return Poll::Ready(());
    }
    timer.as_mut().reset(Instant::now() + limit);
    timer.as_mut().poll(cx)
}

/// Whether the server has noticed late that this timer is over.
pub(super) fn stood_still(timer: &Sleep) -> bool {
    Instant::now().saturating_duration_since(timer.deadline()) >= LATE
}
