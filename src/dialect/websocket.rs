//! WebSocket (RFC 6455): frames to messages and back. What the messages say is [JSON](super::json).
//!
//! The rules of the protocol are `tungstenite`'s; here it is handed one whole frame at a time, so that a frame is refused by
//! its head before any of it is kept, and its answers go where all that is owed goes. A server's frames are not masked, so
//! what many are told is framed once for all of them ([`write_message`]).

use std::io::{self, Cursor, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame, FrameHeader};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, error::CapacityError};

use super::text::codec::Line;
use crate::chat::event::Reason;

/// The most frames in one message.
pub const MAX_FRAGMENTS: u32 = 16;

/// The most bytes before the payload of a frame that a server sends.
pub const MAX_HEAD: usize = 10;

/// The most bytes in the payload of a control frame: RFC 6455 §5.5.
const MAX_CONTROL: u64 = 125;

/// The bytes that are handed to tungstenite at once.
const READ_SIZE: usize = 256;

/// The decoder of a WebSocket connection that has been opened.
///
/// 1. A message is at most `max_message` bytes, in at most [`MAX_FRAGMENTS`] frames. Of a longer one nothing is kept: in one
///    frame it is [`Line::TooLong`] and skipped, in several, or over `max_skipped` bytes, it is a [`Line::Violation`].
/// 2. Nothing a peer sends is an error: [`Decoder::Error`] is only there for the socket's.
/// 3. After a violation, or when the peer has [closed](Line::Closed), nothing follows.
#[derive(Debug)]
pub struct WebSocketCodec {
    /// What knows the frames so far of a message that has not ended: who says nothing holds none.
    unfinished: Option<Box<WebSocketContext>>,
    max_message: u64,
    max_skipped: u64,
    /// The frames so far of a message that has not ended.
    fragments: u32,
    /// The bytes still to come of a message that is too long.
    skipping: u64,
    /// All bytes that came.
    bytes: u64,
    /// Bytes at the head of the buffer that are counted in `bytes`.
    counted: usize,
    is_over: bool,
    /// With which code to close, if the peer has broken a rule.
    violation: Option<CloseCode>,
}

impl WebSocketCodec {
    /// A decoder for messages of at most `max_message` bytes. One frame of up to `max_skipped` bytes (0 = of any length) is
    /// answered and skipped.
    pub fn new(max_message: usize, max_skipped: usize) -> WebSocketCodec {
        WebSocketCodec {
            unfinished: None,
            max_message: max_message as u64,
            max_skipped: if max_skipped == 0 { u64::MAX } else { max_skipped as u64 },
            fragments: 0,
            skipping: 0,
            bytes: 0,
            counted: 0,
            is_over: false,
            violation: None,
        }
    }

    /// How many bytes the peer has sent so far, of whatever kind.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last frame to a peer that is closed on for this reason.
    pub fn close_frame(&self, reason: Reason) -> Bytes {
        let code = self.violation.unwrap_or(match reason {
            Reason::Asked | Reason::Closed | Reason::Away | Reason::Lost => CloseCode::Normal,
            Reason::Shutdown => CloseCode::Away,
            Reason::LongLines => CloseCode::Size,
            _ => CloseCode::Policy,
        });
        written(Frame::close(Some(CloseFrame { code, reason: reason.word().into() })))
    }

    fn decode_frames(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        while !self.is_over {
            if self.skipping > 0 {
                let skipped = usize::try_from(self.skipping).unwrap_or(usize::MAX).min(buffer.len());
                buffer.advance(skipped);
                self.skipping -= skipped as u64;
                if self.skipping > 0 {
                    return None;
                }
            }
            let mut cursor = Cursor::new(&buffer[..]);
            let (head, length) = match FrameHeader::parse(&mut cursor) {
                Ok(parsed) => parsed?,
                Err(error) => return Some(self.violate(&error)),
            };
            let head_length = cursor.position() as usize;
            if let Some(line) = self.bound(&head, length) {
                if line == Line::TooLong {
                    buffer.advance(head_length);
                }
                return Some(line);
            }
            // no longer than `max_message`
            let frame_length = head_length + length as usize;
            if buffer.len() < frame_length {
                return None;
            }
            if let Some(line) = self.take_frame(&head, &buffer.split_to(frame_length)) {
                return Some(line);
            }
        }
        buffer.clear();
        None
    }

    /// Refuses a frame by its head.
    fn bound(&mut self, head: &FrameHeader, length: u64) -> Option<Line> {
        let OpCode::Data(data) = head.opcode else {
            return (length > MAX_CONTROL).then(|| self.fail(CloseCode::Protocol));
        };
        if self.fragments >= MAX_FRAGMENTS {
            return Some(self.fail(CloseCode::Size));
        }
        if length <= self.max_message {
            return None;
        }
        let is_alone = head.is_final && data != Data::Continue && self.fragments == 0;
        if !is_alone || length > self.max_skipped {
            return Some(self.fail(CloseCode::Size));
        }
        self.skipping = length;
        Some(Line::TooLong)
    }

    fn take_frame(&mut self, head: &FrameHeader, frame: &[u8]) -> Option<Line> {
        if matches!(head.opcode, OpCode::Data(_)) {
            self.fragments = if head.is_final { 0 } else { self.fragments + 1 };
        }
        let mut context = self.unfinished.take().unwrap_or_else(|| Box::new(self.context()));
        let line = self.read_frame(&mut context, frame);
        if self.fragments > 0 {
            self.unfinished = Some(context);
        }
        line
    }

    fn context(&self) -> WebSocketContext {
        let max_message = self.max_message as usize;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_SIZE)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message.max(MAX_CONTROL as usize)));
        WebSocketContext::new(Role::Server, Some(config))
    }

    fn read_frame(&mut self, context: &mut WebSocketContext, frame: &[u8]) -> Option<Line> {
        let mut wire = Wire { input: frame, output: Vec::new() };
        match context.read(&mut wire) {
            Ok(Message::Text(text)) => Some(Line::Text(text.as_str().to_owned())),
            Ok(Message::Binary(_)) => Some(Line::NotUtf8),
            Ok(Message::Ping(_)) => {
                // a pong
                match context.flush(&mut wire) {
                    Ok(()) => Some(Line::Reply(wire.output.into())),
                    Err(error) => Some(self.violate(&error)),
                }
            }
            Ok(Message::Close(frame)) => {
                self.is_over = true;
                Some(Line::Closed(why_closed(frame.map(|frame| frame.code))))
            }
            Ok(Message::Pong(_) | Message::Frame(_)) => None,
            // a part of a message
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(self.violate(&error)),
        }
    }

    fn violate(&mut self, error: &Error) -> Line {
        self.fail(match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            _ => CloseCode::Protocol,
        })
    }

    fn fail(&mut self, code: CloseCode) -> Line {
        self.is_over = true;
        self.violation = Some(code);
        Line::Violation { is_too_long: code == CloseCode::Size }
    }
}

/// Why a peer closes (RFC 6455 §7.4): it is done, it goes away (browsers say so of a page that is closed, loaded again or put
/// to sleep), or something has gone wrong.
fn why_closed(code: Option<CloseCode>) -> Reason {
    match code {
        None | Some(CloseCode::Normal) => Reason::Closed,
        Some(CloseCode::Away) => Reason::Away,
        Some(_) => Reason::Lost,
    }
}

impl Decoder for WebSocketCodec {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        self.bytes += (buffer.len() - self.counted) as u64;
        let line = self.decode_frames(buffer);
        self.counted = buffer.len();
        Ok(line)
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        let line = self.decode(buffer)?;
        if line.is_none() {
            // an unfinished frame is nothing
            buffer.clear();
            self.counted = 0;
        }
        Ok(line)
    }
}

/// Writes a text message as a server sends it.
pub fn write_message(bytes: &mut Vec<u8>, text: &str) {
    let head = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    // a vector takes everything
    let _ = head.format(text.len() as u64, bytes);
    bytes.extend_from_slice(text.as_bytes());
}

/// A frame that asks the peer to show that it is there.
pub fn ping() -> Bytes {
    written(Frame::ping(Bytes::new()))
}

fn written(frame: Frame) -> Bytes {
    let mut bytes = Vec::with_capacity(frame.len());
    // a vector takes everything
    let _ = frame.format(&mut bytes);
    bytes.into()
}

/// A stream of one frame, and what tungstenite answers to it.
struct Wire<'a> {
    input: &'a [u8],
    output: Vec<u8>,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tungstenite::protocol::frame::coding::Control;

    const MAX: usize = 40;

    /// A frame as a client sends it.
    fn frame(opcode: OpCode, is_final: bool, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let head = FrameHeader { is_final, opcode, mask: Some(mask), ..FrameHeader::default() };
        let mut bytes = Vec::new();
        head.format(payload.len() as u64, &mut bytes).unwrap();
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn text_frame(text: &str) -> Vec<u8> {
        frame(OpCode::Data(Data::Text), true, text.as_bytes())
    }

    fn fragments(count: usize) -> Vec<u8> {
        let opcode = |at| OpCode::Data(if at == 0 { Data::Text } else { Data::Continue });
        (0..count).flat_map(|at| frame(opcode(at), at + 1 == count, b"x")).collect()
    }

    fn decode_with(codec: &mut WebSocketCodec, pieces: &[&[u8]]) -> Vec<Line> {
        let (mut buffer, mut lines) = (BytesMut::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            while let Some(line) = codec.decode(&mut buffer).unwrap() {
                lines.push(line);
            }
            assert!(buffer.len() < MAX.max(MAX_CONTROL as usize) + 14, "kept too much");
        }
        assert_eq!(codec.decode_eof(&mut buffer).unwrap(), None);
        assert!(buffer.is_empty());
        assert_eq!(codec.bytes(), pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
        lines
    }

    fn decode(bytes: &[u8]) -> Vec<Line> {
        let whole = decode_with(&mut WebSocketCodec::new(MAX, 1000), &[bytes]);
        let in_bytes = bytes.chunks(1).collect::<Vec<_>>();
        assert_eq!(decode_with(&mut WebSocketCodec::new(MAX, 1000), &in_bytes), whole);
        whole
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn messages_in_one_frame_or_in_several() {
        let bytes = [text_frame("olá"), text_frame(""), text_frame(&"x".repeat(MAX)), fragments(3)].concat();
        assert_eq!(decode(&bytes), [text("olá"), text(""), text(&"x".repeat(MAX)), text("xxx")]);
    }

    #[test]
    fn nothing_is_held_but_of_a_message_that_has_not_ended() {
        let mut codec = WebSocketCodec::new(MAX, 1000);
        let all = fragments(3);
        let (begun, rest) = all.split_at(all.len() / 3);
        for (bytes, is_held) in [(&text_frame("oi")[..], false), (begun, true), (rest, false)] {
            decode_with(&mut codec, &[bytes]);
            assert_eq!(codec.unfinished.is_some(), is_held);
            codec.bytes = 0;
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_said_and_skipped() {
        let bytes =
            [text_frame(&"x".repeat(MAX + 1)), text_frame("oi"), text_frame(&"x".repeat(1000)), text_frame("é")];
        assert_eq!(decode(&bytes.concat()), [Line::TooLong, text("oi"), Line::TooLong, text("é")]);
        let violation = Line::Violation { is_too_long: true };
        assert_eq!(
            decode(&[text_frame(&"x".repeat(1001)), text_frame("oi")].concat()),
            std::slice::from_ref(&violation)
        );
        // in parts
        let part = frame(OpCode::Data(Data::Text), false, &[b'x'; MAX]);
        let rest = frame(OpCode::Data(Data::Continue), true, b"x");
        assert_eq!(decode(&[part.clone(), rest].concat()), std::slice::from_ref(&violation));
        let rest = frame(OpCode::Data(Data::Continue), true, &[b'x'; MAX + 1]);
        assert_eq!(decode(&[part, rest].concat()), [violation]);
        // by a head alone
        let endless = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
        assert_eq!(decode(&endless), [Line::Violation { is_too_long: true }]);
    }

    #[test]
    fn a_message_has_sixteen_parts_at_most() {
        assert_eq!(decode(&fragments(16)), [text(&"x".repeat(16))]);
        assert_eq!(decode(&[fragments(16), fragments(16)].concat()).len(), 2);
        assert_eq!(decode(&fragments(17)), [Line::Violation { is_too_long: true }]);
    }

    #[test]
    fn a_ping_is_answered_even_between_two_parts() {
        let ping = frame(OpCode::Control(Control::Ping), true, b"oi");
        let pong = Line::Reply(Bytes::from_static(b"\x8a\x02oi"));
        assert_eq!(decode(&ping), std::slice::from_ref(&pong));
        let part = frame(OpCode::Data(Data::Text), false, b"a");
        let rest = frame(OpCode::Data(Data::Continue), true, b"b");
        assert_eq!(decode(&[part, ping, rest].concat()), [pong, text("ab")]);
        assert_eq!(decode(&frame(OpCode::Control(Control::Pong), true, b"")), []);
    }

    #[test]
    fn what_is_no_text_is_said() {
        let binary = frame(OpCode::Data(Data::Binary), true, b"oi");
        assert_eq!(decode(&[binary, text_frame("oi")].concat()), [Line::NotUtf8, text("oi")]);
    }

    #[test]
    fn whoever_breaks_the_rules_is_closed_on_and_nothing_follows() {
        for (bytes, code) in [
            // not masked, reserved bits, an opcode that is none, a part of nothing, a control frame in parts or too long
            (b"\x81\x02oi".to_vec(), 1002),
            ([&[0xc1], &text_frame("oi")[1..]].concat(), 1002),
            (frame(OpCode::Data(Data::Reserved(3)), true, b""), 1002),
            (frame(OpCode::Data(Data::Continue), true, b"oi"), 1002),
            (frame(OpCode::Control(Control::Ping), false, b"oi"), 1002),
            (frame(OpCode::Control(Control::Ping), true, &[b'x'; 126]), 1002),
            (frame(OpCode::Data(Data::Text), true, b"\xff"), 1007),
        ] {
            let mut codec = WebSocketCodec::new(MAX, 0);
            let lines = decode_with(&mut codec, &[&bytes, &text_frame("oi")]);
            assert_eq!(lines, [Line::Violation { is_too_long: false }], "{bytes:?}");
            assert_eq!(codec.close_frame(Reason::Lost)[2..4], u16::to_be_bytes(code), "{bytes:?}");
        }
    }

    #[test]
    fn the_peer_closes_and_so_do_we() {
        let mut codec = WebSocketCodec::new(MAX, 0);
        let close = frame(OpCode::Control(Control::Close), true, &1001_u16.to_be_bytes());
        assert_eq!(decode_with(&mut codec, &[&close, &text_frame("oi")]), [Line::Closed(Reason::Away)]);
        for (code, reason) in [(1000, Reason::Closed), (1011, Reason::Lost), (4000, Reason::Lost)] {
            let close = frame(OpCode::Control(Control::Close), true, &u16::to_be_bytes(code));
            assert_eq!(decode_with(&mut WebSocketCodec::new(MAX, 0), &[&close]), [Line::Closed(reason)], "{code}");
        }
        let close = frame(OpCode::Control(Control::Close), true, b"");
        assert_eq!(decode_with(&mut WebSocketCodec::new(MAX, 0), &[&close]), [Line::Closed(Reason::Closed)]);
        for (reason, frame) in [
            (Reason::Closed, &b"\x88\x08\x03\xe8closed"[..]),
            (Reason::Shutdown, b"\x88\x0a\x03\xe9shutdown"),
            (Reason::Flooded, b"\x88\x09\x03\xf0flooded"),
        ] {
            assert_eq!(codec.close_frame(reason), frame);
        }
    }

    #[test]
    fn what_a_server_writes() {
        for (length, head) in
            [(2, &b"\x81\x02"[..]), (126, b"\x81\x7e\x00\x7e"), (70_000, b"\x81\x7f\0\0\0\0\0\x01\x11\x70")]
        {
            let mut bytes = Vec::new();
            write_message(&mut bytes, &"x".repeat(length));
            assert_eq!((&bytes[..head.len()], bytes.len()), (head, head.len() + length));
        }
        assert_eq!(ping(), &b"\x89\x00"[..]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..200), is_text in any::<bool>()) {
            let bytes = if is_text { [text_frame("oi"), bytes].concat() } else { bytes };
            let lines = decode(&bytes);
            prop_assert!(!is_text || lines[0] == text("oi"));
        }
    }
}
