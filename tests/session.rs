//! One session over an in-memory stream, with a clock that stands still unless everybody waits: an hour takes no time,
//! and "after 300 ms" is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use actix::prelude::*;
use papo::chat::registry::SessionId;
use papo::config::Config;
use papo::hub::{Admit, Hub};
use papo::room::{ChatRoom, HubId, Shutdown};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex};
use tokio::time::{Instant, sleep, timeout};

const PROMPT: &str = "Informe seu nome para entrar no chat:";

/// How long a test may take in real time. A session that never rests would otherwise hang it.
const REAL_DEADLINE: Duration = Duration::from_secs(60);

/// A room, a hub, and the sessions that a test starts there.
struct House {
    _watch: mpsc::Sender<()>,
    hub: Addr<Hub>,
    sessions: u64,
}

/// The other end of a session.
struct Person {
    stream: BufReader<DuplexStream>,
}

impl House {
    /// Stops the clock, and opens a room.
    fn open(config: Config) -> House {
        tokio::time::pause();
        let (watch, house) = mpsc::channel::<()>();
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        std::thread::spawn(move || {
            if house.recv_timeout(REAL_DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{test} hangs");
                std::process::abort();
            }
        });
        let hub = Hub::new(HubId(0), ChatRoom::default().start(), Arc::new(config)).start();
        House { _watch: watch, hub, sessions: 0 }
    }

    /// Starts a session on this end of a connection. The guard is dropped when it has ended.
    fn admit<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&mut self, stream: S) -> Arc<()> {
        self.sessions += 1;
        let guard = Arc::new(());
        let (session, peer) = (SessionId(self.sessions), "test".to_owned());
        self.hub.do_send(Admit { session, peer, stream, guard: Box::new(Arc::clone(&guard)) });
        guard
    }

    /// A person whose connection holds so many bytes in each direction.
    fn connect(&mut self, capacity: usize) -> Person {
        let (near, far) = duplex(capacity);
        self.admit(far);
        Person { stream: BufReader::new(near) }
    }

    async fn join(&mut self, name: &str) -> Person {
        let mut person = self.connect(64 * 1024);
        person.send(&format!("{name}\n")).await;
        assert!(person.line().await.starts_with("Bem-vindo"));
        person
    }
}

impl Person {
    async fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(3600), self.stream.read_line(&mut line)).await.expect("a line").unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// The lines until the end of the connection; the last one may not be whole.
    async fn last_lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return lines;
            }
            lines.push(line);
        }
    }

    /// No line comes for so long.
    async fn is_left_alone_for(&mut self, time: Duration) {
        let mut line = String::new();
        assert!(timeout(time, self.stream.read_line(&mut line)).await.is_err(), "{line}");
    }
}

#[actix_rt::test]
async fn a_name_is_asked_for_after_300_ms_of_silence() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    let start = Instant::now();
    assert_eq!(ana.line().await, PROMPT);
    assert!((300..=301).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // once is enough
    ana.is_left_alone_for(Duration::from_secs(50)).await;
}

#[actix_rt::test]
async fn whoever_speaks_in_time_is_not_asked() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    sleep(Duration::from_millis(299)).await;
    ana.send("Ana\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
    ana.is_left_alone_for(Duration::from_secs(3000)).await;
}

#[actix_rt::test]
async fn whoever_is_in_the_middle_of_a_line_is_not_asked() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    for byte in ["A", "n", "a"] {
        ana.send(byte).await;
        ana.is_left_alone_for(Duration::from_secs(2)).await;
    }
    ana.send("\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
}

#[actix_rt::test]
async fn two_bytes_without_a_line_end_and_300_ms_of_silence_make_an_undelimited_session() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(1024);
    ana.send("Zé").await;
    let start = Instant::now();
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Zé!"));
    assert!((300..=301).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(beto.line().await, "Zé entrou no chat.");
    ana.send("x").await;
    assert_eq!(beto.line().await, "Zé: x");
}

#[actix_rt::test]
async fn what_may_be_the_beginning_of_another_protocol_waits_3_seconds_for_the_rest() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    for (bytes, answer) in [("GET", "Bem-vindo ao chat, GET!"), ("SSH", "Isto é um bate-papo"), ("\x16", "")] {
        let mut peer = house.connect(1024);
        let start = Instant::now();
        peer.send(bytes).await;
        let line = peer.line().await;
        assert!(line.starts_with(answer) && line.is_empty() == answer.is_empty(), "{line}");
        assert!((3000..=3001).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    }
    assert_eq!(beto.line().await, "GET entrou no chat.");
    assert_eq!(beto.line().await, "GET saiu do chat.");
    // a browser over a very bad link
    let mut peer = house.connect(1024);
    for part in ["PO", "ST"] {
        peer.send(part).await;
        sleep(Duration::from_millis(2900)).await;
    }
    peer.send(" / HTTP/1.1\r\n\r\nAna\noi\n").await;
    assert_eq!(peer.line().await, "HTTP/1.1 400 Bad Request\r");
    beto.is_left_alone_for(Duration::from_secs(60)).await;
}

/// Beto, Caio, and a client that sends no line ends.
async fn undelimited() -> (House, Person, Person, Person) {
    let mut house = House::open(Config { max_long_lines: 0, ..Config::default() });
    let mut beto = house.join("Beto").await;
    let mut caio = house.join("Caio").await;
    let mut ana = house.connect(64 * 1024);
    ana.send("Ana").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
    assert_eq!(beto.line().await, "Caio entrou no chat.");
    for other in [&mut beto, &mut caio] {
        assert_eq!(other.line().await, "Ana entrou no chat.");
    }
    (house, ana, beto, caio)
}

#[actix_rt::test]
async fn a_whisper_that_arrives_in_segments_stays_a_whisper() {
    let (_house, mut ana, mut beto, mut caio) = undelimited().await;
    for length in [600, 1448, 1449, 2000, 2896, 4000] {
        let secret = format!("@beto {}", "segredo ".repeat(length / 8));
        for segment in secret.as_bytes().chunks(1448) {
            ana.stream.write_all(segment).await.unwrap();
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(beto.line().await, format!("Ana (privado): {}", "segredo ".repeat(length / 8)));
        caio.is_left_alone_for(Duration::from_secs(1)).await;
    }
}

#[actix_rt::test]
async fn a_message_that_is_too_long_is_skipped_until_silence() {
    let (_house, mut ana, mut beto, _caio) = undelimited().await;
    for length in [4097, 8192, 8193, 30_000] {
        ana.send(&format!("@beto {}", "x".repeat(length))).await;
        assert_eq!(ana.line().await, "Erro: Linha longa demais (máximo 4096 bytes).");
        sleep(Duration::from_millis(310)).await;
        ana.send("depois").await;
        assert_eq!(beto.line().await, "Ana: depois");
    }
}

const TOO_LONG: &str = "Erro: Linha longa demais (máximo 4096 bytes).";

#[actix_rt::test]
async fn two_long_lines_a_minute_are_borne_for_ever_and_the_third_is_the_last() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    let long = format!("{}\n", "x".repeat(5000));
    for _ in 0..20 {
        ana.send(&long).await;
        assert_eq!(ana.line().await, TOO_LONG);
        sleep(Duration::from_millis(30_001)).await;
    }
    // the one before last is half a minute old
    ana.send(&long).await;
    assert_eq!(ana.line().await, TOO_LONG);
    sleep(Duration::from_millis(29_000)).await;
    ana.send(&long).await;
    assert_eq!(ana.last_lines().await, [TOO_LONG, "Você foi desconectado: linhas longas demais."]);
    assert_eq!(beto.line().await, "Ana saiu do chat (linhas longas demais).");
}

#[actix_rt::test]
async fn whoever_pours_a_line_without_end_still_reads_why_it_was_cut() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let (near, far) = duplex(1024);
    house.admit(far);
    let (read, mut write) = tokio::io::split(near);
    let pouring = actix_rt::spawn(async move {
        write.write_all(b"Ana\n").await.unwrap();
        let mut sent = 0;
        while write.write_all(b"xxxx").await.is_ok() {
            sent += 4;
        }
        sent
    });
    let mut lines = BufReader::new(read).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("Bem-vindo"));
    for line in [Some(TOO_LONG), Some("Você foi desconectado: linhas longas demais."), None] {
        assert_eq!(lines.next_line().await.unwrap().as_deref(), line);
    }
    // as much as a line may have, as much as is drained, and what is on the way
    let sent = pouring.await.unwrap();
    assert!((65_536..65_536 + 65_536 + 16_384).contains(&sent), "{sent}");
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    assert_eq!(beto.line().await, "Ana saiu do chat (linhas longas demais).");
}

#[actix_rt::test]
async fn one_byte_at_a_time_over_a_pipe_that_holds_one() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(1);
    ana.send("Ana\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
    ana.send("olá\r\n@beto psiu\n/x\n").await;
    assert_eq!(ana.line().await, "Comando desconhecido: /x. Digite /ajuda.");
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    assert_eq!(beto.line().await, "Ana: olá");
    assert_eq!(beto.line().await, "Ana (privado): psiu");
}

#[actix_rt::test]
async fn the_name_deadline_is_one_minute_whatever_is_said_meanwhile() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    let start = Instant::now();
    for _ in 0..5 {
        sleep(Duration::from_secs(11)).await;
        ana.send("a b\n").await;
    }
    let mut line = String::new();
    while !line.starts_with("Você foi desconectado") {
        line = ana.line().await;
    }
    assert_eq!(line, "Você foi desconectado: nenhum nome informado em 60 segundos.");
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(ana.line().await, "");
}

#[actix_rt::test]
async fn a_member_may_be_silent_for_days() {
    let mut house = House::open(Config::default());
    let mut ana = house.join("Ana").await;
    ana.is_left_alone_for(Duration::from_secs(3 * 24 * 3600)).await;
    ana.send("/ping\n").await;
    assert_eq!(ana.line().await, "Pong! O servidor está respondendo.");
}

#[actix_rt::test]
async fn nothing_more_is_read_from_a_member_who_does_not_read() {
    let mut house = House::open(Config { outbox: 64 * 1024, ..Config::default() });
    let (near, far) = duplex(512);
    house.admit(far);
    let (read, mut write) = tokio::io::split(near);
    let flood = actix_rt::spawn(async move {
        write.write_all(b"Ana\n").await.unwrap();
        write.write_all("/ajuda\n".repeat(1000).as_bytes()).await.unwrap();
        write
    });
    // its answers fill a quarter of the outbox long before this is over
    sleep(Duration::from_secs(60)).await;
    assert!(!flood.is_finished());
    // and the member lives: as soon as it reads, it is read from, and every question is answered
    let mut lines = BufReader::new(read).lines();
    let mut last_lines_of_help = 0;
    while last_lines_of_help < 1000 {
        let line = lines.next_line().await.unwrap().unwrap();
        assert_ne!(line, "Você foi desconectado: leitura lenta demais.");
        last_lines_of_help += usize::from(line.starts_with("  //mensagem"));
    }
    flood.await.unwrap();
}

#[actix_rt::test]
async fn reading_goes_on_when_the_outbox_has_emptied_in_the_same_turn() {
    let mut house = House::open(Config { outbox: 8000, ..Config::default() });
    let mut ana = house.join("Ana").await;
    // a few of the answers are more than a quarter of the outbox, but the pipe takes them all
    ana.send(&"/ajuda\n".repeat(50)).await;
    ana.send("/sair\n").await;
    let mut last_lines_of_help = 0;
    loop {
        let line = ana.line().await;
        if line == "Você saiu do chat." {
            break;
        }
        last_lines_of_help += usize::from(line.starts_with("  //mensagem"));
    }
    assert_eq!(last_lines_of_help, 50);
}

#[actix_rt::test]
async fn a_line_may_be_cut_at_every_byte() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    let line = "olá, “Beto” 👋\r\n".as_bytes();
    for cut in 1..line.len() {
        for part in [&line[..cut], &line[cut..]] {
            ana.stream.write_all(part).await.unwrap();
            // time goes on only when the session has nothing left to read
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(beto.line().await, "Ana: olá, “Beto” 👋");
    }
}

#[actix_rt::test]
async fn a_flood_of_one_member_does_not_keep_the_others_waiting() {
    let mut house = House::open(Config::default());
    let mut ana = house.join("Ana").await;
    let mut beto = house.join("Beto").await;
    let mut witness = house.join("Caio").await;
    ana.send(&"x\n".repeat(1000)).await;
    beto.send("oi\n").await;
    let mut before = 0;
    while witness.line().await != "Beto: oi" {
        before += 1;
    }
    // two turns of Ana's at most
    assert!(before <= 32, "{before}");
}

#[actix_rt::test]
async fn a_peer_who_neither_reads_nor_closes_is_gone_a_second_after_the_last_words() {
    let mut house = House::open(Config::default());
    let (near, far) = duplex(1024);
    let guard = house.admit(far);
    sleep(Duration::from_millis(1)).await;
    house.hub.do_send(Shutdown);
    sleep(Duration::from_millis(900)).await;
    assert_eq!(Arc::strong_count(&guard), 2);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(Arc::strong_count(&guard), 1);
    drop(near);
}

/// Ana, to whom Beto has said more than she may be owed.
async fn somebody_who_does_not_read() -> (House, Person, Person) {
    let mut house = House::open(Config { outbox: 2000, ..Config::default() });
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(100);
    ana.send("Ana\n").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    for _ in 0..20 {
        beto.send(&format!("{}\n", "x".repeat(200))).await;
    }
    (house, ana, beto)
}

#[actix_rt::test]
async fn last_words_wait_a_minute_for_a_member_who_does_not_read() {
    let (_house, mut ana, mut beto) = somebody_who_does_not_read().await;
    let start = Instant::now();
    assert_eq!(beto.line().await, "Ana saiu do chat (leitura lenta demais).");
    assert!(start.elapsed().as_millis() < 100);
    // within the minute she wakes up
    sleep(Duration::from_secs(58)).await;
    let lines = ana.last_lines().await;
    assert_eq!(lines.last().unwrap(), "Você foi desconectado: leitura lenta demais.");
    // what she was owed was forgotten, but for the line that had begun
    assert!(lines.len() <= 3, "{lines:?}");
}

#[actix_rt::test]
async fn after_a_minute_a_member_who_does_not_read_is_given_up() {
    let (_house, mut ana, mut beto) = somebody_who_does_not_read().await;
    assert_eq!(beto.line().await, "Ana saiu do chat (leitura lenta demais).");
    sleep(Duration::from_secs(61)).await;
    assert_ne!(ana.last_lines().await.last().unwrap(), "Você foi desconectado: leitura lenta demais.");
}

#[actix_rt::test]
async fn a_peer_who_pours_on_still_gets_the_last_words() {
    let mut house = House::open(Config::default());
    let (near, far) = duplex(1024);
    let guard = house.admit(far);
    let (read, mut write) = tokio::io::split(near);
    let pouring = actix_rt::spawn(async move { while write.write_all(b"x\n").await.is_ok() {} });
    let mut lines = BufReader::new(read).lines();
    while lines.next_line().await.unwrap().unwrap()
        != "Bem-vindo ao chat, x! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos."
    {}
    house.hub.do_send(Shutdown);
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "O servidor está encerrando.");
    pouring.await.unwrap();
    assert_eq!(Arc::strong_count(&guard), 1);
}

/// A stream whose code is broken: it panics when a certain word comes by, in either direction.
struct Broken(DuplexStream);
impl AsyncRead for Broken {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.0).poll_read(cx, buffer);
        assert!(!buffer.filled().starts_with(b"pane"), "this test panics on purpose");
        poll
    }
}
impl AsyncWrite for Broken {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!bytes.ends_with(b"pane\n"), "this test panics on purpose");
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

async fn panic_in_one_session(who_says_it: &str) {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let (mut ana, far) = duplex(1024);
    house.admit(Broken(far));
    ana.write_all(b"Ana\n").await.unwrap();
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    if who_says_it == "Ana" {
        ana.write_all(b"pane\n").await.unwrap();
    } else {
        beto.send("pane\n").await;
    }
    assert_eq!(beto.line().await, "Ana saiu do chat (conexão perdida).");
    // the name is free, and the house stands
    let mut ana = house.join("Ana").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    beto.send("oi\n").await;
    assert_eq!(ana.line().await, "Beto: oi");
}

#[actix_rt::test]
async fn a_panic_of_one_session_while_it_reads_reaches_the_others_as_a_departure() {
    panic_in_one_session("Ana").await;
}

#[actix_rt::test]
async fn a_panic_of_one_session_while_the_hub_writes_to_it_reaches_the_others_as_a_departure() {
    panic_in_one_session("Beto").await;
}
