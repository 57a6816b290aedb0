//! WebSocket frames to lines.

use bolero::{TypeGenerator, check};
use bytes::BytesMut;
use papo::dialect::text::codec::Line;
use papo::dialect::websocket::WebSocketCodec;
use tokio_util::codec::Decoder;

use crate::TIME;
use crate::input::{self, Piece};

const MAX_MESSAGE: usize = 64;
const MAX_SKIPPED: usize = 300;

/// The longest head of a client's frame.
const MAX_HEAD: usize = 14;

/// A frame, or what is none.
#[derive(Debug, Clone, TypeGenerator)]
enum Sent {
    Frame { first: u8, is_masked: bool, length_form: u8, payload: Vec<Piece> },
    Text(bool, Vec<Piece>),
    Bytes(Vec<u8>),
}

impl Sent {
    fn write(&self, bytes: &mut Vec<u8>) {
        let (first, is_masked, form, payload) = match self {
            Sent::Frame { first, is_masked, length_form, payload } => (*first, *is_masked, *length_form, payload),
            Sent::Text(is_final, payload) => (if *is_final { 0x81 } else { 0x01 }, true, 0, payload),
            Sent::Bytes(any) => return bytes.extend_from_slice(any),
        };
        let payload = input::bytes(payload);
        let mask = if is_masked { 0x80 } else { 0 };
        bytes.push(first);
        match (form % 3, payload.len()) {
            (0, length @ ..126) => bytes.push(mask | length as u8),
            (2, length) => {
                bytes.push(mask | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
            (_, length) => {
                bytes.push(mask | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
        }
        if is_masked {
            bytes.extend([0; 4]);
        }
        bytes.extend(payload);
    }
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Line> {
    let (mut codec, mut buffer, mut lines) =
        (WebSocketCodec::new(MAX_MESSAGE, MAX_SKIPPED), BytesMut::new(), Vec::new());
    let mut came = 0;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        came += piece.len() as u64;
        while let Some(line) = codec.decode(&mut buffer).unwrap() {
            lines.push(line);
        }
        assert!(buffer.len() < 125 + MAX_HEAD, "kept too much: {}", buffer.len());
        assert_eq!(codec.bytes(), came);
    }
    assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
    assert!(buffer.is_empty());
    let is_end = |line: &Line| matches!(line, Line::Closed(_) | Line::Violation { .. });
    let end = lines.iter().position(is_end);
    assert!(end.is_none_or(|at| at + 1 == lines.len()), "something came behind the end");
    for line in &lines {
        match line {
            Line::Text(text) => assert!(text.len() <= MAX_MESSAGE),
            Line::Reply(pong) => assert!(pong.len() <= 127 && pong[0] == 0x8a),
            Line::TooLong | Line::NotUtf8 | Line::Closed(_) | Line::Violation { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    lines
}

#[test]
fn any_cut_gives_the_same_messages() {
    check!().with_type::<(Vec<Sent>, Vec<u16>)>().with_test_time(TIME).for_each(|(sent, cuts)| {
        let mut bytes = Vec::new();
        sent.iter().for_each(|sent| sent.write(&mut bytes));
        let whole = decode(std::iter::once(&bytes[..]));
        assert_eq!(decode(bytes.chunks(1)), whole);
        let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (piece, after) = rest.split_at(usize::from(*cut) % (rest.len() + 1));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        assert_eq!(decode(pieces.into_iter()), whole);
    });
}
