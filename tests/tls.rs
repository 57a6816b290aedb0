//! TLS on the chat's port: everything in it that there is without it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use common::{Client, DEADLINE, TestServer, config, strict_config};
use papo::config::{Config, Tls};
use papo::room::ChatRoom;
use papo::transport::tls::client::{self, Secured};
use papo::transport::tls::{Acceptor, Identity};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Value, json};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

fn start(config: Config) -> TestServer {
    let acceptor = Acceptor::new(&Identity::passing().unwrap());
    TestServer::change(config, ChatRoom::default, move |server| server.with_tls(acceptor))
}

fn plain(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A client within TLS.
struct Secret {
    stream: BufReader<Secured<TcpStream>>,
    /// The same connection, without TLS.
    below: TcpStream,
}

impl Secret {
    fn connect(server: &TestServer) -> Secret {
        let below = plain(server);
        let secured = client::handshake(below.try_clone().unwrap(), "localhost").unwrap();
        Secret { stream: BufReader::new(secured), below }
    }

    fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }
}

#[test]
fn everybody_is_in_one_room_encrypted_or_not() {
    let server = start(config());
    let mut ana = server.join("Ana");
    let mut beto = Secret::connect(&server);
    beto.send("Beto\n");
    assert!(beto.line().starts_with("Bem-vindo ao chat, Beto!"));
    ana.expect(&["Beto entrou no chat."]);
    let mut caio = Secret::connect(&server);
    caio.send("{\"type\":\"join\",\"name\":\"Caio\"}\n");
    assert!(caio.line().contains("hello") && caio.line().contains("welcome"));
    ana.expect(&["Caio entrou no chat."]);
    assert_eq!(beto.line(), "Caio entrou no chat.");
    ana.send("oi, todos");
    assert_eq!(beto.line(), "Ana: oi, todos");
    let said: Value = serde_json::from_str(&caio.line()).unwrap();
    assert_eq!((&said["from"], &said["text"]), (&json!("Ana"), &json!("oi, todos")));
    beto.send("@ana psiu\n");
    ana.expect(&["Beto (privado): psiu"]);
    beto.send("/sair\n");
    assert_eq!(beto.line(), "Você saiu do chat.");
    ana.expect(&["Beto saiu do chat."]);
    // an orderly end
    assert_eq!(beto.stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn whoever_says_nothing_in_it_is_asked_for_a_name() {
    let server = start(config());
    let mut ana = Secret::connect(&server);
    assert_eq!(ana.line(), "Informe seu nome para entrar no chat:");
    ana.send("Ana\n");
    assert!(ana.line().contains(", Ana!"));
}

#[test]
fn the_page_is_in_it_too() {
    let server = start(config());
    let mut browser = Secret::connect(&server);
    browser.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    browser.stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("<!doctype html>"), "{answer}");
    let (connection, stream) = (Secret::connect(&server), format!("wss://{}/ws", server.address));
    let (mut socket, _) = tungstenite::client(stream, connection.stream.into_inner()).unwrap();
    assert!(socket.read().unwrap().to_text().unwrap().contains("hello"));
}

#[test]
fn tls_in_tls_is_turned_away() {
    let server = start(config());
    let mut ana = Secret::connect(&server);
    ana.send("\x16\x03\x01\x02");
    let mut rest = Vec::new();
    let _ = ana.stream.read_to_end(&mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn where_it_is_required_everybody_else_gets_one_clear_line() {
    let server = start(Config { tls: Tls::Required, ..config() });
    let mut ana = Secret::connect(&server);
    ana.send("Ana\n");
    assert!(ana.line().contains(", Ana!"));
    let sentence = "Erro: Este servidor só aceita conexões cifradas (TLS).";
    for said in ["", "Beto\n", "Beto"] {
        let mut beto = Client::connect(server.address);
        beto.send_bytes(said.as_bytes());
        beto.expect(&[sentence]);
        beto.expect_end();
    }
    let mut program = Client::connect(server.address);
    program.send(r#"{"type":"join","name":"Beto"}"#);
    let error: Value = serde_json::from_str(&program.line()).unwrap();
    assert_eq!((&error["code"], &error["message"]), (&json!("tls_required"), &json!(sentence)));
    program.expect_end();
    for (path, host, expected) in [
        ("/", "192.168.0.7:9999", "307 Temporary Redirect\r\n"),
        ("/x?y=1", "192.168.0.7:9999", "location: https://192.168.0.7:9999/x?y=1\r\n"),
        ("/", "example.com", "403 Forbidden\r\n"),
    ] {
        let mut browser = plain(&server);
        browser.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(expected) && !answer.contains("<!doctype"), "{answer}");
        assert_eq!(answer.contains("location: "), host != "example.com", "{answer}");
    }
}

#[test]
fn a_handshake_that_does_not_end_is_given_up_and_holds_up_nobody() {
    let server = start(Config { handshake: Duration::from_millis(200), ..config() });
    let mut stuck: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = plain(&server);
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").unwrap();
            stream
        })
        .collect();
    let mut ana = Secret::connect(&server);
    ana.send("Ana\n");
    assert!(ana.line().contains(", Ana!"));
    for stream in &mut stuck {
        let mut rest = Vec::new();
        // with an alert or without, in good order or not
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() < 100);
    }
}

#[test]
fn a_handshake_of_garbage_is_answered_with_an_alert() {
    let server = start(config());
    let mut stream = plain(&server);
    stream.write_all(b"\x16\x03\x01\x00\x05ana\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut alert = Vec::new();
    let _ = stream.read_to_end(&mut alert);
    assert!(alert.is_empty() || alert[0] == 0x15, "{alert:?}");
    server.join("Ana").expect_nothing();
}

#[test]
fn a_connection_that_ends_without_saying_so_ends_like_any_other() {
    let server = start(config());
    let mut ana = server.join("Ana");
    let mut beto = Secret::connect(&server);
    beto.send("Beto\n");
    assert!(beto.line().contains(", Beto!"));
    ana.expect(&["Beto entrou no chat."]);
    // many programs close the socket and no more
    beto.send("tchau");
    beto.below.shutdown(Shutdown::Both).unwrap();
    ana.expect(&["Beto: tchau", "Beto saiu do chat."]);
}

#[test]
fn a_reader_within_it_who_does_not_read_is_cut_and_holds_up_nobody() {
    let server = start(Config { outbox: 64 * 1024, outbox_time: Duration::ZERO, ..config() });
    let mut slow = Secret::connect(&server);
    slow.send("Lenta\n");
    assert!(slow.line().contains(", Lenta!"));
    let mut ana = server.join("Ana");
    let mut watch = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    let line = "x".repeat(3000);
    let is_cut = (0..10_000).any(|_| {
        ana.send(&line);
        // nobody is behind but the one who does not read
        watch.line() == "Lenta saiu do chat (leitura lenta demais)."
    });
    assert!(is_cut);
    let mut rest = String::new();
    slow.stream.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("\nVocê foi desconectado: leitura lenta demais.\n"), "…{}", &rest[rest.len() - 200..]);
}

/// Believes everybody.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn whoever_changes_keys_again_and_again_pays_for_it() {
    let unlimited = Config { max_per_address: 0, max_new_per_address: 0, ..strict_config() };
    let server = start(unlimited);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    let connect = || {
        let connection = ClientConnection::new(Arc::new(config.clone()), "localhost".try_into().unwrap()).unwrap();
        StreamOwned::new(connection, plain(&server))
    };
    // 30 keys, then a byte of text, and so on: a few bytes of text cost much
    let flood = |stream: &mut StreamOwned<ClientConnection, TcpStream>| {
        (0..3000).try_for_each(|_| {
            (0..30).try_for_each(|_| stream.conn.refresh_traffic_keys().map_err(std::io::Error::other))?;
            stream.write_all(b"x")
        })
    };
    // without a name it is over soon
    let mut nameless = connect();
    let _ = flood(&mut nameless).and_then(|()| nameless.read_to_end(&mut Vec::new()));
    // with one it is read no faster than it may send, and what comes behind it waits
    let mut member = connect();
    member.write_all(b"Ana\n").unwrap();
    let mut welcome = [0; 11];
    member.read_exact(&mut welcome).unwrap();
    assert_eq!(welcome, *b"Bem-vindo a");
    flood(&mut member).unwrap();
    member.write_all(b"\n/ping\n").unwrap();
    member.sock.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answers = Vec::new();
    assert!(member.read_to_end(&mut answers).is_err());
    assert!(!String::from_utf8_lossy(&answers).contains("Pong"), "all of it was read");
    server.join("Beto").expect_nothing();
}
