//! Bytes to lines: of text, and of JSON.
//!
//! tokio-util's own `LinesCodec` ends the stream at the first line that is too long or not UTF-8. In a chat that is
//! an answer to one person, not the end of a connection: so here both are items, and only the socket can fail.

use std::io;

use bytes::{Bytes, BytesMut};
use memchr::memchr;
use tokio_util::codec::Decoder;

use super::telnet::Telnet;
use crate::chat::event::Reason;
use crate::dialect::sniff::{self, Protocol, Verdict};

/// The bytes that one read may bring at least. More than a line, so that a line is rarely read in parts.
pub const READ_SIZE: usize = 8 * 1024;

/// A long message arrives in segments of at least so many bytes (what every IPv4 host takes: RFC 9293 §3.7.1), but for the
/// last one. So a shorter read ends a message of an undelimited session; after a longer one, the rest may be on its way.
const MIN_SEGMENT: usize = 536;

/// What a peer sent, one line at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end (`\n` or `\r\n`).
    Text(String),
    /// A line over the limit. Said once, as soon as it is known; the rest of the line is skipped.
    TooLong,
    /// The line that was too long has not ended for `max_unended` bytes. It is skipped all the same.
    Unended,
    /// A line that is not UTF-8.
    NotUtf8,
    /// Not a line: telnet waits for [`TIMING_MARK_ANSWER`](super::telnet::TIMING_MARK_ANSWER), this many times.
    TimingMarks(usize),
    /// Not a line: what the peer speaks is no text. Said once; whatever follows is skipped.
    Foreign(Protocol),
    /// Not a line: each line that follows is an object of the [JSON dialect](crate::dialect::json).
    Json,
    /// Not a line: what the WebSocket protocol itself answers.
    Reply(Bytes),
    /// Not a line: the peer closes its WebSocket, for this reason. Nothing follows.
    Closed(Reason),
    /// Not a line: what came breaks the rules of WebSocket, or its limits. Nothing follows.
    Violation {
        /// Whether a message was too long to be skipped, or in too many parts.
        is_too_long: bool,
    },
}

/// What the first bytes have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hello {
    /// Nothing yet: nothing came but empty lines.
    Awaited,
    /// They may be the beginning of another protocol.
    Begun,
    /// This is text.
    Text,
    /// This is no text.
    Foreign,
}

/// How the lines of a session end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Nothing came yet.
    Unknown,
    /// The first read had two bytes or more and no line end. If silence follows, see [`TextCodec::silence`].
    Undecided,
    /// Every line ends with `\n` or `\r\n`.
    Delimited,
    /// No line ends: a message is what is sent at once, as the seed's client does it.
    Undelimited,
}

/// The decoder of the text dialect.
///
/// 1. A line is at most `max_line` bytes, its end included. Never much more than that is kept in memory.
/// 2. Nothing a peer sends is an error: [`Decoder::Error`] is only there for the socket's.
/// 3. At the end of the input an unfinished line counts as a line: `printf 'ana\noi' | nc` says `oi`.
/// 4. Where the cuts between reads fall does not matter, except to an undelimited session.
/// 5. A peer whose first line begins as another protocol does is [`Line::Foreign`] for good. One whose first line begins
///    with a brace speaks [JSON](Line::Json), and ends every line.
#[derive(Debug)]
pub struct TextCodec {
    max_line: usize,
    /// 0 = off.
    max_unended: u32,
    hello: Hello,
    framing: Framing,
    telnet: Telnet,
    /// Bytes at the head of the buffer that have been through `telnet`.
    filtered: usize,
    /// Bytes at the head of the buffer without a line end.
    scanned: usize,
    /// The bytes thrown away of a line that is too long, until it ends.
    skipped: u32,
    /// Whether the next line is the first one, which may begin with a byte order mark.
    first_line: bool,
    reads: u32,
    /// All bytes that came.
    bytes: u64,
    /// Whether the last read brought so much text that more of it may be on its way.
    was_last_read_long: bool,
}

impl TextCodec {
    /// A decoder for lines of at most `max_line` bytes, line end included, that says when a longer line does not end for
    /// `max_unended` bytes (0 = never).
    pub fn new(max_line: usize, max_unended: usize) -> TextCodec {
        TextCodec {
            max_line,
            max_unended: saturated(max_unended),
            hello: Hello::Awaited,
            framing: Framing::Unknown,
            telnet: Telnet::default(),
            filtered: 0,
            scanned: 0,
            skipped: 0,
            first_line: true,
            reads: 0,
            bytes: 0,
            was_last_read_long: false,
        }
    }

    /// How many reads brought text so far, from 0 again after 2³². A session that sees this stand still knows that its peer is
    /// silent.
    pub fn reads(&self) -> u32 {
        self.reads
    }

    /// How many bytes the peer has sent so far, of whatever kind.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the peer is a telnet program, as far as its commands have shown.
    pub fn is_telnet(&self) -> bool {
        self.telnet.is_spoken()
    }

    /// Whether each read is a message.
    pub fn is_undelimited(&self) -> bool {
        self.framing == Framing::Undelimited
    }

    /// Whether a message of an undelimited session has begun, and silence would end it.
    pub fn awaits_silence(&self) -> bool {
        self.framing == Framing::Undelimited && (self.filtered > 0 || self.skipped > 0)
    }

    /// Whether what came so far may be the beginning of another protocol; silence needs longer to mean something then.
    pub fn may_be_foreign(&self) -> bool {
        self.hello == Hello::Begun
    }

    /// The peer fell silent; `buffer` is what it sent and what is no whole line.
    ///
    /// If that was its first read, with two bytes or more, then this is a client that sends no line ends: what it
    /// sent is its first message. (A single byte does not decide: the telnet of Windows sends one a keystroke.) If it is
    /// known to be one, what it sent is a message. Otherwise nothing happens.
    ///
    /// If it was in the middle of what only another protocol begins with, it is [`Line::Foreign`].
    pub fn silence(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        match self.framing {
            Framing::Undecided => self.framing = Framing::Undelimited,
            Framing::Undelimited => {}
            Framing::Unknown | Framing::Delimited => return self.end_hello(buffer),
        }
        self.finish(buffer)
    }

    /// Looks at the first bytes, until they have shown what the peer speaks.
    fn sniff(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        // an empty line comes out first, whether or not more has come with it
        if matches!(buffer[..], [b'\n', ..] | [b'\r', b'\n', ..]) {
            return None;
        }
        match sniff::sniff(buffer) {
            Verdict::Foreign(protocol) => return Some(self.foreign(buffer, protocol)),
            Verdict::Text => self.hello = Hello::Text,
            Verdict::Json => {
                self.hello = Hello::Text;
                self.framing = Framing::Delimited;
                return Some(Line::Json);
            }
            Verdict::Undecided if sniff::may_have_begun(buffer) => self.hello = Hello::Begun,
            Verdict::Undecided => {}
        }
        None
    }

    /// No more of the first bytes will come.
    fn end_hello(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        if self.hello != Hello::Begun {
            return None;
        }
        Some(self.foreign(buffer, sniff::unfinished(buffer)?))
    }

    fn foreign(&mut self, buffer: &mut BytesMut, protocol: Protocol) -> Line {
        self.hello = Hello::Foreign;
        self.take(buffer, buffer.len());
        Line::Foreign(protocol)
    }

    fn decode_delimited(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        while let Some(end) = find_line_end(buffer, self.scanned) {
            let line = self.take(buffer, end + 1);
            if std::mem::take(&mut self.skipped) > 0 {
                continue;
            }
            return Some(self.checked(&line));
        }
        self.scanned = buffer.len();
        if buffer.len() < self.max_line {
            return None;
        }
        // no line end within the limit: whatever follows, this line is too long
        self.skip(buffer)
    }

    fn decode_undelimited(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        while let Some(end) = find_line_end(buffer, 0) {
            let line = self.take(buffer, end + 1);
            if std::mem::take(&mut self.skipped) == 0 {
                return Some(self.checked(&line));
            }
        }
        if !self.was_last_read_long {
            return self.finish(buffer);
        }
        // the rest may be on its way: published by itself, it would make a whisper public
        if buffer.len() <= self.max_line {
            return None;
        }
        self.skip(buffer)
    }

    /// What there is, is of a line that is too long, and not its end.
    fn skip(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        let skipped_before = self.skipped;
        self.skipped = self.skipped.saturating_add(saturated(buffer.len()));
        self.take(buffer, buffer.len());
        if skipped_before == 0 {
            return Some(Line::TooLong);
        }
        (self.max_unended > 0 && self.skipped >= self.max_unended).then_some(Line::Unended)
    }

    /// What there is, is a whole message, or the end of one.
    fn finish(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        if let Some(foreign) = self.end_hello(buffer) {
            return Some(foreign);
        }
        let was_skipping = std::mem::take(&mut self.skipped) > 0;
        if buffer.is_empty() {
            return None;
        }
        self.hello = Hello::Text;
        let message = self.take(buffer, buffer.len());
        (!was_skipping).then(|| self.checked(&message))
    }

    /// Takes the first `count` bytes out of the buffer.
    fn take(&mut self, buffer: &mut BytesMut, count: usize) -> BytesMut {
        self.filtered -= count;
        self.scanned = 0;
        buffer.split_to(count)
    }

    /// A line from its bytes, line end included if there is one.
    fn checked(&mut self, bytes: &[u8]) -> Line {
        if bytes.len() > self.max_line {
            return Line::TooLong;
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let first = std::mem::take(&mut self.first_line);
        let bytes = if first { bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes) } else { bytes };
        match std::str::from_utf8(bytes) {
            Ok(text) => Line::Text(text.to_owned()),
            Err(_) => Line::NotUtf8,
        }
    }

    /// A read has brought bytes behind the `filtered` ones.
    fn fresh_bytes(&mut self, buffer: &mut BytesMut) {
        self.bytes += (buffer.len() - self.filtered) as u64;
        self.telnet.filter(buffer, self.filtered);
        if buffer.len() == self.filtered {
            return;
        }
        self.was_last_read_long = buffer.len() - self.filtered >= MIN_SEGMENT;
        self.filtered = buffer.len();
        self.reads = self.reads.wrapping_add(1);
        self.framing = match self.framing {
            Framing::Unknown if buffer.len() >= 2 && !buffer.contains(&b'\n') => Framing::Undecided,
            Framing::Unknown | Framing::Undecided => Framing::Delimited,
            decided => decided,
        };
    }
}

/// A count in four bytes: there is a codec for everybody who is connected.
fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn find_line_end(buffer: &[u8], from: usize) -> Option<usize> {
    memchr(b'\n', &buffer[from..]).map(|at| from + at)
}

impl Decoder for TextCodec {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        if buffer.len() > self.filtered {
            self.fresh_bytes(buffer);
            let marks = self.telnet.take_timing_marks();
            if marks > 0 {
                return Ok(Some(Line::TimingMarks(marks)));
            }
        }
        match self.hello {
            Hello::Text => {}
            Hello::Awaited | Hello::Begun => {
                if let Some(no_text) = self.sniff(buffer) {
                    return Ok(Some(no_text));
                }
            }
            Hello::Foreign => {
                self.take(buffer, buffer.len());
                return Ok(None);
            }
        }
        Ok(match self.framing {
            Framing::Undelimited => self.decode_undelimited(buffer),
            _ => self.decode_delimited(buffer),
        })
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        if let Some(line) = self.decode(buffer)? {
            return Ok(Some(line));
        }
        Ok(self.finish(buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 16;

    /// Decodes as a framed reader does, each piece being one read; then the end of the input.
    fn decode(pieces: &[&[u8]]) -> Vec<Line> {
        let mut codec = TextCodec::new(MAX, 0);
        let mut buffer = BytesMut::new();
        let mut lines = Vec::new();
        for piece in pieces {
            read(&mut codec, &mut buffer, piece, &mut lines);
        }
        while let Some(line) = codec.decode_eof(&mut buffer).unwrap() {
            lines.push(line);
        }
        lines
    }

    fn read(codec: &mut TextCodec, buffer: &mut BytesMut, piece: &[u8], lines: &mut Vec<Line>) {
        buffer.extend_from_slice(piece);
        while let Some(line) = codec.decode(buffer).unwrap() {
            lines.push(line);
        }
        assert!(buffer.len() < MAX, "kept too much");
    }

    fn text(line: &str) -> Line {
        Line::Text(line.to_owned())
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        assert_eq!(decode(&[b"ana\noi\r\n\n\r\n"]), [text("ana"), text("oi"), text(""), text("")]);
    }

    #[test]
    fn a_lone_cr_stays_inside_its_line() {
        assert_eq!(decode(&[b"a\rb\n"]), [text("a\rb")]);
    }

    #[test]
    fn an_unfinished_line_counts_at_the_end_of_the_input() {
        assert_eq!(decode(&[b"ana\noi"]), [text("ana"), text("oi")]);
        assert_eq!(decode(&[b"ana\n", b"oi\r"]), [text("ana"), text("oi")]);
        assert_eq!(decode(&[]), []);
    }

    #[test]
    fn the_limit_includes_the_line_end() {
        let line = |bytes| "x".repeat(bytes);
        assert_eq!(decode(&[format!("{}\n", line(MAX - 1)).as_bytes()]), [text(&line(MAX - 1))]);
        assert_eq!(decode(&[format!("{}\r\n", line(MAX - 2)).as_bytes()]), [text(&line(MAX - 2))]);
        assert_eq!(decode(&[format!("{}\n", line(MAX)).as_bytes()]), [Line::TooLong]);
        assert_eq!(decode(&[format!("{}\r\n", line(MAX - 1)).as_bytes()]), [Line::TooLong]);
    }

    #[test]
    fn a_line_too_long_is_said_once_and_skipped_to_its_end() {
        let long = "x".repeat(10 * MAX);
        assert_eq!(decode(&[b"ana\n", long.as_bytes(), b"x\noi\n"]), [text("ana"), Line::TooLong, text("oi")]);
        assert_eq!(decode(&[b"ana\n", long.as_bytes(), long.as_bytes(), b"y"]), [text("ana"), Line::TooLong]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_said_and_the_next_line_is_fine() {
        assert_eq!(decode(&[b"ol\xe1\noi\n"]), [Line::NotUtf8, text("oi")]);
        assert_eq!(decode(&[b"\xff\xfe\noi\n"]), [Line::NotUtf8, text("oi")]);
        assert_eq!(decode(&[b"\xc3\n\xed\xa0\x80\n"]), [Line::NotUtf8, Line::NotUtf8]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_from_the_first_line_only() {
        assert_eq!(decode(&["\u{feff}ana\n\u{feff}oi\n".as_bytes()]), [text("ana"), text("\u{feff}oi")]);
    }

    #[test]
    fn telnet_commands_are_filtered_once() {
        assert_eq!(decode(&[b"\xff\xfb\x01ana\r\n\xff\xf1oi\r\n"]), [text("ana"), text("oi")]);
        // what stays of one command must not be read as the beginning of another
        assert_eq!(decode(&[b"a\n\xff\xff\xfd\x01b\n"]), [text("a"), Line::NotUtf8]);
    }

    #[test]
    fn another_protocol_is_said_once_and_nothing_follows() {
        let http = Line::Foreign(Protocol::Http { is_head: false });
        let request = b"POST / HTTP/1.1\r\nHost: x\r\n\r\nana\noi\n";
        let [whole, single] = [decode(&[request, b"ana\n"]), decode(&request.chunks(1).collect::<Vec<_>>())];
        assert!(whole == single && whole == vec![http.clone()]);
        assert_eq!(decode(&[b"\r\n", b"\nPOS", b"T "]), [text(""), text(""), http]);
        // only the first line is another protocol's hello
        assert_eq!(decode(&[b"\xff\n", b"POST /\n"]), [Line::NotUtf8, text("POST /")]);
        assert_eq!(decode(&[b"ana\n\n\0\n"]), [text("ana"), text(""), text("\0")]);
    }

    #[test]
    fn a_first_line_that_begins_with_a_brace_is_json_and_so_are_all_that_follow() {
        assert_eq!(decode(&[b"\r\n{}\nana\n{"]), [text(""), Line::Json, text("{}"), text("ana"), text("{")]);
        assert_eq!(decode(&[b"ana\n{}\n"]), [text("ana"), text("{}")]);
        // silence ends no line of it
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::new(), Vec::new());
        read(&mut codec, &mut buffer, b"{\"a\":", &mut lines);
        assert_eq!((codec.silence(&mut buffer), codec.may_be_foreign()), (None, false));
        read(&mut codec, &mut buffer, b"1}\n", &mut lines);
        assert_eq!(lines, [Line::Json, text("{\"a\":1}")]);
    }

    #[test]
    fn silence_or_the_end_in_the_middle_of_a_hello() {
        for (pieces, said) in [
            (&[b"\x16" as &[u8]] as &[&[u8]], Some(Line::Foreign(Protocol::Tls))),
            (&[b"SSH"], Some(Line::Foreign(Protocol::Ssh))),
            (&[b"S", b"SH"], Some(Line::Foreign(Protocol::Ssh))),
            (&[b"GET"], Some(text("GET"))),
            (&[b"G", b"ET"], None),
            (&[b"*"], None),
        ] {
            let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::new(), Vec::new());
            for piece in pieces {
                read(&mut codec, &mut buffer, piece, &mut lines);
            }
            assert!(lines.is_empty() && codec.may_be_foreign());
            assert_eq!(codec.silence(&mut buffer), said, "{pieces:?}");
        }
        assert_eq!(decode(&[b"SSH"]), [Line::Foreign(Protocol::Ssh)]);
        assert_eq!(decode(&[b"GET"]), [text("GET")]);
        assert_eq!(decode(&[b"SSH\n"]), [text("SSH")]);
    }

    #[test]
    fn without_line_ends_each_read_is_a_message_once_silence_has_said_so() {
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::new(), Vec::new());
        read(&mut codec, &mut buffer, b"ana", &mut lines);
        assert_eq!(lines, []);
        assert_eq!(codec.silence(&mut buffer), Some(text("ana")));
        assert_eq!(codec.silence(&mut buffer), None);
        read(&mut codec, &mut buffer, b"oi", &mut lines);
        read(&mut codec, &mut buffer, b"a\nb", &mut lines);
        read(&mut codec, &mut buffer, &[b'x'; MAX], &mut lines);
        read(&mut codec, &mut buffer, &[b'x'; MAX + 1], &mut lines);
        assert_eq!(lines, [text("oi"), text("a"), text("b"), text(&"x".repeat(MAX)), Line::TooLong]);
    }

    /// An undelimited session, what it reads in pieces and what comes of it; an empty piece is a silence.
    fn decode_undelimited(max_line: usize, pieces: &[usize]) -> Vec<Line> {
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(max_line, 0), BytesMut::new(), Vec::new());
        for piece in [3, 0].iter().chain(pieces) {
            assert!(*piece > 0 || lines.is_empty() || codec.awaits_silence(), "nothing would end with silence");
            match piece {
                0 => lines.extend(codec.silence(&mut buffer)),
                piece => buffer.extend(std::iter::repeat_n(b'x', *piece)),
            }
            while let Some(line) = codec.decode(&mut buffer).unwrap() {
                lines.push(line);
            }
            assert!(buffer.len() <= max_line, "kept too much");
        }
        assert_eq!(lines.remove(0), text("xxx"));
        lines
    }

    #[test]
    fn a_message_in_several_segments_is_one_message() {
        let message = |length: usize| text(&"x".repeat(length));
        // a short segment is the last one
        assert_eq!(decode_undelimited(4096, &[1448, 1448, 100, 5]), [message(2996), message(5)]);
        // silence says that a long one was
        assert_eq!(decode_undelimited(4096, &[1448, 0, 1448, 1448, 0, 5]), [message(1448), message(2896), message(5)]);
    }

    #[test]
    fn a_message_that_is_too_long_is_said_once_and_skipped_to_its_end() {
        let after = [Line::TooLong, text("xxxxx")];
        assert_eq!(decode_undelimited(4096, &[1448, 1448, 1448, 1448, 1448, 30, 5]), after);
        assert_eq!(decode_undelimited(4096, &[1448, 1448, 1448, 1448, 0, 5]), after);
        assert_eq!(decode_undelimited(4096, &[4097, 5]).len(), 1);
        assert_eq!(decode_undelimited(100, &[101, 5]), after);
    }

    #[test]
    fn a_line_without_end_is_said() {
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 4 * MAX), BytesMut::new(), Vec::new());
        read(&mut codec, &mut buffer, b"ana\n", &mut lines);
        for _ in 0..5 {
            read(&mut codec, &mut buffer, &[b'x'; MAX], &mut lines);
        }
        assert_eq!(lines, [text("ana"), Line::TooLong, Line::Unended, Line::Unended]);
        // the count begins anew with the next line
        lines.clear();
        for _ in 0..5 {
            read(&mut codec, &mut buffer, &[b'x'; MAX], &mut lines);
            read(&mut codec, &mut buffer, b"\noi\n", &mut lines);
        }
        assert_eq!(lines.iter().filter(|line| **line == text("oi")).count(), 5);
        assert!(!lines[2..].contains(&Line::Unended));
    }

    #[test]
    fn a_message_without_end_is_said() {
        let (mut codec, mut buffer) = (TextCodec::new(1000, 5000), BytesMut::from("ana"));
        assert_eq!(codec.decode(&mut buffer).unwrap(), None);
        assert_eq!(codec.silence(&mut buffer), Some(text("ana")));
        let lines: Vec<_> = (0..4)
            .map(|_| {
                buffer.extend_from_slice(&[b'x'; 1448]);
                codec.decode(&mut buffer).unwrap()
            })
            .collect();
        assert_eq!(lines, [Some(Line::TooLong), None, None, Some(Line::Unended)]);
        assert_eq!(codec.silence(&mut buffer), None);
        buffer.extend_from_slice(b"oi");
        assert_eq!(codec.decode(&mut buffer).unwrap(), Some(text("oi")));
    }

    #[test]
    fn silence_decides_nothing_after_one_byte_a_line_end_or_a_second_read() {
        for pieces in
            [&[b"a" as &[u8]] as &[&[u8]], &[b"a", b"na"], &[b"an", b"a"], &[b"ana\n"], &[b"ana\no", b"i"], &[]]
        {
            let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::new(), Vec::new());
            for piece in pieces {
                read(&mut codec, &mut buffer, piece, &mut lines);
            }
            assert_eq!(codec.silence(&mut buffer), None, "{pieces:?}");
        }
    }

    #[test]
    fn reads_count_text_only() {
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::new(), Vec::new());
        read(&mut codec, &mut buffer, b"\xff\xfd\x03", &mut lines);
        assert_eq!(codec.reads(), 0);
        read(&mut codec, &mut buffer, b"a\nb\nc", &mut lines);
        assert_eq!(codec.reads(), 1);
    }

    /// Bytes in which everything the codec looks for is frequent.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let hello = prop::sample::select(vec![
            "",
            "",
            "",
            "GET /",
            "SSH-2",
            "*1",
            "\r\nNICK ana",
            "\x16\x03",
            "\x16",
            "SSH",
            "{\"a\":",
        ]);
        let byte = prop_oneof![
            4 => Just(b'x'),
            2 => Just(b'\n'),
            1 => prop::sample::select(vec![b'\r', 0, 0xff, 0xfb, 0xfa, 0xf0, 0xc3, 0xa9]),
            1 => any::<u8>(),
        ];
        (hello, prop::collection::vec(byte, 0..110)).prop_map(|(hello, bytes)| [hello.as_bytes(), &bytes].concat())
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(bytes in bytes(), cuts in prop::collection::vec(0usize..120, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= bytes.len()).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let singles: Vec<&[u8]> = bytes.chunks(1).collect();
            let whole = decode_in_steps(&bytes);
            prop_assert_eq!(decode(&pieces.iter().flat_map(|piece| piece.chunks(MAX / 2)).collect::<Vec<_>>()), whole.clone());
            prop_assert_eq!(decode(&singles), whole);
        }

        #[test]
        fn lines_come_out_as_they_went_in(lines in prop::collection::vec("[^\r\n\0\u{feff}]{0,3}", 0..20), crlf in any::<bool>()) {
            let end = if crlf { "\r\n" } else { "\n" };
            // the first line decides that this is text
            let lines: Vec<&str> = std::iter::once("ana").chain(lines.iter().map(String::as_str)).collect();
            let bytes: String = lines.iter().flat_map(|line| [line, end]).collect();
            let expected: Vec<Line> = lines.iter().map(|line| text(line)).collect();
            prop_assert_eq!(decode_in_steps(bytes.as_bytes()), expected);
        }
    }

    /// As one read of everything, without the check that little is kept in between.
    fn decode_in_steps(bytes: &[u8]) -> Vec<Line> {
        let (mut codec, mut buffer, mut lines) = (TextCodec::new(MAX, 0), BytesMut::from(bytes), Vec::new());
        while let Some(line) = codec.decode(&mut buffer).unwrap() {
            lines.push(line);
        }
        while let Some(line) = codec.decode_eof(&mut buffer).unwrap() {
            lines.push(line);
        }
        lines
    }
}
