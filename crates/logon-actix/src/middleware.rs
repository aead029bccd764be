//! The middleware and what it is made of.

use crate::service::LogonService;
use actix_web::Error;
use actix_web::body::EitherBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use logon::http::{ConnectionConfig, Scheme, Scope, Scopes};
use logon::{AcceptorConfig, CredentialStore};
use logon_tower::{AsyncCredentialStore, Gate, Immediate, ScopesHandle};
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

/// A middleware that asks every request who it is from.
///
/// Clones share a store and a configuration; a logon through one counts for all of them, so
/// that an application can ask for different things in different places: by a
/// [scope](Self::scope) for each clone, or by one table of [scopes](Self::scopes).
pub struct Logon<S> {
    pub(crate) gate: Arc<Gate<S>>,
    pub(crate) place: Place,
}

/// What a middleware asks for in its place.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) scopes: ScopesHandle,
    pub(crate) max_drained_body: u64,
    pub(crate) drain_timeout: Duration,
}

impl<S: CredentialStore + 'static> Logon<Immediate<S>> {
    /// A middleware that requires a logon by `Negotiate` or `NTLM` against `store`.
    #[must_use]
    pub fn new(config: AcceptorConfig, store: S) -> Self {
        let config = ConnectionConfig::new(Arc::new(config));
        Self::of(Gate::new(config, Immediate(store)))
    }
}

impl<S: AsyncCredentialStore> Logon<S> {
    /// A middleware that requires a logon by `Negotiate` or `NTLM` of a gate with a configuration
    /// of its own.
    #[must_use]
    pub fn of(gate: Gate<S>) -> Self {
        let place = Place {
            scopes: ScopesHandle::new(Scope::required(&Scheme::INTEGRATED).into()),
            max_drained_body: 16 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
        };
        Self { gate: Arc::new(gate), place }
    }

    /// What to ask for, wherever this middleware stands.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        self.scopes(scope.into())
    }

    /// What to ask for by host and path. Needs the target as it came: put the middleware before
    /// whatever changes paths, such as `NormalizePath`.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.gate.check_scopes(&scopes);
        self.place.scopes = ScopesHandle::new(scopes);
        self
    }

    /// The handle to replace the scopes with, of this middleware and its later clones.
    #[must_use]
    pub fn scopes_handle(&self) -> ScopesHandle {
        self.place.scopes.clone()
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

impl<S> Clone for Logon<S> {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate), place: self.place.clone() }
    }
}

impl<S> fmt::Debug for Logon<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logon").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<T, S, B> Transform<T, ServiceRequest> for Logon<S>
where
    T: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S: AsyncCredentialStore,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = LogonService<T, S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: T) -> Self::Future {
        ready(Ok(LogonService::new(inner, self.clone())))
    }
}
