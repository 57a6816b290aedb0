//! The tables of what everybody in the room learned: blocks of events, and the marks by which their words are found.
//!
//! The last block grows until it is full; then its marks are written, and the next one begins. So a block without marks is at the
//! end, and is read by those who search.

use std::ops::{ControlFlow, RangeInclusive};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::block::{self, Builder, Incoming, Unwritable};
use super::record::KeptEvent;

/// The columns of [`read`], in order. No block of this papo's has so many bytes, not even one of a single long event: whoever
/// made such a one had the server take as much memory as they liked.
pub(super) const BLOCK: &str = "first, last, iif(length(events) <= 1048576, events, NULL)";

/// The number of a block and its marks, if there are not more of them than such a block can have.
pub(super) const MARKS: &str = "first, iif(length(marks) <= 1048576, marks, NULL)";

/// The first and the last number in a row of [`BLOCK`].
pub(super) fn numbers(row: &Row<'_>) -> Option<RangeInclusive<u64>> {
    let (first, last) = (row.get(0).ok()?, row.get(1).ok()?);
    // the room counts from 1
    (1..=last).contains(&first).then_some(first..=last)
}

/// The events in a row of [`BLOCK`]. `None` if it is damaged.
pub(super) fn read(row: &Row<'_>) -> Option<Vec<KeptEvent>> {
    block::read(numbers(row)?, row.get_ref(2).ok()?.as_blob().ok()?)
}

/// What of a row of [`BLOCK`] can be known without reading it: see [`block::summary`].
pub(super) fn summary(row: &Row<'_>) -> Option<(i64, bool)> {
    block::summary(row.get_ref(2).ok()?.as_blob().ok()?)
}

/// The newest events up to this number, the newest first. Damaged blocks are left out.
pub(super) fn newest(connection: &Connection, top: u64, count: usize) -> Result<Vec<KeptEvent>, rusqlite::Error> {
    let mut found = Vec::new();
    each_back(connection, top, |row| {
        let events = read(row).unwrap_or_default().into_iter().rev();
        found.extend(events.filter(|kept| kept.event.seq <= top).take(count - found.len()));
        if found.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(found)
}

/// The first events behind this number. Damaged blocks are left out.
pub(super) fn following(connection: &Connection, after: u64, count: usize) -> Result<Vec<KeptEvent>, rusqlite::Error> {
    let sql = format!(
        "SELECT {BLOCK} FROM blocks WHERE first >= coalesce((SELECT max(first) FROM blocks WHERE first <= ?1), 0)
         ORDER BY first"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([after])?;
    let mut found = Vec::new();
    while found.len() < count
        && let Some(row) = rows.next()?
    {
        let events = read(row).unwrap_or_default().into_iter();
        found.extend(events.filter(|kept| kept.event.seq > after).take(count - found.len()));
    }
    Ok(found)
}

/// Shows every block with an event up to this number, the newest first, until it is enough.
pub(super) fn each_back(
    connection: &Connection,
    top: u64,
    mut show: impl FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), rusqlite::Error> {
    let sql = format!("SELECT {BLOCK} FROM blocks WHERE first <= ?1 ORDER BY first DESC");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([top])?;
    while let Some(row) = rows.next()?
        && show(row).is_continue()
    {}
    Ok(())
}

/// The events of the block that begins with this number. `None` if there is none, or it is damaged.
pub(super) fn find(connection: &Connection, first: u64) -> Result<Option<Vec<KeptEvent>>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT {BLOCK} FROM blocks WHERE first = ?1"))?;
    Ok(statement.query_row([first], |row| Ok(read(row))).optional()?.flatten())
}

/// Writes a block, in the place of one that begins with the same number.
fn put(connection: &Connection, builder: &mut Builder) -> Result<(), rusqlite::Error> {
    let (first, last) = builder.numbers().into_inner();
    let mut statement = connection.prepare_cached(
        "INSERT INTO blocks (first, last, events) VALUES (?1, ?2, ?3)
         ON CONFLICT (first) DO UPDATE SET last = excluded.last, events = excluded.events",
    )?;
    statement.execute(params![first, last, builder.bytes()]).map(drop)
}

fn put_marks(connection: &Connection, builder: &Builder) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO words (first, marks) VALUES (?1, ?2)")?;
    statement.execute(params![builder.numbers().start(), builder.marks()]).map(drop)
}

/// Puts these events where a block with this first number is: it has become shorter, or says less.
pub(super) fn replace(connection: &Connection, first: u64, events: &[KeptEvent]) -> Result<(), rusqlite::Error> {
    let has_marks = connection.prepare_cached("SELECT 1 FROM words WHERE first = ?1")?.exists([first])?;
    let builder = Builder::of(events).map_err(unwritable)?;
    if builder.as_ref().is_none_or(|builder| *builder.numbers().start() != first) {
        connection.prepare_cached("DELETE FROM blocks WHERE first = ?1")?.execute([first])?;
        connection.prepare_cached("DELETE FROM words WHERE first = ?1")?.execute([first])?;
    }
    let Some(mut builder) = builder else { return Ok(()) };
    put(connection, &mut builder)?;
    if has_marks {
        put_marks(connection, &builder)?;
    }
    Ok(())
}

/// Has the words of a block with these events be found: no further events come into it.
pub(super) fn mark(connection: &Connection, events: &[KeptEvent]) -> Result<(), rusqlite::Error> {
    Builder::of(events).map_err(unwritable)?.map_or(Ok(()), |builder| put_marks(connection, &builder))
}

/// Deletes every event up to this number.
pub(super) fn forget_until(connection: &Connection, last: u64) -> Result<(), rusqlite::Error> {
    // one of them may go on behind it
    let sql = format!("SELECT {BLOCK} FROM blocks WHERE first <= ?1 ORDER BY first DESC LIMIT 1");
    let cut = connection.prepare_cached(&sql)?.query_row([last], |row| Ok(read(row))).optional()?.flatten();
    if let Some(mut events) = cut
        && let Some(first) = events.first().map(|first| first.event.seq)
    {
        events.retain(|kept| kept.event.seq > last);
        replace(connection, first, &events)?;
    }
    // where a block ends is known by where the next one begins, also if what the row says of it is damaged
    connection.execute("DELETE FROM words WHERE first <= ?1", [last])?;
    connection.execute("DELETE FROM blocks WHERE first <= ?1", [last]).map(drop)
}

/// Whether the last block can be read, if there is one. What its row says of its end must not be believed otherwise: numbers
/// would be given twice, or skipped by the billion.
pub(super) fn is_end_sound(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let sql = format!("SELECT {BLOCK} FROM blocks ORDER BY first DESC LIMIT 1");
    let last = connection.prepare_cached(&sql)?.query_row([], |row| Ok(read(row))).optional()?;
    Ok(last.is_none_or(|events| events.is_some()))
}

/// How many events there are.
pub(super) fn count(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection.query_row("SELECT coalesce(sum(last - first + 1), 0) FROM blocks", [], |row| row.get(0))
}

/// Puts events into blocks, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Appender {
    /// The last block, while there is room in it.
    open: Option<Builder>,
    /// Whether it is longer than in the table.
    has_grown: bool,
}

impl Appender {
    /// One that goes on with the last block in the table.
    pub(super) fn load(connection: &Connection) -> Result<Appender, rusqlite::Error> {
        let sql = format!(
            "SELECT {BLOCK} FROM blocks WHERE first > coalesce((SELECT max(first) FROM words), 0)
             ORDER BY first DESC LIMIT 1"
        );
        let events = connection.prepare_cached(&sql)?.query_row([], |row| Ok(read(row))).optional()?.flatten();
        let open = Builder::of(&events.unwrap_or_default()).map_err(unwritable)?;
        Ok(Appender { open, has_grown: false })
    }

    /// Puts an event behind all others; it is in the table after [`Appender::flush`]. To be done in a transaction. After an error
    /// it is of no use any more.
    pub(super) fn push(&mut self, connection: &Connection, incoming: Incoming<'_>) -> Result<(), rusqlite::Error> {
        if self.open.as_ref().is_some_and(|open| !open.takes(incoming)) {
            self.finish(connection)?;
        }
        let open = self.open.get_or_insert_with(|| Builder::new(incoming.event.seq));
        open.push(incoming).map_err(unwritable)?;
        self.has_grown = true;
        Ok(())
    }

    /// Writes what has grown.
    pub(super) fn flush(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        match &mut self.open {
            Some(open) if std::mem::take(&mut self.has_grown) => put(connection, open),
            _ => Ok(()),
        }
    }

    /// Writes the last block and its marks; whatever comes begins another one.
    pub(super) fn finish(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        self.flush(connection)?;
        self.open.take().map_or(Ok(()), |open| put_marks(connection, &open))
    }
}

fn unwritable(error: Unwritable) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
