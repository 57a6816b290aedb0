//! How long to wait before the next try to connect: longer each time, and a part of it by chance, so that a whole room does not
//! come back in one moment. It knows no clock.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// Whoever stays this long is really back, and the pauses begin anew.
pub(crate) const SETTLED: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Pauses {
    tries: u32,
}

impl Pauses {
    /// The next pause: between three and five quarters of what it would be without chance.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        // each of them has other keys
        let chance = RandomState::new().build_hasher().finish() % 1024;
        pause.mul_f64(0.75 + chance as f64 / 2048.0)
    }

    /// Whether the last pause was not longer than the one before it, so that there is nothing new to say about it.
    pub(crate) fn are_longest(&self) -> bool {
        FIRST.saturating_mul(1 << self.tries.saturating_sub(2).min(10)) >= LONGEST
    }

    pub(crate) fn begin_anew(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_not_all_the_same() {
        let mut pauses = Pauses::default();
        for expected in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let pause = pauses.next().as_secs_f64() / expected;
            assert!((0.75..1.25).contains(&pause), "{pause}");
        }
        for _ in 0..100 {
            assert!(pauses.next() < LONGEST.mul_f64(1.25));
        }
        assert!(pauses.are_longest());
        pauses.begin_anew();
        assert!(pauses.next() < Duration::from_secs(1) && !pauses.are_longest());
        let different: std::collections::HashSet<Duration> = (0..100).map(|_| Pauses::default().next()).collect();
        assert!(different.len() > 10);
    }
}
