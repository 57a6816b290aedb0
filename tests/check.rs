//! `papo check`, against servers that are what they say, and others.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::DEADLINE;
use common::program::{papo, run};
use papo::chat::language::Language;
use papo::chat::text;
use papo::cli::address::ServerAddress;
use papo::cli::check::probe::{Encryption, Failure, Found, look};
use papo::cli::check::{what_is_there, what_is_wrong};
use papo::transport::tls::{Acceptor, Fingerprint, Identity};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;

const HELLO_AND_PONG: &str = "{\"type\":\"hello\",\"server\":\"papo\",\"version\":\"9.8.7\",\"protocol\":\"papo.v1.json\"}\n\
                              {\"type\":\"pong\",\"id\":\"check\",\"message\":\"Pong!\"}\n";
const TLS_REQUIRED: &str = "{\"type\":\"error\",\"code\":\"tls_required\",\"message\":\"TLS!\"}\n";

/// What a server does on a connection, once it has been asked something.
#[derive(Clone, Copy)]
enum Manner {
    /// Says this, and waits for the end.
    Says(&'static str),
    /// Says this, and closes.
    SaysAndCloses(&'static str),
    /// Says this for ever.
    SaysForEver(&'static str),
    /// Nothing.
    IsSilent,
}

/// A server on a free port of the loopback that speaks TLS if it is spoken to in TLS. Gone when dropped.
struct Fake {
    address: SocketAddr,
    fingerprint: Fingerprint,
    /// Dropped, it stops.
    _stop: oneshot::Sender<()>,
}

impl Fake {
    /// `encrypted`: with whoever speaks TLS; `None` takes TLS for what it would be in the clear.
    fn start(plain: Manner, encrypted: Option<Manner>) -> Fake {
        let acceptor = Acceptor::new(&Identity::passing().unwrap());
        let fingerprint = acceptor.fingerprint();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.spawn(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        let mut first = [0];
                        let is_tls = stream.peek(&mut first).await.is_ok_and(|_| first == [0x16]);
                        match encrypted.filter(|_| is_tls) {
                            Some(manner) => match acceptor.accept(stream).await {
                                Ok(stream) => serve(stream, manner).await,
                                Err(error) => eprintln!("no handshake: {error}"),
                            },
                            None => serve(stream, plain).await,
                        }
                    });
                }
            });
            let _ = runtime.block_on(stopped);
        });
        Fake { address, fingerprint, _stop: stop }
    }

    fn look(&self, timeout: Duration) -> Result<Found, Failure> {
        look(&server(self.address), timeout)
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner) {
    let mut asked = [0; 1024];
    if stream.read(&mut asked).await.is_err() {
        return;
    }
    // whoever has seen enough goes away in the middle of it
    match manner {
        Manner::Says(words) | Manner::SaysAndCloses(words) => {
            let _ = stream.write_all(words.as_bytes()).await;
            let _ = stream.flush().await;
        }
        Manner::SaysForEver(words) => while stream.write_all(words.as_bytes()).await.is_ok() {},
        Manner::IsSilent => {}
    }
    if !matches!(manner, Manner::SaysAndCloses(_)) {
        while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
    }
}

fn server(address: SocketAddr) -> ServerAddress {
    address.to_string().parse().unwrap()
}

#[test]
fn a_papo_is_found_with_its_version_and_whether_it_speaks_tls() {
    let papo = Manner::Says(HELLO_AND_PONG);
    let both = Fake::start(papo, Some(papo));
    let plain = Fake::start(papo, None);
    let required = Fake::start(Manner::SaysAndCloses(TLS_REQUIRED), Some(papo));
    for (fake, encryption) in [
        (&both, Encryption::Possible(both.fingerprint)),
        (&plain, Encryption::None),
        (&required, Encryption::Required(required.fingerprint)),
    ] {
        let found = fake.look(DEADLINE).unwrap();
        assert_eq!((found.address, found.encryption, &found.refusal), (fake.address, encryption, &None));
        assert_eq!(found.version.to_string(), "9.8.7");
        assert!(!found.round_trip.is_zero() && found.round_trip < DEADLINE);
    }
    let found = Found { round_trip: Duration::from_micros(2900), ..both.look(DEADLINE).unwrap() };
    let (address, fingerprint) = (both.address, both.fingerprint);
    assert_eq!(
        Language::ALL.map(|language| what_is_there(&found, language)),
        [
            format!("{address}: papo 9.8.7, responde em 2 ms, com e sem TLS (impressão digital {fingerprint})."),
            format!("{address}: papo 9.8.7, answers in 2 ms, with and without TLS (fingerprint {fingerprint})."),
        ]
    );
}

#[test]
fn a_papo_behind_something_that_only_speaks_tls_is_found() {
    let papo = Manner::Says(HELLO_AND_PONG);
    for plain in [Manner::SaysAndCloses("\x15\x03\x01\0\x02\x02\x0a"), Manner::SaysAndCloses("")] {
        let fake = Fake::start(plain, Some(papo));
        assert_eq!(fake.look(DEADLINE).unwrap().encryption, Encryption::Required(fake.fingerprint));
    }
}

#[test]
fn a_papo_that_lets_nobody_in_is_a_papo() {
    let full = text::server_full(Language::English);
    let said: &'static str = Box::leak(format!("{full}\n").into_boxed_str());
    let full_at_once = Fake::start(Manner::SaysAndCloses(said), None);
    let full_behind_tls = Fake::start(Manner::SaysAndCloses(TLS_REQUIRED), Some(Manner::SaysAndCloses(said)));
    for fake in [full_at_once, full_behind_tls] {
        let sentence = what_is_there(&fake.look(DEADLINE).unwrap(), Language::English);
        assert!(sentence.contains("lets nobody in") && sentence.ends_with(&full), "{sentence}");
    }
}

#[test]
fn a_papo_that_requires_a_tls_that_does_not_work_is_said() {
    let fake = Fake::start(Manner::SaysAndCloses(TLS_REQUIRED), None);
    let failure = fake.look(DEADLINE).unwrap_err();
    assert!(matches!(failure, Failure::TlsBroken { address, .. } if address == fake.address), "{failure}");
}

#[test]
fn what_is_no_papo_is_said() {
    for (manner, protocol) in [
        (Manner::SaysAndCloses("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), Some("HTTP")),
        (Manner::Says("SSH-2.0-OpenSSH_9.2p1\r\n"), Some("SSH")),
        (Manner::Says("Olá!\n"), None),
        (Manner::SaysForEver("x"), None),
        (Manner::SaysForEver("\n"), None),
        (Manner::SaysForEver("HTTP/1.1 200 OK "), Some("HTTP")),
    ] {
        let start = Instant::now();
        let failure = Fake::start(manner, None).look(DEADLINE).unwrap_err();
        let Failure::Foreign { protocol: found, .. } = &failure else { panic!("{failure}") };
        assert_eq!(*found, protocol);
        // it has not read to the end of its time
        assert!(start.elapsed() < DEADLINE / 2);
        for language in Language::ALL {
            let sentence = what_is_wrong(&failure, DEADLINE, language);
            assert!(sentence.contains(protocol.unwrap_or("papo")), "{sentence}");
        }
    }
}

#[test]
fn whoever_says_nothing_is_given_up() {
    let silent = Fake::start(Manner::IsSilent, Some(Manner::IsSilent));
    let failure = silent.look(Duration::from_millis(300)).unwrap_err();
    assert!(matches!(failure, Failure::Silent(address) if address == silent.address), "{failure}");
    let closing = Fake::start(Manner::SaysAndCloses(""), None);
    let failure = closing.look(DEADLINE).unwrap_err();
    assert!(matches!(failure, Failure::Closed(address) if address == closing.address), "{failure}");
}

/// One that says hello, and then drips.
#[test]
fn whoever_drips_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        use std::io::Write;
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                while stream.write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    let failure = look(&server(address), Duration::from_millis(400)).unwrap_err();
    assert!(matches!(failure, Failure::Foreign { protocol: None, .. }), "{failure}");
}

#[test]
fn a_port_where_nothing_listens_and_a_host_that_is_none() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = look(&server(free), DEADLINE).unwrap_err();
    assert!(matches!(failure, Failure::Refused(address) if address == free), "{failure}");
    let failure = look(&"nao.existe.invalid".parse().unwrap(), DEADLINE).unwrap_err();
    assert!(matches!(failure, Failure::UnknownHost { .. }), "{failure}");
}

/// A listener whose queue is full answers as little as a firewall.
#[cfg(target_os = "linux")]
#[test]
fn a_computer_that_does_not_answer_is_given_up() {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 100, "the queue does not fill");
    }
    let failure = look(&server(address), Duration::from_millis(200)).unwrap_err();
    assert!(matches!(failure, Failure::TimedOut(found) if found == address), "{failure}");
}

#[test]
fn the_program_says_it_in_one_line_and_by_its_code() {
    let fake = Fake::start(Manner::Says(HELLO_AND_PONG), None);
    let output = run(papo(&["check", &fake.address.to_string(), "--lang", "en"]));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout.starts_with(&format!("{}: papo 9.8.7, answers in ", fake.address)), "{stdout}");
    assert!(stdout.ends_with(" ms, without TLS.\n") && stdout.lines().count() == 1, "{stdout}");
    assert_eq!(output.stderr, b"");

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(papo(&["check", &free.to_string()]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(stderr.starts_with(&format!("{free}: o computador existe, mas nada escuta nesta porta.")), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");

    let output = run(papo(&["check", "\u{1b}c.invalid"]));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("␛c.invalid: ") && stderr.lines().count() == 1, "{stderr}");

    let output = run(papo(&["check", "a:b", "--lang", "en"]));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[test]
fn a_hostile_server_does_not_reach_the_terminal() {
    const HOSTILE: &str =
        "{\"type\":\"hello\",\"server\":\"papo\",\"version\":\"1\\n\\u001b]0;x\\u0007\\u202e\"}\n{\"type\":\"pong\"}\n";
    let fake = Fake::start(Manner::Says(HOSTILE), None);
    let output = run(papo(&["check", &fake.address.to_string()]));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains(": papo 1␊␛]0;x␇, ") && stdout.lines().count() == 1, "{stdout}");
}
