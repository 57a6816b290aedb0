//! Rows that no tree leads to any more: each page of a damaged file is taken for a table of its own.
//!
//! A table is a tree, and its rows are on the pages that are its leaves. When a page in the middle is gone, so is the way to many
//! leaves. So a copy of the file is told that the table begins at this page, and then at the next one.

use rusqlite::{Connection, Row, params};

use super::error::JournalError;
use super::file::Files;
use super::{blocks, row, salvage};

/// Hands over every row of every page that looks like one of events or a whisper. Some may come more than once, in any order,
/// and some that were pruned long ago.
///
/// # Errors
/// Those of making the copy, not those of reading it.
pub(super) fn each(files: &Files, mut take: impl FnMut(Table, &Row<'_>)) -> Result<(), JournalError> {
    salvage::with_new_first_page(files)?;
    let Ok(copy) = salvage::open_damaged(&files.trial()) else { return Ok(()) };
    copy.pragma_update(None, "synchronous", "OFF")?;
    let pages: u64 = copy.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap_or(0);
    for page in 2..=pages {
        for table in [Table::Blocks, Table::Whispers] {
            // what cannot be read is no such page
            let _ = read(&copy, table, page, |row| take(table, row));
        }
    }
    Ok(())
}

/// Which table a page is taken for. A row means something only as one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Blocks,
    Whispers,
}

fn read(copy: &Connection, table: Table, page: u64, mut take: impl FnMut(&Row<'_>)) -> Result<(), rusqlite::Error> {
    let (name, columns) = match table {
        Table::Blocks => ("blocks", blocks::BLOCK),
        Table::Whispers => ("whispers", row::WHISPER),
    };
    copy.pragma_update(None, "writable_schema", true)?;
    copy.execute("UPDATE sqlite_schema SET rootpage = ?1 WHERE name = ?2", params![page, name])?;
    // the list of tables is read again
    copy.pragma_update(None, "writable_schema", "RESET")?;
    let mut statement = copy.prepare(&format!("SELECT {columns} FROM {name} NOT INDEXED"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row);
    }
    Ok(())
}
