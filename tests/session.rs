//! One session over an in-memory stream, with a clock that stands still unless everybody waits: an hour takes no time,
//! and "after 300 ms" is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::time::Duration;

use actix::prelude::*;
use papo::budget::Budget;
use papo::chat::registry::SessionId;
use papo::config::Config;
use papo::hub::{Admit, Evict, Hub};
use papo::room::{ChatRoom, HubId, Shutdown};
use papo::session::Speech;
use papo::transport::Transport;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadBuf, duplex,
};
use tokio::time::{Instant, sleep, timeout};

const PROMPT: &str = "Informe seu nome para entrar no chat:";

/// How long a test may take in real time. A session that never rests would otherwise hang it.
const REAL_DEADLINE: Duration = Duration::from_secs(60);

fn budget() -> Arc<Budget> {
    Arc::new(Budget::new(0))
}

/// Everybody may send as fast as they like.
fn unthrottled() -> Config {
    Config { rate: 0, rate_bytes: 0, ..Config::default() }
}

/// A room, a hub, and the sessions that a test starts there.
struct House {
    _watch: mpsc::Sender<()>,
    hub: Addr<Hub>,
    sessions: u64,
    /// How the next peers speak.
    speech: Speech,
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
        let hub = Hub::new(HubId(0), ChatRoom::default().start(), Arc::new(config), Arc::default(), budget()).start();
        House { _watch: watch, hub, sessions: 0, speech: Speech::Lines { is_silent: false } }
    }

    /// Starts a session on this end of a connection. The guard is dropped when it has ended.
    fn admit<S: Transport + Send>(&mut self, stream: S) -> Arc<()> {
        self.admit_unnamed(stream, Box::new(()))
    }

    /// The same; `unnamed` is dropped when it has a name or is closing.
    fn admit_unnamed<S>(&mut self, stream: S, unnamed: Box<dyn Any + Send>) -> Arc<()>
    where
        S: Transport + Send,
    {
        self.sessions += 1;
        let guard = Arc::new(());
        let (session, peer) = (SessionId(self.sessions), ([127, 0, 0, 1], 1).into());
        let (speech, accepted) = (self.speech, Instant::now());
        let kept = Box::new(Arc::clone(&guard));
        self.hub.do_send(Admit { session, peer, speech, accepted, stream, guard: kept, unnamed });
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
async fn whoever_has_no_name_makes_room_and_whoever_has_one_stays() {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(1024);
    assert_eq!(ana.line().await, PROMPT);
    for session in [1, 2, 3] {
        house.hub.do_send(Evict(SessionId(session)));
    }
    let line =
        "Você foi desconectado: há conexões demais à espera de um nome. Conecte-se de novo e informe o seu logo.";
    assert_eq!(ana.last_lines().await, [line]);
    beto.is_left_alone_for(Duration::from_secs(50)).await;
    beto.send("/ping\n").await;
    assert_eq!(beto.line().await, "Pong! O servidor está respondendo.");
}

#[actix_rt::test]
async fn others_learn_when_a_session_has_a_name_or_is_closing_without_one() {
    let mut house = House::open(Config::default());
    let unnamed: [Arc<()>; 3] = Default::default();
    let [mut ana, mut beto, mut caio] = unnamed.clone().map(|unnamed| {
        let (near, far) = duplex(1024);
        house.admit_unnamed(far, Box::new(unnamed));
        Person { stream: BufReader::new(near) }
    });
    let is_unnamed = || unnamed.clone().map(|unnamed| Arc::strong_count(&unnamed) > 2);
    assert_eq!(is_unnamed(), [true; 3]);
    ana.send("Ana\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    assert_eq!(is_unnamed(), [false, true, true]);
    // closing, though its other side is open still
    beto.send("/sair\n").await;
    assert_eq!(beto.line().await, "Você saiu do chat.");
    assert_eq!(is_unnamed(), [false, false, true]);
    // a name that is taken is none
    caio.send("Ana\n").await;
    assert_eq!(caio.line().await, "Erro: O nome 'Ana' já está em uso.");
    assert_eq!(is_unnamed(), [false, false, true]);
    drop(caio);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(is_unnamed(), [false; 3]);
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
    let mut house = House::open(Config { max_long_lines: 0, ..unthrottled() });
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
    let mut house = House::open(unthrottled());
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
    let mut ana = house.connect(64 * 1024);
    let _beto = house.join("Beto").await;
    let start = Instant::now();
    // something every few seconds: no name, a name that is taken, commands, lines that are none, and half a line
    let said = ["a b\n", "Beto\n", "/ajuda\n", "/idioma en\n", "\n", "c d\n", "/p", "ing\n", "\r\n", "/"];
    for line in said.into_iter().chain(["ping\n", "/"].into_iter().cycle()) {
        sleep(Duration::from_secs(3)).await;
        if start.elapsed() > Duration::from_secs(58) {
            break;
        }
        ana.send(line).await;
    }
    let lines = ana.last_lines().await;
    assert_eq!(lines.last().unwrap(), "You were disconnected: no name given in 60 seconds.");
    assert_eq!(start.elapsed().as_secs(), 60);
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
    let mut house = House::open(Config { outbox: 64 * 1024, outbox_time: Duration::ZERO, ..unthrottled() });
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
    let mut house = House::open(unthrottled());
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
async fn above_ten_lines_at_once_two_a_second_are_read() {
    let mut house = House::open(Config::default());
    let mut witness = house.join("Caio").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(witness.line().await, "Ana entrou no chat.");
    let start = Instant::now();
    ana.send(&"x\n".repeat(20)).await;
    // the name was the first of the ten
    for line in 0..20u64 {
        assert_eq!(witness.line().await, "Ana: x");
        let due = 500 * line.saturating_sub(8);
        assert!((due..=due + 5).contains(&(start.elapsed().as_millis() as u64)), "{line}: {:?}", start.elapsed());
    }
    assert_eq!(ana.line().await, "Você está enviando rápido demais: as próximas linhas chegarão aos poucos.");
    ana.is_left_alone_for(Duration::from_secs(100)).await;
    // after a rest, ten more
    let start = Instant::now();
    ana.send(&"y\n".repeat(10)).await;
    for _ in 0..10 {
        assert_eq!(witness.line().await, "Ana: y");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[actix_rt::test]
async fn ten_lines_at_once_are_not_remarked_upon() {
    let mut house = House::open(Config::default());
    let mut ana = house.join("Ana").await;
    // the name was the first of the ten
    ana.send(&"x\n".repeat(9)).await;
    ana.is_left_alone_for(Duration::from_secs(10)).await;
    // and one token is back after the next nine, so nothing waits
    ana.send(&"x\n".repeat(9)).await;
    sleep(Duration::from_secs(1)).await;
    ana.send("x\n").await;
    ana.is_left_alone_for(Duration::from_secs(10)).await;
}

#[actix_rt::test]
async fn whoever_keeps_exactly_to_the_rate_is_never_cut() {
    let mut house = House::open(Config::default());
    let mut witness = house.join("Caio").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(witness.line().await, "Ana entrou no chat.");
    ana.send(&"x\n".repeat(9)).await;
    for _ in 0..9 {
        assert_eq!(witness.line().await, "Ana: x");
    }
    for _ in 0..1000 {
        ana.send("x\n").await;
        assert_eq!(witness.line().await, "Ana: x");
        sleep(Duration::from_millis(500)).await;
    }
    ana.is_left_alone_for(Duration::from_secs(10)).await;
}

/// Where each read is a message, what waits in the kernel would become one.
#[actix_rt::test]
async fn messages_without_line_ends_stay_apart_while_they_wait_for_their_turn() {
    let mut house = House::open(Config::default());
    let mut caio = house.join("Caio").await;
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(1024);
    ana.send("Ana").await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    for i in 0..10 {
        ana.send(&format!("mensagem {i}")).await;
        sleep(Duration::from_millis(100)).await;
        ana.send(&format!("@beto segredo {i}")).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(caio.line().await, "Beto entrou no chat.");
    for person in [&mut caio, &mut beto] {
        assert_eq!(person.line().await, "Ana entrou no chat.");
    }
    for i in 0..10 {
        assert_eq!(caio.line().await, format!("Ana: mensagem {i}"));
        assert_eq!(beto.line().await, format!("Ana: mensagem {i}"));
        assert_eq!(beto.line().await, format!("Ana (privado): segredo {i}"));
    }
}

#[actix_rt::test]
async fn a_mistake_counts_as_two_lines() {
    let mut house = House::open(Config::default());
    let mut all = Vec::new();
    for (name, line, expected) in [("Ana", "/ping", 9), ("Beto", "/nada", 5), ("Caio", "@Zeca oi", 5)] {
        // the name was the first of the ten
        let mut person = house.join(name).await;
        person.send(&format!("{line}\n").repeat(30)).await;
        let start = Instant::now();
        let mut at_once = 0;
        loop {
            person.line().await;
            if !start.elapsed().is_zero() {
                break;
            }
            at_once += 1;
        }
        assert_eq!(at_once, expected, "{line}");
        all.push(person);
    }
}

#[actix_rt::test]
async fn whoever_floods_for_300_seconds_without_a_rest_is_cut() {
    let mut house = House::open(Config::default());
    let mut witness = house.join("Caio").await;
    let mut ana = house.join("Ana").await;
    let (start, mut said) = (Instant::now(), 0);
    ana.send(&"x\n".repeat(1000)).await;
    assert_eq!(witness.line().await, "Ana entrou no chat.");
    loop {
        match witness.line().await.as_str() {
            "Ana: x" => said += 1,
            notice => break assert_eq!(notice, "Ana saiu do chat (mensagens demais)."),
        }
    }
    assert!((300..=301).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert!((600..=615).contains(&said), "{said}");
    assert_eq!(ana.last_lines().await[1..], ["Você foi desconectado: mensagens demais."]);
}

#[actix_rt::test]
async fn whoever_leaves_with_the_last_line_of_a_burst_is_not_told_of_the_next_ones() {
    let mut house = House::open(Config::default());
    let mut ana = house.join("Ana").await;
    // with the name, ten
    ana.send(&format!("{}/sair\n", "x\n".repeat(8))).await;
    assert_eq!(ana.last_lines().await, ["Você saiu do chat."]);
}

#[actix_rt::test]
async fn whoever_sends_no_line_ends_and_rests_after_a_burst_is_not_cut() {
    let mut house = House::open(Config { rate_burst: 2, ..Config::default() });
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(64 * 1024);
    ana.send("Ana").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    // a long message, which silence ends, and with it the burst
    let long = "x".repeat(1000);
    ana.send(&long).await;
    assert_eq!(beto.line().await, format!("Ana: {long}"));
    sleep(Duration::from_secs(400)).await;
    ana.send("oi").await;
    assert_eq!(beto.line().await, "Ana: oi");
}

#[actix_rt::test]
async fn whoever_catches_up_before_300_seconds_is_not_cut() {
    let mut house = House::open(Config::default());
    let mut witness = house.join("Caio").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(witness.line().await, "Ana entrou no chat.");
    for _ in 0..3 {
        ana.send(&"x\n".repeat(500)).await;
        for _ in 0..500 {
            assert_eq!(witness.line().await, "Ana: x");
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(ana.line().await, "Você está enviando rápido demais: as próximas linhas chegarão aos poucos.");
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
    let mut house = House::open(Config { outbox: 2000, ..unthrottled() });
    let mut beto = house.join("Beto").await;
    let mut ana = house.connect(100);
    ana.send("Ana\n").await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    for _ in 0..20 {
        beto.send(&format!("{}\n", "x".repeat(200))).await;
    }
    (house, ana, beto)
}

/// Ana's connection holds 100 bytes, and she is owed more than may be for long, though less than may be at all.
async fn somebody_who_lags() -> (House, Person, Person) {
    let mut house = House::open(Config { outbox_soft: 2000, ..unthrottled() });
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
async fn whoever_is_behind_for_30_seconds_is_cut() {
    let (_house, mut ana, mut beto) = somebody_who_lags().await;
    let start = Instant::now();
    assert_eq!(beto.line().await, "Ana saiu do chat (leitura lenta demais).");
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(ana.last_lines().await.last().unwrap(), "Você foi desconectado: leitura lenta demais.");
}

#[actix_rt::test]
async fn whoever_catches_up_within_30_seconds_is_not_cut_and_misses_nothing() {
    let (_house, mut ana, mut beto) = somebody_who_lags().await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    for _ in 0..3 {
        sleep(Duration::from_secs(29)).await;
        for _ in 0..20 {
            assert_eq!(ana.line().await, format!("Beto: {}", "x".repeat(200)));
        }
        for _ in 0..20 {
            beto.send(&format!("{}\n", "x".repeat(200))).await;
        }
    }
    sleep(Duration::from_millis(1)).await;
    ana.send("oi\n").await;
    beto.is_left_alone_for(Duration::from_secs(1)).await;
    // what she says is read when she has read
    for _ in 0..20 {
        ana.line().await;
    }
    assert_eq!(beto.line().await, "Ana: oi");
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
    let mut house = House::open(unthrottled());
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

/// The process is stopped for an hour, and goes on: every timer is over before anything is read that came meanwhile.
async fn the_server_stands_still_for_an_hour() {
    tokio::time::advance(Duration::from_secs(3600)).await;
    sleep(Duration::from_millis(1)).await;
}

#[actix_rt::test]
async fn whoever_gives_a_name_while_the_server_stands_still_gets_in() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    let mut silent = house.connect(1024);
    assert_eq!([ana.line().await, silent.line().await], [PROMPT; 2]);
    the_server_stands_still_for_an_hour().await;
    let start = Instant::now();
    ana.send("Ana\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    // it is not for ever
    assert_eq!(silent.line().await, "Você foi desconectado: nenhum nome informado em 60 segundos.");
    assert!(start.elapsed() <= Duration::from_secs(60), "{:?}", start.elapsed());
}

#[actix_rt::test]
async fn a_line_that_goes_on_while_the_server_stands_still_is_one_line() {
    let mut house = House::open(Config::default());
    let mut ana = house.connect(1024);
    ana.send("An").await;
    sleep(Duration::from_millis(1)).await;
    the_server_stands_still_for_an_hour().await;
    ana.send("a\n").await;
    assert!(ana.line().await.starts_with("Bem-vindo ao chat, Ana!"));
}

#[actix_rt::test]
async fn whoever_waits_for_a_token_while_the_server_stands_still_is_not_cut() {
    let mut house = House::open(Config::default());
    let mut witness = house.join("Caio").await;
    let mut ana = house.join("Ana").await;
    assert_eq!(witness.line().await, "Ana entrou no chat.");
    ana.send(&"x\n".repeat(30)).await;
    for _ in 0..12 {
        assert_eq!(witness.line().await, "Ana: x");
    }
    the_server_stands_still_for_an_hour().await;
    for _ in 0..18 {
        assert_eq!(witness.line().await, "Ana: x");
    }
}

#[actix_rt::test]
async fn whoever_reads_slowly_while_the_server_stands_still_is_not_cut() {
    let (_house, mut ana, mut beto) = somebody_who_lags().await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    sleep(Duration::from_secs(1)).await;
    the_server_stands_still_for_an_hour().await;
    for _ in 0..20 {
        assert_eq!(ana.line().await, format!("Beto: {}", "x".repeat(200)));
    }
    beto.is_left_alone_for(Duration::from_secs(100)).await;
}

/// A stream whose code panics when a certain word comes by, in either direction.
struct Faulty {
    stream: DuplexStream,
    log: Arc<Log>,
}

/// What a test knows of such a stream.
#[derive(Default)]
struct Log {
    /// Whether the peer is gone.
    is_unanswered: AtomicBool,
    /// How often the peer's system was to be told that something has arrived.
    acks: AtomicUsize,
    /// The most bytes for which there was room when it was read.
    largest_read: AtomicUsize,
}
impl Faulty {
    fn new(stream: DuplexStream) -> Faulty {
        Faulty { stream, log: Arc::default() }
    }
}
impl AsyncRead for Faulty {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.log.largest_read.fetch_max(buffer.remaining(), Ordering::Relaxed);
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        assert!(!buffer.filled().starts_with(b"pane"), "this test panics on purpose");
        poll
    }
}
impl Transport for Faulty {
    fn is_unanswered(&self) -> bool {
        self.log.is_unanswered.load(Ordering::Relaxed)
    }

    fn send_ack(&self) {
        self.log.acks.fetch_add(1, Ordering::Relaxed);
    }
}
impl AsyncWrite for Faulty {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        assert!(!bytes.ends_with(b"pane\n"), "this test panics on purpose");
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn panic_in_one_session(who_says_it: &str) {
    let mut house = House::open(Config::default());
    let mut beto = house.join("Beto").await;
    let (mut ana, far) = duplex(1024);
    house.admit(Faulty::new(far));
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

/// Somebody in the room over such a stream, which holds so many bytes in each direction.
async fn join_over_faulty(house: &mut House, name: &str, capacity: usize) -> (Person, Arc<Log>) {
    let (near, far) = duplex(capacity);
    let stream = Faulty::new(far);
    let log = Arc::clone(&stream.log);
    house.admit(stream);
    let mut person = Person { stream: BufReader::new(near) };
    person.send(&format!("{name}\n")).await;
    assert!(person.line().await.starts_with("Bem-vindo"));
    (person, log)
}

#[actix_rt::test]
async fn a_line_is_acknowledged_when_the_others_have_it_unless_something_is_written_anyway() {
    let mut house = House::open(unthrottled());
    let mut beto = house.join("Beto").await;
    let (mut ana, log) = join_over_faulty(&mut house, "Ana", 4096).await;
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    let mut expected = 0;
    for (line, read, is_acknowledged) in [
        ("oi", "Ana: oi", true),
        ("@Beto psiu", "Ana (privado): psiu", true),
        ("/nome Iara", "Ana agora é Iara.", false),
        ("tchau", "Iara: tchau", true),
    ] {
        ana.send(&format!("{line}\n")).await;
        assert_eq!(beto.line().await, read);
        expected += usize::from(is_acknowledged);
        assert_eq!(log.acks.load(Ordering::Relaxed), expected, "{line}");
    }
    // what has nothing to do with what she sent tells her all the same
    ana.send("/ping\n").await;
    beto.send("oi\n").await;
    for line in ["Ana agora é Iara.", "Pong! O servidor está respondendo.", "Beto: oi"] {
        assert_eq!(ana.line().await, line);
    }
    beto.send("oi\n").await;
    assert_eq!(ana.line().await, "Beto: oi");
    assert_eq!(log.acks.load(Ordering::Relaxed), expected);
}

#[actix_rt::test]
async fn however_much_several_people_pour_it_is_read_in_small_pieces() {
    const CAPACITY: usize = 256 * 1024;
    const LINES: usize = CAPACITY / "0000000\n".len();
    let poured: String = (0..LINES).map(|line| format!("{line:07}\n")).collect();
    let mut house = House::open(unthrottled());
    let mut people = Vec::new();
    for name in ["Ana", "Beto", "Caio", "Duda"] {
        people.push(join_over_faulty(&mut house, name, CAPACITY).await);
    }
    let mut reader = house.join("Eva").await;
    for (person, _) in &mut people {
        person.send(&poured).await;
        // what is written to somebody who does not read would keep them from being read
        let near = std::mem::replace(&mut person.stream, BufReader::new(duplex(1).0)).into_inner();
        actix_rt::spawn(async move { tokio::io::copy(&mut { near }, &mut tokio::io::sink()).await });
    }
    for _ in 0..people.len() * LINES {
        assert!(!reader.line().await.is_empty());
    }
    let largest = people.iter().map(|(_, log)| log.largest_read.load(Ordering::Relaxed)).max().unwrap();
    assert!((8 * 1024..=32 * 1024).contains(&largest), "{largest}");
}

#[actix_rt::test]
async fn whoever_is_silent_is_probed_when_somebody_asks_for_the_name() {
    const TAKEN: &str = "Erro: O nome 'Ana' já está em uso.";
    const PROBED: &str = "Talvez a conexão de Ana tenha caído. Estou verificando: tente de novo em alguns segundos.";
    const WANTED: &str = "Alguém pediu o seu nome. Se você está lendo isto, ele continua seu.";
    let seconds = Duration::from_secs;
    let mut house = House::open(Config { name_deadline: Duration::ZERO, ..unthrottled() });
    let (mut ana, log) = join_over_faulty(&mut house, "Ana", 4096).await;
    let mut again = house.connect(1024);

    // not if something was heard lately
    sleep(seconds(9)).await;
    ana.send("/ping\n").await;
    ana.line().await;
    sleep(seconds(9)).await;
    assert_eq!(again.line().await, PROMPT);
    again.send("ANA\n").await;
    assert_eq!(again.line().await, "Erro: O nome 'ANA' já está em uso.");
    assert_eq!(again.line().await, PROMPT);
    ana.is_left_alone_for(seconds(1)).await;

    // she is there, and stays
    sleep(seconds(1)).await;
    again.send("Ana\n").await;
    assert_eq!([again.line().await, again.line().await], [TAKEN, PROBED]);
    assert_eq!(ana.line().await, WANTED);
    sleep(seconds(6)).await;

    // once a minute is enough
    assert_eq!(again.line().await, PROMPT);
    again.send("Ana\n").await;
    assert_eq!([again.line().await, again.line().await], [TAKEN, PROMPT]);
    sleep(seconds(60)).await;
    again.send("Beto\n").await;
    assert!(again.line().await.starts_with("Bem-vindo"));
    assert_eq!(ana.line().await, "Beto entrou no chat.");
    // also for a member who wants another name; and this time she is gone
    log.is_unanswered.store(true, Ordering::Relaxed);
    again.send("/nome Ana\n").await;
    let start = Instant::now();
    assert_eq!([again.line().await, again.line().await], [TAKEN, PROBED]);
    assert_eq!(again.line().await, "Ana saiu do chat (conexão perdida).");
    assert_eq!(start.elapsed().as_secs(), 5);
    again.send("/nome Ana\n").await;
    assert_eq!(again.line().await, "Beto agora é Ana.");
}

/// A frame as a server sends it: its first byte and its payload.
async fn frame(socket: &mut DuplexStream) -> (u8, String) {
    let mut head = [0; 2];
    timeout(Duration::from_secs(3600), socket.read_exact(&mut head)).await.expect("a frame").unwrap();
    let mut length = [0, head[1]];
    if head[1] == 126 {
        socket.read_exact(&mut length).await.unwrap();
    }
    let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
    socket.read_exact(&mut payload).await.unwrap();
    (head[0], String::from_utf8_lossy(&payload).into_owned())
}

const PING: u8 = 0x89;
/// A pong with a mask, as a client sends it.
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];

#[actix_rt::test]
async fn a_socket_is_pinged_when_it_is_silent_and_lives_as_long_as_it_answers() {
    let mut house = House::open(Config { name_deadline: Duration::ZERO, ..unthrottled() });
    house.speech = Speech::WebSocket;
    let (mut near, far) = duplex(4096);
    house.admit(far);
    assert!(frame(&mut near).await.1.contains("hello"));
    let start = Instant::now();
    for minute in 1..60 {
        assert_eq!(frame(&mut near).await, (PING, String::new()));
        assert_eq!(start.elapsed().as_secs(), 60 * minute);
        near.write_all(PONG).await.unwrap();
    }
    // whoever speaks is not pinged
    for _ in 0..10 {
        sleep(Duration::from_secs(50)).await;
        near.write_all(PONG).await.unwrap();
    }
    let spoke = Instant::now();
    assert_eq!(frame(&mut near).await, (PING, String::new()));
    assert_eq!(spoke.elapsed().as_secs(), 60);
    let bye = frame(&mut near).await.1;
    assert!(bye.contains(r#""type":"bye","reason":"timed-out""#), "{bye}");
    assert_eq!(spoke.elapsed().as_secs(), 90);
    assert_eq!(frame(&mut near).await.0, 0x88);
}

#[actix_rt::test]
async fn people_and_programs_on_lines_are_never_pinged() {
    let mut house = House::open(unthrottled());
    let mut ana = house.join("Ana").await;
    let mut program = house.connect(4096);
    program.send("{\"type\":\"join\",\"name\":\"Beto\"}\n").await;
    for expected in ["hello", "welcome"] {
        assert!(program.line().await.contains(expected));
    }
    assert_eq!(ana.line().await, "Beto entrou no chat.");
    sleep(Duration::from_secs(3600)).await;
    ana.send("oi\n").await;
    assert!(program.line().await.contains(r#""text":"oi""#));
}

#[actix_rt::test]
async fn a_socket_without_a_name_has_its_deadline_from_when_it_was_accepted() {
    let mut house = House::open(unthrottled());
    house.speech = Speech::WebSocket;
    let (mut near, far) = duplex(4096);
    house.admit(far);
    let start = Instant::now();
    assert!(frame(&mut near).await.1.contains("hello"));
    let bye = loop {
        match frame(&mut near).await {
            (PING, _) => near.write_all(PONG).await.unwrap(),
            (_, text) => break text,
        }
    };
    assert!(bye.contains(r#""type":"bye","reason":"timed-out""#), "{bye}");
    assert_eq!(start.elapsed().as_secs(), 60);
}
