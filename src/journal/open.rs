//! How a journal is opened: made if it is not there, looked through, repaired if it is damaged.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, params};

use super::epoch::Epoch;
use super::error::{JournalError, is_of_the_system};
use super::file::{self, Files, beside};
use super::record::Cause;
use super::{blocks, earlier, salvage, schema};

/// How long looking for damage may take at a start. What of a large file was not looked at by then, is looked at by
/// `papo journal verify`.
const CHECK_WITHIN: Duration = Duration::from_secs(1);

/// So many numbers are skipped after an end that was not orderly. Readers may have been told events that were not written yet
/// (at most [`MAX_WAITING`](super::MAX_WAITING), or more if the disk was failing): the same numbers must not be given twice.
pub(super) const SKIPPED: u64 = 1 << 20;

/// What was found when the journal was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// That of the journal.
    pub epoch: Epoch,
    /// The number of the last event; the next one has the next number. 0 for a new journal.
    pub last_seq: u64,
    /// The numbers before that one that are skipped since the last end was not orderly. They are a [`Cause::Restart`].
    pub skipped: Option<RangeInclusive<u64>>,
    /// What became of a damaged file.
    pub repaired: Option<Repaired>,
}

/// A damaged journal was replaced by what could be read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// How many events and whispers could be read, up to the last good one.
    pub kept: u64,
    /// How many events are missing between the first and the last one that could be read. What was behind the last one cannot
    /// be counted; nor can whispers.
    pub lost: u64,
    /// Where the damaged file is now.
    pub damaged: PathBuf,
}

/// Opens the journal, and makes one if there is none. The caller has the lock.
pub(super) fn open(files: &Files) -> Result<(Connection, Opened), JournalError> {
    let mut repaired = finish_repair(files)?;
    if !files.journal().exists() {
        // without its other half it is nothing, and it must not become a part of the new journal
        if beside(&files.journal(), "-wal").exists() {
            repaired = Some(Repaired { kept: 0, lost: 0, damaged: files.set_aside(Timestamp::now())? });
        }
        make(files)?;
    }
    let connection = match look(files)? {
        Looked::Sound(connection) => connection,
        Looked::Damaged => {
            repaired = Some(repair(files)?);
            match look(files)? {
                Looked::Sound(connection) => connection,
                Looked::Damaged => return Err(JournalError::Unreadable { path: files.journal() }),
            }
        }
    };
    let Some(epoch) = epoch_of(&connection)? else {
        return Err(JournalError::Unreadable { path: files.journal() });
    };
    let skipped = skip(&connection)?;
    let last_seq = schema::last_seq(&connection)?;
    Ok((connection, Opened { epoch, last_seq, skipped, repaired }))
}

pub(super) fn epoch_of(connection: &Connection) -> Result<Option<Epoch>, rusqlite::Error> {
    let epoch: Option<String> = schema::get(connection, "epoch")?;
    Ok(epoch.and_then(|epoch| epoch.parse().ok()))
}

/// A new journal: there as a whole or not at all.
fn make(files: &Files) -> Result<(), JournalError> {
    let path = files.unfinished();
    file::remove_database(&path)?;
    file::create(&path)?;
    let mut connection = schema::connect_to_write(&path)?;
    schema::create(&mut connection, &Epoch::random()?.to_string())?;
    // nobody was ever told anything: no number has to be skipped
    schema::set(&connection, schema::CLOSED, true)?;
    take_place(files, connection, &path)
}

/// A database that is complete becomes the journal.
fn take_place(files: &Files, connection: Connection, path: &std::path::Path) -> Result<(), JournalError> {
    // puts everything into the one file
    connection.close().map_err(|(_, error)| error)?;
    file::sync(path)?;
    file::rename(path, &files.journal())?;
    files.sync()
}

enum Looked {
    Sound(Connection),
    Damaged,
}

/// Opens the file and looks for damage.
///
/// # Errors
/// Whatever is no damage: it is another program's, or a later version's, or cannot be read at all.
fn look(files: &Files) -> Result<Looked, JournalError> {
    let path = files.journal();
    match look_closer(&path) {
        // a name or an option that changed may be an error of any kind
        Err(JournalError::Database(error)) if !is_of_the_system(&error) => Ok(Looked::Damaged),
        other => other,
    }
}

fn look_closer(path: &std::path::Path) -> Result<Looked, JournalError> {
    if !schema::has_sound_header(path)? {
        return Ok(Looked::Damaged);
    }
    let connection = schema::connect_to_write(path)?;
    // a damaged file is left as it is
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    match schema::check_version(&connection, path) {
        Err(JournalError::Foreign { .. }) if may_be_a_journal(&connection)? => return Ok(Looked::Damaged),
        other => drop(other?),
    }
    earlier::migrate(&connection)?;
    if !schema::is_as_made(&connection)? {
        return Ok(Looked::Damaged);
    }
    let is_sound = match within(&connection, CHECK_WITHIN, || schema::is_sound(&connection)) {
        // as far as it was looked at
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => true,
        is_sound => is_sound?,
    };
    if !is_sound || epoch_of(&connection)?.is_none() || !blocks::is_end_sound(&connection)? {
        return Ok(Looked::Damaged);
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(Looked::Sound(connection))
}

/// Whether it has the tables of a journal, or none at all, though it is not marked as one.
fn may_be_a_journal(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE name IN ('meta', 'blocks', 'events', 'whispers'))
                  FROM sqlite_schema WHERE type = 'table'";
    connection
        .query_row(tables, [], |row| Ok(matches!((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?), (0, _) | (_, 3))))
}

/// Does something with a connection for so long at most; then what it does is interrupted.
pub(super) fn within<T>(connection: &Connection, limit: Duration, work: impl FnOnce() -> T) -> T {
    let handle = connection.get_interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// Reads what can be read of a damaged journal into a new one, which takes its place; the damaged one stays beside it.
fn repair(files: &Files) -> Result<Repaired, JournalError> {
    let path = files.unfinished();
    file::remove_database(&path)?;
    file::create(&path)?;
    let salvaged = salvage::salvage(files, &path)?;
    file::sync(&path)?;
    file::rename(&path, &files.repaired())?;
    files.sync()?;
    let damaged = exchange(files)?;
    Ok(Repaired { kept: salvaged.kept, lost: salvaged.lost, damaged })
}

/// Finishes a repair that was interrupted when everything was read already.
fn finish_repair(files: &Files) -> Result<Option<Repaired>, JournalError> {
    if !files.repaired().exists() {
        return Ok(None);
    }
    let connection = schema::connect_to_read(&files.repaired())?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    // an earlier version may have read it
    let events = match earlier::is_earlier(&connection)? {
        true => count("SELECT count(*) FROM events")?,
        false => blocks::count(&connection)?,
    };
    let kept = events + count("SELECT count(*) FROM whispers")?;
    let lost = count("SELECT coalesce(sum(last - first + 1), 0) FROM gaps WHERE cause = 'damaged'")?;
    drop(connection);
    for suffix in ["-wal", "-shm"] {
        file::remove(&beside(&files.repaired(), suffix))?;
    }
    Ok(Some(Repaired { kept, lost, damaged: exchange(files)? }))
}

/// The repaired journal takes the place of the damaged one. Where that is then.
fn exchange(files: &Files) -> Result<PathBuf, JournalError> {
    let damaged = files.set_aside(Timestamp::now())?;
    file::rename(&files.repaired(), &files.journal())?;
    files.sync()?;
    Ok(damaged)
}

/// Skips numbers unless the last end was orderly, and notes that there was no end since.
fn skip(connection: &Connection) -> Result<Option<RangeInclusive<u64>>, rusqlite::Error> {
    let is_closed = schema::get::<bool>(connection, schema::CLOSED)?.unwrap_or(false);
    let transaction = connection.unchecked_transaction()?;
    let last_seq = schema::last_seq(connection)?;
    let skipped = last_seq + 1..=last_seq + SKIPPED;
    if is_closed {
        connection.execute("DELETE FROM meta WHERE key = ?1", [schema::CLOSED])?;
    } else {
        // numbers that nobody used since the last time are one gap with these
        let before = "UPDATE gaps SET last = ?1 WHERE last = ?2 AND cause = ?3";
        if connection.execute(before, params![skipped.end(), last_seq, Cause::Restart.word()])? == 0 {
            let gap = "INSERT INTO gaps (first, last, cause) VALUES (?1, ?2, ?3)";
            connection.execute(gap, params![skipped.start(), skipped.end(), Cause::Restart.word()])?;
        }
    }
    transaction.commit()?;
    Ok((!is_closed).then_some(skipped))
}
