//! The servers that are measured, and how one speaks to each: how a connection comes in, how a line is sent, and what a
//! reader gets of it. Every line has the same length, so whatever a reader gets has, too.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::Process;

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Floor,
    CoalescingFloor,
    Papo {
        threads: usize,
        /// So many browsers are in the room, too.
        browsers: usize,
    },
    /// papo, which keeps a journal.
    Journaled,
    /// papo, to which all speak WebSocket.
    Sockets,
    Redis,
    Ngircd,
    Nats,
}

impl Server {
    pub fn name(self) -> String {
        match self {
            Server::Floor => "floor".to_owned(),
            Server::CoalescingFloor => "coalescing floor".to_owned(),
            Server::Papo { threads: 1, browsers: 0 } => "papo".to_owned(),
            Server::Papo { threads: 1, browsers } => format!("papo + {browsers} ws"),
            Server::Papo { threads, .. } => format!("papo --threads {threads}"),
            Server::Journaled => "papo + journal".to_owned(),
            Server::Sockets => "papo, by WebSocket".to_owned(),
            Server::Redis => "redis".to_owned(),
            Server::Ngircd => "ngircd".to_owned(),
            Server::Nats => "nats".to_owned(),
        }
    }

    /// How many readers there are that nobody looks at: browsers, to which everything is told, too.
    pub fn browsers(self) -> usize {
        match self {
            Server::Papo { browsers, .. } => browsers,
            _ => 0,
        }
    }

    /// Whether it can be started here.
    pub fn is_installed(self) -> bool {
        let program = match self {
            Server::Redis => "redis-server",
            Server::Ngircd => "ngircd",
            Server::Nats => "nats-server",
            _ => return true,
        };
        Command::new(program).arg("--version").output().is_ok()
    }

    pub fn start(self, server_cores: &[usize], own_cores: &[usize]) -> Process {
        let floor = |name| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--serve-floor", name]);
            Process::start(&mut command, server_cores, own_cores)
        };
        let mute = |program: &str, port: u16, arguments: &[&str]| {
            Process::start_mute(Command::new(program).args(arguments), port, server_cores, own_cores)
        };
        match self {
            Server::Floor => floor("plain"),
            Server::CoalescingFloor => floor("coalescing"),
            Server::Papo { .. } | Server::Journaled | Server::Sockets => {
                let threads = if let Server::Papo { threads, .. } = self { threads } else { 1 };
                let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
                command.args(["--listen", "127.0.0.1:0", "--lang", "en", "--threads", &threads.to_string()]);
                // the load sends faster than people may
                command.args(["--rate", "0", "--rate-bytes", "0"]);
                // the load comes from one address
                command.args([
                    "--max-per-address",
                    "0",
                    "--max-new-per-address",
                    "0",
                    "--max-unnamed-per-address",
                    "0",
                ]);
                command.args(["--max-unnamed", "0"]);
                command.env("RUST_LOG", "off");
                let data = concat!(env!("CARGO_TARGET_TMPDIR"), "/data");
                if self == Server::Journaled {
                    // an empty one for each
                    let data = format!("{data}/journal");
                    let _ = fs::remove_dir_all(&data);
                    command.args(["--data", &data]);
                } else {
                    command.args(["--no-journal", "--data", data]);
                }
                Process::start(&mut command, server_cores, own_cores)
            }
            Server::Redis => {
                let port = free_port();
                let port_text = port.to_string();
                let options = ["--port", &port_text, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
                mute("redis-server", port, &options)
            }
            Server::Nats => {
                let port = free_port();
                mute("nats-server", port, &["-a", "127.0.0.1", "-p", &port.to_string()])
            }
            Server::Ngircd => {
                let port = free_port();
                let config = temporary_file(
                    "ngircd",
                    &format!(
                        "[Global]\nName = bench.local\nListen = 127.0.0.1\nPorts = {port}\nMotdPhrase = hi\n\
                     [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\nPingTimeout = 600\n\
                     [Options]\nDNS = no\nIdent = no\nPAM = no\n"
                    ),
                );
                mute("ngircd", port, &["-n", "-f", &config.to_string_lossy()])
            }
        }
    }

    /// What a connection sends first. Readers and senders have numbers of their own.
    pub fn hello(self, is_sender: bool, number: usize) -> Vec<u8> {
        let name = nick(is_sender, number);
        match self {
            Server::Floor | Server::CoalescingFloor => String::new(),
            Server::Papo { .. } | Server::Journaled => format!("{name}\n"),
            Server::Sockets => return socket_hello(&name),
            Server::Redis if is_sender => "*1\r\n$4\r\nPING\r\n".to_owned(),
            Server::Redis => "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nroom\r\n".to_owned(),
            Server::Nats => {
                let subscribe = if is_sender { "" } else { "SUB room 1\r\n" };
                format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\n{subscribe}")
            }
            Server::Ngircd => format!("NICK {name}\r\nUSER {name} 0 * :x\r\nJOIN #room\r\n"),
        }
        .into_bytes()
    }

    /// What a connection reads when it is in; it comes once.
    pub fn welcome(self, is_sender: bool) -> &'static [u8] {
        match self {
            Server::Floor | Server::CoalescingFloor => b"",
            Server::Papo { .. } | Server::Journaled => b"Type /help for the commands.\n",
            Server::Sockets => SOCKET_WELCOME,
            Server::Redis if is_sender => b"+PONG\r\n",
            Server::Redis => b"subscribe\r\n$4\r\nroom\r\n:1\r\n",
            // it measures each new connection once, and its PING would stand among the lines
            Server::Nats => b"PING\r\n",
            Server::Ngircd => b":End of NAMES list\r\n",
        }
    }

    /// What a sender writes to say `text`.
    pub fn line(self, sender: usize, text: &str) -> Vec<u8> {
        match self {
            Server::Floor | Server::CoalescingFloor => return self.delivered(sender, text),
            Server::Papo { .. } | Server::Journaled => format!("{text}\n"),
            Server::Sockets => return socket_message(&format!(r#"{{"type":"say","text":"{text}"}}"#)),
            Server::Redis => format!("*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n${}\r\n{text}\r\n", text.len()),
            Server::Nats => format!("PUB room {}\r\n{text}\r\n", text.len()),
            Server::Ngircd => format!("PRIVMSG #room :{text}\r\n"),
        }
        .into_bytes()
    }

    /// What a reader gets when a sender says `text`: all of it, but of a WebSocket the end, since its numbers grow. The floors
    /// hand on what papo would.
    pub fn delivered(self, sender: usize, text: &str) -> Vec<u8> {
        let name = nick(true, sender);
        match self {
            Server::Floor | Server::CoalescingFloor | Server::Papo { .. } | Server::Journaled => {
                format!("{name}: {text}\n")
            }
            Server::Sockets => format!(r#""text":"{text}"}}"#),
            Server::Redis => {
                format!("*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n${}\r\n{text}\r\n", text.len())
            }
            Server::Nats => format!("MSG room 1 {}\r\n{text}\r\n", text.len()),
            Server::Ngircd => format!(":{name}!~{name}@127.0.0.1 PRIVMSG #room :{text}\r\n"),
        }
        .into_bytes()
    }

    /// Whether those who send are handed what the others send.
    pub fn tells_senders(self) -> bool {
        !matches!(self, Server::Redis | Server::Nats)
    }

    /// What a sender writes to whisper `text` to another sender, and what that one reads; `None` if it cannot be done.
    pub fn whisper(self, from: usize, to: usize, text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let (from, to) = (nick(true, from), nick(true, to));
        let (line, delivered) = match self {
            Server::Papo { .. } | Server::Journaled => {
                (format!("@{to} {text}\n"), format!("{from} (private): {text}\n"))
            }
            Server::Ngircd => {
                (format!("PRIVMSG {to} :{text}\r\n"), format!(":{from}!~{from}@127.0.0.1 PRIVMSG {to} :{text}\r\n"))
            }
            _ => return None,
        };
        Some((line.into_bytes(), delivered.into_bytes()))
    }
}

/// What a browser reads when it is in.
pub const SOCKET_WELCOME: &[u8] = br#""type":"welcome""#;

/// What a browser sends first: the request for the WebSocket and, without waiting for the answer, who it is.
pub fn socket_hello(name: &str) -> Vec<u8> {
    let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let join = socket_message(&format!(r#"{{"type":"join","name":"{name}"}}"#));
    [request.as_bytes(), &join].concat()
}

/// A short text message of a client, behind a mask that changes nothing.
fn socket_message(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126).expect("a short message");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

fn nick(is_sender: bool, number: usize) -> String {
    format!("{}{number:05}", if is_sender { 's' } else { 'r' })
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a listener").port()
}

fn temporary_file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("papo-load-{name}-{}", std::process::id()));
    fs::write(&path, content).expect("a temporary file");
    path
}
