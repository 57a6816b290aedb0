//! All of them in one room at once.

use super::peer::{Peer, Read};
use super::server;

#[test]
#[ignore = "needs python3 with websockets, curl, openssl and nc"]
fn everybody_reads_the_same_in_one_order_and_whispers_reach_one() {
    let server = server();
    let address = server.address;
    let mut peers = Vec::new();
    for join in [
        |address| Peer::netcat(address, "Netcat"),
        |address| Peer::openssl(address, "Openssl"),
        |address| Peer::python(address, "ws", "Python"),
        |address| Peer::python(address, "wss", "Pitonisa"),
        // the same once more, so that each kind also reads its own kind
        |address| Peer::netcat(address, "Netcat2"),
        |address| Peer::openssl(address, "Openssl2"),
    ] {
        let new: Peer = join(address);
        for peer in &mut peers {
            let read = Peer::read(peer);
            assert!(
                matches!(&read, Read::Other(line) if line.contains(&format!("{} entrou no chat.", new.name))),
                "{read:?}"
            );
        }
        peers.push(new);
    }
    let mut witness = server.join("Zeladora");
    for peer in &mut peers {
        assert!(matches!(peer.read(), Read::Other(line) if line.contains("Zeladora entrou no chat.")));
    }

    let texts =
        ["olá", "\"aspas\" \\ e {\"type\":\"say\"}", "<b>não</b> & até \u{1f600} 你好", "a: b (privado): c", "fim"];
    let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
    for round in 0..20 {
        for (i, peer) in peers.iter_mut().enumerate() {
            peer.say(&format!("{round} {}", texts[(i + round) % texts.len()]));
            if round % 10 == 5 {
                peer.whisper(names[(i + 1) % names.len()], &format!("segredo {round}"));
            }
        }
    }
    // everything that was said, as somebody else has read it
    for _ in 0..20 * peers.len() {
        witness.line();
    }
    witness.send("fim");

    let mut streams = Vec::new();
    for (i, peer) in peers.iter_mut().enumerate() {
        let (mut said, mut whispered) = (Vec::new(), Vec::new());
        loop {
            match peer.read() {
                Read::Said { from, .. } if from == "Zeladora" => break,
                Read::Said { from, text } => said.push((from, text)),
                Read::Whispered { from, text } => whispered.push((from, text)),
                Read::Other(line) => panic!("{} reads {line}", peer.name),
            }
        }
        let before = names[(i + names.len() - 1) % names.len()].to_owned();
        let expected = [5, 15].map(|round| (before.clone(), format!("segredo {round}")));
        assert_eq!(whispered, expected, "{}", peer.name);
        streams.push(said);
    }
    let i = peers.iter().position(Peer::is_told_own_lines).unwrap();
    let order = streams[i].clone();
    assert_eq!(order.len(), 20 * peers.len());
    for (peer, stream) in peers.iter().zip(&streams) {
        let expected = order.iter().filter(|(from, _)| peer.is_told_own_lines() || from != peer.name).cloned();
        assert_eq!(*stream, expected.collect::<Vec<_>>(), "{}", peer.name);
    }
    for (i, name) in names.iter().enumerate() {
        let own: Vec<String> = order.iter().filter(|(from, _)| from == name).map(|(_, text)| text.clone()).collect();
        let sent: Vec<String> = (0..20).map(|round| format!("{round} {}", texts[(i + round) % texts.len()])).collect();
        assert_eq!(own, sent, "{name}");
    }

    while let Some(peer) = peers.pop() {
        let name = peer.name;
        let rest = peer.leave();
        assert!(
            matches!(rest.last(), Some(Read::Other(line)) if line.contains("Você saiu do chat.")),
            "{name}: {rest:?}"
        );
        assert_eq!(rest.len(), 1, "{name}: {rest:?}");
        witness.expect(&[&format!("{name} saiu do chat.")]);
        for peer in &mut peers {
            let read = peer.read();
            assert!(matches!(&read, Read::Other(line) if line.contains(&format!("{name} saiu do chat."))), "{read:?}");
        }
    }
}

#[test]
#[ignore = "needs python3 with websockets, curl, openssl and nc"]
fn whoever_only_pipes_something_in_is_heard_and_answered() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let server = server();
    let mut ana = server.join("Ana");
    let port = server.address.port().to_string();
    for (program, arguments, name) in [
        ("nc", vec!["-N", "127.0.0.1", &port], "Cano"),
        ("openssl", vec!["s_client", "-quiet", "-connect", &server.address.to_string()], "Tubo"),
    ] {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        write!(input, "{name}\noi, Ana\n@ana só para você\n/sair\n").unwrap();
        drop(input);
        ana.expect(&[
            &format!("{name} entrou no chat."),
            &format!("{name}: oi, Ana"),
            &format!("{name} (privado): só para você"),
            &format!("{name} saiu do chat."),
        ]);
        let output = child.wait_with_output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = output.lines().filter(|line| !line.starts_with("Informe ")).collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with(&format!("Bem-vindo ao chat, {name}!")), "{lines:?}");
        assert_eq!(lines[1], "Você saiu do chat.");
    }
}
