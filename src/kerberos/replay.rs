//! Authenticators that were here before.

use crate::credential::StoreError;
use crate::env::FileTime;
use core::fmt::Debug;

/// Remembers authenticators, so that one that was overheard is of no use ([RFC 4120] §3.2.3). All
/// workers that have the same keys have to share one.
///
/// An HTTP service sends no challenge before a ticket: without this, whoever reads a request can
/// send it again.
pub trait ReplayCache: Debug + Send + Sync {
    /// Remembers an authenticator that was made at `made`, and may be sent until `until`; `false`
    /// if it was here before, or may have been because it is older than this memory. `digest` is
    /// the SHA-256 of its ciphertext.
    ///
    /// # Errors
    /// [`StoreError`] if nothing can be remembered: then nobody logs on.
    fn is_new(
        &self,
        digest: [u8; 32],
        made: FileTime,
        until: FileTime,
        now: FileTime,
    ) -> Result<bool, StoreError>;
}

/// A [`ReplayCache`] in this program's memory.
///
/// It begins empty: authenticators that were made before are refused, because they may have been
/// sent to a program that ran here before. Clients make a new one for each request.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct MemoryReplayCache {
    since: FileTime,
    entries: std::sync::Mutex<Entries>,
}

#[cfg(feature = "std")]
#[derive(Debug, Default)]
struct Entries {
    /// By when they can be forgotten.
    until: alloc::collections::BTreeSet<(FileTime, [u8; 32])>,
    digests: std::collections::HashSet<[u8; 32]>,
}

/// Authenticators at a time, at some 150 bytes each. A client that floods it with authenticators
/// of its own needs a ticket for that, and is known by name.
#[cfg(feature = "std")]
const MAX: usize = 1_000_000;

#[cfg(feature = "std")]
impl MemoryReplayCache {
    /// An empty one; `since` is now.
    #[must_use]
    pub fn new(since: FileTime) -> Self {
        Self { since, entries: std::sync::Mutex::default() }
    }
}

#[cfg(feature = "std")]
impl ReplayCache for MemoryReplayCache {
    fn is_new(
        &self,
        digest: [u8; 32],
        made: FileTime,
        until: FileTime,
        now: FileTime,
    ) -> Result<bool, StoreError> {
        if made < self.since {
            return Ok(false);
        }
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Entries { until: by_time, digests } = &mut *entries;
        while let Some((_, old)) = by_time.first().copied().filter(|(until, _)| *until < now) {
            by_time.pop_first();
            digests.remove(&old);
        }
        if digests.contains(&digest) {
            return Ok(false);
        }
        if digests.len() >= MAX {
            return Err(StoreError::new("the replay cache is full"));
        }
        by_time.insert((until, digest));
        Ok(digests.insert(digest))
    }
}
