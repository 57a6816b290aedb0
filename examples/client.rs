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
//! What is typed is sent, what arrives is shown; `/sair` or Ctrl-D leaves. It works in scripts too:
//! `printf 'oi\n' | client --name Ana` says one thing and goes.
//!
//! Two threads, one for each direction, share a socket and a flag: whatever blocks one of them, a server that does
//! not read or a person who does not type, the other goes on.
//!
//! Exit codes: 0 left as asked, 1 no connection or lost it or the name was refused to a script, 2 wrong usage.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser};
use papo::chat::answer::Answer;
use papo::chat::command::Command;
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use papo::chat::name::Name;
use papo::chat::text;
use papo::cli::usage::{self, Exit, Speaker};
use papo::config::DEFAULT_PORT;

/// How long a server may take: to accept a connection, to speak first, to answer who leaves.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of one line that are shown at once.
const MAX_LINE: u64 = 64 * 1024; // 64 KiB

#[derive(Parser)]
#[command(name = "client", version, disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
struct Args {
    #[arg(default_value = "localhost", hide_default_value = true, value_name = "HOST[:PORT]")]
    address: String,
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[arg(long, env = "PAPO_LANG", value_name = "LANG")]
    lang: Option<Language>,
    #[arg(short, long, action = ArgAction::Help)]
    help: Option<bool>,
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let language = papo::cli::operator_language(&arguments, |key| std::env::var(key).ok());
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
    let result = check_name(&args, language)
        .and_then(|()| connect(&args.address, language))
        .and_then(|stream| chat(stream, &args, language));
    match result {
        Ok(code) => code,
        Err(sentence) => {
            let _ = writeln!(io::stderr(), "{sentence}");
            ExitCode::FAILURE
        }
    }
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
        "lang" => text::client_flag_lang(language),
        "help" => text::flag_help(language),
        _ => text::flag_version(language),
    }
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

/// Connects to the first address of the host that answers; else says what is wrong with the last one.
fn connect(address: &str, language: Language) -> Result<TcpStream, String> {
    let Some((host, port)) = split_address(address) else {
        return Err(text::client_bad_address(language, address.to_owned()));
    };
    let unknown = |error: String| text::client_unknown_host(language, host.to_owned(), error);
    let addresses: Vec<SocketAddr> =
        (host, port).to_socket_addrs().map_err(|error| unknown(error.to_string()))?.collect();
    let mut failure = unknown(String::new());
    for found in addresses {
        match TcpStream::connect_timeout(&found, TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = why_not(found, &error, language),
        }
    }
    Err(failure)
}

fn why_not(address: SocketAddr, error: &io::Error, language: Language) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => text::client_refused(language, address.to_string()),
        io::ErrorKind::TimedOut => text::client_timed_out(language, address.to_string(), TIMEOUT.as_secs()),
        _ => text::client_cannot_connect(language, address.to_string(), error.to_string()),
    }
}

/// `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`.
fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = split_port(address)?;
    (!host.is_empty() && !host.contains(['[', ']'])).then_some((host, port))
}

fn split_port(address: &str) -> Option<(&str, u16)> {
    if let Some((host, port)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((host, if port.is_empty() { DEFAULT_PORT } else { port.strip_prefix(':')?.parse().ok()? }));
    }
    match address.split_once(':') {
        Some((_, port)) if port.contains(':') => Some((address, DEFAULT_PORT)),
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((address, DEFAULT_PORT)),
    }
}

/// Sends what is typed and shows what arrives, until the server closes.
fn chat(stream: TcpStream, args: &Args, language: Language) -> Result<ExitCode, String> {
    let lost = |_: io::Error| text::client_lost(language);
    let writer = stream.try_clone().map_err(lost)?;
    let mut lines = Lines::new(stream).map_err(lost)?;
    introduce(&writer, args).map_err(lost)?;
    if args.name.is_some() && !io::stdin().is_terminal() {
        enter_as_script(&mut lines, args, language)?;
    }

    let has_left = Arc::new(AtomicBool::new(false));
    thread::spawn({
        let has_left = Arc::clone(&has_left);
        move || send_what_is_typed(writer, &has_left)
    });
    loop {
        match lines.next_line() {
            Ok(Next::Line(line)) => match writeln!(io::stdout(), "{line}") {
                Ok(()) => {}
                // whoever watched has seen enough
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                Err(_) => return Ok(ExitCode::FAILURE),
            },
            // a server asks for a name within a second, and answers who leaves; in between it may be silent for days
            Ok(Next::Silence) if lines.are_none_yet() || has_left.load(Ordering::Acquire) => {
                return Err(silent(args, language));
            }
            Ok(Next::Silence) => {}
            _ if has_left.load(Ordering::Acquire) => return Ok(ExitCode::SUCCESS),
            _ => return Err(text::client_lost(language)),
        }
    }
}

fn silent(args: &Args, language: Language) -> String {
    text::client_timed_out(language, args.address.clone(), TIMEOUT.as_secs())
}

/// Waits until the name is accepted: if it is not, what the script says next is not meant as another one.
fn enter_as_script(lines: &mut Lines, args: &Args, language: Language) -> Result<(), String> {
    loop {
        let line = match lines.next_line() {
            Ok(Next::Line(line)) => line,
            Ok(Next::Silence) => return Err(silent(args, language)),
            Ok(Next::End) | Err(_) => return Err(text::client_lost(language)),
        };
        let entrance = Entrance::read(&line);
        if let Entrance::Refused = entrance {
            return Err(line);
        }
        // nobody is told if nobody listens
        let _ = writeln!(io::stdout(), "{line}");
        if let Entrance::Open = entrance {
            return Ok(());
        }
    }
}

/// What a line of the server says, in either language, about coming in.
enum Entrance {
    Open,
    Refused,
    Undecided,
}

impl Entrance {
    fn read(line: &str) -> Entrance {
        let begins_as = |sentence: String, end: char| {
            let beginning = sentence.split_inclusive(end).next().unwrap_or_default().to_owned();
            line.starts_with(&beginning)
        };
        let welcome = Language::ALL.into_iter().any(|language| begins_as(text::welcome_alone(language, ""), ','));
        let error = Language::ALL.into_iter().any(|language| begins_as(text::bad_name(language), ':'));
        match (welcome, error) {
            (true, _) => Entrance::Open,
            (_, true) => Entrance::Refused,
            _ => Entrance::Undecided,
        }
    }
}

/// The language and the name, if they were given.
fn introduce(mut writer: &TcpStream, args: &Args) -> io::Result<()> {
    if let Some(language) = args.lang {
        writer.write_all(format!("/lang {language}\n").as_bytes())?;
    }
    if let Some(name) = &args.name {
        writer.write_all(format!("{}\n", name.trim()).as_bytes())?;
    }
    Ok(())
}

fn send_what_is_typed(mut writer: TcpStream, has_left: &AtomicBool) {
    let mut keyboard = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // without a line end it is the last one, even if a terminal would give more after Ctrl-D
        let is_last = !matches!(keyboard.read_until(b'\n', &mut line), Ok(1..)) || !line.ends_with(b"\n");
        if line.is_empty() {
            break;
        }
        let typed = CleanText::from(String::from_utf8_lossy(&line).trim_end());
        if matches!(Command::parse(typed), Ok(Some(Command::Quit))) {
            has_left.store(true, Ordering::Release);
        }
        if is_last {
            line.push(b'\n');
        }
        if writer.write_all(&line).is_err() {
            // the other thread sees the end of the connection too, and says so
            return;
        }
        if is_last {
            break;
        }
    }
    has_left.store(true, Ordering::Release);
    // what was said so far is answered before the server closes; if it is gone already, there is nothing to answer
    let _ = writer.shutdown(Shutdown::Write);
}

/// The lines that arrive, made safe to show.
struct Lines {
    stream: BufReader<TcpStream>,
    /// The line that is arriving.
    unfinished: Vec<u8>,
    count: u64,
}

/// What comes next.
enum Next {
    /// A line, without its end.
    Line(String),
    /// Nothing, for [`TIMEOUT`].
    Silence,
    /// The end of the connection.
    End,
}

impl Lines {
    fn new(stream: TcpStream) -> io::Result<Lines> {
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Lines { stream: BufReader::new(stream), unfinished: Vec::new(), count: 0 })
    }

    fn are_none_yet(&self) -> bool {
        self.count == 0
    }

    fn next_line(&mut self) -> io::Result<Next> {
        let room = MAX_LINE.saturating_sub(self.unfinished.len() as u64);
        match self.stream.by_ref().take(room).read_until(b'\n', &mut self.unfinished) {
            // what has arrived of the line is kept
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(Next::Silence);
            }
            result => result?,
        };
        if self.unfinished.is_empty() {
            return Ok(Next::End);
        }
        self.count += 1;
        let bytes = std::mem::take(&mut self.unfinished);
        let line = String::from_utf8_lossy(&bytes);
        Ok(Next::Line(CleanText::from(line.trim_end_matches(['\r', '\n'])).to_string()))
    }
}
