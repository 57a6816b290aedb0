//! A soak: people chat, come and go for as long as one likes, and nothing may be lost and nothing may grow.
//!
//! ```text
//! cargo bench --bench soak                                  # 200 people for a minute, a tenth of them new each minute
//! cargo bench --bench soak -- --seconds 28800 --every 600   # through a night
//! cargo bench --bench soak -- --churn 2000                  # 67 new people a second
//! ```
//!
//! The server is a process of its own, with all its limits but those for one address. People say a line every ten seconds
//! or so, which is within the throttle; they paste and whisper now and then; they leave by `/quit`, at the end of their
//! input, by vanishing, and by a reset. Everything that each of them reads is compared with what one reads who stays from
//! the beginning to the end.
//!
//! It ends with `PASS`, or with `FAIL` and exit code 1. To pass,
//! - no line and no whisper is lost, doubled or out of order, nobody is throttled, and nobody reads what was not expected;
//! - the memory in the last quarter of the time (median) is at most 1 MiB and a twentieth above that in the second
//!   quarter: the longer it runs, the smaller the leak that it finds;
//! - when all have left, the server has the descriptors and threads it began with. Each session holds a socket for as long
//!   as its actor lives, so no actor is left either.
//!
//! Linux only.
#![allow(clippy::expect_used, unreachable_pub, reason = "a benchmark may panic, and its modules are seen by it alone")]

#[path = "../load/arguments.rs"]
mod arguments;
mod crowd;
mod judge;
#[path = "../load/process.rs"]
#[allow(dead_code, reason = "each benchmark uses its own part of it")]
mod process;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use crowd::Crowd;
use judge::Counts;
use process::Process;

/// The cores of the server, and of the crowd.
const SERVER_CORES: [usize; 1] = [0];
const OWN_CORES: [usize; 1] = [1];

/// How much memory may grow: so many bytes, and such a share of it.
const GROWTH: (f64, f64) = (1024.0 * 1024.0, 0.05);

/// How long the server may take to give everything back.
const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Args {
    /// For how long
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(4..))]
    seconds: u64,
    /// People who chat
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..))]
    people: u32,
    /// How many of a hundred leave in a minute, and others come
    #[arg(long, default_value_t = 10)]
    churn: u32,
    /// Seconds between two lines of a person, about
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pause: u32,
    /// Seconds between two rows of the table
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Threads of the server
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let Some(args) = arguments::parse::<Args>() else { return ExitCode::SUCCESS };
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit of open files");
    let server = start(args.threads);
    let at_rest = at_rest(&server);
    let mut crowd = Crowd::gather(server.address, args.people);
    let memory = soak(&args, &server, &mut crowd);
    let counts = crowd.leave();
    let after = give_back(&server, &at_rest);
    println!("{:<16}{after}", "all have left:");
    verdict(&counts, &memory, &at_rest, &after)
}

fn start(threads: usize) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command.args(["--listen", "127.0.0.1:0", "--lang", "en", "--threads", &threads.to_string()]);
    // what the judge reads comes once
    command.args(["--history", "0", "--no-journal"]);
    command.env("PAPO_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/data"));
    // all come from one address
    for flag in ["--max-per-address", "--max-new-per-address", "--max-unnamed-per-address", "--max-lost-per-address"] {
        command.args([flag, "0"]);
    }
    Process::start(&mut command, &SERVER_CORES, &OWN_CORES)
}

/// Lets people chat, and shows how it goes. Returns the bytes of memory in each second.
fn soak(args: &Args, server: &Process, crowd: &mut Crowd) -> Vec<f64> {
    println!("{} people, {} % of them new each minute, for {} s", args.people, args.churn, args.seconds);
    let start = Instant::now();
    // what is due at a moment is as much as has not been done of what should have been done by then
    let lines_a_second = f64::from(args.people) / f64::from(args.pause);
    let changes_a_second = f64::from(args.people) * f64::from(args.churn) / 6000.0;
    let (mut said, mut changed) = (0, 0);
    let mut memory = Vec::new();
    while start.elapsed().as_secs() < args.seconds {
        crowd.read(Duration::from_millis(10));
        let elapsed = start.elapsed().as_secs_f64();
        while f64::from(said) < elapsed * lines_a_second {
            crowd.someone_speaks();
            said += 1;
        }
        while f64::from(changed) < elapsed * changes_a_second {
            crowd.someone_leaves();
            changed += 1;
        }
        while memory.len() as f64 <= elapsed {
            let usage = Usage::of(server);
            if (memory.len() as u64).is_multiple_of(args.every) {
                println!("{:>6} s        {usage}, {}", memory.len(), crowd.counts());
            }
            memory.push(usage.memory);
        }
    }
    memory
}

/// Waits until the threads of the server have all begun, and opened what they need.
fn at_rest(server: &Process) -> Usage {
    let (mut usage, mut looks) = (Usage::of(server), 0);
    while looks < 10 {
        std::thread::sleep(Duration::from_millis(100));
        let now = Usage::of(server);
        let is_same = (now.descriptors, now.threads) == (usage.descriptors, usage.threads);
        looks = if is_same { looks + 1 } else { 0 };
        usage = now;
    }
    usage
}

/// Waits until the server has given back what the crowd took.
fn give_back(server: &Process, at_rest: &Usage) -> Usage {
    let start = Instant::now();
    loop {
        let usage = Usage::of(server);
        if usage.descriptors == at_rest.descriptors || start.elapsed() > DEADLINE {
            return usage;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn verdict(counts: &Counts, memory: &[f64], at_rest: &Usage, after: &Usage) -> ExitCode {
    let quarter = memory.len() / 4;
    let (early, late) = (median(&memory[quarter..2 * quarter]), median(&memory[3 * quarter..]));
    let mut faults: Vec<String> = counts.faults();
    if late > early + GROWTH.0 + GROWTH.1 * early {
        faults.push(format!("memory grew from {:.2} to {:.2} MB", early / 1e6, late / 1e6));
    }
    if (after.descriptors, after.threads) != (at_rest.descriptors, at_rest.threads) {
        faults.push(format!("it began with {at_rest}"));
    }
    println!("memory in the second quarter {:.2} MB, in the last one {:.2} MB", early / 1e6, late / 1e6);
    if faults.is_empty() {
        println!("PASS: {counts}");
        return ExitCode::SUCCESS;
    }
    println!("FAIL: {}", faults.join("; "));
    ExitCode::FAILURE
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What a process has.
struct Usage {
    /// Bytes.
    memory: f64,
    descriptors: usize,
    threads: usize,
}

impl Usage {
    fn of(server: &Process) -> Usage {
        let entries = |of: &str| {
            let path = format!("/proc/{}/{of}", server.id());
            std::fs::read_dir(path).expect("the server runs").count()
        };
        Usage { memory: server.rss() as f64, descriptors: entries("fd"), threads: entries("task") }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Usage { memory, descriptors, threads } = self;
        write!(f, "{:5.2} MB, {descriptors} descriptors, {threads} threads", memory / 1e6)
    }
}
