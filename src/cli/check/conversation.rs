//! What is said to a server that is checked, and what its answer means. This knows no sockets, and reads no more than it must.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::probe::Said;
use crate::chat::language::Language;
use crate::chat::text;

/// What a papo answers without anybody having joined.
const PING: &[u8] = b"{\"type\":\"ping\",\"id\":\"check\"}\n";

/// The most bytes that are read: what a papo says is far shorter.
const MAX_READ: usize = 16 * 1024; // 16 KiB

/// How a conversation went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// With a papo.
    Papo {
        version: Said,
        /// From the question to the answer, if that came.
        round_trip: Option<Duration>,
    },
    /// With a papo that says nothing more without TLS.
    RequiresTls,
    /// With a papo that lets nobody in.
    Refusal(Said),
    /// With something else: what it looks like, if that is known.
    Foreign(Option<&'static str>),
    /// Nothing was said.
    Silence,
    /// Nothing was said before the end.
    End,
}

/// Asks, and listens until it is clear who answers. The stream is one that fails when its time is over.
pub(super) fn ask(mut stream: impl Read + Write) -> Talk {
    let asked = Instant::now();
    // whoever speaks first and closes may have said something
    let _ = stream.write_all(PING).and_then(|()| stream.flush());
    let mut heard = Heard::default();
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return heard.so_far(Talk::End),
            Ok(read) => {
                if let Some(talk) = heard.take(&bytes[..read], asked) {
                    return talk;
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return heard.so_far(Talk::Silence),
                _ => return heard.so_far(Talk::End),
            },
        }
    }
}

/// What a server has said so far.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    /// Bytes of complete lines that have been looked at.
    read: usize,
    /// Of a papo that has introduced itself.
    version: Option<Said>,
}

impl Heard {
    /// More bytes; and what they mean, once that is clear.
    fn take(&mut self, bytes: &[u8], asked: Instant) -> Option<Talk> {
        self.bytes.extend_from_slice(bytes);
        while let Some(end) = self.bytes[self.read..].iter().position(|byte| *byte == b'\n') {
            let line = self.bytes[self.read..self.read + end].to_vec();
            self.read += end + 1;
            if let Some(talk) = self.understand(&line, asked) {
                return Some(talk);
            }
        }
        (self.bytes.len() >= MAX_READ).then(|| self.so_far(Talk::Silence))
    }

    /// What it was, if nothing more comes. `nothing` is what it was if nothing came at all.
    fn so_far(&self, nothing: Talk) -> Talk {
        match &self.version {
            Some(version) => Talk::Papo { version: version.clone(), round_trip: None },
            None if self.bytes.is_empty() => nothing,
            None => Talk::Foreign(protocol_of(&self.bytes)),
        }
    }

    fn understand(&mut self, line: &[u8], asked: Instant) -> Option<Talk> {
        let Ok(object) = serde_json::from_slice::<Value>(line) else {
            return Some(match refusal(line) {
                Some(sentence) => Talk::Refusal(sentence),
                None => self.so_far(Talk::Foreign(None)),
            });
        };
        let field = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
        match (field("type"), &self.version) {
            ("hello", _) if field("server") == "papo" => {
                self.version = Some(Said::new(field("version")));
                None
            }
            ("error", _) if field("code") == "tls_required" => Some(Talk::RequiresTls),
            ("error", _) if matches!(field("code"), "server_full" | "too_many_connections") => {
                Some(Talk::Refusal(Said::new(field("message"))))
            }
            ("pong", Some(version)) => Some(Talk::Papo { version: version.clone(), round_trip: Some(asked.elapsed()) }),
            // whatever else a papo may say
            (_, Some(_)) => None,
            (_, None) => Some(Talk::Foreign(None)),
        }
    }
}

/// The sentence with which a papo turns a connection away before it has read anything.
fn refusal(line: &[u8]) -> Option<Said> {
    let line = str::from_utf8(line).ok()?.trim_end();
    let mut sentences = Language::ALL.into_iter().flat_map(|language| {
        [text::server_full(language), text::too_many_of_address(language), text::too_many_new_of_address(language)]
    });
    sentences.any(|sentence| sentence == line).then(|| Said::new(line))
}

/// What a TLS server looks like.
pub(super) const TLS: &str = "TLS";

/// How servers of other protocols begin, or answer to what they do not understand.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"HTTP/", "HTTP"),
    (b"SSH-", "SSH"),
    // an alert, or a handshake
    (b"\x15\x03", TLS),
    (b"\x16\x03", TLS),
    (b"220", "FTP/SMTP"),
    (b"+OK", "POP3"),
    (b"* OK", "IMAP"),
    (b"-ERR", "Redis"),
    (b"INFO {", "NATS"),
    (b"RFB ", "VNC"),
    (b":", "IRC"),
    (b"NOTICE ", "IRC"),
    (b"ERROR :", "IRC"),
    // it negotiates: RFC 854
    (b"\xff\xfb", "telnet"),
    (b"\xff\xfd", "telnet"),
];

fn protocol_of(bytes: &[u8]) -> Option<&'static str> {
    BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|(_, protocol)| *protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HELLO: &str = r#"{"type":"hello","server":"papo","version":"0.1.0","protocol":"papo.v1.json"}"#;
    const PONG: &str = r#"{"type":"pong","id":"check","message":"Pong!"}"#;

    /// Says this in pieces of so many bytes, then nothing more.
    struct Server<'a> {
        says: &'a [u8],
        at_once: usize,
        then: io::ErrorKind,
    }

    impl Read for Server<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.says.is_empty() {
                return if self.then == io::ErrorKind::UnexpectedEof { Ok(0) } else { Err(self.then.into()) };
            }
            let length = self.says.len().min(self.at_once).min(buffer.len());
            self.says.read(&mut buffer[..length])
        }
    }

    impl Write for Server<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn talk(says: &[u8], then: io::ErrorKind) -> Talk {
        ask(Server { says, at_once: 7, then })
    }

    #[test]
    fn a_papo_says_hello_and_answers() {
        let says = format!("{HELLO}\n{PONG}\n");
        let Talk::Papo { version, round_trip: Some(_) } = talk(says.as_bytes(), io::ErrorKind::TimedOut) else {
            panic!("no papo");
        };
        assert_eq!(version, Said::new("0.1.0"));
        // other words in between, or no answer
        let says = format!("{HELLO}\n{{\"type\":\"info\"}}\n{PONG}\n");
        assert!(matches!(talk(says.as_bytes(), io::ErrorKind::TimedOut), Talk::Papo { round_trip: Some(_), .. }));
        assert!(matches!(talk(&says.as_bytes()[..100], io::ErrorKind::TimedOut), Talk::Papo { round_trip: None, .. }));
    }

    #[test]
    fn what_a_papo_may_say_instead() {
        let error = |code: &str| format!("{{\"type\":\"error\",\"code\":\"{code}\",\"message\":\"\\u001b[2J\"}}\n");
        for before in ["", HELLO] {
            let says = format!("{before}\n{}", error("tls_required"));
            assert_eq!(talk(says.trim_start().as_bytes(), io::ErrorKind::UnexpectedEof), Talk::RequiresTls);
        }
        assert_eq!(
            talk(error("server_full").as_bytes(), io::ErrorKind::UnexpectedEof),
            Talk::Refusal(Said::new("␛[2J"))
        );
        for language in Language::ALL {
            let sentence = text::server_full(language);
            let says = format!("{sentence}\r\n");
            assert_eq!(talk(says.as_bytes(), io::ErrorKind::UnexpectedEof), Talk::Refusal(Said::new(&sentence)));
        }
    }

    #[test]
    fn others_are_known_by_how_they_begin() {
        for (says, protocol) in [
            ("HTTP/1.1 400 Bad Request\r\n\r\n", Some("HTTP")),
            ("SSH-2.0-OpenSSH_9.2\r\n", Some("SSH")),
            ("220 mail.example ESMTP\r\n", Some("FTP/SMTP")),
            ("\x15\x03\x01\0\x02\x02\x0a", Some("TLS")),
            (":irc.example NOTICE * :hi\r\n", Some("IRC")),
            ("Welcome\n", None),
            ("[]\n", None),
            ("{\"type\":\"hello\",\"server\":\"other\"}\n", None),
            ("{\"type\":\"pong\",\"id\":\"check\"}\n", None),
            ("\0\0\0", None),
        ] {
            for then in [io::ErrorKind::TimedOut, io::ErrorKind::UnexpectedEof] {
                assert_eq!(talk(says.as_bytes(), then), Talk::Foreign(protocol), "{says:?}");
            }
        }
        assert_eq!(talk(b"", io::ErrorKind::TimedOut), Talk::Silence);
        for then in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            assert_eq!(talk(b"", then), Talk::End);
        }
    }

    #[test]
    fn no_more_is_read_than_a_papo_says() {
        let endless = vec![b'x'; 10 * MAX_READ];
        let mut server = Server { says: &endless, at_once: 1024, then: io::ErrorKind::TimedOut };
        assert_eq!(ask(&mut server), Talk::Foreign(None));
        assert_eq!(server.says.len(), 9 * MAX_READ);
        let chatter = format!("{HELLO}\n{}", "{}\n".repeat(MAX_READ));
        assert!(matches!(talk(chatter.as_bytes(), io::ErrorKind::TimedOut), Talk::Papo { round_trip: None, .. }));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_no_cut_matters(says in prop::collection::vec(any::<u8>(), 0..200), at_once in 1..50_usize) {
            let then = io::ErrorKind::TimedOut;
            let whole = ask(Server { says: &says, at_once: says.len().max(1), then });
            prop_assert_eq!(ask(Server { says: &says, at_once, then }), whole);
        }
    }
}
