//! Coming in, being turned away, losing the connection, and coming back.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use papo::chat::answer::Answer;
use papo::chat::command::Command;
use papo::chat::hygiene::CleanText;
use papo::chat::name::Name;
use papo::chat::text;
use papo::config::Config;
use papo::password::Password;
use secrecy::ExposeSecret;

use super::seeing::sentence;
use super::{Conversation, End, Event, Leaving, Phase, Question};
use crate::connection::{self, Connection};
use crate::editor::Backlog;
use crate::keyboard::{Ask, Typed};
use crate::link::Link;
use crate::pauses::SETTLED;
use crate::protocol::{self, Request, Text};
use crate::screen::Screen;
use crate::session::Shown;

/// So often is somebody who comes back refused under their own name, before they are told.
const MAX_REFUSALS: u32 = 5;

impl Conversation {
    pub(super) fn use_connection(&mut self, connection: Connection) {
        self.fingerprint = connection.fingerprint.or(self.fingerprint);
        self.links += 1;
        let link = Link::new(self.links, connection, self.tell.clone(), self.backlog());
        // it speaks first: by that the server knows what it speaks
        link.send(Request::lang(self.session.language).line(&self.session.outgoing.new_id()));
        self.link = Some(link);
        self.heard = Instant::now();
        self.phase = Phase::Greeting { since: self.heard };
    }

    pub(super) fn backlog(&self) -> Option<Backlog> {
        match &self.screen {
            Screen::Plain => None,
            Screen::Terminal(printer) => Some(printer.backlog()),
        }
    }

    pub(super) fn connect(&mut self) {
        self.phase = Phase::Connecting;
        let (args, seen, tell) = (Arc::clone(&self.args), self.fingerprint, self.tell.clone());
        let language = self.language();
        thread::spawn(move || {
            // nobody waits for it if all is over
            let _ = tell.send(Event::Opened(connection::open(&args, seen, language)));
        });
    }

    /// Comes in with what is known, or asks for what is not.
    pub(super) fn enter(&mut self) -> Result<(), End> {
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

    pub(super) fn ask(&mut self, question: Question) -> Result<(), End> {
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
    pub(super) fn answered(&mut self, question: Question, typed: Typed) -> Result<(), End> {
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
    pub(super) fn refuse(&mut self, why: Text) -> Result<(), End> {
        if !self.is_person {
            return Err(End::Failed(why.to_string()));
        }
        self.show(&Shown::Answer(why))
    }

    /// The server does not let this client in.
    pub(super) fn turn_away(&mut self, answer: protocol::Answer) -> Result<(), End> {
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

    /// The server ends the conversation.
    pub(super) fn dismissed(&mut self, reason: &str, message: Text) -> Result<(), End> {
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
    pub(super) fn lose(&mut self, why: Option<String>) -> Result<(), End> {
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

    pub(super) fn unsent(&self) -> End {
        End::Failed(text::client_unsent(self.language(), self.session.outgoing.len()))
    }
}
