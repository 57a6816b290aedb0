//! How the server ends: asked to, and when its room dies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use common::{TestServer, config};
use papo::config::{Config, Listen};
use papo::room::{ChatRoom, EXIT_INTERNAL};

#[test]
fn everybody_is_told_and_nobody_reads_of_the_others_leaving() {
    let mut server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    beto.send("/lang en");
    beto.expect(&["The language is now English."]);
    let mut nameless = server.connect();
    nameless.expect(&["Informe seu nome para entrar no chat:"]);
    ana.send("última");
    beto.expect(&["Ana: última"]);

    server.ask_to_stop();
    ana.expect(&["O servidor está encerrando."]);
    beto.expect(&["The server is shutting down."]);
    nameless.expect(&["O servidor está encerrando."]);
    for client in [&mut ana, &mut beto, &mut nameless] {
        client.expect_end();
    }
    let address = server.address;
    assert_eq!(server.exit_code(), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_peer_who_does_not_read_does_not_hold_up_the_end() {
    let last_words = Duration::from_millis(300);
    let mut server = TestServer::with(Config { last_words, ..config() }, ChatRoom::default);
    let mut asleep = server.join("Dorminhoco");
    let mut ana = server.join("Ana");
    asleep.expect(&["Ana entrou no chat."]);
    // more than the kernel holds for the sleeper, less than would cut him
    for _ in 0..150 {
        ana.send(&"x".repeat(4000));
    }
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    let start = Instant::now();
    server.ask_to_stop();
    ana.expect(&["O servidor está encerrando."]);
    assert_eq!(server.exit_code(), 0);
    assert!(start.elapsed() < Config::default().shutdown, "{:?}", start.elapsed());
}

#[test]
fn a_room_that_dies_ends_the_server_within_a_second() {
    /// Fails at the third event of the room.
    fn broken_clock() -> SystemTime {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        assert!(CALLS.fetch_add(1, Ordering::Relaxed) < 2, "this test panics on purpose");
        SystemTime::now()
    }
    let server = TestServer::with(config(), || ChatRoom::with_clock(broken_clock));
    let _ana = server.join("Ana");
    let _beto = server.join("Beto");
    let mut caio = server.connect();
    caio.send("Caio");
    let start = Instant::now();
    assert_eq!(server.exit_code(), EXIT_INTERNAL);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_restarted_server_takes_its_port_back_at_once() {
    let server = TestServer::start();
    let place = Listen::Address(server.address);
    // a connection that the server closed first stays in the kernel for a minute
    let mut ana = server.join("Ana");
    ana.send("/sair");
    ana.expect(&["Você saiu do chat."]);
    drop(server);
    let server = TestServer::with(Config { listen: vec![place], ..config() }, ChatRoom::default);
    server.join("Ana");
}
