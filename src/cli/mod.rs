//! The command line: arguments in, sentences out. Above the server, and used by no floor of it.

pub mod address;
pub mod announce;
pub mod archive;
pub mod args;
pub mod check;
pub mod identity;
pub mod journal;
pub mod known_servers;
pub mod logging;
pub mod password;
pub mod usage;

use std::ffi::{OsStr, OsString};

use crate::chat::language::Language;

/// The language of whoever runs a program of papo: `--lang` or `PAPO_LANG`, else that of the system, else Portuguese.
/// It is found before the arguments are parsed, so that their errors are in it too.
pub fn operator_language(arguments: &[OsString], environment: impl Fn(&str) -> Option<String>) -> Language {
    let chosen = lang_argument(arguments).or_else(|| environment("PAPO_LANG"));
    let of_the_system =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(environment).find(|tag| !tag.is_empty());
    chosen.or(of_the_system).and_then(|tag| tag.parse().ok()).unwrap_or_default()
}

/// Whether a terminal may be given colours: not if the environment asks for none (`NO_COLOR`), nor if it is one of Windows
/// that knows none.
pub fn has_colours() -> bool {
    !anstyle_query::no_color() && anstyle_query::windows::enable_ansi_colors() != Some(false)
}

fn lang_argument(arguments: &[OsString]) -> Option<String> {
    let mut arguments = arguments.iter().filter_map(|argument| OsStr::to_str(argument));
    while let Some(argument) = arguments.next() {
        if argument == "--lang" {
            return arguments.next().map(str::to_owned);
        }
        if let Some(tag) = argument.strip_prefix("--lang=") {
            return Some(tag.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(arguments: &[&str], environment: &[(&str, &str)]) -> Language {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        operator_language(&arguments, |key| {
            environment.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flag_beats_variable_beats_system_beats_portuguese() {
        let system = ("LANG", "en_US.UTF-8");
        assert_eq!(language(&["papo"], &[]), Language::Portuguese);
        assert_eq!(language(&["papo"], &[("LANG", "C.UTF-8")]), Language::Portuguese);
        assert_eq!(language(&["papo"], &[system]), Language::English);
        assert_eq!(language(&["papo"], &[system, ("LC_ALL", "pt_BR")]), Language::Portuguese);
        assert_eq!(language(&["papo"], &[system, ("PAPO_LANG", "pt")]), Language::Portuguese);
        assert_eq!(language(&["papo", "--lang", "en"], &[("PAPO_LANG", "pt")]), Language::English);
        assert_eq!(language(&["papo", "--lang=en"], &[]), Language::English);
        assert_eq!(language(&["papo", "--lang"], &[]), Language::Portuguese);
    }
}
