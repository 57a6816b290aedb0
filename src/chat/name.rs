//! People's names: what is valid, and when two of them are one name or look alike.
//!
//! The order of the checks is that of their cost: the length in bytes first, so that an over-long text costs nothing, and
//! Unicode work after it. `name/keys.rs` has the forms that are compared, `name/reserved.rs` the words that nobody is called.

mod keys;
mod reserved;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::once;
use std::sync::Arc;

use precis_core::profile::Rules;
use precis_core::{DerivedPropertyValue, IdentifierClass, StringClass};
use precis_profiles::UsernameCaseMapped;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::Script;
use unicode_security::MixedScript;
use unicode_security::mixed_script::AugmentedScriptSet;

use super::hygiene::is_invisible;

/// The most characters (Unicode code points) in a name.
pub const MAX_CHARS: usize = 32;
/// The most bytes (UTF-8) in a name.
pub const MAX_BYTES: usize = 64;
/// The most combining marks on one letter.
pub const MAX_MARKS: usize = 2;
/// Bytes looked at before any Unicode work is done: a decomposed name is longer than its NFC form, though never by this much.
const MAX_RAW_BYTES: usize = 4 * MAX_BYTES;

/// A valid name of a person.
///
/// * 1 to [`MAX_CHARS`] characters and at most [`MAX_BYTES`] bytes, as shown and as folded;
/// * letters of any script, up to [`MAX_MARKS`] combining marks on each, digits and `_`; at least one letter or digit; of
///   these what the `IdentifierClass` of RFC 8264 §4.2 allows;
/// * one script, or Latin with Chinese, Japanese or Korean ("highly restrictive", UTS 39 §5.2);
/// * the directions of RFC 5893 §2, as RFC 8265 §3.3 asks for: Arabic and Hebrew names begin with a letter.
///
/// It can only exist valid. It is shown as typed, but for two things: in NFC, and full-width and half-width characters in their
/// ordinary form, so `Ａｎａ` is shown as `Ana`. It is compared caselessly: `Ana` equals `ANA`.
#[derive(Clone)]
pub struct Name(
    /// Its forms, one a line, in one allocation because every member has them: as it is shown; the fold, or nothing if it is
    /// the same; those of the other two keys that differ from the fold and from each other.
    Arc<str>,
);

/// Why a text is no [`Name`], or none to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or with a character that no name has: a space, a sign, a lone mark.
    #[error("the name has a character that is not allowed")]
    BadCharacter,
    /// Nothing but `_`.
    #[error("the name has no letter and no digit")]
    NoLetter,
    /// More than [`MAX_CHARS`] characters or [`MAX_BYTES`] bytes, as shown or as folded (`ß` counts as `ss`).
    #[error("the name is too long")]
    TooLong,
    /// More than [`MAX_MARKS`] combining marks on one letter.
    #[error("the name has too many marks on a letter")]
    TooManyMarks,
    /// Letters of scripts that are not written together.
    #[error("the name mixes scripts")]
    MixedScripts,
    /// Arabic or Hebrew whose parts a screen would put in another order.
    #[error("the name breaks the rule for scripts written from right to left")]
    BadDirection,
    /// A word that could be taken for the server, or for a command.
    #[error("the name is reserved")]
    Reserved,
    /// Not a reserved word, but looks like one.
    #[error("the name looks like a reserved one")]
    LooksReserved,
}

impl Name {
    /// Reads a name that a person wants to have.
    ///
    /// # Errors
    /// [`NameError`] says which rule the text breaks; the length is looked at first.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let name = Name::parse_addressed(text)?;
        reserved::check(&name)?;
        Ok(name)
    }

    /// Reads a name by which somebody else is addressed. It may be reserved, which is nobody's: a spelling that is not free to
    /// take (`ALI`, which looks like `all`) still reaches its holder (`Ali`).
    ///
    /// # Errors
    /// As [`Name::parse`], but never [`NameError::Reserved`] or [`NameError::LooksReserved`].
    pub fn parse_addressed(text: &str) -> Result<Name, NameError> {
        if text.len() > MAX_RAW_BYTES {
            return Err(NameError::TooLong);
        }
        if text.is_ascii() {
            check_length(text)?;
            check_characters(text)?;
            return Ok(Name::with_keys(text));
        }
        let profile = UsernameCaseMapped::new();
        let ordinary = profile.width_mapping_rule(text).map_err(|_| NameError::BadCharacter)?;
        let shown: String = ordinary.nfc().collect();
        check_length(&shown)?;
        check_characters(&shown)?;
        check_class(&shown)?;
        check_scripts(&shown)?;
        check_direction(&shown, profile)?;
        let name = Name::with_keys(&shown);
        check_length(name.fold())?;
        Ok(name)
    }

    fn with_keys(shown: &str) -> Name {
        if keys::looks_like_nothing_else(shown) {
            // most names, and only these few bytes: whoever whispers writes one every time
            return match keys::fold(shown) {
                fold if fold == shown => Name(shown.into()),
                fold => Name([shown, &fold].join("\n").into()),
            };
        }
        let [fold, in_small_letters, as_shown] = &keys::keys(shown);
        let mut forms = String::with_capacity(4 * shown.len());
        forms.push_str(shown);
        forms.push('\n');
        if fold != shown {
            forms.push_str(fold);
        }
        let is_new = [in_small_letters != fold, as_shown != fold && as_shown != in_small_letters];
        for (key, is_new) in [in_small_letters, as_shown].into_iter().zip(is_new) {
            if is_new {
                forms.push('\n');
                forms.push_str(key);
            }
        }
        Name(forms.into())
    }

    /// The name as its owner typed it.
    pub fn as_str(&self) -> &str {
        first_line(&self.0)
    }

    /// The form in which the name is unique: equal for all its spellings.
    pub(crate) fn fold(&self) -> &str {
        let shown = self.as_str();
        match self.0.get(shown.len() + 1..).map(first_line) {
            Some("") | None => shown,
            Some(fold) => fold,
        }
    }

    /// The forms that no two names in a room may have in common: one to three, the fold first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        once(self.fold()).chain(self.0.split('\n').skip(2))
    }
}

/// What comes before the first line end.
fn first_line(text: &str) -> &str {
    // for so few bytes this is faster than to search for a character
    let end = text.bytes().position(|byte| byte == b'\n').unwrap_or(text.len());
    &text[..end]
}

fn check_length(text: &str) -> Result<(), NameError> {
    match text.len() > MAX_BYTES || text.chars().count() > MAX_CHARS {
        true => Err(NameError::TooLong),
        false => Ok(()),
    }
}

fn check_characters(shown: &str) -> Result<(), NameError> {
    let mut has_letter_or_digit = false;
    let mut marks = None;
    for c in shown.chars() {
        match &mut marks {
            _ if is_letter_or_digit(c) => {
                has_letter_or_digit = true;
                marks = Some(0);
            }
            _ if c == '_' => marks = None,
            Some(MAX_MARKS) if is_mark(c) => return Err(NameError::TooManyMarks),
            Some(marks) if is_mark(c) => *marks += 1,
            _ => return Err(NameError::BadCharacter),
        }
    }
    match (shown.is_empty(), has_letter_or_digit) {
        (true, _) => Err(NameError::BadCharacter),
        (false, false) => Err(NameError::NoLetter),
        (false, true) => Ok(()),
    }
}

/// Letters by name only: they look like `:` and `_`, which have a meaning in a line (`Ana: oi`).
const SIGNS: [char; 3] = ['\u{2cd}', '\u{2d0}', '\u{2d1}'];

fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || !is_invisible(c)
            && !SIGNS.contains(&c)
            && (c.general_category_group() == GeneralCategoryGroup::Letter
                || c.general_category() == GeneralCategory::DecimalNumber)
}

fn is_mark(c: char) -> bool {
    !is_invisible(c) && matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// The `IdentifierClass` (RFC 8264 §4.2), which has no ligatures, mathematical letters and the like. The tables of the crate are
/// those of Unicode 6.3; a letter that is younger passes if it has no other form. Every ASCII letter and digit is in it.
fn check_class(shown: &str) -> Result<(), NameError> {
    let class = IdentifierClass::default();
    let is_younger = |c: &char| class.get_value_from_char(*c) == DerivedPropertyValue::Unassigned;
    let has_other_form = |c: char| !once(c).nfkc().eq(once(c));
    let (younger, known): (String, String) =
        keys::spell_out(shown).chars().filter(|c| !c.is_ascii()).partition(is_younger);
    let is_in_class = class.allows(&known).is_ok() && !younger.chars().any(has_other_form);
    if is_in_class { Ok(()) } else { Err(NameError::BadCharacter) }
}

/// One script, or those of one East Asian language with Latin among them (UTS 39 §5.2, "highly restrictive"). Digits and `_`
/// belong to every script. Unlike the level that the crate computes, this leaves it to [`check_class`] which letters there are:
/// the profile of UTS 39 has none of living scripts such as Cherokee.
fn check_scripts(shown: &str) -> Result<(), NameError> {
    if shown.is_single_script() {
        return Ok(());
    }
    let is_latin = |c: char| AugmentedScriptSet::for_char(c).base.contains_script(Script::Latin);
    let beside_latin: String = shown.chars().filter(|c| !is_latin(*c)).collect();
    let scripts = beside_latin.resolve_script_set();
    if scripts.hanb || scripts.jpan || scripts.kore { Ok(()) } else { Err(NameError::MixedScripts) }
}

/// Where Hebrew begins.
const FIRST_RIGHT_TO_LEFT: char = '\u{590}';

/// The Bidi Rule (RFC 5893 §2). It allows nonspacing marks everywhere behind the first letter, the crate only at the end: they
/// are left out.
fn check_direction(shown: &str, profile: UsernameCaseMapped) -> Result<(), NameError> {
    if shown.chars().all(|c| c < FIRST_RIGHT_TO_LEFT) {
        return Ok(());
    }
    let is_nonspacing = |c: char| c.general_category() == GeneralCategory::NonspacingMark;
    let letters: String = shown.chars().filter(|c| !is_nonspacing(*c)).collect();
    profile.directionality_rule(letters).map_err(|_| NameError::BadDirection)?;
    Ok(())
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.fold() == other.fold()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fold().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
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
            "x",
            "Ali",
            "O\u{2bc}Neil",
            "Nguyễn",
            "Straße",
            "Иван",
            "Ива\u{301}н",
            "Ἀχιλλεύς",
            "Αλέξης_2",
            "სანდრო",
            "Լևոն",
            "አበበ",
            "ᏣᎳᎩ",
            "𞤀𞤣𞤢𞤥",
            "สมชาย",
            "กำพล",
            "น้ำฝน",
            "ຄຳໝັ້ນ",
            "आरती",
            "प्रिया",
            "தமிழ்",
            "ချမ်း",
            "李雷",
            "𠮷田",
            "\u{2b820}",
            "田中さくら",
            "サトウ",
            "佐々木Ken",
            "Kimさん",
            "김민수",
            "민수Kim",
            "محمد",
            "مُحَمَّد",
            "محمد_علي",
            "علي7",
            "یاسر۲",
            "דָּוִד",
            &"a".repeat(32),
        ] {
            assert!(Name::parse(text).is_ok(), "{text}: {:?}", Name::parse(text));
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
            "a_\u{301}",
            "Bob\u{2d0}",
            "a\u{2cd}b",
            "\u{3164}",
            "a\u{200b}",
            "a\u{fe0f}",
            "GET / HTTP/1.1",
            "{\"a\":1}",
            "a\0",
            "a\u{1b}[m",
            "ﷺ\u{20dd}",
            "ﬁsh",
            "ª",
            "𝐀𝐧𝐚",
            "Ⅳ",
            "ﷺ",
            "ـ",
            "ｱ\u{ffa0}",
            "ᄀ",
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
    fn the_length_counts_after_folding_too() {
        assert!(Name::parse(&"ß".repeat(16)).is_ok());
        assert_eq!(Name::parse(&"ß".repeat(17)).unwrap_err(), NameError::TooLong);
        assert!(Name::parse(&"Ⱥ".repeat(21)).is_ok());
        // three bytes each in small letters
        assert_eq!(Name::parse(&"Ⱥ".repeat(22)).unwrap_err(), NameError::TooLong);
    }

    #[test]
    fn marks_do_not_pile_up() {
        for text in ["x\u{301}\u{302}\u{303}", "Z\u{30d}\u{30e}\u{30f}\u{310}a", "ana\u{324}\u{325}\u{32d}"] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::TooManyMarks, "{text}");
        }
        assert!(Name::parse("x\u{301}\u{302}").is_ok());
        // those that are one character with their letter do not count
        assert!(Name::parse("e\u{323}\u{302}\u{301}").is_ok());
    }

    #[test]
    fn scripts_are_not_mixed() {
        for text in
            ["servidоr", "pаypal", "Аna", "Ιvan", "Иvan", "anaआ", "ana२", "ana_محمد", "Ivanさan김", "さくらИ", "김さ"]
        {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::MixedScripts, "{text}");
        }
    }

    #[test]
    fn what_is_written_from_right_to_left_keeps_its_order_on_a_screen() {
        for text in ["2محمد", "_محمد", "محمد_", "٧", "علي2٢"] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::BadDirection, "{text}");
        }
    }

    #[test]
    fn full_width_and_half_width_are_only_ways_to_type() {
        for (typed, shown) in [("ａｎａ", "ana"), ("Ａｎａ＿２", "Ana_2"), ("ｱﾅ", "アナ"), ("ｶﾞ", "ガ")]
        {
            let name = Name::parse(typed).unwrap();
            assert_eq!(name.as_str(), shown);
            assert_eq!(name, Name::parse(shown).unwrap());
        }
        assert_eq!(Name::parse("ａｌｌ").unwrap_err(), NameError::Reserved);
    }

    #[test]
    fn who_is_addressed_may_have_a_reserved_name_and_nothing_else_that_no_name_has() {
        assert_eq!(Name::parse_addressed("ALI").unwrap(), Name::parse("Ali").unwrap());
        assert_eq!(Name::parse_addressed("servidor").unwrap().as_str(), "servidor");
        assert_eq!(Name::parse_addressed("servidоr").unwrap_err(), NameError::MixedScripts);
        assert_eq!(Name::parse_addressed("a b").unwrap_err(), NameError::BadCharacter);
    }

    /// Whether the two could not both be in a room.
    fn clash(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|text| Name::parse(text).unwrap());
        one.keys().any(|key| other.keys().any(|other| other == key))
    }

    #[test]
    fn look_alikes_have_a_key_in_common() {
        for (one, other) in [
            ("l0l", "IOI"),
            ("alice", "a1ice"),
            ("Ana0", "anaO"),
            ("Ernesto", "Emesto"),
            ("сора", "copa"),
            ("Нина", "Нинa".replace('a', "а").as_str()),
            ("ВОРОНА", "BOPOHA"),
            ("ανα", "ava"),
            ("カナ", "力ナ"),
        ] {
            assert!(clash(one, other), "{one} {other}");
        }
        for (one, other) in [("joão", "joao"), ("joão", "joāo"), ("Ana", "Anna"), ("Иван", "Ivan"), ("李雷", "李霜")]
        {
            assert!(!clash(one, other), "{one} {other}");
        }
    }

    #[test]
    fn numbered_names_do_not_look_alike() {
        let numbers = |word: &str, count| (0..count).map(|i| format!("{word}{i}")).collect::<Vec<_>>();
        let padded = |word: &str, count| (0..count).map(|i| format!("{word}{i:05}")).collect::<Vec<_>>();
        for crowd in [
            numbers("p", 10_000),
            numbers("", 10_000),
            numbers("leitor", 1_000),
            numbers("user", 2_000),
            numbers("u", 2_000),
            numbers("João_", 1_000),
            numbers("Бот_", 1_000),
            numbers("m", 1_000),
            [padded("r", 5_000), padded("s", 5_000)].concat(),
        ] {
            let names: Vec<Name> = crowd.iter().map(|text| Name::parse(text).unwrap()).collect();
            let mut seen = std::collections::HashSet::new();
            for key in names.iter().flat_map(Name::keys) {
                assert!(seen.insert(key), "{key}");
            }
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
                prop_assert!(name.fold().len() <= MAX_BYTES);
                prop_assert!(name.as_str().chars().all(|c| c == '_' || is_letter_or_digit(c) || is_mark(c)));
                let again = Name::parse(name.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), name.as_str());
                prop_assert_eq!(again.keys().collect::<Vec<_>>(), name.keys().collect::<Vec<_>>());
                prop_assert_eq!(again, name);
            }
        }

        #[test]
        fn a_name_has_the_three_keys_each_once(text in any_text()) {
            if let Ok(name) = Name::parse_addressed(&text) {
                let mut keys: Vec<String> = name.keys().map(str::to_owned).collect();
                prop_assert_eq!(&keys[0], name.fold());
                let mut expected = keys::keys(name.as_str()).to_vec();
                expected.sort();
                expected.dedup();
                keys.sort();
                prop_assert_eq!(keys, expected);
            }
        }

        #[test]
        fn names_are_equal_if_their_folds_are(one in "[aAáÁｱßsS]{1,3}", other in "[aAáÁｱßsS]{1,3}") {
            if let (Ok(one), Ok(other)) = (Name::parse(&one), Name::parse(&other)) {
                prop_assert_eq!(one == other, keys::fold(one.as_str()) == keys::fold(other.as_str()));
            }
        }

        #[test]
        fn no_name_has_a_key_of_a_reserved_word(text in any_text(), word in "[aA][lL1Ii]{1,2}|[rRmMeEuU]{1,2}|[bB][oO0][tT]") {
            for text in [text, word] {
                if let Ok(name) = Name::parse(&text) {
                    prop_assert!(reserved::check(&name).is_ok());
                    let reserved = ["all", "bot", "me", "eu", "r", "servidor", "ajuda", "/sair"];
                    for word in reserved.into_iter().flat_map(|word| keys::keys(word).into_iter().chain(keys::keys(&word.to_uppercase()))) {
                        prop_assert!(name.keys().all(|key| key != word), "{} {}", name, word);
                    }
                }
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
        fn every_letter_is_allowed(text in r"[a-zA-ZÀ-ÖØ-öø-ÿĀ-žА-яЁё0-9_&&[^ĲĳĿŀŉ]]{0,15}[a-z]") {
            let parsed = Name::parse(&text);
            prop_assert!(matches!(parsed, Ok(_) | Err(NameError::Reserved | NameError::LooksReserved | NameError::MixedScripts)), "{:?}", parsed);
        }
    }
}
