//! What a peer typed, made safe to show on other people's screens.
//!
//! Terminals obey control characters: a line with an escape sequence can move the cursor, rename the window or
//! make the terminal type. So every line passes through [`CleanText`] once, where it enters, and everything
//! behind it (events, answers, logs) only ever holds clean text. A terminal character is *shown*, not dropped, so
//! that nobody is silently quoted wrong.

use std::fmt;

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// One line of a peer's text without a single character that a terminal obeys.
///
/// * C0 controls and DEL become their pictures (`ESC` → `␛`, Unicode block *Control Pictures*); a tab stays;
/// * C1 controls become the two-character form they stand for (ECMA-48 §5.3: U+009B → `␛[`);
/// * line and paragraph separators (U+2028, U+2029) become `␤`;
/// * bidirectional controls, which reorder what is on the screen around them, are removed (Unicode TR 36 §3.5);
/// * so are interlinear annotations (U+FFF9–FFFB), tag characters outside of the flag of a region (`🏴` … U+E007F), which
///   say what nobody sees, and more than 8 marks on one character, which some terminals do not survive.
///
/// It never holds a line end, so a message cannot forge a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CleanText(String);

impl CleanText {
    /// Cleans a line. At most three times as long as what went in; cleaning twice changes nothing.
    pub fn new(line: String) -> CleanText {
        let is_clean_ascii = |byte| matches!(byte, b'\t' | b' '..=b'~');
        // to the end in any case, which compiles to many bytes at once
        let is_clean = line.bytes().fold(true, |all, byte| all & is_clean_ascii(byte));
        if is_clean || line.chars().all(|c| fate(c) == Fate::Stays) {
            return CleanText(line);
        }
        let mut clean = String::with_capacity(line.len() + 16);
        let mut marks = 0;
        for (at, c) in line.char_indices() {
            match c {
                _ if is_mark(c) => marks += 1,
                // a new character to stack marks on
                _ if !is_invisible(c) && fate(c) != Fate::Goes => marks = 0,
                _ => {}
            }
            match fate(c) {
                Fate::Stays => clean.push(c),
                Fate::IsCounted if marks <= MAX_MARKS => clean.push(c),
                Fate::IsInFlag if is_in_flag(&line[..at], &line[at..]) => clean.push(c),
                Fate::Goes | Fate::IsCounted | Fate::IsInFlag => {}
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
    /// A mark: stays, if not too many are before it.
    IsCounted,
    /// A tag: stays in the flag of a region.
    IsInFlag,
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
        '\u{fff9}'..='\u{fffb}' => Fate::Goes,
        '\u{e0000}'..='\u{e007f}' => Fate::IsInFlag,
        _ if is_mark(c) => Fate::IsCounted,
        _ => Fate::Stays,
    }
}

/// The most marks on one character.
const MAX_MARKS: usize = 8;

fn is_mark(c: char) -> bool {
    c >= '\u{300}' && c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Whether a tag is a part of a flag: a black flag, up to [`MAX_TAGS`] tags, and the tag that ends them (Unicode TR 51,
/// annex C).
fn is_in_flag(before: &str, from_tag: &str) -> bool {
    let is_tag = |c: &char| ('\u{e0020}'..='\u{e007e}').contains(c);
    let tags_before = before.chars().rev().take(MAX_TAGS).take_while(is_tag).count();
    let tags_behind = from_tag.chars().take(MAX_TAGS).take_while(is_tag).count();
    let begins = before.chars().rev().nth(tags_before) == Some('\u{1f3f4}');
    let ends = from_tag.chars().nth(tags_behind) == Some('\u{e007f}');
    begins && ends && (1..=MAX_TAGS).contains(&(tags_before + tags_behind))
}

/// The most tags in a flag, its end not counted: what the longest name of a region takes.
const MAX_TAGS: usize = 6;

/// Whether nothing is seen of a character, although it is no white space: somebody may have typed it unknowingly.
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    // the braille blank; letters: the Hangul fillers; marks: the grapheme joiner, Khmer inherent vowels, variation selectors
    matches!(
        c,
        '\u{2800}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{34f}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    ) || c.general_category() == GeneralCategory::Format
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

    #[test]
    fn marks_are_stacked_eight_high() {
        let marks = "\u{301}".repeat(300);
        assert_eq!(clean(&format!("a{marks}b{marks}")), format!("a{0}b{0}", "\u{301}".repeat(8)));
        assert_eq!(clean("क्षि"), "क्षि");
    }

    #[test]
    fn what_says_something_that_nobody_sees_is_removed() {
        assert_eq!(clean("a\u{e0041}\u{e0042}\u{e007f}b\u{fff9}c\u{fffa}d\u{fffb}"), "abcd");
        let scotland = "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
        assert_eq!(clean(scotland), scotland);
        let unfinished = "🏴\u{e0067}\u{e0062} oi";
        assert_eq!(clean(unfinished), "🏴 oi");
        assert_eq!(clean(&format!("🏴{}\u{e007f}", "\u{e0061}".repeat(7))).chars().filter(|c| *c != '🏴').count(), 0);
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
            let is_obeyed = |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            prop_assert!(!clean.contains(is_obeyed));
            prop_assert!(clean.len() <= 3 * line.len());
        }

        #[test]
        fn cleaning_twice_changes_nothing(line in any_line()) {
            let once = clean(&line);
            prop_assert_eq!(clean(&once), once);
        }
    }
}
