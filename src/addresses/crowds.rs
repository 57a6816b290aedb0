//! Sessions of which there may be only so many, and which of them makes room for another one: the oldest of the address that has
//! most. So whoever holds many of them loses their own, and costs nobody else theirs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

use super::Origin;
use crate::chat::registry::SessionId;

/// Sessions of one kind, by origin.
#[derive(Debug, Default)]
pub(crate) struct Crowds {
    /// Those of each origin that has any, the oldest first.
    by_origin: HashMap<Origin, VecDeque<SessionId>>,
    /// The same origins in order: the one with most comes last, and of those with equally many the one that waits longest.
    ranks: BTreeSet<Rank>,
    count: usize,
}

/// How many, the oldest of them, and whose they are.
type Rank = (usize, Reverse<SessionId>, Origin);

impl Crowds {
    /// One more. It is behind all others of its origin.
    pub(crate) fn add(&mut self, origin: Origin, session: SessionId) {
        self.change(origin, |sessions| sessions.push_back(session));
    }

    /// It is one of them no more. It may not be known any more.
    pub(crate) fn remove(&mut self, origin: Origin, session: SessionId) {
        if self.by_origin.contains_key(&origin) {
            self.change(origin, |sessions| sessions.retain(|one| *one != session));
        }
    }

    /// The oldest of this origin.
    pub(crate) fn oldest(&self, origin: Origin) -> Option<SessionId> {
        self.by_origin.get(&origin)?.front().copied()
    }

    /// Takes the oldest of this origin away.
    pub(crate) fn take_oldest(&mut self, origin: Origin) -> Option<SessionId> {
        let oldest = self.oldest(origin)?;
        self.remove(origin, oldest);
        Some(oldest)
    }

    /// The one with most of them.
    pub(crate) fn most_crowded(&self) -> Option<Origin> {
        self.ranks.last().map(|(_, _, origin)| *origin)
    }

    /// How many there are of this origin.
    pub(crate) fn of(&self, origin: Origin) -> usize {
        self.by_origin.get(&origin).map_or(0, VecDeque::len)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    fn change(&mut self, origin: Origin, deed: impl FnOnce(&mut VecDeque<SessionId>)) {
        let sessions = self.by_origin.entry(origin).or_default();
        let (before, rank) = (sessions.len(), rank_of(sessions, origin));
        deed(sessions);
        self.count = self.count + sessions.len() - before;
        let new_rank = rank_of(sessions, origin);
        if new_rank.is_none() {
            self.by_origin.remove(&origin);
        }
        if rank != new_rank {
            if let Some(rank) = rank {
                self.ranks.remove(&rank);
            }
            self.ranks.extend(new_rank);
        }
    }
}

fn rank_of(sessions: &VecDeque<SessionId>, origin: Origin) -> Option<Rank> {
    sessions.front().map(|oldest| (sessions.len(), Reverse(*oldest), origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::Address;

    #[test]
    fn the_address_with_most_comes_first_and_among_equals_the_oldest() {
        let [a, b, c] = [1, 2, 3].map(|last| Origin { address: Address::V4([10, 0, 0, last]), is_exempt: false });
        let mut crowds = Crowds::default();
        for (session, origin) in [(1, a), (2, b), (3, b), (4, c), (5, b), (6, c)] {
            crowds.add(origin, SessionId(session));
        }
        let mut taken = Vec::new();
        while let Some(origin) = crowds.most_crowded() {
            taken.push(crowds.take_oldest(origin).unwrap().0);
        }
        assert_eq!(taken, [2, 3, 4, 1, 5, 6]);
        assert_eq!((crowds.len(), crowds.by_origin.len(), crowds.ranks.len()), (0, 0, 0));
        crowds.remove(a, SessionId(1));
        assert_eq!(crowds.len(), 0);
    }
}
