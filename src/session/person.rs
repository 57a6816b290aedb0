//! What the person at the other end says, and what a session does about it.

use actix::prelude::*;
use tokio::time::Instant;

use super::inquiry::Question;
use super::{Connection, Ignored, Stage, goodbye};
use crate::addresses::Origin;
use crate::chat::answer::Answer;
use crate::chat::command::Command;
use crate::chat::event::Reason;
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::config::Config;
use crate::dialect::text::codec::Line;
use crate::dialect::text::telnet::TIMING_MARK_ANSWER;
use crate::dialect::{Format, sniff};
use crate::metrics::Limit;
use crate::room::{Broadcast, ChatRoom, Join, Manner, Recall, Rename, To, Whisper, Who};
use crate::transport::Transport;

impl<S: Transport> Connection<S> {
    pub(super) fn take_line(&mut self, line: Line) {
        let line = match line {
            Line::Text(object) if self.format.is_for_programs() => return self.take_object(&object),
            Line::Text(text) => {
                let typed = text.len();
                let clean = CleanText::new(text);
                // what others read may be three times as long
                self.pay_for_pictures(clean.as_str().len().saturating_sub(typed));
                clean
            }
            Line::TooLong => return self.take_long_line(),
            Line::Unended => {
                self.metrics.limits.count(Limit::MaxUnended);
                return self.leave(Reason::LongLines);
            }
            Line::NotUtf8 => return self.answer(Answer::NotUtf8),
            Line::TimingMarks(count) => return self.owe(TIMING_MARK_ANSWER.repeat(count).into()),
            Line::Foreign(protocol) => return self.turn_away(protocol),
            Line::Json => return self.begin_program(Format::Json),
            Line::Reply(reply) => return self.owe(reply),
            Line::Closed(reason) => return self.leave(reason),
            Line::Violation { is_too_long: true } => {
                self.metrics.limits.count(Limit::MaxUnended);
                return self.leave(Reason::LongLines);
            }
            Line::Violation { is_too_long: false } => return self.leave(Reason::Foreign),
        };
        match self.stage {
            Stage::Naming => self.take_name(line),
            _ => match Command::parse(line) {
                Ok(Some(command)) => self.obey(command),
                Ok(None) => {}
                Err(mistake) => self.answer(mistake.into()),
            },
        }
    }

    /// Once is an accident, and answered.
    fn take_long_line(&mut self) {
        let Config { max_line, max_long_lines, long_lines_within, .. } = *self.config;
        self.answer(Answer::LineTooLong { max: max_line });
        if max_long_lines == 0 || self.is_closing() {
            return;
        }
        let long_lines = self.long_lines.get_or_insert_default();
        if long_lines.add(Instant::now().into_std(), long_lines_within) >= max_long_lines {
            self.metrics.limits.count(Limit::MaxLongLines);
            self.leave(Reason::LongLines);
        }
    }

    /// A line of somebody without a name: the password, a name, or one of the few commands that make sense already.
    fn take_name(&mut self, line: CleanText) {
        if line.as_str().is_empty() {
            return;
        }
        if let Some(http) = sniff::http_line(line.as_str()) {
            return self.turn_away(http);
        }
        if let Some(command) = Command::parse_before_name(&line) {
            return self.obey(command);
        }
        if self.is_locked() {
            return self.try_password(Some(line.as_str().to_owned()), None);
        }
        match Name::parse(line.as_str().trim()) {
            Ok(name) => self.ask(Join { session: self.id, origin: self.origin(), name, from: None, token: None }),
            Err(error) => {
                self.answer(Answer::BadName(error));
                self.count_bad_name();
            }
        }
    }

    /// A name was refused, and the person knows why. Whoever goes on and on is no person.
    pub(super) fn count_bad_name(&mut self) {
        self.bad_names = self.bad_names.saturating_add(1);
        let max = self.config.max_bad_names;
        if max > 0 && self.bad_names >= max && !self.is_closing() {
            self.close(Reason::BadNames, goodbye(Reason::BadNames));
        }
    }

    pub(super) fn obey(&mut self, command: Command) {
        let session = self.id;
        match command {
            Command::Say(text) => self.tell_all(Manner::Says, text),
            Command::Act(text) => self.tell_all(Manner::Acts, text),
            Command::Whisper { to, text } => self.whisper(To::Name(to), text),
            Command::Reply(text) => match self.whisperer.clone() {
                Some((member, name)) => self.whisper(To::Member { member, name }, text),
                None => self.answer(Answer::NobodyToReplyTo),
            },
            Command::Rename(name) => self.ask(Rename { session, name }),
            Command::Who => self.ask(Who { session }),
            Command::History(count) => {
                self.pay_for_mistake();
                self.ask(Recall { session, count });
            }
            Command::Search { words, count } => self.inquire(Question::Search { words, count }),
            Command::Seen(name) => self.inquire(Question::Seen(name)),
            Command::Help => self.answer(Answer::Help),
            Command::Ping => self.answer(Answer::Pong),
            Command::Language(language) => {
                self.language = language;
                self.answer(Answer::LanguageChanged(language));
            }
            Command::Ignore(name) => self.ignore(name),
            Command::Unignore(name) => self.unignore(name),
            Command::Quit => self.leave(Reason::Asked),
        }
    }

    fn tell_all(&mut self, manner: Manner, text: CleanText) {
        self.in_flight += 1;
        let key = self.key();
        self.acknowledge_later();
        self.room.do_send(Broadcast { session: self.id, manner, text, key });
    }

    fn whisper(&mut self, to: To, text: CleanText) {
        let key = self.key();
        self.ask(Whisper { session: self.id, origin: self.origin(), to, text, key });
    }

    /// Where it comes from.
    pub(super) fn origin(&self) -> Origin {
        Origin::of(self.peer.ip(), &self.config.exempt)
    }

    /// Asks the room something that it answers, in words or without.
    pub(super) fn ask<M>(&mut self, question: M)
    where
        M: Message<Result = ()> + Send + 'static,
        ChatRoom: Handler<M>,
    {
        self.is_waiting_for_room = true;
        self.answer_later();
        self.room.do_send(question);
    }

    fn ignore(&mut self, name: Name) {
        if !self.ignores(&name) {
            let max = self.config.max_ignored;
            if self.ignored.len() >= max {
                return self.answer(Answer::TooManyIgnored { max });
            }
            self.ignored.push(Ignored { asked: name.clone(), now: name.clone() });
        }
        self.answer(Answer::Ignoring(name));
    }

    fn unignore(&mut self, name: Name) {
        let before = self.ignored.len();
        self.ignored.retain(|ignored| ignored.now != name);
        let was_ignored = self.ignored.len() < before;
        self.answer(if was_ignored { Answer::NotIgnoringAnyMore(name) } else { Answer::NotIgnored(name) });
    }

    pub(super) fn ignores(&self, name: &Name) -> bool {
        self.ignored.iter().any(|ignored| ignored.now == *name)
    }
}
