//! What was learned of servers and proxies: how they want to be logged on to, and what they refuse.

use crate::id::Id;
use crate::pool::Origin;
use logon::http::Scheme;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A server or a proxy, and a login to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// `None` of the proxy, of which each login has one.
    pub(crate) origin: Option<Origin>,
    pub(crate) login: Id,
}

/// Of places that logons were tried at.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Place, Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The scheme that a logon succeeded by, once.
    proven: Option<Scheme>,
    /// What came after that, or from the beginning.
    failures: u8,
    turn: Turn,
}

/// Why a logon did not succeed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    /// The credentials went out, and nobody said what they are worth.
    Unjudged,
    Refused,
}

/// Whose turn it is to log on, as long as nobody knows whether the credentials are right.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

/// Places that are known at a time: more than a person works with.
const MAX: usize = 10_000;

impl Memory {
    /// The scheme that a logon succeeded by.
    pub(crate) fn scheme(&self, place: &Place) -> Option<Scheme> {
        self.known().get(place).filter(|known| !known.is_refused())?.proven
    }

    /// Whether the credentials are not to be sent again: that locks accounts.
    pub(crate) fn is_refused(&self, place: &Place) -> bool {
        self.known().get(place).is_some_and(Known::is_refused)
    }

    /// Whether the credentials were right when they were last tried.
    pub(crate) fn is_sure(&self, place: &Place) -> bool {
        self.known().get(place).is_some_and(|known| known.proven.is_some() && known.failures == 0)
    }

    pub(crate) fn turn(&self, place: &Place) -> Turn {
        self.of(place, |known| Arc::clone(&known.turn))
    }

    /// A logon by this scheme succeeded.
    pub(crate) fn succeeded(&self, place: &Place, scheme: Scheme) {
        self.of(place, |known| {
            (known.proven, known.failures) = (Some(scheme), 0);
        });
    }

    /// A logon did not succeed. `alone` if no other was under way: of several that were, one
    /// counts.
    pub(crate) fn failed(&self, place: &Place, failure: Failure, alone: bool) {
        let weight = match failure {
            Failure::Unjudged => 1,
            Failure::Refused => 2,
        };
        self.of(place, |known| {
            let added = known.failures.saturating_add(weight);
            known.failures = if alone { added } else { known.failures.max(weight) };
        });
    }

    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    /// What is known of a place from now on.
    fn of<T>(&self, place: &Place, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known();
        if known.len() >= MAX && !known.contains_key(place) {
            return change(&mut Known::default());
        }
        change(known.entry(place.clone()).or_default())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Place, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Two refusals of what was right before: the server may only not want this account at one
    /// path, and passwords change, too. One of what never was. A refusal is worth two attempts
    /// without a verdict, of which one may be an accident.
    fn is_refused(&self) -> bool {
        self.failures >= if self.proven.is_some() { 4 } else { 2 }
    }
}
