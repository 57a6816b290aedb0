//! The page and the WebSocket, on the chat's port.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Client, DEADLINE, TestServer, config};
use papo::config::Config;
use papo::room::ChatRoom;
use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame, FrameHeader};
use tungstenite::protocol::{Message, WebSocket};

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Sends a request and returns everything until the end of the connection.
fn fetch(server: &TestServer, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:9999\r\nConnection: close\r\n\r\n")
}

/// A request for the WebSocket, as a browser sends it from the page, with other headers in their place.
fn handshake(changes: &[(&str, &str)]) -> String {
    let mut headers = vec![
        ("Host", "127.0.0.1:9999"),
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "http://127.0.0.1:9999"),
        ("Sec-WebSocket-Protocol", "papo.v1.json"),
    ];
    headers.retain(|(name, _)| changes.iter().all(|(other, _)| name != other));
    headers.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /ws HTTP/1.1\r\n{headers}\r\n")
}

/// A program at a WebSocket, by a library that is not the server's own code.
struct Socket(WebSocket<TcpStream>);

impl Socket {
    fn connect(server: &TestServer) -> Socket {
        let url = format!("ws://{}/ws", server.address);
        let (socket, response) = tungstenite::client(url, connect(server)).unwrap();
        assert_eq!(response.status(), 101);
        let mut socket = Socket(socket);
        assert_eq!(socket.next()["type"], "hello");
        socket
    }

    fn join(server: &TestServer, name: &str) -> Socket {
        let mut socket = Socket::connect(server);
        socket.ask(json!({ "type": "join", "name": name }));
        assert_eq!(socket.next()["type"], "welcome");
        socket
    }

    fn ask(&mut self, object: Value) {
        self.0.send(Message::text(object.to_string())).unwrap();
    }

    #[track_caller]
    fn next(&mut self) -> Value {
        match self.0.read().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads to an object of this type.
    fn until(&mut self, kind: &str) {
        while self.next()["type"] != kind {}
    }

    /// The server closes with this code, and then the connection ends.
    #[track_caller]
    fn expect_close(&mut self, code: u16) {
        match self.0.read().unwrap() {
            Message::Close(Some(frame)) => assert_eq!(frame.code, CloseCode::from(code)),
            other => panic!("{other:?}"),
        }
        let mut rest = Vec::new();
        self.0.get_mut().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    }

    fn send_frame(&mut self, opcode: Data, is_final: bool, payload: &str) {
        let header = FrameHeader { is_final, opcode: OpCode::Data(opcode), ..FrameHeader::default() };
        let frame = Frame::from_payload(header, payload.to_owned().into());
        self.0.send(Message::Frame(frame)).unwrap();
    }
}

#[test]
fn the_page_and_its_files_are_served_with_headers_that_keep_everything_else_out() {
    let server = TestServer::start();
    let page = fetch(&server, &get("/"));
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for header in [
        "content-type: text/html; charset=utf-8",
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
         img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert!(body.starts_with("<!doctype html>"), "{body}");
    // everything that the page names is there, and of its kind
    let is_path = |text: &&str| text.starts_with('/') && text.contains('.') && !text.contains([' ', '>']);
    let named = body.split('"').filter(is_path);
    let mut files = 0;
    for path in named {
        let file = fetch(&server, &get(path));
        let kind = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css",
            "js" => "text/javascript",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert!(file.starts_with("HTTP/1.1 200 OK\r\n") && file.contains(&format!("content-type: {kind}")), "{path}");
        files += 1;
    }
    assert!(files >= 3);
}

#[test]
fn a_head_is_answered_without_a_body_and_one_connection_serves_several_requests() {
    let server = TestServer::start();
    let head = fetch(&server, &get("/").replace("GET", "HEAD"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let several = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answers = fetch(&server, &(several.to_owned() + &get("/nada")));
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 404 Not Found").count(), 1, "{answers}");
    // from HTTP/1.0, too, which names no host
    assert!(fetch(&server, "GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200 OK\r\n"));
}

#[test]
fn everything_else_is_refused_in_both_languages_and_closed() {
    let server = TestServer::start();
    for (request, status) in [
        (get("/nada"), "404 Not Found"),
        (get("/../Cargo.toml"), "404 Not Found"),
        (get("//"), "404 Not Found"),
        (get("/").replace("GET", "POST"), "405 Method Not Allowed"),
        (get("/ws").replace("GET", "PUT"), "405 Method Not Allowed"),
        (get("/ws"), "426 Upgrade Required"),
        ("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_owned(), "421 Misdirected Request"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.com\r\n\r\n".to_owned(), "421 Misdirected Request"),
        ("GET http://example.com/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(), "421 Misdirected Request"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{\"type\":1}".to_owned(), "405 "),
    ] {
        let answer = fetch(&server, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request} got {answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(body.lines().count(), 2, "{answer}");
    }
}

#[test]
fn a_head_without_end_or_over_8_kib_is_cut() {
    let server = TestServer::start();
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(9000));
    let mut stream = connect(&server);
    stream.write_all(long.as_bytes()).unwrap();
    let mut answer = String::new();
    // a reset may have taken the answer back
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let mut silent = connect(&server);
    silent.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").unwrap();
    let mut answer = String::new();
    silent.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains(" 200 "), "{answer}");
}

#[test]
fn only_the_own_page_opens_the_socket_and_only_in_the_right_way() {
    let server = TestServer::start();
    for (changes, status) in [
        (&[("Origin", "http://example.com")] as &[(&str, &str)], "403 "),
        (&[("Origin", "null")], "403 "),
        (&[("Origin", "http://127.0.0.1:8080")], "403 "),
        (&[("Origin", "http://127.0.0.1")], "403 "),
        (&[("Host", "example.com"), ("Origin", "http://example.com")], "421 "),
        (&[("Host", "")], "403 "),
        (&[("Upgrade", "")], "426 "),
        (&[("Upgrade", "h2c")], "400 "),
        (&[("Connection", "close")], "400 "),
        (&[("Sec-WebSocket-Version", "8")], "400 "),
        (&[("Sec-WebSocket-Key", "")], "400 "),
        (&[("Sec-WebSocket-Key", "curta")], "400 "),
        (&[("Sec-WebSocket-Protocol", "chat, v2")], "400 "),
    ] {
        let answer = fetch(&server, &handshake(changes));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{changes:?} got {answer}");
    }
    for (changes, protocol) in [
        (&[] as &[(&str, &str)], Some("papo.v1.json")),
        (&[("Origin", "https://127.0.0.1:9999")], Some("papo.v1.json")),
        (&[("Sec-WebSocket-Protocol", "chat, papo.v1.json")], Some("papo.v1.json")),
        (&[("Origin", ""), ("Sec-WebSocket-Protocol", "")], None),
        (&[("Host", "[::1]:9999"), ("Origin", "http://[::1]:9999")], Some("papo.v1.json")),
    ] {
        let mut stream = connect(&server);
        stream.write_all(handshake(changes).as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{changes:?} got {head}");
        // the example of RFC 6455 §1.3
        assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        let expected = protocol.map(|protocol| format!("sec-websocket-protocol: {protocol}\r\n"));
        assert_eq!(head.contains("sec-websocket-protocol"), expected.is_some());
        assert!(expected.is_none_or(|expected| head.contains(&expected)), "{head}");
    }
}

#[test]
fn names_of_the_machine_are_known() {
    let server = TestServer::with(Config { hosts: vec!["sala".parse().unwrap()], ..config() }, ChatRoom::default);
    let answer = fetch(&server, &get("/").replace("127.0.0.1:9999", "Sala:9999"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn a_socket_a_program_and_a_person_read_the_same() {
    let server = TestServer::start();
    let mut person = server.join("Ana");
    let mut socket = Socket::join(&server, "Beto");
    person.expect(&["Beto entrou no chat."]);
    let mut program = server.connect();
    program.send(r#"{"type":"join","name":"Caio"}"#);
    assert!(program.line().contains("hello") && program.line().contains("welcome"));
    person.expect(&["Caio entrou no chat."]);
    assert_eq!(socket.next()["name"], "Caio");
    person.send("de Ana: <b>oi</b> \u{1f600}");
    socket.ask(json!({ "type": "say", "text": "de Beto", "id": "m" }));
    program.send(r#"{"type":"say","text":"de Caio","id":"m"}"#);
    // whatever the order, it is one
    let seen_by = |mut next: Box<dyn FnMut() -> Value + '_>, own: &str| {
        (0..3)
            .map(|_| {
                let object = next();
                let from = if object["type"] == "ack" { own } else { object["from"].as_str().unwrap() };
                (object["seq"].as_u64().unwrap(), from.to_owned())
            })
            .collect::<Vec<_>>()
    };
    let by_socket = seen_by(Box::new(|| socket.next()), "Beto");
    let by_program = seen_by(Box::new(|| serde_json::from_str(&program.line()).unwrap()), "Caio");
    assert_eq!(by_socket, by_program);
    let by_person: Vec<String> = (0..2).map(|_| person.line()).collect();
    let expected: Vec<String> =
        by_socket.iter().filter(|(_, from)| from != "Ana").map(|(_, from)| format!("{from}: de {from}")).collect();
    assert_eq!(by_person, expected);

    socket.ask(json!({ "type": "whisper", "to": "Ana", "text": "psiu" }));
    person.expect(&["Beto (privado): psiu"]);
    person.send("@beto oi");
    assert_eq!(socket.next()["type"], "ack");
    assert_eq!(socket.next()["text"], "oi");
    socket.ask(json!({ "type": "leave" }));
    assert_eq!(socket.next()["type"], "bye");
    socket.expect_close(1000);
    person.expect(&["Beto saiu do chat."]);
}

#[test]
fn a_socket_closes_in_good_order() {
    let mut server = TestServer::start();
    let mut person = server.join("Ana");
    let mut socket = Socket::join(&server, "Beto");
    person.expect(&["Beto entrou no chat."]);
    socket.ask(json!({ "type": "say", "text": "tchau" }));
    socket.0.close(None).unwrap();
    person.expect(&["Beto: tchau", "Beto saiu do chat."]);
    assert_eq!(socket.next()["type"], "ack");
    assert!(socket.0.read().unwrap().is_close());
    // one that ends without a word is broken
    drop(Socket::join(&server, "Caio"));
    person.expect(&["Caio entrou no chat.", "Caio saiu do chat (conexão perdida)."]);
    let mut last = Socket::join(&server, "Duda");
    server.ask_to_stop();
    assert_eq!(last.next()["reason"], "shutdown");
    last.expect_close(1001);
}

/// What browsers do when a page is closed, and when it is loaded again.
#[test]
fn a_page_that_goes_away_may_come_back_unnoticed_and_keeps_no_name() {
    let patient = Config { grace: Duration::from_secs(3600), resume_window: Duration::from_secs(7200), ..config() };
    let server = TestServer::with(patient, ChatRoom::default);
    let mut beto = server.join("Beto");
    let away = |socket: &mut Socket, code: u16| {
        socket.0.close(Some(CloseFrame { code: code.into(), reason: "".into() })).unwrap();
        let last = socket.0.read().unwrap();
        assert!(last.is_close(), "{code} {last:?}");
    };
    let mut ana = Socket::connect(&server);
    let mut join = json!({ "type": "join", "name": "Ana" });
    ana.ask(join.clone());
    let welcome = ana.next();
    for key in ["token", "epoch", "seq"] {
        join[key] = welcome[key].clone();
    }
    beto.expect(&["Ana entrou no chat."]);
    // 1001: goes away; 4000: what the page says of a connection that it takes for dead
    for (whispers, code) in [1001, 4000].into_iter().enumerate() {
        join["whispers"] = json!(whispers);
        away(&mut ana, code);
        beto.send("@Ana psiu");
        ana = Socket::connect(&server);
        ana.ask(join.clone());
        assert_eq!(ana.next()["token"], join["token"]);
        ana.until("whispered");
        beto.expect_nothing();
    }
    away(&mut ana, 1000);
    beto.expect(&["Ana saiu do chat."]);

    let server = TestServer::start();
    let mut beto = server.join("Beto");
    for name in ["Ana", "ANA"] {
        let mut ana = Socket::join(&server, name);
        beto.expect(&[&format!("{name} entrou no chat.")]);
        away(&mut ana, 1001);
        beto.expect(&[&format!("{name} saiu do chat.")]);
    }
}

#[test]
fn a_socket_is_bounded_in_messages_and_parts() {
    let server = TestServer::start();
    let mut socket = Socket::join(&server, "Ana");
    // one that is too long is answered, and the next one arrives
    socket.ask(json!({ "type": "say", "text": "x".repeat(5000) }));
    assert_eq!(socket.next()["code"], "line_too_long");
    socket.0.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(socket.next()["code"], "not_utf8");
    socket.send_frame(Data::Text, false, r#"{"type":"ping","#);
    socket.0.send(Message::Ping(vec![7].into())).unwrap();
    socket.send_frame(Data::Continue, true, r#""id":"p"}"#);
    assert_eq!(socket.0.read().unwrap(), Message::Pong(vec![7].into()));
    assert_eq!(socket.next()["id"], "p");
    for part in 0..17 {
        socket.send_frame(if part == 0 { Data::Text } else { Data::Continue }, false, "x");
    }
    assert_eq!(socket.next()["reason"], "long-lines");
    socket.expect_close(1009);

    let mut socket = Socket::join(&server, "Beto");
    socket.0.send(Message::text("x".repeat(70_000))).unwrap();
    assert_eq!(socket.next()["reason"], "long-lines");
    socket.expect_close(1009);

    let mut socket = Socket::join(&server, "Caio");
    // a frame without a mask
    socket.0.get_mut().write_all(b"\x81\x02{}").unwrap();
    assert_eq!(socket.next()["reason"], "foreign");
    socket.expect_close(1002);
}

#[test]
fn a_socket_that_reads_too_slowly_is_cut_between_two_frames() {
    let server =
        TestServer::with(Config { outbox: 64 * 1024, outbox_time: Duration::ZERO, ..config() }, ChatRoom::default);
    let mut slow = Socket::join(&server, "Lenta");
    let mut fast = server.join("Ana");
    assert_eq!(slow.next()["type"], "joined");
    let mut watch = server.join("Beto");
    assert_eq!(slow.next()["type"], "joined");
    fast.expect(&["Beto entrou no chat."]);
    let line = "x".repeat(3000);
    let is_cut = (0..10_000).any(|_| {
        fast.send(&line);
        // nobody is behind but the one who does not read
        watch.line() == "Lenta saiu do chat (leitura lenta demais)."
    });
    assert!(is_cut);
    // what has arrived is whole, and the last of it says why
    let mut last = Value::Null;
    let closed = loop {
        match slow.0.read().unwrap() {
            Message::Text(text) => last = serde_json::from_str(&text).unwrap(),
            other => break other,
        }
    };
    assert_eq!(last["reason"], "too-slow", "{last}");
    assert!(closed.is_close());
}

#[test]
fn the_hello_may_come_in_any_pieces() {
    let server = TestServer::start();
    for size in [1, 2, 7, 100] {
        let mut stream = connect(&server);
        for piece in get("/").as_bytes().chunks(size) {
            stream.write_all(piece).unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    // and a message may come together with the request for the socket
    let mut stream = connect(&server);
    let mut bytes = handshake(&[]).into_bytes();
    let mask = [0; 4];
    let ping = r#"{"type":"ping","id":"junto"}"#;
    bytes.extend([0x81, 0x80 | ping.len() as u8]);
    bytes.extend(mask);
    bytes.extend(ping.bytes());
    stream.write_all(&bytes).unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(r#""type":"pong","id":"junto""#) {
        let mut part = [0; 512];
        let count = stream.read(&mut part).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&part[..count]);
    }
}

#[test]
fn no_request_is_ever_a_member() {
    let server = TestServer::start();
    let mut person = server.join("Ana");
    for request in [
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nVitima\noi a todos\n/quem\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n{\"type\":\"join\",\"name\":\"Vitima\"}\n",
        "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n{\"type\":\"join\",\"name\":\"Vitima\"}\n",
    ] {
        let mut stream = connect(&server);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!String::from_utf8_lossy(&answer).contains("Vitima"));
    }
    person.expect_nothing();
    let mut other: Client = server.join("Vitima");
    other.expect_nothing();
}

/// A connection from an address of its own that has said nothing so far.
fn silent(server: &TestServer, last: u8) -> Client {
    Client::connect_from([127, 0, 0, last], server.address)
}

#[test]
fn a_connection_that_a_browser_keeps_for_its_next_request_is_not_asked_for_a_name_in_the_meantime() {
    let server = TestServer::with(Config { hello_silence: DEADLINE, ..config() }, ChatRoom::default);
    let mut first = silent(&server, 2);
    // the one with the request may be the second one
    let spare = silent(&server, 2);
    first.send_bytes(get("/").as_bytes());
    first.read_to_end();
    let another = silent(&server, 2);
    let mut person = silent(&server, 3);
    person.expect(&["Informe seu nome para entrar no chat:"]);
    // which those two would have been told by now
    for mut connection in [spare, another] {
        connection.send_bytes(get("/").as_bytes());
        let answer = connection.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[test]
fn a_person_at_an_address_of_browsers_is_asked_for_a_name_a_little_later() {
    let config = Config { hello_silence: Duration::from_millis(600), ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    fetch(&server, &get("/"));
    let mut person = server.connect();
    person.expect(&["Informe seu nome para entrar no chat:"]);
    person.send("Ana");
    assert!(person.line().starts_with("Bem-vindo ao chat, Ana!"));
}
