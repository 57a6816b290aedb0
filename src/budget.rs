//! What all sessions together may owe their readers. Each of them is bounded, but ten thousand times that bound is more than
//! a machine has.
//!
//! What many readers are owed is mostly the same bytes, which they share. So it is only too much when the process really has
//! so much memory; and then whoever is owed most is cut first.
//!
//! Knows numbers only: which hub has the session that is owed most, and how much that is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::memory;

/// The bound on what is owed to all sessions of all hubs.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    /// What is owed to the largest debtor of each hub, if it has said so since more was owed to all than may be.
    largest: Mutex<Vec<Option<usize>>>,
}

impl Budget {
    /// A budget of so many bytes, which no hub shares yet; 0 = no limit.
    pub fn new(limit: usize) -> Budget {
        Budget { limit, largest: Mutex::default() }
    }

    /// One more hub shares it. Returns the hub's number here.
    pub fn add_hub(&self) -> usize {
        let mut largest = self.largest();
        largest.push(None);
        largest.len() - 1
    }

    /// Whether more is owed to all together than may be.
    pub fn is_exceeded(&self, owed: i64) -> bool {
        is_exceeded(self.limit, owed)
    }

    /// A hub says how much its largest debtor is owed, 0 if it has none. Returns whether all hubs have said it and no other
    /// one has a larger debtor, so that this one must be cut. As long as too much is owed, every hub says it at every turn;
    /// so one of them soon has the largest of all.
    pub fn is_largest(&self, hub: usize, owed: usize) -> bool {
        let mut largest = self.largest();
        if let Some(of_this) = largest.get_mut(hub) {
            *of_this = Some(owed);
        }
        largest.iter().all(|other| other.is_some_and(|other| other <= owed))
    }

    /// What a hub said holds no more: not too much is owed now.
    pub fn withdraw(&self, hub: usize) {
        if let Some(of_this) = self.largest().get_mut(hub) {
            *of_this = None;
        }
    }

    fn largest(&self) -> MutexGuard<'_, Vec<Option<usize>>> {
        self.largest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether more is owed than a budget of `limit` bytes allows, and takes more memory than that; 0 = no limit.
pub fn is_exceeded(limit: usize, owed: i64) -> bool {
    let is_more = |bytes: usize| bytes > limit;
    limit > 0 && usize::try_from(owed).is_ok_and(is_more) && memory::resident().is_none_or(is_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_debtor_of_all_hubs_is_cut() {
        let budget = Budget::new(1000);
        let [a, b] = [budget.add_hub(), budget.add_hub()];
        assert!(!budget.is_exceeded(1000) && budget.is_exceeded(1001) && !budget.is_exceeded(-1));
        // the other one has not said anything yet
        assert!(!budget.is_largest(a, 500));
        assert!(budget.is_largest(b, 700));
        assert!(!budget.is_largest(a, 500));
        // when that one is gone
        assert!(!budget.is_largest(b, 100));
        assert!(budget.is_largest(a, 500));
        // another time, all are asked anew
        budget.withdraw(b);
        assert!(!budget.is_largest(a, 500));
        assert!(!budget.is_largest(b, 0));
        assert!(budget.is_largest(a, 500));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn bytes_that_many_readers_share_are_no_reason_to_cut_anybody() {
        let limit = 1 << 40;
        assert!(!is_exceeded(limit, 2 << 40));
    }

    #[test]
    fn zero_is_no_limit() {
        assert!(!Budget::new(0).is_exceeded(i64::MAX));
    }
}
