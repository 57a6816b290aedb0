//! The text dialect: UTF-8 lines that a person can type and read, for `nc`, telnet and the seed's Python
//! client.
//!
//! Bytes become lines in [`codec`] (with [`telnet`] in front of it); lines become commands in
//! [`Command::parse`](crate::chat::command::Command::parse); answers and events become lines here, and many
//! [`notices`] one line. The sentences themselves are in [`crate::chat::text`].

pub mod codec;
pub mod notices;
pub mod telnet;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::chat::answer::{Answer, ArchiveTrouble, Deed, DiskTrouble, ObjectError, Refusal, Sighting};
use crate::chat::command::{COMMANDS, CommandError};
use crate::chat::event::{Event, EventKind, Reason, Whispered};
use crate::chat::language::Language;
use crate::chat::name::{self, Name, NameError};
use crate::chat::text;

/// The most bytes in one line of a long list, so that a client which reads 1,024 bytes at a time gets whole lines.
const LIST_LINE: usize = 1000;

/// Room in a welcome for what stands around the names.
const WELCOME_FRAME: usize = 200;

/// Room in the first line of a list for what stands before the names.
const LIST_START: usize = 40;

/// Writes an event as everybody but its author reads it: one line.
pub fn write_event(line: &mut Vec<u8>, event: &EventKind, language: Language) {
    let mut write = |parts: &[&str]| {
        line.reserve(parts.iter().map(|part| part.len()).sum::<usize>() + 1);
        parts.iter().for_each(|part| line.extend_from_slice(part.as_bytes()));
    };
    match event {
        EventKind::Said { from, text } => write(&[from.as_str(), ": ", text.as_str()]),
        // the asterisk keeps `/eu entrou no chat.` apart from a notice of the server
        EventKind::Acted { from, text } => write(&["* ", from.as_str(), " ", text.as_str()]),
        EventKind::Joined { name } => write(&[&text::joined(language, name.as_str())]),
        EventKind::Renamed { old, new } => write(&[&text::renamed(language, old.as_str(), new.as_str())]),
        EventKind::Left { name, reason } => write(&[&match text::reason(language, *reason) {
            Some(reason) => text::left_because(language, name.as_str(), reason),
            None => text::left(language, name.as_str()),
        }]),
    }
    line.push(b'\n');
}

/// A whisper as the one person reads it.
pub fn whispered(whispered: &Whispered, language: Language) -> Bytes {
    let mut line = text::whispered(language, whispered.from.as_str(), whispered.text.as_str());
    line.push('\n');
    line.into()
}

/// An answer: one line, or several.
pub fn answer(answer: &Answer, language: Language) -> Bytes {
    let mut lines = match answer {
        Answer::Prompt => text::prompt(language),
        Answer::PasswordPrompt => text::password_prompt(language),
        Answer::PasswordWrong => text::password_wrong(language),
        Answer::TooManyPasswordTries { seconds } => text::password_too_many_tries(language, *seconds),
        Answer::Welcome(newcomer) => welcome(&newcomer.name, &newcomer.others, newcomer.more, language),
        Answer::NameTaken(name) => text::name_taken(language, name.as_str()),
        Answer::NameProbed(name) => text::name_probed(language, name.as_str()),
        Answer::NameWanted => text::name_wanted(language),
        Answer::NameTooSimilar(name) => text::name_too_similar(language, name.as_str()),
        Answer::NameHeld(name) => text::name_held(language, name.as_str()),
        Answer::BadName(error) => bad_name(*error, language),
        Answer::NameUnchanged(name) => text::name_unchanged(language, name.as_str()),
        Answer::Who(names) => who(names, language),
        Answer::History(page) => {
            let frame = [text::history_begins(language, page.len()), text::history_ends(language)];
            events_between(frame, page, language).unwrap_or_else(|| text::history_empty(language))
        }
        Answer::Found(page) => {
            let frame = [text::found_begins(language, page.len()), text::found_ends(language)];
            events_between(frame, page, language).unwrap_or_else(|| text::found_nothing(language))
        }
        Answer::Seen(name, sighting) => seen(name.as_str(), *sighting, language),
        Answer::NoArchive(trouble) => archive_trouble(*trouble, language),
        // people are told of every failure once, and nothing of each whisper
        Answer::NotKept => return Bytes::new(),
        Answer::JournalFailed(trouble) => text::journal_failed(language, disk_trouble(*trouble, language)),
        Answer::JournalRecovered { events: 0, whispers: 0 } => text::journal_recovered(language),
        Answer::JournalRecovered { events, whispers } => text::journal_recovered_lost(language, *events, *whispers),
        Answer::NotFound(name) => text::not_found(language, name.as_str()),
        Answer::Mistake(mistake) => self::mistake(mistake, language),
        Answer::NobodyToReplyTo => text::nobody_to_reply_to(language),
        Answer::Help => text::help(language, COMMANDS).join("\n"),
        Answer::Pong => text::pong(language),
        Answer::LanguageChanged(language) => text::language_changed(*language),
        Answer::Ignoring(name) => text::ignoring(language, name.as_str()),
        Answer::NotIgnoringAnyMore(name) => text::not_ignoring_any_more(language, name.as_str()),
        Answer::NotIgnored(name) => text::not_ignored(language, name.as_str()),
        Answer::TooManyIgnored { max } => text::too_many_ignored(language, *max),
        Answer::BadObject(error) => bad_object(*error, language),
        Answer::LineTooLong { max } => text::line_too_long(language, *max),
        Answer::NotUtf8 => text::not_utf8(language),
        Answer::Throttled => text::throttled(language),
        Answer::Goodbye(reason) => goodbye(*reason, language),
        Answer::NoNameInTime { seconds } => text::no_name_in_time(language, *seconds),
        Answer::NoNameInBytes { max } => text::no_name_in_bytes(language, *max),
        Answer::Refused(refusal) => refused(*refusal, language),
    };
    lines.push('\n');
    lines.into()
}

fn bad_name(error: NameError, language: Language) -> String {
    match error {
        NameError::BadCharacter => text::bad_name(language),
        NameError::NoLetter => text::name_without_letter(language),
        NameError::TooLong => text::name_too_long(language, name::MAX_CHARS, name::MAX_BYTES),
        NameError::TooManyMarks => text::name_too_many_marks(language, name::MAX_MARKS),
        NameError::MixedScripts => text::name_mixes_scripts(language),
        NameError::BadDirection => text::name_direction(language),
        NameError::Reserved => text::name_reserved(language),
        NameError::LooksReserved => text::name_looks_reserved(language),
    }
}

fn mistake(mistake: &CommandError, language: Language) -> String {
    match mistake {
        CommandError::Unknown { typed, nearest: None } => text::unknown_command(language, typed.clone()),
        CommandError::Unknown { typed, nearest: Some(nearest) } => {
            text::unknown_command_near(language, typed.clone(), *nearest)
        }
        CommandError::WhisperFormat => text::whisper_format(language),
        CommandError::EmptyMessage => text::empty_message(language),
        CommandError::Usage(entry) => text::usage(language, text::usage_of(language, entry)),
        CommandError::NoSuchName(typed) => text::not_found(language, typed.clone()),
        CommandError::BadName(error) => bad_name(*error, language),
    }
}

fn disk_trouble(trouble: DiskTrouble, language: Language) -> String {
    match trouble {
        DiskTrouble::Full => text::journal_disk_full(language),
        DiskTrouble::Slow => text::journal_too_slow(language),
        DiskTrouble::ReadOnly => text::journal_read_only(language),
        DiskTrouble::Damaged => text::journal_file_damaged(language),
        DiskTrouble::Other => text::journal_other(language),
    }
}

fn archive_trouble(trouble: ArchiveTrouble, language: Language) -> String {
    match trouble {
        ArchiveTrouble::NothingKept => text::archive_nothing_kept(language),
        ArchiveTrouble::Busy => text::archive_busy(language),
        ArchiveTrouble::TooSlow => text::archive_too_slow(language),
        ArchiveTrouble::Failed => text::archive_failed(language),
    }
}

fn seen(name: &str, sighting: Sighting, language: Language) -> String {
    match sighting {
        Sighting::Here => text::seen_here(language, name),
        Sighting::Unknown => text::seen_unknown(language, name),
        Sighting::NotKept => text::seen_not_kept(language, name),
        Sighting::Last { at, deed } => {
            let at = Clock::now().time(at);
            match deed {
                Deed::Joined => text::seen_joined(language, name, at),
                Deed::Said | Deed::Acted => text::seen_said(language, name, at),
                Deed::Renamed => text::seen_renamed(language, name, at),
                Deed::Left => text::seen_left(language, name, at),
            }
        }
    }
}

fn bad_object(error: ObjectError, language: Language) -> String {
    match error {
        ObjectError::NotJson => text::bad_json(language),
        ObjectError::UnknownType => text::unknown_type(language),
        ObjectError::Field(field) => text::bad_field(language, field),
        ObjectError::WouldBePublic => text::would_be_public(language),
        ObjectError::NotJoined => text::not_joined(language),
        ObjectError::AlreadyJoined => text::already_joined(language),
    }
}

fn refused(refusal: Refusal, language: Language) -> String {
    match refusal {
        Refusal::ServerFull => text::server_full(language),
        Refusal::TooManyOfAddress => text::too_many_of_address(language),
        Refusal::TooManyNewOfAddress => text::too_many_new_of_address(language),
        Refusal::TlsRequired => text::tls_required(language),
    }
}

fn goodbye(reason: Reason, language: Language) -> String {
    match (reason, text::reason(language, reason)) {
        (Reason::Evicted, _) => text::goodbye_evicted(language),
        (Reason::Shutdown, _) => text::goodbye_shutdown(language),
        (_, Some(reason)) => text::disconnected(language, reason),
        (_, None) => text::goodbye(language),
    }
}

fn welcome(name: &Name, others: &[Name], more: usize, language: Language) -> String {
    if others.is_empty() {
        return text::welcome_alone(language, name.as_str());
    }
    // as many as fit into a line
    let mut bytes = 0;
    let fits = |other: &&Name| {
        bytes += other.as_str().len() + ", ".len();
        bytes <= LIST_LINE - WELCOME_FRAME
    };
    let shown: Vec<&str> = others.iter().take_while(fits).map(Name::as_str).collect();
    let more = more + others.len() - shown.len();
    let list = shown.join(", ");
    let list = if more > 0 { text::and_more(language, list, more) } else { list };
    text::welcome(language, name.as_str(), list)
}

/// All names, in lines of at most [`LIST_LINE`] bytes; the second line and those after it are indented.
fn who(names: &[Name], language: Language) -> String {
    let mut list = String::new();
    let mut line = LIST_START;
    for (index, name) in names.iter().map(Name::as_str).enumerate() {
        let separator = match index {
            0 => "",
            _ if line + name.len() > LIST_LINE => {
                line = 0;
                ",\n  "
            }
            _ => ", ",
        };
        list.extend([separator, name]);
        line += name.len() + ", ".len();
    }
    text::who(language, names.len(), list)
}

/// Messages with the time when they were said, between two lines that say so; `None` if there are none. A name cannot begin
/// with a bracket, so none of them can be taken for one that is said now.
fn events_between([begins, ends]: [String; 2], page: &[Arc<Event>], language: Language) -> Option<String> {
    if page.is_empty() {
        return None;
    }
    let mut lines = begins.into_bytes();
    lines.push(b'\n');
    let clock = Clock::now();
    for event in page {
        lines.extend_from_slice(format!("[{}] ", clock.time(event.at)).as_bytes());
        write_event(&mut lines, &event.kind, language);
    }
    lines.extend_from_slice(ends.as_bytes());
    Some(String::from_utf8_lossy(&lines).into_owned())
}

/// Where the server is, and what day it is there.
struct Clock {
    zone: TimeZone,
    today: Date,
}

impl Clock {
    fn now() -> Clock {
        let zone = TimeZone::system();
        let today = Timestamp::now().to_zoned(zone.clone()).date();
        Clock { zone, today }
    }

    /// Hours and minutes, and the day if it is another one.
    fn time(&self, at: SystemTime) -> String {
        let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone());
        let format = if at.date() == self.today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        at.strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::answer::Welcome;

    fn people(count: usize) -> Vec<Name> {
        (0..count).map(|i| Name::parse(&format!("pessoa_{i}_{}", "x".repeat(i % 20))).unwrap()).collect()
    }

    fn text(bytes: Bytes) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_long_list_is_complete_in_short_lines() {
        let people = people(500);
        let list = text(answer(&Answer::Who(people.clone().into()), Language::Portuguese));
        assert!(list.starts_with("Na sala (500): pessoa_0_, pessoa_1_x,"));
        assert!(list.lines().all(|line| line.len() < 1024));
        assert!(list.lines().count() < 20);
        let listed: Vec<_> = list.trim_end()["Na sala (500): ".len()..].split(',').map(str::trim).collect();
        assert_eq!(listed, people.iter().map(Name::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn a_welcome_says_how_many_more_there_are() {
        let welcome = Welcome { others: people(2), more: 37, ..Welcome::new(people(1).remove(0), "e".into()) };
        let welcome = Answer::Welcome(welcome.into());
        assert_eq!(
            text(answer(&welcome, Language::English)),
            "Welcome to the chat, pessoa_0_! In the room: pessoa_0_, pessoa_1_x and 37 more. Type /help for the commands.\n"
        );
    }

    #[test]
    fn a_welcome_fits_into_one_read_of_an_old_client() {
        let long: Vec<Name> = (0..20).map(|i| Name::parse(&format!("{}{i:02}", "李".repeat(20))).unwrap()).collect();
        for language in Language::ALL {
            let welcome = Welcome { others: long.clone(), more: 9980, ..Welcome::new(long[0].clone(), "e".into()) };
            let welcome = Answer::Welcome(welcome.into());
            let welcome = text(answer(&welcome, language));
            assert!(welcome.len() < 1024, "{}", welcome.len());
            assert!(welcome.contains("9988") || welcome.contains("998"), "{welcome}");
        }
    }

    #[test]
    fn words_about_the_password() {
        let say = |said: &Answer| Language::ALL.map(|language| text(answer(said, language)));
        assert_eq!(say(&Answer::PasswordPrompt), ["Senha da sala:\n", "Room password:\n"]);
        assert_eq!(say(&Answer::PasswordWrong), ["Erro: Senha errada.\n", "Error: Wrong password.\n"]);
        let [one, many] = [1, 30].map(|seconds| say(&Answer::TooManyPasswordTries { seconds }));
        assert!(one[0].ends_with(" em 1 segundo.\n") && one[1].ends_with(" in 1 second.\n"), "{one:?}");
        assert!(many[0].ends_with(" em 30 segundos.\n") && many[1].ends_with(" in 30 seconds.\n"), "{many:?}");
        assert_eq!(
            say(&Answer::Goodbye(Reason::BadPasswords)),
            ["Você foi desconectado: muitas senhas erradas.\n", "You were disconnected: too many wrong passwords.\n"]
        );
    }

    #[test]
    fn an_action_cannot_pass_for_a_notice() {
        let acted = EventKind::Acted { from: people(1).remove(0), text: "entrou no chat.".into() };
        let mut line = Vec::new();
        write_event(&mut line, &acted, Language::English);
        assert_eq!(line, b"* pessoa_0_ entrou no chat.\n");
    }
}
