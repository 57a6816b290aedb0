//! A load that takes little of the cores that it shares with the server.
//!
//! What readers are sent is thrown away in the kernel and only counted. The last readers to be served on each thread of the
//! server are looked at all the time, and say when more may be sent; the others now and then. What is sent has been written
//! beforehand.

use std::time::{Duration, Instant};

use mio::Interest;
use mio::net::TcpStream;

use crate::generator::{Crowd, DEADLINE, Pace, Workload, text};
use crate::process;
use crate::server::Server;

/// How often the other readers are looked at.
const ROUND: Duration = Duration::from_millis(3);

/// The most that is thrown away at once.
const PART: usize = 1024 * 1024;

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// Lines handed to a reader in a second.
    pub throughput: f64,
    /// Microseconds of the server's CPU for each of them.
    pub cpu: f64,
    /// The same of its busiest thread: with a core for each, it is what limits the server.
    pub busiest: f64,
    /// How much of a core the load took.
    pub load: f64,
}

/// Somebody whose bytes are counted.
struct Counted {
    stream: TcpStream,
    bytes: usize,
}

impl Counted {
    fn count(&mut self, buffer: &mut [u8]) {
        while let Some(more) = discard(&self.stream, buffer).filter(|more| *more > 0) {
            self.bytes += more;
            if more < buffer.len() {
                return;
            }
        }
    }
}

/// Throws away what has come, as far as it fits into the buffer, into which nothing is put. How much that was, if there was
/// something.
#[cfg(target_os = "linux")]
fn discard(stream: &TcpStream, buffer: &mut [u8]) -> Option<usize> {
    use rustix::net::{RecvFlags, recv};

    recv(stream, buffer, RecvFlags::TRUNC).ok().map(|(_, length)| length)
}

/// Elsewhere there is no measuring.
#[cfg(not(target_os = "linux"))]
fn discard(mut stream: &TcpStream, buffer: &mut [u8]) -> Option<usize> {
    std::io::Read::read(&mut stream, buffer).ok()
}

/// Has a server with so many threads hand out as much as it can, on all these cores, which the load shares.
pub fn run(server: Server, threads: usize, workload: Workload, cores: &[usize]) -> Flood {
    let Workload { readers, senders, text: length, pace: Pace::Window(window), time } = workload else {
        unreachable!("a flood has a window")
    };
    let process = server.start(cores, cores);
    let mut crowd = Crowd::connect(server, &process, readers, senders);
    let lines: Vec<_> = (0..senders).map(|sender| server.line(sender, &text(sender, 0, length))).collect();
    let line = server.delivered(0, &text(0, 0, length)).len();
    let mut buffer = vec![0; PART];

    let clocks = readers - threads..readers;
    let mut people: Vec<Counted> = Vec::new();
    for (index, connection) in std::mem::take(&mut crowd.connections).into_iter().enumerate() {
        let mut stream = connection.stream;
        crowd.poll.registry().deregister(&mut stream).expect("epoll");
        if clocks.contains(&index) {
            crowd.poll.registry().register(&mut stream, mio::Token(index), Interest::READABLE).expect("epoll");
        }
        people.push(Counted { stream, bytes: 0 });
    }

    let (start, cpu, own) = (Instant::now(), process.cpu_of_threads(), process::own_cpu());
    let (mut sent, mut next_round) = (0, start);
    let done = loop {
        let now = Instant::now();
        let is_over = now - start >= time;
        if now >= next_round || is_over {
            people.iter_mut().for_each(|person| person.count(&mut buffer));
            next_round = now + ROUND;
        }
        let clocked = people[clocks.clone()].iter().map(|clock| clock.bytes / line).min().unwrap_or(0);
        if is_over && people[..readers].iter().all(|reader| reader.bytes >= sent * line) {
            break clocked;
        }
        assert!(now - start < time + DEADLINE, "{}: only {clocked} of {sent} lines arrived", server.name());
        let more = if is_over { 0 } else { clocked + senders * window - sent };
        say(&mut people[readers..], &lines, sent, more);
        sent += more;
        let timeout = if is_over { Duration::from_millis(1) } else { next_round.saturating_duration_since(now) };
        crowd.poll.poll(&mut crowd.events, Some(timeout)).expect("epoll");
        people[clocks.clone()].iter_mut().for_each(|clock| clock.count(&mut buffer));
    };
    let seconds = start.elapsed().as_secs_f64();
    let own = process::own_cpu() - own;
    let used = process.cpu_of_threads().into_iter();
    let used = used.map(|(thread, now)| now - cpu.get(&thread).copied().unwrap_or_default());
    let used: Vec<f64> = used.map(|time| time.as_secs_f64() * 1e6).collect();
    assert!(people[..readers].iter().all(|reader| reader.bytes == sent * line), "{}: too much arrived", server.name());
    let told = readers + if server.tells_senders() { senders - 1 } else { 0 };
    let deliveries = (done * told) as f64;
    Flood {
        throughput: deliveries / seconds,
        cpu: used.iter().sum::<f64>() / deliveries,
        busiest: used.into_iter().fold(0.0, f64::max) / deliveries,
        load: own.as_secs_f64() / seconds,
    }
}

/// Has the senders say so many lines, in turn. `said` is how many there were before.
fn say(senders: &mut [Counted], lines: &[Vec<u8>], said: usize, more: usize) {
    use std::io::Write;

    for (index, sender) in senders.iter_mut().enumerate() {
        let of_sender = |total: usize| (total + lines.len() - 1 - index) / lines.len();
        let count = of_sender(said + more) - of_sender(said);
        if count > 0 {
            let bytes = lines[index].repeat(count);
            let written = sender.stream.write(&bytes).expect("the server reads");
            assert_eq!(written, bytes.len(), "a window is less than a socket takes");
        }
    }
}
