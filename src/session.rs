//! A session: the life of one connection, from its first byte to its last.
//!
//! ```text
//! Naming ──Welcome──▶ Chatting ──/sair, end of input──▶ Leaving ──Farewell──▶ LastWords ──▶ Draining ──▶ (stopped)
//!    └───── no name in time, too many bad ones, shutdown, too slow: from anywhere ──────────────────┘
//! ```
//!
//! However a session ends, the room is told [`Leave`] once, and the others' departure notice comes from that. A session
//! that knows it is leaving says so at once, so that its name is free before its last words arrive. One that was broken
//! off stops, and [`Actor::stopped`], the one hook that runs on every way out, a panic included, says it.
//!
//! The state of a session, its [`Connection`], is shared on its thread by two: the [`Session`] actor polls it whenever the
//! stream or a timer has something for it, and the hub of the thread hands it what the room says ([`Reader`]). What the hub
//! hands over goes straight to the stream if the stream takes it, and wakes no actor; the hub wakes the session when it
//! does not, and when the session may go on reading. A session knows a stream of bytes, not what the stream is made of.

mod delivery;
mod inquiry;
mod io;
mod keepalive;
mod lag;
mod limit;
mod lock;
mod person;
mod probe;
mod program;
mod throttle;

use std::any::Any;
use std::cell::RefCell;
use std::io::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use actix::prelude::*;
use bytes::Bytes;
use log::{debug, info};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::codec::FramedRead;

use crate::archive::Archive;
use crate::chat::answer::Answer;
use crate::chat::event::Reason;
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::registry::{MemberId, SessionId};
use crate::chat::strikes::Strikes;
use crate::config::Config;
use crate::dialect::codec::Codec;
use crate::dialect::sniff::Protocol;
use crate::dialect::text::codec::{Line, TextCodec};
use crate::dialect::websocket::WebSocketCodec;
use crate::dialect::{Format, foreign};
use crate::metrics::{Limit, Metrics};
use crate::outbox::Outbox;
use crate::password::Gate;
use crate::room::{ChatRoom, Leave};
use crate::transport::Transport;

use inquiry::Inquiry;
use keepalive::Keepalive;
use lock::Lock;
use probe::Probe;
use program::Ids;
use throttle::Throttle;

pub use delivery::Reader;

/// The most lines a session handles before every other task of its thread has its turn.
pub const LINES_PER_TURN: usize = 16;

/// The most lines of one session on their way: said, and not yet delivered to the others. It bounds what waits for the room.
///
/// While what a session said in one turn is handed out, it says the next; with fewer, several threads wait for each other.
pub const MAX_IN_FLIGHT: usize = 2 * LINES_PER_TURN;

/// The most messages of an undelimited session that are read before it is their turn. Where each read is a message, what is
/// left to the kernel is joined to one; and a whisper behind something else is no whisper.
const MAX_AHEAD: usize = 16;

/// Somebody whose messages are not shown.
struct Ignored {
    /// The name that was given. Whoever has it is not shown.
    asked: Name,
    /// The name by which that member goes now, for as long as they stay.
    now: Name,
}

/// How the peer speaks, as far as the [opening](crate::opening) of its connection has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// In lines, of text or JSON.
    Lines {
        /// Whether it has been silent for [`Config::silence`].
        is_silent: bool,
    },
    /// In the messages of a WebSocket that was opened.
    WebSocket,
}

/// What a session is made of, besides its stream.
pub struct Setup {
    /// Its id, given by the server.
    pub id: SessionId,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// How they speak.
    pub speech: Speech,
    /// When the connection was accepted: the time to give a name runs from there.
    pub accepted: Instant,
    /// What stands in front of the room, if it has a password.
    pub gate: Option<Arc<Gate>>,
    /// What was, if anything is kept.
    pub archive: Option<Archive>,
    /// The room.
    pub room: Addr<ChatRoom>,
    /// The limits.
    pub config: Arc<Config>,
    /// Where its doings are counted.
    pub metrics: Arc<Metrics>,
    /// Dropped when the session has a name or is closing, whichever comes first: how others learn of it.
    pub unnamed: Box<dyn Any>,
}

/// The session actor, over any stream of bytes.
pub struct Session<S> {
    connection: Rc<RefCell<Connection<S>>>,
    _guard: Box<dyn Any>,
}

/// What a session and the hub of its thread share.
pub struct Connection<S> {
    stage: Stage,
    language: Language,
    format: Format,
    /// The ids that a program gave to what it asked; `None` for people.
    ids: Option<Box<Ids>>,
    /// The password that is still to be given.
    lock: Option<Box<Lock>>,
    archive: Option<Archive>,
    /// What is asked of the archive; `None` before the first question.
    inquiry: Option<Box<Inquiry>>,
    outbox: Outbox,
    ignored: Vec<Ignored>,
    /// Messages of an undelimited session that came while it may not be read from: see [`MAX_AHEAD`].
    ahead: Vec<Line>,
    /// The lines on their way: see [`MAX_IN_FLIGHT`].
    in_flight: usize,
    /// What it said has arrived, but the journal is behind: it may say more in a moment.
    is_held: bool,
    /// Nothing is read while the room owes an answer: it may decide what the next line means (is the name good?), it
    /// may be long (who is there?), and answers come in the order of the questions.
    is_waiting_for_room: bool,
    /// The lines that were too long, if there were any.
    long_lines: Option<Box<Strikes>>,
    /// The names that were refused: see [`Config::max_bad_names`].
    bad_names: u32,
    /// Who whispered last, for `/responder`.
    whisperer: Option<(MemberId, Name)>,
    throttle: Throttle,
    stream: FramedRead<S, Codec>,

    id: SessionId,
    peer: SocketAddr,
    room: Addr<ChatRoom>,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    /// The name in the room, from the welcome on; kept to the end for the log.
    name: Option<Name>,
    /// The number of the room's last event before it came in.
    since: u64,
    /// Held while there is no name.
    unnamed: Option<Box<dyn Any>>,
    /// Whether it must go, unless the room gives it the name that it asked for.
    is_evicted: bool,
    /// Whether the room has been told [`Leave`].
    has_told_room: bool,
    /// Wakes the session actor.
    waker: Waker,
    /// When somebody who reads too slowly is cut.
    lag: Option<Pin<Box<Sleep>>>,
    /// When the present stage is over at the latest.
    deadline: Option<Pin<Box<Sleep>>>,
    /// When somebody without a name has been silent long enough to be asked for one.
    silence: Option<Pin<Box<Sleep>>>,
    reads_seen: u32,
    bytes_seen: u64,
    /// What had come off the network before the session began.
    received_before: u64,
    /// When bytes came last.
    heard_at: Instant,
    /// Whether the peer's system may not know yet that they have: it is told when they have gone where they were to go, unless
    /// something was to be written by then, which tells it.
    owes_ack: bool,
    probe: Option<Box<Probe>>,
    /// The pings of a WebSocket.
    keepalive: Option<Keepalive>,
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
    /// All is said, or the stream failed. The actor stops.
    Over,
}

impl<S: Transport> Connection<S> {
    /// A connection over this stream. It lives as soon as a [`Session`] of it is started.
    pub fn new(stream: S, setup: Setup) -> Connection<S> {
        let Setup { id, peer, speech, accepted, gate, archive, room, config, metrics, unnamed } = setup;
        metrics.connections.inc();
        metrics.sessions.inc();
        let codec = match speech {
            Speech::Lines { .. } => Codec::Lines(TextCodec::new(config.max_line, config.max_unended)),
            Speech::WebSocket => Codec::WebSocket(Box::new(WebSocketCodec::new(config.max_line, config.max_unended))),
        };
        let silence = (speech == Speech::Lines { is_silent: true }).then(|| Box::pin(sleep(Duration::ZERO)));
        let has_deadline = config.name_deadline > Duration::ZERO;
        let deadline = has_deadline.then(|| Box::pin(sleep_until(accepted + config.name_deadline)));
        Connection {
            stage: Stage::Naming,
            language: config.language,
            format: Format::Text,
            ids: None,
            lock: gate.map(|gate| Box::new(Lock::new(gate))),
            archive,
            inquiry: None,
            outbox: Outbox::new(config.outbox, config.outbox_soft),
            ignored: Vec::new(),
            ahead: Vec::new(),
            in_flight: 0,
            is_held: false,
            is_waiting_for_room: false,
            long_lines: None,
            bad_names: 0,
            whisperer: None,
            throttle: Throttle::default(),
            received_before: stream.received().unwrap_or_default(),
            // its buffer is borrowed for the time of a read
            stream: FramedRead::with_capacity(stream, codec, 0),
            id,
            peer,
            room,
            name: None,
            since: 0,
            unnamed: Some(unnamed),
            is_evicted: false,
            has_told_room: false,
            waker: Waker::noop().clone(),
            lag: None,
            deadline,
            silence,
            reads_seen: 0,
            bytes_seen: 0,
            heard_at: Instant::now(),
            owes_ack: false,
            probe: None,
            keepalive: None,
            config,
            metrics,
        }
    }

    /// Whether the last words are said, so that nothing can follow.
    fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::LastWords | Stage::Draining { .. } | Stage::Over)
    }

    /// Whether the person has not left and is not about to.
    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Naming | Stage::Chatting)
    }

    /// Nobody is read from who sends too fast, who does not read, who waits for an answer, whose lines wait for the room or the
    /// journal, or who is leaving.
    fn may_read(&self) -> bool {
        let is_waiting = self.is_waiting_for_room || self.in_flight >= MAX_IN_FLIGHT;
        let is_held = self.throttle.is_pausing() || self.is_held || is_waiting;
        let is_tried = self.lock.as_deref().is_some_and(Lock::is_busy);
        let is_searching = self.inquiry.as_deref().is_some_and(Inquiry::is_open);
        self.is_open() && !is_held && !is_tried && !is_searching && self.outbox.has_room()
    }

    fn answer(&mut self, answer: Answer) {
        if answer.is_mistake() {
            self.pay_for_mistake();
        }
        self.metrics.answered(&answer);
        let bytes = self.written(&answer);
        self.owe(bytes);
    }

    fn written(&self, answer: &Answer) -> Bytes {
        let id = self.ids.as_deref().and_then(Ids::current);
        self.format.answer(answer, id, self.language)
    }

    /// Owes the person some bytes. If that is too much, as much as possible is written first: whoever reads is not cut
    /// because much happened in one turn.
    fn owe(&mut self, bytes: Bytes) {
        if self.is_closing() {
            return;
        }
        self.outbox.push(bytes);
        if self.outbox.is_over_limit() {
            self.write_now();
        }
        if self.outbox.is_over_limit() && !self.is_closing() {
            self.cut_for_slowness(Limit::Outbox);
        }
    }

    /// Owes the person what it has missed, however much that is: it would be as much the next time.
    fn owe_spared(&mut self, bytes: Bytes) {
        if !self.is_closing() {
            self.outbox.push_spared(bytes);
        }
    }

    fn start(&mut self) {
        debug!("session={} peer={} connected", self.id, self.peer);
        if self.stream.decoder().websocket().is_some() {
            self.begin_program(Format::WebSocket);
        } else if self.silence.is_none() {
            self.restart_silence();
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
        if let Some(words) = &last_words {
            self.metrics.answered(words);
        }
        let last_words = last_words.map(|words| self.written(&words));
        self.close_with(reason, last_words.unwrap_or_default());
    }

    /// Closes on a peer that speaks another protocol, and has no name.
    fn turn_away(&mut self, protocol: Protocol) {
        self.metrics.foreign.inc();
        info!("session={} peer={} speaks another protocol: {protocol}", self.id, self.peer);
        self.close_with(Reason::Foreign, foreign::refusal(protocol));
    }

    fn close_with(&mut self, reason: Reason, last_words: Bytes) {
        self.end(reason);
        self.outbox.push(last_words);
        if let Some(websocket) = self.stream.decoder().websocket() {
            self.outbox.push(websocket.close_frame(reason));
        }
        self.stage = Stage::LastWords;
        self.deadline = Some(Box::pin(sleep(self.config.last_words)));
    }

    /// Makes room for another session, if nobody in the room goes by a name for this one, or is about to.
    fn go_if_evicted(&mut self) {
        if self.is_evicted && self.stage == Stage::Naming && !self.is_waiting_for_room {
            self.close(Reason::Evicted, goodbye(Reason::Evicted));
        }
    }

    /// The stream failed: there is nobody to say anything to.
    fn lose(&mut self, error: &Error) {
        debug!("session={} peer={} {error}", self.id, self.peer);
        self.stage = Stage::Over;
    }

    /// Tells the metrics what is owed more or less than at the last report: see [`Metrics::owed`]. Returns whether it is more.
    fn report_owed(&mut self) -> bool {
        let change = self.outbox.report();
        if change != 0 {
            self.metrics.owed.inc_by(change);
        }
        change > 0
    }

    /// Tells the room and the log, once.
    fn end(&mut self, reason: Reason) {
        self.unnamed = None;
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

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.metrics.owed.dec_by(self.outbox.reported());
        self.metrics.sessions.dec();
    }
}

/// The last line to somebody who leaves for this reason. Whoever has closed the connection expects nothing more.
fn goodbye(reason: Reason) -> Option<Answer> {
    (!matches!(reason, Reason::Closed | Reason::Away | Reason::Lost)).then_some(Answer::Goodbye(reason))
}

impl<S: Transport> Session<S> {
    /// A session of this connection. `guard` is dropped when the session has ended: how others learn of it.
    pub fn new(connection: Rc<RefCell<Connection<S>>>, guard: Box<dyn Any>) -> Session<S> {
        Session { connection, _guard: guard }
    }
}

impl<S: Transport> Actor for Session<S> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.connection.borrow_mut().start();
        ctx.spawn(io::Io);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.connection.borrow_mut().end(Reason::Lost);
    }
}
