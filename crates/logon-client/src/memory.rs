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
pub(crate) struct Memory(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    known: HashMap<Place, Known>,
    /// Of things learned.
    count: u64,
}

#[derive(Debug, Default)]
struct Known {
    /// The scheme that a logon succeeded by, once.
    scheme: Option<Scheme>,
    /// The password was right, once. A ticket says nothing of it.
    proven: bool,
    /// What came after that, or from the beginning.
    failures: u8,
    turn: Turn,
    /// When something was learned of it.
    learned: u64,
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

/// Places that are forgotten when there are more.
const FORGOTTEN: usize = 500;

impl Memory {
    /// The scheme that a logon succeeded by.
    pub(crate) fn scheme(&self, place: &Place) -> Option<Scheme> {
        self.places().known.get(place).filter(|known| !known.is_refused())?.scheme
    }

    /// Whether the credentials are not to be sent again: that locks accounts.
    pub(crate) fn is_refused(&self, place: &Place) -> bool {
        self.places().known.get(place).is_some_and(Known::is_refused)
    }

    /// Whether the credentials were right when they were last tried.
    pub(crate) fn is_sure(&self, place: &Place) -> bool {
        self.places().known.get(place).is_some_and(|known| known.proven && known.failures == 0)
    }

    pub(crate) fn turn(&self, place: &Place) -> Turn {
        self.of(place, |known| Arc::clone(&known.turn))
    }

    /// A logon by this scheme succeeded, with the password.
    pub(crate) fn succeeded(&self, place: &Place, scheme: Scheme) {
        self.of(place, |known| {
            (known.scheme, known.proven, known.failures) = (Some(scheme), true, 0);
        });
    }

    /// A logon by this scheme succeeded, with a ticket.
    pub(crate) fn took_ticket(&self, place: &Place, scheme: Scheme) {
        self.of(place, |known| known.scheme = Some(scheme));
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
        self.places().known.clear();
    }

    /// What is known of a place from now on.
    fn of<T>(&self, place: &Place, change: impl FnOnce(&mut Known) -> T) -> T {
        let mut places = self.places();
        let Places { known, count } = &mut *places;
        if known.len() >= MAX && !known.contains_key(place) {
            // Several at once, so that this is seldom done.
            let mut worth: Vec<_> = known.values().map(Known::worth).collect();
            worth.sort_unstable();
            if let Some(limit) = worth.get(FORGOTTEN).copied() {
                known.retain(|_, known| known.worth() >= limit);
            }
        }
        *count = count.saturating_add(1);
        let known = known.entry(place.clone()).or_default();
        known.learned = *count;
        change(known)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Two refusals of what was right before: the server may only not want this account at one
    /// path, and passwords change, too. One of what never was. A refusal is worth two attempts
    /// without a verdict, of which one may be an accident.
    fn is_refused(&self) -> bool {
        self.failures >= if self.proven { 4 } else { 2 }
    }

    /// Of several, what has the least is forgotten first: what was right costs a challenge when it
    /// is asked for again; what was refused, or is being tried, an attempt.
    fn worth(&self) -> (bool, bool, u64) {
        (self.is_refused(), Arc::strong_count(&self.turn) > 1, self.learned)
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, Failure, MAX, Memory, Place};
    use crate::id::Id;
    use crate::pool::Origin;
    use logon::http::Scheme;

    fn places() -> impl Iterator<Item = Place> {
        let login = Id::next();
        (0..).map(move |number| {
            let origin = Origin { secure: true, host: format!("web{number}.example"), port: 443 };
            Place { origin: Some(origin), login }
        })
    }

    // H-06. Through a client it would take ten thousand connections.
    #[test]
    fn what_was_refused_is_remembered_among_any_number_of_servers() {
        let (memory, mut places) = (Memory::default(), places());
        let refuse = |place: &Place| {
            memory.failed(place, Failure::Refused, true);
            assert!(memory.is_refused(place));
        };
        let first: Vec<_> = places.by_ref().take(10).collect();
        first.iter().for_each(refuse);
        let right: Vec<_> = places.by_ref().take(MAX).collect();
        right.iter().for_each(|place| memory.succeeded(place, Scheme::Ntlm));
        // What is being tried is tried by one: the turn is not forgotten, either.
        let tried = memory.turn(&right[5000]);
        let later: Vec<_> = places.by_ref().take(10).collect();
        later.iter().for_each(refuse);
        let again: Vec<_> = places.by_ref().take(MAX - 100).collect();
        again.iter().for_each(|place| memory.succeeded(place, Scheme::Ntlm));
        assert!(first.iter().chain(&later).all(|place| memory.is_refused(place)));
        assert!(std::sync::Arc::ptr_eq(&tried, &memory.turn(&right[5000])));
        let known = right.iter().chain(&again).filter(|it| memory.scheme(it).is_some());
        let known: Vec<_> = known.collect();
        assert!(known.len() >= MAX - FORGOTTEN - 20, "{}", known.len());
        // It and the newest.
        let all: Vec<_> = right.iter().chain(&again).collect();
        let newest = &all[all.len() + 1 - known.len()..];
        assert!(known[0] == &right[5000] && &known[1..] == newest);
        // And there is an end to it.
        places.by_ref().take(2 * MAX).for_each(|place| refuse(&place));
        assert!(memory.places().known.len() <= MAX && !memory.is_refused(&first[0]));
    }
}
