//! What the room says, on its way to the person.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::ops::{Range, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use log::info;
use tokio::task::unconstrained;

use super::{Connection, Stage, goodbye};
use crate::backlog::{News, Part};
use crate::chat::answer::{Answer, Welcome};
use crate::chat::event::{EventKind, Reason, Whispered};
use crate::chat::history::Page;
use crate::chat::name::Name;
use crate::dialect::text::codec::TextCodec;
use crate::dialect::{Written, json};
use crate::metrics::Limit;
use crate::transport::Transport;
use crate::turn::{Item, Private, Turn};

/// The most bytes of a page of what was said before.
const MAX_HISTORY: usize = 256 * 1024; // 256 KiB

/// The same for a client without line ends, with room for the lines around it: it reads 1,024 bytes at once.
const MAX_UNDELIMITED_HISTORY: usize = 800;

/// What a line of it takes beside the name and the text.
const HISTORY_LINE: usize = "[2026-11-28 00:00] : \n".len();

/// A session as the hub of its thread sees it.
pub trait Reader {
    /// Takes what happened in some turns of the room, all of which is written at once if it can be. Returns how many events and
    /// whispers it was handed.
    fn take(&self, news: &mut News<'_>) -> usize;

    /// The events with these numbers are in the journal, or perhaps never will be: a program is told so of its own.
    fn acknowledge(&self, events: &RangeInclusive<u64>, are_kept: bool);

    /// Whether it wants to be told so.
    fn wants_acknowledgements(&self) -> bool;

    /// Reads no more from the peer until it is [released](Reader::release). Whether it read until now.
    fn hold(&self) -> bool;

    /// Reads on.
    fn release(&self);

    /// Says goodbye, because another session needs the room, unless this one has a name or is about to get it.
    fn evict(&self);

    /// What is owed to the session: see [`Outbox::owed`](crate::outbox::Outbox::owed).
    fn owed(&self) -> usize;

    /// Forgets what is owed and says why, because too much is owed to all sessions together. One that is closing already,
    /// and still has the rest of a long line to take, is given up.
    fn cut(&self);

    /// Says goodbye, because the server stops.
    fn shut_down(&self);
}

impl<S: Transport> Reader for RefCell<Connection<S>> {
    fn take(&self, news: &mut News<'_>) -> usize {
        unless_it_panics(self, |connection| {
            let could_read = connection.may_read();
            let was_empty = connection.outbox.is_empty();
            let deliveries = connection.take_news(news);
            let owes_ack = std::mem::take(&mut connection.owes_ack) && connection.outbox.is_empty();
            // otherwise the session waits already until the stream takes more
            if was_empty {
                connection.write_now();
            }
            if owes_ack {
                connection.stream.get_ref().send_ack();
            }
            let may_read_on = !could_read && connection.may_read();
            if connection.is_closing() || connection.begins_to_lag() || may_read_on {
                connection.waker.wake_by_ref();
            }
            deliveries
        })
    }

    fn acknowledge(&self, events: &RangeInclusive<u64>, are_kept: bool) {
        unless_it_panics(self, |connection| {
            let was_empty = connection.outbox.is_empty();
            connection.acknowledge(events, are_kept);
            if was_empty {
                connection.write_now();
            }
        });
    }

    fn wants_acknowledgements(&self) -> bool {
        self.borrow().ids.is_some()
    }

    fn hold(&self) -> bool {
        !std::mem::replace(&mut self.borrow_mut().is_held, true)
    }

    fn release(&self) {
        let mut connection = self.borrow_mut();
        connection.is_held = false;
        connection.waker.wake_by_ref();
    }

    fn evict(&self) {
        unless_it_panics(self, |connection| {
            connection.is_evicted = true;
            connection.go_if_evicted();
            connection.waker.wake_by_ref();
        });
    }

    fn owed(&self) -> usize {
        self.borrow().outbox.owed()
    }

    fn cut(&self) {
        self.borrow_mut().give_up_if_closing();
        unless_it_panics(self, |connection| {
            connection.cut_for_slowness(Limit::OutboxTotal);
            connection.waker.wake_by_ref();
        });
    }

    fn shut_down(&self) {
        unless_it_panics(self, |connection| {
            connection.close(Reason::Shutdown, goodbye(Reason::Shutdown));
            connection.waker.wake_by_ref();
        });
    }
}

/// Does something to a connection that is not closing. A panic ends this session, not the hub and all others with it.
fn unless_it_panics<S, T>(connection: &RefCell<Connection<S>>, deed: impl FnOnce(&mut Connection<S>) -> T) -> T
where
    S: Transport,
    T: Default,
{
    let mut connection = connection.borrow_mut();
    if connection.is_closing() {
        return T::default();
    }
    // whatever state the panic left it in: nothing is done with it any more but to drop it
    let done = catch_unwind(AssertUnwindSafe(|| deed(&mut connection))).unwrap_or_else(|_| {
        connection.stage = Stage::Over;
        connection.waker.wake_by_ref();
        T::default()
    });
    connection.report_owed();
    done
}

impl<S: Transport> Connection<S> {
    /// Returns how many events and whispers were taken.
    fn take_news(&mut self, news: &mut News<'_>) -> usize {
        if let Some(events) = self.events_of(news) {
            if events == 0 {
                return 0;
            }
            if let Some(all) = news.joined(self.format, self.language) {
                self.owe(all);
                return events;
            }
        }
        news.parts().map(|part| self.take_turn(part)).sum()
    }

    /// How many events there are in it, if all of them are shown to this session, and nothing else.
    fn events_of(&self, news: &News<'_>) -> Option<usize> {
        let is_member = matches!(self.stage, Stage::Chatting | Stage::Leaving(_));
        if !is_member || !self.ignored.is_empty() {
            return None;
        }
        let events = |Part { turn, own }: Part<'_>| {
            let is_shown_whole = own.is_empty() && !turn.renames() && turn.news_since(self.since) == 0;
            is_shown_whole.then(|| turn.events(&(0..turn.items().len())))
        };
        news.parts().map(events).sum()
    }

    /// Returns how many events and whispers were taken.
    fn take_turn(&mut self, Part { turn, own }: Part<'_>) -> usize {
        // after the last words nothing is taken
        if self.is_closing() {
            return 0;
        }
        let mut next = 0;
        let mut taken = 0;
        for &(_, at) in own {
            taken += self.take_events(turn, next..at);
            match &turn.items()[at] {
                // no echo, but the line has arrived
                Item::Event { event, .. } => {
                    if matches!(event.kind, EventKind::Said { .. } | EventKind::Acted { .. }) {
                        self.in_flight = self.in_flight.saturating_sub(1);
                        self.acknowledge_when_written(event, turn.written_up_to());
                    }
                }
                Item::To(_, Private::Repeated(first)) => {
                    self.in_flight = self.in_flight.saturating_sub(1);
                    self.acknowledge_repeated(*first, turn.written_up_to());
                }
                Item::To(_, private) if !self.is_closing() => taken += self.take_private(private),
                Item::To(..) => return taken,
            }
            next = at + 1;
        }
        taken + self.take_events(turn, next..turn.items().len())
    }

    /// Shows what everybody in the room learns, to a member. Returns how many events that were.
    fn take_events(&mut self, turn: &Turn, range: Range<usize>) -> usize {
        if !matches!(self.stage, Stage::Chatting | Stage::Leaving(_)) {
            return 0;
        }
        let mut from = range.start.max(turn.news_since(self.since));
        if from >= range.end {
            return 0;
        }
        let range = from..range.end;
        let mut taken = turn.events(&range);
        if taken == 0 {
            return 0;
        }
        if turn.renames() || !self.ignored.is_empty() {
            for at in range.clone() {
                match turn.items()[at].event() {
                    Some(EventKind::Renamed { old, new }) => self.follow_rename(old, new),
                    Some(EventKind::Left { name, .. }) => self.forget_renames(name),
                    Some(event) if self.is_of_ignored(event) => {
                        self.owe(turn.written(from..at, self.format, self.language));
                        from = at + 1;
                        taken -= 1;
                    }
                    _ => {}
                }
            }
        }
        self.owe(turn.written(from..range.end, self.format, self.language));
        taken
    }

    /// Whoever is ignored, or was whispering, stays so under the new name.
    fn follow_rename(&mut self, old: &Name, new: &Name) {
        let whisperer = self.whisperer.iter_mut().map(|(_, name)| name);
        let ignored = self.ignored.iter_mut().map(|ignored| &mut ignored.now);
        for name in self.name.iter_mut().chain(whisperer).chain(ignored) {
            if name == old {
                *name = new.clone();
            }
        }
    }

    /// Whoever is ignored has left: the next one by that name is somebody else.
    fn forget_renames(&mut self, left: &Name) {
        for ignored in self.ignored.iter_mut().filter(|ignored| ignored.now == *left) {
            ignored.now = ignored.asked.clone();
        }
    }

    fn take_private(&mut self, private: &Private) -> usize {
        match private {
            Private::Whispered(whispered) => return self.take_whisper(whispered, Connection::owe),
            Private::Missed { whispers, known } => {
                // the answer to a whisper that was read before the connection was lost
                if let Some(known) = known.as_ref().filter(|known| !self.ignores(&known.from)) {
                    self.whisperer = Some((known.member, known.from.clone()));
                }
                return whispers.iter().map(|missed| self.take_whisper(missed, Connection::owe_spared)).sum();
            }
            Private::Answered(answer) => {
                self.is_waiting_for_room = false;
                self.end_inquiry();
                self.answering_what_was_asked(answer.is_some(), |session| {
                    if let Some(answer) = answer {
                        session.take_answer(answer);
                    }
                });
                self.go_if_evicted();
            }
            Private::Unwritten(unwritten) => {
                self.is_waiting_for_room = false;
                self.ask_archive(unwritten);
            }
            Private::Told(Answer::History(page)) => self.show_history(page),
            Private::Told(answer) => self.answer(answer.clone()),
            // its place is among the messages that have gone to everybody
            Private::Repeated(_) => {}
            Private::Replaced => self.close(Reason::Replaced, goodbye(Reason::Replaced)),
            Private::Wanted { by } => self.probe(*by),
            Private::Farewell => {
                if let Stage::Leaving(reason) = self.stage {
                    self.close(reason, goodbye(reason));
                }
            }
        }
        0
    }

    /// Whether somebody says or does it who is ignored.
    fn is_of_ignored(&self, event: &EventKind) -> bool {
        matches!(event, EventKind::Said { from, .. } | EventKind::Acted { from, .. } if self.ignores(from))
    }

    /// Tells a program what happened while it was away, as if it had been there.
    fn show_missed(&mut self, missed: &Page) {
        let events = missed.iter().map(|event| Some(event).filter(|event| !self.is_of_ignored(&event.kind)));
        let all = Written::new(events, |bytes, event| {
            self.format.write_frame(bytes, &json::event(event, self.language));
        });
        self.owe_spared(all.get(0..missed.len()));
    }

    /// Shows what was said before; to a client that takes what it reads at once for one message, no more than that holds.
    fn show_history(&mut self, page: &Page) {
        let shown = self.shown_of(page);
        let history = self.written(&Answer::History(shown));
        self.owe(history);
    }

    /// As much of these messages as may be shown at once, the newest.
    pub(super) fn shown_of(&self, page: &Page) -> Page {
        let is_undelimited = self.stream.decoder().lines().is_some_and(TextCodec::is_undelimited);
        let max = if is_undelimited { MAX_UNDELIMITED_HISTORY } else { MAX_HISTORY };
        let mut bytes = 0;
        let mut shown = Vec::new();
        for event in page.iter().rev() {
            let (EventKind::Said { from, text } | EventKind::Acted { from, text }) = &event.kind else { continue };
            bytes += HISTORY_LINE + from.as_str().len() + text.as_str().len();
            if bytes > max {
                break;
            }
            if !self.ignores(from) {
                shown.push(Arc::clone(event));
            }
        }
        shown.reverse();
        shown.into()
    }

    fn give_up_if_closing(&mut self) {
        if self.is_closing() {
            self.outbox.abandon();
            self.report_owed();
            self.stage = Stage::Over;
            self.waker.wake_by_ref();
        }
    }

    /// Shows a whisper, unless its author is ignored.
    fn take_whisper(&mut self, whispered: &Whispered, owe: impl FnOnce(&mut Self, Bytes)) -> usize {
        if self.ignores(&whispered.from) {
            return 0;
        }
        let bytes = self.format.whispered(whispered, self.language);
        owe(self, bytes);
        self.whisperer = Some((whispered.member, whispered.from.clone()));
        1
    }

    fn take_answer(&mut self, answer: &Answer) {
        match answer {
            Answer::Welcome(welcome) if self.stage == Stage::Naming => {
                let Welcome { name, after, token, .. } = &**welcome;
                info!("session={} peer={} name={name} joined", self.id, self.peer);
                self.name = Some(name.clone());
                self.since = *after;
                self.prove_by(token.as_ref());
                self.unnamed = None;
                self.stage = Stage::Chatting;
                self.deadline = None;
                self.silence = None;
            }
            Answer::History(page) => return self.show_history(page),
            Answer::NameTaken(_) | Answer::NameTooSimilar(_) | Answer::NameHeld(_) if self.stage == Stage::Naming => {
                self.answer(answer.clone());
                self.restart_silence();
                return self.count_bad_name();
            }
            _ => {}
        }
        if answer.is_mistake() {
            self.pay_for_mistake();
        }
        self.metrics.answered(answer);
        let bytes = self.written(answer);
        self.owe(bytes);
        if let Answer::Welcome(welcome) = answer
            && let Some(missed) = &welcome.missed
        {
            self.show_missed(missed);
        }
    }

    /// Writes as much as the stream takes, and wakes the session if that is not everything: only there can it wait.
    pub(super) fn write_now(&mut self) {
        // unconstrained: tokio lets a task write so often before it pretends that every socket is full
        let write = unconstrained(poll_fn(|cx| self.outbox.poll_write(self.stream.get_mut(), cx)));
        match pin!(write).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => return,
            Poll::Ready(Err(error)) => self.lose(&error),
            Poll::Pending => {}
        }
        self.waker.wake_by_ref();
    }
}
