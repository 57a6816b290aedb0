//! Files that are not what they were: repaired as far as can be and said so, or refused. Never silently empty.

use std::fs;

use papo::journal::{Cause, FILE, Item, JournalError, Limit, Opened, verify};
use tempfile::tempdir;

use super::*;

/// How many events are in the journal that is damaged.
const EVENTS: u64 = 400;

/// The bytes of a sound journal with an orderly end.
fn sound() -> Vec<u8> {
    let directory = tempdir().unwrap();
    kept(
        directory.path(),
        (1..=EVENTS).flat_map(|seq| [said(seq, "Ana", &format!("palavra {seq}")), whisper(seq, "Ana", "Beto", "psst")]),
    );
    fs::read(directory.path().join(FILE)).unwrap()
}

/// Opens a journal of these bytes, and closes it: what was found, and what can be read.
fn opened(bytes: &[u8]) -> Result<(Opened, Vec<Item>), JournalError> {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    fs::write(&path, bytes).unwrap();
    // a time that is damaged may look as if it were long ago
    let open = match try_open(directory.path(), Options { max_age: Duration::ZERO, ..Options::default() }) {
        Ok(open) => open,
        Err(error) => {
            assert!(fs::read(&path).unwrap() == bytes, "a file that is refused is left as it is: {error}");
            return Err(error);
        }
    };
    if let Some(repaired) = &open.opened.repaired {
        assert!(fs::read(&repaired.damaged).unwrap() == bytes, "the damaged file is kept");
        let name = repaired.damaged.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("journal-damaged-20"), "{name}");
    }
    let reader = open.journal.reader().unwrap();
    let items = everything(&reader, Some(&name("Beto")), Limit::PAGE);
    drop(reader);
    let next = open.opened.last_seq + 1;
    open.write([said(next, "Ana", "continua")]);
    let found = open.opened.clone();
    open.close();
    Ok((found, items))
}

/// Every number is an event or in a gap, in order.
fn covers_everything(items: &[Item]) {
    let mut next = 1;
    for item in items {
        match item {
            Item::Event(kept) => {
                assert_eq!(kept.event.seq, next);
                next += 1;
            }
            Item::Gap(gap) => {
                assert_eq!(gap.first, next);
                next = gap.last + 1;
            }
            Item::Whisper(_) => {}
        }
    }
    assert!(next > 1);
}

#[test]
fn a_page_that_is_gone_costs_what_was_on_it() {
    let bytes = sound();
    let pages = bytes.len() / 4096;
    let mut repaired = 0;
    for page in 1..pages {
        let mut damaged = bytes.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        match opened(&damaged) {
            Ok((found, items)) => {
                covers_everything(&items);
                let count = seqs(&items).len() as u64;
                let Some(told) = found.repaired.clone() else {
                    // a page of what can be made again, or where the pages of the file are listed
                    assert_eq!(count, EVENTS, "page {page}");
                    continue;
                };
                repaired += 1;
                let whispers = items.iter().filter(|item| matches!(item, Item::Whisper(_))).count() as u64;
                assert_eq!(told.kept, count + whispers, "page {page}");
                let missing = items.iter().filter_map(|item| match item {
                    Item::Gap(gap) if gap.cause == Cause::Damaged => Some(gap.last - gap.first + 1),
                    _ => None,
                });
                assert_eq!(told.lost, missing.sum::<u64>(), "page {page}");
                assert!(count > 0 && found.last_seq > EVENTS, "page {page}");
            }
            Err(error) => assert!(matches!(error, JournalError::Unreadable { .. }), "page {page}: {error}"),
        }
    }
    assert!(repaired > 5, "{repaired} of {pages}");
}

#[test]
fn a_bit_that_flips_is_survived_anywhere() {
    let bytes = sound();
    let header = 0..100;
    // the list of tables, here and there
    let list = (100..4096).step_by(97);
    let elsewhere = (0..200_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % bytes.len() as u64) as usize);
    let mut refused = Vec::new();
    for (place, n) in header.chain(list).chain(elsewhere).zip(0..) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (n % 8);
        match opened(&damaged) {
            Ok((found, items)) => {
                covers_everything(&items);
                let count = seqs(&items).len() as u64;
                let is_told = found.repaired.is_some()
                    || items.iter().any(|item| matches!(item, Item::Gap(gap) if gap.cause == Cause::Damaged));
                assert!(count == EVENTS || is_told, "byte {place}: {count}");
            }
            Err(error) => refused.push((place, error.to_string())),
        }
    }
    // the version of the tables, in the header
    assert!(refused.iter().all(|(place, _)| (60..64).contains(place)), "{refused:?}");
}

#[test]
fn a_first_page_that_is_gone_costs_nothing() {
    let mut damaged = sound();
    damaged[..24].fill(0);
    let mut first_page = sound();
    first_page[..4096].fill(0xff);
    for damaged in [damaged, first_page] {
        let (found, items) = opened(&damaged).unwrap();
        assert_eq!(seqs(&items).len() as u64, EVENTS);
        let told = found.repaired.unwrap();
        assert_eq!((told.kept, told.lost), (2 * EVENTS, 0));
    }
}

#[test]
fn a_file_that_was_cut_gives_what_is_left() {
    let bytes = sound();
    for length in [bytes.len() - 1, bytes.len() - 4096, bytes.len() / 2, bytes.len() / 2 + 100] {
        let (found, items) = opened(&bytes[..length]).unwrap();
        covers_everything(&items);
        // its last byte may be one of many that mean nothing
        assert!(found.repaired.is_some() || length == bytes.len() - 1, "{length}");
    }
}

#[test]
fn what_holds_nothing_is_refused() {
    let not_a_database = b"Dear diary, today I was truncated.\n".repeat(1000);
    for bytes in [&b""[..], b"SQLite format 3\0", &not_a_database, &[0; 8192]] {
        let refused = opened(bytes).unwrap_err();
        assert!(matches!(refused, JournalError::Unreadable { .. }), "{refused:?}");
    }
}

#[test]
fn files_of_others_and_of_later_versions_are_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    kept(directory.path(), [said(1, "Ana", "um")]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 7).unwrap();
    drop(connection);
    let refused = opened(&fs::read(&path).unwrap()).unwrap_err();
    assert!(matches!(refused, JournalError::Newer { found: 7, known: 2, .. }), "{refused:?}");
    fs::remove_file(&path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')").unwrap();
    drop(connection);
    let refused = opened(&fs::read(&path).unwrap()).unwrap_err();
    assert!(matches!(refused, JournalError::Foreign { .. }), "{refused:?}");
}

#[test]
fn a_journal_of_an_earlier_version_is_read_and_gets_the_tables_of_this_one() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    kept(
        directory.path(),
        [said(1, "Ana", "um"), with_id(whisper(1, "Ana", "Beto", "psiu"), "w1"), said(2, "Ana", "dois")],
    );
    let connection = rusqlite::Connection::open(&path).unwrap();
    // as version 1 had it
    connection
        .execute_batch(
            "ALTER TABLE whispers DROP COLUMN to_number; ALTER TABLE whispers DROP COLUMN to_proof; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    let open = open(directory.path());
    assert_eq!(open.opened.repaired, None);
    let beto = name("Beto");
    let page = open.journal.reader().unwrap().page_before(None, Limit::PAGE, Some(&beto)).unwrap();
    let shown: Vec<_> = page.items.iter().map(shown).collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    assert!(shown[1].contains("psiu"), "{shown:?}");
    open.close();
    let version: i64 =
        rusqlite::Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
}

#[test]
fn half_of_a_journal_is_put_aside_and_that_is_said() {
    let directory = tempdir().unwrap();
    fs::write(directory.path().join(format!("{FILE}-wal")), b"what was written last").unwrap();
    let open = open(directory.path());
    let told = open.opened.repaired.clone().unwrap();
    assert_eq!((told.kept, told.lost), (0, 0));
    let mut log = told.damaged.into_os_string();
    log.push("-wal");
    assert_eq!(fs::read(log).unwrap(), b"what was written last");
}

#[test]
fn a_repair_that_was_interrupted_is_finished() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    kept(directory.path(), [said(1, "Ana", "um")]);
    fs::rename(&path, directory.path().join("journal.db.repaired")).unwrap();
    for is_moved_away in [true, false] {
        if !is_moved_away {
            fs::copy(&path, directory.path().join("journal.db.repaired")).unwrap();
            fs::write(&path, b"damaged").unwrap();
        }
        let open = open(directory.path());
        assert_eq!(open.opened.repaired.as_ref().unwrap().kept, 1);
        assert_eq!(seqs(&everything(&open.journal.reader().unwrap(), None, Limit::PAGE)), [1]);
        open.close();
    }
    let aside = fs::read_dir(directory.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    assert_eq!(aside.filter(|bytes| bytes == b"damaged").count(), 1);
}

#[test]
fn an_index_that_is_damaged_is_made_again() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    kept(directory.path(), (1..=5).map(|seq| said(seq, "Ana", "palavra")));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE words_data SET block = x'00ff00ff'; UPDATE meta SET value = 5 WHERE key = 'digested'")
        .unwrap();
    drop(connection);
    let open = open(directory.path());
    open.write([said(6, "Ana", "palavra nova")]);
    let reader = open.journal.reader().unwrap();
    let begun = std::time::Instant::now();
    while reader.search("palavra", 10, None).map_or(0, |found| found.len()) < 6 {
        assert!(begun.elapsed() < DEADLINE);
        std::thread::yield_now();
    }
}

#[test]
fn a_directory_that_takes_no_file_is_refused() {
    let directory = tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = try_open(&file, Options::default()).err().unwrap();
    assert!(matches!(refused, JournalError::File { .. }), "{refused:?}");
    assert!(verify(&file).is_err());
}
