//! Browsers and programs that misbehave, and TLS that does not end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use papo::chat::registry::SessionId;
use papo::config::Config;
use papo::opening::Openings;
use papo::room::ChatRoom;
use papo::transport::tls::{Acceptor, Identity};

use crate::common::{DEADLINE, TestServer, config, strict_config, wait_until};
use crate::witness::Witness;

const SOCKET: &str = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn connect(server: &TestServer, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// A client's frame behind a mask that changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// The connection ends, orderly or not.
fn read_to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let (start, mut seen, mut part) = (Instant::now(), Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        seen.extend_from_slice(&part[..count]);
        assert!(start.elapsed() < DEADLINE, "it goes on and on");
    }
    seen
}

#[test]
fn requests_that_never_end_cost_the_others_nothing() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut stuck: Vec<TcpStream> = (0..300)
        .map(|i| connect(&server, [&b"GET / HTTP/1.1\r\nHost: "[..], b"GET /ws", SOCKET.trim_end().as_bytes()][i % 3]))
        .collect();
    witness.goes_on(2);
    for stream in &mut stuck {
        assert_eq!(read_to_the_end(stream), b"");
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn handshakes_that_never_end_cost_the_others_nothing() {
    let acceptor = Acceptor::new(&Identity::passing().unwrap());
    let server = TestServer::change(config(), ChatRoom::default, move |server| server.with_tls(acceptor));
    let witness = Witness::start(&server);
    let mut stuck: Vec<TcpStream> = (0..300).map(|_| connect(&server, b"\x16\x03\x01\x02\x00\x01\x00")).collect();
    witness.goes_on(2);
    for stream in &mut stuck {
        assert_eq!(read_to_the_end(stream), b"");
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn a_flood_of_pings_is_answered_no_faster_than_lines_are_read() {
    // with the throttle that everybody has
    let server = TestServer::with(
        Config { max_per_address: 0, max_new_per_address: 0, max_unnamed_per_address: 0, ..strict_config() },
        ChatRoom::default,
    );
    let witness = Witness::start(&server);
    let mut stream = connect(&server, SOCKET.as_bytes());
    let mut writer = stream.try_clone().unwrap();
    let flood = std::thread::spawn(move || {
        let pings = frame(0x89, b"x").repeat(10_000);
        let _ = writer.write_all(&pings);
    });
    witness.goes_on(4);
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let (mut seen, mut part) = (Vec::new(), [0; 65_536]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        seen.extend_from_slice(&part[..count]);
    }
    let pongs = seen.windows(3).filter(|window| *window == b"\x8a\x01x").count();
    assert!((5..100).contains(&pongs), "{pongs}");
    drop(stream);
    flood.join().unwrap();
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn garbage_behind_a_handshake_ends_that_socket_only() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let join = br#"{"type":"join","name":"Vitima"}"#;
    for garbage in [
        &b"Vitima\noi a todos\n"[..],
        b"\x81\x00",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        &[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        &frame(0x83, b"x"),
        &frame(0x80, b"x"),
        &frame(0xc1, join),
        &join.map(|byte| byte)[..],
    ] {
        let mut stream = connect(&server, &[SOCKET.as_bytes(), garbage].concat());
        let seen = read_to_the_end(&mut stream);
        assert!(seen.starts_with(b"HTTP/1.1 101 "), "{garbage:?}");
        assert!(!String::from_utf8_lossy(&seen).contains("welcome"), "{garbage:?}");
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn connections_of_browsers_without_a_name_are_bounded_like_all_others() {
    let server = TestServer::with(Config { max_unnamed_per_address: 4, ..config() }, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut streams: Vec<TcpStream> =
        (0..12).map(|i| connect(&server, if i % 2 == 0 { SOCKET } else { "GET / HTTP/1.1\r\n" }.as_bytes())).collect();
    // all but the last four make room for these
    for stream in &mut streams[..8] {
        let seen = String::from_utf8_lossy(&read_to_the_end(stream)).into_owned();
        assert!(seen.is_empty() || !seen.contains("bye") || seen.contains("evicted"), "{seen}");
    }
    let mut last = connect(&server, SOCKET.as_bytes());
    last.write_all(&frame(0x81, br#"{"type":"join","name":"Ana"}"#)).unwrap();
    let mut seen = Vec::new();
    while !seen.windows(9).any(|window| window == b"\"welcome\"") {
        let mut part = [0; 1024];
        let count = last.read(&mut part).unwrap();
        assert_ne!(count, 0);
        seen.extend_from_slice(&part[..count]);
    }
    drop(last);
    assert_eq!(witness.stop(), ["Ana entrou no chat.", "Ana saiu do chat (conexão perdida)."]);
}

#[test]
fn an_opening_that_is_evicted_is_told_so_and_one_that_is_over_is_forgotten() {
    let openings = std::sync::Arc::new(Openings::default());
    let first = openings.begin(SessionId(1));
    let mut is_session = false;
    openings.evict(SessionId(1), || is_session = true);
    assert!(!is_session);
    drop(first);
    drop(openings.begin(SessionId(2)));
    openings.evict(SessionId(2), || is_session = true);
    assert!(is_session);
}

#[test]
fn silent_connections_come_to_their_end_with_the_server() {
    let mut server = TestServer::start();
    let mut silent: Vec<TcpStream> = (0..20).map(|_| connect(&server, b"")).collect();
    let mut begun: Vec<TcpStream> = (0..20).map(|_| connect(&server, b"GET /")).collect();
    server.ask_to_stop();
    for stream in &mut silent {
        let seen = String::from_utf8(read_to_the_end(stream)).unwrap();
        assert!(seen.is_empty() || seen.ends_with("O servidor está encerrando.\n"), "{seen}");
    }
    for stream in &mut begun {
        read_to_the_end(stream);
    }
    assert_eq!(server.exit_code(), 0);
    wait_until("it is over", || true);
}

#[test]
fn a_page_that_is_on_its_way_comes_to_its_end_though_there_are_too_many_connections() {
    let server = TestServer::with(Config { max_unnamed_per_address: 4, ..config() }, ChatRoom::default);
    let request = b"GET /app.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let mut slow: TcpStream = socket.into();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    slow.write_all(request).unwrap();
    let mut seen = vec![0; 8192];
    slow.read_exact(&mut seen).unwrap();
    let others: Vec<TcpStream> = (0..8).map(|_| connect(&server, b"")).collect();
    // the first ones have made room by now
    let mut evicted = &others[0];
    assert!(evicted.read(&mut [0; 100]).unwrap() > 0);
    slow.read_to_end(&mut seen).unwrap();
    let whole = read_to_the_end(&mut connect(&server, request));
    let body = |answer: &[u8]| answer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| answer.len() - at);
    assert!(whole.len() > 50_000);
    assert_eq!(body(&seen), body(&whole));
}
