//! The room alone, with members that only take notes: every one gets exactly what it should, once, in one order.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use actix::prelude::*;
use papo::chat::answer::Answer;
use papo::chat::event::{EventKind, Reason};
use papo::chat::hygiene::CleanText;
use papo::chat::name::Name;
use papo::chat::registry::SessionId;
use papo::room::{Broadcast, ChatRoom, Deliver, Join, Leave, Manner, Rename, Shutdown, To, Whisper, Who};
use proptest::prelude::*;

/// What a member got, one by one.
#[derive(Debug, Clone, PartialEq)]
enum Note {
    /// An event, by its number.
    Event(u64),
    /// A whisper after this event.
    Whisper(u64),
    Answer(Answer),
    Done,
    Farewell,
}

struct Member {
    id: SessionId,
    notes: Rc<RefCell<Vec<Note>>>,
    events: Rc<RefCell<HashMap<u64, EventKind>>>,
}

impl Member {
    /// Whether this event must be marked as the member's own doing. What is said here is the speaker's id; and of all
    /// people who come in, a member's own coming in is the first event that it gets.
    fn is_own(&self, event: &EventKind) -> bool {
        match event {
            EventKind::Said { text, .. } | EventKind::Acted { text, .. } => text.as_str() == self.id.to_string(),
            EventKind::Joined { .. } => self.notes.borrow().len() == 2,
            EventKind::Renamed { .. } | EventKind::Left { .. } => false,
        }
    }
}

impl Actor for Member {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Member {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, _: &mut Context<Self>) {
        match deliver {
            Deliver::Turn { turn, from } => {
                for published in turn[from..].iter() {
                    let event = published.event.event();
                    let before = self.events.borrow_mut().insert(event.seq, event.kind.clone());
                    assert!(before.is_none_or(|before| before == event.kind));
                    // an event of one's own is marked, so that a session can leave out the echo
                    assert_eq!(published.author == Some(self.id), self.is_own(&event.kind));
                    self.notes.borrow_mut().push(Note::Event(event.seq));
                }
            }
            Deliver::Whispered(whispered) => self.notes.borrow_mut().push(Note::Whisper(whispered.after)),
            Deliver::Answer(answer) => self.notes.borrow_mut().push(Note::Answer(answer)),
            Deliver::Done => self.notes.borrow_mut().push(Note::Done),
            Deliver::Farewell => self.notes.borrow_mut().push(Note::Farewell),
        }
    }
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
        3 => Just(Step::Pause),
    ];
    prop::collection::vec(step, 1..60)
}

/// One membership: what its member noted.
struct Membership {
    notes: Rc<RefCell<Vec<Note>>>,
    _member: Addr<Member>,
}

/// Plays the steps and returns every membership with its session, and all events by number.
async fn play(steps: &[Step]) -> (Vec<(SessionId, Vec<Note>)>, HashMap<u64, EventKind>) {
    let room = ChatRoom::default().start();
    let events = Rc::new(RefCell::new(HashMap::new()));
    // a session that leaves and joins again is another session, as in life
    let mut now: HashMap<u64, SessionId> = HashMap::new();
    let mut all: Vec<(SessionId, Membership)> = Vec::new();
    let mut last_id = 0;
    for step in steps {
        let id = |session: &u64| now.get(session).copied().unwrap_or(SessionId(0));
        match step {
            Step::Join(session, name) => {
                if now.contains_key(session) {
                    continue;
                }
                last_id += 1;
                let id = SessionId(last_id);
                now.insert(*session, id);
                let notes = Rc::new(RefCell::new(Vec::new()));
                let member = Member { id, notes: Rc::clone(&notes), events: Rc::clone(&events) }.start();
                let recipient = member.clone().recipient();
                room.do_send(Join { session: id, name: Name::parse(name).unwrap(), recipient });
                all.push((id, Membership { notes, _member: member }));
            }
            Step::Say(session) => {
                room.do_send(Broadcast { session: id(session), manner: Manner::Says, text: own_text(id(session)) });
            }
            Step::Flood(session) => {
                for _ in 0..300 {
                    room.do_send(Broadcast { session: id(session), manner: Manner::Acts, text: own_text(id(session)) });
                }
            }
            Step::Whisper(session, name) => {
                let to = Name::parse(name).unwrap();
                room.do_send(Whisper { session: id(session), to: To::Name(to), text: "psiu".into() });
            }
            Step::Rename(session, name) => {
                room.do_send(Rename { session: id(session), name: Name::parse(name).unwrap() });
            }
            Step::Who(session) => room.do_send(Who { session: id(session) }),
            Step::Leave(session) => {
                room.do_send(Leave { session: id(session), reason: Reason::Asked });
                now.remove(session);
            }
            Step::Pause => settle(&room).await,
        }
    }
    settle(&room).await;
    let all = all.into_iter().map(|(id, membership)| (id, membership.notes.borrow().clone())).collect();
    let events = events.borrow().clone();
    (all, events)
}

/// Waits until the room has handled everything and every member has taken its notes.
async fn settle(room: &Addr<ChatRoom>) {
    room.send(Who { session: SessionId(0) }).await.unwrap();
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

#[actix_rt::test]
async fn after_a_shutdown_nobody_is_told_of_everybodys_departure() {
    let room = ChatRoom::default().start();
    let events = Rc::new(RefCell::new(HashMap::new()));
    let mut members = Vec::new();
    for id in 1..=3 {
        let notes = Rc::new(RefCell::new(Vec::new()));
        let member = Member { id: SessionId(id), notes: Rc::clone(&notes), events: Rc::clone(&events) }.start();
        let name = Name::parse(&format!("p{id}")).unwrap();
        room.do_send(Join { session: SessionId(id), name, recipient: member.recipient() });
        members.push(notes);
    }
    room.send(Shutdown).await.unwrap();
    for id in 1..=3 {
        room.do_send(Leave { session: SessionId(id), reason: Reason::Shutdown });
    }
    settle(&room).await;
    for notes in members {
        assert_eq!(notes.borrow().last(), Some(&Note::Farewell));
    }
    assert!(events.borrow().values().all(|event| matches!(event, EventKind::Joined { .. })));
}

fn own_text(id: SessionId) -> CleanText {
    id.to_string().as_str().into()
}

fn check(id: SessionId, notes: &[Note], events: &HashMap<u64, EventKind>) {
    if !notes.iter().any(|note| matches!(note, Note::Answer(Answer::Welcome { .. }))) {
        assert!(notes.iter().all(|note| matches!(note, Note::Answer(Answer::NameTaken(_)) | Note::Done)), "{notes:?}");
        return;
    }
    assert!(matches!(notes[0], Note::Answer(Answer::Welcome { .. })), "{id}: {notes:?}");
    assert_eq!(notes[1], Note::Done);
    let farewell = notes.iter().position(|note| *note == Note::Farewell);
    assert!(farewell.is_none_or(|at| at + 1 == notes.len()), "{id}: something follows the farewell: {notes:?}");

    let numbers: Vec<u64> =
        notes.iter().filter_map(|note| if let Note::Event(seq) = note { Some(*seq) } else { None }).collect();
    // from its own coming in to its farewell, or to the end: every event, once, in order
    assert!(matches!(events[&numbers[0]], EventKind::Joined { .. }), "{id}: {notes:?}");
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
        let (all, events) = actix_rt::System::new().block_on(play(&steps));
        for (id, notes) in &all {
            check(*id, notes, &events);
        }
    }
}
