//! Promise 2 of the design, under fire: the server is killed and started again, connections break and programs die, all at
//! random moments and under load. Afterwards every acknowledged message is in everybody's stream exactly once and in one
//! order, no message is there twice, and every acknowledged whisper has come to its reader once.
//!
//! `PAPO_SEED` repeats a run, as far as the machine lets it; `PAPO_ROUNDS` makes it longer.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use common::program::{Program, papo, run};
use common::{DEADLINE, wait_until};
use serde_json::{Value, json};
use tempfile::tempdir;

/// How many programs there are at a time.
const PROGRAMS: u64 = 6;

/// How many messages of each may wait for their acknowledgement.
const MAX_UNANSWERED: usize = 8;

/// The least time between two new messages of one: they must not miss more than is kept for whoever comes back.
const PAUSE: Duration = Duration::from_millis(2);

/// What the last one to speak says.
const END: &str = "fim";

/// Numbers that look random, and are the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What happened to one program from its start to its end.
#[derive(Default)]
struct Life {
    number: u64,
    name: String,
    /// What it read, in that order, since it came in or since a gap.
    streams: Vec<Stream>,
    /// Its messages that were acknowledged: with which number, and what they said.
    acknowledged: BTreeMap<u64, String>,
    /// Its whispers that were acknowledged: to whom, and what they said.
    acknowledged_whispers: Vec<(String, String)>,
    /// Those messages that were not answered, in order. The text is the id, too.
    unanswered: Vec<Message>,
    /// What was whispered to it, by number.
    whispers: BTreeMap<u64, String>,
    /// The number of the last of them.
    whisper: u64,
    /// What was kept from it to come back with.
    token: Option<Value>,
    epoch: Option<Value>,
    /// The number of the last event that it knows of.
    seq: u64,
    /// Whether it lived to the end.
    is_alive: bool,
    returns: usize,
    gaps: usize,
}

/// A message, and to whom it is whispered, if it is.
struct Message {
    text: String,
    to: Option<String>,
}

impl Message {
    fn object(&self) -> Value {
        let Message { text, to } = self;
        match to {
            Some(to) => json!({ "type": "whisper", "id": text, "text": text, "to": to }),
            None => json!({ "type": "say", "id": text, "text": text }),
        }
    }
}

/// What was read without a gap.
#[derive(Default)]
struct Stream {
    /// The number behind which it begins.
    after: u64,
    said: Vec<(u64, String)>,
}

impl Life {
    fn begin(number: u64, generation: usize) -> Life {
        Life { number, name: format!("p{number}_{generation}"), ..Life::default() }
    }

    /// Whether it has read the last word, and been told of all of its own.
    fn is_complete(&self) -> bool {
        let has_ended = self.streams.last().is_some_and(|stream| stream.said.iter().any(|(_, text)| text == END));
        has_ended && self.unanswered.is_empty()
    }

    fn join(&self) -> Value {
        let mut join = json!({ "type": "join", "name": self.name });
        if let (Some(token), Some(epoch)) = (&self.token, &self.epoch) {
            join["token"] = token.clone();
            join["epoch"] = epoch.clone();
            join["seq"] = json!(self.seq);
            join["whispers"] = json!(self.whisper);
        }
        join
    }

    fn welcomed(&mut self, welcome: &Value) {
        assert_eq!(welcome["type"], "welcome", "{}: {welcome}", self.name);
        let has_been_here = self.token.is_some();
        let is_resumed = welcome["resumed"] == true;
        assert!(!has_been_here || is_resumed || welcome["gap"] == true, "{}: {welcome}", self.name);
        if let Some(undone) = welcome["undone"].as_u64() {
            let stream = self.streams.last_mut().unwrap();
            stream.said.retain(|(seq, _)| *seq < undone);
        }
        let whispers = welcome["whispers"].as_u64().unwrap();
        if whispers < self.whisper {
            // they were not kept, and may come again
            self.whispers.retain(|number, _| *number <= whispers);
            self.whisper = whispers;
        }
        if !is_resumed {
            let after = welcome["seq"].as_u64().unwrap();
            self.streams.push(Stream { after, said: Vec::new() });
            self.seq = after;
            self.gaps += usize::from(has_been_here);
        }
        self.returns += usize::from(has_been_here);
        self.token = Some(welcome["token"].clone());
        self.epoch = Some(welcome["epoch"].clone());
    }

    fn take(&mut self, object: &Value) {
        let seq = object["seq"].as_u64();
        match (object["type"].as_str().unwrap(), seq) {
            ("ack", seq) => {
                assert_eq!(object.get("kept"), None, "{}: {object}", self.name);
                let Message { text, to } = self.answered(object);
                match (seq, to) {
                    (Some(seq), None) => {
                        assert_eq!(self.acknowledged.insert(seq, text), None, "{}: {object}", self.name);
                    }
                    (None, Some(to)) => self.acknowledged_whispers.push((to, text)),
                    _ => panic!("{}: {object}", self.name),
                }
            }
            ("whispered", _) => {
                let number = object["number"].as_u64().unwrap();
                assert!(number > self.whisper, "{}: {object}", self.name);
                self.whisper = number;
                self.whispers.insert(self.whisper, object["text"].as_str().unwrap().to_owned());
            }
            // its reader has died, or is not back yet
            ("error", _) => {
                assert_eq!(object["code"], "not_found", "{}: {object}", self.name);
                assert!(self.answered(object).to.is_some(), "{}: {object}", self.name);
            }
            ("said", Some(seq)) => {
                let text = object["text"].as_str().unwrap().to_owned();
                self.streams.last_mut().unwrap().said.push((seq, text));
            }
            ("joined" | "left", Some(_)) | ("history" | "bye", _) => {}
            _ => panic!("{}: {object}", self.name),
        }
        self.seq = self.seq.max(seq.unwrap_or_default());
    }

    /// The message that this answers.
    fn answered(&mut self, answer: &Value) -> Message {
        let place = self.unanswered.iter().position(|message| answer["id"] == *message.text);
        self.unanswered.remove(place.unwrap_or_else(|| panic!("{}: answered twice: {answer}", self.name)))
    }
}

/// A connection of a program, which may break at any moment.
struct Line {
    reader: BufReader<TcpStream>,
    unfinished: String,
}

impl Line {
    fn open(address: SocketAddr) -> io::Result<Line> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PAUSE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Line { reader: BufReader::new(stream), unfinished: String::new() })
    }

    fn send(&mut self, object: &Value) -> io::Result<()> {
        self.reader.get_mut().write_all(format!("{object}\n").as_bytes())
    }

    /// The next object; `None` if there is none for the moment.
    fn read(&mut self) -> io::Result<Option<Value>> {
        match self.reader.read_line(&mut self.unfinished) {
            Ok(_) if self.unfinished.ends_with('\n') => {
                let line = std::mem::take(&mut self.unfinished);
                Ok(Some(serde_json::from_str(&line).unwrap()))
            }
            Ok(_) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As a pulled cable: with a reset.
    fn tear(self) {
        socket2::SockRef::from(self.reader.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// Where the server is, and what the programs are to do.
struct Scene {
    address: SocketAddr,
    /// Who is there, or will be again.
    names: Mutex<Vec<String>>,
    /// Nothing new is said.
    is_quiet: AtomicBool,
    /// No program dies, and no connection breaks, but by the server.
    is_calm: AtomicBool,
}

/// How a connection ended.
enum Outcome {
    Broken,
    Died,
    Complete,
}

/// Talks over one connection until it ends.
fn talk(scene: &Scene, life: &mut Life, dice: &mut Dice, said: &mut u64) -> io::Result<Outcome> {
    let mut line = Line::open(scene.address)?;
    line.send(&life.join())?;
    let mut is_in = false;
    let mut next = Instant::now();
    loop {
        match line.read()? {
            Some(object) if object["type"] == "hello" => {}
            Some(welcome) if !is_in => {
                life.welcomed(&welcome);
                // whoever has no token yet is somebody else when it comes back after a restart
                scene.names.lock().unwrap()[life.number as usize].clone_from(&life.name);
                is_in = true;
                for message in &life.unanswered {
                    line.send(&message.object())?;
                }
            }
            Some(object) => life.take(&object),
            None => {}
        }
        if life.is_complete() {
            line.send(&json!({ "type": "leave" }))?;
            // until the server knows that it leaves, it may be whispered to
            let begun = Instant::now();
            loop {
                match line.read()? {
                    Some(bye) if bye["type"] == "bye" => return Ok(Outcome::Complete),
                    Some(object) => life.take(&object),
                    None => assert!(begun.elapsed() < DEADLINE, "{}: it may not leave", life.name),
                }
            }
        }
        if !is_in || next > Instant::now() {
            continue;
        }
        next = Instant::now() + PAUSE;
        if !scene.is_quiet.load(Ordering::Acquire) && life.unanswered.len() < MAX_UNANSWERED {
            *said += 1;
            let text = format!("{} {said}", life.name);
            let to = (dice.below(6) == 0).then(|| {
                let names = scene.names.lock().unwrap();
                names[dice.below(PROGRAMS) as usize].clone()
            });
            let message = Message { text, to };
            let object = message.object();
            life.unanswered.push(message);
            line.send(&object)?;
        }
        if !scene.is_calm.load(Ordering::Acquire) {
            match dice.below(1000) {
                0..6 => {
                    line.tear();
                    return Ok(Outcome::Broken);
                }
                6..8 => {
                    line.tear();
                    return Ok(Outcome::Died);
                }
                _ => {}
            }
        }
    }
}

/// A program, and its successors when it dies.
fn live(scene: &Scene, number: u64, seed: u64) -> Vec<Life> {
    let mut dice = Dice(seed ^ (number << 32));
    let mut lives = Vec::new();
    let mut life = Life::begin(number, 0);
    let mut said = 0;
    let mut quiet_since = None;
    loop {
        if scene.is_quiet.load(Ordering::Acquire) {
            let since = *quiet_since.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < DEADLINE, "{}: {} are not answered", life.name, life.unanswered.len());
        }
        match talk(scene, &mut life, &mut dice, &mut said) {
            Ok(Outcome::Complete) => {
                life.is_alive = true;
                lives.push(life);
                return lives;
            }
            Ok(Outcome::Died) => {
                let successor = Life::begin(number, lives.len() + 1);
                lives.push(std::mem::replace(&mut life, successor));
            }
            // the server is not there, or the connection has broken
            Ok(Outcome::Broken) | Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// A server that listens there, with its journal in this directory.
fn serve(address: SocketAddr, directory: &Path) -> Program {
    let address_text = address.to_string();
    let unlimited = "--rate 0 --rate-bytes 0 --max-per-address 0 --max-new-per-address 0 --max-unnamed-per-address 0 --max-lost-per-address 0 --lang en";
    let arguments: Vec<&str> = ["--listen", &address_text].into_iter().chain(unlimited.split(' ')).collect();
    let mut command = papo(&arguments);
    command.arg("--data").arg(directory).env_remove("PAPO_NO_JOURNAL");
    Program::spawn_at(command, address)
}

/// What the journal kept of what was said, by number; and the numbers that were skipped.
fn kept(directory: &Path) -> (BTreeMap<u64, String>, Vec<RangeInclusive<u64>>) {
    let mut command = papo(&["journal", "export", "--data"]);
    command.arg(directory);
    let output = run(command);
    assert!(output.status.success(), "{output:?}");
    let (mut said, mut skipped) = (BTreeMap::new(), Vec::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        match item["type"].as_str().unwrap() {
            "said" => drop(said.insert(item["seq"].as_u64().unwrap(), item["text"].as_str().unwrap().to_owned())),
            "gap" => {
                assert_eq!(item["cause"], "restart", "{item}");
                skipped.push(item["first"].as_u64().unwrap()..=item["last"].as_u64().unwrap());
            }
            _ => {}
        }
    }
    (said, skipped)
}

#[test]
fn whatever_dies_nothing_that_was_acknowledged_is_lost_and_nothing_is_said_twice() {
    let from_environment = |key| std::env::var(key).ok().map(|value: String| value.parse::<u64>().unwrap());
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = from_environment("PAPO_SEED").unwrap_or_else(clock);
    let rounds = from_environment("PAPO_ROUNDS").unwrap_or(8);
    println!("PAPO_SEED={seed} PAPO_ROUNDS={rounds}");
    let mut dice = Dice(seed);
    let directory = tempdir().unwrap();
    // an address that no other connection of this machine takes while the server is down
    let ip = [127, 9, (seed >> 8) as u8, seed as u8];
    let address = TcpListener::bind((std::net::Ipv4Addr::from(ip), 0)).unwrap().local_addr().unwrap();
    let names = Mutex::new((0..PROGRAMS).map(|number| format!("p{number}_0")).collect());
    let scene = Scene { address, names, is_quiet: AtomicBool::new(false), is_calm: AtomicBool::new(false) };

    let lives: Vec<Life> = thread::scope(|scope| {
        let programs: Vec<_> = (0..PROGRAMS)
            .map(|number| {
                scope.spawn({
                    let scene = &scene;
                    move || live(scene, number, seed)
                })
            })
            .collect();
        let mut server = serve(address, directory.path());
        for _ in 0..rounds {
            // not a wait for something: the moment is random
            thread::sleep(Duration::from_millis(50 + dice.below(700)));
            server.signal(if dice.below(4) == 0 { "TERM" } else { "KILL" });
            common::program::wait(&mut server.child);
            thread::sleep(Duration::from_millis(dice.below(100)));
            server = serve(address, directory.path());
        }
        scene.is_calm.store(true, Ordering::Release);
        scene.is_quiet.store(true, Ordering::Release);
        let last = common::Client::join_as_program(address, "ultimo", None).0;
        // until everybody is back it is said again and again, by another id
        let words = Cell::new(0);
        wait_until("everybody has heard the last word", || {
            if programs.iter().all(|program| program.is_finished()) {
                return true;
            }
            words.set(words.get() + 1);
            let end = json!({ "type": "say", "id": format!("end {}", words.get()), "text": END });
            last.stream().write_all(format!("{end}\n").as_bytes()).unwrap();
            false
        });
        drop(last);
        server.signal("TERM");
        common::program::wait(&mut server.child);
        programs.into_iter().flat_map(|program| program.join().unwrap()).collect()
    });

    let (said, skipped) = kept(directory.path());
    let is_skipped = |seq: &u64| skipped.iter().any(|numbers| numbers.contains(seq));
    let mut times: HashMap<&str, usize> = HashMap::new();
    said.values().filter(|text| *text != END).for_each(|text| *times.entry(text).or_default() += 1);
    for (text, times) in &times {
        assert_eq!(*times, 1, "said more than once: {text}");
    }
    for life in &lives {
        for (seq, text) in &life.acknowledged {
            assert_eq!(said.get(seq), Some(text), "{}: acknowledged, and not kept", life.name);
        }
        let unanswered = life.unanswered.iter().map(|message| &message.text);
        let own: HashSet<&str> = life.acknowledged.values().chain(unanswered).map(String::as_str).collect();
        for Stream { after, said: read } in &life.streams {
            assert!(read.is_sorted_by(|(one, _), (next, _)| one < next), "{}: not in one order", life.name);
            // whoever died was never told what was undone
            let read: BTreeMap<u64, &String> = read
                .iter()
                .filter(|(seq, _)| life.is_alive || !is_skipped(seq))
                .map(|(seq, text)| (*seq, text))
                .collect();
            let Some((last, _)) = read.last_key_value() else { continue };
            let expected = said.range(after + 1..=*last);
            for (seq, text) in expected.filter(|(_, text)| !own.contains(text.as_str())) {
                assert_eq!(read.get(seq), Some(&text), "{}: missed number {seq}, {text}", life.name);
            }
            for (seq, text) in &read {
                assert_eq!(said.get(seq), Some(*text), "{}: read what is not kept, number {seq}", life.name);
            }
        }
    }
    let mut read: HashMap<&str, usize> = HashMap::new();
    for life in lives.iter().filter(|life| life.is_alive) {
        life.whispers.values().for_each(|text| *read.entry(text).or_default() += 1);
    }
    for (text, times) in &read {
        assert_eq!(*times, 1, "read more than once: {text}");
    }
    for (to, text) in lives.iter().flat_map(|life| &life.acknowledged_whispers) {
        // whoever died has not told what was read
        if let Some(reader) = lives.iter().find(|life| life.is_alive && life.name == *to) {
            assert!(reader.whispers.values().any(|read| read == text), "{to}: acknowledged, and not read: {text}");
        }
    }
    let whispers = read.len();
    let count = |of: fn(&Life) -> usize| lives.iter().map(of).sum::<usize>();
    let (acknowledged, returns, gaps) =
        (count(|life| life.acknowledged.len()), count(|life| life.returns), count(|life| life.gaps));
    println!(
        "{} programs, {acknowledged} messages acknowledged, {whispers} whispers read, {returns} returns, {gaps} of them behind a gap, {} kills that skipped numbers",
        lives.len(),
        skipped.len()
    );
    assert!(acknowledged > 20 * rounds as usize && returns > rounds as usize, "nothing happened");
}
