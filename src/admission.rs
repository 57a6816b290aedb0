//! Who may come in: how many connections at once, in all and from one address, how many new ones a minute, and how many
//! that have no name yet.
//!
//! It knows addresses and counts, and nothing of sockets, actors and clocks: it is told the time. The
//! [`server`](crate::server) asks it about each new connection, and tells it when that has a name and when it is gone.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::addresses::{Address, Addresses, Arrivals, Crowds, Memory};
use crate::chat::answer::Refusal;
use crate::chat::registry::SessionId;
use crate::config::Config;

pub use crate::addresses::Origin;

/// The time over which new connections are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// All connections that there are, as far as limits need to know.
#[derive(Debug)]
pub struct Admission {
    config: Arc<Config>,
    open: usize,
    last_id: u64,
    /// The addresses to which limits apply: those with connections, and those that had new ones lately.
    addresses: Addresses<Counts>,
    /// Those without a name.
    unnamed: Crowds,
}

/// What is known of one address.
#[derive(Debug)]
struct Counts {
    open: u32,
    arrivals: Arrivals,
}

impl Memory for Counts {
    fn is_in_use(&self) -> bool {
        self.open > 0
    }

    /// An address that is forgotten too early may open more new connections in that minute, but no more at once.
    fn is_recent(&self, now: Instant) -> bool {
        self.arrivals.are_recent(now)
    }
}

/// A connection that may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// The id of its session.
    pub session: SessionId,
    /// Where it comes from.
    pub origin: Origin,
    /// Another session, without a name, that must go in its place.
    pub evicted: Option<SessionId>,
}

impl Admission {
    /// Nobody is there yet.
    pub fn new(config: Arc<Config>, now: Instant) -> Admission {
        Admission { config, open: 0, last_id: 0, addresses: Addresses::none(now), unnamed: Crowds::default() }
    }

    /// Counts a new connection in, still without a name, unless there are too many.
    ///
    /// There is no refusal for too many connections without a name. Instead one of them is evicted: the oldest of the
    /// newcomer's address if that has too many, else the oldest of the address that has most. So whoever holds many of
    /// them loses his own, and keeps nobody out.
    ///
    /// # Errors
    /// [`Refusal`], and nothing is counted.
    pub fn admit(&mut self, ip: IpAddr, now: Instant) -> Result<Admitted, Refusal> {
        if is_reached(self.config.max_connections, self.open) {
            return Err(Refusal::ServerFull);
        }
        let origin = Origin::of(ip, &self.config.exempt);
        if !origin.is_exempt {
            self.count(origin.address, now)?;
        }
        self.open += 1;
        self.last_id += 1;
        let session = SessionId(self.last_id);
        self.unnamed.add(origin, session);
        Ok(Admitted { session, origin, evicted: self.evict(origin) })
    }

    /// The session has a name, or is closing: it counts no more among those without one.
    pub fn settle(&mut self, origin: Origin, session: SessionId) {
        self.unnamed.remove(origin, session);
    }

    /// A connection from there is gone.
    pub fn release(&mut self, origin: Origin) {
        self.open -= 1;
        if !origin.is_exempt
            && let Some(counts) = self.addresses.get_mut(origin.address)
        {
            counts.open -= 1;
        }
    }

    /// How many connections there are.
    pub fn open(&self) -> usize {
        self.open
    }

    /// How many of them have no name.
    pub fn unnamed(&self) -> usize {
        self.unnamed.len()
    }

    /// One more from this address, unless it has too many.
    fn count(&mut self, address: Address, now: Instant) -> Result<(), Refusal> {
        let Config { max_per_address, max_new_per_address, .. } = *self.config;
        if max_per_address == 0 && max_new_per_address == 0 {
            return Ok(());
        }
        let none = || Counts { open: 0, arrivals: Arrivals::none(MINUTE, now) };
        let counts = self.addresses.remember(address, now, none);
        if is_reached(max_per_address, counts.open as usize) {
            return Err(Refusal::TooManyOfAddress);
        }
        if max_new_per_address != 0 && !counts.arrivals.take(max_new_per_address, now) {
            return Err(Refusal::TooManyNewOfAddress);
        }
        counts.open += 1;
        Ok(())
    }

    /// Takes away one that has no name, if there is one too many.
    fn evict(&mut self, newcomer: Origin) -> Option<SessionId> {
        let Config { max_unnamed, max_unnamed_per_address, .. } = *self.config;
        let crowded = if !newcomer.is_exempt && is_over(max_unnamed_per_address, self.unnamed.of(newcomer)) {
            newcomer
        } else if is_over(max_unnamed, self.unnamed.len()) {
            self.unnamed.most_crowded()?
        } else {
            return None;
        };
        self.unnamed.take_oldest(crowded)
    }
}

/// Whether there is no place for one more. A `max` of 0 is no limit.
fn is_reached(max: usize, count: usize) -> bool {
    max != 0 && count >= max
}

/// Whether there is one too many. A `max` of 0 is no limit.
fn is_over(max: usize, count: usize) -> bool {
    max != 0 && count > max
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::MAX_REMEMBERED;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// No limits at all, but those that a test sets.
    fn unlimited() -> Config {
        Config {
            max_connections: 0,
            max_per_address: 0,
            max_new_per_address: 0,
            max_unnamed: 0,
            max_unnamed_per_address: 0,
            ..Config::default()
        }
    }

    fn admission(config: Config) -> (Admission, Instant) {
        let now = Instant::now();
        (Admission::new(Arc::new(config), now), now)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The number of one of many IPv6 networks.
    fn network(number: u32) -> IpAddr {
        let [a, b, c, d] = number.to_be_bytes();
        IpAddr::from([0x20, 1, 0xd, 0xb8, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 1])
    }

    #[test]
    fn an_address_has_so_many_connections_at_once_and_others_do_not_notice() {
        let (mut admission, now) = admission(Config { max_per_address: 64, ..unlimited() });
        let mut admitted: Vec<_> = (0..64).map(|_| admission.admit(ip("10.0.0.1"), now).unwrap()).collect();
        assert_eq!(admission.admit(ip("10.0.0.1"), now), Err(Refusal::TooManyOfAddress));
        assert_eq!(admission.admit(ip("::ffff:10.0.0.1"), now), Err(Refusal::TooManyOfAddress));
        assert!(admission.admit(ip("10.0.0.2"), now).is_ok());
        admission.release(admitted.pop().unwrap().origin);
        assert!(admission.admit(ip("10.0.0.1"), now).is_ok());
        assert_eq!(admission.admit(ip("10.0.0.1"), now), Err(Refusal::TooManyOfAddress));
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one() {
        let (mut admission, now) = admission(Config { max_per_address: 2, ..unlimited() });
        for ok in ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"] {
            assert!(admission.admit(ip(ok), now).is_ok());
        }
        assert_eq!(admission.admit(ip("2001:db8::ffff:3"), now), Err(Refusal::TooManyOfAddress));
    }

    #[test]
    fn an_address_has_so_many_new_connections_in_a_minute_though_it_closes_them() {
        let (mut admission, now) = admission(Config { max_new_per_address: 128, ..unlimited() });
        for _ in 0..128 {
            let admitted = admission.admit(ip("10.0.0.1"), now).unwrap();
            admission.release(admitted.origin);
        }
        let later = now + Duration::from_secs(59);
        assert_eq!(admission.admit(ip("10.0.0.1"), later), Err(Refusal::TooManyNewOfAddress));
        assert!(admission.admit(ip("10.0.0.2"), later).is_ok());
        assert!(admission.admit(ip("10.0.0.1"), now + Duration::from_secs(61)).is_ok());
    }

    #[test]
    fn exempt_networks_are_free_of_the_limits_for_one_address_and_not_of_the_others() {
        let (mut admission, now) = admission(Config {
            exempt: vec!["10.8.0.0/24".parse().unwrap(), "2001:db8::5".parse().unwrap()],
            max_per_address: 1,
            max_new_per_address: 1,
            max_unnamed_per_address: 1,
            max_unnamed: 5,
            max_connections: 8,
            ..unlimited()
        });
        let first = admission.admit(ip("10.8.0.1"), now).unwrap();
        for _ in 0..4 {
            assert_eq!(admission.admit(ip("10.8.0.1"), now).map(|admitted| admitted.evicted), Ok(None));
        }
        // the pool of those without a name is full
        let sixth = admission.admit(ip("10.8.0.2"), now).unwrap();
        assert_eq!(sixth.evicted, Some(first.session));
        // one exempt address in a network that is not
        let exempt = admission.admit(ip("2001:db8::5"), now).unwrap();
        assert!(admission.admit(ip("2001:db8::6"), now).is_ok());
        assert_eq!(admission.admit(ip("10.8.0.1"), now), Err(Refusal::ServerFull));
        admission.release(exempt.origin);
        assert_eq!(admission.admit(ip("2001:db8::6"), now), Err(Refusal::TooManyOfAddress));
    }

    #[test]
    fn silent_connections_of_one_address_evict_each_other_and_nobody_else() {
        let (mut admission, now) = admission(Config { max_unnamed: 100, max_unnamed_per_address: 16, ..unlimited() });
        let person = admission.admit(ip("10.0.0.2"), now).unwrap();
        let mut attackers: Vec<Admitted> = Vec::new();
        for i in 0..1000 {
            let admitted = admission.admit(ip("10.0.0.1"), now).unwrap();
            let oldest = (i >= 16).then(|| attackers[i - 16].session);
            assert_eq!(admitted.evicted, oldest);
            attackers.push(admitted);
        }
        assert_eq!(admission.unnamed(), 17);
        // somebody who has a name is no longer one of them, nor is somebody who was evicted
        admission.settle(person.origin, person.session);
        admission.settle(attackers[0].origin, attackers[0].session);
        assert_eq!(admission.unnamed(), 16);
    }

    #[test]
    fn when_the_pool_is_full_the_oldest_of_the_address_with_most_goes() {
        let (mut admission, now) = admission(Config { max_unnamed: 4, ..unlimited() });
        let mut come = |text| admission.admit(ip(text), now).unwrap();
        let person = come("10.0.0.2");
        let first = come("10.0.0.1");
        let second = come("10.0.0.1");
        assert_eq!(come("10.0.0.1").evicted, None);
        assert_eq!(come("10.0.0.3").evicted, Some(first.session));
        assert_eq!(come("10.0.0.4").evicted, Some(second.session));
        // all have one: the one that waits longest
        assert_eq!(come("10.0.0.5").evicted, Some(person.session));
    }

    #[test]
    fn a_limit_of_0_is_none() {
        let (mut admission, now) = admission(unlimited());
        for _ in 0..20_000 {
            assert_eq!(admission.admit(ip("10.0.0.1"), now).unwrap().evicted, None);
        }
        assert!(admission.addresses.all().is_empty());
    }

    #[test]
    fn addresses_that_are_gone_are_forgotten_after_two_minutes() {
        let (mut admission, now) = admission(Config::default());
        let staying = admission.admit(ip("10.0.0.1"), now).unwrap();
        for number in 0..1000 {
            let admitted = admission.admit(network(number), now).unwrap();
            admission.settle(admitted.origin, admitted.session);
            admission.release(admitted.origin);
        }
        assert_eq!(admission.addresses.all().len(), 1001);
        let soon = now + Duration::from_secs(90);
        admission.admit(ip("10.0.0.2"), soon).unwrap();
        assert_eq!(admission.addresses.all().len(), 1002);
        let late = soon + Duration::from_secs(61);
        admission.admit(ip("10.0.0.2"), late).unwrap();
        assert_eq!(admission.addresses.all().len(), 2);
        admission.release(staying.origin);
        assert_eq!(admission.addresses.all()[&staying.origin.address].open, 0);
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_table_without_end() {
        let (mut admission, now) = admission(Config { max_connections: 0, max_unnamed: 100, ..Config::default() });
        let open: Vec<Admitted> = (0..1000).map(|number| admission.admit(network(number), now).unwrap()).collect();
        for number in 1000..20_000 {
            let admitted = admission.admit(network(number), now).unwrap();
            admission.settle(admitted.origin, admitted.session);
            admission.release(admitted.origin);
            assert!(admission.addresses.all().len() <= MAX_REMEMBERED);
        }
        // no connection is forgotten
        for admitted in open {
            assert_eq!(admission.addresses.all()[&admitted.origin.address].open, 1);
            admission.release(admitted.origin);
        }
        // and no more than as many again when more are there than are remembered
        for number in 0..20_000 {
            admission.admit(network(number), now).unwrap();
        }
        assert_eq!(admission.addresses.all().len(), 20_000);
    }

    /// The same rules, told as simply as possible: a list of connections that is gone through again and again.
    #[derive(Default)]
    struct Model {
        /// Those that there are: session, address, whether it has no name.
        open: Vec<(SessionId, IpAddr, bool)>,
        last_id: u64,
    }

    impl Model {
        fn count(&self, is_one: impl Fn(&(SessionId, IpAddr, bool)) -> bool) -> usize {
            self.open.iter().filter(|one| is_one(one)).count()
        }

        fn admit(&mut self, ip: IpAddr, config: &Config) -> Result<(SessionId, Option<SessionId>), Refusal> {
            let is_exempt = config.exempt.iter().any(|net| net.contains(ip));
            if self.open.len() >= config.max_connections {
                return Err(Refusal::ServerFull);
            }
            if !is_exempt && self.count(|one| one.1 == ip) >= config.max_per_address {
                return Err(Refusal::TooManyOfAddress);
            }
            self.last_id += 1;
            self.open.push((SessionId(self.last_id), ip, true));
            let unnamed = |ip| self.count(|one| one.1 == ip && one.2);
            let crowded = if !is_exempt && unnamed(ip) > config.max_unnamed_per_address {
                Some(ip)
            } else if self.count(|one| one.2) > config.max_unnamed {
                let most = self.open.iter().map(|one| unnamed(one.1)).max().unwrap();
                self.open.iter().find(|one| one.2 && unnamed(one.1) == most).map(|one| one.1)
            } else {
                None
            };
            let evicted = self.open.iter_mut().find(|one| one.2 && Some(one.1) == crowded);
            let evicted = evicted.map(|one| {
                one.2 = false;
                one.0
            });
            Ok((SessionId(self.last_id), evicted))
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Come(u8),
        Settle(prop::sample::Index),
        Go(prop::sample::Index),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..6u8).prop_map(Step::Come),
            2 => any::<prop::sample::Index>().prop_map(Step::Settle),
            2 => any::<prop::sample::Index>().prop_map(Step::Go),
            1 => (0..100u64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_counts_like_somebody_who_goes_through_the_list(steps in prop::collection::vec(step(), 1..200)) {
            let config = Config {
                max_connections: 20,
                max_per_address: 8,
                max_unnamed: 10,
                max_unnamed_per_address: 5,
                exempt: vec!["10.0.0.0/31".parse().unwrap()],
                max_new_per_address: 1_000_000,
                ..Config::default()
            };
            let (mut admission, mut now) = admission(config.clone());
            let mut model = Model::default();
            let mut origins = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Come(last) => {
                        let ip = IpAddr::from([10, 0, 0, last]);
                        let admitted = admission.admit(ip, now);
                        prop_assert_eq!(
                            admitted.map(|admitted| (admitted.session, admitted.evicted)),
                            model.admit(ip, &config)
                        );
                        if let Ok(admitted) = admitted {
                            origins.insert(admitted.session, admitted.origin);
                        }
                    }
                    Step::Settle(index) if !model.open.is_empty() => {
                        let index = index.index(model.open.len());
                        let one = &mut model.open[index];
                        one.2 = false;
                        admission.settle(origins[&one.0], one.0);
                    }
                    Step::Go(index) if !model.open.is_empty() => {
                        let (session, ..) = model.open.remove(index.index(model.open.len()));
                        // in either order, as sessions do
                        admission.release(origins[&session]);
                        admission.settle(origins[&session], session);
                    }
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                    Step::Settle(_) | Step::Go(_) => {}
                }
                prop_assert_eq!(admission.open(), model.open.len());
                prop_assert_eq!(admission.unnamed(), model.count(|one| one.2));
                let limited: BTreeSet<IpAddr> =
                    model.open.iter().map(|one| one.1).filter(|ip| !config.exempt[0].contains(*ip)).collect();
                let known = admission.addresses.all().values().filter(|counts| counts.open > 0).count();
                prop_assert_eq!(known, limited.len());
            }
        }
    }
}
