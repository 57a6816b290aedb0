//! Connections that break: what the others learn, and when.

use std::io::Write;

use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{TestServer, config, strict_config};
use crate::witness::Witness;

#[test]
fn connections_that_are_reset_leave_with_a_reason_and_nobody_else_notices() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for i in 0..5 {
        let dying = server.join(&format!("Frágil{i}"));
        dying.reset();
    }
    witness.goes_on(2);
    let others = witness.stop();
    for i in 0..5 {
        let came = others.iter().position(|line| *line == format!("Frágil{i} entrou no chat."));
        let left = others.iter().position(|line| *line == format!("Frágil{i} saiu do chat (conexão perdida)."));
        assert!(came.is_some() && came < left, "{others:?}");
    }
}

#[test]
fn all_that_was_sent_before_the_end_of_the_input_is_delivered_at_the_pace_that_is_allowed() {
    // printf 'Ana\n0\n1\n…' | nc -N
    let server = TestServer::with(Config { rate: 20, ..strict_config() }, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut beto = server.join("Beto");
    let mut ana = server.connect();
    ana.send_bytes((0..40).fold("Ana\n".to_owned(), |input, i| input + &format!("linha {i}\n")).as_bytes());
    ana.send_bytes(b"/nada\n@beto fim sem fim de linha");
    ana.half_close();
    beto.read_to("Ana entrou no chat.");
    for i in 0..40 {
        beto.read_to(&format!("Ana: linha {i}"));
    }
    beto.read_to("Ana (privado): fim sem fim de linha");
    beto.read_to("Ana saiu do chat.");
    let answers = ana.read_to_end();
    assert!(
        answers.contains("Bem-vindo ao chat, Ana!") && answers.contains("Comando desconhecido: /nada."),
        "{answers}"
    );
    witness.goes_on(1);
    let others = witness.stop();
    assert_eq!(others.iter().filter(|line| line.starts_with("Ana: ")).count(), 40, "{others:?}");
}

#[test]
fn connections_that_are_reset_while_they_are_written_to_and_read_from_hurt_nobody_else() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    let mut talker = server.join("Ana");
    let dying: Vec<_> = (0..30).map(|i| server.join(&format!("Frágil{i}"))).collect();
    for (i, mut client) in dying.into_iter().enumerate() {
        // in the middle of a line, with lines on their way in both directions
        client.send_bytes("dito\nmetade de".repeat(50).as_bytes());
        talker.send(&format!("{i} {}", "x".repeat(2000)));
        client.reset();
    }
    let mut names = talker;
    names.send("/quem");
    let mut list = names.line();
    while list != "Na sala (3): Testemunha, Falante, Ana" {
        if list.starts_with("Na sala (") {
            names.send("/quem");
        }
        list = names.line();
    }
    witness.goes_on(2);
    let others = witness.stop();
    // many who leave in one moment are told in one line
    let notices: Vec<&String> = others.iter().filter(|line| line.contains(" do chat")).collect();
    let left: usize = notices.iter().filter_map(|notice| leavers(notice)).sum();
    assert_eq!(left, 30, "{notices:?}");
}

/// Of how many people a notice tells that they left.
fn leavers(notice: &str) -> Option<usize> {
    let (names, _) = notice.split_once(" saiu do chat").or_else(|| notice.split_once(" saíram do chat."))?;
    let (names, more) = names.split_once(" e mais ").unwrap_or((names, "0"));
    Some(names.split(", ").count() + more.parse::<usize>().unwrap())
}

#[test]
fn last_words_arrive_even_if_the_peer_pours_on() {
    let mut server = TestServer::with(Config { rate: 2, ..config() }, ChatRoom::default);
    let mut pouring: Vec<_> = (0..5).map(|i| server.join(&format!("enxurrada_{i}"))).collect();
    let senders: Vec<_> = pouring
        .iter()
        .map(|client| {
            let mut stream = client.stream().try_clone().unwrap();
            std::thread::spawn(move || while stream.write_all(&b"agora\n".repeat(500)).is_ok() {})
        })
        .collect();
    for client in &mut pouring {
        client.read_to("Você está enviando rápido demais: as próximas linhas chegarão aos poucos.");
    }
    server.ask_to_stop();
    for client in &mut pouring {
        client.read_to("O servidor está encerrando.");
    }
    drop(pouring);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(server.exit_code(), 0);
}
