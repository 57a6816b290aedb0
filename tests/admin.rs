//! The operator's page over plain HTTP: the counters tell what happened, the health tells whether the chat works, and
//! whoever misbehaves there does the chat no harm.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use common::{Client, DEADLINE, TestServer, config, wait_until};
use papo::config::Config;
use papo::room::ChatRoom;

/// A server with a page on a free port.
fn server(config: Config) -> TestServer {
    TestServer::with(with_admin(config), ChatRoom::default)
}

fn with_admin(config: Config) -> Config {
    Config { admin: Some(([127, 0, 0, 1], 0).into()), ..config }
}

/// What came back of a request.
#[derive(Debug)]
struct Response {
    status: u16,
    headers: String,
    body: String,
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Everything until the end of the connection, however that ends.
fn read_all(mut stream: &TcpStream) -> String {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    String::from_utf8(all).unwrap()
}

/// Sends these bytes and reads the answer.
fn ask(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    response(&read_all(&stream))
}

fn response(answer: &str) -> Response {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let (first, headers) = head.split_once("\r\n").unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, headers: headers.to_ascii_lowercase() + "\r\n", body: body.to_owned() }
}

fn get(address: SocketAddr, path: &str) -> Response {
    ask(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
}

/// The samples of `/metrics`. Every line must be one, or say something about those that follow.
fn metrics(address: SocketAddr) -> HashMap<String, f64> {
    let page = get(address, "/metrics");
    assert_eq!(page.status, 200);
    assert!(page.headers.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    assert!(page.body.ends_with("\n# EOF\n"), "{}", page.body);
    let mut samples = HashMap::new();
    let mut family = String::new();
    for line in page.body.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.split(' ');
            match words.next().unwrap() {
                "HELP" => words.next().unwrap().clone_into(&mut family),
                "TYPE" => {
                    assert_eq!(words.next().unwrap(), family);
                    assert!(["counter", "gauge", "histogram", "info"].contains(&words.next().unwrap()), "{line}");
                }
                "UNIT" => {
                    assert_eq!(words.next().unwrap(), family);
                    assert!(family.ends_with(words.next().unwrap()), "{line}");
                }
                word => assert_eq!(word, "EOF"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with(&family) && family.starts_with("papo_"), "{line} is not of {family}");
        if let Some((_, labels)) = name.split_once('{') {
            let (key, label) = labels.strip_suffix("\"}").unwrap().split_once("=\"").unwrap();
            assert!(!key.is_empty() && !label.contains(['"', '\\']), "{line}");
        }
        assert_eq!(samples.insert(name.to_owned(), value.parse().unwrap()), None, "twice: {name}");
    }
    samples
}

/// Waits until the page shows all of these numbers: a count follows what happened at once, but not before it.
#[track_caller]
fn expect_metrics(address: SocketAddr, expected: &[(&str, u64)]) {
    let start = std::time::Instant::now();
    loop {
        let samples = metrics(address);
        let wrong: Vec<_> = expected
            .iter()
            .map(|(name, value)| (name, samples.get(&format!("papo_{name}")).copied(), *value as f64))
            .filter(|(_, found, expected)| *found != Some(*expected))
            .collect();
        if wrong.is_empty() {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "name, found, expected: {wrong:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_numbers_are_what_happened() {
    let server = server(config());
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    let mut caio = server.join("Caio");
    ana.expect(&["Beto entrou no chat.", "Caio entrou no chat."]);
    beto.expect(&["Caio entrou no chat."]);
    let nameless = server.connect();
    // three readers of notices so far
    expect_metrics(
        admin,
        &[("connections_total", 4), ("sessions", 4), ("members", 3), ("joins_total", 3), ("deliveries_total", 3)],
    );

    for i in 0..5 {
        ana.send(&i.to_string());
        for reader in [&mut beto, &mut caio] {
            reader.expect(&[&format!("Ana: {i}")]);
        }
    }
    beto.send("/eu acena");
    ana.expect(&["* Beto acena"]);
    caio.expect(&["* Beto acena"]);
    caio.send("@ana psiu");
    ana.expect(&["Caio (privado): psiu"]);
    // 5 × 2 messages, 1 × 2 actions, 1 whisper
    expect_metrics(
        admin,
        &[
            ("messages_total{kind=\"said\"}", 5),
            ("messages_total{kind=\"acted\"}", 1),
            ("messages_total{kind=\"whispered\"}", 1),
            ("deliveries_total", 3 + 13),
            ("owed_bytes", 0),
        ],
    );
    // whoever is ignored is not delivered
    caio.send("/ignorar Ana");
    caio.line();
    ana.send("oi");
    beto.expect(&["Ana: oi"]);
    expect_metrics(admin, &[("messages_total{kind=\"said\"}", 6), ("deliveries_total", 3 + 13 + 1)]);

    drop(nameless);
    ana.send("/sair");
    ana.expect(&["Você saiu do chat."]);
    beto.expect(&["Ana saiu do chat."]);
    drop(ana);
    caio.half_close();
    beto.expect(&["Caio saiu do chat."]);
    drop(caio);
    beto.reset();
    expect_metrics(
        admin,
        &[
            ("connections_total", 4),
            ("sessions", 0),
            ("members", 0),
            ("joins_total", 3),
            ("departures_total{reason=\"asked\"}", 1),
            ("departures_total{reason=\"closed\"}", 1),
            ("departures_total{reason=\"lost\"}", 1),
            ("departures_total{reason=\"too-slow\"}", 0),
            ("owed_bytes", 0),
        ],
    );
    let samples = metrics(admin);
    assert!(samples["papo_fanout_seconds_count"] >= 12.0);
    assert!(samples["papo_fanout_seconds_sum"] > 0.0);
    assert_eq!(samples["papo_fanout_seconds_count"], samples["papo_fanout_seconds_bucket{le=\"+Inf\"}"]);
    assert_eq!(samples[concat!("papo_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")], 1.0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 600.0..=now).contains(&samples["papo_start_time_seconds"]));
}

#[test]
fn every_limit_and_refusal_is_counted() {
    let server = server(Config {
        max_connections: 2,
        max_ignored: 1,
        max_line: 64,
        name_deadline: Duration::from_secs(1),
        ..config()
    });
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut late = server.connect();
    for _ in 0..2 {
        server.connect().expect(&["Erro: O servidor está cheio. Tente de novo mais tarde."]);
    }
    late.expect(&["Informe seu nome para entrar no chat:"]);
    late.send("a b");
    late.line();
    late.send("ana");
    late.expect(&["Erro: O nome 'ana' já está em uso."]);
    late.expect(&["Informe seu nome para entrar no chat:"]);
    late.expect(&["Você foi desconectado: nenhum nome informado em 1 segundo."]);
    for line in ["/ignorar Beto", "/ignorar Caio", "/nada", "@zeca oi", "@zeca", "/responder oi", &"x".repeat(64)] {
        ana.send(line);
        ana.line();
    }
    ana.send_bytes(b"\xff\n");
    ana.line();
    expect_metrics(
        admin,
        &[
            ("refused_connections_total{reason=\"server-full\"}", 2),
            ("connections_total", 2),
            ("limits_total{limit=\"name_deadline\"}", 1),
            ("limits_total{limit=\"max_ignored\"}", 1),
            ("limits_total{limit=\"max_line\"}", 1),
            ("limits_total{limit=\"outbox\"}", 0),
            ("mistakes_total{kind=\"bad_name\"}", 1),
            ("mistakes_total{kind=\"name_taken\"}", 1),
            ("mistakes_total{kind=\"unknown_command\"}", 1),
            ("mistakes_total{kind=\"not_found\"}", 1),
            ("mistakes_total{kind=\"wrong_usage\"}", 2),
            ("mistakes_total{kind=\"not_utf8\"}", 1),
            ("joins_total", 1),
        ],
    );
}

#[test]
fn long_lines_and_other_protocols_are_counted() {
    let server = server(config());
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    for _ in 0..3 {
        ana.send(&"x".repeat(5000));
        ana.line();
    }
    ana.expect(&["Você foi desconectado: linhas longas demais."]);
    let mut beto = server.join("Beto");
    beto.send_bytes(&[b'x'; 70_000]);
    beto.read_to("Você foi desconectado: linhas longas demais.");
    let mut nobody = server.connect();
    nobody.send(&"x".repeat(5000));
    nobody.read_to("Você foi desconectado: nenhum nome informado em 4096 bytes.");
    let mut browser = server.connect();
    browser.send_bytes(b"\x16\x03\x01");
    browser.expect_end();
    expect_metrics(
        admin,
        &[
            ("limits_total{limit=\"max_line\"}", 5),
            ("limits_total{limit=\"max_long_lines\"}", 1),
            ("limits_total{limit=\"max_unended\"}", 1),
            ("limits_total{limit=\"max_before_name\"}", 1),
            ("limits_total{limit=\"flood\"}", 0),
            ("departures_total{reason=\"long-lines\"}", 2),
            ("foreign_total", 1),
        ],
    );
}

#[test]
fn the_limits_of_connections_and_of_haste_are_counted() {
    let server = server(Config {
        rate: 1,
        rate_burst: 2,
        flood: Duration::from_millis(1500),
        max_per_address: 3,
        max_unnamed_per_address: 1,
        ..config()
    });
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut first = server.connect();
    first.expect(&["Informe seu nome para entrar no chat:"]);
    let _second = server.connect();
    // the first one made room for the second, but is still there to be told
    let mut evicted = String::new();
    while !evicted.starts_with("Você foi desconectado") {
        evicted = first.line();
    }
    let _refused = server.connect().read_to_end();
    expect_metrics(
        admin,
        &[
            ("limits_total{limit=\"max_unnamed\"}", 1),
            ("refused_connections_total{reason=\"too-many-of-address\"}", 1),
            ("refused_connections_total{reason=\"server-full\"}", 0),
        ],
    );
    ana.send_bytes("oi\n".repeat(10).as_bytes());
    while !ana.line().starts_with("Você foi desconectado") {}
    expect_metrics(
        admin,
        &[
            ("limits_total{limit=\"rate\"}", 1),
            ("limits_total{limit=\"flood\"}", 1),
            ("departures_total{reason=\"flooded\"}", 1),
            ("members", 0),
        ],
    );
}

#[test]
fn a_ghost_probe_is_counted() {
    let server = server(Config { probe_silence: Duration::ZERO, ..config() });
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut again = server.connect();
    again.send("Ana");
    ana.expect(&["Alguém pediu o seu nome. Se você está lendo isto, ele continua seu."]);
    expect_metrics(admin, &[("ghost_probes_total", 1), ("mistakes_total{kind=\"name_taken\"}", 1)]);
}

#[test]
fn what_is_owed_to_a_slow_reader_is_shown_until_he_is_gone() {
    let last_words = Duration::from_millis(300);
    let server = server(Config { last_words, ..config() });
    let admin = server.admin.unwrap();
    let asleep = server.join("Dorminhoco");
    let mut awake = server.join("Beto");
    let mut ana = server.join("Ana");
    let text = "x".repeat(4000);
    awake.expect(&["Ana entrou no chat."]);
    let mut most = 0.0;
    while metrics(admin)["papo_departures_total{reason=\"too-slow\"}"] == 0.0 {
        for _ in 0..20 {
            ana.send(&text);
            awake.line();
        }
        most = f64::max(most, metrics(admin)["papo_owed_bytes"]);
    }
    let limit = Config::default().outbox as f64;
    assert!(most > limit / 2.0 && most < 1.1 * limit, "{most}");
    expect_metrics(
        admin,
        &[
            ("limits_total{limit=\"outbox\"}", 1),
            // he does not even read why
            ("limits_total{limit=\"last_words\"}", 1),
            ("owed_bytes", 0),
            ("members", 2),
            ("sessions", 2),
        ],
    );
    drop(asleep);
}

#[test]
fn a_reader_who_stays_behind_for_too_long_is_counted_as_such() {
    let server = server(Config { outbox_soft: 50_000, outbox_time: Duration::from_millis(200), ..config() });
    let admin = server.admin.unwrap();
    let _asleep = server.join("Dorminhoco");
    let mut ana = server.join("Ana");
    let text = "x".repeat(4000);
    // no more than the soft limit and a little, far from the hard one
    while metrics(admin)["papo_owed_bytes"] < 50_000.0 {
        ana.send(&text);
        ana.send("/ping");
        ana.line();
    }
    ana.read_to("Dorminhoco saiu do chat (leitura lenta demais).");
    expect_metrics(
        admin,
        &[
            ("limits_total{limit=\"outbox_time\"}", 1),
            ("limits_total{limit=\"outbox\"}", 0),
            ("departures_total{reason=\"too-slow\"}", 1),
        ],
    );
}

#[test]
fn what_is_owed_goes_with_a_connection_that_breaks() {
    let server = server(config());
    let admin = server.admin.unwrap();
    let asleep = server.join("Dorminhoco");
    let mut ana = server.join("Ana");
    let text = "x".repeat(4000);
    while metrics(admin)["papo_owed_bytes"] < 100_000.0 {
        (0..20).for_each(|_| ana.send(&text));
        ana.send("/ping");
        ana.line();
    }
    asleep.reset();
    ana.expect(&["Dorminhoco saiu do chat (conexão perdida)."]);
    expect_metrics(admin, &[("owed_bytes", 0), ("members", 1), ("sessions", 1), ("limits_total{limit=\"outbox\"}", 0)]);
}

#[test]
fn several_threads_count_together() {
    let server = server(Config { threads: 3, ..config() });
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut readers: Vec<Client> = (0..6).map(|i| server.join(&format!("leitor{i}"))).collect();
    for i in 0..10 {
        ana.send(&i.to_string());
    }
    readers.iter_mut().for_each(|reader| reader.read_to("Ana: 9"));
    // each newcomer is announced to those before
    expect_metrics(admin, &[("deliveries_total", 21 + 60), ("members", 7)]);
    assert_eq!(get(admin, "/health").status, 200);
}

#[test]
fn the_page_answers_what_it_should_and_refuses_the_rest() {
    let server = server(config());
    let admin = server.admin.unwrap();
    let health = get(admin, "/health");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    for header in ["x-content-type-options: nosniff\r\n", "cache-control: no-store\r\n", "connection: close\r\n"] {
        assert!(health.headers.contains(header), "{health:?}");
    }
    let request = |line: &str, headers: &str| ask(admin, format!("{line} HTTP/1.1\r\n{headers}\r\n").as_bytes());
    let head = request("HEAD /metrics", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for path in ["/", "/metrics/", "/health/x", "/../metrics", "/%6detrics"] {
        let missing = get(admin, path);
        assert_eq!(
            (missing.status, missing.body.as_str()),
            (404, "Não há nada aqui. Veja /metrics e /health.\n"),
            "{path}"
        );
    }
    assert_eq!(get(admin, "/metrics?all").status, 200);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let refused = request(&format!("{method} /metrics"), "Content-Length: 3\r\n");
        assert_eq!(refused.status, 405, "{method}");
        assert!(refused.headers.contains("allow: get, head\r\n"), "{refused:?}");
    }
    // a web page can have its own name resolved to this machine
    for (host, status) in
        [("localhost:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("evil.example", 403), ("\u{ff}", 403)]
    {
        assert_eq!(request("GET /metrics", &format!("Host: {host}\r\n")).status, status, "{host}");
    }
    assert_eq!(request("GET http://evil.example/metrics", "Host: localhost\r\n").status, 403);
}

#[test]
fn a_room_that_is_stuck_is_not_healthy_and_one_that_comes_back_is() {
    static IS_STUCK: AtomicBool = AtomicBool::new(false);
    /// Holds the room's thread, and with it everything but the operator's page.
    fn clock() -> SystemTime {
        while IS_STUCK.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        SystemTime::now()
    }
    let server = TestServer::with(with_admin(config()), || ChatRoom::with_clock(clock));
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    assert_eq!(get(admin, "/health").status, 200);
    IS_STUCK.store(true, Ordering::Relaxed);
    ana.send("oi");
    // whatever had come through shortly before is forgotten shortly after
    wait_until("it is not healthy", || get(admin, "/health").status == 503);
    let askers: Vec<_> = (0..10).map(|_| std::thread::spawn(move || get(admin, "/health"))).collect();
    for asker in askers {
        let answer = asker.join().unwrap();
        let sentence = "O bate-papo não está funcionando: nenhuma mensagem atravessou a sala em 1 segundo.\n";
        assert_eq!((answer.status, answer.body.as_str()), (503, sentence));
    }
    // the counters can be read all the same
    assert_eq!(metrics(admin)["papo_members"], 2.0);
    IS_STUCK.store(false, Ordering::Relaxed);
    beto.expect(&["Ana: oi"]);
    wait_until("it is healthy again", || get(admin, "/health").status == 200);
}

#[test]
fn those_who_misbehave_harm_neither_the_chat_nor_the_page() {
    let server = server(config());
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);

    // more than there is room for, who say nothing, or not enough, or byte by byte
    let mut idle: Vec<TcpStream> = (0..50).map(|_| connect(admin)).collect();
    for (i, stream) in idle.iter_mut().enumerate() {
        // the oldest may be ended already
        let _ = stream.write_all(&b"GET /metrics HTTP/1.1\r\nX: "[..i % 27]);
    }
    assert_eq!(get(admin, "/health").status, 200);
    // the oldest made room, and were let go before that answer
    let is_open = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let read = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    assert!(idle.iter().filter(is_open).count() <= 15);

    let huge = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    for hostile in [
        huge.as_bytes(),
        many.as_bytes(),
        long.as_bytes(),
        b"\x16\x03\x01\x02\x00\x01\x00\xfc\x03\x03",
        b"Ana\noi\n",
        &[0; 20_000],
    ] {
        let mut stream = connect(admin);
        // refused before all of it was sent, or else told so
        let _ = stream.write_all(hostile);
        stream.shutdown(std::net::Shutdown::Write).ok();
        let answer = read_all(&stream);
        assert!(answer.is_empty() || response(&answer).status >= 400, "{answer}");
    }
    // a body is not read, however long it says that it is
    let mut post = connect(admin);
    post.write_all(b"POST /health HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\nana\r\n").unwrap();
    assert_eq!(response(&read_all(&post)).status, 405);
    // only the first of several requests in one go is answered
    let pipelined = ask(admin, "GET /health HTTP/1.1\r\n\r\n".repeat(50).as_bytes());
    assert_eq!((pipelined.status, pipelined.body.as_str()), (200, "ok\n"));

    ana.send("tudo bem");
    beto.expect(&["Ana: tudo bem"]);
    assert_eq!(metrics(admin)["papo_members"], 2.0);
    // whoever said nothing is let go
    for stream in &idle {
        read_all(stream);
    }
}

#[test]
fn the_page_ends_with_the_server() {
    let mut server = server(config());
    let admin = server.admin.unwrap();
    let mut ana = server.join("Ana");
    server.ask_to_stop();
    ana.expect(&["O servidor está encerrando."]);
    wait_until("nobody listens there any more", || TcpStream::connect(admin).is_err());
    ana.expect_end();
    drop(ana);
    assert_eq!(server.exit_code(), 0);
}
