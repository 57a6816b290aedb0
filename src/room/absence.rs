//! Members that can prove who they are, and may come back when their connection is lost: who they are, and until when.
//!
//! How many may be away is bounded, for each address and in all, so that nobody can have names reserved without end: each of them
//! costs others a name, and memory.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::addresses::{Crowds, Origin};
use crate::chat::event::Reason;
use crate::chat::registry::{SessionId, SessionMap};
use crate::chat::token::Proof;
use crate::journal::Recipient;

/// The most members that are away. With more, the address that most of them come from loses the one that is away longest.
pub(super) const MAX_AWAY: usize = 4096;

/// How long somebody may come back, and how many may.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the others are told that they left.
    pub(super) grace: Duration,
    /// Until the name is free. Zero: nobody can come back.
    pub(super) window: Duration,
    /// The most who are away.
    pub(super) max_away: usize,
    /// The most of them of one address that is not exempt; 0: any number.
    pub(super) max_of_address: usize,
}

impl Patience {
    /// With nobody.
    pub(super) const NONE: Patience =
        Patience { grace: Duration::ZERO, window: Duration::ZERO, max_away: MAX_AWAY, max_of_address: 0 };
}

/// Those members. Each is known by the session that it is, or was last.
#[derive(Debug, Default)]
pub(super) struct Absence {
    by_proof: HashMap<Proof, SessionId>,
    members: SessionMap<Resumable>,
    /// Who is lost, the longest first.
    lost: BTreeSet<(Instant, SessionId)>,
    /// Who is gone, the longest first.
    gone: BTreeSet<(Instant, SessionId)>,
    /// All of these, by where they were.
    away: Crowds,
}

/// A member that can prove who it is.
#[derive(Debug)]
struct Resumable {
    proof: Proof,
    origin: Origin,
    state: State,
    /// How many whispers there were to it.
    whispers: u64,
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Connected, as far as is known.
    Present,
    /// Not, and nobody has been told.
    Lost { since: Instant, reason: Reason },
    /// Not, and everybody has been told.
    Gone { since: Instant },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The others must be told that this one left, and why.
    Tell(SessionId, Reason),
    /// The same, and the name must be free.
    TellAndFree(SessionId, Reason),
    /// The name of this one, who had this proof, must be free.
    Free(SessionId, Proof),
}

impl Absence {
    /// A member that is present has this proof, which no other one has, and was whispered to so often.
    pub(super) fn add(&mut self, session: SessionId, proof: Proof, origin: Origin, whispers: u64) {
        self.by_proof.insert(proof, session);
        self.members.insert(session, Resumable { proof, origin, state: State::Present, whispers });
    }

    /// The member with this proof.
    pub(super) fn find(&self, proof: &Proof) -> Option<SessionId> {
        self.by_proof.get(proof).copied()
    }

    /// What this member can prove.
    pub(super) fn proof_of(&self, session: SessionId) -> Option<Proof> {
        self.members.get(&session).map(|member| member.proof)
    }

    /// The connection of a member is lost. Whether it may come back: not if too many of its address are away.
    pub(super) fn lose(&mut self, session: SessionId, reason: Reason, patience: Patience, now: Instant) -> bool {
        let Some(member) = self.members.get_mut(&session) else { return false };
        if member.state == State::Present {
            let (origin, max) = (member.origin, patience.max_of_address);
            if !origin.is_exempt && max != 0 && self.away.of(origin) >= max {
                return false;
            }
            member.state = State::Lost { since: now, reason };
            self.lost.insert((now, session));
            self.away.add(origin, session);
        }
        true
    }

    /// From now on a member is another session, from there. Where it was until then.
    pub(super) fn come_back(&mut self, from: SessionId, to: SessionId, origin: Origin) -> Option<State> {
        let member = self.members.remove(&from)?;
        self.end_absence(from, &member);
        let was = member.state;
        self.by_proof.insert(member.proof, to);
        self.members.insert(to, Resumable { state: State::Present, origin, ..member });
        Some(was)
    }

    /// A member will not come back. What it could prove.
    pub(super) fn forget(&mut self, session: SessionId) -> Option<Proof> {
        let member = self.members.remove(&session)?;
        self.end_absence(session, &member);
        self.by_proof.remove(&member.proof);
        // a crowd that has left takes its memory with it
        if self.members.capacity() > 64.max(4 * self.members.len()) {
            self.members.shrink_to(2 * self.members.len());
            self.by_proof.shrink_to(2 * self.by_proof.len());
        }
        Some(member.proof)
    }

    fn end_absence(&mut self, session: SessionId, member: &Resumable) {
        match member.state {
            State::Present => return,
            State::Lost { since, .. } => self.lost.remove(&(since, session)),
            State::Gone { since } => self.gone.remove(&(since, session)),
        };
        self.away.remove(member.origin, session);
    }

    /// Counts a whisper to a member. How many that makes, and for whom, if it can prove who it is.
    pub(super) fn count_whisper(&mut self, session: SessionId) -> Option<Recipient> {
        let member = self.members.get_mut(&session)?;
        member.whispers += 1;
        Some(Recipient { proof: member.proof, number: member.whispers })
    }

    /// The next thing that is due by now. After [`Due::Free`] and [`Due::TellAndFree`] the member is forgotten.
    pub(super) fn next_due(&mut self, patience: Patience, now: Instant) -> Option<Due> {
        if self.away.len() > patience.max_away {
            let crowd = self.away.most_crowded()?;
            return self.away.oldest(crowd).and_then(|session| self.give_up(session));
        }
        if let Some((since, session)) = self.lost.first().copied()
            && since + patience.grace <= now
            && let Some(Resumable { state: state @ State::Lost { .. }, .. }) = self.members.get_mut(&session)
            && let State::Lost { reason, .. } = *state
        {
            if !reason.keeps_name() {
                return self.give_up(session);
            }
            *state = State::Gone { since };
            self.lost.remove(&(since, session));
            self.gone.insert((since, session));
            return Some(Due::Tell(session, reason));
        }
        let (_, session) = self.gone.first().copied().filter(|(since, _)| *since + patience.window <= now)?;
        self.give_up(session)
    }

    /// A member that is away may not come back any more.
    fn give_up(&mut self, session: SessionId) -> Option<Due> {
        let state = self.members.get(&session)?.state;
        let proof = self.forget(session)?;
        Some(match state {
            State::Lost { reason, .. } => Due::TellAndFree(session, reason),
            State::Gone { .. } | State::Present => Due::Free(session, proof),
        })
    }

    /// When something may be due next.
    pub(super) fn due_at(&self, patience: Patience) -> Option<Instant> {
        let lost = self.lost.first().map(|(since, _)| *since + patience.grace);
        let gone = self.gone.first().map(|(since, _)| *since + patience.window);
        lost.into_iter().chain(gone).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::Address;
    use crate::chat::token::{TOKEN_BYTES, Token};
    use proptest::prelude::*;

    const PATIENCE: Patience =
        Patience { grace: Duration::from_secs(5), window: Duration::from_secs(600), max_away: 8, max_of_address: 4 };

    fn proof(of: u8) -> Proof {
        Token::new([of; TOKEN_BYTES]).proof()
    }

    fn origin(last: u8, is_exempt: bool) -> Origin {
        Origin { address: Address::V4([10, 0, 0, last]), is_exempt }
    }

    fn due(absence: &mut Absence, now: Instant) -> Vec<Due> {
        std::iter::from_fn(|| absence.next_due(PATIENCE, now)).collect()
    }

    #[test]
    fn whoever_is_lost_is_told_of_after_the_grace_and_free_after_the_window() {
        let mut absence = Absence::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        absence.add(SessionId(1), proof(1), origin(1, false), 0);
        assert_eq!(absence.due_at(PATIENCE), None);
        assert!(absence.lose(SessionId(1), Reason::Lost, PATIENCE, start));
        assert_eq!(absence.due_at(PATIENCE), Some(after(5)));
        assert_eq!(due(&mut absence, after(4)), []);
        assert_eq!(due(&mut absence, after(5)), [Due::Tell(SessionId(1), Reason::Lost)]);
        assert_eq!(absence.due_at(PATIENCE), Some(after(600)));
        assert_eq!((due(&mut absence, after(599)), absence.find(&proof(1))), (vec![], Some(SessionId(1))));
        assert_eq!(due(&mut absence, after(600)), [Due::Free(SessionId(1), proof(1))]);
        assert_eq!(
            (absence.find(&proof(1)), absence.proof_of(SessionId(1)), absence.due_at(PATIENCE)),
            (None, None, None)
        );
    }

    #[test]
    fn whoever_comes_back_is_the_same_member() {
        let mut absence = Absence::default();
        let start = Instant::now();
        absence.add(SessionId(1), proof(1), origin(1, false), 0);
        let counted = [1, 1, 2].map(|session| absence.count_whisper(SessionId(session)).map(|to| to.number));
        assert_eq!(counted, [Some(1), Some(2), None]);
        absence.lose(SessionId(1), Reason::TooSlow, PATIENCE, start);
        let was = absence.come_back(SessionId(1), SessionId(2), origin(2, false));
        assert_eq!(was, Some(State::Lost { since: start, reason: Reason::TooSlow }));
        assert_eq!(
            (absence.find(&proof(1)), absence.count_whisper(SessionId(2)).map(|to| to.number)),
            (Some(SessionId(2)), Some(3))
        );
        assert_eq!(due(&mut absence, start + PATIENCE.window), []);
        assert_eq!(absence.come_back(SessionId(2), SessionId(3), origin(3, false)), Some(State::Present));
        assert_eq!(absence.come_back(SessionId(2), SessionId(4), origin(3, false)), None);
        absence.forget(SessionId(3));
        assert_eq!(absence.find(&proof(1)), None);
    }

    #[test]
    fn an_address_has_so_many_away_and_an_exempt_one_any_number() {
        let mut absence = Absence::default();
        let start = Instant::now();
        let lose = |absence: &mut Absence, number: u8, origin: Origin| {
            absence.add(SessionId(number.into()), proof(number), origin, 0);
            absence.lose(SessionId(number.into()), Reason::Lost, PATIENCE, start)
        };
        let [crowded, quiet, exempt] =
            [(1, false), (2, false), (3, true)].map(|(last, is_exempt)| origin(last, is_exempt));
        assert!((0..4).all(|number| lose(&mut absence, number, crowded)));
        assert!(!lose(&mut absence, 4, crowded) && lose(&mut absence, 5, quiet));
        assert_eq!(due(&mut absence, start).len(), 0);
        // whoever comes back from elsewhere makes room
        absence.come_back(SessionId(0), SessionId(100), quiet);
        assert!(lose(&mut absence, 6, crowded) && !lose(&mut absence, 7, crowded));
        absence.forget(SessionId(6));
        assert!(lose(&mut absence, 8, crowded));
        // those who are gone count, too
        assert_eq!(due(&mut absence, start + PATIENCE.grace).len(), 5);
        assert!(!lose(&mut absence, 9, crowded));
        assert!((10..15).all(|number| lose(&mut absence, number, exempt)));
    }

    #[test]
    fn of_too_many_the_address_with_most_loses_the_one_that_is_away_longest() {
        let mut absence = Absence::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        for (second, number, last) in
            [(0, 1, 1), (1, 2, 2), (2, 3, 2), (3, 4, 3), (4, 5, 3), (5, 6, 3), (6, 7, 4), (6, 8, 4)]
        {
            absence.add(SessionId(number), proof(number as u8), origin(last, false), 0);
            assert!(absence.lose(SessionId(number), Reason::Lost, PATIENCE, after(second)));
        }
        assert_eq!(due(&mut absence, after(4)), []);
        // one that is gone by now, and then one of whom nobody knows yet
        assert_eq!(due(&mut absence, after(8)), [1, 2, 3, 4].map(|number| Due::Tell(SessionId(number), Reason::Lost)));
        for (number, last, expected) in
            [(9, 5, Due::Free(SessionId(4), proof(4))), (10, 4, Due::TellAndFree(SessionId(7), Reason::Lost))]
        {
            absence.add(SessionId(number), proof(number as u8), origin(last, false), 0);
            assert!(absence.lose(SessionId(number), Reason::Lost, PATIENCE, after(8)));
            assert_eq!(due(&mut absence, after(8)), [expected]);
        }
        assert_eq!(absence.find(&proof(1)), Some(SessionId(1)));
        assert_eq!((absence.find(&proof(4)), absence.find(&proof(7)), absence.members.len()), (None, None, 8));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Join(u8),
        Lose(u8, Reason),
        ComeBack(u8),
        Leave(u8),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u8..4).prop_map(Step::Join),
            (0u8..4, prop_oneof![Just(Reason::Lost), Just(Reason::Away)]).prop_map(|(who, why)| Step::Lose(who, why)),
            (0u8..4).prop_map(Step::ComeBack),
            (0u8..4).prop_map(Step::Leave),
            prop_oneof![0u64..8, 590u64..610].prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        /// Against a list of members with their state, each looked at whenever time passes.
        #[test]
        fn it_agrees_with_a_list(steps in steps(), max_of_address in 0..3usize) {
            let mut absence = Absence::default();
            let patience = Patience { max_of_address, ..PATIENCE };
            let mut now = Instant::now();
            let mut list: HashMap<u8, (SessionId, State)> = HashMap::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Join(who) if !list.contains_key(&who) => {
                        next += 1;
                        absence.add(SessionId(next), proof(who), origin(who % 2, false), 0);
                        list.insert(who, (SessionId(next), State::Present));
                    }
                    Step::Lose(who, reason) => {
                        let is_away = |(other, (_, state)): &(&u8, &(SessionId, State))| {
                            **other % 2 == who % 2 && *state != State::Present
                        };
                        let away = list.iter().filter(is_away).count();
                        if let Some((session, state @ State::Present)) = list.get_mut(&who) {
                            let has_room = max_of_address == 0 || away < max_of_address;
                            prop_assert_eq!(absence.lose(*session, reason, patience, now), has_room);
                            if has_room {
                                *state = State::Lost { since: now, reason };
                            }
                        }
                    }
                    Step::ComeBack(who) => {
                        if let Some((session, state)) = list.get_mut(&who) {
                            next += 1;
                            prop_assert_eq!(absence.come_back(*session, SessionId(next), origin(who % 2, false)), Some(*state));
                            (*session, *state) = (SessionId(next), State::Present);
                        }
                    }
                    Step::Leave(who) => {
                        if let Some((session, State::Present)) = list.get(&who) {
                            absence.forget(*session);
                            list.remove(&who);
                        }
                    }
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                    Step::Join(_) => {}
                }
                let mut expected = Vec::new();
                list.retain(|who, (session, state)| {
                    if let State::Lost { since, reason } = *state && since + PATIENCE.grace <= now {
                        if reason == Reason::Away {
                            expected.push(Due::TellAndFree(*session, reason));
                            return false;
                        }
                        expected.push(Due::Tell(*session, reason));
                        *state = State::Gone { since };
                    }
                    let is_free = matches!(*state, State::Gone { since } if since + PATIENCE.window <= now);
                    if is_free {
                        expected.push(Due::Free(*session, proof(*who)));
                    }
                    !is_free
                });
                let mut found = due(&mut absence, now);
                let order = |due: &Due| format!("{due:?}");
                found.sort_by_key(order);
                expected.sort_by_key(order);
                prop_assert_eq!(found, expected);
                prop_assert_eq!(absence.members.len(), list.len());
                prop_assert_eq!(absence.by_proof.len(), list.len());
                let away = list.values().filter(|(_, state)| *state != State::Present).count();
                prop_assert_eq!((absence.lost.len() + absence.gone.len(), absence.away.len()), (away, away));
                for (who, (session, _)) in &list {
                    prop_assert_eq!(absence.find(&proof(*who)), Some(*session));
                }
                prop_assert!(absence.due_at(PATIENCE).is_none_or(|at| at > now));
            }
        }
    }
}
