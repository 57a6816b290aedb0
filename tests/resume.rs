//! Coming back: programs whose connection is lost are the same member when they prove it, and nothing is lost or said twice.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use common::{Client, TestServer, config, wait_until};
use papo::chat::name::Name;
use papo::chat::token::{TOKEN_BYTES, Token};
use papo::config::Config;
use papo::journal::{Journal, KeptWhisper, Options, Recipient, Whisper};
use papo::room::{ChatRoom, Past};
use serde_json::{Value, json};

/// Nobody is told of a loss within the time of a test, nor is a name free.
fn patient() -> TestServer {
    let config = Config { grace: Duration::from_secs(3600), resume_window: Duration::from_secs(7200), ..config() };
    TestServer::with(config, ChatRoom::default)
}

/// A loss is told at once, and the name stays reserved.
fn hasty() -> TestServer {
    TestServer::with(Config { grace: Duration::ZERO, ..config() }, ChatRoom::default)
}

/// A program, and what it knows.
struct Program {
    client: Client,
    welcome: Value,
}

impl Program {
    fn join(server: &TestServer, name: &str) -> Program {
        Program::come(server, json!({ "type": "join", "name": name }))
    }

    fn come(server: &TestServer, join: Value) -> Program {
        Program::come_by(server.connect(), join)
    }

    /// Comes in from 127.0.0.so-much.
    fn join_from(server: &TestServer, last: u8, name: &str) -> Program {
        let client = Client::connect_from([127, 0, 0, last], server.address);
        Program::come_by(client, json!({ "type": "join", "name": name }))
    }

    fn come_by(mut client: Client, join: Value) -> Program {
        client.send(&join.to_string());
        assert_eq!(client.object()["type"], "hello");
        let welcome = client.object();
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        assert_eq!(welcome["token"].as_str().map(str::len), Some(64), "{welcome}");
        Program { client, welcome }
    }

    /// Comes back, and knows everything up to this event and this whisper.
    fn come_back(server: &TestServer, welcome: &Value, seq: u64, whispers: u64) -> Program {
        Program::come(server, Program::return_of(welcome, seq, whispers))
    }

    fn return_of(welcome: &Value, seq: u64, whispers: u64) -> Value {
        json!({ "type": "join", "name": welcome["name"], "token": welcome["token"], "epoch": welcome["epoch"],
            "seq": seq, "whispers": whispers })
    }

    fn seq(&self) -> u64 {
        self.welcome["seq"].as_u64().unwrap()
    }

    #[track_caller]
    fn next(&mut self) -> Value {
        self.client.object()
    }

    /// Types and texts of the next objects.
    #[track_caller]
    fn expect(&mut self, expected: &[(&str, &str)]) {
        for (kind, text) in expected {
            let object = self.next();
            assert_eq!((&object["type"], &object["text"]), (&json!(kind), &json!(text)), "{object}");
        }
    }

    fn send(&mut self, object: Value) {
        self.client.send(&object.to_string());
    }

    /// Says something, and the number that it is acknowledged with.
    #[track_caller]
    fn say(&mut self, id: &str, text: &str) -> u64 {
        self.send(json!({ "type": "say", "id": id, "text": text }));
        let ack = self.next();
        assert_eq!((&ack["type"], &ack["id"]), (&json!("ack"), &json!(id)), "{ack}");
        ack["seq"].as_u64().unwrap()
    }

    /// The connection breaks, as if a cable were pulled and the other side found out.
    fn lose(self) -> Value {
        self.client.reset();
        self.welcome
    }

    /// Nothing has been sent that was not read.
    #[track_caller]
    fn expect_nothing(&mut self) {
        self.send(json!({ "type": "ping" }));
        let next = self.next();
        assert_eq!(next["type"], "pong", "{next}");
    }
}

/// Beto whispers to Ana, and is told so.
#[track_caller]
fn whisper_to_ana(beto: &mut Program, text: &str) {
    beto.send(json!({ "type": "whisper", "to": "Ana", "text": text }));
    let ack = beto.next();
    assert_eq!(ack["type"], "ack", "{ack}");
}

/// The error by which a join is refused.
fn refusal(server: &TestServer, join: Value) -> Value {
    let mut client = server.connect();
    client.send(&join.to_string());
    assert_eq!(client.object()["type"], "hello");
    client.object()["code"].clone()
}

#[test]
fn whoever_comes_back_is_the_same_member_and_nobody_hears_of_it() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut ana = Program::join(&server, "Ana");
    assert_eq!(beto.next()["type"], "joined");
    assert_eq!(ana.say("1", "oi"), 3);
    beto.expect(&[("said", "oi")]);
    let known = ana.lose();
    // it is still there for the others
    assert_eq!(beto.say("1", "ainda aí?"), 4);
    let mut ana = Program::come_back(&server, &known, 3, 0);
    let welcome = &ana.welcome;
    assert_eq!(
        (&welcome["resumed"], &welcome["name"], &welcome["token"]),
        (&json!(true), &json!("Ana"), &known["token"])
    );
    assert_eq!((welcome.get("gap"), &welcome["others"]), (None, &json!(["Beto"])));
    ana.expect(&[("said", "ainda aí?")]);
    ana.say("2", "estou");
    beto.expect(&[("said", "estou")]);
    beto.expect_nothing();
    ana.expect_nothing();
    beto.send(json!({ "type": "who" }));
    assert_eq!(beto.next()["names"], json!(["Beto", "Ana"]));
}

#[test]
fn a_connection_that_nobody_has_closed_is_replaced() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut half_dead = Program::join(&server, "Ana");
    assert_eq!(beto.next()["type"], "joined");
    let (known, seq) = (half_dead.welcome.clone(), half_dead.seq() + 1);
    for _ in 0..3 {
        let mut ana = Program::come_back(&server, &known, seq, 0);
        let bye = half_dead.next();
        assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("replaced")));
        half_dead.client.expect_end();
        ana.expect_nothing();
        half_dead = ana;
    }
    half_dead.say("1", "oi");
    beto.expect(&[("said", "oi")]);
    beto.expect_nothing();
}

#[test]
fn exactly_what_was_missed_ones_own_words_included_and_then_what_happens() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let ana = Program::join(&server, "Ana");
    let seq = ana.seq();
    beto.next();
    let known = ana.lose();
    let last = (0..100).map(|i| beto.say(&format!("b{i}"), &format!("{i}"))).last().unwrap();
    let mut ana = Program::come_back(&server, &known, seq, 0);
    assert_eq!(ana.welcome["seq"], last);
    // it does not know of its own arrival yet
    assert_eq!(ana.next()["type"], "joined");
    for i in 0..100 {
        let event = ana.next();
        assert_eq!((&event["seq"], &event["text"]), (&json!(seq + 2 + i), &json!(i.to_string())));
    }
    beto.say("live", "ao vivo");
    ana.expect(&[("said", "ao vivo")]);
    ana.expect_nothing();
}

#[test]
fn a_message_that_is_sent_again_is_said_once() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut ana = Program::join(&server, "Ana");
    beto.next();
    let first = ana.say("m1", "oi");
    assert_eq!(ana.say("m1", "oi"), first);
    // on the same line as another one, in the order in which they were sent
    ana.send(json!({ "type": "say", "id": "m2", "text": "tchau" }));
    ana.send(json!({ "type": "say", "id": "m1", "text": "oi" }));
    ana.send(json!({ "type": "act", "id": "m3", "text": "acena" }));
    let acks: Vec<_> = (0..3).map(|_| ana.next()).map(|ack| (ack["id"].clone(), ack["seq"].clone())).collect();
    assert_eq!(acks, [("m2", first + 1), ("m1", first), ("m3", first + 2)].map(|(id, seq)| (json!(id), json!(seq))));
    let known = ana.lose();
    let mut ana = Program::come_back(&server, &known, first + 2, 0);
    assert_eq!((ana.say("m2", "tchau"), ana.say("m4", "voltei")), (first + 1, first + 3));
    beto.expect(&[("said", "oi"), ("said", "tchau"), ("acted", "acena"), ("said", "voltei")]);
    beto.expect_nothing();
    // the ids of one member mean nothing for another one, nor for one without a token of that member
    assert_eq!(beto.say("m1", "eu também"), first + 4);
    ana.expect(&[("said", "eu também")]);
}

#[test]
fn a_whisper_that_is_sent_again_is_read_once() {
    let server = patient();
    let mut ana = Program::join(&server, "Ana");
    let mut beto = Program::join(&server, "Beto");
    ana.next();
    for _ in 0..2 {
        ana.send(json!({ "type": "whisper", "id": "w1", "to": "beto", "text": "psiu" }));
        assert_eq!(ana.next(), json!({ "type": "ack", "id": "w1" }));
    }
    let whispered = beto.next();
    assert_eq!((&whispered["type"], &whispered["number"]), (&json!("whispered"), &json!(1)));
    beto.expect_nothing();
    // one that nobody got is another try
    for expected in ["error", "error"] {
        ana.send(json!({ "type": "whisper", "id": "w2", "to": "caio", "text": "psiu" }));
        assert_eq!(ana.next()["type"], expected);
    }
    let _caio = Program::join(&server, "Caio");
    ana.next();
    ana.send(json!({ "type": "whisper", "id": "w2", "to": "caio", "text": "psiu" }));
    assert_eq!(ana.next()["type"], "ack");
}

#[test]
fn whispers_that_were_missed_come_to_their_one_reader_and_can_be_answered() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut ana = Program::join(&server, "Ana");
    let seq = ana.seq() + 1;
    beto.next();
    let whisper = |beto: &mut Program, text: &str| {
        beto.send(json!({ "type": "whisper", "to": "Ana", "text": text }));
        assert_eq!(beto.next()["type"], "ack");
    };
    whisper(&mut beto, "um");
    assert_eq!(ana.next()["number"], 1);
    let known = ana.lose();
    whisper(&mut beto, "dois");
    whisper(&mut beto, "três");
    beto.say("1", "a todos");
    let mut ana = Program::come_back(&server, &known, seq, 1);
    assert_eq!(ana.welcome["whispers"], 1);
    ana.expect(&[("said", "a todos"), ("whispered", "dois"), ("whispered", "três")]);
    ana.send(json!({ "type": "reply", "id": "r", "text": "ouvi" }));
    assert_eq!(ana.next()["type"], "ack");
    beto.expect(&[("whispered", "ouvi")]);
    // whoever was lost is answered, too, though it is another connection by now
    let beto_knows = beto.lose();
    let mut beto = Program::come_back(&server, &beto_knows, seq + 1, 1);
    ana.send(json!({ "type": "reply", "text": "de novo" }));
    assert_eq!(ana.next()["type"], "ack");
    beto.expect(&[("whispered", "de novo")]);
    // somebody else by whatever name and place gets none of it
    let mut zeca =
        Program::come(&server, json!({ "type": "join", "name": "Zeca", "epoch": known["epoch"], "seq": seq }));
    zeca.expect(&[("said", "a todos")]);
    zeca.expect_nothing();
}

#[test]
fn a_reply_goes_to_whoever_whispered_last_before_the_connection_was_lost() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut ana = Program::join(&server, "Ana");
    beto.next();
    beto.send(json!({ "type": "whisper", "to": "Ana", "text": "vem?" }));
    assert_eq!(beto.next()["type"], "ack");
    ana.expect(&[("whispered", "vem?")]);
    let reply = json!({ "type": "reply", "id": "r1", "text": "vou" });
    ana.send(reply.clone());
    beto.expect(&[("whispered", "vou")]);
    let (seq, known) = (ana.seq() + 1, ana.lose());
    let mut ana = Program::come_back(&server, &known, seq, 1);
    // she has not read that it arrived
    ana.send(reply);
    let ack = ana.next();
    assert_eq!((&ack["type"], &ack["id"]), (&json!("ack"), &json!("r1")), "{ack}");
    ana.send(json!({ "type": "reply", "id": "r2", "text": "às dez" }));
    assert_eq!(ana.next()["type"], "ack");
    beto.expect(&[("whispered", "às dez")]);
    beto.expect_nothing();
    // what she does not know of is not what she replies to
    let known = ana.lose();
    let mut ana = Program::come_back(&server, &known, seq, 0);
    ana.expect(&[("whispered", "vem?")]);
    // and nobody replies to whom they ignore
    let known = ana.lose();
    let mut join = Program::return_of(&known, seq, 1);
    join["ignore"] = json!(["Beto"]);
    let mut ana = Program::come(&server, join);
    ana.send(json!({ "type": "reply", "text": "oi" }));
    assert_eq!(ana.next()["code"], "nobody_to_reply_to");
}

#[test]
fn however_much_was_missed_whoever_comes_back_is_not_cut_for_it() {
    const MESSAGES: usize = 250;
    let server = TestServer::with(
        Config {
            outbox: 64 * 1024,
            grace: Duration::from_secs(3600),
            resume_window: Duration::from_secs(7200),
            ..config()
        },
        ChatRoom::default,
    );
    let mut beto = Program::join(&server, "Beto");
    let ana = Program::join(&server, "Ana");
    beto.next();
    let (seq, known) = (ana.seq() + 1, ana.lose());
    // each is twice as long when it is written out
    let text = "\"".repeat(1900);
    for id in 0..MESSAGES {
        beto.say(&id.to_string(), &text);
        beto.send(json!({ "type": "whisper", "to": "Ana", "text": text }));
        assert_eq!(beto.next()["type"], "ack");
    }
    let mut ana = Program::come_back(&server, &known, seq, 0);
    // much is on its way to her when more happens
    beto.say("last", "ainda aí?");
    (0..MESSAGES).for_each(|_| ana.expect(&[("said", &text)]));
    (0..MESSAGES).for_each(|_| ana.expect(&[("whispered", &text)]));
    ana.expect(&[("said", "ainda aí?")]);
}

#[test]
fn the_departure_of_whoever_does_not_come_back_is_told_and_the_name_is_kept() {
    let server = hasty();
    let mut beto = Program::join(&server, "Beto");
    let ana = Program::join(&server, "Ana");
    let seq = ana.seq() + 1;
    beto.next();
    let known = ana.lose();
    let left = beto.next();
    assert_eq!((&left["type"], &left["reason"], &left["name"]), (&json!("left"), &json!("lost"), &json!("Ana")));
    assert_eq!(refusal(&server, json!({ "type": "join", "name": "ANA" })), "name_held");
    let mut person = server.connect();
    person.send("Ana");
    assert_eq!(
        person.line(),
        "Erro: O nome 'Ana' está guardado para quem perdeu a conexão há poucos minutos. Escolha outro, ou tente de novo mais tarde."
    );
    beto.send(json!({ "type": "whisper", "to": "Ana", "text": "psiu" }));
    assert_eq!(beto.next()["code"], "not_found");
    beto.send(json!({ "type": "who" }));
    assert_eq!(beto.next()["names"], json!(["Beto"]));
    let mut ana = Program::come_back(&server, &known, seq, 0);
    assert_eq!(ana.next()["type"], "left");
    assert_eq!(beto.next()["type"], "joined");
    ana.expect_nothing();
}

#[test]
fn each_loss_is_told_after_its_own_grace() {
    let server = TestServer::with(Config { grace: Duration::from_millis(200), ..config() }, ChatRoom::default);
    let mut beto = Program::join(&server, "Beto");
    for name in ["Ana", "Caio", "Duda"] {
        let program = Program::join(&server, name);
        assert_eq!(beto.next()["type"], "joined");
        program.lose();
        // while the name of the one before is kept for minutes
        let left = beto.next();
        assert_eq!((&left["type"], &left["name"]), (&json!("left"), &json!(name)));
    }
}

#[test]
fn a_name_is_free_when_the_window_is_over_and_the_token_is_good_for_another_start() {
    let config = Config { grace: Duration::ZERO, resume_window: Duration::from_secs(1), ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let mut beto = Program::join(&server, "Beto");
    let ana = Program::join(&server, "Ana");
    let seq = ana.seq() + 1;
    beto.next();
    let known = ana.lose();
    assert_eq!(beto.next()["type"], "left");
    wait_until("the name is free", || refusal(&server, json!({ "type": "join", "name": "Ana" })) == Value::Null);
    // somebody had it for a moment
    while beto.next()["type"] != "left" {}
    let mut ana = Program::come_back(&server, &known, seq, 0);
    assert_eq!((&ana.welcome["resumed"], &ana.welcome["token"]), (&json!(true), &known["token"]));
    assert_eq!(beto.next()["type"], "joined");
    assert_eq!(ana.next()["type"], "left");
}

#[test]
fn whoever_leaves_is_gone_at_once_and_so_is_a_person() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    for how in ["leave", "end", "person"] {
        if how == "person" {
            let ana = server.join("Ana");
            beto.next();
            ana.reset();
        } else {
            let mut ana = Program::join(&server, "Ana");
            beto.next();
            match how {
                "leave" => ana.send(json!({ "type": "leave" })),
                _ => ana.client.half_close(),
            }
            ana.client.read_to_break();
        }
        assert_eq!(beto.next()["type"], "left", "{how}");
    }
    Program::join(&server, "Ana");
}

#[test]
fn a_known_token_counts_more_than_the_name_and_no_other_token_does() {
    let server = patient();
    let mut ana = Program::join(&server, "Ana");
    ana.send(json!({ "type": "rename", "name": "Bia" }));
    assert_eq!((&ana.next()["type"], &ana.next()["type"]), (&json!("renamed"), &json!("ack")));
    let seq = ana.seq() + 2;
    let known = ana.lose();
    let mut thief = known.clone();
    thief["token"] = json!("0".repeat(64));
    thief["name"] = json!("Bia");
    assert_eq!(refusal(&server, Program::return_of(&thief, seq, 0)), "name_taken");
    assert_eq!(refusal(&server, json!({ "type": "join", "name": "Ana", "token": "x" })), "bad_field");
    let back = Program::come_back(&server, &known, seq, 0);
    assert_eq!(back.welcome["name"], "Bia");
}

#[test]
fn what_is_not_known_any_more_is_a_gap_and_the_newest_page() {
    let config = Config { grace: Duration::from_secs(3600), history: 2, ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let mut beto = Program::join(&server, "Beto");
    let ana = Program::join(&server, "Ana");
    let seq = ana.seq() + 1;
    beto.next();
    let known = ana.lose();
    for i in 0..1001 {
        beto.say(&i.to_string(), &i.to_string());
    }
    let mut ana = Program::come_back(&server, &known, seq, 0);
    assert_eq!((ana.welcome.get("resumed"), &ana.welcome["gap"]), (None, &json!(true)));
    let texts: Vec<_> = ana.next()["events"].as_array().unwrap().iter().map(|event| event["text"].clone()).collect();
    assert_eq!(texts, ["999", "1000"]);
    ana.expect_nothing();
    let mut other = known.clone();
    other["epoch"] = json!("0".repeat(32));
    assert_eq!(Program::come_back(&server, &other, seq, 0).welcome["gap"], true);
    // a newcomer has missed nothing
    assert_eq!(Program::join(&server, "Caio").welcome.get("gap"), None);
}

#[test]
fn whoever_is_ignored_is_not_in_what_was_missed() {
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let mut zeca = Program::join(&server, "Zeca");
    let ana = Program::join(&server, "Ana");
    let seq = ana.seq() + 1;
    let known = ana.lose();
    beto.next();
    beto.next();
    zeca.next();
    zeca.say("1", "spam");
    zeca.send(json!({ "type": "whisper", "to": "Ana", "text": "spam" }));
    zeca.next();
    beto.next();
    beto.say("1", "oi");
    let mut join = Program::return_of(&known, seq, 0);
    join["ignore"] = json!(["ZECA"]);
    let mut ana = Program::come(&server, join.clone());
    ana.expect(&[("said", "oi")]);
    zeca.next();
    zeca.say("2", "spam");
    ana.expect_nothing();
    join["ignore"] = (0..200).map(|i| json!(format!("z{i}"))).collect();
    assert_eq!(refusal(&server, join), "too_many_ignored");
}

#[test]
fn without_a_window_nobody_has_a_token_and_a_loss_is_a_departure() {
    let server = TestServer::with(Config { resume_window: Duration::ZERO, ..config() }, ChatRoom::default);
    let mut beto = server.join("Beto");
    let (mut ana, welcome) = Client::join_as_program(server.address, "Ana", None);
    assert_eq!((welcome.get("token"), welcome.get("whispers")), (None, None));
    beto.expect(&["Ana entrou no chat."]);
    // then an id is an id, and no more
    for _ in 0..2 {
        ana.send(&json!({ "type": "say", "id": "1", "text": "oi" }).to_string());
        ana.object();
        beto.expect(&["Ana: oi"]);
    }
    ana.reset();
    beto.expect(&["Ana saiu do chat (conexão perdida)."]);
    server.join("Ana");
}

#[test]
fn an_address_has_only_so_many_names_reserved_and_whoever_is_beyond_has_left() {
    let server = TestServer::with(Config { max_lost_per_address: 2, ..config() }, ChatRoom::default);
    let mut beto = Program::join(&server, "Beto");
    let crowd = ["Caio", "Duda", "Ana"].map(|name| Program::join(&server, name));
    (0..3).for_each(|_| assert_eq!(beto.next()["type"], "joined"));
    whisper_to_ana(&mut beto, "psiu");
    let seq = beto.seq() + 3;
    let [caio, duda, ana] = crowd.map(|program| {
        let known = program.lose();
        let left = beto.next();
        assert_eq!((&left["name"], &left["reason"]), (&known["name"], &json!("lost")));
        known
    });
    for name in ["Caio", "Duda"] {
        assert_eq!(refusal(&server, json!({ "type": "join", "name": name })), "name_held");
    }
    // that name is free, and what was whispered to her is hers
    let mut other = Program::join(&server, "Ana");
    assert_eq!(beto.next()["type"], "joined");
    let mut join = Program::return_of(&ana, seq, 0);
    assert_eq!(refusal(&server, join.clone()), "name_taken");
    join["name"] = json!("Aninha");
    let mut ana = Program::come(&server, join);
    assert_eq!((&beto.next()["name"], &other.next()["name"]), (&json!("Aninha"), &json!("Aninha")));
    while ana.next()["text"] != "psiu" {}
    // whoever comes back makes room
    for known in [caio, duda] {
        assert_eq!(Program::come_back(&server, &known, seq, 0).lose()["name"], known["name"]);
        assert_eq!((&beto.next()["type"], &beto.next()["type"]), (&json!("joined"), &json!("left")));
    }
}

#[test]
fn each_address_has_its_own_share_of_the_names_and_an_exempt_one_any_number() {
    let exempt = vec!["127.0.0.4".parse().unwrap()];
    let server = TestServer::with(Config { max_lost_per_address: 1, exempt, ..config() }, ChatRoom::default);
    let mut beto = Program::join(&server, "Beto");
    for (last, name, expected) in [
        (2, "Ana", json!("name_held")),
        (2, "Caio", Value::Null),
        (3, "Duda", json!("name_held")),
        (4, "Eva", json!("name_held")),
        (4, "Zeca", json!("name_held")),
    ] {
        let program = Program::join_from(&server, last, name);
        assert_eq!(beto.next()["type"], "joined");
        program.lose();
        assert_eq!(beto.next()["type"], "left");
        assert_eq!(refusal(&server, json!({ "type": "join", "name": name })), expected, "{name}");
        if expected == Value::Null {
            // somebody had it for a moment
            assert_eq!((&beto.next()["type"], &beto.next()["type"]), (&json!("joined"), &json!("left")));
        }
    }
}

#[test]
fn however_many_whisper_from_one_address_they_cost_those_of_another_nothing() {
    const MISSED: u64 = 60;
    let server = patient();
    let mut beto = Program::join_from(&server, 2, "Beto");
    let ana = Program::join_from(&server, 2, "Ana");
    beto.next();
    let seq = ana.seq() + 1;
    (0..MISSED).for_each(|i| whisper_to_ana(&mut beto, &i.to_string()));
    let known = ana.lose();
    // a share of each would be less than that
    let mut crowd: Vec<Program> = (0..100).map(|i| Program::join_from(&server, 3, &format!("p{i}"))).collect();
    for program in &mut crowd {
        let to = program.welcome["name"].clone();
        for _ in 0..25 {
            program.send(json!({ "type": "whisper", "to": to, "text": "x" }));
        }
        program.send(json!({ "type": "who" }));
        while program.next()["type"] != "people" {}
    }
    let mut ana = Program::come_back(&server, &known, seq, 0);
    ana.send(json!({ "type": "ping" }));
    let mut missed = Vec::new();
    loop {
        let object = ana.next();
        match object["type"].as_str() {
            Some("pong") => break,
            Some("whispered") => missed.push(object["number"].as_u64().unwrap()),
            _ => {}
        }
    }
    assert_eq!(missed, (1..=MISSED).collect::<Vec<_>>());
}

#[test]
fn a_crowd_that_is_lost_and_comes_back_disturbs_nobody() {
    const CROWD: usize = 200;
    let server = patient();
    let mut beto = server.join("Beto");
    let crowd: Vec<_> = (0..CROWD).map(|i| Program::join(&server, &format!("p{i}"))).collect();
    beto.read_to(&format!("p{} entrou no chat.", CROWD - 1));
    let known: Vec<_> = crowd.into_iter().map(Program::lose).collect();
    let last = CROWD as u64 + 1;
    let mut back: Vec<_> = known.iter().map(|known| Program::come_back(&server, known, last, 0)).collect();
    beto.expect_nothing();
    beto.send("bem-vindos de volta");
    for program in &mut back {
        assert_eq!(program.welcome["more"], CROWD - 20);
        program.expect(&[("said", "bem-vindos de volta")]);
    }
}

#[test]
fn after_a_kill_no_number_of_a_whisper_means_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let token = Token::new([7; TOKEN_BYTES]);
    let epoch = Arc::new(OnceLock::new());
    let tell_epoch = Arc::clone(&epoch);
    // the third whisper to Ana was the last one that was written, and she has read two more
    let server = TestServer::with(Config { grace: Duration::from_secs(3600), ..config() }, move || {
        let (journal, opened) = Journal::open(&path, Options::default(), |_| {}).unwrap();
        tell_epoch.set(opened.epoch.to_string()).unwrap();
        let [from, to] = ["Beto", "Ana"].map(|name| Name::parse(name).unwrap());
        let recipient = Some(Recipient { proof: token.proof(), number: 3 });
        let whisper = Whisper { after: 0, at: SystemTime::now(), from, to, text: "três".into(), recipient };
        let whispers = vec![KeptWhisper { number: 1, whisper, id: None }];
        ChatRoom::default().with_journal(journal, &opened, Past { whispers, ..Past::default() })
    });
    wait_until("there is an epoch", || epoch.get().is_some());
    let known = json!({ "name": "Ana", "token": token.reveal(), "epoch": epoch.get() });
    let ana = Program::come_back(&server, &known, 0, 5);
    assert_eq!(ana.welcome["whispers"], 3);
    // she has not read that, as far as the next connection knows
    ana.lose();
    let mut beto = Program::join(&server, "Beto");
    beto.send(json!({ "type": "whisper", "to": "Ana", "text": "outro" }));
    assert_eq!(beto.next()["type"], "ack");
    let mut ana = Program::come_back(&server, &known, 0, 5);
    assert_eq!(ana.welcome["whispers"], 3);
    let mut object = ana.next();
    while object["type"] != "whispered" {
        object = ana.next();
    }
    assert_eq!((&object["text"], &object["number"]), (&json!("outro"), &json!(6)));
}

#[test]
fn whatever_number_a_program_claims_to_know_those_that_follow_are_exact_in_every_program() {
    const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
    let server = patient();
    let mut beto = Program::join(&server, "Beto");
    let token = Token::new([7; TOKEN_BYTES]).reveal();
    let join = json!({ "name": "Ana", "token": token, "epoch": beto.welcome["epoch"] });
    let (mut last, mut before) = (0, Vec::new());
    for claim in [1 << 53, u64::MAX] {
        let mut ana = Program::come_back(&server, &join, beto.seq(), claim);
        if last == 0 {
            assert_eq!(beto.next()["type"], "joined");
        }
        for text in ["um", "dois"] {
            whisper_to_ana(&mut beto, text);
            let number = loop {
                let object = ana.next();
                if let Some(number) = object["number"].as_u64().filter(|number| *number > last) {
                    break number;
                }
            };
            assert!(number < MAX_SAFE_INTEGER - 1_000_000, "{number}");
            last = number;
        }
        assert!(ana.welcome["whispers"].as_u64() <= Some(last), "{}", ana.welcome);
        // it is replaced, and does not leave
        before.push(ana);
    }
}
