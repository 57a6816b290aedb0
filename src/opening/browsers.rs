//! Where browsers come from.
//!
//! A browser opens connections in advance: one that is silent may be a person at a terminal, who waits to be asked for a name,
//! or one that a browser keeps for its next request. What is said to the latter before that request would be taken for the
//! answer to it, and the page would not open.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::addresses::{Address, Addresses, Memory};

/// How long an address counts as one of browsers after its last request: whoever opens the page day by day types its address,
/// and the browser connects while that is typed.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// The last request from an address.
#[derive(Debug)]
struct Last(Instant);

impl Memory for Last {
    fn is_in_use(&self) -> bool {
        false
    }

    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.0) < REMEMBERED
    }
}

/// The addresses from which there have been HTTP requests of late.
#[derive(Debug)]
pub struct Browsers(Mutex<Addresses<Last>>);

impl Browsers {
    /// None so far.
    pub fn none(now: Instant) -> Browsers {
        Browsers(Mutex::new(Addresses::none(now)))
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses<Last>> {
        // an entry is whole, whatever panics elsewhere
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is a request from there.
    pub fn ask(&self, from: IpAddr, now: Instant) {
        self.addresses().remember(Address::from(from), now, || Last(now)).0 = now;
    }

    /// Whether there has been one of late.
    pub fn are_at(&self, ip: IpAddr, now: Instant) -> bool {
        self.addresses().get_mut(Address::from(ip)).is_some_and(|last| last.is_recent(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_browsers_for_a_day_after_the_last_request() {
        let start = Instant::now();
        let (ana, beto) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let browsers = Browsers::none(start);
        assert!(!browsers.are_at(ana, start));
        browsers.ask(ana, start);
        assert!(browsers.are_at(ana, start) && !browsers.are_at(beto, start));
        browsers.ask(ana, start + REMEMBERED / 2);
        assert!(browsers.are_at(ana, start + REMEMBERED));
        assert!(!browsers.are_at(ana, start + REMEMBERED * 3 / 2));
    }
}
