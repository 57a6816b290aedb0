//! What can still be read of a damaged journal, read into a new one.
//!
//! Everything is tried: a row that cannot be read is left out, and so is what lies on a page that cannot be read, and what is
//! behind it is looked for. What is missing becomes a gap. The damaged file itself is not touched.

use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row, params};

use super::epoch::Epoch;
use super::error::JournalError;
use super::file::{self, Files, beside};
use super::open::epoch_of;
use super::record::{Cause, Gap};
use super::row::{self, EventRow};
use super::schema;

/// What could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salvaged {
    /// Events and whispers.
    pub(super) kept: u64,
    /// Events that are missing between the first one there must be and the last one that was read.
    pub(super) lost: u64,
}

/// Reads the journal into a new database at `target`.
///
/// # Errors
/// [`JournalError::Unreadable`] if there is nothing to read, others if the new one cannot be written.
pub(super) fn salvage(files: &Files, target: &Path) -> Result<Salvaged, JournalError> {
    let result = match open_damaged(&files.journal()) {
        Ok(source) => copy(&source, target),
        Err(_) => {
            let trial = files.trial();
            file::remove_database(&trial)?;
            let with_header = copy_with_header(&files.journal(), &trial);
            let result = match with_header.map(|()| open_damaged(&trial)) {
                Ok(Ok(source)) => copy(&source, target),
                Ok(Err(_)) => Ok(None),
                Err(source) => Err(JournalError::File { path: trial.clone(), source }),
            };
            file::remove_database(&trial)?;
            result
        }
    };
    result?.ok_or(JournalError::Unreadable { path: files.journal() })
}

/// A connection to a damaged file that at least has a list of tables. It leaves the file as it is.
fn open_damaged(path: &Path) -> Result<Connection, rusqlite::Error> {
    let source = schema::connect_to_write(path)?;
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    source.query_row("SELECT seq FROM events WHERE seq < 0", [], |_| Ok(())).or_else(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    })?;
    Ok(source)
}

/// Copies a database and gives it the header that every journal has: what says that it is a database at all, and how its
/// pages are to be read.
fn copy_with_header(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    if beside(from, "-wal").exists() {
        fs::copy(beside(from, "-wal"), beside(to, "-wal"))?;
    }
    let mut file = fs::OpenOptions::new().write(true).open(to)?;
    file.write_all(b"SQLite format 3\0")?;
    // the page size; write-ahead log to write and to read; the constants of the format
    file.write_all(&[(schema::PAGE >> 8) as u8, schema::PAGE as u8, 2, 2, 0, 64, 32, 32])?;
    file.seek(SeekFrom::Start(44))?;
    file.write_all(&4_u32.to_be_bytes())?; // the version of the list of tables
    file.seek(SeekFrom::Start(56))?;
    file.write_all(&1_u32.to_be_bytes()) // UTF-8
}

/// `None` if there was nothing.
fn copy(source: &Connection, target: &Path) -> Result<Option<Salvaged>, JournalError> {
    let epoch = epoch_of(source).ok().flatten();
    let mut connection = schema::connect_to_write(target)?;
    // the numbers of another epoch would be taken for these
    let is_known = epoch.is_some();
    let epoch = epoch.map_or_else(Epoch::random, Ok)?;
    schema::create(&mut connection, &epoch.to_string())?;
    connection.execute_batch("BEGIN")?;
    let gaps = copy_gaps(source, &connection)?;
    let pruned: Option<u64> = schema::get(source, schema::PRUNED).ok().flatten();
    let mut holes = Holes { connection: &connection, gaps: &gaps, next: pruned.map(|pruned| pruned + 1), lost: 0 };
    let events = copy_events(source, &mut holes)?;
    let whispers = copy_whispers(source, &connection)?;
    for key in [schema::PRUNED, schema::LAST_SEQ, schema::LAST_WHISPER] {
        if let Ok(Some(number)) = schema::get::<u64>(source, key) {
            schema::set(&connection, key, number)?;
        }
    }
    let salvaged = Salvaged { kept: events + whispers, lost: holes.lost };
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok((is_known || salvaged.kept > 0).then_some(salvaged))
}

fn copy_gaps(source: &Connection, target: &Connection) -> Result<Vec<Gap>, rusqlite::Error> {
    let mut gaps: Vec<Gap> = Vec::new();
    each(source, "SELECT first, last, cause FROM gaps WHERE first > ?1 ORDER BY first", 0, |row| {
        let first: u64 = row.get(0).ok()?;
        let (last, cause) = (row.get(1).ok()?, Cause::from_word(&row.get::<_, String>(2).ok()?));
        let is_in_order = gaps.last().is_none_or(|before| before.last < first) && first <= last;
        if let Some(cause) = cause.filter(|_| is_in_order) {
            gaps.push(Gap { first, last, cause });
        }
        Some(first)
    });
    for Gap { first, last, cause } in &gaps {
        target
            .execute("INSERT INTO gaps (first, last, cause) VALUES (?1, ?2, ?3)", params![first, last, cause.word()])?;
    }
    Ok(gaps)
}

/// Finds what is missing between the events that were read.
struct Holes<'a> {
    connection: &'a Connection,
    /// What was known to be missing before the damage, in order.
    gaps: &'a [Gap],
    /// The number that follows the last event, or the first one there must be.
    next: Option<u64>,
    lost: u64,
}

impl Holes<'_> {
    fn before(&mut self, seq: u64) -> Result<(), rusqlite::Error> {
        let mut next = self.next.unwrap_or(seq);
        self.next = Some(seq + 1);
        while next < seq {
            match self.gaps.iter().find(|gap| gap.last >= next) {
                Some(gap) if gap.first <= next => next = gap.last + 1,
                gap => {
                    let end = gap.map_or(seq, |gap| gap.first.min(seq));
                    let row = params![next, end - 1, Cause::Damaged.word()];
                    self.connection.execute("INSERT INTO gaps (first, last, cause) VALUES (?1, ?2, ?3)", row)?;
                    self.lost += end - next;
                    next = end;
                }
            }
        }
        Ok(())
    }
}

fn copy_events(source: &Connection, holes: &mut Holes<'_>) -> Result<u64, rusqlite::Error> {
    let sql = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq", row::EVENT);
    let (mut kept, mut failed) = (0, Ok(()));
    each(source, &sql, 0, |row| {
        let seq: u64 = row.get(0).ok()?;
        let is_new = holes.next.is_none_or(|next| next <= seq);
        if let Some(event) = row::read_event(row).filter(|_| is_new && failed.is_ok()) {
            failed = holes.before(seq).and_then(|()| row::write_event(holes.connection, EventRow::from(&event)));
            kept += 1;
        }
        Some(seq)
    });
    failed.map(|()| kept)
}

fn copy_whispers(source: &Connection, target: &Connection) -> Result<u64, rusqlite::Error> {
    let sql = format!("SELECT {} FROM whispers WHERE number > ?1 ORDER BY number", row::WHISPER);
    let (mut kept, mut failed) = (0, Ok(()));
    each(source, &sql, 0, |row| {
        let number: u64 = row.get(0).ok()?;
        if let Some(whisper) = row::read_whisper(row).filter(|_| failed.is_ok()) {
            failed = row::write_whisper(target, number, &whisper.whisper, whisper.id.as_ref());
            kept += 1;
        }
        Some(number)
    });
    failed.map(|()| kept)
}

/// How far is looked behind a place that cannot be read.
const FARTHEST: u64 = 1 << 40;

/// Hands over every row that can be read, in the order of their numbers: `sql` asks for those above a number, and `take` tells
/// the number of a row, or `None` if it has none that makes sense.
fn each(source: &Connection, sql: &str, after: u64, mut take: impl FnMut(&Row<'_>) -> Option<u64>) {
    let mut last = after;
    loop {
        let end = read(source, sql, last, |row| {
            let number = take(row).filter(|number| *number > last);
            last = number.unwrap_or(last);
            number.is_some()
        });
        if end == End::Reached {
            return;
        }
        match behind_damage(source, sql, last) {
            Some(next) => last = next,
            None => return,
        }
    }
}

/// How reading ended.
#[derive(PartialEq, Eq)]
enum End {
    /// There is no further row.
    Reached,
    /// There was one that cannot be read, or that makes no sense.
    Broken,
}

fn read(source: &Connection, sql: &str, after: u64, mut take: impl FnMut(&Row<'_>) -> bool) -> End {
    let Ok(mut statement) = source.prepare_cached(sql) else { return End::Broken };
    let Ok(mut rows) = statement.query([after]) else { return End::Broken };
    loop {
        match rows.next() {
            Ok(None) => return End::Reached,
            Ok(Some(row)) if take(row) => {}
            _ => return End::Broken,
        }
    }
}

/// The smallest number above which something can be read again.
fn behind_damage(source: &Connection, sql: &str, after: u64) -> Option<u64> {
    let is_readable = |after: u64| {
        let mut has_row = false;
        let end = read(source, sql, after, |row| {
            has_row = row.get::<_, u64>(0).is_ok_and(|number| number > after);
            false
        });
        has_row || end == End::Reached
    };
    let mut step = 1;
    while !is_readable(after + step) {
        step *= 2;
        if step > FARTHEST {
            return None;
        }
    }
    let (mut broken, mut readable) = (after + step / 2, after + step);
    while readable - broken > 1 {
        let middle = broken + (readable - broken) / 2;
        if is_readable(middle) { readable = middle } else { broken = middle }
    }
    Some(readable)
}
