//! The flags of the server and their environment variables.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use super::usage::{self, Exit, Speaker};
use crate::chat::language::Language;
use crate::chat::text;
use crate::config::{Config, Keepalive, Listen, MAX_KEEPALIVE, MAX_LINE, MAX_THREADS, MAX_TIME, MIN_OUTBOX_LINES};

/// One field a flag; what each means is said to people by [`help_of`], what it may be by [`out_of_range`].
#[derive(Parser)]
#[command(name = "papo", version, disable_help_flag = true, disable_version_flag = true)]
#[command(args_override_self = true, allow_negative_numbers = true)]
struct Args {
    #[arg(long, env = "PAPO_LISTEN", value_delimiter = ',', value_name = "[IP:]PORT")]
    listen: Vec<Listen>,
    #[arg(long, env = "PAPO_LANG", value_name = "pt-BR|en")]
    lang: Option<Language>,
    #[arg(long, env = "PAPO_THREADS", value_name = "N")]
    threads: Option<usize>,
    #[arg(long, env = "PAPO_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    #[arg(long, env = "PAPO_MAX_LINE", value_name = "N")]
    max_line: Option<usize>,
    #[arg(long, env = "PAPO_MAX_LONG_LINES", value_name = "N")]
    max_long_lines: Option<usize>,
    #[arg(long, env = "PAPO_MAX_UNENDED", value_name = "N")]
    max_unended: Option<usize>,
    #[arg(long, env = "PAPO_MAX_BEFORE_NAME", value_name = "N")]
    max_before_name: Option<usize>,
    #[arg(long, env = "PAPO_NAME_DEADLINE", value_name = "S")]
    name_deadline: Option<u64>,
    #[arg(long, env = "PAPO_OUTBOX", value_name = "N")]
    outbox: Option<usize>,
    #[arg(long, env = "PAPO_KEEPALIVE", value_name = "S")]
    keepalive: Option<u64>,
    #[arg(long, env = "PAPO_USER_TIMEOUT", value_name = "S")]
    user_timeout: Option<u64>,
    #[arg(long, env = "PAPO_BACKLOG", value_name = "N")]
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
    let speaker = Speaker { program: "papo", arguments, language };
    let matches = command(language).try_get_matches_from(arguments);
    let args = matches.and_then(|matches| Args::from_arg_matches(&matches)).map_err(|error| speaker.exit(&error))?;
    let config = args.into_config();
    match out_of_range(&config) {
        Some((flag, value)) => Err(speaker.wrong_value(flag, value)),
        None => Ok(config),
    }
}

impl Args {
    fn into_config(self) -> Config {
        let default = Config::default();
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        Config {
            listen: if self.listen.is_empty() { default.listen } else { self.listen },
            language: self.lang.unwrap_or(default.language),
            threads: self.threads.unwrap_or(default.threads),
            max_connections: self.max_connections.unwrap_or(default.max_connections),
            backlog: self.backlog.unwrap_or(default.backlog),
            max_line: self.max_line.unwrap_or(default.max_line),
            max_long_lines: self.max_long_lines.unwrap_or(default.max_long_lines),
            max_unended: self.max_unended.unwrap_or(default.max_unended),
            max_before_name: self.max_before_name.unwrap_or(default.max_before_name),
            name_deadline: seconds(self.name_deadline, default.name_deadline),
            outbox: self.outbox.unwrap_or(default.outbox),
            keepalive: Keepalive { idle: seconds(self.keepalive, default.keepalive.idle), ..default.keepalive },
            user_timeout: seconds(self.user_timeout, default.user_timeout),
            ..default
        }
    }
}

/// The first flag with a value that no server could work with, and that value.
fn out_of_range(config: &Config) -> Option<(&'static str, String)> {
    let Config { max_line, max_unended, outbox, .. } = *config;
    let is_unended_too_small = max_unended != 0 && max_unended < max_line;
    let is_outbox_too_small = outbox != 0 && outbox < MIN_OUTBOX_LINES * max_line;
    let seconds = |time: Duration| time.as_secs().to_string();
    let checks = [
        (!(1..=MAX_THREADS).contains(&config.threads), "--threads", config.threads.to_string()),
        (!MAX_LINE.contains(&max_line), "--max-line", max_line.to_string()),
        (is_unended_too_small, "--max-unended", max_unended.to_string()),
        (is_outbox_too_small, "--outbox", outbox.to_string()),
        (config.name_deadline > MAX_TIME, "--name-deadline", seconds(config.name_deadline)),
        (config.user_timeout > MAX_TIME, "--user-timeout", seconds(config.user_timeout)),
        (config.keepalive.idle > MAX_KEEPALIVE, "--keepalive", seconds(config.keepalive.idle)),
        (config.backlog == 0, "--backlog", config.backlog.to_string()),
    ];
    checks.into_iter().find_map(|(is_wrong, flag, value)| is_wrong.then_some((flag, value)))
}

/// The parser, with every word in one language.
fn command(language: Language) -> Command {
    let command = Args::command()
        .about(text::cli_about(language))
        .override_usage(text::cli_usage(language))
        .after_help(text::cli_environment(language));
    usage::translate(command, |arg| help_of(arg, language), language)
}

fn help_of(arg: &Arg, language: Language) -> String {
    let default = Config::default();
    let max_seconds = MAX_TIME.as_secs();
    match arg.get_id().as_str() {
        "listen" => text::flag_listen(language),
        "lang" => text::flag_lang(language),
        "threads" => text::flag_threads(language, MAX_THREADS, default.threads),
        "max_connections" => text::flag_max_connections(language, default.max_connections),
        "max_line" => text::flag_max_line(language, *MAX_LINE.start(), *MAX_LINE.end(), default.max_line),
        "max_long_lines" => {
            text::flag_max_long_lines(language, default.max_long_lines, default.long_lines_within.as_secs())
        }
        "max_unended" => text::flag_max_unended(language, default.max_unended),
        "max_before_name" => text::flag_max_before_name(language, default.max_before_name),
        "name_deadline" => text::flag_name_deadline(language, max_seconds, default.name_deadline.as_secs()),
        "outbox" => text::flag_outbox(language, MIN_OUTBOX_LINES, default.outbox),
        "keepalive" => text::flag_keepalive(language, MAX_KEEPALIVE.as_secs(), default.keepalive.idle.as_secs()),
        "user_timeout" => text::flag_user_timeout(language, max_seconds, default.user_timeout.as_secs()),
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
            &"--listen 127.0.0.1:0 --listen 7000 --lang en --threads 2 --max-connections 5 --max-line 128 --name-deadline 2 \
              --max-long-lines 0 --max-unended 128 --max-before-name 7 \
              --outbox 0 --keepalive 7 --user-timeout 9 --backlog 1"
                .split_whitespace()
                .collect::<Vec<_>>(),
            Language::English,
        );
        let config = config.map_err(|exit| exit.message).unwrap();
        assert_eq!(config.listen, [Listen::Address(([127, 0, 0, 1], 0).into()), Listen::Port(7000)]);
        assert_eq!(config.language, Language::English);
        assert_eq!((config.max_connections, config.max_line, config.outbox, config.backlog), (5, 128, 0, 1));
        assert_eq!((config.max_long_lines, config.max_unended, config.max_before_name), (0, 128, 7));
        assert_eq!(config.threads, 2);
        assert_eq!((config.name_deadline, config.user_timeout), (Duration::from_secs(2), Duration::from_secs(9)));
        assert_eq!(config.keepalive, Keepalive { idle: Duration::from_secs(7), ..Config::default().keepalive });
    }

    #[test]
    fn a_wrong_flag_is_one_sentence_in_the_language_and_code_2() {
        for (arguments, portuguese, english) in [
            (vec!["--foo"], "papo: argumento desconhecido: --foo.", "papo: unknown argument: --foo."),
            (
                vec!["--outbx", "1"],
                "papo: argumento desconhecido: --outbx. Você quis dizer --outbox?",
                "Did you mean --outbox?",
            ),
            (vec!["sala"], "papo: argumento desconhecido: sala.", "papo: unknown argument: sala."),
            (
                vec!["--outbox", "muito"],
                "papo: valor inválido para --outbox: 'muito'.",
                "papo: invalid value for --outbox: 'muito'.",
            ),
            (
                vec!["--max-connections", "-1"],
                "papo: valor inválido para --max-connections: '-1'.",
                "papo: invalid value for --max-connections: '-1'.",
            ),
            (vec!["--outbox"], "papo: falta o valor de --outbox.", "papo: --outbox needs a value."),
            (
                vec!["--listen", "sala:1"],
                "valor inválido para --listen: 'sala:1'.",
                "invalid value for --listen: 'sala:1'.",
            ),
            (vec!["--lang", "fr"], "valor inválido para --lang: 'fr'.", "invalid value for --lang: 'fr'."),
            (vec!["--max-line", "0"], "valor inválido para --max-line: '0'.", "invalid value for --max-line: '0'."),
            (vec!["--max-line", "9000"], "valor inválido para --max-line: '9000'.", "for --max-line: '9000'."),
            (vec!["--max-unended", "4095"], "para --max-unended: '4095'.", "for --max-unended: '4095'."),
            (vec!["--outbox=8191"], "valor inválido para --outbox: '8191'.", "for --outbox: '8191'."),
            (vec!["--outbox", "9999", "--max-line", "5000"], "para --outbox: '9999'.", "for --outbox: '9999'."),
            (vec!["--keepalive", "99999"], "valor inválido para --keepalive: '99999'.", "for --keepalive: '99999'."),
            (vec!["--name-deadline", "86401"], "para --name-deadline: '86401'.", "for --name-deadline: '86401'."),
            (vec!["--user-timeout", "86401"], "para --user-timeout: '86401'.", "for --user-timeout: '86401'."),
            (vec!["--threads", "0"], "valor inválido para --threads: '0'.", "invalid value for --threads: '0'."),
            (vec!["--threads", "257"], "valor inválido para --threads: '257'.", "for --threads: '257'."),
            (vec!["--backlog", "0"], "valor inválido para --backlog: '0'.", "for --backlog: '0'."),
            (vec!["--help=x"], "valor inválido para --help: 'x'.", "invalid value for --help: 'x'."),
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
