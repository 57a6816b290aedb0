//! A session: the life of one connection, from its first byte to its last.
//!
//! ```text
//! Naming ──Welcome──▶ Chatting ──/sair, end of input──▶ Leaving ──Farewell──▶ Closing ──▶ (stopped)
//!    └───── no name in time, shutdown, too slow: from anywhere ──────────────────┘
//! ```
//!
//! However a session ends, the room is told [`Leave`]: as soon as the session knows, at the latest in
//! [`Actor::stopped`], the one hook that runs on every way out, a panic included. So an abrupt disconnect is an
//! actor stop event, and that is what the others' departure notice comes from.
//!
//! A session reads and writes in one place, `Session::poll_io`, which its actor context runs after every message
//! from the room and whenever the stream or a timer has something for it. It knows a stream of bytes, not what the
//! stream is made of.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use actix::fut::ActorFuture;
use actix::prelude::*;
use bytes::Bytes;
use futures_core::Stream;
use log::{debug, info};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::codec::FramedRead;

use crate::chat::answer::Answer;
use crate::chat::command::Command;
use crate::chat::event::{EventKind, Reason, Whispered};
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::registry::SessionId;
use crate::config::Config;
use crate::dialect::Encoded;
use crate::dialect::text;
use crate::dialect::text::codec::{Line, READ_SIZE, TextCodec};
use crate::outbox::Outbox;
use crate::room::{Broadcast, ChatRoom, Deliver, Join, Leave, Manner, Rename, Shutdown, Whisper, Who};

/// The most lines a session handles before every other task of its thread has its turn.
pub const LINES_PER_TURN: usize = 16;

/// The most names a session keeps to ignore; one more is refused with an answer.
const MAX_IGNORED: usize = 100;

/// What a session is made of, besides its stream.
pub struct Setup {
    /// Its id, given by the server.
    pub id: SessionId,
    /// Who is at the other end, for the log.
    pub peer: String,
    /// The room.
    pub room: Addr<ChatRoom>,
    /// The limits.
    pub config: Arc<Config>,
    /// Dropped when the session has ended: how the server learns of it.
    pub guard: Box<dyn Any>,
}

/// The session actor, over any stream of bytes.
pub struct Session<S> {
    id: SessionId,
    peer: String,
    room: Addr<ChatRoom>,
    config: Arc<Config>,
    _guard: Box<dyn Any>,

    stage: Stage,
    /// The name in the room, from the welcome on; kept to the end for the log.
    name: Option<Name>,
    language: Language,
    ignored: Vec<Name>,
    /// Who whispered last, for `/responder`.
    whisperer: Option<Name>,

    stream: FramedRead<S, TextCodec>,
    outbox: Outbox,
    /// Nothing is read while the room owes an answer: it may decide what the next line means (is the name good?), it
    /// may be long (who is there?), and answers come in the order of the questions.
    is_waiting_for_room: bool,
    /// Whether the room has been told [`Leave`].
    has_ended: bool,
    /// When the present stage is over at the latest.
    deadline: Option<Pin<Box<Sleep>>>,
    /// When somebody without a name has been silent long enough to be asked for one.
    silence: Option<Pin<Box<Sleep>>>,
    reads_seen: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Without a name, or asking the room for one.
    Naming,
    /// A member.
    Chatting,
    /// The room was told; what it still delivers is written.
    Leaving(Reason),
    /// The last words are being written.
    LastWords,
    /// The last words are written; so many bytes of the peer's are still read, and thrown away.
    Draining { left: usize },
    /// The stream failed: there is nobody to read from or to write to.
    Broken,
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Session<S> {
    /// A session over this stream. Start it with [`Actor::start`] or [`Actor::create`].
    pub fn new(stream: S, setup: Setup) -> Session<S> {
        let Setup { id, peer, room, config, guard } = setup;
        Session {
            id,
            peer,
            room,
            _guard: guard,
            stage: Stage::Naming,
            name: None,
            language: config.language,
            ignored: Vec::new(),
            whisperer: None,
            stream: FramedRead::with_capacity(stream, TextCodec::new(config.max_line), READ_SIZE),
            outbox: Outbox::new(config.outbox),
            is_waiting_for_room: false,
            has_ended: false,
            deadline: None,
            silence: None,
            reads_seen: 0,
            config,
        }
    }

    // ---- reading and writing ------------------------------------------------------------------------------------

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

    /// Whether the last words are said, so that nothing can follow.
    fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::LastWords | Stage::Draining { .. } | Stage::Broken)
    }

    /// Nobody is read from who does not read, who waits for an answer, or who is leaving.
    fn may_read(&self) -> bool {
        let is_open = matches!(self.stage, Stage::Naming | Stage::Chatting);
        is_open && !self.is_waiting_for_room && self.outbox.has_room()
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
                Poll::Pending => return true,
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

    fn restart_silence(&mut self) {
        let at = Instant::now() + self.config.silence;
        match &mut self.silence {
            Some(silence) => silence.as_mut().reset(at),
            None => self.silence = Some(Box::pin(tokio::time::sleep_until(at))),
        }
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
                    let (time, bytes) = self.config.drain;
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

    // ---- what the peer says ----------------------------------------------------------------------------------------

    fn take_line(&mut self, line: Line, ctx: &mut Context<Self>) {
        let line = match line {
            Line::Text(text) => CleanText::new(text),
            Line::TooLong => return self.answer(Answer::LineTooLong { max: self.config.max_line }),
            Line::NotUtf8 => return self.answer(Answer::NotUtf8),
        };
        match self.stage {
            Stage::Naming => self.take_name(line, ctx),
            _ => match Command::parse(line) {
                Ok(Some(command)) => self.obey(command),
                Ok(None) => {}
                Err(mistake) => self.answer(mistake.into()),
            },
        }
    }

    /// A line of somebody without a name: a name, or one of the few commands that make sense already.
    fn take_name(&mut self, line: CleanText, ctx: &mut Context<Self>) {
        if line.as_str().is_empty() {
            return;
        }
        if let Ok(Some(command @ (Command::Quit | Command::Help | Command::Ping | Command::Language(_)))) =
            Command::parse(line.clone())
        {
            return self.obey(command);
        }
        match Name::parse(line.as_str().trim()) {
            Ok(name) => {
                self.ask(Join { session: self.id, name, recipient: ctx.address().recipient() });
            }
            Err(error) => self.answer(Answer::BadName(error)),
        }
    }

    fn obey(&mut self, command: Command) {
        let session = self.id;
        match command {
            Command::Say(text) => self.room.do_send(Broadcast { session, manner: Manner::Says, text }),
            Command::Act(text) => self.room.do_send(Broadcast { session, manner: Manner::Acts, text }),
            Command::Whisper { to, text } => self.ask(Whisper { session, to, text }),
            Command::Reply(text) => match self.whisperer.clone() {
                Some(to) => self.ask(Whisper { session, to, text }),
                None => self.answer(Answer::NobodyToReplyTo),
            },
            Command::Rename(name) => self.ask(Rename { session, name }),
            Command::Who => self.ask(Who { session }),
            Command::Help => self.answer(Answer::Help),
            Command::Ping => self.answer(Answer::Pong),
            Command::Language(language) => {
                self.language = language;
                self.answer(Answer::LanguageChanged(language));
            }
            Command::Ignore(name) => self.ignore(name),
            Command::Attend(name) => self.attend(name),
            Command::Quit => self.leave(Reason::Asked),
        }
    }

    /// Asks the room something that it answers with [`Deliver::Done`] at last.
    fn ask<M>(&mut self, question: M)
    where
        M: Message<Result = ()> + Send + 'static,
        ChatRoom: Handler<M>,
    {
        self.is_waiting_for_room = true;
        self.room.do_send(question);
    }

    fn ignore(&mut self, name: Name) {
        if !self.ignores(&name) {
            if self.ignored.len() == MAX_IGNORED {
                return self.answer(Answer::TooManyIgnored { max: MAX_IGNORED });
            }
            self.ignored.push(name.clone());
        }
        self.answer(Answer::Ignoring(name));
    }

    fn attend(&mut self, name: Name) {
        let before = self.ignored.len();
        self.ignored.retain(|ignored| *ignored != name);
        let was_ignored = self.ignored.len() < before;
        self.answer(if was_ignored { Answer::Attending(name) } else { Answer::NotIgnored(name) });
    }

    fn ignores(&self, name: &Name) -> bool {
        self.ignored.contains(name)
    }

    // ---- what the room says ----------------------------------------------------------------------------------------

    fn take_event(&mut self, encoded: &Encoded) {
        match &encoded.event().kind {
            EventKind::Said { from, .. } | EventKind::Acted { from, .. } if self.ignores(from) => return,
            EventKind::Renamed { old, new } => self.follow_rename(old, new),
            _ => {}
        }
        self.owe(encoded.text(self.language));
    }

    fn take_whisper(&mut self, whispered: Whispered) {
        if !self.ignores(&whispered.from) {
            self.owe(text::whispered(&whispered, self.language));
            self.whisperer = Some(whispered.from);
        }
    }

    /// Whoever is ignored, or was whispering, stays so under the new name.
    fn follow_rename(&mut self, old: &Name, new: &Name) {
        let own = self.name.iter_mut().filter(|_| self.stage == Stage::Chatting);
        for name in own.chain(&mut self.whisperer).chain(&mut self.ignored) {
            if name == old {
                *name = new.clone();
            }
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        match &answer {
            Answer::Welcome { name, .. } => {
                info!("session={} peer={} name={name} joined", self.id, self.peer);
                self.name = Some(name.clone());
                self.stage = Stage::Chatting;
                self.deadline = None;
                self.silence = None;
            }
            Answer::NameTaken(_) if self.stage == Stage::Naming => self.restart_silence(),
            _ => {}
        }
        self.answer(answer);
    }

    // ---- what is owed ----------------------------------------------------------------------------------------------

    fn answer(&mut self, answer: Answer) {
        self.owe(text::answer(&answer, self.language));
    }

    fn owe(&mut self, bytes: Bytes) {
        if self.outbox.push(bytes).is_err() {
            self.outbox.forget();
            self.close(Reason::TooSlow, goodbye(Reason::TooSlow));
        }
    }

    // ---- the end ---------------------------------------------------------------------------------------------------

    /// Leaves in good order: what was asked of the room before is answered first.
    fn leave(&mut self, reason: Reason) {
        if self.stage == Stage::Naming {
            return self.close(reason, goodbye(reason));
        }
        self.stage = Stage::Leaving(reason);
        self.end(reason);
    }

    /// Says the last words, if any, and closes.
    fn close(&mut self, reason: Reason, last_words: Option<Answer>) {
        self.end(reason);
        if let Some(words) = last_words {
            self.outbox.push_last_words(text::answer(&words, self.language));
        }
        self.stage = Stage::LastWords;
        self.deadline = Some(Box::pin(sleep(self.config.last_words)));
    }

    /// The stream failed: there is nobody to say anything to.
    fn lose(&mut self, error: &io::Error, ctx: &mut Context<Self>) {
        debug!("session={} peer={} {error}", self.id, self.peer);
        self.end(Reason::Lost);
        self.stage = Stage::Broken;
        ctx.stop();
    }

    /// Tells the room and the log, once.
    fn end(&mut self, reason: Reason) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        match &self.name {
            Some(name) => info!("session={} peer={} name={name} left reason={}", self.id, self.peer, reason.word()),
            None => debug!("session={} peer={} ended without a name reason={}", self.id, self.peer, reason.word()),
        }
        self.room.do_send(Leave { session: self.id, reason });
    }
}

/// The last line to somebody who leaves for this reason. Whoever ended his input expects nothing more.
fn goodbye(reason: Reason) -> Option<Answer> {
    (reason != Reason::Closed).then_some(Answer::Goodbye(reason))
}

/// Reads and throws away until the peer is done too (or the stream fails) or `left` bytes have come.
fn poll_drain<S: AsyncRead + Unpin>(stream: &mut S, left: &mut usize, cx: &mut task::Context<'_>) -> Poll<()> {
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

/// Runs `Session::poll_io` in the actor's context for as long as the actor lives.
struct Io;

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

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        debug!("session={} peer={} connected", self.id, self.peer);
        self.restart_silence();
        if self.config.name_deadline > Duration::ZERO {
            self.deadline = Some(Box::pin(sleep(self.config.name_deadline)));
        }
        ctx.spawn(Io);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.end(Reason::Lost);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Handler<Deliver> for Session<S> {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, _: &mut Self::Context) {
        if self.is_closing() {
            return;
        }
        match deliver {
            Deliver::Event(event) => self.take_event(&event),
            Deliver::Whispered(whispered) => self.take_whisper(whispered),
            Deliver::Answer(answer) => self.take_answer(answer),
            Deliver::Done => self.is_waiting_for_room = false,
            Deliver::Farewell => {
                if let Stage::Leaving(reason) = self.stage {
                    self.close(reason, goodbye(reason));
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Handler<Shutdown> for Session<S> {
    type Result = ();

    fn handle(&mut self, _: Shutdown, _: &mut Self::Context) {
        if !self.is_closing() {
            self.close(Reason::Shutdown, goodbye(Reason::Shutdown));
        }
    }
}
