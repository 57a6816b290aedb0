//! `papo journal`: what it prints, and its exit codes.

use std::fs;
use std::process::{Command, Output};

use papo::journal::FILE;
use tempfile::tempdir;

use super::*;

fn papo(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_papo"));
    command.args(["journal"]).args(arguments).args(["--lang", "en", "--data"]).arg(directory);
    command.env_remove("PAPO_LANG").env_remove("PAPO_DATA").output().unwrap()
}

/// What it printed, and the exit code.
fn told(output: &Output) -> (String, i32) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

fn filled(directory: &Path) {
    kept(
        directory,
        [
            event(1, EventKind::Joined { name: name("João") }),
            with_id(said(2, "João", "olá, \"sala\""), "m-1"),
            whisper(2, "João", "Ana", "psst"),
            whisper(2, "Beto", "Caio", "só nós"),
            event(5, EventKind::Left { name: name("João"), reason: Reason::TimedOut }),
        ],
    );
}

#[test]
fn verify_says_in_one_line_whether_all_is_in_order() {
    let directory = tempdir().unwrap();
    let (text, code) = told(&papo(directory.path(), &["verify"]));
    assert!(text.starts_with("papo: there is no journal in ") && code == 1, "{text}");
    filled(directory.path());
    let (text, code) = told(&papo(directory.path(), &["verify"]));
    let expected = "The journal is in order: events: 3, private messages: 2, known to be missing: 2.\n";
    assert_eq!((text.as_str(), code), (expected, 0));
    let path = directory.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("DELETE FROM gaps; UPDATE blocks SET events = x'01ff' WHERE first = 1").unwrap();
    drop(connection);
    let (text, code) = told(&papo(directory.path(), &["verify"]));
    assert_eq!((text.as_str(), code), ("papo: the journal is damaged: events 1 to 2 cannot be read (and 1 more)\n", 1));
    fs::write(&path, "not a database, but long enough to be taken for one".repeat(100)).unwrap();
    let (text, code) = told(&papo(directory.path(), &["verify"]));
    assert_eq!((text.lines().count(), code), (1, 1), "{text}");
}

#[test]
fn export_has_a_line_of_json_for_each_event_and_whispers_only_when_asked() {
    let directory = tempdir().unwrap();
    filled(directory.path());
    let export = |arguments: &[&str]| {
        let output = papo(directory.path(), &[&["export"], arguments].concat());
        assert!(output.status.success() && output.stderr.is_empty());
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            // 2026-11-28T00:00:00.000Z
            let at = line.as_object_mut().unwrap().remove("at");
            assert!(at.is_none_or(|at| at.as_str().is_some_and(|at| at.len() == 24 && at.ends_with('Z'))));
        }
        lines
    };
    let public = [
        serde_json::json!({"type": "joined", "seq": 1, "name": "João"}),
        serde_json::json!({"type": "said", "seq": 2, "from": "João", "text": "olá, \"sala\""}),
        serde_json::json!({"type": "gap", "first": 3, "last": 4, "cause": "lost"}),
        serde_json::json!({"type": "left", "seq": 5, "name": "João", "reason": "timed-out"}),
    ];
    assert_eq!(export(&[]), public);
    let whispered = serde_json::json!({"type": "whispered", "after": 2, "from": "João", "to": "Ana", "text": "psst"});
    let mut with_whispers = public.to_vec();
    with_whispers.insert(2, whispered);
    assert_eq!(export(&["--whispers", "ANA"]), with_whispers);
    assert_eq!(export(&["--whispers", "Zeca"]), public);
}

#[test]
fn prune_takes_out_a_person_or_what_is_old() {
    let directory = tempdir().unwrap();
    filled(directory.path());
    let (text, code) = told(&papo(directory.path(), &["prune", "--name", "joão"]));
    assert_eq!((text.as_str(), code), ("Taken out of the journal: texts: 1, private messages: 1.\n", 0));
    let (text, _) = told(&papo(directory.path(), &["export", "--whispers", "ana"]));
    assert!(!text.contains("sala") && !text.contains("psst") && text.contains("\"seq\":2"), "{text}");
    let (text, code) = told(&papo(directory.path(), &["prune", "--older-than", "1"]));
    assert_eq!((text.as_str(), code), ("Taken out of the journal: 0 events.\n", 0));
    let (text, code) = told(&papo(directory.path(), &["prune", "--older-than", "0"]));
    assert_eq!((text.as_str(), code), ("Taken out of the journal: 3 events.\n", 0));
    assert_eq!(open(directory.path()).opened.last_seq, 5);
}

#[test]
fn it_works_beside_a_server_that_writes() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.write([said(1, "Ana", "um"), said(2, "Beto", "dois")]);
    assert_eq!(told(&papo(directory.path(), &["verify"])).1, 0);
    assert_eq!(told(&papo(directory.path(), &["export"])).0.lines().count(), 2);
    assert_eq!(told(&papo(directory.path(), &["prune", "--name", "ana"])).1, 0);
    open.write([said(3, "Ana", "três")]);
    let reader = open.journal.reader().unwrap();
    assert_eq!(all_shown(&everything(&reader, None, Limit::PAGE)), ["1 Ana: ", "2 Beto: dois", "3 Ana: três"]);
}
