//! Dialects: how commands and events are written on the wire. Each knows one format, and none knows sockets or actors.
//! [`sniff`] tells them apart by a peer's first bytes, [`foreign`] answers those who speak none of them, and a [`Format`]
//! is what a session writes.

pub mod codec;
pub mod foreign;
pub mod json;
pub mod sniff;
pub mod text;
pub mod websocket;
mod written;

use bytes::Bytes;

use crate::chat::answer::Answer;
use crate::chat::event::Whispered;
use crate::chat::language::Language;

pub use written::Written;

/// How what a session is told is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// [Lines for people](text).
    Text,
    /// [JSON](json), an object a line.
    Json,
    /// [JSON](json), an object a [WebSocket](websocket) message.
    WebSocket,
}

impl Format {
    /// Every format, in the order of [`Format::index`].
    pub const ALL: [Format; 3] = [Format::Text, Format::Json, Format::WebSocket];

    /// The format's place in tables with one slot a format: below [`Format::ALL`]`.len()`.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether it is for programs, which tell their questions apart by ids and want to know that a message has arrived.
    pub const fn is_for_programs(self) -> bool {
        !matches!(self, Format::Text)
    }

    /// An answer. `id` is that of the question, if it had one.
    pub fn answer(self, answer: &Answer, id: Option<&str>, language: Language) -> Bytes {
        match self {
            Format::Text => text::answer(answer, language),
            Format::Json | Format::WebSocket => match json::answer(answer, id, language) {
                nothing if nothing.is_empty() => Bytes::new(),
                object => self.frame(&object),
            },
        }
    }

    /// A whisper, as the one person reads it.
    pub fn whispered(self, whispered: &Whispered, language: Language) -> Bytes {
        match self {
            Format::Text => text::whispered(whispered, language),
            Format::Json | Format::WebSocket => self.frame(&json::whispered(whispered)),
        }
    }

    /// Something that is one object in JSON, and that people are not told.
    pub fn object(self, object: &str) -> Bytes {
        match self {
            Format::Text => Bytes::new(),
            Format::Json | Format::WebSocket => self.frame(object),
        }
    }

    fn frame(self, object: &str) -> Bytes {
        let mut bytes = Vec::with_capacity(object.len() + websocket::MAX_HEAD);
        self.write_frame(&mut bytes, object);
        bytes.into()
    }

    /// Puts what ends or begins an object around it.
    pub(crate) fn write_frame(self, bytes: &mut Vec<u8>, object: &str) {
        match self {
            Format::Text | Format::Json => {
                bytes.extend_from_slice(object.as_bytes());
                bytes.push(b'\n');
            }
            Format::WebSocket => websocket::write_message(bytes, object),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_index() {
        for (index, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format.index(), index);
        }
    }
}
