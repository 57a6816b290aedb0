//! Names.

use bolero::check;
use papo::chat::command::Command;
use papo::chat::name::{MAX_BYTES, MAX_CHARS, Name};
use unicode_normalization::is_nfc;

use crate::TIME;
use crate::input::{self, Piece};

#[test]
fn a_name_is_short_has_no_space_and_can_be_whispered_to() {
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let text = input::text(pieces);
        // most texts are no names, and the beginning of one may be
        for end in text.char_indices().map(|(at, _)| at).skip(1).take(MAX_CHARS + 1).chain([text.len()]) {
            let Ok(name) = Name::parse(&text[..end]) else { continue };
            let shown = name.as_str();
            assert!((1..=MAX_BYTES).contains(&shown.len()) && shown.chars().count() <= MAX_CHARS, "{shown:?}");
            assert!(
                !shown.contains(|c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation() && c != '_')
            );
            assert!(is_nfc(shown), "{shown:?}");
            assert_eq!(Name::parse(shown).as_ref().map(Name::as_str), Ok(shown));
            let whisper = Command::Whisper { to: name.clone(), text: "oi".into() };
            assert_eq!(Command::parse(format!("@{shown} oi").as_str().into()), Ok(Some(whisper)), "{shown:?}");
        }
    });
}
