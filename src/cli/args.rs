//! The flags of the server and their environment variables.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use super::password::{self, PasswordError};
use super::usage::{self, Exit, Speaker};
use crate::chat::language::Language;
use crate::chat::text;
use crate::config::{
    CertificateFiles, Config, HostName, Keepalive, Listen, MAX_KEEP, MAX_KEEPALIVE, MAX_LINE, MAX_THREADS, MAX_TIME,
    MIN_KEEP_BYTES, MIN_OUTBOX_LINES, Net, PasswordSource, Sync, Tls,
};
use crate::data;

/// Seconds in a day.
const DAY: u64 = 24 * 60 * 60;

/// One field a flag; what each means is said to people by [`help_of`], what it may be by [`out_of_range`].
#[derive(Parser)]
#[command(name = "papo", version, disable_help_flag = true, disable_version_flag = true)]
#[command(args_override_self = true, allow_negative_numbers = true)]
struct Args {
    #[arg(long, env = "PAPO_LISTEN", value_delimiter = ',', value_name = "[IP:]PORT")]
    listen: Vec<Listen>,
    #[arg(long, env = "PAPO_ADMIN", value_name = "IP:PORT")]
    admin: Option<SocketAddr>,
    #[arg(long, env = "PAPO_HOST", value_delimiter = ',', value_name = "NAME")]
    host: Vec<HostName>,
    #[arg(long, env = "PAPO_TLS", value_name = "off|on|required")]
    tls: Option<Tls>,
    #[arg(long, env = "PAPO_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    #[arg(long, env = "PAPO_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    #[arg(long, env = "PAPO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, env = "PAPO_NO_JOURNAL", value_parser = BoolishValueParser::new())]
    no_journal: bool,
    #[arg(long, env = "PAPO_SYNC", value_name = "always|interval|never")]
    sync: Option<Sync>,
    #[arg(long, env = "PAPO_KEEP_DAYS", value_name = "N")]
    keep_days: Option<u64>,
    #[arg(long, env = "PAPO_KEEP_BYTES", value_name = "N")]
    keep_bytes: Option<u64>,
    #[arg(long, env = "PAPO_LANG", value_name = "pt-BR|en")]
    lang: Option<Language>,
    #[arg(long, env = "PAPO_NO_QR", value_parser = BoolishValueParser::new())]
    no_qr: bool,
    #[arg(long, env = "PAPO_THREADS", value_name = "N")]
    threads: Option<usize>,
    #[arg(long, env = "PAPO_MAX_CONNECTIONS", value_name = "N")]
    max_connections: Option<usize>,
    #[arg(long, env = "PAPO_MAX_PER_ADDRESS", value_name = "N")]
    max_per_address: Option<usize>,
    #[arg(long, env = "PAPO_MAX_NEW_PER_ADDRESS", value_name = "N")]
    max_new_per_address: Option<usize>,
    #[arg(long, env = "PAPO_MAX_UNNAMED", value_name = "N")]
    max_unnamed: Option<usize>,
    #[arg(long, env = "PAPO_MAX_UNNAMED_PER_ADDRESS", value_name = "N")]
    max_unnamed_per_address: Option<usize>,
    #[arg(long, env = "PAPO_EXEMPT", value_delimiter = ',', value_name = "NET")]
    exempt: Vec<Net>,
    #[arg(long, env = "PAPO_HISTORY", value_name = "N")]
    history: Option<usize>,
    #[arg(long, env = "PAPO_GRACE", value_name = "S")]
    grace: Option<u64>,
    #[arg(long, env = "PAPO_RESUME_WINDOW", value_name = "S")]
    resume_window: Option<u64>,
    #[arg(long, env = "PAPO_MAX_LOST_PER_ADDRESS", value_name = "N")]
    max_lost_per_address: Option<usize>,
    #[arg(long, env = "PAPO_MAX_LINE", value_name = "N")]
    max_line: Option<usize>,
    #[arg(long, env = "PAPO_MAX_LONG_LINES", value_name = "N")]
    max_long_lines: Option<usize>,
    #[arg(long, env = "PAPO_MAX_UNENDED", value_name = "N")]
    max_unended: Option<usize>,
    #[arg(long, env = "PAPO_MAX_BEFORE_NAME", value_name = "N")]
    max_before_name: Option<usize>,
    #[arg(long, env = "PAPO_RATE", value_name = "N")]
    rate: Option<u32>,
    #[arg(long, env = "PAPO_RATE_BURST", value_name = "N")]
    rate_burst: Option<u32>,
    #[arg(long, env = "PAPO_RATE_BYTES", value_name = "N")]
    rate_bytes: Option<u32>,
    #[arg(long, env = "PAPO_RATE_BYTES_BURST", value_name = "N")]
    rate_bytes_burst: Option<u32>,
    #[arg(long, env = "PAPO_FLOOD", value_name = "S")]
    flood: Option<u64>,
    #[arg(long, env = "PAPO_NAME_DEADLINE", value_name = "S")]
    name_deadline: Option<u64>,
    #[arg(long, env = "PAPO_MAX_BAD_NAMES", value_name = "N")]
    max_bad_names: Option<u32>,
    #[arg(long, env = "PAPO_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[arg(long, env = "PAPO_MAX_PASSWORD_TRIES", value_name = "N")]
    max_password_tries: Option<u32>,
    #[arg(long, env = "PAPO_MAX_PASSWORD_TRIES_PER_ADDRESS", value_name = "N")]
    max_password_tries_per_address: Option<u32>,
    #[arg(long, env = "PAPO_OUTBOX", value_name = "N")]
    outbox: Option<usize>,
    #[arg(long, env = "PAPO_OUTBOX_TOTAL", value_name = "N")]
    outbox_total: Option<usize>,
    #[arg(long, env = "PAPO_OUTBOX_SOFT", value_name = "N")]
    outbox_soft: Option<usize>,
    #[arg(long, env = "PAPO_OUTBOX_TIME", value_name = "S")]
    outbox_time: Option<u64>,
    #[arg(long, env = "PAPO_UNSENT", value_name = "N")]
    unsent: Option<u32>,
    #[arg(long, env = "PAPO_KEEPALIVE", value_name = "S")]
    keepalive: Option<u64>,
    #[arg(long, env = "PAPO_USER_TIMEOUT", value_name = "S")]
    user_timeout: Option<u64>,
    #[arg(long, env = "PAPO_PROBE_TIMEOUT", value_name = "S")]
    probe_timeout: Option<u64>,
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
    let matches = command(language).try_get_matches_from(arguments).map_err(|error| speaker.exit(&error))?;
    let mut args = Args::from_arg_matches(&matches).map_err(|error| speaker.exit(&error))?;
    if let Some((given, missing)) = args.half_of_a_pair() {
        return Err(speaker.needs(given, missing));
    }
    let is_flag = matches.value_source("password_file") == Some(ValueSource::CommandLine);
    let source = password::choose(args.password_file.take(), is_flag, std::env::var_os(password::VARIABLE));
    let config = args.into_config();
    if let Some((flag, value)) = out_of_range(&config) {
        return Err(speaker.wrong_value(flag, value));
    }
    let bad_password = |error: PasswordError| usage::mistake(error.sentence(language));
    let password = source.map_err(bad_password)?;
    // a file is read when the server starts; what is wrong with a variable is wrong usage
    if let Some(given @ PasswordSource::Given(_)) = &password {
        password::read(given, config.max_password()).map_err(bad_password)?;
    }
    Ok(Config { password, ..config })
}

impl Args {
    /// A flag that was given without the one that it needs, and that one.
    fn half_of_a_pair(&self) -> Option<(&'static str, &'static str)> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => Some(("--tls-cert", "--tls-key")),
            (None, Some(_)) => Some(("--tls-key", "--tls-cert")),
            _ => None,
        }
    }

    fn into_config(self) -> Config {
        let default = Config::default();
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        Config {
            listen: if self.listen.is_empty() { default.listen } else { self.listen },
            admin: self.admin,
            hosts: self.host,
            tls: self.tls.unwrap_or(default.tls),
            certificate: self
                .tls_cert
                .zip(self.tls_key)
                .map(|(certificate, key)| CertificateFiles { certificate, key }),
            data: self.data.or_else(data::default_directory),
            journal: default.journal && !self.no_journal,
            sync: self.sync.unwrap_or(default.sync),
            keep: self.keep_days.map_or(default.keep, |days| Duration::from_secs(days.saturating_mul(DAY))),
            keep_bytes: self.keep_bytes.unwrap_or(default.keep_bytes),
            language: self.lang.unwrap_or(default.language),
            qr: default.qr && !self.no_qr,
            threads: self.threads.unwrap_or(default.threads),
            max_connections: self.max_connections.unwrap_or(default.max_connections),
            max_per_address: self.max_per_address.unwrap_or(default.max_per_address),
            max_new_per_address: self.max_new_per_address.unwrap_or(default.max_new_per_address),
            max_unnamed: self.max_unnamed.unwrap_or(default.max_unnamed),
            max_unnamed_per_address: self.max_unnamed_per_address.unwrap_or(default.max_unnamed_per_address),
            exempt: self.exempt,
            backlog: self.backlog.unwrap_or(default.backlog),
            history: self.history.unwrap_or(default.history),
            grace: seconds(self.grace, default.grace),
            resume_window: seconds(self.resume_window, default.resume_window),
            max_lost_per_address: self.max_lost_per_address.unwrap_or(default.max_lost_per_address),
            max_line: self.max_line.unwrap_or(default.max_line),
            max_long_lines: self.max_long_lines.unwrap_or(default.max_long_lines),
            max_unended: self.max_unended.unwrap_or(default.max_unended),
            max_before_name: self.max_before_name.unwrap_or(default.max_before_name),
            rate: self.rate.unwrap_or(default.rate),
            rate_burst: self.rate_burst.unwrap_or(default.rate_burst),
            rate_bytes: self.rate_bytes.unwrap_or(default.rate_bytes),
            rate_bytes_burst: self.rate_bytes_burst.unwrap_or(default.rate_bytes_burst),
            flood: seconds(self.flood, default.flood),
            name_deadline: seconds(self.name_deadline, default.name_deadline),
            max_bad_names: self.max_bad_names.unwrap_or(default.max_bad_names),
            max_password_tries: self.max_password_tries.unwrap_or(default.max_password_tries),
            password_tries: self.max_password_tries_per_address.unwrap_or(default.password_tries),
            outbox: self.outbox.unwrap_or(default.outbox),
            outbox_total: self.outbox_total.unwrap_or(default.outbox_total),
            outbox_soft: self.outbox_soft.unwrap_or(default.outbox_soft),
            outbox_time: seconds(self.outbox_time, default.outbox_time),
            unsent: self.unsent.unwrap_or(default.unsent),
            keepalive: Keepalive { idle: seconds(self.keepalive, default.keepalive.idle), ..default.keepalive },
            probe_timeout: seconds(self.probe_timeout, default.probe_timeout),
            user_timeout: seconds(self.user_timeout, default.user_timeout),
            ..default
        }
    }
}

/// The first flag with a value that no server could work with, and that value.
fn out_of_range(config: &Config) -> Option<(&'static str, String)> {
    let Config { max_line, max_unended, outbox, .. } = *config;
    let is_unended_too_small = max_unended != 0 && max_unended < max_line;
    let is_outbox_too_small = outbox != 0 && outbox < MIN_OUTBOX_LINES.saturating_mul(max_line);
    let is_journal_too_small = config.keep_bytes != 0 && config.keep_bytes < MIN_KEEP_BYTES;
    let seconds = |time: Duration| time.as_secs().to_string();
    // nobody can connect to many addresses at once
    let group = config.listen.iter().find_map(|place| match place {
        Listen::Address(address) if is_group(address.ip()) => Some(address.to_string()),
        _ => None,
    });
    let checks = [
        (group.is_some(), "--listen", group.unwrap_or_default()),
        (!(1..=MAX_THREADS).contains(&config.threads), "--threads", config.threads.to_string()),
        (!MAX_LINE.contains(&max_line), "--max-line", max_line.to_string()),
        (is_unended_too_small, "--max-unended", max_unended.to_string()),
        (is_outbox_too_small, "--outbox", outbox.to_string()),
        (config.keep > MAX_KEEP, "--keep-days", (config.keep.as_secs() / DAY).to_string()),
        (is_journal_too_small, "--keep-bytes", config.keep_bytes.to_string()),
        (config.outbox_time > MAX_TIME, "--outbox-time", seconds(config.outbox_time)),
        (config.grace > MAX_TIME, "--grace", seconds(config.grace)),
        (config.resume_window > MAX_TIME, "--resume-window", seconds(config.resume_window)),
        (config.probe_timeout > MAX_TIME, "--probe-timeout", seconds(config.probe_timeout)),
        (config.flood > MAX_TIME, "--flood", seconds(config.flood)),
        (config.name_deadline > MAX_TIME, "--name-deadline", seconds(config.name_deadline)),
        (config.user_timeout > MAX_TIME, "--user-timeout", seconds(config.user_timeout)),
        (config.keepalive.idle > MAX_KEEPALIVE, "--keepalive", seconds(config.keepalive.idle)),
        (config.backlog == 0, "--backlog", config.backlog.to_string()),
    ];
    checks.into_iter().find_map(|(is_wrong, flag, value)| is_wrong.then_some((flag, value)))
}

/// Whether this is an address of many machines, which some systems let a program listen on.
fn is_group(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
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
        "admin" => text::flag_admin(language),
        "host" => text::flag_host(language),
        "tls" => text::flag_tls(language),
        "tls_cert" => text::flag_tls_cert(language),
        "tls_key" => text::flag_tls_key(language),
        "data" => text::flag_data(language, data::default_directory().map_or("-".to_owned(), shown)),
        "no_journal" => text::flag_no_journal(language),
        "sync" => text::flag_sync(language),
        "keep_days" => text::flag_keep_days(language, MAX_KEEP.as_secs() / DAY, default.keep.as_secs() / DAY),
        "keep_bytes" => text::flag_keep_bytes(language, MIN_KEEP_BYTES, default.keep_bytes),
        "lang" => text::flag_lang(language),
        "no_qr" => text::flag_no_qr(language),
        "threads" => text::flag_threads(language, MAX_THREADS, default.threads),
        "max_connections" => text::flag_max_connections(language, default.max_connections),
        "max_per_address" => text::flag_max_per_address(language, default.max_per_address),
        "max_new_per_address" => text::flag_max_new_per_address(language, default.max_new_per_address),
        "max_unnamed" => text::flag_max_unnamed(language, default.max_unnamed),
        "max_unnamed_per_address" => text::flag_max_unnamed_per_address(language, default.max_unnamed_per_address),
        "exempt" => text::flag_exempt(language),
        "history" => text::flag_history(language, default.history),
        "max_line" => text::flag_max_line(language, *MAX_LINE.start(), *MAX_LINE.end(), default.max_line),
        "max_long_lines" => {
            text::flag_max_long_lines(language, default.max_long_lines, default.long_lines_within.as_secs())
        }
        "max_unended" => text::flag_max_unended(language, default.max_unended),
        "max_before_name" => text::flag_max_before_name(language, default.max_before_name),
        "rate" => text::flag_rate(language, default.rate),
        "rate_burst" => text::flag_rate_burst(language, default.rate_burst),
        "rate_bytes" => text::flag_rate_bytes(language, default.rate_bytes),
        "rate_bytes_burst" => text::flag_rate_bytes_burst(language, default.rate_bytes_burst),
        "flood" => text::flag_flood(language, max_seconds, default.flood.as_secs()),
        "name_deadline" => text::flag_name_deadline(language, max_seconds, default.name_deadline.as_secs()),
        "grace" => text::flag_grace(language, max_seconds, default.grace.as_secs()),
        "resume_window" => text::flag_resume_window(language, max_seconds, default.resume_window.as_secs()),
        "max_lost_per_address" => text::flag_max_lost_per_address(language, default.max_lost_per_address),
        "max_bad_names" => text::flag_max_bad_names(language, default.max_bad_names),
        "password_file" => text::flag_password_file(language),
        "max_password_tries" => text::flag_max_password_tries(language, default.max_password_tries),
        "max_password_tries_per_address" => {
            let seconds = default.password_tries_within.as_secs();
            text::flag_max_password_tries_per_address(language, default.password_tries, seconds)
        }
        "outbox" => text::flag_outbox(language, MIN_OUTBOX_LINES, default.outbox),
        "outbox_total" => text::flag_outbox_total(language, default.outbox_total),
        "outbox_soft" => text::flag_outbox_soft(language, default.outbox_soft),
        "outbox_time" => text::flag_outbox_time(language, max_seconds, default.outbox_time.as_secs()),
        "unsent" => text::flag_unsent(language, default.unsent),
        "keepalive" => text::flag_keepalive(language, MAX_KEEPALIVE.as_secs(), default.keepalive.idle.as_secs()),
        "user_timeout" => text::flag_user_timeout(language, max_seconds, default.user_timeout.as_secs()),
        "probe_timeout" => text::flag_probe_timeout(language, max_seconds, default.probe_timeout.as_secs()),
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
            &"--listen 127.0.0.1:0 --listen 7000 --admin [::1]:9100 --host sala,chat.example.com --host x --tls required --tls-cert c.pem --tls-key k.pem --data d \
              --no-journal --sync always --keep-days 7 --keep-bytes 20000000 --lang en --no-qr --threads 2 --max-connections 5 --history 3 --grace 4 --resume-window 0 --max-lost-per-address 5 --max-line 128 \
              --name-deadline 2 --max-long-lines 0 --max-unended 128 --max-before-name 7 \
              --rate 3 --rate-burst 4 --rate-bytes 5 --rate-bytes-burst 6 --flood 7 --max-bad-names 9 \
              --password-file f --max-password-tries 1 --max-password-tries-per-address 2 \
              --max-per-address 6 --max-new-per-address 7 --max-unnamed 8 --max-unnamed-per-address 0 \
              --exempt 10.8.0.0/24,::1 --exempt 192.168.0.7 --outbox 0 --outbox-total 12 --outbox-soft 8 --outbox-time 9 --unsent 10 \
              --probe-timeout 11 --keepalive 7 --user-timeout 9 --backlog 1"
                .split_whitespace()
                .collect::<Vec<_>>(),
            Language::English,
        );
        let config = config.map_err(|exit| exit.message).unwrap();
        assert_eq!(config.listen, [Listen::Address(([127, 0, 0, 1], 0).into()), Listen::Port(7000)]);
        assert_eq!(config.admin, Some("[::1]:9100".parse().unwrap()));
        assert_eq!((config.tls, config.data), (Tls::Required, Some("d".into())));
        assert_eq!(config.hosts, ["sala", "chat.example.com", "x"].map(|name| name.parse().unwrap()));
        let files = CertificateFiles { certificate: "c.pem".into(), key: "k.pem".into() };
        assert_eq!(config.certificate, Some(files));
        assert_eq!((config.journal, config.sync), (false, Sync::Always));
        assert_eq!((config.keep, config.keep_bytes), (Duration::from_secs(7 * DAY), 20_000_000));
        assert_eq!((config.language, config.qr), (Language::English, false));
        assert_eq!((config.max_connections, config.max_line, config.outbox, config.backlog), (5, 128, 0, 1));
        assert_eq!((config.max_long_lines, config.max_unended, config.max_before_name), (0, 128, 7));
        assert_eq!(config.history, 3);
        assert_eq!((config.grace, config.resume_window), (Duration::from_secs(4), Duration::ZERO));
        assert_eq!(config.max_lost_per_address, 5);
        assert_eq!((config.threads, config.max_bad_names), (2, 9));
        assert!(matches!(config.password, Some(PasswordSource::File(path)) if path.as_os_str() == "f"));
        assert_eq!((config.max_password_tries, config.password_tries), (1, 2));
        assert_eq!(config.probe_timeout, Duration::from_secs(11));
        assert_eq!(config.outbox_total, 12);
        assert_eq!((config.outbox_soft, config.outbox_time, config.unsent), (8, Duration::from_secs(9), 10));
        assert_eq!((config.rate, config.rate_burst, config.flood), (3, 4, Duration::from_secs(7)));
        assert_eq!((config.rate_bytes, config.rate_bytes_burst), (5, 6));
        assert_eq!((config.max_per_address, config.max_new_per_address), (6, 7));
        assert_eq!((config.max_unnamed, config.max_unnamed_per_address), (8, 0));
        assert_eq!(config.exempt, ["10.8.0.0/24", "::1", "192.168.0.7"].map(|net| net.parse().unwrap()));
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
            (vec!["--listen", "224.0.0.1:1"], "para --listen: '224.0.0.1:1'.", "for --listen: '224.0.0.1:1'."),
            (vec!["--listen", "7000,[ff02::1]:7"], "para --listen: '[ff02::1]:7'.", "for --listen: '[ff02::1]:7'."),
            (vec!["--admin", "9100"], "valor inválido para --admin: '9100'.", "invalid value for --admin: '9100'."),
            (vec!["--no-qr=x"], "valor inválido para --no-qr: 'x'.", "invalid value for --no-qr: 'x'."),
            (vec!["--tls", "yes"], "valor inválido para --tls: 'yes'.", "invalid value for --tls: 'yes'."),
            (vec!["--tls-cert", ""], "falta o valor de --tls-cert.", "--tls-cert needs a value."),
            (vec!["--sync", "often"], "inválido para --sync: 'often'.", "invalid value for --sync: 'often'."),
            (vec!["--keep-days", "36501"], "para --keep-days: '36501'.", "for --keep-days: '36501'."),
            (vec!["--keep-bytes", "16777215"], "--keep-bytes: '16777215'.", "for --keep-bytes: '16777215'."),
            (vec!["--no-journal=x"], "para --no-journal: 'x'.", "for --no-journal: 'x'."),
            (vec!["--data", ""], "falta o valor de --data.", "--data needs a value."),
            (
                vec!["--tls-cert", "c.pem"],
                "papo: --tls-cert precisa também de --tls-key. Veja papo --help.",
                "papo: --tls-cert needs --tls-key too. See papo --help.",
            ),
            (vec!["--tls-key=k"], "--tls-key precisa também de --tls-cert.", "--tls-key needs --tls-cert too."),
            (vec!["--lang", "fr"], "valor inválido para --lang: 'fr'.", "invalid value for --lang: 'fr'."),
            (vec!["--max-line", "0"], "valor inválido para --max-line: '0'.", "invalid value for --max-line: '0'."),
            (
                vec!["--max-line", "18446744073709551615"],
                "para --max-line: '18446744073709551615'.",
                "for --max-line: '18",
            ),
            (
                vec!["--max-connections", "99999999999999999999"],
                "para --max-connections: '9",
                "for --max-connections: '9",
            ),
            (vec!["--max-per-address", "-1"], "para --max-per-address: '-1'.", "for --max-per-address: '-1'."),
            (vec!["--max-new-per-address", "1.5"], "--max-new-per-address: '1.5'.", "--max-new-per-address: '1.5'."),
            (vec!["--max-unnamed", "x"], "para --max-unnamed: 'x'.", "for --max-unnamed: 'x'."),
            (
                vec!["--max-unnamed-per-address", ""],
                "falta o valor de --max-unnamed-per-address.",
                "--max-unnamed-per-address needs a value.",
            ),
            (vec!["--host", "sala:80"], "valor inválido para --host: 'sala:80'.", "for --host: 'sala:80'."),
            (vec!["--host", "http://x"], "para --host: 'http://x'.", "for --host: 'http://x'."),
            (vec!["--exempt", "10.0.0.0/33"], "para --exempt: '10.0.0.0/33'.", "for --exempt: '10.0.0.0/33'."),
            (vec!["--exempt", "10.0.0.0/8,sala"], "para --exempt: 'sala'.", "for --exempt: 'sala'."),
            (vec!["--exempt", "10.0.0.0/8,"], "falta o valor de --exempt.", "--exempt needs a value."),
            (vec!["--outbox", "a\nb\u{1b}[31m"], "para --outbox: 'a␊b␛[31m'.", "for --outbox: 'a␊b␛[31m'."),
            (vec!["--max-line", "9000"], "valor inválido para --max-line: '9000'.", "for --max-line: '9000'."),
            (vec!["--max-unended", "4095"], "para --max-unended: '4095'.", "for --max-unended: '4095'."),
            (vec!["--outbox=8191"], "valor inválido para --outbox: '8191'.", "for --outbox: '8191'."),
            (vec!["--outbox", "9999", "--max-line", "5000"], "para --outbox: '9999'.", "for --outbox: '9999'."),
            (vec!["--keepalive", "99999"], "valor inválido para --keepalive: '99999'.", "for --keepalive: '99999'."),
            (vec!["--name-deadline", "86401"], "para --name-deadline: '86401'.", "for --name-deadline: '86401'."),
            (vec!["--outbox-time", "86401"], "para --outbox-time: '86401'.", "for --outbox-time: '86401'."),
            (vec!["--probe-timeout", "86401"], "para --probe-timeout: '86401'.", "for --probe-timeout: '86401'."),
            (vec!["--flood", "86401"], "para --flood: '86401'.", "for --flood: '86401'."),
            (vec!["--password-file", ""], "falta o valor de --password-file.", "--password-file needs a value."),
            (vec!["--password", "x"], "argumento desconhecido: --password.", "unknown argument: --password."),
            (vec!["--max-password-tries", "-1"], "--max-password-tries: '-1'.", "--max-password-tries: '-1'."),
            (vec!["--rate", "-2"], "valor inválido para --rate: '-2'.", "invalid value for --rate: '-2'."),
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
