//! The server: listening, accepting, and stopping.
//!
//! It knows sockets and how many connections there are; what they say to each other is between the sessions and the
//! room.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::prelude::*;
use log::{debug, error, warn};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::chat::answer::Answer;
use crate::chat::registry::SessionId;
use crate::config::{Config, Drain, Listen};
use crate::dialect::text;
use crate::hub::{Admit, Hub};
use crate::room::{ChatRoom, HubId, Shutdown};
use crate::transport::{poll_drain, tcp};

/// The pause after an accept error, doubled with each error that follows, up to [`MAX_ACCEPT_PAUSE`].
const MIN_ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause after an accept error.
const MAX_ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Refused connections that are given time to read the refusal; more are closed at once.
const MAX_LINGERING: usize = 64;

/// Accept errors are logged this often at most.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// A server that listens and does not accept anybody yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
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
}

impl Server {
    /// Listens at every place of [`Config::listen`]. Must be called inside a runtime.
    ///
    /// # Errors
    /// [`BindError`] for the first place that cannot be had. Of a bare port, one address family is enough.
    pub fn bind(config: Config) -> Result<Server, BindError> {
        let mut listeners = Vec::new();
        for place in &config.listen {
            listen(*place, config.backlog, &mut listeners)?;
        }
        Ok(Server { listeners, config: Arc::new(config) })
    }

    /// Where it listens: with the real ports, where the configuration says 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Opens the room and accepts people, on the arbiter that calls this. Sessions live there and, with more than one of
    /// [`Config::threads`], on arbiters of their own.
    pub fn start(self, room: ChatRoom) -> Running {
        let room = room.start();
        let reception = Arc::new(Reception {
            places: open_places(&room, &self.config),
            room,
            connections: Connections::new(self.config.max_connections),
            lingering: Arc::new(Semaphore::new(MAX_LINGERING)),
            config: self.config,
        });
        let accepting = self
            .listeners
            .into_iter()
            .map(|listener| actix_rt::spawn(accept(listener, Arc::clone(&reception))))
            .collect();
        Running { reception, accepting }
    }
}

/// A server that accepts people.
#[derive(Debug)]
pub struct Running {
    reception: Arc<Reception>,
    accepting: Vec<JoinHandle<()>>,
}

impl Running {
    /// Stops accepting, tells everybody, and waits until every connection has closed in good order, for
    /// [`Config::shutdown`] at most. Connections still open then are left to their end with the process.
    pub async fn shutdown(self) {
        for task in &self.accepting {
            task.abort();
        }
        for task in self.accepting {
            // cancelled, as asked: the listener is closed now
            let _ = task.await;
        }
        let Reception { room, places, connections, config, .. } = &*self.reception;
        let in_good_order = async {
            if room.send(Shutdown).await.is_err() {
                debug!("the room was gone before the shutdown");
            }
            for place in places {
                if place.hub.send(Shutdown).await.is_err() {
                    debug!("a hub was gone before the shutdown");
                }
            }
            connections.emptied().await;
        };
        if timeout(config.shutdown, in_good_order).await.is_err() {
            warn!("{} connections did not close in time", connections.open());
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
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => return Err(BindError { address, source }),
            Err(source) => failed = Some(BindError { address, source }),
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
                }
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

/// A hub, and where it lives.
#[derive(Debug)]
struct Place {
    hub: Addr<Hub>,
    /// `None` for the arbiter that accepts.
    arbiter: Option<ArbiterHandle>,
}

/// The places for sessions: one here and, beyond the first thread, one on each of the others.
fn open_places(room: &Addr<ChatRoom>, config: &Arc<Config>) -> Vec<Place> {
    let here = Hub::new(HubId(0), room.clone(), Arc::clone(config)).start();
    let mut places = vec![Place { hub: here, arbiter: None }];
    while places.len() < config.threads {
        let arbiter = match Arbiter::try_new() {
            Ok(arbiter) => arbiter.handle(),
            Err(error) => {
                error!("cannot start another thread, so there are {}: {error}", places.len());
                break;
            }
        };
        let (id, room, config) = (HubId(places.len()), room.clone(), Arc::clone(config));
        let hub = Hub::start_in_arbiter(&arbiter, move |_| Hub::new(id, room, config));
        places.push(Place { hub, arbiter: Some(arbiter) });
    }
    places
}

/// Where accepted connections become sessions.
#[derive(Debug)]
struct Reception {
    room: Addr<ChatRoom>,
    places: Vec<Place>,
    connections: Arc<Connections>,
    /// Permits to [`MAX_LINGERING`] refused connections.
    lingering: Arc<Semaphore>,
    config: Arc<Config>,
}

impl Reception {
    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(slot) = self.connections.admit() else {
            debug!("peer={peer} refused: the server is full");
            return self.refuse(stream);
        };
        let session = self.connections.next_id();
        let place = &self.places[session.0 as usize % self.places.len()];
        let guard = Box::new(slot);
        let Some(arbiter) = &place.arbiter else {
            return place.hub.do_send(Admit { session, peer: peer.to_string(), stream, guard });
        };
        // a socket belongs to the reactor of the thread that reads it
        let moved = stream.into_std();
        let hub = place.hub.clone();
        arbiter.spawn_fn(move || match moved.and_then(TcpStream::from_std) {
            Ok(stream) => hub.do_send(Admit { session, peer: peer.to_string(), stream, guard }),
            Err(error) => error!("session={session} peer={peer} cannot be moved to its thread: {error}"),
        });
    }

    /// One sentence and the end: a refusal costs no session. For a few at once the end waits, briefly, until the peer
    /// has read it.
    fn refuse(&self, mut stream: TcpStream) {
        // not by tokio, which would first wait to hear that the socket is writable
        let sentence = text::answer(&Answer::ServerFull, self.config.language);
        if let Err(error) = SockRef::from(&stream).send(&sentence) {
            debug!("refused without a word: {error}");
        }
        let Ok(permit) = Arc::clone(&self.lingering).try_acquire_owned() else { return };
        let Drain { time, mut bytes } = self.config.drain;
        actix_rt::spawn(async move {
            let drained = async {
                if stream.shutdown().await.is_ok() {
                    poll_fn(|cx| poll_drain(&mut stream, &mut bytes, cx)).await;
                }
            };
            // by then the peer has read it, or never will
            let _ = timeout(time, drained).await;
            drop(permit);
        });
    }
}

/// The connections there are, at most `max` of them (0 = any number).
#[derive(Debug)]
struct Connections {
    max: usize,
    open: AtomicUsize,
    last_id: AtomicU64,
    /// Told whenever the last connection is gone.
    emptied: Notify,
}

/// The place of one connection among those there are, given back when dropped.
struct Slot(Arc<Connections>);

impl Connections {
    fn new(max: usize) -> Arc<Connections> {
        let (open, last_id) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Connections { max, open, last_id, emptied: Notify::new() })
    }

    /// A slot for one more connection; `None` if there are as many as may be.
    fn admit(self: &Arc<Connections>) -> Option<Slot> {
        let slot = Slot(Arc::clone(self));
        let before = self.open.fetch_add(1, Ordering::SeqCst);
        // a slot that is dropped is given back
        (self.max == 0 || before < self.max).then_some(slot)
    }

    fn next_id(&self) -> SessionId {
        SessionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
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
        if self.0.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
