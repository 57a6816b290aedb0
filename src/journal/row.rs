//! A whisper as a row of its table, and back.

use rusqlite::{Connection, Row, params};

use super::block::{millis, time};
use super::record::{KeptWhisper, MessageId, Recipient, Whisper};
use crate::chat::hygiene::CleanText;
use crate::chat::name::Name;
use crate::chat::token::Proof;

/// The columns of [`read_whisper`], in order.
pub(super) const WHISPER: &str = "number, after, at, from_name, to_name, text, id, to_proof, to_number";

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

pub(super) fn name(row: &Row<'_>, column: usize) -> Option<Name> {
    Name::parse_addressed(&row.get::<_, String>(column).ok()?).ok()
}

pub(super) fn id(row: &Row<'_>, column: usize) -> Option<Option<MessageId>> {
    match row.get::<_, Option<String>>(column).ok()? {
        None => Some(None),
        Some(id) => MessageId::new(id).ok().map(Some),
    }
}
