//! What a peer speaks, told from the first bytes it sent.
//!
//! Web pages can make a browser connect to any port, and what the browser sends has line ends like a chat: taken for
//! text, the body of a request would become a person's name and messages. So this is decided once, from the first
//! bytes, and for good. Nothing here waits, reads or answers: [`opening`](crate::opening) opens TLS and HTTP, the
//! [`codec`](super::text::codec) reads text and JSON, and [`foreign`](super::foreign) knows what to say to the others.

use std::fmt;

/// A protocol that is no dialect of the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A TLS record with a handshake message: RFC 8446 §5.1.
    Tls,
    /// An HTTP request: RFC 9112 §3.
    Http {
        /// Whether the response has no body, because the method is `HEAD`.
        is_head: bool,
    },
    /// HTTP/2 that asks nobody first: RFC 9113 §3.4.
    Http2,
    /// SSH: RFC 4253 §4.2.
    Ssh,
    /// Mail: RFC 5321 §4.1.1.1.
    Smtp,
    /// IRC: RFC 2812 §3.1 and the capability negotiation of IRCv3.
    Irc,
    /// A command to Redis, as its clients send it (RESP).
    Redis,
    /// What a load balancer puts before somebody's bytes: the PROXY protocol, version 1.
    Proxy,
    /// Some protocol whose first bytes no text has.
    Binary,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Tls => "TLS",
            Protocol::Http { .. } => "HTTP",
            Protocol::Http2 => "HTTP/2",
            Protocol::Ssh => "SSH",
            Protocol::Smtp => "SMTP",
            Protocol::Irc => "IRC",
            Protocol::Redis => "Redis",
            Protocol::Proxy => "PROXY",
            Protocol::Binary => "binary",
        })
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Lines that people type: nothing else begins like this, whatever follows.
    Text,
    /// Lines of JSON, whatever follows: no name begins with a brace.
    Json,
    /// This protocol, whatever follows.
    Foreign(Protocol),
    /// So far it may be either.
    Undecided,
}

const HTTP: Protocol = Protocol::Http { is_head: false };

/// How the other protocols begin. No entry begins another one, and none holds a line end or begins a line that is a
/// valid name: names have no space, no sign but `_`, and no control character.
const SIGNATURES: &[(&[u8], Protocol)] = &[
    (b"\x16\x03", Protocol::Tls),
    (b"CONNECT ", HTTP),
    (b"DELETE ", HTTP),
    (b"GET ", HTTP),
    (b"HEAD ", Protocol::Http { is_head: true }),
    (b"OPTIONS ", HTTP),
    (b"PATCH ", HTTP),
    (b"POST ", HTTP),
    (b"PUT ", HTTP),
    (b"TRACE ", HTTP),
    (b"PRI * HTTP/2.0", Protocol::Http2),
    (b"SSH-", Protocol::Ssh),
    (b"EHLO ", Protocol::Smtp),
    (b"ehlo ", Protocol::Smtp),
    (b"HELO ", Protocol::Smtp),
    (b"helo ", Protocol::Smtp),
    (b"LHLO ", Protocol::Smtp),
    // small letters are left to people: no client sends these so
    (b"CAP ", Protocol::Irc),
    (b"NICK ", Protocol::Irc),
    (b"PASS ", Protocol::Irc),
    (b"USER ", Protocol::Irc),
    (b"*1", Protocol::Redis),
    (b"*2", Protocol::Redis),
    (b"*3", Protocol::Redis),
    (b"*4", Protocol::Redis),
    (b"*5", Protocol::Redis),
    (b"*6", Protocol::Redis),
    (b"*7", Protocol::Redis),
    (b"*8", Protocol::Redis),
    (b"*9", Protocol::Redis),
    (b"PROXY ", Protocol::Proxy),
    // a length of four bytes (PostgreSQL, SMB, DNS over TCP), and the third line of the PROXY protocol, version 2
    (b"\0", Protocol::Binary),
    // remote desktop: TPKT, RFC 1006 §6
    (b"\x03\0", Protocol::Binary),
    // SOCKS 4, and SOCKS 5 with one, two or three ways to log in
    (b"\x04\x01", Protocol::Binary),
    (b"\x05\x01", Protocol::Binary),
    (b"\x05\x02", Protocol::Binary),
    (b"\x05\x03", Protocol::Binary),
];

/// Tells the protocol from all bytes that a peer has sent so far. Line ends before the first line do not count.
///
/// More bytes never change a verdict but [`Verdict::Undecided`], so it does not matter in which pieces they come.
pub fn sniff(bytes: &[u8]) -> Verdict {
    let bytes = without_empty_lines(bytes);
    if bytes.starts_with(b"{") {
        return Verdict::Json;
    }
    let mut verdict = Verdict::Text;
    for (signature, protocol) in SIGNATURES {
        if bytes.starts_with(signature) {
            return Verdict::Foreign(*protocol);
        }
        if signature.starts_with(bytes) {
            verdict = Verdict::Undecided;
        }
    }
    verdict
}

/// Whether some protocol but text may have begun.
pub fn may_have_begun(bytes: &[u8]) -> bool {
    !without_empty_lines(bytes).is_empty() && sniff(bytes) == Verdict::Undecided
}

/// What a peer speaks that is [`Verdict::Undecided`] and falls silent or ends its input. `None` if it may be a person: one
/// may be called `GET`, and the seed's client sends just that.
pub fn unfinished(bytes: &[u8]) -> Option<Protocol> {
    match without_empty_lines(bytes) {
        b"\x16" => Some(Protocol::Tls),
        b"SSH" => Some(Protocol::Ssh),
        _ => None,
    }
}

/// Whether a line, of somebody who has no name yet, is of an HTTP request: its first line, whatever the method, or the
/// `Host:` that none of them goes without.
pub fn http_line(line: &str) -> Option<Protocol> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let is_host = first.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("host:"));
    let is_method = first.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'));
    let is_version = |word: &str| word.strip_prefix("HTTP/").is_some_and(|rest| rest.starts_with(char::is_numeric));
    let is_request = is_method && words.next_back().is_some_and(is_version);
    (is_host || is_request).then_some(Protocol::Http { is_head: first == "HEAD" })
}

fn without_empty_lines(mut bytes: &[u8]) -> &[u8] {
    loop {
        match bytes {
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => bytes = rest,
            // the first half of a line end, so far
            [b'\r'] => return &[],
            _ => return bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::name::Name;
    use proptest::prelude::*;

    #[test]
    fn hellos_are_told() {
        for (bytes, protocol) in [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" as &[u8], Protocol::Tls),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", HTTP),
            (b"\r\n\n\r\nPOST /a b HTTP/1.1\r\n", HTTP),
            (b"HEAD / HTTP/1.0\r\n", Protocol::Http { is_head: true }),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::Http2),
            (b"SSH-2.0-OpenSSH_9.6\r\n", Protocol::Ssh),
            (b"EHLO example.org\r\n", Protocol::Smtp),
            (b"CAP LS 302\r\nNICK ana\r\n", Protocol::Irc),
            (b"*1\r\n$4\r\nPING\r\n", Protocol::Redis),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 9999\r\nAna\r\n", Protocol::Proxy),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Protocol::Binary),
            (b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", Protocol::Binary),
        ] {
            assert_eq!(sniff(bytes), Verdict::Foreign(protocol), "{bytes:?}");
        }
        for (bytes, protocol) in
            [(b"\x16" as &[u8], Some(Protocol::Tls)), (b"SSH", Some(Protocol::Ssh)), (b"GET", None)]
        {
            assert_eq!((sniff(bytes), unfinished(bytes)), (Verdict::Undecided, protocol));
        }
        for bytes in [b"" as &[u8], b"\r", b"\r\n\r\n", b"\n\r"] {
            assert_eq!((sniff(bytes), may_have_begun(bytes)), (Verdict::Undecided, false));
        }
        assert!(may_have_begun(b"\nPOS") && !may_have_begun(b"Ana"));
    }

    #[test]
    fn people_are_told_from_them() {
        for line in ["GET", "Ping", "Host", "SSH", "get / HTTP", "nick ana", "*", "**", "PROXY", "\x16a", "/help"] {
            assert_eq!(sniff(format!("{line}\n").as_bytes()), Verdict::Text, "{line}");
        }
    }

    #[test]
    fn a_brace_begins_json() {
        for bytes in [b"{" as &[u8], b"{}\n", b"\r\n\n{\"type\":\"ping\"}\n"] {
            assert_eq!(sniff(bytes), Verdict::Json, "{bytes:?}");
        }
        assert_eq!((sniff(b" {}"), sniff(b"\"{\"")), (Verdict::Text, Verdict::Text));
    }

    #[test]
    fn the_table_is_unambiguous() {
        for (i, (signature, _)) in SIGNATURES.iter().enumerate() {
            assert!(!signature.contains(&b'\n') && !signature.contains(&b'\r'));
            for (other, _) in &SIGNATURES[i + 1..] {
                assert!(!signature.starts_with(other) && !other.starts_with(signature), "{signature:?} {other:?}");
            }
        }
    }

    #[test]
    fn lines_of_http_are_told() {
        for line in [
            "GET / HTTP/1.1",
            "POST /a b?c HTTP/1.0 ",
            "CHICKEN / HTTP/1.1",
            "M-SEARCH * HTTP/1.1",
            "Host: 192.168.0.7:9999",
            "host:x",
            " HOST: x",
        ] {
            assert_eq!(http_line(line), Some(HTTP), "{line}");
        }
        assert_eq!(http_line("HEAD / HTTP/1.1"), Some(Protocol::Http { is_head: true }));
        for line in ["", "GET", "Host", "Hostel: x", "HTTP/1.1", "Ana HTTP/1.1", "GET HTTP", "GET / HTTP/x", "Só: x"] {
            assert_eq!(http_line(line), None, "{line}");
        }
    }

    /// Bytes that begin like something, or nearly so.
    fn first_bytes() -> impl Strategy<Value = Vec<u8>> {
        let signature = prop::sample::select(SIGNATURES).prop_map(|(signature, _)| signature.to_vec());
        let start = prop_oneof![3 => signature, 1 => prop::collection::vec(any::<u8>(), 0..4)];
        let rest = prop::collection::vec(prop_oneof![any::<u8>(), Just(b' '), Just(b'\n')], 0..6);
        ("[\r\n]{0,3}", start, 0usize..10, rest).prop_map(|(lines, mut start, length, rest)| {
            start.truncate(length);
            [lines.as_bytes(), &start, &rest].concat()
        })
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(bytes in first_bytes()) {
            let verdicts: Vec<Verdict> = (0..=bytes.len()).map(|end| sniff(&bytes[..end])).collect();
            let decided = verdicts.iter().skip_while(|verdict| **verdict == Verdict::Undecided);
            prop_assert!(decided.clone().all(|verdict| *verdict == sniff(&bytes)), "{:?}", verdicts);
        }

        #[test]
        fn no_name_on_a_line_is_foreign(
            name in "[\\p{L}\\p{Nd}_]{1,33}|[A-Z]{1,8}|CONNECT|DELETE|GET|HEAD|OPTIONS|POST|PRI|SSH|EHLO|helo|NICK|PROXY",
            end in "\r?\n",
        ) {
            prop_assume!(Name::parse(&name).is_ok());
            prop_assert_eq!(sniff(format!("{name}{end}").as_bytes()), Verdict::Text);
            prop_assert_eq!(http_line(&name), None);
        }
    }
}
