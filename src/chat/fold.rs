//! Forms of a text under which two spellings are the same.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The canonical caseless form (Unicode Standard, definition D145): equal for `Ana` and `ANA`, for `é` written
/// as one character or two, for `ß` and `SS`.
pub fn caseless(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    UniCase::unicode(decomposed).to_folded_case().nfd().collect()
}

/// As [`caseless`], and without marks: equal for `ação`, `ACAO` and `acao`. For what the server itself named
/// (commands), never for people's names.
pub fn accentless(text: &str) -> String {
    caseless(text).chars().filter(|c| !is_combining_mark(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caseless_ignores_case_and_composition_but_not_accents() {
        assert_eq!(caseless("ANA"), caseless("ana"));
        assert_eq!(caseless("JOÃO"), caseless("joa\u{303}o"));
        assert_eq!(caseless("Straße"), caseless("STRASSE"));
        assert_eq!(caseless("ΣΊΣΥΦΟΣ"), caseless("σίσυφος"));
        assert_ne!(caseless("joão"), caseless("joao"));
    }

    #[test]
    fn accentless_ignores_accents_too() {
        assert_eq!(accentless("AÇÃO"), "acao");
        assert_eq!(accentless("responder"), "responder");
    }
}
