//! Members that can prove who they are, and may come back when their connection is lost: who they are, and until when.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::chat::event::Reason;
use crate::chat::registry::SessionId;
use crate::chat::token::Proof;
use crate::journal::Recipient;

/// The most names that are reserved for members who are gone; with more, the one that is reserved longest is free.
const MAX_RESERVED: usize = 4096;

/// How long somebody may come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the others are told that they left.
    pub(super) grace: Duration,
    /// Until the name is free. Zero: nobody can come back.
    pub(super) window: Duration,
}

/// Those members. Each is known by the session that it is, or was last.
#[derive(Debug, Default)]
pub(super) struct Absence {
    by_proof: HashMap<Proof, SessionId>,
    members: HashMap<SessionId, Resumable>,
    /// Who was lost, in that order. Some have come back.
    lost: VecDeque<(Instant, SessionId)>,
    /// Of whom it was told, in that order. Some have come back.
    gone: VecDeque<(Instant, SessionId)>,
}

/// A member that can prove who it is.
#[derive(Debug)]
struct Resumable {
    proof: Proof,
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
    pub(super) fn add(&mut self, session: SessionId, proof: Proof, whispers: u64) {
        self.by_proof.insert(proof, session);
        self.members.insert(session, Resumable { proof, state: State::Present, whispers });
    }

    /// The member with this proof.
    pub(super) fn find(&self, proof: &Proof) -> Option<SessionId> {
        self.by_proof.get(proof).copied()
    }

    /// What this member can prove.
    pub(super) fn proof_of(&self, session: SessionId) -> Option<Proof> {
        self.members.get(&session).map(|member| member.proof)
    }

    /// The connection of a member is lost.
    pub(super) fn lose(&mut self, session: SessionId, reason: Reason, now: Instant) {
        if let Some(member) = self.members.get_mut(&session) {
            member.state = State::Lost { since: now, reason };
            self.lost.push_back((now, session));
        }
    }

    /// From now on a member is another session. Where it was until then.
    pub(super) fn come_back(&mut self, from: SessionId, to: SessionId) -> Option<State> {
        let mut member = self.members.remove(&from)?;
        let was = std::mem::replace(&mut member.state, State::Present);
        self.by_proof.insert(member.proof, to);
        self.members.insert(to, member);
        Some(was)
    }

    /// A member will not come back. What it could prove.
    pub(super) fn forget(&mut self, session: SessionId) -> Option<Proof> {
        let proof = self.members.remove(&session)?.proof;
        self.by_proof.remove(&proof);
        // a crowd that has left takes its memory with it
        if self.members.capacity() > 64.max(4 * self.members.len()) {
            self.members.shrink_to(2 * self.members.len());
            self.by_proof.shrink_to(2 * self.by_proof.len());
        }
        Some(proof)
    }

    /// Counts a whisper to a member. How many that makes, and for whom, if it can prove who it is.
    pub(super) fn count_whisper(&mut self, session: SessionId) -> Option<Recipient> {
        let member = self.members.get_mut(&session)?;
        member.whispers += 1;
        Some(Recipient { proof: member.proof, number: member.whispers })
    }

    /// The next thing that is due by now. After [`Due::Free`] and [`Due::TellAndFree`] the member is forgotten.
    pub(super) fn next_due(&mut self, patience: Patience, now: Instant) -> Option<Due> {
        while let Some((since, session)) = self.lost.front().copied()
            && since + patience.grace <= now
        {
            self.lost.pop_front();
            if let Some(Resumable { state: state @ State::Lost { .. }, .. }) = self.members.get_mut(&session)
                && let State::Lost { since: lost, reason } = *state
                && lost == since
            {
                if !reason.keeps_name() {
                    self.forget(session);
                    return Some(Due::TellAndFree(session, reason));
                }
                *state = State::Gone { since };
                self.gone.push_back((since, session));
                return Some(Due::Tell(session, reason));
            }
        }
        while let Some((since, session)) = self.gone.front().copied()
            && (since + patience.window <= now || self.gone.len() > MAX_RESERVED)
        {
            self.gone.pop_front();
            if self.members.get(&session).is_some_and(|member| member.state == State::Gone { since }) {
                return self.forget(session).map(|proof| Due::Free(session, proof));
            }
        }
        None
    }

    /// When something may be due next.
    pub(super) fn due_at(&self, patience: Patience) -> Option<Instant> {
        let lost = self.lost.front().map(|(since, _)| *since + patience.grace);
        let gone = self.gone.front().map(|(since, _)| *since + patience.window);
        lost.into_iter().chain(gone).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::token::{TOKEN_BYTES, Token};
    use proptest::prelude::*;

    const PATIENCE: Patience = Patience { grace: Duration::from_secs(5), window: Duration::from_secs(600) };

    fn proof(of: u8) -> Proof {
        Token::new([of; TOKEN_BYTES]).proof()
    }

    fn due(absence: &mut Absence, now: Instant) -> Vec<Due> {
        std::iter::from_fn(|| absence.next_due(PATIENCE, now)).collect()
    }

    #[test]
    fn whoever_is_lost_is_told_of_after_the_grace_and_free_after_the_window() {
        let mut absence = Absence::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        absence.add(SessionId(1), proof(1), 0);
        assert_eq!(absence.due_at(PATIENCE), None);
        absence.lose(SessionId(1), Reason::Lost, start);
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
        absence.add(SessionId(1), proof(1), 0);
        let counted = [1, 1, 2].map(|session| absence.count_whisper(SessionId(session)).map(|to| to.number));
        assert_eq!(counted, [Some(1), Some(2), None]);
        absence.lose(SessionId(1), Reason::TooSlow, start);
        let was = absence.come_back(SessionId(1), SessionId(2));
        assert_eq!(was, Some(State::Lost { since: start, reason: Reason::TooSlow }));
        assert_eq!(
            (absence.find(&proof(1)), absence.count_whisper(SessionId(2)).map(|to| to.number)),
            (Some(SessionId(2)), Some(3))
        );
        assert_eq!(due(&mut absence, start + PATIENCE.window), []);
        assert_eq!(absence.come_back(SessionId(2), SessionId(3)), Some(State::Present));
        assert_eq!(absence.come_back(SessionId(2), SessionId(4)), None);
        absence.forget(SessionId(3));
        assert_eq!(absence.find(&proof(1)), None);
    }

    #[test]
    fn no_more_names_are_reserved_than_may_be() {
        let mut absence = Absence::default();
        let start = Instant::now();
        for session in 0..MAX_RESERVED as u64 + 2 {
            let mut bytes = [0; TOKEN_BYTES];
            bytes[..8].copy_from_slice(&session.to_le_bytes());
            absence.add(SessionId(session), Token::new(bytes).proof(), 0);
            absence.lose(SessionId(session), Reason::Lost, start);
        }
        let freed =
            due(&mut absence, start + PATIENCE.grace).into_iter().filter(|due| matches!(due, Due::Free(..))).count();
        assert_eq!(freed, 2);
        assert_eq!(absence.members.len(), MAX_RESERVED);
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
        fn it_agrees_with_a_list(steps in steps()) {
            let mut absence = Absence::default();
            let mut now = Instant::now();
            let mut list: HashMap<u8, (SessionId, State)> = HashMap::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Join(who) if !list.contains_key(&who) => {
                        next += 1;
                        absence.add(SessionId(next), proof(who), 0);
                        list.insert(who, (SessionId(next), State::Present));
                    }
                    Step::Lose(who, reason) => {
                        if let Some((session, state @ State::Present)) = list.get_mut(&who) {
                            *state = State::Lost { since: now, reason };
                            absence.lose(*session, reason, now);
                        }
                    }
                    Step::ComeBack(who) => {
                        if let Some((session, state)) = list.get_mut(&who) {
                            next += 1;
                            prop_assert_eq!(absence.come_back(*session, SessionId(next)), Some(*state));
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
                for (who, (session, _)) in &list {
                    prop_assert_eq!(absence.find(&proof(*who)), Some(*session));
                }
                prop_assert!(absence.due_at(PATIENCE).is_none_or(|at| at > now));
            }
        }
    }
}
