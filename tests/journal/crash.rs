//! Ends that nobody asked for: the log cut anywhere, and `kill -9` again and again.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use papo::journal::{Cause, FILE, Gap, Item, Limit, Reader};
use tempfile::{TempDir, tempdir};

use super::*;

/// A directory that costs no disk, where there is one: some tests open a journal thousands of times.
fn quick_directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempdir()).unwrap()
}

/// How many numbers are skipped after an end that was not orderly.
const SKIPPED: u64 = 1 << 20;

#[test]
fn a_log_that_was_cut_anywhere_gives_a_prefix() {
    let whole = quick_directory();
    let open = open(whole.path());
    let log = |directory: &Path| directory.join(format!("{FILE}-wal"));
    let mut lengths = Vec::new();
    // what is written when it is opened is on the disk before anything else happens
    let begin = fs::metadata(log(whole.path())).unwrap().len() as usize;
    for seq in 1..=4 {
        open.write([said(seq, "Ana", &"x".repeat(300))]);
        lengths.push(fs::metadata(log(whole.path())).unwrap().len());
    }
    let [database, log_bytes] = [whole.path().join(FILE), log(whole.path())].map(|path| fs::read(path).unwrap());
    // nothing was moved into the file meanwhile
    assert!(lengths.is_sorted() && log_bytes.len() as u64 >= lengths[3]);
    let cut = quick_directory();
    // every byte of the last record, then every place where something may begin
    let last = (lengths[2] as usize..=lengths[3] as usize).rev();
    let earlier = (begin..lengths[2] as usize).filter(|length| length % 4120 < 40 || length % 509 == 0);
    let mut found = 4;
    for length in last.chain(earlier.rev()) {
        fs::write(cut.path().join(FILE), &database).unwrap();
        fs::write(log(cut.path()), &log_bytes[..length]).unwrap();
        let open = try_open(cut.path(), Options::default()).unwrap_or_else(|error| panic!("{length}: {error}"));
        assert_eq!((&open.opened.repaired, open.opened.skipped.is_some()), (&None, true), "{length}");
        let reader = open.journal.reader().unwrap();
        let items = everything(&reader, None, Limit::PAGE);
        let count = seqs(&items).len();
        assert!(seqs(&items).into_iter().eq(1..=count as u64) && count <= found, "{length}: {found}, {items:?}");
        // and behind them the numbers that are skipped
        let gap = Gap { first: count as u64 + 1, last: count as u64 + SKIPPED, cause: Cause::Restart };
        assert_eq!(items.last(), Some(&Item::Gap(gap)), "{length}");
        assert_eq!(open.opened.last_seq, gap.last);
        found = count;
        drop((reader, open));
        fs::remove_dir_all(cut.path()).unwrap();
        fs::create_dir(cut.path()).unwrap();
    }
    assert_eq!(found, 0);
}

#[test]
fn numbers_are_skipped_once_for_ends_in_a_row_and_never_after_an_orderly_one() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE);
    let forget_the_end = || {
        let connection = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(connection.execute("DELETE FROM meta WHERE key = 'closed'", []).unwrap(), 1);
    };
    kept(directory.path(), [said(1, "Ana", "um")]);
    for end in [1 + SKIPPED, 1 + 2 * SKIPPED] {
        forget_the_end();
        let open = open(directory.path());
        assert_eq!(open.opened.last_seq, end);
        assert_eq!(open.opened.skipped, Some(end - SKIPPED + 1..=end));
        open.close();
    }
    let open = open(directory.path());
    let next = open.opened.last_seq + 1;
    assert_eq!((next, &open.opened.skipped), (2 + 2 * SKIPPED, &None));
    open.write([said(next, "Ana", "dois")]);
    let reader = open.journal.reader().unwrap();
    let expected = ["1 Ana: um".to_owned(), format!("2..{} restart", next - 1), format!("{next} Ana: dois")];
    assert_eq!(all_shown(&everything(&reader, None, Limit::PAGE)), expected);
}

const CHILD: &str = "PAPO_TEST_JOURNAL";

/// Not a test of its own: the process that is killed. It appends for ever, and prints what is written.
#[test]
#[ignore = "run by another test"]
fn child() {
    let Some(directory) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let open = open(&directory);
    let mut seq = open.opened.last_seq;
    println!("\nfrom {seq}");
    for round in 1_u64.. {
        let count = 1 + round * 7 % 300;
        let records = (seq + 1..=seq + count).flat_map(|seq| {
            let whisper = seq.is_multiple_of(5).then(|| whisper(seq, "Ana", "Beto", &format!("w{seq}")));
            std::iter::once(said(seq, "Ana", &format!("e{seq}"))).chain(whisper)
        });
        open.journal.append(records);
        seq += count;
        // no further ahead than what may wait
        while let Ok(Report::Written { up_to_seq, .. }) = open.reports.recv_timeout(DEADLINE) {
            println!("written {up_to_seq}");
            std::io::stdout().flush().unwrap();
            if up_to_seq + 500 >= seq {
                break;
            }
        }
    }
}

fn start_child(directory: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "crash::child", "--ignored", "--nocapture"]).env(CHILD, directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn whatever_was_reported_as_written_survives_a_kill() {
    let directory = tempdir().unwrap();
    // what was reported in each life: the first number and the last one
    let mut lives = Vec::new();
    for life in 0..12 {
        let mut child = start_child(directory.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: String, word: &str| line.strip_prefix(word).and_then(|number| number.parse::<u64>().ok());
        let from = lines.find_map(|line| number(line.unwrap(), "from ")).unwrap();
        let mut written = from;
        // a little longer each time
        for line in lines.by_ref().take(1 + life * 9) {
            written = number(line.unwrap(), "written ").unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            // a line may be cut, too
            written = number(line.unwrap_or_default(), "written ").unwrap_or(0).max(written);
        }
        lives.push((from + 1, written));
    }
    let open = open(directory.path());
    let reader = open.journal.reader().unwrap();
    let items = everything(&reader, Some(&name("Beto")), Limit::PAGE);
    let mut next = 1;
    let (mut events, mut whispers) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for item in &items {
        match item {
            Item::Event(kept) => {
                assert_eq!(kept.event.seq, next);
                assert_eq!(shown(item), format!("{next} Ana: e{next}"));
                assert!(events.insert(next));
                next += 1;
            }
            Item::Whisper(kept) => {
                let Whisper { after, text, .. } = &kept.whisper;
                assert_eq!(text.as_str(), format!("w{after}"));
                assert!(whispers.insert(*after));
            }
            Item::Gap(gap) => {
                assert_eq!((gap.first, gap.cause), (next, Cause::Restart));
                next = gap.last + 1;
            }
        }
    }
    for (from, written) in lives {
        for seq in from..=written {
            assert!(events.contains(&seq), "{seq} of {from} to {written} is lost");
            // the last one's whisper may have been written apart
            assert!(!seq.is_multiple_of(5) || seq == written || whispers.contains(&seq), "the whisper behind {seq}");
        }
    }
    assert!(papo::journal::verify(directory.path()).unwrap().is_sound());
    drop(Reader::open(directory.path()).unwrap());
}
