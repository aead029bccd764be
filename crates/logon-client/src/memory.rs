//! What was learned of servers and proxies: how they want to be logged on to, and what they refuse.

use crate::id::Id;
use crate::party::Logon;
use crate::pool::Origin;
use logon::http::Scheme;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

#[derive(Debug, Clone, Copy)]
enum Known {
    /// A logon by this scheme succeeded; whether the last one did not.
    Proven {
        scheme: Scheme,
        doubted: bool,
    },
    Refused,
}

/// Places that are known at a time: more than a person works with.
const MAX: usize = 10_000;

impl Memory {
    /// The scheme that a logon succeeded by.
    pub(crate) fn scheme(&self, place: &Place) -> Option<Scheme> {
        match self.known().get(place) {
            Some(Known::Proven { scheme, .. }) => Some(*scheme),
            Some(Known::Refused) | None => None,
        }
    }

    /// Whether the credentials are not to be sent again: that locks accounts.
    pub(crate) fn is_refused(&self, place: &Place) -> bool {
        matches!(self.known().get(place), Some(Known::Refused))
    }

    /// What became of a logon. The server may only not want this account at one path: what was
    /// proven is tried once more. Passwords change, too.
    pub(crate) fn learn(&self, place: Place, logon: &Logon) {
        let known = self.known().get(&place).copied();
        let known = match (logon, known) {
            (Logon::LoggedOn { scheme, .. }, _) => {
                Known::Proven { scheme: *scheme, doubted: false }
            }
            (Logon::Refused { .. }, Some(Known::Proven { scheme, doubted: false })) => {
                Known::Proven { scheme, doubted: true }
            }
            (Logon::Refused { .. }, _) => Known::Refused,
            _ => return,
        };
        self.put(place, known);
    }

    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    fn put(&self, place: Place, what: Known) {
        let mut known = self.known();
        if known.len() < MAX || known.contains_key(&place) {
            known.insert(place, what);
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Place, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
