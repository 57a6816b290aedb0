//! `/buscar` and `/visto`: who said a word, and when somebody was there last, by the real program and its journal.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::program::{Program, papo, run};
use common::{Client, TestServer};
use papo::journal::FILE;
use serde_json::{Value, json};
use tempfile::tempdir;

/// A papo as people run it, with the journal in this directory.
fn serve(directory: &Path) -> Program {
    let mut command = papo(&["--listen", "127.0.0.1:0", "--rate", "0", "--rate-bytes", "0", "--grace", "0", "--data"]);
    command.arg(directory).env_remove("PAPO_NO_JOURNAL").env("RUST_LOG", "info");
    Program::spawn(command)
}

fn come(server: &Program, name: &str) -> Client {
    Client::join_as_program(server.address, name, None).0
}

/// Says something, and waits until it is acknowledged. Its number.
fn say(client: &mut Client, text: &str) -> u64 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let id = format!("m{}", NEXT.fetch_add(1, Ordering::Relaxed));
    client.send(&json!({ "type": "say", "text": text, "id": id }).to_string());
    let ack = answer_to(client, &id);
    assert_eq!((&ack["type"], ack.get("kept")), (&json!("ack"), None), "{ack}");
    ack["seq"].as_u64().unwrap()
}

/// The answer with this id; what happened before does not matter.
fn answer_to(client: &mut Client, id: &str) -> Value {
    loop {
        let object = client.object();
        if object["id"] == id {
            return object;
        }
    }
}

/// What a program is answered that has not asked anything before.
fn asked(server: &Program, question: Value) -> Value {
    let mut client = come(server, "Pergunta");
    let mut question = question;
    question["id"] = "q".into();
    client.send(&question.to_string());
    let answer = answer_to(&mut client, "q");
    leave(client);
    answer
}

/// Goes, and waits until the name is free.
fn leave(mut client: Client) {
    client.send(r#"{"type":"leave"}"#);
    while client.object()["type"] != "bye" {}
    client.expect_end();
}

/// The texts of what a search found.
fn found(server: &Program, words: &str) -> Vec<String> {
    texts(&asked(server, json!({ "type": "search", "text": words })))
}

fn texts(found: &Value) -> Vec<String> {
    assert_eq!(found["type"], "found", "{found}");
    found["events"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

/// A line of what was said before, without its time.
#[track_caller]
fn told(client: &mut Client) -> String {
    let line = client.line();
    let (time, line) =
        line.strip_prefix('[').and_then(|line| line.split_once("] ")).unwrap_or_else(|| panic!("{line}"));
    assert!(is_time(time), "{time}");
    line.to_owned()
}

fn is_time(time: &str) -> bool {
    let is_short = |time: &str| time.len() == 5 && time.as_bytes()[2] == b':';
    is_short(time) || time.len() == "2026-11-28 00:00".len() && is_short(&time[11..])
}

#[test]
fn programs_find_what_was_acknowledged_also_after_a_restart() {
    let directory = tempdir().unwrap();
    let mut server = serve(directory.path());
    let mut ana = come(&server, "Ana");
    let number = say(&mut ana, "A reunião é às 10h");
    say(&mut ana, "outra coisa");
    ana.send(r#"{"type":"act","text":"prepara a REUNIAO","id":"a"}"#);
    answer_to(&mut ana, "a");
    for how in ["", "TERM", "KILL"] {
        if !how.is_empty() {
            server.signal(how);
            common::program::wait(&mut server.child);
            server = serve(directory.path());
        }
        let answer = asked(&server, json!({ "type": "search", "text": "reuniao" }));
        let events = answer["events"].as_array().unwrap();
        assert_eq!(texts(&answer), ["A reunião é às 10h", "prepara a REUNIAO"], "{how}");
        assert_eq!((&events[0]["type"], &events[1]["type"]), (&json!("said"), &json!("acted")));
        assert_eq!((&events[0]["seq"], &events[0]["from"]), (&json!(number), &json!("Ana")));
        assert_eq!(found(&server, "10H, Reunião!"), ["A reunião é às 10h"]);
        assert_eq!(found(&server, "reuni"), [""; 0]);
        let line = asked(&server, json!({ "type": "line", "text": "/buscar reunião 10h", "private": true }));
        assert_eq!(texts(&line), ["A reunião é às 10h"]);
        let one = asked(&server, json!({ "type": "search", "text": "reuniao", "count": 1 }));
        assert_eq!(texts(&one), ["prepara a REUNIAO"]);
    }
    for (object, field) in [
        (json!({ "type": "search" }), "text"),
        (json!({ "type": "search", "text": " ?! " }), "text"),
        (json!({ "type": "search", "text": "x", "count": "1" }), "count"),
        (json!({ "type": "seen" }), "name"),
    ] {
        let answer = asked(&server, object);
        assert_eq!((&answer["code"], &answer["field"]), (&json!("bad_field"), &json!(field)));
    }
}

#[test]
fn people_find_what_was_just_said_with_its_time_in_both_languages() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut ana = server.join("Ana");
    // nobody has acknowledged any of it
    ana.send("Olá, João");
    ana.send("/eu acena para JOAO");
    ana.send("/buscar joão");
    ana.expect(&["--- Encontrado, no horário do servidor (2 mensagens) ---"]);
    assert_eq!([told(&mut ana), told(&mut ana)], ["Ana: Olá, João", "* Ana acena para JOAO"]);
    ana.expect(&["--- Fim do que foi encontrado ---"]);
    ana.send("/buscar maria");
    ana.expect(&["Nada encontrado: ninguém disse isso, ou não está mais guardado."]);
    for line in ["/buscar", "/buscar ?!", "/search \"*\""] {
        ana.send(line);
        ana.expect(&["Formato inválido. Use: /buscar palavra…"]);
    }
    let mut beto = server.join("Beto");
    beto.send("/lang en");
    beto.expect(&["The language is now English."]);
    beto.send("/search OLA");
    beto.expect(&["--- Found, in the time of the server (1 message) ---"]);
    assert_eq!(told(&mut beto), "Ana: Olá, João");
    beto.expect(&["--- End of what was found ---"]);
    beto.send("/search maria");
    beto.expect(&["Nothing found: nobody said that, or it is no longer kept."]);
    beto.send("/search");
    beto.expect(&["Invalid format. Use: /search word…"]);
}

#[test]
fn the_newest_are_shown_and_no_more_than_may_be() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut ana = come(&server, "Ana");
    for i in 0..60 {
        say(&mut ana, &format!("número {i} {}", "x".repeat(60)));
    }
    let count = |question: Value| {
        let texts = texts(&asked(&server, question));
        assert!(texts.last().unwrap().starts_with("número 59 "), "{texts:?}");
        let first = 60 - texts.len();
        assert!(texts[0].starts_with(&format!("número {first} ")), "{texts:?}");
        texts.len()
    };
    assert_eq!(count(json!({ "type": "search", "text": "numero" })), 20);
    assert_eq!(count(json!({ "type": "search", "text": "numero", "count": 50 })), 50);
    assert_eq!(count(json!({ "type": "search", "text": "numero", "count": 1_000_000 })), 50);

    let mut old = Client::connect(server.address);
    old.send_bytes(b"Velha");
    assert!(old.line().starts_with("Bem-vindo ao chat, Velha!"));
    old.send_bytes("/buscar número".as_bytes());
    let begins = old.line();
    assert!(begins.starts_with("--- Encontrado, "), "{begins}");
    let (mut bytes, mut last) = (begins.len() + 1, String::new());
    loop {
        let line = old.line();
        bytes += line.len() + 1;
        if line == "--- Fim do que foi encontrado ---" {
            break;
        }
        last = line;
    }
    assert!(bytes <= 1024, "{bytes}");
    assert!(last.contains("Ana: número 59 "), "{last}");
}

#[test]
fn who_is_ignored_is_left_out_and_makes_room_for_others() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let [mut ana, mut beto] = ["Ana", "Beto"].map(|name| come(&server, name));
    say(&mut ana, "festa de Ana");
    for i in 0..30 {
        say(&mut beto, &format!("festa {i}"));
    }
    assert_eq!(found(&server, "festa").len(), 20);
    let mut caio = come(&server, "Caio");
    caio.send(r#"{"type":"ignore","name":"beto","id":"i"}"#);
    answer_to(&mut caio, "i");
    caio.send(r#"{"type":"search","text":"festa","id":"s"}"#);
    assert_eq!(texts(&answer_to(&mut caio, "s")), ["festa de Ana"]);
}

#[test]
fn whispers_are_not_found_by_anybody() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let [mut ana, mut beto] = ["Ana", "Beto"].map(|name| come(&server, name));
    ana.send(r#"{"type":"whisper","to":"Beto","text":"segredo","id":"w"}"#);
    answer_to(&mut ana, "w");
    say(&mut ana, "sem segredos");
    for client in [&mut ana, &mut beto] {
        client.send(r#"{"type":"search","text":"segredo","id":"s"}"#);
        let answer = answer_to(client, "s");
        assert_eq!((&answer["events"], answer.get("number")), (&json!([]), None));
    }
    assert_eq!(found(&server, "segredo"), [""; 0]);
}

#[test]
fn signs_mean_nothing_to_a_search() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut ana = come(&server, "Ana");
    for text in ["oi", "oi or tchau", "text near oi", "100% \"certo\"", "x\u{1b}[2Jy"] {
        say(&mut ana, text);
    }
    for (words, expected) in [
        ("oi OR tchau", &["oi or tchau"][..]),
        ("NEAR(oi text)", &["text near oi"]),
        ("text: oi", &["text near oi"]),
        ("o*", &[]),
        ("oi*", &["oi", "oi or tchau", "text near oi"]),
        ("\"oi\" \"", &["oi", "oi or tchau", "text near oi"]),
        ("-oi + ^", &["oi", "oi or tchau", "text near oi"]),
        ("' OR 1=1 --", &[]),
        ("'; DROP TABLE words; --", &[]),
        ("%", &[]),
        ("100%", &["100% \"certo\""]),
        ("certo NOT oi", &[]),
        ("rowid:1", &[]),
        ("2jy", &["x␛[2Jy"]),
    ] {
        if words == "%" {
            assert_eq!(asked(&server, json!({ "type": "search", "text": words }))["field"], "text");
            continue;
        }
        assert_eq!(found(&server, words), expected, "{words}");
    }
    let long = "a ".repeat(1500);
    assert_eq!(found(&server, &long), [""; 0]);
}

#[test]
fn what_was_erased_is_not_found() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let [mut ana, mut beto] = ["Ana", "Beto"].map(|name| come(&server, name));
    say(&mut ana, "palavra de Ana");
    say(&mut beto, "palavra de Beto");
    assert_eq!(found(&server, "palavra"), ["palavra de Ana", "palavra de Beto"]);
    let mut prune = papo(&["journal", "prune", "--name", "Ana", "--data"]);
    prune.arg(directory.path());
    assert!(run(prune).status.success());
    assert_eq!(found(&server, "palavra"), ["palavra de Beto"]);
    // that something was said stays
    leave(ana);
    let seen = asked(&server, json!({ "type": "seen", "name": "Ana" }));
    assert_eq!((&seen["here"], &seen["what"]), (&json!(false), &json!("left")));
}

#[test]
fn who_is_there_and_when_somebody_was_there_last() {
    let directory = tempdir().unwrap();
    let mut server = serve(directory.path());
    let mut beto = server.join("Beto");
    let ana = server.join("Ana");
    beto.expect(&["Ana entrou no chat."]);
    beto.send("/visto ana");
    beto.expect(&["Ana está na sala agora."]);
    drop(ana);
    beto.expect(&["Ana saiu do chat."]);
    beto.send("/visto @ANA");
    let seen = beto.line();
    let at = seen
        .strip_prefix("Ana não está na sala. A última vez, no horário do servidor: ")
        .and_then(|rest| rest.strip_suffix(", quando saiu."));
    assert!(at.is_some_and(is_time), "{seen}");
    beto.send("/visto Zeca");
    beto.expect(&["Zeca não está na sala, e nunca esteve, ou isso não está mais guardado."]);
    beto.send("/visto");
    beto.expect(&["Formato inválido. Use: /visto nome"]);
    beto.send("/lang en");
    beto.expect(&["The language is now English."]);
    beto.send("/seen Ana");
    let seen = beto.line();
    assert!(seen.starts_with("Ana is not in the room. The last time, in the time of the server: "), "{seen}");
    assert!(seen.ends_with(", leaving."), "{seen}");
    beto.send("/seen beto");
    beto.expect(&["Beto is in the room now."]);
    beto.send("segredo de todos");
    beto.send("/nick Bia");
    beto.expect(&["Beto is now Bia."]);
    beto.send("/seen beto");
    assert!(beto.line().ends_with(", in a change of names."));
    let mut caio = come(&server, "Caio");
    say(&mut caio, "palavra");

    // who was there when the server was stopped has not left
    for how in ["", "KILL", "TERM"] {
        if !how.is_empty() {
            server.signal(how);
            common::program::wait(&mut server.child);
            server = serve(directory.path());
        }
        let answers = ["Caio", "ana", "Zeca"].map(|name| asked(&server, json!({ "type": "seen", "name": name })));
        if how.is_empty() {
            assert_eq!((&answers[0]["here"], answers[0].get("at")), (&json!(true), None));
        } else {
            let [caio, ..] = &answers;
            assert_eq!((&caio["here"], &caio["what"], &caio["name"]), (&json!(false), &json!("said"), &json!("Caio")));
            assert!(!caio.to_string().contains("palavra"), "{caio}");
        }
        assert_eq!((&answers[1]["type"], &answers[1]["what"]), (&json!("seen"), &json!("left")));
        assert!(answers[1]["at"].as_str().unwrap().ends_with('Z'), "{}", answers[1]);
        assert_eq!((&answers[2]["here"], answers[2].get("at"), answers[2].get("what")), (&json!(false), None, None));
    }
}

#[test]
fn names_that_nobody_can_have() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut ana = server.join("Ana");
    for name in ["a!b", "a b", "' OR 1=1", "🎉", "\u{1b}[2J", "%"] {
        ana.send(&format!("/visto {name}"));
        let answer = ana.line();
        assert!(answer.starts_with("Usuário não encontrado: "), "{answer}");
        assert!(!answer.contains('\u{1b}'));
    }
    ana.send(&format!("/visto {}", "a".repeat(99)));
    ana.expect(&[&format!("Usuário não encontrado: {}….", "a".repeat(32))]);
    ana.send("/visto servidor");
    ana.expect(&["servidor não está na sala, e nunca esteve, ou isso não está mais guardado."]);
}

#[test]
fn a_second_question_waits_while_the_room_goes_on_and_answers_stay_in_order() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let [mut ana, mut beto] = ["Ana", "Beto"].map(|name| server.join(name));
    ana.expect(&["Beto entrou no chat."]);
    let start = Instant::now();
    ana.send_bytes("/visto Beto\n/buscar nada\n/visto Zeca\n/ping\noi\n".as_bytes());
    ana.expect(&["Beto está na sala agora."]);
    beto.send("olá");
    ana.expect(&["Beto: olá"]);
    ana.expect(&["Nada encontrado: ninguém disse isso, ou não está mais guardado."]);
    assert!(start.elapsed() >= Duration::from_secs(1));
    ana.expect(&["Zeca não está na sala, e nunca esteve, ou isso não está mais guardado."]);
    assert!(start.elapsed() >= Duration::from_secs(2));
    ana.expect(&["Pong! O servidor está respondendo."]);
    beto.expect(&["Ana: oi"]);
    // what was asked is answered before the end, and also when the room was left
    ana.send_bytes("/buscar olá\n/visto Beto\n/sair\n".as_bytes());
    ana.half_close();
    let rest = ana.read_to_end();
    let lines: Vec<&str> = rest.lines().collect();
    assert!(lines[1].ends_with("] Beto: olá"), "{rest}");
    assert_eq!(lines[3..], ["Beto está na sala agora.", "Você saiu do chat."]);
}

#[test]
fn whoever_is_waiting_for_an_answer_may_be_gone() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    for round in 0..20 {
        let mut client = come(&server, &format!("Rita{round}_"));
        client.send(r#"{"type":"search","text":"x"}"#);
        client.send(r#"{"type":"search","text":"x"}"#);
        if round % 2 == 0 { client.reset() } else { drop(client) }
    }
    let mut ana = come(&server, "Ana");
    say(&mut ana, "x");
    assert_eq!(found(&server, "x"), ["x"]);
    // nor does the server wait for them when it stops
    ana.send_bytes(b"{\"type\":\"search\",\"text\":\"x\"}\n{\"type\":\"search\",\"text\":\"x\"}\n");
    while ana.object()["type"] != "found" {}
    server.signal("TERM");
    while ana.object()["type"] != "bye" {}
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn without_a_journal_it_is_said_that_nothing_is_kept() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    ana.send("oi");
    ana.send("/buscar oi");
    ana.expect(&["Este servidor não guarda nada do que é dito: não há onde buscar."]);
    ana.send("/visto ana");
    ana.expect(&["Ana está na sala agora."]);
    ana.send("/visto Beto");
    ana.expect(&["Beto não está na sala, e este servidor não guarda quem esteve."]);
    ana.send("/lang en");
    ana.expect(&["The language is now English."]);
    ana.send("/search oi");
    ana.expect(&["This server keeps nothing of what is said: there is nothing to search."]);
    ana.send("/seen Beto");
    ana.expect(&["Beto is not in the room, and this server does not keep who was."]);
    let (mut beto, _) = Client::join_as_program(server.address, "Beto", None);
    beto.send(r#"{"type":"search","text":"oi","id":"s"}"#);
    let answer = answer_to(&mut beto, "s");
    assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("nothing_kept")));
    beto.send(r#"{"type":"seen","name":"Zeca","id":"v"}"#);
    let answer = answer_to(&mut beto, "v");
    assert_eq!((&answer["type"], &answer["name"], &answer["here"]), (&json!("seen"), &json!("Zeca"), &json!(false)));
}

#[test]
fn before_a_name_nothing_is_found() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut stranger = Client::connect(server.address);
    for question in [r#"{"type":"search","text":"x"}"#, r#"{"type":"seen","name":"Ana"}"#] {
        stranger.send(question);
    }
    assert_eq!(stranger.object()["type"], "hello");
    assert_eq!([stranger.object()["code"].clone(), stranger.object()["code"].clone()], ["not_joined", "not_joined"]);
}

#[test]
fn a_journal_that_cannot_be_read_costs_nobody_the_chat() {
    let directory = tempdir().unwrap();
    let mut server = serve(directory.path());
    let mut ana = come(&server, "Ana");
    say(&mut ana, "oi");
    let (journal, aside) = (directory.path().join(FILE), directory.path().join("aside"));
    fs::rename(&journal, &aside).unwrap();
    fs::write(&journal, "what is this? ".repeat(1000)).unwrap();
    for (question, sentence) in [
        (json!({ "type": "search", "text": "oi" }), "Erro: Não foi possível ler o que está guardado."),
        (json!({ "type": "seen", "name": "Zeca" }), "Erro: Não foi possível ler o que está guardado."),
    ] {
        let answer = asked(&server, question);
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("archive_failed")));
        assert!(answer["message"].as_str().unwrap().starts_with(sentence), "{answer}");
    }
    let here = asked(&server, json!({ "type": "seen", "name": "Ana" }));
    assert_eq!(here["here"], true);
    say(&mut ana, "ainda aqui");
    fs::rename(&aside, &journal).unwrap();
    assert_eq!(found(&server, "oi"), ["oi"]);
    server.stdout.take();
    let log = server.log();
    assert_eq!(log.matches("the journal cannot be read: ").count(), 1, "{log}");
    assert_eq!(log.matches("the journal can be read again").count(), 1, "{log}");
}
