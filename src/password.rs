//! The gate in front of the room: whether a password is the room's, and how often an address may try.
//!
//! It knows addresses, the time and one hash, and nothing of sessions, names and sentences. The password itself is not kept,
//! and no try is: both are wiped from memory when they are dropped, and neither can be printed.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use log::error;
use precis_core::profile::Profile;
use precis_profiles::OpaqueString;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::addresses::{Address, Addresses, Arrivals, Memory};
use crate::config::{Config, Net};

/// What one try costs: 19 MiB of memory, which are gone through twice, in one thread. That is a twentieth of a second or so,
/// and what OWASP asks for.
const COST: Params = match Params::new(19_456, 2, 1, None) {
    Ok(cost) => cost,
    Err(_) => panic!("these are within the limits of argon2"),
};

/// The room's password, in the form that is compared: that of `OpaqueString` (RFC 8265 §4.2). So it does not matter whether a
/// keyboard makes one character of `ã` or two, nor which of the Unicode spaces it makes.
#[derive(Debug)]
pub struct Password(SecretString);

/// Why a text is no [`Password`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// There is nothing.
    #[error("the password is empty")]
    Empty,
    /// A control character, or another one that RFC 8264 §4.3 keeps out of passwords: not everybody could type it.
    #[error("the password has a character that a password cannot have")]
    BadCharacter,
    /// Typed at a terminal it would be a command, or the beginning of another protocol.
    #[error("the password means something else where it is typed")]
    MeansSomethingElse,
    /// More than so many bytes, in the form that is compared.
    #[error("the password is longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
}

impl Password {
    /// Reads a password of at most `max` bytes.
    ///
    /// # Errors
    /// [`BadPassword`] says what is wrong with the text.
    pub fn parse(text: &str, max: usize) -> Result<Password, BadPassword> {
        if text.is_empty() {
            return Err(BadPassword::Empty);
        }
        let normal = normal(text).ok_or(BadPassword::BadCharacter)?;
        match normal.expose_secret().len() {
            length if length > max => Err(BadPassword::TooLong { max }),
            _ => Ok(Password(normal)),
        }
    }
}

/// For a client, which has to send it.
impl ExposeSecret<str> for Password {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The form of a password that is compared; `None` if it cannot be one.
fn normal(text: &str) -> Option<SecretString> {
    OpaqueString::new().enforce(text).ok().map(|normal| SecretString::from(normal.into_owned()))
}

/// Why there is no [`Gate`]: there is no memory for the hash, or no chance for its salt.
#[derive(Debug, thiserror::Error)]
#[error("cannot hash the password: {0}")]
pub struct HashError(#[from] password_hash::Error);

/// What somebody hears who tries a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the room's.
    Right,
    /// It is not.
    Wrong,
    /// The address has had too many wrong ones lately. This one was not looked at.
    TooManyTries {
        /// How long it takes until one more will be.
        wait: Duration,
    },
}

/// Who may come in where a password is needed: one for each server, shared by its sessions.
///
/// 1. A try costs the memory and the time of a hash (19 MiB), whatever it is compared with. No more of them are made at once
///    than there are cores, on threads that serve nobody.
/// 2. The tries of one address are looked at one after the other, each when it is known what became of the one before. So of
///    many that come at once no more than [`Config::password_tries`] are wrong ones that cost a hash, and right ones do not
///    count: a whole class behind one address is in after as many hashes as there are people. Those of an address without
///    limits ([`Config::exempt`]) wait for each other, too, or they would keep out everybody else.
/// 3. A wrong try is counted even if who made it has gone in the meantime.
/// 4. Whoever waits has nothing else to do: a session tries one password at a time. So no more wait than there are sessions
///    without a name, which are bounded by [`Config::max_connections`] and the other limits of [`crate::admission`], and none
///    for longer than [`Config::name_deadline`]. Of one address no more than one waits for a core.
pub struct Gate {
    hash: Arc<PasswordHash>,
    /// One for each core.
    hashers: Arc<Semaphore>,
    tries: Arc<Mutex<Addresses<Tries>>>,
    /// 0 = off.
    max_tries: usize,
    within: Duration,
    exempt: Vec<Net>,
}

/// What is remembered of one address.
#[derive(Debug)]
struct Tries {
    /// Those that were wrong.
    wrong: Arrivals,
    /// Whose turn it is.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Memory for Tries {
    /// Somebody has the turn or waits for it; to forget them would give the address another turn.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.turn) > 1
    }

    /// To become so many that they are forgotten earlier, wrong tries must come faster than they can be hashed.
    fn is_recent(&self, now: std::time::Instant) -> bool {
        self.wrong.are_recent(now)
    }
}

/// The right of an address to have one password looked at. It ends with this.
struct Turn {
    address: Address,
    /// Whether the wrong ones of the address are counted.
    is_limited: bool,
    tries: Arc<Mutex<Addresses<Tries>>>,
    _turn: OwnedMutexGuard<()>,
}

impl Turn {
    /// The password was wrong.
    fn count_wrong(&self) {
        if self.is_limited
            && let Some(known) = lock(&self.tries).get_mut(self.address)
        {
            known.wrong.add(Instant::now().into_std());
        }
    }
}

impl Gate {
    /// A gate that opens to this password, of which only a hash remains. The limits are [`Config::password_tries`],
    /// [`Config::password_tries_within`] and [`Config::exempt`]. Takes as long as a try does.
    ///
    /// # Errors
    /// [`HashError`] if the system has no random bytes to give.
    pub fn new(password: &Password, config: &Config) -> Result<Gate, HashError> {
        Gate::with_cost(password, config, COST)
    }

    fn with_cost(Password(password): &Password, config: &Config, cost: Params) -> Result<Gate, HashError> {
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost);
        let hash = hasher.hash_password(password.expose_secret().as_bytes())?;
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Gate {
            hash: Arc::new(hash),
            hashers: Arc::new(Semaphore::new(cores)),
            tries: Arc::new(Mutex::new(Addresses::none(Instant::now().into_std()))),
            max_tries: config.password_tries as usize,
            within: config.password_tries_within,
            exempt: config.exempt.clone(),
        })
    }

    /// Looks at the password that somebody at this address gives. Whoever asks and does not wait for the answer has tried all
    /// the same, once it is looked at.
    pub async fn check(&self, ip: IpAddr, attempt: String) -> Verdict {
        let attempt = SecretString::from(attempt);
        match self.turn(ip).await {
            Ok(turn) => {
                if self.is_right(attempt, turn).await {
                    Verdict::Right
                } else {
                    Verdict::Wrong
                }
            }
            Err(wait) => Verdict::TooManyTries { wait },
        }
    }

    fn is_limited(&self, ip: IpAddr) -> bool {
        self.max_tries != 0 && !self.exempt.iter().any(|net| net.contains(ip))
    }

    /// Waits until all who came before from this address have their answers, unless it has too many wrong ones.
    ///
    /// # Errors
    /// How long it takes until it has one less.
    async fn turn(&self, ip: IpAddr) -> Result<Turn, Duration> {
        let (address, is_limited) = (Address::from(ip), self.is_limited(ip));
        // whoever is over the limit does not even wait
        let turn = self.queue(address, is_limited)?.lock_owned().await;
        // and it may have been reached while this one waited
        self.queue(address, is_limited)?;
        Ok(Turn { address, is_limited, tries: Arc::clone(&self.tries), _turn: turn })
    }

    /// Where those wait who try from this address.
    ///
    /// # Errors
    /// How long it takes until anybody can, after too many wrong ones.
    fn queue(&self, address: Address, is_limited: bool) -> Result<Arc<tokio::sync::Mutex<()>>, Duration> {
        let now = Instant::now().into_std();
        let none = || Tries { wrong: Arrivals::none(self.within, now), turn: Arc::default() };
        let mut tries = lock(&self.tries);
        let known = tries.remember(address, now, none);
        match known.wrong.wait(self.max_tries, now) {
            Some(wait) if is_limited => Err(wait),
            _ => Ok(Arc::clone(&known.turn)),
        }
    }

    /// Hashes it, and counts it if it is wrong. What cannot be found out is wrong.
    async fn is_right(&self, attempt: SecretString, turn: Turn) -> bool {
        let Some(attempt) = normal(attempt.expose_secret()) else {
            turn.count_wrong();
            return false;
        };
        // the semaphore is never closed
        let Ok(permit) = Arc::clone(&self.hashers).acquire_owned().await else {
            return false;
        };
        let hash = Arc::clone(&self.hash);
        // the thread has all that it needs, and goes on to the end when nobody waits any more
        let is_right = spawn_blocking(move || {
            let is_right = Argon2::default().verify_password(attempt.expose_secret().as_bytes(), &*hash).is_ok();
            if !is_right {
                turn.count_wrong();
            }
            // in this order: whoever has the turn next finds a core that is free
            drop(permit);
            drop(turn);
            is_right
        });
        is_right.await.unwrap_or_else(|error| {
            error!("cannot look at a password: {error}");
            false
        })
    }
}

impl fmt::Debug for Gate {
    /// Nothing that helps to guess the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

fn lock(tries: &Mutex<Addresses<Tries>>) -> MutexGuard<'_, Addresses<Tries>> {
    // no step of it leaves anything half done
    tries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};
    use tokio::task::JoinSet;
    use tokio::time;

    /// How long anything may take before a test fails.
    const DEADLINE: Duration = Duration::from_secs(20);
    const ANA: &str = "10.0.0.1";
    const BETO: &str = "10.0.0.2";

    fn password(text: &str) -> Password {
        Password::parse(text, 100).unwrap()
    }

    /// A gate that costs next to nothing.
    fn gate(config: &Config) -> Arc<Gate> {
        let cheap = Params::new(8, 1, 1, None).unwrap();
        Arc::new(Gate::with_cost(&password("abre-te sésamo"), config, cheap).unwrap())
    }

    async fn check(gate: &Gate, ip: &str, attempt: &str) -> Verdict {
        let check = gate.check(ip.parse().unwrap(), attempt.to_owned());
        time::timeout(DEADLINE, check).await.unwrap()
    }

    /// What many hear who try at once.
    async fn at_once(gate: &Arc<Gate>, ip: &str, attempts: impl IntoIterator<Item = &'static str>) -> Vec<Verdict> {
        let ip: IpAddr = ip.parse().unwrap();
        let mut all = JoinSet::new();
        for attempt in attempts {
            let gate = Arc::clone(gate);
            all.spawn(async move { gate.check(ip, attempt.to_owned()).await });
        }
        all.join_all().await
    }

    fn is_refused(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::TooManyTries { .. })
    }

    #[test]
    fn a_try_costs_what_owasp_asks_for() {
        assert_eq!((COST.m_cost(), COST.t_cost(), COST.p_cost()), (19_456, 2, 1));
        let gates = [(); 2].map(|()| Gate::new(&password("x"), &Config::default()).unwrap());
        let hashes = gates.map(|gate| gate.hash.to_string());
        assert!(hashes[0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashes:?}");
        // each has a salt of its own
        assert_ne!(hashes[0], hashes[1]);
    }

    #[actix_rt::test]
    async fn only_the_password_is_right() {
        let gate = gate(&Config { password_tries: 0, ..Config::default() });
        assert_eq!(check(&gate, ANA, "abre-te sésamo").await, Verdict::Right);
        // é of two characters; a space that does not break
        assert_eq!(check(&gate, ANA, "abre-te se\u{301}samo").await, Verdict::Right);
        assert_eq!(check(&gate, ANA, "abre-te\u{a0}sésamo").await, Verdict::Right);
        for wrong in ["", "abre-te sesamo", "Abre-te sésamo", "abre-te sésamo ", "abre-te sésam", "\0", "\u{fffe}"] {
            assert_eq!(check(&gate, ANA, wrong).await, Verdict::Wrong, "{wrong:?}");
        }
        assert_eq!(check(&gate, ANA, &"ã".repeat(4000)).await, Verdict::Wrong);
    }

    #[actix_rt::test]
    async fn the_sixth_wrong_one_within_30_seconds_is_not_looked_at() {
        time::pause();
        let gate = gate(&Config::default());
        for wrong in ["1", "2", "\u{7}", "4", "5"] {
            assert_eq!(check(&gate, ANA, wrong).await, Verdict::Wrong);
            time::advance(Duration::from_secs(2)).await;
        }
        // nothing can be hashed from here on
        let all = gate.hashers.available_permits().try_into().unwrap();
        let permits = Arc::clone(&gate.hashers).acquire_many_owned(all).await.unwrap();
        let verdict = check(&gate, ANA, "abre-te sésamo").await;
        assert_eq!(verdict, Verdict::TooManyTries { wait: Duration::from_millis(20_001) });
        drop(permits);
        // nobody else notices
        assert_eq!(check(&gate, BETO, "abre-te sésamo").await, Verdict::Right);
        assert_eq!(check(&gate, BETO, "x").await, Verdict::Wrong);
        time::advance(Duration::from_millis(20_000)).await;
        assert!(is_refused(&check(&gate, ANA, "abre-te sésamo").await));
        time::advance(Duration::from_millis(1)).await;
        assert_eq!(check(&gate, ANA, "x").await, Verdict::Wrong);
        assert!(is_refused(&check(&gate, ANA, "abre-te sésamo").await));
        time::advance(Duration::from_secs(6)).await;
        assert_eq!(check(&gate, ANA, "abre-te sésamo").await, Verdict::Right);
        assert_eq!(check(&gate, ANA, "abre-te sésamo").await, Verdict::Right);
    }

    #[actix_rt::test]
    async fn a_whole_class_that_knows_it_comes_in_at_once() {
        let gate = gate(&Config::default());
        for wrong in ["1", "2", "3", "4"] {
            assert_eq!(check(&gate, ANA, wrong).await, Verdict::Wrong);
        }
        let verdicts = at_once(&gate, ANA, ["abre-te sésamo"; 100]).await;
        assert!(verdicts.len() == 100 && verdicts.iter().all(|verdict| *verdict == Verdict::Right), "{verdicts:?}");
        assert_eq!(check(&gate, ANA, "5").await, Verdict::Wrong);
        assert!(is_refused(&check(&gate, ANA, "abre-te sésamo").await));
    }

    #[actix_rt::test]
    async fn of_many_wrong_ones_at_once_five_are_looked_at() {
        let gate = gate(&Config::default());
        let verdicts = at_once(&gate, ANA, ["x"; 100]).await;
        assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Wrong).count(), 5);
        assert_eq!(verdicts.iter().filter(|verdict| is_refused(verdict)).count(), 95);
    }

    #[actix_rt::test]
    async fn many_of_an_address_without_limits_do_not_keep_others_waiting() {
        let gate = gate(&Config { exempt: vec!["10.0.0.0/8".parse().unwrap()], ..Config::default() });
        let crowd = at_once(&gate, "10.0.0.1", ["x"; 200]);
        let newcomer = async {
            // behind all of the crowd
            tokio::task::yield_now().await;
            check(&gate, ANA, "abre-te sésamo").await
        };
        let mut crowd = pin!(crowd);
        let verdict = tokio::select! {
            _ = crowd.as_mut() => panic!("the crowd was first"),
            verdict = newcomer => verdict,
        };
        assert_eq!(verdict, Verdict::Right);
        assert_eq!(crowd.await, [Verdict::Wrong; 200]);
    }

    #[actix_rt::test]
    async fn whoever_does_not_wait_for_the_answer_has_tried_all_the_same() {
        let (gate, ip) = (gate(&Config::default()), ANA.parse().unwrap());
        for _ in 0..5 {
            // nobody else has the turn, so the first step goes as far as the hash
            let check = pin!(gate.check(ip, "x".to_owned()));
            let _ = check.poll(&mut Context::from_waker(Waker::noop()));
            // until the hash is made
            let turn = time::timeout(DEADLINE, gate.turn(ip));
            drop(turn.await.unwrap());
        }
        assert!(is_refused(&check(&gate, ANA, "abre-te sésamo").await));
    }

    #[actix_rt::test]
    async fn whoever_leaves_the_queue_has_not_tried_and_holds_up_nobody() {
        let gate = gate(&Config::default());
        let all = gate.hashers.available_permits().try_into().unwrap();
        let permits = Arc::clone(&gate.hashers).acquire_many_owned(all).await.unwrap();
        for _ in 0..20 {
            let mut check = pin!(gate.check(ANA.parse().unwrap(), "x".to_owned()));
            assert!(check.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(permits);
        assert_eq!(check(&gate, ANA, "abre-te sésamo").await, Verdict::Right);
        assert_eq!(at_once(&gate, ANA, ["x"; 5]).await, [Verdict::Wrong; 5]);
    }

    #[actix_rt::test]
    async fn the_limit_is_for_an_ipv6_network_and_not_for_exempt_ones_and_0_is_none() {
        let exempt = vec!["10.8.0.0/24".parse().unwrap()];
        let limited = gate(&Config { password_tries: 2, exempt, ..Config::default() });
        assert_eq!(check(&limited, "2001:db8::1", "x").await, Verdict::Wrong);
        assert_eq!(check(&limited, "2001:db8::2", "x").await, Verdict::Wrong);
        assert!(is_refused(&check(&limited, "2001:db8::3", "abre-te sésamo").await));
        assert_eq!(check(&limited, "2001:db8:0:1::3", "x").await, Verdict::Wrong);
        assert_eq!(at_once(&limited, "10.8.0.7", ["x"; 20]).await, [Verdict::Wrong; 20]);
        assert_eq!(at_once(&limited, "::ffff:10.8.0.7", ["x"; 20]).await, [Verdict::Wrong; 20]);
        let off = gate(&Config { password_tries: 0, ..Config::default() });
        assert_eq!(at_once(&off, ANA, ["x"; 20]).await, [Verdict::Wrong; 20]);
    }

    #[actix_rt::test]
    async fn addresses_are_forgotten_when_their_tries_are_old() {
        time::pause();
        let gate = gate(&Config::default());
        for number in 0..50 {
            check(&gate, &format!("10.0.1.{number}"), "x").await;
        }
        time::advance(Duration::from_secs(61)).await;
        check(&gate, ANA, "x").await;
        assert_eq!(gate.tries.lock().unwrap().all().len(), 1);
    }

    #[test]
    fn neither_the_password_nor_its_hash_is_ever_printed() {
        let gate = gate(&Config::default());
        let printed = format!("{gate:?} {:?}", password("abre-te sésamo"));
        assert!(!printed.contains("abre") && !printed.contains("argon2"), "{printed}");
    }

    #[test]
    fn what_can_be_a_password() {
        for (text, expected) in [
            ("", Some(BadPassword::Empty)),
            (" ", None),
            ("senhã ☠ 🐒", None),
            ("a\tb", Some(BadPassword::BadCharacter)),
            ("a\u{1b}", Some(BadPassword::BadCharacter)),
            ("a\u{200b}b", Some(BadPassword::BadCharacter)),
            ("0123456789", None),
            ("0123456789a", Some(BadPassword::TooLong { max: 10 })),
        ] {
            let max = if text.starts_with('0') { 10 } else { 100 };
            assert_eq!(Password::parse(text, max).err(), expected, "{text:?}");
        }
    }
}
