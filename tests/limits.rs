//! What is bounded, and who notices: the one whom the limit hits, and nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use common::{Client, TestServer, config, wait_until};
use papo::config::Config;
use papo::room::ChatRoom;

/// More than the kernel holds for a reader that does not read, and its outbox besides.
const MORE_THAN_IS_OWED: usize = 12 * 1024 * 1024;

#[test]
fn a_reader_who_stops_is_cut_and_a_hundred_others_go_on() {
    const READERS: usize = 100;
    const LINE: usize = 4000;
    let server = TestServer::start();
    let mut asleep = server.join("Dorminhoco");
    let mut talker = server.join("Ana");
    let mut readers: Vec<Client> = (0..READERS).map(|i| server.join(&format!("leitor{i}"))).collect();
    for (i, reader) in readers.iter_mut().enumerate() {
        for later in i + 1..READERS {
            reader.expect(&[&format!("leitor{later} entrou no chat.")]);
        }
    }
    for i in 0..READERS {
        talker.expect(&[&format!("leitor{i} entrou no chat.")]);
    }

    let lines = MORE_THAN_IS_OWED / LINE;
    let text = "x".repeat(LINE);
    let progress: Arc<Vec<AtomicUsize>> = Arc::new((0..READERS).map(|_| AtomicUsize::new(0)).collect());
    let threads: Vec<_> = readers
        .into_iter()
        .enumerate()
        .map(|(index, mut reader)| {
            let (text, progress) = (text.clone(), Arc::clone(&progress));
            thread::spawn(move || {
                let (mut next, mut notices) = (0, 0);
                while next < lines || notices == 0 {
                    let line = reader.line();
                    if line == "Dorminhoco saiu do chat (leitura lenta demais)." {
                        notices += 1;
                    } else {
                        assert_eq!(line, format!("Ana: {next} {text}"));
                        next += 1;
                        progress[index].store(next, Ordering::Relaxed);
                    }
                }
                assert_eq!(notices, 1);
                reader
            })
        })
        .collect();
    // at a pace that everybody who reads can follow, whatever this machine is busy with
    for line in 0..lines {
        talker.send(&format!("{line} {text}"));
        let slowest = || progress.iter().map(|read| read.load(Ordering::Relaxed)).min().unwrap_or_default();
        wait_until("everybody who reads keeps up", || line < slowest() + 100);
    }
    let mut readers: Vec<Client> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for reader in &mut readers {
        reader.expect_nothing();
    }

    // what the sleeper was sent is whole lines in order, and the last one says why nothing follows
    let mut seen = Vec::new();
    loop {
        let line = asleep.line();
        if line == "Você foi desconectado: leitura lenta demais." {
            break;
        }
        seen.push(line);
    }
    asleep.expect_end();
    let said: Vec<&String> = seen.iter().filter(|line| line.starts_with("Ana: ")).collect();
    assert!(said.len() > 20 && said.len() < lines);
    for (i, line) in said.iter().enumerate() {
        assert_eq!(**line, format!("Ana: {i} {text}"));
    }
}

#[test]
fn many_who_paste_at_once_cut_nobody_who_reads() {
    const PASTERS: usize = 12;
    const LINES: usize = 16;
    let server = TestServer::start();
    let mut listeners: Vec<Client> = (0..3).map(|i| server.join(&format!("ouvinte{i}"))).collect();
    let mut pasters: Vec<Client> = (0..PASTERS).map(|i| server.join(&format!("p{i}"))).collect();
    let listening: Vec<_> = listeners
        .drain(..)
        .map(|mut listener| {
            thread::spawn(move || {
                let mut said = [0; PASTERS];
                while said.iter().sum::<usize>() < PASTERS * LINES {
                    let line = listener.line();
                    if let Some((name, text)) = line.split_once(": ") {
                        let paster: usize = name[1..].parse().unwrap();
                        assert!(text.starts_with(&format!("{} ", said[paster])));
                        said[paster] += 1;
                    } else {
                        assert!(line.ends_with(" entrou no chat."), "{line}");
                    }
                }
            })
        })
        .collect();
    // 0.75 MiB for everybody, in far less time than it takes to read them
    let paste: String = (0..LINES).map(|i| format!("{i} {}\n", "x".repeat(4000))).collect();
    for paster in &mut pasters {
        // whoever does not read is not read from
        let mut heard = paster.stream().try_clone().unwrap();
        thread::spawn(move || std::io::copy(&mut heard, &mut std::io::sink()));
        paster.send_bytes(paste.as_bytes());
    }
    for thread in listening {
        thread.join().unwrap();
    }
}

#[test]
fn whoever_gives_no_name_in_time_is_let_go_with_a_reason() {
    let server = TestServer::with(
        Config { name_deadline: Duration::from_secs(1), silence: Duration::from_secs(5), ..config() },
        ChatRoom::default,
    );
    let mut member = server.join("Beto");
    let mut silent = server.connect();
    let mut talking = server.connect();
    talking.send("a b");
    talking.expect(&["Erro: O nome só pode conter letras, números e '_', sem espaços."]);
    for client in [&mut silent, &mut talking] {
        client.expect(&["Você foi desconectado: nenhum nome informado em 1 segundo."]);
        client.expect_end();
    }
    member.expect_nothing();
}

#[test]
fn a_full_server_says_so_and_has_room_again_when_somebody_goes() {
    let server = TestServer::with(Config { max_connections: 2, ..config() }, ChatRoom::default);
    let mut ana = server.join("Ana");
    let mut beto = server.join("Beto");
    ana.expect(&["Beto entrou no chat."]);
    for _ in 0..3 {
        // a client that has sent its name already reads the sentence, too, and a clean end
        let mut refused = server.connect();
        refused.send("Caio");
        refused.expect(&["Erro: O servidor está cheio. Tente de novo mais tarde."]);
        assert_eq!(refused.read_to_end(), "");
    }
    ana.send("/sair");
    ana.expect(&["Você saiu do chat."]);
    ana.expect_end();
    drop(ana);
    beto.expect(&["Ana saiu do chat."]);
    wait_until("there is room again", || {
        let mut caio = server.connect();
        caio.send("Caio");
        caio.line().starts_with("Bem-vindo")
    });
}

#[test]
fn an_answer_longer_than_the_outbox_cuts_nobody() {
    let server = TestServer::with(Config { outbox: 500, ..config() }, ChatRoom::default);
    let mut ana = server.join("Ana");
    ana.send("/ajuda");
    ana.expect(&["Tudo o que você digita vai para todos, menos estes comandos:"]);
    while !ana.line().starts_with("  //mensagem") {}
    ana.expect_nothing();
}

#[test]
fn input_behind_the_last_line_does_not_break_the_connection() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    ana.send_bytes(format!("/sair\n{}", "x\n".repeat(20_000)).as_bytes());
    ana.expect(&["Você saiu do chat."]);
    // no reset, which could have taken the last line back
    assert_eq!(ana.read_to_end(), "");
}

#[test]
fn too_many_ignored_names_are_refused() {
    let server = TestServer::start();
    let mut ana = server.join("Ana");
    for i in 0..100 {
        ana.send(&format!("/ignorar n{i}"));
        ana.line();
    }
    ana.send("/ignorar mais_um");
    ana.expect(&["Erro: Você já está ignorando 100 pessoas, o máximo permitido."]);
    ana.send("/ignorar n5");
    ana.expect(&["Você não verá mais as mensagens de n5. Para desfazer: /atender n5"]);
}
