//! The server: listening, accepting, and stopping.
//!
//! It knows sockets and how many connections there are; what they say to each other is between the sessions and the
//! room.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use log::{debug, error, warn};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::admin::{self, Admin};
use crate::admission::{Admission, Admitted, Origin};
use crate::archive::Archive;
use crate::budget::Budget;
use crate::chat::answer::{Answer, Refusal};
use crate::chat::registry::SessionId;
use crate::config::{Config, Listen};
use crate::dialect::text;
use crate::hub::{Evict, Hub};
use crate::metrics::Metrics;
use crate::opening::browsers::Browsers;
use crate::opening::{Arrival, Entrance, Openings, say_and_close};
use crate::password::Gate;
use crate::room::{ChatRoom, CloseJournal, HubId, Shutdown};
use crate::transport::tcp;
use crate::transport::tls::Acceptor;
use crate::web::Site;
use crate::web::host::Hosts;

/// The pause after an accept error, doubled with each error that follows, up to [`MAX_ACCEPT_PAUSE`].
const MIN_ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause after an accept error.
const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Refused connections that are given time to read the refusal; more are closed at once. Each costs one of the
/// [`RESERVED_DESCRIPTORS`](crate::config::RESERVED_DESCRIPTORS), of which the server itself uses a dozen.
pub const MAX_LINGERING: usize = 32;

/// How long the end of the server waits until the journal is written.
const JOURNAL_CLOSE: Duration = Duration::from_millis(900);

/// Accept errors are logged this often at most.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A server that listens and does not accept anybody yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    admin: Option<Admin>,
    tls: Option<Acceptor>,
    gate: Option<Arc<Gate>>,
    config: Arc<Config>,
}

/// The server cannot listen where it was told to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
    /// Whether it was for the operator's page ([`Config::admin`]) and not for the chat.
    pub is_admin: bool,
}

impl Server {
    /// Listens at every place of [`Config::listen`], and at [`Config::admin`]. Must be called inside a runtime.
    ///
    /// # Errors
    /// [`BindError`] for the first place that cannot be had. Of a bare port, one address family is enough.
    pub fn bind(config: Config) -> Result<Server, BindError> {
        let mut listeners = Vec::new();
        for place in &config.listen {
            listen(*place, config.backlog, &mut listeners)?;
        }
        let admin = config
            .admin
            .map(|address| Admin::bind(address).map_err(|source| BindError { address, source, is_admin: true }));
        Ok(Server { listeners, admin: admin.transpose()?, tls: None, gate: None, config: Arc::new(config) })
    }

    /// Speaks TLS too, or only, as [`Config::tls`] says.
    pub fn with_tls(self, acceptor: Acceptor) -> Server {
        Server { tls: Some(acceptor), ..self }
    }

    /// Lets in only those who know the password of this gate.
    pub fn with_gate(self, gate: Arc<Gate>) -> Server {
        Server { gate: Some(gate), ..self }
    }

    /// Who does its handshakes, if it speaks TLS.
    pub fn tls(&self) -> Option<&Acceptor> {
        self.tls.as_ref()
    }

    /// Where the operator's page is, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// Where it listens: with the real ports, where the configuration says 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Opens the room and accepts people, on the arbiter that calls this. Sessions live there and, with more than one of
    /// [`Config::threads`], on arbiters of their own.
    pub fn start(self, room: ChatRoom) -> Running {
        let metrics = room.metrics();
        let archive = open_archive(&room, &self.config);
        let Config { history, grace, resume_window, max_lost_per_address, .. } = *self.config;
        let room = room.showing(history).waiting_for_lost(grace, resume_window, max_lost_per_address).start();
        let language = self.config.language;
        let admin = self.admin.map(|admin| admin.start(room.clone(), Arc::clone(&metrics), language));
        let site = Arc::new(Site::new(Hosts::new(&self.config.hosts)));
        let openings = Arc::new(Openings::default());
        let browsers = Arc::new(Browsers::none(Instant::now().into_std()));
        let gate = self.gate;
        let places = open_places(&room, gate.as_ref(), archive.as_ref(), &self.config, &metrics, |hub| Entrance {
            hub,
            site: Arc::clone(&site),
            tls: self.tls.clone(),
            openings: Arc::clone(&openings),
            browsers: Arc::clone(&browsers),
            config: Arc::clone(&self.config),
            metrics: Arc::clone(&metrics),
        });
        let reception = Arc::new(Reception {
            places,
            openings,
            room,
            metrics,
            connections: Connections::new(Arc::clone(&self.config)),
            lingering: Arc::new(Semaphore::new(MAX_LINGERING)),
            config: self.config,
        });
        let accepting = self
            .listeners
            .into_iter()
            .map(|listener| actix_rt::spawn(accept(listener, Arc::clone(&reception))))
            .collect();
        Running { reception, accepting, admin }
    }
}

/// A server that accepts people.
#[derive(Debug)]
pub struct Running {
    reception: Arc<Reception>,
    accepting: Vec<JoinHandle<()>>,
    admin: Option<admin::Serving>,
}

impl Running {
    /// The room.
    pub fn room(&self) -> &Addr<ChatRoom> {
        &self.reception.room
    }

    /// Stops accepting, tells everybody, and waits until every connection has closed in good order, for
    /// [`Config::shutdown`] at most. Connections still open then are left to their end with the process.
    pub async fn shutdown(self) {
        drop(self.admin);
        for task in &self.accepting {
            task.abort();
        }
        for task in self.accepting {
            // cancelled, as asked: the listener is closed now
            let _ = task.await;
        }
        let Reception { room, places, openings, connections, config, .. } = &*self.reception;
        let in_good_order = async {
            openings.shut_down();
            if room.send(Shutdown).await.is_err() {
                debug!("the room was gone before the shutdown");
            }
            for place in places {
                if place.entrance.hub.send(Shutdown).await.is_err() {
                    debug!("a hub was gone before the shutdown");
                }
            }
            connections.emptied().await;
        };
        if timeout(config.shutdown, in_good_order).await.is_err() {
            warn!("{} connections did not close in time", connections.open());
        }
        if !room.send(CloseJournal { within: JOURNAL_CLOSE }).await.unwrap_or(true) {
            warn!("not all that happened last could be written");
        }
    }
}

fn listen(place: Listen, backlog: u32, listeners: &mut Vec<TcpListener>) -> Result<(), BindError> {
    let first = listeners.len();
    let mut failed = None;
    for mut address in place.addresses() {
        // port 0: the second family takes the port that the first one was given
        if let Some(Ok(sibling)) = listeners[first..].first().map(TcpListener::local_addr) {
            address.set_port(sibling.port());
        }
        match tcp::listen(address, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError { address, source, is_admin: false });
            }
            Err(source) => failed = Some(BindError { address, source, is_admin: false }),
        }
    }
    match failed {
        Some(error) if listeners.len() == first => Err(error),
        Some(error) => {
            debug!("{error}");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Accepts until it is cancelled. No error ends it: neither a connection that broke before it was accepted, nor a
/// full table of descriptors, which takes a pause.
async fn accept(listener: TcpListener, reception: Arc<Reception>) {
    let mut pause = MIN_ACCEPT_PAUSE;
    let mut logged: Option<Instant> = None;
    loop {
        match tcp::accept(&listener, &reception.config).await {
            Ok((stream, peer)) => {
                pause = MIN_ACCEPT_PAUSE;
                reception.receive(stream, peer);
            }
            Err(error) if is_of_one_connection(&error) => debug!("a connection broke before it was accepted: {error}"),
            Err(error) => {
                if logged.is_none_or(|at| at.elapsed() >= ACCEPT_LOG_INTERVAL) {
                    error!("cannot accept connections: {error}; trying again");
                    logged = Some(Instant::now());
                } else {
                    debug!("still cannot accept connections: {error}");
                }
                reception.metrics.accept_errors.inc();
                sleep(pause).await;
                pause = (pause * 2).min(MAX_ACCEPT_PAUSE);
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A hub, how one comes to it, and where it lives.
#[derive(Debug)]
struct Place {
    entrance: Entrance,
    /// `None` for the arbiter that accepts.
    arbiter: Option<ArbiterHandle>,
}

/// What was, if the room has a journal. If the system has no thread for it, people are told that nothing is kept.
fn open_archive(room: &ChatRoom, config: &Config) -> Option<Archive> {
    match Archive::open(room.journal_directory()?, config.max_questions) {
        Ok(archive) => Some(archive),
        Err(error) => {
            error!("cannot start the thread that searches the journal: {error}");
            None
        }
    }
}

/// The places for sessions: one here and, beyond the first thread, one on each of the others.
fn open_places(
    room: &Addr<ChatRoom>,
    gate: Option<&Arc<Gate>>,
    archive: Option<&Archive>,
    config: &Arc<Config>,
    metrics: &Arc<Metrics>,
    entrance_to: impl Fn(Addr<Hub>) -> Entrance,
) -> Vec<Place> {
    let budget = Arc::new(Budget::new(config.outbox_total));
    let new_hub = |id| {
        let (room, gate, archive, config) = (room.clone(), gate.cloned(), archive.cloned(), Arc::clone(config));
        let (metrics, budget) = (Arc::clone(metrics), Arc::clone(&budget));
        move || Hub::new(id, room, config, metrics, budget).with_gate(gate).with_archive(archive)
    };
    let here = new_hub(HubId(0))().start();
    let mut places = vec![Place { entrance: entrance_to(here), arbiter: None }];
    while places.len() < config.threads {
        let arbiter = match Arbiter::try_new() {
            Ok(arbiter) => arbiter.handle(),
            Err(error) => {
                error!("cannot start another thread, so there are {}: {error}", places.len());
                break;
            }
        };
        let new_hub = new_hub(HubId(places.len()));
        let hub = Hub::start_in_arbiter(&arbiter, move |_| new_hub());
        places.push(Place { entrance: entrance_to(hub), arbiter: Some(arbiter) });
    }
    places
}

/// Where accepted connections become sessions.
#[derive(Debug)]
struct Reception {
    room: Addr<ChatRoom>,
    places: Vec<Place>,
    openings: Arc<Openings>,
    connections: Arc<Connections>,
    /// Permits to [`MAX_LINGERING`] refused connections.
    lingering: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    config: Arc<Config>,
}

impl Reception {
    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let Admitted { session, origin, evicted } = match self.connections.admit(peer) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                debug!("peer={peer} refused reason={}", refusal.word());
                self.metrics.refused_connections.count(refusal);
                return self.refuse(stream, refusal);
            }
        };
        if let Some(evicted) = evicted {
            self.evict(evicted);
        }
        let place = self.place_of(session);
        let guard = Box::new(Slot { connections: Arc::clone(&self.connections), origin });
        let unnamed = Box::new(Unnamed { connections: Arc::clone(&self.connections), origin, session });
        let arrival = Arrival { session, peer, accepted: Instant::now(), guard, unnamed };
        let hurried = self.openings.begin(session);
        let entrance = place.entrance.clone();
        let Some(arbiter) = &place.arbiter else {
            actix_rt::spawn(entrance.open(stream, arrival, hurried));
            return;
        };
        // a socket belongs to the reactor of the thread that reads it
        let moved = stream.into_std();
        arbiter.spawn_fn(move || match moved.and_then(TcpStream::from_std) {
            Ok(stream) => {
                actix_rt::spawn(entrance.open(stream, arrival, hurried));
            }
            Err(error) => error!("{arrival:?} cannot be moved to its thread: {error}"),
        });
    }

    fn place_of(&self, session: SessionId) -> &Place {
        &self.places[session.0 as usize % self.places.len()]
    }

    /// Tells a session, or what is about to be one, that it must make room.
    fn evict(&self, session: SessionId) {
        self.openings.evict(session, || self.place_of(session).entrance.hub.do_send(Evict(session)));
    }

    /// One sentence and the end: a refusal costs no session. For a few at once the end waits, briefly, until the peer
    /// has read it.
    fn refuse(&self, mut stream: TcpStream, refusal: Refusal) {
        // not by tokio, which would first wait to hear that the socket is writable
        let socket = SockRef::from(&stream);
        let sentence = text::answer(&Answer::Refused(refusal), self.config.language);
        if let Err(error) = socket.send(&sentence) {
            debug!("refused without a word: {error}");
        }
        let Ok(permit) = Arc::clone(&self.lingering).try_acquire_owned() else {
            // what has come already must be read, or the sentence is lost to a reset
            let _ = (&*socket).read(&mut [0; 1024]);
            return;
        };
        let drain = self.config.drain;
        actix_rt::spawn(async move {
            say_and_close(&mut stream, b"", drain).await;
            drop(permit);
        });
    }
}

/// The connections there are.
#[derive(Debug)]
struct Connections {
    /// Locked when a connection comes, gets a name and goes, and for no longer than it takes to count.
    admission: Mutex<Admission>,
    /// Told whenever the last connection is gone.
    emptied: Notify,
}

/// The place of one connection among those there are, given back when dropped.
struct Slot {
    connections: Arc<Connections>,
    origin: Origin,
}

/// The place of one connection among those without a name, given back when dropped.
struct Unnamed {
    connections: Arc<Connections>,
    origin: Origin,
    session: SessionId,
}

impl Connections {
    fn new(config: Arc<Config>) -> Arc<Connections> {
        let admission = Mutex::new(Admission::new(config, Instant::now().into_std()));
        Arc::new(Connections { admission, emptied: Notify::new() })
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        // it only counts, and stays true whatever panics elsewhere
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, peer: SocketAddr) -> Result<Admitted, Refusal> {
        self.admission().admit(peer.ip(), Instant::now().into_std())
    }

    fn open(&self) -> usize {
        self.admission().open()
    }

    async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.open() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut admission = self.connections.admission();
        admission.release(self.origin);
        if admission.open() == 0 {
            self.connections.emptied.notify_waiters();
        }
    }
}

impl Drop for Unnamed {
    fn drop(&mut self) {
        self.connections.admission().settle(self.origin, self.session);
    }
}
