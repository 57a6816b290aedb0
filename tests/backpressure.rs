//! A disk that is slower than people write, and one that takes nothing: the first holds back those who write, and nothing is
//! lost; the second holds up nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix::Recipient;
use common::{Client, TestServer, config};
use papo::chat::event::EventKind;
use papo::config::Config;
use papo::journal::{FILE, Item, Journal, Limit, Options, Place, Reader};
use papo::room::{ChatRoom, JournalReport, Past};
use rusqlite::Connection;
use tempfile::tempdir;

/// So few records may wait for the disk. The journal is behind from a sixteenth of them on.
const MAX_WAITING: usize = 2048;

/// A server with its journal in this directory.
fn serve(directory: &Path, config: Config) -> TestServer {
    let directory = directory.to_owned();
    let reports: Arc<OnceLock<Recipient<JournalReport>>> = Arc::default();
    let room = Arc::clone(&reports);
    let listener = move |report| room.get().unwrap().do_send(JournalReport(report));
    let journaled = move || {
        let options = Options { max_waiting: MAX_WAITING, ..Options::default() };
        let (journal, opened) = Journal::open(&directory, options, listener).unwrap();
        ChatRoom::default().with_journal(journal, &opened, Past::default())
    };
    let watch = move |room: &actix::Addr<ChatRoom>| drop(reports.set(room.clone().recipient()));
    TestServer::watch(config, journaled, |server| server, watch)
}

/// Keeps everybody else from writing, as a disk that takes nothing does.
fn hold(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join(FILE)).unwrap();
    connection.busy_timeout(common::DEADLINE).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// A disk that works, and takes a while for everything.
struct SlowDisk {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SlowDisk {
    fn new(directory: &Path) -> SlowDisk {
        let (is_over, directory): (Arc<AtomicBool>, PathBuf) = (Arc::default(), directory.to_owned());
        let told = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Acquire) {
                let held = hold(&directory);
                thread::sleep(Duration::from_millis(100));
                drop(held);
                // the others look again every now and then
                thread::sleep(Duration::from_millis(50));
            }
        });
        SlowDisk { is_over, thread: Some(thread) }
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Says so many lines as fast as the server reads them, and reads what others say; until the connection is closed.
fn flood(server: &TestServer, name: &str, lines: usize) {
    let client = server.join(name);
    let [mut to, mut from] = [(); 2].map(|()| client.stream().try_clone().unwrap());
    thread::spawn(move || {
        let text: String = (0..lines).map(|line| format!("{line}\n")).collect();
        to.write_all(text.as_bytes()).unwrap();
    });
    thread::spawn(move || {
        // it may end with a reset
        let _ = io::copy(&mut from, &mut io::sink());
        drop(client);
    });
}

/// What was said, as the journal has it; nothing may be missing.
fn said(directory: &Path) -> Vec<String> {
    let reader = Reader::open(directory).unwrap();
    let (mut place, mut said) = (Place::default(), Vec::new());
    loop {
        let page = reader.after(place, Limit::PAGE, None).unwrap();
        place = page.items.last().map_or(place, Item::place);
        for item in page.items {
            match item {
                Item::Event(kept) => match kept.event.kind {
                    EventKind::Said { from, text } => said.push(format!("{}: {}", from.as_str(), text.as_str())),
                    EventKind::Joined { .. } | EventKind::Left { .. } => {}
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
        if !page.has_more {
            return said;
        }
    }
}

#[test]
fn a_slow_disk_holds_back_those_who_write_and_loses_nothing() {
    const SENDERS: usize = 20;
    const LINES: usize = 400;
    let directory = tempdir().unwrap();
    // more threads than one: a hub each
    let server = serve(directory.path(), Config { threads: 2, ..config() });
    let mut reader = server.join("Leitora");
    let slow = SlowDisk::new(directory.path());
    for sender in 0..SENDERS {
        flood(&server, &format!("pessoa{sender}"), LINES);
    }
    let (mut read, mut next) = (Vec::new(), HashMap::new());
    while read.len() < SENDERS * LINES {
        let line = reader.line();
        // who comes and goes is no matter
        let Some((from, number)) = line.split_once(": ") else {
            assert!(line.contains("entr"), "{line}");
            continue;
        };
        let expected = next.entry(from.to_owned()).or_insert(0);
        assert_eq!(number, expected.to_string(), "{line}");
        *expected += 1;
        read.push(line);
    }
    drop(slow);
    drop(server);
    assert_eq!(said(directory.path()), read, "the journal has what everybody has read");
}

#[test]
fn a_disk_that_takes_nothing_holds_up_nobody() {
    let directory = tempdir().unwrap();
    let server = serve(directory.path(), config());
    let [mut ana, mut beto] = ["Ana", "Beto"].map(|name| server.join(name));
    assert_eq!(ana.line(), "Beto entrou no chat.");
    let held = hold(directory.path());
    let talk = |ana: &mut Client, beto: &mut Client, from: usize| {
        let (mut is_told, begun) = (false, Instant::now());
        for line in from..from + 600 {
            ana.send(&line.to_string());
        }
        for line in from..from + 600 {
            let mut read = beto.line();
            // once
            if !read.starts_with("Ana: ") {
                is_told = true;
                read = beto.line();
            }
            assert_eq!(read, format!("Ana: {line}"));
            assert!(begun.elapsed() < common::DEADLINE, "she is held up by the disk");
        }
        is_told
    };
    // it is not known yet that it takes nothing, and more waits than is good
    let is_told = talk(&mut ana, &mut beto, 0);
    if !is_told {
        assert!(!beto.line().starts_with("Ana: "));
    }
    // it is known
    talk(&mut ana, &mut beto, 600);
    drop(held);
    let recovered = beto.line();
    assert!(!recovered.starts_with("Ana: "), "{recovered}");
    drop(server);
    assert_eq!(said(directory.path()), (0..1200).map(|line| format!("Ana: {line}")).collect::<Vec<_>>());
}
