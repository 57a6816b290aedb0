//! Who said a word: by the index of what was digested, and by reading what was not yet.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::open::within;
use super::record::{Item, KeptEvent, Place};
use super::words::Query;
use super::{row, schema};
use crate::chat::name::Name;

/// How long a search may take.
const SEARCH_WITHIN: Duration = Duration::from_secs(1);

/// So many whispers of one person are searched, the newest. They are in no index: nothing about them is shared with others.
const MAX_WHISPERS: i64 = 20_000;

/// What was said with all the words, the newest first.
pub(super) fn search(
    connection: &Connection,
    typed: &str,
    count: usize,
    viewer: Option<&Name>,
) -> Result<Vec<Item>, rusqlite::Error> {
    let Some(query) = Query::new(typed) else { return Ok(Vec::new()) };
    let mut found = within(connection, SEARCH_WITHIN, || {
        let is_meant = |kept: &KeptEvent| query.is_in(&kept.event.kind);
        let mut found: Vec<_> = undigested(connection, count, is_meant)?.into_iter().map(Item::Event).collect();
        found.extend(indexed(connection, &query, count - found.len())?);
        if let Some(viewer) = viewer {
            found.extend(whispered(connection, &query, count, viewer)?);
        }
        Ok::<_, rusqlite::Error>(found)
    })?;
    found.sort_by_key(|item| std::cmp::Reverse(item.place()));
    found.truncate(count);
    Ok(found)
}

/// The newest events that are not digested yet and are meant, the newest first.
pub(super) fn undigested(
    connection: &Connection,
    count: usize,
    is_meant: impl Fn(&KeptEvent) -> bool,
) -> Result<Vec<KeptEvent>, rusqlite::Error> {
    let digested: u64 = schema::get(connection, schema::DIGESTED)?.unwrap_or(0);
    let sql = format!("SELECT {} FROM events WHERE seq > ?1 ORDER BY seq DESC", row::EVENT);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([digested])?;
    let mut found = Vec::new();
    while found.len() < count
        && let Some(row) = rows.next()?
    {
        found.extend(row::read_event(row).filter(&is_meant));
    }
    Ok(found)
}

fn indexed(connection: &Connection, query: &Query, count: usize) -> Result<Vec<Item>, rusqlite::Error> {
    let mut statement =
        connection.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2")?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let found = statement.query_map(params![query.for_index(), count], |row| row.get(0))?;
    let numbers = found.collect::<Result<Vec<u64>, _>>()?;
    let mut events = connection.prepare_cached(&format!("SELECT {} FROM events WHERE seq = ?1", row::EVENT))?;
    let mut items = Vec::with_capacity(numbers.len());
    for number in numbers {
        let kept = events.query_row([number], |row| Ok(row::read_event(row))).optional()?.flatten();
        // what was erased or damaged is not in the index any more, or should not be
        items.extend(kept.filter(|kept| !kept.is_erased).map(Item::Event));
    }
    Ok(items)
}

fn whispered(
    connection: &Connection,
    query: &Query,
    count: usize,
    viewer: &Name,
) -> Result<Vec<Item>, rusqlite::Error> {
    let mut found: Vec<Item> = Vec::new();
    for column in ["from_fold", "to_fold"] {
        let sql = format!(
            "SELECT {} FROM whispers WHERE {column} = ?1 ORDER BY after DESC, number DESC LIMIT ?2",
            row::WHISPER
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![viewer.fold(), MAX_WHISPERS])?;
        let mut of_column = 0;
        while of_column < count
            && let Some(row) = rows.next()?
        {
            let Some(kept) = row::read_whisper(row) else { continue };
            let is_theirs = kept.whisper.from == *viewer || kept.whisper.to == *viewer;
            let place = Place { seq: kept.whisper.after, whisper: kept.number };
            if is_theirs && query.matches(kept.whisper.text.as_str()) {
                of_column += 1;
                if found.iter().all(|other| other.place() != place) {
                    found.push(Item::Whisper(kept));
                }
            }
        }
    }
    Ok(found)
}
