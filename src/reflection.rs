//! Noticing one's own responses when they come back.

use core::fmt::Debug;

/// What a program that is both server and client remembers, so that nobody can answer its
/// CHALLENGE with a response that it made itself. One is shared between the
/// [`crate::AcceptorConfig`] and the [`crate::InitiatorConfig`] of a program.
pub trait ReflectionGuard: Debug + Send + Sync {
    /// This program is about to answer a CHALLENGE with this `ServerChallenge`.
    fn answering(&self, server_challenge: [u8; 8]);

    /// Whether this program has answered it.
    fn has_answered(&self, server_challenge: [u8; 8]) -> bool;
}

/// The last challenges that were answered.
#[cfg(feature = "std")]
#[derive(Debug, Default)]
pub struct RecentChallenges(std::sync::Mutex<alloc::collections::VecDeque<[u8; 8]>>);

/// More than are answered within the lifetime of a challenge, by a client that is not under
/// attack itself.
#[cfg(feature = "std")]
const REMEMBERED: usize = 4096;

#[cfg(feature = "std")]
impl ReflectionGuard for RecentChallenges {
    fn answering(&self, server_challenge: [u8; 8]) {
        let mut recent = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if recent.len() >= REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(server_challenge);
    }

    fn has_answered(&self, server_challenge: [u8; 8]) -> bool {
        let recent = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        recent.contains(&server_challenge)
    }
}
