//! Reading what was written: pages of it, for people who come in or come back.
//!
//! A reader has a connection of its own and never waits for the writer. Every question is answered from one state of the
//! journal, and its answer is bounded, however much there is.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, Params, params};

use super::block::millis;
use super::epoch::Epoch;
use super::error::JournalError;
use super::file::Files;
use super::open::{epoch_of, within};
use super::record::{Cause, Gap, Item, KeptEvent, KeptWhisper, MessageId, Place};
use super::{blocks, row, schema, search};
use crate::chat::name::Name;

/// The most events and whispers in a page.
pub const MAX_PAGE_ITEMS: usize = 1000;

/// The most bytes in a page, but for the last item of it.
pub const MAX_PAGE_BYTES: usize = 256 * 1024; // 256 KiB

/// How long it may be looked for somebody.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// So many whispers are looked at, at a start, for those who may come back.
const LOOKED_AT: u64 = 131_072;

/// How long a page may be. There is always at least one item in it, if there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Events and whispers; at most [`MAX_PAGE_ITEMS`] count.
    pub items: usize,
    /// Bytes, each item counted as 128 and those of its text; at most [`MAX_PAGE_BYTES`] count.
    pub bytes: usize,
}

impl Limit {
    /// As much as fits into a page.
    pub const PAGE: Limit = Limit { items: MAX_PAGE_ITEMS, bytes: MAX_PAGE_BYTES };

    /// So many items, if they fit into a page.
    pub const fn items(items: usize) -> Limit {
        Limit { items, ..Limit::PAGE }
    }

    fn items_within(self) -> usize {
        self.items.clamp(1, MAX_PAGE_ITEMS)
    }

    fn bytes_within(self) -> usize {
        self.bytes.min(MAX_PAGE_BYTES)
    }
}

/// A part of the journal, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// What is in it. Gaps are not counted by the [`Limit`].
    pub items: Vec<Item>,
    /// Whether there is more, in the direction of reading.
    pub has_more: bool,
}

/// The id of a message that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownId {
    /// Who sent it.
    pub author: Name,
    /// Its id.
    pub id: MessageId,
    /// The number of its event; `None` for a whisper.
    pub seq: Option<u64>,
    /// When the room took it.
    pub at: SystemTime,
}

/// A connection that reads the journal. It takes about a millisecond to open, and belongs to one thread at a time.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
}

impl Reader {
    /// Opens the journal in this directory to read. Another process may be writing it.
    ///
    /// # Errors
    /// [`JournalError::Missing`] if there is none, [`JournalError::Foreign`], [`JournalError::Newer`] and [`JournalError::Older`]
    /// if it is none or of another version, [`JournalError::Database`] if it cannot be read.
    pub fn open(directory: &Path) -> Result<Reader, JournalError> {
        let path = Files::new(directory).journal();
        if !path.exists() {
            return Err(JournalError::Missing { directory: directory.to_owned() });
        }
        let connection = schema::connect_to_read(&path)?;
        schema::check_current(&connection, &path)?;
        Ok(Reader { connection })
    }

    /// The journal's epoch.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn epoch(&self) -> Result<Option<Epoch>, JournalError> {
        Ok(epoch_of(&self.connection)?)
    }

    /// The number of the last event that is written or missing; 0 before the first one.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn last_seq(&self) -> Result<u64, JournalError> {
        Ok(schema::last_seq(&self.connection)?)
    }

    /// The last items before a place, or the newest ones. `viewer` also reads the whispers to and from that name.
    ///
    /// Where the page begins is where the next older one ends: `before` the [place](Item::place) of its first item that is
    /// no gap.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn page_before(
        &self,
        before: Option<Place>,
        limit: Limit,
        viewer: Option<&Name>,
    ) -> Result<Page, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        let last_seq = schema::last_seq(&transaction)?;
        let newest = Place { seq: last_seq, whisper: u64::MAX >> 1 };
        let before = before.map_or(newest, |before| before.min(newest));
        // the last event that may be in it
        let top = if before.whisper > 0 { before.seq } else { before.seq.saturating_sub(1) };
        let mut found: Vec<_> =
            blocks::newest(&transaction, top, at_most(limit))?.into_iter().map(Item::Event).collect();
        let newest_event = found.first().map_or(0, |item| item.place().seq);
        if let Some(viewer) = viewer {
            found.extend(whispers(&transaction, viewer, before, limit, Direction::Back)?);
        }
        found.sort_by_key(|item| std::cmp::Reverse(item.place()));
        let mut page = cut(found, limit);
        page.items.reverse();
        let from = match page.items.iter().find(|item| matches!(item, Item::Event(_))) {
            // older pages tell what is missing before it
            Some(first) if page.has_more => first.place().seq,
            None if page.has_more => newest_event + 1,
            _ => 1,
        };
        page.items = with_gaps(&transaction, page.items, from, top)?;
        Ok(page)
    }

    /// The first items behind a place: exactly what followed, with a [`Gap`] where something is missing. `viewer` also
    /// reads the whispers to and from that name: behind [`Place::behind`] an event all those that followed it, so whoever
    /// knows the number of the event alone may have read some of them.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn after(&self, after: Place, limit: Limit, viewer: Option<&Name>) -> Result<Page, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut found: Vec<_> =
            blocks::following(&transaction, after.seq, at_most(limit))?.into_iter().map(Item::Event).collect();
        if let Some(viewer) = viewer {
            found.extend(whispers(&transaction, viewer, after, limit, Direction::Forth)?);
        }
        found.sort_by_key(Item::place);
        let mut page = cut(found, limit);
        let to = match page.items.iter().rev().find(|item| matches!(item, Item::Event(_))) {
            Some(last) if page.has_more => last.place().seq,
            None if page.has_more => after.seq,
            _ => schema::last_seq(&transaction)?,
        };
        page.items = with_gaps(&transaction, page.items, after.seq + 1, to)?;
        Ok(page)
    }

    /// The last whispers to and from this name before a place, or the newest ones.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn whispers_of(&self, viewer: &Name, before: Option<Place>, limit: Limit) -> Result<Page, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        let before = before.unwrap_or(Place { seq: u64::MAX >> 1, whisper: 0 });
        let mut page = cut(whispers(&transaction, viewer, before, limit, Direction::Back)?, limit);
        page.items.reverse();
        Ok(page)
    }

    /// What was said and done with all of these words, the newest first: events, and the whispers to and from `viewer`. Case,
    /// accents and signs do not matter, and a word is a whole word. At most [`MAX_WORDS`](super::MAX_WORDS) words and
    /// [`MAX_PAGE_ITEMS`] answers count; without a word nothing is found.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read, or takes more than a second.
    pub fn search(&self, typed: &str, count: usize, viewer: Option<&Name>) -> Result<Vec<Item>, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        Ok(search::search(&transaction, typed, count.min(MAX_PAGE_ITEMS), viewer)?)
    }

    /// The last event in which this person took part, by this name. `None` if there is none, or it is not kept any more.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read, or takes more than a second.
    pub fn last_seen(&self, name: &Name) -> Result<Option<KeptEvent>, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        Ok(within(&transaction, SEEN_WITHIN, || search::last_seen(&transaction, name))?)
    }

    /// The newest whispers since then to readers that can prove who they are, the newest first: for those who come back after a
    /// restart. If there are more than `count`, the readers take turns, and for each of them those who whispered, so that nobody
    /// takes the place of what others have missed. Of all whispers, the newest 131,072 are looked at.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn provable_whispers(&self, since: SystemTime, count: usize) -> Result<Vec<KeptWhisper>, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        let sql = format!(
            "SELECT {} FROM whispers WHERE number IN (
                SELECT number FROM (
                    SELECT number, row_number() OVER (PARTITION BY to_proof ORDER BY turn, number DESC) AS turn FROM (
                        SELECT number, to_proof,
                            row_number() OVER (PARTITION BY to_proof, from_fold ORDER BY number DESC) AS turn
                        FROM whispers WHERE to_proof IS NOT NULL AND at >= ?1
                            AND number > (SELECT max(number) FROM whispers) - {LOOKED_AT}))
                ORDER BY turn, number DESC LIMIT ?2)
             ORDER BY number DESC",
            row::WHISPER
        );
        Ok(read(&transaction, &sql, params![millis(since), at_most_rows(count)], row::read_whisper)?)
    }

    /// The ids of the newest messages since then, the newest first: with them a message that is sent again after a restart is
    /// known.
    ///
    /// # Errors
    /// [`JournalError::Database`] if it cannot be read.
    pub fn known_ids(&self, since: SystemTime, count: usize) -> Result<Vec<KnownId>, JournalError> {
        let transaction = self.connection.unchecked_transaction()?;
        let since = millis(since);
        let mut known = Vec::new();
        blocks::each_back(&transaction, u64::MAX >> 1, |row| {
            match blocks::summary(row) {
                // what is before it is older still, unless the clock was wrong
                Some((newest, _)) if newest < since => return ControlFlow::Break(()),
                Some((_, false)) => return ControlFlow::Continue(()),
                _ => {}
            }
            for kept in blocks::read(row).unwrap_or_default().into_iter().rev() {
                if let (Some(id), [Some(author), _]) = (kept.id, kept.event.kind.names())
                    && millis(kept.event.at) >= since
                {
                    known.push(KnownId { author: author.clone(), id, seq: Some(kept.event.seq), at: kept.event.at });
                }
            }
            if known.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let whispers = format!(
            "SELECT {} FROM whispers WHERE id IS NOT NULL AND at >= ?1 ORDER BY at DESC LIMIT ?2",
            row::WHISPER
        );
        for kept in read(&transaction, &whispers, params![since, at_most_rows(count)], row::read_whisper)? {
            if let Some(id) = kept.id {
                known.push(KnownId { author: kept.whisper.from, id, seq: None, at: kept.whisper.at });
            }
        }
        known.sort_by_key(|known| std::cmp::Reverse((known.at, known.seq)));
        known.truncate(count);
        Ok(known)
    }
}

/// One more than fits tells that there is more.
fn at_most(limit: Limit) -> usize {
    limit.items_within() + 1
}

fn at_most_rows(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Every row that can be read.
pub(super) fn read<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&rusqlite::Row<'_>) -> Option<T>,
) -> Result<Vec<T>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(read(row));
    }
    Ok(found)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Back,
    Forth,
}

/// The next whispers to and from somebody, in the order of reading.
pub(super) fn whispers(
    connection: &Connection,
    viewer: &Name,
    place: Place,
    limit: Limit,
    direction: Direction,
) -> Result<Vec<Item>, rusqlite::Error> {
    let mut found = Vec::new();
    for column in ["from_fold", "to_fold"] {
        let (is_next, order) = if direction == Direction::Back { ("<", "DESC") } else { (">", "ASC") };
        let sql = format!(
            "SELECT {} FROM whispers WHERE {column} = ?1 AND (after, number) {is_next} (?2, ?3)
             ORDER BY after {order}, number {order} LIMIT ?4",
            row::WHISPER
        );
        let params = params![viewer.fold(), place.seq, place.whisper, at_most_rows(at_most(limit))];
        found.extend(read(connection, &sql, params, row::read_whisper)?);
    }
    // whoever wrote the file: nobody else's is shown
    found.retain(|kept| kept.whisper.from == *viewer || kept.whisper.to == *viewer);
    found.sort_by_key(|kept| (kept.whisper.after, kept.number));
    // what somebody whispers to themselves was found twice
    found.dedup_by_key(|kept: &mut KeptWhisper| kept.number);
    if direction == Direction::Back {
        found.reverse();
    }
    Ok(found.into_iter().map(Item::Whisper).collect())
}

/// The first of these that fit.
fn cut(found: Vec<Item>, limit: Limit) -> Page {
    let (mut items, mut bytes) = (Vec::new(), 0);
    for item in found {
        bytes += item.size();
        let is_full = items.len() == limit.items_within() || bytes > limit.bytes_within() && !items.is_empty();
        if is_full {
            return Page { items, has_more: true };
        }
        items.push(item);
    }
    Page { items, has_more: false }
}

/// The same items, with a gap wherever numbers from `from` to `to` are missing between them.
fn with_gaps(connection: &Connection, items: Vec<Item>, from: u64, to: u64) -> Result<Vec<Item>, rusqlite::Error> {
    let mut all = Vec::with_capacity(items.len());
    let mut next = from;
    for item in items {
        if let Item::Event(KeptEvent { event, .. }) = &item {
            if event.seq > next {
                all.push(gap(connection, next, event.seq - 1)?);
            }
            next = event.seq + 1;
        }
        all.push(item);
    }
    if next <= to {
        all.push(gap(connection, next, to)?);
    }
    Ok(all)
}

fn gap(connection: &Connection, first: u64, last: u64) -> Result<Item, rusqlite::Error> {
    let mut statement = connection
        .prepare_cached("SELECT cause FROM gaps WHERE first <= ?2 AND last >= ?1 ORDER BY first DESC LIMIT 1")?;
    let known: Option<String> = statement.query_row(params![first, last], |row| row.get(0)).optional()?;
    let pruned: u64 = schema::get(connection, schema::PRUNED)?.unwrap_or(0);
    let cause = match known.and_then(|word| Cause::from_word(&word)) {
        _ if last <= pruned => Cause::Pruned,
        Some(cause) => cause,
        None if first <= pruned => Cause::Pruned,
        None => Cause::Damaged,
    };
    Ok(Item::Gap(Gap { first, last, cause }))
}
