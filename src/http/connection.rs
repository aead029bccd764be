//! The state of one accepted connection.
//!
//! ```text
//!            NEGOTIATE             AUTHENTICATE            the store says yes
//!   Idle ──────────────▶ Exchange ──────────────▶ Pending ───────────────────▶ Authenticated
//!    ▲                      │                        │                              │
//!    └──────────────────────┴────────────────────────┴──────────────────────────────┘
//!        a refusal, an error, another Authorization, a request without one in mid-exchange
//! ```

use super::header::{Credentials, format_token};
use super::{Scheme, Side, Status};
use crate::binding::ChannelBindings;
use crate::config::AcceptorConfig;
use crate::credential::{Answer, StoreError};
use crate::error::{ApiMisuse, Error, HeaderError};
use crate::identity::{Account, Identity};
use crate::session::{Acceptor, AcceptorStep, Context, LogonRequest, Mechanism};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What all connections of a server share.
/// See [MS-NTHT] §3.1.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// The exchanges.
    pub acceptor: Arc<AcceptorConfig>,
    /// Origin server or proxy.
    pub side: Side,
    /// Refused logons after which a connection is closed. Default: 3.
    pub max_denials: u32,
}

impl ConnectionConfig {
    /// The connections of an origin server.
    #[must_use]
    pub fn new(acceptor: Arc<AcceptorConfig>) -> Self {
        Self { acceptor, side: Side::Origin, max_denials: 3 }
    }

    /// Speaks as a proxy instead: 407 and the `Proxy-` fields.
    #[must_use]
    pub fn as_proxy(mut self) -> Self {
        self.side = Side::Proxy;
        self
    }
}

/// Authentication of one accepted connection. It must never serve another: NTLM proves who is
/// at the other end of a connection, once, for all requests that follow on it.
/// See [MS-NTHT] §3.1.1, [MS-N2HT] §3.2.
#[derive(Debug)]
pub struct ConnectionAuth {
    config: Arc<ConnectionConfig>,
    bindings: ChannelBindings,
    state: State,
    denials: u32,
}

#[derive(Debug)]
enum State {
    Idle,
    Exchange { scheme: Scheme, acceptor: Acceptor },
    Pending { scheme: Scheme, request: LogonRequest, offer: Arc<[Scheme]> },
    Authenticated(Arc<Logon>),
}

/// What has to be known of a request.
/// See [RFC 9110] §11.6.
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    /// The value of every `Authorization` line (as a proxy: `Proxy-Authorization`).
    pub credentials: &'a [&'a [u8]],
    /// The schemes of this resource, in the order to offer them. Empty: it needs no logon, and
    /// the request passes as it is.
    pub offer: &'a Arc<[Scheme]>,
    /// Whether a request without a logon is answered with a challenge, or passes anonymously.
    pub required: bool,
}

/// Credentials may be a password in plain; they do not go into logs.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("credentials", &self.credentials.len())
            .field("offer", &self.offer)
            .field("required", &self.required)
            .finish()
    }
}

/// What to do with a request.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum Decision {
    /// Pass it to the application.
    Forward(Forward),
    /// Look [`ConnectionAuth::pending_account`] up, then [`ConnectionAuth::resume`].
    NeedLogon,
    /// Answer it like this; the application does not see it.
    Respond(Response),
}

/// A request for the application.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Forward {
    /// Who it is from; `None`: anonymous.
    pub logon: Option<Arc<Logon>>,
    /// Whether it completes a logon, rather than following one.
    pub fresh: bool,
    /// A value for the challenge field of the application's response: the last token.
    pub challenge: Option<String>,
}

/// An answer that authentication gives by itself.
/// See [RFC 9110] §11.6, §11.7.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: Status,
    /// Values of the challenge field, one line each.
    pub challenges: Vec<String>,
    /// Whether it carries a token: the exchange goes on, on this connection and no other.
    pub continues: bool,
    /// Whether the connection has to be closed behind it.
    pub close: bool,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
    /// Why, for the log and the application; never for the client.
    pub reason: Option<Error>,
}

/// A logon over HTTP.
/// See [MS-NTHT] §3.1.
#[derive(Debug)]
pub struct Logon {
    identity: Identity,
    scheme: Scheme,
    mechanism: Mechanism,
}

impl Logon {
    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The scheme that the client chose.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What was spoken within it.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }
}

const RETRY_AFTER_SECONDS: u32 = 5;

impl ConnectionAuth {
    /// The state of a connection just accepted, with the channel bindings of its TLS.
    #[must_use]
    pub fn new(config: Arc<ConnectionConfig>, bindings: ChannelBindings) -> Self {
        Self { config, bindings, state: State::Idle, denials: 0 }
    }

    /// Which side this speaks as.
    #[must_use]
    pub fn side(&self) -> Side {
        self.config.side
    }

    /// Decides about the next request of the connection. Requests are asked about in the order
    /// they came in.
    pub fn request(&mut self, head: RequestHead<'_>) -> Decision {
        if head.offer.is_empty() {
            return Decision::Forward(Forward::default());
        }
        // Whatever this request is, it moves the state on or ends it.
        let state = core::mem::replace(&mut self.state, State::Idle);
        let credentials = match head.credentials {
            [] => return self.without_credentials(state, head),
            [value] => Credentials::parse(value),
            _ => Err(HeaderError::Repeated),
        };
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => return self.fail(error.into(), head.offer),
        };
        let scheme = Scheme::from_name(credentials.scheme);
        let Some(scheme) = scheme.filter(|scheme| head.offer.contains(scheme)) else {
            return self.anonymous(head);
        };
        let limit = self.config.acceptor.policy().max_token;
        let token = match credentials.decode(limit) {
            Ok(token) => token,
            Err(error) => return self.fail(error, head.offer),
        };
        let acceptor = match state {
            State::Exchange { scheme: begun, acceptor }
                if begun == scheme && !Acceptor::is_initial(&token) =>
            {
                acceptor
            }
            _ => Acceptor::new(Arc::clone(&self.config.acceptor), self.bindings.clone()),
        };
        let mut out = Vec::new();
        let step = acceptor.step(&token, &mut out);
        self.after(step, scheme, &out, head.offer)
    }

    /// The claim to look up after [`Decision::NeedLogon`].
    #[must_use]
    pub fn pending_account(&self) -> Option<Account<'_>> {
        match &self.state {
            State::Pending { request, .. } => Some(request.account()),
            _ => None,
        }
    }

    /// Goes on with the store's answer.
    pub fn resume(&mut self, answer: Result<Answer, StoreError>) -> Decision {
        match core::mem::replace(&mut self.state, State::Idle) {
            State::Pending { scheme, request, offer } => {
                let mut out = Vec::new();
                let step = request.resolve(answer, &mut out);
                self.after(step, scheme, &out, &offer)
            }
            state => {
                self.state = state;
                let none = Arc::from([]);
                self.fail(ApiMisuse::NothingPending.into(), &none)
            }
        }
    }

    /// The logon that this connection has earned.
    #[must_use]
    pub fn logon(&self) -> Option<&Arc<Logon>> {
        match &self.state {
            State::Authenticated(logon) => Some(logon),
            _ => None,
        }
    }

    /// Forgets the logon, and an exchange in progress: the next request has to log on anew.
    pub fn release(&mut self) {
        self.state = State::Idle;
    }

    fn without_credentials(&mut self, state: State, head: RequestHead<'_>) -> Decision {
        let State::Authenticated(logon) = state else { return self.anonymous(head) };
        let offered = head.offer.contains(&logon.scheme);
        self.state = State::Authenticated(Arc::clone(&logon));
        if offered {
            Decision::Forward(Forward { logon: Some(logon), ..Forward::default() })
        } else {
            self.anonymous(head)
        }
    }

    fn anonymous(&self, head: RequestHead<'_>) -> Decision {
        if !head.required {
            return Decision::Forward(Forward::default());
        }
        Decision::Respond(Response {
            challenges: bare(head.offer),
            ..Response::new(Status::Challenge(self.config.side))
        })
    }

    fn after(
        &mut self,
        step: Result<AcceptorStep, Error>,
        scheme: Scheme,
        out: &[u8],
        offer: &Arc<[Scheme]>,
    ) -> Decision {
        match step {
            Ok(AcceptorStep::Continue(acceptor)) => {
                self.state = State::Exchange { scheme, acceptor };
                Decision::Respond(Response {
                    challenges: Vec::from([format_token(scheme, out)]),
                    continues: true,
                    ..Response::new(Status::Challenge(self.config.side))
                })
            }
            Ok(AcceptorStep::NeedLogon(request)) => {
                let offer = Arc::clone(offer);
                self.state = State::Pending { scheme, request, offer };
                Decision::NeedLogon
            }
            Ok(AcceptorStep::Complete(context)) => self.complete(context, scheme, out),
            Err(error) => self.fail(error, offer),
        }
    }

    fn complete(&mut self, context: Context, scheme: Scheme, out: &[u8]) -> Decision {
        let mechanism = context.mechanism();
        let logon = Arc::new(Logon { identity: context.into_identity(), scheme, mechanism });
        self.state = State::Authenticated(Arc::clone(&logon));
        self.denials = 0;
        let challenge = (!out.is_empty()).then(|| format_token(scheme, out));
        Decision::Forward(Forward { logon: Some(logon), fresh: true, challenge })
    }

    /// Every refusal looks alike: the bare schemes, as if nothing had been said.
    fn fail(&mut self, error: Error, offer: &Arc<[Scheme]>) -> Decision {
        let status = Status::of_error(&error, self.config.side);
        if matches!(error, Error::Denied(_)) {
            self.denials = self.denials.saturating_add(1);
        }
        let challenge = matches!(status, Status::Challenge(_));
        Decision::Respond(Response {
            challenges: if challenge { bare(offer) } else { Vec::new() },
            close: !challenge || self.denials >= self.config.max_denials,
            retry_after: (status == Status::ServiceUnavailable).then_some(RETRY_AFTER_SECONDS),
            reason: Some(error),
            ..Response::new(status)
        })
    }
}

impl Response {
    fn new(status: Status) -> Self {
        Self {
            status,
            challenges: Vec::new(),
            continues: false,
            close: false,
            retry_after: None,
            reason: None,
        }
    }
}

fn bare(offer: &[Scheme]) -> Vec<String> {
    offer.iter().map(|scheme| String::from(scheme.name())).collect()
}
