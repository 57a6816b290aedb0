//! What fan-out costs, side by side: papo, the floors and, with `--peers`, other servers that are installed here.
//!
//! ```text
//! cargo bench --bench load                     # papo beside the floors
//! cargo bench --bench load -- --peers          # and beside redis-server, ngircd and nats-server
//! cargo bench --bench load -- --rounds 1 --seconds 1 --only burst
//! ```
//!
//! The server is a process of its own on one core, the load comes from another one. Every round runs all servers, so that
//! they share the moods of the machine; what is shown are medians over the rounds, and what counts are the ratios in a
//! table. Linux only.
#![allow(clippy::expect_used, unreachable_pub, reason = "a benchmark may panic, and its modules are seen by it alone")]

mod arguments;
mod flood;
mod floor;
mod generator;
#[allow(dead_code, reason = "each benchmark uses its own part of it")]
mod process;
mod server;

use std::time::Duration;

use clap::Parser;
use flood::Flood;
use generator::{Idle, Latencies, Outcome, Pace, Pair, Workload};
use server::Server;

/// The core of the servers, and that of the load.
const SERVER_CORES: [usize; 1] = [0];
const OWN_CORES: [usize; 1] = [1];
const BOTH_CORES: [usize; 2] = [0, 1];

/// Whispers without a pause at one server, and how often in a round it is each server's turn.
const TURN: usize = 100;
const TURNS: usize = 50;

#[derive(Parser)]
struct Args {
    /// Rounds; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds for each workload and server
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Only what has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// Run redis-server, ngircd and nats-server too, if they are installed
    #[arg(long)]
    peers: bool,
    /// People who come in one after the other and say nothing
    #[arg(long, default_value_t = 5000)]
    idle: usize,
    /// Be a floor
    #[arg(long, hide = true)]
    serve_floor: Option<String>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let Some(args) = arguments::parse::<Args>() else { return };
    match args.serve_floor.as_deref() {
        Some("plain") => return floor::serve(floor::Floor::Plain).expect("a floor"),
        Some(_) => return floor::serve(floor::Floor::Coalescing).expect("a floor"),
        None => {}
    }
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit of open files");
    let mut servers = vec![Server::Floor, Server::CoalescingFloor, papo(1)];
    if args.peers {
        servers.extend([Server::Redis, Server::Ngircd, Server::Nats].into_iter().filter(|peer| peer.is_installed()));
    }
    let workload = |readers, senders, text, pace| Workload {
        readers,
        senders,
        text,
        pace,
        time: Duration::from_secs(args.seconds),
    };
    let workloads = [
        ("paced: 100 readers, 1 sender, 64 B, 200/s", workload(100, 1, 64, Pace::Rate(200))),
        ("paced: 1,000 readers, 1 sender, 64 B, 20/s", workload(1000, 1, 64, Pace::Rate(20))),
        ("burst: 100 readers, 10 senders, window 16, 64 B", workload(100, 10, 64, Pace::Window(16))),
        ("burst: 100 readers, 10 senders, window 1, 64 B", workload(100, 10, 64, Pace::Window(1))),
        ("burst: 1,000 readers, 4 senders, window 16, 128 B", workload(1000, 4, 128, Pace::Window(16))),
    ];
    for (name, workload) in workloads.iter().filter(|(name, _)| name.contains(&args.only)) {
        measure(name, *workload, &servers, args.rounds);
    }
    for (name, workload) in &workloads {
        let name = format!("browsers: as many as readers are in the room, too; {name}");
        if name.contains(&args.only) {
            let with_browsers = Server::Papo { threads: 1, browsers: workload.readers };
            measure(&name, *workload, &[Server::Floor, Server::CoalescingFloor, papo(1), with_browsers], args.rounds);
        }
    }
    // a burst is as fast as the journal lets the senders be, once more waits for it than may
    for (name, workload) in &workloads {
        let name = format!("journal: {name}");
        if name.contains(&args.only) {
            measure(&name, *workload, &[Server::Floor, papo(1), Server::Journaled], args.rounds);
        }
    }
    if "whisper".contains(&args.only) {
        measure_whispers(&servers, args.rounds);
    }
    if "idle".contains(&args.only) {
        measure_idle(&[&servers[..], &[Server::Sockets]].concat(), args.idle, args.rounds);
    }
    for (name, workload) in &workloads[2..] {
        let name = format!("threads, on both cores, {name}");
        if name.contains(&args.only) {
            measure_threads(&name, *workload, args.rounds);
        }
    }
}

fn papo(threads: usize) -> Server {
    Server::Papo { threads, browsers: 0 }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median over the rounds, of each server.
fn medians<T>(rounds: &[Vec<T>], value: impl Fn(&T) -> f64) -> Vec<f64> {
    let servers = rounds.first().map_or(0, Vec::len);
    (0..servers).map(|server| median(rounds.iter().map(|round| value(&round[server])).collect())).collect()
}

fn measure(name: &str, workload: Workload, servers: &[Server], rounds: usize) {
    let run = |server: &Server| generator::run(*server, workload, &SERVER_CORES, &OWN_CORES);
    let rounds: Vec<Vec<Outcome>> = (0..rounds).map(|_| servers.iter().map(run).collect()).collect();
    let cpu = medians(&rounds, |outcome| outcome.cpu);
    let throughput = medians(&rounds, |outcome| outcome.deliveries as f64 / outcome.seconds);
    let each = [0.5, 0.99].map(|share| medians(&rounds, |outcome| outcome.each.quantile(share)));
    let last = [0.5, 0.99].map(|share| medians(&rounds, |outcome| outcome.last.quantile(share)));
    println!("\n{name}");
    println!(
        "{:<18} {:>8} {:>8} {:>8} {:>12} {:>16} {:>16} {:>6}",
        "", "CPU µs", "× floor", "× coal.", "deliveries/s", "each p50/p99 µs", "last p50/p99 µs", "wrong"
    );
    for (place, server) in servers.iter().enumerate() {
        let wrong: u64 = rounds.iter().map(|round| round[place].wrong).sum();
        println!(
            "{:<18} {:>8.3} {:>8.2} {:>8.2} {:>12.0} {:>16} {:>16} {:>6}",
            server.name(),
            cpu[place],
            cpu[place] / cpu[0],
            cpu[place] / cpu[1],
            throughput[place],
            format!("{:.0} / {:.0}", each[0][place], each[1][place]),
            format!("{:.0} / {:.0}", last[0][place], last[1][place]),
            wrong,
        );
    }
}

/// In turns, each of which takes a few milliseconds: from one second to the next, such a machine is not as fast as before.
fn measure_whispers(servers: &[Server], rounds: usize) {
    println!("\nwhisper: from one to one, 64 B, one after the other");
    let start = |server: &Server| Some((*server, Pair::start(*server, &SERVER_CORES, &OWN_CORES)?));
    let (servers, mut pairs): (Vec<Server>, Vec<Pair>) = servers.iter().filter_map(start).unzip();
    pairs.iter_mut().for_each(|pair| drop(pair.whisper(TURN)));
    let mut take_turns = |first: usize| {
        let mut latencies: Vec<Latencies> = pairs.iter().map(|_| Latencies::default()).collect();
        for place in 0..servers.len() {
            let place = (first + place) % servers.len();
            latencies[place] = pairs[place].whisper(TURN);
        }
        latencies
    };
    let turns: Vec<Vec<Latencies>> = (0..rounds * TURNS).map(&mut take_turns).collect();
    let [middle, late] = [0.5, 0.99].map(|share| medians(&turns, |latencies| latencies.quantile(share)));
    let of_first = |turn: &Vec<Latencies>| turn.iter().map(|it| it.quantile(0.5) / turn[0].quantile(0.5)).collect();
    let ratios = medians(&turns.iter().map(of_first).collect::<Vec<Vec<f64>>>(), |ratio| *ratio);
    for (place, server) in servers.iter().enumerate() {
        println!(
            "{:<18} p50 {:.1} µs: × {:.3}, p99 {:.0} µs",
            server.name(),
            middle[place],
            ratios[place],
            late[place]
        );
    }
}

fn measure_idle(servers: &[Server], people: usize, rounds: usize) {
    println!("\nidle: {people} people come in one after the other, say nothing, and go");
    let run = |server: &Server| generator::idle(*server, people, &SERVER_CORES, &OWN_CORES);
    let rounds: Vec<Vec<Idle>> = (0..rounds).map(|_| servers.iter().map(run).collect()).collect();
    let bytes = medians(&rounds, |idle| idle.bytes);
    let joining = medians(&rounds, |idle| idle.joining);
    let cpu = medians(&rounds, |idle| idle.cpu);
    let [before, after] = [|idle: &Idle| idle.before, |idle: &Idle| idle.after].map(|value| medians(&rounds, value));
    for (place, server) in servers.iter().enumerate() {
        println!(
            "{:<18} {:>7.0} bytes each, all in after {:.1} s, {:.2} % of a core while silent, {:.1} MB before and {:.1} MB after",
            server.name(),
            bytes[place],
            joining[place],
            cpu[place] * 100.0,
            before[place] / 1e6,
            after[place] / 1e6,
        );
    }
}

/// What more threads bring. The load takes a part of the two cores: what the busiest thread uses for a delivery tells how many
/// there would be with a core for each.
fn measure_threads(name: &str, workload: Workload, rounds: usize) {
    println!("\n{name}");
    let run = |threads| flood::run(papo(threads), threads, workload, &BOTH_CORES);
    let rounds: Vec<Vec<Flood>> = (0..rounds).map(|_| [1, 2].map(run).into()).collect();
    let [throughput, cpu, busiest, load] = [
        |flood: &Flood| flood.throughput,
        |flood: &Flood| flood.cpu,
        |flood: &Flood| flood.busiest,
        |flood: &Flood| flood.load,
    ]
    .map(|value| medians(&rounds, value));
    for (place, threads) in [1, 2].into_iter().enumerate() {
        println!(
            "{:<18} {:>9.0} deliveries/s: × {:.2}, while the load takes {:.0} % of a core; CPU {:.3} µs, of the busiest thread {:.3} µs: × {:.2} with a core for each",
            papo(threads).name(),
            throughput[place],
            throughput[place] / throughput[0],
            load[place] * 100.0,
            cpu[place],
            busiest[place],
            busiest[0] / busiest[place],
        );
    }
}
