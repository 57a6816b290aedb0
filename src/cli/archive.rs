//! Opening the journal when the server starts, and what is said about it.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use actix::Recipient;
use log::{error, info, warn};

use super::journal::why_not;
use crate::chat::history::History;
use crate::chat::hygiene::CleanText;
use crate::chat::language::Language;
use crate::chat::repeats::{MAX_KNOWN, WINDOW};
use crate::chat::text;
use crate::chat::whispers::MAX_WHISPERS;
use crate::config::Config;
use crate::journal::{Cause, Item, Journal, JournalError, Limit, Opened, Options, Reader};
use crate::room::{ChatRoom, JournalReport, Past};

/// So many events of the journal are read into the memory of the room at most.
const REMEMBERED: usize = 2000;

/// Where the journal reports to, as soon as there is somebody.
#[derive(Debug, Clone, Default)]
pub struct Reports(Arc<OnceLock<Recipient<JournalReport>>>);

impl Reports {
    /// They go there from now on. Before, nothing was appended, so there were none.
    pub fn send_to(&self, room: Recipient<JournalReport>) {
        // there is one room
        let _ = self.0.set(room);
    }
}

/// A room that goes on where the journal ends, or an empty one if none is kept.
///
/// # Errors
/// The sentence that says why the server cannot start: the journal is in use, or of no use. If only the directory cannot be
/// written, the server starts without one, and the log says so.
pub fn open(config: &Config, reports: &Reports, language: Language) -> Result<ChatRoom, String> {
    let room = ChatRoom::default();
    if !config.journal {
        return Ok(room);
    }
    let Some(directory) = &config.data else {
        warn!("{}", text::journal_no_directory(language));
        return Ok(room);
    };
    let listener = {
        let Reports(room) = reports.clone();
        move |report| match room.get() {
            Some(room) => room.do_send(JournalReport(report)),
            None => error!("the journal reports before there is a room: {report:?}"),
        }
    };
    let (journal, opened) = match Journal::open(directory, Options::from(config), listener) {
        Ok(opened) => opened,
        Err(error @ JournalError::File { .. }) => {
            warn!("{}", one_line(why_not(&error, language)));
            return Ok(room);
        }
        Err(error) => return Err(one_line(why_not(&error, language))),
    };
    tell(&opened, language);
    let past = journal.reader().and_then(|reader| past(&reader, opened.last_seq)).unwrap_or_else(|error| {
        warn!("{}", one_line(why_not(&error, language)));
        let mut past = Past::default();
        past.last.begin_after(opened.last_seq);
        past
    });
    Ok(room.with_journal(journal, &opened, past))
}

/// What the room must know of the time before.
fn past(reader: &Reader, last_seq: u64) -> Result<Past, JournalError> {
    let since = SystemTime::now() - WINDOW;
    Ok(Past {
        last: last_events(reader, last_seq)?,
        known: reader.known_ids(since, MAX_KNOWN)?,
        // more than there is room for: who has the best claim is for the room to say
        whispers: reader.provable_whispers(since, 2 * MAX_WHISPERS)?,
    })
}

/// What was found that somebody should know.
fn tell(opened: &Opened, language: Language) {
    info!("the journal has events up to number {}", opened.last_seq);
    if let Some(repaired) = &opened.repaired {
        let damaged = repaired.damaged.display().to_string();
        warn!("{}", one_line(text::journal_repaired(language, repaired.kept, repaired.lost, damaged)));
    }
    if opened.skipped.is_some() {
        warn!("{}", text::journal_skipped(language));
    }
}

/// What happened last, behind the last gap: whoever has missed something there must be told so. (Where numbers were skipped at a
/// start, nothing happened that is kept.) Events of which the text was erased say nothing any more.
fn last_events(reader: &Reader, last_seq: u64) -> Result<History, JournalError> {
    let (mut newest_first, mut before) = (Vec::new(), None);
    let mut history = History::default();
    while newest_first.len() < REMEMBERED {
        let page = reader.page_before(before, Limit::PAGE, None)?;
        before = page.items.iter().find(|item| !matches!(item, Item::Gap(_))).map(Item::place);
        for item in page.items.into_iter().rev() {
            match item {
                Item::Event(kept) if !kept.is_erased => newest_first.push(kept.event),
                Item::Gap(gap) if gap.cause == Cause::Restart => history.undo(gap.first..=gap.last),
                Item::Gap(_) => before = None,
                Item::Event(_) | Item::Whisper(_) => {}
            }
            if before.is_none() {
                break;
            }
        }
        if !page.has_more || before.is_none() {
            break;
        }
    }
    history.begin_after(newest_first.last().map_or(last_seq, |event| event.seq.saturating_sub(1)));
    for event in newest_first.into_iter().rev() {
        history.add(&Arc::new(event));
    }
    history.skip_to(last_seq);
    Ok(history)
}

/// Whatever a file is called.
fn one_line(sentence: String) -> String {
    CleanText::new(sentence).as_str().to_owned()
}
