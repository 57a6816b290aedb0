//! Peers that speak another protocol, browsers above all: what a web page makes a browser send must never become a
//! person's name and messages.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use papo::chat::language::Language;
use papo::chat::text;
use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{DEADLINE, TestServer, config};
use crate::witness::Witness;

/// What would be a name and messages, if anybody looked at it.
const CHAT: &[u8] = "\r\n\r\nVítima\noi a todos\n@Testemunha psiu\n/quem\nVítima".as_bytes();

/// The first bytes of a real TLS 1.3 handshake, a record of 517 bytes.
fn client_hello() -> Vec<u8> {
    let mut hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    hello.extend((0..32).map(|i| i * 7)); // random
    hello.extend(b"\x20\nVitima\noi\n");
    hello.extend((0..21).map(|i| i * 11)); // session id
    hello.extend(
        b"\x00\x08\x13\x02\x13\x03\x13\x01\x00\xff\x01\x00\x01\xab\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost",
    );
    hello.resize(5 + 512, 0);
    hello
}

fn request(method: &str) -> Vec<u8> {
    format!("{method} /segredo?Ana HTTP/1.1\r\nHost: 127.0.0.1:9999\r\nContent-Type: text/plain").into_bytes()
}

/// How each protocol begins, and how the one answer to it begins.
fn hellos() -> Vec<(Vec<u8>, &'static str)> {
    let mut hellos: Vec<(Vec<u8>, &str)> =
        ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
            .into_iter()
            .map(|method| (request(method), "HTTP/1.1 404 Not Found\r\n"))
            .collect();
    for (hello, answer) in [
        // not one of the known methods; after empty lines; without any request line; after what is just no name
        ("CHICKEN / HTTP/1.1\r\nHost: x", "HTTP/1.1 400 "),
        ("\r\n\r\nPOST /x HTTP/1.1", "HTTP/1.1 404 Not Found\r\n"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400 "),
        ("Host: x", "HTTP/1.1 400 "),
        ("host:x", "HTTP/1.1 400 "),
        ("SSH-2.0-OpenSSH_9.6\r\n", "Isto é um bate-papo"),
        ("EHLO example.org\r\nMAIL FROM:<a@b>", "554 Isto é"),
        ("ehlo [127.0.0.1]", "554 Isto é"),
        ("HELO x", "554 Isto é"),
        ("CAP LS 302\r\nNICK ana\r\nUSER ana 0 * :Ana", "ERROR :Isto é"),
        ("NICK ana", "ERROR :Isto é"),
        ("USER ana 0 * :Ana", "ERROR :Isto é"),
        ("PASS x", "ERROR :Isto é"),
        ("*1\r\n$4\r\nPING", "-ERR Isto é"),
        ("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$6\r\nVitima", "-ERR Isto é"),
        ("PROXY TCP4 192.0.2.1 192.0.2.2 5000 9999", "Isto é um bate-papo"),
        ("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", ""),
        ("\0\0\0\x08\x04\u{16}/", ""),
        ("\x03\0\0\x13\x0e\0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", ""),
        ("\x05\x01\0", ""),
    ] {
        hellos.push((hello.as_bytes().to_vec(), answer));
    }
    hellos.push((client_hello(), ""));
    hellos
}

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Everything until the end of the connection, orderly or not.
fn read_to_end(stream: &mut TcpStream) -> String {
    let (start, mut bytes, mut part) = (Instant::now(), Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => bytes.extend(&part[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server does not close: {error}"),
        }
        // a member would be told more and more
        assert!(start.elapsed() < DEADLINE, "the server does not close: {}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer that begins like this, in both languages, and with nothing of what was sent.
fn check(answer: &str, start: &str, hello: &[u8]) {
    let hello = String::from_utf8_lossy(hello);
    assert!(answer.starts_with(start) && answer.is_empty() == start.is_empty(), "{hello:?} got {answer:?}");
    let (in_portuguese, in_english) = match start.starts_with("HTTP/1.1 404 ") {
        true => ("\nNão há nada aqui.", "\nThere is nothing here."),
        false => (" bate-papo papo", " papo chat"),
    };
    let has_words = !start.is_empty() && !hello.starts_with("HEAD");
    assert_eq!(answer.contains(in_portuguese) && answer.contains(in_english), has_words, "{answer}");
    for secret in ["segredo", "Ana", "Vítima", "Vitima", "example"] {
        assert!(!answer.contains(secret), "{answer}");
    }
}

#[test]
fn hellos_with_a_chat_behind_them_get_one_answer_and_the_end() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for (hello, start) in hellos() {
        let mut stream = connect(&server);
        stream.write_all(&[&hello, CHAT].concat()).unwrap();
        check(&read_to_end(&mut stream), start, &hello);
    }
    witness.goes_on(2);
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn hellos_byte_by_byte_get_one_answer_and_the_end() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for (hello, start) in hellos() {
        let mut stream = connect(&server);
        for byte in [&hello, CHAT].concat() {
            // once the server has closed, the rest is not taken any more
            if stream.write_all(&[byte]).is_err() {
                break;
            }
        }
        let answer = read_to_end(&mut stream);
        // which a reset may have taken back
        if !answer.is_empty() {
            check(&answer, start, &hello);
        }
    }
    witness.goes_on(2);
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn hellos_that_end_the_input_get_one_answer_and_the_end() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for (hello, start) in hellos() {
        let mut stream = connect(&server);
        stream.write_all(&hello).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        // half a request is no request
        let start = if start.starts_with("HTTP/1.1 404 ") { "" } else { start };
        check(&read_to_end(&mut stream), start, &hello);
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn whoever_falls_silent_in_the_middle_of_a_hello_is_let_go() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut streams: Vec<(TcpStream, &[u8], &str)> = Vec::new();
    for (hello, start) in [
        (b"\x16" as &[u8], ""),
        (b"\x16\x03", ""),
        (b"SSH", "Isto é"),
        (b"GET ", ""),
        (b"POST / HTTP/1.1", ""),
        (b"*1", "-ERR "),
    ] {
        let mut stream = connect(&server);
        stream.write_all(hello).unwrap();
        streams.push((stream, hello, start));
    }
    for (stream, hello, start) in &mut streams {
        check(&read_to_end(stream), start, hello);
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn a_megabyte_behind_a_request_is_not_looked_at() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for _ in 0..3 {
        let mut stream = connect(&server);
        let mut writing = stream.try_clone().unwrap();
        let body = thread::spawn(move || {
            let body = "Vítima\noi a todos\n".repeat(1024 * 1024 / 19);
            let _ = writing.write_all(&[&request("POST"), b"\r\n\r\n" as &[u8], body.as_bytes()].concat());
        });
        let answer = read_to_end(&mut stream);
        // more than the server drains: the rest may be answered with a reset
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 404 ") && !answer.contains("Vítima"), "{answer}");
        body.join().unwrap();
    }
    witness.goes_on(2);
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn lines_of_http_after_one_that_is_no_name_are_answered_and_cut() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let bad_name = text::bad_name(Language::Portuguese);
    for first in ["a b", "X-Header: x", "\u{feff}a-b"] {
        for second in ["POST / HTTP/1.1", "Host: x", "hOsT: x"] {
            let mut stream = connect(&server);
            stream.write_all(&[first.as_bytes(), b"\r\n", second.as_bytes(), CHAT].concat()).unwrap();
            let answer = read_to_end(&mut stream);
            assert!(answer.starts_with(&format!("{bad_name}\nHTTP/1.1 400 ")), "{answer}");
            assert_eq!(answer.matches("HTTP/1.1").count(), 1);
        }
    }
    assert_eq!(witness.stop(), [""; 0]);
}

#[test]
fn people_may_be_called_like_a_hello_and_say_what_they_like() {
    let quick = Config { hello_silence: Duration::from_millis(300), ..config() };
    let server = TestServer::with(quick, ChatRoom::default);
    let mut beto = server.join("Beto");
    let mut people = Vec::new();
    for name in ["GET", "Host", "SSH", "CAP", "USER", "PROXY"] {
        let mut person = server.join(name);
        beto.expect(&[&format!("{name} entrou no chat.")]);
        for line in ["GET / HTTP/1.1", "Host: x", "SSH-2.0-x", "*1", "NICK ana", "\x16\x03"] {
            person.send(line);
            beto.expect(&[&format!("{name}: {}", line.replace('\x16', "␖").replace('\x03', "␃"))]);
        }
        people.push(person);
    }
    // by a client that sends no line ends, too
    let mut post = server.connect();
    post.send_bytes(b"POST");
    assert!(post.line().contains(", POST!"));
    beto.expect(&["POST entrou no chat."]);
    post.send_bytes(b"GET / HTTP/1.1");
    beto.expect(&["POST: GET / HTTP/1.1"]);
}
