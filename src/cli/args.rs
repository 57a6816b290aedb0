//! The flags of the server and their environment variables.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use super::usage::{self, Exit};
use crate::chat::language::Language;
use crate::chat::text;
use crate::config::{Config, Keepalive, Listen};

/// A day, the longest time that a flag takes, in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The longest keepalive that Linux takes, in seconds.
const MAX_KEEPALIVE: u64 = 32_767;

/// One field a flag; what each means is said to people by [`help_of`].
#[derive(Parser)]
#[command(name = "papo", version, disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
struct Args {
    #[arg(long, env = "PAPO_LISTEN", value_delimiter = ',', value_name = "[ADDR:]PORT")]
    listen: Vec<Listen>,
    #[arg(long, env = "PAPO_LANG", value_name = "LANG")]
    lang: Option<Language>,
    #[arg(long, env = "PAPO_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    #[arg(long, env = "PAPO_MAX_LINE", value_name = "BYTES", value_parser = clap::value_parser!(u64).range(64..=1 << 20))]
    max_line: Option<u64>,
    #[arg(long, env = "PAPO_NAME_DEADLINE", value_name = "S", value_parser = clap::value_parser!(u64).range(..=DAY))]
    name_deadline: Option<u64>,
    #[arg(long, env = "PAPO_OUTBOX", value_name = "BYTES")]
    outbox: Option<usize>,
    #[arg(long, env = "PAPO_KEEPALIVE", value_name = "S", value_parser = clap::value_parser!(u64).range(..=MAX_KEEPALIVE))]
    keepalive: Option<u64>,
    #[arg(long, env = "PAPO_USER_TIMEOUT", value_name = "S", value_parser = clap::value_parser!(u64).range(..=DAY))]
    user_timeout: Option<u64>,
    #[arg(long, env = "PAPO_BACKLOG", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    backlog: Option<u32>,
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Reads the command line and the environment.
///
/// # Errors
/// [`Exit`] if there is something to say instead of starting.
pub fn read(arguments: &[OsString], language: Language) -> Result<Config, Exit> {
    let matches = command(language).try_get_matches_from(arguments);
    let args = matches.and_then(|matches| Args::from_arg_matches(&matches));
    args.map(Args::into_config).map_err(|error| usage::exit(&error, "papo", language))
}

impl Args {
    fn into_config(self) -> Config {
        let default = Config::default();
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        Config {
            listen: if self.listen.is_empty() { default.listen } else { self.listen },
            language: self.lang.unwrap_or(default.language),
            max_connections: self.max_connections.unwrap_or(default.max_connections),
            backlog: self.backlog.unwrap_or(default.backlog),
            max_line: self.max_line.map_or(default.max_line, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            name_deadline: seconds(self.name_deadline, default.name_deadline),
            outbox: self.outbox.unwrap_or(default.outbox),
            keepalive: Keepalive { idle: seconds(self.keepalive, default.keepalive.idle), ..default.keepalive },
            user_timeout: seconds(self.user_timeout, default.user_timeout),
            ..default
        }
    }
}

fn command(language: Language) -> Command {
    let command = Args::command()
        .about(text::cli_about(language))
        .override_usage(text::cli_usage(language))
        .after_help(text::cli_environment(language));
    usage::translate(command, |arg| help_of(arg, language), language)
}

fn help_of(arg: &Arg, language: Language) -> String {
    let default = Config::default();
    match arg.get_id().as_str() {
        "listen" => text::flag_listen(language),
        "lang" => text::flag_lang(language),
        "max_connections" => text::flag_max_connections(language, default.max_connections),
        "max_line" => text::flag_max_line(language, default.max_line),
        "name_deadline" => text::flag_name_deadline(language, default.name_deadline.as_secs()),
        "outbox" => text::flag_outbox(language, default.outbox),
        "keepalive" => text::flag_keepalive(language, default.keepalive.idle.as_secs()),
        "user_timeout" => text::flag_user_timeout(language, default.user_timeout.as_secs()),
        "backlog" => text::flag_backlog(language, default.backlog),
        "help" => text::flag_help(language),
        "version" => text::flag_version(language),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], language: Language) -> Result<Config, Exit> {
        let arguments: Vec<OsString> = ["papo"].iter().chain(arguments).map(OsString::from).collect();
        super::read(&arguments, language)
    }

    #[test]
    fn flags_reach_the_configuration() {
        let config = read(
            &[
                "--listen",
                "127.0.0.1:0",
                "--listen",
                "7000",
                "--lang",
                "en",
                "--max-connections",
                "5",
                "--max-line",
                "128",
                "--name-deadline",
                "2",
                "--outbox",
                "0",
                "--keepalive",
                "7",
                "--user-timeout",
                "9",
                "--backlog",
                "1",
            ],
            Language::English,
        );
        let config = config.map_err(|exit| exit.message).unwrap();
        assert_eq!(config.listen, [Listen::Address(([127, 0, 0, 1], 0).into()), Listen::Port(7000)]);
        assert_eq!(config.language, Language::English);
        assert_eq!((config.max_connections, config.max_line, config.outbox, config.backlog), (5, 128, 0, 1));
        assert_eq!((config.name_deadline, config.user_timeout), (Duration::from_secs(2), Duration::from_secs(9)));
        assert_eq!(config.keepalive, Keepalive { idle: Duration::from_secs(7), ..Config::default().keepalive });
    }

    #[test]
    fn a_wrong_flag_is_one_sentence_in_the_language_and_code_2() {
        for (arguments, portuguese, english) in [
            (vec!["--foo"], "papo: opção desconhecida: --foo.", "papo: unknown option: --foo."),
            (
                vec!["--outbx", "1"],
                "papo: opção desconhecida: --outbx. Você quis dizer --outbox?",
                "Did you mean --outbox?",
            ),
            (vec!["sala"], "papo: opção desconhecida: sala.", "papo: unknown option: sala."),
            (
                vec!["--outbox", "muito"],
                "papo: valor inválido para --outbox: 'muito'.",
                "papo: invalid value for --outbox: 'muito'.",
            ),
            (vec!["--outbox"], "papo: falta o valor de --outbox.", "papo: --outbox needs a value."),
            (
                vec!["--listen", "sala:1"],
                "valor inválido para --listen: 'sala:1'.",
                "invalid value for --listen: 'sala:1'.",
            ),
            (vec!["--lang", "fr"], "valor inválido para --lang: 'fr'.", "invalid value for --lang: 'fr'."),
            (vec!["--max-line", "0"], "valor inválido para --max-line: '0'.", "invalid value for --max-line: '0'."),
            (vec!["--keepalive", "99999"], "valor inválido para --keepalive", "invalid value for --keepalive"),
        ] {
            for (language, expected) in [(Language::Portuguese, portuguese), (Language::English, english)] {
                let exit = read(&arguments, language).err().unwrap();
                assert_eq!(exit.code, 2);
                assert!(exit.message.contains(expected), "{}", exit.message);
                assert_eq!(exit.message.lines().count(), 1, "{}", exit.message);
            }
        }
    }

    #[test]
    fn help_describes_every_flag_in_the_language() {
        for language in Language::ALL {
            let exit = read(&["--help"], language).err().unwrap();
            assert_eq!(exit.code, 0);
            for arg in command(language).get_arguments() {
                assert!(!help_of(arg, language).is_empty(), "{arg:?}");
                let flag = arg.get_long().unwrap();
                assert!(exit.message.contains(&format!("--{flag}")), "{flag}");
                if let Some(variable) = arg.get_env() {
                    assert_eq!(variable.to_str().unwrap(), format!("PAPO_{}", flag.to_uppercase().replace('-', "_")));
                }
            }
            assert!(exit.message.contains(&text::cli_usage(language)));
        }
    }
}
