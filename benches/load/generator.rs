//! The load: one thread that holds every connection, sends, reads, and checks what it reads.
//!
//! Every line has the same length, so the place of a byte says which line it belongs to. One reader's stream is looked at
//! line by line; every other one must be the same, byte for byte: nothing lost, nothing twice, one order.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::process::Process;
use crate::server::{SOCKET_WELCOME, Server, socket_hello};

/// How long anything may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The text of a line: which sender, which of its lines, and as many letters as it takes.
pub fn text(sender: usize, sequence: usize, length: usize) -> String {
    let mut text = format!("{sender:05} {sequence:09} ");
    text.extend("abcdefghijklmnopqrstuvwxyz".chars().cycle().take(length.saturating_sub(text.len())));
    text
}

/// How lines are sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many lines a second, from the senders in turn.
    Rate(u32),
    /// Each sender has so many lines on their way: said, and not yet read by everybody.
    Window(usize),
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    pub readers: usize,
    pub senders: usize,
    /// Bytes in the text of a line.
    pub text: usize,
    pub pace: Pace,
    pub time: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub deliveries: u64,
    pub seconds: f64,
    /// Microseconds of the server's CPU for each delivery.
    pub cpu: f64,
    /// Microseconds from sending to reading, of each delivery and of the last reader of each line.
    pub each: Latencies,
    pub last: Latencies,
    /// Lines lost, doubled or out of order.
    pub wrong: u64,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<f32>);

impl Latencies {
    pub fn push(&mut self, latency: Duration) {
        self.0.push(latency.as_secs_f32() * 1e6);
    }

    /// The latency that this share of all is within.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f32::total_cmp);
        let place = (sorted.len() as f64 * share) as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0).into()
    }
}

pub struct Connection {
    pub stream: TcpStream,
    /// Bytes of lines that were read.
    read: usize,
    /// What the socket did not take.
    unsent: Vec<u8>,
}

/// The crowd: readers first, then senders, then browsers.
pub struct Crowd {
    server: Server,
    pub poll: Poll,
    pub events: Events,
    buffer: Vec<u8>,
    pub connections: Vec<Connection>,
    readers: usize,
}

impl Crowd {
    pub fn connect(server: Server, process: &Process, readers: usize, senders: usize) -> Crowd {
        let poll = Poll::new().expect("epoll");
        let knock =
            |index: usize| knock(server, process, index >= readers, index.checked_sub(readers).unwrap_or(index));
        let streams: Vec<std::net::TcpStream> = (0..readers + senders).map(knock).collect();
        let browse = |number| say_hello(process, &socket_hello(&format!("b{number:05}")));
        let browsers: Vec<std::net::TcpStream> = (0..server.browsers()).map(browse).collect();
        let mut connections = Vec::new();
        for (index, mut stream) in streams.into_iter().chain(browsers).enumerate() {
            let is_browser = index >= readers + senders;
            enter(server, &mut stream, if is_browser { SOCKET_WELCOME } else { server.welcome(index >= readers) });
            stream.set_nonblocking(true).expect("a socket");
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE).expect("epoll");
            connections.push(Connection { stream, read: 0, unsent: Vec::new() });
        }
        let (events, buffer) = (Events::with_capacity(4096), vec![0; 256 * 1024]);
        let mut crowd = Crowd { server, poll, events, buffer, connections, readers };
        crowd.settle(senders);
        crowd
    }

    /// A last line before the lines that count: whoever has read it has read every notice of people coming in.
    fn settle(&mut self, senders: usize) {
        let (first, second) = (text(0, 999_999_999, 30), text(1, 999_999_999, 30));
        let fence = self.server.delivered(0, &first);
        self.send(self.readers, &self.server.line(0, &first));
        let mut waiting: Vec<usize> = (0..self.readers).collect();
        let tells_senders = self.server.tells_senders();
        waiting.extend((self.readers + 1..self.readers + senders).filter(|_| tells_senders));
        self.read_to(&waiting, &fence);
        if senders > 1 && tells_senders {
            // the first sender has read everything when it has read what the second one says
            self.send(self.readers + 1, &self.server.line(1, &second));
            let everybody: Vec<usize> =
                (0..self.readers + senders).filter(|index| *index != self.readers + 1).collect();
            self.read_to(&everybody, &self.server.delivered(1, &second));
        }
    }

    fn read_to(&mut self, waiting: &[usize], fence: &[u8]) {
        let start = Instant::now();
        for index in waiting {
            let mut tail: Vec<u8> = Vec::new();
            while !tail.ends_with(fence) {
                assert!(start.elapsed() < DEADLINE, "{}: a fence does not arrive", self.server.name());
                match self.connections[*index].stream.read(&mut self.buffer) {
                    Ok(0) => panic!("{} closed a connection", self.server.name()),
                    Ok(read) => {
                        tail.extend_from_slice(&self.buffer[..read]);
                        tail.drain(..tail.len().saturating_sub(fence.len()));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(1)),
                    Err(error) => panic!("{}: {error}", self.server.name()),
                }
            }
        }
    }

    fn send(&mut self, index: usize, bytes: &[u8]) {
        let connection = &mut self.connections[index];
        connection.unsent.extend_from_slice(bytes);
        while !connection.unsent.is_empty() {
            match connection.stream.write(&connection.unsent) {
                Ok(sent) => drop(connection.unsent.drain(..sent)),
                // tried again with the next lines
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{}: {error}", self.server.name()),
            }
        }
    }
}

/// Connects and says who it is.
fn knock(server: Server, process: &Process, is_sender: bool, number: usize) -> std::net::TcpStream {
    say_hello(process, &server.hello(is_sender, number))
}

fn say_hello(process: &Process, hello: &[u8]) -> std::net::TcpStream {
    let mut stream = std::net::TcpStream::connect(process.address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
    stream.write_all(hello).expect("the server reads");
    stream
}

/// Waits until it is let in.
fn enter(server: Server, stream: &mut std::net::TcpStream, welcome: &[u8]) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while !welcome.is_empty() && !seen.windows(welcome.len()).any(|window| window == welcome) {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => seen.extend_from_slice(&buffer[..read]),
            other => panic!("{}: not let in: {other:?} {}", server.name(), String::from_utf8_lossy(&seen)),
        }
    }
}

/// The lines that are on their way, and what was read.
struct Traffic {
    text: usize,
    /// Bytes of a line as a reader gets it, and where its text begins.
    line: usize,
    text_at: usize,
    /// When each line of each sender was sent.
    sent: Vec<Vec<Instant>>,
    /// What the furthest reader has read, and all others must read.
    reference: Vec<u8>,
    /// The sender of each line of the reference, and when it was sent.
    lines: Vec<(usize, Instant)>,
    /// How many lines of each sender are in the reference.
    known: Vec<usize>,
    /// How many lines everybody has read; and of each sender.
    done: usize,
    done_of: Vec<usize>,
    wrong: u64,
}

impl Traffic {
    fn new(server: Server, text_length: usize, senders: usize) -> Traffic {
        let example = text(0, 0, text_length);
        let line = server.delivered(0, &example);
        let text_at = line.windows(example.len()).position(|window| window == example.as_bytes());
        Traffic {
            text: text_length,
            line: line.len(),
            text_at: text_at.expect("a line holds its text"),
            sent: vec![Vec::new(); senders],
            reference: Vec::new(),
            lines: Vec::new(),
            known: vec![0; senders],
            done: 0,
            done_of: vec![0; senders],
            wrong: 0,
        }
    }

    fn total(&self) -> usize {
        self.sent.iter().map(Vec::len).sum()
    }

    fn say(&mut self, crowd: &mut Crowd, sender: usize, count: usize) {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let sequence = self.sent[sender].len();
            bytes.extend(crowd.server.line(sender, &text(sender, sequence, self.text)));
            self.sent[sender].push(Instant::now());
        }
        crowd.send(crowd.readers + sender, &bytes);
    }

    /// Reads everything that is there.
    fn read(&mut self, crowd: &mut Crowd, mut each: Option<&mut Latencies>) {
        let Crowd { connections, events, buffer, readers, server, .. } = crowd;
        for event in events.iter() {
            let index = event.token().0;
            loop {
                match connections[index].stream.read(buffer) {
                    Ok(0) => panic!("{} closed a connection", server.name()),
                    Ok(read) => {
                        if index < *readers {
                            let before = connections[index].read;
                            connections[index].read += read;
                            self.take(before, &buffer[..read], each.as_deref_mut());
                        }
                        if read < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{}: {error}", server.name()),
                }
            }
        }
        self.finish(crowd);
    }

    /// A reader that has read `before` bytes reads some more.
    fn take(&mut self, before: usize, bytes: &[u8], each: Option<&mut Latencies>) {
        let (old, new) = bytes.split_at((self.reference.len() - before).min(bytes.len()));
        self.wrong += u64::from(*old != self.reference[before..before + old.len()]);
        self.reference.extend_from_slice(new);
        while (self.lines.len() + 1) * self.line <= self.reference.len() {
            self.look_at_next_line();
        }
        if let Some(each) = each {
            let now = Instant::now();
            for (_, sent) in &self.lines[before / self.line..(before + bytes.len()) / self.line] {
                each.push(now - *sent);
            }
        }
    }

    fn look_at_next_line(&mut self) {
        let text = &self.reference[self.lines.len() * self.line + self.text_at..];
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
        let sender = number(&text[..5]).filter(|sender| *sender < self.sent.len()).unwrap_or(0);
        self.wrong += u64::from(number(&text[6..15]) != Some(self.known[sender]));
        let sent = self.sent[sender].get(self.known[sender]).copied().unwrap_or_else(Instant::now);
        self.known[sender] += 1;
        self.lines.push((sender, sent));
    }

    /// Finds the lines that everybody has read by now.
    fn finish(&mut self, crowd: &Crowd) {
        let read = crowd.connections[..crowd.readers].iter().map(|reader| reader.read).min().unwrap_or(0);
        for (sender, _) in &self.lines[self.done..read / self.line] {
            self.done_of[*sender] += 1;
        }
        self.done = read / self.line;
    }
}

/// Runs a workload against a fresh server.
pub fn run(server: Server, workload: Workload, server_cores: &[usize], own_cores: &[usize]) -> Outcome {
    let process = server.start(server_cores, own_cores);
    let Workload { readers, senders, text, pace, time } = workload;
    let mut crowd = Crowd::connect(server, &process, readers, senders);
    let mut traffic = Traffic::new(server, text, senders);
    let mut outcome = Outcome::default();
    let is_paced = matches!(pace, Pace::Rate(_));
    let (start, cpu) = (Instant::now(), process.cpu());
    let mut due = 0;
    loop {
        let now = Instant::now();
        let is_over = now - start >= time;
        if is_over && traffic.done == traffic.total() {
            break;
        }
        assert!(now - start < time + DEADLINE, "{}: only {} lines arrived", server.name(), traffic.done);
        let mut timeout = Duration::from_millis(100);
        match pace {
            _ if is_over => {}
            Pace::Rate(rate) => {
                let time_of = |due| start + Duration::from_secs(1) * due / rate;
                while time_of(due) <= now {
                    traffic.say(&mut crowd, due as usize % senders, 1);
                    due += 1;
                }
                timeout = time_of(due).saturating_duration_since(Instant::now());
            }
            Pace::Window(window) => {
                for sender in 0..senders {
                    let on_their_way = traffic.sent[sender].len() - traffic.done_of[sender];
                    traffic.say(&mut crowd, sender, window - on_their_way);
                }
            }
        }
        crowd.poll.poll(&mut crowd.events, Some(timeout)).expect("epoll");
        let before = traffic.done;
        traffic.read(&mut crowd, is_paced.then_some(&mut outcome.each));
        let now = Instant::now();
        traffic.lines[before..traffic.done].iter().for_each(|(_, sent)| outcome.last.push(now - *sent));
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    let told = readers + server.browsers() + if server.tells_senders() { senders - 1 } else { 0 };
    outcome.deliveries = (traffic.done * told) as u64;
    outcome.cpu = (process.cpu() - cpu).as_secs_f64() * 1e6 / outcome.deliveries as f64;
    outcome.wrong = traffic.wrong;
    outcome
}

/// Two people at a server of their own, one of whom whispers to the other.
pub struct Pair {
    server: Server,
    _process: Process,
    people: [std::net::TcpStream; 2],
    whispered: usize,
}

impl Pair {
    /// `None` if nobody can whisper there.
    pub fn start(server: Server, server_cores: &[usize], own_cores: &[usize]) -> Option<Pair> {
        server.whisper(0, 1, "")?;
        let process = server.start(server_cores, own_cores);
        let mut people = [0, 1].map(|number| knock(server, &process, true, number));
        people.iter_mut().for_each(|person| enter(server, person, server.welcome(true)));
        Some(Pair { server, _process: process, people, whispered: 0 })
    }

    /// So many whispers, one after the other: how long each takes.
    pub fn whisper(&mut self, count: usize) -> Latencies {
        let Pair { server, people: [author, reader], .. } = self;
        let mut latencies = Latencies::default();
        let mut buffer = [0; 4096];
        for _ in 0..count {
            let (line, delivered) =
                server.whisper(0, 1, &text(0, self.whispered, 64)).expect("it was asked for before");
            self.whispered += 1;
            let sent = Instant::now();
            author.write_all(&line).expect("the server reads");
            let mut seen: Vec<u8> = Vec::new();
            while !seen.ends_with(&delivered) {
                let read = reader.read(&mut buffer).expect("the server writes");
                assert!(read > 0, "{} closed a connection", server.name());
                seen.extend_from_slice(&buffer[..read]);
            }
            latencies.push(sent.elapsed());
        }
        latencies
    }
}

/// What it costs to hold people who say nothing.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// Bytes of memory for each.
    pub bytes: f64,
    /// Bytes of memory of the server before they came, and after they left.
    pub before: f64,
    pub after: f64,
    /// Seconds until all had come in, one after the other.
    pub joining: f64,
    /// Share of a core while all are silent.
    pub cpu: f64,
}

/// Lets people come in one after the other, be silent, and go.
pub fn idle(server: Server, people: usize, server_cores: &[usize], own_cores: &[usize]) -> Idle {
    let process = server.start(server_cores, own_cores);
    // whoever comes first makes the server ready, and stays: of somebody who goes, others hear when nobody expects it
    let mut first = knock(server, &process, true, 1);
    enter(server, &mut first, server.welcome(true));
    let before = process.rss() as f64;
    let start = Instant::now();
    let mut crowd = Crowd::connect(server, &process, people, 1);
    let joining = start.elapsed().as_secs_f64();
    let full = process.rss();
    let bytes = (full as f64 - before) / people as f64;
    let cpu = process.cpu();
    std::thread::sleep(SILENCE);
    let cpu = (process.cpu() - cpu).as_secs_f64() / SILENCE.as_secs_f64();
    crowd.connections.clear();
    drop(crowd);
    // until the server has nothing left to do, and has given back what it gives back
    let mut last = (process.cpu(), process.rss());
    loop {
        std::thread::sleep(SILENCE);
        let now = (process.cpu(), process.rss());
        if now.0 - last.0 < Duration::from_millis(10) && now.1 >= last.1 {
            break;
        }
        last = now;
    }
    Idle { bytes, before, after: process.rss() as f64, joining, cpu }
}

/// How long the silent are watched.
const SILENCE: Duration = Duration::from_secs(2);
