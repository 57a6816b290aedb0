//! What Tab makes of an unfinished word: commands, and the names of those who are there. It knows no terminal.

use papo::chat::command::{Arguments, COMMANDS, Entry};
use papo::chat::fold::accentless;
use papo::chat::language::Language;

/// The most that is offered at once.
const MAX_OFFERED: usize = 30;

/// What is known when Tab is pressed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) language: Language,
    /// Everybody else who is there.
    pub(crate) names: Vec<String>,
    /// To whom a reply would go.
    pub(crate) last_whisper: Option<String>,
}

/// Where the word begins that would be replaced, and by what.
pub(crate) fn complete(line: &str, cursor: usize, known: &Known) -> (usize, Vec<String>) {
    let before = &line[..cursor];
    let start =
        before.rfind(char::is_whitespace).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let is_first = before[..start].trim().is_empty();
    let offered: Vec<String> = if let Some(word) = word.strip_prefix('/').filter(|_| is_first) {
        commands(word, known.language).into_iter().map(|word| format!("/{word} ")).collect()
    } else if let Some(word) = word.strip_prefix('@') {
        names(word, known).map(|name| format!("@{name} ")).collect()
    } else if word.is_empty() && !names_follow(before) {
        Vec::new()
    } else {
        let end = if is_first { ": " } else { " " };
        names(word, known).map(|name| format!("{name}{end}")).collect()
    };
    (start, offered.into_iter().take(MAX_OFFERED).collect())
}

/// The words of the reader's language that begin like that; else those of any.
fn commands(word: &str, language: Language) -> Vec<&'static str> {
    let typed = accentless(word);
    let begins = |word: &&str| word.starts_with(&typed);
    let of_the_reader: Vec<_> = COMMANDS.iter().map(|entry| entry.word(language)).filter(begins).collect();
    if of_the_reader.is_empty() {
        COMMANDS.iter().flat_map(Entry::words).filter(begins).collect()
    } else {
        of_the_reader
    }
}

fn names<'a>(word: &str, known: &'a Known) -> impl Iterator<Item = &'a String> {
    let typed = accentless(word);
    known.names.iter().filter(move |name| accentless(name).starts_with(&typed))
}

/// Whether all before the cursor is a command that wants a name next.
fn names_follow(before: &str) -> bool {
    let Some(word) = before.trim().strip_prefix('/') else { return false };
    let typed = accentless(word);
    COMMANDS.iter().any(|entry| {
        matches!(entry.arguments, Arguments::Name | Arguments::NameAndMessage)
            && entry.words().any(|word| word == typed)
    })
}

/// To whom a reply will go that is being typed.
pub(crate) fn hint(line: &str, known: &Known) -> Option<String> {
    let word = accentless(line.trim().strip_prefix('/')?);
    let is_reply = ["responder", "reply", "r"].contains(&word.as_str());
    is_reply.then(|| known.last_whisper.as_ref().map(|name| format!(" → {name}"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> (usize, Vec<String>) {
        let names = ["Beto", "Bento", "João", "ana_2"].map(str::to_owned).to_vec();
        let known = Known { language: Language::Portuguese, names, last_whisper: Some("Beto".into()) };
        complete(line, line.len(), &known)
    }

    #[test]
    fn names_and_commands() {
        for (line, start, expected) in [
            ("@be", 0, &["@Beto ", "@Bento "] as &[&str]),
            ("@bet", 0, &["@Beto "]),
            ("be", 0, &["Beto: ", "Bento: "]),
            ("oi jo", 3, &["João "]),
            ("olá\u{3000}jo", 7, &["João "]),
            ("oi @JOÃ", 3, &["@João "]),
            ("/msg be", 5, &["Beto ", "Bento "]),
            ("/msg ", 5, &["Beto ", "Bento ", "João ", "ana_2 "]),
            ("/aj", 0, &["/ajuda "]),
            ("/his", 0, &["/historico "]),
            ("/qui", 0, &["/quit "]),
            ("/q", 0, &["/quem "]),
            ("oi /q", 3, &[]),
            ("", 0, &[]),
            ("oi ", 3, &[]),
            ("zz", 0, &[]),
        ] {
            let (at, words) = offered(line);
            assert_eq!((at, words), (start, expected.iter().map(|&word| word.to_owned()).collect()), "{line}");
        }
    }

    #[test]
    fn only_what_is_before_the_cursor_counts() {
        let known = Known { names: vec!["Beto".into()], ..Known::default() };
        assert_eq!(complete("@be oi", 3, &known), (0, vec!["@Beto ".to_owned()]));
    }

    #[test]
    fn a_reply_says_to_whom() {
        let known = Known { last_whisper: Some("Beto".into()), ..Known::default() };
        assert_eq!(hint("/r ", &known).as_deref(), Some(" → Beto"));
        assert_eq!(hint("/responder", &known).as_deref(), Some(" → Beto"));
        assert_eq!((hint("/r oi", &known), hint("r", &known), hint("/r", &Known::default())), (None, None, None));
    }
}
