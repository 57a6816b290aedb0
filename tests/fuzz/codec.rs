//! Bytes to lines.

use bolero::check;
use bytes::BytesMut;
use papo::dialect::text::codec::{Line, READ_SIZE, TextCodec};
use tokio_util::codec::Decoder;

use crate::TIME;
use crate::input::{self, Piece};

/// Short, so that lines that are too long are frequent.
const MAX_LINE: usize = 64;

/// A codec and its buffer, as a framed reader has them.
struct Reader {
    codec: TextCodec,
    buffer: BytesMut,
    lines: Vec<Line>,
    timing_marks: usize,
    came: usize,
}

impl Reader {
    fn new(max_unended: usize) -> Reader {
        let codec = TextCodec::new(MAX_LINE, max_unended);
        Reader { codec, buffer: BytesMut::new(), lines: Vec::new(), timing_marks: 0, came: 0 }
    }

    fn read(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(READ_SIZE) {
            self.buffer.extend_from_slice(bytes);
            self.came += bytes.len();
            assert!(self.buffer.len() <= MAX_LINE + READ_SIZE);
            while let Some(line) = self.codec.decode(&mut self.buffer).unwrap() {
                self.take(line);
            }
            assert!(self.buffer.len() <= MAX_LINE, "kept too much: {}", self.buffer.len());
            assert_eq!(self.codec.bytes(), self.came as u64);
        }
    }

    fn fall_silent(&mut self) {
        if let Some(line) = self.codec.silence(&mut self.buffer) {
            self.take(line);
        }
    }

    fn end(&mut self) {
        while let Some(line) = self.codec.decode_eof(&mut self.buffer).unwrap() {
            self.take(line);
        }
        assert!(self.buffer.is_empty());
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::TimingMarks(count) => self.timing_marks += count,
            line => {
                if let Line::Text(text) = &line {
                    assert!(text.len() <= MAX_LINE && !text.contains('\n'), "{text:?}");
                }
                self.lines.push(line);
            }
        }
        let ended = self.lines.iter().position(|line| matches!(line, Line::Foreign(_)));
        assert!(ended.is_none_or(|at| at + 1 == self.lines.len()), "something came behind another protocol's hello");
    }
}

#[test]
fn any_cut_gives_the_same_lines() {
    check!().with_type::<(Vec<Piece>, Vec<u16>)>().with_test_time(TIME).for_each(|(pieces, cuts)| {
        let bytes = input::bytes(pieces);
        let mut whole = Reader::new(0);
        whole.read(&bytes);
        whole.end();

        let mut in_parts = Reader::new(0);
        let mut rest = &bytes[..];
        for cut in cuts {
            let (part, after) = rest.split_at(usize::from(*cut) % (rest.len() + 1));
            in_parts.read(part);
            rest = after;
        }
        in_parts.read(rest);
        in_parts.end();
        assert_eq!(in_parts.lines, whole.lines);
        assert_eq!(in_parts.timing_marks, whole.timing_marks);

        let mut single = Reader::new(0);
        bytes.chunks(1).for_each(|byte| single.read(byte));
        single.end();
        assert_eq!(single.lines, whole.lines);
    });
}

#[test]
fn nothing_a_peer_does_breaks_the_codec() {
    // an empty read is a silence
    check!().with_type::<(Vec<Vec<Piece>>, u8)>().with_test_time(TIME).for_each(|(reads, max_unended)| {
        let mut reader = Reader::new(usize::from(*max_unended));
        for pieces in reads {
            match &input::bytes(pieces)[..] {
                [] => reader.fall_silent(),
                bytes => reader.read(bytes),
            }
        }
        reader.fall_silent();
        reader.end();
        let text = |line: &Line| if let Line::Text(text) = line { text.len() } else { 0 };
        assert!(reader.lines.iter().map(text).sum::<usize>() <= reader.came);
    });
}
