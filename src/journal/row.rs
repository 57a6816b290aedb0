//! A record as a row of its table, and back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Row, params};

use super::record::{KeptEvent, KeptWhisper, MessageId, Recipient, Whisper, text_of};
use crate::chat::event::{Event, EventKind, Reason};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::token::Proof;

/// The columns of [`read_event`], in order.
pub(super) const EVENT: &str = "seq, at, kind, name, new_name, text, reason, id";

/// The columns of [`read_whisper`], in order.
pub(super) const WHISPER: &str = "number, after, at, from_name, to_name, text, id, to_proof, to_number";

/// Milliseconds since 1970.
pub(super) fn millis(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}

fn time(millis: i64) -> SystemTime {
    let offset = Duration::from_millis(millis.unsigned_abs());
    let at = if millis < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
    at.unwrap_or(UNIX_EPOCH)
}

/// Adds an event.
pub(super) fn write_event(connection: &Connection, kept: EventRow<'_>) -> Result<(), rusqlite::Error> {
    let EventRow { event, id, is_erased } = kept;
    let text = if is_erased { None } else { text_of(&event.kind).map(CleanText::as_str) };
    let (kind, name, new_name, reason) = match &event.kind {
        EventKind::Joined { name } => ("joined", name, None, None),
        EventKind::Said { from, .. } => ("said", from, None, None),
        EventKind::Acted { from, .. } => ("acted", from, None, None),
        EventKind::Renamed { old, new } => ("renamed", old, Some(new.as_str()), None),
        EventKind::Left { name, reason } => ("left", name, None, Some(reason.word())),
    };
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (seq, at, kind, name, new_name, text, reason, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let (at, id) = (millis(event.at), id.map(MessageId::as_str));
    statement.execute(params![event.seq, at, kind, name.as_str(), new_name, text, reason, id]).map(drop)
}

/// What stands in a row of `events`.
#[derive(Clone, Copy)]
pub(super) struct EventRow<'a> {
    pub(super) event: &'a Event,
    pub(super) id: Option<&'a MessageId>,
    pub(super) is_erased: bool,
}

impl<'a> From<&'a KeptEvent> for EventRow<'a> {
    fn from(kept: &'a KeptEvent) -> EventRow<'a> {
        EventRow { event: &kept.event, id: kept.id.as_ref(), is_erased: kept.is_erased }
    }
}

/// Adds a whisper; one with the same number that is there already stays.
pub(super) fn write_whisper(
    connection: &Connection,
    number: u64,
    whisper: &Whisper,
    id: Option<&MessageId>,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO whispers (number, after, at, from_name, from_fold, to_name, to_fold, text, id, to_proof,
                                          to_number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    let Whisper { after, at, from, to, text, recipient } = whisper;
    let (proof, count) = (recipient.map(|of| of.proof.word()), recipient.map(|of| of.number));
    let (at, text, id) = (millis(*at), text.as_str(), id.map(MessageId::as_str));
    let names = [from.as_str(), from.fold(), to.as_str(), to.fold()];
    statement
        .execute(params![number, after, at, names[0], names[1], names[2], names[3], text, id, proof, count])
        .map(drop)
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

/// Reads the columns [`WHISPER`]. `None` if the row is damaged.
pub(super) fn read_whisper(row: &Row<'_>) -> Option<KeptWhisper> {
    let whisper = Whisper {
        after: row.get(1).ok()?,
        at: time(row.get(2).ok()?),
        from: name(row, 3)?,
        to: name(row, 4)?,
        text: CleanText::new(row.get(5).ok()?),
        recipient: recipient(row)?,
    };
    Some(KeptWhisper { number: row.get(0).ok()?, whisper, id: id(row, 6)? })
}

fn recipient(row: &Row<'_>) -> Option<Option<Recipient>> {
    match (row.get::<_, Option<String>>(7).ok()?, row.get::<_, Option<u64>>(8).ok()?) {
        (Some(proof), Some(number)) => Some(Some(Recipient { proof: Proof::from_word(&proof)?, number })),
        _ => Some(None),
    }
}

fn name(row: &Row<'_>, column: usize) -> Option<Name> {
    Name::parse_addressed(&row.get::<_, String>(column).ok()?).ok()
}

fn id(row: &Row<'_>, column: usize) -> Option<Option<MessageId>> {
    match row.get::<_, Option<String>>(column).ok()? {
        None => Some(None),
        Some(id) => MessageId::new(id).ok().map(Some),
    }
}
