//! Whether somebody is still there of whom nothing has been heard for a while, and whose name somebody else asks for: after
//! a network was down, that is mostly the same person, whose old connection nobody has closed.
//!
//! The session is sent a line, and a few seconds later it is looked whether the other side has acknowledged it. Whoever is
//! there reads the line; of whom is not, the connection ends, and the name is free.

use std::io;
use std::pin::Pin;
use std::task;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::{Connection, Stage};
use crate::chat::answer::Answer;
use crate::chat::registry::SessionId;
use crate::room::Probing;
use crate::transport::Transport;

/// A probe, until [`Config::probe_interval`](crate::config::Config::probe_interval) after it began.
pub(super) struct Probe {
    began: Instant,
    /// Over when the answer must have come.
    ends: Option<Pin<Box<Sleep>>>,
}

impl<S: Transport> Connection<S> {
    /// Somebody wants this session's name.
    pub(super) fn probe(&mut self, asker: SessionId) {
        let (config, now) = (&self.config, Instant::now());
        let was_probed = |probe: &Probe| now - probe.began < config.probe_interval;
        let is_silent = now - self.heard_at >= config.probe_silence;
        let may_probe = config.probe_timeout > Duration::ZERO && self.stage == Stage::Chatting;
        if !may_probe || !is_silent || self.probe.as_deref().is_some_and(was_probed) {
            return;
        }
        let ends = Some(Box::pin(sleep(config.probe_timeout)));
        self.probe = Some(Box::new(Probe { began: now, ends }));
        self.answer(Answer::NameWanted);
        self.room.do_send(Probing { session: self.id, asker });
        // to look at the clock
        self.waker.wake_by_ref();
    }

    /// Whoever is still there has acknowledged the line by now.
    pub(super) fn poll_probe(&mut self, cx: &mut task::Context<'_>) {
        let Some(probe) = self.probe.as_deref_mut() else { return };
        let Some(ends) = &mut probe.ends else { return };
        if ends.as_mut().poll(cx).is_ready() {
            probe.ends = None;
            if self.stream.get_ref().is_unanswered() {
                self.lose(&io::ErrorKind::TimedOut.into());
            }
        }
    }
}
