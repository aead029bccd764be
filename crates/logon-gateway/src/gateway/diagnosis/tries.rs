//! The tries that are remembered: few, small, and not for long.

use super::leg::Leg;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How many tries are remembered.
pub(super) const MOST_TRIES: usize = 1000;
/// How many requests of one; a browser that goes round in circles fills it.
pub(super) const MOST_LEGS: usize = 20;
/// Bytes of all tries together.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;
/// How long a try can be looked at.
pub(super) const AGE: Duration = Duration::from_secs(600);

/// 128 random bits, which nobody guesses, in hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Random(String);

impl Random {
    pub(super) fn new() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(base16ct::lower::encode_string(&bytes)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares hashes, so that the time it takes tells nothing of the text.
    pub(super) fn is(&self, text: &str) -> bool {
        digest(&self.0) == digest(text)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Whoever knows one reads a try; it does not go into logs.
impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(…)")
    }
}

/// What one browser tried, request by request.
#[derive(Debug, Clone)]
pub(super) struct Try {
    pub(super) id: Random,
    /// In a cookie of the browser that began it: nobody else's requests count.
    pub(super) key: Random,
    /// The connection that it began on, for clients without cookies; `None` if others may share it.
    pub(super) connection: Option<u64>,
    pub(super) begun: Instant,
    pub(super) begun_at: SystemTime,
    pub(super) legs: Vec<Arc<Leg>>,
    /// Requests that had no room.
    pub(super) more: u32,
}

/// All tries, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// Each with the hash of its number.
    tries: VecDeque<([u8; 32], Try)>,
    bytes: usize,
}

const EMPTY: usize = size_of::<Try>() + 64;

impl Tries {
    /// Remembers a try, for which the oldest may be forgotten.
    pub(super) fn begin(&mut self, new: Try) {
        self.forget(new.begun);
        self.bytes = self.bytes.saturating_add(EMPTY);
        self.tries.push_back((digest(new.id.as_str()), new));
        self.make_room();
    }

    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<Try> {
        self.forget(now);
        let id = digest(id);
        self.tries.iter().find(|(known, _)| *known == id).map(|(_, it)| it.clone())
    }

    /// Adds a request to its try, and gives what is known of that then.
    pub(super) fn add(&mut self, id: &str, leg: Leg, now: Instant) -> Option<Try> {
        self.forget(now);
        let id = digest(id);
        let (_, found) = self.tries.iter_mut().find(|(known, _)| *known == id)?;
        if found.legs.len() < MOST_LEGS {
            self.bytes = self.bytes.saturating_add(leg.weight());
            found.legs.push(Arc::new(leg));
        } else {
            found.more = found.more.saturating_add(1);
        }
        let found = found.clone();
        self.make_room();
        Some(found)
    }

    /// Bytes that are in use.
    #[cfg(test)]
    pub(super) fn usage(&self) -> (usize, usize) {
        (self.tries.len(), self.bytes)
    }

    fn make_room(&mut self) {
        while self.tries.len() > MOST_TRIES || self.bytes > MOST_BYTES {
            if !self.forget_first() {
                break;
            }
        }
    }

    fn forget(&mut self, now: Instant) {
        let is_over = |(_, it): &([u8; 32], Try)| now.saturating_duration_since(it.begun) > AGE;
        while self.tries.front().is_some_and(is_over) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) -> bool {
        let Some((_, first)) = self.tries.pop_front() else { return false };
        let legs = first.legs.iter().map(|leg| leg.weight());
        let weight = legs.fold(EMPTY, usize::saturating_add);
        self.bytes = self.bytes.saturating_sub(weight);
        true
    }
}
