//! The layer and what it is made of.

use crate::service::LogonService;
use crate::store::{AsyncCredentialStore, Immediate};
use logon::http::{ConnectionConfig, Scheme};
use logon::{AcceptorConfig, CredentialStore};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;

/// Asks every request that passes who it is from.
///
/// Clones share a store and a configuration; a logon through one counts for all of them, so
/// that a server can ask for different [schemes](Self::schemes) in different places.
pub struct LogonLayer<S> {
    shared: Arc<Shared<S>>,
    scope: Scope,
}

pub(crate) struct Shared<S> {
    pub(crate) store: S,
    pub(crate) config: Arc<ConnectionConfig>,
}

/// What a layer asks for in its place.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) offer: Arc<[Scheme]>,
    pub(crate) required: bool,
    pub(crate) max_drained_body: u64,
    pub(crate) drain_timeout: Duration,
}

impl<S: CredentialStore + 'static> LogonLayer<Immediate<S>> {
    /// A layer that requires a logon by `Negotiate` or `NTLM` against `store`.
    #[must_use]
    pub fn new(config: AcceptorConfig, store: S) -> Self {
        Self::with_async_store(config, Immediate(store))
    }
}

impl<S: AsyncCredentialStore> LogonLayer<S> {
    /// The same with a store that takes its time.
    #[must_use]
    pub fn with_async_store(config: AcceptorConfig, store: S) -> Self {
        let config = Arc::new(ConnectionConfig::new(Arc::new(config)));
        let scope = Scope {
            offer: Arc::from(Scheme::ALL),
            required: true,
            max_drained_body: 16 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
        };
        Self { shared: Arc::new(Shared { store, config }), scope }
    }

    /// The schemes to offer, in this order. With none the layer lets everything pass.
    #[must_use]
    pub fn schemes(mut self, schemes: &[Scheme]) -> Self {
        self.scope.offer = Arc::from(schemes);
        self
    }

    /// Lets requests without a logon pass; the application sees no identity and may answer
    /// with a 401 of its own.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.scope.required = false;
        self
    }

    /// How many bytes of the body of a handshake's leg are read and thrown away. Clients send
    /// bodies along before they know that it is no use; a connection can go on only when they
    /// are out of the way. Behind a longer one the connection is closed; if it came with a first
    /// token, from a client that does not wait with it, the answer is 413. Default: 16 MiB.
    #[must_use]
    pub fn max_drained_body(mut self, bytes: u64) -> Self {
        self.scope.max_drained_body = bytes;
        self
    }
}

impl<S> Clone for LogonLayer<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), scope: self.scope.clone() }
    }
}

impl<S> fmt::Debug for LogonLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonLayer").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<S, T> Layer<T> for LogonLayer<S> {
    type Service = LogonService<T, S>;

    fn layer(&self, inner: T) -> Self::Service {
        LogonService::new(inner, Arc::clone(&self.shared), self.scope.clone())
    }
}
