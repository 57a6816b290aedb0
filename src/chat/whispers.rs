//! The newest whispers to members who may come back, in memory, for whoever comes back and has missed some.
//!
//! They share one place, and nobody can fill it with their own: see [`Whispers::add`]. It does not know what an origin is.

mod turns;

use std::collections::VecDeque;
use std::hash::Hash;

use self::turns::{Claim, take_turns};
use super::event::Whispered;
use super::token::Proof;

/// The most whispers that are kept, of all members together.
pub const MAX_WHISPERS: usize = 2048;

/// The most bytes of their texts.
pub const MAX_BYTES: usize = 1024 * 1024; // 1 MiB

/// What a whisper takes of [`MAX_BYTES`] at least: so there are never more than [`MAX_WHISPERS`].
const MIN_COST: usize = MAX_BYTES / MAX_WHISPERS;

/// So much is left when it was too much: it costs a pass over all of them, for as many as come until the next time.
const KEPT_BYTES: usize = MAX_BYTES / 8 * 7;

/// The newest whispers, oldest first. Each comes out for the member that it is for, and for nobody else. `O` is where somebody
/// whispered from.
#[derive(Debug, Default)]
pub struct Whispers<O> {
    list: VecDeque<Kept<O>>,
    /// What they take, all together.
    cost: usize,
    /// Whether there were too many at some time.
    has_forgotten: bool,
}

#[derive(Debug)]
struct Kept<O> {
    to: Proof,
    origin: O,
    whispered: Whispered,
    /// Whether the member has said that it knows a later one.
    is_read: bool,
}

impl<O> Kept<O> {
    fn cost(&self) -> usize {
        self.whispered.text.as_str().len().max(MIN_COST)
    }

    fn is_to(&self, member: Proof) -> bool {
        self.to == member
    }
}

impl<O: Copy + Eq + Hash> Whispers<O> {
    /// Keeps a whisper that came from there. If there are too many then, those stay that would if all took turns to keep their
    /// newest: the origins, as each pays for what is whispered from there, to whomever and by however many; of what is from one
    /// origin, those whom it is for; and of that, those who whispered it, by their names. What was read goes before all else.
    ///
    /// So of `n` origins that want to have something kept each has an `n`-th of the place, and what is not used of that is there
    /// for the others.
    pub fn add(&mut self, to: Proof, origin: O, whispered: Whispered) {
        let kept = Kept { to, origin, whispered, is_read: false };
        self.cost += kept.cost();
        self.list.push_back(kept);
        if self.cost > MAX_BYTES {
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        let of = |at: usize| &self.list[at];
        let claim = |at: usize| Claim { at, cost: of(at).cost(), is_last: of(at).is_read };
        let mut claims: Vec<Claim> = (0..self.list.len()).rev().map(claim).collect();
        take_turns(&mut claims, |at| (of(at).origin, of(at).to, of(at).whispered.from.fold()));
        take_turns(&mut claims, |at| (of(at).origin, of(at).to));
        take_turns(&mut claims, |at| of(at).origin);
        let mut stays = vec![false; self.list.len()];
        self.cost = 0;
        for Claim { at, cost, .. } in claims {
            if self.cost + cost > KEPT_BYTES {
                break;
            }
            self.cost += cost;
            stays[at] = true;
        }
        let mut stays = stays.into_iter();
        self.list.retain(|_| stays.next().unwrap_or_default());
        self.has_forgotten = true;
    }

    /// The whispers with a higher number than this, to the member with this proof.
    pub fn after(&self, member: Proof, number: u64) -> impl Iterator<Item = &Whispered> {
        let theirs = self.list.iter().filter(move |kept| kept.is_to(member)).map(|kept| &kept.whispered);
        theirs.filter(move |whispered| whispered.number > number)
    }

    /// The last whisper up to this number to the member with this proof, if it is known.
    pub fn newest_up_to(&self, member: Proof, number: u64) -> Option<&Whispered> {
        self.after(member, 0).filter(|whispered| whispered.number <= number).max_by_key(|whispered| whispered.number)
    }

    /// The number of the last whisper to the member with this proof; 0 if none is known.
    pub fn last(&self, member: Proof) -> u64 {
        self.after(member, 0).map(|whispered| whispered.number).max().unwrap_or(0)
    }

    /// The highest number up to this one that is known to be kept, for the member with this proof: what it has read beyond that
    /// was not in the journal when the server was killed, and may come again.
    pub fn kept_up_to(&self, member: Proof, number: u64) -> u64 {
        let last = self.last(member);
        if self.has_forgotten && (last == 0 || number <= last) {
            // perhaps that one was forgotten
            return number;
        }
        self.newest_up_to(member, number).map_or(0, |whispered| whispered.number)
    }

    /// The member with this proof says that it knows those up to this number. It may still ask for them again, or reply to the
    /// last one.
    pub fn read(&mut self, member: Proof, number: u64) {
        let Some(last) = self.newest_up_to(member, number).map(|whispered| whispered.number) else { return };
        for kept in self.list.iter_mut().filter(|kept| kept.is_to(member) && kept.whispered.number < last) {
            kept.is_read = true;
        }
    }

    /// Forgets those to a member who will not come back.
    pub fn forget(&mut self, member: Proof) {
        self.list.retain(|kept| !kept.is_to(member));
        self.cost = self.list.iter().map(Kept::cost).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::super::name::Name;
    use super::super::registry::MemberId;
    use super::super::token::{TOKEN_BYTES, Token};
    use super::*;
    use proptest::prelude::*;
    use std::time::SystemTime;

    fn whisper(from: &str, number: u64, text: &str) -> Whispered {
        let from = Name::parse(from).unwrap();
        Whispered { after: 0, at: SystemTime::UNIX_EPOCH, from, member: MemberId(1), number, text: text.into() }
    }

    fn proof(of: u64) -> Proof {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..8].copy_from_slice(&of.to_le_bytes());
        Token::new(bytes).proof()
    }

    fn numbers<O: Copy + Eq + Hash>(whispers: &Whispers<O>, member: u64, after: u64) -> Vec<u64> {
        whispers.after(proof(member), after).map(|whispered| whispered.number).collect()
    }

    #[test]
    fn each_member_gets_what_is_theirs_and_was_missed() {
        let mut whispers = Whispers::default();
        for (member, number) in [(2, 1), (3, 1), (2, 2), (2, 3)] {
            whispers.add(proof(member), (), whisper("Ana", number, "psiu"));
        }
        assert_eq!(numbers(&whispers, 2, 0), [1, 2, 3]);
        assert_eq!(numbers(&whispers, 2, 2), [3]);
        assert_eq!(numbers(&whispers, 3, 1), [0; 0]);
        assert_eq!(numbers(&whispers, 4, 0), [0; 0]);
        assert_eq!([2, 3, 4].map(|member| whispers.last(proof(member))), [3, 1, 0]);
        whispers.add(proof(2), (), whisper("Ana", 6, "psiu"));
        assert_eq!([0, 2, 5, 6, 9].map(|number| whispers.kept_up_to(proof(2), number)), [0, 2, 3, 6, 6]);
        assert_eq!(whispers.kept_up_to(proof(4), 7), 0);
        whispers.forget(proof(2));
        assert_eq!((numbers(&whispers, 2, 0), numbers(&whispers, 3, 0)), (vec![], vec![1]));
        assert_eq!(whispers.cost, MIN_COST);
    }

    #[test]
    fn it_is_bounded_in_whispers_and_in_bytes() {
        let mut whispers = Whispers::default();
        for number in 1..=3000 {
            whispers.add(proof(2), (), whisper("Ana", number, "x"));
            assert!(whispers.list.len() <= MAX_WHISPERS);
        }
        let known = numbers(&whispers, 2, 0);
        assert!(known.len() >= MAX_WHISPERS / 8 * 7);
        assert_eq!(known, (3001 - known.len() as u64..=3000).collect::<Vec<_>>());
        let kept_up_to = |member, number| whispers.kept_up_to(proof(member), number);
        assert_eq!((kept_up_to(2, 7), kept_up_to(2, 3001), kept_up_to(3, 7)), (7, 3000, 7));
        (3001..=3020)
            .for_each(|number| whispers.add(proof(2), (), whisper("Ana", number, &"x".repeat(MAX_BYTES / 10))));
        let known = numbers(&whispers, 2, 0);
        assert!((8..=10).contains(&known.len()));
        assert_eq!(known, (3021 - known.len() as u64..=3020).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_read_goes_first_but_for_the_last_of_it() {
        let mut whispers = Whispers::default();
        for number in 1..=1000 {
            whispers.add(proof(2), 'a', whisper("Ana", number, "x"));
            whispers.add(proof(3), 'b', whisper("Beto", number, "x"));
        }
        whispers.read(proof(3), 900);
        // they are still there for whoever asks for them again
        assert_eq!(numbers(&whispers, 3, 0).len(), 1000);
        (1..=100).for_each(|number| whispers.add(proof(4), 'c', whisper("Caio", number, "x")));
        assert_eq!((numbers(&whispers, 2, 0).len(), numbers(&whispers, 4, 0).len()), (1000, 100));
        let left = numbers(&whispers, 3, 0);
        assert!(left.len() < 1000 && left.ends_with(&(900..=1000).collect::<Vec<_>>()), "{left:?}");
        assert_eq!(whispers.newest_up_to(proof(3), 900).map(|whispered| whispered.number), Some(900));
    }

    /// Three whispers of Ana to Beto (member 0), and then others bring more than there is room for, by whispering from there
    /// (an origin), by a name, to a member.
    fn flood(origin_of_ana: u64, others: impl Iterator<Item = (u64, String, u64)>) -> Vec<u64> {
        let mut whispers = Whispers::default();
        (1..=3).for_each(|number| whispers.add(proof(0), origin_of_ana, whisper("Ana", number, "psiu")));
        for (number, (origin, name, to)) in (4..).zip(others) {
            whispers.add(proof(to), origin, whisper(&name, number, "flood"));
        }
        assert!(whispers.has_forgotten);
        numbers(&whispers, 0, 0).into_iter().filter(|number| *number <= 3).collect()
    }

    #[test]
    fn nobody_can_flush_what_others_have_not_read() {
        const MANY: u64 = 4000;
        let name = |number: u64| format!("p{number}");
        // from the same address as Ana
        for accomplices in [1, 2, 40, 500] {
            let to_themselves = (1..=MANY).map(|i| (1, name(i % accomplices), 1 + i % accomplices));
            assert_eq!(flood(1, to_themselves), [1, 2, 3], "{accomplices} to themselves");
            let in_a_ring = (1..=MANY).map(|i| (1, name(i % accomplices), 1 + (i + 1) % accomplices));
            assert_eq!(flood(1, in_a_ring), [1, 2, 3], "{accomplices} in a ring");
            let to_beto = (1..=MANY).map(|i| (1, name(i % accomplices), 0));
            assert_eq!(flood(1, to_beto), [1, 2, 3], "{accomplices} to Beto");
        }
        let by_ever_new_names_to_one = (1..=MANY).map(|i| (1, name(i), 1));
        assert_eq!(flood(1, by_ever_new_names_to_one), [1, 2, 3]);
        // from another one, by and to whomever
        let to_ever_new_members = (1..=MANY).map(|i| (2, name(i), i));
        assert_eq!(flood(1, to_ever_new_members), [1, 2, 3]);
        let to_beto = (1..=MANY).map(|i| (2, name(i), 0));
        assert_eq!(flood(1, to_beto), [1, 2, 3]);
        let from_many = (1..=MANY).map(|i| (2 + i % 500, name(i), i));
        assert_eq!(flood(1, from_many), [1, 2, 3]);
        // what remains: as many addresses as there is room for whispers; or as many members at the address of whoever whispered
        assert_eq!(flood(1, (1..=MANY).map(|i| (1 + i, name(i), i))), [0; 0]);
        assert_eq!(flood(1, (1..=MANY).map(|i| (1, name(i), i))), [0; 0]);
    }

    /// From where, to whom, by whom, and its cost.
    type One = (u8, u64, u8, usize);

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        /// However much is brought, nobody loses what is no more than their share; and of what is to one member, from one
        /// place, by one name, the oldest go first.
        #[test]
        fn everybody_has_their_share(
            steps in prop::collection::vec(((0u8..3, 0u64..3, 0u8..3, MIN_COST..4000), 1usize..400), 1..30),
        ) {
            let text = "x".repeat(4000);
            let mut whispers = Whispers::default();
            let all: Vec<One> = steps.into_iter().flat_map(|(one, times)| std::iter::repeat_n(one, times)).collect();
            for (number, (origin, to, by, cost)) in (1..).zip(&all) {
                let name = ["Ana", "Beto", "Caio"][usize::from(*by)];
                whispers.add(proof(*to), *origin, whisper(name, number, &text[..*cost]));
                prop_assert!(whispers.list.len() <= MAX_WHISPERS && whispers.cost <= MAX_BYTES);
            }
            let cost: usize = whispers.list.iter().map(Kept::cost).sum();
            let all_cost: usize = all.iter().map(|one| one.3).sum();
            prop_assert_eq!((whispers.cost, whispers.has_forgotten), (cost, cost < all_cost));
            let kept: Vec<u64> = whispers.list.iter().map(|kept| kept.whispered.number).collect();
            prop_assert!(kept.is_sorted());
            // whether all of them are there that are no more than a share, one of so many; and whether the newest are
            let check = |is_one: &dyn Fn(&One) -> bool, shares: usize| {
                let theirs: Vec<(bool, usize)> = (1..).zip(&all)
                    .filter(|(_, one)| is_one(one))
                    .map(|(number, one)| (kept.binary_search(&number).is_ok(), one.3))
                    .collect();
                let wanted: usize = theirs.iter().map(|(_, cost)| *cost).sum();
                let is_whole = theirs.iter().all(|(is_kept, _)| *is_kept);
                (is_whole || wanted > (KEPT_BYTES - 4000) / shares, theirs.is_sorted_by_key(|(is_kept, _)| *is_kept))
            };
            for origin in 0..3 {
                prop_assert!(check(&|one| one.0 == origin, 3).0);
                for to in 0..3 {
                    prop_assert!(check(&|one| (one.0, one.1) == (origin, to), 9).0);
                    for by in 0..3 {
                        let (has_share, are_newest) = check(&|one| (one.0, one.1, one.2) == (origin, to, by), 27);
                        prop_assert!(has_share && are_newest);
                    }
                }
            }
        }
    }
}
