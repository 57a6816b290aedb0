//! What can still be read of a damaged journal, read into a new one.
//!
//! Everything is tried: a row that cannot be read is left out, and so is what lies on a page that cannot be read; what is
//! behind it is looked for, at last page by page. What is missing becomes a gap. The damaged file itself is not touched.

use std::fs;
use std::io::Write;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::blocks::{self, Appender, BLOCK};
use super::epoch::Epoch;
use super::error::JournalError;
use super::file::{self, Files, beside};
use super::leaves::{self, Table};
use super::open::epoch_of;
use super::record::{Cause, KeptEvent};
use super::{earlier, row, schema};

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
    let salvaged = match open_damaged(&files.journal()) {
        Ok(source) => copy(files, &source, target)?,
        Err(_) => {
            with_new_first_page(files)?;
            match open_damaged(&files.trial()) {
                Ok(source) => copy(files, &source, target)?,
                Err(_) => None,
            }
        }
    };
    file::remove_database(&files.trial())?;
    salvaged.ok_or(JournalError::Unreadable { path: files.journal() })
}

/// A connection to a damaged file in which at least the list of tables is sound. It leaves the file as it is.
pub(super) fn open_damaged(path: &Path) -> Result<Connection, rusqlite::Error> {
    let source = schema::connect_to_write(path)?;
    source.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // with it, SQLite reads a file that is shorter than it should be
    source.pragma_update(None, "writable_schema", true)?;
    let (columns, table) =
        if earlier::is_earlier(&source)? { (earlier::EVENT, "events") } else { (blocks::BLOCK, "blocks") };
    source.prepare(&format!("SELECT {columns} FROM {table}"))?;
    source.prepare(&format!("SELECT {} FROM whispers", row::WHISPER))?;
    Ok(source)
}

/// Makes a copy of the journal to try things with, and puts a sound first page into it: without it nothing else can be found.
pub(super) fn with_new_first_page(files: &Files) -> Result<(), JournalError> {
    let copy = &files.trial();
    file::remove_database(copy)?;
    file::create(copy)?;
    let mut page = schema::first_page(copy)?;
    file::remove_database(copy)?;
    file::create(copy)?;
    let in_file = |source| JournalError::File { path: copy.to_owned(), source };
    let length = fs::copy(files.journal(), copy).map_err(in_file)?;
    if beside(&files.journal(), "-wal").exists() {
        fs::copy(beside(&files.journal(), "-wal"), beside(copy, "-wal")).map_err(in_file)?;
    }
    let pages = u32::try_from(length.div_ceil(schema::PAGE)).unwrap_or(u32::MAX);
    page[28..32].copy_from_slice(&pages.to_be_bytes());
    // no page is free, as far as is known
    page[32..40].fill(0);
    let mut file = fs::OpenOptions::new().write(true).open(copy).map_err(in_file)?;
    file.write_all(&page).map_err(in_file)
}

/// `None` if there was nothing.
fn copy(files: &Files, source: &Connection, target: &Path) -> Result<Option<Salvaged>, JournalError> {
    let epoch = epoch_of(source).ok().flatten();
    let mut connection = schema::connect_to_write(target)?;
    // the numbers of another epoch would be taken for these
    let is_known = epoch.is_some();
    let epoch = epoch.map_or_else(Epoch::random, Ok)?;
    schema::create(&mut connection, &epoch.to_string())?;
    connection.execute_batch("BEGIN")?;
    for key in [schema::PRUNED, schema::LAST_SEQ, schema::LAST_WHISPER] {
        if let Ok(Some(number)) = schema::get::<u64>(source, key) {
            schema::set(&connection, key, number)?;
        }
    }
    copy_gaps(source, &connection)?;
    let pruned = schema::get(&connection, schema::PRUNED)?.unwrap_or(0);
    let mut kept = Kept { target: &connection, pruned, appender: Appender::default(), failed: Ok(()) };
    let is_earlier = earlier::is_earlier(source).is_ok_and(|is_earlier| is_earlier);
    let are_events_whole = if is_earlier {
        let events = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq", earlier::EVENT);
        each(source, &events, |row| kept.event(row))
    } else {
        let blocks = format!("SELECT {BLOCK} FROM blocks WHERE first > ?1 ORDER BY first");
        each(source, &blocks, |row| kept.block(row))
    };
    let whispers = format!("SELECT {} FROM whispers WHERE number > ?1 ORDER BY number", row::WHISPER);
    let are_whispers_whole = each(source, &whispers, |row| kept.whisper(row));
    if !(is_earlier || are_events_whole && are_whispers_whole) {
        leaves::each(files, |table, row| {
            match table {
                Table::Blocks => kept.block(row),
                Table::Whispers => kept.whisper(row),
            };
        })?;
    }
    kept.finish()?;
    let salvaged = Salvaged { lost: note_holes(&connection)?, kept: count(&connection)? };
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok((is_known || salvaged.kept > 0).then_some(salvaged))
}

fn copy_gaps(source: &Connection, target: &Connection) -> Result<(), rusqlite::Error> {
    let (mut last, mut failed) = (0, Ok(()));
    each(source, "SELECT first, last, cause FROM gaps WHERE first > ?1 ORDER BY first", |row| {
        let (first, end): (u64, u64) = (row.get(0).ok()?, row.get(1).ok()?);
        let cause = Cause::from_word(&row.get::<_, String>(2).ok()?)?;
        if last < first && first <= end && failed.is_ok() {
            last = end;
            failed = add_gap(target, first, end, cause);
        }
        Some(first)
    });
    failed
}

fn add_gap(target: &Connection, first: u64, last: u64, cause: Cause) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO gaps (first, last, cause) VALUES (?1, ?2, ?3)";
    target.execute(sql, params![first, last, cause.word()]).map(drop)
}

/// Keeps what can be read.
struct Kept<'a> {
    target: &'a Connection,
    pruned: u64,
    /// Where events go that were rows of their own.
    appender: Appender,
    /// How writing ended.
    failed: Result<(), rusqlite::Error>,
}

impl Kept<'_> {
    /// Keeps the block in a row, but for what was pruned long ago. Its number, if all of it can be read.
    fn block(&mut self, row: &Row<'_>) -> Option<u64> {
        let mut events = blocks::read(row)?;
        let first = events.first()?.event.seq;
        events.retain(|kept| kept.event.seq > self.pruned);
        if self.failed.is_ok() {
            self.failed = self.keep(&events);
        }
        Some(first)
    }

    /// Keeps these events as a block. Of two that begin with the same event one was written when there were fewer of them; of
    /// two that are as long, the first one is that of the table.
    fn keep(&self, events: &[KeptEvent]) -> Result<(), rusqlite::Error> {
        let Some(first) = events.first().map(|first| first.event.seq) else { return Ok(()) };
        let known = blocks::find(self.target, first)?.map_or(0, |known| known.len());
        if events.len() > known { blocks::replace(self.target, first, events) } else { Ok(()) }
    }

    /// Keeps the event in a row of its own. Its number, if there is one. They must come in order.
    fn event(&mut self, row: &Row<'_>) -> Option<u64> {
        let kept = earlier::read_event(row)?;
        let seq = kept.event.seq;
        if self.failed.is_ok() && seq > self.pruned {
            self.failed = self.appender.push(self.target, (&kept).into());
        }
        Some(seq)
    }

    /// Keeps the whisper in a row.
    fn whisper(&mut self, row: &Row<'_>) -> Option<u64> {
        let kept = row::read_whisper(row)?;
        if self.failed.is_ok() {
            self.failed = row::write_whisper(self.target, kept.number, &kept.whisper, kept.id.as_ref());
        }
        Some(kept.number)
    }

    /// Takes out what was found in more than one block, and has everything found by its words.
    fn finish(mut self) -> Result<(), rusqlite::Error> {
        std::mem::replace(&mut self.failed, Ok(()))?;
        self.appender.flush(self.target)?;
        let mut next_block = self.target.prepare("SELECT first FROM blocks WHERE first > ?1 ORDER BY first LIMIT 1")?;
        let (mut at, mut behind) = (0, self.pruned);
        while let Some(first) = next_block.query_row([at], |row| row.get(0)).optional()? {
            let mut events = blocks::find(self.target, first)?.unwrap_or_default();
            let count = events.len();
            events.retain(|kept| kept.event.seq > behind);
            if events.len() < count {
                blocks::replace(self.target, first, &[])?;
                // it begins later now, perhaps where another one does, and its turn comes then
                self.keep(&events)?;
            } else {
                blocks::mark(self.target, &events)?;
                behind = events.last().map_or(behind, |last| last.event.seq);
            }
            at = first;
        }
        Ok(())
    }
}

/// Notes what is missing between the events that were read, and was not known to be missing before. How many that are.
fn note_holes(target: &Connection) -> Result<u64, rusqlite::Error> {
    // no event is both there and missing
    let both = "DELETE FROM gaps WHERE
                first <= (SELECT last FROM blocks WHERE blocks.first <= gaps.last ORDER BY blocks.first DESC LIMIT 1)";
    target.execute(both, [])?;
    let known = "SELECT first, last FROM gaps UNION ALL SELECT first, last FROM blocks ORDER BY 1";
    let mut statement = target.prepare(known)?;
    let mut rows = statement.query([])?;
    let (mut next, mut holes) = (schema::get::<u64>(target, schema::PRUNED)?.unwrap_or(0) + 1, Vec::new());
    while let Some(row) = rows.next()? {
        let (first, last): (u64, u64) = (row.get(0)?, row.get(1)?);
        if next < first {
            holes.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    for (first, last) in &holes {
        add_gap(target, *first, *last, Cause::Damaged)?;
    }
    Ok(holes.iter().map(|(first, last)| last - first + 1).sum())
}

fn count(target: &Connection) -> Result<u64, rusqlite::Error> {
    let whispers: u64 = target.query_row("SELECT count(*) FROM whispers", [], |row| row.get(0))?;
    Ok(blocks::count(target)? + whispers)
}

/// How far is looked behind a place that cannot be read.
const FARTHEST: u64 = 1 << 40;

/// Hands over every row that can be read, in the order of their numbers: `sql` asks for those above a number, and `take` tells
/// the number of a row, or `None` if it makes no sense. Whether all of the tree could be read.
fn each(source: &Connection, sql: &str, mut take: impl FnMut(&Row<'_>) -> Option<u64>) -> bool {
    let (mut last, mut is_whole) = (0, true);
    loop {
        let end = read(source, sql, last, |row| {
            let number = row.get::<_, u64>(0).ok().filter(|number| *number > last);
            last = number.unwrap_or(last);
            is_whole &= take(row).is_some();
            number.is_some()
        });
        if end == End::Reached {
            return is_whole;
        }
        is_whole = false;
        match behind_damage(source, sql, last) {
            Some(next) => last = next,
            None => return false,
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
