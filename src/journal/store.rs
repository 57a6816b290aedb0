//! The connection that writes, and what one transaction of it does. One thread has it; it knows nothing of the others.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, params};

use super::block::Incoming;
use super::blocks::Appender;
use super::file::beside;
use super::queue::Waiting;
use super::record::{Cause, Record};
use super::retain::{self, Retention};
use super::{row, schema};
use crate::config::Sync;

/// The journal, to write to.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    path: PathBuf,
    /// What SQLite writes first; opened when the disk must have it.
    log: Option<File>,
    /// The number of the last event that was written, or is missing.
    last_seq: u64,
    /// Where the next event goes.
    appender: Appender,
    /// What SQLite counts up whenever another connection has changed something.
    data_version: i64,
}

impl Store {
    /// Takes over a connection.
    pub(super) fn new(connection: Connection, path: &Path, sync: Sync) -> Result<Store, rusqlite::Error> {
        connection.set_prepared_statement_cache_capacity(64);
        if sync == Sync::Always {
            connection.pragma_update(None, "synchronous", "FULL")?;
        }
        let last_seq = schema::last_seq(&connection)?;
        // before the block is read: what is erased in it meanwhile is noticed
        let data_version = data_version(&connection)?;
        let appender = Appender::load(&connection)?;
        Ok(Store { connection, path: path.to_owned(), log: None, last_seq, appender, data_version })
    }

    /// Opens the file again.
    pub(super) fn reopen(path: &Path, sync: Sync) -> Result<Store, rusqlite::Error> {
        Store::new(schema::connect_to_write(path)?, path, sync)
    }

    /// The number of the last event that was written, or is missing.
    pub(super) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Writes these records in one transaction. Numbers that are missing before an event become a gap; what is there already,
    /// because an earlier try succeeded and nobody was told, stays as it is. After an error, the file must be opened again.
    pub(super) fn write(&mut self, records: &[Waiting]) -> Result<(), rusqlite::Error> {
        let Store { connection, last_seq, appender, data_version: known, .. } = self;
        transaction(connection, |connection| {
            let found = data_version(connection)?;
            if std::mem::replace(known, found) != found {
                // somebody may have erased something in the last block
                *appender = Appender::load(connection)?;
            }
            for Waiting { record, whisper: number, .. } in records {
                match record {
                    Record::Event { event, .. } if event.seq <= *last_seq => {}
                    Record::Event { event, id } => {
                        add_gap(connection, *last_seq + 1, event.seq - 1)?;
                        appender.push(connection, Incoming { event, id: id.as_ref(), is_erased: false })?;
                        *last_seq = event.seq;
                    }
                    Record::Whisper { whisper, id } => {
                        row::write_whisper(connection, *number, whisper, id.as_ref())?;
                    }
                }
            }
            appender.flush(connection)
        })
    }

    /// Waits until the disk has everything that was written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.log.is_none() {
            self.log = Some(OpenOptions::new().read(true).write(true).open(beside(&self.path, "-wal"))?);
        }
        self.log.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Finds out whether something can be written.
    pub(super) fn probe(&self) -> Result<(), rusqlite::Error> {
        transaction(&self.connection, |connection| schema::set(connection, schema::LAST_SEQ, self.last_seq))
    }

    /// Prunes a little of what is too old or too much. Whether there is more to do.
    pub(super) fn prune(&mut self, retention: Retention, now: SystemTime) -> Result<bool, rusqlite::Error> {
        let has_more = retain::step(&self.connection, retention, now)?;
        // the last block may be shorter now
        self.appender = Appender::load(&self.connection)?;
        Ok(has_more)
    }

    /// Notes that the end was orderly, and that `last_seq` was the number of the last event that anybody was told. The numbers
    /// up to it that were never written are a gap.
    pub(super) fn close(self, last_seq: u64) -> Result<(), rusqlite::Error> {
        transaction(&self.connection, |connection| {
            add_gap(connection, self.last_seq + 1, last_seq)?;
            schema::set(connection, schema::CLOSED, true)
        })?;
        self.connection.close().map_err(|(_, error)| error)
    }
}

fn data_version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

fn add_gap(connection: &Connection, first: u64, last: u64) -> Result<(), rusqlite::Error> {
    if first > last {
        return Ok(());
    }
    let mut statement = connection.prepare_cached("INSERT INTO gaps (first, last, cause) VALUES (?1, ?2, ?3)")?;
    statement.execute(params![first, last, Cause::Lost.word()]).map(drop)
}

/// Does this as a whole or not at all.
pub(super) fn transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
) -> Result<T, rusqlite::Error> {
    let execute = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    execute("BEGIN IMMEDIATE")?;
    let result = work(connection).and_then(|value| execute("COMMIT").map(|_| value));
    // some errors have rolled it back themselves
    if result.is_err() && !connection.is_autocommit() {
        let _ = execute("ROLLBACK");
    }
    result
}
