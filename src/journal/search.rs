//! Who said a word, and when somebody was last there: by the marks of blocks that are full, and by reading those that are not.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::blocks::MARKS;
use super::marks::{SoughtName, SoughtWords};
use super::open::within;
use super::record::{Item, KeptEvent, Place, text_of};
use super::words::Query;
use super::{blocks, row};
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
        let mut found: Vec<_> = said(connection, &query, count)?.into_iter().map(Item::Event).collect();
        if let Some(viewer) = viewer {
            found.extend(whispered(connection, &query, count, viewer)?);
        }
        Ok::<_, rusqlite::Error>(found)
    })?;
    found.sort_by_key(|item| std::cmp::Reverse(item.place()));
    found.truncate(count);
    Ok(found)
}

/// The newest events with all the words, the newest first.
fn said(connection: &Connection, query: &Query, count: usize) -> Result<Vec<KeptEvent>, rusqlite::Error> {
    let is_meant = |kept: &KeptEvent| {
        !kept.is_erased && text_of(&kept.event.kind).is_some_and(|text| query.matches(text.as_str()))
    };
    let mut found = unmarked(connection, |kept| is_meant(kept))?;
    let (sought, mut places) = (SoughtWords::new(query), Vec::new());
    let mut statement = connection.prepare_cached(&format!("SELECT {MARKS} FROM words ORDER BY first DESC"))?;
    let mut rows = statement.query([])?;
    while found.len() < count
        && let Some(row) = rows.next()?
    {
        let are_sound = sought.find(row.get_ref(1)?.as_blob().unwrap_or_default(), &mut places);
        if are_sound && places.is_empty() {
            continue;
        }
        let events = blocks::find(connection, row.get(0)?)?.unwrap_or_default();
        let may_be = events.into_iter().enumerate().filter(|(place, _)| !are_sound || places.contains(place));
        found.extend(may_be.map(|(_, kept)| kept).rev().filter(is_meant));
    }
    Ok(found)
}

/// The events in blocks without marks that are meant, the newest first. There is one such block, or none.
fn unmarked(connection: &Connection, is_meant: impl Fn(&KeptEvent) -> bool) -> Result<Vec<KeptEvent>, rusqlite::Error> {
    let marked: u64 = connection.query_row("SELECT coalesce(max(first), 0) FROM words", [], |row| row.get(0))?;
    let mut found = Vec::new();
    blocks::each_back(connection, u64::MAX >> 1, |row| {
        if blocks::numbers(row).is_some_and(|numbers| *numbers.start() <= marked) {
            return ControlFlow::Break(());
        }
        found.extend(blocks::read(row).unwrap_or_default().into_iter().rev().filter(&is_meant));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// The last event in which this person took part.
pub(super) fn last_seen(connection: &Connection, name: &Name) -> Result<Option<KeptEvent>, rusqlite::Error> {
    let takes_part = |kept: &KeptEvent| kept.event.kind.names().contains(&Some(name));
    if let Some(kept) = unmarked(connection, takes_part)?.into_iter().next() {
        return Ok(Some(kept));
    }
    let sought = SoughtName::new(name);
    let mut statement = connection.prepare_cached(&format!("SELECT {MARKS} FROM words ORDER BY first DESC"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if sought.may_be_in(row.get_ref(1)?.as_blob().unwrap_or_default()) {
            let events = blocks::find(connection, row.get(0)?)?.unwrap_or_default();
            if let Some(kept) = events.into_iter().rev().find(takes_part) {
                return Ok(Some(kept));
            }
        }
    }
    Ok(None)
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
