//! The words of a text, as they are searched for: without case and accents, by the same rule as papo's commands.
//!
//! One rule for what is marked and for what is looked for.

use unicode_script::{Script, UnicodeScript};

use super::record::text_of;
use crate::chat::event::EventKind;
use crate::chat::fold::accentless;

/// The most words that are looked for at once; further ones are left out.
pub const MAX_WORDS: usize = 8;

/// The words of a text, with [spaces](split) between: runs of letters and digits. Writing that puts no spaces between words
/// (Chinese, Japanese, Thai and others) counts each letter as a word.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        let fold = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b' ' };
        return String::from_utf8(text.bytes().map(fold).collect()).unwrap_or_default();
    }
    let mut words = String::with_capacity(text.len());
    // what stands on one side of such a sign has no influence on the other; and most pieces are easy
    for piece in text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()).filter(|piece| !piece.is_empty()) {
        if !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        let begin = words.len();
        if piece.is_ascii() {
            words.push_str(piece);
            words[begin..].make_ascii_lowercase();
        } else {
            fold_difficult(piece, &mut words);
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// The words of a text that was folded.
pub(super) fn split(folded: &str) -> impl Iterator<Item = &str> {
    folded.split_ascii_whitespace()
}

/// The words of a piece of text, by the rule as it is.
fn fold_difficult(text: &str, words: &mut String) {
    let begin = words.len();
    let mut is_inside = false;
    for c in accentless(text).chars() {
        let stands_alone = has_no_spaces(c);
        if !c.is_alphanumeric() || stands_alone {
            is_inside = false;
        }
        if c.is_alphanumeric() {
            if !is_inside && words.len() > begin {
                words.push(' ');
            }
            words.push(c);
            is_inside = !stands_alone;
        }
    }
}

fn has_no_spaces(c: char) -> bool {
    use Script::{Han, Hiragana, Katakana, Khmer, Lao, Myanmar, Thai};
    !c.is_ascii() && matches!(c.script(), Han | Hiragana | Katakana | Khmer | Lao | Myanmar | Thai)
}

/// What somebody looks for: texts that have all of these words, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(Vec<String>);

impl Query {
    /// The words of what was typed, at most [`MAX_WORDS`]. `None` if there are none in it.
    pub fn new(typed: &str) -> Option<Query> {
        let mut words = Vec::new();
        for word in split(&folded(typed)) {
            if words.len() < MAX_WORDS && !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        (!words.is_empty()).then_some(Query(words))
    }

    /// Whether somebody said or did something with all of them.
    pub fn is_in(&self, kind: &EventKind) -> bool {
        text_of(kind).is_some_and(|text| self.matches(text.as_str()))
    }

    /// Whether a text has them all.
    pub(super) fn matches(&self, text: &str) -> bool {
        let folded = folded(text);
        self.0.iter().all(|word| split(&folded).any(|other| other == word))
    }

    /// The words, folded.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_have_no_case_no_accents_and_no_signs() {
        let words = |text| split(&folded(text)).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words("A AÇÃO, d'água: (Straße)!"), ["a", "acao", "d", "agua", "strasse"]);
        assert_eq!(words("  🎉 "), [""; 0]);
        assert_eq!(words("会議 at 10h"), ["会", "議", "at", "10h"]);
        assert_eq!(words("é1会x"), ["e1", "会", "x"]);
    }

    #[test]
    fn a_query_asks_for_every_word_as_a_whole() {
        let query = Query::new("Reunião, SALA sala").unwrap();
        assert_eq!(query.words().collect::<Vec<_>>(), ["reuniao", "sala"]);
        assert!(query.matches("na sala: reuniao"));
        assert!(!query.matches("reunioes na sala") && !query.matches("sala"));
        assert_eq!(Query::new("\"' OR *"), Some(Query(vec!["or".into()])));
        assert_eq!(Query::new("!? 🎉"), None);
    }

    proptest! {
        /// To take a text to pieces changes nothing.
        #[test]
        fn the_words_are_those_of_the_whole_text(text in "(\\PC|[a-zA-Z ,.'\u{303}\u{301}çÃßσς会ก]){0,40}") {
            let mut whole = String::new();
            fold_difficult(&text, &mut whole);
            let folded = folded(&text);
            prop_assert_eq!(split(&folded).collect::<Vec<_>>(), split(&whole).collect::<Vec<_>>());
        }
    }
}
