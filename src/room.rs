//! The room: who is in it, in which order things happen, and who learns of them.
//!
//! [`ChatRoom`] is the one actor that everything passes through, so the order in which it handles messages *is* the
//! order of the chat: every reader sees the same. It asks the pure [`Registry`], numbers the event and delivers it.
//! It knows no bytes, no sockets and no [`Session`](crate::session::Session): a member is an id, and the hubs that it
//! delivers to know where that is.

mod absence;
mod keeping;
mod membership;
mod message;
mod talk;

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::prelude::*;
use log::error;
use tokio::time::Instant;

use crate::addresses::Origin;
use crate::chat::answer::Answer;
use crate::chat::event::{Event, EventKind};
use crate::chat::history::History;
use crate::chat::name::Name;
use crate::chat::registry::{Registry, SessionId};
use crate::chat::repeats::{First, Repeats};
use crate::chat::throttle::{Bucket, Rate};
use crate::chat::token::MessageKey;
use crate::chat::whispers::Whispers;
use crate::journal::{Journal, Record};
use crate::metrics::Metrics;
use crate::turn::{Item, Private, Turn};

use self::absence::{Absence, Patience};
use self::keeping::{Tickets, Trouble, Unkept};

pub use self::keeping::Past;
pub use self::message::{
    Attach, Broadcast, CloseJournal, Deliver, Delivered, HealthProbe, HubId, Join, JournalReport, Leave, Manner,
    Probing, Recall, Relieve, Rename, Research, Shutdown, To, Whisper, Who,
};

/// The exit code of a process whose room stopped unasked: "internal software error" in `sysexits.h`.
pub const EXIT_INTERNAL: i32 = 70;

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
    /// Who can prove who they are, and may come back.
    absence: Absence,
    patience: Patience,
    /// What will look who has not come back, and when.
    expiry: Option<(Instant, SpawnHandle)>,
    /// What was whispered to them.
    whispers: Whispers<Option<Origin>>,
    /// What would be said twice if it were sent again.
    repeats: Repeats,
    hubs: Vec<Hub>,
    /// Where everything is kept, if it is.
    journal: Option<Journal>,
    /// What it is handed at the end of this turn.
    records: Vec<Record>,
    /// Who whispered in this turn, and wants to know that it is kept.
    whispering: Vec<SessionId>,
    /// Who did so before.
    unkept: VecDeque<Unkept>,
    /// Will answer those of them who have waited for too long.
    impatience: Option<SpawnHandle>,
    /// The last record that it was handed, and the last one that it has written.
    tickets: Tickets,
    /// Why it does not write, if it does not.
    trouble: Option<Trouble>,
    /// The number of the last event that it has written.
    written: u64,
    /// Whether the last turn said that it is behind.
    is_journal_behind: bool,
    /// The number of the first event that it tells of when it is written.
    reported_from: u64,
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
    /// The number of an event that somebody there waits for the journal to write.
    awaits: Option<u64>,
}

/// The notices have waited long enough.
#[derive(Message)]
#[rtype(result = "()")]
struct Release;

/// Perhaps somebody has been gone for too long.
#[derive(Message)]
#[rtype(result = "()")]
struct Expire;

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
            absence: Absence::default(),
            patience: Patience::NONE,
            expiry: None,
            whispers: Whispers::default(),
            repeats: Repeats::default(),
            hubs: Vec::new(),
            journal: None,
            records: Vec::new(),
            whispering: Vec::new(),
            unkept: VecDeque::new(),
            impatience: None,
            tickets: Tickets::default(),
            trouble: None,
            written: u64::MAX,
            is_journal_behind: false,
            reported_from: u64::MAX,
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

    /// Where everything is counted that happens in this room and around it.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Counts those who are there after somebody came or went.
    fn count_members(&self) {
        self.metrics.members.set(self.registry.len() as i64);
    }

    /// Numbers an event, for everybody but its author to learn at the end of this turn. If it has a key, it is known by that
    /// from now on.
    fn publish(
        &mut self,
        author: Option<SessionId>,
        kind: EventKind,
        key: Option<MessageKey>,
        ctx: &mut Context<Self>,
    ) {
        let event = self.event(kind, key);
        if let Some(key) = key {
            let first = First { seq: Some(event.seq), record: self.last_record(), at: event.at, is_kept: true };
            self.repeats.add(key, first, Instant::now().into_std());
        }
        self.release(ctx);
        self.add(Item::Event { event, author }, ctx);
    }

    /// Numbers the event that somebody came or went. In a rush, everybody learns of it a little later.
    fn notify(&mut self, author: Option<SessionId>, kind: EventKind, ctx: &mut Context<Self>) {
        let item = Item::Event { event: self.event(kind, None), author };
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

    fn event(&mut self, kind: EventKind, key: Option<MessageKey>) -> Arc<Event> {
        self.seq += 1;
        let event = Arc::new(Event { seq: self.seq, at: (self.clock)(), kind });
        self.history.add(&event);
        self.keep(|| Record::Event { event: Arc::clone(&event), id: key.and_then(keeping::id) });
        event
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
        self.hand_to_journal();
        if !self.items.is_empty() {
            self.text = 0;
            self.has_event = false;
            let items = std::mem::take(&mut self.items);
            self.wait_for_hubs(Turn::new(items, self.written));
        }
        while self.hubs.iter().all(|hub| hub.behind < MAX_BEHIND)
            && let Some(turn) = self.waiting.pop_front()
        {
            self.deliver(turn);
        }
    }

    /// Every hub is handed a turn, though nothing happened.
    fn end_turn_without_items(&mut self) {
        self.wait_for_hubs(Turn::new(Vec::new(), self.written));
        self.end_turn();
    }

    fn deliver(&mut self, turn: Turn) {
        let turn = Arc::new(turn);
        for hub in &mut self.hubs {
            hub.behind += 1;
            // it is told, and says whether it still waits
            hub.awaits = None;
            hub.recipient.do_send(Deliver(Arc::clone(&turn)));
        }
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
        self.hubs.push(Hub { id, recipient, probe, behind: 0, awaits: None });
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

    fn handle(&mut self, Delivered { hub: id, awaits }: Delivered, _: &mut Self::Context) {
        if let Some(hub) = self.hubs.iter_mut().find(|hub| hub.id == id) {
            hub.behind = hub.behind.saturating_sub(1);
            hub.awaits = awaits;
        }
        if !self.waiting.is_empty() {
            self.end_turn();
        }
        self.tell_how_far_the_journal_is();
    }
}
