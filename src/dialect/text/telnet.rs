//! Telnet commands (RFC 854) between the text, skipped: a telnet program may negotiate options before and while its
//! person types, and papo takes part in none. One is noticed: after Ctrl-C, telnet programs throw away all they receive
//! until the server has answered `DO TIMING-MARK` (RFC 860), so a person would be blind from there on. And it is remembered
//! whether there was any negotiation at all: whoever has a telnet program can be asked for a password that does not show.
//!
//! Every telnet command begins with the byte 255 (`IAC`), which never occurs in UTF-8. So the filter is always on and
//! takes nothing from anybody else's text.

use bytes::BytesMut;
use memchr::memchr2;

/// "Interpret as command".
const IAC: u8 = 255;
/// Begins a subnegotiation.
const SB: u8 = 250;
/// Ends a subnegotiation.
const SE: u8 = 240;
/// `WILL`, `WONT`, `DO`, `DONT`: one option byte follows.
const NEGOTIATION: std::ops::RangeInclusive<u8> = 251..=254;
/// The lowest command byte in use: end of file, RFC 1184.
const EOF: u8 = 236;
/// Offers to begin something.
const WILL: u8 = 251;
/// Asks the other side to begin something.
const DO: u8 = 253;
/// Ends something, or refuses what `DO` asked for.
const WONT: u8 = 252;
/// Who shows what a person types.
const ECHO: u8 = 1;
/// "Tell me when you have come to this point."
const TIMING_MARK: u8 = 6;

/// The answer to each [`Telnet::take_timing_marks`]: papo has no such option, which is an answer all the same.
pub const TIMING_MARK_ANSWER: [u8; 3] = [IAC, WONT, TIMING_MARK];

/// "I will show what your person types" (RFC 857): from there on a telnet program does not, and papo does not either, so that
/// nobody reads a password over a shoulder. Only for who [speaks telnet](Telnet::is_spoken); others would see three odd bytes.
pub const WILL_ECHO: [u8; 3] = [IAC, WILL, ECHO];

/// "I do not show what your person types": the end of [`WILL_ECHO`].
pub const WONT_ECHO: [u8; 3] = [IAC, WONT, ECHO];

/// Bytes of a subnegotiation that are skipped; a longer one is no telnet.
const MAX_SUBNEGOTIATION: u16 = 1024;

/// Takes telnet commands out of a stream of bytes, however it is cut.
///
/// What begins with `IAC` and is no telnet command stays, and fails as UTF-8 later: bytes that a person sent by
/// mistake (another encoding, a file) get an answer instead of vanishing.
#[derive(Debug, Default)]
pub struct Telnet {
    state: State,
    /// Timing marks that were asked for and not taken yet: no more than one for three bytes of a read.
    timing_marks: usize,
    is_spoken: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Text,
    /// After a CR: `CR NUL` is the Enter key of telnet's character mode (RFC 854, "carriage return").
    Return,
    Command,
    /// After `WILL`, `WONT`, `DO` or `DONT`.
    Option {
        verb: u8,
    },
    Subnegotiation {
        left: u16,
    },
    SubnegotiationCommand {
        left: u16,
    },
}

impl Telnet {
    /// How many timing marks were asked for since the last call.
    pub fn take_timing_marks(&mut self) -> usize {
        std::mem::take(&mut self.timing_marks)
    }

    /// Whether a telnet program is on the other side: it has negotiated something. One that waits until the server does, as
    /// many do on any port but telnet's own, has not.
    pub fn is_spoken(&self) -> bool {
        self.is_spoken
    }

    /// Filters the bytes of `buffer` from `start` on; what is before was filtered already.
    pub fn filter(&mut self, buffer: &mut BytesMut, start: usize) {
        let fresh = &buffer[start..];
        if matches!(self.state, State::Text | State::Return) && memchr2(IAC, 0, fresh).is_none() {
            if let Some(last) = fresh.last() {
                self.state = if *last == b'\r' { State::Return } else { State::Text };
            }
            return;
        }
        let kept: Vec<u8> = fresh.iter().flat_map(|byte| self.step(*byte)).flatten().collect();
        buffer.truncate(start);
        buffer.extend_from_slice(&kept);
    }

    /// Reads one byte and returns what is to be kept.
    fn step(&mut self, byte: u8) -> [Option<u8>; 2] {
        const NOTHING: [Option<u8>; 2] = [None, None];
        let (state, kept) = match (self.state, byte) {
            (State::Text | State::Return, IAC) => (State::Command, NOTHING),
            (State::Text | State::Return, b'\r') => (State::Return, [Some(b'\r'), None]),
            (State::Return, 0) => (State::Text, [Some(b'\n'), None]),
            (State::Text | State::Return, byte) => (State::Text, [Some(byte), None]),

            (State::Command, SB) => (State::Subnegotiation { left: MAX_SUBNEGOTIATION }, NOTHING),
            (State::Command, verb) if NEGOTIATION.contains(&verb) => (State::Option { verb }, NOTHING),
            // a doubled IAC is the byte 255 itself: text, though no UTF-8
            (State::Command, IAC) => (State::Text, [Some(IAC), None]),
            (State::Command, EOF..) => (State::Text, NOTHING),
            (State::Command, byte) => (State::Text, [Some(IAC), Some(byte)]),

            // a line end or a command byte is no option: this was no telnet, and its line must not lose its end
            (State::Option { .. }, b'\r' | b'\n' | EOF..) => (State::Text, [Some(IAC), Some(byte)]),
            (State::Option { verb }, option) => {
                self.is_spoken = true;
                self.timing_marks += usize::from((verb, option) == (DO, TIMING_MARK));
                (State::Text, NOTHING)
            }

            (State::Subnegotiation { left: 0 }, byte) => (State::Text, [Some(IAC), Some(byte)]),
            (State::Subnegotiation { left }, IAC) => (State::SubnegotiationCommand { left: left - 1 }, NOTHING),
            (State::Subnegotiation { left }, _) => (State::Subnegotiation { left: left - 1 }, NOTHING),
            (State::SubnegotiationCommand { .. }, SE) => (State::Text, NOTHING),
            (State::SubnegotiationCommand { left }, _) => (State::Subnegotiation { left }, NOTHING),
        };
        self.state = state;
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter(pieces: &[&[u8]]) -> Vec<u8> {
        let mut telnet = Telnet::default();
        let mut all = BytesMut::new();
        for piece in pieces {
            let start = all.len();
            all.extend_from_slice(piece);
            telnet.filter(&mut all, start);
        }
        all.to_vec()
    }

    #[test]
    fn negotiation_is_skipped() {
        assert_eq!(filter(&[b"\xff\xfd\x03\xff\xfb\x18ana\r\n"]), b"ana\r\n");
        assert_eq!(filter(&[b"o\xff\xf1i\xff\xf9\n"]), b"oi\n");
        assert_eq!(filter(&[b"a\xff\xfa\x1f\x00\x0a\xff\xff\x00\x0a\xff\xf0b\n"]), b"ab\n");
    }

    #[test]
    fn timing_marks_are_noticed() {
        let mut telnet = Telnet::default();
        let mut buffer = BytesMut::from(&b"\xff\xf4\xff\xfd\x06oi\n\xff\xfb\x06\xff\xfd\x01\xff\xfd\x06"[..]);
        telnet.filter(&mut buffer, 0);
        assert_eq!(&buffer[..], b"oi\n");
        assert_eq!((telnet.take_timing_marks(), telnet.take_timing_marks()), (2, 0));
    }

    #[test]
    fn who_negotiates_speaks_telnet_and_who_sends_bytes_does_not() {
        let speaks = |pieces: &[&[u8]]| {
            let mut telnet = Telnet::default();
            pieces.iter().for_each(|piece| telnet.filter(&mut BytesMut::from(*piece), 0));
            telnet.is_spoken()
        };
        for negotiation in [b"\xff\xfd\x03" as &[u8], b"\xff\xfb\x18ana\r\n", b"ana\n\xff\xfc\x01", b"\xff\xfd\x06"] {
            assert!(speaks(&[negotiation]), "{negotiation:?}");
            let bytes: Vec<&[u8]> = negotiation.chunks(1).collect();
            assert!(speaks(&bytes), "{negotiation:?}");
        }
        // once is enough
        assert!(speaks(&[b"\xff\xfd\x03", b"ana\n"]));
        for no_telnet in [b"senh\xc3\xa3\n" as &[u8], b"\xff\n", b"\xff\xfb\r\n", b"\xff\xff\xff", b"\xff\xfb", b""] {
            assert!(!speaks(&[no_telnet]), "{no_telnet:?}");
        }
    }

    #[test]
    fn commands_of_rfc_1184_are_skipped_too() {
        assert_eq!(filter(&[b"a\xff\xecb\xff\xed\xff\xeec\n"]), b"abc\n");
    }

    #[test]
    fn enter_in_character_mode_is_a_line_end() {
        assert_eq!(filter(&[b"ana\r\0oi\r\0"]), b"ana\r\noi\r\n");
        assert_eq!(filter(&[b"ana\r", b"\0oi\r\n"]), b"ana\r\noi\r\n");
        assert_eq!(filter(&[b"a\0b\r\rc"]), b"a\0b\r\rc");
    }

    #[test]
    fn what_is_no_telnet_keeps_its_line_end_and_is_no_utf8() {
        for line in [b"\xff\n" as &[u8], b"\xff\xfe\n", b"\xff\xfe\xfd\n", b"\xff\xff\n", b"x\xffy\n", b"\xff\xfb\r\n"]
        {
            let kept = filter(&[line]);
            assert_eq!(kept.last(), Some(&b'\n'), "{line:?}");
            assert!(std::str::from_utf8(&kept).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_subnegotiation_without_end_is_given_up() {
        let mut bytes = b"\xff\xfa".to_vec();
        bytes.extend([b'x'; 2000]);
        bytes.push(b'\n');
        let kept = filter(&[&bytes]);
        assert!(kept.ends_with(b"x\n") && std::str::from_utf8(&kept).is_err());
    }

    proptest! {
        #[test]
        fn utf8_passes_untouched(text in "[^\0]*") {
            prop_assert_eq!(filter(&[text.as_bytes()]), text.as_bytes());
        }

        #[test]
        fn cuts_do_not_matter(bytes in prop::collection::vec(
            prop_oneof![Just(IAC), Just(SB), Just(SE), Just(253u8), Just(b'\r'), Just(0u8), any::<u8>()], 0..60), cut in 0usize..60)
        {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(filter(&[first, second]), filter(&[&bytes]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(filter(&single), filter(&[&bytes]));
        }
    }
}
