//! How often something may be done: a token bucket. It does not look at a clock; whoever asks says what time it is.

use std::time::{Duration, Instant};

/// So much at once, and then one more each time that `interval` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket; at least 1.
    pub burst: u32,
    /// The time in which one token comes back.
    pub interval: Duration,
}

impl Rate {
    /// So many tokens a second, `burst` of them at once. `None` if there is no limit, which is what 0 a second means.
    pub fn per_second(tokens: u32, burst: u32) -> Option<Rate> {
        let interval = Duration::from_secs(1).checked_div(tokens)?;
        Some(Rate { burst: burst.max(1), interval })
    }
}

/// A bucket of tokens, full at first.
///
/// It is kept as the one moment at which it is full again (the "theoretical arrival time" of the generic cell rate
/// algorithm, ITU-T I.371), so it needs no timer to be filled. A bucket can be in debt: what a deed costs may be known only
/// when it is done, and whoever paid too little waits longer for the next one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes so many tokens, whether they are there or not.
    pub fn take(&mut self, tokens: u32, rate: Rate, now: Instant) {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + rate.interval * tokens);
    }

    /// When there is a token to be had: `None` = there is one now.
    pub fn next_at(&self, rate: Rate, now: Instant) -> Option<Instant> {
        let next_at = self.full_at?.checked_sub(rate.interval * (rate.burst - 1))?;
        (next_at > now).then_some(next_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_and_then_one_by_one() {
        let rate = Rate::per_second(2, 3).unwrap();
        let start = Instant::now();
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.next_at(rate, start), None);
            bucket.take(1, rate, start);
        }
        let half = Duration::from_millis(500);
        assert_eq!(bucket.next_at(rate, start), Some(start + half));
        assert_eq!(bucket.next_at(rate, start + half), None);
        bucket.take(1, rate, start + half);
        assert_eq!(bucket.next_at(rate, start + half), Some(start + 2 * half));
        // a long rest fills it, and no more than that
        let later = start + 100 * half;
        for _ in 0..3 {
            assert_eq!(bucket.next_at(rate, later), None);
            bucket.take(1, rate, later);
        }
        assert!(bucket.next_at(rate, later).is_some());
    }

    #[test]
    fn zero_a_second_is_no_limit() {
        assert_eq!(Rate::per_second(0, 10), None);
        assert_eq!(Rate::per_second(4, 0).unwrap().burst, 1);
    }

    #[test]
    fn a_debt_is_waited_for() {
        let rate = Rate::per_second(1, 2).unwrap();
        let start = Instant::now();
        let mut bucket = Bucket::default();
        bucket.take(10, rate, start);
        assert_eq!(bucket.next_at(rate, start), Some(start + Duration::from_secs(9)));
    }

    proptest! {
        /// Whoever waits whenever told to gets a burst and the rate, never more than that, and not much less.
        #[test]
        fn the_rate_holds_over_any_time(
            burst in 1u32..20, per_second in 1u32..50, pauses in prop::collection::vec(0u64..300, 1..200),
        ) {
            let rate = Rate::per_second(per_second, burst).unwrap();
            let start = Instant::now();
            let (mut bucket, mut now, mut taken) = (Bucket::default(), start, 0u32);
            for pause in pauses {
                now += Duration::from_millis(pause);
                now = bucket.next_at(rate, now).unwrap_or(now);
                prop_assert_eq!(bucket.next_at(rate, now), None);
                bucket.take(1, rate, now);
                taken += 1;
                let allowed = f64::from(burst) + (now - start).as_secs_f64() * f64::from(per_second);
                prop_assert!(f64::from(taken) <= allowed + 0.001);
            }
        }
    }
}
