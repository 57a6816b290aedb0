//! Lines that are too long, lines without an end, and much ado before a name.

use std::io::Write;
use std::thread;

use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{TestServer, config, wait_until};
use crate::witness::Witness;

const TOO_LONG: &str = "Erro: Linha longa demais (máximo 4096 bytes).";
const CUT: &str = "Você foi desconectado: linhas longas demais.";
const NO_NAME: &str = "Você foi desconectado: nenhum nome informado em 4096 bytes.";

/// What the witness reads of people with these names who were all cut for their lines.
fn came_and_were_cut(names: &[&str]) -> Vec<String> {
    let notices =
        |name: &&str| [format!("{name} entrou no chat."), format!("{name} saiu do chat (linhas longas demais).")];
    names.iter().flat_map(notices).collect()
}

#[test]
fn the_third_line_that_is_too_long_is_the_last_one() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for name in ["Ana", "Bia"] {
        let mut person = server.join(name);
        for length in [10_000, 4096] {
            person.send(&"x".repeat(length));
            person.read_to(TOO_LONG);
            person.send("/ping");
            person.read_to("Pong! O servidor está respondendo.");
        }
        person.send(&format!("{}\nnunca dito\n@Testemunha nunca dito", "x".repeat(4096)));
        person.read_to(TOO_LONG);
        person.read_to(CUT);
        person.expect_end();
    }
    witness.goes_on(1);
    assert_eq!(witness.stop(), came_and_were_cut(&["Ana", "Bia"]));
}

#[test]
fn a_line_without_end_is_cut_at_64_kib() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut ana = server.join("Ana");
    ana.send_bytes(&[b'x'; 65_535 - 4096]);
    ana.read_to(TOO_LONG);
    ana.send("\n/ping");
    ana.read_to("Pong! O servidor está respondendo.");
    ana.send_bytes(&[b'x'; 70_000]);
    ana.read_to(TOO_LONG);
    ana.read_to(CUT);
    ana.expect_end();
    // a client that sends no line ends
    let mut bia = server.connect();
    bia.send_bytes(b"Bia");
    assert!(bia.line().starts_with("Bem-vindo"));
    bia.send_bytes(&[b'x'; 70_000]);
    bia.read_to(TOO_LONG);
    bia.read_to(CUT);
    bia.expect_end();
    assert_eq!(witness.stop(), came_and_were_cut(&["Ana", "Bia"]));
}

#[test]
fn whoever_pours_without_end_and_reads_nothing_is_gone() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let ana = server.join("Ana");
    let nobody = server.connect();
    let pouring = [(ana, b'x'), (nobody, b'\xff')]
        .map(|(client, byte)| thread::spawn(move || while client.stream().write_all(&[byte; 4096]).is_ok() {}));
    for thread in pouring {
        wait_until("the server closes", || thread.is_finished());
        thread.join().unwrap();
    }
    witness.goes_on(1);
    assert_eq!(witness.stop(), came_and_were_cut(&["Ana"]));
}

#[test]
fn a_name_comes_within_4096_bytes_or_not_at_all() {
    let server = TestServer::with(Config { max_bad_names: 0, ..config() }, ChatRoom::default);
    let witness = Witness::start(&server);
    let bad_names = "a b\n".repeat(1023);
    for (before, after) in [
        (bad_names.as_bytes(), "a b\n"),
        (bad_names.as_bytes(), "a b-"),
        (bad_names.as_bytes(), "/ping\n"),
        (&b"\xff\xfd\x01".repeat(1365), "-"),
        (&b"\n".repeat(4095), "\n"),
        (b"", &"x".repeat(4096)),
        (b"Testemunha\n", &"x".repeat(4096)),
    ] {
        let mut peer = server.connect();
        peer.send_bytes(before);
        peer.send_bytes(after.as_bytes());
        peer.read_to(NO_NAME);
        peer.expect_end();
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn what_follows_a_name_does_not_count_as_before_it() {
    let server = TestServer::with(Config { max_bad_names: 0, ..config() }, ChatRoom::default);
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    let lines = format!("{}\n", "x".repeat(4000)).repeat(3);
    ana.send_bytes(format!("{}Ana\n{lines}", "a b\n".repeat(1000)).as_bytes());
    beto.expect(&["Ana entrou no chat."]);
    for _ in 0..3 {
        beto.expect(&[&format!("Ana: {}", "x".repeat(4000))]);
    }
}

#[test]
fn every_bound_can_be_off() {
    let off = Config { max_long_lines: 0, max_unended: 0, max_before_name: 0, max_bad_names: 0, ..config() };
    let server = TestServer::with(off, ChatRoom::default);
    let mut ana = server.connect();
    ana.send_bytes(&b"a b\n".repeat(3000));
    ana.send_bytes(b"Ana\n");
    ana.read_to("Bem-vindo ao chat, Ana! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos.");
    for _ in 0..5 {
        ana.send(&"x".repeat(200_000));
        ana.expect(&[TOO_LONG]);
    }
    ana.expect_nothing();
}
