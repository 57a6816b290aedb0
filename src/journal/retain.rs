//! How long things are kept, and how much: pruned in small steps between what is written, so that nothing waits for it.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, params};

use super::block::millis;
use super::blocks::{self, BLOCK};
use super::queue::MAX_BATCH;
use super::schema::{self, PAGE};
use super::store::transaction;

/// How many blocks of events, and how many whispers, are pruned in one step at most: as many as a batch can bring.
const STEP: usize = MAX_BATCH;

/// How many of them are pruned at once if the file is too large, before it is looked again: no more should go than must.
const FEW: usize = 16;

/// How many pages are given back to the system in one step.
const PAGES: i64 = 256; // 1 MiB

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    /// For how long. 0 = for ever.
    pub(super) max_age: Duration,
    /// Bytes of the file. 0 = any number.
    pub(super) max_size: u64,
}

/// Prunes a little, or gives a little room back. Whether there is more to do.
pub(super) fn step(connection: &Connection, retention: Retention, now: SystemTime) -> Result<bool, rusqlite::Error> {
    let is_older = match retention.max_age {
        Duration::ZERO => false,
        age => {
            let before = now.checked_sub(age).map_or(i64::MIN, millis);
            transaction(connection, |connection| prune_older(connection, before, millis(now)))?
        }
    };
    let mut is_larger = false;
    for _ in 0..STEP / FEW {
        if is_older || !Size::of(connection)?.is_beyond(retention.max_size) {
            break;
        }
        is_larger = transaction(connection, prune_oldest)?;
        if !is_larger {
            break;
        }
    }
    let is_shrinking = give_back(connection, retention.max_size)?;
    let has_more = is_older || is_larger || is_shrinking;
    if !has_more {
        shorten(connection, retention.max_size)?;
    }
    Ok(has_more)
}

/// Brings what is in the log into the file, if that is longer than it may be: it gets shorter only then.
fn shorten(connection: &Connection, max_size: u64) -> Result<(), rusqlite::Error> {
    let length = connection.path().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len());
    if max_size != 0 && length > max_size {
        // a reader may have it wait; then the next time will do
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// Prunes what is older than this, so many milliseconds since 1970. Whether there was something.
pub(super) fn prune_older(connection: &Connection, before: i64, now: i64) -> Result<bool, rusqlite::Error> {
    let last = last_older_event(connection, before, now)?;
    if let Some(last) = last {
        forget_until(connection, last)?;
    }
    let last_whisper = last_older_whisper(connection, before, now)?;
    if let Some(last) = last_whisper {
        keep_last_whisper(connection)?;
        connection.execute("DELETE FROM whispers WHERE number <= ?1", [last])?;
    }
    Ok(last.is_some() || last_whisper.is_some())
}

/// The number of the last one that is older, if all before it are so: where the clock was wrong for a while, nothing goes too
/// early. Times that are not yet count neither way, or they would keep all that follows.
struct LastOlder {
    before: i64,
    now: i64,
    last: Option<u64>,
}

impl LastOlder {
    /// Looks at the next one. Whether those that follow are to be looked at.
    fn look(&mut self, number: u64, at: i64) -> bool {
        if at < self.before {
            self.last = Some(number);
        }
        at < self.before || at > self.now
    }
}

fn last_older_event(connection: &Connection, before: i64, now: i64) -> Result<Option<u64>, rusqlite::Error> {
    let sql = format!("SELECT {BLOCK} FROM blocks ORDER BY first LIMIT {STEP}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut older = LastOlder { before, now, last: None };
    while let Some(row) = rows.next()? {
        let Some(events) = blocks::read(row) else {
            // a damaged one is as old as what follows
            continue;
        };
        if !events.iter().all(|kept| older.look(kept.event.seq, millis(kept.event.at))) {
            break;
        }
    }
    Ok(older.last)
}

fn last_older_whisper(connection: &Connection, before: i64, now: i64) -> Result<Option<u64>, rusqlite::Error> {
    let sql = format!("SELECT number, at FROM whispers ORDER BY number LIMIT {STEP}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut older = LastOlder { before, now, last: None };
    while let Some(row) = rows.next()?
        && older.look(row.get(0)?, row.get(1)?)
    {}
    Ok(older.last)
}

/// Prunes the oldest, with the whispers among them. Whether there was something.
fn prune_oldest(connection: &Connection) -> Result<bool, rusqlite::Error> {
    // up to where the next block begins: what a damaged row says of its end could be anything
    let last: Option<u64> = connection.query_row(
        "SELECT coalesce((SELECT first - 1 FROM blocks ORDER BY first LIMIT 1 OFFSET ?1),
                         (SELECT last FROM blocks ORDER BY first DESC LIMIT 1))",
        [FEW],
        |row| row.get(0),
    )?;
    keep_last_whisper(connection)?;
    let Some(last) = last else {
        let whispers = "DELETE FROM whispers WHERE number IN (SELECT number FROM whispers ORDER BY number LIMIT ?1)";
        return Ok(connection.execute(whispers, [STEP])? > 0);
    };
    forget_until(connection, last)?;
    connection.execute(
        "DELETE FROM whispers WHERE number < coalesce((SELECT min(number) FROM whispers WHERE after > ?1), ?2)",
        params![last, i64::MAX],
    )?;
    Ok(true)
}

/// Forgets every event up to this number.
fn forget_until(connection: &Connection, last: u64) -> Result<(), rusqlite::Error> {
    schema::set(connection, schema::PRUNED, last)?;
    // or the numbers would begin anew
    schema::set(connection, schema::LAST_SEQ, schema::last_seq(connection)?)?;
    blocks::forget_until(connection, last)?;
    connection.execute("DELETE FROM gaps WHERE last <= ?1", [last])?;
    Ok(())
}

fn keep_last_whisper(connection: &Connection) -> Result<(), rusqlite::Error> {
    schema::set(connection, schema::LAST_WHISPER, schema::last_whisper(connection)?)
}

/// Gives free pages back to the system if there are many, or if the file is too large. Whether there are more of them.
pub(super) fn give_back(connection: &Connection, max_size: u64) -> Result<bool, rusqlite::Error> {
    let size = Size::of(connection)?;
    let is_much = size.free * 16 > size.pages && size.free > 64;
    let is_needed = size.free > 0 && max_size != 0 && size.pages * PAGE > max_size;
    if !is_much && !is_needed {
        return Ok(false);
    }
    // it frees a page a step, so it must be stepped to its end
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(Size::of(connection)?.free < size.free)
}

/// How large the file is.
struct Size {
    pages: u64,
    /// Those in which nothing is.
    free: u64,
}

impl Size {
    fn of(connection: &Connection) -> Result<Size, rusqlite::Error> {
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        Ok(Size { pages: pragma("page_count")?, free: pragma("freelist_count")? })
    }

    /// Whether more than fifteen sixteenths of this are used. The rest is for what is written until it is looked again.
    fn is_beyond(&self, max_size: u64) -> bool {
        max_size != 0 && (self.pages - self.free) * PAGE > max_size / 16 * 15
    }
}
