//! What is made from the events after they were written: an index of their words, and when each person was last there.
//!
//! It is made in the quiet after a burst and not in the transaction that writes, which it would make several times as
//! long. What was not digested yet is read directly by those who search. All of it can be made again.

use rusqlite::{Connection, params};

use super::record::{KeptEvent, text_of};
use super::{row, schema, words};

/// How many events are digested in one transaction.
const STEP: usize = 512;

/// Digests the next events behind this number. The number of the last one; `None` if there was none.
pub(super) fn step(connection: &Connection, behind: u64) -> Result<Option<u64>, rusqlite::Error> {
    let sql = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", row::EVENT);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![behind, STEP as i64])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        if let Some(kept) = row::read_event(row) {
            digest(connection, &kept)?;
        }
    }
    if let Some(last) = last {
        schema::set(connection, schema::DIGESTED, last)?;
    }
    Ok(last)
}

fn digest(connection: &Connection, KeptEvent { event, .. }: &KeptEvent) -> Result<(), rusqlite::Error> {
    let words = text_of(&event.kind).map(|text| words::folded(text.as_str())).unwrap_or_default();
    if !words.is_empty() {
        // what stands there already is from before the file was damaged
        let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO words (rowid, text) VALUES (?1, ?2)")?;
        statement.execute(params![event.seq, words])?;
    }
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO seen (fold, seq) VALUES (?1, ?2)")?;
    for name in event.kind.names().into_iter().flatten() {
        statement.execute(params![name.fold(), event.seq])?;
    }
    Ok(())
}
