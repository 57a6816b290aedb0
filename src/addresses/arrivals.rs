//! How many came lately.

use std::time::{Duration, Instant};

/// The arrivals of the last while, in two numbers: those of the present period, which begins with an arrival, and those of
/// the period before, which count for less and less as the present one goes by. So `max` can come at once and the next one
/// cannot, and after that nobody has to wait for a period to be over: places come back evenly.
///
/// Over any period that is `max`, as long as the arrivals of the period before were spread evenly, and never more
/// than twice as many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrivals {
    /// The time over which they are counted.
    period: Duration,
    /// When the present period began.
    since: Instant,
    now: u32,
    before: u32,
}

impl Arrivals {
    /// None so far; they are to be counted over this time, which is a millisecond at least.
    pub(crate) fn none(period: Duration, now: Instant) -> Arrivals {
        Arrivals { period: period.max(Duration::from_millis(1)), since: now, now: 0, before: 0 }
    }

    /// Counts one more; false, and nothing counted, if there are `max` already.
    pub(crate) fn take(&mut self, max: usize, now: Instant) -> bool {
        let has_room = self.wait(max, now).is_none();
        if has_room {
            self.add(now);
        }
        has_room
    }

    /// Counts one more, however many there are.
    pub(crate) fn add(&mut self, now: Instant) {
        self.go_on(now);
        self.now = self.now.saturating_add(1);
    }

    /// How long it takes until there is room for one more, if nothing comes until then; `None` if there is room now. `max` is
    /// not 0.
    pub(crate) fn wait(&mut self, max: usize, now: Instant) -> Option<Duration> {
        self.go_on(now);
        let (period, max) = (self.period.as_millis(), max as u128);
        let left = self.period.saturating_sub(now.saturating_duration_since(self.since)).as_millis();
        let (present, before) = (u128::from(self.now), u128::from(self.before));
        if before * left / period + present < max {
            return None;
        }
        // those before fade until they are one less than the room that is left; with none left, the present ones do in the
        // period after this one
        let (wait, fading, room) = match max.checked_sub(present) {
            Some(room @ 1..) => (left, before, room),
            _ => (left + period, present, max),
        };
        let left_then = (room * period).div_ceil(fading.max(1)).saturating_sub(1);
        Some(Duration::from_millis(u64::try_from(wait.saturating_sub(left_then)).unwrap_or(u64::MAX)))
    }

    /// Whether any of them may still count.
    pub(crate) fn are_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < 2 * self.period
    }

    fn go_on(&mut self, now: Instant) {
        if !self.are_recent(now) || (self.now, self.before) == (0, 0) {
            *self = Arrivals::none(self.period, now);
        } else if now.saturating_duration_since(self.since) >= self.period {
            *self = Arrivals { since: self.since + self.period, now: 0, before: self.now, ..*self };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn as_many_as_may_come_at_once_and_no_more_within_the_minute() {
        let start = Instant::now();
        let mut arrivals = Arrivals::none(MINUTE, start);
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

    #[test]
    fn after_five_at_once_there_is_room_for_one_each_fifth_of_the_period() {
        let start = Instant::now();
        let mut arrivals = Arrivals::none(Duration::from_secs(30), start);
        assert!((0..5).all(|_| arrivals.wait(5, start).is_none() && arrivals.take(5, start)));
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let wait = arrivals.wait(5, now).unwrap();
            now += wait;
            assert!(arrivals.take(5, now));
            waits.push(wait.as_millis());
        }
        assert_eq!(waits, [30_001, 6_000, 6_000, 6_000]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_minute_sees_more_than_twice_as_many_and_somebody_always_gets_in(
            max in 1..20usize,
            pauses in prop::collection::vec(0..9000u64, 1..300),
        ) {
            let mut now = Instant::now();
            let mut arrivals = Arrivals::none(MINUTE, now);
            let mut taken: Vec<Instant> = Vec::new();
            let mut refused_since: Option<Instant> = None;
            for pause in pauses {
                now += Duration::from_millis(pause);
                let wait = arrivals.wait(max, now);
                if let Some(wait) = wait {
                    // not a moment too late, and none too early
                    prop_assert!(arrivals.clone().take(max, now + wait));
                    prop_assert!(!arrivals.clone().take(max, now + wait - Duration::from_millis(1)));
                }
                if arrivals.take(max, now) {
                    prop_assert_eq!(wait, None);
                    taken.push(now);
                    refused_since = None;
                } else {
                    prop_assert!(taken.len() >= max && wait.is_some());
                    let since = *refused_since.get_or_insert(now);
                    prop_assert!(now - since < 2 * MINUTE);
                }
                let in_this_minute = taken.iter().filter(|at| now - **at < MINUTE).count();
                prop_assert!(in_this_minute <= 2 * max);
            }
        }
    }
}
