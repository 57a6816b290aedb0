//! What the room has its journal keep, and what it says of the journal's troubles.

use std::path::Path;

use actix::prelude::*;
use log::{error, warn};
use tokio::time::Instant;

use super::{ChatRoom, CloseJournal, JournalReport};
use crate::chat::answer::{Answer, DiskTrouble};
use crate::chat::history::History;
use crate::chat::registry::SessionId;
use crate::chat::repeats::First;
use crate::chat::token::MessageKey;
use crate::journal::{Failure, Journal, KnownId, MessageId, Opened, Record, Report};
use crate::turn::{Private, Turn};

impl ChatRoom {
    /// The same, going on where a journal ends, and with everything kept there from now on. `last` is what happened last in it,
    /// and `known` the messages that are known if they come again, the newest first; everything that the journal
    /// [reports](JournalReport) must come here.
    pub fn with_journal(mut self, journal: Journal, opened: &Opened, last: History, known: &[KnownId]) -> ChatRoom {
        self.history = last;
        self.remember(known);
        self.epoch = opened.epoch.to_string().into();
        (self.seq, self.written) = (opened.last_seq, opened.last_seq);
        ChatRoom { journal: Some(journal), ..self }
    }

    /// The messages that came before the start, as long ago as they are by the clock of the wall.
    fn remember(&mut self, known: &[KnownId]) {
        let (now, time) = (Instant::now().into_std(), (self.clock)());
        for known in known.iter().rev() {
            let age = time.duration_since(known.at).unwrap_or_default();
            // before the machine was started, there was no such time
            let came = now.checked_sub(age).unwrap_or(now);
            if let Some(key) = MessageKey::from_word(known.id.as_str()) {
                self.repeats.add(key, First { seq: known.seq, at: known.at, is_kept: true }, came);
            }
        }
    }

    /// Where its journal is, if it has one.
    pub fn journal_directory(&self) -> Option<&Path> {
        self.journal.as_ref().map(Journal::directory)
    }

    /// Has something written.
    pub(super) fn keep(&mut self, record: impl FnOnce() -> Record) {
        if self.journal.is_some() {
            self.records.push(record());
        }
    }

    /// Tells every member something that is no event.
    pub(super) fn tell_members(&mut self, answer: &Answer, ctx: &mut Context<Self>) {
        let members: Vec<SessionId> = self.registry.members().map(|(session, _)| session).collect();
        for member in members {
            self.tell(member, Private::Told(answer.clone()), ctx);
        }
    }
}

/// As what the journal keeps the key of a message.
pub(super) fn id(key: MessageKey) -> Option<MessageId> {
    MessageId::new(key.word()).ok()
}

fn trouble(why: &Failure) -> DiskTrouble {
    match why {
        Failure::DiskFull => DiskTrouble::Full,
        Failure::TooSlow => DiskTrouble::Slow,
        Failure::ReadOnly => DiskTrouble::ReadOnly,
        Failure::Damaged => DiskTrouble::Damaged,
        Failure::Other(_) => DiskTrouble::Other,
    }
}

impl Handler<JournalReport> for ChatRoom {
    type Result = ();

    fn handle(&mut self, JournalReport(report): JournalReport, ctx: &mut Self::Context) {
        match report {
            Report::Written { up_to_seq, .. } => {
                self.written = up_to_seq;
                // with the next turn, if there is one
                if self.items.is_empty() && self.waiting.is_empty() {
                    self.end_turn_without_items();
                }
            }
            Report::Failed { why } => {
                error!("the journal cannot be written ({why:?}); the chat goes on, and it is tried again");
                self.tell_members(&Answer::JournalFailed(trouble(&why)), ctx);
            }
            Report::Recovered { lost } => {
                let events = lost.events.as_ref().map_or(0, |events| events.end() - events.start() + 1);
                warn!("the journal is written again; not kept: {events} events, {} whispers", lost.whispers);
                self.tell_members(&Answer::JournalRecovered { events, whispers: lost.whispers }, ctx);
                if let Some(events) = lost.events {
                    self.repeats.lose(&events);
                    self.waiting.push_back(Turn::new(Vec::new(), self.written).with_lost(events));
                    self.end_turn();
                }
            }
        }
    }
}

impl Handler<CloseJournal> for ChatRoom {
    type Result = bool;

    fn handle(&mut self, CloseJournal { within }: CloseJournal, _: &mut Self::Context) -> bool {
        self.end_turn();
        self.journal.take().is_none_or(|journal| journal.close(within))
    }
}
