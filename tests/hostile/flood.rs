//! Who sends too much is held back, and cut only after a long time; nothing is lost, and nobody else waits.

use std::io::Write;
use std::time::Duration;

use papo::config::Config;
use papo::room::ChatRoom;

use crate::common::{Client, TestServer, strict_config};
use crate::witness::Witness;

const THROTTLED: &str = "Você está enviando rápido demais: as próximas linhas chegarão aos poucos.";

#[test]
fn a_burst_passes_at_once_and_what_is_above_it_arrives_later_in_order() {
    let config = Config { rate: 20, rate_burst: 10, ..strict_config() };
    let server = TestServer::with(config, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut pasting = server.join("Colador");
    let mut reader = server.join("Leitora");
    pasting.read_to("Leitora entrou no chat.");
    let paste: String = (0..60).map(|i| format!("colado {i}\n")).collect();
    pasting.send_bytes(paste.as_bytes());
    let mut next = 0;
    while next < 60 {
        let line = reader.line();
        if line.starts_with("Colador: ") {
            assert_eq!(line, format!("Colador: colado {next}"));
            next += 1;
        }
    }
    // said once, however long it takes
    pasting.half_close();
    let told = pasting.read_to_end();
    assert_eq!(told.matches(THROTTLED).count(), 1, "{told}");
    drop(witness.stop());
}

#[test]
fn a_flood_is_pushed_back_into_the_senders_own_socket() {
    let server = TestServer::with(strict_config(), ChatRoom::default);
    let witness = Witness::start(&server);
    let flooder = server.join("Enxurrada");
    flooder.stream().set_nonblocking(true).unwrap();
    let flood = "enxurrada\n".repeat(10_000);
    // until nothing more is taken: the kernel holds it, not the server
    let mut sent = 0;
    while let Ok(written) = (&mut flooder.stream()).write(flood.as_bytes()) {
        sent += written;
        assert!(sent < 100_000_000, "somebody takes all this");
    }
    witness.goes_on(3);
    drop(flooder);
    let others = witness.stop();
    let heard = others.iter().filter(|line| line.starts_with("Enxurrada: ")).count();
    // the burst, and two for each second that this has taken
    assert!((10..100).contains(&heard), "{heard}");
}

#[test]
fn bytes_are_counted_as_well_as_lines() {
    let config = Config { rate: 0, rate_bytes: 20_000, rate_bytes_burst: 20_000, ..strict_config() };
    let server = TestServer::with(config, ChatRoom::default);
    let mut reader = server.join("Leitora");
    let mut sender = server.join("Ana");
    reader.expect(&["Ana entrou no chat."]);
    let text = "x".repeat(4000);
    let start = std::time::Instant::now();
    for i in 0..15 {
        sender.send(&format!("{i} {text}"));
    }
    for i in 0..15 {
        reader.expect(&[&format!("Ana: {i} {text}")]);
    }
    // 60,000 bytes: 20,000 at once, the rest at 20,000 a second
    assert!(start.elapsed() >= Duration::from_millis(1500), "{:?}", start.elapsed());
    sender.expect(&[THROTTLED]);
}

#[test]
fn whoever_pours_on_for_too_long_is_cut_with_the_reason() {
    let config = Config { flood: Duration::from_secs(2), ..strict_config() };
    let server = TestServer::with(config, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut flooder = server.join("Enxurrada");
    let mut sender = flooder.stream().try_clone().unwrap();
    let pouring = std::thread::spawn(move || while sender.write_all(&b"enxurrada\n".repeat(1000)).is_ok() {});
    flooder.read_to("Você foi desconectado: mensagens demais.");
    drop(flooder);
    pouring.join().unwrap();
    let others = witness.stop();
    assert_eq!(others.last().unwrap(), "Enxurrada saiu do chat (mensagens demais).", "{others:?}");
}

#[test]
fn many_flooders_at_once_keep_nobody_waiting() {
    let server = TestServer::with(strict_config(), ChatRoom::default);
    let witness = Witness::start(&server);
    let flooders: Vec<Client> = (0..20).map(|i| server.join(&format!("enxurrada_{i}"))).collect();
    for flooder in &flooders {
        flooder.stream().set_nonblocking(true).unwrap();
        let _ = (&mut flooder.stream()).write(&b"agora\n".repeat(2000));
    }
    witness.goes_on(3);
    drop(flooders);
    witness.stop();
}
