//! The real program and its journal: what a restart, an end without warning and a second server do to what was said.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::Client;
use common::program::{Program, papo, run};
use papo::journal::FILE;
use serde_json::{Value, json};
use tempfile::tempdir;

/// A papo as people run it, with the journal in this directory.
fn serve(directory: &Path) -> Program {
    let mut command = papo(&["--listen", "127.0.0.1:0", "--rate", "0", "--rate-bytes", "0", "--data"]);
    command.arg(directory).env_remove("PAPO_NO_JOURNAL").env_remove("PAPO_HISTORY");
    Program::spawn(command)
}

/// Ends it in this way, and starts another one.
fn restart(mut server: Program, how: &str, directory: &Path) -> Program {
    server.signal(how);
    common::program::wait(&mut server.child);
    serve(directory)
}

/// A program that comes in, from a place where it was before if it has one; and its welcome.
fn come(server: &Program, name: &str, place: Option<&Value>) -> (Client, Value) {
    Client::join_as_program(server.address, name, place)
}

/// Says something, and waits until it is acknowledged. Its number.
fn say(client: &mut Client, text: &str) -> u64 {
    client.send(&json!({ "type": "say", "text": text, "id": text }).to_string());
    loop {
        let object = client.object();
        if object["id"] == text {
            assert_eq!((&object["type"], object.get("kept")), (&json!("ack"), None), "{object}");
            return object["seq"].as_u64().unwrap();
        }
    }
}

/// The journal, as `papo journal export` writes it out.
fn exported(directory: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = papo(&["journal", "export", "--data"]);
    command.arg(directory).args(arguments);
    let output = run(command);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_newcomer_reads_what_was_said_before_the_server_was_restarted() {
    for how in ["TERM", "KILL"] {
        let directory = tempdir().unwrap();
        let server = serve(directory.path());
        let (mut ana, before) = come(&server, "Ana", None);
        let number = say(&mut ana, "olá");
        let server = restart(server, how, directory.path());
        let (mut beto, after) = come(&server, "Beto", None);
        assert_eq!(after["epoch"], before["epoch"]);
        assert!(after["seq"].as_u64().unwrap() >= number, "{after}");
        let history = beto.object();
        let events = history["events"].as_array().unwrap();
        assert_eq!((events.len(), &events[0]["seq"], &events[0]["text"]), (1, &json!(number), &json!("olá")), "{how}");
        let mut caio = server.join("Caio");
        assert_eq!(caio.line(), "--- O que foi dito antes, no horário do servidor (1 mensagem) ---");
        assert!(caio.line().ends_with("] Ana: olá"));
    }
}

#[test]
fn whoever_comes_back_after_a_restart_gets_exactly_what_was_missed() {
    for how in ["TERM", "KILL"] {
        let directory = tempdir().unwrap();
        let server = serve(directory.path());
        let (mut ana, _) = come(&server, "Ana", None);
        let (beto, welcome) = come(&server, "Beto", None);
        // its own arrival is the event after that of the welcome
        let place = json!({ "epoch": welcome["epoch"], "seq": welcome["seq"].as_u64().unwrap() + 1 });
        drop(beto);
        while ana.object()["type"] != "left" {}
        let numbers = ["um", "dois"].map(|text| say(&mut ana, text));
        let server = restart(server, how, directory.path());
        let mut caio = server.join("Caio");
        (0..4).for_each(|_| drop(caio.line()));
        let (mut beto, back) = come(&server, "Beto", Some(&place));
        assert_eq!(back["resumed"], true, "{how}: {back}");
        assert_eq!(caio.line(), "Beto entrou no chat.");
        caio.send("três");
        let mut missed = Vec::new();
        while missed.last().is_none_or(|event: &Value| event["text"] != "três") {
            missed.push(beto.object());
        }
        let kinds: Vec<&str> = missed.iter().map(|event| event["type"].as_str().unwrap()).collect();
        // that the server ended was told by the server itself
        assert_eq!(kinds, ["left", "said", "said", "joined", "said"], "{how}");
        assert_eq!([&missed[1]["seq"], &missed[2]["seq"]], [&json!(numbers[0]), &json!(numbers[1])]);
        assert!(missed.is_sorted_by_key(|event| event["seq"].as_u64().unwrap()));
    }
}

#[test]
fn what_is_sent_again_after_a_restart_is_said_once() {
    for how in ["TERM", "KILL"] {
        let directory = tempdir().unwrap();
        let server = serve(directory.path());
        let (mut ana, known) = come(&server, "Ana", None);
        let number = say(&mut ana, "olá");
        let server = restart(server, how, directory.path());
        // as whoever has the token, and then as somebody else of that name
        for (token, is_known) in [(Some(&known["token"]), true), (None, false)] {
            let mut join = json!({ "type": "join", "name": "Ana", "epoch": known["epoch"], "seq": number });
            if let Some(token) = token {
                join["token"] = token.clone();
            }
            let mut ana = Client::connect(server.address);
            ana.send(&join.to_string());
            assert_eq!(ana.object()["type"], "hello");
            let welcome = ana.object();
            assert_eq!(
                (&welcome["resumed"], welcome["token"] == known["token"]),
                (&json!(true), is_known),
                "{welcome}"
            );
            assert_eq!(say(&mut ana, "olá") == number, is_known, "{how}");
            ana.send(r#"{"type":"leave"}"#);
            ana.read_to_break();
        }
        let said = exported(directory.path(), &[]).into_iter().filter(|event| event["type"] == "said").count();
        assert_eq!(said, 2);
    }
}

#[test]
fn a_whisper_that_was_acknowledged_comes_to_its_reader_after_a_restart() {
    for how in ["TERM", "KILL"] {
        let directory = tempdir().unwrap();
        let server = serve(directory.path());
        let (mut ana, _) = come(&server, "Ana", None);
        let (beto, welcome) = come(&server, "Beto", None);
        let (zeca, of_zeca) = come(&server, "Zeca", None);
        // it breaks, and the server has not told anybody yet
        beto.reset();
        zeca.reset();
        for text in ["um", "dois"] {
            ana.send(&json!({ "type": "whisper", "to": "Beto", "id": text, "text": text }).to_string());
            let mut ack = ana.object();
            while ack["id"] != text {
                ack = ana.object();
            }
            assert_eq!(ack, json!({ "type": "ack", "id": text }));
        }
        let server = restart(server, how, directory.path());
        let back = |of: &Value, name: &str, whispers: u64| {
            let mut client = Client::connect(server.address);
            let join = json!({ "type": "join", "name": name, "token": of["token"], "epoch": of["epoch"], "seq": 3, "whispers": whispers });
            client.send(&join.to_string());
            assert_eq!(client.object()["type"], "hello");
            (client.object(), client)
        };
        // by that name, but by another token
        let (_, mut zeca) = back(&of_zeca, "Zeca", 0);
        zeca.send(r#"{"type":"rename","name":"Beto"}"#);
        while zeca.object()["type"] != "ack" {}
        zeca.send(r#"{"type":"leave"}"#);
        assert!(!zeca.read_to_break().contains("whispered"));
        let (welcomed, mut beto) = back(&welcome, "Beto", 1);
        assert_eq!(welcomed["whispers"], 1, "{how}: {welcomed}");
        let mut object = beto.object();
        while object["type"] != "whispered" {
            object = beto.object();
        }
        assert_eq!((&object["text"], &object["number"]), (&json!("dois"), &json!(2)), "{how}");
        let mut caio = server.join("Caio");
        caio.send("@beto três");
        while object["text"] != "três" {
            object = beto.object();
        }
        assert_eq!(object["number"], 3);
    }
}

#[test]
fn what_was_acknowledged_is_kept_however_the_server_ends() {
    let directory = tempdir().unwrap();
    let mut server = serve(directory.path());
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..5 {
        let (mut ana, _) = come(&server, "Ana", None);
        // the server ends while much is on its way
        (0..2000)
            .for_each(|i| ana.send(&json!({ "type": "say", "text": "olá", "id": format!("{round}-{i}") }).to_string()));
        for _ in 0..(100 * (round + 1)) {
            let mut object = ana.object();
            while object["type"] != "ack" {
                object = ana.object();
            }
            assert_eq!(object.get("kept"), None);
            let before =
                acknowledged.insert(object["seq"].as_u64().unwrap(), object["id"].as_str().unwrap().to_owned());
            assert_eq!(before, None, "two messages have the number of {object}");
        }
        server.signal("KILL");
        // what was on its way to her is acknowledged, too
        for line in ana.read_to_break().lines() {
            // the last one may be cut
            let Ok(object) = serde_json::from_str::<Value>(line) else { continue };
            if object["type"] == "ack" {
                acknowledged.insert(object["seq"].as_u64().unwrap(), object["id"].as_str().unwrap().to_owned());
            }
        }
        common::program::wait(&mut server.child);
        server = serve(directory.path());
    }
    let journal = exported(directory.path(), &[]);
    let numbers: Vec<u64> = journal.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert!(numbers.is_sorted_by(|one, other| one < other));
    for (seq, id) in &acknowledged {
        let event = &journal[journal.iter().position(|event| event["seq"] == *seq).unwrap()];
        assert_eq!((&event["type"], &event["text"]), (&json!("said"), &json!("olá")), "{seq} {id}");
    }
    assert!(acknowledged.len() >= 1500);
}

#[test]
fn whispers_are_kept_for_their_two_people_only() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.send("@beto segredo");
    ana.send("oi");
    beto.expect(&["Ana (privado): segredo", "Ana: oi"]);
    let server = restart(server, "TERM", directory.path());
    for name in ["Caio", "Beto"] {
        let (mut client, _) = come(&server, name, None);
        let history = client.object();
        assert_eq!(history["events"].as_array().unwrap().len(), 1, "{history}");
        assert_eq!(history["events"][0]["text"], "oi");
    }
    let secrets = |journal: Vec<Value>| journal.iter().filter(|item| item["text"] == "segredo").count();
    assert_eq!(secrets(exported(directory.path(), &[])), 0);
    assert_eq!(secrets(exported(directory.path(), &["--whispers", "Caio"])), 0);
    assert_eq!(secrets(exported(directory.path(), &["--whispers", "ana"])), 1);
    assert_eq!(secrets(exported(directory.path(), &["--whispers", "Beto"])), 1);
}

/// Forty programs that whisper, each to the one that is so many places behind it, far more than there is room for.
fn flood(server: &Program, crowd: &mut [Client], distance: usize) {
    for at in 0..crowd.len() {
        let to = format!("f{}", (at + distance) % crowd.len());
        let whisper = json!({ "type": "whisper", "to": to, "text": "x" }).to_string();
        (0..75).for_each(|_| crowd[at].send(&whisper));
        crowd[at].send(&json!({ "type": "ping" }).to_string());
    }
    for client in crowd {
        while client.object()["type"] != "pong" {}
    }
    // the room has had it all
    drop(server.join("Fim"));
}

#[test]
fn nobody_can_flush_what_others_have_missed() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let (mut ana, welcome) = come(&server, "Ana", None);
    let mut beto = server.join("Beto");
    beto.send("@ana psiu");
    while ana.object()["type"] != "whispered" {}
    let mut crowd: Vec<Client> = (0..40).map(|i| come(&server, &format!("f{i}"), None).0).collect();
    // she has not told anybody that she has read it
    let come_back = |server: &Program| {
        let mut join = welcome.clone();
        (join["type"], join["whispers"]) = (json!("join"), json!(0));
        let mut ana = Client::connect(server.address);
        ana.send(&join.to_string());
        ana.send(&json!({ "type": "ping" }).to_string());
        let mut missed = Vec::new();
        loop {
            match ana.object() {
                object if object["type"] == "pong" => return (ana, missed),
                object if object["type"] == "whispered" => missed.push(object["text"].clone()),
                _ => {}
            }
        }
    };
    for distance in [0, 1] {
        ana.reset();
        flood(&server, &mut crowd, distance);
        let missed;
        (ana, missed) = come_back(&server);
        assert_eq!(missed, ["psiu"], "{distance}");
    }
    let server = restart(server, "TERM", directory.path());
    let (_, missed) = come_back(&server);
    assert_eq!(missed, ["psiu"]);
}

#[test]
fn a_second_server_does_not_write_into_the_same_journal() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path());
    let mut second = papo(&["--listen", "127.0.0.1:0", "--data"]);
    second.arg(directory.path()).env_remove("PAPO_NO_JOURNAL");
    let output = run(second);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with("papo: outro papo está escrevendo o diário em "), "{told}");
    // the first one goes on, and another one may follow it
    drop(server.join("Ana"));
    drop(restart(server, "TERM", directory.path()).join("Ana"));
}

#[test]
fn without_a_journal_nothing_is_written() {
    let directory = tempdir().unwrap();
    let mut command = papo(&["--listen", "127.0.0.1:0", "--no-journal", "--data"]);
    command.arg(directory.path()).env_remove("PAPO_NO_JOURNAL");
    let server = Program::spawn(command);
    let mut ana = server.join("Ana");
    ana.send("oi");
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
    assert!(!directory.path().join(FILE).exists());
    drop(serve(directory.path()));
    assert!(directory.path().join(FILE).exists());
}
