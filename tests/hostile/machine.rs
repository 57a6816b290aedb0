//! A sick machine: a wall clock that jumps, and a room that dies.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use papo::config::Config;
use papo::room::{ChatRoom, EXIT_INTERNAL};

use crate::common::{Client, TestServer, config, strict_config};
use crate::witness::Witness;

/// A wall clock gone mad: it jumps by centuries, back and forth, each time that somebody looks.
fn mad_clock() -> SystemTime {
    static LOOKS: AtomicU64 = AtomicU64::new(0);
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    match LOOKS.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => SystemTime::UNIX_EPOCH,
        1 => SystemTime::now() + 3 * century,
        _ => SystemTime::now() - century / 4,
    }
}

#[test]
fn a_clock_that_jumps_changes_no_order_no_throttle_and_no_deadline() {
    let config =
        Config { rate: 20, name_deadline: Duration::from_secs(2), max_unnamed: 0, history: 0, ..strict_config() };
    let server = TestServer::with(config, || ChatRoom::with_clock(mad_clock));
    let witness = Witness::start(&server);
    let start = Instant::now();
    let mut nameless = server.connect();
    let mut readers = [server.join("Ana"), server.join("Beto")];
    let mut pasting = server.join("Colador");
    pasting.send_bytes((0..30).map(|i| format!("colado {i}\n")).collect::<String>().as_bytes());
    // the witness may say something first
    pasting.read_to("Você está enviando rápido demais: as próximas linhas chegarão aos poucos.");
    let seen: Vec<Vec<String>> = readers
        .iter_mut()
        .map(|reader| {
            let mut seen = Vec::new();
            while seen.last().is_none_or(|line| line != "Colador: colado 29") {
                seen.push(reader.line());
            }
            seen.retain(|line| line.starts_with("Colador: "));
            seen
        })
        .collect();
    // thirty lines and a name: ten at once, twenty more a second
    assert!(start.elapsed() >= Duration::from_millis(1000), "{:?}", start.elapsed());
    assert_eq!(seen[0], (0..30).map(|i| format!("Colador: colado {i}")).collect::<Vec<_>>());
    assert_eq!(seen[0], seen[1]);
    nameless.read_to("Você foi desconectado: nenhum nome informado em 2 segundos.");
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    witness.goes_on(1);
    witness.stop();
}

/// Whether the clock of the room is broken, and the room with it.
static IS_BROKEN: AtomicBool = AtomicBool::new(false);

fn breaking_clock() -> SystemTime {
    assert!(!IS_BROKEN.load(Ordering::Relaxed), "this test panics on purpose");
    SystemTime::now()
}

#[test]
fn a_room_that_dies_ends_a_server_of_many_threads_and_people_within_a_second() {
    let server = TestServer::with(Config { threads: 3, ..config() }, || ChatRoom::with_clock(breaking_clock));
    let mut people: Vec<Client> = (0..50).map(|i| server.join(&format!("pessoa_{i}"))).collect();
    let _nameless = server.connect();
    IS_BROKEN.store(true, Ordering::Relaxed);
    let start = Instant::now();
    people[0].send("oi");
    assert_eq!(server.exit_code(), EXIT_INTERNAL);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // and nobody is left talking to nobody
    for person in &mut people {
        person.expect_break();
    }
}
