//! A hub and its sessions, told what happened by a test in place of the room: everybody reads exactly what they should, in
//! order, however it falls into turns; and whole servers with several hubs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix::prelude::*;
use common::{Client, TestServer, config};
use papo::budget::Budget;
use papo::chat::answer::{Answer, Welcome};
use papo::chat::event::{Event, EventKind, Reason, Whispered};
use papo::chat::name::Name;
use papo::chat::registry::{MemberId, SessionId};
use papo::config::Config;
use papo::hub::{Admit, Evict, Hub};
use papo::metrics::Limit;
use papo::room::{ChatRoom, Deliver, HubId, Shutdown};
use papo::session::Speech;
use papo::turn::{Item, Private, Turn};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

const DEADLINE: Duration = Duration::from_secs(20);

const LINES: Speech = Speech::Lines { is_silent: false };

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn event(kind: EventKind, author: Option<u64>) -> Item {
    Item::Event { event: Arc::new(Event { seq: 1, at: SystemTime::UNIX_EPOCH, kind }), author: author.map(SessionId) }
}

fn said(from: &str, text: &str, author: u64) -> Item {
    event(EventKind::Said { from: name(from), text: text.into() }, Some(author))
}

fn welcome(session: u64, as_name: &str) -> Item {
    let welcome = Welcome::new(name(as_name), "e".into());
    Item::To(SessionId(session), Private::Answered(Some(Answer::Welcome(welcome.into()))))
}

fn whispered(from: &str, text: &str, to: u64) -> Item {
    let (from, text) = (name(from), text.into());
    let whispered = Whispered { after: 1, at: SystemTime::UNIX_EPOCH, from, member: MemberId(99), number: 0, text };
    Item::To(SessionId(to), Private::Whispered(whispered))
}

fn budget() -> Arc<Budget> {
    Arc::new(Budget::new(0))
}

/// A hub whose room is there, and silent.
fn hub(config: Config) -> Addr<Hub> {
    Hub::new(HubId(0), ChatRoom::default().start(), Arc::new(config), Arc::default(), budget()).start()
}

async fn deliver(hub: &Addr<Hub>, items: Vec<Item>) {
    hub.send(Deliver(Arc::new(Turn::new(items, u64::MAX)))).await.unwrap();
}

/// The other end of a session over a pipe.
struct Person(BufReader<DuplexStream>);

impl Person {
    async fn connect(hub: &Addr<Hub>, id: u64) -> Person {
        Person::over_pipe(64 * 1024, hub, id).await
    }

    /// A person whose connection holds so many bytes in each direction.
    async fn over_pipe(capacity: usize, hub: &Addr<Hub>, id: u64) -> Person {
        let (near, far) = duplex(capacity);
        let (session, peer, guard) = (SessionId(id), ([127, 0, 0, 1], 1).into(), Box::new(()));
        hub.send(Admit {
            session,
            peer,
            speech: LINES,
            accepted: Instant::now(),
            stream: far,
            guard,
            unnamed: Box::new(()),
        })
        .await
        .unwrap();
        Person(BufReader::new(near))
    }

    async fn say(&mut self, line: &str) {
        self.0.write_all(line.as_bytes()).await.unwrap();
    }

    /// Returns when the session has read the line and done what it can: before that there is no place for as many empty
    /// lines as the pipe holds bytes.
    async fn say_and_see_it_read(&mut self, line: &str, capacity: usize) {
        self.say(line).await;
        let full = vec![b'\n'; capacity];
        timeout(DEADLINE, self.0.write_all(&full)).await.expect("read in time").unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(DEADLINE, self.0.read_line(&mut line)).await.expect("a line in time").unwrap();
        line.trim_end_matches('\n').to_owned()
    }
}

/// Tokio gives a task 128 reads and writes in a row; then every socket seems full. Nobody may be cut for that.
#[actix_rt::test]
async fn whoever_reads_is_not_cut_when_very_many_turns_come_at_once() {
    let hub = hub(Config { outbox: 300, ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (session, peer, guard) = (SessionId(1), ([127, 0, 0, 1], 1).into(), Box::new(()));
    hub.send(Admit { session, peer, speech: LINES, accepted: Instant::now(), stream, guard, unnamed: Box::new(()) })
        .await
        .unwrap();
    deliver(&hub, vec![welcome(1, "Ana")]).await;
    for i in 0..500 {
        hub.do_send(Deliver(Arc::new(Turn::new(vec![said("Beto", &i.to_string(), 2)], u64::MAX))));
    }
    let mut seen = Vec::new();
    let expected: String = (0..500).map(|i| format!("Beto: {i}\n")).collect();
    while !seen.ends_with(b"Beto: 499\n") {
        let read = timeout(DEADLINE, near.read_buf(&mut seen)).await.expect("more in time").unwrap();
        assert!(read > 0, "cut: {}", String::from_utf8_lossy(&seen));
    }
    assert!(String::from_utf8(seen).unwrap().ends_with(&expected));
}

/// With several threads a walk goes on in strides; whoever stops the server must not overtake it.
#[actix_rt::test]
async fn what_was_said_before_a_server_stops_comes_before_the_goodbye() {
    let hub = hub(Config { threads: 2, ..Config::default() });
    let mut people = Vec::new();
    for id in 0..20 {
        people.push(Person::connect(&hub, id).await);
    }
    deliver(&hub, (0..20).map(|id| welcome(id, &format!("p{id}"))).collect()).await;
    hub.do_send(Deliver(Arc::new(Turn::new(vec![said("Ana", "oi", 99)], u64::MAX))));
    hub.do_send(Shutdown);
    for mut person in people {
        let mut all = String::new();
        timeout(DEADLINE, person.0.read_to_string(&mut all)).await.expect("the end in time").unwrap();
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines[lines.len() - 2], "Ana: oi", "{all}");
    }
}

/// A program is told of each of its messages when the journal has it, or has lost it; not before, not twice, in no other order.
#[actix_rt::test]
async fn a_message_is_acknowledged_when_the_journal_has_it_or_has_lost_it() {
    let hub = hub(config());
    let turn = |items: Vec<Item>, written| Turn::new(items, written);
    let own = |seq: u64| {
        let kind = EventKind::Said { from: name("Ana"), text: "oi".into() };
        let event = Event { seq, at: SystemTime::UNIX_EPOCH, kind };
        Item::Event { event: Arc::new(event), author: Some(SessionId(1)) }
    };
    let mut ana = Person::connect(&hub, 1).await;
    // the room does not know her, and does nothing
    ana.say("{\"type\":\"ping\"}\n").await;
    assert!(ana.line().await.contains("hello"));
    assert!(ana.line().await.contains("pong"));
    deliver(&hub, vec![welcome(1, "Ana")]).await;
    assert!(ana.line().await.contains("welcome"));
    for id in ["b", "c", "d", "e", "f"] {
        ana.say(&format!("{{\"type\":\"say\",\"text\":\"oi\",\"id\":\"{id}\"}}\n")).await;
    }
    // they have gone to the room when this is answered
    ana.say("{\"type\":\"ping\"}\n").await;
    let pong = ana.line().await;
    assert!(pong.contains("pong"), "{pong}");
    let ack = |id: &str, seq: u64, kept: &str| {
        format!("{{\"type\":\"ack\",\"id\":\"{id}\",\"seq\":{seq},\"at\":\"1970-01-01T00:00:00.000Z\"{kept}}}")
    };
    for (turn, acks) in [
        (turn(vec![own(2), own(3), own(4)], 1), vec![]),
        (turn(vec![own(5)], 2), vec![ack("b", 2, "")]),
        (turn(vec![], 2).with_lost(4..=4), vec![ack("d", 4, ",\"kept\":false")]),
        (turn(vec![], 5), vec![ack("c", 3, ""), ack("e", 5, "")]),
        (turn(vec![own(6)], 6), vec![ack("f", 6, "")]),
    ] {
        hub.send(Deliver(Arc::new(turn))).await.unwrap();
        for expected in acks {
            assert_eq!(ana.line().await, expected);
        }
        ana.say("{\"type\":\"ping\"}\n").await;
        let pong = ana.line().await;
        assert!(pong.contains("pong"), "{pong}");
    }
    // while the journal fails, not every one waits for it
    let mut too_old = Vec::new();
    for seq in 7..8201 {
        ana.say("{\"type\":\"say\",\"text\":\"oi\"}\n{\"type\":\"ping\"}\n").await;
        let mut pong = ana.line().await;
        // one that is too old comes with the last but one
        while !pong.contains("pong") {
            assert!(seq > 8199, "{pong}");
            too_old.push(pong);
            pong = ana.line().await;
        }
        hub.send(Deliver(Arc::new(turn(vec![own(seq)], 6)))).await.unwrap();
    }
    hub.send(Deliver(Arc::new(turn(vec![], 8200)))).await.unwrap();
    for seq in (7 + too_old.len() as u64)..8201 {
        let kept = if seq < 9 { ",\"kept\":false" } else { "" };
        assert_eq!(ana.line().await, ack("", seq, kept).replace("\"id\":\"\",", ""));
    }
    assert_eq!(too_old, [ack("", 7, ",\"kept\":false").replace("\"id\":\"\",", "")]);
}

/// Somebody must make room who has asked the room for a name, and has no answer yet.
#[actix_rt::test]
async fn whoever_is_about_to_have_a_name_stays_if_it_is_free() {
    const PIPE: usize = 128;
    let arbiter = Arbiter::new();
    let room = ChatRoom::start_in_arbiter(&arbiter.handle(), |_| ChatRoom::default());
    let hub =
        Hub::new(HubId(0), room, Arc::new(Config { rate: 0, ..Config::default() }), Arc::default(), budget()).start();
    let mut beto = Person::connect(&hub, 1).await;
    beto.say("Beto\n").await;
    assert!(beto.line().await.starts_with("Bem-vindo"));
    let mut ana = Person::over_pipe(PIPE, &hub, 2).await;
    let mut also_beto = Person::over_pipe(PIPE, &hub, 3).await;
    // the room does nothing until it may
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    arbiter.spawn_fn(move || may_go_on.recv_timeout(DEADLINE).unwrap());
    ana.say_and_see_it_read("Ana\n", PIPE).await;
    also_beto.say_and_see_it_read("Beto\n", PIPE).await;
    for session in [2, 3] {
        hub.send(Evict(SessionId(session))).await.unwrap();
    }
    go_on.send(()).unwrap();
    assert!(ana.line().await.starts_with("Bem-vindo"));
    assert_eq!(beto.line().await, "Ana entrou no chat.");
    assert_eq!(also_beto.line().await, "Erro: O nome 'Beto' já está em uso.");
    assert!(also_beto.line().await.starts_with("Você foi desconectado: há conexões demais"));
    ana.say("oi\n").await;
    assert_eq!(beto.line().await, "Ana: oi");
    arbiter.stop();
}

/// Two threads share the bound on what is owed to all.
#[actix_rt::test]
async fn the_largest_debtor_of_all_hubs_is_cut_and_nobody_hides_behind_one_who_is_gone() {
    const CUT: &str = "Você foi desconectado: leitura lenta demais.";
    let (room, budget, metrics) = (ChatRoom::default().start(), Arc::new(Budget::new(2400)), Arc::default());
    let [a, b] = [0, 1]
        .map(|id| Hub::new(HubId(id), room.clone(), Arc::default(), Arc::clone(&metrics), Arc::clone(&budget)).start());
    let lines = |count: usize| (0..count).map(|_| said("Zeca", &"x".repeat(93), 77)).collect();
    let mut people = Vec::new();
    for (hub, id) in [(&a, 1), (&b, 2), (&b, 3)] {
        let mut person = Person::over_pipe(64, hub, id).await;
        deliver(hub, vec![welcome(id, &format!("p{id}"))]).await;
        assert!(person.line().await.starts_with("Bem-vindo"));
        people.push(person);
    }
    let [mut ana, mut beto, mut caio] = <[Person; 3]>::try_from(people).ok().unwrap();
    // Ana is owed 2,000 bytes, the others 300 each; their hub is the first one to notice that this is too much
    deliver(&a, lines(20)).await;
    deliver(&b, lines(3)).await;
    assert_eq!(metrics.limits.get(Limit::OutboxTotal), 0);
    deliver(&a, Vec::new()).await;
    assert_eq!(metrics.limits.get(Limit::OutboxTotal), 1);
    while ana.line().await != CUT {}
    drop(ana);
    // none of the others is ever owed as much as she was
    for person in [&mut beto, &mut caio] {
        for _ in 0..3 {
            assert_eq!(person.line().await, format!("Zeca: {}", "x".repeat(93)));
        }
    }
    deliver(&b, lines(13)).await;
    for _ in 0..2 {
        deliver(&a, Vec::new()).await;
        deliver(&b, Vec::new()).await;
    }
    assert_eq!(metrics.limits.get(Limit::OutboxTotal), 2);
}

/// A line that has begun is written to its end, also to somebody who is cut; but not if that is too much for all together.
#[actix_rt::test]
async fn the_rest_of_a_long_line_is_owed_too() {
    let (room, budget, metrics) = (ChatRoom::default().start(), Arc::new(Budget::new(2400)), Arc::default());
    let hub = Hub::new(HubId(0), room, Arc::default(), Arc::clone(&metrics), budget).start();
    let mut ana = Person::over_pipe(64, &hub, 1).await;
    deliver(&hub, vec![welcome(1, "Ana")]).await;
    assert!(ana.line().await.starts_with("Bem-vindo"));
    deliver(&hub, vec![said("Zeca", &"x".repeat(3000), 77)]).await;
    assert_eq!(metrics.owed.get(), 0);
    let mut rest = Vec::new();
    timeout(DEADLINE, ana.0.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.len() < 3000, "{}", rest.len());
}

#[actix_rt::test]
async fn a_crowd_that_comes_or_goes_in_one_turn_is_one_line() {
    let hub = hub(Config::default());
    let mut ana = Person::connect(&hub, 1).await;
    let mut beto = Person::connect(&hub, 2).await;
    deliver(&hub, vec![welcome(1, "Ana")]).await;
    ana.line().await;
    // Beto is one of the forty, and reads of those who came after him
    let crowd: Vec<String> = ["Beto".to_owned()].into_iter().chain((2..=40).map(|i| format!("p{i}"))).collect();
    let mut turn = vec![welcome(2, "Beto")];
    turn.extend(crowd.iter().map(|who| event(EventKind::Joined { name: name(who) }, (who == "Beto").then_some(2))));
    deliver(&hub, turn).await;
    assert_eq!(ana.line().await, "Beto, p2 e mais 38 entraram no chat.");
    assert!(beto.line().await.starts_with("Bem-vindo ao chat, Beto!"));
    assert_eq!(beto.line().await, "p2, p3 e mais 37 entraram no chat.");
    let left = |who: &String| event(EventKind::Left { name: name(who), reason: Reason::Lost }, None);
    deliver(&hub, crowd[1..].iter().map(left).collect()).await;
    for person in [&mut ana, &mut beto] {
        assert_eq!(person.line().await, "p2, p3 e mais 37 saíram do chat.");
    }
}

/// In a rush, notices reach the hub after somebody was welcomed who is told in the welcome who is there.
#[actix_rt::test]
async fn a_newcomer_is_not_told_of_those_who_were_there_already() {
    let hub = hub(Config::default());
    let numbered =
        |seq, kind| Item::Event { event: Arc::new(Event { seq, at: SystemTime::UNIX_EPOCH, kind }), author: None };
    let joined = |seq, who: &str| numbered(seq, EventKind::Joined { name: name(who) });
    let mut ana = Person::connect(&hub, 1).await;
    let mut beto = Person::connect(&hub, 2).await;
    deliver(&hub, vec![welcome(1, "Ana")]).await;
    let beto_welcome = Welcome { others: vec![name("Ana")], after: 5, ..Welcome::new(name("Beto"), "e".into()) };
    let beto_welcome = Answer::Welcome(beto_welcome.into());
    deliver(&hub, vec![Item::To(SessionId(2), Private::Answered(Some(beto_welcome)))]).await;
    deliver(&hub, vec![joined(4, "Caio"), joined(5, "Davi")]).await;
    deliver(&hub, vec![joined(5, "Eva"), joined(7, "Fabi"), joined(8, "Gil")]).await;
    ana.line().await;
    assert!(beto.line().await.starts_with("Bem-vindo ao chat, Beto!"));
    for who in ["Caio", "Davi", "Eva", "Fabi", "Gil"] {
        assert_eq!(ana.line().await, format!("{who} entrou no chat."));
    }
    for who in ["Fabi", "Gil"] {
        assert_eq!(beto.line().await, format!("{who} entrou no chat."));
    }
}

/// What may happen to four people, all of them members, of whom p3 ignores Zeca.
#[derive(Debug, Clone)]
enum Step {
    Say(u64, &'static str),
    SayAsStranger(&'static str),
    Whisper(u64, &'static str),
    Answer(u64),
    /// The end of a turn.
    Pause,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = prop::sample::select(vec!["oi", "tchau", "um texto que é um pouco mais longo do que os outros"]);
    let step = prop_oneof![
        6 => (0u64..4, text.clone()).prop_map(|(who, text)| Step::Say(who, text)),
        2 => text.clone().prop_map(Step::SayAsStranger),
        3 => (0u64..4, text).prop_map(|(who, text)| Step::Whisper(who, text)),
        2 => (0u64..4).prop_map(Step::Answer),
        3 => Just(Step::Pause),
    ];
    prop::collection::vec(step, 0..60)
}

/// Plays the steps; returns what each of the four read, and what each should have read.
async fn play(steps: &[Step]) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let hub = hub(Config::default());
    let mut people = Vec::new();
    for id in 0..4 {
        let mut person = Person::connect(&hub, id).await;
        deliver(&hub, vec![welcome(id, &format!("p{id}"))]).await;
        person.line().await;
        people.push(person);
    }
    people[3].0.write_all("/ignorar Zeca\n".as_bytes()).await.unwrap();
    assert!(people[3].line().await.contains("Zeca"));

    let mut expected = vec![Vec::new(); 4];
    let mut turn = Vec::new();
    for step in steps {
        match *step {
            Step::Say(who, text) => {
                turn.push(said(&format!("p{who}"), text, who));
                for other in (0..4).filter(|other| *other != who as usize) {
                    expected[other].push(format!("p{who}: {text}"));
                }
            }
            Step::SayAsStranger(text) => {
                turn.push(said("Zeca", text, 77));
                expected[..3].iter_mut().for_each(|read| read.push(format!("Zeca: {text}")));
            }
            Step::Whisper(to, text) => {
                turn.push(whispered("Caio", text, to));
                expected[to as usize].push(format!("Caio (privado): {text}"));
            }
            Step::Answer(to) => {
                turn.push(Item::To(SessionId(to), Private::Answered(Some(Answer::NotFound(name("Davi"))))));
                expected[to as usize].push("Usuário não encontrado: Davi.".to_owned());
            }
            Step::Pause => deliver(&hub, std::mem::take(&mut turn)).await,
        }
    }
    turn.push(said("Davi", "é tudo", 78));
    deliver(&hub, turn).await;
    let mut read = Vec::new();
    for (person, expected) in people.iter_mut().zip(&mut expected) {
        expected.push("Davi: é tudo".to_owned());
        let mut lines = Vec::new();
        while lines.last() != expected.last() {
            lines.push(person.line().await);
        }
        read.push(lines);
    }
    (read, expected)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everybody_reads_what_they_should_however_it_falls_into_turns(steps in steps()) {
        let (read, expected) = actix_rt::System::new().block_on(play(&steps));
        prop_assert_eq!(read, expected);
    }
}

/// Several speakers at once, several threads: everybody reads the same order, and each speaker's lines in theirs.
#[test]
fn the_order_is_the_same_for_everybody_whatever_the_number_of_threads() {
    const SPEAKERS: usize = 4;
    const LINES: usize = 500;
    for threads in [1, 2, 3] {
        let server = TestServer::with(Config { threads, ..config() }, ChatRoom::default);
        let mut readers: Vec<Client> = (0..5).map(|i| server.join(&format!("leitor{i}"))).collect();
        let mut speakers: Vec<Client> = (0..SPEAKERS).map(|i| server.join(&format!("p{i}"))).collect();
        let last = format!("p{} entrou no chat.", SPEAKERS - 1);
        readers.iter_mut().chain(&mut speakers[..SPEAKERS - 1]).for_each(|client| client.read_to(&last));
        let spoken: Vec<_> = speakers
            .into_iter()
            .enumerate()
            .map(|(me, mut speaker)| {
                std::thread::spawn(move || {
                    let lines: String = (0..LINES).map(|i| format!("{i}\n")).collect();
                    speaker.send_bytes(lines.as_bytes());
                    (me, (0..(SPEAKERS - 1) * LINES).map(|_| speaker.line()).collect::<Vec<String>>())
                })
            })
            .collect();
        let read = |reader: &mut Client| (0..SPEAKERS * LINES).map(|_| reader.line()).collect::<Vec<String>>();
        let order = read(&mut readers[0]);
        for reader in &mut readers[1..] {
            assert_eq!(read(reader), order);
        }
        for speaker in spoken {
            let (me, seen) = speaker.join().unwrap();
            let of_others: Vec<&String> = order.iter().filter(|line| !line.starts_with(&format!("p{me}:"))).collect();
            assert!(seen.iter().eq(of_others), "p{me} reads another order");
        }
        let mut said: HashMap<&str, usize> = HashMap::new();
        for line in &order {
            let (who, text) = line.split_once(": ").unwrap();
            let next = said.entry(who).or_default();
            assert_eq!(text, next.to_string());
            *next += 1;
        }
    }
}
