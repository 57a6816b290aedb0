//! Where a session reads and writes: the one place that polls its stream and its timers.
//!
//! What the lines mean is not decided here.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{self, Poll};

use actix::fut::ActorFuture;
use actix::prelude::*;
use bytes::BytesMut;
use futures_core::Stream;
use tokio::time::{Instant, sleep, sleep_until};

use super::limit::{poll_limit, stood_still};
use super::{Connection, LINES_PER_TURN, MAX_AHEAD, Session, Stage};
use crate::budget::is_exceeded;
use crate::chat::answer::Answer;
use crate::chat::event::Reason;
use crate::config::Drain;
use crate::dialect::Format;
use crate::dialect::text::codec::{READ_SIZE, TextCodec};
use crate::metrics::Limit;
use crate::room::Relieve;
use crate::transport::{Transport, poll_drain};

thread_local! {
    /// The one buffer into which all sessions of a thread read, in turn: up to twice what one read brings. Between its turns a
    /// session holds only what it may not take yet, or the line that has not ended.
    static READ_BUFFER: Cell<BytesMut> = Cell::default();
}

/// Runs `Connection::poll` in the actor's context for as long as the actor lives.
pub(super) struct Io;

impl<S: Transport> ActorFuture<Session<S>> for Io {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut Session<S>,
        ctx: &mut Context<Session<S>>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        let is_over = session.connection.borrow_mut().poll(cx);
        if is_over.is_ready() {
            ctx.stop();
        }
        is_over
    }
}

impl<S: Transport> Connection<S> {
    /// Does everything that can be done now: reads lines, looks at the clock, writes what is owed. Leaves a wake-up
    /// behind for everything that cannot. Ready when the session is over.
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        self.waker.clone_from(cx.waker());
        let has_read_everything = self.poll_lines(cx);
        self.poll_silence(cx);
        // behind both that may begin a pause; and when one is over, what has come meanwhile is read before silence counts
        self.poll_throttle(cx);
        self.poll_lock(cx);
        self.poll_inquiry(cx);
        self.poll_keepalive(cx);
        self.poll_output(cx);
        self.poll_lag(cx);
        self.poll_probe(cx);
        self.poll_deadline(cx);
        if self.report_owed() && is_exceeded(self.config.outbox_total, self.metrics.owed.get()) {
            self.room.do_send(Relieve);
        }
        if self.stage == Stage::Over {
            return Poll::Ready(());
        }
        // reading stopped early, and may go on: no event of the stream would tell
        if !has_read_everything && self.may_read() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Takes at most [`LINES_PER_TURN`] lines. Returns whether it took all there are, so that the stream wakes this
    /// session when there is another one.
    fn poll_lines(&mut self, cx: &mut task::Context<'_>) -> bool {
        let may_read = self.may_read();
        if !may_read && !self.may_read_ahead() {
            return false;
        }
        let unread = self.stream.read_buffer().len();
        // what is more than that begins with a whole line, and is not worth copying there and back
        let is_shared = unread < READ_SIZE;
        if is_shared {
            let mut buffer = READ_BUFFER.take();
            buffer.reserve(unread + READ_SIZE);
            buffer.extend_from_slice(self.stream.read_buffer());
            *self.stream.read_buffer_mut() = buffer;
        }
        let has_read_everything = may_read && self.poll_buffered_lines(cx);
        self.poll_lines_ahead(cx);
        if is_shared {
            let mut buffer = std::mem::take(self.stream.read_buffer_mut());
            *self.stream.read_buffer_mut() = BytesMut::from(&buffer[..]);
            buffer.clear();
            READ_BUFFER.set(buffer);
        }
        has_read_everything
    }

    fn poll_buffered_lines(&mut self, cx: &mut task::Context<'_>) -> bool {
        for _ in 0..LINES_PER_TURN {
            if !self.may_read() {
                return false;
            }
            let line = match self.ahead.is_empty() {
                true => Pin::new(&mut self.stream).poll_next(cx),
                false => Poll::Ready(Some(Ok(self.ahead.remove(0)))),
            };
            match line {
                Poll::Ready(Some(Ok(line))) => {
                    self.take_line(line);
                    self.bound_input_before_name(self.stream.read_buffer().len());
                    if self.ahead.is_empty() && self.stream.read_buffer().is_empty() {
                        // it came alone: whoever keeps to the rate is not behind, though a line may wait for a moment
                        self.throttle.is_not_behind();
                    }
                    self.pay_for_input(1);
                }
                Poll::Ready(Some(Err(error))) => self.lose(&error),
                // a WebSocket that ends without saying so is broken: RFC 6455, section 7.1.5
                Poll::Ready(None) if self.format == Format::WebSocket => self.leave(Reason::Lost),
                Poll::Ready(None) => self.leave(Reason::Closed),
                Poll::Pending => {
                    self.bound_input_before_name(0);
                    self.pay_for_input(0);
                    self.throttle.has_caught_up();
                    return true;
                }
            }
        }
        false
    }

    /// Whether this is a session without line ends that is not read from now, and has no more waiting than may be.
    fn may_read_ahead(&self) -> bool {
        let is_full = self.ahead.len() >= MAX_AHEAD;
        let is_undelimited = self.stream.decoder().lines().is_some_and(TextCodec::is_undelimited);
        self.is_open() && !self.may_read() && !is_full && is_undelimited
    }

    /// Reads whole messages that wait, each by itself.
    fn poll_lines_ahead(&mut self, cx: &mut task::Context<'_>) {
        while self.may_read_ahead() {
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(Some(Ok(line))) => self.ahead.push(line),
                Poll::Ready(Some(Err(error))) => self.lose(&error),
                // an end is found again when it is its turn
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
    }

    /// Closes on somebody who has sent more than enough for a name, and no name. What came `behind` the last line may yet
    /// be one.
    fn bound_input_before_name(&mut self, behind: usize) {
        let max = self.config.max_before_name;
        let is_without_name = self.stage == Stage::Naming && !self.is_waiting_for_room;
        if is_without_name && max > 0 && self.received() >= (max + behind) as u64 {
            self.close(Reason::Flooded, Some(Answer::NoNameInBytes { max }));
        }
    }

    /// The bytes that the peer has sent since the session began, whatever they were.
    fn received(&self) -> u64 {
        let off_the_network = self.stream.get_ref().received();
        off_the_network.map_or_else(|| self.stream.decoder().bytes(), |bytes| bytes - self.received_before)
    }

    fn pay_for_input(&mut self, lines: u32) {
        // nothing more is read from whoever is leaving
        if !self.is_open() {
            return;
        }
        let bytes = self.received();
        let new = bytes - std::mem::replace(&mut self.bytes_seen, bytes);
        if lines > 0 || new > 0 {
            self.owes_ack = true;
            self.heard_at = Instant::now();
            self.pay(lines, u32::try_from(new).unwrap_or(u32::MAX), self.heard_at.into_std());
        }
    }

    /// Silence means something from somebody without a name, and in the middle of a message that has no line end.
    fn poll_silence(&mut self, cx: &mut task::Context<'_>) {
        let Some(lines) = self.stream.decoder().lines() else { return };
        if self.stage != Stage::Naming && !lines.awaits_silence() {
            return;
        }
        let reads = lines.reads();
        if reads != self.reads_seen {
            self.reads_seen = reads;
            self.restart_silence();
        }
        // whoever is not read from is not silent
        while self.may_read() {
            let Some(silence) = &mut self.silence else { return };
            if silence.as_mut().poll(cx).is_pending() {
                return;
            }
            if stood_still(silence) {
                self.restart_silence();
                continue;
            }
            self.silence = None;
            self.take_silence();
        }
    }

    /// Takes the message that ended, or else asks for a name.
    fn take_silence(&mut self) {
        let mut unfinished = std::mem::take(self.stream.read_buffer_mut());
        let line = self.stream.decoder_mut().lines_mut().and_then(|lines| lines.silence(&mut unfinished));
        let is_mid_line = !unfinished.is_empty();
        *self.stream.read_buffer_mut() = unfinished;
        match line {
            Some(line) => {
                self.take_line(line);
                self.pay_for_input(1);
                if self.stage == Stage::Naming {
                    // if it was no name, silence is asked about again
                    self.restart_silence();
                }
            }
            None if is_mid_line || self.stage != Stage::Naming => {}
            None => self.prompt(),
        }
    }

    pub(super) fn restart_silence(&mut self) {
        let may_be_foreign = self.stream.decoder().lines().is_some_and(TextCodec::may_be_foreign);
        let at = Instant::now() + if may_be_foreign { self.config.hello_silence } else { self.config.silence };
        match &mut self.silence {
            Some(silence) => silence.as_mut().reset(at),
            None => self.silence = Some(Box::pin(sleep_until(at))),
        }
    }

    fn poll_output(&mut self, cx: &mut task::Context<'_>) {
        if self.stage == Stage::Over {
            return;
        }
        match self.outbox.poll_write(self.stream.get_mut(), cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return self.lose(&error),
            Poll::Pending => return,
        }
        if self.stage == Stage::LastWords {
            match Pin::new(self.stream.get_mut()).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => {
                    let Drain { time, bytes } = self.config.drain;
                    self.stage = Stage::Draining { left: bytes };
                    self.deadline = Some(Box::pin(sleep(time)));
                }
                Poll::Ready(Err(error)) => return self.lose(&error),
                Poll::Pending => return,
            }
        }
        if let Stage::Draining { left } = &mut self.stage
            && poll_drain(self.stream.get_mut(), left, cx).is_ready()
        {
            self.stage = Stage::Over;
        }
    }

    fn poll_deadline(&mut self, cx: &mut task::Context<'_>) {
        let limit = match self.stage {
            Stage::LastWords => self.config.last_words,
            Stage::Draining { .. } => self.config.drain.time,
            _ => self.config.name_deadline,
        };
        // a name that was given in time is good, however long the room takes
        if self.stage == Stage::Naming && self.is_waiting_for_room {
            return;
        }
        let Some(deadline) = &mut self.deadline else { return };
        if poll_limit(deadline, limit, cx).is_pending() {
            return;
        }
        self.deadline = None;
        match self.stage {
            Stage::Naming => {
                let seconds = self.config.name_deadline.as_secs();
                self.close(Reason::TimedOut, Some(Answer::NoNameInTime { seconds }));
                cx.waker().wake_by_ref();
            }
            Stage::Chatting | Stage::Leaving(_) | Stage::Over => {}
            Stage::LastWords => {
                self.metrics.limits.count(Limit::LastWords);
                self.stage = Stage::Over;
            }
            Stage::Draining { .. } => self.stage = Stage::Over,
        }
    }
}
