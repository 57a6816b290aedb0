//! The room alone, with a hub that only takes notes: every member gets exactly what it should, once, in one order.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use papo::admission::Origin;
use papo::chat::answer::{Answer, DiskTrouble};
use papo::chat::event::{EventKind, Reason};
use papo::chat::hygiene::CleanText;
use papo::chat::name::Name;
use papo::chat::registry::SessionId;
use papo::chat::token::{MessageKey, TOKEN_BYTES, Token};
use papo::journal::{Failure, Journal, Lost, Options, Report, Ticket};
use papo::room::{
    Attach, Broadcast, ChatRoom, Deliver, Delivered, HealthProbe, HubId, Join, JournalReport, Leave, Manner, Past,
    Rename, Shutdown, To, Whisper, Who,
};
use papo::turn::{Item, Private};
use proptest::prelude::*;
use tokio::time::Instant;

/// Where everybody is.
fn loopback() -> Origin {
    Origin::of(Ipv4Addr::LOCALHOST.into(), &[])
}

/// What a member got, one by one.
#[derive(Debug, Clone, PartialEq)]
enum Note {
    /// An event, by its number.
    Event(u64),
    /// A whisper after this event.
    Whisper(u64),
    Answered(Option<Answer>),
    Farewell,
}

/// What a session got, and whether it is a member.
#[derive(Debug, Clone, Default)]
struct Notes {
    notes: Vec<Note>,
    is_member: bool,
    /// The last event before it was welcomed.
    after: u64,
    /// What it was told that is neither an answer nor has a place among the events.
    told: Vec<Answer>,
}

/// A hub that notes what each session gets, and says so to the room at once or never.
struct NotingHub {
    room: Addr<ChatRoom>,
    answers: bool,
    turns: Rc<RefCell<usize>>,
    notes: Rc<RefCell<HashMap<SessionId, Notes>>>,
    events: Rc<RefCell<HashMap<u64, EventKind>>>,
}

impl NotingHub {
    fn note(&self, item: &Item) {
        let mut all = self.notes.borrow_mut();
        match item {
            Item::Event { event, author } => {
                let before = self.events.borrow_mut().insert(event.seq, event.kind.clone());
                assert_eq!(before, None, "told twice");
                for (id, notes) in all.iter_mut().filter(|(_, notes)| notes.is_member && event.seq > notes.after) {
                    // an event of one's own is marked, so that a session can leave out the echo
                    assert_eq!(*author == Some(*id), is_own(*id, &event.kind, &notes.notes));
                    notes.notes.push(Note::Event(event.seq));
                }
            }
            Item::To(session, private) => {
                let notes = all.entry(*session).or_default();
                notes.notes.push(match private {
                    Private::Whispered(whispered) => Note::Whisper(whispered.after),
                    Private::Answered(answer) => Note::Answered(answer.clone()),
                    Private::Told(answer) => return notes.told.push(answer.clone()),
                    // neither is an answer, nor has it a place among the events
                    Private::Unwritten(_)
                    | Private::Missed { .. }
                    | Private::Wanted { .. }
                    | Private::Repeated(_)
                    | Private::Replaced => return,
                    Private::Farewell => Note::Farewell,
                });
                match notes.notes.last() {
                    Some(Note::Answered(Some(Answer::Welcome(welcome)))) => {
                        notes.after = welcome.after;
                        notes.is_member = true;
                    }
                    Some(Note::Farewell) => notes.is_member = false,
                    _ => {}
                }
            }
        }
    }
}

/// Whether this event must be marked as the session's own doing. What is said here is the speaker's id; and of all people
/// who come in, a member's own coming in is the first event that it gets.
fn is_own(id: SessionId, event: &EventKind, notes: &[Note]) -> bool {
    match event {
        EventKind::Said { text, .. } | EventKind::Acted { text, .. } => {
            text.as_str().split(" ").next() == Some(&id.to_string())
        }
        EventKind::Joined { .. } => notes.len() == 1,
        EventKind::Renamed { .. } | EventKind::Left { .. } => false,
    }
}

impl Actor for NotingHub {
    type Context = Context<Self>;
}

impl Handler<Deliver> for NotingHub {
    type Result = ();

    fn handle(&mut self, Deliver(turn): Deliver, _: &mut Context<Self>) {
        turn.items().iter().for_each(|item| self.note(item));
        *self.turns.borrow_mut() += 1;
        if self.answers {
            self.room.do_send(Delivered { hub: HubId(0), awaits: None });
        }
    }
}

impl Handler<HealthProbe> for NotingHub {
    type Result = bool;

    fn handle(&mut self, _: HealthProbe, _: &mut Context<Self>) -> bool {
        self.answers
    }
}

/// A room, and what its only hub noted.
struct House {
    room: Addr<ChatRoom>,
    turns: Rc<RefCell<usize>>,
    notes: Rc<RefCell<HashMap<SessionId, Notes>>>,
    events: Rc<RefCell<HashMap<u64, EventKind>>>,
}

impl House {
    fn open(answers: bool) -> House {
        House::with(ChatRoom::default(), answers)
    }

    fn with(room: ChatRoom, answers: bool) -> House {
        let room = room.start();
        let (turns, notes, events) = <(Rc<RefCell<usize>>, Rc<_>, Rc<_>)>::default();
        let house = House { room: room.clone(), turns, notes, events };
        let (turns, notes, events) = (Rc::clone(&house.turns), Rc::clone(&house.notes), Rc::clone(&house.events));
        let hub = NotingHub { room: room.clone(), answers, turns, notes, events }.start();
        room.do_send(Attach { hub: HubId(0), recipient: hub.clone().recipient(), probe: hub.recipient() });
        house
    }

    fn join(&self, id: u64, name: &str) {
        let (origin, name) = (loopback(), Name::parse(name).unwrap());
        self.room.do_send(Join { session: SessionId(id), origin, name, from: None, token: None });
    }

    fn say(&self, id: SessionId, manner: Manner) {
        self.room.do_send(Broadcast { session: id, manner, text: own_text(id), key: None });
    }

    /// Waits until the room has handled everything and the hub has taken its notes.
    async fn settle(&self) {
        self.room.send(Who { session: SessionId(0) }).await.unwrap();
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets so much time pass that nothing is held any more.
    async fn rest(&self) {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// A system whose clock stands still, and jumps to the next timer when there is nothing else to do.
fn with_a_still_clock<T>(play: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    actix_rt::System::with_tokio_rt(|| actix_rt::Runtime::from(runtime)).block_on(play)
}

#[derive(Debug, Clone)]
enum Step {
    Join(u64, &'static str),
    Say(u64),
    Flood(u64),
    Whisper(u64, &'static str),
    Rename(u64, &'static str),
    Who(u64),
    Leave(u64),
    /// Many come in one by one, and some of them leave again.
    Rush(u64),
    /// Everything so far is handled before the next step: the end of a turn.
    Pause,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let names = prop::sample::select(vec!["Ana", "Beto", "Caio", "Davi", "Eva"]);
    let session = 0u64..5;
    let step = prop_oneof![
        6 => (session.clone(), names.clone()).prop_map(|(s, n)| Step::Join(s, n)),
        6 => session.clone().prop_map(Step::Say),
        1 => session.clone().prop_map(Step::Flood),
        4 => (session.clone(), names.clone()).prop_map(|(s, n)| Step::Whisper(s, n)),
        2 => (session.clone(), names).prop_map(|(s, n)| Step::Rename(s, n)),
        1 => session.clone().prop_map(Step::Who),
        3 => session.prop_map(Step::Leave),
        1 => (1u64..60).prop_map(Step::Rush),
        3 => Just(Step::Pause),
    ];
    prop::collection::vec(step, 1..60)
}

/// Plays the steps and returns what every session noted, and all events by number.
async fn play(steps: &[Step]) -> (HashMap<SessionId, Notes>, HashMap<u64, EventKind>) {
    let house = House::open(true);
    let room = &house.room;
    // a session that leaves and joins again is another session, as in life
    let mut now: HashMap<u64, SessionId> = HashMap::new();
    let mut last_id = 0;
    for step in steps {
        let id = |session: &u64| now.get(session).copied().unwrap_or(SessionId(0));
        match step {
            Step::Join(session, name) => {
                if !now.contains_key(session) {
                    last_id += 1;
                    now.insert(*session, SessionId(last_id));
                    house.join(last_id, name);
                }
            }
            Step::Say(session) => house.say(id(session), Manner::Says),
            Step::Flood(session) => (0..300).for_each(|_| house.say(id(session), Manner::Acts)),
            Step::Whisper(session, name) => {
                let to = Name::parse(name).unwrap();
                room.do_send(Whisper {
                    session: id(session),
                    origin: loopback(),
                    to: To::Name(to),
                    text: "psiu".into(),
                    key: None,
                });
            }
            Step::Rename(session, name) => {
                room.do_send(Rename { session: id(session), name: Name::parse(name).unwrap() });
            }
            Step::Who(session) => room.do_send(Who { session: id(session) }),
            Step::Leave(session) => {
                room.do_send(Leave { session: id(session), reason: Reason::Asked });
                now.remove(session);
            }
            Step::Rush(count) => {
                for _ in 0..*count {
                    last_id += 1;
                    house.join(last_id, &format!("p{last_id}"));
                    house.settle().await;
                    if last_id % 3 == 0 {
                        room.do_send(Leave { session: SessionId(last_id), reason: Reason::Lost });
                    }
                }
            }
            Step::Pause => house.settle().await,
        }
    }
    house.settle().await;
    house.rest().await;
    (house.notes.take(), house.events.take())
}

#[actix_rt::test]
async fn after_a_shutdown_nobody_is_told_of_everybodys_departure() {
    let house = House::open(true);
    for id in 1..=3 {
        house.join(id, &format!("p{id}"));
    }
    house.room.send(Shutdown).await.unwrap();
    for id in 1..=3 {
        house.room.do_send(Leave { session: SessionId(id), reason: Reason::Shutdown });
    }
    house.settle().await;
    for id in 1..=3 {
        assert_eq!(house.notes.borrow()[&SessionId(id)].notes.last(), Some(&Note::Farewell));
    }
    assert!(house.events.borrow().values().all(|event| matches!(event, EventKind::Joined { .. })));
}

#[test]
fn in_a_rush_notices_wait_for_each_other_and_never_a_message_for_them() {
    with_a_still_clock(async {
        let house = House::open(true);
        house.join(1, "Ana");
        house.settle().await;
        let told = |id| house.notes.borrow()[&SessionId(id)].notes.len();
        for id in 2..=300 {
            house.join(id, &format!("p{id}"));
            house.settle().await;
        }
        // the first at once: twenty thousand lines for all who read them
        let (events, turns) = (house.events.borrow().len(), *house.turns.borrow());
        assert_eq!(events, 200);
        // a newcomer is welcomed at once, and is not told of those who were there already
        assert_eq!(told(300), 1);
        assert_eq!(told(1), 1 + 200);
        // a message waits for nothing, and what was held comes before it
        house.say(SessionId(1), Manner::Says);
        house.settle().await;
        assert_eq!((house.events.borrow().len(), *house.turns.borrow()), (301, turns + 1));
        assert_eq!(told(300), 1 + 2);
        // nothing is held for long: 50 µs for each line of the last notices
        house.join(301, "p301");
        house.settle().await;
        assert_eq!(house.events.borrow().len(), 301);
        let held_at = Instant::now();
        while house.events.borrow().len() < 302 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(held_at.elapsed() <= Duration::from_millis(17), "{:?}", held_at.elapsed());
        // afterwards everything is as before
        house.rest().await;
        house.join(302, "p302");
        house.settle().await;
        assert_eq!(house.events.borrow().len(), 303);
        for (id, notes) in &*house.notes.borrow() {
            if *id != SessionId(0) {
                check(*id, &notes.notes, &house.events.borrow());
            }
        }
    });
}

#[test]
fn no_more_notices_are_held_than_fit_into_a_turn() {
    with_a_still_clock(async {
        let house = House::open(true);
        for id in 1..=600 {
            house.join(id, &format!("p{id}"));
            house.settle().await;
        }
        assert_eq!(house.events.borrow().len(), 200 + 256);
        house.room.send(Shutdown).await.unwrap();
        house.settle().await;
        assert_eq!(house.events.borrow().len(), 600);
    });
}

#[actix_rt::test]
async fn a_hub_that_is_behind_is_not_buried() {
    let house = House::open(false);
    house.join(1, "Ana");
    for _ in 0..20 {
        house.say(SessionId(1), Manner::Says);
        house.settle().await;
    }
    assert_eq!(*house.turns.borrow(), 8);
    // as soon as it catches up, it gets the rest, and nothing is lost
    while house.events.borrow().len() < 21 {
        house.room.do_send(Delivered { hub: HubId(0), awaits: None });
        house.settle().await;
    }
    assert!((1..=21).all(|seq| house.events.borrow().contains_key(&seq)));
}

#[actix_rt::test]
async fn a_probe_comes_back_well_while_the_room_and_its_hub_serve() {
    let house = House::open(true);
    assert!(house.room.send(HealthProbe).await.unwrap());
    house.room.send(Shutdown).await.unwrap();
    assert!(!house.room.send(HealthProbe).await.unwrap());
    // this hub says that it does not
    assert!(!House::open(false).room.send(HealthProbe).await.unwrap());
}

#[actix_rt::test]
async fn a_turn_holds_no_more_than_64_kib_and_a_line() {
    let house = House::open(true);
    house.join(1, "Ana");
    house.settle().await;
    let before = *house.turns.borrow();
    for _ in 0..64 {
        let text = format!("1 {}", "x".repeat(4000)).as_str().into();
        house.room.do_send(Broadcast { session: SessionId(1), manner: Manner::Says, text, key: None });
    }
    house.settle().await;
    assert!(*house.turns.borrow() - before >= 3, "{}", house.turns.borrow());
}

#[actix_rt::test]
async fn a_whisper_is_acknowledged_when_it_is_kept_or_will_not_be() {
    let directory = tempfile::tempdir().unwrap();
    // it reports to nobody: this test does
    let (journal, opened) = Journal::open(directory.path(), Options::default(), |_| {}).unwrap();
    let house = House::with(ChatRoom::default().with_journal(journal, &opened, Past::default()), true);
    house.join(1, "Ana");
    house.join(2, "Beto");
    let proof = Token::new([7; TOKEN_BYTES]).proof();
    let whisper = |id: Option<&str>| {
        let (to, text) = (To::Name(Name::parse("Beto").unwrap()), "psiu".into());
        house.room.do_send(Whisper {
            session: SessionId(1),
            origin: loopback(),
            to,
            text,
            key: id.map(|id| MessageKey::new(&proof, id)),
        });
    };
    let answers = || {
        let notes = house.notes.borrow()[&SessionId(1)].notes.clone();
        notes
            .into_iter()
            .filter(|note| matches!(note, Note::Answered(None | Some(Answer::NotKept))))
            .collect::<Vec<_>>()
    };
    let written = |ticket| JournalReport(Report::Written { up_to_seq: 2, up_to: Ticket(ticket) });
    house.settle().await;
    // a person does not send it again
    whisper(None);
    house.settle().await;
    assert_eq!(answers(), [Note::Answered(None)]);
    whisper(Some("w1"));
    house.settle().await;
    house.room.do_send(written(3));
    house.settle().await;
    assert_eq!(answers().len(), 1);
    house.room.do_send(written(4));
    house.settle().await;
    assert_eq!(answers().len(), 2);
    // nothing is to be written for what is known
    whisper(Some("w1"));
    house.settle().await;
    assert_eq!(answers()[2..], [Note::Answered(None)]);
    whisper(Some("w2"));
    house.settle().await;
    assert_eq!(answers().len(), 3);
    house.room.do_send(JournalReport(Report::Failed { why: Failure::DiskFull }));
    whisper(Some("w3"));
    house.settle().await;
    assert_eq!(answers()[3..], [Note::Answered(Some(Answer::NotKept)), Note::Answered(Some(Answer::NotKept))]);
    house.room.do_send(JournalReport(Report::Recovered { lost: Lost::default() }));
    whisper(Some("w4"));
    house.settle().await;
    house.room.do_send(written(7));
    house.settle().await;
    assert_eq!(answers()[5..], [Note::Answered(None)]);
    let got = house.notes.borrow()[&SessionId(2)].notes.iter().filter(|note| matches!(note, Note::Whisper(_))).count();
    assert_eq!(got, 5);
}

const SLOW: Answer = Answer::JournalFailed(DiskTrouble::Slow);
const WRITTEN: Answer = Answer::JournalRecovered { events: 0, whispers: 0 };

/// Two members of a room whose journal reports to nobody, so that the test does; and what the first one whispers to the other.
struct Whisperers {
    house: House,
    _directory: tempfile::TempDir,
}

impl Whisperers {
    fn new() -> Whisperers {
        let directory = tempfile::tempdir().unwrap();
        let (journal, opened) = Journal::open(directory.path(), Options::default(), |_| {}).unwrap();
        let house = House::with(ChatRoom::default().with_journal(journal, &opened, Past::default()), true);
        house.join(1, "Ana");
        house.join(2, "Beto");
        Whisperers { house, _directory: directory }
    }

    async fn whisper(&self, id: &str) {
        let (to, text) = (To::Name(Name::parse("Beto").unwrap()), "psiu".into());
        let key = Some(MessageKey::new(&Token::new([7; TOKEN_BYTES]).proof(), id));
        self.house.room.do_send(Whisper { session: SessionId(1), origin: loopback(), to, text, key });
        self.house.settle().await;
    }

    async fn report(&self, report: Report) {
        self.house.room.do_send(JournalReport(report));
        self.house.settle().await;
    }

    /// What the other one was told of the journal.
    fn news(&self) -> Vec<Answer> {
        self.house.notes.borrow()[&SessionId(2)].told.clone()
    }

    /// How they were answered: whether they are kept.
    fn answers(&self) -> Vec<bool> {
        let notes = &self.house.notes.borrow()[&SessionId(1)].notes;
        let is_kept = |note: &Note| match note {
            Note::Answered(None) => Some(true),
            Note::Answered(Some(Answer::NotKept)) => Some(false),
            _ => None,
        };
        notes.iter().filter_map(is_kept).collect()
    }
}

#[test]
fn a_disk_that_does_not_answer_holds_up_nobody_who_whispers() {
    with_a_still_clock(async {
        let people = Whisperers::new();
        people.whisper("w1").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        people.whisper("w2").await;
        assert!(people.answers().is_empty() && people.news().is_empty());
        tokio::time::sleep(Duration::from_secs(3)).await;
        // nobody waits any longer, and everybody knows
        assert_eq!(people.answers(), [false, false]);
        assert_eq!(people.news(), [SLOW]);
        people.whisper("w3").await;
        assert_eq!(people.answers(), [false; 3]);
        // that nothing more is written is no news
        people.report(Report::Written { up_to_seq: 2, up_to: Ticket(0) }).await;
        people.house.rest().await;
        people.whisper("w4").await;
        assert_eq!((people.answers(), people.news()), (vec![false; 4], vec![SLOW]));
        // nobody is answered twice, and from now on it is worth waiting again
        people.report(Report::Written { up_to_seq: 2, up_to: Ticket(6) }).await;
        assert_eq!((people.answers(), people.news()), (vec![false; 4], vec![SLOW, WRITTEN]));
        people.whisper("w1").await;
        assert_eq!(people.answers()[4..], [true]);
        people.whisper("w5").await;
        assert_eq!(people.answers().len(), 5);
        people.report(Report::Written { up_to_seq: 2, up_to: Ticket(7) }).await;
        assert_eq!(people.answers()[5..], [true]);
        people.house.rest().await;
        assert_eq!(people.news().len(), 2);
    });
}

#[test]
fn a_disk_that_answers_slowly_has_not_failed() {
    with_a_still_clock(async {
        let people = Whisperers::new();
        for id in ["w1", "w2", "w3"] {
            people.whisper(id).await;
        }
        for ticket in [3, 4] {
            tokio::time::sleep(Duration::from_secs(3)).await;
            people.report(Report::Written { up_to_seq: 2, up_to: Ticket(ticket) }).await;
        }
        // one is kept in time, the others wait no longer, and that is all there is to say
        assert_eq!(people.answers(), [true, false, false]);
        people.whisper("w4").await;
        assert_eq!((people.answers().len(), people.news()), (3, vec![]));
        people.report(Report::Written { up_to_seq: 2, up_to: Ticket(6) }).await;
        assert_eq!(people.answers()[3..], [true]);
    });
}

#[test]
fn a_disk_that_does_not_answer_and_then_fails_is_told_of_once() {
    with_a_still_clock(async {
        let people = Whisperers::new();
        people.whisper("w1").await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        people.report(Report::Failed { why: Failure::TooSlow }).await;
        people.whisper("w2").await;
        assert_eq!((people.answers(), people.news()), (vec![false; 2], vec![SLOW]));
        people.report(Report::Recovered { lost: Lost::default() }).await;
        people.report(Report::Written { up_to_seq: 2, up_to: Ticket(4) }).await;
        assert_eq!(people.news(), [SLOW, WRITTEN]);
        people.whisper("w1").await;
        assert_eq!(people.answers()[2..], [true]);
    });
}

#[actix_rt::test]
async fn a_whisper_that_the_journal_has_lost_is_not_kept_when_it_is_sent_again() {
    let people = Whisperers::new();
    people.whisper("w1").await;
    people.report(Report::Written { up_to_seq: 2, up_to: Ticket(3) }).await;
    people.report(Report::Failed { why: Failure::DiskFull }).await;
    people.whisper("w2").await;
    people.whisper("w3").await;
    assert_eq!(people.answers(), [true, false, false]);
    let lost = Lost { tickets: Some(Ticket(4)..=Ticket(4)), events: None, whispers: 1 };
    people.report(Report::Recovered { lost }).await;
    people.report(Report::Written { up_to_seq: 2, up_to: Ticket(5) }).await;
    for id in ["w1", "w2", "w3"] {
        people.whisper(id).await;
    }
    assert_eq!(people.answers()[3..], [true, false, true]);
}

fn own_text(id: SessionId) -> CleanText {
    id.to_string().as_str().into()
}

fn check(id: SessionId, notes: &[Note], events: &HashMap<u64, EventKind>) {
    if !notes.iter().any(|note| matches!(note, Note::Answered(Some(Answer::Welcome(_))))) {
        assert!(notes.iter().all(|note| matches!(note, Note::Answered(Some(Answer::NameTaken(_))))), "{notes:?}");
        return;
    }
    assert!(matches!(notes[0], Note::Answered(Some(Answer::Welcome(_)))), "{id}: {notes:?}");
    let farewell = notes.iter().position(|note| *note == Note::Farewell);
    assert!(farewell.is_none_or(|at| at + 1 == notes.len()), "{id}: something follows the farewell: {notes:?}");

    let numbers: Vec<u64> =
        notes.iter().filter_map(|note| if let Note::Event(seq) = note { Some(*seq) } else { None }).collect();
    // from its own coming in to its farewell, or to the end: every event, once, in order; in a rush, somebody may be gone
    // before anybody is told
    let came = numbers.first().map(|first| &events[first]);
    assert!(matches!(came, Some(EventKind::Joined { .. })) || farewell.is_some(), "{id}: {notes:?}");
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{id}: {numbers:?}");
    if farewell.is_none() {
        assert_eq!(numbers.last(), events.keys().max(), "{id}");
    }
    for (at, note) in notes.iter().enumerate() {
        if let Note::Whisper(after) = note {
            let (before, behind) = notes.split_at(at);
            assert!(before.iter().all(|note| !matches!(note, Note::Event(seq) if seq > after)), "{id}: {notes:?}");
            assert!(behind.iter().all(|note| !matches!(note, Note::Event(seq) if seq <= after)), "{id}: {notes:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_member_gets_what_it_should_once_and_in_order(steps in steps()) {
        let (all, events) = with_a_still_clock(play(&steps));
        for (id, Notes { notes, .. }) in all.iter().filter(|(id, _)| **id != SessionId(0)) {
            check(*id, notes, &events);
        }
    }
}
