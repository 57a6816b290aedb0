//! What was said before: to newcomers, and to whoever asks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Client, TestServer, config};
use papo::config::Config;
use papo::room::ChatRoom;
use serde_json::{Value, json};

fn showing(history: usize) -> TestServer {
    TestServer::with(Config { history, ..config() }, ChatRoom::default)
}

/// A line of what was said before, without its time.
#[track_caller]
fn told(client: &mut Client) -> String {
    let line = client.line();
    let (time, line) =
        line.strip_prefix('[').and_then(|line| line.split_once("] ")).unwrap_or_else(|| panic!("{line}"));
    let is_time = |time: &str| time.len() == 5 && time.as_bytes()[2] == b':';
    assert!(is_time(time) || time.len() == "2026-11-28 00:00".len() && is_time(&time[11..]), "{time}");
    line.to_owned()
}

const BEGINS: &str = "--- O que foi dito antes, no horário do servidor (2 mensagens) ---";
const ENDS: &str = "--- Fim do que foi dito antes ---";

#[test]
fn a_newcomer_reads_what_was_said_before_and_then_what_is_said() {
    let server = showing(50);
    let mut ana = server.join("Ana");
    ana.send("oi");
    ana.send("@ana segredo");
    ana.send("/eu acena");
    ana.expect(&["Ana (privado): segredo"]);
    let mut beto = server.join("Beto");
    beto.expect(&[BEGINS]);
    assert_eq!([told(&mut beto), told(&mut beto)], ["Ana: oi", "* Ana acena"]);
    beto.expect(&[ENDS]);
    ana.expect(&["Beto entrou no chat."]);
    ana.send("e agora?");
    beto.expect(&["Ana: e agora?"]);
}

#[test]
fn nothing_is_shown_where_nothing_was_said_or_should_be() {
    let server = showing(50);
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    beto.expect_nothing();
    ana.expect(&["Beto entrou no chat."]);
    beto.send("/historico");
    beto.expect(&["Ainda não foi dito nada."]);
    let silent = showing(0);
    let mut ana = silent.join("Ana");
    ana.send("oi");
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    silent.join("Beto").expect_nothing();
}

#[test]
fn as_many_as_are_asked_for_and_no_more_than_are_shown() {
    let server = showing(2);
    let mut ana = server.join("Ana");
    (0..10).for_each(|i| ana.send(&i.to_string()));
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    let mut beto = server.join("Beto");
    beto.expect(&[BEGINS]);
    assert_eq!([told(&mut beto), told(&mut beto)], ["Ana: 8", "Ana: 9"]);
    beto.expect(&[ENDS]);
    beto.send("/lang en");
    beto.expect(&["The language is now English."]);
    beto.send("/history 3");
    beto.expect(&["--- What was said before, in the time of the server (3 messages) ---"]);
    assert_eq!([told(&mut beto), told(&mut beto), told(&mut beto)], ["Ana: 7", "Ana: 8", "Ana: 9"]);
    beto.expect(&["--- End of what was said before ---"]);
    beto.send("/history 100000");
    assert!(beto.line().contains("(10 messages)"));
    (0..10).for_each(|i| assert_eq!(told(&mut beto), format!("Ana: {i}")));
    beto.expect(&["--- End of what was said before ---"]);
    beto.send("/history x");
    beto.expect(&["Invalid format. Use: /history [N]"]);
    // nor is anything shown of those who are ignored
    beto.send("/ignore Ana");
    beto.expect(&["You will not see messages from Ana any more. To undo: /unignore Ana"]);
    beto.send("/history");
    beto.expect(&["Nothing has been said yet."]);
}

#[test]
fn programs_get_objects() {
    let server = showing(50);
    let mut ana = server.join("Ana");
    ana.send("oi");
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    let mut beto = server.connect();
    beto.send(r#"{"type":"join","name":"Beto","id":"j"}"#);
    assert_eq!((beto.object()["type"].clone(), beto.object()["type"].clone()), (json!("hello"), json!("welcome")));
    let history = beto.object();
    assert_eq!(history.get("id"), None);
    assert_eq!(history["type"], "history");
    let events = history["events"].as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0]["type"], &events[0]["seq"], &events[0]["text"]), (&json!("said"), &json!(2), &json!("oi")));
    beto.send(r#"{"type":"history","count":5,"id":"h"}"#);
    let again = beto.object();
    assert_eq!((&again["id"], &again["events"]), (&json!("h"), &history["events"]));
}

#[test]
fn a_client_without_line_ends_gets_no_more_than_it_reads_at_once() {
    let server = showing(50);
    let mut ana = server.join("Ana");
    (0..50).for_each(|i| ana.send(&format!("{i} {}", "x".repeat(60))));
    ana.send("/ping");
    ana.expect(&["Pong! O servidor está respondendo."]);
    let mut old = server.connect();
    old.send_bytes(b"Velha");
    assert!(old.line().starts_with("Bem-vindo ao chat, Velha!"));
    let mut bytes = old.line().len() + 1;
    let mut last = String::new();
    loop {
        let line = old.line();
        bytes += line.len() + 1;
        if line == ENDS {
            break;
        }
        last = line;
    }
    assert!(bytes <= 1024, "{bytes}");
    assert!(last.contains("Ana: 49 "), "{last}");
}

#[test]
fn in_a_flood_of_messages_nothing_is_missing_and_nothing_comes_twice() {
    let server = showing(1000);
    let mut ana = server.join("Ana");
    let stop = Arc::new(AtomicBool::new(false));
    let flood = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            for i in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return ana;
                }
                ana.send(&i.to_string());
                // about a thousand in a second
                thread::park_timeout(std::time::Duration::from_millis(1));
            }
            unreachable!()
        })
    };
    for round in 0..20 {
        let mut reader = server.connect();
        reader.send(&format!("leitor{round}_"));
        assert!(reader.line().starts_with("Bem-vindo"));
        let mut number = None;
        let mut live = 0;
        while live < 20 {
            let line = reader.line();
            let line = if line.starts_with('[') { line.split_once("] ").unwrap().1 } else { &line };
            let Some(said) = line.strip_prefix("Ana: ") else { continue };
            let said: u64 = said.parse().unwrap();
            assert!(number.is_none_or(|before| said == before + 1), "{said} follows {number:?}");
            number = Some(said);
            live += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    drop(flood.join().unwrap());
}

/// A program that comes in, from a place where it was before if it has one. Its welcome.
fn come(server: &TestServer, name: &str, place: Option<&Value>) -> (Client, Value) {
    Client::join_as_program(server.address, name, place)
}

#[test]
fn whoever_comes_back_is_told_exactly_what_was_missed_and_then_what_happens() {
    let server = showing(50);
    let mut beto = server.join("Beto");
    let (ana, welcome) = come(&server, "Ana", None);
    assert_eq!(welcome.get("resumed"), None);
    beto.expect(&["Ana entrou no chat."]);
    drop(ana);
    beto.expect(&["Ana saiu do chat."]);
    beto.send("um");
    beto.send("/nome Bia");
    beto.expect(&["Beto agora é Bia."]);
    beto.send("dois");
    beto.send("/ping");
    beto.expect(&["Pong! O servidor está respondendo."]);
    // her own arrival was the event after that of the welcome
    let place = json!({ "epoch": welcome["epoch"], "seq": welcome["seq"].as_u64().unwrap() + 1 });
    let (mut ana, back) = come(&server, "Ana", Some(&place));
    assert_eq!((&back["resumed"], &back["epoch"]), (&json!(true), &welcome["epoch"]));
    beto.expect(&["Ana entrou no chat."]);
    beto.send("três");
    let seq = place["seq"].as_u64().unwrap();
    for (number, kind, detail) in
        [(1, "left", ""), (2, "said", "um"), (3, "renamed", ""), (4, "said", "dois"), (6, "said", "três")]
    {
        let event = ana.object();
        assert_eq!((&event["seq"], &event["type"]), (&json!(seq + number), &json!(kind)), "{event}");
        assert!(detail.is_empty() || event["text"] == detail, "{event}");
        assert_eq!(back["seq"].as_u64().unwrap(), seq + 4);
    }
}

#[test]
fn whoever_has_missed_too_much_or_comes_from_elsewhere_is_told_so() {
    let server = showing(3);
    let mut beto = server.join("Beto");
    (0..1500).for_each(|i| beto.send(&i.to_string()));
    beto.send("/ping");
    beto.expect(&["Pong! O servidor está respondendo."]);
    let (_, welcome) = come(&server, "Ana", None);
    let seq = welcome["seq"].as_u64().unwrap();
    for (index, place) in [
        json!({ "epoch": welcome["epoch"], "seq": seq - 1400 }),
        json!({ "epoch": welcome["epoch"], "seq": seq + 1_000_000 }),
        json!({ "epoch": "0".repeat(32), "seq": seq }),
    ]
    .iter()
    .enumerate()
    {
        let (mut back, welcome) = come(&server, &format!("Caio{index}_"), Some(place));
        assert_eq!(welcome.get("resumed"), None);
        assert_eq!(back.object()["events"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn in_a_flood_of_messages_whoever_comes_and_goes_misses_nothing() {
    let server = showing(50);
    let mut ana = server.join("Ana");
    let stop = Arc::new(AtomicBool::new(false));
    let flood = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                ana.send("x");
                thread::park_timeout(std::time::Duration::from_millis(1));
            }
            ana
        })
    };
    let (mut client, welcome) = come(&server, "Leitora", None);
    // the first time, what was said before
    if welcome["seq"].as_u64().unwrap() > 1 {
        client.object();
    }
    let mut known = welcome["seq"].as_u64().unwrap() + 1;
    for round in 0..20 {
        for _ in 0..30 {
            let event = client.object();
            assert_eq!(event["seq"], known + 1, "round {round}: {event}");
            known += 1;
        }
        drop(client);
        let place = json!({ "epoch": welcome["epoch"], "seq": known });
        let back;
        (client, back) = loop {
            // until the departure of the last one is through
            let mut client = server.connect();
            let join = json!({ "type": "join", "name": "Leitora", "epoch": place["epoch"], "seq": place["seq"] });
            client.send(&join.to_string());
            client.object();
            let answer = client.object();
            if answer["type"] == "welcome" {
                break (client, answer);
            }
        };
        assert_eq!(back["resumed"], true);
        // up to the welcome, whatever it is; then one's own arrival, which is not told
        while known < back["seq"].as_u64().unwrap() {
            assert_eq!(client.object()["seq"], known + 1);
            known += 1;
        }
        known += 1;
    }
    stop.store(true, Ordering::Relaxed);
    drop(flood.join().unwrap());
}
