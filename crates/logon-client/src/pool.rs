//! Connections that wait for their next request, each for those who may have it.
//!
//! A connection belongs to nobody until credentials go over it. From then on it is its owner's:
//! never given to another login, and never to a request without one.

use crate::id::Id;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
pub(crate) trait Pooled {
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
}

#[derive(Debug)]
struct Idle<C> {
    connection: C,
    since: Instant,
}

impl<C: Pooled> Pool<C> {
    /// Up to `max` for one key, each for `time`.
    pub(crate) fn new(time: Duration, max: usize) -> Self {
        Self { idle: Mutex::default(), time, max }
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

    pub(crate) fn put(&self, key: Key, connection: C) {
        if connection.is_closed() || self.max == 0 {
            return;
        }
        let mut idle = self.idle();
        idle.retain(|_, waiting| {
            waiting
                .retain(|idle| !idle.connection.is_closed() && idle.since.elapsed() <= self.time);
            !waiting.is_empty()
        });
        let waiting = idle.entry(key).or_default();
        if waiting.len() >= self.max {
            waiting.remove(0);
        }
        waiting.push(Idle { connection, since: Instant::now() });
    }

    /// Closes all that wait.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Key, Vec<Idle<C>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
