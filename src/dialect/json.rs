//! The JSON dialect, for programs: the page, the example client, scripts. One object a line over TCP and TLS, one a
//! message over [WebSocket](super::websocket).
//!
//! The same commands and events as in the [text dialect](super::text), with stable words where that has sentences, and
//! the sentences beside them for whoever reads along. What programs send is read in [`request`]; the README describes all
//! objects. They are those of [`PROTOCOL`] version 1: fields and types may be added to them, and none changes.

pub mod request;

use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;

use super::text;
use crate::chat::answer::{Answer, ArchiveTrouble, ObjectError, Refusal, Sighting, Welcome};
use crate::chat::command::{COMMANDS, CommandError};
use crate::chat::event::{Event, EventKind, Reason, Whispered};
use crate::chat::language::Language;
use crate::chat::name::{Name, NameError};
use crate::chat::text as sentences;

/// The name of the dialect, and the WebSocket subprotocol.
pub const PROTOCOL: &str = "papo.v1.json";

/// Whatever the server sends. The type comes first in each.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Object<'a> {
    Hello {
        server: &'static str,
        version: &'static str,
        protocol: &'static str,
        lang: &'static str,
        password: bool,
        max_line: usize,
    },
    Welcome {
        #[serde(flatten)]
        id: Id<'a>,
        epoch: &'a str,
        seq: u64,
        #[serde(skip_serializing_if = "is_false")]
        resumed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        undone: Option<u64>,
        #[serde(skip_serializing_if = "is_false")]
        gap: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        whispers: Option<u64>,
        name: &'a str,
        others: Vec<&'a str>,
        more: usize,
        message: String,
    },
    Joined {
        seq: u64,
        at: String,
        name: &'a str,
        message: String,
    },
    Said {
        seq: u64,
        at: String,
        from: &'a str,
        text: &'a str,
    },
    Acted {
        seq: u64,
        at: String,
        from: &'a str,
        text: &'a str,
    },
    Renamed {
        seq: u64,
        at: String,
        old: &'a str,
        new: &'a str,
        message: String,
    },
    Left {
        seq: u64,
        at: String,
        name: &'a str,
        reason: &'static str,
        message: String,
    },
    Whispered {
        at: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
        from: &'a str,
        text: &'a str,
    },
    Ack {
        #[serde(flatten)]
        id: Id<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        kept: Option<bool>,
    },
    People {
        #[serde(flatten)]
        id: Id<'a>,
        names: Vec<&'a str>,
    },
    History {
        #[serde(flatten)]
        id: Id<'a>,
        events: Vec<Object<'a>>,
    },
    Found {
        #[serde(flatten)]
        id: Id<'a>,
        events: Vec<Object<'a>>,
    },
    Seen {
        #[serde(flatten)]
        id: Id<'a>,
        name: &'a str,
        here: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        what: Option<&'static str>,
        message: String,
    },
    Pong {
        #[serde(flatten)]
        id: Id<'a>,
        message: String,
    },
    Help {
        #[serde(flatten)]
        id: Id<'a>,
        lines: Vec<String>,
        message: String,
    },
    Info {
        #[serde(flatten)]
        id: Id<'a>,
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        lang: Option<&'static str>,
        message: String,
    },
    Error {
        #[serde(flatten)]
        id: Id<'a>,
        code: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'static str>,
        message: String,
    },
    Bye {
        reason: &'static str,
        message: String,
    },
}

/// The id of the question that is answered, if it had one.
#[derive(Serialize)]
struct Id<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Object<'_> {
    fn write(&self) -> String {
        // strings and numbers can always be written
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The first object of a session: who is speaking, and what it takes to come in.
pub fn hello(language: Language, needs_password: bool, max_line: usize) -> String {
    Object::Hello {
        server: "papo",
        version: env!("CARGO_PKG_VERSION"),
        protocol: PROTOCOL,
        lang: language.tag(),
        password: needs_password,
        max_line,
    }
    .write()
}

/// An event, as everybody but its author reads it.
pub fn event(event: &Event, language: Language) -> String {
    object(event, language).write()
}

fn object(event: &Event, language: Language) -> Object<'_> {
    let (seq, at) = (event.seq, rfc3339(event.at));
    let message = || sentence(|line| text::write_event(line, &event.kind, language));
    match &event.kind {
        EventKind::Joined { name } => Object::Joined { seq, at, name: name.as_str(), message: message() },
        EventKind::Said { from, text } => Object::Said { seq, at, from: from.as_str(), text: text.as_str() },
        EventKind::Acted { from, text } => Object::Acted { seq, at, from: from.as_str(), text: text.as_str() },
        EventKind::Renamed { old, new } => {
            Object::Renamed { seq, at, old: old.as_str(), new: new.as_str(), message: message() }
        }
        EventKind::Left { name, reason } => {
            Object::Left { seq, at, name: name.as_str(), reason: reason.word(), message: message() }
        }
    }
}

/// A whisper, as the one person reads it.
pub fn whispered(whispered: &Whispered) -> String {
    let Whispered { at, from, text, number, .. } = whispered;
    let number = Some(*number).filter(|number| *number > 0);
    Object::Whispered { at: rfc3339(*at), number, from: from.as_str(), text: text.as_str() }.write()
}

/// To the author of an event, in its place: it has happened at this time and has this number. If it is not `kept`, there is a
/// journal, and it is not in there.
pub fn ack(seq: u64, at: SystemTime, id: Option<&str>, is_kept: bool) -> String {
    let kept = (!is_kept).then_some(false);
    Object::Ack { id: Id { id }, seq: Some(seq), at: Some(rfc3339(at)), kept }.write()
}

/// What was asked is done, and takes no number in the order of the room.
pub fn done(id: Option<&str>) -> String {
    Object::Ack { id: Id { id }, seq: None, at: None, kept: None }.write()
}

/// An answer: one object; empty if it is only for people.
pub fn answer(answer: &Answer, id: Option<&str>, language: Language) -> String {
    let id = Id { id };
    let message = sentence(|line| line.extend_from_slice(&text::answer(answer, language)));
    let info = |id, code| Object::Info { id, code, lang: None, message: message.clone() };
    let error = |id, code| Object::Error { id, code, field: None, message: message.clone() };
    let object = match answer {
        // whoever speaks JSON knows what comes first
        Answer::Prompt | Answer::PasswordPrompt => return String::new(),
        Answer::Welcome(welcome) => {
            let Welcome { name, others, more, after, epoch, missed, undone_from, has_gap, token, whispers } =
                &**welcome;
            let (name, others) = (name.as_str(), others.iter().map(Name::as_str).collect());
            let (seq, resumed, gap) = (*after, missed.is_some(), *has_gap);
            let (token, whispers) = (token.map(|token| token.reveal()), token.map(|_| *whispers));
            let undone = *undone_from;
            Object::Welcome {
                id,
                epoch,
                seq,
                resumed,
                undone,
                gap,
                token,
                whispers,
                name,
                others,
                more: *more,
                message,
            }
        }
        Answer::Who(names) => Object::People { id, names: names.iter().map(Name::as_str).collect() },
        Answer::History(page) => {
            Object::History { id, events: page.iter().map(|event| self::object(event, language)).collect() }
        }
        Answer::Found(page) => {
            Object::Found { id, events: page.iter().map(|event| self::object(event, language)).collect() }
        }
        Answer::Seen(name, sighting) => {
            let (at, what) = match sighting {
                Sighting::Last { at, deed } => (Some(rfc3339(*at)), Some(deed.word())),
                Sighting::Here | Sighting::Unknown | Sighting::NotKept => (None, None),
            };
            Object::Seen { id, name: name.as_str(), here: *sighting == Sighting::Here, at, what, message }
        }
        Answer::Help => {
            Object::Help { id, lines: sentences::help(language, COMMANDS), message: sentences::help_title(language) }
        }
        Answer::Pong => Object::Pong { id, message },
        Answer::NotKept => Object::Ack { id, seq: None, at: None, kept: Some(false) },

        Answer::NameProbed(_) => info(id, "name_probed"),
        Answer::NameWanted => info(id, "name_wanted"),
        Answer::NameUnchanged(_) => info(id, "name_unchanged"),
        Answer::LanguageChanged(lang) => Object::Info { id, code: "lang", lang: Some(lang.tag()), message },
        Answer::Ignoring(_) => info(id, "ignoring"),
        Answer::NotIgnoringAnyMore(_) => info(id, "unignored"),
        Answer::Throttled => info(id, "throttled"),
        Answer::JournalFailed(_) => info(id, "journal_failed"),
        Answer::JournalRecovered { .. } => info(id, "journal_recovered"),

        Answer::Goodbye(reason) => Object::Bye { reason: reason.word(), message },
        Answer::NoNameInTime { .. } => Object::Bye { reason: Reason::TimedOut.word(), message },
        Answer::NoNameInBytes { .. } => Object::Bye { reason: Reason::Flooded.word(), message },

        Answer::BadObject(ObjectError::Field(field)) => {
            Object::Error { id, code: "bad_field", field: Some(*field), message }
        }
        Answer::BadObject(ObjectError::NotJson) => error(id, "bad_json"),
        Answer::BadObject(ObjectError::UnknownType) => error(id, "unknown_type"),
        Answer::BadObject(ObjectError::WouldBePublic) => error(id, "would_be_public"),
        Answer::BadObject(ObjectError::NotJoined) => error(id, "not_joined"),
        Answer::BadObject(ObjectError::AlreadyJoined) => error(id, "already_joined"),
        Answer::NameTaken(_) => error(id, "name_taken"),
        Answer::NameTooSimilar(_) => error(id, "name_too_similar"),
        Answer::NameHeld(_) => error(id, "name_held"),
        Answer::BadName(name) | Answer::Mistake(CommandError::BadName(name)) => error(id, code_of_name(*name)),
        Answer::NotFound(_) | Answer::Mistake(CommandError::NoSuchName(_)) => error(id, "not_found"),
        Answer::Mistake(CommandError::Unknown { .. }) => error(id, "unknown_command"),
        Answer::Mistake(CommandError::WhisperFormat | CommandError::Usage(_)) => error(id, "usage"),
        Answer::Mistake(CommandError::EmptyMessage) => error(id, "empty_message"),
        Answer::PasswordWrong => error(id, "bad_password"),
        Answer::TooManyPasswordTries { .. } => error(id, "too_many_tries"),
        Answer::NoArchive(ArchiveTrouble::NothingKept) => error(id, "nothing_kept"),
        Answer::NoArchive(ArchiveTrouble::Busy) => error(id, "archive_busy"),
        Answer::NoArchive(ArchiveTrouble::TooSlow) => error(id, "archive_too_slow"),
        Answer::NoArchive(ArchiveTrouble::Failed) => error(id, "archive_failed"),
        Answer::NobodyToReplyTo => error(id, "nobody_to_reply_to"),
        Answer::NotIgnored(_) => error(id, "not_ignored"),
        Answer::TooManyIgnored { .. } => error(id, "too_many_ignored"),
        Answer::LineTooLong { .. } => error(id, "line_too_long"),
        Answer::NotUtf8 => error(id, "not_utf8"),
        Answer::Refused(Refusal::ServerFull) => error(id, "server_full"),
        Answer::Refused(Refusal::TooManyOfAddress | Refusal::TooManyNewOfAddress) => error(id, "too_many_connections"),
        Answer::Refused(Refusal::TlsRequired) => error(id, "tls_required"),
    };
    object.write()
}

fn code_of_name(error: NameError) -> &'static str {
    match error {
        NameError::Reserved | NameError::LooksReserved => "name_reserved",
        NameError::BadCharacter
        | NameError::NoLetter
        | NameError::TooLong
        | NameError::TooManyMarks
        | NameError::MixedScripts
        | NameError::BadDirection => "bad_name",
    }
}

/// What the text dialect says, without the line end.
fn sentence(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut line = Vec::new();
    write(&mut line);
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

/// RFC 3339, in UTC, with milliseconds.
fn rfc3339(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::registry::MemberId;
    use crate::chat::token::Token;
    use std::sync::Arc;
    use std::time::Duration;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn at() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_823_179_123)
    }

    fn happened(kind: EventKind) -> String {
        event(&Event { seq: 42, at: at(), kind }, Language::English)
    }

    #[test]
    fn events() {
        let head = r#""seq":42,"at":"2026-11-27T23:46:19.123Z""#;
        for (kind, expected) in [
            (
                EventKind::Joined { name: name("Ana") },
                format!(r#"{{"type":"joined",{head},"name":"Ana","message":"Ana joined the chat."}}"#),
            ),
            (
                EventKind::Said { from: name("Ana"), text: "\"oi\" \\ é".into() },
                format!(r#"{{"type":"said",{head},"from":"Ana","text":"\"oi\" \\ é"}}"#),
            ),
            (
                EventKind::Acted { from: name("Ana"), text: "acena".into() },
                format!(r#"{{"type":"acted",{head},"from":"Ana","text":"acena"}}"#),
            ),
            (
                EventKind::Renamed { old: name("Ana"), new: name("Bia") },
                format!(r#"{{"type":"renamed",{head},"old":"Ana","new":"Bia","message":"Ana is now Bia."}}"#),
            ),
            (
                EventKind::Left { name: name("Ana"), reason: Reason::Lost },
                format!(
                    r#"{{"type":"left",{head},"name":"Ana","reason":"lost","message":"Ana left the chat (connection lost)."}}"#
                ),
            ),
        ] {
            assert_eq!(happened(kind), expected);
        }
    }

    #[test]
    fn what_was_looked_for() {
        let said = Event { seq: 7, at: at(), kind: EventKind::Said { from: name("Ana"), text: "oi".into() } };
        let found = |page: Vec<Arc<Event>>| answer(&Answer::Found(page.into()), Some("f"), Language::English);
        assert_eq!(found(Vec::new()), r#"{"type":"found","id":"f","events":[]}"#);
        assert_eq!(
            found(vec![Arc::new(said)]),
            r#"{"type":"found","id":"f","events":[{"type":"said","seq":7,"at":"2026-11-27T23:46:19.123Z","from":"Ana","text":"oi"}]}"#
        );
        let seen = |sighting| answer(&Answer::Seen(name("Ana"), sighting), None, Language::English);
        assert_eq!(
            seen(Sighting::Here),
            r#"{"type":"seen","name":"Ana","here":true,"message":"Ana is in the room now."}"#
        );
        for sighting in [Sighting::Unknown, Sighting::NotKept] {
            let seen = seen(sighting);
            assert!(seen.starts_with(r#"{"type":"seen","name":"Ana","here":false,"message":"Ana is not in"#), "{seen}");
        }
        let kind = EventKind::Left { name: name("Ana"), reason: Reason::Lost };
        let last = seen(Sighting::Last { at: at(), deed: (&kind).into() });
        let head =
            r#"{"type":"seen","name":"Ana","here":false,"at":"2026-11-27T23:46:19.123Z","what":"left","message":""#;
        assert!(last.starts_with(head) && last.ends_with(", leaving.\"}"), "{last}");
    }

    #[test]
    fn what_one_client_is_told() {
        let whisper =
            Whispered { after: 1, at: at(), from: name("Beto"), member: MemberId(2), number: 3, text: "psiu".into() };
        assert_eq!(
            whispered(&whisper),
            r#"{"type":"whispered","at":"2026-11-27T23:46:19.123Z","number":3,"from":"Beto","text":"psiu"}"#
        );
        let said = Event { seq: 7, at: at(), kind: EventKind::Joined { name: name("Ana") } };
        let at = said.at;
        assert_eq!(ack(7, at, Some("m1"), true), r#"{"type":"ack","id":"m1","seq":7,"at":"2026-11-27T23:46:19.123Z"}"#);
        assert_eq!(ack(7, at, None, false), r#"{"type":"ack","seq":7,"at":"2026-11-27T23:46:19.123Z","kept":false}"#);
        assert_eq!((done(Some("x")), done(None)), (r#"{"type":"ack","id":"x"}"#.into(), r#"{"type":"ack"}"#.into()));
        let (epoch, missed) = ("e".into(), Some(Vec::new().into()));
        let welcome = Answer::Welcome(Box::new(Welcome {
            name: name("Ana"),
            others: vec![name("Beto")],
            more: 0,
            after: 6,
            epoch,
            missed,
            undone_from: Some(5),
            has_gap: false,
            token: Some(Token::new([0xa5; 32])),
            whispers: 2,
        }));
        let token = "a5".repeat(32);
        assert_eq!(
            answer(&welcome, None, Language::English),
            format!(
                r#"{{"type":"welcome","epoch":"e","seq":6,"resumed":true,"undone":5,"token":"{token}","whispers":2,"name":"Ana","others":["Beto"],"more":0,"message":"Welcome to the chat, Ana! In the room: Beto. Type /help for the commands."}}"#
            )
        );
        let hello: serde_json::Value = serde_json::from_str(&hello(Language::Portuguese, true, 4096)).unwrap();
        assert_eq!((&hello["protocol"], &hello["password"]), (&PROTOCOL.into(), &true.into()));
    }

    #[test]
    fn an_error_has_a_code_the_id_and_the_sentence() {
        assert_eq!(
            answer(&Answer::NameTaken(name("Ana")), Some("j"), Language::Portuguese),
            r#"{"type":"error","id":"j","code":"name_taken","message":"Erro: O nome 'Ana' já está em uso."}"#
        );
        let field = Answer::BadObject(ObjectError::Field("text"));
        let error: serde_json::Value = serde_json::from_str(&answer(&field, None, Language::English)).unwrap();
        assert_eq!((&error["code"], &error["field"]), (&"bad_field".into(), &"text".into()));
        assert_eq!(error.get("id"), None);
    }

    #[test]
    fn a_clock_before_1970_or_far_in_the_future_is_written_all_the_same() {
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59.000Z");
        assert!(
            SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_secs(1 << 50))
                .map(rfc3339)
                .is_none_or(|at| at.ends_with('Z'))
        );
    }
}
