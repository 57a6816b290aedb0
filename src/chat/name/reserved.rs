//! Words that are nobody's name, because a person of that name could be taken for the server or for a command.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::keys::keys;
use super::{Name, NameError};
use crate::chat::command::{COMMANDS, Entry};
use crate::chat::fold::accentless;

/// Besides the words of all commands. `Erro: …` is how lines of the server begin.
const WORDS: &[&str] = &[
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

struct Reserved {
    folds: HashSet<String>,
    /// The keys of every word as it is written and in capitals, with its accents and without.
    keys: HashSet<String>,
}

static RESERVED: LazyLock<Reserved> = LazyLock::new(|| {
    let mut reserved = Reserved { folds: HashSet::new(), keys: HashSet::new() };
    for word in words() {
        for word in [word.to_owned(), accentless(word)] {
            let as_written = keys(&word);
            reserved.folds.insert(as_written[0].clone());
            reserved.keys.extend(as_written);
            reserved.keys.extend(keys(&word.to_uppercase()));
        }
    }
    reserved
});

fn words() -> impl Iterator<Item = &'static str> {
    WORDS.iter().copied().chain(COMMANDS.iter().flat_map(Entry::words))
}

/// Refuses a name that is a reserved word or looks like one.
pub(super) fn check(name: &Name) -> Result<(), NameError> {
    if RESERVED.folds.contains(name.fold()) {
        return Err(NameError::Reserved);
    }
    // accents make no other word of it: `ádmin`
    let is_reserved = |key: &str| RESERVED.keys.contains(key) || RESERVED.keys.contains(&accentless(key));
    match name.keys().any(is_reserved) {
        true => Err(NameError::LooksReserved),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_and_every_word_of_a_command_are_nobodys_names() {
        for word in words() {
            for text in [word.to_owned(), word.to_uppercase(), accentless(word)] {
                assert_eq!(Name::parse(&text).unwrap_err(), NameError::Reserved, "{text}");
            }
        }
        for text in ["Servidor", "Ninguém", "ningue\u{301}m", "ninguem", "VOCE", "r", "Me", "ajuda", "ＡＪＵＤＡ"]
        {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::Reserved, "{text}");
        }
    }

    #[test]
    fn nor_is_what_looks_like_one() {
        for text in ["ádmin", "servidór", "admi\u{307}n", "a\u{335}dmin", "ᴀᴅᴍɪɴ", "ꜱᴇʀᴠɪᴅᴏʀ"] {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::LooksReserved, "{text}");
        }
        for text in ["SERVID0R", "servid0r", "a11", "aIl", "ALI", "N1CK", "b0t", "PAP0", "adrnin", "sisterna", "һеӏр"]
        {
            assert_eq!(Name::parse(text).unwrap_err(), NameError::LooksReserved, "{text}");
        }
    }

    #[test]
    fn names_near_a_reserved_word_are_somebodys() {
        for text in ["Ali", "ali", "Aline", "Nico", "Nicole", "Rui", "Romeu", "Mel", "Todor", "Serena", "Olavo"] {
            assert!(Name::parse(text).is_ok(), "{text}");
        }
    }
}
