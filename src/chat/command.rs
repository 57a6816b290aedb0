//! What a person may ask, and how it is typed.
//!
//! [`COMMANDS`] is the one table: parsing, `/ajuda` and the nearest match for a slip are all made from it. To add a
//! command, add a [`Command`], a row here, and the sentence that its help names.

use super::fold::accentless;
use super::hygiene::{CleanText, is_invisible};
use super::language::Language;
use super::name::{Name, NameError};
use super::text;

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
    /// Show so many of the last messages.
    History(usize),
    /// Show the last messages with these words.
    Search {
        /// The words; there is a letter or a digit in them.
        words: CleanText,
        /// How many messages, at most [`MAX_FOUND`].
        count: usize,
    },
    /// Show when this person was there last.
    Seen(Name),
    /// List the commands.
    Help,
    /// See whether the server answers.
    Ping,
    /// Read the server's sentences in this language.
    Language(Language),
    /// Show nothing that this person says.
    Ignore(Name),
    /// Show again what this person says.
    Unignore(Name),
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

/// A row of [`COMMANDS`].
#[derive(Debug)]
pub struct Entry {
    /// Its Portuguese words, the one to show first.
    portuguese: &'static [&'static str],
    /// Its English words, the one to show first.
    english: &'static [&'static str],
    /// What follows the word, for the help.
    pub arguments: Arguments,
    /// What it does, for the help.
    pub help: fn(Language) -> String,
    /// Whether it makes sense before the person has a name.
    before_name: bool,
    /// Reads what follows the word.
    parse: fn(&'static Entry, &str) -> Result<Command, CommandError>,
}

/// What follows a command's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing; anything there is ignored.
    None,
    /// A new name for oneself.
    NewName,
    /// A person's name.
    Name,
    /// A person's name and a message.
    NameAndMessage,
    /// A message.
    Message,
    /// What one does.
    Action,
    /// A language.
    Language,
    /// How many, or nothing.
    Count,
    /// Words to look for.
    Words,
}

/// How many messages `/historico` shows if nobody says how many.
pub const DEFAULT_HISTORY: usize = 50;

/// How many messages a search shows if nobody says how many, and how many it shows at most: the newest ones.
pub const DEFAULT_FOUND: usize = 20;
/// See [`DEFAULT_FOUND`].
pub const MAX_FOUND: usize = 50;

/// Every command, in the order of the help. All words are understood whatever language a person reads; case and accents
/// do not matter.
pub static COMMANDS: &[Entry] = &[
    Entry {
        portuguese: &["msg", "privado"],
        english: &["msg"],
        arguments: Arguments::NameAndMessage,
        help: text::help_msg,
        before_name: false,
        parse: |_, rest| whisper(rest),
    },
    Entry {
        portuguese: &["responder"],
        english: &["reply", "r"],
        arguments: Arguments::Message,
        help: text::help_reply,
        before_name: false,
        parse: |entry, rest| Ok(Command::Reply(entry.required(rest)?.into())),
    },
    Entry {
        portuguese: &["eu"],
        english: &["me"],
        arguments: Arguments::Action,
        help: text::help_act,
        before_name: false,
        parse: |entry, rest| Ok(Command::Act(entry.required(rest)?.into())),
    },
    Entry {
        portuguese: &["quem"],
        english: &["who", "names"],
        arguments: Arguments::None,
        help: text::help_who,
        before_name: false,
        parse: |_, _| Ok(Command::Who),
    },
    Entry {
        portuguese: &["historico"],
        english: &["history"],
        arguments: Arguments::Count,
        help: text::help_history,
        before_name: false,
        parse: |entry, rest| match rest.trim() {
            "" => Ok(Command::History(DEFAULT_HISTORY)),
            count => match count.parse() {
                Ok(count @ 1..) => Ok(Command::History(count)),
                _ => Err(CommandError::Usage(entry)),
            },
        },
    },
    Entry {
        portuguese: &["buscar"],
        english: &["search"],
        arguments: Arguments::Words,
        help: text::help_search,
        before_name: false,
        parse: |entry, rest| Command::search(rest, DEFAULT_FOUND).ok_or(CommandError::Usage(entry)),
    },
    Entry {
        portuguese: &["visto"],
        english: &["seen"],
        arguments: Arguments::Name,
        help: text::help_seen,
        before_name: false,
        parse: |entry, rest| Ok(Command::Seen(Command::person(entry.required(rest)?)?)),
    },
    Entry {
        portuguese: &["nome"],
        english: &["nick"],
        arguments: Arguments::NewName,
        help: text::help_rename,
        before_name: false,
        parse: |entry, rest| Ok(Command::Rename(Name::parse(entry.required(rest)?)?)),
    },
    Entry {
        portuguese: &["ignorar"],
        english: &["ignore"],
        arguments: Arguments::Name,
        help: text::help_ignore,
        before_name: false,
        parse: |entry, rest| Ok(Command::Ignore(Command::person(entry.required(rest)?)?)),
    },
    Entry {
        portuguese: &["atender"],
        english: &["unignore"],
        arguments: Arguments::Name,
        help: text::help_unignore,
        before_name: false,
        parse: |entry, rest| Ok(Command::Unignore(Command::person(entry.required(rest)?)?)),
    },
    Entry {
        portuguese: &["idioma"],
        english: &["lang"],
        arguments: Arguments::Language,
        help: text::help_language,
        before_name: true,
        parse: |entry, rest| match entry.required(rest)?.parse() {
            Ok(language) => Ok(Command::Language(language)),
            Err(_) => Err(CommandError::Usage(entry)),
        },
    },
    Entry {
        portuguese: &["ping"],
        english: &["ping"],
        arguments: Arguments::None,
        help: text::help_ping,
        before_name: true,
        parse: |_, _| Ok(Command::Ping),
    },
    Entry {
        portuguese: &["ajuda"],
        english: &["help"],
        arguments: Arguments::None,
        help: text::help_help,
        before_name: true,
        parse: |_, _| Ok(Command::Help),
    },
    Entry {
        portuguese: &["sair"],
        english: &["quit", "exit"],
        arguments: Arguments::None,
        help: text::help_quit,
        before_name: true,
        parse: |_, _| Ok(Command::Quit),
    },
];

/// Two rows are the same if their words are.
impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.portuguese, self.english) == (other.portuguese, other.english)
    }
}

impl Eq for Entry {}

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

    /// What follows the word, if there is something.
    fn required<'a>(&'static self, rest: &'a str) -> Result<&'a str, CommandError> {
        let rest = rest.trim();
        if rest.is_empty() { Err(CommandError::Usage(self)) } else { Ok(rest) }
    }
}

impl Command {
    /// Whether only somebody with a name may ask this.
    pub fn is_for_members(&self) -> bool {
        !matches!(self, Command::Help | Command::Ping | Command::Language(_) | Command::Quit)
    }

    /// Reads a line of a member: `Ok(None)` for a line with nothing on it.
    ///
    /// `/word …` is a command, `@name …` a whisper, anything else a message; `//x` is the message `/x`. What cannot be
    /// seen before the sign (white space, the picture of a stray key) does not turn it into a message: a slip must not
    /// publish what was meant for one person.
    ///
    /// # Errors
    /// [`CommandError`] for everything that looks like a command or a whisper and is none.
    pub fn parse(line: CleanText) -> Result<Option<Command>, CommandError> {
        if line.is_blank() {
            return Ok(None);
        }
        match Sign::find(line.as_str()) {
            Some((Sign::Slash, rest)) => match rest.strip_prefix(SLASHES) {
                Some(_) => Ok(Some(Command::Say(rest.into()))),
                None => slash(rest).map(Some),
            },
            Some((Sign::At, rest)) => whisper(rest).map(Some),
            None => Ok(Some(Command::Say(line))),
        }
    }

    /// Reads the name of somebody else, as people address each other: `ana`, `@ana`, `ana:`. What is no valid name is simply
    /// nobody's. `typed` is clean text.
    ///
    /// # Errors
    /// [`CommandError::NoSuchName`].
    pub fn person(typed: &str) -> Result<Name, CommandError> {
        let name = typed.trim_start_matches('@').trim_end_matches([':', ',']);
        Name::parse_addressed(name).map_err(|_| CommandError::NoSuchName(shorten(typed)))
    }

    /// A search for what was typed; `None` if there is no word in it.
    pub fn search(typed: &str, count: usize) -> Option<Command> {
        let has_word = accentless(typed).chars().any(char::is_alphanumeric);
        has_word.then(|| Command::Search { words: typed.trim().into(), count: count.min(MAX_FOUND) })
    }

    /// Reads a line of somebody without a name: one of the few commands that make sense already, or `None`.
    pub fn parse_before_name(line: &CleanText) -> Option<Command> {
        let (Sign::Slash, rest) = Sign::find(line.as_str())? else { return None };
        let (word, arguments) = split_word(rest);
        let entry = find(&accentless(word)).filter(|entry| entry.before_name)?;
        (entry.parse)(entry, arguments).ok()
    }
}

/// How a command or a whisper begins.
enum Sign {
    Slash,
    At,
}

/// A slash as it is typed, on a Japanese or Chinese keyboard too.
const SLASHES: [char; 2] = ['/', '／'];

impl Sign {
    /// The sign that a line begins with, and what follows it.
    fn find(line: &str) -> Option<(Sign, &str)> {
        let visible = skip_invisible(line);
        let rest = |sign: char| &visible[sign.len_utf8()..];
        match visible.chars().next()? {
            sign if SLASHES.contains(&sign) => Some((Sign::Slash, rest(sign))),
            sign @ ('@' | '＠' | '﹫') => Some((Sign::At, rest(sign))),
            _ => None,
        }
    }
}

/// Skips what a person does not know to have typed: white space, characters without a shape, control characters
/// ([`CleanText`] holds their pictures), and whole escape sequences, as the arrow keys send them to a plain `nc`.
fn skip_invisible(mut line: &str) -> &str {
    loop {
        let Some(first) = line.chars().next() else { return line };
        let rest = &line[first.len_utf8()..];
        line = match first {
            '␛' => skip_escape_sequence(rest),
            '\u{2400}'..='\u{2424}' => rest,
            _ if first.is_whitespace() || is_invisible(first) => rest,
            _ => return line,
        };
    }
}

/// What follows an `ESC`: `[`, parameters and a final character (ECMA-48 §5.4), or `O` and a character.
fn skip_escape_sequence(rest: &str) -> &str {
    if let Some(parameters) = rest.strip_prefix('[') {
        let last = parameters.trim_start_matches(|c: char| matches!(c, ' '..='?'));
        return last.strip_prefix(|c: char| matches!(c, '@'..='~')).unwrap_or(last);
    }
    match rest.strip_prefix('O') {
        Some(key) => key.strip_prefix(|c: char| c.is_ascii_alphabetic()).unwrap_or(key),
        None => rest,
    }
}

/// What follows the slash.
fn slash(rest: &str) -> Result<Command, CommandError> {
    let (word, arguments) = split_word(rest);
    let folded = accentless(word);
    match find(&folded) {
        Some(entry) => (entry.parse)(entry, arguments),
        None => Err(CommandError::Unknown { typed: shorten(&format!("/{word}")), nearest: nearest(&folded) }),
    }
}

fn split_word(rest: &str) -> (&str, &str) {
    rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
}

fn find(folded: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.words().any(|word| word == folded))
}

/// `name message`.
fn whisper(rest: &str) -> Result<Command, CommandError> {
    let (to, text) = rest.trim_start().split_once(char::is_whitespace).ok_or(CommandError::WhisperFormat)?;
    if text.trim().is_empty() {
        return Err(CommandError::EmptyMessage);
    }
    Ok(Command::Whisper { to: Command::person(to)?, text: text.trim_start().into() })
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
        for (line, count) in [("/historico", 50), ("/histórico 7", 7), ("/HISTORY  1000 ", 1000)] {
            assert_eq!(parse(line), Ok(Some(Command::History(count))), "{line}");
        }
        for line in ["/historico 0", "/historico -1", "/historico muito", "/history 99999999999999999999"] {
            assert!(matches!(parse(line), Err(CommandError::Usage(_))), "{line}");
        }
        for line in ["/buscar São João", "/SEARCH  São João ", "/Búscar São João"] {
            assert_eq!(parse(line), Ok(Some(Command::Search { words: "São João".into(), count: 20 })), "{line}");
        }
        for line in ["/visto Beto", "/seen @Beto", "/VISTO Beto,"] {
            assert_eq!(parse(line), Ok(Some(Command::Seen(name("Beto")))), "{line}");
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
        for line in ["/idioma en", "/LANG en-US", "/lang EN", "/idioma inglês", "/lang English"] {
            assert_eq!(parse(line), Ok(Some(Command::Language(Language::English))));
        }
        for line in ["/ignorar Beto", "/ignore beto", "/ignorar @Beto"] {
            assert_eq!(parse(line), Ok(Some(Command::Ignore(name("Beto")))));
        }
        for line in ["/atender Beto", "/unignore Beto"] {
            assert_eq!(parse(line), Ok(Some(Command::Unignore(name("Beto")))));
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
        for line in
            ["/buscar", "/search  ", "/buscar !?", "/buscar \"* %", "/buscar \u{301}", "/buscar 🎉", "/visto", "/seen "]
        {
            assert!(matches!(parse(line), Err(CommandError::Usage(_))), "{line}");
        }
        // what stands between the letters is left to whoever looks for them
        assert_eq!(
            parse("/buscar \"a* OR %"),
            Ok(Some(Command::Search { words: "\"a* OR %".into(), count: DEFAULT_FOUND }))
        );
        assert_eq!(Command::search("x", 1000), Some(Command::Search { words: "x".into(), count: MAX_FOUND }));
        assert_eq!(parse("/visto a b"), Err(CommandError::NoSuchName("a b".into())));
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
                assert_eq!(*seen.entry(word).or_insert(entry), entry, "{word}");
            }
        }
    }

    #[test]
    fn what_cannot_be_seen_before_the_sign_does_not_publish_a_whisper() {
        let keys = ["\x1b[D", "\x1b[1;5C", "\x1bOA", "\x1b", "\x08", "\0", "\u{9b}D", "\x7f\x7f", "\x1b[D\x1b[D"];
        let unseen = ["\u{200b}", "\u{feff}", "\u{2060}", "\u{ad}", "\u{a0}", "\u{202e}", "\u{3000}"];
        for before in keys.into_iter().chain(unseen) {
            let whisper = Command::Whisper { to: name("Ana"), text: "segredo".into() };
            assert_eq!(parse(&format!("{before}@ana segredo")), Ok(Some(whisper.clone())), "{before:?}");
            assert_eq!(parse(&format!("{before}＠ana segredo")), Ok(Some(whisper)), "{before:?}");
            assert_eq!(parse(&format!("{before}/sair")), Ok(Some(Command::Quit)), "{before:?}");
            assert_eq!(parse(&format!("{before}／sair")), Ok(Some(Command::Quit)), "{before:?}");
        }
        // without a sign it is a message, shown as it came
        assert_eq!(parse("\x1b[Doi"), said("␛[Doi"));
    }

    #[test]
    fn the_commands_before_a_name() {
        let before = |line: &str| Command::parse_before_name(&line.into());
        assert_eq!(before("/SAIR"), Some(Command::Quit));
        assert_eq!(before(" /help"), Some(Command::Help));
        assert_eq!(before("/lang en"), Some(Command::Language(Language::English)));
        for line in ["", "Ana", "@ana oi", "/quem", "/x", "//sair", "/lang", "sair"] {
            assert_eq!(before(line), None, "{line}");
        }
    }

    /// Any text, control and format characters among it.
    fn any_line() -> impl Strategy<Value = String> {
        let c = prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{ff}'),
            prop::sample::select(vec!['/', '@', ' ', '\u{200b}', '\u{202e}', '\u{1b}', '[', '␛', 'a']),
        ];
        prop::collection::vec(c, 0..30).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn what_begins_with_a_sign_is_never_published(
            unseen in "(\x1b\\[[0-9;]{0,3}[A-Z]|\x1bO[A-Z]|[ \t\0\x08\u{200b}\u{feff}\u{2060}\u{34f}\u{2800}\u{3164}\u{fe0f}]){0,3}",
            sign in "[/@＠﹫／]",
            rest in any_line(),
        ) {
            let parsed = parse(&format!("{unseen}{sign}{rest}"));
            // the one exception: a doubled slash, and what is not there (direction marks) doubles it too
            let rest = CleanText::new(rest);
            if sign.starts_with(['@', '＠', '﹫']) || !rest.as_str().starts_with(SLASHES) {
                prop_assert!(!matches!(parsed, Ok(Some(Command::Say(_)))), "{:?}", parsed);
            }
        }

        #[test]
        fn a_message_is_published_as_typed(text in "[^/@＠﹫／\\s\\p{Cc}\\p{Cf}\\p{M}\u{115f}\u{1160}\u{2800}\u{3164}\u{ffa0}\u{2028}\u{2029}\u{2400}-\u{2424}\u{e0000}-\u{e007f}][^\\p{Cc}\\p{Cf}\u{2028}\u{2029}]*") {
            prop_assert_eq!(parse(&text), said(&text));
        }

        #[test]
        fn a_whisper_keeps_its_text(to in "[a-z]{1,8}x", text in "[a-z!?é][^\\p{Cc}\\p{Cf}\u{2028}\u{2029}]*") {
            let parsed = parse(&format!("@{to} {text}"));
            prop_assert_eq!(parsed, Ok(Some(Command::Whisper { to: name(&to), text: text.as_str().into() })));
        }

        #[test]
        fn no_line_panics(line in any_line()) {
            let _ = parse(&line);
            let _ = Command::parse_before_name(&CleanText::new(line));
        }
    }
}
