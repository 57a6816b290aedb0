//! The languages people read papo in. Portuguese comes first: it is the language of the seed.

use std::fmt;
use std::str::FromStr;

use super::fold::accentless;

/// A language in which papo has every sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Brazilian Portuguese (`pt-BR`), the default.
    #[default]
    Portuguese,
    /// English (`en`).
    English,
}

impl Language {
    /// Every language, in the order of [`Language::index`].
    pub const ALL: [Language; 2] = [Language::Portuguese, Language::English];

    /// The language's place in tables with one slot a language: below [`Language::ALL`]`.len()`.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::Portuguese => "pt-BR",
            Language::English => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// A text that names none of the [`Language`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pt-BR | en")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads a tag as people and environments write it (`pt`, `pt-BR`, `pt_BR.UTF-8`, `en-US`), or the language's name.
    fn from_str(tag: &str) -> Result<Self, UnknownLanguage> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        match accentless(primary).as_str() {
            "pt" | "portugues" | "portuguese" => Ok(Language::Portuguese),
            "en" | "ingles" | "english" => Ok(Language::English),
            _ => Err(UnknownLanguage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_as_people_write_them() {
        for tag in ["pt", "PT", "pt-BR", "pt_BR", "pt_BR.UTF-8", "pt-PT", "Português", "portuguese"] {
            assert_eq!(tag.parse(), Ok(Language::Portuguese), "{tag}");
        }
        for tag in ["en", "EN", "en-US", "en_GB.UTF-8", "inglês", "English"] {
            assert_eq!(tag.parse(), Ok(Language::English), "{tag}");
        }
        for tag in ["", "fr", "englisch", "C", "ptt"] {
            assert_eq!(tag.parse::<Language>(), Err(UnknownLanguage), "{tag}");
        }
    }

    #[test]
    fn every_language_has_its_index() {
        for (index, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language.index(), index);
        }
    }
}
