//! Lines to commands.

use bolero::check;
use papo::chat::command::Command;
use papo::chat::hygiene::CleanText;

use crate::TIME;
use crate::input::{self, Piece};

const SLASHES: [char; 2] = ['/', '／'];
const ATS: [char; 3] = ['@', '＠', '﹫'];

/// Without what a person does not see at the beginning of a line.
fn visible(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || ('\u{2400}'..='\u{2424}').contains(&c))
}

#[test]
fn what_begins_with_a_sign_is_never_published() {
    check!().with_type::<Vec<Piece>>().with_test_time(TIME).for_each(|pieces: &Vec<Piece>| {
        let line = CleanText::new(input::text(pieces));
        let _ = Command::parse_before_name(&line);
        let parsed = Command::parse(line.clone());
        let seen = visible(line.as_str());
        let mut after_sign = seen.chars().skip(1);
        let is_doubled = seen.starts_with(SLASHES) && after_sign.next().is_some_and(|next| SLASHES.contains(&next));
        if seen.starts_with(ATS) || seen.starts_with(SLASHES) && !is_doubled {
            assert!(!matches!(parsed, Ok(Some(Command::Say(_)))), "{line:?}: {parsed:?}");
        }
        if let Ok(Some(Command::Say(text))) = &parsed {
            assert!(!text.is_blank());
            assert!(!visible(text.as_str()).starts_with(ATS), "{line:?}: {parsed:?}");
            // all of the line, or what follows the first of two slashes
            let before = line.as_str().strip_suffix(text.as_str()).unwrap();
            assert_eq!(before.ends_with(SLASHES), visible(text.as_str()).starts_with(SLASHES), "{line:?}: {parsed:?}");
            assert!(before.is_empty() || before.ends_with(SLASHES), "{line:?}: {parsed:?}");
        }
        assert_eq!(line.is_blank(), parsed == Ok(None));
    });
}
