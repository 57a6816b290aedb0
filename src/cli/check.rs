//! `papo check HOST[:PORT]`: whether a papo can be reached there, and if not, why; in one line.

mod conversation;
pub mod probe;

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser};

use super::address::ServerAddress;
use super::usage::{self, Exit, Speaker};
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::text;
use probe::{Encryption, Failure, Found, look};

/// What comes behind the name of the program.
pub const WORD: &str = "check";

/// How long each step may take: to find the host, to connect, to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

const NOT_FOUND: u8 = 1;

#[derive(Parser)]
#[command(name = "papo check", disable_help_flag = true, args_override_self = true)]
struct Args {
    #[arg(default_value = "localhost", hide_default_value = true, value_name = "HOST[:PORT]")]
    address: ServerAddress,
    #[arg(long, env = "PAPO_LANG", value_name = "pt-BR|en")]
    lang: Option<Language>,
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// Whether this command line asks for a check.
pub fn is_asked(arguments: &[OsString]) -> bool {
    arguments.get(1).is_some_and(|word| word == WORD)
}

/// Looks, and says in one line what is there. The code is 0 if it is a papo, 1 if it is none, 2 on wrong usage.
pub fn run(arguments: &[OsString], language: Language) -> Exit {
    let speaker = Speaker { program: "papo check", arguments, language };
    let command = Args::command().about(text::check_about(language)).override_usage(text::check_usage(language));
    let matches = usage::translate(command, |arg| help_of(arg, language), language)
        .try_get_matches_from(arguments.iter().skip(1))
        .and_then(|matches| Args::from_arg_matches(&matches));
    let server = match matches {
        Ok(args) => args.address,
        Err(error) => return speaker.exit(&error),
    };
    let (sentence, code) = match look(&server, TIMEOUT) {
        Ok(found) => (what_is_there(&found, language), 0),
        Err(failure) => (what_is_wrong(&failure, TIMEOUT, language), NOT_FOUND),
    };
    // whatever the names in it are made of
    Exit { message: format!("{}\n", CleanText::new(sentence)), code }
}

fn help_of(arg: &Arg, language: Language) -> String {
    match arg.get_id().as_str() {
        "address" => text::client_flag_address(language),
        "lang" => text::check_flag_lang(language),
        _ => text::flag_help(language),
    }
}

/// One line about a papo.
pub fn what_is_there(found: &Found, language: Language) -> String {
    let address = found.address.to_string();
    if let Some(refusal) = &found.refusal {
        return text::check_refused_by_papo(language, address, refusal.to_string());
    }
    let encryption = match &found.encryption {
        Encryption::None => text::check_tls_none(language),
        Encryption::Possible(fingerprint) => text::check_tls_both(language, fingerprint.to_string()),
        Encryption::Required(fingerprint) => text::check_tls_only(language, fingerprint.to_string()),
    };
    // nothing takes no time
    let milliseconds = u64::try_from(found.round_trip.as_millis()).unwrap_or(u64::MAX).max(1);
    text::check_found(language, address, found.version.to_string(), milliseconds, encryption)
}

/// One line about what is there in place of a papo. `timeout` is how long each step could take.
pub fn what_is_wrong(failure: &Failure, timeout: Duration, language: Language) -> String {
    let seconds = timeout.as_secs();
    match failure {
        Failure::UnknownHost { host, error } => text::check_unknown_host(language, host.clone(), error.to_string()),
        Failure::LookupTimedOut { host } => text::check_lookup_timed_out(language, host.clone(), seconds),
        Failure::Refused(address) => text::check_refused(language, address.to_string()),
        Failure::TimedOut(address) => text::check_timed_out(language, address.to_string(), seconds),
        Failure::NoRoute(address) => text::check_no_route(language, address.to_string()),
        Failure::CannotConnect { address, error } => {
            text::check_cannot_connect(language, address.to_string(), error.to_string())
        }
        Failure::Silent(address) => text::check_silent(language, address.to_string(), seconds),
        Failure::Closed(address) => text::check_closed(language, address.to_string()),
        Failure::Foreign { address, protocol: Some(protocol) } => {
            text::check_foreign(language, address.to_string(), *protocol)
        }
        Failure::Foreign { address, protocol: None } => text::check_stranger(language, address.to_string()),
        Failure::TlsBroken { address, error } => {
            text::check_tls_broken(language, address.to_string(), error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Exit {
        let arguments: Vec<OsString> = ["papo", WORD].iter().chain(arguments).map(OsString::from).collect();
        assert!(is_asked(&arguments));
        super::run(&arguments, Language::English)
    }

    #[test]
    fn wrong_usage_is_one_sentence_and_code_2() {
        for (arguments, sentence) in [
            (&["--foo"] as &[&str], "papo check: unknown argument: --foo. See papo check --help."),
            (&["localhost:x"], "papo check: invalid value for [HOST[:PORT]]: 'localhost:x'."),
            (&["a", "b"], "papo check: unknown argument: b."),
            (&["--lang", "fr"], "papo check: invalid value for --lang: 'fr'."),
        ] {
            let exit = run(arguments);
            assert_eq!((exit.code, exit.message.lines().count()), (2, 1), "{}", exit.message);
            assert!(exit.message.starts_with(sentence), "{}", exit.message);
        }
    }

    #[test]
    fn help_is_in_the_language() {
        let exit = run(&["--help"]);
        assert_eq!(exit.code, 0);
        assert!(exit.message.contains("Usage: papo check"), "{}", exit.message);
    }

    #[test]
    fn only_the_word_behind_the_program_asks_for_it() {
        for arguments in [&["papo"] as &[&str], &["papo", "--lang", "check"], &["check"], &["papo", "checks"]] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert!(!is_asked(&arguments));
        }
    }
}
