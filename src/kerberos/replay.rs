//! Authenticators that were here before.

use crate::credential::StoreError;
use crate::env::FileTime;
use core::fmt::Debug;
#[cfg(feature = "std")]
use core::time::Duration;

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
/// It begins empty, so authenticators that were made before are refused: they may have been sent to
/// a program that ran here before. Clients make a new one for each request.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct MemoryReplayCache {
    /// What was made earlier is not known here.
    since: FileTime,
    entries: std::sync::Mutex<Entries>,
}

#[cfg(feature = "std")]
#[derive(Debug, Default)]
struct Entries {
    /// By when they can be forgotten, and when they were made.
    until: alloc::collections::BTreeSet<(FileTime, FileTime, [u8; 32])>,
    digests: std::collections::HashSet<[u8; 32]>,
    /// What was made until then is forgotten.
    forgotten: Option<FileTime>,
}

/// Authenticators at a time, at some 150 bytes each. A client that floods it with authenticators
/// of its own needs a ticket for that, and is known by name.
#[cfg(feature = "std")]
const MAX: usize = 1_000_000;

#[cfg(feature = "std")]
impl MemoryReplayCache {
    /// An empty one; `now` is when it begins to remember, and `skew` how far a client's clock may
    /// have been ahead then.
    ///
    /// # Security
    /// With the skew of the [`Service`](super::Service) nobody logs on in the first minutes after a
    /// start ([RFC 4120] §3.2.3 wants that of a memory that is lost). With less of it, who has read
    /// the request of a client whose clock was further ahead can send it once more after a restart.
    #[must_use]
    pub fn new(now: FileTime, skew: Duration) -> Self {
        let ticks = u64::try_from(skew.as_nanos().div_euclid(100)).unwrap_or(u64::MAX);
        let since = FileTime::from_ticks(now.ticks().saturating_add(ticks));
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
        let Entries { until: by_time, digests, forgotten } = &mut *entries;
        // So many at a time that they become fewer, and nobody waits for all of them.
        for _ in 0..16 {
            let oldest = by_time.first().copied().filter(|(end, ..)| *end < now);
            let Some((_, made, old)) = oldest else { break };
            by_time.pop_first();
            digests.remove(&old);
            *forgotten = Some(made).max(*forgotten);
        }
        // Neither a clock that was set back nor a skew that was raised bring back what is forgotten.
        if Some(made) <= *forgotten || digests.contains(&digest) {
            return Ok(false);
        }
        if digests.len() >= MAX {
            return Err(StoreError::new("the replay cache is full"));
        }
        by_time.insert((until, made, digest));
        Ok(digests.insert(digest))
    }
}
