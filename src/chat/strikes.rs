//! How often somebody has done something lately.

use std::time::{Duration, Instant};

/// The times at which something happened, as long as they count. Without any, it holds no memory of its own.
#[derive(Debug, Default)]
pub struct Strikes {
    times: Vec<Instant>,
}

impl Strikes {
    /// It happened once more, `now`. Returns how often it has happened `within` the time that ends now, this once
    /// included. Whoever asks must not go on for ever: each of them is kept for that time.
    pub fn add(&mut self, now: Instant, within: Duration) -> usize {
        self.times.retain(|time| now.saturating_duration_since(*time) < within);
        self.times.push(now);
        self.times.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WITHIN: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_a_minute_old_does_not_count() {
        let (mut strikes, start) = (Strikes::default(), Instant::now());
        let counts = [0, 59, 60, 61, 119, 500].map(|second| strikes.add(start + Duration::from_secs(second), WITHIN));
        assert_eq!(counts, [1, 2, 2, 3, 3, 1]);
    }

    proptest! {
        #[test]
        fn it_counts_those_within_the_time(pauses in prop::collection::vec(0u64..50, 1..30)) {
            let (mut strikes, start) = (Strikes::default(), Instant::now());
            let mut seconds = Vec::new();
            for pause in pauses {
                let second = seconds.last().unwrap_or(&0) + pause;
                seconds.push(second);
                let expected = seconds.iter().filter(|earlier| **earlier + 60 > second).count();
                prop_assert_eq!(strikes.add(start + Duration::from_secs(second), WITHIN), expected);
            }
        }
    }
}
