//! One session over an in-memory stream, with a clock that stands still unless everybody waits: an hour takes no time,
//! and "after 300 ms" is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use actix::prelude::*;
use papo::chat::registry::SessionId;
use papo::config::Config;
use papo::room::{ChatRoom, Shutdown};
use papo::session::{LINES_PER_TURN, Session, Setup};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex};
use tokio::time::{Instant, sleep, timeout};

const PROMPT: &str = "Informe seu nome para entrar no chat:";

/// How long a test may take in real time. A session that never rests would otherwise hang it.
const REAL_DEADLINE: Duration = Duration::from_secs(60);

/// A room and the sessions that a test starts in it.
struct House {
    _watch: mpsc::Sender<()>,
    room: Addr<ChatRoom>,
    config: Arc<Config>,
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
        House { _watch: watch, room: ChatRoom::default().start(), config: Arc::new(config), sessions: 0 }
    }

    fn setup(&mut self) -> Setup {
        self.sessions += 1;
        Setup {
            id: SessionId(self.sessions),
            peer: "test".to_owned(),
            room: self.room.clone(),
            config: Arc::clone(&self.config),
            guard: Box::new(()),
        }
    }

    /// A person whose connection holds so many bytes in each direction.
    fn connect(&mut self, capacity: usize) -> (Person, Addr<Session<DuplexStream>>) {
        let (near, far) = duplex(capacity);
        let session = Session::new(far, self.setup()).start();
        (Person { stream: BufReader::new(near) }, session)
    }

    async fn join(&mut self, name: &str) -> Person {
        let (mut person, _) = self.connect(64 * 1024);
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

    /// The last line before the end of the connection, whole or not.
    async fn last_line(&mut self) -> String {
        let mut last = String::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return last;
            }
            last = line;
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
    let (mut ana, _session) = house.connect(1024);
    let start = Instant::now();
    assert_eq!(ana.line().await, PROMPT);
    assert!((300..=301).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    // once is enough
    ana.is_left_alone_for(Duration::from_secs(50)).await;
}

#[actix_rt::test]
async fn whoever_speaks_in_time_is_not_asked() {
    let mut house = House::open(Config::default());
    let (mut ana, _session) = house.connect(1024);
    sleep(Duration::from_millis(299)).await;
    ana.send("Ana\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
    ana.is_left_alone_for(Duration::from_secs(3000)).await;
}

#[actix_rt::test]
async fn whoever_is_in_the_middle_of_a_line_is_not_asked() {
    let mut house = House::open(Config::default());
    let (mut ana, _session) = house.connect(1024);
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
    let (mut ana, _session) = house.connect(1024);
    ana.send("Zé").await;
    let start = Instant::now();
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Zé!"));
    assert!((300..=301).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(beto.line().await, "Zé entrou no chat.");
    ana.send("x").await;
    assert_eq!(beto.line().await, "Zé: x");
}

#[actix_rt::test]
async fn one_byte_at_a_time_over_a_pipe_that_holds_one() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let (mut ana, _session) = house.connect(1);
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
    let (mut ana, _session) = house.connect(1024);
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
    let _session = Session::new(far, house.setup()).start();
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
    assert!(before <= 2 * LINES_PER_TURN, "{before}");
}

#[actix_rt::test]
async fn a_peer_who_neither_reads_nor_closes_is_gone_a_second_after_the_last_words() {
    let mut house = House::open(Config::default());
    let (near, far) = duplex(1024);
    let guard = Rc::new(());
    let session = Session::new(far, Setup { guard: Box::new(Rc::clone(&guard)), ..house.setup() }).start();
    sleep(Duration::from_millis(1)).await;
    session.do_send(Shutdown);
    sleep(Duration::from_millis(900)).await;
    assert_eq!(Rc::strong_count(&guard), 2);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(Rc::strong_count(&guard), 1);
    drop(near);
}

#[actix_rt::test]
async fn last_words_wait_a_minute_for_a_member_who_does_not_read() {
    let mut house = House::open(Config { outbox: 2000, ..Config::default() });
    let mut beto = house.join("Beto").await;
    let (mut ana, _session) = house.connect(100);
    ana.send("Ana\n").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    for _ in 0..20 {
        beto.send(&format!("{}\n", "x".repeat(200))).await;
    }
    let start = Instant::now();
    assert_eq!(beto.line().await, "Ana saiu do chat (leitura lenta demais).");
    assert!(start.elapsed().as_millis() < 100);
    // within the minute she wakes up
    sleep(Duration::from_secs(58)).await;
    assert_eq!(ana.last_line().await, "Você foi desconectado: leitura lenta demais.");
}

#[actix_rt::test]
async fn after_a_minute_a_member_who_does_not_read_is_given_up() {
    let mut house = House::open(Config { outbox: 2000, ..Config::default() });
    let mut beto = house.join("Beto").await;
    let (mut ana, _session) = house.connect(100);
    ana.send("Ana\n").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    for _ in 0..20 {
        beto.send(&format!("{}\n", "x".repeat(200))).await;
    }
    assert_eq!(beto.line().await, "Ana saiu do chat (leitura lenta demais).");
    sleep(Duration::from_secs(61)).await;
    assert_ne!(ana.last_line().await, "Você foi desconectado: leitura lenta demais.");
}

#[actix_rt::test]
async fn a_peer_who_pours_on_still_gets_the_last_words() {
    let mut house = House::open(Config::default());
    let (near, far) = duplex(1024);
    let session = Session::new(far, house.setup()).start();
    let (read, mut write) = tokio::io::split(near);
    let pouring = actix_rt::spawn(async move { while write.write_all(b"x\n").await.is_ok() {} });
    let mut lines = BufReader::new(read).lines();
    while lines.next_line().await.unwrap().unwrap()
        != "Bem-vindo ao chat, x! Ainda não há mais ninguém na sala. Digite /ajuda para ver os comandos."
    {}
    session.do_send(Shutdown);
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "O servidor está encerrando.");
    pouring.await.unwrap();
    assert!(!session.connected());
}

#[actix_rt::test]
async fn a_panic_in_one_session_reaches_the_others_as_a_departure() {
    /// A stream whose code is broken: it panics when the word comes by.
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
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }
        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }

    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let (mut ana, far) = duplex(1024);
    Session::new(Broken(far), house.setup()).start();
    ana.write_all(b"Ana\n").await.unwrap();
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    ana.write_all(b"pane\n").await.unwrap();
    assert_eq!(beto.line().await, "Ana saiu do chat (conexão perdida).");
    // the name is free, and the house stands
    let mut ana = house.join("Ana").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    beto.send("oi\n").await;
    assert_eq!(ana.line().await, "Beto: oi");
}
