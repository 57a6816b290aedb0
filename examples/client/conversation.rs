//! What ties it all together: what is typed and what arrives, one after the other, on one thread that waits for nothing else.
//!
//! ```text
//! Greeting ── hello ──► Asking ── password, name ──► Joining ── welcome ──► In
//!     ▲                   │ (Idle, if the connection is lost meanwhile)      │
//!     └── Connecting ◄── Waiting ◄──────── the connection is lost ───────────┘
//! ```

mod arriving;
mod coming;
mod seeing;
mod typing;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use papo::chat::language::Language;
use papo::chat::text;
use papo::password::Password;
use papo::transport::tls::Fingerprint;

use crate::connection::{Connection, OpenError};
use crate::editor::Shared;
use crate::keyboard::{Keyboard, Typed};
use crate::link::Link;
use crate::pauses::Pauses;
use crate::protocol::{Received, Request};
use crate::screen::Screen;
use crate::session::Session;
use crate::show::Look;
use crate::target::Target;
use crate::{Args, TIMEOUT};

/// Silence after which the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(20);

/// Time for its answer.
const PONG: Duration = Duration::from_secs(10);

/// Something that happens to the conversation.
pub(crate) enum Event {
    Typed(Typed),
    /// From the connection with this number.
    Received(u64, Received),
    /// The connection with this number is gone.
    Lost(u64),
    Opened(Result<Connection, OpenError>),
}

/// How a conversation ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As asked.
    Left,
    /// With a sentence that says why.
    Failed(String),
}

/// Where it is; see the picture above.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Connecting,
    Greeting { since: Instant },
    Asking,
    Joining { since: Instant },
    In { since: Instant },
    Waiting { until: Instant },
    Idle,
}

/// What was asked of whoever types, before there is a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Password,
    Name,
}

/// The end is near.
#[derive(Debug)]
struct Leaving {
    /// Whether the server's last words are shown.
    has_last_words: bool,
    until: Instant,
    /// The server has been told.
    is_told: bool,
}

/// What a conversation begins with.
pub(crate) struct Beginning {
    pub(crate) args: Arc<Args>,
    pub(crate) password: Option<Password>,
    pub(crate) language: Language,
    /// Begins the ids of no other run.
    pub(crate) prefix: String,
    /// Whether a person types, who can be asked again.
    pub(crate) is_person: bool,
    pub(crate) keyboard: Keyboard,
    pub(crate) screen: Screen,
    pub(crate) look: Look,
    pub(crate) known: Shared,
    pub(crate) tell: SyncSender<Event>,
}

pub(crate) struct Conversation {
    args: Arc<Args>,
    name: Option<String>,
    password: Option<Password>,
    is_person: bool,
    keyboard: Keyboard,
    screen: Screen,
    look: Look,
    known: Shared,
    tell: SyncSender<Event>,
    session: Session,
    phase: Phase,
    question: Option<Question>,
    needs_password: bool,
    link: Option<Link>,
    links: u64,
    fingerprint: Option<Fingerprint>,
    heard: Instant,
    pinged: Option<Instant>,
    pauses: Pauses,
    refusals: u32,
    /// Whether the person knows that what is typed waits.
    is_waiting_told: bool,
    leaving: Option<Leaving>,
}

impl Conversation {
    /// Over this connection, and when it is lost over others.
    pub(crate) fn begin(beginning: Beginning, connection: Connection) -> Conversation {
        let Beginning { args, password, language, prefix, is_person, keyboard, screen, look, known, tell } = beginning;
        let now = Instant::now();
        let mut session = Session::new(prefix, language);
        if screen.is_plain() {
            session.aim(Target::Unchanging);
        }
        let mut conversation = Conversation {
            name: args.name.as_ref().map(|name| name.trim().to_owned()),
            args,
            password,
            is_person,
            keyboard,
            screen,
            look,
            known,
            tell,
            session,
            phase: Phase::Connecting,
            question: None,
            needs_password: false,
            link: None,
            links: 0,
            fingerprint: None,
            heard: now,
            pinged: None,
            pauses: Pauses::default(),
            refusals: 0,
            is_waiting_told: false,
            leaving: None,
        };
        conversation.use_connection(connection);
        conversation
    }

    /// Goes on until it ends.
    pub(crate) fn hold(mut self, events: &Receiver<Event>) -> End {
        loop {
            let event = match self.deadline() {
                Some(at) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(RecvTimeoutError::from),
            };
            let result = match event {
                Ok(event) => self.take(event),
                Err(_) => self.be_late(Instant::now()),
            };
            if let Err(end) = result {
                self.screen.finish(self.keyboard.is_asked());
                return end;
            }
            self.tell_known();
        }
    }

    fn take(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Typed(typed) => {
                self.keyboard.has_come();
                match self.question.take() {
                    Some(question) => self.answered(question, typed),
                    None => self.typed(typed),
                }
            }
            Event::Received(number, received) if self.link.as_ref().is_some_and(|link| link.number == number) => {
                self.heard = Instant::now();
                self.pinged = None;
                self.received(received)
            }
            Event::Lost(number) if self.link.as_ref().is_some_and(|link| link.number == number) => self.lose(None),
            Event::Received(..) | Event::Lost(_) => Ok(()),
            Event::Opened(Ok(connection)) => {
                self.use_connection(connection);
                Ok(())
            }
            Event::Opened(Err(OpenError::Unreachable(sentence))) if !self.session.has_been_in() => {
                Err(End::Failed(sentence))
            }
            Event::Opened(Err(OpenError::Unreachable(_))) => {
                self.lose(Some(text::client_unreachable(self.language(), self.args.address.clone())))
            }
            Event::Opened(Err(OpenError::Refused(sentence))) => Err(End::Failed(sentence)),
        }
    }

    /// When something is due if nothing happens before.
    fn deadline(&self) -> Option<Instant> {
        let of_phase = match self.phase {
            Phase::Greeting { since } | Phase::Joining { since } => Some(since + TIMEOUT),
            Phase::In { .. } => Some(self.pinged.map_or(self.heard + QUIET, |pinged| pinged + PONG)),
            Phase::Waiting { until } => Some(until),
            Phase::Connecting | Phase::Asking | Phase::Idle => None,
        };
        of_phase.into_iter().chain(self.leaving.as_ref().map(|leaving| leaving.until)).min()
    }

    /// Nothing has happened for a while.
    fn be_late(&mut self, now: Instant) -> Result<(), End> {
        if self.leaving.as_ref().is_some_and(|leaving| leaving.until <= now) {
            return Err(if self.session.outgoing.len() == 0 { End::Left } else { self.unsent() });
        }
        match self.phase {
            Phase::Greeting { since } | Phase::Joining { since } if since + TIMEOUT <= now => {
                let silent = text::client_timed_out(self.language(), self.args.address.clone(), TIMEOUT.as_secs());
                if self.session.has_been_in() { self.lose(None) } else { Err(End::Failed(silent)) }
            }
            Phase::In { .. } => match self.pinged {
                Some(pinged) if pinged + PONG <= now => self.lose(None),
                None if self.heard + QUIET <= now => {
                    self.pinged = Some(now);
                    let id = self.session.outgoing.new_id();
                    self.send(Request::Ping.line(&id));
                    Ok(())
                }
                _ => Ok(()),
            },
            Phase::Waiting { until } if until <= now => {
                self.connect();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
