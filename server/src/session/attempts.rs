//! Limits on guessing passwords, which nobody can turn against the owner of an account.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    hash::Hash,
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The time over which failures are counted.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failures from one network over all accounts in the window. Large, since a whole campus may share one address.
const FROM_NETWORK: u32 = 300;

/// Failures for one account from all networks from which its owner has not signed in, in the window. Where its owner
/// has signed in before, the account stays open.
const FOR_ACCOUNT: u32 = 100;

/// Entries kept before old ones are thrown out.
const ENTRIES: usize = 100_000;

/// Counts failed sign-ins of this process, by account and network.
#[derive(Debug)]
pub struct Attempts {
    per_pair: u32,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    pairs: Buckets<(String, IpAddr)>,
    networks: Buckets<IpAddr>,
    accounts: Buckets<String>,
    known: HashSet<(String, IpAddr)>,
}

/// One try, counted as a failure until it is known to be none.
#[derive(Clone, Debug)]
pub struct Attempt {
    account: String,
    network: IpAddr,
}

impl Attempts {
    /// With this many failures for one account from one network in 15 minutes.
    #[must_use]
    pub fn new(per_pair: u32) -> Self {
        Self { per_pair, counts: Mutex::default() }
    }

    /// Whether one may try now; if not, how long to wait. The account is as typed, in lower case, whether or not it
    /// exists, so that nothing is told of that.
    ///
    /// # Errors
    /// The time to wait.
    pub fn begin(&self, account: &str, network: IpAddr, now: Instant) -> Result<Attempt, Duration> {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pair = (account.to_owned(), network);
        let known = counts.known.contains(&pair);
        // All are asked before any counts.
        let mut wait = counts.pairs.wait(&pair, self.per_pair, now);
        wait = wait.max(counts.networks.wait(&network, FROM_NETWORK, now));
        if !known {
            wait = wait.max(counts.accounts.wait(&pair.0, FOR_ACCOUNT, now));
        }
        if let Some(wait) = wait {
            return Err(wait);
        }
        counts.networks.add(network, FROM_NETWORK, now);
        if !known {
            counts.accounts.add(pair.0.clone(), FOR_ACCOUNT, now);
        }
        counts.pairs.add(pair, self.per_pair, now);
        Ok(Attempt { account: account.to_owned(), network })
    }

    /// The try succeeded: it does not count, and the account may be tried from this network from now on.
    pub fn succeeded(&self, attempt: Attempt) {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        counts.networks.give_back(&attempt.network);
        counts.accounts.give_back(&attempt.account);
        let pair = (attempt.account, attempt.network);
        counts.pairs.forget(&pair);
        if counts.known.len() >= ENTRIES {
            counts.known.clear();
        }
        counts.known.insert(pair);
    }
}

/// Buckets that fill with failures and leak evenly, so that a full one is empty again after the window.
#[derive(Debug)]
struct Buckets<K>(HashMap<K, Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// How long until one more fits; none: it fits now.
    fn wait(&self, key: &K, most: u32, now: Instant) -> Option<Duration> {
        let bucket = self.0.get(key)?;
        let over = bucket.level_at(now, most) + 1.0 - f64::from(most);
        (over > 0.0).then(|| WINDOW.mul_f64(over / f64::from(most)))
    }

    fn add(&mut self, key: K, most: u32, now: Instant) {
        if self.0.len() >= ENTRIES {
            self.0.retain(|_, bucket| bucket.level_at(now, most) > 0.0);
        }
        match self.0.entry(key) {
            Entry::Occupied(mut entry) => {
                let bucket = entry.get_mut();
                *bucket = Bucket { level: bucket.level_at(now, most) + 1.0, at: now };
            }
            Entry::Vacant(entry) => {
                entry.insert(Bucket { level: 1.0, at: now });
            }
        }
    }

    fn give_back(&mut self, key: &K) {
        if let Some(bucket) = self.0.get_mut(key) {
            bucket.level = (bucket.level - 1.0).max(0.0);
        }
    }

    fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }
}

impl Bucket {
    fn level_at(&self, now: Instant, most: u32) -> f64 {
        let leaked =
            now.saturating_duration_since(self.at).as_secs_f64() / WINDOW.as_secs_f64() * f64::from(most);
        (self.level - leaked).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn stranger(n: u32) -> IpAddr {
        IpAddr::V4((0x0A00_0000 + n).into())
    }

    #[test]
    fn failures_make_one_wait_and_time_heals() {
        let (attempts, now) = (Attempts::new(10), Instant::now());
        for _ in 0..10 {
            attempts.begin("ada@x", HOME, now).unwrap();
        }
        let wait = attempts.begin("ada@x", HOME, now).unwrap_err();
        assert!(wait > Duration::from_secs(80) && wait < Duration::from_secs(100), "{wait:?}");
        attempts.begin("bob@x", HOME, now).unwrap();
        attempts.begin("ada@x", stranger(1), now).unwrap();
        attempts.begin("ada@x", HOME, now + wait).unwrap();
        attempts.begin("ada@x", HOME, now + wait).unwrap_err();
    }

    #[test]
    fn success_does_not_count() {
        let (attempts, now) = (Attempts::new(3), Instant::now());
        for _ in 0..1000 {
            let attempt = attempts.begin("ada@x", HOME, now).unwrap();
            attempts.succeeded(attempt);
        }
    }

    #[test]
    fn guessing_from_everywhere_is_stopped_but_the_owner_is_not() {
        let (attempts, now) = (Attempts::new(10), Instant::now());
        let own = attempts.begin("ada@x", HOME, now).unwrap();
        attempts.succeeded(own);
        for n in 0..FOR_ACCOUNT {
            attempts.begin("ada@x", stranger(n), now).unwrap();
        }
        attempts.begin("ada@x", stranger(100_000), now).unwrap_err();
        attempts.begin("ada@x", HOME, now).unwrap();
    }

    #[test]
    fn one_network_guessing_many_accounts_is_stopped() {
        let (attempts, now) = (Attempts::new(10), Instant::now());
        for n in 0..FROM_NETWORK {
            attempts.begin(&format!("p{n}@x"), HOME, now).unwrap();
        }
        attempts.begin("another@x", HOME, now).unwrap_err();
        attempts.begin("another@x", stranger(1), now).unwrap();
    }
}
