//! The tables of the journal, and how a connection to them is opened.
//!
//! What everybody learned stands in [blocks](super::block) of many events; `papo journal export` shows it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::error::{JournalError, is_damage};

/// The version of the tables. A file with a greater one is left alone.
pub(super) const VERSION: i64 = 3;

/// What marks a database as a journal: "papo".
pub(super) const APPLICATION_ID: i64 = 0x7061_706f;

/// Bytes in a page of the file.
pub(super) const PAGE: u64 = 4096;

/// How long a connection waits for another one that writes: the command line beside the server.
const BUSY: Duration = Duration::from_secs(5);

const META: &str = "
CREATE TABLE meta (             -- what is known about the journal as a whole
    key   TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;
";

pub(super) const EVENTS: &str = "
CREATE TABLE blocks (           -- what everybody in the room learned, in order
    first  INTEGER PRIMARY KEY, -- the number of its first event
    last   INTEGER NOT NULL,    -- and of its last one: none is missing in between
    events BLOB NOT NULL        -- see block.rs
) STRICT;
CREATE TABLE words (            -- of every block that is full: by what its words and names are found
    first INTEGER PRIMARY KEY,
    marks BLOB NOT NULL         -- see marks.rs
) STRICT;
";

pub(super) const WHISPERS: &str = "
CREATE TABLE whispers (         -- what two people know
    number    INTEGER PRIMARY KEY,
    after     INTEGER NOT NULL,   -- seq of the last event before it
    at        INTEGER NOT NULL,
    from_name TEXT NOT NULL,
    from_fold TEXT NOT NULL,      -- the form in which a name is unique
    to_name   TEXT NOT NULL,
    to_fold   TEXT NOT NULL,
    text      TEXT NOT NULL,
    id        TEXT,
    to_proof  TEXT,               -- the digest of the reader's resume token, if it has one
    to_number INTEGER             -- how many whispers this is to that reader
) STRICT;
CREATE INDEX whispers_from ON whispers (from_fold, after, number);
CREATE INDEX whispers_to ON whispers (to_fold, after, number);
CREATE INDEX whispers_id ON whispers (at) WHERE id IS NOT NULL;
";

const GAPS: &str = "
CREATE TABLE gaps (             -- numbers without an event
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL,
    cause TEXT NOT NULL           -- lost, restart, damaged
) STRICT;
";

/// A connection that reads only.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -1024)?; // 1 MiB
    Ok(connection)
}

/// A connection that writes, to a file that is there.
pub(super) fn connect_to_write(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", -4096)?; // 4 MiB
    connection.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // what is moved or deleted is overwritten where that costs nothing, so that little of it is left to erase
    connection.pragma_update(None, "secure_delete", "FAST")?;
    // written to the log without waiting; waited for before the log goes into the file
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Makes the tables in a file that has none, and gives the journal its epoch.
pub(super) fn create(connection: &mut Connection, epoch: &str) -> Result<(), rusqlite::Error> {
    connection.pragma_update(None, "page_size", PAGE as i64)?;
    // before the first table, or it is ignored
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let transaction = connection.transaction()?;
    make_tables(&transaction)?;
    set(&transaction, "epoch", epoch)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn make_tables(connection: &Connection) -> Result<(), rusqlite::Error> {
    [META, EVENTS, WHISPERS, GAPS].into_iter().try_for_each(|tables| connection.execute_batch(tables))
}

/// Whether this is a journal of this version.
pub(super) fn check_current(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    match check_version(connection, path)? {
        VERSION => Ok(()),
        found => Err(JournalError::Older { path: path.to_owned(), found, known: VERSION }),
    }
}

/// Whether this is a journal that can be understood: of this version, or of an earlier one. Which.
pub(super) fn check_version(connection: &Connection, path: &Path) -> Result<i64, JournalError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? != APPLICATION_ID {
        return Err(JournalError::Foreign { path: path.to_owned() });
    }
    match pragma("user_version")? {
        found if found > VERSION => Err(JournalError::Newer { path: path.to_owned(), found, known: VERSION }),
        found => Ok(found),
    }
}

/// The key of the number of the last event there ever was, if it may not be found among the events.
pub(super) const LAST_SEQ: &str = "last_seq";

/// The key of the number of the last whisper there ever was, in the same case.
pub(super) const LAST_WHISPER: &str = "last_whisper";

/// The key of the number of the last event that was pruned.
pub(super) const PRUNED: &str = "pruned";

/// The key of what is there only between an orderly end and the next start.
pub(super) const CLOSED: &str = "closed";

pub(super) fn set<V: rusqlite::ToSql>(connection: &Connection, key: &str, value: V) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    statement.execute(params![key, value]).map(drop)
}

pub(super) fn get<V: rusqlite::types::FromSql>(
    connection: &Connection,
    key: &str,
) -> Result<Option<V>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

/// The number of the last event there ever was; 0 before the first one.
pub(super) fn last_seq(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT max(coalesce((SELECT last FROM blocks ORDER BY first DESC LIMIT 1), 0),
                    coalesce((SELECT max(last) FROM gaps), 0),
                    coalesce((SELECT value FROM meta WHERE key = 'last_seq'), 0))",
    )?;
    statement.query_row([], |row| row.get(0))
}

/// The number of the last whisper there ever was; 0 before the first one.
pub(super) fn last_whisper(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let kept: u64 = connection.query_row("SELECT coalesce(max(number), 0) FROM whispers", [], |row| row.get(0))?;
    Ok(kept.max(get(connection, LAST_WHISPER)?.unwrap_or(0)))
}

/// Whether the tables are those that every journal has: no other text, no other columns.
pub(super) fn is_as_made(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let list = |connection: &Connection| {
        let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")?;
        let rows = statement
            .query_map([], |row| Ok([row.get::<_, Option<String>>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    let made = Connection::open_in_memory()?;
    make_tables(&made)?;
    Ok(list(connection)? == list(&made)?)
}

/// Makes the first page of a journal, with the list of its tables: it is the same in every journal, but for what is counted
/// in its header. The list has only the tables that hold what was said.
pub(super) fn first_page(path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut connection = connect_to_write(path)?;
    create(&mut connection, "")?;
    connection.pragma_update(None, "writable_schema", true)?;
    connection.execute(
        "DELETE FROM sqlite_schema WHERE type <> 'table' OR name NOT IN ('meta', 'blocks', 'whispers', 'gaps')",
        [],
    )?;
    connection.close().map_err(|(_, error)| error)?;
    let mut page = vec![0; PAGE as usize];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut page));
    read.map_err(|source| JournalError::File { path: path.to_owned(), source })?;
    Ok(page)
}

/// Whether the constants in the header of the file are right. Some mistakes in them make SQLite say other things than that
/// the file is damaged. `true` also for what is not marked as a journal.
pub(super) fn has_sound_header(path: &Path) -> Result<bool, JournalError> {
    let mut header = [0; 100];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut header));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(true),
        read => read.map_err(|source| JournalError::File { path: path.to_owned(), source })?,
    }
    let is_marked = header[68..72] == APPLICATION_ID.to_be_bytes()[4..];
    // pages of 4,096 bytes; a log that is written ahead, for reading and for writing; three constants of the format
    let is_sound = header[..16] == *b"SQLite format 3\0"
        && header[16..24] == [0x10, 0, 2, 2, 0, 64, 32, 32]
        // the version of the list of tables; UTF-8
        && header[44..48] == [0, 0, 0, 4]
        && header[56..60] == [0, 0, 0, 1];
    Ok(is_sound || !is_marked)
}

/// Whether nothing is wrong with any page of the file.
///
/// # Errors
/// Those that do not come from damage.
pub(super) fn is_sound(connection: &Connection) -> Result<bool, rusqlite::Error> {
    match connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(problem) => Ok(problem == "ok"),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
