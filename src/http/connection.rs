//! The state of one accepted connection.
//!
//! ```text
//!            NEGOTIATE             AUTHENTICATE            the store says yes
//!   Idle ──────────────▶ Exchange ──────────────▶ Pending ───────────────────▶ Authenticated
//!    ▲                      │                        │                              │
//!    └──────────────────────┴────────────────────────┴──────────────────────────────┘
//!        a refusal, an error, another Authorization, a request without one in mid-exchange,
//!        an intermediary, the end of the logon's lifetime
//! ```
//!
//! `Digest` and `Basic` prove a request by itself: Idle, Pending, and Idle again.

use super::basic::PendingPassword;
use super::config::{ConnectionConfig, Place};
use super::digest::{DigestRequest, DigestVerdict, PendingDigest};
use super::header::{Credentials, format_token};
use super::offer::Stale;
use super::{Authentication, Carrier, Decision, Explanation, Forward, Logon, RequestHead};
use super::{Requirement, Response, Scheme, Scope, Side, Status};
use crate::binding::ChannelBindings;
use crate::credential::{Answer, CredentialStore, StoreError};
use crate::digest::{DigestAccount, DigestAnswer};
use crate::env::FileTime;
use crate::error::{ApiMisuse, Error, HeaderError, PeerIncompatible, Refusal};
use crate::identity::{Account, Identity};
use crate::session::{Acceptor, AcceptorStep, Allowed, Context, ContextAttributes};
use crate::session::{LogonRequest, Mechanism};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Authentication of one accepted connection. It must never serve another: NTLM proves who is
/// at the other end of a connection, once, for all requests that follow on it.
/// See [MS-NTHT] §3.1.1, [MS-N2HT] §3.2.
#[derive(Debug)]
pub struct ConnectionAuth {
    pub(super) config: Arc<ConnectionConfig>,
    bindings: ChannelBindings,
    state: State,
    /// The worst that any request came over. A connection that somebody shares stays shared.
    pub(super) carrier: Carrier,
    denials: u32,
}

#[derive(Debug)]
enum State {
    Idle,
    Exchange { scheme: Scheme, acceptor: Acceptor, place: Place },
    Pending { claim: Claim, resource: KeptResource },
    Authenticated { logon: Arc<Logon>, since: FileTime },
}

/// What the store is asked about.
#[derive(Debug)]
enum Claim {
    Exchange { scheme: Scheme, request: LogonRequest, place: Place },
    Password(PendingPassword),
    Digest(PendingDigest),
}

/// What an answer depends on beside the credentials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) scope: &'a Arc<Scope>,
    pub(super) secure: bool,
    pub(super) digest: bool,
}

/// The same while the store is asked.
#[derive(Debug)]
struct KeptResource {
    scope: Arc<Scope>,
    secure: bool,
    digest: bool,
}

/// Whom the store is asked for.
/// See [RFC 9110] §11.6.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Question<'a> {
    /// [`CredentialStore::lookup`], then [`ConnectionAuth::resume`].
    Account(Account<'a>),
    /// [`CredentialStore::lookup_digest`], then [`ConnectionAuth::resume_digest`].
    Digest(DigestAccount<'a>),
}

const RETRY_AFTER_SECONDS: u32 = 5;

impl ConnectionAuth {
    /// The state of a connection just accepted, with the channel bindings of its TLS.
    #[must_use]
    pub fn new(config: Arc<ConnectionConfig>, bindings: ChannelBindings) -> Self {
        let carrier = Carrier::Exclusive;
        Self { config, bindings, state: State::Idle, carrier, denials: 0 }
    }

    /// Which side this speaks as.
    #[must_use]
    pub fn side(&self) -> Side {
        self.config.side
    }

    /// Decides about the next request of the connection. Requests are asked about in the order
    /// they came in.
    pub fn request(&mut self, head: RequestHead<'_>) -> Decision {
        self.carrier = self.carrier.max(head.carrier);
        if self.carrier != Carrier::Exclusive {
            self.forget_logon();
        }
        let scope = head.scope;
        let unguarded = scope.requirement() == Requirement::Off;
        if unguarded || (head.preflight && scope.cors_preflight()) {
            return Decision::Forward(Forward::default());
        }
        let resource = Resource::of(&head);
        let credentials = match head.credentials {
            [] => return self.without_credentials(resource),
            [value] => Credentials::parse(value),
            _ => Err(HeaderError::Repeated),
        };
        // Whatever this request is, it moves the state on or ends it.
        let state = core::mem::replace(&mut self.state, State::Idle);
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => return self.fail(error.into(), None, resource),
        };
        let scheme = Scheme::from_name(credentials.scheme);
        match scheme.filter(|scheme| self.accepts(*scheme, resource)) {
            // What was offered, but cannot be had here: over HTTP/1.1 it can.
            None if scheme.is_some_and(|scheme| self.needs_http_1_1(scheme, resource)) => {
                Decision::Respond(self.http_1_1_required(resource))
            }
            None if scope.passes(credentials.scheme) => Decision::Forward(Forward::default()),
            None => self.anonymous(resource, Explanation::OTHER_SCHEME),
            Some(Scheme::Basic) => self.password(credentials, resource),
            Some(Scheme::Digest) => self.digest(credentials, head, resource),
            Some(scheme) => self.token(state, scheme, credentials, resource),
        }
    }

    /// Whom a request is from that has no credentials and is no CORS preflight, if it follows a
    /// logon: a shortcut for what [`Self::request`] says of it. `None` if that has to be asked.
    #[must_use]
    pub fn standing(&self, scope: &Scope, carrier: Carrier) -> Option<Authentication> {
        let exclusive = self.carrier.max(carrier) == Carrier::Exclusive;
        let ordinary = exclusive && scope.requirement() != Requirement::Off;
        if ordinary { self.followed(scope) } else { None }
    }

    /// Decides about the next request, with a store whose answers are at hand.
    pub fn decide(&mut self, head: RequestHead<'_>, store: &dyn CredentialStore) -> Decision {
        let mut decision = self.request(head);
        while let (Decision::NeedLogon, Some(question)) = (&decision, self.pending()) {
            decision = match question {
                Question::Account(account) => {
                    let answer = store.lookup(account);
                    self.resume(answer)
                }
                Question::Digest(account) => {
                    let answer = store.lookup_digest(account);
                    self.resume_digest(answer)
                }
            };
        }
        decision
    }

    /// What to look up after [`Decision::NeedLogon`].
    #[must_use]
    pub fn pending(&self) -> Option<Question<'_>> {
        let State::Pending { claim, .. } = &self.state else { return None };
        Some(match claim {
            Claim::Exchange { request, .. } => Question::Account(request.account()),
            Claim::Password(pending) => Question::Account(pending.account()),
            Claim::Digest(pending) => Question::Digest(pending.account()),
        })
    }

    /// Goes on with the store's answer.
    pub fn resume(&mut self, answer: Result<Answer, StoreError>) -> Decision {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Pending { claim: Claim::Exchange { scheme, request, place }, resource } => {
                let mut out = Vec::new();
                let step = request.resolve(answer, &mut out);
                self.after(step, scheme, place, &out, resource.get())
            }
            State::Pending { claim: Claim::Password(pending), resource } => {
                match pending.resolve(answer) {
                    Ok(identity) => self.proven(identity, Scheme::Basic, Vec::new()),
                    Err(error) => self.fail(error, Some(Scheme::Basic), resource.get()),
                }
            }
            state => self.nothing_pending(state),
        }
    }

    /// Goes on with the store's answer about an account that logs on by `Digest`.
    pub fn resume_digest(&mut self, answer: Result<DigestAnswer, StoreError>) -> Decision {
        let (pending, resource) = match core::mem::replace(&mut self.state, State::Idle) {
            State::Pending { claim: Claim::Digest(pending), resource } => (pending, resource),
            state => return self.nothing_pending(state),
        };
        let config = Arc::clone(&self.config);
        // There is a claim, so there is a configuration.
        let Some(digest) = &config.digest else { return self.no_config(resource.get()) };
        match pending.resolve(answer, digest, self.now()) {
            Ok(DigestVerdict::Proven { proof, name, authentication_info }) => {
                let fields = Vec::from([(config.side.info_field(), authentication_info)]);
                let identity = Identity::proven_by_request(&proof, name);
                self.proven(identity, Scheme::Digest, fields)
            }
            Ok(DigestVerdict::Stale) => {
                let why = Explanation::NONCE_STALE;
                Decision::Respond(self.offer(resource.get(), Stale::Yes, why))
            }
            Err(error) => self.fail(error, Some(Scheme::Digest), resource.get()),
        }
    }

    /// Refuses the pending logon unseen: 429, to be tried again in `retry_after` seconds.
    pub fn throttle(&mut self, retry_after: u32) -> Decision {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Pending { claim, resource } => {
                let error = Error::Throttled { retry_after };
                self.fail(error, Some(claim.scheme()), resource.get())
            }
            state => self.nothing_pending(state),
        }
    }

    /// The logon that this connection has earned.
    #[must_use]
    pub fn logon(&self) -> Option<&Arc<Logon>> {
        match &self.state {
            State::Authenticated { logon, .. } => Some(logon),
            _ => None,
        }
    }

    /// Whether an exchange is under way, so that the next request may be its AUTHENTICATE.
    #[must_use]
    pub fn is_in_exchange(&self) -> bool {
        matches!(self.state, State::Exchange { .. })
    }

    /// Forgets the logon, and an exchange in progress: the next request has to log on anew.
    pub fn release(&mut self) {
        self.state = State::Idle;
    }

    /// What to offer beside a 401 of the application, who wants somebody, or somebody else.
    /// Forgets the logon. Where nothing is looked at ([`Requirement::Off`]) the 401 is the
    /// application's own affair: there is nothing to offer, and the logon stays.
    pub fn challenge(&mut self, head: RequestHead<'_>) -> Response {
        self.carrier = self.carrier.max(head.carrier);
        if head.scope.requirement() == Requirement::Off {
            return Response::new(Status::Forbidden);
        }
        self.release();
        self.offer(Resource::of(&head), Stale::No, Explanation::APPLICATION_ASKS)
    }

    fn forget_logon(&mut self) {
        if matches!(self.state, State::Authenticated { .. }) {
            self.state = State::Idle;
        }
    }

    fn without_credentials(&mut self, resource: Resource<'_>) -> Decision {
        if let Some(authentication) = self.followed(resource.scope) {
            return Decision::Forward(Forward { authentication, ..Forward::default() });
        }
        // A logon stays where its scheme is not offered, and nothing else does.
        if !matches!(&self.state, State::Authenticated { since, .. } if !self.is_over(*since)) {
            self.state = State::Idle;
        }
        self.anonymous(resource, Explanation::NO_CREDENTIALS)
    }

    /// The logon of this connection, if it counts for `scope`.
    fn followed(&self, scope: &Scope) -> Option<Authentication> {
        let State::Authenticated { logon, since } = &self.state else { return None };
        let is_ntlm = logon.mechanism().is_some_and(Mechanism::is_per_connection);
        let counts = !self.is_over(*since)
            && scope.schemes().contains(&logon.scheme())
            && (scope.ntlm() || !is_ntlm);
        counts.then(|| Authentication::success(Arc::clone(logon), false, true))
    }

    /// Nobody knows how old a logon is whose clock was set back.
    fn is_over(&self, since: FileTime) -> bool {
        let lifetime = self.config.identity_lifetime;
        lifetime.is_some_and(|most| self.now().since(since).is_none_or(|age| age > most))
    }

    fn anonymous(&self, resource: Resource<'_>, why: &'static Explanation) -> Decision {
        match resource.scope.requirement() {
            Requirement::Required => Decision::Respond(self.offer(resource, Stale::No, why)),
            _ => Decision::Forward(Forward::default()),
        }
    }

    /// Cannot happen: schemes without a configuration are not accepted.
    fn no_config(&self, resource: Resource<'_>) -> Decision {
        self.anonymous(resource, Explanation::OTHER_SCHEME)
    }

    fn password(&mut self, credentials: Credentials<'_>, resource: Resource<'_>) -> Decision {
        // The scheme was accepted, so the configuration is there.
        let Some(config) = &self.config.basic else { return self.no_config(resource) };
        let policy = self.config.acceptor.policy();
        let read = PendingPassword::read(credentials, config, policy.max_token, policy.max_name);
        match read {
            Ok(pending) => self.ask(Claim::Password(pending), resource),
            Err(error) => self.fail(error, Some(Scheme::Basic), resource),
        }
    }

    fn digest(
        &mut self,
        credentials: Credentials<'_>,
        head: RequestHead<'_>,
        resource: Resource<'_>,
    ) -> Decision {
        // The scheme was accepted, so the configuration is there.
        let Some(config) = &self.config.digest else { return self.no_config(resource) };
        let request = DigestRequest {
            method: head.method,
            target: head.target,
            entity_body: head.body,
            policy: self.config.acceptor.policy(),
        };
        match config.read(credentials.rest, &request) {
            Ok(pending) => self.ask(Claim::Digest(pending), resource),
            Err(error) => self.fail(error, Some(Scheme::Digest), resource),
        }
    }

    fn token(
        &mut self,
        state: State,
        scheme: Scheme,
        credentials: Credentials<'_>,
        resource: Resource<'_>,
    ) -> Decision {
        let limit = self.config.acceptor.policy().max_token;
        let token = match credentials.decode(limit) {
            Ok(token) => token,
            Err(error) => return self.fail(error, Some(scheme), resource),
        };
        let (acceptor, place) = match state {
            State::Exchange { scheme: begun, acceptor, place }
                if begun == scheme && !Acceptor::is_initial(&token) =>
            {
                (acceptor, Some(place))
            }
            // Drops whatever was under way, and its place, before a place is taken.
            _ => {
                drop(state);
                let config = Arc::clone(&self.config.acceptor);
                let exclusive = self.carrier != Carrier::Multiplexed;
                let allowed = Allowed {
                    ntlm: exclusive && self.takes_ntlm(resource.scope),
                    kerberos: scheme != Scheme::Ntlm,
                };
                let bindings = self.bindings.clone();
                (Acceptor::with_mechanisms(config, bindings, allowed), self.config.place())
            }
        };
        let Some(place) = place else {
            return self.fail(Error::TooManyExchanges, Some(scheme), resource);
        };
        let mut out = Vec::new();
        let step = acceptor.step(&token, &mut out);
        self.after(step, scheme, place, &out, resource)
    }

    fn after(
        &mut self,
        step: Result<AcceptorStep, Error>,
        scheme: Scheme,
        place: Place,
        out: &[u8],
        resource: Resource<'_>,
    ) -> Decision {
        match step {
            // Requests of such a connection are not in order.
            Ok(AcceptorStep::Continue(_)) if self.carrier == Carrier::Multiplexed => {
                Decision::Respond(self.http_1_1_required(resource))
            }
            Err(Error::PeerIncompatible(what)) if self.is_missing_here(what, resource) => {
                Decision::Respond(self.http_1_1_required(resource))
            }
            // Begun where NTLM is taken, and to be finished where it is not.
            Ok(AcceptorStep::NeedLogon(_)) if !self.takes_ntlm(resource.scope) => {
                self.fail(PeerIncompatible::NtlmDisabled.into(), Some(scheme), resource)
            }
            Ok(AcceptorStep::Continue(acceptor)) => {
                self.state = State::Exchange { scheme, acceptor, place };
                Decision::Respond(Response {
                    challenges: Vec::from([format_token(scheme, out)]),
                    continues: true,
                    scheme: Some(scheme),
                    ..Response::new(Status::Challenge(self.config.side))
                })
            }
            Ok(AcceptorStep::NeedLogon(request)) => {
                self.ask(Claim::Exchange { scheme, request, place }, resource)
            }
            Ok(AcceptorStep::Complete(context)) => self.complete(context, scheme, out),
            Err(error) => self.refuse(error, scheme, out, resource),
        }
    }

    /// Whether a client speaks what it could speak over HTTP/1.1.
    fn is_missing_here(&self, what: PeerIncompatible, resource: Resource<'_>) -> bool {
        let is_ntlm =
            matches!(what, PeerIncompatible::NtlmDisabled | PeerIncompatible::NoCommonMechanism);
        is_ntlm && self.carrier == Carrier::Multiplexed && self.takes_ntlm(resource.scope)
    }

    fn http_1_1_required(&self, resource: Resource<'_>) -> Response {
        let why = Explanation::HTTP_1_1_REQUIRED;
        let offer = self.offer(resource, Stale::No, why);
        Response { http_1_1_required: true, explanation: Some(why), ..offer }
    }

    fn ask(&mut self, claim: Claim, resource: Resource<'_>) -> Decision {
        self.state = State::Pending { claim, resource: resource.keep() };
        Decision::NeedLogon
    }

    fn complete(&mut self, context: Context, scheme: Scheme, out: &[u8]) -> Decision {
        let persistent = self.config.persistent
            && self.carrier == Carrier::Exclusive
            && context.mechanism().is_per_connection();
        let (mechanism, attributes) = (Some(context.mechanism()), context.attributes());
        let logon = Logon::new(context.into_identity(), scheme, mechanism, attributes);
        let logon = Arc::new(logon);
        if persistent {
            let since = self.now();
            self.state = State::Authenticated { logon: Arc::clone(&logon), since };
        }
        self.denials = 0;
        let mut authentication = Authentication::success(logon, true, persistent);
        let mut fields = Vec::new();
        if !out.is_empty() {
            let token = format_token(scheme, out);
            if self.config.receive_mutual_auth {
                authentication = authentication.with_mutual_auth_data(&token);
            } else {
                fields.push((self.config.side.challenge_field(), token));
            }
        }
        if self.config.side == Side::Origin {
            // [MS-N2HT] §2.2.2.
            let value = if persistent { "true" } else { "false" };
            fields.push(("persistent-auth", String::from(value)));
        }
        Decision::Forward(Forward { authentication, fields, ..Forward::default() })
    }

    /// A request that has proven by itself who it is from.
    fn proven(
        &mut self,
        identity: Identity,
        scheme: Scheme,
        fields: Vec<(&'static str, String)>,
    ) -> Decision {
        self.denials = 0;
        let logon = Arc::new(Logon::new(identity, scheme, None, ContextAttributes::empty()));
        let authentication = Authentication::success(logon, true, false);
        Decision::Forward(Forward { authentication, fields, ..Forward::default() })
    }

    /// Of a ticket a client may be told what is wrong with it: that says nothing of an account.
    fn refuse(
        &mut self,
        error: Error,
        scheme: Scheme,
        out: &[u8],
        resource: Resource<'_>,
    ) -> Decision {
        let of_ticket = self.config.kerberos_errors
            && matches!(&error, Error::Denied(denial)
            if matches!(denial.refusal(), Refusal::Kerberos(_)));
        let mut decision = self.fail(error, Some(scheme), resource);
        if let Decision::Respond(response) = &mut decision
            && of_ticket
            && !out.is_empty()
        {
            let bare = response.challenges.iter_mut().find(|value| *value == scheme.name());
            if let Some(value) = bare {
                *value = format_token(scheme, out);
            }
        }
        decision
    }

    /// Every refusal looks alike: the bare schemes, as if nothing had been said.
    fn fail(&mut self, error: Error, scheme: Option<Scheme>, resource: Resource<'_>) -> Decision {
        let status = Status::of_error(&error, self.config.side);
        if matches!(error, Error::Denied(_)) {
            self.denials = self.denials.saturating_add(1);
        }
        let challenge = matches!(status, Status::Challenge(_));
        let close = !challenge || self.denials >= self.config.max_denials;
        if challenge && resource.scope.requirement() == Requirement::AppChallenges {
            let authentication = Authentication::failure(scheme, error);
            return Decision::Forward(Forward { authentication, close, ..Forward::default() });
        }
        let why = Explanation::of_error(&error);
        let offer = match challenge {
            true => self.offer(resource, Stale::No, why),
            false => Response::new(status),
        };
        let retry_after = match &error {
            Error::Throttled { retry_after } => Some(*retry_after),
            _ => (status == Status::ServiceUnavailable).then_some(RETRY_AFTER_SECONDS),
        };
        let (reason, explanation) = (Some(error), Some(why));
        Decision::Respond(Response { close, retry_after, scheme, reason, explanation, ..offer })
    }

    fn nothing_pending(&mut self, state: State) -> Decision {
        self.state = state;
        let reason = Some(ApiMisuse::NothingPending.into());
        Decision::Respond(Response { reason, ..Response::internal_error() })
    }

    pub(super) fn now(&self) -> FileTime {
        self.config.acceptor.now()
    }
}

impl Claim {
    fn scheme(&self) -> Scheme {
        match self {
            Self::Exchange { scheme, .. } => *scheme,
            Self::Password(_) => Scheme::Basic,
            Self::Digest(_) => Scheme::Digest,
        }
    }
}

impl<'a> Resource<'a> {
    fn of(head: &RequestHead<'a>) -> Self {
        Self { scope: head.scope, secure: head.secure, digest: head.digest }
    }

    fn keep(self) -> KeptResource {
        let Self { scope, secure, digest } = self;
        KeptResource { scope: Arc::clone(scope), secure, digest }
    }
}

impl KeptResource {
    fn get(&self) -> Resource<'_> {
        Resource { scope: &self.scope, secure: self.secure, digest: self.digest }
    }
}
