//! What a person may ask, and how it is typed.
//!
//! [`COMMANDS`] is the one table: parsing, `/ajuda` and the nearest match for a slip are all made from it.

use super::fold::accentless;
use super::hygiene::CleanText;
use super::language::Language;
use super::name::{Name, NameError};

/// What a person asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Tell everybody.
    Say(CleanText),
    /// Tell everybody something about oneself.
    Act(CleanText),
    /// Tell one person.
    Whisper {
        /// To whom.
        to: Name,
        /// What.
        text: CleanText,
    },
    /// Tell the person who whispered last.
    Reply(CleanText),
    /// Go by another name.
    Rename(Name),
    /// List the people in the room.
    Who,
    /// List the commands.
    Help,
    /// See whether the server answers.
    Ping,
    /// Read the server's sentences in this language.
    Language(Language),
    /// Show nothing that this person says.
    Ignore(Name),
    /// Show again what this person says.
    Attend(Name),
    /// Leave.
    Quit,
}

/// Why a line is no [`Command`]. None of it is ever published: it may have been meant for one person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// `/x` for which there is no command.
    #[error("unknown command")]
    Unknown {
        /// What was typed, with the slash, shortened.
        typed: String,
        /// The nearest command, without the slash, if one is near.
        nearest: Option<&'static str>,
    },
    /// `@nome` without anything behind it.
    #[error("a whisper without a message")]
    WhisperFormat,
    /// `@nome ` with nothing but white space behind it.
    #[error("an empty message")]
    EmptyMessage,
    /// A command without its argument, or with one it does not take.
    #[error("the command is used differently")]
    Usage(&'static Entry),
    /// A name that nobody can have; as typed, shortened.
    #[error("no such name")]
    NoSuchName(String),
    /// A name that nobody may take.
    #[error(transparent)]
    BadName(#[from] NameError),
}

/// Which command a table row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "one a row of the table; Command says what each does")]
pub enum Verb {
    Quit,
    Help,
    Who,
    Rename,
    Whisper,
    Reply,
    Act,
    Ping,
    Language,
    Ignore,
    Attend,
}

/// What stands behind a command's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing; anything there is ignored.
    None,
    /// A new name for oneself.
    NewName,
    /// A person's name.
    Name,
    /// A person's name and a text.
    NameAndText,
    /// A text.
    Text,
    /// What one does.
    Action,
    /// A language.
    Language,
}

/// A row of [`COMMANDS`].
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which command it is.
    pub verb: Verb,
    /// Its Portuguese words, the one to show first.
    pub portuguese: &'static [&'static str],
    /// Its English words, the one to show first.
    pub english: &'static [&'static str],
    /// What follows the word.
    pub arguments: Arguments,
}

/// Every command. All words are understood whatever language a person reads; case and accents do not matter.
pub const COMMANDS: &[Entry] = &[
    row(Verb::Whisper, &["msg", "privado"], &["msg"], Arguments::NameAndText),
    row(Verb::Reply, &["responder"], &["reply", "r"], Arguments::Text),
    row(Verb::Act, &["eu"], &["me"], Arguments::Action),
    row(Verb::Who, &["quem"], &["who", "names"], Arguments::None),
    row(Verb::Rename, &["nome"], &["nick"], Arguments::NewName),
    row(Verb::Ignore, &["ignorar"], &["ignore"], Arguments::Name),
    row(Verb::Attend, &["atender"], &["unignore"], Arguments::Name),
    row(Verb::Language, &["idioma"], &["lang"], Arguments::Language),
    row(Verb::Ping, &["ping"], &["ping"], Arguments::None),
    row(Verb::Help, &["ajuda"], &["help"], Arguments::None),
    row(Verb::Quit, &["sair"], &["quit", "exit"], Arguments::None),
];

const fn row(
    verb: Verb,
    portuguese: &'static [&'static str],
    english: &'static [&'static str],
    arguments: Arguments,
) -> Entry {
    Entry { verb, portuguese, english, arguments }
}

impl Entry {
    /// The word to show to a reader of this language.
    pub fn word(&self, language: Language) -> &'static str {
        match language {
            Language::Portuguese => self.portuguese[0],
            Language::English => self.english[0],
        }
    }

    /// Every word, of both languages.
    pub fn words(&self) -> impl Iterator<Item = &'static str> {
        self.portuguese.iter().chain(self.english).copied()
    }
}

impl Command {
    /// Reads a line of a member: `Ok(None)` for a line with nothing on it.
    ///
    /// `/word …` is a command, `@name …` a whisper, anything else a message; `//x` is the message `/x`. White space
    /// before the sign does not turn it into a message: a slip must not publish what was meant for one person.
    ///
    /// # Errors
    /// [`CommandError`] for everything that looks like a command or a whisper and is none.
    pub fn parse(line: CleanText) -> Result<Option<Command>, CommandError> {
        if line.is_blank() {
            return Ok(None);
        }
        let start = line.as_str().trim_start();
        if start.starts_with("//") {
            return Ok(Some(Command::Say(start[1..].into())));
        }
        if let Some(rest) = start.strip_prefix('/') {
            return slash(rest).map(Some);
        }
        if let Some(rest) = start.strip_prefix('@') {
            return whisper(rest).map(Some);
        }
        Ok(Some(Command::Say(line)))
    }
}

/// What follows the slash.
fn slash(rest: &str) -> Result<Command, CommandError> {
    let (word, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let folded = accentless(word);
    let Some(entry) = COMMANDS.iter().find(|entry| entry.words().any(|known| known == folded)) else {
        return Err(CommandError::Unknown { typed: shorten(&format!("/{word}")), nearest: nearest(&folded) });
    };
    let text = || if arguments.trim().is_empty() { Err(CommandError::Usage(entry)) } else { Ok(arguments.trim()) };
    match entry.verb {
        Verb::Quit => Ok(Command::Quit),
        Verb::Help => Ok(Command::Help),
        Verb::Who => Ok(Command::Who),
        Verb::Ping => Ok(Command::Ping),
        Verb::Whisper => whisper(arguments.trim_start()),
        Verb::Reply => Ok(Command::Reply(text()?.into())),
        Verb::Act => Ok(Command::Act(text()?.into())),
        Verb::Rename => Ok(Command::Rename(Name::parse(text()?)?)),
        Verb::Ignore => Ok(Command::Ignore(person(text()?)?)),
        Verb::Attend => Ok(Command::Attend(person(text()?)?)),
        Verb::Language => match text()?.parse() {
            Ok(language) => Ok(Command::Language(language)),
            Err(_) => Err(CommandError::Usage(entry)),
        },
    }
}

/// `name text`.
fn whisper(rest: &str) -> Result<Command, CommandError> {
    let (to, text) = rest.split_once(char::is_whitespace).ok_or(CommandError::WhisperFormat)?;
    if to.is_empty() {
        return Err(CommandError::WhisperFormat);
    }
    if text.trim().is_empty() {
        return Err(CommandError::EmptyMessage);
    }
    Ok(Command::Whisper { to: person(to)?, text: text.trim_start().into() })
}

/// The name of somebody else: what is no valid name is simply nobody's.
fn person(typed: &str) -> Result<Name, CommandError> {
    Name::parse(typed).map_err(|_| CommandError::NoSuchName(shorten(typed)))
}

/// Enough of what was typed to recognise it.
fn shorten(typed: &str) -> String {
    const SHOWN: usize = 32;
    match typed.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &typed[..cut]),
        None => typed.to_owned(),
    }
}

/// The command that was probably meant: one slip away, two in long words, none for words too short to tell.
fn nearest(typed: &str) -> Option<&'static str> {
    let slips = match typed.chars().count() {
        0..=2 | 32.. => return None,
        3..=4 => 1,
        _ => 2,
    };
    COMMANDS
        .iter()
        .flat_map(Entry::words)
        .filter(|word| word.len() > 2)
        .map(|word| (strsim::osa_distance(word, typed), word))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &str) -> Result<Option<Command>, CommandError> {
        Command::parse(line.into())
    }

    fn said(text: &str) -> Result<Option<Command>, CommandError> {
        Ok(Some(Command::Say(text.into())))
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn an_empty_line_is_nothing() {
        for line in ["", " ", "\t  "] {
            assert_eq!(parse(line), Ok(None));
        }
    }

    #[test]
    fn anything_without_a_sign_is_a_message() {
        assert_eq!(parse("oi"), said("oi"));
        assert_eq!(parse("  recuado "), said("  recuado "));
        assert_eq!(parse("e-mail: a@b"), said("e-mail: a@b"));
        assert_eq!(parse("1/2"), said("1/2"));
    }

    #[test]
    fn a_doubled_slash_says_a_slash() {
        assert_eq!(parse("//sair"), said("/sair"));
        assert_eq!(parse("//"), said("/"));
        assert_eq!(parse(" ///x"), said("//x"));
    }

    #[test]
    fn every_word_of_the_table_in_any_case_and_with_accents() {
        for line in ["/sair", "/SAIR", "/quit", "/Exit", "/sáir", "  /sair", "/sair agora"] {
            assert_eq!(parse(line), Ok(Some(Command::Quit)), "{line}");
        }
        assert_eq!(parse("/ajuda"), Ok(Some(Command::Help)));
        assert_eq!(parse("/help"), Ok(Some(Command::Help)));
        for line in ["/quem", "/who", "/names"] {
            assert_eq!(parse(line), Ok(Some(Command::Who)));
        }
        assert_eq!(parse("/ping"), Ok(Some(Command::Ping)));
        for line in ["/nome Bia", "/nick  Bia "] {
            assert_eq!(parse(line), Ok(Some(Command::Rename(name("Bia")))));
        }
        for line in ["/responder já vou", "/reply  já vou", "/r já vou"] {
            assert_eq!(parse(line), Ok(Some(Command::Reply("já vou".into()))));
        }
        for line in ["/eu acena", "/me acena"] {
            assert_eq!(parse(line), Ok(Some(Command::Act("acena".into()))));
        }
        for line in ["/idioma en", "/LANG en-US", "/lang EN"] {
            assert_eq!(parse(line), Ok(Some(Command::Language(Language::English))));
        }
        for line in ["/ignorar Beto", "/ignore beto"] {
            assert_eq!(parse(line), Ok(Some(Command::Ignore(name("Beto")))));
        }
        for line in ["/atender Beto", "/unignore Beto"] {
            assert_eq!(parse(line), Ok(Some(Command::Attend(name("Beto")))));
        }
        for line in ["@Beto oi tudo", "/msg Beto oi tudo", "/privado Beto oi tudo", " @Beto  oi tudo", "@beto\toi tudo"]
        {
            let whisper = Command::Whisper { to: name("Beto"), text: "oi tudo".into() };
            assert_eq!(parse(line), Ok(Some(whisper)), "{line}");
        }
    }

    #[test]
    fn a_whisper_needs_a_name_and_a_message() {
        for line in ["@", "@Beto", "@ oi", "/msg", "/msg Beto"] {
            assert_eq!(parse(line), Err(CommandError::WhisperFormat), "{line}");
        }
        for line in ["@Beto ", "@Beto   ", "/msg Beto  "] {
            assert_eq!(parse(line), Err(CommandError::EmptyMessage), "{line}");
        }
        assert_eq!(parse("@a!b oi"), Err(CommandError::NoSuchName("a!b".into())));
        assert_eq!(
            parse(&format!("@{} oi", "a".repeat(99))),
            Err(CommandError::NoSuchName(format!("{}…", "a".repeat(32))))
        );
    }

    #[test]
    fn arguments_that_are_missing_or_wrong() {
        for line in ["/nome", "/nome  ", "/eu", "/responder", "/ignorar", "/atender", "/idioma", "/idioma fr"] {
            assert!(matches!(parse(line), Err(CommandError::Usage(_))), "{line}");
        }
        assert_eq!(parse("/nome Ana Maria"), Err(CommandError::BadName(NameError::BadCharacter)));
        assert_eq!(parse("/nome admin"), Err(CommandError::BadName(NameError::Reserved)));
    }

    #[test]
    fn an_unknown_command_names_the_nearest_one() {
        let unknown = |typed: &str, nearest| Err(CommandError::Unknown { typed: typed.into(), nearest });
        assert_eq!(parse("/x"), unknown("/x", None));
        assert_eq!(parse("/"), unknown("/", None));
        assert_eq!(parse("/ sair"), unknown("/", None));
        assert_eq!(parse("/sar"), unknown("/sar", Some("sair")));
        assert_eq!(parse("/siar já"), unknown("/siar", Some("sair")));
        assert_eq!(parse("/responde oi"), unknown("/responde", Some("responder")));
        assert_eq!(parse("/xyz"), unknown("/xyz", None));
        assert_eq!(parse("/etc/passwd"), unknown("/etc/passwd", None));
    }

    #[test]
    fn the_table_is_unambiguous_and_typed_as_it_is_matched() {
        let mut seen = std::collections::HashMap::new();
        for entry in COMMANDS {
            assert!(!entry.portuguese.is_empty() && !entry.english.is_empty());
            for word in entry.words() {
                assert_eq!(accentless(word), word);
                assert_eq!(*seen.entry(word).or_insert(entry.verb), entry.verb, "{word}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_begins_with_a_sign_is_never_published(blank in "[ \t]{0,3}", sign in "[/@]", rest in "[^/\\p{Cf}].*") {
            let parsed = parse(&format!("{blank}{sign}{rest}"));
            prop_assert!(!matches!(parsed, Ok(Some(Command::Say(_)))), "{:?}", parsed);
        }

        #[test]
        fn a_message_is_published_as_typed(text in "[^/@\\s\\p{Cc}\\p{Cf}\u{2028}\u{2029}][^\\p{Cc}\\p{Cf}\u{2028}\u{2029}]*") {
            prop_assert_eq!(parse(&text), said(&text));
        }

        #[test]
        fn a_whisper_keeps_its_text(to in "[a-z]{1,8}x", text in "[a-z!?é][^\\p{Cc}\\p{Cf}\u{2028}\u{2029}]*") {
            let parsed = parse(&format!("@{to} {text}"));
            prop_assert_eq!(parsed, Ok(Some(Command::Whisper { to: name(&to), text: text.as_str().into() })));
        }

        #[test]
        fn no_line_panics(line in any::<String>()) {
            let _ = parse(&line);
        }
    }
}
