//! What can go wrong: with a journal that is opened or read, and with one that is being written.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why a journal cannot be opened, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The directory or a file in it cannot be made, read or moved.
    #[error("cannot use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process writes the journal in this directory; it must end first.
    #[error("another process uses the journal in {directory}")]
    InUse {
        /// Where.
        directory: PathBuf,
    },
    /// There is no journal in this directory to read or change.
    #[error("there is no journal in {directory}")]
    Missing {
        /// Where.
        directory: PathBuf,
    },
    /// A database of another program.
    #[error("{path} is not a journal")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version of papo, which this one does not understand.
    #[error("{path} was written by a later version (its format is {found}, and at most {known} is known)")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        found: i64,
        /// The latest version known.
        known: i64,
    },
    /// Written by an earlier version of papo, and not opened by this one's server yet, which makes it one of this version.
    #[error("{path} was written by an earlier version (its format is {found}, not {known})")]
    Older {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        found: i64,
        /// That of this papo.
        known: i64,
    },
    /// So damaged that nothing can be read, or no database at all. It is left as it is; whoever moves it away starts a
    /// new journal.
    #[error("nothing can be read of {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// No random number can be had for the epoch.
    #[error("no random numbers can be had")]
    NoRandomness,
    /// What SQLite says: the disk is full or failing, the file is damaged, there is no permission.
    #[error("the journal cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
}

impl JournalError {
    /// Whether nothing is wrong but the time that it took.
    pub fn is_timeout(&self) -> bool {
        let JournalError::Database(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy))
    }
}

/// Why the journal cannot be written at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The disk has no room.
    DiskFull,
    /// The disk takes nothing for so long that more waits than may
    /// ([`MAX_WAITING`](super::MAX_WAITING), [`MAX_WAITING_BYTES`](super::MAX_WAITING_BYTES)).
    TooSlow,
    /// The file or the directory has become read-only.
    ReadOnly,
    /// The file is damaged. The next start repairs it, as far as that can be.
    Damaged,
    /// Anything else, in SQLite's words or in the system's.
    Other(String),
}

impl Failure {
    /// A stable word, for logs and for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Failure::DiskFull => "disk-full",
            Failure::TooSlow => "too-slow",
            Failure::ReadOnly => "read-only",
            Failure::Damaged => "damaged",
            Failure::Other(_) => "other",
        }
    }
}

impl From<&rusqlite::Error> for Failure {
    fn from(error: &rusqlite::Error) -> Failure {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Failure::DiskFull,
            Some(ErrorCode::ReadOnly) => Failure::ReadOnly,
            _ if is_damage(error) => Failure::Damaged,
            _ => Failure::Other(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => Failure::ReadOnly,
            _ => Failure::Other(error.to_string()),
        }
    }
}

impl From<&JournalError> for Failure {
    fn from(error: &JournalError) -> Failure {
        match error {
            JournalError::Database(error) => Failure::from(error),
            JournalError::Unreadable { .. } => Failure::Damaged,
            error => Failure::Other(error.to_string()),
        }
    }
}

/// Whether an error means that the file is not what it should be.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether an error comes from the system or from somebody else who has the file, whatever is in it.
pub(super) fn is_of_the_system(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        AuthorizationForStatementDenied, CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed,
        NoLargeFileSupport, OperationInterrupted, OutOfMemory, PermissionDenied, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            AuthorizationForStatementDenied
                | CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | NoLargeFileSupport
                | OperationInterrupted
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}
