//! Bytes on the wire: line ends, cuts, limits, encodings, and clients that follow none of the rules.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::Read;

use common::{Client, TestServer, config};
use papo::config::Config;
use papo::room::ChatRoom;

/// Beto, and Ana who just came in.
fn two(server: &TestServer) -> (Client, Client) {
    let mut beto = server.join("Beto");
    let ana = server.join("Ana");
    beto.expect(&["Ana entrou no chat."]);
    (ana, beto)
}

#[test]
fn both_line_ends_are_understood_and_only_lf_is_sent() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    ana.send_bytes(b"Ana\r\noi\r\n\r\n\nfim\n");
    // the client fails on any CR
    ana.line();
    beto.expect(&["Ana entrou no chat.", "Ana: oi", "Ana: fim"]);
}

#[test]
fn a_line_may_be_cut_at_every_byte() {
    let server = TestServer::start();
    let (mut ana, mut beto) = two(&server);
    let line = "olá, “Beto” 👋\r\n".as_bytes();
    for cut in 1..line.len() {
        ana.send_bytes(&line[..cut]);
        // by the answer to another person's line, the server has most likely read the first part already
        beto.send("/ping");
        beto.expect(&["Pong! O servidor está respondendo."]);
        ana.send_bytes(&line[cut..]);
        beto.expect(&["Ana: olá, “Beto” 👋"]);
    }
}

#[test]
fn a_client_may_send_one_byte_at_a_time() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    for byte in "Ana\nolá\n@beto psiu\n/sair\n".as_bytes() {
        ana.send_bytes(&[*byte]);
    }
    beto.expect(&["Ana entrou no chat.", "Ana: olá", "Ana (privado): psiu", "Ana saiu do chat."]);
}

#[test]
fn many_lines_in_one_packet_arrive_once_and_in_order() {
    let server = TestServer::start();
    let (mut ana, mut beto) = two(&server);
    let lines: String = (0..2000).map(|i| format!("linha {i}\n")).collect();
    ana.send_bytes(lines.as_bytes());
    for i in 0..2000 {
        beto.expect(&[&format!("Ana: linha {i}")]);
    }
}

#[test]
fn a_line_has_at_most_4096_bytes_with_its_end() {
    let patient = Config { max_long_lines: 0, max_unended: 0, ..config() };
    let server = TestServer::with(patient, ChatRoom::default);
    let (mut ana, mut beto) = two(&server);
    let too_long = "Erro: Linha longa demais (máximo 4096 bytes).";
    for length in [4094, 4095] {
        ana.send(&"x".repeat(length));
        beto.expect(&[&format!("Ana: {}", "x".repeat(length))]);
    }
    for length in [4096, 4097, 100_000] {
        ana.send(&"x".repeat(length));
        ana.expect(&[too_long]);
    }
    ana.send_bytes(format!("{}\r\n", "y".repeat(4094)).as_bytes());
    beto.expect(&[&format!("Ana: {}", "y".repeat(4094))]);
    ana.send_bytes(format!("{}\r\n", "y".repeat(4095)).as_bytes());
    ana.expect(&[too_long]);
    ana.send("fim");
    beto.expect(&["Ana: fim"]);
    ana.expect_nothing();
}

#[test]
fn bytes_that_are_not_utf8_are_answered_and_the_connection_lives() {
    let server = TestServer::start();
    let (mut ana, mut beto) = two(&server);
    for line in [b"ol\xe1" as &[u8], b"\xff", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"] {
        ana.send_bytes(line);
        ana.send_bytes(b"\n");
        ana.expect(&["Erro: O texto não é UTF-8 válido."]);
    }
    ana.send("olá");
    beto.expect(&["Ana: olá"]);
    let mut caio = server.connect();
    caio.send_bytes(b"Ca\xedo\nCaio\n");
    caio.expect(&["Erro: O texto não é UTF-8 válido."]);
    beto.expect(&["Caio entrou no chat."]);
}

#[test]
fn escape_sequences_reach_nobodys_terminal() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.join("Ana");
    beto.expect(&["Ana entrou no chat."]);
    let attacks = [
        "\x1b]0;título\x07",
        "\x1b[2J\x1b[H",
        "a\rBeto: mentira",
        "\u{9b}31m",
        "\x08\x08\x08",
        "a\0b",
        "\u{202e}abc",
        "\x7f",
    ];
    for attack in attacks {
        ana.send(attack);
        ana.send(&format!("@beto {attack}"));
        ana.send(&format!("/eu {attack}"));
        ana.send(&format!("/{attack}"));
        ana.send(&format!("@{attack} oi"));
    }
    ana.send("fim");
    let mut seen = String::new();
    while !seen.ends_with("Ana: fim\n") {
        seen += &beto.line();
        seen.push('\n');
    }
    ana.send("/sair");
    for text in [seen.clone(), ana.read_to_end()] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
    assert!(seen.starts_with("Ana: ␛]0;título␇\nAna (privado): ␛]0;título␇\n* Ana ␛]0;título␇\n"), "{seen}");
    // every line of hers begins with her name: none is forged
    assert!(seen.lines().all(|line| line.starts_with("Ana") || line.starts_with("* Ana ")), "{seen}");
}

#[test]
fn telnet_negotiation_is_skipped() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    ana.send_bytes(b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1fAna\r\n");
    ana.send_bytes(b"\xff\xfa\x1f\x00\x50\x00\x0a\xff\xf0o\xff\xf1i\r\nCtrl-Enter\r\0");
    beto.expect(&["Ana entrou no chat.", "Ana: oi", "Ana: Ctrl-Enter"]);
}

#[test]
fn telnet_sees_again_after_ctrl_c() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    // what telnet sends for Ctrl-C; until the answer it shows nothing
    ana.send_bytes(b"\xff\xf4\xff\xfd\x06");
    let mut answer = [0; 3];
    ana.stream().read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"\xff\xfc\x06");
    ana.expect_nothing();
}

#[test]
fn whoever_ends_the_input_still_gets_the_answers() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    for input in ["Ana\noi\n@zeca oi\n/quem\n", "Ana\noi\n@zeca oi\n/quem"] {
        let mut ana = server.connect();
        ana.send_bytes(input.as_bytes());
        ana.half_close();
        assert_eq!(
            ana.read_to_end(),
            "Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.\n\
             Usuário não encontrado: zeca.\n\
             Na sala (2): Beto, Ana\n"
        );
        beto.expect(&["Ana entrou no chat.", "Ana: oi", "Ana saiu do chat."]);
    }
}

#[test]
fn whoever_ends_the_input_without_a_name_is_let_go() {
    let server = TestServer::start();
    let ana = server.connect();
    ana.half_close();
    assert_eq!(ana.read_to_end(), "");
    let mut ana = server.connect();
    ana.send_bytes(b"a b\n");
    ana.half_close();
    assert_eq!(ana.read_to_end(), "Erro: O nome só pode conter letras, números e '_', sem espaços.\n");
}

/// The seed's `cliente.py`: it sends no line ends, and reads 1,024 bytes at a time.
struct Undelimited(Client);

impl Undelimited {
    /// Sends one message, which the server takes for one because the answer is awaited before the next.
    fn send(&mut self, message: &str) {
        self.0.send_bytes(message.as_bytes());
    }

    fn receive(&mut self) -> String {
        let mut bytes = [0; 1024];
        let count = self.0.stream().read(&mut bytes).unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }
}

#[test]
fn the_client_of_the_seed_chats_with_the_others() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = Undelimited(server.connect());
    assert_eq!(ana.receive(), "Informe seu nome para entrar no chat:\n");
    ana.send("a b");
    assert_eq!(ana.receive(), "Erro: O nome só pode conter letras, números e '_', sem espaços.\n");
    assert_eq!(ana.receive(), "Informe seu nome para entrar no chat:\n");
    ana.send("Ana");
    assert_eq!(ana.receive(), "Bem-vindo ao chat, Ana! Na sala: Beto. Digite /ajuda para ver os comandos.\n");
    beto.expect(&["Ana entrou no chat."]);
    ana.send("oi gente");
    beto.expect(&["Ana: oi gente"]);
    ana.send("a");
    beto.expect(&["Ana: a"]);
    beto.send("oi Ana");
    assert_eq!(ana.receive(), "Beto: oi Ana\n");
    ana.send("@Beto");
    assert_eq!(ana.receive(), "Formato inválido. Use: @nome mensagem\n");
    ana.send("@Beto só para você");
    beto.expect(&["Ana (privado): só para você"]);
    ana.send(&"x".repeat(4096));
    beto.expect(&[&format!("Ana: {}", "x".repeat(4096))]);
    ana.send("/sair");
    assert_eq!(ana.receive(), "Você saiu do chat.\n");
    assert_eq!(ana.receive(), "");
    beto.expect(&["Ana saiu do chat."]);
}
