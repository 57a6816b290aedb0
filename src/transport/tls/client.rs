//! The client's side of TLS over blocking sockets: the handshake, and two halves that two threads can use.
//!
//! Any certificate is accepted here, as long as the server has its key. Whether it is the right one is for the caller to
//! decide, by its [`Fingerprint`], before anything is said.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use super::Fingerprint;

/// Encrypted bytes that are read from a socket at once.
const READ_SIZE: usize = 4096;

/// An encrypted connection to a server, over a stream that blocks.
#[derive(Debug)]
pub struct Secured<S: Read + Write> {
    stream: StreamOwned<ClientConnection, S>,
    fingerprint: Fingerprint,
}

/// Does the client's side of a handshake over a stream that blocks. `host` is what the person called the server.
///
/// # Errors
/// Those of the stream; [`InvalidData`](io::ErrorKind::InvalidData) if the other side does not speak TLS, or does not have the key to
/// its certificate.
pub fn handshake<S: Read + Write>(mut stream: S, host: &str) -> io::Result<Secured<S>> {
    let config = Arc::new(config().map_err(io::Error::other)?);
    let mut connection = ClientConnection::new(config, name_of(host)).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    let fingerprint = certificate.map(Fingerprint::of).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Secured { stream: StreamOwned::new(connection, stream), fingerprint })
}

/// What a client tells the server about whom it means. An address is told to nobody.
fn name_of(host: &str) -> ServerName<'static> {
    let nobody = ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into());
    ServerName::try_from(host.to_owned()).unwrap_or(nobody)
}

/// A client that believes any certificate, and tells no application protocol.
pub(super) fn config() -> Result<ClientConfig, Error> {
    let provider = Arc::new(default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate { algorithms }))
        .with_no_client_auth();
    // the certificate is shown each time
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Looks at no certificate, but at whether the server has its key: else anybody could show a copy of it.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl<S: Read + Write> Secured<S> {
    /// That of the server's certificate, to which it has shown to have the key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The same connection, over what this makes of the stream below it.
    ///
    /// # Errors
    /// Those of making it; the connection is gone then.
    pub fn try_map<T: Read + Write>(self, change: impl FnOnce(S) -> io::Result<T>) -> io::Result<Secured<T>> {
        let StreamOwned { conn, sock } = self.stream;
        Ok(Secured { stream: StreamOwned::new(conn, change(sock)?), fingerprint: self.fingerprint })
    }
}

impl<S: Read + Write> Read for Secured<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl<S: Read + Write> Write for Secured<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Secured<TcpStream> {
    /// Two halves for two threads: one that waits for the server holds the other one up as little as with a plain socket.
    ///
    /// # Errors
    /// The system has no second handle to the socket.
    pub fn split(self) -> io::Result<(Reader, Writer)> {
        let StreamOwned { conn, sock } = self.stream;
        let connection = Arc::new(Mutex::new(conn));
        let writer = Writer { connection: Arc::clone(&connection), socket: sock.try_clone()?, encrypted: Vec::new() };
        Ok((Reader { connection, socket: sock, encrypted: Box::new([0; READ_SIZE]), unread: 0..0 }, writer))
    }
}

/// The state of the encryption, which both halves change. Nobody waits for the socket while holding it.
type Shared = Arc<Mutex<ClientConnection>>;

fn lock(connection: &Shared) -> MutexGuard<'_, ClientConnection> {
    // after a panic in the middle of a change, the other side finds out that the bytes are wrong
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The half that reads, and it alone reads from the socket. A time-out that the socket was given is one here.
///
/// What it owes the server in return (TLS answers a change of keys) goes out before what the [`Writer`] writes next.
#[derive(Debug)]
pub struct Reader {
    connection: Shared,
    socket: TcpStream,
    /// What came from the socket last.
    encrypted: Box<[u8; READ_SIZE]>,
    /// The part of it that has not been looked at.
    unread: Range<usize>,
}

impl Read for Reader {
    /// The end of the connection is 0 bytes only if the server said that it is the end; if somebody else may have cut it off, it is
    /// an error ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)).
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut connection = lock(&self.connection);
            match connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if !self.unread.is_empty() {
                self.unread.start += connection.read_tls(&mut &self.encrypted[self.unread.clone()])?;
                connection.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                continue;
            }
            drop(connection);
            let read = self.socket.read(&mut *self.encrypted)?;
            self.unread = 0..read;
            if read == 0 {
                // tells the end
                lock(&self.connection).read_tls(&mut io::empty())?;
            }
        }
    }
}

/// The half that writes, and it alone writes to the socket.
#[derive(Debug)]
pub struct Writer {
    connection: Shared,
    socket: TcpStream,
    /// What goes to the socket next.
    encrypted: Vec<u8>,
}

impl Writer {
    /// Tells the server that nothing more comes. The other half goes on reading.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn finish(&mut self) -> io::Result<()> {
        self.send(|connection| {
            connection.send_close_notify();
            Ok(0)
        })?;
        self.socket.shutdown(Shutdown::Write)
    }

    /// Changes the connection and sends what comes of it.
    fn send(&mut self, change: impl FnOnce(&mut ClientConnection) -> io::Result<usize>) -> io::Result<usize> {
        let mut connection = lock(&self.connection);
        let taken = change(&mut connection)?;
        self.encrypted.clear();
        while connection.wants_write() {
            connection.write_tls(&mut self.encrypted)?;
        }
        drop(connection);
        self.socket.write_all(&self.encrypted)?;
        Ok(taken)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(|connection| connection.writer().write(bytes))
    }

    /// There is nothing to wait for: what was written is with the system.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket whose reads and writes fail from a moment on, however busy its other side keeps it.
#[derive(Debug)]
pub struct Deadline {
    socket: TcpStream,
    until: Instant,
}

impl Deadline {
    /// A socket that has so much time left.
    pub fn new(socket: TcpStream, time: Duration) -> Deadline {
        Deadline { socket, until: Instant::now() + time }
    }

    /// The socket, with all the time in the world.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn into_inner(self) -> io::Result<TcpStream> {
        self.socket.set_read_timeout(None)?;
        self.socket.set_write_timeout(None)?;
        Ok(self.socket)
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Deadline {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer)
    }
}

impl Write for Deadline {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;
    use rcgen::KeyPair;
    use rustls_pki_types::PrivateKeyDer;
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};
    use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
    use tokio_rustls::rustls::{ServerConfig, ServerConnection};

    const DEADLINE: Duration = Duration::from_secs(20);

    type Served = StreamOwned<ServerConnection, TcpStream>;

    /// A socket to somebody who does this.
    fn connect<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> (TcpStream, JoinHandle<T>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.set_write_timeout(Some(DEADLINE)).unwrap();
            serve(stream)
        });
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        (stream, server)
    }

    fn serve(config: Arc<ServerConfig>, stream: TcpStream) -> Served {
        StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
    }

    fn connect_to<T: Send + 'static>(
        identity: &Identity,
        what: impl FnOnce(Served) -> T + Send + 'static,
    ) -> (Secured<TcpStream>, JoinHandle<T>) {
        let config = identity.config();
        let (stream, server) = connect(move |stream| what(serve(config, stream)));
        (handshake(stream, "localhost").unwrap(), server)
    }

    #[test]
    fn it_reports_the_certificate_before_anything_is_said() {
        let identity = Identity::passing().unwrap();
        for host in ["localhost", "127.0.0.1", "::1", "no_name_at all", ""] {
            let config = identity.config();
            let (stream, server) = connect(move |stream| {
                let mut heard = Vec::new();
                let _ = serve(config, stream).read_to_end(&mut heard);
                heard
            });
            let secured = handshake(stream, host).unwrap();
            assert_eq!(secured.fingerprint(), identity.fingerprint());
            drop(secured);
            assert_eq!(server.join().unwrap(), b"");
        }
    }

    #[test]
    fn who_shows_a_copy_of_a_certificate_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        Identity::kept_in(directory.path()).unwrap();
        let pem = std::fs::read(directory.path().join(super::super::KEPT_CERTIFICATE)).unwrap();
        let copied: CertificateDer<'static> = rustls_pki_types::pem::PemObject::from_pem_slice(&pem).unwrap();
        let own = PrivateKeyDer::Pkcs8(KeyPair::generate().unwrap().serialize_der().into());
        let own = default_provider().key_provider.load_private_key(own).unwrap();
        let shown = Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![copied], own)));
        for version in [&tokio_rustls::rustls::version::TLS13, &tokio_rustls::rustls::version::TLS12] {
            let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(shown.clone());
            let (stream, server) = connect(move |stream| serve(Arc::new(config), stream).read(&mut [0]).is_err());
            let error = handshake(stream, "localhost").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("BadSignature"), "{error}");
            assert!(server.join().unwrap());
        }
    }

    #[test]
    fn who_speaks_no_tls_is_an_error() {
        for said in [
            "Informe seu nome para entrar no chat:\n",
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "\x15\x03\x01\0\x02\x02\x28",
            "",
        ] {
            let (stream, server) = connect(move |mut stream| stream.write_all(said.as_bytes()).unwrap());
            assert!(handshake(stream, "localhost").is_err(), "{said:?}");
            server.join().unwrap();
        }
    }

    #[test]
    fn who_drips_is_given_up() {
        let (stream, server) = connect(|mut stream| {
            // a record that would be long
            let _ = stream.write_all(b"\x16\x03\x03\x40\x00");
            while stream.write_all(b"\x02").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let error = handshake(Deadline::new(stream, Duration::from_millis(200)), "localhost").unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
        server.join().unwrap();
    }

    /// The server writes more than any buffer holds before it reads, and the client too: each needs both of its halves.
    #[test]
    fn the_halves_do_not_wait_for_each_other() {
        const LENGTH: usize = 8 * 1024 * 1024; // 8 MiB
        let identity = Identity::passing().unwrap();
        let (secured, server) = connect_to(&identity, |mut served| {
            served.write_all(&vec![b's'; LENGTH]).unwrap();
            let mut heard = Vec::new();
            served.read_to_end(&mut heard).unwrap();
            // the client's end is not that of the server
            served.write_all(b"adeus").unwrap();
            served.conn.send_close_notify();
            served.flush().unwrap();
            heard
        });
        let (mut reader, mut writer) = secured.split().unwrap();
        let writing = thread::spawn(move || {
            writer.write_all(&vec![b'c'; LENGTH]).unwrap();
            writer.finish().unwrap();
        });
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).unwrap();
        writing.join().unwrap();
        assert_eq!(heard, [vec![b's'; LENGTH], b"adeus".to_vec()].concat());
        assert_eq!(server.join().unwrap(), vec![b'c'; LENGTH]);
    }

    #[test]
    fn an_end_that_the_server_did_not_mean_is_told_apart() {
        let identity = Identity::passing().unwrap();
        for is_meant in [true, false] {
            let (secured, server) = connect_to(&identity, move |mut served| {
                served.write_all(b"oi").unwrap();
                if is_meant {
                    served.conn.send_close_notify();
                    served.flush().unwrap();
                }
            });
            let (mut reader, _writer) = secured.split().unwrap();
            let mut heard = Vec::new();
            let result = reader.read_to_end(&mut heard);
            assert_eq!(heard, b"oi");
            assert_eq!(result.map_err(|error| error.kind()).err(), (!is_meant).then_some(io::ErrorKind::UnexpectedEof));
            server.join().unwrap();
        }
    }

    #[test]
    fn a_time_out_of_the_socket_is_one_of_the_reader_and_loses_nothing() {
        let identity = Identity::passing().unwrap();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let (secured, server) = connect_to(&identity, move |mut served| {
            served.write_all(b"o").unwrap();
            gone.recv_timeout(DEADLINE).unwrap();
            served.write_all(b"i").unwrap();
        });
        let impatient = |stream: TcpStream| {
            stream.set_read_timeout(Some(Duration::from_millis(50)))?;
            Ok(stream)
        };
        let (mut reader, _writer) = secured.try_map(impatient).and_then(Secured::split).unwrap();
        let mut heard = [0; 10];
        assert_eq!(reader.read(&mut heard).unwrap(), 1);
        let error = reader.read(&mut heard).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
        go.send(()).unwrap();
        server.join().unwrap();
        assert_eq!((reader.read(&mut heard).unwrap(), heard[0]), (1, b'i'));
    }
}
