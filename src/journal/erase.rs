//! What an operator takes out of a journal by hand: everything that is old, or the words of one person.
//!
//! The server may be running: each step is a short transaction of its own, and the server's writer waits for it. What is taken
//! out is overwritten, in the file and in the log beside it, and not just marked as free. If no server is running the file is
//! written anew as well, which leaves nothing of it in any case.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};

use super::error::JournalError;
use super::file::{Files, Lock};
use super::store::transaction;
use super::{open, retain, row, schema};
use crate::chat::name::Name;

/// How many events are looked at in one transaction.
const STEP: usize = 1000;

/// How much of the index of words is put in order in one transaction, in pages.
const MERGED: i64 = 200;

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Messages whose texts are gone. Their numbers stay, and who said them.
    pub events: u64,
    /// Whispers that are gone as a whole.
    pub whispers: u64,
}

/// Erases what somebody by this name said, did and whispered. What others said, also to that person, stays.
///
/// # Errors
/// [`JournalError::Missing`], [`JournalError::Foreign`] and [`JournalError::Newer`] if there is no journal to change,
/// [`JournalError::Database`] if it cannot be written. What was erased by then stays so, and it can be done again.
pub fn erase(directory: &Path, name: &Name) -> Result<Erased, JournalError> {
    let (connection, lock) = open_beside(directory)?;
    let mut erased = Erased::default();
    let mut behind = 0;
    while let Some((last, events)) = transaction(&connection, |connection| erase_step(connection, name, behind))? {
        erased.events += events;
        behind = last;
    }
    let whispers = "DELETE FROM whispers WHERE number IN (SELECT number FROM whispers WHERE from_fold = ?1 LIMIT ?2)";
    loop {
        let gone = transaction(&connection, |connection| {
            schema::set(connection, schema::LAST_WHISPER, schema::last_whisper(connection)?)?;
            connection.execute(whispers, params![name.fold(), STEP as i64])
        })?;
        erased.whispers += gone as u64;
        if gone == 0 {
            break;
        }
    }
    forget_words(&connection)?;
    if lock.is_some() {
        // nobody waits: all of it is written anew, without what may be left between the rows
        connection.execute_batch("VACUUM")?;
    }
    settle(&connection)?;
    Ok(erased)
}

/// Prunes what is older than this, and gives the room back to the system. How many events that were.
///
/// # Errors
/// As [`erase`].
pub fn prune(directory: &Path, older_than: Duration, now: SystemTime) -> Result<u64, JournalError> {
    let (connection, _lock) = open_beside(directory)?;
    let count =
        |connection: &Connection| connection.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u64>(0));
    let before = count(&connection)?;
    let limit = now.checked_sub(older_than).map_or(i64::MIN, row::millis);
    while transaction(&connection, |connection| retain::prune_older(connection, limit, row::millis(now)))? {}
    forget_words(&connection)?;
    let pruned = before.saturating_sub(count(&connection)?);
    while retain::give_back(&connection, 1)? {}
    settle(&connection)?;
    Ok(pruned)
}

/// A connection that writes, beside that of a server or without one; then no server can start meanwhile.
fn open_beside(directory: &Path) -> Result<(Connection, Option<Lock>), JournalError> {
    let files = Files::new(directory);
    if !files.journal().exists() {
        return Err(JournalError::Missing { directory: directory.to_owned() });
    }
    let lock = match files.lock() {
        Ok(lock) => Some(lock),
        Err(JournalError::InUse { .. }) => None,
        Err(error) => return Err(error),
    };
    let connection = schema::connect_to_write(&files.journal())?;
    schema::check_version(&connection, &files.journal())?;
    if open::epoch_of(&connection)?.is_none() {
        return Err(JournalError::Unreadable { path: files.journal() });
    }
    connection.pragma_update(None, "secure_delete", true)?;
    Ok((connection, lock))
}

/// Erases among the next events. The number of the last one, and how many were erased; `None` if there was no event.
fn erase_step(connection: &Connection, name: &Name, behind: u64) -> Result<Option<(u64, u64)>, rusqlite::Error> {
    let sql = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", row::EVENT);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![behind, STEP as i64])?;
    let (mut last, mut theirs) = (None, Vec::new());
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        let Some(kept) = row::read_event(row) else { continue };
        let is_text = super::record::text_of(&kept.event.kind).is_some() && !kept.is_erased;
        if is_text && kept.event.kind.names()[0] == Some(name) {
            theirs.push(kept.event.seq);
        }
    }
    for seq in &theirs {
        connection.prepare_cached("UPDATE events SET text = NULL, id = NULL WHERE seq = ?1")?.execute([seq])?;
        connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([seq])?;
    }
    Ok(last.map(|last| (last, theirs.len() as u64)))
}

/// Writes the index of words anew, without those that are only marked as gone, a part at a time.
fn forget_words(connection: &Connection) -> Result<(), rusqlite::Error> {
    let merge = |pages: i64| {
        transaction(connection, |connection| {
            let before: i64 = changes(connection)?;
            connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?1)", [pages])?;
            // one change is the statement itself
            Ok(changes(connection)? - before >= 2)
        })
    };
    // the negative number says: all of it
    merge(-MERGED)?;
    while merge(MERGED)? {}
    Ok(())
}

fn changes(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("SELECT total_changes()", [], |row| row.get(0))
}

/// Moves everything from the log into the file, and empties the log.
fn settle(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
