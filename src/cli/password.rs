//! Where the room's password comes from: the first line of a file, or a variable. Never from the command line itself, which
//! everybody on the machine can see.
//!
//! It reads, and knows nothing of what the password is for. What it holds meanwhile is wiped from memory.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::chat::command::Command;
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::text;
use crate::config::PasswordSource;
use crate::dialect::sniff::{self, Verdict};
use crate::password::{BadPassword, Password};

/// The variable that holds the password itself.
pub const VARIABLE: &str = "PAPO_PASSWORD";

/// What programs of Windows write before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// So many times the bytes that it is compared in may a password have in a file, where letters and accents may be apart.
const MAX_DECOMPOSED: usize = 4;

/// Why there is no password though one was wanted.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file is missing, or not for this process.
    #[error("cannot read {place}: {source}")]
    Unreadable {
        /// The file.
        place: String,
        /// What the system says.
        source: io::Error,
    },
    /// In another encoding; nobody could type the same bytes.
    #[error("{place} is not UTF-8")]
    NotUtf8 {
        /// The file or the variable.
        place: String,
    },
    /// Text, but no password.
    #[error("{place}: {source}")]
    Bad {
        /// The file or the variable.
        place: String,
        /// What is wrong with it.
        source: BadPassword,
    },
    /// Both variables are set, and nobody knows which one is meant.
    #[error("two passwords")]
    Twice,
}

impl PasswordError {
    /// The sentence for who starts the server: one line, whatever a file is called. It holds nothing of the password.
    pub fn sentence(&self, language: Language) -> String {
        let sentence = match self {
            PasswordError::Unreadable { place, source } => {
                text::password_unreadable(language, place.clone(), source.to_string())
            }
            PasswordError::NotUtf8 { place } => text::password_not_utf8(language, place.clone()),
            PasswordError::Bad { place, source: BadPassword::Empty } => text::password_empty(language, place.clone()),
            PasswordError::Bad { place, source: BadPassword::BadCharacter } => {
                text::password_bad_character(language, place.clone())
            }
            PasswordError::Bad { place, source: BadPassword::TooLong { max } } => {
                text::password_too_long(language, place.clone(), *max)
            }
            PasswordError::Bad { place, source: BadPassword::MeansSomethingElse } => {
                text::password_means_something_else(language, place.clone())
            }
            PasswordError::Twice => text::password_twice(language),
        };
        CleanText::new(sentence).as_str().to_owned()
    }
}

/// Which of the possible places has the password: a file, which a flag named or a variable, or the variable that holds the
/// password itself. A flag beats that variable. One that is set to nothing is a password that is empty, which
/// [`read`] refuses: whoever sets it does not want an open room.
///
/// # Errors
/// [`PasswordError`] if both variables are set, or this one is no text.
pub fn choose(
    file: Option<PathBuf>,
    is_flag: bool,
    variable: Option<OsString>,
) -> Result<Option<PasswordSource>, PasswordError> {
    match (file, variable) {
        (Some(_), Some(_)) if !is_flag => Err(PasswordError::Twice),
        (Some(file), _) => Ok(Some(PasswordSource::File(file))),
        (None, Some(password)) => {
            let password = password.into_string().map_err(|_| PasswordError::NotUtf8 { place: VARIABLE.to_owned() })?;
            Ok(Some(PasswordSource::Given(SecretString::from(password))))
        }
        (None, None) => Ok(None),
    }
}

/// Reads the password, of at most `max` bytes.
///
/// # Errors
/// [`PasswordError`] says why there is none.
pub fn read(source: &PasswordSource, max: usize) -> Result<Password, PasswordError> {
    match source {
        PasswordSource::Given(password) => {
            let bad = |source| PasswordError::Bad { place: VARIABLE.to_owned(), source };
            typeable(password.expose_secret(), max).map_err(bad)
        }
        PasswordSource::File(path) => {
            let place = || path.display().to_string();
            let most = MAX_DECOMPOSED * max;
            let line = first_line(path, most).map_err(|source| PasswordError::Unreadable { place: place(), source })?;
            let bad = |source| PasswordError::Bad { place: place(), source };
            if line.len() > most {
                return Err(bad(BadPassword::TooLong { max }));
            }
            let line = std::str::from_utf8(&line).map_err(|_| PasswordError::NotUtf8 { place: place() })?;
            typeable(line, max).map_err(bad)
        }
    }
}

/// A password that somebody at a terminal can give: a line that is no command there, nor the beginning of another protocol.
fn typeable(text: &str, max: usize) -> Result<Password, BadPassword> {
    let is_text = matches!(sniff::sniff(format!("{text}\n").as_bytes()), Verdict::Text);
    let is_command = Command::parse_before_name(&CleanText::from(text)).is_some();
    if is_text && !is_command && sniff::http_line(text).is_none() {
        return Password::parse(text, max);
    }
    // what is no password at all is that first
    Password::parse(text, max).and(Err(BadPassword::MeansSomethingElse))
}

/// The first line of a file without its end, or more than `most` bytes of it. No more is read, whatever the file is.
fn first_line(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = BYTE_ORDER_MARK.len() + most + "\r\n".len();
    // with room to spare: bytes that move would leave a copy behind
    let mut line = Zeroizing::new(Vec::with_capacity(2 * limit));
    File::open(path)?.take(limit as u64).read_to_end(&mut line)?;
    if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
        line.truncate(end);
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(line)
}

/// The mode of a file that others than its owner can read or change; `None` for one that they cannot, and for what is no file.
#[cfg(unix)]
pub fn open_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o777;
    (metadata.is_file() && mode & 0o077 != 0).then_some(mode)
}

/// The mode of a file that others than its owner can read or change: unknown on this system.
#[cfg(not(unix))]
pub fn open_mode(_: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(file: Option<&str>, is_flag: bool, variable: Option<&str>) -> String {
        match choose(file.map(PathBuf::from), is_flag, variable.map(OsString::from)) {
            Ok(Some(PasswordSource::File(path))) => format!("file {}", path.display()),
            Ok(Some(PasswordSource::Given(password))) => format!("given {}", password.expose_secret()),
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_flag_beats_the_variable_and_two_variables_are_one_too_many() {
        assert_eq!(chosen(None, false, None), "none");
        assert_eq!(chosen(Some("f"), true, None), "file f");
        assert_eq!(chosen(Some("f"), false, None), "file f");
        assert_eq!(chosen(None, false, Some("x")), "given x");
        assert_eq!(chosen(None, false, Some("")), "given ");
        assert_eq!(chosen(Some("f"), true, Some("x")), "file f");
        assert_eq!(chosen(Some("f"), false, Some("x")), "two passwords");
    }

    /// What is wrong with a file that holds this; "" if it holds the password `sésamo`.
    fn wrong(name: &str, bytes: &[u8]) -> String {
        let path = std::env::temp_dir().join(format!("papo-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let read = read(&PasswordSource::File(path.clone()), 10);
        std::fs::remove_file(&path).unwrap();
        let expected = format!("{:?}", Password::parse("sésamo", 10).unwrap());
        match read {
            Ok(password) => {
                assert_eq!(format!("{password:?}"), expected);
                String::new()
            }
            Err(error) => error.sentence(Language::English).replace(&path.display().to_string(), "FILE"),
        }
    }

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        for (name, bytes) in [
            ("plain", "sésamo" as &str),
            ("line", "sésamo\n"),
            ("windows", "\u{feff}sésamo\r\n"),
            ("more", "sésamo\noutra\n"),
            ("apart", "se\u{301}samo\n"),
        ] {
            assert_eq!(wrong(name, bytes.as_bytes()), "", "{name}");
        }
        let endless = [b"abcdefghij\n" as &[u8], &[b'x'; 100_000]].concat();
        assert_eq!(wrong("more-and-more", &endless), "");
        assert_eq!(wrong("longest", b"abcdefghij"), "");
    }

    #[test]
    fn what_means_something_else_at_a_terminal_is_no_password() {
        for text in [
            "{secret}",
            "/sair",
            "/ping",
            "/lang en",
            "Host: x",
            "GET / HTTP/1.1",
            "POST x",
            "NICK abc",
            "SSH-key",
            "PROXY tcp",
            "*1",
        ] {
            assert!(matches!(typeable(text, 100), Err(BadPassword::MeansSomethingElse)), "{text}");
        }
        for text in [" x ", "@ana", "GET", "/x", "//sair", "senha só nossa", "a{b}", "Hostel: x", "1*1"] {
            assert!(typeable(text, 100).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_file_without_a_password_is_one_sentence() {
        for (name, bytes, expected) in [
            ("empty", b"" as &[u8], "papo: the password in FILE is empty."),
            ("empty-line", b"\nx\n", "papo: the password in FILE is empty."),
            ("mark", b"\xef\xbb\xbf\r\n", "papo: the password in FILE is empty."),
            ("latin", b"s\xe9samo\n", "papo: the password in FILE is not UTF-8."),
            ("utf-16", b"\xff\xfes\0\n\0", "papo: the password in FILE is not UTF-8."),
            ("tab", b"a\tb", "papo: the password in FILE has a character that no password may have, such as a tab."),
            (
                "long",
                b"abcdefghijk",
                "papo: the password in FILE is too long: at most 10 bytes, so that it fits into a line.",
            ),
            (
                "endless",
                &[b'x'; 100_000],
                "papo: the password in FILE is too long: at most 10 bytes, so that it fits into a line.",
            ),
        ] {
            assert_eq!(wrong(name, bytes), expected, "{name}");
        }
        let missing = PasswordSource::File(PathBuf::from("/nonexistent/a\nb"));
        let sentence = read(&missing, 10).unwrap_err().sentence(Language::English);
        assert!(sentence.starts_with("papo: cannot read the password from /nonexistent/a␊b: "), "{sentence}");
        assert!(read(&PasswordSource::File(std::env::temp_dir()), 10).is_err());
    }
}
