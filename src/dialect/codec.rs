//! The decoder of a session, whatever it speaks.

use std::io;

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use super::text::codec::{Line, TextCodec};
use super::websocket::WebSocketCodec;

/// Makes lines of bytes.
#[derive(Debug)]
pub enum Codec {
    /// Lines of text, or of JSON: which of them, the first one shows.
    Lines(TextCodec),
    /// WebSocket messages.
    WebSocket(Box<WebSocketCodec>),
}

impl Codec {
    /// How many bytes the peer has sent so far, of whatever kind.
    pub fn bytes(&self) -> u64 {
        match self {
            Codec::Lines(codec) => codec.bytes(),
            Codec::WebSocket(codec) => codec.bytes(),
        }
    }

    /// The decoder of lines, to whose peers silence may mean something.
    pub fn lines(&self) -> Option<&TextCodec> {
        match self {
            Codec::Lines(codec) => Some(codec),
            Codec::WebSocket(_) => None,
        }
    }

    /// As [`Codec::lines`], to change.
    pub fn lines_mut(&mut self) -> Option<&mut TextCodec> {
        match self {
            Codec::Lines(codec) => Some(codec),
            Codec::WebSocket(_) => None,
        }
    }

    /// The decoder of WebSocket messages.
    pub fn websocket(&self) -> Option<&WebSocketCodec> {
        match self {
            Codec::Lines(_) => None,
            Codec::WebSocket(codec) => Some(codec),
        }
    }
}

impl Decoder for Codec {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        match self {
            Codec::Lines(codec) => codec.decode(buffer),
            Codec::WebSocket(codec) => codec.decode(buffer),
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        match self {
            Codec::Lines(codec) => codec.decode_eof(buffer),
            Codec::WebSocket(codec) => codec.decode_eof(buffer),
        }
    }
}
