//! How long and how much is kept, and what an operator takes out by hand.

use std::fs;

use papo::journal::{Cause, Erased, FILE, Gap, Item, Limit, Place, Reader, erase, prune, verify};
use tempfile::tempdir;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        // whoever looks all the time has the writer wait
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_too_old_is_pruned_and_the_numbers_go_on() {
    let directory = tempdir().unwrap();
    let old = now() - 31 * DAY;
    let records = (1..=3000).map(|seq| said_at(seq, old, "velha"));
    kept(directory.path(), records.chain([said(3001, "Ana", "nova")]));
    let open = open(directory.path());
    let reader = open.journal.reader().unwrap();
    wait_until("it is pruned", || reader.page_before(None, Limit::items(9), None).unwrap().items.len() == 2);
    let gap = Item::Gap(Gap { first: 1, last: 3000, cause: Cause::Pruned });
    let page = reader.after(Place::default(), Limit::PAGE, None).unwrap();
    assert_eq!((&page.items[0], seqs(&page.items)), (&gap, vec![3001]));
    let came_back = reader.after(Place::behind(2000), Limit::PAGE, None).unwrap();
    assert_eq!(came_back.items[0], Item::Gap(Gap { first: 2001, last: 3000, cause: Cause::Pruned }));
    drop(reader);
    open.close();
    assert!(verify(directory.path()).unwrap().is_sound());
}

#[test]
fn a_journal_in_which_all_is_old_keeps_its_numbers() {
    let directory = tempdir().unwrap();
    let old = now() - 31 * DAY;
    let records = [said_at(1, old, "velha"), said_at(2, old, "velha")];
    kept(directory.path(), records);
    let first = open(directory.path());
    let reader = first.journal.reader().unwrap();
    wait_until("it is pruned", || seqs(&reader.page_before(None, Limit::PAGE, None).unwrap().items).is_empty());
    drop(reader);
    first.close();
    let second = open(directory.path());
    assert_eq!((second.opened.last_seq, &second.opened.skipped), (2, &None));
    second.write([said(3, "Ana", "nova")]);
    let items = everything(&second.journal.reader().unwrap(), None, Limit::PAGE);
    assert_eq!(all_shown(&items), ["1..2 pruned", "3 Ana: nova"]);
}

#[test]
fn a_clock_that_was_wrong_has_nothing_pruned_too_early_or_kept_for_ever() {
    let (old, future) = (now() - 31 * DAY, now() + 3650 * DAY);
    for (times, left) in [
        (vec![old, at(0), now(), at(0), future, now()], vec![3, 4, 5, 6]),
        (vec![future, old, now()], vec![3]),
        (vec![future, now(), old], vec![1, 2, 3]),
        (vec![now(), future], vec![1, 2]),
    ] {
        let directory = tempdir().unwrap();
        kept(directory.path(), times.iter().zip(1..).map(|(at, seq)| said_at(seq, *at, "x")));
        prune(directory.path(), 30 * DAY, now()).unwrap();
        let reader = Reader::open(directory.path()).unwrap();
        assert_eq!(seqs(&everything(&reader, None, Limit::PAGE)), left);
    }
}

#[test]
fn the_file_stays_as_large_as_it_may_be() {
    let directory = tempdir().unwrap();
    let max_size = 8 * 1024 * 1024;
    let open = try_open(directory.path(), Options { max_size, ..Options::default() }).unwrap();
    let pages = || {
        let file = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
        file.pragma_query_value(None, "page_count", |row| row.get::<_, u64>(0)).unwrap()
    };
    let length = |name: &str| fs::metadata(directory.path().join(name)).map_or(0, |file| file.len());
    let mut largest = 0;
    for from in (1..=60_000_u64).step_by(2000) {
        let records = (from..from + 2000).flat_map(|seq| {
            let text = format!("{} {} água", "palavra".repeat(20), seq * 7919);
            [said(seq, "Ana", &text), whisper(seq, "Ana", "Beto", &text)]
        });
        open.write(records);
        largest = largest.max(length(FILE));
    }
    // some ten thousand records of two hundred bytes may come until it is looked again
    assert!(largest <= max_size * 5 / 4, "{largest}");
    wait_until("it shrinks", || length(FILE) <= max_size);
    let log = length(&format!("{FILE}-wal"));
    assert!(log <= 16 * 1024 * 1024, "{log}");
    let reader = open.journal.reader().unwrap();
    let kept = seqs(&everything(&reader, None, Limit::PAGE));
    assert!(kept.len() > 2000 && kept.last() == Some(&60_000), "{}", kept.len());
    assert_eq!(reader.search(&format!("ÁGUA {}", 59_950 * 7919), 9, None).unwrap().len(), 1);
    drop(reader);
    wait_until("what nobody reads any more is given back", || pages() * 4096 <= max_size && length(FILE) <= max_size);
    open.close();
    assert!(verify(directory.path()).unwrap().is_sound());
    assert!(length(FILE) <= max_size, "{}", length(FILE));
}

#[test]
fn a_block_whose_end_is_damaged_takes_no_others_along() {
    let directory = tempdir().unwrap();
    let long = "x".repeat(3000);
    kept(directory.path(), (1..=2000).map(|seq| said(seq, "Ana", &long)));
    let connection = rusqlite::Connection::open(directory.path().join(FILE)).unwrap();
    connection.execute("UPDATE blocks SET last = last | 1 << 40 WHERE first = 1", []).unwrap();
    drop(connection);
    let max_size = 8 * 1024 * 1024;
    let open = try_open(directory.path(), Options { max_size, ..Options::default() }).unwrap();
    let reader = open.journal.reader().unwrap();
    let left = || seqs(&everything(&reader, None, Limit::PAGE));
    wait_until("it is pruned", || left().first() != Some(&2));
    open.write([said(2001, "Ana", "nova")]);
    assert!(left().len() > 500, "{}", left().len());
    let gap = reader.after(Place::default(), Limit::items(1), None).unwrap().items.remove(0);
    assert!(matches!(gap, Item::Gap(Gap { first: 1, last: ..2000, cause: Cause::Pruned })), "{gap:?}");
}

/// Every byte of the journal, with what SQLite keeps beside it.
fn all_bytes(directory: &Path) -> Vec<u8> {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.flat_map(|path| fs::read(path).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_somebody_wants_to_be_gone_is_gone_from_the_file() {
    for is_running in [false, true] {
        let directory = tempdir().unwrap();
        let open = open(directory.path());
        open.write((1..=300).flat_map(|seq| {
            [
                said(seq, if seq % 2 == 0 { "João" } else { "Ana" }, &format!("segredo{} xyzzy", seq % 2)),
                whisper(seq, "João", "Ana", "plugh"),
                whisper(seq, "Ana", "João", "fica"),
            ]
        }));
        let open = if is_running {
            Some(open)
        } else {
            open.close();
            None
        };
        assert!(contains(&all_bytes(directory.path()), "segredo0") && contains(&all_bytes(directory.path()), "plugh"));
        let erased = erase(directory.path(), &name("JOÃO")).unwrap();
        assert_eq!(erased, Erased { events: 150, whispers: 300 });
        let reader = Reader::open(directory.path()).unwrap();
        let items = everything(&reader, Some(&name("joão")), Limit::PAGE);
        assert_eq!(seqs(&items), (1..=300).collect::<Vec<_>>());
        for item in &items {
            match item {
                Item::Event(kept) => assert_eq!(kept.is_erased, kept.event.seq % 2 == 0),
                Item::Whisper(kept) => assert_eq!(kept.whisper.text.as_str(), "fica"),
                Item::Gap(gap) => panic!("{gap:?}"),
            }
        }
        assert_eq!(reader.search("segredo0", 10, None).unwrap(), []);
        assert_eq!(reader.search("segredo1", 1000, None).unwrap().len(), 150);
        drop(reader);
        if let Some(open) = open {
            open.write([said(301, "Ana", "continua")]);
            open.close();
        }
        let bytes = all_bytes(directory.path());
        assert!(!contains(&bytes, "segredo0") && !contains(&bytes, "plugh"), "running: {is_running}");
        assert!(contains(&bytes, "segredo1") && contains(&bytes, "fica"));
        assert!(verify(directory.path()).unwrap().is_sound());
    }
}

#[test]
fn what_is_older_than_an_operator_wants_is_gone_and_the_file_is_smaller() {
    let directory = tempdir().unwrap();
    let text = "palavra ".repeat(30);
    let records = (1..=5000).map(|seq| said_at(seq, now() - if seq <= 4900 { 8 * DAY } else { 6 * DAY }, &text));
    kept(directory.path(), records);
    let before = fs::metadata(directory.path().join(FILE)).unwrap().len();
    assert_eq!(prune(directory.path(), 7 * DAY, now()).unwrap(), 4900);
    assert!(fs::metadata(directory.path().join(FILE)).unwrap().len() < before / 4);
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(all_shown(&everything(&reader, None, Limit::items(1))[..1]), ["1..4900 pruned"]);
    assert_eq!(prune(directory.path(), 7 * DAY, now()).unwrap(), 0);
}
