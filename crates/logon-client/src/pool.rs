//! Connections that wait for their next request, each for those who may have it.
//!
//! A connection belongs to nobody until credentials go over it. From then on it is its owner's:
//! never given to another login, and never to a request without one.

use crate::id::Id;
use crate::idle::{Sweeper, Waiting};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A scheme, host and port ([RFC 6454] §4).
///
/// [RFC 6454]: https://www.rfc-editor.org/rfc/rfc6454
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) secure: bool,
    /// Lower case; an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Who may have a connection. The owner's [`Id`] stands for a credential with the schemes it may be
/// used in and what it does with channel bindings; the proxy's for the way there and who logged on to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) origin: Origin,
    pub(crate) proxy: Option<Id>,
    pub(crate) owner: Option<Id>,
}

/// What a pool has to know of a connection.
pub(crate) trait Pooled: Send + 'static {
    /// It is of no more use.
    fn is_closed(&self) -> bool;
    /// It can take a request at once.
    fn is_ready(&self) -> bool;
}

/// The last one in is the first one out, so that those nobody needs grow old.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    idle: Mutex<HashMap<Key, Vec<Idle<C>>>>,
    time: Duration,
    max: usize,
    sweeper: Sweeper,
}

#[derive(Debug)]
struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C: Pooled> Pool<C> {
    /// Up to `max` for one key, each for `time`.
    pub(crate) fn new(time: Duration, max: usize) -> Self {
        Self { idle: Mutex::default(), time, max, sweeper: Sweeper::default() }
    }

    /// One that is open and free, for exactly this key.
    pub(crate) fn take(&self, key: &Key) -> Option<C> {
        let mut idle = self.idle();
        let waiting = idle.get_mut(key)?;
        waiting.retain(|idle| !idle.connection.is_closed() && idle.since.elapsed() <= self.time);
        // Of others the end of the last answer is not read yet.
        let at = waiting.iter().rposition(|idle| idle.connection.is_ready())?;
        let found = waiting.remove(at).connection;
        if waiting.is_empty() {
            idle.remove(key);
        }
        Some(found)
    }

    pub(crate) fn put(self: &Arc<Self>, key: Key, connection: C) {
        if connection.is_closed() || self.max == 0 {
            return;
        }
        let mut idle = self.idle();
        let waiting = idle.entry(key).or_default();
        if waiting.len() >= self.max {
            waiting.remove(0);
        }
        waiting.push(Idle { connection, since: Instant::now() });
        drop(idle);
        self.sweeper.wake(self);
    }

    /// Closes all that wait.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Key, Vec<Idle<C>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Pooled> Waiting for Pool<C> {
    fn sweep(&self) -> Option<Duration> {
        let mut idle = self.idle();
        idle.retain(|_, waiting| {
            waiting
                .retain(|idle| !idle.connection.is_closed() && idle.since.elapsed() <= self.time);
            !waiting.is_empty()
        });
        let waited = idle.values().flatten().map(|idle| idle.since.elapsed());
        waited.max().map(|longest| self.time.saturating_sub(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Origin, Pool, Pooled};
    use crate::id::Id;
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    struct Connection {
        number: usize,
        key: Key,
        closed: Arc<AtomicBool>,
        ready: Arc<AtomicBool>,
    }

    impl Pooled for Connection {
        fn is_closed(&self) -> bool {
            self.closed.load(Ordering::Relaxed)
        }

        fn is_ready(&self) -> bool {
            self.ready.load(Ordering::Relaxed)
        }
    }

    /// All that differ from each other in one respect, and more.
    fn keys() -> Vec<Key> {
        let ids = [None, Some(Id::next()), Some(Id::next())];
        let mut keys = Vec::new();
        for (host, port, secure) in
            [("a", 80, false), ("b", 80, false), ("a", 81, false), ("a", 80, true)]
        {
            for proxy in ids {
                let origin = || Origin { secure, host: host.to_owned(), port };
                keys.extend(ids.map(|owner| Key { origin: origin(), proxy, owner }));
            }
        }
        keys
    }

    fn below(seed: &mut u64, end: usize) -> usize {
        *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from(*seed >> 40).unwrap() % end
    }

    // H-14
    #[test]
    fn who_asks_gets_what_was_put_there_under_the_same_key_and_is_of_use() {
        const MAX: usize = 3;
        for mut seed in 0..50 {
            let pool = Arc::new(Pool::new(Duration::from_secs(3600), MAX));
            let (keys, mut inside, mut found) = (keys(), HashSet::new(), 0);
            let mut states = Vec::new();
            for number in 0..2000 {
                let key = keys[below(&mut seed, keys.len())].clone();
                if below(&mut seed, 3) > 0 {
                    let (closed, ready) =
                        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
                    states.push((Arc::clone(&closed), Arc::clone(&ready)));
                    inside.insert(number);
                    pool.put(key.clone(), Connection { number, key, closed, ready });
                } else if let Some(taken) = pool.take(&key) {
                    assert_eq!(taken.key, key);
                    assert!(taken.is_ready() && !taken.is_closed());
                    assert!(inside.remove(&taken.number), "given twice");
                    found += 1;
                }
                if let Some((closed, ready)) = states.get(below(&mut seed, 1 + states.len())) {
                    closed.fetch_or(below(&mut seed, 4) == 0, Ordering::Relaxed);
                    ready.store(below(&mut seed, 4) > 0, Ordering::Relaxed);
                }
            }
            assert!(found > 100, "{found}");
            states.iter().for_each(|(_, ready)| ready.store(true, Ordering::Relaxed));
            for key in keys {
                let left = std::iter::from_fn(|| pool.take(&key)).count();
                assert!(left <= MAX, "{left}");
            }
        }
    }

    #[test]
    fn what_has_waited_for_too_long_is_not_given_out() {
        let pool = Arc::new(Pool::new(Duration::ZERO, 1));
        let key = keys().remove(0);
        let (closed, ready) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        pool.put(key.clone(), Connection { number: 0, key: key.clone(), closed, ready });
        std::thread::sleep(Duration::from_millis(2));
        assert!(pool.take(&key).is_none());
    }
}
