//! TLS around any transport: who the server is ([`Identity`]), the handshake as the server does it ([`Acceptor`]), and as a
//! client does ([`client`]).
//!
//! It knows bytes, certificates and keys. Whether a connection should be encrypted, and whom to believe, is decided above:
//! people on a network have no authority that vouches for their servers, so they compare fingerprints.

pub mod client;
mod fingerprint;
mod identity;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use fingerprint::{BadFingerprint, Fingerprint};
pub use identity::{Identity, IdentityError, KEPT_CERTIFICATE, KEPT_KEY};

use super::Transport;

/// Bytes that one connection holds encrypted and unsent: a record of the greatest length.
const MAX_UNSENT: usize = 16 * 1024; // 16 KiB

/// Does the server's side of handshakes. Clones are one and the same.
///
/// TLS 1.3 and 1.2. A client that names application protocols (ALPN), and not `http/1.1` among them, is refused.
#[derive(Debug, Clone)]
pub struct Acceptor {
    /// What the next handshake shows. Locked for no longer than a copy of the pointer takes.
    identity: Arc<RwLock<Identity>>,
}

impl Acceptor {
    /// One that shows this.
    pub fn new(identity: &Identity) -> Acceptor {
        Acceptor { identity: Arc::new(RwLock::new(identity.clone())) }
    }

    /// Does a handshake. There is no deadline: a client that stops in the middle of it is the caller's to give up.
    ///
    /// Bytes written to what comes of it may stay behind until they are flushed (`poll_flush`).
    ///
    /// # Errors
    /// The client's mistake ([`InvalidData`](io::ErrorKind::InvalidData)), of which it has been told; or those of the stream.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let acceptor = TlsAcceptor::from(self.identity().config());
        acceptor.accept_with(stream, |connection| connection.set_buffer_limit(Some(MAX_UNSENT))).await
    }

    /// Shows this from the next handshake on. Whoever is connected stays so; what was agreed before for a shorter handshake (a
    /// ticket) is void.
    pub fn reload(&self, identity: &Identity) {
        *self.identity.write().unwrap_or_else(PoisonError::into_inner) = identity.clone();
    }

    /// What the next handshake shows.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity().fingerprint()
    }

    fn identity(&self) -> Identity {
        // there is no half of an assignment
        self.identity.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Transport> Transport for TlsStream<S> {
    fn is_unanswered(&self) -> bool {
        self.get_ref().0.is_unanswered()
    }

    fn send_ack(&self) {
        self.get_ref().0.send_ack();
    }

    fn received(&self) -> Option<u64> {
        self.get_ref().0.received()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;
    use tokio_rustls::rustls::{AlertDescription, ClientConfig, Error, ProtocolVersion};
    use tokio_rustls::{TlsConnector, client as tokio_client};

    type Ends = (io::Result<TlsStream<DuplexStream>>, io::Result<tokio_client::TlsStream<DuplexStream>>);

    async fn in_time<F: Future>(future: F) -> F::Output {
        timeout(Duration::from_secs(20), future).await.unwrap()
    }

    /// Both sides of a handshake. The pipe takes the tickets that the server sends last, which the client does not wait for.
    async fn shake_hands(acceptor: &Acceptor, config: ClientConfig) -> Ends {
        let (near, far) = duplex(4096);
        let connector = TlsConnector::from(Arc::new(config));
        let client = async {
            let connected = connector.connect("localhost".try_into().unwrap(), far).await;
            connected.map_err(|error| io::Error::new(error.kind(), error))
        };
        in_time(async { tokio::join!(acceptor.accept(near), client) }).await
    }

    fn seen(client: &tokio_client::TlsStream<DuplexStream>) -> Fingerprint {
        Fingerprint::of(&client.get_ref().1.peer_certificates().unwrap()[0])
    }

    async fn say(from: &mut (impl AsyncWrite + Unpin), to: &mut (impl AsyncRead + Unpin), word: &str) {
        let mut heard = vec![0; word.len()];
        let saying = async {
            from.write_all(word.as_bytes()).await.unwrap();
            from.flush().await.unwrap();
        };
        in_time(async { tokio::join!(saying, to.read_exact(&mut heard)) }).await.1.unwrap();
        assert_eq!(heard, word.as_bytes());
    }

    #[actix_rt::test]
    async fn a_client_sees_the_certificate_and_both_hear_each_other() {
        let identity = Identity::passing().unwrap();
        let (server, client) = shake_hands(&Acceptor::new(&identity), client::config().unwrap()).await;
        let (mut server, mut client) = (server.unwrap(), client.unwrap());
        assert_eq!(seen(&client), identity.fingerprint());
        assert_eq!(client.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        let long = "olá ".repeat(10_000);
        say(&mut client, &mut server, &long).await;
        say(&mut server, &mut client, &long).await;
        assert!(!server.is_unanswered());
    }

    #[actix_rt::test]
    async fn a_reload_changes_the_next_handshake_and_no_connection() {
        let (old, new) = (Identity::passing().unwrap(), Identity::passing().unwrap());
        let acceptor = Acceptor::new(&old);
        // a client that would come back with a ticket
        let mut config = client::config().unwrap();
        config.resumption = tokio_rustls::rustls::client::Resumption::in_memory_sessions(10);
        let (server, client) = shake_hands(&acceptor, config.clone()).await;
        let (mut server, mut client) = (server.unwrap(), client.unwrap());
        say(&mut server, &mut client, "oi").await;
        acceptor.clone().reload(&new);
        assert_eq!(acceptor.fingerprint(), new.fingerprint());
        say(&mut client, &mut server, "oi").await;
        say(&mut server, &mut client, "oi").await;
        assert_eq!(seen(&client), old.fingerprint());
        let (server, client) = shake_hands(&acceptor, config).await;
        server.unwrap();
        assert_eq!(seen(&client.unwrap()), new.fingerprint());
    }

    #[actix_rt::test]
    async fn who_means_another_protocol_is_refused() {
        let acceptor = Acceptor::new(&Identity::passing().unwrap());
        for (protocols, is_taken) in [
            (&["http/1.1"] as &[&str], true),
            (&["h2", "http/1.1"], true),
            (&[], true),
            (&["h2"], false),
            (&["ftp", "smtp"], false),
        ] {
            let mut config = client::config().unwrap();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            let (server, client) = shake_hands(&acceptor, config).await;
            assert_eq!(server.is_ok(), is_taken, "{protocols:?}");
            if is_taken {
                let expected = protocols.contains(&"http/1.1").then_some(b"http/1.1".as_slice());
                assert_eq!(client.unwrap().get_ref().1.alpn_protocol(), expected);
            } else {
                let error = client.unwrap_err().into_inner().unwrap().to_string();
                let alert = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
                assert_eq!(error, alert.to_string());
            }
        }
    }

    #[actix_rt::test]
    async fn what_is_no_handshake_is_an_error_and_no_panic() {
        let acceptor = Acceptor::new(&Identity::passing().unwrap());
        for bytes in [b"Ana\n".as_slice(), b"\x16\x03\x01\x00\x05oi!!!", b"\x16\x03\x01\xff\xff", b""] {
            let (near, mut far) = duplex(100);
            far.write_all(bytes).await.unwrap();
            far.shutdown().await.unwrap();
            let error = in_time(acceptor.accept(near)).await.unwrap_err();
            assert!(matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof), "{error}");
        }
    }
}
