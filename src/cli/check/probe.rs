//! Finds out what listens at an address. It joins nothing, and believes nothing of what it reads.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::conversation::{TLS, Talk, ask};
use crate::chat::hygiene::CleanText;
use crate::cli::address::ServerAddress;
use crate::transport::tls::Fingerprint;
use crate::transport::tls::client::{Deadline, handshake};

/// A papo that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where, of the addresses of the host.
    pub address: SocketAddr,
    /// What it says its version is.
    pub version: Said,
    /// From a question to its answer.
    pub round_trip: Duration,
    /// How one may talk to it.
    pub encryption: Encryption,
    /// Why it lets nobody in, if it does not; the rest is not known then.
    pub refusal: Option<Said>,
}

/// Whether a papo speaks TLS, and with which certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// It does not.
    None,
    /// As the client likes.
    Possible(Fingerprint),
    /// It speaks nothing else.
    Required(Fingerprint),
}

/// Why there is no papo.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody knows the host.
    #[error("{host} was not found: {error}")]
    UnknownHost {
        /// Which.
        host: String,
        /// What the system said.
        error: io::Error,
    },
    /// Nobody said in time where the host is.
    #[error("looking for {host} takes too long")]
    LookupTimedOut {
        /// Which.
        host: String,
    },
    /// The machine is there, and nothing listens.
    #[error("{0} refused the connection")]
    Refused(SocketAddr),
    /// Nothing came back: a firewall, or nobody.
    #[error("{0} did not answer in time")]
    TimedOut(SocketAddr),
    /// The network does not lead there.
    #[error("no route to {0}")]
    NoRoute(SocketAddr),
    /// The system has another reason.
    #[error("cannot connect to {address}: {error}")]
    CannotConnect {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Something took the connection and said nothing.
    #[error("{0} says nothing")]
    Silent(SocketAddr),
    /// Something took the connection, and closed it without a word.
    #[error("{0} closed the connection")]
    Closed(SocketAddr),
    /// Something else.
    #[error("{address} is no papo")]
    Foreign {
        /// Where.
        address: SocketAddr,
        /// What it looks like, if that is known.
        protocol: Option<&'static str>,
    },
    /// A papo that requires TLS, with which that does not work.
    #[error("{address} requires TLS, which fails: {error}")]
    TlsBroken {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// What a server said of itself: one short line that no terminal obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(CleanText);

/// The most characters of what a server said that are shown.
const MAX_SAID: usize = 200;

impl Said {
    /// Cleans and shortens it.
    pub fn new(text: &str) -> Said {
        Said(CleanText::new(text.chars().take(MAX_SAID).collect()))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Looks at the first address of the server that takes a connection. Every step has so much time: to find the host, to connect to
/// each of its addresses, to talk with and without TLS.
///
/// # Errors
/// [`Failure`] if it is no papo, or none that anybody can talk to.
pub fn look(server: &ServerAddress, timeout: Duration) -> Result<Found, Failure> {
    let addresses = server.resolve(timeout).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => Failure::LookupTimedOut { host: server.host.clone() },
        _ => Failure::UnknownHost { host: server.host.clone(), error },
    })?;
    let (address, stream, connecting) = connect_to_any(&addresses, &server.host, timeout)?;
    let plain = ask(stream);
    let encrypted = || ask_encrypted(address, &server.host, timeout);
    let papo = |version, round_trip: Option<Duration>, encryption| {
        Ok(Found { address, version, round_trip: round_trip.unwrap_or(connecting), encryption, refusal: None })
    };
    let refused = |refusal| {
        let (version, encryption) = (Said::new(""), Encryption::None);
        Ok(Found { address, version, round_trip: connecting, encryption, refusal: Some(refusal) })
    };
    match plain {
        Talk::Papo { version, round_trip } => match encrypted() {
            Ok((fingerprint, Talk::Papo { .. })) => papo(version, round_trip, Encryption::Possible(fingerprint)),
            _ => papo(version, round_trip, Encryption::None),
        },
        Talk::Refusal(refusal) => refused(refusal),
        // and something that takes off the TLS for a papo behind it
        Talk::RequiresTls | Talk::Foreign(Some(TLS)) | Talk::Silence | Talk::End => match (plain, encrypted()) {
            (_, Ok((fingerprint, Talk::Papo { version, round_trip }))) => {
                papo(version, round_trip, Encryption::Required(fingerprint))
            }
            (_, Ok((_, Talk::Refusal(refusal)))) => refused(refusal),
            (Talk::RequiresTls, Err(error)) => Err(Failure::TlsBroken { address, error }),
            (Talk::RequiresTls, Ok((_, talk))) | (talk, _) => Err(failure(address, talk)),
        },
        Talk::Foreign(_) => Err(failure(address, plain)),
    }
}

/// What is wrong with a conversation that was none with a papo.
fn failure(address: SocketAddr, talk: Talk) -> Failure {
    match talk {
        Talk::Silence => Failure::Silent(address),
        Talk::End => Failure::Closed(address),
        Talk::Foreign(protocol) => Failure::Foreign { address, protocol },
        Talk::Papo { .. } | Talk::RequiresTls | Talk::Refusal(_) => Failure::Foreign { address, protocol: None },
    }
}

/// The first address that takes a connection, and how long it took; else what is wrong with the last one.
fn connect_to_any(
    addresses: &[SocketAddr],
    host: &str,
    timeout: Duration,
) -> Result<(SocketAddr, Deadline, Duration), Failure> {
    let mut failure = Failure::UnknownHost { host: host.to_owned(), error: io::ErrorKind::NotFound.into() };
    for address in addresses {
        let start = Instant::now();
        match connect(*address, timeout) {
            Ok(stream) => return Ok((*address, stream, start.elapsed())),
            Err(error) => failure = why_not(*address, error),
        }
    }
    Err(failure)
}

fn connect(address: SocketAddr, timeout: Duration) -> io::Result<Deadline> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_nodelay(true)?;
    Ok(Deadline::new(stream, timeout))
}

fn why_not(address: SocketAddr, error: io::Error) -> Failure {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut, WouldBlock};
    match error.kind() {
        ConnectionRefused => Failure::Refused(address),
        TimedOut | WouldBlock => Failure::TimedOut(address),
        HostUnreachable | NetworkUnreachable => Failure::NoRoute(address),
        _ => Failure::CannotConnect { address, error },
    }
}

/// Asks over a second connection, with TLS.
fn ask_encrypted(address: SocketAddr, host: &str, timeout: Duration) -> io::Result<(Fingerprint, Talk)> {
    let secured = handshake(connect(address, timeout)?, host)?;
    Ok((secured.fingerprint(), ask(secured)))
}
