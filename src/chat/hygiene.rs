//! What a peer typed, made safe to show on other people's screens.
//!
//! Terminals obey control characters: a line with an escape sequence can move the cursor, rename the window or
//! make the terminal type. So every line passes through [`CleanText`] once, where it enters, and everything
//! behind it (events, answers, logs) only ever holds clean text. A terminal character is *shown*, not dropped, so
//! that nobody is silently quoted wrong.

use std::fmt;

/// One line of a peer's text without a single character that a terminal obeys.
///
/// * C0 controls and DEL become their pictures (`ESC` → `␛`, Unicode block *Control Pictures*); a tab stays;
/// * C1 controls become the two-character form they stand for (ECMA-48 §5.3: U+009B → `␛[`);
/// * line and paragraph separators (U+2028, U+2029) become `␤`;
/// * bidirectional controls, which reorder what is on the screen around them, are removed (Unicode TR 36 §3.5).
///
/// It never holds a line end, so a message cannot forge a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CleanText(String);

impl CleanText {
    /// Cleans a line. At most three times as long as what went in; cleaning twice changes nothing.
    pub fn new(line: String) -> CleanText {
        if line.chars().all(|c| fate(c) == Fate::Stays) {
            return CleanText(line);
        }
        let mut clean = String::with_capacity(line.len() + 16);
        for c in line.chars() {
            match fate(c) {
                Fate::Stays => clean.push(c),
                Fate::Goes => {}
                Fate::Shown(picture) => clean.push(picture),
                Fate::ShownAsEscape(letter) => clean.extend(['␛', letter]),
            }
        }
        CleanText(clean)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to see: empty or white space only.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl From<&str> for CleanText {
    fn from(line: &str) -> CleanText {
        CleanText::new(line.to_owned())
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What becomes of one character.
#[derive(PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
    Shown(char),
    ShownAsEscape(char),
}

fn fate(c: char) -> Fate {
    match c {
        '\t' | ' '..='~' => Fate::Stays,
        '\0'..='\u{1f}' => Fate::Shown(offset('\u{2400}', c as u32)),
        '\u{7f}' => Fate::Shown('\u{2421}'),
        '\u{80}'..='\u{9f}' => Fate::ShownAsEscape(offset('@', c as u32 - 0x80)),
        '\u{2028}' | '\u{2029}' => Fate::Shown('\u{2424}'),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Fate::Goes,
        _ => Fate::Stays,
    }
}

fn offset(base: char, by: u32) -> char {
    char::from_u32(base as u32 + by).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(line: &str) -> String {
        CleanText::from(line).0
    }

    #[test]
    fn ordinary_text_is_untouched() {
        for line in ["", "oi", "olá, mundo\t!", "👨‍👩‍👧 ❤️", "שלום", "می‌خواهم"] {
            assert_eq!(clean(line), line);
        }
    }

    #[test]
    fn escape_sequences_are_shown() {
        assert_eq!(clean("\x1b]0;pwned\x07"), "␛]0;pwned␇");
        assert_eq!(clean("\x1b[2J"), "␛[2J");
        assert_eq!(clean("a\rb\0c\x7f"), "a␍b␀c␡");
        assert_eq!(clean("\u{9b}31m\u{85}"), "␛[31m␛E");
        assert_eq!(clean("a\u{2028}b\u{2029}c\nd"), "a␤b␤c␊d");
    }

    #[test]
    fn bidirectional_controls_are_removed() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200f}d\u{61c}e"), "abcde");
    }

    /// Any text, with control and format characters in most of them.
    fn any_line() -> impl Strategy<Value = String> {
        let c = prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{a0}'),
            prop::char::range('\u{2000}', '\u{2070}'),
            Just('\u{61c}'),
        ];
        prop::collection::vec(c, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_a_terminal_obeys_survives(line in any_line()) {
            let clean = clean(&line);
            prop_assert!(clean.chars().all(|c| c == '\t' || !c.is_control()));
            let obeyed = ['\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}'];
            prop_assert!(!clean.contains(obeyed));
            prop_assert!(clean.len() <= 3 * line.len());
        }

        #[test]
        fn cleaning_twice_changes_nothing(line in any_line()) {
            let once = clean(&line);
            prop_assert_eq!(clean(&once), once);
        }
    }
}
