//! The decision about a request, for any HTTP library.

use crate::connection::{Connection, State};
use crate::facts::Facts;
use crate::layer::ScopesHandle;
use crate::log::{self, Attempt};
use crate::store::AsyncCredentialStore;
use ipnet::IpNet;
use logon::http::{
    Authentication, Carrier, ConnectionConfig, Decision, Question, RequestHead, Requirement,
    Response, Scheme, Scope, Scopes, Status, Throttle, ThrottleConfig,
};
use logon::{
    Account, AccountName, Answer, DigestAnswer, DigestUsername, Error, Refusal, StoreError,
};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// Asks the state of a connection and the store, slows guessing down, and keeps the log: what
/// [`crate::LogonLayer`] does for tower, for an adapter of another framework.
///
/// An adapter keeps one [`Connection`] with each connection that it accepts, asks
/// [`Gate::decide`] about every request on it, in order, and does what the [`Decision`] says.
pub struct Gate<S> {
    store: S,
    config: Arc<ConnectionConfig>,
    throttle: Option<Mutex<Throttle>>,
    trusted_proxies: Vec<IpNet>,
    store_timeout: Duration,
    /// When the log last said why nobody can log on somewhere.
    noticed: Mutex<Option<Instant>>,
}

/// A request, as far as a [`Gate`] has to know it.
pub struct GateRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The target as it came over the wire, without scheme and host.
    pub target: &'a str,
    /// What its resource asks for.
    pub scope: &'a Arc<Scope>,
    /// What its fields say.
    pub facts: &'a Facts<'a>,
    /// The whole body, if it has been read.
    pub body: Option<&'a [u8]>,
}

/// What a request is asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Beginning {
    /// Nothing: it passes as it is.
    Unguarded,
    /// Whatever this scope says.
    Guarded(Arc<Scope>),
    /// 400: it has several `Host` fields ([RFC 9112] §3.2).
    ///
    /// [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112
    SeveralHosts,
}

/// How a request came, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    carrier: Carrier,
    secure: bool,
    /// Where a trusted proxy has it from.
    forwarded_for: Option<IpAddr>,
}

impl<S: AsyncCredentialStore> Gate<S> {
    /// A gate that lets in whom `store` knows; a store without IO, such as a user file, goes into
    /// [`crate::Immediate`]. Failed logons are slowed down as [`ThrottleConfig::default`] says.
    #[must_use]
    pub fn new(config: ConnectionConfig, store: S) -> Self {
        Self {
            store,
            config: Arc::new(config),
            throttle: Some(Mutex::new(Throttle::new(ThrottleConfig::default()))),
            trusted_proxies: Vec::new(),
            store_timeout: Duration::from_secs(10),
            noticed: Mutex::default(),
        }
    }

    /// Slows failed logons down differently, or not at all.
    #[must_use]
    pub fn throttle(mut self, config: Option<ThrottleConfig>) -> Self {
        self.throttle = config.map(|config| Mutex::new(Throttle::new(config)));
        self
    }

    /// Intermediaries that send the requests of one client over one connection, and of no other
    /// client: a logon counts for the connection although they add `Via` or `X-Forwarded-For`.
    /// What they say in `X-Forwarded-For` and `X-Forwarded-Proto` is believed.
    ///
    /// # Security
    /// A proxy that shares its connections to the server among clients must not be listed; where
    /// `X-Forwarded-For`, `Forwarded` or `X-Real-IP` names a second client on a connection, or now
    /// one and now none, logons no longer count for it. One
    /// that does so and adds none of these fields cannot be noticed, and gives one client's logon
    /// to another: configure it to add them, or set [`ConnectionConfig::persistent`] to `false`.
    /// Behind a proxy that is not listed all failures count as its own: list its address in
    /// [`ThrottleConfig::exempt`].
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = proxies.into_iter().collect();
        self
    }

    /// How long the store may take; the answer is 503 then. Default: 10 s.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// What all connections share.
    #[must_use]
    pub fn config(&self) -> &Arc<ConnectionConfig> {
        &self.config
    }

    /// Whether an exchange with this gate is under way on `connection`: a server that has put
    /// another gate in its place lets this one finish it.
    #[must_use]
    pub fn is_in_exchange(&self, connection: &Connection) -> bool {
        connection.is_in_exchange(&self.config)
    }

    /// The status code of a challenge: 401, or 407 of a proxy.
    #[must_use]
    pub fn challenge_status(&self) -> u16 {
        Status::Challenge(self.config.side).code()
    }

    /// What a request is asked for, by its fields and its `target`: the authority, if it had one
    /// (HTTP/2: `:authority`), and what stands behind; only looked at where there are several
    /// scopes. `has_connection` says whether there is a [`Connection`] to ask.
    #[must_use]
    pub fn begin<'a>(
        &self,
        scopes: &ScopesHandle,
        facts: &Facts<'_>,
        target: impl FnOnce() -> (Option<&'a str>, &'a str),
        has_connection: bool,
    ) -> Beginning {
        if facts.hosts > 1 {
            return Beginning::SeveralHosts;
        }
        let scope = scopes.find(facts.host, target);
        // An intermediary is to be noticed at a place that needs no logon, too.
        let nothing_to_see = !has_connection || !facts.intermediary;
        if scope.requirement() == Requirement::Off && nothing_to_see {
            return Beginning::Unguarded;
        }
        Beginning::Guarded(scope)
    }

    /// How a request came: over a connection of its client's own, or one that an intermediary may
    /// share, or HTTP/2 or 3 (`multiplexed`).
    #[must_use]
    pub fn arrival(
        &self,
        connection: &Connection,
        facts: &Facts<'_>,
        multiplexed: bool,
    ) -> Arrival {
        let secure = connection.is_secure();
        // One that names its clients sometimes has more than one as well.
        if !facts.intermediary && self.trusted_proxies.is_empty() {
            let carrier = if multiplexed { Carrier::Multiplexed } else { Carrier::Exclusive };
            return Arrival { carrier, secure, forwarded_for: None };
        }
        let peer = connection.peer().map(|peer| peer.ip().to_canonical());
        let trusted =
            peer.is_some_and(|peer| self.trusted_proxies.iter().any(|net| net.contains(&peer)));
        let forwarded_for = if trusted { facts.forwarded_for() } else { None };
        let exclusive =
            if trusted { connection.is_only_client(facts.client()) } else { !facts.intermediary };
        let carrier = match (multiplexed, exclusive) {
            (true, _) => Carrier::Multiplexed,
            (false, false) => Carrier::Shared,
            (false, true) => Carrier::Exclusive,
        };
        let secure = secure || (trusted && facts.is_forwarded_over_tls());
        Arrival { carrier, secure, forwarded_for }
    }

    /// Whom an ordinary request is from, that follows a logon; `None` if there is something to be
    /// decided.
    #[must_use]
    pub fn standing(
        &self,
        connection: &Connection,
        arrival: &Arrival,
        request: &GateRequest<'_>,
    ) -> Option<Authentication> {
        let facts = request.facts;
        if !facts.credentials.is_empty() || facts.is_preflight(request.method) {
            return None;
        }
        let standing = |state: &mut State| state.auth.standing(request.scope, arrival.carrier);
        connection.at_once(&self.config, standing).flatten()
    }

    /// Decides about a request that needs nobody to be asked: without credentials, and while no
    /// other request of the connection is being decided. All others are for [`Gate::decide`].
    #[must_use]
    pub fn decide_at_once(
        &self,
        connection: &Connection,
        arrival: &Arrival,
        request: &GateRequest<'_>,
    ) -> Option<Decision> {
        if !request.facts.credentials.is_empty() || arrival.carrier == Carrier::Multiplexed {
            return None;
        }
        connection.at_once(&self.config, |state| {
            state.begun = None;
            let decision = state.auth.request(self.request_head(arrival, request));
            connection.set_logged_on(state.auth.logon().is_some());
            self.notice(arrival, request.scope, &decision);
            decision
        })
    }

    /// Decides about the next request of a connection. Never [`Decision::NeedLogon`].
    pub async fn decide(
        &self,
        connection: &Connection,
        arrival: &Arrival,
        request: &GateRequest<'_>,
    ) -> Decision {
        let head = self.request_head(arrival, request);
        // Requests of one HTTP/2 connection are not in order, and have nothing in common.
        if arrival.carrier == Carrier::Multiplexed {
            let mut state = State::new(&self.config, connection.bindings().clone());
            let decision = self.step(&mut state, connection, arrival, head).await;
            self.notice(arrival, request.scope, &decision);
            return decision;
        }
        let mut turn = connection.turn(&self.config).await;
        let Some(state) = turn.state() else {
            // Cannot happen: the state of a connection is made when it is asked for.
            return Decision::Respond(Response::internal_error());
        };
        let decision = self.step(state, connection, arrival, head).await;
        connection.set_logged_on(state.auth.logon().is_some());
        self.notice(arrival, request.scope, &decision);
        decision
    }

    /// Says in the log what nobody could find out otherwise: schemes that are enabled somewhere in
    /// `scopes`, and cannot be offered.
    pub fn check_scopes(&self, scopes: &Scopes) {
        for scheme in [Scheme::Digest, Scheme::Basic] {
            if let (true, Some(lack)) = (scopes.enables(scheme), self.lack(scheme, true)) {
                tracing::warn!("{scheme} is enabled, and will not be offered: {lack}");
            }
        }
    }

    /// Why a scheme cannot be offered, if it cannot.
    fn lack(&self, scheme: Scheme, secure: bool) -> Option<&'static str> {
        match (scheme, &self.config.digest, &self.config.basic) {
            (Scheme::Digest, None, _) => Some("ConnectionConfig::digest is not set"),
            (Scheme::Digest, Some(digest), _) if !self.store.has_digest(digest.realm()) => {
                Some("no account of the store has a hash for it in this realm")
            }
            (Scheme::Basic, _, None) => Some("ConnectionConfig::basic is not set"),
            (Scheme::Basic, _, Some(_)) if !secure => Some("the request did not come over TLS"),
            _ => None,
        }
    }

    /// Says why nobody can log on somewhere, once a minute: anybody can ask.
    fn notice(&self, arrival: &Arrival, scope: &Scope, decision: &Decision) {
        let Decision::Respond(Response { status: Status::Forbidden, .. }) = decision else {
            return;
        };
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        if noticed.is_some_and(|noticed| noticed.elapsed() < Duration::from_secs(60)) {
            return;
        }
        *noticed = Some(Instant::now());
        for scheme in scope.schemes().iter() {
            if let Some(lack) = self.lack(*scheme, arrival.secure) {
                tracing::warn!(%scheme, "a request cannot log on: {lack}");
            }
        }
    }

    /// What to say beside a 401 of the application, who wants somebody, or somebody else. The
    /// logon of the connection is forgotten; see [`logon::http::ConnectionAuth::challenge`].
    pub async fn challenge(
        &self,
        connection: &Connection,
        arrival: &Arrival,
        scope: &Arc<Scope>,
    ) -> Response {
        let head = self.head(arrival, scope);
        if arrival.carrier == Carrier::Multiplexed {
            let mut state = State::new(&self.config, connection.bindings().clone());
            return state.auth.challenge(head);
        }
        let mut turn = connection.turn(&self.config).await;
        let Some(state) = turn.state() else { return Response::internal_error() };
        let response = state.auth.challenge(head);
        connection.set_logged_on(state.auth.logon().is_some());
        response
    }

    fn request_head<'a>(&self, arrival: &Arrival, request: &GateRequest<'a>) -> RequestHead<'a> {
        let mut head = self.head(arrival, request.scope);
        head.method = request.method;
        head.target = request.target;
        head.credentials = &request.facts.credentials;
        head.preflight = request.facts.is_preflight(request.method);
        head.body = request.body;
        head
    }

    fn head<'a>(&self, arrival: &Arrival, scope: &'a Arc<Scope>) -> RequestHead<'a> {
        let mut head = RequestHead::new("", "/", scope);
        head.carrier = arrival.carrier;
        head.secure = arrival.secure;
        // Only asked where it matters: a store may have to look.
        let wanted = scope.schemes().contains(&Scheme::Digest);
        let digest = self.config.digest.as_ref().filter(|_| wanted);
        head.digest = digest.is_some_and(|digest| self.store.has_digest(digest.realm()));
        head
    }

    /// One request on one state, with its log line.
    async fn step(
        &self,
        state: &mut State,
        connection: &Connection,
        arrival: &Arrival,
        head: RequestHead<'_>,
    ) -> Decision {
        if head.credentials.is_empty() {
            state.begun = None;
            return state.auth.request(head);
        }
        let begun = *state.begun.get_or_insert_with(Instant::now);
        let source = arrival.forwarded_for.or(connection.peer().map(|peer| peer.ip()));
        let span = tracing::debug_span!("logon", connection = connection.id());
        let (decision, claimed) = self.ask(state, source, head).instrument(span).await;
        if !matches!(&decision, Decision::Respond(response) if response.continues) {
            state.begun = None;
            let client = arrival.forwarded_for;
            log::outcome(&Attempt { connection, client, begun, claimed }, &decision);
        }
        decision
    }

    async fn ask(
        &self,
        state: &mut State,
        source: Option<IpAddr>,
        head: RequestHead<'_>,
    ) -> (Decision, Option<AccountName>) {
        let auth = &mut state.auth;
        let mut decision = auth.request(head);
        let mut claimed = None;
        while let (Decision::NeedLogon, Some(question)) = (&decision, auth.pending()) {
            let name = claimed.insert(claimed_name(question));
            if let Err(retry_after) = self.check(source, name) {
                decision = auth.throttle(retry_after);
                break;
            }
            let answer = self.lookup(question).await;
            // Others may have failed in the meantime: guesses made side by side count as well.
            decision = match (self.check(source, name), answer) {
                (Err(retry_after), _) => auth.throttle(retry_after),
                (Ok(()), Reply::Account(answer)) => auth.resume(answer),
                (Ok(()), Reply::Digest(answer)) => auth.resume_digest(answer),
            };
        }
        self.count(source, claimed.as_ref(), &decision);
        (decision, claimed)
    }

    async fn lookup(&self, question: Question<'_>) -> Reply {
        match question {
            Question::Account(account) => {
                Reply::Account(self.in_time(self.store.lookup(account)).await)
            }
            Question::Digest(account) => {
                Reply::Digest(self.in_time(self.store.lookup_digest(account)).await)
            }
            _ => Reply::Account(Err(StoreError::new("this adapter cannot ask such a question"))),
        }
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| {
            let seconds = self.store_timeout.as_secs_f32();
            Err(StoreError::new(format!("no answer within {seconds} s")))
        };
        tokio::time::timeout(self.store_timeout, answer).await.unwrap_or_else(late)
    }

    fn check(&self, source: Option<IpAddr>, claimed: &AccountName) -> Result<(), u32> {
        let (Some(throttle), Some(address)) = (&self.throttle, source) else {
            return Ok(());
        };
        let account = Account::new(claimed.domain(), claimed.user());
        let mut throttle = throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.config.acceptor.now();
        throttle.check(now, address, account).map_err(|throttled| throttled.retry_after_seconds)
    }

    /// Keeps count of logons that failed and succeeded.
    fn count(&self, source: Option<IpAddr>, claimed: Option<&AccountName>, decision: &Decision) {
        let (Some(throttle), Some(address)) = (&self.throttle, source) else { return };
        let error = match decision {
            Decision::Respond(response) => response.reason.as_ref(),
            Decision::Forward(forward) => forward.authentication.error(),
            _ => None,
        };
        let succeeded = match decision {
            Decision::Forward(forward) => forward.authentication.logon().is_some(),
            _ => false,
        };
        let denied = match error {
            // A ticket is no guess: a wrong clock is not to lock the password out.
            Some(Error::Denied(denial)) if !matches!(denial.refusal(), Refusal::Kerberos(_)) => {
                Some(denial.account())
            }
            _ => None,
        };
        // Counted under the name that was checked.
        let Some(name) = claimed.or(denied) else { return };
        let account = Account::new(name.domain(), name.user());
        let mut throttle = throttle.lock().unwrap_or_else(PoisonError::into_inner);
        if denied.is_some() {
            throttle.failed(self.config.acceptor.now(), address, account);
        } else if succeeded {
            throttle.succeeded(address, account);
        }
    }
}

/// A store's answer to a question.
enum Reply {
    Account(Result<Answer, StoreError>),
    Digest(Result<DigestAnswer, StoreError>),
}

fn claimed_name(question: Question<'_>) -> AccountName {
    match question {
        Question::Account(account) => AccountName::new(account.domain(), account.user()),
        Question::Digest(account) => match account.username {
            DigestUsername::Plain(name) | DigestUsername::Hash(name) => AccountName::new("", name),
        },
        _ => AccountName::default(),
    }
}

/// A target and a body may have secrets in them; they do not go into logs.
impl fmt::Debug for GateRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateRequest")
            .field("method", &self.method)
            .field("scope", &self.scope)
            .field("facts", &self.facts)
            .field("body", &self.body.map(<[u8]>::len))
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Gate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("trusted_proxies", &self.trusted_proxies)
            .field("store_timeout", &self.store_timeout)
            .finish_non_exhaustive()
    }
}
