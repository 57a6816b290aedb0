//! What is remembered of addresses, for limits that apply to each of them: how many came lately, or failed.
//!
//! It knows no sockets and no clock, and not what is remembered. However many addresses somebody makes up, the table does not
//! grow without end.

mod address;
mod arrivals;
mod crowds;
mod origin;

use std::collections::HashMap;
use std::time::{Duration, Instant};

pub(crate) use address::Address;
pub(crate) use arrivals::Arrivals;
pub(crate) use crowds::Crowds;
pub use origin::Origin;

/// Addresses that are gone are forgotten this often at most, unless there are very many of them.
const PRUNING_INTERVAL: Duration = Duration::from_secs(60);

/// So many addresses are remembered before the time matters no more. A few hundred kilobytes.
pub(crate) const MAX_REMEMBERED: usize = 8192;

/// What is remembered of one address.
pub(crate) trait Memory {
    /// Whether something goes on there, so that it cannot be forgotten.
    fn is_in_use(&self) -> bool;
    /// Whether what happened there may still count.
    fn is_recent(&self, now: Instant) -> bool;
}

/// The addresses that something is remembered of.
#[derive(Debug)]
pub(crate) struct Addresses<M> {
    known: HashMap<Address, M>,
    pruned: Instant,
    /// With so many addresses it is time to forget some.
    prune_at: usize,
}

impl<M: Memory> Addresses<M> {
    /// None so far.
    pub(crate) fn none(now: Instant) -> Addresses<M> {
        Addresses { known: HashMap::new(), pruned: now, prune_at: MAX_REMEMBERED }
    }

    /// What is remembered of this address; if nothing is, `new`. Others may be forgotten for it.
    pub(crate) fn remember(&mut self, address: Address, now: Instant, new: impl FnOnce() -> M) -> &mut M {
        self.prune(now);
        self.known.entry(address).or_insert_with(new)
    }

    /// What is remembered of this address, if anything is.
    pub(crate) fn get_mut(&mut self, address: Address) -> Option<&mut M> {
        self.known.get_mut(&address)
    }

    /// Forgets addresses at which nothing goes on: now and then those where nothing happened for long, and all of them when
    /// they are so many that somebody must be making them up. An address that is forgotten too early may come more often
    /// than others for a while, but what goes on there is still known.
    fn prune(&mut self, now: Instant) {
        let is_crowded = self.known.len() >= self.prune_at;
        if !is_crowded && now.saturating_duration_since(self.pruned) < PRUNING_INTERVAL {
            return;
        }
        self.pruned = now;
        self.known.retain(|_, memory| memory.is_in_use() || memory.is_recent(now));
        if is_crowded && self.known.len() > self.prune_at / 2 {
            self.known.retain(|_, memory| memory.is_in_use());
        }
        // each pass over them is paid for by as many that came since the last one
        self.prune_at = MAX_REMEMBERED.max(2 * self.known.len());
        self.known.shrink_to(self.prune_at);
    }
}

#[cfg(test)]
impl<M> Addresses<M> {
    /// All of them.
    pub(crate) fn all(&self) -> &HashMap<Address, M> {
        &self.known
    }
}
