//! What ties it all together: what is typed and what arrives, one after the other, on one thread that waits for nothing else.
//!
//! ```text
//! Greeting ── hello ──► Asking ── password, name ──► Joining ── welcome ──► In
//!     ▲                   │ (Idle, if the connection is lost meanwhile)      │
//!     └── Connecting ◄── Waiting ◄──────── the connection is lost ───────────┘
//! ```

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use papo::chat::answer::Answer;
use papo::chat::command::{COMMANDS, Command};
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use papo::chat::name::Name;
use papo::chat::text;
use papo::config::Config;
use papo::dialect;
use papo::password::Password;
use papo::transport::tls::Fingerprint;
use secrecy::ExposeSecret;

use crate::connection::{self, Connection, OpenError};
use crate::editor::{Backlog, Shared};
use crate::keyboard::{Ask, Keyboard, Typed};
use crate::link::Link;
use crate::outgoing::{MAX_WAITING, NotTaken};
use crate::pauses::{Pauses, SETTLED};
use crate::protocol::{self, Object, Received, Request, Text};
use crate::screen::Screen;
use crate::session::{Session, Shown};
use crate::show::{Look, Reader};
use crate::target::Target;
use crate::typed::{Deed, understand};
use crate::{Args, TIMEOUT};

/// Silence after which the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(20);

/// Time for its answer.
const PONG: Duration = Duration::from_secs(10);

/// How long the end of a script waits for an answer to what it said, and then for the next one.
const PATIENCE: Duration = Duration::from_secs(15);

/// So often is somebody who comes back refused under their own name, before they are told.
const MAX_REFUSALS: u32 = 5;

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

    // ---- coming in, and coming back

    fn use_connection(&mut self, connection: Connection) {
        self.fingerprint = connection.fingerprint.or(self.fingerprint);
        self.links += 1;
        let link = Link::new(self.links, connection, self.tell.clone(), self.backlog());
        // it speaks first: by that the server knows what it speaks
        link.send(Request::lang(self.session.language).line(&self.session.outgoing.new_id()));
        self.link = Some(link);
        self.heard = Instant::now();
        self.phase = Phase::Greeting { since: self.heard };
    }

    fn backlog(&self) -> Option<Backlog> {
        match &self.screen {
            Screen::Plain => None,
            Screen::Terminal(printer) => Some(printer.backlog()),
        }
    }

    fn connect(&mut self) {
        self.phase = Phase::Connecting;
        let (args, seen, tell) = (Arc::clone(&self.args), self.fingerprint, self.tell.clone());
        let language = self.language();
        thread::spawn(move || {
            // nobody waits for it if all is over
            let _ = tell.send(Event::Opened(connection::open(&args, seen, language)));
        });
    }

    /// Comes in with what is known, or asks for what is not.
    fn enter(&mut self) -> Result<(), End> {
        if self.link.is_none() {
            self.connect();
            return Ok(());
        }
        let name = self.name.clone().unwrap_or_default();
        if self.needs_password && self.password.is_none() {
            return self.ask(Question::Password);
        }
        if name.is_empty() && !self.session.has_been_in() {
            return self.ask(Question::Name);
        }
        let password = self.password.as_ref().filter(|_| self.needs_password);
        let join = self.session.join(&name, password.map(|password| password.expose_secret().to_owned()));
        let id = self.session.outgoing.new_id();
        self.send(join.line(&id));
        self.phase = Phase::Joining { since: Instant::now() };
        Ok(())
    }

    fn ask(&mut self, question: Question) -> Result<(), End> {
        self.phase = Phase::Asking;
        self.question = Some(question);
        let prompt = match question {
            Question::Password => text::password_prompt(self.language()),
            Question::Name => text::prompt(self.language()),
        };
        if self.screen.is_plain() && !(self.is_person && question == Question::Password) {
            self.screen.show(format!("{prompt}\n"))?;
        }
        let prompt = format!("{prompt} ");
        self.keyboard.ask(match question {
            Question::Password => Ask::Secret { prompt },
            Question::Name => Ask::Line { prompt, initial: String::new() },
        });
        Ok(())
    }

    /// The answer to what was asked.
    fn answered(&mut self, question: Question, typed: Typed) -> Result<(), End> {
        let language = self.language();
        let line = match typed {
            Typed::Line(line) => line,
            Typed::Cleared => return self.ask(question),
            Typed::NotUtf8 => String::new(),
            Typed::End if question == Question::Password && !self.is_person => {
                return Err(End::Failed(text::client_password_wanted(language)));
            }
            Typed::End => return Err(End::Left),
            Typed::CannotHide => return Err(End::Failed(text::client_cannot_hide(language))),
        };
        if let Question::Password = question {
            let Ok(password) = Password::parse(&line, Config::default().max_password()) else {
                self.refuse(Text::from(text::password_wrong(language).as_str()))?;
                return self.ask(question);
            };
            self.password = Some(password);
            return self.enter();
        }
        let line = CleanText::from(line.trim());
        match Command::parse_before_name(&line) {
            Some(Command::Quit) => return Err(End::Left),
            Some(Command::Help) => self.help()?,
            Some(Command::Language(language)) => {
                self.session.language = language;
                let id = self.session.outgoing.new_id();
                self.send(Request::lang(language).line(&id));
                self.show(&Shown::Answer(Text::from(text::language_changed(language).as_str())))?;
            }
            Some(_) => {
                let id = self.session.outgoing.new_id();
                self.send(Request::Ping.line(&id));
            }
            None if line.is_blank() => {}
            None => match Name::parse(line.as_str()) {
                Ok(name) => self.name = Some(name.as_str().to_owned()),
                Err(error) => self.refuse(sentence(&Answer::BadName(error), language))?,
            },
        }
        if self.name.is_some() { self.enter() } else { self.ask(question) }
    }

    /// What was given is refused. A person may try something else; the next line of a script is not meant as that.
    fn refuse(&mut self, why: Text) -> Result<(), End> {
        if !self.is_person {
            return Err(End::Failed(why.to_string()));
        }
        self.show(&Shown::Answer(why))
    }

    /// The server does not let this client in.
    fn turn_away(&mut self, answer: protocol::Answer) -> Result<(), End> {
        let is_about_name = ["bad_name", "name_reserved", "name_taken", "name_too_similar", "name_held"];
        let is_about_password = ["bad_password", "too_many_tries"];
        if self.session.has_been_in() {
            self.refusals += 1;
            let may_pass = is_about_name.contains(&answer.code.as_str()) && self.refusals < MAX_REFUSALS;
            let why = answer.message.to_string();
            return if may_pass { self.lose(Some(why)) } else { Err(End::Failed(why)) };
        }
        if is_about_password.contains(&answer.code.as_str()) {
            self.password = None;
        } else if is_about_name.contains(&answer.code.as_str()) {
            self.name = None;
        } else {
            return Err(End::Failed(answer.message.to_string()));
        }
        self.refuse(answer.message)?;
        self.enter()
    }

    // ---- what arrives

    fn received(&mut self, received: Received) -> Result<(), End> {
        match (self.phase, received) {
            (_, Received::Object(Object::Bye { reason, message })) => self.dismissed(&reason, message),
            (Phase::In { .. }, received) => {
                let waiting = self.session.outgoing.len();
                let mut shown = Vec::new();
                self.session.take(received, Instant::now(), &mut shown);
                self.show_all(&shown)?;
                self.send_what_waits();
                if self.session.outgoing.len() < waiting {
                    self.progress();
                }
                self.ask_for_line(String::new());
                Ok(())
            }
            (Phase::Greeting { .. }, Received::Object(Object::Hello { password, max_line })) => {
                self.needs_password = password;
                self.session.max_line = max_line;
                self.enter()
            }
            (Phase::Greeting { .. }, Received::Line(line)) => {
                let says = text::client_answered(self.language(), self.args.address.clone(), line.to_string());
                if self.session.has_been_in() { self.lose(Some(line.to_string())) } else { Err(End::Failed(says)) }
            }
            (Phase::Greeting { .. }, Received::Object(Object::Error(answer))) => {
                let why = answer.message.to_string();
                if self.session.has_been_in() { self.lose(Some(why)) } else { Err(End::Failed(why)) }
            }
            (Phase::Joining { .. }, Received::Object(Object::Welcome(welcome))) => {
                let mut shown = Vec::new();
                let first = self.session.welcome(welcome, &mut shown);
                first.into_iter().for_each(|line| self.send(line));
                self.phase = Phase::In { since: Instant::now() };
                self.refusals = 0;
                self.is_waiting_told = false;
                self.show_all(&shown)?;
                self.ask_for_line(String::new());
                Ok(())
            }
            (Phase::Joining { .. }, Received::Object(Object::Error(answer))) => self.turn_away(answer),
            // the language was told to the server, and not asked for
            (_, Received::Object(Object::Info(answer))) if answer.code == "lang" => Ok(()),
            (_, Received::Object(Object::Info(answer) | Object::Error(answer) | Object::Pong(answer))) => {
                self.show(&Shown::Answer(answer.message))
            }
            _ => Ok(()),
        }
    }

    /// The server ends the conversation.
    fn dismissed(&mut self, reason: &str, message: Text) -> Result<(), End> {
        if let Some(Leaving { is_told: true, has_last_words, .. }) = self.leaving {
            if has_last_words {
                self.show(&Shown::Answer(message))?;
            }
            return Err(End::Left);
        }
        let may_pass = ["shutdown", "lost", "too-slow", "timed-out", "evicted"].contains(&reason);
        if may_pass { self.lose(Some(message.to_string())) } else { Err(End::Failed(message.to_string())) }
    }

    /// The connection is gone, or there is none; `why`, if that is known.
    fn lose(&mut self, why: Option<String>) -> Result<(), End> {
        self.link = None;
        self.pinged = None;
        let mut shown = Vec::new();
        self.session.lose(&mut shown);
        self.show_all(&shown)?;
        if !self.session.has_been_in() {
            return if let Phase::Asking = self.phase {
                // whoever is being asked need not know
                self.phase = Phase::Idle;
                Ok(())
            } else {
                Err(End::Failed(why.unwrap_or_else(|| text::client_lost(self.language()))))
            };
        }
        if self.leaving.is_some() {
            if self.session.outgoing.len() == 0 {
                return Err(End::Left);
            }
            if !self.screen.is_plain() {
                return Err(self.unsent());
            }
        }
        if let Phase::In { since } = self.phase
            && since.elapsed() >= SETTLED
        {
            self.pauses.begin_anew();
        }
        let pause = self.pauses.next();
        self.phase = Phase::Waiting { until: Instant::now() + pause };
        if !self.pauses.are_longest() {
            let why = why.unwrap_or_else(|| text::client_connection_lost(self.language()));
            // in whole seconds, and never in none
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            self.screen.say(&text::client_retry(self.language(), why, seconds), &self.look);
        }
        Ok(())
    }

    fn unsent(&self) -> End {
        End::Failed(text::client_unsent(self.language(), self.session.outgoing.len()))
    }

    // ---- what is typed

    fn typed(&mut self, typed: Typed) -> Result<(), End> {
        let mut kept = String::new();
        match typed {
            Typed::Line(line) if line.trim().is_empty() => {
                if let Phase::Waiting { .. } = self.phase {
                    self.connect();
                }
            }
            Typed::Line(line) => {
                if !self.obey(&line)? {
                    kept = line;
                }
            }
            Typed::NotUtf8 => self.answer(&Answer::NotUtf8)?,
            Typed::Cleared => {}
            Typed::End => return self.leave(!self.screen.is_plain()),
            Typed::CannotHide => return Err(End::Failed(text::client_cannot_hide(self.language()))),
        }
        self.ask_for_line(kept);
        Ok(())
    }

    /// Does what a line asks. Whether that is done with; if not, whoever typed it may change it.
    fn obey(&mut self, line: &str) -> Result<bool, End> {
        let language = self.language();
        match understand(CleanText::from(line), self.session.target(), self.session.last_whisper()) {
            Deed::Nothing => {}
            Deed::Ask(request) => {
                if let Some(gone) = self.session.lost_target(&request) {
                    let gone = gone.as_str().to_owned();
                    self.screen.say(&text::client_target_gone(language, gone), &self.look);
                    return Ok(false);
                }
                match self.session.ask(request) {
                    Ok(()) => self.send_what_waits(),
                    Err(NotTaken::TooLong) => self.answer(&Answer::LineTooLong { max: self.session.max_line })?,
                    Err(NotTaken::Full) => self.screen.say(&text::client_full(language, MAX_WAITING), &self.look),
                }
            }
            Deed::Aim(Target::Person(name)) if !self.session.people.is_here(&name) => {
                self.answer(&Answer::NotFound(name))?;
            }
            Deed::Aim(target) => {
                let sentence = match &target {
                    Target::Person(name) => text::client_target(language, name.as_str().to_owned()),
                    Target::Everybody | Target::Unchanging => text::client_target_everybody(language),
                };
                self.session.aim(target);
                self.screen.say(&sentence, &self.look);
            }
            Deed::Help => self.help()?,
            Deed::Leave => {
                self.leave(true)?;
            }
            Deed::Mistake(answer) => self.answer(&answer)?,
            Deed::WouldBePublic => {
                self.screen.say(&text::client_target_public(language), &self.look);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn send_what_waits(&mut self) {
        if let (Phase::In { .. }, Some(link)) = (self.phase, &self.link) {
            self.session.due().into_iter().for_each(|line| link.send(line));
        } else if !std::mem::replace(&mut self.is_waiting_told, true) {
            self.screen.say(&text::client_waiting(self.language()), &self.look);
        }
    }

    /// Leaves as soon as all is answered.
    fn leave(&mut self, has_last_words: bool) -> Result<(), End> {
        let is_offline = !matches!(self.phase, Phase::In { .. });
        if is_offline && self.session.outgoing.len() == 0 {
            return Err(End::Left);
        }
        if is_offline && !self.screen.is_plain() {
            return Err(self.unsent());
        }
        self.leaving = Some(Leaving { has_last_words, until: Instant::now(), is_told: false });
        self.progress();
        Ok(())
    }

    /// Something was answered, or is waited for: the end, if it is near, is put off.
    fn progress(&mut self) {
        let patience = if self.screen.is_plain() { PATIENCE } else { TIMEOUT };
        let is_done = self.session.outgoing.len() == 0;
        let Some(leaving) = &mut self.leaving else { return };
        if leaving.is_told {
            return;
        }
        leaving.until = Instant::now() + if is_done { TIMEOUT } else { patience };
        if is_done {
            leaving.is_told = true;
            let id = self.session.outgoing.new_id();
            self.send(Request::Leave.line(&id));
        }
    }

    /// Asks for the next line, which `kept` begins; a script only if there is place for it.
    fn ask_for_line(&mut self, kept: String) {
        let is_full = self.screen.is_plain() && self.session.outgoing.is_full();
        if self.leaving.is_some() || is_full || self.question.is_some() || !self.session.has_been_in() {
            return;
        }
        let target = match self.session.target() {
            Target::Person(name) => format!("@{name}"),
            Target::Everybody | Target::Unchanging => text::client_everybody(self.language()),
        };
        let prompt = format!("{} → {target}> ", self.session.name());
        self.keyboard.ask(Ask::Line { prompt, initial: kept });
    }

    // ---- time

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

    // ---- what a person sees

    fn language(&self) -> Language {
        self.session.language
    }

    fn send(&self, line: String) {
        if let Some(link) = &self.link {
            link.send(line);
        }
    }

    fn show_all(&self, shown: &[Shown]) -> Result<(), End> {
        shown.iter().try_for_each(|shown| self.show(shown))
    }

    fn show(&self, shown: &Shown) -> Result<(), End> {
        let reader = Reader { name: self.session.name(), language: self.language(), now: Timestamp::now() };
        let lines = self.look.lines(shown, reader);
        match shown {
            Shown::Back { .. } | Shown::Gap | Shown::Undone if self.screen.is_plain() => {
                self.screen.say(lines.trim_end(), &self.look);
                Ok(())
            }
            _ if lines.is_empty() => Ok(()),
            _ => self.screen.show(lines),
        }
    }

    /// Says what the server would say.
    fn answer(&self, answer: &Answer) -> Result<(), End> {
        self.show(&Shown::Answer(sentence(answer, self.language())))
    }

    fn help(&self) -> Result<(), End> {
        let language = self.language();
        let mut lines = text::help(language, COMMANDS);
        if !self.screen.is_plain() {
            lines.extend([text::client_help_target(language), text::client_help_keys(language)]);
        }
        self.screen.show(lines.join("\n") + "\n")
    }

    /// Whoever completes a word knows what is known here.
    fn tell_known(&self) {
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.language = self.language();
        known.last_whisper = self.session.last_whisper().map(|name| name.as_str().to_owned());
        let others = self.session.people.names().iter().map(Name::as_str);
        let others = others.filter(|name| *name != self.session.name().as_str());
        if !known.names.iter().map(String::as_str).eq(others.clone()) {
            known.names = others.map(str::to_owned).collect();
        }
    }
}

fn sentence(answer: &Answer, language: Language) -> Text {
    Text::from(String::from_utf8_lossy(&dialect::text::answer(answer, language)).trim_end())
}
