//! A terminal client for papo.
//!
//! In one terminal start the server, in others one client each:
//!
//! ```text
//! cargo run --release
//! cargo run --example client -- --name Ana
//! cargo run --example client -- 192.168.0.7:9999 --name Beto
//! ```
//!
//! What is typed is sent, what arrives is shown above it; `/sair`, Ctrl-D or Ctrl-C leaves. A connection that is lost comes back by
//! itself, and with it what was missed. It works in scripts too: `printf 'oi\n' | client --name Ana` says one thing and goes
//! when it has arrived.
//!
//! With `--tls` nobody on the way can read along. No authority vouches for a server on a network of one's own: the first time
//! its fingerprint is shown, to compare with what the server printed at start, and kept; if it is another one later, nothing is
//! sent. A script may say which one it expects: `--fingerprint AB:CD:…`.
//!
//! Exit codes: 0 left as asked; 1 could not connect, was refused or sent away, or something typed is not known to have arrived;
//! 2 wrong usage.
//!
//! # The path of a line
//!
//! [`editor`] (a terminal) or [`keyboard`] (a pipe) reads it, [`conversation`] takes it, [`typed`] finds out what it means,
//! [`session`] keeps it in [`outgoing`] until it is answered, [`link`] sends it. What arrives goes the other way: [`link`] reads
//! it, [`protocol`] knows what it is, [`session`] whether it is new, [`show`] makes a line of it, [`screen`] shows that.

mod completion;
mod connection;
mod conversation;
mod editor;
mod keyboard;
mod link;
mod outgoing;
mod pauses;
mod people;
mod protocol;
mod screen;
mod session;
mod show;
mod target;
mod terminal;
mod typed;

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser};
use jiff::tz::TimeZone;
use papo::chat::answer::Answer;
use papo::chat::language::Language;
use papo::chat::name::Name;
use papo::chat::text;
use papo::cli;
use papo::cli::usage::{self, Exit, Speaker};
use papo::config::Config;
use papo::password::Password;
use papo::transport::tls::Fingerprint;

use crate::completion::Known;
use crate::connection::OpenError;
use crate::conversation::{Beginning, Conversation, End};
use crate::keyboard::Keyboard;
use crate::screen::Screen;
use crate::show::Look;

/// How long a server may take: to accept a connection, to speak first, to answer who leaves.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most that has happened and was not looked at. Beyond it, nothing more is read.
const MAX_EVENTS: usize = 1000;

#[derive(Parser)]
#[command(name = "client", version, disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
struct Args {
    #[arg(default_value = "localhost", hide_default_value = true, value_name = "HOST[:PORT]")]
    address: String,
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[arg(long)]
    tls: bool,
    #[arg(long, value_name = "AB:CD:…")]
    fingerprint: Option<Fingerprint>,
    #[arg(long, env = "PAPO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    #[arg(long, env = "PAPO_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[arg(long, env = "PAPO_LANG", value_name = "LANG")]
    lang: Option<Language>,
    #[arg(long)]
    plain: bool,
    #[arg(long)]
    no_bell: bool,
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let language = cli::operator_language(&arguments, |key| std::env::var(key).ok());
    let args = match read_arguments(&arguments, language) {
        Ok(args) => args,
        Err(Exit { message, code: 0 }) => {
            // nobody is told if nobody listens
            let _ = io::stdout().write_all(message.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(Exit { message, code }) => {
            let _ = io::stderr().write_all(message.as_bytes());
            return ExitCode::from(code);
        }
    };
    let end = converse(args, language).unwrap_or_else(End::Failed);
    match end {
        End::Left => ExitCode::SUCCESS,
        End::Failed(sentence) => {
            let _ = writeln!(io::stderr(), "{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Connects, and talks until the end.
///
/// # Errors
/// The sentence that says why there was nothing to talk over.
fn converse(args: Args, language: Language) -> Result<End, String> {
    check_name(&args, language)?;
    let password = password(&args, language)?;
    let connection = connection::open(&args, None, language).map_err(OpenError::into_sentence)?;
    let (tell, events) = sync_channel(MAX_EVENTS);
    let (keyboard, asked) = Keyboard::new();
    let known = Arc::new(Mutex::new(Known { language, ..Known::default() }));
    let has_colours = cli::has_colours();
    // who looks at a terminal may edit lines there; all else is for scripts
    let can_edit = !args.plain && editor::is_possible();
    let (screen, look) = if can_edit {
        let printer = editor::start(asked, tell.clone(), Arc::clone(&known), has_colours)
            .map_err(|error| format!("client: {error}"))?;
        let look = Look { has_colours, zone: Some(TimeZone::system()), has_bell: !args.no_bell };
        (Screen::Terminal(printer), look)
    } else {
        keyboard::read_plainly(asked, tell.clone(), editor::read_hidden);
        (Screen::Plain, Look::plain())
    };
    let is_person = io::stdin().is_terminal();
    let args = Arc::new(args);
    let prefix = prefix();
    let beginning = Beginning { args, password, language, prefix, is_person, keyboard, screen, look, known, tell };
    Ok(Conversation::begin(beginning, connection).hold(&events))
}

/// What no other run of a client begins its ids with.
fn prefix() -> String {
    // the keys of each are random
    let [one, other] = [(); 2].map(|()| RandomState::new().build_hasher().finish());
    format!("{one:016x}{other:016x}")
}

fn read_arguments(arguments: &[OsString], language: Language) -> Result<Args, Exit> {
    let command = Args::command().about(text::client_about(language)).override_usage(text::client_usage(language));
    let matches = usage::translate(command, |arg| help_of(arg, language), language).try_get_matches_from(arguments);
    let args = matches.and_then(|matches| Args::from_arg_matches(&matches));
    args.map_err(|error| Speaker { program: "client", arguments, language }.exit(&error))
}

fn help_of(arg: &Arg, language: Language) -> String {
    match arg.get_id().as_str() {
        "address" => text::client_flag_address(language),
        "name" => text::client_flag_name(language),
        "tls" => text::client_flag_tls(language),
        "fingerprint" => text::client_flag_fingerprint(language),
        "data" => text::client_flag_data(language),
        "password_file" => text::client_flag_password_file(language),
        "lang" => text::client_flag_lang(language),
        "plain" => text::client_flag_plain(language),
        "no_bell" => text::client_flag_no_bell(language),
        "help" => text::flag_help(language),
        _ => text::flag_version(language),
    }
}

/// The password of the room: the first line of a file, or the variable `PAPO_PASSWORD`.
fn password(args: &Args, language: Language) -> Result<Option<Password>, String> {
    let variable = std::env::var_os(cli::password::VARIABLE);
    let read = |source| cli::password::read(&source, Config::default().max_password());
    let password = cli::password::choose(args.password_file.clone(), true, variable)
        .and_then(|source| source.map(read).transpose());
    password.map_err(|error| error.sentence(language))
}

/// Refuses what the server would refuse, before there is a connection on which it could mean something else.
fn check_name(args: &Args, language: Language) -> Result<(), String> {
    match args.name.as_deref().map(str::trim).map(Name::parse) {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(error)) => {
            let sentence = papo::dialect::text::answer(&Answer::BadName(error), language);
            Err(String::from_utf8_lossy(&sentence).trim_end().to_owned())
        }
    }
}
