//! How many came lately.

use std::time::{Duration, Instant};

/// The time over which arrivals are counted.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// The arrivals of the last minute, in two numbers: those of the present minute, which begins with an arrival, and those of
/// the minute before, which count for less and less as the present one goes by. So `max` can come at once and the next one
/// cannot, and after that nobody has to wait for a minute to be over: places come back evenly.
///
/// Over any minute that is `max`, as long as the arrivals of the minute before were spread evenly, and never more
/// than twice as many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrivals {
    /// When the present minute began.
    since: Instant,
    now: u32,
    before: u32,
}

impl Arrivals {
    /// None so far.
    pub(super) fn none(now: Instant) -> Arrivals {
        Arrivals { since: now, now: 0, before: 0 }
    }

    /// Counts one more; false, and nothing counted, if there are `max` already.
    pub(super) fn take(&mut self, max: usize, now: Instant) -> bool {
        self.go_on(now);
        let left = MINUTE.saturating_sub(now.saturating_duration_since(self.since));
        let before = u128::from(self.before) * left.as_millis() / MINUTE.as_millis();
        if before + u128::from(self.now) >= max as u128 {
            return false;
        }
        self.now += 1;
        true
    }

    /// Whether any of them may still count.
    pub(super) fn are_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < 2 * MINUTE
    }

    fn go_on(&mut self, now: Instant) {
        if !self.are_recent(now) || (self.now, self.before) == (0, 0) {
            *self = Arrivals::none(now);
        } else if now.saturating_duration_since(self.since) >= MINUTE {
            *self = Arrivals { since: self.since + MINUTE, now: 0, before: self.now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_many_as_may_come_at_once_and_no_more_within_the_minute() {
        let start = Instant::now();
        let mut arrivals = Arrivals::none(start);
        for i in 0..128 {
            assert!(arrivals.take(128, start + Duration::from_millis(i * 100)));
        }
        for second in 13..60 {
            assert!(!arrivals.take(128, start + Duration::from_secs(second)));
        }
        // then they come back evenly, about two in a second
        let mut after = |time| (0..200).filter(|_| arrivals.take(128, start + MINUTE + time)).count();
        assert_eq!(after(Duration::ZERO), 0);
        assert_eq!(after(Duration::from_secs(1)), 3);
        assert_eq!(after(Duration::from_secs(30)), 61);
        // and after two minutes all is forgotten
        let later = start + 3 * MINUTE;
        assert!(!arrivals.are_recent(later));
        assert_eq!((0..200).filter(|_| arrivals.take(128, later)).count(), 128);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_minute_sees_more_than_twice_as_many_and_somebody_always_gets_in(
            max in 1..20usize,
            pauses in prop::collection::vec(0..9000u64, 1..300),
        ) {
            let mut now = Instant::now();
            let mut arrivals = Arrivals::none(now);
            let mut taken: Vec<Instant> = Vec::new();
            let mut refused_since: Option<Instant> = None;
            for pause in pauses {
                now += Duration::from_millis(pause);
                if arrivals.take(max, now) {
                    taken.push(now);
                    refused_since = None;
                } else {
                    prop_assert!(taken.len() >= max);
                    let since = *refused_since.get_or_insert(now);
                    prop_assert!(now - since < 2 * MINUTE);
                }
                let in_this_minute = taken.iter().filter(|at| now - **at < MINUTE).count();
                prop_assert!(in_this_minute <= 2 * max);
            }
        }
    }
}
