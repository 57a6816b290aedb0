//! What is said, both ways, once there is a connection.
//!
//! Two threads, one for each direction, share a connection and a flag: whatever blocks one of them, a server that does
//! not read or a person who does not type, the other goes on.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use papo::chat::command::Command;
use papo::chat::hygiene::CleanText;
use papo::chat::language::Language;
use papo::chat::text;
use papo::password::Password;
use secrecy::ExposeSecret;

use crate::connection::{Connection, Writer};
use crate::{Args, TIMEOUT};

/// The most bytes of one line that are shown at once.
const MAX_LINE: u64 = 64 * 1024; // 64 KiB

/// Sends what is typed and shows what arrives, until the server closes.
///
/// # Errors
/// The sentence that says what went wrong.
pub(crate) fn hold(
    connection: Connection,
    args: &Args,
    password: Option<&Password>,
    language: Language,
) -> Result<ExitCode, String> {
    let Connection { reader, mut writer } = connection;
    let mut lines = Lines::new(reader);
    let lost = |_| text::client_lost(language);
    if let Some(language) = args.lang {
        writer.write_all(format!("/lang {language}\n").as_bytes()).map_err(lost)?;
    }
    if let Some(password) = password
        && is_asked_for_password(&mut lines, args, language)?
    {
        writer.write_all(format!("{}\n", password.expose_secret()).as_bytes()).map_err(lost)?;
    }
    if let Some(name) = &args.name {
        writer.write_all(format!("{}\n", name.trim()).as_bytes()).map_err(lost)?;
    }
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

/// Waits until the server asks for something. If it is no password, it is told none: it would take it for a name, and tell
/// everybody.
fn is_asked_for_password(lines: &mut Lines, args: &Args, language: Language) -> Result<bool, String> {
    let is = |line: &str, sentence: fn(Language) -> String| {
        Language::ALL.into_iter().any(|language| line == sentence(language))
    };
    loop {
        match lines.next_line() {
            Ok(Next::Line(line)) if is(&line, text::password_prompt) => return Ok(true),
            Ok(Next::Line(line)) => {
                // nobody is told if nobody listens
                let _ = writeln!(io::stdout(), "{line}");
                if is(&line, text::prompt) {
                    return Ok(false);
                }
            }
            Ok(Next::Silence) => return Err(silent(args, language)),
            Ok(Next::End) | Err(_) => return Err(text::client_lost(language)),
        }
    }
}

fn send_what_is_typed(mut writer: Writer, has_left: &AtomicBool) {
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
    let _ = writer.finish();
}

/// The lines that arrive, made safe to show.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
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
    fn new(reader: Box<dyn Read>) -> Lines {
        Lines { reader: BufReader::new(reader), unfinished: Vec::new(), count: 0 }
    }

    fn are_none_yet(&self) -> bool {
        self.count == 0
    }

    fn next_line(&mut self) -> io::Result<Next> {
        let room = MAX_LINE.saturating_sub(self.unfinished.len() as u64);
        match self.reader.by_ref().take(room).read_until(b'\n', &mut self.unfinished) {
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
