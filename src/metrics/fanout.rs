//! What a hub counts while it hands out turns, so that counting costs the fan-out nothing.
//!
//! Each hub has counters of its own and is the only one who writes them: once a turn, with plain loads and stores. No
//! thread waits for another one's cache line, and they are added up when somebody asks.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// The upper bounds of the buckets, in microseconds: from 10 µs to 10 s. What takes longer has a bucket of its own.
const BOUNDS: [u64; 19] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// What one hub has done.
#[derive(Debug, Default)]
pub struct Fanout {
    deliveries: AtomicU64,
    nanoseconds: AtomicU64,
    /// Turns, by how long they took.
    turns: [AtomicU64; BOUNDS.len() + 1],
}

impl Fanout {
    /// Counts a turn that all readers have: how many lines they were handed since the last one, and how long after it came that
    /// is. Only its hub may call this.
    pub fn walked(&self, deliveries: u64, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound * 1000 < nanoseconds);
        add(&self.deliveries, deliveries);
        add(&self.nanoseconds, nanoseconds);
        add(&self.turns[bucket], 1);
    }
}

/// Adds to a number that nobody else writes.
fn add(number: &AtomicU64, more: u64) {
    number.store(number.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

/// The counters of all hubs.
#[derive(Debug, Clone, Default)]
pub(super) struct Hubs(Arc<Mutex<Vec<Arc<Fanout>>>>);

impl Hubs {
    pub(super) fn add(&self) -> Arc<Fanout> {
        let hub = Arc::new(Fanout::default());
        self.all().push(Arc::clone(&hub));
        hub
    }

    fn all(&self) -> MutexGuard<'_, Vec<Arc<Fanout>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sum(&self, number: impl Fn(&Fanout) -> &AtomicU64) -> u64 {
        self.all().iter().map(|hub| number(hub).load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

/// The lines handed to readers, by all hubs.
#[derive(Debug)]
pub(super) struct Deliveries(pub(super) Hubs);

impl EncodeMetric for Deliveries {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_counter::<NoLabelSet, _, u64>(&self.0.sum(|hub| &hub.deliveries), None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// How long the turns took, of all hubs.
#[derive(Debug)]
pub(super) struct FanoutTime(pub(super) Hubs);

impl EncodeMetric for FanoutTime {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
        let turns = (0..=BOUNDS.len()).map(|bucket| self.0.sum(|hub| &hub.turns[bucket]));
        let buckets: Vec<(f64, u64)> = bounds.zip(turns).collect();
        // of the buckets, so that it is theirs whatever is counted meanwhile
        let count = buckets.iter().map(|(_, turns)| turns).sum();
        let seconds = self.0.sum(|hub| &hub.nanoseconds) as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(seconds, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
