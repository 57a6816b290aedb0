//! What comes and goes, in the dialect `papo.v1.json`. Types and fields that are not known here are passed over, so that
//! this client can talk to a newer server.
//!
//! Whatever a person will see of it is clean from here on: no server can make a terminal do anything.

use std::fmt;

use jiff::Timestamp;
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A text of the server, without anything that a terminal obeys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(CleanText::from(text).as_str().to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        String::deserialize(deserializer).map(|text| Text::from(text.as_str()))
    }
}

/// Something that happened in the room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    #[serde(default, deserialize_with = "time")]
    pub(crate) at: Option<Timestamp>,
    /// What a person reads of it, if it is not what somebody said.
    #[serde(default)]
    pub(crate) message: Text,
    #[serde(flatten)]
    pub(crate) what: Happened,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Happened {
    Joined { name: Text },
    Said { from: Text, text: Text },
    Acted { from: Text, text: Text },
    Renamed { old: Text, new: Text },
    Left { name: Text },
}

/// An object, or a line, that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Event(Event),
    Object(Object),
    /// An object of a later version.
    Unknown,
    /// No object: another program, or a papo that refuses the connection before it knows who speaks what.
    Line(Text),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Object {
    Hello {
        #[serde(default)]
        password: bool,
        #[serde(default = "usual_max_line")]
        max_line: usize,
    },
    Welcome(Welcome),
    Whispered(Whispered),
    Ack {
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        seq: Option<u64>,
    },
    People {
        #[serde(default)]
        id: Option<String>,
        names: Vec<Text>,
    },
    History {
        #[serde(default)]
        id: Option<String>,
        #[serde(deserialize_with = "events")]
        events: Vec<Event>,
    },
    Found {
        #[serde(default)]
        id: Option<String>,
        #[serde(deserialize_with = "events")]
        events: Vec<Event>,
    },
    Seen(Answer),
    Pong(Answer),
    Info(Answer),
    Error(Answer),
    Bye {
        reason: String,
        #[serde(default)]
        message: Text,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) epoch: String,
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) token: Option<String>,
    #[serde(default)]
    pub(crate) whispers: Option<u64>,
    #[serde(default)]
    pub(crate) resumed: bool,
    #[serde(default)]
    pub(crate) gap: bool,
    /// From this number on, what was read did not happen for anybody else: the server was killed.
    #[serde(default)]
    pub(crate) undone: Option<u64>,
    pub(crate) name: Text,
    #[serde(default)]
    pub(crate) others: Vec<Text>,
    #[serde(default)]
    pub(crate) more: usize,
    #[serde(default)]
    pub(crate) message: Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Whispered {
    #[serde(default, deserialize_with = "time")]
    pub(crate) at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) number: Option<u64>,
    pub(crate) from: Text,
    pub(crate) text: Text,
}

/// A sentence for the person, with a word for the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) lang: Option<String>,
    #[serde(default)]
    pub(crate) message: Text,
}

/// What a line has at most if the server does not say.
fn usual_max_line() -> usize {
    4096
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}

fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Event>, D::Error> {
    Ok(Vec::<Value>::deserialize(deserializer)?.into_iter().filter_map(known).collect())
}

fn known<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

impl Received {
    /// Reads a line.
    pub(crate) fn read(line: &str) -> Received {
        let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(line) else {
            return Received::Line(Text::from(line));
        };
        let is_event = matches!(value["type"].as_str(), Some("joined" | "said" | "acted" | "renamed" | "left"));
        let received = if is_event { known(value).map(Received::Event) } else { known(value).map(Received::Object) };
        received.unwrap_or(Received::Unknown)
    }
}

/// What this client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Request {
    Join(Box<Join>),
    Say { text: String },
    Act { text: String },
    Whisper { to: String, text: String },
    Rename { name: String },
    Who,
    History { count: usize },
    Search { text: String, count: usize },
    Seen { name: String },
    Ignore { name: String },
    Unignore { name: String },
    Lang { lang: &'static str },
    Ping,
    Leave,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Join {
    pub(crate) name: String,
    pub(crate) lang: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    #[serde(flatten)]
    pub(crate) place: Option<Place>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignore: Vec<String>,
}

/// How far this client knows what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Place {
    pub(crate) epoch: String,
    pub(crate) seq: u64,
    pub(crate) whispers: u64,
}

impl Request {
    pub(crate) fn lang(language: Language) -> Request {
        Request::Lang { lang: language.tag() }
    }

    /// The line that asks this, its end included; the answer to it has the id.
    pub(crate) fn line(&self, id: &str) -> String {
        #[derive(Serialize)]
        struct Asked<'a> {
            #[serde(flatten)]
            request: &'a Request,
            id: &'a str,
        }
        // strings and numbers can always be written
        let mut line = serde_json::to_string(&Asked { request: self, id }).unwrap_or_default();
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_line_of_a_server_reaches_the_terminal_as_it_is(line in "\\{?\\PC{0,30}[\u{0}-\u{1f}]{0,3}\\PC{0,30}") {
            match Received::read(&line) {
                Received::Line(text) => prop_assert!(!text.as_str().contains(|c: char| c.is_control() && c != '\t')),
                other => prop_assert_eq!(other, Received::Unknown),
            }
        }
    }

    #[test]
    fn what_is_asked() {
        let place = Place { epoch: "e".into(), seq: 4, whispers: 1 };
        let join = Join { name: "Ana".into(), lang: "en", place: Some(place), ..Join::default() };
        for (request, expected) in [
            (Request::Say { text: "\"é\"".into() }, r#"{"type":"say","text":"\"é\"","id":"x"}"#),
            (Request::Who, r#"{"type":"who","id":"x"}"#),
            (
                Request::Join(Box::new(join)),
                r#"{"type":"join","name":"Ana","lang":"en","epoch":"e","seq":4,"whispers":1,"id":"x"}"#,
            ),
            (
                Request::Join(Box::new(Join { name: "Ana".into(), lang: "en", ..Join::default() })),
                r#"{"type":"join","name":"Ana","lang":"en","id":"x"}"#,
            ),
        ] {
            assert_eq!(request.line("x"), format!("{expected}\n"));
        }
    }

    #[test]
    fn what_comes_is_clean_and_what_is_not_known_is_passed_over() {
        let said = Received::read(r#"{"type":"said","seq":7,"at":"x","from":"A","text":"\u001b[2J","new":[1]}"#);
        let what = Happened::Said { from: "A".into(), text: "␛[2J".into() };
        assert_eq!(said, Received::Event(Event { seq: 7, at: None, message: Text::default(), what }));
        assert_eq!(Received::read(r#"{"type":"sung","seq":7}"#), Received::Unknown);
        assert_eq!(Received::read(r#"{"type":"said","seq":-1}"#), Received::Unknown);
        assert_eq!(Received::read("{}"), Received::Unknown);
        assert_eq!(Received::read("\u{1b}]0;x\u{7}"), Received::Line("␛]0;x␇".into()));
        let history = r#"{"type":"history","events":[{"type":"sung","seq":1},{"type":"said","seq":2,"at":"2026-11-28T00:18:34.694Z","from":"A","text":"oi"}]}"#;
        let Received::Object(Object::History { id: None, events }) = Received::read(history) else { panic!() };
        assert_eq!(events.len(), 1);
        assert!(events[0].at.is_some());
        let hello = Received::read(r#"{"type":"hello","server":"papo"}"#);
        assert_eq!(hello, Received::Object(Object::Hello { password: false, max_line: 4096 }));
    }
}
