//! People's names: what is valid, and when two spellings are one name.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::fold::caseless;
use super::hygiene::is_invisible;

/// The most characters (Unicode code points) in a name.
pub const MAX_CHARS: usize = 32;
/// The most bytes (UTF-8) in a name.
pub const MAX_BYTES: usize = 64;
/// The most combining marks on one letter.
const MAX_MARKS: usize = 2;
/// Bytes looked at before any Unicode work is done: a decomposed name is longer than its NFC form, though never by this much.
const MAX_RAW_BYTES: usize = 4 * MAX_BYTES;

/// Words that would let a person pose as the server: `Erro: …` is how its own lines begin.
const RESERVED: &[&str] = &[
    "admin",
    "administrador",
    "administrator",
    "all",
    "bot",
    "canal",
    "channel",
    "erro",
    "error",
    "everyone",
    "here",
    "mod",
    "moderador",
    "moderator",
    "ninguém",
    "nobody",
    "null",
    "oper",
    "operador",
    "operator",
    "papo",
    "root",
    "server",
    "servidor",
    "sistema",
    "system",
    "todos",
    "você",
    "you",
];

/// A valid name of a person: 1 to [`MAX_CHARS`] characters and at most [`MAX_BYTES`] bytes after NFC; letters of any
/// script, up to two combining marks on each, digits and `_`; at least one letter or digit.
///
/// It can only exist valid. It is shown as typed and compared caselessly: `Ana` equals `ANA`.
#[derive(Clone)]
pub struct Name {
    shown: Arc<str>,
    key: Arc<str>,
}

/// Why a text is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or with a character that no name has: a space, a sign, a lone mark.
    #[error("the name has a character that is not allowed")]
    BadCharacter,
    /// Nothing but `_`.
    #[error("the name has no letter and no digit")]
    NoLetter,
    /// More than [`MAX_CHARS`] characters or [`MAX_BYTES`] bytes.
    #[error("the name is too long")]
    TooLong,
    /// A word that could be taken for the server.
    #[error("the name is reserved")]
    Reserved,
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError`] says which rule the text breaks; the length is looked at first.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        if text.len() > MAX_RAW_BYTES {
            return Err(NameError::TooLong);
        }
        let shown: String = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
        if shown.len() > MAX_BYTES || shown.chars().count() > MAX_CHARS {
            return Err(NameError::TooLong);
        }
        check_characters(&shown)?;
        let key = caseless(&shown);
        if is_reserved(&key) {
            return Err(NameError::Reserved);
        }
        Ok(Name { shown: shown.into(), key: key.into() })
    }

    /// The name as its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form that is unique in a room.
    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }
}

fn check_characters(shown: &str) -> Result<(), NameError> {
    let mut has_letter_or_digit = false;
    let mut marks_allowed = 0;
    for c in shown.chars() {
        if is_letter_or_digit(c) {
            has_letter_or_digit = true;
            marks_allowed = MAX_MARKS;
        } else if is_mark(c) && marks_allowed > 0 {
            marks_allowed -= 1;
        } else if c == '_' {
            marks_allowed = 0;
        } else {
            return Err(NameError::BadCharacter);
        }
    }
    match (shown.is_empty(), has_letter_or_digit) {
        (true, _) => Err(NameError::BadCharacter),
        (false, false) => Err(NameError::NoLetter),
        (false, true) => Ok(()),
    }
}

fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || !is_invisible(c)
            && (c.general_category_group() == GeneralCategoryGroup::Letter
                || c.general_category() == GeneralCategory::DecimalNumber)
}

fn is_mark(c: char) -> bool {
    !is_invisible(c) && matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

fn is_reserved(key: &str) -> bool {
    static KEYS: LazyLock<HashSet<String>> = LazyLock::new(|| RESERVED.iter().map(|word| caseless(word)).collect());
    KEYS.contains(key)
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.key == other.key
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_people_pass() {
        for text in [
            "Ana",
            "João",
            "joa\u{303}o",
            "Ana_Maria",
            "ana2",
            "7",
            "_a_",
            "Иван",
            "李雷",
            "محمد",
            "José",
            "Ἀχιλλεύς",
            "สมชาย",
            "आरती",
            "Ali",
            "x",
            &"a".repeat(32),
        ] {
            assert!(Name::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_name_has_only_letters_marks_digits_and_underscores() {
        for text in [
            "",
            " ",
            "ana maria",
            " ana",
            "ana ",
            "ana!",
            "a-b",
            "a.b",
            "@ana",
            "/ana",
            "ana\t",
            "ana\u{200d}",
            "😀",
            "²",
            "½",
            "\u{301}a",
            "_\u{301}",
            "x\u{301}\u{302}\u{303}",
            "\u{3164}",
            "a\u{200b}",
            "a\u{fe0f}",
            "GET / HTTP/1.1",
            "{\"a\":1}",
            "a\0",
            "a\u{1b}[m",
            "ﷺ\u{20dd}",
        ] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::BadCharacter, "{text:?}");
        }
    }

    #[test]
    fn a_name_has_a_letter_or_a_digit() {
        for text in ["_", "___"] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::NoLetter);
        }
    }

    #[test]
    fn the_length_counts_characters_and_bytes_after_nfc() {
        assert!(Name::parse(&"ã".repeat(32)).is_ok());
        assert!(Name::parse(&"a\u{303}".repeat(32)).is_ok());
        assert_eq!(Name::parse(&"a".repeat(33)).unwrap_err(), NameError::TooLong);
        assert!(Name::parse(&"李".repeat(21)).is_ok());
        assert_eq!(Name::parse(&"李".repeat(22)).unwrap_err(), NameError::TooLong);
        assert_eq!(Name::parse(&"a b".repeat(2000)).unwrap_err(), NameError::TooLong);
    }

    #[test]
    fn nobody_poses_as_the_server() {
        for text in ["servidor", "Server", "ADMIN", "Erro", "error", "Ninguém", "ningue\u{301}m", "papo", "todos"] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::Reserved, "{text}");
        }
    }

    #[test]
    fn names_are_shown_as_typed_and_compared_caselessly() {
        let (a, b) = (Name::parse("João").unwrap(), Name::parse("JOA\u{303}O").unwrap());
        assert_eq!(a, b);
        assert_eq!(b.as_str(), "JOÃO");
        assert_ne!(a, Name::parse("Joao").unwrap());
        assert_eq!(Name::parse("Straße").unwrap(), Name::parse("STRASSE").unwrap());
    }

    /// Texts that are names often, and everything else sometimes.
    fn any_text() -> impl Strategy<Value = String> {
        let c = prop_oneof![
            6 => "[\\p{L}]".prop_map(|s| s.chars().next().unwrap_or('a')),
            2 => "[\\p{M}]".prop_map(|s| s.chars().next().unwrap_or('a')),
            1 => "[\\p{N}_]".prop_map(|s| s.chars().next().unwrap_or('a')),
            1 => any::<char>(),
        ];
        prop::collection::vec(c, 0..12).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn a_valid_name_is_short_clean_and_parses_to_itself(text in any_text()) {
            if let Ok(name) = Name::parse(&text) {
                prop_assert!((1..=MAX_CHARS).contains(&name.as_str().chars().count()));
                prop_assert!(name.as_str().len() <= MAX_BYTES);
                prop_assert!(!name.as_str().contains(|c: char| c.is_control() || c.is_whitespace()));
                let again = Name::parse(name.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), name.as_str());
                prop_assert_eq!(again, name);
            }
        }

        #[test]
        fn any_case_of_a_name_is_the_same_name(text in r"[\p{L}\p{Nd}_]{1,12}") {
            if let (Ok(name), Ok(upper), Ok(lower)) =
                (Name::parse(&text), Name::parse(&text.to_uppercase()), Name::parse(&text.to_lowercase()))
            {
                // Two lower-case letters may share one capital (Turkish dotless i); the lower-case form never strays.
                prop_assert!(lower == name || upper == name);
            }
        }

        #[test]
        fn every_letter_is_allowed(text in r"[a-zA-ZÀ-ÖØ-öø-ÿĀ-ž0-9_]{0,30}[a-z]") {
            let parsed = Name::parse(&text);
            prop_assert!(matches!(parsed, Ok(_) | Err(NameError::Reserved)), "{:?}", parsed);
        }
    }
}
