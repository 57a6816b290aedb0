//! Who comes into the room, who comes back, and who goes.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use log::error;
use tokio::time::Instant;

use super::absence::{Due, Patience, State};
use super::{ChatRoom, Expire, Join, Leave};
use crate::chat::answer::{Answer, Welcome};
use crate::chat::event::{EventKind, Reason};
use crate::chat::history::Place;
use crate::chat::name::Name;
use crate::chat::registry::{RegistryError, SessionId};
use crate::chat::token::Token;
use crate::metrics::Limit;
use crate::turn::Private;

/// The highest number of a whisper that a program is believed to know. Programs that have no other numbers than JavaScript's can
/// tell all those up to 2^53 - 1 from each other, so as many again may follow.
const MAX_CLAIM: u64 = 1 << 52;

impl ChatRoom {
    /// The same, in which members that can prove who they are may come back: until `grace` is over, nobody is told that they were
    /// gone, and until `window` is, their name is kept for them. With no window, nobody can prove who they are. So many of one
    /// address may be away, if that is not 0; for others their loss is a departure.
    pub fn waiting_for_lost(self, grace: Duration, window: Duration, max_of_address: usize) -> ChatRoom {
        ChatRoom { patience: Patience { grace, window, max_of_address, ..Patience::NONE }, ..self }
    }

    /// What was said before somebody came in, which is exactly what they are not told as it happens.
    fn show_history(&mut self, newcomer: SessionId, ctx: &mut Context<Self>) {
        let page = self.history.newest(self.shown);
        if !page.is_empty() {
            self.tell_stranger(newcomer, Private::Told(Answer::History(page)), ctx);
        }
    }

    /// Welcomes a session that has become a member, or is the one now that another session was.
    fn welcome(&mut self, session: SessionId, from: Option<Place>, token: Option<Token>, ctx: &mut Context<Self>) {
        let Some(name) = self.registry.name_of(session).cloned() else { return };
        let others = self.registry.members().filter(|(other, _)| *other != session);
        let others: Vec<Name> = others.take(Answer::WELCOME_NAMES).map(|(_, name)| name.clone()).collect();
        let more = self.registry.len() - 1 - others.len();
        let known = from.as_ref().filter(|from| *from.epoch == *self.epoch);
        let missed = known.and_then(|from| self.history.after(from.seq));
        let undone_from = known.and_then(|from| self.history.undone_from(from.seq));
        let (is_new, has_gap) = (missed.is_none(), missed.is_none() && from.is_some());
        let known = from.as_ref().map_or(0, |from| from.whispers);
        let whispers = self.absence.proof_of(session).map_or(0, |proof| self.whispers.kept_up_to(proof, known));
        let (after, epoch) = (self.seq, Arc::clone(&self.epoch));
        let welcome = Welcome { name, others, more, after, epoch, missed, undone_from, has_gap, token, whispers };
        self.tell_stranger(session, Private::Answered(Some(Answer::Welcome(welcome.into()))), ctx);
        if is_new {
            self.show_history(session, ctx);
        }
        if let (Some(from), Some(proof)) = (from, self.absence.proof_of(session)) {
            let whispers = self.whispers.after(proof, from.whispers).cloned().collect();
            let known = self.whispers.newest_up_to(proof, from.whispers).cloned();
            self.whispers.read(proof, from.whispers);
            self.tell_stranger(session, Private::Missed { whispers, known }, ctx);
        }
    }

    fn come_in(&mut self, Join { session, origin, name, from, token }: Join, ctx: &mut Context<Self>) {
        let refusal = match self.registry.join(session, name.clone()) {
            Ok(_) => {
                if let Some(token) = &token {
                    let proof = token.proof();
                    // no number is given twice, whatever the member has read of what was not kept
                    let known = from.as_ref().map_or(0, |from| from.whispers);
                    self.absence.add(session, proof, origin, self.whispers.last(proof).max(known));
                }
                self.welcome(session, from, token, ctx);
                return self.announce(session, name, ctx);
            }
            Err(RegistryError::Taken) => Some(Answer::NameTaken(name.clone())),
            Err(RegistryError::TooSimilar) => Some(Answer::NameTooSimilar(name)),
            Err(RegistryError::Held) => Some(Answer::NameHeld(name)),
            Err(RegistryError::WrongState) => {
                error!("session={session} joined twice");
                None
            }
        };
        if let Some(Answer::NameTaken(name)) = &refusal {
            self.tell_holder(name, session, ctx);
        }
        self.tell_stranger(session, Private::Answered(refusal), ctx);
    }

    /// A member comes back by another connection. If the old one is still there, it must go, and nobody is told.
    fn come_back(
        &mut self,
        holder: SessionId,
        Join { session, origin, from, token, .. }: Join,
        ctx: &mut Context<Self>,
    ) {
        if !self.registry.hand_over(holder, session) {
            error!("session={session} cannot be the member that session={holder} is");
            return self.tell_stranger(session, Private::Answered(None), ctx);
        }
        self.metrics.resumed.inc();
        let was = self.absence.come_back(holder, session, origin);
        if was == Some(State::Present) {
            self.tell_stranger(holder, Private::Replaced, ctx);
        }
        self.welcome(session, from, token, ctx);
        if let (Some(State::Gone { .. }), Some(name)) = (was, self.registry.name_of(session).cloned()) {
            self.announce(session, name, ctx);
        }
    }

    /// Tells the others of somebody who was not there.
    fn announce(&mut self, newcomer: SessionId, name: Name, ctx: &mut Context<Self>) {
        self.names = None;
        self.metrics.joins.inc();
        self.count_members();
        self.notify(Some(newcomer), EventKind::Joined { name }, ctx);
    }

    /// Tells everybody of somebody who is gone.
    fn announce_departure(&mut self, name: Name, reason: Reason, ctx: &mut Context<Self>) {
        self.names = None;
        self.metrics.departures.count(reason);
        self.count_members();
        if !self.is_shutting_down {
            self.notify(None, EventKind::Left { name, reason }, ctx);
        }
    }

    /// Tells of those who were lost and have not come back, and gives their names up when it is time.
    fn expire(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        while let Some(due) = self.absence.next_due(self.patience, now) {
            match due {
                Due::Tell(session, reason) => {
                    if let Some(name) = self.registry.hide(session) {
                        self.announce_departure(name, reason, ctx);
                    }
                }
                // what was whispered to them is still there for the token
                Due::TellAndFree(session, reason) => {
                    if let Some(name) = self.registry.leave(session) {
                        self.announce_departure(name, reason, ctx);
                    }
                }
                Due::Free(session, proof) => {
                    self.whispers.forget(proof);
                    self.registry.leave(session);
                }
            }
        }
        let Some(at) = self.absence.due_at(self.patience) else { return };
        match self.expiry {
            Some((armed, _)) if armed <= at => return,
            Some((_, timer)) => drop(ctx.cancel_future(timer)),
            None => {}
        }
        self.expiry = Some((at, ctx.notify_later(Expire, at.saturating_duration_since(now))));
    }
}

impl Handler<Join> for ChatRoom {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        let token = join.token.filter(|_| self.patience.window > Duration::ZERO);
        let from = join.from.map(|from| Place { whispers: from.whispers.min(MAX_CLAIM), ..from });
        let join = Join { token, from, ..join };
        match token.and_then(|token| self.absence.find(&token.proof())) {
            Some(holder) => self.come_back(holder, join, ctx),
            None => self.come_in(join, ctx),
        }
    }
}

impl Handler<Leave> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Leave { session, reason }: Leave, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_none() {
            return;
        }
        self.tell_stranger(session, Private::Farewell, ctx);
        if reason.may_come_back() && self.absence.proof_of(session).is_some() && !self.is_shutting_down {
            if self.absence.lose(session, reason, self.patience, Instant::now()) {
                return self.expire(ctx);
            }
            // what was whispered to them is still there for the token
            self.metrics.limits.count(Limit::MaxLostPerAddress);
            self.absence.forget(session);
        }
        if let Some(proof) = self.absence.forget(session) {
            // nobody will ask for them any more
            self.whispers.forget(proof);
        }
        if let Some(name) = self.registry.leave(session) {
            self.announce_departure(name, reason, ctx);
        }
    }
}

impl Handler<Expire> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Expire, ctx: &mut Self::Context) {
        self.expiry = None;
        self.expire(ctx);
    }
}
