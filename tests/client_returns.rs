//! The example client loses its server, and comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::cable::Cable;
use common::program::{Program, example_client, papo, wait};
use common::{Client, DEADLINE, TestServer, config, strict_config, wait_until};
use papo::config::Config;
use papo::room::ChatRoom;
use tempfile::tempdir;

/// A client in a script that is still being written.
struct Script {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: Receiver<String>,
}

impl Script {
    fn start(address: SocketAddr, name: &str) -> Script {
        let mut child =
            example_client().arg(address.to_string()).args(["--lang", "en", "--name", name]).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let errors = lines(child.stderr.take().unwrap());
        let mut script = Script { child, input, output, errors };
        assert!(script.line().starts_with(&format!("Welcome to the chat, {name}!")));
        script
    }

    fn says(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn sees(&mut self, expected: &str) {
        assert_eq!(self.line(), expected);
    }

    /// Reads what is said about the connection up to this.
    #[track_caller]
    fn is_told(&self, beginning: &str) -> String {
        let start = Instant::now();
        loop {
            let left = DEADLINE.saturating_sub(start.elapsed());
            let line = self.errors.recv_timeout(left).unwrap_or_else(|_| panic!("in vain: {beginning}"));
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// The end of its input; its exit code.
    fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        wait(&mut self.child).code()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(errors: ChildStderr) -> Receiver<String> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        BufReader::new(errors).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    told
}

/// A server that waits for whoever is lost, so that nobody hears of it.
fn patient() -> TestServer {
    TestServer::with(Config { grace: Duration::from_secs(3600), ..config() }, ChatRoom::default)
}

/// A server that keeps a journal.
fn with_journal(data: &str, listen: &str) -> Command {
    let mut command = papo(&["--listen", listen, "--data", data, "--rate", "0", "--tls", "off"]);
    command.env_remove("PAPO_NO_JOURNAL");
    command
}

#[cfg(unix)]
#[test]
fn a_restart_of_the_server_costs_nothing_that_was_said() {
    let data = tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let server = Program::spawn(with_journal(data, "127.0.0.1:0"));
    let address = server.address;
    let mut beto = server.join("Beto");
    let mut ana = Script::start(address, "Ana");
    beto.expect(&["Ana entrou no chat."]);
    beto.send("antes");
    ana.sees("Beto: antes");
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
    drop(beto);
    ana.is_told("client: The server is shutting down. Trying again in 1 s.");
    for line in ["um", "dois", "@Caio psiu", "/eu acena"] {
        ana.says(line);
    }
    ana.is_told("client: There is no connection: what you type is sent when it is back.");
    // others may be there first
    let _server = Program::spawn_at(with_journal(data, &address.to_string()), address);
    let mut caio = Client::join(address, "Caio");
    caio.read_to("Ana entrou no chat.");
    caio.expect(&["Ana: um", "Ana: dois", "Ana (privado): psiu", "* Ana acena"]);
    ana.is_told("client: Back in the chat; 1 line was missed:");
    ana.sees("Caio joined the chat.");
    // who was there before comes back without a word, and whoever is new does not
    let mut beto = Client::join(address, "Beto");
    beto.send("depois");
    ana.sees("Beto: depois");
    assert_eq!(ana.end(), Some(0));
    caio.read_to("Ana saiu do chat.");
}

#[test]
fn what_was_not_acknowledged_is_sent_again_and_said_once() {
    let server = patient();
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = Script::start(cable.address, "Ana");
    beto.expect(&["Ana entrou no chat."]);
    cable.mute();
    ana.says("um");
    ana.says("@Beto dois");
    beto.expect(&["Ana: um", "Ana (privado): dois"]);
    cable.pull(true);
    ana.is_told("client: The connection was lost. Trying again in ");
    ana.says("três");
    for line in ["a", "b", "Ana?"] {
        beto.send(line);
    }
    cable.plug_in();
    ana.is_told("client: Back in the chat; 3 lines were missed:");
    for line in ["a", "b", "Ana?"] {
        ana.sees(&format!("Beto: {line}"));
    }
    ana.says("quatro");
    // nobody heard that she was away, and nothing comes twice
    beto.expect(&["Ana: três", "Ana: quatro"]);
    assert_eq!(ana.end(), Some(0));
    beto.expect(&["Ana saiu do chat."]);
}

#[test]
fn a_server_that_knows_nobody_again_hears_nothing_twice_either() {
    let config = Config { resume_window: Duration::ZERO, ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = Script::start(cable.address, "Ana");
    cable.mute();
    ana.says("um");
    beto.expect(&["Ana entrou no chat.", "Ana: um"]);
    cable.pull(true);
    beto.expect(&["Ana saiu do chat (conexão perdida)."]);
    // and the name is anybody's
    let mut other = server.join("Ana");
    ana.is_told("client: The connection was lost.");
    cable.plug_in();
    ana.is_told("client: Error: The name 'Ana' is already in use. Trying again in ");
    ana.says("dois");
    other.send("sou outra");
    other.send("/sair");
    ana.is_told("client: Back in the chat; 1 line was missed:");
    ana.sees("Ana: sou outra");
    beto.read_to("Ana saiu do chat.");
    beto.expect(&["Ana entrou no chat.", "Ana: dois"]);
    assert_eq!(ana.end(), Some(0));
}

#[test]
fn more_than_is_known_any_more_is_a_gap() {
    let server = patient();
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = Script::start(cable.address, "Ana");
    beto.expect(&["Ana entrou no chat."]);
    cable.pull(true);
    ana.is_told("client: The connection was lost.");
    for number in 0..1100 {
        beto.send(&number.to_string());
    }
    // all of it has been said
    beto.send("/ping");
    beto.read_to("Pong! O servidor está respondendo.");
    ana.says("um");
    cable.plug_in();
    ana.is_told("client: Back in the chat. Not everything that was said meanwhile is known any more.");
    beto.read_to("Ana: um");
    assert_eq!(ana.end(), Some(0));
}

#[test]
fn a_script_that_cannot_know_whether_it_was_heard_fails() {
    let server = TestServer::start();
    let cable = Cable::to(server.address);
    let mut ana = Script::start(cable.address, "Ana");
    cable.pull(true);
    ana.is_told("client: The connection was lost.");
    ana.says("um");
    ana.says("dois");
    ana.is_told("client: There is no connection");
    drop(ana.input.take());
    ana.is_told("client: not known to have arrived: 2 lines.");
    assert_eq!(wait(&mut ana.child).code(), Some(1));
}

#[test]
fn a_long_script_arrives_as_a_whole_and_in_order() {
    const LINES: usize = 3000;
    let server = patient();
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = Script::start(cable.address, "Ana");
    beto.expect(&["Ana entrou no chat."]);
    let mut input = ana.input.take().unwrap();
    let writing = std::thread::spawn(move || (0..LINES).for_each(|number| writeln!(input, "{number}").unwrap()));
    for number in 0..LINES {
        assert_eq!(beto.line(), format!("Ana: {number}"));
        if number % 1000 == 500 {
            cable.pull(false);
        }
    }
    writing.join().unwrap();
    assert_eq!(ana.end(), Some(0));
}

#[test]
fn a_server_that_is_full_says_so() {
    let server = TestServer::with(Config { max_connections: 1, ..strict_config() }, ChatRoom::default);
    let _beto = server.join("Beto");
    let output = example_client().arg(server.address.to_string()).args(["--name", "Ana"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("client: {} diz: Erro: O servidor está cheio. Tente de novo mais tarde.\n", server.address);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[test]
fn a_server_that_is_full_for_a_while_is_tried_again() {
    let config = Config { max_connections: 2, grace: Duration::from_secs(3600), ..config() };
    let server = TestServer::with(config, ChatRoom::default);
    let cable = Cable::to(server.address);
    let mut beto = server.join("Beto");
    let mut ana = Script::start(cable.address, "Ana");
    cable.pull(true);
    ana.is_told("client: The connection was lost.");
    // the server may hear of it later than the client
    let mut caio = None;
    wait_until("there is a place", || {
        let mut client = server.connect();
        client.send("Caio");
        let is_in = client.line().contains(", Caio! ");
        caio = is_in.then_some(client);
        is_in
    });
    cable.plug_in();
    ana.is_told("client: Erro: O servidor está cheio. Tente de novo mais tarde. Trying again in ");
    caio.unwrap().send("/sair");
    ana.is_told("client: Back in the chat; 2 lines were missed:");
    ana.says("oi");
    beto.read_to("Ana: oi");
    assert_eq!(ana.end(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_server_that_is_killed_costs_nothing_that_was_typed() {
    let data = tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let mut server = Program::spawn(with_journal(data, "127.0.0.1:0"));
    let address = server.address;
    let mut ana = Script::start(address, "Ana");
    for number in 0..100 {
        ana.says(&number.to_string());
    }
    server.child.kill().unwrap();
    wait(&mut server.child);
    for number in 100..200 {
        ana.says(&number.to_string());
    }
    ana.is_told("client: The connection was lost.");
    let server = Program::spawn_at(with_journal(data, &address.to_string()), address);
    assert_eq!(ana.end(), Some(0));
    // all of it is in the journal, once and in order
    let mut reader = server.join("Beto");
    reader.send("/historico 1000");
    reader.read_to("--- O que foi dito antes, no horário do servidor (200 mensagens) ---");
    for number in 0..200 {
        let line = reader.line();
        assert!(line.ends_with(&format!("] Ana: {number}")), "{line}");
    }
}

/// Somebody who lets a client in, and then says this.
fn fake(then: &'static str) -> (SocketAddr, std::thread::JoinHandle<TcpListener>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with(r#"{"type":"lang""#), "{line}");
        reader.get_mut().write_all(b"{\"type\":\"hello\",\"new\":{}}\n{\"type\":\"novelty\"}\n").unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with(r#"{"type":"join""#), "{line}");
        let welcome = r#"{"type":"welcome","epoch":"e","seq":1,"name":"Ana","message":"Welcome to the chat, Ana!"}"#;
        reader.get_mut().write_all(format!("{welcome}\n{then}\n").as_bytes()).unwrap();
        // until the client has gone
        while matches!(reader.read_line(&mut line), Ok(1..)) {}
        listener
    });
    (address, server)
}

#[test]
fn who_is_sent_away_for_good_does_not_come_back() {
    for reason in ["replaced", "flooded", "long-lines", "new-reason"] {
        let then = format!(r#"{{"type":"bye","reason":"{reason}","message":"Go."}}"#).leak();
        let (address, server) = fake(then);
        let mut ana = Script::start(address, "Ana");
        ana.is_told("Go.");
        assert_eq!(wait(&mut ana.child).code(), Some(1));
        let listener = server.join().unwrap();
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{reason}");
    }
}

#[test]
#[ignore = "takes half a minute: that is how long a server may be silent"]
fn a_server_that_is_silently_gone_is_noticed() {
    let (address, server) = fake("");
    let ana = Script::start(address, "Ana");
    let line = ana.errors.recv_timeout(Duration::from_secs(40)).unwrap();
    assert_eq!(line, "client: The connection was lost. Trying again in 1 s.");
    server.join().unwrap();
}
