//! Attempts to log on: a wrong password counts once, however many requests come together.

use crate::login::Ready;
use crate::memory::{Failure, Memory, Place};
use crate::pool::Origin;
use logon::http::Scheme;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// How long one request waits for the verdict on another's credentials: an answer may be one that is
/// long in coming.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one exchange may try at a place. As long as nobody knows whether the credentials are right,
/// one attempt is under way there, and others wait for what becomes of it.
///
/// Nobody waits in a circle: who has the turn at a proxy waits for none at a server, because the
/// proxy has judged before the server is asked.
pub(crate) struct Attempt<'a> {
    login: &'a Ready,
    memory: &'a Memory,
    place: Place,
    turn: Option<OwnedMutexGuard<()>>,
    /// What the password can be tried by is out.
    open: bool,
}

impl<'a> Attempt<'a> {
    /// At a server, or at the proxy of this login if that is `None`.
    pub(crate) fn new(memory: &'a Memory, login: &'a Ready, origin: Option<&Origin>) -> Self {
        let place = Place { origin: origin.cloned(), login: login.id };
        Self { login, memory, place, turn: None, open: false }
    }

    pub(crate) fn login(&self) -> &'a Ready {
        self.login
    }

    /// The scheme that a logon succeeded by.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.memory.scheme(&self.place)
    }

    /// Whether the credentials are not to be sent again.
    pub(crate) fn is_refused(&self) -> bool {
        self.memory.is_refused(&self.place)
    }

    /// Whether credentials may be sent now; waits until that is known.
    pub(crate) async fn may_send(&mut self) -> bool {
        if self.turn.is_none() && !self.memory.is_sure(&self.place) && !self.is_refused() {
            let turn = self.memory.turn(&self.place).lock_owned();
            self.turn = tokio::time::timeout(PATIENCE, turn).await.ok();
        }
        if self.memory.is_sure(&self.place) || self.is_refused() {
            self.turn = None;
        }
        !self.is_refused()
    }

    /// What the password can be tried by is about to go out. If nothing else becomes of it, because
    /// the request is given up or the connection ends, it counts as [`Failure::Unjudged`].
    pub(crate) fn sending(&mut self) {
        self.open = true;
    }

    /// Nobody got to see the credentials, or was asked whether they are right.
    pub(crate) fn unsent(&mut self) {
        self.open = false;
    }

    /// The credentials are right.
    pub(crate) fn succeeded(&mut self, scheme: Scheme) {
        self.memory.succeeded(&self.place, scheme);
        self.end();
    }

    /// A ticket was taken.
    pub(crate) fn took_ticket(&mut self, scheme: Scheme) {
        self.memory.took_ticket(&self.place, scheme);
        self.end();
    }

    /// They are not, or may not log on here.
    pub(crate) fn failed(&mut self) {
        self.memory.failed(&self.place, Failure::Refused, self.turn.is_some());
        self.end();
    }

    /// There is nothing to be learned of them any more.
    pub(crate) fn end(&mut self) {
        (self.open, self.turn) = (false, None);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.open {
            self.memory.failed(&self.place, Failure::Unjudged, self.turn.is_some());
        }
    }
}
