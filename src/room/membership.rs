//! Who comes into the room, and who goes.

use std::sync::Arc;

use actix::prelude::*;
use log::error;

use super::{ChatRoom, Join, Leave};
use crate::chat::answer::Answer;
use crate::chat::event::EventKind;
use crate::chat::history::Place;
use crate::chat::name::Name;
use crate::chat::registry::{RegistryError, SessionId};
use crate::turn::Private;

impl ChatRoom {
    /// What was said before somebody came in, which is exactly what they are not told as it happens.
    fn show_history(&mut self, newcomer: SessionId, ctx: &mut Context<Self>) {
        let page = self.history.newest(self.shown);
        if !page.is_empty() {
            self.tell_stranger(newcomer, Private::Told(Answer::History(page)), ctx);
        }
    }

    fn welcome(&self, newcomer: SessionId, name: &Name, from: Option<Place>) -> Answer {
        let others = self.registry.members().filter(|(session, _)| *session != newcomer);
        let others: Vec<Name> = others.take(Answer::WELCOME_NAMES).map(|(_, name)| name.clone()).collect();
        let more = self.registry.len() - 1 - others.len();
        let from = from.filter(|from| *from.epoch == *self.epoch);
        let missed = from.and_then(|from| self.history.after(from.seq));
        Answer::Welcome { name: name.clone(), others, more, after: self.seq, epoch: Arc::clone(&self.epoch), missed }
    }
}

impl Handler<Join> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Join { session, name, from }: Join, ctx: &mut Self::Context) {
        let answer = match self.registry.join(session, name.clone()) {
            Ok(()) => Some(self.welcome(session, &name, from)),
            Err(RegistryError::Taken) => Some(Answer::NameTaken(name.clone())),
            Err(RegistryError::TooSimilar) => Some(Answer::NameTooSimilar(name.clone())),
            Err(RegistryError::WrongState) => {
                error!("session={session} joined twice");
                None
            }
        };
        if matches!(answer, Some(Answer::NameTaken(_))) {
            self.tell_holder(&name, session, ctx);
        }
        let has_joined = matches!(answer, Some(Answer::Welcome { .. }));
        let is_new = matches!(answer, Some(Answer::Welcome { missed: None, .. }));
        self.tell_stranger(session, Private::Answered(answer), ctx);
        if is_new {
            self.show_history(session, ctx);
        }
        if has_joined {
            self.names = None;
            self.metrics.joins.inc();
            self.count_members();
            self.notify(Some(session), EventKind::Joined { name }, ctx);
        }
    }
}

impl Handler<Leave> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Leave { session, reason }: Leave, ctx: &mut Self::Context) {
        let Some(name) = self.registry.leave(session) else { return };
        self.names = None;
        self.metrics.departures.count(reason);
        self.count_members();
        self.tell_stranger(session, Private::Farewell, ctx);
        if !self.is_shutting_down {
            self.notify(None, EventKind::Left { name, reason }, ctx);
        }
    }
}
