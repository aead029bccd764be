//! What all connections of a server share.

use super::{BasicConfig, DigestConfig, Side};
use crate::config::AcceptorConfig;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

/// What all connections of a server share.
/// See [MS-NTHT] §3.1.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The exchanges of `Negotiate` and `NTLM`; its clock, its randomness and its limits hold
    /// for the other schemes as well.
    pub acceptor: Arc<AcceptorConfig>,
    /// `Basic`; without it the scheme is neither offered nor looked at. Default: none.
    pub basic: Option<BasicConfig>,
    /// `Digest`; without it the scheme is neither offered nor looked at. Default: none.
    pub digest: Option<DigestConfig>,
    /// Origin server or proxy. Default: origin server.
    pub side: Side,
    /// Whether a logon by `Negotiate` or `NTLM` counts for the requests that follow on its
    /// connection. Without, each of them has to log on (`DisableNTLMCredentialCaching` of
    /// HTTP.SYS). Default: yes.
    pub persistent: bool,
    /// How long a logon counts; a request that comes later has to log on anew. Default: for as
    /// long as the connection stays.
    pub identity_lifetime: Option<Duration>,
    /// Gives the last token of an exchange to the application, which then has to send it
    /// (`ReceiveMutualAuth` of HTTP.SYS). Default: no, it goes out by itself.
    pub receive_mutual_auth: bool,
    /// Whether a client whose ticket is refused is told why, in a last token (`KRB-ERROR`,
    /// [RFC 4120] §3.2.3), as IIS does: it may know then that its clock is wrong. Default: no,
    /// because Chromium takes such an answer for an invalid one, where it would else show the 401
    /// or try the next scheme.
    pub kerberos_errors: bool,
    /// Refused logons after which a connection is closed. Default: 3.
    pub max_denials: u32,
    /// Exchanges under way at a time, between CHALLENGE and AUTHENTICATE or waiting for the
    /// store, over all connections; the next is answered with 503. Each takes about 1 KiB.
    /// Default: 100,000.
    pub max_exchanges: usize,
    pub(super) exchanges: Exchanges,
}

impl ConnectionConfig {
    /// The connections of an origin server.
    #[must_use]
    pub fn new(acceptor: Arc<AcceptorConfig>) -> Self {
        Self {
            acceptor,
            basic: None,
            digest: None,
            side: Side::Origin,
            persistent: true,
            identity_lifetime: None,
            receive_mutual_auth: false,
            kerberos_errors: false,
            max_denials: 3,
            max_exchanges: 100_000,
            exchanges: Exchanges::default(),
        }
    }

    /// Speaks as a proxy instead: 407 and the `Proxy-` fields.
    #[must_use]
    pub fn as_proxy(mut self) -> Self {
        self.side = Side::Proxy;
        self
    }

    /// A place for one more exchange, if there is one.
    pub(super) fn place(&self) -> Option<Place> {
        self.exchanges.enter(self.max_exchanges)
    }

    /// The number of exchanges under way.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.exchanges.0.load(Ordering::Relaxed)
    }
}

/// The number of exchanges under way.
#[derive(Debug, Default)]
pub(super) struct Exchanges(Arc<AtomicUsize>);

/// A place among the exchanges under way; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Exchanges {
    fn enter(&self, limit: usize) -> Option<Place> {
        let below = |count: usize| (count < limit).then(|| count.saturating_add(1));
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below).ok()?;
        Some(Place(Arc::clone(&self.0)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Never below zero: every place was counted when it was taken.
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
