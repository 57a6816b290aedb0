//! What all sessions together may owe their readers. Each of them is bounded, but ten thousand times that bound is more than
//! a machine has.
//!
//! Knows numbers only: which hub has the session that is owed most, and how much that is.

use std::sync::{Mutex, PoisonError};

use crate::room::HubId;

/// The bound on what is owed to all sessions of all hubs.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    /// What is owed to the largest debtor of each hub, as far as it said so.
    largest: Mutex<Vec<usize>>,
}

impl Budget {
    /// A budget of so many bytes for so many hubs; 0 = no limit.
    pub fn new(limit: usize, hubs: usize) -> Budget {
        Budget { limit, largest: Mutex::new(vec![0; hubs]) }
    }

    /// Whether more is owed to all together than may be.
    pub fn is_exceeded(&self, owed: i64) -> bool {
        is_exceeded(self.limit, owed)
    }

    /// A hub says how much its largest debtor is owed. Returns whether no other hub has a larger one, so that this one must
    /// be cut. Every hub asks when it is handed a turn, so one of them soon has the largest of all.
    pub fn is_largest(&self, hub: HubId, owed: usize) -> bool {
        let mut largest = self.largest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_this) = largest.get_mut(hub.0) {
            *of_this = owed;
        }
        largest.iter().all(|other| *other <= owed)
    }
}

/// Whether more is owed than a budget of `limit` bytes allows; 0 = no limit.
pub fn is_exceeded(limit: usize, owed: i64) -> bool {
    limit > 0 && usize::try_from(owed).is_ok_and(|owed| owed > limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_debtor_of_all_hubs_is_cut() {
        let budget = Budget::new(1000, 2);
        assert!(!budget.is_exceeded(1000) && budget.is_exceeded(1001) && !budget.is_exceeded(-1));
        assert!(budget.is_largest(HubId(0), 500));
        assert!(budget.is_largest(HubId(1), 700));
        assert!(!budget.is_largest(HubId(0), 500));
        // when that one is gone
        assert!(!budget.is_largest(HubId(0), 500));
        budget.is_largest(HubId(1), 100);
        assert!(budget.is_largest(HubId(0), 500));
    }

    #[test]
    fn zero_is_no_limit() {
        assert!(!Budget::new(0, 1).is_exceeded(i64::MAX));
    }
}
