//! What members say and ask.

use std::sync::Arc;

use actix::prelude::*;
use tokio::time::Instant;

use super::{Broadcast, ChatRoom, Manner, Recall, Rename, Research, To, Whisper, Who, keeping};
use crate::chat::answer::{Answer, Sighting};
use crate::chat::event::{EventKind, Whispered};
use crate::chat::history::MAX_MESSAGES;
use crate::chat::registry::RegistryError;
use crate::chat::repeats::First;
use crate::journal::{self, Journal, Record};
use crate::metrics::Message as Kind;
use crate::turn::Private;

impl Handler<Broadcast> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Broadcast { session, manner, text, key }: Broadcast, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let first = key.and_then(|key| self.repeats.find(key, Instant::now().into_std()));
        if let Some(first) = first {
            return self.tell(session, Private::Repeated(first), ctx);
        }
        self.text += text.as_str().len();
        self.metrics.messages.count(match manner {
            Manner::Says => Kind::Said,
            Manner::Acts => Kind::Acted,
        });
        let kind = match manner {
            Manner::Says => EventKind::Said { from, text },
            Manner::Acts => EventKind::Acted { from, text },
        };
        self.publish(Some(session), kind, key, ctx);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Whisper { session, origin, to, text, key }: Whisper, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let Some(member) = self.registry.member_of(session) else { return };
        let now = || Instant::now().into_std();
        match key.and_then(|key| self.repeats.find(key, now())) {
            // it was read, but the journal has lost it
            Some(First { is_kept: false, .. }) => return self.answer(session, Some(Answer::NotKept), ctx),
            Some(_) => return self.answer_when_kept(session, true, ctx),
            None => {}
        }
        let (found, name) = match to {
            To::Name(name) => (self.registry.find(&name), name),
            To::Member { member, name } => (self.registry.session_of(member), name),
        };
        let Some(found) = found else { return self.answer(session, Some(Answer::NotFound(name)), ctx) };
        self.metrics.messages.count(Kind::Whispered);
        self.text += text.as_str().len();
        let (after, at) = (self.seq, (self.clock)());
        let to = self.registry.name_of(found).cloned().unwrap_or(name);
        let recipient = self.absence.count_whisper(found);
        let kept = || journal::Whisper { after, at, from: from.clone(), to, text: text.clone(), recipient };
        self.keep(|| Record::Whisper { whisper: Box::new(kept()), id: key.and_then(keeping::id) });
        let number = recipient.map_or(0, |recipient| recipient.number);
        let whispered = Whispered { after, at, from: from.clone(), member, number, text: text.clone() };
        if let Some(recipient) = recipient {
            self.whispers.add(recipient.proof, Some(origin), whispered.clone());
        }
        if let Some(key) = key {
            self.repeats.add(key, First { seq: None, record: self.last_record(), at, is_kept: true }, now());
        }
        self.tell(found, Private::Whispered(whispered), ctx);
        self.answer_when_kept(session, key.is_some(), ctx);
    }
}

impl Handler<Rename> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Rename { session, name }: Rename, ctx: &mut Self::Context) {
        let answer = match self.registry.rename(session, name.clone()) {
            Ok(old) if old.as_str() == name.as_str() => Some(Answer::NameUnchanged(name)),
            Ok(old) => {
                self.names = None;
                self.publish(None, EventKind::Renamed { old, new: name }, None, ctx);
                None
            }
            Err(RegistryError::Taken) => {
                self.tell_holder(&name, session, ctx);
                Some(Answer::NameTaken(name))
            }
            Err(RegistryError::TooSimilar) => Some(Answer::NameTooSimilar(name)),
            Err(RegistryError::Held) => Some(Answer::NameHeld(name)),
            Err(RegistryError::WrongState) => return,
        };
        self.answer(session, answer, ctx);
    }
}

impl Handler<Who> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Who { session }: Who, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_none() {
            return;
        }
        // however many ask at once, there is one list
        let list = || self.registry.members().map(|(_, name)| name.clone()).collect();
        let names = Arc::clone(self.names.get_or_insert_with(list));
        self.answer(session, Some(Answer::Who(names)), ctx);
    }
}

impl Handler<Recall> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Recall { session, count }: Recall, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_some() {
            let page = self.history.newest(count.min(MAX_MESSAGES));
            self.answer(session, Some(Answer::History(page)), ctx);
        }
    }
}

impl Handler<Research> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Research { session, about }: Research, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_none() {
            return;
        }
        let there = about.and_then(|name| self.registry.find(&name)).and_then(|found| self.registry.name_of(found));
        match there.cloned() {
            Some(name) => self.answer(session, Some(Answer::Seen(name, Sighting::Here)), ctx),
            None => {
                // what was reported last may be long ago
                let written = self.journal.as_ref().map_or(self.written, Journal::last_written);
                let unwritten = self.history.known_after(written);
                self.tell(session, Private::Unwritten(unwritten), ctx);
            }
        }
    }
}
