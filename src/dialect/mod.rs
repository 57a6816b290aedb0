//! Dialects: how commands and events are written on the wire. Each knows one format, and none knows sockets, actors
//! or the other dialects.
//!
//! [`Encoded`] is the one thing they share: an event is encoded once for each dialect and language that somebody in
//! the room reads, and everybody who reads it shares those bytes.

pub mod text;

use std::sync::OnceLock;

use bytes::Bytes;

use crate::chat::event::Event;
use crate::chat::language::Language;

/// An event and its encodings, made when first asked for.
#[derive(Debug)]
pub struct Encoded {
    event: Event,
    text: [OnceLock<Bytes>; Language::ALL.len()],
}

impl Encoded {
    /// Wraps an event; nothing is encoded yet.
    pub fn new(event: Event) -> Encoded {
        Encoded { event, text: Default::default() }
    }

    /// What happened.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The line of the text dialect for readers of this language, line end included.
    pub fn text(&self, language: Language) -> Bytes {
        self.text[language.index()].get_or_init(|| text::event(&self.event.kind, language)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::event::EventKind;
    use crate::chat::name::Name;
    use std::time::SystemTime;

    #[test]
    fn an_event_is_encoded_once_a_language() {
        let name = Name::parse("Ana").unwrap();
        let encoded = Encoded::new(Event { seq: 1, at: SystemTime::UNIX_EPOCH, kind: EventKind::Joined { name } });
        let (first, second) = (encoded.text(Language::English), encoded.text(Language::English));
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(first, "Ana joined the chat.\n");
        assert_eq!(encoded.text(Language::Portuguese), "Ana entrou no chat.\n");
    }
}
