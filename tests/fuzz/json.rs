//! Objects of programs to commands, and what they say to objects again.

use std::time::SystemTime;

use bolero::check;
use papo::chat::command::Command;
use papo::chat::event::{Event, EventKind};
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use papo::chat::name::Name;
use papo::dialect::json;
use papo::dialect::json::request::{Ask, Request};
use serde_json::Value;

use crate::TIME;
use crate::input::{self, Piece};

#[test]
fn any_line_is_a_command_or_a_mistake_with_an_answer() {
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let line = input::text(pieces);
        let Request { id, ask } = Request::parse(&line);
        if let Err(mistake) = ask {
            let answer: Value =
                serde_json::from_str(&json::answer(&mistake, id.as_deref(), Language::English)).unwrap();
            assert_eq!(answer["type"], "error");
            assert_eq!(answer.get("id").and_then(Value::as_str), id.as_deref());
        }
    });
}

#[test]
fn what_a_program_says_is_read_by_programs_as_it_is_by_people() {
    let from = Name::parse("Ana").unwrap();
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let text = input::text(pieces);
        let asked = Request::parse(&serde_json::json!({ "type": "say", "text": text }).to_string()).ask;
        let Ok(Ask::Command(Command::Say(said))) = asked else {
            return assert!(CleanText::new(text).is_blank());
        };
        assert_eq!(said, CleanText::new(text));
        let kind = EventKind::Said { from: from.clone(), text: said.clone() };
        let told = json::event(&Event { seq: 1, at: SystemTime::UNIX_EPOCH, kind }, Language::Portuguese);
        assert!(!told.contains('\n'));
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["text"], said.as_str());
    });
}
