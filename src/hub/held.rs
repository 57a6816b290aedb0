//! Those who may say no more until the journal has caught up.
//!
//! What they said has gone to everybody, and is not held back by this; it is their next line that is not read. It knows nothing
//! of the journal but what the turns say, and has an end of its own: no disk makes anybody wait for longer.

use std::time::Duration;

use actix::prelude::*;

use super::Hub;
use crate::chat::registry::SessionId;
use crate::turn::{Item, Private, Turn};

/// The longest that somebody is held at a time.
const MAX_HOLD: Duration = Duration::from_secs(1);

/// Who is held.
#[derive(Default)]
pub(super) struct Held {
    sessions: Vec<SessionId>,
    /// Will let them go if nothing else does.
    timer: Option<SpawnHandle>,
}

impl Hub {
    /// Holds those who brought the journal something in this turn if it is behind, and otherwise lets everybody go.
    pub(super) fn hold_or_release(&mut self, turn: &Turn, ctx: &mut Context<Hub>) {
        if !turn.is_journal_behind() {
            if let Some(timer) = self.held.timer.take() {
                ctx.cancel_future(timer);
            }
            return self.release();
        }
        let sessions = self.sessions.borrow();
        for item in turn.items() {
            // an answer without words is that to a whisper
            let (Item::Event { author: Some(session), .. } | Item::To(session, Private::Answered(None))) = item else {
                continue;
            };
            if sessions.get(*session).is_some_and(|reader| reader.hold()) {
                self.held.sessions.push(*session);
            }
        }
        if !self.held.sessions.is_empty() && self.held.timer.is_none() {
            let release = |hub: &mut Hub, _: &mut Context<Hub>| {
                hub.held.timer = None;
                hub.release();
            };
            self.held.timer = Some(ctx.run_later(MAX_HOLD, release));
        }
    }

    fn release(&mut self) {
        let sessions = self.sessions.borrow();
        for session in self.held.sessions.drain(..) {
            // it may have ended meanwhile
            if let Some(reader) = sessions.get(session) {
                reader.release();
            }
        }
    }
}
