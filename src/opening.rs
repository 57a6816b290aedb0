//! The opening of a connection: what it speaks, and what has to be done before it is a session.
//!
//! ```text
//! accepted ──text, JSON──▶ session
//!     │ ──HTTP──▶ page, and the end, or WebSocket ──▶ session
//!     └──TLS──▶ handshake, then the same once more, except TLS
//! ```
//!
//! The [first bytes](sniff) decide, once and for good; whoever sends none in [`Config::silence`] is asked for a name, in text.
//! That of an address with [browsers] is asked later: it may be a connection that a browser keeps for its next request. Whoever
//! agrees on HTTP in the handshake is never asked. Where encryption is required, whoever does not begin with TLS is told so, and that is the end.
//!
//! An opening is a task of the thread on which the session will live, and a connection without a name: when there are too
//! many of these, or when the server stops, it is hurried.

pub mod browsers;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::prelude::*;
use bytes::{Bytes, BytesMut};
use log::debug;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use crate::chat::answer::{Answer, Refusal};
use crate::chat::registry::SessionId;
use crate::config::{Config, Drain, Tls};
use crate::dialect::Format;
use crate::dialect::sniff::{self, Protocol, Verdict};
use crate::hub::{Admit, Evict, Hub};
use crate::metrics::Metrics;
use crate::session::Speech;
use crate::transport::metered::Metered;
use crate::transport::rewind::Rewind;
use crate::transport::tls::Acceptor;
use crate::transport::{Transport, poll_drain};
use crate::web::Site;
use browsers::Browsers;

/// The most bytes that are read at once while nothing is decided.
const READ_SIZE: usize = 4096;

/// Why an opening must come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hurry {
    /// There are too many connections without a name.
    Evicted,
    /// The server stops.
    Shutdown,
}

/// The openings that are going on.
#[derive(Debug, Default)]
pub struct Openings(Mutex<HashMap<SessionId, oneshot::Sender<Hurry>>>);

impl Openings {
    fn all(&self) -> MutexGuard<'_, HashMap<SessionId, oneshot::Sender<Hurry>>> {
        // an entry is whole, whatever panics elsewhere
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more begins, and goes on for as long as what is returned is kept.
    pub fn begin(self: &Arc<Openings>, session: SessionId) -> Hurried {
        let (hurry, receiver) = oneshot::channel();
        self.all().insert(session, hurry);
        Hurried { openings: Arc::clone(self), session, receiver, word: None }
    }

    /// Has an opening become a session that goes, or end. If it is a session already, `otherwise` happens, after the hub has
    /// been told of that session.
    pub fn evict(&self, session: SessionId, otherwise: impl FnOnce()) {
        let mut all = self.all();
        match all.remove(&session) {
            Some(hurry) => {
                // if it has ended meanwhile, there is nobody to evict
                let _ = hurry.send(Hurry::Evicted);
            }
            None => otherwise(),
        }
    }

    /// Has all openings become sessions, or end.
    pub fn shut_down(&self) {
        for (_, hurry) in self.all().drain() {
            // if it has ended meanwhile, all the better
            let _ = hurry.send(Hurry::Shutdown);
        }
    }

    /// One becomes a session, of which `admit` tells the hub. Nobody evicts it in between.
    fn admit(&self, session: SessionId, admit: impl FnOnce()) {
        let mut all = self.all();
        all.remove(&session);
        admit();
    }
}

/// How an opening learns that it must come to its end.
#[derive(Debug)]
pub struct Hurried {
    openings: Arc<Openings>,
    session: SessionId,
    receiver: oneshot::Receiver<Hurry>,
    word: Option<Hurry>,
}

impl Hurried {
    /// Waits for the word; does not wait when it has come.
    async fn wait(&mut self) {
        if self.word.is_none() {
            self.word = Some((&mut self.receiver).await.unwrap_or(Hurry::Shutdown));
        }
    }

    /// The word, if it has come.
    fn word(&mut self) -> Option<Hurry> {
        self.word.or_else(|| self.receiver.try_recv().ok())
    }
}

impl Drop for Hurried {
    fn drop(&mut self) {
        self.openings.all().remove(&self.session);
    }
}

/// A connection that was accepted.
pub struct Arrival {
    /// The id of its session.
    pub session: SessionId,
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// When.
    pub accepted: Instant,
    /// Dropped when the connection has ended.
    pub guard: Box<dyn Any + Send>,
    /// Dropped when it has a name or is closing, whichever comes first.
    pub unnamed: Box<dyn Any + Send>,
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session={} peer={}", self.session, self.peer)
    }
}

/// What all openings on a thread have in common.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// Where sessions live.
    pub hub: Addr<Hub>,
    /// The page.
    pub site: Arc<Site>,
    /// How handshakes are done, if there is TLS.
    pub tls: Option<Acceptor>,
    /// All openings.
    pub openings: Arc<Openings>,
    /// Where browsers come from.
    pub browsers: Arc<Browsers>,
    /// The limits.
    pub config: Arc<Config>,
    /// Where refusals are counted.
    pub metrics: Arc<Metrics>,
}

/// What a peer began with.
struct Hello {
    speaks: Speaks,
    reads: VecDeque<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Tls,
    Http,
    /// Text or JSON, or what is refused by a session.
    Lines {
        is_silent: bool,
        is_json: bool,
    },
}

impl Entrance {
    /// Opens a connection, until it is a session or has ended.
    pub async fn open(self, stream: TcpStream, arrival: Arrival, mut hurried: Hurried) {
        let mut stream = stream;
        let hello = self.hello(&mut stream, &arrival, &mut hurried).await;
        let stream = Rewind::new(hello.reads, stream);
        match (hello.speaks, &self.tls) {
            (Speaks::Tls, Some(acceptor)) => {
                let Some(mut stream) = self.shake_hands(acceptor, Metered::new(stream), &mut hurried).await else {
                    return;
                };
                // the only protocol that can be agreed on is HTTP: it may be long until a browser has its first request
                if stream.get_ref().1.alpn_protocol().is_some() {
                    self.browsers.ask(arrival.peer.ip(), Instant::now().into_std());
                    return self.go_on(Speaks::Http, Rewind::new(VecDeque::new(), stream), arrival, hurried).await;
                }
                let hello = self.hello(&mut stream, &arrival, &mut hurried).await;
                self.go_on(hello.speaks, Rewind::new(hello.reads, stream), arrival, hurried).await;
            }
            (speaks, Some(_)) if self.config.tls == Tls::Required => {
                select! {
                    () = self.insist_on_tls(speaks, stream) => {}
                    () = hurried.wait() => {}
                }
            }
            (speaks, _) => self.go_on(speaks, stream, arrival, hurried).await,
        }
    }

    async fn shake_hands<S>(&self, acceptor: &Acceptor, stream: S, hurried: &mut Hurried) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        select! {
            shaken = timeout(self.config.handshake, acceptor.accept(stream)) => match shaken {
                Ok(Ok(stream)) => return Some(stream),
                Ok(Err(error)) => debug!("a handshake failed: {error}"),
                Err(_) => debug!("a handshake took too long"),
            },
            () = hurried.wait() => {}
        }
        None
    }

    /// Says to whoever came without encryption that this is not how to come in.
    async fn insist_on_tls<S>(&self, speaks: Speaks, mut stream: Rewind<S>)
    where
        S: Transport + Send,
    {
        self.metrics.refused_connections.count(Refusal::TlsRequired);
        let format = match speaks {
            Speaks::Http => return self.site.redirect(stream, pending()).await,
            Speaks::Lines { is_json: true, .. } => Format::Json,
            Speaks::Lines { is_json: false, .. } | Speaks::Tls => Format::Text,
        };
        let words = format.answer(&Answer::Refused(Refusal::TlsRequired), None, self.config.language);
        say_and_close(&mut stream, &words, self.config.drain).await;
    }

    async fn go_on<S>(&self, speaks: Speaks, stream: Rewind<S>, arrival: Arrival, mut hurried: Hurried)
    where
        S: Transport + Send,
    {
        match speaks {
            Speaks::Http => {
                if let Some(socket) = self.site.serve(stream, hurried.wait()).await {
                    return self.admit(socket, Speech::WebSocket, arrival, hurried);
                }
            }
            Speaks::Tls | Speaks::Lines { .. } => {
                let is_silent = matches!(speaks, Speaks::Lines { is_silent: true, .. });
                return self.admit(stream, Speech::Lines { is_silent }, arrival, hurried);
            }
        }
        debug!("{arrival:?} ended before it was a session");
    }

    /// Waits for the first bytes. Whoever is silent, or hurried, or gives no name in time, is taken for a person.
    async fn hello<S>(&self, stream: &mut S, arrival: &Arrival, hurried: &mut Hurried) -> Hello
    where
        S: AsyncRead + Unpin,
    {
        let (mut all, mut reads) = (BytesMut::new(), VecDeque::new());
        let (mut is_silent, mut is_json) = (false, false);
        let (ip, accepted) = (arrival.peer.ip(), arrival.accepted);
        let mut may_be_spare = false;
        let deadline = Some(self.config.name_deadline).filter(|time| !time.is_zero()).map(|time| accepted + time);
        loop {
            let may_be_foreign = sniff::may_have_begun(&all) || (may_be_spare && all.is_empty());
            let patience = if may_be_foreign { self.config.hello_silence } else { self.config.silence };
            let patient_until = Instant::now() + patience;
            let until = deadline.map_or(patient_until, |deadline| deadline.min(patient_until));
            let mut read = BytesMut::with_capacity(READ_SIZE);
            select! {
                read = timeout_at(until, stream.read_buf(&mut read)) => match read {
                    Ok(Ok(1..)) => {}
                    // the session will find the same
                    Ok(_) => break,
                    Err(_) if all.is_empty() && !may_be_spare && self.browsers.are_at(ip, Instant::now().into_std()) => {
                        may_be_spare = true;
                        continue;
                    }
                    Err(_) => {
                        is_silent = until == patient_until;
                        break;
                    }
                },
                () = hurried.wait() => break,
            }
            all.extend_from_slice(&read);
            // what keeps memory is no larger than what came
            reads.push_back(Bytes::copy_from_slice(&read));
            match sniff::sniff(&all) {
                Verdict::Foreign(Protocol::Tls) => return Hello { speaks: Speaks::Tls, reads },
                Verdict::Foreign(Protocol::Http { .. }) => {
                    self.browsers.ask(ip, Instant::now().into_std());
                    return Hello { speaks: Speaks::Http, reads };
                }
                Verdict::Json => {
                    is_json = true;
                    break;
                }
                Verdict::Text | Verdict::Foreign(_) => break,
                Verdict::Undecided if all.len() >= READ_SIZE => break,
                Verdict::Undecided => {}
            }
        }
        Hello { speaks: Speaks::Lines { is_silent, is_json }, reads }
    }

    fn admit<S>(&self, stream: S, speech: Speech, arrival: Arrival, mut hurried: Hurried)
    where
        S: Transport + Send,
    {
        let Arrival { session, peer, accepted, guard, unnamed } = arrival;
        self.openings.admit(session, || {
            self.hub.do_send(Admit { session, peer, speech, accepted, stream, guard, unnamed });
        });
        if hurried.word() == Some(Hurry::Evicted) {
            self.hub.do_send(Evict(session));
        }
    }
}

/// Says some last words to whoever gets no session, and waits, briefly, until they are read.
pub(crate) async fn say_and_close<S>(stream: &mut S, words: &[u8], drain: Drain)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Drain { time, mut bytes } = drain;
    let said = async {
        if stream.write_all(words).await.is_ok() && stream.shutdown().await.is_ok() {
            poll_fn(|cx| poll_drain(stream, &mut bytes, cx)).await;
        }
    };
    // by then the peer has read it, or never will
    let _ = timeout(time, said).await;
}
