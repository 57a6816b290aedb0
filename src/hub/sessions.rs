//! The sessions of a thread, and the turns on their way to them.
//!
//! The sessions are in a list that is walked round and round while there is something to hand out. Whoever is next takes
//! everything that is new to it, in one piece. So a turn that comes in the middle of a walk goes out together with the one before
//! to all who have neither, and nobody waits for it until the others are done.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use crate::backlog::Backlog;
use crate::chat::registry::{SessionId, SessionMap};
use crate::session::Reader;
use crate::turn::Turn;

/// So many places are kept even if they are empty.
const MIN_PLACES: usize = 64;

/// The sessions of a thread.
#[derive(Default)]
pub(super) struct Sessions {
    list: Vec<Place>,
    places: SessionMap<usize>,
    /// What not everybody has taken.
    backlog: Backlog,
    /// The same turns: when they came, and when they are over.
    under_way: VecDeque<UnderWay>,
    /// The place in the list that is next.
    next: usize,
    /// How many places were visited, ever.
    steps: u64,
}

struct Place {
    session: SessionId,
    reader: Rc<dyn Reader>,
    /// The number of the first turn that it has not taken.
    untaken: u64,
}

/// Of a turn that is being handed out.
struct UnderWay {
    since: Instant,
    /// Everybody has it when so many places were visited.
    over_at: u64,
}

impl Sessions {
    pub(super) fn add(&mut self, session: SessionId, reader: Rc<dyn Reader>) {
        self.places.insert(session, self.list.len());
        // what has been said so far is not for somebody who comes now
        self.list.push(Place { session, reader, untaken: self.backlog.end() });
        // it is one more on the way round
        self.pending().for_each(|under_way| under_way.over_at += 1);
    }

    pub(super) fn get(&self, session: SessionId) -> Option<&dyn Reader> {
        self.places.get(&session).map(|place| &*self.list[*place].reader)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &dyn Reader> {
        self.list.iter().map(|place| &*place.reader)
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        let Some(place) = self.places.remove(&session) else { return };
        self.list.swap_remove(place);
        if let Some(moved) = self.list.get(place) {
            self.places.insert(moved.session, place);
        }
        if self.next >= self.list.len() {
            self.next = 0;
        }
        // whoever was moved may be behind the next place now: once more round, which for those who have everything costs nothing
        let over_at = self.steps + self.list.len() as u64;
        self.pending().for_each(|under_way| under_way.over_at = over_at);
        // a crowd that has left takes its memory with it
        if self.list.capacity() > MIN_PLACES.max(4 * self.list.len()) {
            self.list.shrink_to(2 * self.list.len());
            self.places.shrink_to(2 * self.list.len());
        }
    }

    /// The turns that the walk is for.
    fn pending(&mut self) -> impl Iterator<Item = &mut UnderWay> {
        let steps = self.steps;
        self.under_way.iter_mut().filter(move |under_way| under_way.over_at > steps)
    }

    /// Begins to hand out a turn. What is for some only, they have now: a whisper in a crowd disturbs nobody else.
    /// Returns how many lines were handed out.
    pub(super) fn begin(&mut self, turn: Arc<Turn>) -> usize {
        let about = turn.items().iter().enumerate().filter_map(|(at, item)| Some((item.session()?, at)));
        let own = about.filter(|(session, _)| self.places.contains_key(session)).collect();
        let is_for_all = turn.is_for_all();
        let over_at = if is_for_all { self.steps + self.list.len() as u64 } else { self.steps };
        self.backlog.push(Arc::clone(&turn), own);
        self.under_way.push_back(UnderWay { since: Instant::now(), over_at });
        let mut deliveries = 0;
        if !is_for_all {
            // in the order in which it happened: a whisper is there before its author is told so
            for item in turn.items() {
                let place = item.session().and_then(|session| self.places.get(&session).copied());
                deliveries += place.and_then(|place| self.visit(place)).unwrap_or(0);
            }
        }
        deliveries
    }

    /// Goes on until so many have taken something, or everybody has everything. Returns how many lines were handed out.
    pub(super) fn walk(&mut self, most: usize) -> usize {
        let over_at = self.under_way.iter().map(|under_way| under_way.over_at).max().unwrap_or(0);
        let (mut visited, mut deliveries) = (0, 0);
        while self.steps < over_at && visited < most {
            let new = self.visit(self.next);
            visited += usize::from(new.is_some());
            deliveries += new.unwrap_or(0);
            self.steps += 1;
            self.next = (self.next + 1) % self.list.len();
        }
        deliveries
    }

    /// Takes out the oldest turn if everybody has it, and when it came.
    pub(super) fn next_over(&mut self) -> Option<(Arc<Turn>, Instant)> {
        if self.under_way.front()?.over_at > self.steps {
            return None;
        }
        let UnderWay { since, .. } = self.under_way.pop_front()?;
        Some((self.backlog.pop()?, since))
    }

    /// Whether everybody has everything.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Has the session in this place take everything that is new to it, if anything is. Returns how many lines that were.
    fn visit(&mut self, place: usize) -> Option<usize> {
        let Place { session, reader, untaken } = &mut self.list[place];
        let mut news = self.backlog.news(*session, *untaken)?;
        let taken = reader.take(&mut news);
        *untaken = self.backlog.end();
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::ops::RangeInclusive;
    use std::time::SystemTime;

    use crate::backlog::News;
    use crate::chat::event::{Event, EventKind};
    use crate::chat::name::Name;
    use crate::turn::{Item, Private};
    use proptest::prelude::*;

    /// Remembers which turns it took, and how many items of each were about it.
    #[derive(Default)]
    struct Taker(RefCell<Vec<Vec<(u64, usize)>>>);

    impl Reader for Taker {
        fn take(&self, news: &mut News<'_>) -> usize {
            let taken: Vec<_> = news.parts().map(|part| (part.turn.written_up_to(), part.own.len())).collect();
            let count = taken.len();
            self.0.borrow_mut().push(taken);
            count
        }
        fn acknowledge(&self, _: &RangeInclusive<u64>, _: bool) {}
        fn wants_acknowledgements(&self) -> bool {
            false
        }
        fn hold(&self) -> bool {
            false
        }
        fn release(&self) {}
        fn evict(&self) {}
        fn owed(&self) -> usize {
            0
        }
        fn cut(&self) {}
        fn shut_down(&self) {}
    }

    /// A turn, known by its number, for all or for nobody, with items about these sessions.
    fn turn(number: u64, is_for_all: bool, about: &[u64]) -> Arc<Turn> {
        let kind = EventKind::Joined { name: Name::parse("Ana").unwrap() };
        let event = Event { seq: number, at: SystemTime::UNIX_EPOCH, kind };
        let event = is_for_all.then(|| Item::Event { event: Arc::new(event), author: None });
        let private = about.iter().map(|session| Item::To(SessionId(*session), Private::Farewell));
        Arc::new(Turn::new(event.into_iter().chain(private).collect(), number))
    }

    /// So many sessions, with ids from 0.
    fn crowd(count: usize) -> (Sessions, Vec<Rc<Taker>>) {
        let mut sessions = Sessions::default();
        let takers: Vec<Rc<Taker>> = (0..count).map(|_| Rc::default()).collect();
        (0..).zip(&takers).for_each(|(id, taker)| sessions.add(SessionId(id), Rc::clone(taker) as Rc<dyn Reader>));
        (sessions, takers)
    }

    #[test]
    fn what_is_said_in_the_middle_of_a_walk_goes_out_with_the_rest() {
        let (mut sessions, takers) = crowd(4);
        sessions.begin(turn(1, true, &[]));
        assert_eq!((sessions.walk(2), sessions.next_over().is_none()), (2, true));
        sessions.begin(turn(2, true, &[3]));
        assert_eq!(sessions.walk(2), 4);
        assert_eq!(sessions.next_over().map(|(turn, _)| turn.written_up_to()), Some(1));
        assert_eq!((sessions.next_over().is_none(), sessions.walk(9)), (true, 2));
        assert!(sessions.next_over().is_some() && sessions.is_idle());
        let taken = |of: usize| takers[of].0.borrow().clone();
        assert_eq!((taken(0), taken(1)), (vec![vec![(1, 0)], vec![(2, 0)]], vec![vec![(1, 0)], vec![(2, 0)]]));
        assert_eq!((taken(2), taken(3)), (vec![vec![(1, 0), (2, 0)]], vec![vec![(1, 0), (2, 1)]]));
    }

    #[test]
    fn a_whisper_does_not_wait_for_a_walk_but_is_not_over_before_what_was_said_before() {
        let (mut sessions, takers) = crowd(3);
        sessions.begin(turn(1, true, &[]));
        sessions.walk(1);
        assert_eq!(sessions.begin(turn(2, false, &[2, 77])), 2);
        assert_eq!(*takers[2].0.borrow(), [[(1, 0), (2, 1)]]);
        assert!(sessions.next_over().is_none());
        assert_eq!(sessions.walk(9), 2);
        let over: Vec<u64> =
            std::iter::from_fn(|| sessions.next_over()).map(|(turn, _)| turn.written_up_to()).collect();
        assert_eq!(over, [1, 2]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Come,
        Go(prop::sample::Index),
        Happen(bool, Vec<prop::sample::Index>),
        Walk(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let about = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
        prop_oneof![
            3 => Just(Step::Come),
            2 => any::<prop::sample::Index>().prop_map(Step::Go),
            3 => (prop::bool::weighted(0.7), about).prop_map(|(is_for_all, about)| Step::Happen(is_for_all, about)),
            4 => (0..5_usize).prop_map(Step::Walk),
        ]
    }

    proptest! {
        #[test]
        fn everybody_takes_every_turn_once_and_in_order(steps in prop::collection::vec(step(), 0..120)) {
            let mut sessions = Sessions::default();
            // who is there, from which turn on, and what each is to take
            let mut there: BTreeMap<u64, (Rc<Taker>, u64)> = BTreeMap::new();
            let (mut ids, mut numbers, mut over) = (0, 0, 0);
            let mut about: BTreeMap<(u64, u64), usize> = BTreeMap::new();
            let mut for_all = Vec::new();
            for step in steps.into_iter().chain([Step::Walk(usize::MAX)]) {
                match step {
                    Step::Come => {
                        ids += 1;
                        let taker = Rc::<Taker>::default();
                        sessions.add(SessionId(ids), Rc::clone(&taker) as Rc<dyn Reader>);
                        there.insert(ids, (taker, numbers));
                    }
                    Step::Go(index) if !there.is_empty() => {
                        let id = *index.get(&there.keys().copied().collect::<Vec<_>>());
                        sessions.remove(SessionId(id));
                        there.remove(&id);
                    }
                    Step::Go(_) => {}
                    Step::Happen(is_for_all, indexes) => {
                        numbers += 1;
                        let known: Vec<u64> = there.keys().copied().chain([999]).collect();
                        let whom: Vec<u64> = indexes.iter().map(|index| *index.get(&known)).collect();
                        whom.iter().for_each(|id| *about.entry((*id, numbers)).or_default() += 1);
                        if is_for_all {
                            for_all.push(numbers);
                        }
                        sessions.begin(turn(numbers, is_for_all, &whom));
                    }
                    Step::Walk(most) => drop(sessions.walk(most)),
                }
                while let Some((turn, _)) = sessions.next_over() {
                    over += 1;
                    prop_assert_eq!(turn.written_up_to(), over);
                    let has = |taker: &Taker| taker.0.borrow().concat().iter().any(|(number, _)| *number == over);
                    if for_all.contains(&over) {
                        prop_assert!(there.values().all(|(taker, since)| *since >= over || has(taker)));
                    }
                }
            }
            prop_assert!(sessions.is_idle() && over == numbers);
            for (id, (taker, since)) in &there {
                let taken = taker.0.borrow().concat();
                prop_assert!(taken.is_sorted_by(|(one, _), (next, _)| one < next) && taken.iter().all(|(number, _)| number > since));
                // what is for others only is taken or not, and is nothing
                let told = |number: u64| about.get(&(*id, number)).copied().unwrap_or(0);
                let must = |number: &u64| for_all.contains(number) || told(*number) > 0;
                let expected: Vec<_> = (since + 1..=numbers).filter(must).map(|number| (number, told(number))).collect();
                let of_mine: Vec<_> = taken.into_iter().filter(|(number, _)| must(number)).collect();
                prop_assert_eq!(of_mine, expected);
            }
        }
    }
}
