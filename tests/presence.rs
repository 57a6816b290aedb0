//! Who comes and goes: every bystander reads every notice once, whatever the way out was.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::thread;

use common::{Client, TestServer};

#[test]
fn two_people_talk_at_once() {
    const LINES: usize = 300;
    let server = TestServer::start();
    let mut witness = server.join("Caio");
    let mut ana = server.join("Ana");
    let beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    witness.expect(&["Ana entrou no chat.", "Beto entrou no chat."]);

    let talk = |mut client: Client, own: &'static str, other: &'static str| {
        thread::spawn(move || {
            for i in 0..LINES {
                client.send(&format!("{own} {i}"));
            }
            for i in 0..LINES {
                client.expect(&[&format!("{other}: {other} {i}")]);
            }
            client
        })
    };
    let (ana, beto) = (talk(ana, "Ana", "Beto"), talk(beto, "Beto", "Ana"));
    let (mut from_ana, mut from_beto) = (0, 0);
    while from_ana + from_beto < 2 * LINES {
        let line = witness.line();
        let counter = if line.starts_with("Ana") { &mut from_ana } else { &mut from_beto };
        let name = if line.starts_with("Ana") { "Ana" } else { "Beto" };
        assert_eq!(line, format!("{name}: {name} {counter}"));
        *counter += 1;
    }
    for client in [&mut ana.join().unwrap(), &mut beto.join().unwrap(), &mut witness] {
        client.expect_nothing();
    }
}

#[test]
fn all_readers_see_the_same_order() {
    const TALKERS: usize = 5;
    const LINES: usize = 100;
    let server = TestServer::start();
    let readers: Vec<Client> = (0..4).map(|i| server.join(&format!("leitor{i}"))).collect();
    let talkers: Vec<_> = (0..TALKERS)
        .map(|i| {
            let mut client = server.join(&format!("falante{i}"));
            thread::spawn(move || {
                for line in 0..LINES {
                    client.send(&format!("{line}"));
                }
                client
            })
        })
        .collect();
    let seen: Vec<Vec<String>> = readers
        .into_iter()
        .map(|mut reader| {
            let mut seen = Vec::new();
            while seen.len() < TALKERS * LINES {
                let line = reader.line();
                if line.contains(": ") {
                    seen.push(line);
                }
            }
            seen
        })
        .collect();
    for other in &seen[1..] {
        assert_eq!(*other, seen[0]);
    }
    for talker in talkers {
        drop(talker.join().unwrap());
    }
}

#[test]
fn every_bystander_reads_each_notice_once() {
    let server = TestServer::start();
    let mut bystanders: Vec<Client> = Vec::new();
    for i in 0..5 {
        bystanders.push(server.join(&format!("p{i}")));
    }
    type WayOut = fn(Client);
    let ways_out: [(&str, WayOut); 4] = [
        ("Ana saiu do chat.", |mut client| client.send("/sair")),
        ("Ana saiu do chat.", |client| client.half_close()),
        ("Ana saiu do chat.", drop),
        ("Ana saiu do chat (conexão perdida).", Client::reset),
    ];
    for (index, bystander) in bystanders.iter_mut().enumerate() {
        for later in index + 1..5 {
            bystander.expect(&[&format!("p{later} entrou no chat.")]);
        }
    }
    for (notice, leave) in ways_out {
        let mut ana = server.join("Ana");
        ana.send("oi");
        for bystander in &mut bystanders {
            bystander.expect(&["Ana entrou no chat.", "Ana: oi"]);
        }
        leave(ana);
        for bystander in &mut bystanders {
            bystander.expect(&[notice]);
        }
    }
    for bystander in &mut bystanders {
        bystander.expect_nothing();
    }
}

#[test]
fn a_reset_in_the_middle_of_a_line_says_nothing_of_the_line() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    let mut ana = server.join("Ana");
    beto.expect(&["Ana entrou no chat."]);
    ana.send_bytes(b"inteira\nmetade de um segr");
    beto.expect(&["Ana: inteira"]);
    ana.reset();
    beto.expect(&["Ana saiu do chat (conexão perdida)."]);
    beto.expect_nothing();
}

#[test]
fn whoever_never_had_a_name_comes_and_goes_unseen() {
    let server = TestServer::start();
    let mut beto = server.join("Beto");
    drop(server.connect());
    server.connect().reset();
    let mut nameless = server.connect();
    nameless.send("a b");
    nameless.line();
    drop(nameless);
    beto.expect_nothing();
}

#[test]
fn a_name_is_free_again_as_soon_as_the_leaver_has_been_told() {
    let server = TestServer::start();
    for _ in 0..50 {
        let mut ana = server.join("Ana");
        ana.send("/sair");
        ana.expect(&["Você saiu do chat."]);
    }
}

#[test]
fn of_many_who_want_one_name_at_once_one_gets_it() {
    let server = TestServer::start();
    let threads: Vec<_> = (0..20)
        .map(|i| {
            let mut client = server.connect();
            thread::spawn(move || {
                client.send(if i % 2 == 0 { "Ana" } else { "ANA" });
                let line = client.line();
                (client, line)
            })
        })
        .collect();
    let answers: Vec<(Client, String)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let welcomed = answers.iter().filter(|(_, line)| line.starts_with("Bem-vindo")).count();
    let refused = answers.iter().filter(|(_, line)| line.ends_with("já está em uso.")).count();
    assert_eq!((welcomed, refused), (1, 19));
}

#[test]
fn a_crowd_is_counted_in_the_welcome_and_listed_by_who() {
    let server = TestServer::start();
    let mut people: Vec<Client> = (0..60).map(|i| server.join(&format!("pessoa_{i}"))).collect();
    let mut ana = server.connect();
    ana.send("Ana");
    let welcome = ana.line();
    assert!(welcome.contains("Na sala: pessoa_0, pessoa_1, "), "{welcome}");
    assert!(welcome.contains("pessoa_19 e mais 40. Digite"), "{welcome}");
    ana.send("/quem");
    let list = ana.line();
    assert!(list.starts_with("Na sala (61): pessoa_0, pessoa_1, ") && list.ends_with("pessoa_59, Ana"), "{list}");
    people[59].expect(&["Ana entrou no chat."]);
}

#[test]
fn the_list_of_people_follows_who_comes_goes_and_changes_names() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    let mut list = |expected: &str| {
        ana.send("/quem");
        while ana.line() != expected {}
    };
    list("Na sala (1): Ana");
    let mut beto = server.join("Beto");
    list("Na sala (2): Ana, Beto");
    beto.send("/nome Caio");
    beto.expect(&["Beto agora é Caio."]);
    list("Na sala (2): Ana, Caio");
    beto.send("/sair");
    beto.expect(&["Você saiu do chat."]);
    list("Na sala (1): Ana");
}
