//! A session: the life of one connection, from its first byte to its last.
//!
//! ```text
//! Naming ──Welcome──▶ Chatting ──/sair, end of input──▶ Leaving ──Farewell──▶ LastWords ──▶ Draining ──▶ (stopped)
//!    └───── no name in time, shutdown, too slow: from anywhere ──────────────────┘
//! ```
//!
//! However a session ends, the room is told [`Leave`] once, and the others' departure notice comes from that. A session
//! that knows it is leaving says so at once, so that its name is free before its last words arrive. One that was broken
//! off stops, and [`Actor::stopped`], the one hook that runs on every way out, a panic included, says it.
//!
//! A session reads and writes in one place, `poll_io` in `session/io.rs`, which its actor context runs after every message
//! from the room and whenever the stream or a timer has something for it. It knows a stream of bytes, not what the
//! stream is made of.

mod io;
mod person;

use std::any::Any;
use std::io::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use log::{debug, info};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use tokio_util::codec::FramedRead;

use crate::chat::answer::Answer;
use crate::chat::event::{EventKind, Reason, Whispered};
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::registry::SessionId;
use crate::config::Config;
use crate::dialect::Encoded;
use crate::dialect::text;
use crate::dialect::text::codec::{READ_SIZE, TextCodec};
use crate::outbox::Outbox;
use crate::room::{ChatRoom, Deliver, Leave, Published, Shutdown};

/// The most lines a session handles before every other task of its thread has its turn.
pub const LINES_PER_TURN: usize = 16;

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
    whisperer: Option<(SessionId, Name)>,

    stream: FramedRead<S, TextCodec>,
    outbox: Outbox,
    /// Nothing is read while the room owes an answer: it may decide what the next line means (is the name good?), it
    /// may be long (who is there?), and answers come in the order of the questions.
    is_waiting_for_room: bool,
    /// Whether the room has been told [`Leave`].
    has_told_room: bool,
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
            has_told_room: false,
            deadline: None,
            silence: None,
            reads_seen: 0,
            config,
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

    /// Shows a turn of the room, without the echo of one's own doing.
    fn take_turn(&mut self, turn: &[Published]) {
        for Published { event, author } in turn {
            if *author != Some(self.id) && !self.is_closing() {
                self.take_event(event);
            }
        }
    }

    /// Shows an event, unless its author is ignored.
    fn take_event(&mut self, encoded: &Encoded) {
        match &encoded.event().kind {
            EventKind::Said { from, .. } | EventKind::Acted { from, .. } if self.ignores(from) => return,
            EventKind::Renamed { old, new } => self.follow_rename(old, new),
            _ => {}
        }
        self.owe(encoded.text(self.language));
    }

    /// Shows a whisper, unless its author is ignored.
    fn take_whisper(&mut self, whispered: Whispered) {
        if !self.ignores(&whispered.from) {
            self.owe(text::whispered(&whispered, self.language));
            self.whisperer = Some((whispered.session, whispered.from));
        }
    }

    /// Whoever is ignored, or was whispering, stays so under the new name.
    fn follow_rename(&mut self, old: &Name, new: &Name) {
        let whisperer = self.whisperer.iter_mut().map(|(_, name)| name);
        for name in self.name.iter_mut().chain(whisperer).chain(&mut self.ignored) {
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

    fn answer(&mut self, answer: Answer) {
        self.owe(text::answer(&answer, self.language));
    }

    /// Owes the person some bytes. If they would be too many, as much as possible is written first: whoever reads is
    /// not cut because much happened in one turn.
    fn owe(&mut self, bytes: Bytes) {
        if self.outbox.push(bytes.clone()).is_ok() {
            return;
        }
        self.write_now();
        if self.outbox.push(bytes).is_err() {
            self.outbox.forget();
            self.close(Reason::TooSlow, goodbye(Reason::TooSlow));
        }
    }

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

    /// The stream failed: there is nobody to say anything to, so the actor stops.
    fn lose(&mut self, error: &Error, ctx: &mut Context<Self>) {
        debug!("session={} peer={} {error}", self.id, self.peer);
        self.stage = Stage::Broken;
        ctx.stop();
    }

    /// Tells the room and the log, once.
    fn end(&mut self, reason: Reason) {
        if std::mem::replace(&mut self.has_told_room, true) {
            return;
        }
        match &self.name {
            Some(name) => info!("session={} peer={} name={name} left reason={}", self.id, self.peer, reason.word()),
            None => debug!("session={} peer={} ended without a name reason={}", self.id, self.peer, reason.word()),
        }
        self.room.do_send(Leave { session: self.id, reason });
    }
}

/// The last line to somebody who leaves for this reason. Whoever ended their input expects nothing more.
fn goodbye(reason: Reason) -> Option<Answer> {
    (reason != Reason::Closed).then_some(Answer::Goodbye(reason))
}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        debug!("session={} peer={} connected", self.id, self.peer);
        self.restart_silence();
        if self.config.name_deadline > Duration::ZERO {
            self.deadline = Some(Box::pin(sleep(self.config.name_deadline)));
        }
        ctx.spawn(io::Io);
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
            Deliver::Turn { turn, from } => self.take_turn(&turn[from..]),
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
