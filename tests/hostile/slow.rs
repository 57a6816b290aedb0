//! Readers who read slowly or not at all: they are bounded in bytes and in time, and nobody else waits for them.

use std::io::Read;
use std::time::Duration;

use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{TestServer, config};
use crate::witness::Witness;

/// What the kernel and an outbox hold for one reader at most, and some more: without a bound in the kernel it would be 5 MB.
const MORE_THAN_IS_OWED: usize = 3 * 1024 * 1024;

const LINE: usize = 4000;

#[test]
fn a_reader_who_stops_is_noticed_before_the_kernel_holds_megabytes() {
    let server = TestServer::with(config(), ChatRoom::default);
    let witness = Witness::start(&server);
    let asleep = server.join("Dorminhoca");
    let mut talker = server.join("Ana");
    let text = "x".repeat(LINE);
    let mut notices = 0;
    for _ in 0..MORE_THAN_IS_OWED / LINE / 50 {
        for _ in 0..50 {
            talker.send(&text);
        }
        // at a pace that everybody who reads can follow
        talker.send("/ping");
        loop {
            match talker.line().as_str() {
                "Dorminhoca saiu do chat (leitura lenta demais)." => notices += 1,
                "Pong! O servidor está respondendo." => break,
                _ => {}
            }
        }
    }
    assert_eq!(notices, 1);
    // the last words are there when she wakes up
    let mut rest = String::new();
    asleep.stream().read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("Você foi desconectado: leitura lenta demais.\n"), "{}", &rest[rest.len() - 200..]);
    drop(asleep);
    witness.stop();
}

#[test]
fn a_reader_who_is_behind_for_too_long_is_cut_though_the_outbox_would_hold_more() {
    let config = Config { outbox_soft: 100_000, outbox_time: Duration::from_secs(1), ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let witness = Witness::start(&server);
    let asleep = server.join("Dorminhoca");
    let mut talker = server.join("Ana");
    for _ in 0..150 {
        talker.send(&"x".repeat(LINE));
    }
    talker.read_to("Dorminhoca saiu do chat (leitura lenta demais).");
    drop(asleep);
    witness.stop();
}

#[test]
fn whoever_does_not_read_is_not_read_from() {
    let server = TestServer::with(config(), ChatRoom::default);
    let witness = Witness::start(&server);
    let deaf = server.join("Surda");
    // each question is a few bytes, each answer many: without backpressure the answers would pile up
    deaf.stream().set_nonblocking(true).unwrap();
    let questions = "/ajuda\n".repeat(10_000);
    let mut asked = 0;
    while let Ok(written) = std::io::Write::write(&mut deaf.stream(), questions.as_bytes()) {
        asked += written;
        assert!(asked < 100_000_000, "somebody takes all this");
    }
    witness.goes_on(2);
    // once she reads, everything is answered that was read, and nothing was lost in between
    deaf.stream().set_nonblocking(false).unwrap();
    let mut answer = [0; 4096];
    for _ in 0..1000 {
        assert!(deaf.stream().read(&mut answer).unwrap() > 0);
    }
    drop(deaf);
    let others = witness.stop();
    assert!(!others.iter().any(|line| line.contains("lenta")), "{others:?}");
}

#[test]
fn when_too_much_is_owed_to_all_together_the_largest_debtor_is_cut() {
    for threads in [1, 2] {
        let config = Config { outbox_total: 400_000, outbox_soft: 0, threads, ..config() };
        let server = TestServer::with(config, ChatRoom::default);
        let asleep = server.join("Dorminhoca");
        let mut talker = server.join("Ana");
        let mut witness = server.join("Testemunha");
        let line = |i: usize| format!("{i} {}", "x".repeat(LINE));
        let mut say = |lines: std::ops::Range<usize>| {
            for i in lines {
                talker.send(&line(i));
                // however busy the machine is, this one is never owed more than a line
                witness.read_to(&format!("Ana: {}", line(i)));
            }
            talker.send("/ping");
            let mut seen = Vec::new();
            while seen.last().is_none_or(|line| line != "Pong! O servidor está respondendo.") {
                seen.push(talker.line());
            }
            seen
        };
        // the kernel holds what one of them is owed, not what the other one is
        say(0..90);
        let mut late = server.join("Atrasada");
        let notice = "Dorminhoca saiu do chat (leitura lenta demais).".to_owned();
        let mut next = 90;
        while !say(next..next + 1).contains(&notice) {
            next += 1;
            assert!(next < 200, "nobody is cut");
        }
        for i in 90..=next {
            late.read_to(&format!("Ana: {}", line(i)));
        }
        drop(asleep);
    }
}

#[test]
fn answers_count_as_what_is_said_does() {
    let config = Config { outbox_total: 100_000, ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut observer = server.join("Ana");
    let deaf = server.join("Surda");
    observer.read_to("Surda entrou no chat.");
    deaf.stream().set_nonblocking(true).unwrap();
    while let Ok(1..) = std::io::Write::write(&mut deaf.stream(), &b"/ajuda\n".repeat(1000)) {}
    observer.read_to("Surda saiu do chat (leitura lenta demais).");
    drop(deaf);
    drop(witness.stop());
}
