//! What the room has its journal keep, and what it says of the journal's troubles.

use std::path::Path;
use std::time::Duration;

use actix::prelude::*;
use log::{error, warn};
use tokio::time::Instant;

use super::{ChatRoom, CloseJournal, JournalReport};
use crate::chat::answer::{Answer, DiskTrouble};
use crate::chat::event::Whispered;
use crate::chat::history::History;
use crate::chat::registry::{MemberId, SessionId};
use crate::chat::repeats::First;
use crate::chat::token::MessageKey;
use crate::journal::{
    self, Failure, Journal, KeptWhisper, KnownId, MessageId, Opened, Recipient, Record, Report, Ticket,
};
use crate::turn::{Private, Turn};

/// How long somebody who whispered waits for the journal, and can say nothing else meanwhile. A disk that works takes a fraction of
/// that; from one that does not answer at all there is no report of a failure either.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// What a room must know of the time before it was started.
#[derive(Debug, Default)]
pub struct Past {
    /// What happened last.
    pub last: History,
    /// The messages that are known if they come again, the newest first.
    pub known: Vec<KnownId>,
    /// The whispers to those who may come back, the newest first.
    pub whispers: Vec<KeptWhisper>,
}

/// Why nothing that is said is known to be kept. All members were told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The journal cannot write.
    Failed,
    /// It has not said anything for so long that nobody waits for it any more.
    Silent,
}

/// Records of the journal.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// The last one that it was handed.
    handed: Ticket,
    /// The last one that it has written.
    written: Ticket,
    /// When it said so.
    written_at: Option<Instant>,
}

/// Somebody who whispered, and wants to know that it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unkept {
    /// What must be written first.
    ticket: Ticket,
    /// When it is said that it may not be.
    until: Instant,
    session: SessionId,
}

/// Perhaps somebody has waited for too long.
#[derive(Message)]
#[rtype(result = "()")]
struct LosePatience;

impl ChatRoom {
    /// The same, going on where a journal ends, and with everything kept there from now on. Everything that the journal
    /// [reports](JournalReport) must come here.
    pub fn with_journal(mut self, journal: Journal, opened: &Opened, past: Past) -> ChatRoom {
        self.history = past.last;
        self.remember(&past.known);
        self.remember_whispers(past.whispers);
        self.epoch = opened.epoch.to_string().into();
        (self.seq, self.written) = (opened.last_seq, opened.last_seq);
        journal.report_from(self.reported_from);
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
                self.repeats.add(key, First { seq: known.seq, record: 0, at: known.at, is_kept: true }, came);
            }
        }
    }

    /// Where its journal is, if it has one.
    pub fn journal_directory(&self) -> Option<&Path> {
        self.journal.as_ref().map(Journal::directory)
    }

    /// The whispers before the start, to those who may come back.
    fn remember_whispers(&mut self, whispers: Vec<KeptWhisper>) {
        for KeptWhisper { whisper, .. } in whispers.into_iter().rev() {
            let journal::Whisper { after, at, from, text, recipient: Some(Recipient { proof, number }), .. } = whisper
            else {
                continue;
            };
            // whoever whispered is another member by now, and nobody knows from where it was
            self.whispers.add(proof, None, Whispered { after, at, from, member: MemberId(0), number, text });
        }
    }

    /// Has something written.
    pub(super) fn keep(&mut self, record: impl FnOnce() -> Record) {
        if self.journal.is_some() {
            self.records.push(record());
        }
    }

    /// A turn is over, and is handed to the hubs as soon as they can take it.
    pub(super) fn wait_for_hubs(&mut self, turn: Turn) {
        self.is_journal_behind = self.journal.as_ref().is_some_and(Journal::is_behind);
        self.waiting.push_back(turn.with_journal_behind(self.is_journal_behind));
        self.have_it_reported();
    }

    /// Hands the hubs a turn if somebody waits for what the journal has done meanwhile, and no turn comes anyway.
    pub(super) fn tell_how_far_the_journal_is(&mut self) {
        // without a journal nobody waits for it
        let is_awaited = || self.written < u64::MAX && self.awaited().is_some_and(|seq| seq <= self.written);
        let has_caught_up = || self.is_journal_behind && !self.journal.as_ref().is_some_and(Journal::is_behind);
        if self.items.is_empty() && (self.waiting.is_empty() && is_awaited() || has_caught_up()) {
            self.end_turn_without_items();
        }
        self.have_it_reported();
    }

    /// The number of the first event that somebody waits for the journal to write.
    fn awaited(&self) -> Option<u64> {
        self.hubs.iter().filter_map(|hub| hub.awaits).min()
    }

    /// Has the journal say how far it is, if somebody wants to know: each time, this thread is woken.
    fn have_it_reported(&mut self) {
        let is_all_awaited = self.is_journal_behind || !self.unkept.is_empty() || self.trouble == Some(Trouble::Silent);
        let from = if is_all_awaited { 0 } else { self.awaited().unwrap_or(u64::MAX) };
        if let Some(journal) = self.journal.as_ref().filter(|_| from != self.reported_from) {
            self.reported_from = from;
            journal.report_from(from);
        }
    }

    /// The number of the last record that the journal was handed, or will be at the end of this turn.
    pub(super) fn last_record(&self) -> u64 {
        self.tickets.handed.0 + self.records.len() as u64
    }

    /// Has everything written that happened in this turn.
    pub(super) fn hand_to_journal(&mut self) {
        if let Some(journal) = self.journal.as_ref().filter(|_| !self.records.is_empty()) {
            self.tickets.handed = journal.append(self.records.drain(..));
        }
        if !self.whispering.is_empty() {
            let (ticket, until) = (self.tickets.handed, Instant::now() + KEPT_WITHIN);
            self.unkept.extend(self.whispering.drain(..).map(|session| Unkept { ticket, until, session }));
        }
        self.have_it_reported();
    }

    /// Answers somebody who whispered: if it was a program that may send it again, when all that was said so far is written.
    pub(super) fn answer_when_kept(&mut self, session: SessionId, is_known: bool, ctx: &mut Context<Self>) {
        if !is_known || self.journal.is_none() {
            self.answer(session, None, ctx);
        } else if self.trouble.is_some() {
            self.answer(session, Some(Answer::NotKept), ctx);
        } else if !self.records.is_empty() {
            self.whispering.push(session);
            self.be_impatient(ctx);
        } else if self.tickets.handed > self.tickets.written {
            let (ticket, until) = (self.tickets.handed, Instant::now() + KEPT_WITHIN);
            self.unkept.push_back(Unkept { ticket, until, session });
            self.have_it_reported();
            self.be_impatient(ctx);
        } else {
            self.answer(session, None, ctx);
        }
    }

    /// Answers those who whispered before this record was written.
    fn answer_kept(&mut self, written: Ticket, ctx: &mut Context<Self>) {
        // what it had written before may be said once more
        if written > self.tickets.written {
            self.tickets.written = written;
            self.tickets.written_at = Some(Instant::now());
            if self.trouble.take_if(|trouble| *trouble == Trouble::Silent).is_some() {
                warn!("the journal answers again");
                self.tell_members(&Answer::JournalRecovered { events: 0, whispers: 0 }, ctx);
            }
        }
        while let Some(Unkept { ticket, session, .. }) = self.unkept.front().copied()
            && ticket <= written
        {
            self.unkept.pop_front();
            self.answer(session, None, ctx);
        }
    }

    /// Nobody waits for longer than may be.
    fn be_impatient(&mut self, ctx: &mut Context<Self>) {
        if self.impatience.is_none() {
            let until = self.unkept.front().map_or_else(|| Instant::now() + KEPT_WITHIN, |first| first.until);
            let after = until.saturating_duration_since(Instant::now());
            self.impatience = Some(ctx.notify_later(LosePatience, after));
        }
    }

    /// Answers all who wait, since it cannot be said when anything will be written.
    fn answer_not_kept(&mut self, ctx: &mut Context<Self>) {
        let waiting: Vec<_> =
            self.unkept.drain(..).map(|unkept| unkept.session).chain(self.whispering.drain(..)).collect();
        for session in waiting {
            self.answer(session, Some(Answer::NotKept), ctx);
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
            Report::Written { up_to_seq, up_to } => {
                self.written = up_to_seq;
                self.answer_kept(up_to, ctx);
                self.tell_how_far_the_journal_is();
            }
            Report::Failed { why } => {
                error!("the journal cannot be written ({why:?}); the chat goes on, and it is tried again");
                let was = self.trouble.replace(Trouble::Failed);
                self.answer_not_kept(ctx);
                // that a disk is slow is what was told when it did not answer
                if was.is_none() || why != Failure::TooSlow {
                    self.tell_members(&Answer::JournalFailed(trouble(&why)), ctx);
                }
            }
            Report::Recovered { lost } => {
                self.trouble = None;
                let events = lost.events.as_ref().map_or(0, |events| events.end() - events.start() + 1);
                warn!("the journal is written again; not kept: {events} events, {} whispers", lost.whispers);
                self.tell_members(&Answer::JournalRecovered { events, whispers: lost.whispers }, ctx);
                if let Some(tickets) = lost.tickets {
                    self.repeats.lose(&(tickets.start().0..=tickets.end().0));
                }
                if let Some(events) = lost.events {
                    self.wait_for_hubs(Turn::new(Vec::new(), self.written).with_lost(events));
                    self.end_turn();
                }
            }
        }
    }
}

impl Handler<LosePatience> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: LosePatience, ctx: &mut Self::Context) {
        self.impatience = None;
        let now = Instant::now();
        let is_over = self.unkept.front().is_some_and(|first| first.until <= now);
        if is_over && self.tickets.written_at.is_none_or(|at| at + KEPT_WITHIN <= now) {
            error!("the journal has not answered for {KEPT_WITHIN:?}; the chat goes on, and nobody waits for it");
            self.trouble = Some(Trouble::Silent);
            self.answer_not_kept(ctx);
            self.tell_members(&Answer::JournalFailed(DiskTrouble::Slow), ctx);
        }
        // it is slow, but it writes
        while let Some(Unkept { until, session, .. }) = self.unkept.front().copied()
            && until <= now
        {
            self.unkept.pop_front();
            self.answer(session, Some(Answer::NotKept), ctx);
        }
        if !self.unkept.is_empty() || !self.whispering.is_empty() {
            self.be_impatient(ctx);
        }
        self.have_it_reported();
    }
}

impl Handler<CloseJournal> for ChatRoom {
    type Result = bool;

    fn handle(&mut self, CloseJournal { within }: CloseJournal, _: &mut Self::Context) -> bool {
        self.end_turn();
        self.journal.take().is_none_or(|journal| journal.close(within))
    }
}
