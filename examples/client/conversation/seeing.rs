//! What a person sees, and what whoever helps to type knows.

use std::sync::PoisonError;

use jiff::Timestamp;
use papo::chat::answer::Answer;
use papo::chat::command::COMMANDS;
use papo::chat::language::Language;
use papo::chat::name::Name;
use papo::chat::text;
use papo::dialect;

use super::{Conversation, End};
use crate::protocol::Text;
use crate::session::Shown;
use crate::show::Reader;

impl Conversation {
    pub(super) fn language(&self) -> Language {
        self.session.language
    }

    pub(super) fn send(&self, line: String) {
        if let Some(link) = &self.link {
            link.send(line);
        }
    }

    pub(super) fn show_all(&self, shown: &[Shown]) -> Result<(), End> {
        shown.iter().try_for_each(|shown| self.show(shown))
    }

    pub(super) fn show(&self, shown: &Shown) -> Result<(), End> {
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
    pub(super) fn answer(&self, answer: &Answer) -> Result<(), End> {
        self.show(&Shown::Answer(sentence(answer, self.language())))
    }

    pub(super) fn help(&self) -> Result<(), End> {
        let language = self.language();
        let mut lines = text::help(language, COMMANDS);
        if !self.screen.is_plain() {
            lines.extend([text::client_help_target(language), text::client_help_keys(language)]);
        }
        self.screen.show(lines.join("\n") + "\n")
    }

    /// Whoever completes a word knows what is known here.
    pub(super) fn tell_known(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.language = self.language();
        known.last_whisper = self.session.last_whisper().map(|name| name.as_str().to_owned());
        let others = self.session.people.names().iter().map(Name::as_str);
        let others = others.filter(|name| *name != self.session.name().as_str());
        if !known.names.iter().map(String::as_str).eq(others.clone()) {
            known.names = others.map(str::to_owned).collect();
        }
    }
}

/// A sentence of the server.
pub(super) fn sentence(answer: &Answer, language: Language) -> Text {
    Text::from(String::from_utf8_lossy(&dialect::text::answer(answer, language)).trim_end())
}
