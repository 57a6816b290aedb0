//! What a journal of a million events takes: to write, to open, to read the last page, to search; in time and in memory.
//!
//! ```text
//! cargo bench --bench journal                    # a million events
//! cargo bench --bench journal -- --events 10000
//! ```
//!
//! The bars: open within 2 s, the last 50 lines within 5 ms, a search within 300 ms, and memory that does not grow with the
//! journal. It says so where one is missed, and ends with code 1.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clap::Parser;
use papo::chat::event::{Event, EventKind};
use papo::chat::name::Name;
use papo::journal::{FILE, Journal, Limit, Options, Place, Reader, Record, Report, Whisper};

#[derive(Parser)]
struct Args {
    /// How many events
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
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
                records.push(Record::Whisper { whisper, id: None });
            }
        }
        making += since.elapsed();
        let ticket = journal.append(records);
        // as many wait as a busy room has
        while written.load(Ordering::Acquire) + 8000 < ticket.0 {
            std::thread::yield_now();
        }
    }
    let took = begun.elapsed();
    assert!(journal.close(Duration::from_secs(60)));
    let per = (took - making).as_secs_f64() * 1e6 / events as f64;
    println!("write       {events} events in {took:.1?}, {per:.1} µs each with their words in the index");
}

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
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let people: Vec<_> = (0..500).map(|n| Name::parse(&format!("pessoa{n}")).expect("a name")).collect();
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
    for (what, typed) in [
        ("search: rare", "raridade"),
        ("search: in all", "sempre"),
        ("search: nowhere", "inexistente"),
        ("search: two that never meet", "par ímpar"),
        ("search: eight words", "sempre par ca sa menino casa to la"),
    ] {
        met &= measure(what, Some(millis(300)), || reader.search(typed, 50, Some(viewer)).unwrap());
    }
    println!("read        {:?} KiB (now, most)", memory());
    drop(journal);
    if !met {
        std::process::exit(1);
    }
}
