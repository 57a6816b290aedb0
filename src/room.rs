//! The room: who is in it, in which order things happen, and who learns of them.
//!
//! [`ChatRoom`] is the one actor that everything passes through, so the order in which it handles messages *is* the
//! order of the chat: every reader sees the same. It asks the pure [`Registry`], numbers the event and delivers it.
//! It knows no bytes, no sockets and no [`Session`](crate::session::Session): a member is an id, and the hubs that it
//! delivers to know where that is.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::prelude::*;
use log::{error, warn};
use tokio::time::Instant;

use crate::chat::answer::{Answer, DiskTrouble};
use crate::chat::event::{Event, EventKind, Reason, Whispered};
use crate::chat::history::{History, MAX_MESSAGES, Place};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::registry::{Registry, RegistryError, SessionId};
use crate::chat::throttle::{Bucket, Rate};
use crate::journal::{self, Failure, Journal, Opened, Record, Report};
use crate::metrics::{Message as Kind, Metrics};
use crate::turn::{Item, Private, Turn};

/// The exit code of a process whose room stopped unasked: "internal software error" in `sysexits.h`.
pub const EXIT_INTERNAL: i32 = 70;

/// The number of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HubId(pub usize);

/// A hub wants to be told everything from now on. Its sessions may join then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Which hub.
    pub hub: HubId,
    /// Where the room delivers to.
    pub recipient: Recipient<Deliver>,
    /// Where a [`HealthProbe`] reaches it.
    pub probe: Recipient<HealthProbe>,
}

/// A session asks for a name. Answered with [`Answer::Welcome`], [`Answer::NameTaken`] or
/// [`Answer::NameTooSimilar`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Who asks.
    pub session: SessionId,
    /// The name.
    pub name: Name,
    /// Where the person was before, if they come back and want to know what they have missed.
    pub from: Option<Place>,
}

/// A member tells everybody else something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Broadcast {
    /// Who.
    pub session: SessionId,
    /// How it is told.
    pub manner: Manner,
    /// What.
    pub text: CleanText,
}

/// How a [`Broadcast`] is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As something said.
    Says,
    /// As something done (`/eu acena`).
    Acts,
}

/// A member tells one person something. Answered with [`Answer::NotFound`] if nobody has the name, else without words.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Whisper {
    /// Who.
    pub session: SessionId,
    /// To whom.
    pub to: To,
    /// What.
    pub text: CleanText,
}

/// To whom a [`Whisper`] goes.
#[derive(Debug, Clone)]
pub enum To {
    /// Whoever has this name.
    Name(Name),
    /// This session and no other, whatever its name is now.
    Session {
        /// The session.
        session: SessionId,
        /// The name it had when last heard of.
        name: Name,
    },
}

/// A member wants to go by another name. The [`EventKind::Renamed`] goes to the member too, and the answer has no words;
/// otherwise it is [`Answer::NameTaken`], [`Answer::NameTooSimilar`] or [`Answer::NameUnchanged`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rename {
    /// Who.
    pub session: SessionId,
    /// The new name.
    pub name: Name,
}

/// A member was sent a line to find out whether it is still there, because another session asked for its name. That one is
/// told [`Answer::NameProbed`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Probing {
    /// The member.
    pub session: SessionId,
    /// Who asked for its name.
    pub asker: SessionId,
}

/// A member asks who is there. Answered with [`Answer::Who`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Who {
    /// Who asks.
    pub session: SessionId,
}

/// The journal says how far it has come.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct JournalReport(pub Report);

/// Nothing more will happen: what waits for the journal is written. Answered with whether all of it was, within this time.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct CloseJournal {
    /// The time.
    pub within: Duration,
}

/// A member asks what was said before. Answered with [`Answer::History`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Recall {
    /// Who asks.
    pub session: SessionId,
    /// How many messages, at most [`MAX_MESSAGES`].
    pub count: usize,
}

/// A session is gone or about to go. A member is told [`Private::Farewell`] after everything else; a session that
/// is no member (any more) changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave {
    /// Who.
    pub session: SessionId,
    /// Why.
    pub reason: Reason,
}

/// The server stops. The room falls silent: nobody is told of everybody's departure, and its own stop is no fault.
/// A session says goodbye and closes.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Shutdown;

/// Asks whether messages get through. The room hands it on to every hub, and in each mailbox it waits behind all others,
/// as a line of the chat would. Answered, when all hubs have answered, with whether the room and all of them serve.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct HealthProbe;

/// More is owed to all sessions together than may be ([`Budget`](crate::budget::Budget)). Every hub is handed a turn, which
/// may be empty, and then looks whether it has the largest debtor.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Relieve;

/// What the room hands to every hub. Answered with [`Delivered`].
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Deliver(pub Arc<Turn>);

/// A hub has delivered one more turn.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Delivered {
    /// Which hub.
    pub hub: HubId,
}

/// The most steps in one turn. A turn that is full is over, and the next one begins.
const MAX_ITEMS: usize = 256;

/// The most bytes of people's texts in one turn, but for the last line of it.
const MAX_TEXT: usize = 64 * 1024; // 64 KiB

/// How often a notice that somebody came or went has a turn of its own: it costs a token for each member who must be told.
/// When there are more, as after a network was down, they wait for each other, and are folded: five thousand people who
/// come in one after the other are not told one by one to all who are there already, which would be twelve million
/// lines. To write to a socket takes an eighth of the interval or so: that is the share of the time that notices get.
const NOTICES: Rate = Rate { burst: 20_000, interval: Duration::from_micros(50) };

/// The most turns that one hub may be behind. Until it has caught up, nothing is handed to any of them.
const MAX_BEHIND: usize = 8;

/// The room actor.
///
/// It works in turns: it handles every message that waits in its mailbox, then hands every hub all that happened. A lone
/// event is a turn of its own, so no message ever waits for company. Only when people come and go in a rush, their
/// notices wait for the next event, or for as long as it takes to tell so many members (a quarter of a second for 5,000).
///
/// What waits is bounded by construction. In the room's mailbox, and in turns not yet handed over: a session has at most
/// [`MAX_IN_FLIGHT`](crate::session::MAX_IN_FLIGHT) lines on their way, and asks one question at a time. In a hub's: the
/// turns that it is behind, at most 8.
pub struct ChatRoom {
    registry: Registry,
    /// What was said last, and how much of it newcomers are shown.
    history: History,
    shown: usize,
    /// Everybody's name, until somebody comes, goes or goes by another name.
    names: Option<Arc<[Name]>>,
    hubs: Vec<Hub>,
    /// Where everything is kept, if it is.
    journal: Option<Journal>,
    /// What it is handed at the end of this turn.
    records: Vec<Record>,
    /// The number of the last event that it has written.
    written: u64,
    /// Tells the order of this room's events from that of any other one: 32 hexadecimal digits, at random.
    epoch: Arc<str>,
    /// The number of the last event.
    seq: u64,
    /// What happened in this turn.
    items: Vec<Item>,
    /// The bytes of people's texts in it.
    text: usize,
    /// Whether everybody learns something in it.
    has_event: bool,
    /// The notices of a rush of people, for the next turn in which everybody learns something.
    held: Vec<Item>,
    /// Will have them told if nothing else does.
    timer: Option<SpawnHandle>,
    notices: Bucket,
    /// The turns that are over and wait for a hub to catch up.
    waiting: VecDeque<Turn>,
    clock: fn() -> SystemTime,
    metrics: Arc<Metrics>,
    is_shutting_down: bool,
}

/// Somebody to deliver to.
struct Hub {
    id: HubId,
    recipient: Recipient<Deliver>,
    probe: Recipient<HealthProbe>,
    /// The turns it was handed and has not delivered yet.
    behind: usize,
}

/// The notices have waited long enough.
#[derive(Message)]
#[rtype(result = "()")]
struct Release;

/// The mailbox is empty: what happened is delivered.
#[derive(Message)]
#[rtype(result = "()")]
struct EndOfTurn;

impl Default for ChatRoom {
    fn default() -> ChatRoom {
        ChatRoom::with_clock(SystemTime::now)
    }
}

impl ChatRoom {
    /// An empty room that takes the time of its events from this clock.
    pub fn with_clock(clock: fn() -> SystemTime) -> ChatRoom {
        ChatRoom {
            registry: Registry::default(),
            history: History::default(),
            shown: 0,
            names: None,
            hubs: Vec::new(),
            journal: None,
            records: Vec::new(),
            written: u64::MAX,
            epoch: random_epoch(),
            seq: 0,
            items: Vec::new(),
            text: 0,
            has_event: false,
            held: Vec::new(),
            timer: None,
            notices: Bucket::default(),
            waiting: VecDeque::new(),
            clock,
            metrics: Arc::default(),
            is_shutting_down: false,
        }
    }

    /// The same, in which newcomers are shown so many of the messages that were said before.
    pub fn showing(self, messages: usize) -> ChatRoom {
        ChatRoom { shown: messages, ..self }
    }

    /// The same, going on where a journal ends, and with everything kept there from now on. `last` are the last events in it,
    /// oldest first; everything that it [reports](JournalReport) must come here.
    pub fn with_journal(mut self, journal: Journal, opened: &Opened, last: Vec<Event>) -> ChatRoom {
        let first = last.first().map_or(opened.last_seq, |event| event.seq.saturating_sub(1));
        self.history.begin_after(first);
        for event in last {
            self.history.add(&Arc::new(event));
        }
        self.history.skip_to(opened.last_seq);
        self.epoch = opened.epoch.to_string().into();
        (self.seq, self.written) = (opened.last_seq, opened.last_seq);
        ChatRoom { journal: Some(journal), ..self }
    }

    /// Where everything is counted that happens in this room and around it.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Counts those who are there after somebody came or went.
    fn count_members(&self) {
        self.metrics.members.set(self.registry.len() as i64);
    }

    /// Numbers an event, for everybody but its author to learn at the end of this turn.
    fn publish(&mut self, author: Option<SessionId>, kind: EventKind, ctx: &mut Context<Self>) {
        let item = self.event(author, kind);
        self.release(ctx);
        self.add(item, ctx);
    }

    /// Numbers the event that somebody came or went. In a rush, everybody learns of it a little later.
    fn notify(&mut self, author: Option<SessionId>, kind: EventKind, ctx: &mut Context<Self>) {
        let item = self.event(author, kind);
        if self.has_event {
            // there is a turn for everybody anyway
            return self.add(item, ctx);
        }
        let now = Instant::now().into_std();
        match self.notices.next_at(NOTICES, now) {
            None => {
                self.pay_for_notice(now);
                self.release(ctx);
                self.add(item, ctx);
            }
            Some(at) => {
                if self.held.is_empty() {
                    self.timer = Some(ctx.notify_later(Release, at - now));
                }
                self.held.push(item);
                if self.held.len() == MAX_ITEMS {
                    self.release(ctx);
                }
            }
        }
    }

    fn pay_for_notice(&mut self, now: std::time::Instant) {
        let members = u32::try_from(self.registry.len()).unwrap_or(u32::MAX);
        self.notices.take(members, NOTICES, now);
    }

    fn event(&mut self, author: Option<SessionId>, kind: EventKind) -> Item {
        self.seq += 1;
        let event = Arc::new(Event { seq: self.seq, at: (self.clock)(), kind });
        self.history.add(&event);
        self.keep(|| Record::Event { event: Arc::clone(&event), id: None });
        Item::Event { event, author }
    }

    /// Has something written.
    fn keep(&mut self, record: impl FnOnce() -> Record) {
        if self.journal.is_some() {
            self.records.push(record());
        }
    }

    /// Puts the notices that were held into this turn.
    fn release(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        for item in std::mem::take(&mut self.held) {
            self.add(item, ctx);
        }
    }

    /// Tells one session something, in its place among the events.
    fn tell(&mut self, session: SessionId, private: Private, ctx: &mut Context<Self>) {
        self.release(ctx);
        self.tell_stranger(session, private, ctx);
    }

    /// Tells one session something that has no place among the events, or that is no member yet, or none any more: notices
    /// that are held are not for it.
    fn tell_stranger(&mut self, session: SessionId, private: Private, ctx: &mut Context<Self>) {
        self.add(Item::To(session, private), ctx);
    }

    /// Tells whoever has a name that somebody else asks for it.
    fn tell_holder(&mut self, name: &Name, by: SessionId, ctx: &mut Context<Self>) {
        if let Some(holder) = self.registry.find(name) {
            self.tell_stranger(holder, Private::Wanted { by }, ctx);
        }
    }

    /// Answers what a session asked; `None` if there is nothing to say.
    fn answer(&mut self, session: SessionId, answer: Option<Answer>, ctx: &mut Context<Self>) {
        self.tell(session, Private::Answered(answer), ctx);
    }

    fn add(&mut self, item: Item, ctx: &mut Context<Self>) {
        if self.items.is_empty() {
            // runs when the mailbox has been emptied
            ctx.notify(EndOfTurn);
        }
        self.has_event |= item.event().is_some();
        self.items.push(item);
        if self.items.len() == MAX_ITEMS || self.text >= MAX_TEXT {
            self.end_turn();
        }
    }

    fn end_turn(&mut self) {
        if let Some(journal) = self.journal.as_ref().filter(|_| !self.records.is_empty()) {
            journal.append(self.records.drain(..));
        }
        if !self.items.is_empty() {
            self.text = 0;
            self.has_event = false;
            self.waiting.push_back(Turn::new(std::mem::take(&mut self.items), self.written));
        }
        while self.hubs.iter().all(|hub| hub.behind < MAX_BEHIND)
            && let Some(turn) = self.waiting.pop_front()
        {
            self.deliver(turn);
        }
    }

    /// Every hub is handed a turn, though nothing happened.
    fn end_turn_without_items(&mut self) {
        self.waiting.push_back(Turn::new(Vec::new(), self.written));
        self.end_turn();
    }

    fn deliver(&mut self, turn: Turn) {
        let turn = Arc::new(turn);
        for hub in &mut self.hubs {
            hub.behind += 1;
            hub.recipient.do_send(Deliver(Arc::clone(&turn)));
        }
    }

    /// Tells every member something that is no event.
    fn tell_members(&mut self, answer: &Answer, ctx: &mut Context<Self>) {
        let members: Vec<SessionId> = self.registry.members().map(|(session, _)| session).collect();
        for member in members {
            self.tell(member, Private::Told(answer.clone()), ctx);
        }
    }

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

fn random_epoch() -> Arc<str> {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half()).into()
}

impl Actor for ChatRoom {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        if !self.is_shutting_down {
            end_process("the room");
        }
    }
}

/// Ends the process, because an actor has stopped unasked without which the server would accept people and stay mute.
/// Whoever watches over the process starts it anew.
pub(crate) fn end_process(actor: &str) {
    error!("{actor} stopped unasked: ending the process with code {EXIT_INTERNAL}");
    if let Some(system) = System::try_current() {
        system.stop_with_code(EXIT_INTERNAL);
    }
}

impl Handler<Attach> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Attach { hub: id, recipient, probe }: Attach, _: &mut Self::Context) {
        self.hubs.push(Hub { id, recipient, probe, behind: 0 });
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

impl Handler<Probing> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Probing { session, asker }: Probing, ctx: &mut Self::Context) {
        if let Some(name) = self.registry.name_of(session).cloned() {
            self.tell_stranger(asker, Private::Told(Answer::NameProbed(name)), ctx);
        }
    }
}

impl Handler<Relieve> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Relieve, _: &mut Self::Context) {
        if self.items.is_empty() && self.waiting.is_empty() {
            self.end_turn_without_items();
        }
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

impl Handler<Recall> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Recall { session, count }: Recall, ctx: &mut Self::Context) {
        if self.registry.name_of(session).is_some() {
            let page = self.history.newest(count.min(MAX_MESSAGES));
            self.answer(session, Some(Answer::History(page)), ctx);
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

impl Handler<Shutdown> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        self.is_shutting_down = true;
        self.release(ctx);
        // before anybody is told to close
        self.end_turn();
        while let Some(turn) = self.waiting.pop_front() {
            self.deliver(turn);
        }
    }
}

impl Handler<HealthProbe> for ChatRoom {
    type Result = ResponseFuture<bool>;

    fn handle(&mut self, _: HealthProbe, _: &mut Self::Context) -> Self::Result {
        let is_open = !self.is_shutting_down;
        let answers: Vec<_> = self.hubs.iter().map(|hub| hub.probe.send(HealthProbe)).collect();
        Box::pin(async move {
            let mut all_serve = is_open;
            for answer in answers {
                all_serve &= answer.await.unwrap_or(false);
            }
            all_serve
        })
    }
}

impl Handler<EndOfTurn> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: EndOfTurn, _: &mut Self::Context) {
        self.end_turn();
    }
}

impl Handler<Release> for ChatRoom {
    type Result = ();

    fn handle(&mut self, _: Release, ctx: &mut Self::Context) {
        self.timer = None;
        self.pay_for_notice(Instant::now().into_std());
        self.release(ctx);
    }
}

impl Handler<Delivered> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Delivered { hub: id }: Delivered, _: &mut Self::Context) {
        if let Some(hub) = self.hubs.iter_mut().find(|hub| hub.id == id) {
            hub.behind = hub.behind.saturating_sub(1);
        }
        if !self.waiting.is_empty() {
            self.end_turn();
        }
    }
}
