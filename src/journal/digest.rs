//! What is made from the events after they were written: an index of their words, and when each person was last there.
//!
//! It is made in the quiet after a burst and not in the transaction that writes, which it would make several times as
//! long. What was not digested yet is read directly by those who search. All of it can be made again.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{schema, words};
use crate::chat::name::Name;

/// How many events are digested in one transaction: the more, the less each costs, and the longer the next batch waits.
const STEP: usize = 1024;

/// Digests the next events behind this number. The number of the last one; `None` if there was none.
pub(super) fn step(connection: &Connection, behind: u64) -> Result<Option<u64>, rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("SELECT seq, text, name, new_name FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    // what stands there already is from before the file was damaged
    let mut add = connection.prepare_cached("INSERT OR REPLACE INTO words (rowid, text) VALUES (?1, ?2)")?;
    let mut rows = statement.query(params![behind, STEP])?;
    let mut last = None;
    // a few people say much: each is noted once
    let mut seen: HashMap<String, u64> = HashMap::new();
    while let Some(row) = rows.next()? {
        let seq: u64 = row.get(0)?;
        last = Some(seq);
        // what is damaged is left out
        let words = row.get_ref(1)?.as_str().map(words::folded).unwrap_or_default();
        if !words.is_empty() {
            add.execute(params![seq, words])?;
        }
        for column in [2, 3] {
            let Ok(name) = row.get_ref(column)?.as_str() else { continue };
            match seen.get_mut(name) {
                Some(last) => *last = seq,
                None => drop(seen.insert(name.to_owned(), seq)),
            }
        }
    }
    note(connection, seen)?;
    if let Some(last) = last {
        schema::set(connection, schema::DIGESTED, last)?;
    }
    Ok(last)
}

/// Notes when each of these people was last there, by the names they had then.
fn note(connection: &Connection, seen: HashMap<String, u64>) -> Result<(), rusqlite::Error> {
    let mut names: Vec<(String, u64)> = seen.into_iter().collect();
    // one name may be written in several ways
    names.sort_unstable_by_key(|(_, seq)| *seq);
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO seen (fold, seq) VALUES (?1, ?2)")?;
    for (name, seq) in names {
        if let Ok(name) = Name::parse_addressed(&name) {
            statement.execute(params![name.fold(), seq])?;
        }
    }
    Ok(())
}
