//! How fast a session may send. Whoever sends faster is not read from for a while: nothing is lost, TCP holds the sender
//! back, and nobody else notices.

use std::pin::Pin;
use std::task;
use std::time::{Duration, Instant};

use tokio::time::{self, Sleep};

use super::Connection;
use super::limit::stood_still;
use crate::chat::answer::Answer;
use crate::chat::event::Reason;
use crate::chat::throttle::{Bucket, Rate};
use crate::config::Config;
use crate::transport::Transport;

/// What a mistake costs beside its line, in tokens of [`Config::rate`].
const MISTAKE: u32 = 1;

/// What a session has used of its rates.
#[derive(Default)]
pub(super) struct Throttle {
    lines: Bucket,
    bytes: Bucket,
    /// Since when there has always been more to read than there were tokens.
    behind_since: Option<Instant>,
    /// Whether the person has been told that lines wait.
    is_told: bool,
    /// Over when there is a token again.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Throttle {
    /// Whether nothing may be read now.
    pub(super) fn is_pausing(&self) -> bool {
        self.pause.is_some()
    }

    /// What is read now waited for a moment at most.
    pub(super) fn is_not_behind(&mut self) {
        self.behind_since = None;
    }

    /// There is nothing more to read now.
    pub(super) fn has_caught_up(&mut self) {
        if !self.is_pausing() {
            self.behind_since = None;
            self.is_told = false;
        }
    }

    fn next_at(&self, config: &Config, now: Instant) -> Option<Instant> {
        let next_at = |bucket: Bucket, rate: Option<Rate>| bucket.next_at(rate?, now);
        next_at(self.lines, config.line_rate()).max(next_at(self.bytes, config.byte_rate()))
    }
}

impl<S: Transport> Connection<S> {
    /// So many lines were taken, and so many bytes.
    pub(super) fn pay(&mut self, lines: u32, bytes: u32, now: Instant) {
        if let Some(rate) = self.config.line_rate() {
            self.throttle.lines.take(lines, rate, now);
        }
        if let Some(rate) = self.config.byte_rate() {
            self.throttle.bytes.take(bytes, rate, now);
        }
        // only a line that came after a pause has waited
        if lines > 0 && self.throttle.behind_since.is_some() && !std::mem::replace(&mut self.throttle.is_told, true) {
            self.answer(Answer::Throttled);
        }
        let Some(next_at) = self.throttle.next_at(&self.config, now) else { return };
        self.throttle.pause = Some(Box::pin(time::sleep_until(next_at.into())));
        self.throttle.behind_since.get_or_insert(now);
    }

    /// So many bytes more go out to each reader than came in.
    pub(super) fn pay_for_pictures(&mut self, bytes: usize) {
        if bytes > 0
            && let Some(rate) = self.config.byte_rate()
        {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.throttle.bytes.take(bytes, rate, time::Instant::now().into_std());
        }
    }

    /// A mistake is answered, which costs the server more than a line that is not.
    pub(super) fn pay_for_mistake(&mut self) {
        if let Some(rate) = self.config.line_rate() {
            self.throttle.lines.take(MISTAKE, rate, time::Instant::now().into_std());
        }
    }

    /// Ends the pause when it is time, and the session if it has always been behind for too long.
    pub(super) fn poll_throttle(&mut self, cx: &mut task::Context<'_>) {
        let Some(pause) = &mut self.throttle.pause else { return };
        if pause.as_mut().poll(cx).is_pending() {
            return;
        }
        let has_stood_still = stood_still(pause);
        self.throttle.pause = None;
        let now = time::Instant::now().into_std();
        if has_stood_still {
            self.throttle.behind_since = Some(now);
        }
        let behind = self.throttle.behind_since.map_or(Duration::ZERO, |since| now - since);
        if self.config.flood > Duration::ZERO && behind >= self.config.flood && !self.is_closing() {
            self.close(Reason::Flooded, super::goodbye(Reason::Flooded));
            cx.waker().wake_by_ref();
        }
    }
}
