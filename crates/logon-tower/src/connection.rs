//! The accepted connection that an identity belongs to.

use crate::facts::Client;
use logon::ChannelBindings;
use logon::http::{ConnectionAuth, ConnectionConfig};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::{Mutex as TurnMutex, MutexGuard as TurnGuard};

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
    secure: bool,
    logged_on: AtomicBool,
    /// Whom a trusted proxy first named as its client.
    client: OnceLock<Client>,
    /// Whether the application wants all logons forgotten before the next request.
    released: AtomicBool,
    /// One state for each configuration that guards resources of this connection, so that a
    /// logon against one store never counts for another. Most servers have one.
    states: Mutex<Vec<Slot>>,
    /// Whose turn it is to decide, where that takes its time.
    turn: TurnMutex<()>,
}

/// The place of a state, empty while somebody decides.
struct Slot {
    config: Arc<ConnectionConfig>,
    state: Option<State>,
}

/// What one configuration knows of a connection.
pub(crate) struct State {
    pub(crate) auth: ConnectionAuth,
    /// When the exchange under way began.
    pub(crate) begun: Option<Instant>,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Connection {
    /// A connection just accepted from `peer`, with the channel bindings of its TLS; with none,
    /// it counts as plain.
    #[must_use]
    pub fn new(peer: Option<SocketAddr>, bindings: ChannelBindings) -> Self {
        let secure = !bindings.is_none();
        Self::with_security(peer, bindings, secure)
    }

    /// A connection just accepted over TLS. There are certificates that have no channel bindings.
    #[must_use]
    pub fn tls(peer: Option<SocketAddr>, bindings: ChannelBindings) -> Self {
        Self::with_security(peer, bindings, true)
    }

    fn with_security(peer: Option<SocketAddr>, bindings: ChannelBindings, secure: bool) -> Self {
        Self(Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            peer,
            bindings,
            secure,
            logged_on: AtomicBool::new(false),
            client: OnceLock::new(),
            released: AtomicBool::new(false),
            states: Mutex::default(),
            turn: TurnMutex::default(),
        }))
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

    /// Whether it is TLS, so that passwords may be sent over it.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// Whether somebody has logged on here. A hint for whoever has to choose among connections;
    /// it proves nothing: who it was stands in each request's
    /// [`Authentication`](logon::http::Authentication).
    #[must_use]
    pub fn is_logged_on(&self) -> bool {
        self.0.logged_on.load(Ordering::Relaxed)
    }

    /// Forgets whoever has logged on here, and the keys of an exchange under way: the next
    /// request has to log on anew. For an application that logs its users off, which finds the
    /// connection in the request's extensions.
    ///
    /// That is all a server can do: a browser that knows the credentials sends them again with the
    /// next request, without asking anybody, and those of `Digest` and `Basic` come with every
    /// request anyway. To have it ask, answer that request with 401.
    pub fn release(&self) {
        self.0.released.store(true, Ordering::Release);
    }

    pub(crate) fn bindings(&self) -> &ChannelBindings {
        &self.0.bindings
    }

    pub(crate) fn set_logged_on(&self, logged_on: bool) {
        self.0.logged_on.store(logged_on, Ordering::Relaxed);
    }

    /// Whether a trusted proxy has named no other client on this connection.
    pub(crate) fn is_only_client(&self, client: Client) -> bool {
        match self.0.client.get() {
            Some(first) => *first == client,
            // Of two at a time one is the first.
            None => self.0.client.set(client).is_ok(),
        }
    }

    /// The state, for a request that may take its time. Requests of a connection are decided one
    /// after the other: the next waits until the store has answered.
    pub(crate) async fn turn(&self, config: &Arc<ConnectionConfig>) -> Turn<'_> {
        let turn = self.0.turn.lock().await;
        let (index, state) = {
            let mut states = self.states();
            let index = self.slot(&mut states, config);
            (index, states.get_mut(index).and_then(|slot| slot.state.take()))
        };
        // Only who has the turn takes it, and gives it back.
        let state = state.unwrap_or_else(|| State::new(config, self.0.bindings.clone()));
        Turn { connection: self, index, state: Some(state), _turn: turn }
    }

    /// Asks the state at once, unless it is somebody's turn.
    pub(crate) fn at_once<R>(
        &self,
        config: &Arc<ConnectionConfig>,
        ask: impl FnOnce(&mut State) -> R,
    ) -> Option<R> {
        let mut states = self.states();
        let index = self.slot(&mut states, config);
        states.get_mut(index)?.state.as_mut().map(ask)
    }

    /// Whether an exchange of this configuration is under way, or somebody decides about one.
    pub(crate) fn is_in_exchange(&self, config: &Arc<ConnectionConfig>) -> bool {
        let states = self.states();
        let slot = states.iter().find(|slot| Arc::ptr_eq(&slot.config, config));
        let in_exchange = |state: &State| state.auth.is_in_exchange();
        slot.is_some_and(|slot| slot.state.as_ref().is_none_or(in_exchange))
    }

    fn states(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.0.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, states: &mut Vec<Slot>, config: &Arc<ConnectionConfig>) -> usize {
        let released = &self.0.released;
        if released.load(Ordering::Relaxed) {
            // A state that somebody decides with cannot be reached; it is asked for once more.
            let all_here = states.iter().all(|slot| slot.state.is_some());
            released.swap(!all_here, Ordering::Acquire);
            states.iter_mut().flat_map(|slot| &mut slot.state).for_each(|it| it.auth.release());
        }
        let known = states.iter().position(|slot| Arc::ptr_eq(&slot.config, config));
        known.unwrap_or_else(|| {
            let state = Some(State::new(config, self.0.bindings.clone()));
            // Most connections have one, and there may be many of those.
            states.reserve_exact(1);
            states.push(Slot { config: Arc::clone(config), state });
            states.len().saturating_sub(1)
        })
    }
}

impl State {
    pub(crate) fn new(config: &Arc<ConnectionConfig>, bindings: ChannelBindings) -> Self {
        Self { auth: ConnectionAuth::new(Arc::clone(config), bindings), begun: None }
    }
}

/// The state of a connection, while nobody else decides about it. It goes back where it belongs
/// when this is dropped, also in the middle.
pub(crate) struct Turn<'a> {
    connection: &'a Connection,
    index: usize,
    state: Option<State>,
    _turn: TurnGuard<'a, ()>,
}

impl Turn<'_> {
    /// The state; `None` never happens before this is dropped.
    pub(crate) fn state(&mut self) -> Option<&mut State> {
        self.state.as_mut()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.connection.states().get_mut(self.index) {
            slot.state = self.state.take();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.0.id)
            .field("peer", &self.0.peer)
            .field("secure", &self.0.secure)
            .finish_non_exhaustive()
    }
}

/// The target of a request as it came over the wire, in the request's extensions. Routers that
/// nest rewrite the URI.
#[derive(Debug, Clone)]
pub struct RequestTarget(pub http::Uri);

/// In the extensions of a response: the request has to come back over HTTP/1.1. A server that
/// speaks HTTP/2 resets the stream with `HTTP_1_1_REQUIRED` ([RFC 9113] §7) instead of answering.
///
/// [RFC 9113]: https://www.rfc-editor.org/rfc/rfc9113
#[derive(Debug, Clone, Copy)]
pub struct Http11Required;

#[cfg(test)]
mod tests {
    use super::Connection;
    use logon::http::{ConnectionConfig, RequestHead, Scope};
    use logon::{AcceptorConfig, ChannelBindings, ServerNames};
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    // HS-24
    #[test]
    fn a_release_reaches_a_state_that_somebody_decides_with() {
        let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
        let config = Arc::new(ConnectionConfig::new(Arc::new(acceptor)));
        let connection = Connection::new(None, ChannelBindings::none());
        let scope = Arc::new(Scope::off());
        let ask = || {
            connection.at_once(&config, |state| {
                let _ = state.auth.request(RequestHead::new("GET", "/", &scope));
            })
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let turn = runtime.block_on(connection.turn(&config));
        connection.release();
        assert!(ask().is_none());
        assert!(connection.0.released.load(Ordering::Relaxed));
        drop(turn);
        assert!(ask().is_some());
        assert!(!connection.0.released.load(Ordering::Relaxed));
    }
}
