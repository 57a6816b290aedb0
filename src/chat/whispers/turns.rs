//! Who gets how much of a place that is too small for all: everybody in turn, however many others bring however much.

use std::collections::HashMap;
use std::hash::Hash;

/// One of many things, which takes so much of the place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// Which one.
    pub(super) at: usize,
    /// How much it takes.
    pub(super) cost: usize,
    /// Whether all that are not come first.
    pub(super) is_last: bool,
}

/// Puts things, the first of which have the best claim, into the order in which they have it if groups of them take turns: in
/// each turn it is the group that had least so far, and its first thing. If there are groups of groups, the inner ones take their
/// turns first.
///
/// So of a place that is big enough for so many of the first things, each of `n` groups has what it wants if that is an `n`-th of
/// the place, and otherwise as much as any other group has.
pub(super) fn take_turns<G: Eq + Hash>(claims: &mut [Claim], group: impl Fn(usize) -> G) {
    let mut had: HashMap<G, usize> = HashMap::new();
    let mut turns: Vec<(bool, usize, Claim)> = Vec::with_capacity(claims.len());
    claims.sort_by_key(|claim| claim.is_last);
    for claim in claims.iter() {
        let had = had.entry(group(claim.at)).or_default();
        *had += claim.cost;
        turns.push((claim.is_last, *had, *claim));
    }
    // this keeps the order of those who had the same
    turns.sort_by_key(|(is_last, had, _)| (*is_last, *had));
    for (claim, (.., next)) in claims.iter_mut().zip(turns) {
        *claim = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first things that have room together, by their numbers.
    fn first(claims: &[Claim], room: usize) -> Vec<usize> {
        let mut left = room;
        let fits = |claim: &&Claim| {
            let rest = left.checked_sub(claim.cost);
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        claims.iter().take_while(fits).map(|claim| claim.at).collect()
    }

    fn claims(costs: &[usize]) -> Vec<Claim> {
        costs.iter().enumerate().map(|(at, cost)| Claim { at, cost: *cost, is_last: false }).collect()
    }

    #[test]
    fn groups_take_turns_and_within_them_groups_of_theirs() {
        let mut order = claims(&[1; 8]);
        take_turns(&mut order, |at| "aaaaaabb".as_bytes()[at]);
        assert_eq!(order.iter().map(|claim| claim.at).collect::<Vec<_>>(), [0, 6, 1, 7, 2, 3, 4, 5]);
        let mut order = claims(&[1; 8]);
        take_turns(&mut order, |at| "xxxxyxzw".as_bytes()[at]);
        take_turns(&mut order, |at| "aaaaaabb".as_bytes()[at]);
        assert_eq!(order.iter().map(|claim| claim.at).collect::<Vec<_>>(), [0, 6, 4, 7, 1, 2, 3, 5]);
        // whoever takes more at once has fewer turns
        let mut order = claims(&[3, 3, 1, 1, 1, 1]);
        take_turns(&mut order, |at| at < 2);
        assert_eq!(order.iter().map(|claim| claim.at).collect::<Vec<_>>(), [2, 3, 0, 4, 5, 1]);
    }

    #[test]
    fn those_that_are_last_are_last_in_whatever_group() {
        let mut order = claims(&[1; 6]);
        order.iter_mut().for_each(|claim| claim.is_last = claim.at % 3 == 0);
        take_turns(&mut order, |at| at < 3);
        assert_eq!(order.iter().map(|claim| claim.at).collect::<Vec<_>>(), [1, 4, 2, 5, 0, 3]);
    }

    proptest! {
        /// Against the rule as one would say it: as long as it is too much, whoever has most loses the last thing they have.
        #[test]
        fn whoever_has_most_loses_the_last(groups in prop::collection::vec(0u8..5, 0..60), room in 0usize..60) {
            let mut order = claims(&vec![1; groups.len()]);
            take_turns(&mut order, |at| groups[at]);
            let mut kept = first(&order, room);
            kept.sort();
            let mut expected: Vec<usize> = (0..groups.len()).collect();
            while expected.len() > room {
                let count = |at: usize| expected.iter().filter(|other| groups[**other] == groups[at]).count();
                let last = expected.iter().copied().max_by_key(|at| (count(*at), *at)).unwrap();
                expected.retain(|at| *at != last);
            }
            prop_assert_eq!(kept, expected);
        }

        /// With things of whatever size, in groups of groups: nobody loses anything of what is no more than their share, less
        /// one thing; and nobody has less than somebody else has, less one thing, and loses something.
        #[test]
        fn everybody_has_their_share(
            things in prop::collection::vec((0u8..4, 0u8..3, 1usize..=MOST), 1..150),
            room in MOST..1000,
        ) {
            let mut order = claims(&things.iter().map(|(.., cost)| *cost).collect::<Vec<_>>());
            take_turns(&mut order, |at| (things[at].0, things[at].1));
            take_turns(&mut order, |at| things[at].0);
            let kept = first(&order, room);
            let cost = |is_one: &dyn Fn(usize) -> bool, all: &mut dyn Iterator<Item = usize>| {
                all.filter(|at| is_one(*at)).map(|at| things[at].2).sum::<usize>()
            };
            for outer in 0..4 {
                let is_outer = |at: usize| things[at].0 == outer;
                let (had, wanted) = (cost(&is_outer, &mut kept.iter().copied()), cost(&is_outer, &mut (0..things.len())));
                prop_assert!(had == wanted || wanted > (room - MOST) / 4);
                for other in 0..4 {
                    let has = cost(&|at| things[at].0 == other, &mut kept.iter().copied());
                    prop_assert!(had == wanted || has <= had + MOST, "{} {} {}", had, wanted, has);
                }
                for inner in 0..3 {
                    let is_inner = |at: usize| is_outer(at) && things[at].1 == inner;
                    let (had, wanted) = (cost(&is_inner, &mut kept.iter().copied()), cost(&is_inner, &mut (0..things.len())));
                    prop_assert!(had == wanted || wanted > (room - MOST) / 12);
                    // and what they lose are the last of theirs
                    let places: Vec<bool> = (0..things.len()).filter(|at| is_inner(*at)).map(|at| kept.contains(&at)).collect();
                    prop_assert!(places.is_sorted_by(|before, after| before >= after));
                }
            }
        }
    }

    /// The greatest cost in a test.
    const MOST: usize = 20;
}
