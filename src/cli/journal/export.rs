//! The journal as lines of JSON, one an event, for other programs.

use std::io::{self, Write};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;

use crate::chat::event::EventKind;
use crate::chat::name::Name;
use crate::journal::{Gap, Item, JournalError, KeptEvent, KeptWhisper, Limit, Place, Reader, Whisper};

/// A line of an export: its type, and what belongs to it. `text` is missing where it was erased.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Joined {
        seq: u64,
        at: String,
        name: &'a str,
    },
    Said {
        seq: u64,
        at: String,
        from: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
    },
    Acted {
        seq: u64,
        at: String,
        from: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
    },
    Renamed {
        seq: u64,
        at: String,
        old: &'a str,
        new: &'a str,
    },
    Left {
        seq: u64,
        at: String,
        name: &'a str,
        reason: &'static str,
    },
    Whispered {
        after: u64,
        at: String,
        from: &'a str,
        to: &'a str,
        text: &'a str,
    },
    Gap {
        first: u64,
        last: u64,
        cause: &'static str,
    },
}

/// Writes every event, and with `viewer` the whispers to and from that person, in their order.
///
/// # Errors
/// The outer ones are those of reading, the inner ones those of writing.
pub(super) fn export(
    reader: &Reader,
    viewer: Option<&Name>,
    out: &mut impl Write,
) -> Result<io::Result<()>, JournalError> {
    let mut place = Place::default();
    loop {
        let page = reader.after(place, Limit::PAGE, viewer)?;
        for item in &page.items {
            if let Err(error) = write(item, out) {
                return Ok(Err(error));
            }
            place = item.place();
        }
        if !page.has_more {
            return Ok(out.flush());
        }
    }
}

fn write(item: &Item, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &line(item)).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

fn line(item: &Item) -> Line<'_> {
    let KeptEvent { event, is_erased, .. } = match item {
        Item::Event(kept) => kept,
        Item::Whisper(KeptWhisper { whisper: Whisper { after, at, from, to, text, .. }, .. }) => {
            let (from, to, text) = (from.as_str(), to.as_str(), text.as_str());
            return Line::Whispered { after: *after, at: rfc3339(*at), from, to, text };
        }
        Item::Gap(Gap { first, last, cause }) => {
            return Line::Gap { first: *first, last: *last, cause: cause.word() };
        }
    };
    let (seq, at) = (event.seq, rfc3339(event.at));
    match &event.kind {
        EventKind::Joined { name } => Line::Joined { seq, at, name: name.as_str() },
        EventKind::Said { from, text } => {
            Line::Said { seq, at, from: from.as_str(), text: (!is_erased).then(|| text.as_str()) }
        }
        EventKind::Acted { from, text } => {
            Line::Acted { seq, at, from: from.as_str(), text: (!is_erased).then(|| text.as_str()) }
        }
        EventKind::Renamed { old, new } => Line::Renamed { seq, at, old: old.as_str(), new: new.as_str() },
        EventKind::Left { name, reason } => Line::Left { seq, at, name: name.as_str(), reason: reason.word() },
    }
}

/// With milliseconds, in UTC. A time that no calendar has is shown as the first of 1970.
fn rfc3339(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}
