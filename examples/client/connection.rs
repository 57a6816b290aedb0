//! The way to the server, in the clear or encrypted, and whether it is the server that it was before.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use papo::chat::language::Language;
use papo::chat::text;
use papo::cli::address::ServerAddress;
use papo::cli::known_servers::{KnownServers, KnownServersError};
use papo::data;
use papo::transport::tls::Fingerprint;
use papo::transport::tls::client::{self, Deadline, Secured};

use crate::{Args, TIMEOUT};

/// A connection to a server, in two halves for two threads.
pub(crate) struct Connection {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) writer: Box<dyn Write + Send>,
    /// To end it at once, whatever the halves are doing.
    pub(crate) socket: TcpStream,
    /// What the server showed, if it is encrypted.
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// Why there is no connection, in a sentence.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Perhaps there is one later.
    Unreachable(String),
    /// There will not be one.
    Refused(String),
}

impl OpenError {
    pub(crate) fn into_sentence(self) -> String {
        match self {
            OpenError::Unreachable(sentence) | OpenError::Refused(sentence) => sentence,
        }
    }
}

/// Connects, and makes sure of whom to; nothing that was typed has been sent by then. Who comes back must find whom it has
/// `seen` before.
///
/// # Errors
/// [`OpenError`].
pub(crate) fn open(args: &Args, seen: Option<Fingerprint>, language: Language) -> Result<Connection, OpenError> {
    let bad_address = |_| OpenError::Refused(text::client_bad_address(language, args.address.clone()));
    let server: ServerAddress = args.address.parse().map_err(bad_address)?;
    let stream = connect(&server, language).map_err(OpenError::Unreachable)?;
    // what is typed is sent when it is typed
    let socket = stream.set_nodelay(true).and_then(|()| stream.try_clone());
    let socket = socket.map_err(|_| OpenError::Unreachable(text::client_lost(language)))?;
    if args.tls || args.fingerprint.is_some() {
        return encrypt(stream, socket, &server, args, seen, language);
    }
    let writer = stream.try_clone().map_err(|_| OpenError::Unreachable(text::client_lost(language)))?;
    Ok(Connection { reader: Box::new(stream), writer: Box::new(writer), socket, fingerprint: None })
}

/// Connects to the first address of the host that answers; else says what is wrong with the last one.
fn connect(server: &ServerAddress, language: Language) -> Result<TcpStream, String> {
    let unknown = |error: String| text::client_unknown_host(language, server.host.clone(), error);
    let addresses = server.resolve(TIMEOUT).map_err(|error| unknown(error.to_string()))?;
    let mut failure = unknown(String::new());
    for found in addresses {
        match TcpStream::connect_timeout(&found, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = why_not(found, &error, language),
        }
    }
    Err(failure)
}

fn why_not(address: SocketAddr, error: &io::Error, language: Language) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => text::client_refused(language, address.to_string()),
        io::ErrorKind::TimedOut => text::client_timed_out(language, address.to_string(), TIMEOUT.as_secs()),
        _ => text::client_cannot_connect(language, address.to_string(), error.to_string()),
    }
}

/// Does the handshake and looks at the certificate.
fn encrypt(
    stream: TcpStream,
    socket: TcpStream,
    server: &ServerAddress,
    args: &Args,
    seen: Option<Fingerprint>,
    language: Language,
) -> Result<Connection, OpenError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            text::client_timed_out(language, server.to_string(), TIMEOUT.as_secs())
        }
        _ => text::client_tls_failed(language, server.to_string(), error.to_string()),
    };
    let secured = client::handshake(Deadline::new(stream, TIMEOUT), &server.host);
    let secured = secured.map_err(|error| OpenError::Unreachable(failed(error)))?;
    let found = secured.fingerprint();
    if seen != Some(found) {
        believe(server, found, args, seen, language).map_err(OpenError::Refused)?;
    }
    let halves = secured.try_map(Deadline::into_inner).and_then(Secured::split);
    let (reader, writer) = halves.map_err(|_| OpenError::Unreachable(text::client_lost(language)))?;
    Ok(Connection { reader: Box::new(reader), writer: Box::new(writer), socket, fingerprint: Some(found) })
}

/// Whether this is the certificate that was expected. The first one of a server is, and is kept.
///
/// # Errors
/// What to tell the person if it is not, or if nobody can know.
fn believe(
    server: &ServerAddress,
    found: Fingerprint,
    args: &Args,
    seen: Option<Fingerprint>,
    language: Language,
) -> Result<(), String> {
    if let Some(expected) = args.fingerprint {
        let is_expected = expected == found;
        return is_expected.then_some(()).ok_or_else(|| refusal(server, expected, found, language));
    }
    let tell = |sentence: String| {
        // nobody is told if nobody listens
        let _ = writeln!(io::stderr(), "{sentence}");
    };
    let first = text::client_tls_first(language, server.to_string(), found.to_string());
    let Some(directory) = args.data.clone().or_else(data::default_directory) else {
        if let Some(seen) = seen {
            return Err(refusal(server, seen, found, language));
        }
        tell(first);
        tell(text::client_tls_nowhere(language));
        return Ok(());
    };
    let known_servers = KnownServers::in_directory(&directory);
    let path = known_servers.path().display().to_string();
    match known_servers.find(server) {
        Ok(Some(known)) if known.fingerprint == found => {}
        Ok(Some(known)) => {
            let refusal = refusal(server, known.fingerprint, found, language);
            return Err(format!("{refusal}\n{}", text::client_tls_forget(language, known.line, path)));
        }
        Ok(None) => {
            if let Some(seen) = seen {
                return Err(refusal(server, seen, found, language));
            }
            tell(first);
            tell(match known_servers.add(server, found) {
                Ok(()) => text::client_tls_kept(language, path),
                Err(error) => text::client_tls_not_kept(language, path, error.to_string()),
            });
        }
        Err(KnownServersError::Broken(line)) => return Err(text::client_tls_broken(language, line, path)),
        Err(KnownServersError::Read(error)) => {
            return Err(text::client_tls_unreadable(language, path, error.to_string()));
        }
    }
    Ok(())
}

/// Loud, and with what to compare.
fn refusal(server: &ServerAddress, expected: Fingerprint, found: Fingerprint, language: Language) -> String {
    let changed = text::client_tls_changed(language, server.to_string());
    let expected = text::client_tls_expected(language, expected.to_string());
    let found = text::client_tls_found(language, found.to_string());
    format!("{changed}\n{expected}\n{found}")
}
