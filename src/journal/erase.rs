//! What an operator takes out of a journal by hand: everything that is old, or the words of one person.
//!
//! The server may be running: each step is a short transaction of its own, and the server's writer waits for it. What is taken
//! out is overwritten, in the file and in the log beside it, and not just marked as free. If no server is running the file is
//! written anew as well, which leaves nothing of it in any case.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};

use super::block::millis;
use super::blocks::{self, BLOCK};
use super::error::JournalError;
use super::file::{Files, Lock};
use super::store::transaction;
use super::{open, retain, schema};
use crate::chat::name::Name;

/// How many blocks of events are looked at in one transaction, and how many whispers are deleted.
const STEP: usize = 64;

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
/// [`JournalError::Missing`], [`JournalError::Foreign`], [`JournalError::Newer`] and [`JournalError::Older`] if there is no journal to change,
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
            connection.execute(whispers, params![name.fold(), STEP])
        })?;
        erased.whispers += gone as u64;
        if gone == 0 {
            break;
        }
    }
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
    let before = blocks::count(&connection)?;
    let limit = now.checked_sub(older_than).map_or(i64::MIN, millis);
    while transaction(&connection, |connection| retain::prune_older(connection, limit, millis(now)))? {}
    let pruned = before.saturating_sub(blocks::count(&connection)?);
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
    schema::check_current(&connection, &files.journal())?;
    if open::epoch_of(&connection)?.is_none() {
        return Err(JournalError::Unreadable { path: files.journal() });
    }
    connection.pragma_update(None, "secure_delete", true)?;
    Ok((connection, lock))
}

/// Erases in the next blocks. The first number of the last one, and how many texts were erased; `None` if there was no block.
fn erase_step(connection: &Connection, name: &Name, behind: u64) -> Result<Option<(u64, u64)>, rusqlite::Error> {
    let sql = format!("SELECT {BLOCK} FROM blocks WHERE first > ?1 ORDER BY first LIMIT {STEP}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([behind])?;
    let (mut last, mut theirs, mut erased) = (None, Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let first = row.get(0)?;
        last = Some(first);
        let Some(mut events) = blocks::read(row) else { continue };
        let before = erased;
        for kept in &mut events {
            let is_text = super::record::text_of(&kept.event.kind).is_some() && !kept.is_erased;
            if is_text && kept.event.kind.names()[0] == Some(name) {
                (kept.is_erased, kept.id) = (true, None);
                erased += 1;
            }
        }
        if erased > before {
            theirs.push((first, events));
        }
    }
    drop(rows);
    for (first, events) in theirs {
        blocks::replace(connection, first, &events)?;
    }
    Ok(last.map(|last| (last, erased)))
}

/// Moves everything from the log into the file, and empties the log.
fn settle(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}
