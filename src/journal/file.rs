//! The files of a journal in its directory: what they are called, who may use them, how they come and go. This knows nothing
//! of what is in them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::JournalError;

/// The journal. Beside it SQLite keeps what was written last (`-wal`, part of the journal) and what its readers share (`-shm`).
pub const FILE: &str = "journal.db";

/// Whoever writes the journal has this file locked.
const LOCK: &str = "journal.lock";

/// The files of the journal in one directory.
#[derive(Debug, Clone)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Files {
        Files { directory: directory.to_owned() }
    }

    /// The journal itself.
    pub(super) fn journal(&self) -> PathBuf {
        self.directory.join(FILE)
    }

    /// A journal that is being made. It is nothing until it is complete.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.directory.join("journal.db.new")
    }

    /// A journal that was read from a damaged one, complete; it has not taken its place yet.
    pub(super) fn repaired(&self) -> PathBuf {
        self.directory.join("journal.db.repaired")
    }

    /// A copy of a damaged journal, to try something with.
    pub(super) fn trial(&self) -> PathBuf {
        self.directory.join("journal.db.trial")
    }

    /// Makes this process the one that writes. The lock ends with the process, whatever it ends by.
    ///
    /// # Errors
    /// [`JournalError::InUse`] if another one has it, [`JournalError::File`] if the directory takes no file.
    pub(super) fn lock(&self) -> Result<Lock, JournalError> {
        let path = self.directory.join(LOCK);
        let file = private().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|source| JournalError::File { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse { directory: self.directory.clone() }),
            Err(TryLockError::Error(source)) => Err(JournalError::File { path, source }),
        }
    }

    /// Moves the journal out of the way, under a name with the time. Where it is then.
    pub(super) fn set_aside(&self, now: Timestamp) -> Result<PathBuf, JournalError> {
        let stamp = now.strftime("%Y-%m-%dT%H%M%SZ").to_string();
        let mut names = std::iter::once(String::new()).chain((2..).map(|n| format!("-{n}")));
        let free = names.find_map(|n| {
            let path = self.directory.join(format!("journal-damaged-{stamp}{n}.db"));
            (!path.exists() && !beside(&path, "-wal").exists()).then_some(path)
        });
        let aside = free.unwrap_or_else(|| self.directory.join("journal-damaged.db"));
        // what was written last belongs to it, and must not be taken for a part of the next one
        for suffix in ["", "-wal"] {
            rename(&beside(&self.journal(), suffix), &beside(&aside, suffix))?;
        }
        remove(&beside(&self.journal(), "-shm"))?;
        Ok(aside)
    }

    /// Has the directory itself written: names of files are not on the disk before.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        #[cfg(unix)]
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| JournalError::File { path: self.directory.clone(), source })?;
        Ok(())
    }
}

/// Held by the process that writes.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "it is locked while it is open")] File);

/// The path of a file that SQLite keeps beside a database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Makes an empty file that only this user may read (mode 0600 on Unix). SQLite gives the files beside it the same mode.
pub(super) fn create(path: &Path) -> Result<(), JournalError> {
    let file = private().write(true).create(true).truncate(true).open(path);
    file.map(drop).map_err(|source| JournalError::File { path: path.to_owned(), source })
}

/// Has a file written to the disk.
pub(super) fn sync(path: &Path) -> Result<(), JournalError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    file.and_then(|file| file.sync_all()).map_err(|source| JournalError::File { path: path.to_owned(), source })
}

/// Gives a file another name, if it is there.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), JournalError> {
    unless_missing(fs::rename(from, to), from)
}

/// Deletes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), JournalError> {
    unless_missing(fs::remove_file(path), path)
}

/// Deletes a database with what SQLite keeps beside it.
pub(super) fn remove_database(path: &Path) -> Result<(), JournalError> {
    ["", "-wal", "-shm"].into_iter().try_for_each(|suffix| remove(&beside(path, suffix)))
}

fn unless_missing(result: io::Result<()>, path: &Path) -> Result<(), JournalError> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(JournalError::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn private() -> OpenOptions {
    let options = OpenOptions::new();
    #[cfg(unix)]
    let options = {
        let mut options = options;
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    };
    options
}
