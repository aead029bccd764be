//! Failed logons are slowed down.

use crate::env::FileTime;
use crate::identity::Account;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use sha2::{Digest, Sha256};

/// How many logons may fail, and what then.
///
/// ```
/// let mut config = logon::http::ThrottleConfig::default();
/// config.exempt.push("10.0.0.7".parse()?); // a proxy in front
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ThrottleConfig {
    /// Failures after which an account is refused from the address that they came from. Default:
    /// 10, more than somebody needs who mistypes a password; 0 counts as 1.
    pub account_failures: u32,
    /// Failures after which every logon from an address is refused. Default: 100, because a whole
    /// office may share one; 0 counts as 1.
    pub address_failures: u32,
    /// The time within which failures add up, from the first of them on. Default: 15 minutes.
    pub window: Duration,
    /// How long logons are refused then. Default: 15 minutes.
    pub lock_out: Duration,
    /// How many addresses are remembered, and how many accounts of addresses beside them. Default:
    /// 65,536, some 10 MB when full; 0 counts as 1.
    pub max_entries: usize,
    /// Addresses that are never refused, because others stand behind them whom they cannot tell
    /// apart: proxies. Where a trusted proxy says who is behind it, ask about that address
    /// instead. Default: none.
    pub exempt: Vec<IpAddr>,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            account_failures: 10,
            address_failures: 100,
            window: Duration::from_secs(15 * 60),
            lock_out: Duration::from_secs(15 * 60),
            max_entries: 65_536,
            exempt: Vec::new(),
        }
    }
}

/// Counts failed logons, and refuses more of them for a while.
///
/// After [`ThrottleConfig::account_failures`] an account is refused **from the address** that the
/// failures came from; after [`ThrottleConfig::address_failures`] with whatever accounts, every
/// logon from that address is. A success clears the former counter, not the latter: otherwise an
/// account of one's own would buy guesses at others'. Refused logons are not tried and not
/// counted, so nobody can prolong a lock-out.
///
/// # Security
/// No account is ever refused for its name alone: whoever knows a name could lock its owner out.
/// From one and the same address this is possible, for the colleague at the next desk if both
/// share it; connections that have logged on already are not asked about. The price is that a
/// guesser with many addresses has that many times the guesses; those show in the log.
///
/// An IPv6 address counts as its network of 64 bits, because that is what a customer is given; an
/// IPv4 address within IPv6, as a dual-stack socket or a translator (`64:ff9b::/96`) has it, counts
/// as the IPv4 address.
///
/// Accounts are told apart by the name of the user alone, without the domain: else `CORP\alice`,
/// `alice` and `alice@corp.example` would each have their guesses at one password. A name that
/// `Digest` sends as a hash has guesses of its own.
///
/// **Memory** has a bound. When it is reached, entries that have run out make room first, then, of
/// a few taken in turn, the one with the fewest failures. So who wants failures forgotten has to
/// fill the table with entries that have as many, from hundreds of other addresses by default; and
/// nobody is refused for want of room.
///
/// **Several at once**: what is between [`Self::check`] and [`Self::failed`] is not counted yet.
/// Ask directly before the proof is verified, after the store has answered, and a guesser gains
/// nothing by many connections.
pub struct Throttle {
    addresses: Counters<Source>,
    accounts: Counters<(AccountHash, Source)>,
    exempt: Vec<IpAddr>,
}

/// A logon that is not tried, because too many have failed.
/// See [RFC 9110] §10.2.3, [RFC 6585] §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttled {
    /// Seconds until it is worth another try, at least 1.
    pub retry_after_seconds: u32,
}

/// What failures are counted for in place of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    V4([u8; 4]),
    /// The network.
    V6([u16; 4]),
}

/// Names are as long as the peer likes; this is not.
type AccountHash = [u8; 16];

impl Throttle {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(config: ThrottleConfig) -> Self {
        Self {
            addresses: Counters::new(&config, config.address_failures),
            accounts: Counters::new(&config, config.account_failures),
            exempt: config.exempt.iter().map(IpAddr::to_canonical).collect(),
        }
    }

    /// Whether a logon from `address` may be tried, as long as the account is not known.
    ///
    /// # Errors
    /// [`Throttled`] if it may not.
    pub fn check_address(&mut self, now: FileTime, address: IpAddr) -> Result<(), Throttled> {
        let Some(source) = self.source(address) else { return Ok(()) };
        self.addresses.check(now, &source)
    }

    /// Whether a logon of `account` from `address` may be tried.
    ///
    /// # Errors
    /// [`Throttled`] if it may not.
    pub fn check(
        &mut self,
        now: FileTime,
        address: IpAddr,
        account: Account<'_>,
    ) -> Result<(), Throttled> {
        let Some(source) = self.source(address) else { return Ok(()) };
        self.addresses.check(now, &source)?;
        self.accounts.check(now, &(hash(account), source))
    }

    /// A logon was tried and refused. One that came to no verdict, because the store could not
    /// answer or the token could not be read, was no guess.
    pub fn failed(&mut self, now: FileTime, address: IpAddr, account: Account<'_>) {
        let Some(source) = self.source(address) else { return };
        self.addresses.count(now, source, AccountHash::default());
        self.accounts.count(now, (hash(account), source), full_hash(account));
    }

    /// A logon succeeded. Its failures are forgotten, if all of them were claimed by the very name
    /// that has succeeded, domain included: else somebody with an account of the same name in
    /// another domain would buy guesses with it.
    pub fn succeeded(&mut self, address: IpAddr, account: Account<'_>) {
        let Some(source) = self.source(address) else { return };
        let key = (hash(account), source);
        let claimed = self.accounts.map.get(&key).and_then(|counter| counter.claimed);
        if claimed == Some(full_hash(account)) {
            self.accounts.map.remove(&key);
        }
    }

    /// How many counters are kept: at most twice [`ThrottleConfig::max_entries`].
    #[must_use]
    pub fn entries(&self) -> usize {
        self.addresses.map.len().saturating_add(self.accounts.map.len())
    }

    /// `None` for an address that is exempt.
    fn source(&self, address: IpAddr) -> Option<Source> {
        let address = address.to_canonical();
        if self.exempt.contains(&address) {
            return None;
        }
        Some(match address {
            IpAddr::V4(address) => Source::V4(address.octets()),
            IpAddr::V6(address) => match (address.segments(), address.octets()) {
                // [RFC 6052] §2.1: everybody who comes by IPv4 through a translator.
                ([0x64, 0xff9b, 0, 0, 0, 0, ..], [.., a, b, c, d]) => Source::V4([a, b, c, d]),
                ([a, b, c, d, ..], _) => Source::V6([a, b, c, d]),
            },
        })
    }
}

/// Counters of one kind.
struct Counters<K> {
    map: BTreeMap<K, Counter>,
    /// Where the search for room goes on.
    hand: Option<K>,
    limit: u32,
    window: Duration,
    lock_out: Duration,
    max_entries: usize,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    failures: u32,
    /// The first failure; once the limit is reached, the last.
    since: FileTime,
    /// The name that all of them were claimed by; `None` if there were several.
    claimed: Option<AccountHash>,
}

/// How many entries the search for room looks at.
const HAND: usize = 16;

impl<K: Ord + Copy> Counters<K> {
    fn new(config: &ThrottleConfig, limit: u32) -> Self {
        Self {
            map: BTreeMap::new(),
            hand: None,
            limit: limit.max(1),
            window: config.window,
            lock_out: config.lock_out,
            max_entries: config.max_entries.max(1),
        }
    }

    fn check(&mut self, now: FileTime, key: &K) -> Result<(), Throttled> {
        let Some(counter) = self.map.get_mut(key) else { return Ok(()) };
        counter.keep_up_with(now);
        match counter.left(now, self.limit, self.window, self.lock_out) {
            Some(left) if counter.failures >= self.limit => return Err(Throttled::until(left)),
            Some(_) => {}
            // Or it would be back if the clock were set back.
            None => drop(self.map.remove(key)),
        }
        Ok(())
    }

    fn count(&mut self, now: FileTime, key: K, claimed: AccountHash) {
        let first = Counter { failures: 1, since: now, claimed: Some(claimed) };
        let Some(counter) = self.map.get_mut(&key) else {
            self.make_room(now);
            self.map.insert(key, first);
            return;
        };
        counter.keep_up_with(now);
        if counter.left(now, self.limit, self.window, self.lock_out).is_none() {
            *counter = first;
        } else if counter.failures < self.limit {
            counter.failures = counter.failures.saturating_add(1);
            counter.claimed = counter.claimed.filter(|known| *known == claimed);
            if counter.failures >= self.limit {
                counter.since = now;
            }
        }
    }

    /// Drops what has run out among the next few entries, and if need be one that has not.
    fn make_room(&mut self, now: FileTime) {
        let next: Vec<(K, Counter)> = match self.hand {
            Some(hand) => {
                let behind = self.map.range(hand..).chain(self.map.range(..hand));
                behind.take(HAND).map(|(key, counter)| (*key, *counter)).collect()
            }
            None => self.map.iter().take(HAND).map(|(key, counter)| (*key, *counter)).collect(),
        };
        self.hand = next.last().map(|(key, _)| *key);
        for (key, counter) in &next {
            if counter.left(now, self.limit, self.window, self.lock_out).is_none() {
                self.map.remove(key);
            }
        }
        if self.map.len() >= self.max_entries {
            let fewest = next.iter().min_by_key(|(_, counter)| (counter.failures, counter.since));
            fewest.map(|(key, _)| self.map.remove(key));
        }
    }
}

impl Counter {
    /// The time that is left of the window, or of the lock-out; `None` if it is over.
    fn left(
        self,
        now: FileTime,
        limit: u32,
        window: Duration,
        lock_out: Duration,
    ) -> Option<Duration> {
        let period = if self.failures < limit { window } else { lock_out };
        let age = now.since(self.since).unwrap_or_default();
        period.checked_sub(age).filter(|left| !left.is_zero())
    }

    /// If the clock was set back, the period begins anew; it would last for too long otherwise.
    fn keep_up_with(&mut self, now: FileTime) {
        self.since = self.since.min(now);
    }
}

impl Throttled {
    fn until(left: Duration) -> Self {
        let partial = u64::from(left.subsec_nanos() > 0);
        let seconds = left.as_secs().saturating_add(partial).max(1);
        Self { retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }
}

/// Characters of a name that count: more than any account has.
const MAX_NAME: usize = 256;

/// The user without a domain, in either notation, and without regard to case or locale.
fn hash(account: Account<'_>) -> AccountHash {
    let user = account.user();
    let user = user.rsplit('\\').next().unwrap_or(user);
    folded_hash(["", user.split('@').next().unwrap_or(user)])
}

/// Domain and user as they are claimed, without regard to case or locale.
fn full_hash(account: Account<'_>) -> AccountHash {
    folded_hash([account.domain(), account.user()])
}

fn folded_hash(parts: [&str; 2]) -> AccountHash {
    let mut hash = Sha256::new();
    for part in parts {
        let folded = part.chars().take(MAX_NAME).flat_map(char::to_uppercase);
        for c in folded.flat_map(char::to_lowercase) {
            hash.update(c.encode_utf8(&mut [0; 4]));
        }
        // No character ends like this.
        hash.update([0xff]);
    }
    let mut short = AccountHash::default();
    for (to, from) in short.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    short
}

/// Neither addresses nor accounts.
impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("addresses", &self.addresses.map.len())
            .field("accounts", &self.accounts.map.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too many failed logons, refused for another {} s", self.retry_after_seconds)
    }
}

impl core::error::Error for Throttled {}
