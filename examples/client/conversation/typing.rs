//! What is typed, and the end that it may ask for.

use std::time::{Duration, Instant};

use papo::chat::answer::Answer;
use papo::chat::hygiene::CleanText;
use papo::chat::text;

use super::{Conversation, End, Leaving, Phase};
use crate::TIMEOUT;
use crate::keyboard::{Ask, Typed};
use crate::outgoing::{MAX_WAITING, NotTaken};
use crate::protocol::Request;
use crate::target::Target;
use crate::typed::{Deed, understand};

/// How long the end of a script waits for an answer to what it said, and then for the next one.
const PATIENCE: Duration = Duration::from_secs(15);

impl Conversation {
    pub(super) fn typed(&mut self, typed: Typed) -> Result<(), End> {
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
    pub(super) fn obey(&mut self, line: &str) -> Result<bool, End> {
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
            Deed::Aim(Target::Person(name)) => match self.session.people.find(&name).cloned() {
                Some(name) => {
                    let sentence = text::client_target(language, name.as_str().to_owned());
                    self.session.aim(Target::Person(name));
                    self.screen.say(&sentence, &self.look);
                }
                None => self.answer(&Answer::NotFound(name))?,
            },
            Deed::Aim(target) => {
                self.session.aim(target);
                self.screen.say(&text::client_target_everybody(language), &self.look);
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

    pub(super) fn send_what_waits(&mut self) {
        if let (Phase::In { .. }, Some(link)) = (self.phase, &self.link) {
            self.session.due().into_iter().for_each(|line| link.send(line));
        } else if !std::mem::replace(&mut self.is_waiting_told, true) {
            self.screen.say(&text::client_waiting(self.language()), &self.look);
        }
    }

    /// Leaves as soon as all is answered.
    pub(super) fn leave(&mut self, has_last_words: bool) -> Result<(), End> {
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
    pub(super) fn progress(&mut self) {
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
    pub(super) fn ask_for_line(&mut self, kept: String) {
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
}
