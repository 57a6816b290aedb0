//! Input in which everything that the code looks for is frequent. Evenly random bytes would hardly ever hold a line end
//! behind a slash, or a whole hello.

use bolero::TypeGenerator;

/// A piece of input.
#[derive(Debug, Clone, TypeGenerator)]
pub(crate) enum Piece {
    /// One of [`WORDS`].
    Word(u8),
    /// One of [`WORDS`], again and again.
    Repeated(u8, u8),
    /// One of [`CHARACTERS`].
    Character(u8),
    Any(char),
    Bytes([u8; 4]),
}

/// What begins a hello, a command, an object or a telnet command, and what ends a line.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\0",
    b" ",
    b"x",
    b"ana",
    b"Ana",
    b"//",
    b"/",
    b"@",
    b"/sair",
    b"/quem",
    b"/msg ana ",
    b"/r ",
    b"/eu ",
    b"/nome ",
    b"/idioma ",
    b"@ana ",
    b"GET ",
    b"HEAD ",
    b"POST",
    b" HTTP/1.1",
    b"Host: ",
    b"SSH-",
    b"EHLO ",
    b"NICK ",
    b"*1",
    b"PROXY ",
    b"\x16\x03",
    b"\0",
    b"{",
    b"{\"type\":\"say\",\"id\":\"",
    b"\",\"text\":\"",
    b"\"}",
    b"\\u001b",
    b"\xff\xfd\x06",
    b"\xff\xfb\x01",
    b"\xff\xfa",
    b"\xff\xf0",
    b"\xff",
    b"\xc3",
    b"\x1b[D",
    b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// Characters with a meaning: for terminals, for the direction of text, for names, for signs.
const CHARACTERS: &str = "\0\t\x08\x1b\x7f\u{80}\u{9b}\u{ad}\u{200b}\u{200e}\u{202e}\u{2066}\u{2069}\u{2028}\u{61c}\u{feff}\
    \u{300}\u{301}\u{34f}\u{fe0f}\u{fff9}\u{e0041}\u{e007f}🏴␛␤@＠﹫/／_áßİıſ李аЖΣςمשक्षि👨❤";

impl Piece {
    fn write(&self, bytes: &mut Vec<u8>) {
        let word = |index: u8| WORDS[usize::from(index) % WORDS.len()];
        let mut write_char = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        match *self {
            Piece::Word(index) => bytes.extend_from_slice(word(index)),
            Piece::Repeated(index, times) => bytes.extend(word(index).repeat(usize::from(times))),
            Piece::Character(index) => {
                CHARACTERS.chars().cycle().nth(usize::from(index)).into_iter().for_each(&mut write_char);
            }
            Piece::Any(c) => write_char(c),
            Piece::Bytes(any) => bytes.extend_from_slice(&any),
        }
    }
}

/// The pieces, one behind the other.
pub(crate) fn bytes(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    pieces.iter().for_each(|piece| piece.write(&mut bytes));
    bytes
}

/// The same as text.
pub(crate) fn text(pieces: &[Piece]) -> String {
    String::from_utf8_lossy(&bytes(pieces)).into_owned()
}
