//! Files that are not what they were: repaired as far as can be and said so, or refused. Never silently empty.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use papo::journal::{Cause, FILE, Item, JournalError, Limit, Opened, Place, Reader, erase, prune, verify};
use tempfile::tempdir;
use xxhash_rust::xxh3::xxh3_64_with_seed;

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
    assert!(matches!(refused, JournalError::Newer { found: 7, known: 3, .. }), "{refused:?}");
    fs::remove_file(&path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')").unwrap();
    drop(connection);
    let refused = opened(&fs::read(&path).unwrap()).unwrap_err();
    assert!(matches!(refused, JournalError::Foreign { .. }), "{refused:?}");
}

/// What version 2 made of three events and a whisper.
const VERSION_2: &str = "
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE meta (             -- what is known about the journal as a whole
    key   TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;
CREATE TABLE events (           -- what everybody in the room learned
    seq      INTEGER PRIMARY KEY, -- the place in the order
    at       INTEGER NOT NULL,    -- milliseconds since 1970, UTC
    kind     TEXT NOT NULL,       -- joined, said, acted, renamed, left
    name     TEXT NOT NULL,       -- who
    new_name TEXT,                -- renamed: the name from then on
    text     TEXT,                -- said, acted: what; NULL if it was erased
    reason   TEXT,                -- left: why
    id       TEXT                 -- the id that the author's client gave the message
) STRICT;
CREATE INDEX events_id ON events (at) WHERE id IS NOT NULL;

CREATE TABLE whispers (         -- what two people know
    number    INTEGER PRIMARY KEY,
    after     INTEGER NOT NULL,   -- seq of the last event before it
    at        INTEGER NOT NULL,
    from_name TEXT NOT NULL,
    from_fold TEXT NOT NULL,      -- the form in which a name is unique
    to_name   TEXT NOT NULL,
    to_fold   TEXT NOT NULL,
    text      TEXT NOT NULL,
    id        TEXT,
    to_proof  TEXT,               -- the digest of the reader's resume token, if it has one
    to_number INTEGER             -- how many whispers this is to that reader
) STRICT;
CREATE INDEX whispers_from ON whispers (from_fold, after, number);
CREATE INDEX whispers_to ON whispers (to_fold, after, number);
CREATE INDEX whispers_id ON whispers (at) WHERE id IS NOT NULL;

CREATE TABLE gaps (             -- numbers without an event
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL,
    cause TEXT NOT NULL           -- lost, restart, damaged
) STRICT;

CREATE TABLE seen (             -- the last event of each person
    fold TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- the words of what was said, by seq: without the texts themselves and without the places of the words in them
CREATE VIRTUAL TABLE words USING fts5 (text, content='', contentless_delete=1, detail=none, tokenize='ascii');
INSERT INTO events VALUES
    (1, 1000, 'said', 'Ana', NULL, 'um', NULL, 'a1'),
    (2, 2000, 'said', 'Ana', NULL, NULL, NULL, NULL),
    (5, 3000, 'renamed', 'Ana', 'Bia', NULL, NULL, NULL),
    (6, 4000, 'left', 'Bia', NULL, NULL, 'asked', NULL);
INSERT INTO whispers VALUES (1, 2, 2500, 'Ana', 'ana', 'Beto', 'beto', 'psiu', 'w1', NULL, NULL);
INSERT INTO gaps VALUES (3, 4, 'lost');
INSERT INTO seen VALUES ('ana', 5);
INSERT INTO words (rowid, text) VALUES (1, 'um');
INSERT INTO meta VALUES ('digested', 2), ('closed', 1);
PRAGMA application_id = 0x7061706f;
PRAGMA user_version = 2;
";

/// What made version 1 of it.
const BACK_TO_1: &str = "ALTER TABLE whispers DROP COLUMN to_number; ALTER TABLE whispers DROP COLUMN to_proof;
    PRAGMA user_version = 1;";

#[test]
fn a_journal_of_an_earlier_version_is_read_and_becomes_one_of_this() {
    for (version, is_damaged) in [(1, false), (2, false), (2, true)] {
        let directory = tempdir().unwrap();
        let path = directory.path().join(FILE);
        let made = open(directory.path());
        let epoch = made.opened.epoch.to_string();
        made.close();
        fs::remove_file(&path).unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(VERSION_2).unwrap();
        connection.execute("INSERT INTO meta VALUES ('epoch', ?1)", [&epoch]).unwrap();
        if version == 1 {
            connection.execute_batch(BACK_TO_1).unwrap();
        }
        if is_damaged {
            connection.execute("UPDATE events SET kind = 'sung' WHERE seq = 5", []).unwrap();
        }
        drop(connection);
        for refused in [Reader::open(directory.path()).map(drop), verify(directory.path()).map(drop)] {
            assert!(matches!(refused, Err(JournalError::Older { known: 3, .. })), "{refused:?}");
        }
        let options = Options { max_age: Duration::ZERO, ..Options::default() };
        let open = try_open(directory.path(), options).unwrap();
        assert_eq!(open.opened.epoch.to_string(), epoch);
        let reader = open.journal.reader().unwrap();
        let items = all_shown(&everything(&reader, Some(&name("Beto")), Limit::PAGE));
        let told = open.opened.repaired.as_ref().map(|told| (told.kept, told.lost));
        assert_eq!(items[..3], ["1 Ana: um", "2 Ana: ", "Ana>Beto: psiu"]);
        if is_damaged {
            assert_eq!((items[3].as_str(), told), ("3..5 damaged", Some((4, 1))));
        } else {
            assert_eq!((items[3].as_str(), told), ("3..4 lost", None));
            assert!(items[4].starts_with("5 Renamed") && items[5].starts_with("6 Left"), "{items:?}");
            assert_eq!(open.opened.last_seq, 6);
        }
        assert_eq!(seqs(&reader.search("UM", 10, None).unwrap()), [1]);
        assert_eq!(reader.known_ids(at(0), 10).unwrap().len(), 2);
        assert!(matches!(&reader.after(Place::behind(1), Limit::items(1), None).unwrap().items[..],
            [Item::Event(kept)] if kept.is_erased));
        drop(reader);
        open.close();
        assert!(verify(directory.path()).unwrap().is_sound());
        // and nothing is left of it
        drop(try_open(directory.path(), options).unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
        assert_eq!((version, connection.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap()), (3, 5));
    }
}

/// It may take long, and nobody gets in meanwhile.
#[test]
fn a_server_says_that_it_brings_a_journal_of_an_earlier_version_up_to_date() {
    let directory = tempdir().unwrap();
    let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    connection.execute_batch(VERSION_2).unwrap();
    connection.execute("INSERT INTO meta VALUES ('epoch', ?1)", ["1f".repeat(16)]).unwrap();
    drop(connection);
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command.args(["--listen", "127.0.0.1:0", "--tls", "off", "--data"]).arg(directory.path());
    let mut server = command.env_remove("RUST_LOG").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let until_open: Vec<_> = lines.take_while(|line| !line.contains("the journal has events")).collect();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(until_open.iter().any(|line| line.contains("was written by an earlier version")), "{until_open:?}");
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
fn a_repair_that_was_interrupted_before_papo_was_renewed_is_finished() {
    let directory = tempdir().unwrap();
    let connection = rusqlite::Connection::open(directory.path().join("journal.db.repaired")).unwrap();
    connection.execute_batch(VERSION_2).unwrap();
    connection.execute("INSERT INTO meta VALUES ('epoch', ?1)", ["1f".repeat(16)]).unwrap();
    drop(connection);
    fs::write(directory.path().join(FILE), b"damaged").unwrap();
    let options = Options { max_age: Duration::ZERO, ..Options::default() };
    let open = try_open(directory.path(), options).unwrap();
    assert_eq!(open.opened.repaired.as_ref().map(|told| (told.kept, told.lost)), Some((5, 0)));
    assert_eq!(seqs(&everything(&open.journal.reader().unwrap(), None, Limit::PAGE)), [1, 2, 5, 6]);
}

#[test]
fn a_block_whose_marks_are_damaged_is_read_by_those_who_search() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    kept(directory.path(), [said(1, "Ana", "agulha")].into_iter().chain(filling(2)));
    let connection = rusqlite::Connection::open(&path).unwrap();
    for damage in ["x''", "x'0100'", "zeroblob(7)", "marks || x'00'"] {
        let marks: Vec<u8> =
            connection.query_row("SELECT marks FROM words WHERE first = 1", [], |row| row.get(0)).unwrap();
        connection.execute(&format!("UPDATE words SET marks = CAST({damage} AS BLOB) WHERE first = 1"), []).unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        assert_eq!(seqs(&reader.search("agulha", 10, None).unwrap()), [1], "{damage}");
        assert!(verify(directory.path()).unwrap().problems[0].contains("words"), "{damage}");
        connection.execute("UPDATE words SET marks = ?1 WHERE first = 1", [marks]).unwrap();
    }
    assert!(verify(directory.path()).unwrap().is_sound());
}

#[test]
fn a_last_block_that_is_damaged_has_no_number_given_twice() {
    for damage in ["last = 100", "last = last | 1 << 40", "last = -1", "events = x'01'"] {
        let directory = tempdir().unwrap();
        let path = directory.path().join(FILE);
        kept(directory.path(), (1..=EVENTS).map(|seq| said(seq, "Ana", &format!("palavra {seq}"))));
        let connection = rusqlite::Connection::open(&path).unwrap();
        let last = "SELECT first FROM blocks ORDER BY first DESC LIMIT 1";
        let first: u64 = connection.query_row(last, [], |row| row.get(0)).unwrap();
        connection.execute(&format!("UPDATE blocks SET {damage} WHERE first = ?1"), [first]).unwrap();
        drop(connection);
        let (found, items) = opened(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(seqs(&items), (1..first).collect::<Vec<_>>(), "{damage}");
        assert!(found.repaired.is_some() && (EVENTS..1 << 30).contains(&found.last_seq), "{damage}: {found:?}");
    }
}

#[test]
fn an_earlier_form_of_a_block_costs_nothing_of_the_later_one() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    let old = now() - Duration::from_secs(60 * 24 * 60 * 60);
    let records = (1..=30).map(|seq| said_at(seq, if seq < 20 { old } else { now() }, &format!("palavra {seq}")));
    kept(directory.path(), records.chain([said(40, "Ana", "fim")]));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE earlier AS SELECT * FROM blocks WHERE first = 1").unwrap();
    prune(directory.path(), Duration::from_secs(30 * 24 * 60 * 60), now()).unwrap();
    // as if a page that is free now were found again; and the table that is too much has it all repaired
    connection.execute_batch("INSERT INTO blocks SELECT * FROM earlier").unwrap();
    let blocks = "SELECT count(*) FROM blocks WHERE first IN (1, 20, 40)";
    assert_eq!(connection.query_row(blocks, [], |row| row.get::<_, i64>(0)), Ok(3));
    drop(connection);
    let open = open(directory.path());
    let told = open.opened.repaired.as_ref().map(|told| (told.kept, told.lost));
    let reader = open.journal.reader().unwrap();
    let found = seqs(&everything(&reader, None, Limit::PAGE));
    assert_eq!((found, told), ((20..=30).chain([40]).collect(), Some((12, 0))));
    assert_eq!(seqs(&reader.search("palavra", 50, None).unwrap()), (20..=30).rev().collect::<Vec<_>>());
    drop(reader);
    open.close();
    assert!(verify(directory.path()).unwrap().is_sound());
}

/// Hundreds of thousands of events, each of five bytes: as they are read they take thirty times as much.
#[test]
fn a_block_as_no_papo_makes_it_is_not_read() {
    let directory = tempdir().unwrap();
    kept(directory.path(), [said(1, "Ana", "um"), said(400_003, "Ana", "dois")]);
    // version, newest time, no ids, and the checksum; Ana came in, and again, and again
    let (mut block, mut events) = (vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0], b"\0\0\x03Ana\0\0".to_vec());
    events.extend([0, 1, 0, 0, 0].repeat(400_000));
    let checksum = xxh3_64_with_seed(&events, xxh3_64_with_seed(&block, 2));
    block.extend(checksum.to_le_bytes());
    block.extend(events);
    let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    connection.execute("DELETE FROM gaps", []).unwrap();
    connection.execute("INSERT INTO blocks VALUES (2, 400002, ?1)", [block]).unwrap();
    connection.execute("INSERT INTO words VALUES (2, zeroblob(2000000))", []).unwrap();
    drop(connection);
    let reader = Reader::open(directory.path()).unwrap();
    let items = everything(&reader, None, Limit::PAGE);
    assert_eq!(all_shown(&items), ["1 Ana: um", "2..400002 damaged", "400003 Ana: dois"]);
    assert_eq!(seqs(&reader.search("um", 10, None).unwrap()), [1]);
    assert_eq!(verify(directory.path()).unwrap().problems, ["events 2 to 400002 cannot be read"]);
}

#[test]
fn whatever_numbers_somebody_wrote_they_are_looked_at_and_read() {
    let most = i64::MAX;
    for (tampered, count) in [
        ("UPDATE blocks SET first = 0 WHERE first = 1".to_owned(), 0),
        ("UPDATE blocks SET first = -5 WHERE first = 1".to_owned(), 0),
        (format!("UPDATE blocks SET first = {most}, last = {most} WHERE first = 1"), 0),
        ("UPDATE blocks SET last = 0 WHERE first = 1".to_owned(), 0),
        (format!("UPDATE blocks SET last = {most} WHERE first = 1"), 0),
        ("INSERT INTO blocks SELECT 2, last, events FROM blocks WHERE first = 1".to_owned(), 9),
        (format!("INSERT INTO gaps VALUES (0, {most}, 'lost'), (1, {most}, 'lost'), (2, {most}, 'lost')"), 9),
        (format!("INSERT INTO gaps VALUES ({most}, 5, 'lost')"), 9),
        ("INSERT INTO gaps VALUES (-1, 1, 'sung')".to_owned(), 9),
    ] {
        let directory = tempdir().unwrap();
        let path = directory.path().join(FILE);
        kept(directory.path(), (1..=9).map(|seq| said(seq, "Ana", "palavra")));
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(&tampered).unwrap();
        drop(connection);
        let verdict = verify(directory.path()).unwrap();
        assert!(!verdict.is_sound() && verdict.events == count, "{tampered}: {verdict:?}");
        let reader = Reader::open(directory.path()).unwrap();
        let page = reader.after(Place::default(), Limit::PAGE, None).unwrap();
        assert_eq!(seqs(&page.items), (1..=count).collect::<Vec<_>>(), "{tampered}");
        // it is read, or refused
        let _ = (reader.page_before(None, Limit::PAGE, None), reader.last_seen(&name("Ana")));
        let _ = reader.search("palavra", 10, None);
        drop(reader);
        let _ = erase(directory.path(), &name("Ana"));
        let _ = prune(directory.path(), Duration::ZERO, now());
        // so is the file
        drop(try_open(directory.path(), Options::default()));
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
