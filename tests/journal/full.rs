//! A disk that is full, or takes nothing: the journal says so, goes on by itself, and tells what was lost.

use std::fs;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;

use papo::journal::{Cause, FILE, Failure, Gap, Item, Limit, Lost, MAX_WAITING};
use tempfile::tempdir;

use super::*;

impl Open {
    /// The next report that is about a failure.
    fn news(&self) -> Report {
        loop {
            match self.reports.recv_timeout(DEADLINE).expect("a report") {
                Report::Written { .. } => {}
                news => return news,
            }
        }
    }
}

/// Keeps everybody else from writing, as a disk that takes nothing does.
fn hold(directory: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(directory.join(FILE)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[test]
fn what_waits_is_written_when_the_disk_is_back_and_nothing_is_lost() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.write([said(1, "Ana", "um")]);
    let held = hold(directory.path());
    open.journal.append([said(2, "Ana", "dois")]);
    assert!(matches!(open.news(), Report::Failed { .. }));
    // chat goes on
    let last = open.journal.append([said(3, "Ana", "três"), whisper(3, "Ana", "Beto", "psst")]);
    drop(held);
    assert_eq!(open.news(), Report::Recovered { lost: Lost::default() });
    open.wait_for(last);
    let reader = open.journal.reader().unwrap();
    let all = all_shown(&everything(&reader, Some(&name("Beto")), Limit::PAGE));
    assert_eq!(all, ["1 Ana: um", "2 Ana: dois", "3 Ana: três", "Ana>Beto: psst"]);
}

#[test]
fn more_than_may_wait_is_lost_and_becomes_a_gap() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.write([said(1, "Ana", "um")]);
    let held = hold(directory.path());
    let count = MAX_WAITING as u64 + 1000;
    let before = open.journal.append((2..=count).map(|seq| said(seq, "Ana", "x")));
    assert!(matches!(open.news(), Report::Failed { .. }));
    let last = open.journal.append((count + 1..=count + 500).map(|seq| said(seq, "Ana", "y")));
    drop(held);
    // what the writer had in its hands may have been written before it was too much
    let (mut lost, mut tickets) = (Vec::new(), 0);
    loop {
        match open.reports.recv_timeout(DEADLINE).unwrap() {
            Report::Recovered { lost: range } => {
                tickets += range.tickets.map_or(0, |tickets| tickets.end().0 - tickets.start().0 + 1);
                lost.extend(range.events);
            }
            Report::Written { up_to, .. } if up_to == last => break,
            Report::Written { .. } | Report::Failed { .. } => {}
        }
    }
    assert!(before < last && !lost.is_empty());
    let reader = open.journal.reader().unwrap();
    let items = everything(&reader, None, Limit::PAGE);
    let gaps: Vec<_> =
        items.iter().filter_map(|item| if let Item::Gap(gap) = item { Some(*gap) } else { None }).collect();
    let expected = lost.iter().map(|range| Gap { first: *range.start(), last: *range.end(), cause: Cause::Lost });
    assert_eq!(gaps, expected.collect::<Vec<_>>());
    let missing: u64 = gaps.iter().map(|gap| gap.last - gap.first + 1).sum();
    assert_eq!((missing, seqs(&items).len() as u64 + missing), (tickets, count + 500));
    assert!(seqs(&items).ends_with(&(count..=count + 500).collect::<Vec<_>>()), "the newest are kept");
}

#[test]
fn numbers_that_were_lost_at_the_end_are_not_given_twice() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    first.write([said(1, "Ana", "um")]);
    let held = hold(directory.path());
    first.journal.append([said(2, "Ana", "dois")]);
    assert!(matches!(first.news(), Report::Failed { .. }));
    assert!(!first.journal.close(DEADLINE), "it cannot have been written");
    drop(held);
    let second = open(directory.path());
    assert!(second.opened.last_seq > 2 && second.opened.skipped.is_some());
}

/// A small file system of its own, if this process may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(size: &str) -> Option<SmallDisk> {
        let directory = tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", size, "papo-test"]).arg(directory.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(SmallDisk(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_once_and_survived() {
    let Some(disk) = SmallDisk::new("size=2m") else {
        eprintln!("left out: this process may not mount a small file system");
        return;
    };
    let directory = disk.0.path();
    let open = open(directory);
    open.write([said(1, "Ana", "um")]);
    let ballast = directory.join("ballast");
    let fill = || {
        let file = fs::OpenOptions::new().append(true).create(true).open(&ballast).unwrap();
        let (mut file, mut size) = (file, 1024 * 1024);
        while size >= 512 {
            if std::io::Write::write_all(&mut file, &vec![0; size]).is_err() {
                size /= 2;
            }
        }
    };
    let text = "x".repeat(2000);
    let (mut seq, mut news) = (1, Vec::new());
    while news.is_empty() {
        fill();
        seq += 1;
        open.journal.append([said(seq, "Ana", &text)]);
        match open.reports.recv_timeout(Duration::from_millis(20)) {
            Ok(Report::Written { .. }) | Err(RecvTimeoutError::Timeout) => {}
            Ok(report) => news.push(report),
            other => panic!("{other:?}"),
        }
    }
    // opening the file again makes a little room, so it may recover and fail once more
    fill();
    let last = open.journal.append((seq + 1..=seq + 100).map(|seq| said(seq, "Ana", &text)));
    seq += 100;
    fs::remove_file(&ballast).unwrap();
    let mut is_written = false;
    while !is_written {
        match open.reports.recv_timeout(DEADLINE).unwrap() {
            Report::Written { up_to, .. } => is_written = up_to == last,
            report => news.push(report),
        }
    }
    let failed = Report::Failed { why: Failure::DiskFull };
    let recovered = Report::Recovered { lost: Lost::default() };
    assert!(news.len() >= 2 && news.chunks(2).all(|pair| *pair == [failed.clone(), recovered.clone()]), "{news:?}");
    let reader = open.journal.reader().unwrap();
    assert!(seqs(&everything(&reader, None, Limit::PAGE)).into_iter().eq(1..=seq));
    drop(reader);
    open.close();
    assert!(papo::journal::verify(directory).unwrap().is_sound());
}

#[test]
fn a_journal_that_cannot_be_made_is_refused() {
    let Some(disk) = SmallDisk::new("size=1m") else {
        eprintln!("left out: this process may not mount a small file system");
        return;
    };
    let directory = disk.0.path();
    let _ = fs::write(directory.join("ballast"), vec![0; 2 * 1024 * 1024]);
    let refused = try_open(directory, Options::default()).err().unwrap();
    assert!(matches!(refused, JournalError::File { .. } | JournalError::Database(_)), "{refused:?}");
    fs::remove_file(directory.join("ballast")).unwrap();
    open(directory).close();
    let read_only = Command::new("mount").args(["-o", "remount,ro"]).arg(directory).status().unwrap();
    assert!(read_only.success());
    let refused = try_open(directory, Options::default()).err().unwrap();
    assert!(matches!(&refused, JournalError::File { .. }), "{refused:?}");
}
