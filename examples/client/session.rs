//! What this client knows of the conversation, whatever connections it takes: who it is, how far it has read, what is not
//! answered. What comes goes in, what a person should see comes out. It knows no socket, no screen and no clock.
//!
//! 1. What was shown is not shown again: events by their numbers, whispers by theirs, one's own lines because they were typed.
//! 2. What was missed is shown in one piece, behind a line that says how much it is. The room is asked who is there after each
//!    return; its answer comes behind all that was missed.
//! 3. What is not answered, and was not among what was missed, is asked again after each return.

use std::time::Instant;

use papo::chat::language::Language;
use papo::chat::name::Name;

use crate::outgoing::{NotTaken, Outgoing};
use crate::people::{self, People};
use crate::protocol::{Answer, Event, Happened, Join, Object, Place, Received, Request, Text, Welcome, Whispered};
use crate::target::Target;

/// The most that is kept of what was missed; a server that sends more is not waited for.
const MAX_MISSED: usize = 5000;

/// Something for the person to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A message or a notice.
    Event(Event),
    Whispered(Whispered),
    /// A sentence of the server.
    Answer(Text),
    /// Everybody who is there.
    People(Vec<Text>),
    /// What was said before.
    History(Vec<Event>),
    /// The same, and nothing has been said.
    NoHistory,
    /// What was looked for.
    Found(Vec<Event>),
    /// Back in the room; so many lines were missed and follow.
    Back {
        missed: usize,
    },
    /// Back in the room; not all that was missed is known any more.
    Gap,
    /// The server was killed, and does not know the last that was shown.
    Undone,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) language: Language,
    pub(crate) outgoing: Outgoing,
    pub(crate) people: People,
    pub(crate) max_line: usize,
    name: Text,
    place: Option<Place>,
    token: Option<String>,
    ignored: Vec<Name>,
    last_whisper: Option<Name>,
    target: Target,
    /// The target left; whoever has that name now is somebody else.
    has_target_left: bool,
    returning: Option<Return>,
    /// The id of the question who is there, which nobody typed.
    who: Option<String>,
}

/// What comes between a welcome to somebody who was here before and the answer to who is there.
#[derive(Debug)]
struct Return {
    /// All up to here has been missed.
    up_to: u64,
    has_gap: bool,
    is_undone: bool,
    shown: Vec<Shown>,
    missed: usize,
}

impl Session {
    /// `prefix` begins the ids of no other run of this program.
    pub(crate) fn new(prefix: String, language: Language) -> Session {
        Session {
            language,
            outgoing: Outgoing::new(prefix),
            people: People::default(),
            max_line: usize::MAX,
            name: Text::default(),
            place: None,
            token: None,
            ignored: Vec::new(),
            last_whisper: None,
            target: Target::Everybody,
            has_target_left: false,
            returning: None,
            who: None,
        }
    }

    /// Whether it has been in the room.
    pub(crate) fn has_been_in(&self) -> bool {
        self.place.is_some()
    }

    pub(crate) fn name(&self) -> &Text {
        &self.name
    }

    /// Who whispered last, and is still there.
    pub(crate) fn last_whisper(&self) -> Option<&Name> {
        self.last_whisper.as_ref()
    }

    /// To whom goes what does not say to whom.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// From now on it goes there.
    pub(crate) fn aim(&mut self, target: Target) {
        self.target = target;
        self.has_target_left = false;
    }

    /// Whom this would go to, as what is typed does now, if that person is not there any more.
    pub(crate) fn lost_target(&self, request: &Request) -> Option<&Name> {
        let Target::Person(target) = &self.target else { return None };
        let is_for_target = matches!(request, Request::Whisper { to, .. } if to == target.as_str());
        let is_gone = self.has_target_left || !self.people.is_here(target);
        (is_for_target && is_gone).then_some(target)
    }

    /// How to come in, or back, with this name if it has none yet.
    pub(crate) fn join(&self, name: &str, password: Option<String>) -> Request {
        Request::Join(Box::new(Join {
            name: if self.has_been_in() { self.name.as_str().to_owned() } else { name.to_owned() },
            lang: self.language.tag(),
            password,
            token: self.token.clone(),
            place: self.place.clone(),
            ignore: self.ignored.iter().map(|name| name.as_str().to_owned()).collect(),
        }))
    }

    /// Keeps what is asked until it is answered.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(crate) fn ask(&mut self, request: Request) -> Result<(), NotTaken> {
        self.outgoing.ask(request, self.max_line)
    }

    /// What must be sent now, in order: nothing as long as it is not known what was said before.
    pub(crate) fn due(&mut self) -> Vec<String> {
        if self.returning.is_some() { Vec::new() } else { self.outgoing.send().collect() }
    }

    /// The server lets this client in. What must be sent before all else, if there is something.
    pub(crate) fn welcome(&mut self, welcome: Welcome, shown: &mut Vec<Shown>) -> Option<String> {
        let Welcome { epoch, seq, token, whispers, resumed, gap, undone, name, others, more, message } = welcome;
        let (is_return, whispers) = (self.has_been_in(), whispers.unwrap_or(0));
        self.name = name;
        self.token = token;
        self.place = Some(match self.place.take() {
            // a server that was restarted counts whispers anew
            Some(place) => {
                let whispers = place.whispers.min(whispers);
                let seq = if resumed && place.epoch == epoch { place.seq } else { seq };
                Place { epoch, seq, whispers }
            }
            None => Place { epoch, seq, whispers },
        });
        if is_return {
            let (has_gap, is_undone) = (gap || !resumed, undone.is_some());
            self.returning = Some(Return { up_to: seq, has_gap, is_undone, shown: Vec::new(), missed: 0 });
        } else {
            self.people.are(&[others, vec![self.name.clone()]].concat());
            shown.push(Shown::Answer(message));
        }
        (is_return || more > 0).then(|| {
            let id = self.outgoing.new_id();
            let line = Request::Who.line(&id);
            self.who = Some(id);
            line
        })
    }

    /// Takes what comes from the room, and says what of it is to be seen.
    pub(crate) fn take(&mut self, received: Received, now: Instant, shown: &mut Vec<Shown>) {
        match received {
            Received::Event(event) => self.happen(event, now, shown),
            Received::Object(Object::Whispered(whispered)) => self.hear(whispered, shown),
            Received::Object(Object::Ack { id, seq }) => {
                if let (Some(place), Some(seq)) = (&mut self.place, seq) {
                    place.seq = place.seq.max(seq);
                }
                self.answered(id.as_deref());
            }
            Received::Object(Object::People { id, names }) => {
                if id.is_some() && id == self.who {
                    self.arrive(&names, now, shown);
                } else if self.answered(id.as_deref()).is_some() {
                    self.people.are(&names);
                    shown.push(Shown::People(names));
                }
            }
            Received::Object(Object::History { id, events }) => {
                let is_asked = self.answered(id.as_deref()).is_some();
                let history = if is_asked && events.is_empty() { Shown::NoHistory } else { Shown::History(events) };
                match &mut self.returning {
                    Some(returning) if !is_asked => returning.shown.push(history),
                    _ => shown.push(history),
                }
            }
            Received::Object(Object::Found { id, events }) => {
                if self.answered(id.as_deref()).is_some() {
                    shown.push(Shown::Found(events));
                }
            }
            Received::Object(Object::Pong(answer) | Object::Seen(answer)) => {
                if self.answered(answer.id.as_deref()).is_some() {
                    shown.push(Shown::Answer(answer.message));
                }
            }
            Received::Object(Object::Info(answer)) => self.inform(answer, shown),
            Received::Object(Object::Error(answer)) => {
                self.answered(answer.id.as_deref());
                shown.push(Shown::Answer(answer.message));
            }
            Received::Object(Object::Hello { .. } | Object::Welcome(_) | Object::Bye { .. })
            | Received::Unknown
            | Received::Line(_) => {}
        }
    }

    /// The connection is gone. What had come by then is shown.
    pub(crate) fn lose(&mut self, shown: &mut Vec<Shown>) {
        self.who = None;
        self.outgoing.lose();
        self.show_missed(shown);
    }

    fn answered(&mut self, id: Option<&str>) -> Option<Request> {
        self.outgoing.answered(id?).map(|asked| asked.request)
    }

    fn inform(&mut self, answer: Answer, shown: &mut Vec<Shown>) {
        match self.answered(answer.id.as_deref()) {
            Some(Request::Ignore { name }) => self.ignored.extend(Name::parse_addressed(&name)),
            Some(Request::Unignore { name }) => {
                let name = Name::parse_addressed(&name);
                self.ignored.retain(|ignored| Ok(ignored) != name.as_ref());
            }
            _ => {}
        }
        if let Some(language) = answer.lang.and_then(|tag| tag.parse().ok()) {
            self.language = language;
        }
        shown.push(Shown::Answer(answer.message));
    }

    fn happen(&mut self, event: Event, now: Instant, shown: &mut Vec<Shown>) {
        match &mut self.place {
            Some(place) if place.seq < event.seq => place.seq = event.seq,
            _ => return,
        }
        let is_own = |name: &Text| people::name(name).is_some_and(|name| Some(name) == people::name(&self.name));
        let is_shown = match &event.what {
            Happened::Said { from, text } => {
                !is_own(from) || !self.outgoing.comes_back(&Request::Say { text: text.as_str().to_owned() })
            }
            Happened::Acted { from, text } => {
                !is_own(from) || !self.outgoing.comes_back(&Request::Act { text: text.as_str().to_owned() })
            }
            Happened::Joined { name } => {
                let is_own = is_own(name);
                self.people.join(name, now) && !is_own
            }
            Happened::Left { name } => {
                let is_own = is_own(name);
                self.people.leave(name);
                let name = people::name(name);
                self.last_whisper.take_if(|last| name.as_ref() == Some(last));
                self.has_target_left |= matches!(&self.target, Target::Person(target) if name.as_ref() == Some(target));
                !is_own
            }
            Happened::Renamed { old, new } => {
                self.rename(old, new);
                true
            }
        };
        if !is_shown {
            return;
        }
        if self.returning.as_ref().is_some_and(|returning| returning.shown.len() >= MAX_MISSED)
            && let Some(returning) = self.returning.take()
        {
            returning.show(shown);
        }
        match &mut self.returning {
            Some(returning) => returning.miss(event.seq <= returning.up_to, Shown::Event(event)),
            None => shown.push(Shown::Event(event)),
        }
    }

    fn rename(&mut self, old: &Text, new: &Text) {
        let Some(before) = people::name(old) else { return };
        if people::name(&self.name).as_ref() == Some(&before) {
            self.name = new.clone();
        }
        self.people.rename(old, new);
        if let Some(new) = people::name(new) {
            let all = self.ignored.iter_mut().chain(&mut self.last_whisper);
            all.filter(|name| **name == before).for_each(|name| *name = new.clone());
            if matches!(&self.target, Target::Person(target) if *target == before && !self.has_target_left) {
                self.target = Target::Person(new);
            }
        }
    }

    fn hear(&mut self, whispered: Whispered, shown: &mut Vec<Shown>) {
        match (&mut self.place, whispered.number) {
            (Some(place), Some(number)) if number <= place.whispers => return,
            (Some(place), Some(number)) => place.whispers = number,
            _ => {}
        }
        match &mut self.returning {
            Some(returning) => returning.miss(true, Shown::Whispered(whispered)),
            None => {
                self.last_whisper = people::name(&whispered.from);
                shown.push(Shown::Whispered(whispered));
            }
        }
    }

    /// Shows what was missed, as far as it has come. A reply goes to the last whisper of it, if there is still somebody to get it.
    fn show_missed(&mut self, shown: &mut Vec<Shown>) {
        let Some(returning) = self.returning.take() else { return };
        let whispered = returning.shown.iter().rev().find_map(|shown| match shown {
            Shown::Whispered(whispered) => people::name(&whispered.from),
            _ => None,
        });
        if let Some(name) = whispered {
            self.last_whisper = self.people.find(&name).cloned();
        }
        returning.show(shown);
    }

    /// All that was missed has come.
    fn arrive(&mut self, names: &[Text], now: Instant, shown: &mut Vec<Shown>) {
        self.who = None;
        if self.returning.is_some() {
            self.people.are_again(names, now);
            self.outgoing.forget_seen();
            self.show_missed(shown);
        } else {
            self.people.are(names);
        }
    }
}

impl Return {
    fn miss(&mut self, was_missed: bool, shown: Shown) {
        self.missed += usize::from(was_missed);
        self.shown.push(shown);
    }

    fn show(self, shown: &mut Vec<Shown>) {
        if self.is_undone {
            shown.push(Shown::Undone);
        }
        shown.push(if self.has_gap { Shown::Gap } else { Shown::Back { missed: self.missed } });
        shown.extend(self.shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Reader {
        session: Session,
        now: Instant,
    }

    impl Reader {
        fn new() -> Reader {
            let mut reader = Reader { session: Session::new("p".into(), Language::English), now: Instant::now() };
            let lines =
                reader.welcomed(r#"{"epoch":"e","seq":10,"token":"t","whispers":0,"name":"Ana","others":["Beto"]}"#);
            assert_eq!(lines.0, None);
            reader
        }

        /// What is sent and what is shown.
        fn welcomed(&mut self, welcome: &str) -> (Option<String>, Vec<Shown>) {
            let mut shown = Vec::new();
            let line = self.session.welcome(serde_json::from_str(welcome).unwrap(), &mut shown);
            (line, shown)
        }

        fn takes(&mut self, object: &str) -> Vec<Shown> {
            let received = Received::read(object);
            assert!(!matches!(received, Received::Unknown | Received::Line(_)), "{object}");
            let mut shown = Vec::new();
            self.session.take(received, self.now, &mut shown);
            shown
        }

        fn says(&mut self, text: &str) {
            self.session.ask(Request::Say { text: text.into() }).unwrap();
            self.session.outgoing.send().for_each(drop);
        }

        fn loses(&mut self) -> Vec<Shown> {
            let mut shown = Vec::new();
            self.session.lose(&mut shown);
            shown
        }

        fn returns(&mut self, seq: u64, more: &str) -> String {
            let welcome = format!(r#"{{"epoch":"e","seq":{seq},"token":"t","name":"Ana","others":["Beto"]{more}}}"#);
            let (line, shown) = self.welcomed(&welcome);
            assert_eq!(shown, []);
            let who: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            assert_eq!(who["type"], "who");
            who["id"].as_str().unwrap().to_owned()
        }
    }

    fn said(seq: u64, from: &str, text: &str) -> String {
        format!(r#"{{"type":"said","seq":{seq},"from":"{from}","text":"{text}"}}"#)
    }

    /// What was said, with the name; other things by their kind.
    fn texts(shown: &[Shown]) -> Vec<String> {
        let text = |shown: &Shown| match shown {
            Shown::Event(Event { what: Happened::Said { from, text }, .. }) => format!("{from}: {text}"),
            Shown::Event(Event { what: Happened::Joined { name }, .. }) => format!("+{name}"),
            Shown::Event(Event { what: Happened::Left { name }, .. }) => format!("-{name}"),
            Shown::Whispered(whispered) => format!("{}> {}", whispered.from, whispered.text),
            Shown::Back { missed } => format!("back {missed}"),
            Shown::Gap => "gap".into(),
            Shown::History(events) => format!("history {}", events.len()),
            other => format!("{other:?}"),
        };
        shown.iter().map(text).collect()
    }

    #[test]
    fn what_was_missed_is_shown_in_one_piece_and_once() {
        let mut ana = Reader::new();
        assert_eq!(texts(&ana.takes(&said(12, "Beto", "a"))), ["Beto: a"]);
        assert_eq!(ana.takes(&said(12, "Beto", "a")), []);
        ana.loses();
        let who = ana.returns(14, r#","resumed":true,"whispers":1"#);
        for event in [said(12, "Beto", "a"), said(13, "Beto", "b"), said(14, "Beto", "c"), said(15, "Beto", "d")] {
            assert_eq!(ana.takes(&event), []);
        }
        assert_eq!(ana.takes(r#"{"type":"whispered","number":1,"from":"Beto","text":"w"}"#), []);
        // it has not been seen
        assert_eq!(ana.session.last_whisper(), None);
        let shown = ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Beto","Ana"]}}"#));
        assert_eq!(texts(&shown), ["back 3", "Beto: b", "Beto: c", "Beto: d", "Beto> w"]);
        assert_eq!(ana.session.last_whisper().map(Name::as_str), Some("Beto"));
        assert_eq!(ana.takes(r#"{"type":"whispered","number":1,"from":"Beto","text":"w"}"#), []);
        assert_eq!(texts(&ana.takes(&said(16, "Beto", "e"))), ["Beto: e"]);
        let Request::Join(join) = ana.session.join("", None) else { panic!() };
        assert_eq!(join.place, Some(Place { epoch: "e".into(), seq: 16, whispers: 1 }));
        assert_eq!((join.token.as_deref(), join.name.as_str()), (Some("t"), "Ana"));
    }

    #[test]
    fn what_had_come_when_a_return_fails_is_shown() {
        let mut ana = Reader::new();
        ana.returns(12, r#","resumed":true"#);
        ana.takes(&said(11, "Beto", "a"));
        assert_eq!(texts(&ana.loses()), ["back 1", "Beto: a"]);
        assert_eq!(ana.loses(), []);
    }

    #[test]
    fn a_server_that_was_killed_may_say_the_last_again() {
        let mut ana = Reader::new();
        assert_eq!(texts(&ana.takes(&said(12, "Beto", "a"))), ["Beto: a"]);
        let who = ana.returns(1_000_013, r#","resumed":true,"undone":12"#);
        ana.takes(&said(1_000_013, "Beto", "a"));
        let shown = ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Beto","Ana"]}}"#));
        assert_eq!(texts(&shown), ["Undone", "back 1", "Beto: a"]);
    }

    #[test]
    fn a_gap_is_told_and_the_page_behind_it_shown() {
        for more in [r#","gap":true"#, ""] {
            let mut ana = Reader::new();
            let who = ana.returns(5000, more);
            assert_eq!(ana.takes(&format!(r#"{{"type":"history","events":[{}]}}"#, said(4999, "Beto", "z"))), []);
            let shown = ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Beto","Ana"]}}"#));
            assert_eq!(texts(&shown), ["gap", "history 1"]);
            assert_eq!(texts(&ana.takes(&said(5001, "Beto", "a"))), ["Beto: a"]);
        }
    }

    #[test]
    fn own_lines_were_typed_and_are_not_shown_again() {
        let mut ana = Reader::new();
        for text in ["x", "x", "y"] {
            ana.says(text);
        }
        ana.loses();
        ana.session.ask(Request::Say { text: "nunca enviado".into() }).unwrap();
        let who = ana.returns(14, r#","resumed":true"#);
        assert_eq!(ana.session.due(), Vec::<String>::new());
        for event in [said(12, "Ana", "x"), said(13, "Ana", "x"), said(14, "Ana", "x")] {
            ana.takes(&event);
        }
        let shown = ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Ana"]}}"#));
        // the third one is of another client that is the same member
        assert_eq!(texts(&shown), ["back 1", "Ana: x"]);
        // what was said need not be said again
        let due = ana.session.due();
        assert_eq!(due.len(), 2);
        assert!(due[0].contains(r#""text":"y","id":"p-3""#) && due[1].contains("nunca enviado"), "{due:?}");
        assert_eq!(ana.takes(r#"{"type":"ack","id":"p-3","seq":15}"#), []);
        assert_eq!(ana.session.outgoing.len(), 1);
    }

    #[test]
    fn errors_are_answers() {
        let mut ana = Reader::new();
        ana.says("x");
        let shown = ana.takes(r#"{"type":"error","id":"p-1","code":"not_found","message":"!"}"#);
        assert_eq!((shown, ana.session.outgoing.len()), (vec![Shown::Answer("!".into())], 0));
    }

    #[test]
    fn a_restart_is_not_told_person_by_person() {
        let mut ana = Reader::new();
        ana.loses();
        let who = ana.returns(10, r#","resumed":true,"whispers":0"#);
        ana.takes(r#"{"type":"joined","seq":11,"name":"Eva","message":"x"}"#);
        let shown = ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Ana","Eva"]}}"#));
        assert_eq!(texts(&shown), ["back 0", "+Eva"]);
        assert_eq!(ana.takes(r#"{"type":"joined","seq":13,"name":"Beto","message":"x"}"#), []);
        let left = r#"{"type":"left","seq":14,"name":"Beto","reason":"asked","message":"x"}"#;
        assert_eq!(texts(&ana.takes(left)), ["-Beto"]);
        assert_eq!(texts(&ana.takes(r#"{"type":"joined","seq":15,"name":"Beto","message":"x"}"#)), ["+Beto"]);
    }

    #[test]
    fn whispers_are_counted_anew_after_a_restart() {
        let mut ana = Reader::new();
        let whisper = |number: u64| format!(r#"{{"type":"whispered","number":{number},"from":"Beto","text":"w"}}"#);
        assert_eq!(ana.takes(&whisper(1)).len() + ana.takes(&whisper(2)).len(), 2);
        let who = ana.returns(10, r#","resumed":true,"whispers":0"#);
        ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":[]}}"#));
        assert_eq!(ana.takes(&whisper(1)).len(), 1);
    }

    #[test]
    fn names_follow_those_who_change_them() {
        let mut ana = Reader::new();
        ana.session.ask(Request::Ignore { name: "Zeca".into() }).unwrap();
        ana.takes(r#"{"type":"info","id":"p-1","code":"ignoring","message":"x"}"#);
        ana.takes(r#"{"type":"whispered","number":1,"from":"Beto","text":"w"}"#);
        for (seq, old, new) in [(12, "Zeca", "Zico"), (13, "Beto", "Bia"), (14, "Ana", "Eva")] {
            let renamed = format!(r#"{{"type":"renamed","seq":{seq},"old":"{old}","new":"{new}","message":"x"}}"#);
            assert_eq!(ana.takes(&renamed).len(), 1);
        }
        let Request::Join(join) = ana.session.join("", None) else { panic!() };
        assert_eq!((join.name.as_str(), join.ignore), ("Eva", vec!["Zico".to_owned()]));
        assert_eq!(ana.session.last_whisper().map(Name::as_str), Some("Bia"));
        ana.takes(r#"{"type":"left","seq":15,"name":"bia","reason":"asked","message":"x"}"#);
        assert_eq!(ana.session.last_whisper(), None);
    }

    proptest! {
        /// However a connection is cut, and whatever of it comes twice: each event is shown once and in its order.
        #[test]
        fn every_event_once_and_in_order(cuts in prop::collection::vec((0..20_u64, 0..10_u64), 1..20)) {
            let mut ana = Reader::new();
            let (mut last, mut read, mut shown) = (10, 10, Vec::new());
            for (happen, arrive) in cuts {
                last += happen;
                let who = ana.returns(last, r#","resumed":true"#);
                // the server begins where the client said, or earlier
                for seq in read.max(12) - 1..=(read + arrive).min(last) {
                    shown.extend(ana.takes(&said(seq, "Beto", &seq.to_string())));
                    read = read.max(seq);
                }
                if arrive % 2 == 0 {
                    shown.extend(ana.takes(&format!(r#"{{"type":"people","id":"{who}","names":["Beto"]}}"#)));
                }
                shown.extend(ana.loses());
            }
            let numbers: Vec<String> = texts(&shown).into_iter().filter(|text| text.contains(':')).collect();
            let expected: Vec<String> = (11..=read).map(|seq| format!("Beto: {seq}")).collect();
            prop_assert_eq!(numbers, expected);
        }
    }
}
