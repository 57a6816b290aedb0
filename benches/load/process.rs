//! A server as a process of its own: where it runs, what it costs.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server process; killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

/// Pins this thread, and the processes it starts from now on, to these cores.
#[cfg(target_os = "linux")]
pub fn pin(cores: &[usize]) {
    use rustix::thread::{CpuSet, sched_setaffinity};

    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("cannot pin to cores {cores:?}: {error}");
    }
}

/// Elsewhere there is no measuring either.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: &[usize]) {}

impl Process {
    /// Starts a server that prints a line ending with its address and port, on these cores.
    pub fn start(command: &mut Command, server_cores: &[usize], own_cores: &[usize]) -> Process {
        pin(server_cores);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        pin(own_cores);
        let mut child = child.expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let address = lines.find_map(|line| address_in(&line.expect("the server prints its address")));
        Process { child, address: address.expect("the server prints its address") }
    }

    /// Starts a server that says nothing, and waits until it listens there.
    pub fn start_mute(command: &mut Command, port: u16, server_cores: &[usize], own_cores: &[usize]) -> Process {
        pin(server_cores);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        pin(own_cores);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let process = Process { child: child.expect("the server starts"), address };
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        self.cpu_of_threads().into_values().sum()
    }

    /// The CPU time of each thread so far.
    pub fn cpu_of_threads(&self) -> HashMap<OsString, Duration> {
        cpu_of_threads(&self.child.id().to_string())
    }

    /// Its resident memory in bytes.
    pub fn rss(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process of ours");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }
}

/// The CPU time of this process so far.
#[allow(dead_code, reason = "each benchmark uses its own part of it")]
pub fn own_cpu() -> Duration {
    cpu_of_threads("self").into_values().sum()
}

fn cpu_of_threads(process: &str) -> HashMap<OsString, Duration> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("a process of ours");
    let of_thread = tasks.map(|task| {
        let task = task.expect("a thread");
        let schedstat = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        let nanoseconds = schedstat.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0);
        (task.file_name(), Duration::from_nanos(nanoseconds))
    });
    of_thread.collect()
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (before, port) = line.rsplit_once(' ')?;
    let ip = before.rsplit(' ').next()?;
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may be gone already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
