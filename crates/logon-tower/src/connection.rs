//! The accepted connection that an identity belongs to.

use logon::ChannelBindings;
use logon::http::{ConnectionAuth, ConnectionConfig};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, MutexGuard};

/// One accepted connection. Made once by whoever accepts it, and put into the extensions of
/// every request that arrives over it.
///
/// # Security
/// Identities live in here. A `Connection` that is given to requests of another client gives
/// away who the first one was; keep it with the socket, never in a table by address.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    id: u64,
    peer: Option<SocketAddr>,
    bindings: ChannelBindings,
    /// One state for each configuration that guards resources of this connection, so that a
    /// logon against one store never counts for another. Most servers have one.
    states: Mutex<Vec<(Arc<ConnectionConfig>, ConnectionAuth)>>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Connection {
    /// A connection just accepted from `peer`, with the channel bindings of its TLS.
    #[must_use]
    pub fn new(peer: Option<SocketAddr>, bindings: ChannelBindings) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inner { id, peer, bindings, states: Mutex::default() }))
    }

    /// A number for logs, counted from 1.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The other end.
    #[must_use]
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Requests of a connection are decided one after the other: the lock is held until the
    /// store has answered.
    pub(crate) async fn lock(&self, config: &Arc<ConnectionConfig>) -> Guard<'_> {
        let mut states = self.0.states.lock().await;
        let known = states.iter().position(|(known, _)| Arc::ptr_eq(known, config));
        let index = known.unwrap_or(states.len());
        if known.is_none() {
            let auth = ConnectionAuth::new(Arc::clone(config), self.0.bindings.clone());
            states.push((Arc::clone(config), auth));
        }
        Guard { states, index }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.0.id)
            .field("peer", &self.0.peer)
            .finish_non_exhaustive()
    }
}

/// The state of a connection, while nobody else decides about it.
pub(crate) struct Guard<'a> {
    states: MutexGuard<'a, Vec<(Arc<ConnectionConfig>, ConnectionAuth)>>,
    index: usize,
}

impl Guard<'_> {
    /// The state; `None` never happens, because `lock` has put it there.
    pub(crate) fn auth(&mut self) -> Option<&mut ConnectionAuth> {
        self.states.get_mut(self.index).map(|(_, auth)| auth)
    }
}
