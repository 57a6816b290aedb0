//! A server as people name it: `HOST[:PORT]`.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::config::DEFAULT_PORT;

/// Where a server is, as somebody typed it. Shown with its port, in brackets if it needs them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    /// A name or an address, without brackets.
    pub host: String,
    /// Default: [`DEFAULT_PORT`].
    pub port: u16,
}

/// A text that is no [`ServerAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HOST | HOST:PORT")]
pub struct BadAddress;

impl ServerAddress {
    /// The addresses of the host: more than one, if it is a name of several.
    ///
    /// # Errors
    /// Nobody knows the host, or whoever is asked does not answer within this time ([`TimedOut`](io::ErrorKind::TimedOut)).
    pub fn resolve(&self, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
        let (tell, told) = mpsc::channel();
        let name = (self.host.clone(), self.port);
        // the system has no deadline for it, so this thread may outlive the question
        thread::spawn(move || tell.send(name.to_socket_addrs().map(Vec::from_iter)));
        let found = told.recv_timeout(timeout).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
    }
}

impl FromStr for ServerAddress {
    type Err = BadAddress;

    /// Reads `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`.
    fn from_str(text: &str) -> Result<ServerAddress, BadAddress> {
        let (host, port) = split_port(text).ok_or(BadAddress)?;
        let is_host = !host.is_empty() && !host.contains(['[', ']']);
        is_host.then(|| ServerAddress { host: host.to_owned(), port }).ok_or(BadAddress)
    }
}

fn split_port(address: &str) -> Option<(&str, u16)> {
    if let Some((host, port)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((host, if port.is_empty() { DEFAULT_PORT } else { port.strip_prefix(':')?.parse().ok()? }));
    }
    match address.split_once(':') {
        Some((_, port)) if port.contains(':') => Some((address, DEFAULT_PORT)),
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((address, DEFAULT_PORT)),
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerAddress { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_write_them() {
        for (text, host, port, shown) in [
            ("localhost", "localhost", 9999, "localhost:9999"),
            ("192.168.0.7:80", "192.168.0.7", 80, "192.168.0.7:80"),
            ("::1", "::1", 9999, "[::1]:9999"),
            ("[::1]", "::1", 9999, "[::1]:9999"),
            ("[fd00::7]:80", "fd00::7", 80, "[fd00::7]:80"),
        ] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!((address.host.as_str(), address.port, address.to_string().as_str()), (host, port, shown));
            assert_eq!(shown.parse(), Ok(address));
        }
        for text in ["", ":80", "localhost:porta", "127.0.0.1:99999", "[::1]x", "[::1]:", "[::1", "::1]", "a:b:c]"] {
            assert_eq!(text.parse::<ServerAddress>(), Err(BadAddress), "{text}");
        }
    }

    #[test]
    fn an_address_is_its_own_and_no_host_is_an_error() {
        let time = Duration::from_secs(20);
        let address: ServerAddress = "127.0.0.1:80".parse().unwrap();
        assert_eq!(address.resolve(time).unwrap(), [([127, 0, 0, 1], 80).into()]);
        assert!("nao.existe.invalid".parse::<ServerAddress>().unwrap().resolve(time).is_err());
    }
}
