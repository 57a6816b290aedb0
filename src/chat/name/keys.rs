//! The forms of a name that are compared: two names with a form in common are one name, or look alike.
//!
//! | key | equal for |
//! |---|---|
//! | `fold(n)` | spellings of one name: `Ana` and `ANA`, `é` as one character or two, `ß` and `ss` |
//! | `skeleton(fold(n))` | look-alikes in small letters: Cyrillic `сор` and `cop`, `a1ice` and `alice` |
//! | `skeleton(lower(skeleton(n)))` | look-alikes as shown: `SERVID0R` and `servidor`, `AIl` and `all` |
//!
//! Applying any of them again changes nothing. What a valid name is, is not decided here; the forms exist for every text.

use precis_core::profile::Rules;
use precis_profiles::UsernameCaseMapped;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::chat::fold::caseless;

/// How often a mapping is applied at most until it changes nothing any more: a bound, should a table ever go round in circles.
const MAX_ROUNDS: usize = 4;

/// The form in which a name is unique: `UsernameCaseMapped` (RFC 8265 §3.3), and over it full case folding, so that `ß` and
/// `SS`, `ς` and `Σ` are no two names.
pub(super) fn fold(shown: &str) -> String {
    if shown.is_ascii() {
        return shown.to_ascii_lowercase();
    }
    until_stable(&spell_out(shown), |text| lower(&caseless(text)).nfc().collect())
}

/// The three keys, the fold first.
pub(super) fn keys(shown: &str) -> [String; 3] {
    let fold = fold(shown);
    if shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let [in_small_letters, as_shown] = ascii_looks(shown);
        return [fold, in_small_letters, as_shown];
    }
    let in_small_letters = skeleton(&fold);
    let as_shown = until_stable(&look(shown), |text| look(&lower(text)));
    [fold, in_small_letters, as_shown]
}

/// The last two keys of a name in ASCII, of which each character has its own: whoever whispers writes a name every time.
fn ascii_looks(shown: &str) -> [String; 2] {
    let [mut in_small_letters, mut as_shown] = [(); 2].map(|()| String::with_capacity(2 * shown.len()));
    for byte in shown.bytes() {
        let looks = match byte {
            b'0' => ["O", "o"],
            b'1' => ["l", "l"],
            b'I' => ["i", "l"],
            b'm' | b'M' => ["rn", "rn"],
            _ => {
                let c = char::from(byte.to_ascii_lowercase());
                in_small_letters.push(c);
                as_shown.push(c);
                continue;
            }
        };
        in_small_letters.push_str(looks[0]);
        as_shown.push_str(looks[1]);
    }
    [in_small_letters, as_shown]
}

/// Whether all three keys of a name are the same for sure: nothing in it looks like anything else, in small letters or in capitals.
pub(super) fn looks_like_nothing_else(shown: &str) -> bool {
    shown.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'0' | b'1' | b'I' | b'm' | b'M'))
}

/// What a text looks like (UTS 39 §4): equal for texts that are easily confused.
fn skeleton(text: &str) -> String {
    until_stable(text, look)
}

/// One round of [`skeleton`]: each character of the decomposed text in turn, and what the standard's table lacks. The table is asked for what is not ASCII only.
fn look(text: &str) -> String {
    let mut look = String::with_capacity(text.len() + 8);
    if text.is_ascii() {
        text.chars().for_each(|c| push_look(&mut look, c));
    } else {
        let mut base = ' ';
        for c in text.nfd() {
            // the dot of an i is there already
            if c == DOT_ABOVE && DOTTED.contains(&base) {
                continue;
            }
            if canonical_combining_class(c) == 0 {
                base = c;
            }
            push_look(&mut look, c);
        }
    }
    if look.is_ascii() { look } else { look.nfd().collect() }
}

const DOT_ABOVE: char = '\u{307}';

/// Letters that lose their dot when another mark is above them, or that look like one with a dot then (PropList.txt,
/// `Soft_Dotted`, as far as somebody could mean `i` or `j` by it).
const DOTTED: [char; 5] = ['i', 'j', 'I', '\u{456}', '\u{458}'];

/// Letters of phonetics that the standard's table does not have, and the ones they look like in another size.
const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ";
const LETTERS: &[u8; 24] = b"abcdefghijklmnoprstuvwyz";

fn push_look(look: &mut String, c: char) {
    match c {
        '0' => look.push('O'),
        '1' | 'I' => look.push('l'),
        // stays on: on a page, whoever calls themselves `Emesto` beside `Ernesto` means to be taken for him
        'm' => look.push_str("rn"),
        '0'..='9' | 'a'..='z' | 'A'..='Z' | '_' => look.push(c),
        _ => match SMALL_CAPITALS.chars().position(|small| small == c) {
            Some(at) => push_look(look, char::from(LETTERS[at])),
            None => look.extend(unicode_security::skeleton(c.encode_utf8(&mut [0; 4]))),
        },
    }
}

/// The letters in lower case, each for itself (RFC 8264 §5.2.3).
fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    match UsernameCaseMapped::new().case_mapping_rule(text) {
        Ok(lower) => lower.into_owned(),
        Err(_) => text.to_owned(),
    }
}

/// Spells out the letters of Thai, Lao and Armenian that are typed as one character and that RFC 8264 §9.17 has in their parts
/// only, such as `ำ` and `և`: names are full of them.
pub(super) fn spell_out(text: &str) -> String {
    let mut spelt = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{e33}' | '\u{eb3}' | '\u{edc}' | '\u{edd}' | '\u{587}' => spelt.extend(std::iter::once(c).nfkc()),
            _ => spelt.push(c),
        }
    }
    spelt
}

/// Maps a text until that changes nothing any more. ASCII needs one round of any of these mappings.
fn until_stable(text: &str, map: impl Fn(&str) -> String) -> String {
    let is_ascii = text.is_ascii();
    let mut text = map(text);
    if is_ascii {
        return text;
    }
    for _ in 1..MAX_ROUNDS {
        let next = map(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_character_has_the_look_of_the_standard() {
        // beyond it nothing is confusable
        for c in '\0'..='\u{3ffff}' {
            let text = c.to_string();
            if !is_beyond_the_standard(&text) {
                assert_eq!(look(&text), unicode_security::skeleton(&text).collect::<String>(), "{c:?}");
            }
        }
    }

    fn is_beyond_the_standard(text: &str) -> bool {
        text.nfd().any(|c| c == DOT_ABOVE || SMALL_CAPITALS.contains(c))
    }

    #[test]
    fn a_second_dot_and_small_capitals_change_no_look() {
        let has_common_key = |one: &str, other: &str| keys(one).iter().any(|key| keys(other).contains(key));
        for (one, other) in [
            ("admi\u{307}n", "admin"),
            ("j\u{307}oao", "joao"),
            ("İan", "ian"),
            ("ti\u{323}\u{307}m", "ti\u{323}m"),
            ("ᴀɴᴀ", "ANA"),
            ("ꜱᴇʀᴠɪᴅᴏʀ", "servidor"),
        ] {
            assert!(has_common_key(one, other), "{one} {other}");
        }
        assert!(!has_common_key("ż", "z"));
        assert_eq!(SMALL_CAPITALS.chars().count(), LETTERS.len());
    }

    #[test]
    fn mapped_ascii_does_not_change_again() {
        // of ASCII, each character is mapped for itself
        for c in '\0'..='\u{7f}' {
            let text = c.to_string();
            assert_eq!(look(&look(&text)), look(&text));
            let folded: String = lower(&caseless(&text)).nfc().collect();
            assert_eq!(lower(&caseless(&folded)).nfc().collect::<String>(), folded);
            // this one maps what has been mapped to its look
            let as_shown = look(&lower(&look(&text)));
            assert_eq!(look(&lower(&as_shown)), as_shown);
        }
    }

    #[test]
    fn the_fold_ignores_case_and_composition_but_not_accents() {
        for (one, other) in [
            ("ANA", "ana"),
            ("JOÃO", "joa\u{303}o"),
            ("Straße", "STRASSE"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("กำพล", "ก\u{e4d}าพล"),
            ("Ꭰ", "ꭰ"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_eq!(fold("JOÃO"), "joão");
        assert_ne!(fold("joão"), fold("joao"));
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![r"[\p{L}\p{M}\p{Nd}_]{0,12}", r"[\p{Latin}\p{Nd}_]{0,12}", any::<String>()]
    }

    proptest! {
        #[test]
        fn every_text_has_the_look_of_the_standard(text in any_text()) {
            prop_assume!(!is_beyond_the_standard(&text));
            prop_assert_eq!(look(&text), unicode_security::skeleton(&text).collect::<String>());
        }

        #[test]
        fn ascii_takes_the_short_way_to_the_same_keys(text in "[a-zA-Z0-9_]{0,32}") {
            let unicode = |text: &str| unicode_security::skeleton(text).collect::<String>();
            let lower = text.to_lowercase();
            let profile = UsernameCaseMapped::new();
            let enforced = precis_core::profile::Profile::enforce(&profile, text.as_str());
            if !text.is_empty() {
                prop_assert_eq!(enforced.unwrap(), lower.as_str());
            }
            prop_assert_eq!(&fold(&text), &caseless(&lower));
            prop_assert_eq!(keys(&text), [lower.clone(), unicode(&lower), unicode(&unicode(&text).to_lowercase())]);
        }

        #[test]
        fn an_ascii_name_that_looks_like_nothing_else_has_one_key(text in "[a-zA-Z0-9_]{0,4}|[a-zA-Z0-9_]{0,32}") {
            let [fold, in_small_letters, as_shown] = keys(&text);
            prop_assert_eq!(looks_like_nothing_else(&text), fold == in_small_letters && fold == as_shown);
        }

        #[test]
        fn applying_a_key_again_changes_nothing(text in any_text()) {
            let [fold_key, in_small_letters, as_shown] = keys(&text);
            prop_assert_eq!(fold(&fold_key), fold_key);
            prop_assert_eq!(skeleton(&in_small_letters), in_small_letters);
            prop_assert_eq!(&keys(&as_shown)[2], &as_shown);
        }

        #[test]
        fn the_fold_is_the_same_for_all_who_are_the_same_to_the_profile(text in r"[\p{L}\p{M}\p{Nd}_]{1,12}") {
            let profile = UsernameCaseMapped::new();
            if let Ok(enforced) = precis_core::profile::Profile::enforce(&profile, text.as_str()) {
                let shown = text.nfc().collect::<String>();
                let wide = profile.width_mapping_rule(shown.as_str()).unwrap();
                prop_assert_eq!(fold(&wide), fold(&enforced));
            }
        }
    }
}
