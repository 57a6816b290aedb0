//! What a program asks, one object at a time.
//!
//! Unknown fields are ignored, so that newer programs can talk to older servers; an unknown type is a mistake.

use serde_json::{Map, Value};

use crate::chat::answer::{Answer, ObjectError};
use crate::chat::command::{Command, CommandError, DEFAULT_FOUND, DEFAULT_HISTORY};
use crate::chat::history::Place;
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::token::Token;

/// The most bytes in the id of a request.
pub const MAX_ID: usize = 64;

/// An object that a program sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// By which the program knows the answer to it.
    pub id: Option<Box<str>>,
    /// What it asks, or what is wrong with it.
    pub ask: Result<Ask, Answer>,
}

/// What a program asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// To come in.
    Join(Join),
    /// What a member may ask, and some of it others too.
    Command(Command),
}

/// How a program comes in.
#[derive(Debug, PartialEq, Eq)]
pub struct Join {
    /// The name, which may be none.
    pub name: String,
    /// The language of the sentences.
    pub language: Option<Language>,
    /// The password of the room.
    pub password: Option<String>,
    /// Where the program was before, if it comes back.
    pub from: Option<Place>,
    /// The token that it was given then.
    pub token: Option<Token>,
    /// Whose messages it does not want.
    pub ignored: Vec<Name>,
}

impl Request {
    /// Reads an object.
    pub fn parse(line: &str) -> Request {
        let Ok(object) = serde_json::from_str::<Map<String, Value>>(line) else {
            return Request { id: None, ask: Err(Answer::BadObject(ObjectError::NotJson)) };
        };
        match id(&object) {
            Ok(id) => Request { id, ask: ask(&object) },
            Err(error) => Request { id: None, ask: Err(error) },
        }
    }
}

fn id(object: &Map<String, Value>) -> Result<Option<Box<str>>, Answer> {
    match object.get("id") {
        None | Some(Value::Null) => Ok(None),
        // it is sent back as it came, but never anything that a terminal obeys
        Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => {
            let clean = CleanText::from(id.as_str());
            if clean.as_str() == id { Ok(Some(id.as_str().into())) } else { Err(bad_field("id")) }
        }
        Some(_) => Err(bad_field("id")),
    }
}

fn ask(object: &Map<String, Value>) -> Result<Ask, Answer> {
    let command = match required(object, "type")? {
        "join" => return join(object).map(Ask::Join),
        "say" => Command::Say(message(object)?),
        "act" => Command::Act(message(object)?),
        "whisper" => Command::Whisper { to: person(object, "to")?, text: message(object)? },
        "reply" => Command::Reply(message(object)?),
        "line" => {
            let line = CleanText::from(required(object, "text")?);
            let command = Command::parse(line)?.ok_or(CommandError::EmptyMessage)?;
            if is_private(object)? && matches!(command, Command::Say(_) | Command::Act(_)) {
                return Err(Answer::BadObject(ObjectError::WouldBePublic));
            }
            command
        }
        "rename" => Command::Rename(Name::parse(required(object, "name")?.trim()).map_err(CommandError::BadName)?),
        "who" => Command::Who,
        "history" => Command::History(count(object, DEFAULT_HISTORY)?),
        "search" => {
            let typed = CleanText::from(required(object, "text")?);
            Command::search(typed.as_str(), count(object, DEFAULT_FOUND)?).ok_or_else(|| bad_field("text"))?
        }
        "seen" => Command::Seen(person(object, "name")?),
        "ignore" => Command::Ignore(person(object, "name")?),
        "unignore" => Command::Unignore(person(object, "name")?),
        "lang" => Command::Language(language(object)?.ok_or_else(|| bad_field("lang"))?),
        "help" => Command::Help,
        "ping" => Command::Ping,
        "leave" => Command::Quit,
        _ => return Err(Answer::BadObject(ObjectError::UnknownType)),
    };
    Ok(Ask::Command(command))
}

fn join(object: &Map<String, Value>) -> Result<Join, Answer> {
    let name = required(object, "name")?.to_owned();
    let password = optional(object, "password")?.map(str::to_owned);
    let token =
        optional(object, "token")?.map(|token| Token::parse(token).ok_or_else(|| bad_field("token"))).transpose()?;
    Ok(Join { name, language: language(object)?, password, from: place(object)?, token, ignored: ignored(object)? })
}

/// The epoch and the number of the last event that the program knows; neither means anything without the other.
fn place(object: &Map<String, Value>) -> Result<Option<Place>, Answer> {
    let Some(epoch) = optional(object, "epoch")? else { return Ok(None) };
    let seq = object.get("seq").and_then(Value::as_u64).ok_or_else(|| bad_field("seq"))?;
    let whispers = match object.get("whispers") {
        None | Some(Value::Null) => 0,
        Some(whispers) => whispers.as_u64().ok_or_else(|| bad_field("whispers"))?,
    };
    Ok(Some(Place { epoch: epoch.into(), seq, whispers }))
}

fn ignored(object: &Map<String, Value>) -> Result<Vec<Name>, Answer> {
    let names = match object.get("ignore") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(names)) => names,
        Some(_) => return Err(bad_field("ignore")),
    };
    let names = names.iter().map(|name| Name::parse(name.as_str()?.trim()).ok());
    names.collect::<Option<_>>().ok_or_else(|| bad_field("ignore"))
}

fn message(object: &Map<String, Value>) -> Result<CleanText, Answer> {
    let text = CleanText::from(required(object, "text")?);
    if text.is_blank() { Err(CommandError::EmptyMessage.into()) } else { Ok(text) }
}

fn person(object: &Map<String, Value>, field: &'static str) -> Result<Name, Answer> {
    let typed = CleanText::from(required(object, field)?);
    Ok(Command::person(typed.as_str())?)
}

fn language(object: &Map<String, Value>) -> Result<Option<Language>, Answer> {
    optional(object, "lang")?.map(|tag| tag.parse().map_err(|_| bad_field("lang"))).transpose()
}

/// How many messages the program asks for.
fn count(object: &Map<String, Value>, default: usize) -> Result<usize, Answer> {
    match object.get("count") {
        None | Some(Value::Null) => Ok(default),
        Some(count) => match count.as_u64().map(usize::try_from) {
            Some(Ok(count @ 1..)) => Ok(count),
            _ => Err(bad_field("count")),
        },
    }
}

/// Whether the program takes a line for one that nobody else reads, or one person at most.
fn is_private(object: &Map<String, Value>) -> Result<bool, Answer> {
    match object.get("private") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(is_private)) => Ok(*is_private),
        Some(_) => Err(bad_field("private")),
    }
}

fn required<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, Answer> {
    optional(object, field)?.ok_or_else(|| bad_field(field))
}

/// A string, if it is there. `null` counts as not there, as programs write it.
fn optional<'a>(object: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, Answer> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(bad_field(field)),
    }
}

fn bad_field(field: &'static str) -> Answer {
    Answer::BadObject(ObjectError::Field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::name::NameError;
    use proptest::prelude::*;

    fn asked(object: &str) -> Result<Ask, Answer> {
        Request::parse(object).ask
    }

    fn command(command: Command) -> Result<Ask, Answer> {
        Ok(Ask::Command(command))
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn every_type() {
        for (object, expected) in [
            (r#"{"type":"say","text":"/oi"}"#, Command::Say("/oi".into())),
            (r#"{"type":"act","text":"acena"}"#, Command::Act("acena".into())),
            (
                r#"{"type":"whisper","to":"@Beto","text":"oi"}"#,
                Command::Whisper { to: name("Beto"), text: "oi".into() },
            ),
            (r#"{"type":"reply","text":"oi"}"#, Command::Reply("oi".into())),
            (r#"{"type":"line","text":"oi"}"#, Command::Say("oi".into())),
            (r#"{"type":"line","text":"/quem"}"#, Command::Who),
            (r#"{"type":"line","text":"@beto oi"}"#, Command::Whisper { to: name("beto"), text: "oi".into() }),
            (r#"{"type":"line","text":"oi","private":false}"#, Command::Say("oi".into())),
            (r#"{"type":"line","text":"/quem","private":true}"#, Command::Who),
            (r#"{"type":"rename","name":" Bia "}"#, Command::Rename(name("Bia"))),
            (r#"{"type":"who"}"#, Command::Who),
            (r#"{"type":"history"}"#, Command::History(50)),
            (r#"{"type":"history","count":7}"#, Command::History(7)),
            (r#"{"type":"search","text":" são João "}"#, Command::Search { words: "são João".into(), count: 20 }),
            (r#"{"type":"search","text":"x","count":3}"#, Command::Search { words: "x".into(), count: 3 }),
            (r#"{"type":"search","text":"x","count":1000}"#, Command::Search { words: "x".into(), count: 50 }),
            (r#"{"type":"line","text":"/buscar x"}"#, Command::Search { words: "x".into(), count: 20 }),
            (r#"{"type":"seen","name":"@Beto"}"#, Command::Seen(name("Beto"))),
            (r#"{"type":"line","text":"/seen beto","private":true}"#, Command::Seen(name("beto"))),
            (r#"{"type":"ignore","name":"Beto"}"#, Command::Ignore(name("Beto"))),
            (r#"{"type":"unignore","name":"Beto"}"#, Command::Unignore(name("Beto"))),
            (r#"{"type":"lang","lang":"en-US"}"#, Command::Language(Language::English)),
            (r#"{"type":"help"}"#, Command::Help),
            (r#" { "more" : [1,{}], "type":"ping" } "#, Command::Ping),
            (r#"{"type":"leave","reason":null}"#, Command::Quit),
        ] {
            assert_eq!(asked(object), command(expected), "{object}");
        }
        assert_eq!(
            asked(r#"{"type":"join","name":"Ana","lang":"pt","password":"x"}"#),
            Ok(Ask::Join(Join {
                name: "Ana".into(),
                language: Some(Language::Portuguese),
                password: Some("x".into()),
                from: None,
                token: None,
                ignored: Vec::new(),
            }))
        );
        let back = asked(r#"{"type":"join","name":"Ana","epoch":"abc","seq":41}"#);
        assert!(matches!(back, Ok(Ask::Join(Join { from: Some(Place { seq: 41, whispers: 0, .. }), .. }))), "{back:?}");
        let token = "0f".repeat(32);
        let back = asked(&format!(
            r#"{{"type":"join","name":"Ana","token":"{token}","epoch":"abc","seq":41,"whispers":3,"ignore":["Beto"," zeca "]}}"#
        ));
        let Ok(Ask::Join(join)) = back else { panic!("{back:?}") };
        assert_eq!(join.from.map(|from| from.whispers), Some(3));
        assert_eq!((join.token, join.ignored), (Some(Token::new([15; 32])), vec![name("Beto"), name("zeca")]));
    }

    #[test]
    fn every_mistake() {
        let object = Answer::BadObject;
        for (line, expected) in [
            ("", object(ObjectError::NotJson)),
            ("oi", object(ObjectError::NotJson)),
            ("{", object(ObjectError::NotJson)),
            ("[]", object(ObjectError::NotJson)),
            (r#"{"type":"say","text":"oi"}{}"#, object(ObjectError::NotJson)),
            ("{}", object(ObjectError::Field("type"))),
            (r#"{"type":7}"#, object(ObjectError::Field("type"))),
            (r#"{"type":"sing"}"#, object(ObjectError::UnknownType)),
            (r#"{"type":"say"}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"say","text":null}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"say","text":["oi"]}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"whisper","text":"oi"}"#, object(ObjectError::Field("to"))),
            (r#"{"type":"join"}"#, object(ObjectError::Field("name"))),
            (r#"{"type":"join","name":"Ana","lang":"fr"}"#, object(ObjectError::Field("lang"))),
            (r#"{"type":"history","count":0}"#, object(ObjectError::Field("count"))),
            (r#"{"type":"history","count":"7"}"#, object(ObjectError::Field("count"))),
            (r#"{"type":"search"}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"search","text":""}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"search","text":"* \" %"}"#, object(ObjectError::Field("text"))),
            (r#"{"type":"search","text":"x","count":0}"#, object(ObjectError::Field("count"))),
            (r#"{"type":"seen"}"#, object(ObjectError::Field("name"))),
            (r#"{"type":"seen","name":"a b"}"#, CommandError::NoSuchName("a b".into()).into()),
            (r#"{"type":"join","name":"Ana","epoch":"abc"}"#, object(ObjectError::Field("seq"))),
            (r#"{"type":"join","name":"Ana","epoch":"abc","seq":-1}"#, object(ObjectError::Field("seq"))),
            (
                r#"{"type":"join","name":"Ana","epoch":"abc","seq":1,"whispers":"x"}"#,
                object(ObjectError::Field("whispers")),
            ),
            (r#"{"type":"join","name":"Ana","token":"abc"}"#, object(ObjectError::Field("token"))),
            (r#"{"type":"join","name":"Ana","ignore":"Beto"}"#, object(ObjectError::Field("ignore"))),
            (r#"{"type":"join","name":"Ana","ignore":["a b"]}"#, object(ObjectError::Field("ignore"))),
            (r#"{"type":"lang"}"#, object(ObjectError::Field("lang"))),
            (r#"{"type":"ping","id":7}"#, object(ObjectError::Field("id"))),
            (r#"{"type":"ping","id":""}"#, object(ObjectError::Field("id"))),
            (r#"{"type":"ping","id":"\u001b[2J"}"#, object(ObjectError::Field("id"))),
            (r#"{"type":"say","text":" \t"}"#, CommandError::EmptyMessage.into()),
            (r#"{"type":"line","text":""}"#, CommandError::EmptyMessage.into()),
            (r#"{"type":"line","text":"oi","private":true}"#, object(ObjectError::WouldBePublic)),
            (r#"{"type":"line","text":"//oi","private":true}"#, object(ObjectError::WouldBePublic)),
            (r#"{"type":"line","text":"/eu acena","private":true}"#, object(ObjectError::WouldBePublic)),
            (r#"{"type":"line","text":"oi","private":"sim"}"#, object(ObjectError::Field("private"))),
            (r#"{"type":"line","text":"@Beto"}"#, CommandError::WhisperFormat.into()),
            (r#"{"type":"whisper","to":"a b","text":"oi"}"#, CommandError::NoSuchName("a b".into()).into()),
            (r#"{"type":"rename","name":"a b"}"#, CommandError::BadName(NameError::BadCharacter).into()),
        ] {
            assert_eq!(asked(line), Err(expected), "{line}");
        }
        let long = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(MAX_ID + 1));
        assert_eq!(asked(&long), Err(bad_field("id")));
    }

    #[test]
    fn the_id_comes_along_even_with_a_mistake() {
        assert_eq!(Request::parse(r#"{"type":"sing","id":"m1"}"#).id.as_deref(), Some("m1"));
        assert_eq!(Request::parse(r#"{"type":"ping"}"#).id, None);
        assert_eq!(asked(r#"{"type":"ping","id":null}"#), command(Command::Ping));
    }

    #[test]
    fn what_a_terminal_obeys_is_shown_however_it_is_written() {
        assert_eq!(
            asked(r#"{"type":"say","text":"\u001b[2J\nAna: oi"}"#),
            command(Command::Say("␛[2J␊Ana: oi".into()))
        );
        assert_eq!(
            asked(r#"{"type":"whisper","to":"\u001b[2J","text":"oi"}"#),
            Err(CommandError::NoSuchName("␛[2J".into()).into())
        );
    }

    #[test]
    fn deep_nesting_is_a_mistake_and_no_overflow() {
        let deep = format!(r#"{{"type":"ping","x":{}"#, "[".repeat(4000));
        assert_eq!(asked(&deep), Err(Answer::BadObject(ObjectError::NotJson)));
        let closed = format!(r#"{{"type":"ping","x":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
        assert_eq!(asked(&closed), Err(Answer::BadObject(ObjectError::NotJson)));
    }

    proptest! {
        #[test]
        fn any_text_arrives_as_a_line_of_the_text_dialect_would(text in any::<String>()) {
            let object = serde_json::json!({ "type": "say", "text": text }).to_string();
            let clean = CleanText::new(text);
            match asked(&object) {
                Ok(Ask::Command(Command::Say(said))) => prop_assert_eq!(said, clean),
                mistake => prop_assert!(clean.is_blank(), "{:?}", mistake),
            }
        }

        #[test]
        fn nothing_panics(line in ".{0,80}") {
            let _ = Request::parse(&line);
        }
    }
}
