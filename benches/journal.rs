//! What a journal of a million events takes: to write, to open, to read the last page, to search; in time and in memory.
//!
//! ```text
//! cargo bench --bench journal                    # a million events, and the memory beside that of smaller journals
//! cargo bench --bench journal -- --events 10000 --smaller 1000
//! ```
//!
//! The bars: open within 2 s, the last 50 lines within 5 ms, a search within 300 ms, and memory that does not grow with the
//! journal: a process that writes, reads and searches takes no more than 4 MiB more than with the smallest one. It says so
//! where one is missed, and ends with code 1.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use papo::chat::event::{Event, EventKind};
use papo::chat::name::Name;
use papo::journal::{FILE, Journal, Limit, Options, Place, Reader, Record, Report, Whisper};

/// So much more memory a large journal may take than a small one, in KiB.
const GROWTH: u64 = 4 * 1024;

#[derive(Parser)]
struct Args {
    /// How many events
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// How many events there are in other journals, of which only the memory is measured
    #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
    smaller: Vec<u64>,
    /// Be the process that uses the journal in this directory, and print the most memory it had, in KiB
    #[arg(long, hide = true)]
    used: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Words as people use them: few are frequent, many are rare.
const SYLLABLES: [&str; 32] = [
    "ca", "sa", "me", "ni", "no", "pé", "to", "ção", "la", "ri", "mo", "vi", "da", "lu", "ze", "rra", "bo", "li",
    "tra", "ver", "gen", "te", "pou", "co", "mui", "tas", "ho", "ra", "fe", "ijo", "a", "água",
];

/// A number that looks random, and is always the same.
fn scramble(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn word(random: u64) -> String {
    // among 30,000 words, the first ones far more often
    let rank = (30_000.0_f64.powf((random % 10_000) as f64 / 10_000.0)) as u64;
    let mut left = scramble(rank);
    let count = 1 + rank.min(3);
    (0..count)
        .map(|_| {
            let syllable = SYLLABLES[(left % 32) as usize];
            left /= 32;
            syllable
        })
        .collect()
}

fn text(seq: u64) -> String {
    let count = 3 + scramble(seq) % 15;
    let mut words: Vec<_> = (0..count).map(|n| word(scramble(seq * 64 + n))).collect();
    // one in every message, two in half of them that never meet, one in a thousandth
    words.push("Sempre".to_owned());
    words.push(if seq.is_multiple_of(2) { "par" } else { "ímpar" }.to_owned());
    if seq.is_multiple_of(1000) {
        words.push("Raridade".to_owned());
    }
    words.join(" ")
}

fn said(seq: u64, people: &[Name], at: SystemTime) -> Record {
    let from = people[(scramble(seq) % people.len() as u64) as usize].clone();
    let kind = EventKind::Said { from, text: text(seq).as_str().into() };
    Record::Event { event: Arc::new(Event { seq, at, kind }), id: None }
}

/// Opens the journal, and what is written of it by now.
fn open(directory: &Path) -> (Journal, Arc<AtomicU64>) {
    let written = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&written);
    let options = Options { max_size: 0, ..Options::default() };
    let (journal, _) = Journal::open(directory, options, move |report| match report {
        Report::Written { up_to, .. } => seen.store(up_to.0, Ordering::Release),
        other => panic!("{other:?}"),
    })
    .unwrap();
    (journal, written)
}

fn fill(directory: &Path, events: u64, people: &[Name]) {
    let (journal, written) = open(directory);
    let now = SystemTime::now();
    let records: Vec<Record> = Vec::new();
    let begun = Instant::now();
    let mut making = Duration::ZERO;
    for from in (1..=events).step_by(1000) {
        let since = Instant::now();
        let mut records = records.clone();
        for seq in from..(from + 1000).min(events + 1) {
            records.push(said(seq, people, now));
            if seq.is_multiple_of(20) {
                let [from, to] = [seq, seq + 1].map(|n| people[(n / 20 % 50) as usize].clone());
                let whisper =
                    Whisper { after: seq, at: now, from, to, text: text(seq).as_str().into(), recipient: None };
                records.push(Record::Whisper { whisper: Box::new(whisper), id: None });
            }
        }
        making += since.elapsed();
        let ticket = journal.append(records);
        // as many wait as a busy room has
        while written.load(Ordering::Acquire) + 8000 < ticket.0 {
            std::thread::yield_now();
        }
    }
    assert!(journal.close(Duration::from_secs(60)));
    let took = begun.elapsed();
    let per = (took - making).as_secs_f64() * 1e6 / events as f64;
    println!("write       {events} events in {took:.1?}, {per:.1} µs each");
}

/// Does with a journal what a server does, and prints the most memory that it took.
fn make_use_of(directory: &Path) {
    let (journal, written) = open(directory);
    let reader = journal.reader().unwrap();
    let newest = reader.page_before(None, Limit::PAGE, None).unwrap();
    let last = newest.items.last().map_or(0, |item| item.place().seq);
    let people = people();
    reader.after(Place::behind(last / 2), Limit::PAGE, Some(&people[1])).unwrap();
    for (_, typed) in SEARCHES {
        reader.search(typed, 50, Some(&people[1])).unwrap();
    }
    let ticket = journal.append((last + 1..last + 5000).map(|seq| said(seq, &people, SystemTime::now())));
    while written.load(Ordering::Acquire) < ticket.0 {
        std::thread::yield_now();
    }
    println!("{}", memory()[1]);
}

/// The most memory, in KiB, of a process that makes use of a journal.
fn memory_used(directory: &Path) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg("--used").arg(directory).output().expect("this program runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

fn people() -> Vec<Name> {
    (0..500).map(|n| Name::parse(&format!("pessoa{n}")).expect("a name")).collect()
}

/// What is searched for.
const SEARCHES: [(&str, &str); 5] = [
    ("search: rare", "raridade"),
    ("search: in all", "sempre"),
    ("search: nowhere", "inexistente"),
    ("search: two that never meet", "par ímpar"),
    ("search: eight words", "sempre par ca sa menino casa to la"),
];

/// What this process has in memory, in KiB, and the most that it ever had.
fn memory() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    [field("VmRSS:"), field("VmHWM:")]
}

/// The median of some measurements, and the longest.
fn measure<T>(what: &str, bar: Option<Duration>, mut work: impl FnMut() -> T) -> bool {
    let mut times: Vec<_> = (0..11)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(work());
            begun.elapsed()
        })
        .collect();
    times.sort();
    let is_met = bar.is_none_or(|bar| times[5] <= bar);
    let verdict = if is_met { "" } else { "   <- MISSED" };
    println!("{what:<28} {:>9.2?}  at most {:>9.2?}{verdict}", times[5], times[10]);
    is_met
}

fn main() {
    let Ok(args) = Args::try_parse() else { return };
    if let Some(directory) = args.used {
        return make_use_of(&directory);
    }
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let people = people();
    println!("empty       {:?} KiB", memory());
    fill(directory, args.events, &people);
    println!("written     {:?} KiB (now, most)", memory());
    println!("file        {} MiB", fs::metadata(directory.join(FILE)).map_or(0, |file| file.len() / 1024 / 1024));

    let millis = Duration::from_millis;
    let mut met = true;
    met &= measure("open, close", Some(millis(2000)), || open(directory).0.close(Duration::from_secs(60)));
    let (journal, _) = open(directory);
    met &= measure("open a reader", None, || Reader::open(directory).unwrap());
    let reader = journal.reader().unwrap();
    met &= measure("last 50", Some(millis(5)), || reader.page_before(None, Limit::items(50), None).unwrap());
    let viewer = &people[1];
    met &= measure("last 50, with whispers", Some(millis(5)), || {
        reader.page_before(None, Limit::items(50), Some(viewer)).unwrap()
    });
    met &= measure("1,000 from the middle", None, || {
        reader.after(Place::behind(args.events / 2), Limit::PAGE, Some(viewer)).unwrap()
    });
    met &= measure("last seen", None, || reader.last_seen(viewer).unwrap());
    let nobody = Name::parse("inexistente").expect("a name");
    met &= measure("last seen: nobody", Some(millis(300)), || reader.last_seen(&nobody).unwrap());
    for (what, typed) in SEARCHES {
        met &= measure(what, Some(millis(300)), || reader.search(typed, 50, Some(viewer)).unwrap());
    }
    println!("read        {:?} KiB (now, most)", memory());
    drop(journal);
    let mut used = Vec::new();
    for events in args.smaller {
        let directory = tempfile::tempdir().expect("a directory");
        fill(directory.path(), events, &people);
        used.push((events, memory_used(directory.path())));
    }
    used.push((args.events, memory_used(directory)));
    let least = used.iter().map(|(_, used)| *used).min().unwrap_or(0);
    for (events, used) in used {
        let is_met = used <= least + GROWTH;
        println!("memory      {events:>9} events: {used} KiB at most{}", if is_met { "" } else { "   <- MISSED" });
        met &= is_met;
    }
    if !met {
        std::process::exit(1);
    }
}
