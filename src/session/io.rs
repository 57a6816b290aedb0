//! Where a session reads and writes: the one place that polls its stream and its timers.
//!
//! What the lines mean is not decided here.

use std::pin::Pin;
use std::task::{self, Poll, Waker};

use actix::fut::ActorFuture;
use actix::prelude::*;
use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};

use super::{LINES_PER_TURN, Session, Stage};
use crate::chat::answer::Answer;
use crate::chat::event::Reason;
use crate::config::Drain;
use crate::transport::poll_drain;

/// Runs `Session::poll_io` in the actor's context for as long as the actor lives.
pub(super) struct Io;

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> ActorFuture<Session<S>> for Io {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut Session<S>,
        ctx: &mut Context<Session<S>>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        session.poll_io(ctx, cx);
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Session<S> {
    /// Does everything that can be done now: reads lines, looks at the clock, writes what is owed. Leaves a wake-up
    /// behind for everything that cannot.
    fn poll_io(&mut self, ctx: &mut Context<Self>, cx: &mut task::Context<'_>) {
        let has_read_everything = self.poll_lines(ctx, cx);
        self.poll_silence(ctx, cx);
        self.poll_output(ctx, cx);
        self.poll_deadline(ctx, cx);
        // reading stopped early, and may go on: no event of the stream would tell
        if !has_read_everything && self.may_read() {
            cx.waker().wake_by_ref();
        }
    }

    /// Takes at most [`LINES_PER_TURN`] lines. Returns whether it took all there are, so that the stream wakes this
    /// session when there is another one.
    fn poll_lines(&mut self, ctx: &mut Context<Self>, cx: &mut task::Context<'_>) -> bool {
        for _ in 0..LINES_PER_TURN {
            if !self.may_read() {
                return false;
            }
            match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(Some(Ok(line))) => self.take_line(line, ctx),
                Poll::Ready(Some(Err(error))) => self.lose(&error, ctx),
                Poll::Ready(None) => self.leave(Reason::Closed),
                Poll::Pending => {
                    self.stream.decoder_mut().nothing_more_for_now();
                    return true;
                }
            }
        }
        false
    }

    /// Asks for a name, or learns that the peer sends no line ends, when somebody without a name has been silent.
    fn poll_silence(&mut self, ctx: &mut Context<Self>, cx: &mut task::Context<'_>) {
        if self.stage != Stage::Naming {
            return;
        }
        let reads = self.stream.decoder().reads();
        if reads != self.reads_seen {
            self.reads_seen = reads;
            self.restart_silence();
        }
        while self.stage == Stage::Naming && !self.is_waiting_for_room {
            let Some(silence) = &mut self.silence else { return };
            if silence.as_mut().poll(cx).is_pending() {
                return;
            }
            self.silence = None;
            self.take_silence(ctx);
        }
    }

    fn take_silence(&mut self, ctx: &mut Context<Self>) {
        let mut unfinished = std::mem::take(self.stream.read_buffer_mut());
        let line = self.stream.decoder_mut().silence(&mut unfinished);
        let is_mid_line = !unfinished.is_empty();
        *self.stream.read_buffer_mut() = unfinished;
        match line {
            Some(line) => {
                self.take_line(line, ctx);
                // if it was no name, silence is asked about again
                self.restart_silence();
            }
            None if is_mid_line => {}
            None => self.answer(Answer::Prompt),
        }
    }

    pub(super) fn restart_silence(&mut self) {
        let at = Instant::now() + self.config.silence;
        match &mut self.silence {
            Some(silence) => silence.as_mut().reset(at),
            None => self.silence = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Writes what the stream takes, outside of [`Session::poll_io`]. That runs afterwards, in the same turn, so no wake-up
    /// is left behind here, and an error is found there.
    pub(super) fn write_now(&mut self) {
        let _ = self.outbox.poll_write(self.stream.get_mut(), &mut task::Context::from_waker(Waker::noop()));
    }

    fn poll_output(&mut self, ctx: &mut Context<Self>, cx: &mut task::Context<'_>) {
        if self.stage == Stage::Broken {
            return;
        }
        match self.outbox.poll_write(self.stream.get_mut(), cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return self.lose(&error, ctx),
            Poll::Pending => return,
        }
        if self.stage == Stage::LastWords {
            match Pin::new(self.stream.get_mut()).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => {
                    let Drain { time, bytes } = self.config.drain;
                    self.stage = Stage::Draining { left: bytes };
                    self.deadline = Some(Box::pin(sleep(time)));
                }
                Poll::Ready(Err(error)) => return self.lose(&error, ctx),
                Poll::Pending => return,
            }
        }
        if let Stage::Draining { left } = &mut self.stage
            && poll_drain(self.stream.get_mut(), left, cx).is_ready()
        {
            ctx.stop();
        }
    }

    fn poll_deadline(&mut self, ctx: &mut Context<Self>, cx: &mut task::Context<'_>) {
        let Some(deadline) = &mut self.deadline else { return };
        if deadline.as_mut().poll(cx).is_pending() {
            return;
        }
        self.deadline = None;
        match self.stage {
            Stage::Naming => {
                let seconds = self.config.name_deadline.as_secs();
                self.close(Reason::TimedOut, Some(Answer::NoNameInTime { seconds }));
                cx.waker().wake_by_ref();
            }
            Stage::Chatting | Stage::Leaving(_) | Stage::Broken => {}
            Stage::LastWords | Stage::Draining { .. } => ctx.stop(),
        }
    }
}
