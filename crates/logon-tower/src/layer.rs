//! The layer and what it is made of.

use crate::gate::Gate;
use crate::service::LogonService;
use crate::store::{AsyncCredentialStore, Immediate};
use logon::http::{ConnectionConfig, Scheme, Scope, Scopes};
use logon::{AcceptorConfig, CredentialStore};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tower_layer::Layer;

/// Asks every request that passes who it is from.
///
/// Clones share a store and a configuration; a logon through one counts for all of them, so
/// that a server can ask for different things in different places: by a [scope](Self::scope) for
/// each clone, or by one table of [scopes](Self::scopes).
pub struct LogonLayer<S> {
    gate: Arc<Gate<S>>,
    place: Place,
}

/// What a layer asks for in its place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) scopes: ScopesHandle,
    pub(crate) max_drained_body: u64,
    pub(crate) drain_timeout: Duration,
}

/// The scopes of a layer, to be replaced while it serves. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct ScopesHandle(Arc<RwLock<Arc<Scopes>>>);

impl ScopesHandle {
    /// For an adapter of another framework; a [`LogonLayer`] has its own.
    #[must_use]
    pub fn new(scopes: Scopes) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(scopes))))
    }

    /// Requests that come from now on are held against these; those under way are not touched.
    pub fn replace(&self, scopes: Scopes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(scopes);
    }

    /// See [`Scopes::find_apart`].
    pub(crate) fn find<'a>(
        &self,
        host: Option<&[u8]>,
        target: impl FnOnce() -> (Option<&'a str>, &'a str),
    ) -> Arc<Scope> {
        let scopes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(scope) = scopes.only() {
            return Arc::clone(scope);
        }
        let (authority, path) = target();
        scopes.find_apart(host, authority, path)
    }
}

impl<S: CredentialStore + 'static> LogonLayer<Immediate<S>> {
    /// A layer that requires a logon by `Negotiate` or `NTLM` against `store`.
    #[must_use]
    pub fn new(config: AcceptorConfig, store: S) -> Self {
        let config = ConnectionConfig::new(Arc::new(config));
        Self::of(Gate::new(config, Immediate(store)))
    }
}

impl<S: AsyncCredentialStore> LogonLayer<S> {
    /// A layer that requires a logon by `Negotiate` or `NTLM` of a gate with a configuration of
    /// its own.
    #[must_use]
    pub fn of(gate: Gate<S>) -> Self {
        let place = Place {
            scopes: ScopesHandle::new(Scope::required(&Scheme::INTEGRATED).into()),
            max_drained_body: 16 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
        };
        Self { gate: Arc::new(gate), place }
    }

    /// What to ask for, wherever this layer stands.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        self.scopes(scope.into())
    }

    /// What to ask for by host and path. Needs the target as it came: put the layer before
    /// whatever changes paths.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.gate.check_scopes(&scopes);
        self.place.scopes = ScopesHandle::new(scopes);
        self
    }

    /// The handle to replace the scopes with, of this layer and its later clones.
    #[must_use]
    pub fn scopes_handle(&self) -> ScopesHandle {
        self.place.scopes.clone()
    }

    /// What decides about requests; all clones share it.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate<S>> {
        &self.gate
    }

    /// How many bytes of the body of a handshake's leg are read and thrown away. Clients send
    /// bodies along before they know that it is no use; a connection can go on only when they
    /// are out of the way. Behind a longer one, or one that takes more than 30 s, the connection
    /// is closed; if it came with a first
    /// token, from a client that does not wait with it, the answer is 413. Default: 16 MiB.
    #[must_use]
    pub fn max_drained_body(mut self, bytes: u64) -> Self {
        self.place.max_drained_body = bytes;
        self
    }
}

impl<S> Clone for LogonLayer<S> {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate), place: self.place.clone() }
    }
}

impl<S> fmt::Debug for LogonLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonLayer").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<S, T> Layer<T> for LogonLayer<S> {
    type Service = LogonService<T, S>;

    fn layer(&self, inner: T) -> Self::Service {
        LogonService::new(inner, Arc::clone(&self.gate), Arc::new(self.place.clone()))
    }
}
