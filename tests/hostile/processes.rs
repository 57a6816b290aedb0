//! Real processes that stand still (`kill -STOP`, as when a machine is overloaded or a virtual one is paused), that are killed,
//! and whose outputs are closed or full.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use papo::config::{Config, Keepalive};
use papo::room::ChatRoom;

use crate::common::program::{DATA, Program, example_client, papo, signal, wait};
use crate::common::{Client, TestServer, config};
use crate::witness::Witness;

const PROMPT: &str = "Informe seu nome para entrar no chat:";

/// The tests connect from one address.
const NO_LIMITS_FOR_AN_ADDRESS: &str = "--max-per-address 0 --max-new-per-address 0 --max-unnamed-per-address 0";

/// The next line of somebody who may also read what the witnesses say, and who comes.
fn line_beside_witnesses(client: &mut Client) -> String {
    loop {
        let line = client.line();
        if !line.starts_with("Falante: ") && !line.ends_with(" entrou no chat.") {
            return line;
        }
    }
}

/// An address on which nobody listens, most likely still in a moment.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Somebody at the example client. Killed when dropped.
struct Seat(Child);

impl Seat {
    fn take(address: SocketAddr, name: &str) -> Seat {
        let mut command = example_client();
        command.args([&address.to_string(), "--name", name]);
        let mut seat = Seat(command.spawn().unwrap());
        // its screen is read until it is in
        let mut lines = BufReader::new(seat.0.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("Bem-vindo")));
        seat
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_that_stands_still_loses_nothing_and_cuts_nobody() {
    // longer than every limit of this server
    const STILL: Duration = Duration::from_secs(6);
    let limits = "--name-deadline 3 --keepalive 1 --user-timeout 3 --outbox-time 3 --flood 5 --rate 20";
    let server = Program::start(&limits.split(' ').chain(NO_LIMITS_FOR_AN_ADDRESS.split(' ')).collect::<Vec<_>>());
    let witness = Witness::at(server.address);
    let (mut ana, mut beto) = (server.join("Ana"), server.join("Beto"));
    let mut nameless = Client::connect(server.address);
    nameless.expect(&[PROMPT]);
    ana.send_bytes((0..30).map(|i| format!("colado {i}\n")).collect::<String>().as_bytes());
    assert_eq!(line_beside_witnesses(&mut beto), "Ana: colado 0");
    server.signal("STOP");
    ana.send("depois");
    beto.send("@ana psiu");
    nameless.send("Caio");
    std::thread::sleep(STILL);
    server.signal("CONT");
    assert!(nameless.line().starts_with("Bem-vindo ao chat, Caio!"));
    for i in 1..30 {
        assert_eq!(line_beside_witnesses(&mut beto), format!("Ana: colado {i}"));
    }
    assert_eq!(line_beside_witnesses(&mut beto), "Ana: depois");
    ana.read_to("Beto (privado): psiu");
    witness.goes_on(2);
    let others = witness.stop();
    assert!(!others.iter().any(|line| line.contains("saiu")), "{others:?}");
}

#[test]
fn a_client_that_stands_still_is_not_cut_and_misses_nothing() {
    // longer than the system waits for a peer that does not answer
    const STILL: Duration = Duration::from_secs(5);
    const LINES: usize = 200;
    let seconds = Duration::from_secs;
    let keepalive = Keepalive { idle: seconds(1), interval: seconds(1), count: 2 };
    let server = TestServer::with(Config { keepalive, user_timeout: seconds(3), ..config() }, ChatRoom::default);
    let witness = Witness::start(&server);
    let mut beto = server.join("Beto");
    let mut command = example_client();
    command.args([&server.address.to_string(), "--name", "Ana"]);
    let mut child = command.spawn().unwrap();
    let (mut keyboard, screen) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut screen = screen.lines().map(Result::unwrap);
    let seat = Seat(child);
    assert!(screen.any(|line| line.starts_with("Bem-vindo")));
    signal(&seat.0, "STOP");
    writeln!(keyboard, "já volto").unwrap();
    for i in 0..LINES {
        beto.send(&format!("{i}"));
    }
    std::thread::sleep(STILL);
    signal(&seat.0, "CONT");
    let mut said = screen.filter(|line| line.starts_with("Beto: "));
    for i in 0..LINES {
        assert_eq!(said.next().unwrap(), format!("Beto: {i}"));
    }
    assert_eq!(line_beside_witnesses(&mut beto), "Ana: já volto");
    witness.goes_on(2);
    let others = witness.stop();
    assert!(!others.iter().any(|line| line.contains("saiu")), "{others:?}");
}

#[test]
fn a_client_that_is_killed_leaves_once_and_nobody_else_notices() {
    let server = TestServer::start();
    let witness = Witness::start(&server);
    for i in 0..3 {
        let mut seat = Seat::take(server.address, &format!("Vítima{i}"));
        seat.0.kill().unwrap();
        wait(&mut seat.0);
    }
    witness.goes_on(2);
    let others = witness.stop();
    for i in 0..3 {
        // what was on its way to it decides whether its system says goodbye or breaks the connection off
        let left = others.iter().filter(|line| line.starts_with(&format!("Vítima{i} saiu do chat"))).count();
        assert_eq!(left, 1, "{others:?}");
    }
}

#[test]
fn a_server_that_is_killed_is_gone_at_once_and_its_successor_has_the_port_at_once() {
    let names: Vec<String> = (0..20).map(|i| format!("pessoa_{i}")).collect();
    let limits: Vec<&str> = NO_LIMITS_FOR_AN_ADDRESS.split(' ').collect();
    let mut server = Program::start(&limits);
    let address = server.address;
    for _ in 0..3 {
        let mut people: Vec<Client> = names.iter().map(|name| server.join(name)).collect();
        server.child.kill().unwrap();
        wait(&mut server.child);
        // at the first try, while everybody is still connected as far as they know
        server = Program::spawn(papo(&[&["--listen", &address.to_string()], &limits[..]].concat()));
        people.iter_mut().for_each(Client::expect_break);
    }
    // and everybody gets their own name
    let mut people: Vec<Client> = names.iter().map(|name| server.join(name)).collect();
    people[0].send("@pessoa_19 oi");
    people[19].expect(&["pessoa_0 (privado): oi"]);
}

/// People chat, and read nothing but the chat.
fn chat_goes_on(server: &Program) {
    for _ in 0..3 {
        let (mut ana, mut beto) = (server.join("Ana"), server.join("Beto"));
        ana.send("oi");
        beto.send("@ana psiu");
        ana.expect(&["Beto entrou no chat.", "Beto (privado): psiu"]);
        beto.expect(&["Ana: oi"]);
        for client in [&mut ana, &mut beto] {
            client.expect_nothing();
        }
        beto.send("/sair");
        beto.expect(&["Você saiu do chat."]);
        ana.expect(&["Beto saiu do chat."]);
        ana.send("/sair");
        ana.expect(&["Você saiu do chat."]);
    }
}

#[test]
fn it_serves_with_all_its_standard_streams_closed() {
    for closed in ["2>&-", ">&-", "<&- >&- 2>&-"] {
        let address = free_address();
        let papo = env!("CARGO_BIN_EXE_papo");
        let script = format!("exec {papo} --listen {address} {NO_LIMITS_FOR_AN_ADDRESS} {closed}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("RUST_LOG", "debug").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command
            .env("PAPO_DATA", DATA)
            .env("PAPO_HISTORY", "0")
            .env("PAPO_NO_JOURNAL", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // a connection that took the place of a stream would be sent what is printed, or the log
        chat_goes_on(&Program::spawn_at(command, address));
    }
}

#[test]
fn it_serves_when_nothing_that_it_prints_can_be_written() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let address = free_address();
    let listen = format!("--listen {address} {NO_LIMITS_FOR_AN_ADDRESS}");
    let mut command = papo(&listen.split(' ').collect::<Vec<_>>());
    command.env("RUST_LOG", "debug").stdout(full.try_clone().unwrap()).stderr(full);
    let server = Program::spawn_at(command, address);
    chat_goes_on(&server);
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn it_serves_when_nobody_reads_the_pipes_into_which_it_prints() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let (stdout, stderr) = (writer.try_clone().unwrap(), writer.try_clone().unwrap());
    // fills it, and waits for ever
    let filling = std::thread::spawn(move || writer.write_all(&[b'x'; 1024 * 1024]));
    let address = free_address();
    let listen = format!("--listen {address} {NO_LIMITS_FOR_AN_ADDRESS}");
    let mut command = papo(&listen.split(' ').collect::<Vec<_>>());
    command.env("RUST_LOG", "debug").stdout(stdout).stderr(stderr);
    let server = Program::spawn_at(command, address);
    chat_goes_on(&server);
    server.signal("TERM");
    assert_eq!(server.exit_code(), 0);
    assert!(!filling.is_finished(), "the pipe was full all the time");
    drop(reader);
    assert!(filling.join().unwrap().is_err());
}
