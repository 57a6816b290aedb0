//! The JSON dialect over TCP: programs in one room with people.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Client, TestServer, config};
use papo::chat::language::Language;
use papo::config::Config;
use papo::room::ChatRoom;
use serde_json::{Value, json};

/// The next object.
#[track_caller]
fn next(client: &mut Client) -> Value {
    let line = client.line();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

/// Sends an object.
fn ask(client: &mut Client, object: Value) {
    client.send(&object.to_string());
}

/// A program in the room, and the number of the last event before it came.
fn join(server: &TestServer, name: &str) -> (Client, u64) {
    let mut client = server.connect();
    ask(&mut client, json!({ "type": "join", "name": name }));
    assert_eq!(next(&mut client)["type"], "hello");
    let welcome = next(&mut client);
    assert_eq!((&welcome["type"], &welcome["name"]), (&json!("welcome"), &json!(name)), "{welcome}");
    (client, welcome["seq"].as_u64().unwrap())
}

/// The object without what differs from run to run, which must be there.
#[track_caller]
fn timeless(mut object: Value) -> Value {
    let at = object.as_object_mut().unwrap().remove("at").expect("a time");
    let at = at.as_str().unwrap().to_owned();
    assert!(at.len() == "2026-11-27T23:46:19.123Z".len() && at.ends_with('Z') && &at[10..11] == "T", "{at}");
    object
}

#[test]
fn a_program_comes_in_says_something_and_goes() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    ask(&mut ana, json!({ "type": "ping", "id": "p" }));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        next(&mut ana),
        json!({ "type": "hello", "server": "papo", "version": version, "protocol": "papo.v1.json", "lang": "pt-BR",
            "password": false, "max_line": 4096 })
    );
    assert_eq!(next(&mut ana), json!({ "type": "pong", "id": "p", "message": "Pong! O servidor está respondendo." }));
    ask(&mut ana, json!({ "type": "join", "name": "Ana", "lang": "en", "id": "j", "color": "red" }));
    let mut welcome = next(&mut ana);
    assert_eq!(welcome["epoch"].as_str().map(str::len), Some(32));
    welcome.as_object_mut().unwrap().remove("epoch");
    let token = welcome.as_object_mut().unwrap().remove("token");
    assert_eq!(token.unwrap().as_str().map(str::len), Some(64));
    assert_eq!(
        welcome,
        json!({ "type": "welcome", "id": "j", "seq": 1, "whispers": 0, "name": "Ana", "others": ["Beto"], "more": 0,
            "message": "Welcome to the chat, Ana! In the room: Beto. Type /help for the commands." })
    );
    beto.expect(&["Ana entrou no chat."]);
    ask(&mut ana, json!({ "type": "say", "text": "oi \"todos\"", "id": "m1" }));
    assert_eq!(timeless(next(&mut ana)), json!({ "type": "ack", "id": "m1", "seq": 3 }));
    ask(&mut ana, json!({ "type": "act", "text": "acena" }));
    assert_eq!(timeless(next(&mut ana)), json!({ "type": "ack", "seq": 4 }));
    beto.expect(&["Ana: oi \"todos\"", "* Ana acena"]);
    beto.send("olá");
    assert_eq!(timeless(next(&mut ana)), json!({ "type": "said", "seq": 5, "from": "Beto", "text": "olá" }));
    ask(&mut ana, json!({ "type": "leave" }));
    assert_eq!(next(&mut ana), json!({ "type": "bye", "reason": "asked", "message": "You left the chat." }));
    ana.expect_end();
    beto.expect(&["Ana saiu do chat."]);
}

#[test]
fn events_are_told_one_by_one_with_the_sentence_in_the_language_of_the_program() {
    let server = TestServer::start();
    let (mut ana, seq) = join(&server, "Ana");
    ask(&mut ana, json!({ "type": "lang", "lang": "en", "id": "l" }));
    assert_eq!(
        next(&mut ana),
        json!({ "type": "info", "id": "l", "code": "lang", "lang": "en", "message": "The language is now English." })
    );
    let mut beto = server.join("Beto");
    beto.send("/nome Bia");
    beto.expect(&["Beto agora é Bia."]);
    beto.send("/eu acena");
    beto.send("/sair");
    // one's own arrival is the event after `seq`
    for (number, expected) in [
        json!({ "type": "joined", "name": "Beto", "message": "Beto joined the chat." }),
        json!({ "type": "renamed", "old": "Beto", "new": "Bia", "message": "Beto is now Bia." }),
        json!({ "type": "acted", "from": "Bia", "text": "acena" }),
        json!({ "type": "left", "name": "Bia", "reason": "asked", "message": "Bia left the chat." }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut expected = expected;
        expected["seq"] = json!(seq + 2 + number as u64);
        assert_eq!(timeless(next(&mut ana)), expected);
    }
}

#[test]
fn whispers_go_both_ways_and_take_no_number() {
    let server = TestServer::start();
    let (mut ana, seq) = join(&server, "Ana");
    let (mut caio, _) = join(&server, "Caio");
    let mut beto = server.join("Beto");
    for _ in 0..2 {
        assert_eq!(next(&mut ana)["type"], "joined");
    }
    assert_eq!(next(&mut caio)["type"], "joined");
    ask(&mut ana, json!({ "type": "whisper", "to": "beto", "text": "psiu", "id": "w" }));
    assert_eq!(next(&mut ana), json!({ "type": "ack", "id": "w" }));
    beto.expect(&["Ana (privado): psiu"]);
    beto.send("@ana diga");
    assert_eq!(timeless(next(&mut ana)), json!({ "type": "whispered", "number": 1, "from": "Beto", "text": "diga" }));
    ask(&mut ana, json!({ "type": "reply", "text": "já digo" }));
    assert_eq!(next(&mut ana), json!({ "type": "ack" }));
    beto.expect(&["Ana (privado): já digo"]);
    ask(&mut ana, json!({ "type": "whisper", "to": "Zeca", "text": "psiu", "id": "z" }));
    assert_eq!(
        next(&mut ana),
        json!({ "type": "error", "id": "z", "code": "not_found", "message": "Usuário não encontrado: Zeca." })
    );
    beto.send("fim");
    // nobody else was told anything, and no number is missing
    for reader in [&mut ana, &mut caio] {
        assert_eq!(timeless(next(reader)), json!({ "type": "said", "seq": seq + 4, "from": "Beto", "text": "fim" }));
    }
}

#[test]
fn what_a_person_would_type_works_as_a_line() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let (mut ana, _) = join(&server, "Ana");
    beto.expect(&["Ana entrou no chat."]);
    ask(&mut ana, json!({ "type": "line", "text": "/quem", "id": "q" }));
    assert_eq!(next(&mut ana), json!({ "type": "people", "id": "q", "names": ["Beto", "Ana"] }));
    ask(&mut ana, json!({ "type": "line", "text": "@beto psiu", "id": "w" }));
    assert_eq!(next(&mut ana), json!({ "type": "ack", "id": "w" }));
    ask(&mut ana, json!({ "type": "line", "text": "//sair" }));
    assert_eq!(next(&mut ana)["type"], "ack");
    beto.expect(&["Ana (privado): psiu", "Ana: /sair"]);
    ask(&mut ana, json!({ "type": "line", "text": "/quen", "id": "x" }));
    let error = next(&mut ana);
    assert_eq!((&error["code"], &error["id"]), (&json!("unknown_command"), &json!("x")));
    ask(&mut ana, json!({ "type": "line", "text": "/ajuda" }));
    let help = next(&mut ana);
    assert!(help["lines"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("/quem")), "{help}");
    ask(&mut ana, json!({ "type": "line", "text": "/nome Bia", "id": "n" }));
    assert_eq!(timeless(next(&mut ana))["new"], "Bia");
    assert_eq!(next(&mut ana), json!({ "type": "ack", "id": "n" }));
    ask(&mut ana, json!({ "type": "line", "text": "/sair" }));
    assert_eq!(next(&mut ana)["type"], "bye");
}

#[test]
fn every_mistake_is_answered_and_the_connection_lives() {
    let server = TestServer::start();
    let mut ana = server.connect();
    ana.send("{");
    assert_eq!(next(&mut ana)["type"], "hello");
    let expect = |client: &mut Client, line: &str, code: &str| {
        if line != "{" {
            client.send(line);
        }
        let error = next(client);
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!(code)), "{line}: {error}");
        assert!(error["message"].as_str().unwrap().len() > 5, "{error}");
    };
    for (line, code) in [
        ("{", "bad_json"),
        ("Ana", "bad_json"),
        ("GET / HTTP/1.1", "bad_json"),
        (r#"{"type":"sing"}"#, "unknown_type"),
        (r#"{"type":"join"}"#, "bad_field"),
        (r#"{"type":"say","text":"oi"}"#, "not_joined"),
        (r#"{"type":"who"}"#, "not_joined"),
        (r#"{"type":"line","text":"@beto oi"}"#, "not_joined"),
        (r#"{"type":"join","name":"a b"}"#, "bad_name"),
        (r#"{"type":"join","name":"servidor"}"#, "name_reserved"),
    ] {
        expect(&mut ana, line, code);
    }
    ana.send_bytes(b"{\"type\":\"ping\xff\"}\n");
    expect(&mut ana, "{", "not_utf8");
    let beto = join(&server, "Beto");
    expect(&mut ana, r#"{"type":"join","name":"BETO"}"#, "name_taken");
    expect(&mut ana, r#"{"type":"join","name":"Bet0"}"#, "name_too_similar");
    drop(beto);
    ask(&mut ana, json!({ "type": "join", "name": "Ana" }));
    assert_eq!(next(&mut ana)["type"], "welcome");
    for (line, code) in [
        (r#"{"type":"join","name":"Bia"}"#, "already_joined"),
        (r#"{"type":"reply","text":"oi"}"#, "nobody_to_reply_to"),
        (r#"{"type":"say","text":" "}"#, "empty_message"),
        (r#"{"type":"unignore","name":"Zeca"}"#, "not_ignored"),
    ] {
        // the departure of Beto may be told in between
        ana.send(line);
        let answer = std::iter::repeat_with(|| next(&mut ana)).find(|object| object["type"] == "error").unwrap();
        assert_eq!(answer["code"], code, "{line}");
    }
    ana.send(&format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4096)));
    assert_eq!(next(&mut ana)["code"], "line_too_long");
    ask(&mut ana, json!({ "type": "ping" }));
    assert_eq!(next(&mut ana)["type"], "pong");
}

#[test]
fn a_program_that_is_late_is_prompted_in_text_and_then_spoken_to_in_json() {
    let server = TestServer::start();
    let mut ana = server.connect();
    ana.expect(&["Informe seu nome para entrar no chat:"]);
    ask(&mut ana, json!({ "type": "join", "name": "Ana" }));
    assert_eq!(next(&mut ana)["type"], "hello");
    assert_eq!(next(&mut ana)["type"], "welcome");
    // and never in text again, though it is silent
    let beto = server.join("Beto");
    assert_eq!(next(&mut ana)["type"], "joined");
    drop(beto);
}

#[test]
fn whoever_has_begun_in_text_says_braces() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    ana.send(r#"{"type":"say","text":"oi"}"#);
    beto.expect(&[r#"Ana: {"type":"say","text":"oi"}"#]);
}

#[test]
fn it_may_be_cut_at_every_byte() {
    let server = TestServer::start();
    let mut ana = server.connect();
    for byte in "{\"type\":\"join\",\"name\":\"Ana\"}\n{\"type\":\"say\",\"text\":\"olá\"}\n".bytes() {
        ana.send_bytes(&[byte]);
    }
    let types: Vec<Value> = (0..3).map(|_| next(&mut ana)["type"].clone()).collect();
    assert_eq!(types, ["hello", "welcome", "ack"]);
}

#[test]
fn acknowledgements_stand_in_their_place_among_the_events() {
    const EACH: usize = 300;
    let server = TestServer::start();
    let (mut ana, seq) = join(&server, "Ana");
    let mut beto = server.join("Beto");
    assert_eq!(next(&mut ana)["type"], "joined");
    let talk = std::thread::spawn(move || {
        (0..EACH).for_each(|i| beto.send(&i.to_string()));
        beto
    });
    let mut writer = ana.stream().try_clone().unwrap();
    let ask_all = std::thread::spawn(move || {
        for i in 0..EACH {
            let line = json!({ "type": "say", "text": "x", "id": format!("m{i}") }).to_string() + "\n";
            std::io::Write::write_all(&mut writer, line.as_bytes()).unwrap();
        }
    });
    let (mut acks, mut said) = (0, 0);
    for number in 0..2 * EACH as u64 {
        let object = timeless(next(&mut ana));
        assert_eq!(object["seq"], seq + 3 + number, "none is missing, none twice, all in order");
        match object["type"].as_str().unwrap() {
            "ack" => {
                assert_eq!(object["id"], format!("m{acks}"));
                acks += 1;
            }
            "said" => {
                assert_eq!(object["text"], said.to_string());
                said += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!((acks, said), (EACH, EACH));
    ask_all.join().unwrap();
    talk.join().unwrap();
}

#[test]
fn notices_are_never_folded_for_programs() {
    let server = TestServer::start();
    let (mut ana, seq) = join(&server, "Ana");
    let people: Vec<Client> = (0..40).map(|i| server.join(&format!("pessoa_{i}_x"))).collect();
    for i in 0..40 {
        let joined = timeless(next(&mut ana));
        assert_eq!((&joined["type"], &joined["seq"]), (&json!("joined"), &json!(seq + 2 + i)));
    }
    drop(people);
    for _ in 0..40 {
        assert_eq!(next(&mut ana)["type"], "left");
    }
}

#[test]
fn whoever_is_ignored_is_not_told_of() {
    let server = TestServer::start();
    let (mut ana, seq) = join(&server, "Ana");
    let mut beto = server.join("Beto");
    assert_eq!(next(&mut ana)["type"], "joined");
    ask(&mut ana, json!({ "type": "ignore", "name": "Beto", "id": "i" }));
    let info = next(&mut ana);
    assert_eq!((&info["code"], &info["id"]), (&json!("ignoring"), &json!("i")));
    beto.send("oi");
    beto.send("@ana psiu");
    beto.send("/ping");
    beto.expect(&["Pong! O servidor está respondendo."]);
    ask(&mut ana, json!({ "type": "say", "text": "eu" }));
    assert_eq!(timeless(next(&mut ana)), json!({ "type": "ack", "seq": seq + 4 }));
}

#[test]
fn last_words_are_an_object_too() {
    let mut server = TestServer::in_language(Language::English);
    let (mut ana, _) = join(&server, "Ana");
    server.ask_to_stop();
    let bye = json!({ "type": "bye", "reason": "shutdown", "message": "The server is shutting down." });
    assert_eq!(next(&mut ana), bye);
    ana.expect_end();

    let server = TestServer::with(Config { max_bad_names: 2, ..config() }, ChatRoom::default);
    let mut bad = server.connect();
    for _ in 0..2 {
        ask(&mut bad, json!({ "type": "join", "name": "" }));
    }
    let types: Vec<Value> = (0..4).map(|_| next(&mut bad)["type"].clone()).collect();
    assert_eq!(types, ["hello", "error", "error", "bye"]);
    bad.expect_end();
}

#[test]
fn a_rush_of_questions_is_answered_in_order() {
    let server = TestServer::start();
    let (mut ana, _) = join(&server, "Ana");
    for i in 0..50 {
        ask(&mut ana, json!({ "type": "who", "id": format!("q{i}") }));
        ask(&mut ana, json!({ "type": "ping", "id": format!("p{i}") }));
    }
    for i in 0..50 {
        assert_eq!(next(&mut ana)["id"], format!("q{i}"));
        assert_eq!(next(&mut ana)["id"], format!("p{i}"));
    }
}
