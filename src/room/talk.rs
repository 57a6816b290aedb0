//! What members say and ask.

use std::sync::Arc;

use actix::prelude::*;

use super::{Broadcast, ChatRoom, Manner, Recall, Rename, To, Whisper, Who};
use crate::chat::answer::Answer;
use crate::chat::event::{EventKind, Whispered};
use crate::chat::history::MAX_MESSAGES;
use crate::chat::registry::RegistryError;
use crate::journal::{self, Record};
use crate::metrics::Message as Kind;
use crate::turn::Private;

impl Handler<Broadcast> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Broadcast { session, manner, text }: Broadcast, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        self.text += text.as_str().len();
        self.metrics.messages.count(match manner {
            Manner::Says => Kind::Said,
            Manner::Acts => Kind::Acted,
        });
        let kind = match manner {
            Manner::Says => EventKind::Said { from, text },
            Manner::Acts => EventKind::Acted { from, text },
        };
        self.publish(Some(session), kind, ctx);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Whisper { session, to, text }: Whisper, ctx: &mut Self::Context) {
        let Some(from) = self.registry.name_of(session).cloned() else { return };
        let (found, name) = match to {
            To::Name(name) => (self.registry.find(&name), name),
            To::Session { session, name } => (self.registry.name_of(session).map(|_| session), name),
        };
        let answer = match found {
            Some(found) => {
                self.metrics.messages.count(Kind::Whispered);
                self.text += text.as_str().len();
                let (after, at) = (self.seq, (self.clock)());
                let to = self.registry.name_of(found).cloned().unwrap_or(name);
                let kept = || journal::Whisper { after, at, from: from.clone(), to, text: text.clone() };
                self.keep(|| Record::Whisper { whisper: kept(), id: None });
                let whispered = Whispered { after, at, from, session, text };
                self.tell(found, Private::Whispered(whispered), ctx);
                None
            }
            None => Some(Answer::NotFound(name)),
        };
        self.answer(session, answer, ctx);
    }
}

impl Handler<Rename> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Rename { session, name }: Rename, ctx: &mut Self::Context) {
        let answer = match self.registry.rename(session, name.clone()) {
            Ok(old) if old.as_str() == name.as_str() => Some(Answer::NameUnchanged(name)),
            Ok(old) => {
                self.names = None;
                self.publish(None, EventKind::Renamed { old, new: name }, ctx);
                None
            }
            Err(RegistryError::Taken) => {
                self.tell_holder(&name, session, ctx);
                Some(Answer::NameTaken(name))
            }
            Err(RegistryError::TooSimilar) => Some(Answer::NameTooSimilar(name)),
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
