//! The journal, through what the room sees of it: order, gaps, who reads whispers, ends of every kind, damage, full disks.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod commands;
mod crash;
mod damage;
mod full;
mod reading;
mod retention;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use papo::chat::event::{Event, EventKind, Reason};
use papo::chat::name::Name;
use papo::journal::{
    Item, Journal, JournalError, Limit, MessageId, Opened, Options, Place, Reader, Record, Report, Ticket, Whisper,
};

/// How long something may take that should take no time.
const DEADLINE: Duration = Duration::from_secs(60);

/// A journal, and what it reports.
struct Open {
    journal: Journal,
    opened: Opened,
    reports: Receiver<Report>,
}

fn try_open(directory: &Path, options: Options) -> Result<Open, JournalError> {
    let (tell, reports) = mpsc::channel();
    let tell = std::sync::Mutex::new(tell);
    let (journal, opened) = Journal::open(directory, options, move |report| {
        let _ = tell.lock().unwrap().send(report);
    })?;
    Ok(Open { journal, opened, reports })
}

fn open(directory: &Path) -> Open {
    try_open(directory, Options::default()).unwrap()
}

impl Open {
    /// Appends, and waits until it is written.
    fn write(&self, records: impl IntoIterator<Item = Record>) {
        let ticket = self.journal.append(records);
        self.wait_for(ticket);
    }

    /// Waits until everything up to this is written, and nothing fails.
    fn wait_for(&self, ticket: Ticket) {
        loop {
            match self.reports.recv_timeout(DEADLINE).expect("a report") {
                Report::Written { up_to, .. } if up_to >= ticket => return,
                Report::Written { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn close(self) {
        assert!(self.journal.close(DEADLINE));
    }
}

/// A journal with these events, however old they are, and an orderly end.
fn kept(directory: &Path, records: impl IntoIterator<Item = Record>) {
    // or what is old would be pruned before the end, sometimes
    let open = try_open(directory, Options { max_age: Duration::ZERO, ..Options::default() }).unwrap();
    open.write(records);
    open.close();
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

/// Not long ago, in whole milliseconds.
fn now() -> SystemTime {
    at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

fn event(seq: u64, kind: EventKind) -> Record {
    Record::Event { event: Arc::new(Event { seq, at: now(), kind }), id: None }
}

fn said(seq: u64, from: &str, text: &str) -> Record {
    event(seq, EventKind::Said { from: name(from), text: text.into() })
}

fn said_at(seq: u64, at: SystemTime, text: &str) -> Record {
    let kind = EventKind::Said { from: name("Ana"), text: text.into() };
    Record::Event { event: Arc::new(Event { seq, at, kind }), id: None }
}

fn with_id(record: Record, text: &str) -> Record {
    let given = Some(MessageId::new(text).unwrap());
    match record {
        Record::Event { event, .. } => Record::Event { event, id: given },
        Record::Whisper { whisper, .. } => Record::Whisper { whisper, id: given },
    }
}

fn whisper(after: u64, from: &str, to: &str, text: &str) -> Record {
    let whisper = Whisper { after, at: now(), from: name(from), to: name(to), text: text.into(), recipient: None };
    Record::Whisper { whisper: Box::new(whisper), id: None }
}

/// One event of every kind, numbered from 1.
fn one_of_each() -> Vec<Record> {
    let mut kinds = vec![
        EventKind::Joined { name: name("João") },
        EventKind::Said { from: name("João"), text: "olá, \"sala\" 🎉".into() },
        EventKind::Acted { from: name("João"), text: "acena".into() },
        EventKind::Renamed { old: name("João"), new: name("Ｂia") },
    ];
    kinds.extend(Reason::ALL.map(|reason| EventKind::Left { name: name("Bia"), reason }));
    kinds.into_iter().zip(1..).map(|(kind, seq)| event(seq, kind)).collect()
}

/// What was put in, as it comes out.
fn shown(item: &Item) -> String {
    match item {
        Item::Event(kept) => match &kept.event.kind {
            EventKind::Said { from, text } => format!("{} {from}: {text}", kept.event.seq, from = from.as_str()),
            other => format!("{} {other:?}", kept.event.seq),
        },
        Item::Whisper(kept) => {
            let Whisper { from, to, text, .. } = &kept.whisper;
            format!("{}>{}: {text}", from.as_str(), to.as_str())
        }
        Item::Gap(gap) => format!("{}..{} {}", gap.first, gap.last, gap.cause.word()),
    }
}

fn all_shown(items: &[Item]) -> Vec<String> {
    items.iter().map(shown).collect()
}

/// The numbers of the events.
fn seqs(items: &[Item]) -> Vec<u64> {
    items.iter().filter_map(|item| if let Item::Event(kept) = item { Some(kept.event.seq) } else { None }).collect()
}

/// Everything there is, for somebody, page by page.
fn everything(reader: &Reader, viewer: Option<&Name>, limit: Limit) -> Vec<Item> {
    let (mut place, mut items) = (Place::default(), Vec::new());
    loop {
        let page = reader.after(place, limit, viewer).unwrap();
        place = page.items.last().map_or(place, Item::place);
        items.extend(page.items);
        if !page.has_more {
            return items;
        }
    }
}

/// So many events by somebody who is in no test, that what was said before is in blocks that are full.
fn filling(from: u64) -> impl Iterator<Item = Record> {
    (from..from + 500).map(|seq| said(seq, "Dora", &format!("enchimento {seq}")))
}
