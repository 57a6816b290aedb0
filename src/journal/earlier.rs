//! Journals of versions 1 and 2, in which every event was a row of its own: how they become one of this version.

use rusqlite::{Connection, Row, ffi};

use super::block::{Incoming, time};
use super::blocks::Appender;
use super::record::KeptEvent;
use super::row::{id, name};
use super::schema::{self, VERSION};
use super::store::transaction;
use crate::chat::event::{Event, EventKind, Reason};
use crate::chat::hygiene::CleanText;

/// The columns of [`read_event`], in order.
pub(super) const EVENT: &str = "seq, at, kind, name, new_name, text, reason, id";

/// Whether this is one of them.
pub(super) fn is_earlier(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events' AND type = 'table'")?.exists([])
}

/// Gives it the tables of this version. What was not known then is empty. Until all is done it stays as it was, so for a while
/// it takes more than twice the room.
pub(super) fn migrate(connection: &Connection) -> Result<(), rusqlite::Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version >= VERSION {
        return Ok(());
    }
    log::info!(
        "the journal was written by an earlier version (its format is {version}) and becomes one of this version; for each \
         million events that takes some seconds"
    );
    transaction(connection, |connection| {
        if version < 2 {
            connection.execute_batch(
                "DROP INDEX whispers_from; DROP INDEX whispers_to; DROP INDEX whispers_id;
                 ALTER TABLE whispers RENAME TO whispers_1;",
            )?;
            connection.execute_batch(schema::WHISPERS)?;
            connection
                .execute_batch("INSERT INTO whispers SELECT *, NULL, NULL FROM whispers_1; DROP TABLE whispers_1;")?;
        }
        // what was made from the events; the index of words, which had the name that the marks have now
        connection.execute_batch("DROP TABLE words; DROP TABLE seen; DELETE FROM meta WHERE key = 'digested';")?;
        connection.execute_batch(schema::EVENTS)?;
        move_events(connection)?;
        connection.execute_batch("DROP TABLE events;")?;
        connection.pragma_update(None, "user_version", VERSION)
    })
}

fn move_events(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare(&format!("SELECT {EVENT} FROM events ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut appender = Appender::default();
    while let Some(row) = rows.next()? {
        let damaged = || rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None);
        let kept = read_event(row).ok_or_else(damaged)?;
        appender.push(connection, Incoming::from(&kept))?;
    }
    appender.flush(connection)
}

/// Reads the columns [`EVENT`]. `None` if no event of this papo looks like that: the row is damaged.
pub(super) fn read_event(row: &Row<'_>) -> Option<KeptEvent> {
    let kind: String = row.get(2).ok()?;
    let text: Option<String> = row.get(5).ok()?;
    let is_erased = text.is_none() && matches!(kind.as_str(), "said" | "acted");
    let text = CleanText::new(text.unwrap_or_default());
    let kind = match kind.as_str() {
        "joined" => EventKind::Joined { name: name(row, 3)? },
        "said" => EventKind::Said { from: name(row, 3)?, text },
        "acted" => EventKind::Acted { from: name(row, 3)?, text },
        "renamed" => EventKind::Renamed { old: name(row, 3)?, new: name(row, 4)? },
        "left" => EventKind::Left { name: name(row, 3)?, reason: Reason::from_word(&row.get::<_, String>(6).ok()?)? },
        _ => return None,
    };
    Some(KeptEvent {
        event: Event { seq: row.get(0).ok()?, at: time(row.get(1).ok()?), kind },
        id: id(row, 7)?,
        is_erased,
    })
}
