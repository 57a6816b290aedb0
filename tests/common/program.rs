//! The programs, as processes of their own.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;

use super::{Client, DEADLINE, wait_until};

/// A data directory for all programs of the tests together, in place of that of whoever runs the tests.
pub const DATA: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/data");

/// The server, with nothing of the environment of the test.
pub fn papo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    // what a test says comes once
    command
        .args(arguments)
        .env("PAPO_HISTORY", "0")
        .env("PAPO_NO_JOURNAL", "1")
        .env_remove("RUST_LOG")
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL");
    command.env("PAPO_DATA", DATA);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The example client. Cargo puts the examples beside the directory of a test.
pub fn example_client() -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("examples/client{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: `cargo test` builds it", path.display());
    let mut command = Command::new(path);
    command
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .env_remove("PAPO_LANG")
        .env_remove("PAPO_PASSWORD")
        .env("PAPO_DATA", DATA);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub fn run(mut command: Command) -> Output {
    let child = command.spawn().unwrap();
    let (tell, told) = mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    told.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("process {id} does not end")).unwrap()
}

/// Sends a signal to a process, as `kill` names it.
#[cfg(unix)]
pub fn signal(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Waits until a process has ended.
pub fn wait(child: &mut Child) -> ExitStatus {
    let child = RefCell::new(child);
    wait_until("the program ends", || child.borrow_mut().try_wait().unwrap().is_some());
    child.into_inner().wait().unwrap()
}

/// A running server; killed when dropped.
pub struct Program {
    pub child: Child,
    pub address: SocketAddr,
    /// Open, or what it prints would have nowhere to go.
    pub stdout: Option<BufReader<ChildStdout>>,
}

impl Program {
    /// Starts it on a free port of the loopback.
    pub fn start(arguments: &[&str]) -> Program {
        Program::spawn(papo(&[&["--listen", "127.0.0.1:0"], arguments].concat()))
    }

    /// Starts it, and reads where it listens.
    pub fn spawn(mut command: Command) -> Program {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended without saying where it listens");
            if let Some(port) = line.strip_prefix("nc 127.0.0.1 ") {
                break port.trim().parse().unwrap();
            }
        };
        Program { child, address: ([127, 0, 0, 1], port).into(), stdout: Some(stdout) }
    }

    /// Starts one that must listen there, whatever it says of it.
    pub fn spawn_at(mut command: Command, address: SocketAddr) -> Program {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let program = Program { child, address, stdout };
        wait_until("it listens", || std::net::TcpStream::connect(address).is_ok());
        program
    }

    /// What it prints next, up to and with the line that has this in it.
    pub fn lines_until(&mut self, end: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.last().is_some_and(|line| line.contains(end)) {
            let mut line = String::new();
            assert_ne!(self.stdout.as_mut().unwrap().read_line(&mut line).unwrap(), 0, "{lines:?}");
            lines.push(line.trim_end().to_owned());
        }
        lines
    }

    /// A client in the room, its welcome read.
    pub fn join(&self, name: &str) -> Client {
        Client::join(self.address, name)
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub fn exit_code(mut self) -> i32 {
        wait(&mut self.child).code().unwrap()
    }

    /// What it wrote to stderr, once it has ended.
    #[cfg(unix)]
    pub fn log(mut self) -> String {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        self.signal("TERM");
        stderr.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
