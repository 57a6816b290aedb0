//! What comes out is what was put in: in order, each once, with a gap where something is missing; whispers for two.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use papo::chat::token::{TOKEN_BYTES, Token};
use papo::journal::{Cause, Gap, Item, JournalError, Limit, Place, Reader, Recipient, Record, Sync, Whisper};
use proptest::prelude::*;
use tempfile::tempdir;

use super::*;

#[test]
fn every_kind_of_event_comes_out_as_it_was_put_in() {
    let directory = tempdir().unwrap();
    let records: Vec<_> = one_of_each().into_iter().map(|record| with_id(record, "m-1")).collect();
    kept(directory.path(), records.clone());
    let reader = Reader::open(directory.path()).unwrap();
    let page = reader.page_before(None, Limit::PAGE, None).unwrap();
    assert!(!page.has_more);
    let read = page.items.into_iter().map(|item| match item {
        Item::Event(kept) if !kept.is_erased => Record::Event { event: Arc::new(kept.event), id: kept.id },
        other => panic!("{other:?}"),
    });
    assert_eq!(read.collect::<Vec<_>>(), records);
}

#[test]
fn it_goes_on_where_it_was_and_keeps_its_epoch() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    assert_eq!((first.opened.last_seq, &first.opened.skipped, &first.opened.repaired), (0, &None, &None));
    let epoch = first.opened.epoch;
    first.write([said(1, "Ana", "um"), said(2, "Ana", "dois")]);
    first.close();
    let second = open(directory.path());
    assert_eq!((second.opened.epoch, second.opened.last_seq, second.opened.skipped.clone()), (epoch, 2, None));
    second.write([said(3, "Ana", "três")]);
    let reader = second.journal.reader().unwrap();
    assert_eq!((reader.epoch().unwrap(), reader.last_seq().unwrap()), (Some(epoch), 3));
    assert_eq!(all_shown(&everything(&reader, None, Limit::PAGE)), ["1 Ana: um", "2 Ana: dois", "3 Ana: três"]);
}

#[test]
fn it_is_written_whenever_the_disk_must_have_it() {
    for sync in [Sync::Always, Sync::Interval(Duration::ZERO), Sync::Never] {
        let directory = tempdir().unwrap();
        let open = try_open(directory.path(), Options { sync, ..Options::default() }).unwrap();
        for seq in 1..=20 {
            open.write([said(seq, "Ana", "x")]);
        }
        let reader = open.journal.reader().unwrap();
        assert_eq!(seqs(&everything(&reader, None, Limit::PAGE)), (1..=20).collect::<Vec<_>>(), "{sync:?}");
        drop(reader);
        open.close();
    }
}

#[test]
fn reports_come_in_order_and_tell_no_more_than_is_written() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    let reader = open.journal.reader().unwrap();
    let mut last = Ticket::default();
    for from in (1..=5000).step_by(100) {
        last = open.journal.append((from..from + 100).map(|seq| said(seq, "Ana", "x")));
    }
    let mut before = 0;
    loop {
        let Report::Written { up_to_seq, up_to } = open.reports.recv_timeout(DEADLINE).unwrap() else { panic!() };
        assert!(up_to_seq > before && up_to.0 == up_to_seq);
        assert!(reader.last_seq().unwrap() >= up_to_seq);
        before = up_to_seq;
        if up_to == last {
            break;
        }
    }
}

#[cfg(unix)]
#[test]
fn only_its_user_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempdir().unwrap();
    let open = open(&directory.path().join("a/b"));
    open.write([said(1, "Ana", "um")]);
    let files = std::fs::read_dir(directory.path().join("a/b")).unwrap();
    let modes: Vec<_> = files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name(), file.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    assert!(modes.len() >= 3 && modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let directory = tempdir().unwrap();
    let first = open(directory.path());
    let refused = try_open(directory.path(), Options::default()).err().unwrap();
    assert!(matches!(refused, JournalError::InUse { .. }), "{refused:?}");
    first.write([said(1, "Ana", "um")]);
    assert_eq!(Reader::open(directory.path()).unwrap().last_seq().unwrap(), 1);
    first.close();
    open(directory.path()).close();
}

#[test]
fn there_is_nothing_to_read_without_a_journal() {
    let directory = tempdir().unwrap();
    assert!(matches!(Reader::open(directory.path()), Err(JournalError::Missing { .. })));
}

#[test]
fn pages_follow_each_other_both_ways() {
    let directory = tempdir().unwrap();
    kept(directory.path(), (1..=25).map(|seq| said(seq, "Ana", "x")));
    let reader = Reader::open(directory.path()).unwrap();
    let limit = Limit::items(10);
    let newest = reader.page_before(None, limit, None).unwrap();
    assert_eq!((seqs(&newest.items), newest.has_more), ((16..=25).collect(), true));
    let older = reader.page_before(Some(newest.items[0].place()), limit, None).unwrap();
    assert_eq!((seqs(&older.items), older.has_more), ((6..=15).collect(), true));
    let oldest = reader.page_before(Some(older.items[0].place()), limit, None).unwrap();
    assert_eq!((seqs(&oldest.items), oldest.has_more), ((1..=5).collect(), false));
    let newer = reader.after(Place::behind(10), limit, None).unwrap();
    assert_eq!((seqs(&newer.items), newer.has_more), ((11..=20).collect(), true));
    let rest = reader.after(Place::behind(20), limit, None).unwrap();
    assert_eq!((seqs(&rest.items), rest.has_more), ((21..=25).collect(), false));
    for beyond in [25, 26, u64::MAX >> 1] {
        assert_eq!(reader.after(Place::behind(beyond), limit, None).unwrap(), Default::default());
    }
}

#[test]
fn a_page_is_bounded_in_bytes_and_never_empty() {
    let directory = tempdir().unwrap();
    let long = "x".repeat(8000);
    kept(directory.path(), (1..=100).map(|seq| said(seq, "Ana", &long)));
    let reader = Reader::open(directory.path()).unwrap();
    let page = reader.after(Place::default(), Limit { items: 9999, bytes: usize::MAX }, None).unwrap();
    assert_eq!((page.items.len(), page.has_more), (256 * 1024 / 8128, true));
    let page = reader.after(Place::default(), Limit { items: 0, bytes: 0 }, None).unwrap();
    assert_eq!((seqs(&page.items), page.has_more), (vec![1], true));
}

#[test]
fn numbers_that_were_left_out_are_a_gap() {
    let directory = tempdir().unwrap();
    kept(directory.path(), [said(1, "Ana", "um"), said(5, "Ana", "cinco"), said(6, "Ana", "seis")]);
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(
        all_shown(&everything(&reader, None, Limit::PAGE)),
        ["1 Ana: um", "2..4 lost", "5 Ana: cinco", "6 Ana: seis"]
    );
    let newest = reader.page_before(None, Limit::items(2), None).unwrap();
    assert_eq!(all_shown(&newest.items), ["5 Ana: cinco", "6 Ana: seis"]);
    let older = reader.page_before(Some(Place::behind(5)), Limit::items(2), None).unwrap();
    assert_eq!(all_shown(&older.items), ["1 Ana: um", "2..4 lost"]);
    let from_inside = reader.after(Place::behind(3), Limit::items(1), None).unwrap();
    assert_eq!(from_inside.items[0], Item::Gap(Gap { first: 4, last: 4, cause: Cause::Lost }));
    assert_eq!(seqs(&from_inside.items), [5]);
}

#[test]
fn an_event_whose_number_does_not_rise_is_not_kept() {
    let directory = tempdir().unwrap();
    kept(directory.path(), [said(1, "Ana", "um"), said(1, "Ana", "outra vez"), said(2, "Ana", "dois")]);
    let reader = Reader::open(directory.path()).unwrap();
    assert_eq!(all_shown(&everything(&reader, None, Limit::PAGE)), ["1 Ana: um", "2 Ana: dois"]);
}

#[test]
fn whispers_stand_behind_their_event_for_their_two_people() {
    let directory = tempdir().unwrap();
    kept(
        directory.path(),
        [
            said(1, "Ana", "oi"),
            whisper(1, "Ana", "Beto", "psst"),
            whisper(1, "Caio", "Ana", "e eu?"),
            said(2, "Beto", "olá"),
            whisper(2, "Beto", "Ana", "sim"),
            whisper(2, "Ana", "Ana", "nota"),
        ],
    );
    let reader = Reader::open(directory.path()).unwrap();
    let as_seen = |viewer: &str| all_shown(&everything(&reader, Some(&name(viewer)), Limit::PAGE));
    assert_eq!(
        as_seen("ANA"),
        ["1 Ana: oi", "Ana>Beto: psst", "Caio>Ana: e eu?", "2 Beto: olá", "Beto>Ana: sim", "Ana>Ana: nota"]
    );
    assert_eq!(as_seen("Beto"), ["1 Ana: oi", "Ana>Beto: psst", "2 Beto: olá", "Beto>Ana: sim"]);
    assert_eq!(as_seen("Zeca"), ["1 Ana: oi", "2 Beto: olá"]);
    let own = reader.whispers_of(&name("Ana"), None, Limit::items(3)).unwrap();
    assert_eq!(
        (all_shown(&own.items), own.has_more),
        (vec!["Caio>Ana: e eu?".into(), "Beto>Ana: sim".into(), "Ana>Ana: nota".into()], true)
    );
    let before = reader.whispers_of(&name("Ana"), Some(own.items[0].place()), Limit::PAGE).unwrap();
    assert_eq!((all_shown(&before.items), before.has_more), (vec!["Ana>Beto: psst".into()], false));
}

#[test]
fn a_search_ignores_case_accents_and_signs_and_finds_the_newest_first() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.write([
        said(1, "Ana", "A REUNIÃO é às 10h"),
        said(2, "Beto", "reunião na sala, sim?"),
        event(3, EventKind::Acted { from: name("Caio"), text: "vai à Reuniao da Sala".into() }),
        said(4, "Ana", "reuniões são chatas"),
        event(5, EventKind::Joined { name: name("reuniao") }),
        whisper(5, "Ana", "Beto", "reunião secreta"),
    ]);
    let reader = open.journal.reader().unwrap();
    // before and after their block is full
    for is_full in [false, true] {
        if is_full {
            open.write(filling(6));
        }
        let found = |typed: &str, viewer: Option<&str>| {
            let viewer = viewer.map(name);
            all_shown(&reader.search(typed, 10, viewer.as_ref()).unwrap())
        };
        assert_eq!(seqs(&reader.search("reuniao", 10, None).unwrap()), [3, 2, 1]);
        assert_eq!(seqs(&reader.search("REUNIÃO", 2, None).unwrap()), [3, 2]);
        assert_eq!(seqs(&reader.search("sala, reunião!", 10, None).unwrap()), [3, 2]);
        assert_eq!(found("secreta", Some("Beto")), ["Ana>Beto: reunião secreta"]);
        assert_eq!(found("reunião", Some("ana")).len(), 4);
        assert_eq!(found("secreta", Some("Caio")), [""; 0]);
        for nothing in ["", "!", "nada", "reuni", "\" OR text:*", "🎉"] {
            assert_eq!(found(nothing, Some("Caio")), [""; 0], "{nothing}");
        }
    }
}

#[test]
fn who_was_last_seen_is_known_before_and_after_a_block_is_full() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.write([
        event(1, EventKind::Joined { name: name("João") }),
        said(2, "João", "oi"),
        event(3, EventKind::Renamed { old: name("João"), new: name("Zé") }),
        event(4, EventKind::Left { name: name("Zé"), reason: Reason::TimedOut }),
        said(5, "Ana", "sozinha"),
    ]);
    let reader = open.journal.reader().unwrap();
    for is_full in [false, true] {
        if is_full {
            open.write(filling(6));
        }
        let seen = |who: &str| reader.last_seen(&name(who)).unwrap().map(|kept| kept.event.seq);
        assert_eq!(["JOÃO", "zé", "ana", "joao"].map(seen), [Some(3), Some(4), Some(5), None]);
    }
}

/// Whoever looks through all of it finds the same, as blocks grow, are full, are cut and say less.
#[test]
fn a_search_finds_what_is_there() {
    const WORDS: [&str; 24] = [
        "olá",
        "OLA",
        "ação",
        "acao",
        "Straße",
        "STRASSE",
        "ΣΊΣΥΦΟΣ",
        "σίσυφος",
        "привет",
        "Привет",
        "会議",
        "会",
        "สวัสดี",
        "שלום",
        "नमस्ते",
        "İstanbul",
        "ﬁne",
        "ｆｕｌｌ",
        "café",
        "don't",
        "a-b",
        "c_d",
        "🎉",
        "e\u{301}",
    ];
    const NAMES: [&str; 8] = ["Ana", "ANA", "João", "joão", "Joao", "Иван", "иван", "李雷"];
    let mut seed = 7_u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % limit
    };
    let directory = tempdir().unwrap();
    let mut open = open(directory.path());
    let mut next = 1;
    for round in 0..20 {
        let mut records = Vec::new();
        for _ in 0..below(150) {
            let name = name(NAMES[below(NAMES.len())]);
            let mut words = vec![WORDS[below(WORDS.len())].to_owned(); 1];
            (0..below(12)).for_each(|_| words.push(WORDS[below(WORDS.len())].to_owned()));
            words.push(format!("w{}", below(400)));
            let text = words.join([" ", ", ", "  ", "…"][below(4)]).as_str().into();
            records.push(event(
                next,
                match below(12) {
                    0 => EventKind::Joined { name },
                    1 => EventKind::Left { name, reason: Reason::Lost },
                    2 => EventKind::Renamed { old: name, new: self::name(NAMES[below(NAMES.len())]) },
                    3 => EventKind::Acted { from: name, text },
                    _ => EventKind::Said { from: name, text },
                },
            ));
            next += if below(100) == 0 { 3 } else { 1 };
        }
        open.write(records);
        match round % 10 {
            4 => drop(papo::journal::erase(directory.path(), &name("Joao")).unwrap()),
            9 => {
                open.close();
                open = super::open(directory.path());
                next = open.opened.last_seq + 1;
            }
            _ => {}
        }
        let reader = open.journal.reader().unwrap();
        let all = everything(&reader, None, Limit::PAGE);
        let events: Vec<_> =
            all.iter().filter_map(|item| if let Item::Event(kept) = item { Some(kept) } else { None }).collect();
        for _ in 0..8 {
            let typed: Vec<_> = (0..1 + below(3)).map(|_| WORDS[below(WORDS.len())]).collect();
            let typed = if below(2) == 0 { typed.join(" ") } else { format!("{} w{}", typed[0], below(400)) };
            let count = 1 + below(30);
            let is_meant = |typed: &str, kept: &papo::journal::KeptEvent| {
                papo::journal::Query::new(typed).is_some_and(|query| query.is_in(&kept.event.kind))
            };
            let there: Vec<_> =
                events.iter().rev().filter(|kept| is_meant(&typed, kept)).map(|kept| kept.event.seq).collect();
            let found = seqs(&reader.search(&typed, count, None).unwrap());
            assert_eq!(found, there[..there.len().min(count)], "round {round}: {typed}");
        }
        for sought in NAMES.iter().chain(&["Zeca"]).map(|sought| name(sought)) {
            let there = events.iter().rev().find(|kept| kept.event.kind.names().contains(&Some(&sought)));
            assert_eq!(reader.last_seen(&sought).unwrap().as_ref(), there.copied(), "round {round}: {sought:?}");
        }
    }
    open.close();
    assert!(papo::journal::verify(directory.path()).unwrap().is_sound());
}

#[test]
fn ids_are_known_after_a_restart() {
    let directory = tempdir().unwrap();
    kept(
        directory.path(),
        [
            with_id(said_at(1, at(1000), "velha"), "a"),
            with_id(said(2, "Ana", "nova"), "b"),
            said(3, "Ana", "sem"),
            with_id(whisper(3, "Beto", "Ana", "psst"), "b"),
        ],
    );
    let reader = Reader::open(directory.path()).unwrap();
    let known = |count| {
        let known = reader.known_ids(now() - Duration::from_secs(600), count).unwrap();
        known
            .into_iter()
            .map(|known| (known.author.as_str().to_owned(), known.id.to_string(), known.seq))
            .collect::<Vec<_>>()
    };
    let mut all = known(10);
    all.sort();
    assert_eq!(all, [("Ana".into(), "b".into(), Some(2)), ("Beto".into(), "b".into(), None)]);
    assert_eq!(known(1).len(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Says(usize),
    Whispers(usize, usize),
}

const PEOPLE: [&str; 4] = ["Ana", "joão", "JOAO", "Δημος"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whoever reads, by whatever question, gets the whispers to and from themselves, all of them, and nobody else's.
    #[test]
    fn whispers_of_others_are_never_returned(
        steps in prop::collection::vec(
            prop_oneof![
                (0..4_usize).prop_map(Step::Says),
                ((0..4_usize), (0..4_usize)).prop_map(|(from, to)| Step::Whispers(from, to)),
            ],
            1..60,
        ),
        items in 1..8_usize,
        bytes in 0..2000_usize,
    ) {
        let directory = tempdir().unwrap();
        let mut seq = 0;
        let records = steps.iter().enumerate().map(|(n, step)| match step {
            Step::Says(from) => {
                seq += 1;
                said(seq, PEOPLE[*from], &format!("palavra {n}"))
            }
            Step::Whispers(from, to) => whisper(seq, PEOPLE[*from], PEOPLE[*to], &format!("palavra {n}")),
        });
        let records: Vec<_> = records.collect();
        kept(directory.path(), records.clone());
        let reader = Reader::open(directory.path()).unwrap();
        let limit = Limit { items, bytes };
        for viewer in PEOPLE.into_iter().map(Some).chain([None, Some("Zeca")]) {
            let viewer = viewer.map(name);
            let is_theirs = |whisper: &Whisper| viewer.as_ref().is_some_and(|viewer| whisper.from == *viewer || whisper.to == *viewer);
            let expected: Vec<_> = records.iter().filter(|record| match record {
                Record::Event { .. } => true,
                Record::Whisper { whisper, .. } => is_theirs(whisper),
            }).cloned().collect();
            let as_records = |items: &[Item]| items.iter().map(|item| match item {
                Item::Event(kept) => Record::Event { event: Arc::new(kept.event.clone()), id: None },
                Item::Whisper(kept) => Record::Whisper { whisper: Box::new(kept.whisper.clone()), id: None },
                Item::Gap(gap) => panic!("{gap:?}"),
            }).collect::<Vec<_>>();
            let forth = everything(&reader, viewer.as_ref(), limit);
            prop_assert_eq!(as_records(&forth), expected.clone());
            let (mut back, mut before) = (Vec::new(), None);
            loop {
                let page = reader.page_before(before, limit, viewer.as_ref()).unwrap();
                before = page.items.first().map(Item::place).or(before);
                back.splice(0..0, page.items);
                if !page.has_more { break }
            }
            prop_assert_eq!(as_records(&back), expected.clone());
            let mut found = reader.search("palavra", 1000, viewer.as_ref()).unwrap();
            found.reverse();
            prop_assert_eq!(as_records(&found), expected.clone());
            if let Some(viewer) = &viewer {
                let whispers = reader.whispers_of(viewer, None, Limit::PAGE).unwrap().items;
                let expected: Vec<_> = expected.into_iter().filter(|record| matches!(record, Record::Whisper { .. })).collect();
                prop_assert_eq!(as_records(&whispers), expected);
            }
        }
    }
}

#[test]
fn what_is_written_is_reported_from_the_event_on_that_somebody_waits_for() {
    let directory = tempdir().unwrap();
    let open = open(directory.path());
    open.journal.report_from(3);
    open.journal.append([said(1, "Ana", "um"), said(2, "Ana", "dois")]);
    let begun = std::time::Instant::now();
    while open.journal.last_written() < 2 {
        assert!(begun.elapsed() < DEADLINE, "it is never written");
        std::thread::yield_now();
    }
    assert!(open.reports.try_recv().is_err(), "nobody waits for these");
    let ticket = open.journal.append([said(3, "Ana", "três")]);
    let written = Report::Written { up_to_seq: 3, up_to: ticket };
    assert_eq!(open.reports.recv_timeout(DEADLINE).unwrap(), written);
    // it is never too late to ask
    open.journal.report_from(2);
    assert_eq!(open.reports.recv_timeout(DEADLINE).unwrap(), written);
}

#[test]
fn of_too_many_whispers_readers_take_turns_and_so_do_those_who_whisper_to_them() {
    let directory = tempdir().unwrap();
    let numbers = RefCell::new(HashMap::<u8, u64>::new());
    let provable = |from: &str, to: u8, text: &str| {
        let number = *numbers.borrow_mut().entry(to).and_modify(|number| *number += 1).or_insert(1);
        let recipient = Some(Recipient { proof: Token::new([to; TOKEN_BYTES]).proof(), number });
        let Record::Whisper { whisper, .. } = whisper(0, from, "Beto", text) else { unreachable!() };
        Record::Whisper { whisper: Box::new(Whisper { recipient, ..*whisper }), id: None }
    };
    let mut records: Vec<_> = ["um", "dois", "três"].map(|text| provable("Ana", 0, text)).into();
    // to one's accomplice by ever other names, to the same reader, and to oneself; and one that nobody can prove to be for them
    records.extend((0..300).map(|i| provable(&format!("p{i}"), 1, "x")));
    records.extend((0..300).map(|_| provable("Zeca", 0, "x")));
    records.extend((0..1000).map(|i| provable("Zeca", 2 + i as u8 % 40, "x")));
    records.push(whisper(0, "Ana", "Beto", "x"));
    kept(directory.path(), records);
    let reader = Reader::open(directory.path()).unwrap();
    let since = now() - Duration::from_secs(60);
    assert_eq!(reader.provable_whispers(since, 10_000).unwrap().len(), 1603);
    let found = reader.provable_whispers(since, 400).unwrap();
    assert_eq!(found.len(), 400);
    assert!(found.is_sorted_by(|one, next| one.number > next.number));
    let of_ana = found.iter().filter(|kept| kept.whisper.from.as_str() == "Ana").map(|kept| kept.whisper.text.as_str());
    assert_eq!(of_ana.collect::<Vec<_>>(), ["três", "dois", "um"]);
    assert_eq!(reader.provable_whispers(now() + Duration::from_secs(60), 400).unwrap(), []);
}
