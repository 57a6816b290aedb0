//! A hub: the sessions of one thread, and the fan-out to them.
//!
//! The room hands each hub a turn once, whatever the number of readers; the hub walks its sessions and hands each what it
//! reads of the turn, which goes straight to the socket if that takes it. It knows neither sockets nor what is said.

mod held;
mod sessions;

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use actix::fut::ActorFuture;
use actix::prelude::*;
use tokio::task::yield_now;

use crate::archive::Archive;
use crate::budget::Budget;
use crate::chat::registry::SessionId;
use crate::chat::repeats::First;
use crate::config::Config;
use crate::journal::MAX_WAITING;
use crate::metrics::{Fanout, Metrics};
use crate::password::Gate;
use crate::room::{Attach, ChatRoom, Deliver, Delivered, HealthProbe, HubId, Shutdown, end_process};
use crate::session::{Connection, Reader, Session, Setup, Speech};
use crate::transport::Transport;
use crate::turn::{Item, Private, Turn};

use self::held::Held;
use self::sessions::Sessions;

/// The most events whose authors wait to be told that they are in the journal. By then the journal has given them up: it keeps
/// half as many until it can write them.
const MAX_UNWRITTEN: usize = 2 * MAX_WAITING;

/// With several threads, how long a walk goes on before others on this thread have their turn: people on the other threads may
/// have said more, which then goes out together with the rest. On a single thread nobody says anything meanwhile.
const STRIDE: Duration = Duration::from_micros(25);

/// How many sessions are visited before it is looked how long that took; and before it is looked for the first time whether more
/// has been said, since those who answer somebody do so at once, on all threads.
const FEW: usize = 4;

/// Starts a session on the thread of the hub. If the server stops, all it does is to say so.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Admit<S> {
    /// The id of the session, given by the server.
    pub session: SessionId,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// How they speak.
    pub speech: Speech,
    /// When the connection was accepted.
    pub accepted: tokio::time::Instant,
    /// The connection.
    pub stream: S,
    /// Dropped when the session has ended: how the server learns of it.
    pub guard: Box<dyn Any + Send>,
    /// Dropped when the session has a name or is closing, whichever comes first.
    pub unnamed: Box<dyn Any + Send>,
}

/// A session without a name must make room for another one. If it has a name by now, it stays.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Evict(pub SessionId);

/// The hub actor. It lives as long as its thread.
pub struct Hub {
    id: HubId,
    room: Addr<ChatRoom>,
    gate: Option<Arc<Gate>>,
    archive: Option<Archive>,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    fanout: Arc<Fanout>,
    budget: Arc<Budget>,
    /// Its number there.
    budget_place: usize,
    /// Whether it has said there what its largest debtor is owed.
    has_claimed: bool,
    sessions: Rc<RefCell<Sessions>>,
    /// Whether a walk goes on by itself.
    is_walking: bool,
    /// The lines handed out since the last turn that is over.
    deliveries: usize,
    /// The events of sessions here that are not in the journal yet, and of which they want to be told when they are. In order;
    /// but one that came again is as new as the others.
    unwritten: VecDeque<(u64, SessionId)>,
    held: Held,
    is_shutting_down: bool,
}

impl Hub {
    /// A hub without sessions, whose doings are counted in `metrics`, and which shares `budget` with the other hubs.
    pub fn new(
        id: HubId,
        room: Addr<ChatRoom>,
        config: Arc<Config>,
        metrics: Arc<Metrics>,
        budget: Arc<Budget>,
    ) -> Hub {
        let fanout = metrics.hub();
        let budget_place = budget.add_hub();
        Hub {
            id,
            room,
            gate: None,
            archive: None,
            config,
            metrics,
            fanout,
            budget,
            budget_place,
            has_claimed: false,
            sessions: Rc::default(),
            is_walking: false,
            deliveries: 0,
            unwritten: VecDeque::new(),
            held: Held::default(),
            is_shutting_down: false,
        }
    }

    /// The same, in front of whose room there is this, if it has a password.
    pub fn with_gate(self, gate: Option<Arc<Gate>>) -> Hub {
        Hub { gate, ..self }
    }

    /// The same, whose sessions ask this for what was, if anything is kept.
    pub fn with_archive(self, archive: Option<Archive>) -> Hub {
        Hub { archive, ..self }
    }

    /// Tells those whose events are in the journal by now, or never will be.
    fn acknowledge(&mut self, turn: &Turn) {
        let sessions = self.sessions.borrow();
        let written = 0..=turn.written_up_to();
        let wants = |author| sessions.get(author).is_some_and(|reader| reader.wants_acknowledgements());
        // what somebody says at once comes one behind the other
        let mut known = None;
        for item in turn.items() {
            let (seq, author) = match item {
                Item::Event { event, author: Some(author) } => (event.seq, *author),
                Item::To(author, Private::Repeated(First { seq: Some(seq), is_kept: true, .. })) => (*seq, *author),
                Item::Event { author: None, .. } | Item::To(..) => continue,
            };
            if written.contains(&seq) {
                continue;
            }
            known = known.filter(|(one, _)| *one == author).or_else(|| Some((author, wants(author))));
            if known.is_some_and(|(_, wants)| wants) {
                self.unwritten.push_back((seq, author));
            }
        }
        if let Some(lost) = turn.lost() {
            self.unwritten.retain(|(seq, author)| {
                let is_lost = lost.contains(seq);
                // it may have ended meanwhile
                if let Some(reader) = sessions.get(*author).filter(|_| is_lost) {
                    reader.acknowledge(lost, false);
                }
                !is_lost
            });
        }
        while let Some((seq, author)) = self.unwritten.front().copied()
            && (written.contains(&seq) || self.unwritten.len() > MAX_UNWRITTEN)
        {
            self.unwritten.pop_front();
            if let Some(reader) = sessions.get(author) {
                // what is too much is more than what waits for the journal at most
                if written.contains(&seq) {
                    reader.acknowledge(&written, true)
                } else {
                    reader.acknowledge(&(seq..=seq), false)
                }
            }
        }
    }

    /// Visits so many sessions at most. Whether somebody has not taken everything yet.
    fn walk(&mut self, most: usize, ctx: &mut Context<Hub>) -> bool {
        self.deliveries += self.sessions.borrow_mut().walk(most);
        loop {
            let Some((turn, since)) = self.sessions.borrow_mut().next_over() else { break };
            self.acknowledge(&turn);
            self.fanout.walked(std::mem::take(&mut self.deliveries) as u64, since.elapsed());
            self.hold_or_release(&turn, ctx);
            self.relieve();
            let awaits = self.unwritten.front().map(|(seq, _)| *seq);
            self.room.do_send(Delivered { hub: self.id, awaits });
        }
        !self.sessions.borrow().is_idle()
    }

    /// Cuts those who are owed most, until all together are owed no more than may be.
    fn relieve(&mut self) {
        let sessions = self.sessions.borrow();
        while self.budget.is_exceeded(self.metrics.owed.get()) {
            self.has_claimed = true;
            let debts = sessions.all().map(|reader| (reader.owed(), reader));
            let largest = debts.max_by_key(|(owed, _)| *owed);
            let owed = largest.map_or(0, |(owed, _)| owed);
            // also if it is none: what was said of one who is gone would shield those of other hubs
            let is_largest = self.budget.is_largest(self.budget_place, owed);
            match largest {
                Some((1.., reader)) if is_largest => reader.cut(),
                // another hub has a larger debtor, or has not said whether it has
                _ => return,
            }
        }
        if std::mem::take(&mut self.has_claimed) {
            self.budget.withdraw(self.budget_place);
        }
    }
}

impl Actor for Hub {
    type Context = actix::Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let hub = ctx.address();
        self.room.do_send(Attach { hub: self.id, recipient: hub.clone().recipient(), probe: hub.recipient() });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if !self.is_shutting_down {
            end_process("a hub");
        }
    }
}

impl<S: Transport + Send> Handler<Admit<S>> for Hub {
    type Result = ();

    fn handle(
        &mut self,
        Admit { session, peer, speech, accepted, stream, guard, unnamed }: Admit<S>,
        _: &mut Self::Context,
    ) {
        let (config, metrics) = (Arc::clone(&self.config), Arc::clone(&self.metrics));
        let (gate, archive, room) = (self.gate.clone(), self.archive.clone(), self.room.clone());
        let setup = Setup { id: session, peer, speech, accepted, gate, archive, room, config, metrics, unnamed };
        let connection = Rc::new(RefCell::new(Connection::new(stream, setup)));
        self.sessions.borrow_mut().add(session, Rc::clone(&connection) as Rc<dyn Reader>);
        let place = Place { session, sessions: Rc::clone(&self.sessions) };
        if self.is_shutting_down {
            connection.shut_down();
        }
        Session::new(connection, Box::new((place, guard))).start();
    }
}

impl Handler<Deliver> for Hub {
    type Result = ();

    fn handle(&mut self, Deliver(turn): Deliver, ctx: &mut Self::Context) {
        self.deliveries += self.sessions.borrow_mut().begin(turn);
        if !self.is_walking {
            self.is_walking = self.walk(if self.config.threads == 1 { usize::MAX } else { FEW }, ctx);
            if self.is_walking {
                ctx.spawn(Walk);
            }
        }
    }
}

/// Goes on with a walk until everybody has everything.
struct Walk;

impl ActorFuture<Hub> for Walk {
    type Output = ();

    fn poll(self: Pin<&mut Self>, hub: &mut Hub, ctx: &mut Context<Hub>, cx: &mut task::Context<'_>) -> Poll<()> {
        let begun = Instant::now();
        while hub.walk(FEW, ctx) {
            if begun.elapsed() >= STRIDE {
                // behind what has come from the network and from other threads
                return pin!(yield_now()).poll(cx);
            }
        }
        hub.is_walking = false;
        Poll::Ready(())
    }
}

impl Handler<Evict> for Hub {
    type Result = ();

    fn handle(&mut self, Evict(session): Evict, _: &mut Self::Context) {
        // it may have ended meanwhile
        if let Some(reader) = self.sessions.borrow().get(session) {
            reader.evict();
        }
    }
}

impl Handler<HealthProbe> for Hub {
    type Result = bool;

    fn handle(&mut self, _: HealthProbe, _: &mut Self::Context) -> bool {
        !self.is_shutting_down
    }
}

impl Handler<Shutdown> for Hub {
    type Result = ();

    fn handle(&mut self, _: Shutdown, ctx: &mut Self::Context) {
        // what was said before comes first
        self.walk(usize::MAX, ctx);
        self.is_shutting_down = true;
        self.sessions.borrow().all().for_each(Reader::shut_down);
    }
}

/// A session's place in its hub, given back when dropped.
struct Place {
    session: SessionId,
    sessions: Rc<RefCell<Sessions>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.sessions.borrow_mut().remove(self.session);
    }
}
