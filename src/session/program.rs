//! Sessions of programs, which speak JSON: what they ask, and how they know the answers.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use ring::rand::{SecureRandom, SystemRandom};

use super::{Connection, Ignored, Stage};
use crate::chat::answer::{Answer, ObjectError};
use crate::chat::command::Command;
use crate::chat::event::Event;
use crate::chat::name::Name;
use crate::chat::repeats::First;
use crate::chat::token::{MessageKey, Proof, TOKEN_BYTES, Token};
use crate::dialect::json::request::{Ask, Join, Request};
use crate::dialect::{Format, json};
use crate::journal::MAX_WAITING;
use crate::room;
use crate::transport::Transport;

/// The most messages of a session that wait for the journal. Beyond it the oldest is acknowledged as not kept. A journal that
/// works does not let so many wait: it is [behind](crate::journal::Journal::is_behind) with half of them.
const MAX_UNWRITTEN: usize = MAX_WAITING / 8;

/// The ids of what a program has asked and was not answered yet: no more than there are lines on their way, one question, and
/// what waits for the journal.
#[derive(Default)]
pub(super) struct Ids {
    /// What tells the room that this is the member that it is; from the welcome on, if it may come back.
    proof: Option<Proof>,
    /// Of what is being answered just now.
    current: Option<Box<str>>,
    /// Of what the room was asked.
    asked: Option<Box<str>>,
    /// Of the messages on their way to everybody, in order.
    in_flight: VecDeque<Option<Box<str>>>,
    /// Of those that have gone to everybody, and are not in the journal yet.
    unwritten: VecDeque<Unwritten>,
}

/// A message that has gone to everybody, and is not in the journal yet.
#[derive(Debug)]
struct Unwritten {
    seq: u64,
    at: SystemTime,
    id: Option<Box<str>>,
}

impl Unwritten {
    fn ack(&self, is_kept: bool) -> String {
        json::ack(self.seq, self.at, self.id.as_deref(), is_kept)
    }
}

impl Ids {
    pub(super) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }
}

impl<S: Transport> Connection<S> {
    /// The peer is a program: it is told who is speaking.
    pub(super) fn begin_program(&mut self, format: Format) {
        self.format = format;
        self.ids = Some(Box::default());
        let hello = json::hello(self.language, self.is_locked(), self.config.max_line);
        self.owe(format.object(&hello));
    }

    pub(super) fn take_object(&mut self, object: &str) {
        let Request { id, ask } = Request::parse(object);
        self.answering(id, |session| match ask {
            Ok(Ask::Join(join)) if session.stage == Stage::Naming => session.join(join),
            Ok(Ask::Join(_)) => session.answer(Answer::BadObject(ObjectError::AlreadyJoined)),
            Ok(Ask::Command(command)) if session.stage == Stage::Naming && command.is_for_members() => {
                session.answer(Answer::BadObject(ObjectError::NotJoined));
            }
            Ok(Ask::Command(command)) => {
                if let Command::Say(text) | Command::Act(text) | Command::Whisper { text, .. } | Command::Reply(text) =
                    &command
                {
                    session.pay_for_pictures(text.as_str().len().saturating_sub(object.len()));
                }
                session.obey(command);
            }
            Err(mistake) => session.answer(mistake),
        });
    }

    fn join(&mut self, Join { name, language, password, from, token, ignored }: Join) {
        if let Some(language) = language {
            self.language = language;
        }
        if ignored.len() > self.config.max_ignored {
            return self.answer(Answer::TooManyIgnored { max: self.config.max_ignored });
        }
        match Name::parse(name.trim()) {
            Ok(name) => {
                self.ignored = ignored.into_iter().map(|name| Ignored { asked: name.clone(), now: name }).collect();
                let token = token.or_else(random_token);
                let join = room::Join { session: self.id, origin: self.origin(), name, from, token };
                if self.is_locked() { self.try_password(password, Some(join)) } else { self.ask(join) }
            }
            Err(error) => {
                self.answer(Answer::BadName(error));
                self.count_bad_name();
            }
        }
    }

    /// What is answered by `deed` is answered to the request with this id.
    fn answering(&mut self, id: Option<Box<str>>, deed: impl FnOnce(&mut Connection<S>)) {
        self.set_current(id);
        deed(self);
        self.set_current(None);
    }

    fn set_current(&mut self, id: Option<Box<str>>) {
        if let Some(ids) = &mut self.ids {
            ids.current = id;
        }
    }

    /// How the program proves from now on that it is this member, if it can.
    pub(super) fn prove_by(&mut self, token: Option<&Token>) {
        if let Some(ids) = &mut self.ids {
            ids.proof = token.map(Token::proof);
        }
    }

    /// By what the message is known that is being handled, if it comes again.
    pub(super) fn key(&self) -> Option<MessageKey> {
        let ids = self.ids.as_deref()?;
        Some(MessageKey::new(ids.proof.as_ref()?, ids.current()?))
    }

    /// What is being handled goes to everybody, and is acknowledged when it has.
    pub(super) fn acknowledge_later(&mut self) {
        if let Some(ids) = &mut self.ids {
            let id = ids.current.take();
            ids.in_flight.push_back(id);
        }
    }

    /// A message of this session has gone to everybody. It is acknowledged when it is in the journal, which all are up to number
    /// `written`.
    pub(super) fn acknowledge_when_written(&mut self, event: &Event, written: u64) {
        self.acknowledge_first(event.seq, event.at, written);
    }

    /// The same, of a message that had come already.
    pub(super) fn acknowledge_repeated(&mut self, first: First, written: u64) {
        let Some(ids) = &mut self.ids else { return };
        match first {
            First { seq: Some(seq), at, is_kept: true, .. } => self.acknowledge_first(seq, at, written),
            // one that the journal lost, or that was no event
            First { seq, at, .. } => {
                let id = ids.in_flight.pop_front().flatten();
                let ack = match seq {
                    Some(seq) => json::ack(seq, at, id.as_deref(), false),
                    None => json::done(id.as_deref()),
                };
                let ack = self.format.object(&ack);
                self.owe(ack);
            }
        }
    }

    /// The first message on its way has this number.
    fn acknowledge_first(&mut self, seq: u64, at: SystemTime, written: u64) {
        let Some(ids) = &mut self.ids else { return };
        let id = ids.in_flight.pop_front().flatten();
        // one that was repeated may be older than others that wait
        let place = ids.unwritten.partition_point(|message| message.seq <= seq);
        ids.unwritten.insert(place, Unwritten { seq, at, id });
        let too_old = ids.unwritten.len().checked_sub(MAX_UNWRITTEN + 1).map(|oldest| ids.unwritten[oldest].seq);
        self.acknowledge(&(0..=written), true);
        if let Some(seq) = too_old {
            self.acknowledge(&(0..=seq), false);
        }
    }

    /// Acknowledges those of the messages that have these numbers. They are in the journal, or perhaps never will be.
    pub(super) fn acknowledge(&mut self, events: &RangeInclusive<u64>, are_kept: bool) {
        let Some(ids) = &mut self.ids else { return };
        let first = ids.unwritten.partition_point(|message| message.seq < *events.start());
        let behind = ids.unwritten.partition_point(|message| message.seq <= *events.end());
        let acks: Vec<_> = ids.unwritten.drain(first..behind).map(|message| message.ack(are_kept)).collect();
        for ack in acks {
            let ack = self.format.object(&ack);
            // when a disk that has failed for an hour is back, they come all at once
            self.owe_spared(ack);
        }
    }

    /// What is being handled is asked of the room, which answers.
    pub(super) fn answer_later(&mut self) {
        if let Some(ids) = &mut self.ids {
            ids.asked = ids.current.take();
        }
    }

    /// What was being asked is asked of somebody else.
    pub(super) fn asks_again(&mut self) {
        if let Some(ids) = &mut self.ids {
            ids.current = ids.asked.take();
        }
    }

    /// The room has answered, and `deed` passes it on. Without words, a program is told that all is done.
    pub(super) fn answering_what_was_asked(&mut self, has_words: bool, deed: impl FnOnce(&mut Connection<S>)) {
        let Some(ids) = &mut self.ids else { return deed(self) };
        let id = ids.asked.take();
        if !has_words {
            let done = self.format.object(&json::done(id.as_deref()));
            self.owe(done);
        }
        self.answering(id, deed);
    }
}

/// A token that nobody guesses; `None` if the system has no random numbers to give.
fn random_token() -> Option<Token> {
    let mut bytes = [0; TOKEN_BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Token::new(bytes))
}
