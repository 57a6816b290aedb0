//! Somebody in the room by a program that is not papo's, and what it reads, whatever the dialect.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};

use serde_json::{Value, json};

use super::common::DEADLINE;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/websocket.py");

/// What a program that is in the room reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Read {
    Said {
        from: String,
        text: String,
    },
    Whispered {
        from: String,
        text: String,
    },
    /// Everything else, as it came.
    Other(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Text,
    Json,
}

/// A running program; killed when dropped.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    dialect: Dialect,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// What has been said by this one and not yet been confirmed: in JSON, its place among the others is where that comes.
    unconfirmed: Vec<String>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer {
    /// `nc`, in the clear.
    pub(crate) fn netcat(server: SocketAddr, name: &'static str) -> Peer {
        let mut nc = Command::new("nc");
        nc.args(["127.0.0.1", &server.port().to_string()]);
        Peer::join(nc, Dialect::Text, name)
    }

    /// `openssl s_client`: text in TLS.
    pub(crate) fn openssl(server: SocketAddr, name: &'static str) -> Peer {
        let mut openssl = Command::new("openssl");
        // it says there what it thinks of the certificate
        openssl.args(["s_client", "-quiet", "-connect", &server.to_string()]).stderr(Stdio::null());
        Peer::join(openssl, Dialect::Text, name)
    }

    /// `websockets`; the scheme is `ws` or `wss`.
    pub(crate) fn python(server: SocketAddr, scheme: &str, name: &'static str) -> Peer {
        let mut python = Command::new("python3");
        python.args([SCRIPT, &format!("{scheme}://{server}/ws")]);
        Peer::join(python, Dialect::Json, name)
    }

    fn join(mut command: Command, dialect: Dialect, name: &'static str) -> Peer {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                if tell.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut peer = Peer { name, dialect, child, input, lines, unconfirmed: Vec::new() };
        match dialect {
            Dialect::Text => {
                peer.write(name);
                // whoever was slow to start has been asked for the name
                let welcome =
                    std::iter::repeat_with(|| peer.line()).find(|line| !line.starts_with("Informe ")).unwrap();
                assert!(welcome.starts_with(&format!("Bem-vindo ao chat, {name}!")), "{welcome}");
            }
            Dialect::Json => {
                peer.write(&json!({ "type": "join", "name": name }).to_string());
                for expected in ["hello", "welcome"] {
                    let line = peer.line();
                    assert!(line.contains(&format!(r#""type":"{expected}""#)), "{line}");
                }
            }
        }
        peer
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    #[track_caller]
    fn line(&mut self) -> String {
        self.lines.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("{} reads nothing: {error}", self.name))
    }

    pub(crate) fn is_told_own_lines(&self) -> bool {
        self.dialect == Dialect::Json
    }

    pub(crate) fn say(&mut self, text: &str) {
        match self.dialect {
            Dialect::Text => self.write(text),
            Dialect::Json => {
                self.unconfirmed.push(text.to_owned());
                self.write(&json!({ "type": "say", "text": text, "id": text }).to_string());
            }
        }
    }

    pub(crate) fn whisper(&mut self, to: &str, text: &str) {
        match self.dialect {
            Dialect::Text => self.write(&format!("@{to} {text}")),
            Dialect::Json => self.write(&json!({ "type": "whisper", "to": to, "text": text }).to_string()),
        }
    }

    /// The next thing that is read.
    #[track_caller]
    pub(crate) fn read(&mut self) -> Read {
        loop {
            let line = self.line();
            match self.dialect {
                Dialect::Text => return read_text(line),
                Dialect::Json => {
                    if let Some(read) = self.read_json(line) {
                        return read;
                    }
                }
            }
        }
    }

    fn read_json(&mut self, line: String) -> Option<Read> {
        let object: Value = serde_json::from_str(&line).unwrap();
        let text = |field: &str| object[field].as_str().unwrap().to_owned();
        Some(match object["type"].as_str().unwrap() {
            "said" => Read::Said { from: text("from"), text: text("text") },
            "whispered" => Read::Whispered { from: text("from"), text: text("text") },
            // that of a whisper has no number
            "ack" if object["seq"].is_null() => return None,
            "ack" => {
                assert_eq!(self.unconfirmed.remove(0), text("id"));
                Read::Said { from: self.name.to_owned(), text: text("id") }
            }
            _ => Read::Other(line),
        })
    }

    /// Leaves, and returns what was read until the end.
    pub(crate) fn leave(mut self) -> Vec<Read> {
        match self.dialect {
            Dialect::Text => self.write("/sair"),
            Dialect::Json => self.write(r#"{"type":"leave"}"#),
        }
        // some of them wait for the end of their input, too
        self.input = None;
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(Read::Other(line)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("{} does not end", self.name),
            }
        }
        let status = super::common::program::wait(&mut self.child);
        assert!(status.success(), "{}: {status}", self.name);
        rest
    }
}

/// `Ana: oi`, `Ana (privado): oi`.
fn read_text(line: String) -> Read {
    let Some((head, text)) = line.split_once(": ") else { return Read::Other(line) };
    let text = text.to_owned();
    match head.strip_suffix(" (privado)") {
        Some(from) => Read::Whispered { from: from.to_owned(), text },
        None if head.contains(' ') => Read::Other(line),
        None => Read::Said { from: head.to_owned(), text },
    }
}
