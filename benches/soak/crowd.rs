//! The crowd: one thread that holds every connection, and lets people speak, whisper, leave and come.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::judge::{Counts, Ear, Judge, Person};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Every so many turns, somebody whispers; and somebody pastes so many lines, which is within a burst.
const WHISPERS: u64 = 10;
const PASTES: u64 = 37;
const PASTED: usize = 5;

/// What follows the number in a line.
const TEXT: &str = "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz";

/// The ways to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Quit,
    EndOfInput,
    Vanish,
    Reset,
}

const WAYS: [Way; 4] = [Way::Quit, Way::EndOfInput, Way::Vanish, Way::Reset];

struct Connection {
    person: Person,
    stream: TcpStream,
    /// What was read and has not ended yet.
    unfinished: Vec<u8>,
    /// From the welcome on.
    ear: Option<Ear>,
    since: Instant,
    is_leaving: bool,
}

/// One who is always there and only listens (in the first place), and all others.
pub struct Crowd {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    connections: Vec<Connection>,
    judge: Judge,
    people: Person,
    turns: u64,
    departures: usize,
    is_over: bool,
}

const LISTENER: usize = 0;

impl Crowd {
    /// So many people come in, and one more.
    pub fn gather(address: SocketAddr, people: u32) -> Crowd {
        let poll = Poll::new().expect("epoll");
        let mut crowd = Crowd {
            address,
            poll,
            events: Events::with_capacity(1024),
            buffer: vec![0; 64 * 1024],
            connections: Vec::new(),
            judge: Judge::default(),
            people: 0,
            turns: 0,
            departures: 0,
            is_over: false,
        };
        for place in 0..=people as usize {
            let connection = crowd.connect(place);
            crowd.connections.push(connection);
            crowd.read_until("somebody is welcome", |crowd| crowd.connections[place].ear.is_some());
        }
        crowd
    }

    pub fn counts(&self) -> &Counts {
        &self.judge.counts
    }

    fn connect(&mut self, place: usize) -> Connection {
        let stream = std::net::TcpStream::connect(self.address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_nonblocking(true).expect("a socket");
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(place), Interest::READABLE).expect("epoll");
        let person = self.people;
        self.people += 1;
        let mut connection =
            Connection { person, stream, unfinished: Vec::new(), ear: None, since: Instant::now(), is_leaving: false };
        connection.send(&name(person));
        connection
    }

    /// Reads what comes within this time.
    pub fn read(&mut self, time: Duration) {
        self.poll.poll(&mut self.events, Some(time)).expect("epoll");
        let places: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for place in places {
            while self.read_once(place) {}
        }
        let is_stuck = |connection: &&Connection| {
            (connection.ear.is_none() || connection.is_leaving) && connection.since.elapsed() > DEADLINE
        };
        if let Some(stuck) = self.connections.iter().find(is_stuck) {
            panic!("{} has been coming or going for a minute", name(stuck.person));
        }
    }

    fn read_until(&mut self, what: &str, mut condition: impl FnMut(&mut Crowd) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < DEADLINE, "in vain: {what}");
            self.read(Duration::from_millis(10));
        }
    }

    /// Returns whether there may be more.
    fn read_once(&mut self, place: usize) -> bool {
        let Some(connection) = self.connections.get_mut(place) else { return false };
        match connection.stream.read(&mut self.buffer) {
            Ok(0) => {
                if !connection.is_leaving {
                    let person = name(connection.person);
                    self.judge.counts.unexpected.push(format!("the end of the connection of {person}"));
                }
                self.end(place, false);
                false
            }
            Ok(read) => {
                let Connection { person, unfinished, ear, .. } = connection;
                unfinished.extend_from_slice(&self.buffer[..read]);
                let whole = unfinished.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let lines: Vec<u8> = unfinished.drain(..whole).collect();
                for line in String::from_utf8_lossy(&lines).lines() {
                    take(&mut self.judge, place == LISTENER, *person, ear, line);
                }
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => {
                self.judge.counts.unexpected.push(format!("{}: {error}", name(connection.person)));
                self.end(place, true);
                false
            }
        }
    }

    /// Somebody has gone. If it goes on, somebody else comes.
    fn end(&mut self, place: usize, is_broken: bool) {
        if self.is_over {
            let mut last = self.connections.swap_remove(place);
            if let Some(moved) = self.connections.get_mut(place) {
                let registry = self.poll.registry();
                registry.reregister(&mut moved.stream, Token(place), Interest::READABLE).expect("epoll");
            }
            if let Some(ear) = last.ear.take() {
                self.judge.goes(ear, is_broken);
            }
            return;
        }
        let newcomer = self.connect(place);
        let old = std::mem::replace(&mut self.connections[place], newcomer);
        if let Some(ear) = old.ear {
            self.judge.goes(ear, is_broken);
        }
    }

    /// The next one in turn who can: everybody but the first one.
    fn next_in_turn(&mut self) -> Option<usize> {
        let others = self.connections.len() - 1;
        for _ in 0..others {
            self.turns += 1;
            let place = 1 + (self.turns % others as u64) as usize;
            let connection = &self.connections[place];
            if connection.ear.is_some() && !connection.is_leaving {
                return Some(place);
            }
        }
        None
    }

    /// Somebody says something to all, or to one.
    pub fn someone_speaks(&mut self) {
        let Some(place) = self.next_in_turn() else { return };
        let from = self.connections[place].person;
        if self.turns.is_multiple_of(WHISPERS)
            && let Some(to) = self.connections.get(place + 1).filter(|to| to.ear.is_some() && !to.is_leaving)
        {
            let to = to.person;
            let number = self.judge.whispers(from, to);
            return self.connections[place].send(&format!("@{} {number} {TEXT}", name(to)));
        }
        let count = if self.turns.is_multiple_of(PASTES) { PASTED } else { 1 };
        let lines: Vec<String> = (0..count).map(|_| format!("{} {TEXT}", self.judge.says(from))).collect();
        self.connections[place].send(&lines.join("\n"));
    }

    /// Somebody leaves, in one of the ways.
    pub fn someone_leaves(&mut self) {
        let Some(place) = self.next_in_turn() else { return };
        let way = WAYS[self.departures % WAYS.len()];
        self.departures += 1;
        self.leave_by(place, way);
    }

    fn leave_by(&mut self, place: usize, way: Way) {
        let connection = &mut self.connections[place];
        (connection.is_leaving, connection.since) = (true, Instant::now());
        match way {
            Way::Quit => connection.send("/quit"),
            Way::EndOfInput => connection.stream.shutdown(Shutdown::Write).expect("a connection"),
            Way::Vanish => self.end(place, true),
            Way::Reset => {
                let socket = socket2::SockRef::from(&connection.stream);
                socket.set_linger(Some(Duration::ZERO)).expect("a socket");
                self.end(place, true);
            }
        }
    }

    /// Waits until everything has arrived that was said, and lets all leave.
    pub fn leave(mut self) -> Counts {
        self.is_over = true;
        let start = Instant::now();
        while start.elapsed() < DEADLINE / 2 && !self.has_arrived() {
            self.read(Duration::from_millis(10));
        }
        if !self.has_arrived() {
            self.judge.counts.lost += self.judge.missing().max(1) as u64;
        }
        for (place, way) in (0..self.connections.len()).rev().zip(WAYS.iter().cycle()) {
            self.leave_by(place, *way);
        }
        self.read_until("all leave", |crowd| crowd.connections.is_empty());
        self.judge.counts
    }

    fn has_arrived(&mut self) -> bool {
        let Crowd { judge, connections, .. } = self;
        let mut ears = connections[LISTENER + 1..].iter_mut().map(|connection| &mut connection.ear);
        judge.missing() == 0 && ears.all(|ear| ear.as_mut().is_some_and(|ear| judge.has_heard_everything(ear)))
    }
}

impl Connection {
    /// Sends a line. So little always fits into the socket.
    fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).expect("the server reads");
    }
}

fn name(person: Person) -> String {
    format!("p{person}")
}

fn person(name: &str) -> Option<Person> {
    name.strip_prefix('p')?.parse().ok()
}

/// Somebody reads a line.
fn take(judge: &mut Judge, is_listener: bool, reader: Person, ear: &mut Option<Ear>, line: &str) {
    let number = |text: &str| text.split(' ').next()?.parse::<usize>().ok();
    if let Some((from, text)) = line.split_once(": ")
        && let (Some(number), Some(ear)) = (number(text), ear.as_mut())
    {
        if person(from).is_some() {
            if is_listener {
                judge.orders(number)
            } else {
                judge.hears(ear, number)
            }
            return;
        }
        if from.strip_suffix(" (private)").and_then(person).is_some() {
            return judge.hears_whisper(reader, number as u64);
        }
    }
    let not_found = || person(line.strip_prefix("User not found: ")?.strip_suffix('.')?);
    if line.starts_with("Welcome to the chat, ") && ear.is_none() {
        *ear = Some(judge.comes(reader));
    } else if let Some(other) = not_found() {
        judge.is_told_not_found(reader, other);
    } else if line.starts_with("You are sending too fast") {
        judge.counts.throttled += 1;
    } else if !is_notice(line) {
        judge.counts.unexpected.push(format!("{}: {line}", name(reader)));
    }
}

fn is_notice(line: &str) -> bool {
    line.ends_with(" joined the chat.") || line.contains(" left the chat") || line == "You left the chat."
}
