//! The certificates that a client has seen before: whoever shows another one later is not believed.
//!
//! They are kept in a file of the data directory that people can read and change: one line a server, `HOST:PORT FINGERPRINT`.
//! Empty lines, and those that begin with `#`, do not count.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::address::ServerAddress;
use crate::data;
use crate::transport::tls::Fingerprint;

/// The name of the file in the data directory.
pub const FILE: &str = "known_servers";

/// The file of known servers.
#[derive(Debug, Clone)]
pub struct KnownServers {
    path: PathBuf,
}

/// What is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The fingerprint of its certificate.
    pub fingerprint: Fingerprint,
    /// The line of the file that says so, counted from 1.
    pub line: usize,
}

/// Why nobody can tell whether a server is known.
#[derive(Debug, thiserror::Error)]
pub enum KnownServersError {
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The line about the server says something else than a fingerprint.
    #[error("line {0} holds no fingerprint")]
    Broken(usize),
}

impl KnownServers {
    /// Those of this data directory. There may be no file yet.
    pub fn in_directory(data: &Path) -> KnownServers {
        KnownServers { path: data.join(FILE) }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of a server; of several lines, the first one counts.
    ///
    /// # Errors
    /// [`KnownServersError`]: whoever goes on would believe anybody.
    pub fn find(&self, server: &ServerAddress) -> Result<Option<Known>, KnownServersError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let name = server.to_string();
        for (line, content) in (1..).zip(text.lines()) {
            let mut words = content.split_whitespace();
            if words.next().is_some_and(|word| word.eq_ignore_ascii_case(&name)) {
                let fingerprint = words.next().and_then(|word| word.parse().ok());
                let fingerprint = fingerprint.ok_or(KnownServersError::Broken(line))?;
                return Ok(Some(Known { fingerprint, line }));
            }
        }
        Ok(None)
    }

    /// Adds a server.
    ///
    /// # Errors
    /// Those of the system: it will not be known the next time.
    pub fn add(&self, server: &ServerAddress, fingerprint: Fingerprint) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            data::create(directory)?;
        }
        let ends_in_a_line = fs::read(&self.path).map_or(true, |bytes| bytes.is_empty() || bytes.ends_with(b"\n"));
        let line_end = if ends_in_a_line { "" } else { "\n" };
        // at once, so that clients that start in one moment do not write into each other's lines
        let line = format!("{line_end}{server} {fingerprint}\n");
        OpenOptions::new().append(true).create(true).open(&self.path)?.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::CertificateDer;

    fn of(text: &'static str) -> Fingerprint {
        Fingerprint::of(&CertificateDer::from(text.as_bytes()))
    }

    fn server(text: &str) -> ServerAddress {
        text.parse().unwrap()
    }

    #[test]
    fn a_server_is_known_by_host_and_port() {
        let directory = tempfile::tempdir().unwrap();
        let known = KnownServers::in_directory(&directory.path().join("papo"));
        assert_eq!(known.find(&server("a")).unwrap(), None);
        known.add(&server("a"), of("a")).unwrap();
        known.add(&server("[::1]:80"), of("b")).unwrap();
        assert_eq!(known.find(&server("A:9999")).unwrap(), Some(Known { fingerprint: of("a"), line: 1 }));
        assert_eq!(known.find(&server("[::1]:80")).unwrap(), Some(Known { fingerprint: of("b"), line: 2 }));
        for other in ["a:80", "::1", "b"] {
            assert_eq!(known.find(&server(other)).unwrap(), None);
        }
    }

    #[test]
    fn people_may_write_into_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let known = KnownServers::in_directory(directory.path());
        let text = format!("# escola\n\n  a:9999   {}  sala 3\na:9999 x\nb:9999\nc:9999 AB:CD", of("a"));
        fs::write(known.path(), text).unwrap();
        assert_eq!(known.find(&server("a")).unwrap(), Some(Known { fingerprint: of("a"), line: 3 }));
        assert!(matches!(known.find(&server("b")), Err(KnownServersError::Broken(5))));
        assert!(matches!(known.find(&server("c")), Err(KnownServersError::Broken(6))));
        // the last line has no end
        known.add(&server("d"), of("d")).unwrap();
        assert_eq!(known.find(&server("d")).unwrap().map(|known| known.line), Some(7));
        fs::write(known.path(), b"\xff\xfe").unwrap();
        assert!(matches!(known.find(&server("a")), Err(KnownServersError::Read(_))));
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let known = KnownServers::in_directory(&directory.path().join("file"));
        assert!(known.add(&server("a"), of("a")).is_err());
    }
}
