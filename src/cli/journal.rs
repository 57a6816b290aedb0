//! `papo journal verify|export|prune`: for whoever runs the server, what is in its journal, and what has to go from it.

mod export;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser};

use super::usage::{self, Exit, Speaker};
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::name::Name;
use crate::chat::text;
use crate::data;
use crate::journal::{self, JournalError, Reader, Verdict};

/// What comes behind the name of the program.
pub const WORD: &str = "journal";

const PROGRAM: &str = "papo journal";
const NOT_DONE: u8 = 1;
const WRONG_USAGE: u8 = 2;
const DAY: u64 = 24 * 60 * 60;

#[derive(Parser)]
#[command(name = PROGRAM, disable_help_flag = true, args_override_self = true)]
struct Args {
    #[arg(value_name = "verify|export|prune")]
    action: Action,
    #[arg(long, env = "PAPO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    whispers: Option<Name>,
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: Option<Name>,
    #[arg(long, env = "PAPO_LANG", value_name = "pt-BR|en")]
    lang: Option<Language>,
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Verify,
    Export,
    Prune,
}

impl std::str::FromStr for Action {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Action, Self::Err> {
        match text {
            "verify" => Ok(Action::Verify),
            "export" => Ok(Action::Export),
            "prune" => Ok(Action::Prune),
            _ => Err("verify | export | prune"),
        }
    }
}

/// A name that somebody had once, though nobody could take it today.
fn parse_name(text: &str) -> Result<Name, crate::chat::name::NameError> {
    Name::parse_addressed(text)
}

/// Whether this command line asks for the journal.
pub fn is_asked(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|word| word == WORD)
}

/// Does what is asked, and says what came of it in one line. An export goes to `out`. The code is 0 if it was done and all is
/// in order, 1 if not, 2 on wrong usage.
pub fn run(arguments: &[OsString], language: Language, out: &mut impl Write) -> Exit {
    let speaker = Speaker { program: PROGRAM, arguments, language };
    let command =
        Args::command().about(text::cli_journal_about(language)).override_usage(text::cli_journal_usage(language));
    let matches = usage::translate(command, |arg| help_of(arg, language), language)
        .try_get_matches_from(arguments.iter().skip(1))
        .and_then(|matches| Args::from_arg_matches(&matches));
    let args = match matches {
        Ok(args) => args,
        Err(error) => return speaker.exit(&error),
    };
    if let Some((given, missing)) = args.out_of_place() {
        return speaker.needs(given, missing);
    }
    let Some(directory) = args.data.or_else(data::default_directory) else {
        return line(text::journal_no_directory(language), NOT_DONE);
    };
    let done = match (args.action, args.older_than, args.name) {
        (Action::Verify, ..) => journal::verify(&directory).map(|verdict| report(&verdict, language)),
        (Action::Export, ..) => Reader::open(&directory).and_then(|reader| {
            Ok(match export::export(&reader, args.whispers.as_ref(), out)? {
                Ok(()) => Exit { message: String::new(), code: 0 },
                // whoever reads has enough
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit { message: String::new(), code: 0 },
                Err(error) => line(text::journal_cannot_export(language, error.to_string()), NOT_DONE),
            })
        }),
        (Action::Prune, Some(days), None) => {
            let age = Duration::from_secs(u64::from(days) * DAY);
            journal::prune(&directory, age, SystemTime::now())
                .map(|count| line(text::journal_pruned(language, count), 0))
        }
        (Action::Prune, None, Some(name)) => journal::erase(&directory, &name)
            .map(|erased| line(text::journal_erased(language, erased.events, erased.whispers), 0)),
        (Action::Prune, ..) => return line(text::journal_prune_what(language), WRONG_USAGE),
    };
    done.unwrap_or_else(|error| line(why_not(&error, language), NOT_DONE))
}

impl Args {
    /// A flag that means nothing for this action, and the action it is for.
    fn out_of_place(&self) -> Option<(&'static str, &'static str)> {
        let prune = self.action == Action::Prune;
        [
            (self.whispers.is_some() && self.action != Action::Export, "--whispers", "export"),
            (self.older_than.is_some() && !prune, "--older-than", "prune"),
            (self.name.is_some() && !prune, "--name", "prune"),
        ]
        .into_iter()
        .find_map(|(is_wrong, given, missing)| is_wrong.then_some((given, missing)))
    }
}

/// One line, whatever the names in it are made of.
fn line(sentence: String, code: u8) -> Exit {
    Exit { message: format!("{}\n", CleanText::new(sentence)), code }
}

fn report(verdict: &Verdict, language: Language) -> Exit {
    // whoever wrote the file: they may overlap
    let missing = verdict.gaps.iter().fold(0, |sum: u64, gap| sum.saturating_add(gap.last - gap.first + 1));
    match verdict.problems.as_slice() {
        [] => line(text::journal_sound(language, verdict.events, verdict.whispers, missing), 0),
        [problem] => line(text::journal_damaged(language, problem.clone()), NOT_DONE),
        [problem, more @ ..] => line(text::journal_damaged_more(language, problem.clone(), more.len()), NOT_DONE),
    }
}

/// The sentence that says why a journal cannot be opened, for who starts a server, too.
pub fn why_not(error: &JournalError, language: Language) -> String {
    let shown = |path: &PathBuf| path.display().to_string();
    match error {
        JournalError::File { path, source } => text::journal_cannot_use(language, shown(path), source.to_string()),
        JournalError::InUse { directory } => text::journal_in_use(language, shown(directory)),
        JournalError::Missing { directory } => text::journal_missing(language, shown(directory)),
        JournalError::Foreign { path } => text::journal_foreign(language, shown(path)),
        JournalError::Newer { path, .. } => text::journal_newer(language, shown(path)),
        JournalError::Older { path, .. } => text::journal_older(language, shown(path)),
        JournalError::Unreadable { path } => text::journal_unreadable(language, shown(path)),
        JournalError::NoRandomness => text::journal_error(language, error.to_string()),
        JournalError::Database(error) => text::journal_error(language, error.to_string()),
    }
}

fn help_of(arg: &Arg, language: Language) -> String {
    match arg.get_id().as_str() {
        "action" => text::flag_journal_action(language),
        "data" => {
            let default = data::default_directory().map_or("-".to_owned(), |path| path.display().to_string());
            text::flag_journal_data(language, default)
        }
        "whispers" => text::flag_journal_whispers(language),
        "older_than" => text::flag_journal_older_than(language),
        "name" => text::flag_journal_name(language),
        "lang" => text::check_flag_lang(language),
        _ => text::flag_help(language),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Exit {
        let arguments: Vec<OsString> = ["papo", WORD].iter().chain(arguments).map(OsString::from).collect();
        assert!(is_asked(&arguments));
        super::run(&arguments, Language::English, &mut Vec::new())
    }

    #[test]
    fn wrong_usage_is_one_sentence_and_code_2() {
        for (arguments, sentence) in [
            (&[][..], "papo journal: invalid arguments."),
            (&["burn"], "papo journal: invalid value for <verify|export|prune>: 'burn'."),
            (&["prune"], "papo journal: say what to take out: --older-than DAYS or --name NAME."),
            (&["prune", "--older-than", "1", "--name", "Ana"], "papo journal: say what to take out"),
            (&["prune", "--older-than", "-1"], "papo journal: "),
            (&["prune", "--name", "a b"], "papo journal: invalid value for --name: 'a b'."),
            (&["verify", "--whispers", "Ana"], "papo journal: --whispers needs export too."),
            (&["export", "--name", "Ana"], "papo journal: --name needs prune too."),
            (&["export", "--foo"], "papo journal: unknown argument: --foo."),
        ] {
            let exit = run(arguments);
            assert!(exit.message.starts_with(sentence), "{}", exit.message);
            assert_eq!((exit.code, exit.message.lines().count()), (2, 1), "{}", exit.message);
        }
    }

    #[test]
    fn help_describes_every_flag() {
        let exit = run(&["--help"]);
        assert_eq!(exit.code, 0);
        for language in Language::ALL {
            for arg in Args::command().get_arguments() {
                assert!(!help_of(arg, language).is_empty(), "{arg:?}");
            }
        }
        for flag in ["--data", "--whispers", "--older-than", "--name"] {
            assert!(exit.message.contains(flag), "{}", exit.message);
        }
    }

    #[test]
    fn every_reason_has_a_sentence() {
        let path = PathBuf::from("x.db");
        for language in Language::ALL {
            let errors = [
                JournalError::InUse { directory: path.clone() },
                JournalError::Missing { directory: path.clone() },
                JournalError::Foreign { path: path.clone() },
                JournalError::Newer { path: path.clone(), found: 2, known: 1 },
                JournalError::Older { path: path.clone(), found: 1, known: 2 },
                JournalError::Unreadable { path: path.clone() },
                JournalError::File { path: path.clone(), source: io::ErrorKind::NotFound.into() },
            ];
            for error in errors {
                assert!(why_not(&error, language).contains("x.db"), "{error}");
            }
        }
    }
}
