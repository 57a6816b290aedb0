//! What reaches other people's terminals.

use bolero::check;
use papo::chat::hygiene::CleanText;

use crate::TIME;
use crate::input::{self, Piece};

/// The characters that turn the direction of the text around them (Unicode TR 9 §2).
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn no_terminal_obeys_what_is_shown() {
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let line = input::text(pieces);
        let clean = CleanText::new(line.clone());
        let shown = clean.as_str();
        let is_obeyed = |c: char| c.is_control() && c != '\t' || turns(c) || matches!(c, '\u{2028}' | '\u{2029}');
        assert!(!shown.contains(is_obeyed), "{shown:?}");
        assert!(shown.len() <= 3 * line.len());
        assert_eq!(CleanText::from(shown), clean, "cleaning twice changes something");
        if line.chars().all(|c| matches!(c, ' '..='~' | 'à'..='ÿ')) {
            assert_eq!(shown, line);
        }
    });
}
