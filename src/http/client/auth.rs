//! The client's side of one connection.

use super::super::{Scheme, Side};
use super::challenge::{Challenges, parameters};
use super::config::ClientConfig;
use super::credentials::{ClientStep, Credentials};
use super::digest::{DigestSession, Request};
use super::error::ClientError;
use super::legs::out_of_order;
use crate::binding::ChannelBindings;
use crate::identity::TargetName;
use crate::session::{Initiator, InitiatorContext, Mechanism};
use alloc::sync::Arc;
use core::fmt;
use core::mem;

/// The client's side of one connection to an origin server, or to a proxy ([RFC 9110] §11.6,
/// §11.7; [MS-NTHT] §3.1; [MS-N2HT] §3.2).
///
/// It belongs to one connection, because that is what NTLM authenticates: all legs go over the
/// same one, and it is thrown away with it.
///
/// ```
/// use logon::http::{ClientAuth, ClientConfig, ClientStep, Side};
/// use logon::{ChannelBindings, Credential, InitiatorConfig, TargetName};
/// use std::sync::Arc;
///
/// let initiator = InitiatorConfig::with_os(Credential::password(r"CORP\alice", "S3cret!pw"));
/// let config = Arc::new(ClientConfig::new(Arc::new(initiator)));
/// let target = TargetName::http("web01.corp.example");
/// let mut auth = ClientAuth::new(config, Side::Origin, target, ChannelBindings::none());
///
/// // 401, WWW-Authenticate: Negotiate, NTLM
/// let step = auth.advance([b"Negotiate, NTLM".as_slice()])?;
/// let ClientStep::Send(credentials) = step else { panic!("nothing to send") };
/// assert!(credentials.value.starts_with("Negotiate "));
/// assert!(!credentials.last, "the server's CHALLENGE comes first, so no body yet");
/// # Ok::<(), logon::http::ClientError>(())
/// ```
pub struct ClientAuth {
    pub(super) config: Arc<ClientConfig>,
    pub(super) side: Side,
    pub(super) target: TargetName,
    pub(super) bindings: ChannelBindings,
    pub(super) state: State,
    /// Of the service, for Kerberos.
    #[cfg(feature = "kerberos")]
    pub(super) ticket: Option<Arc<crate::kerberos::InitiatorConfig>>,
    /// The exchange under way began without a challenge.
    pub(super) unasked: bool,
    /// For `Digest`: what the next credentials are for, and the nonce that they answer.
    pub(super) request: Option<Request>,
    pub(super) digest: Option<DigestSession>,
}

pub(super) enum State {
    /// Nothing is under way.
    Idle,
    /// The server's next token is awaited.
    Exchange(Scheme, Initiator),
    /// The last credentials are out, and nothing but the verdict is awaited. Only mechanisms leave
    /// a context.
    Sent(Scheme, Option<InitiatorContext>),
    /// The server took them.
    Established(Established),
    /// The server did not take them.
    Refused(Scheme),
    /// Something went wrong.
    Failed,
}

pub(super) struct Established {
    pub(super) scheme: Scheme,
    pub(super) context: Option<InitiatorContext>,
    pub(super) persistent: bool,
}

impl ClientAuth {
    /// The side of a connection, before anything is sent. `target` is the service as this client
    /// knows it, `HTTP/` and the host that the user meant, never one that a redirect or a reverse
    /// look-up came up with; `bindings` are those of the server's certificate.
    #[must_use]
    pub fn new(
        config: Arc<ClientConfig>,
        side: Side,
        target: TargetName,
        bindings: ChannelBindings,
    ) -> Self {
        Self {
            config,
            side,
            target,
            bindings,
            state: State::Idle,
            #[cfg(feature = "kerberos")]
            ticket: None,
            unasked: false,
            request: None,
            digest: None,
        }
    }

    /// Gives a ticket of the service to the exchanges that begin after this, by `Negotiate`. With
    /// it Kerberos is what the server is asked to take first, and NTLM, if it is configured, what
    /// it may take instead. `None` takes it away.
    #[cfg(feature = "kerberos")]
    pub fn use_ticket(&mut self, ticket: Option<Arc<crate::kerberos::InitiatorConfig>>) {
        self.ticket = ticket;
    }

    /// Whether a ticket would be of use: these challenges would begin an exchange by `Negotiate`.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn wants_ticket<'a>(&self, challenges: impl IntoIterator<Item = &'a [u8]>) -> bool {
        matches!(self.state, State::Idle | State::Established(_))
            && self.config.schemes.contains(&Scheme::Negotiate)
            && Challenges::parse(challenges).offers(Scheme::Negotiate)
    }

    pub(super) fn has_ticket(&self) -> bool {
        #[cfg(feature = "kerberos")]
        return self.ticket.is_some();
        #[cfg(not(feature = "kerberos"))]
        false
    }

    /// Says which request the next credentials are for: its method, and its target as it stands in
    /// the request line. [`Scheme::Digest`] proves these two; the other schemes do not look.
    pub fn for_request(&mut self, method: &str, uri: &str) {
        self.request = Some(Request { method: method.into(), uri: uri.into() });
    }

    /// Credentials that no challenge asked for, or one that was read elsewhere. Ends whatever was
    /// under way. Of NTLM, these are never more than NEGOTIATE; of Kerberos, they are all there is;
    /// of `Digest`, they answer the nonce of the last challenge once more.
    ///
    /// # Errors
    /// [`ClientError::NotConfigured`], [`ClientError::MutualAuthMissing`],
    /// [`ClientError::BindingsImpossible`], [`ClientError::Exchange`]; of `Digest`
    /// [`ClientError::ChallengeNeeded`], [`ClientError::RequestUnknown`].
    pub fn initial(&mut self, scheme: Scheme) -> Result<Credentials, ClientError> {
        self.state = State::Idle;
        if !self.config.has(scheme, self.has_ticket()) {
            return Err(ClientError::NotConfigured { scheme });
        }
        self.meets_demands(scheme)?;
        self.unasked = true;
        self.start(scheme)
    }

    /// Takes the challenges of a 401 (407): all values of [`Side::challenge_field`], each with one
    /// challenge or several.
    ///
    /// # Errors
    /// Why no credentials can be sent, or no more; see [`ClientError`].
    pub fn advance<'a>(
        &mut self,
        challenges: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<ClientStep, ClientError> {
        let challenges = Challenges::parse(challenges);
        match mem::replace(&mut self.state, State::Failed) {
            State::Idle | State::Established(_) => {
                self.state = State::Idle;
                self.unasked = false;
                let scheme = self.choose(&challenges)?;
                if scheme == Scheme::Digest {
                    self.take_nonce(&challenges)?;
                }
                self.start(scheme).map(ClientStep::Send)
            }
            State::Exchange(scheme, initiator) => match challenges.token(scheme)? {
                Some(token) => self.answer(scheme, initiator, &token),
                None => Err(self.without_token(scheme, &challenges, initiator.is_final())),
            },
            State::Sent(scheme, _) => {
                if challenges.has_token(scheme) && scheme.is_per_connection() {
                    return Err(out_of_order("the server's verdict", "another token"));
                }
                if scheme == Scheme::Digest && self.is_stale(&challenges) {
                    self.take_nonce(&challenges)?;
                    return self.start(scheme).map(ClientStep::Send);
                }
                Err(self.without_token(scheme, &challenges, true))
            }
            State::Refused(scheme) => {
                self.state = State::Refused(scheme);
                Err(ClientError::Refused { scheme })
            }
            State::Failed => Err(out_of_order("a new start after an error", "a challenge")),
        }
    }

    /// Takes what a response of any other status says: the challenge field, in which the last
    /// token of the server comes, and the first value of `Persistent-Auth` ([MS-N2HT] §2.2.2).
    /// To be called before the response is used: the token may show that the server is not who it
    /// should be, or that somebody altered the exchange.
    ///
    /// # Errors
    /// Why the response is not to be used; see [`ClientError`].
    pub fn finish<'a>(
        &mut self,
        challenges: impl IntoIterator<Item = &'a [u8]>,
        persistent_auth: Option<&[u8]>,
    ) -> Result<ClientStep, ClientError> {
        let challenges = Challenges::parse(challenges);
        match mem::replace(&mut self.state, State::Failed) {
            State::Exchange(scheme, initiator) => {
                let token = challenges.token(scheme)?;
                // A ticket that nobody asked for may be one that nobody looked at.
                let unread = self.unasked && initiator.mechanism().is_none();
                if token.is_none() && (!initiator.is_final() || unread) {
                    return self.not_asked_for();
                }
                let context = self.consent(scheme, initiator, token.as_deref())?;
                self.established(scheme, Some(context), persistent_auth)
            }
            State::Sent(scheme, context) => {
                if challenges.has_token(scheme) {
                    return Err(out_of_order("an answer without a token", "another token"));
                }
                self.established(scheme, context, persistent_auth)
            }
            state => {
                if Scheme::INTEGRATED.into_iter().any(|scheme| challenges.has_token(scheme)) {
                    return Err(out_of_order("an answer without a token", "a token"));
                }
                self.state = state;
                Ok(ClientStep::Done)
            }
        }
    }

    /// Takes the value of [`Side::info_field`], before [`Self::finish`] takes the rest: with
    /// `Digest` the server proves in it that it knows the password, too ([RFC 7616] §3.5).
    ///
    /// # Errors
    /// [`ClientError::WrongServerProof`].
    pub fn authentication_info(&mut self, value: &[u8]) -> Result<(), ClientError> {
        if let (State::Sent(Scheme::Digest, _), Some(digest)) = (&self.state, &mut self.digest)
            && !digest.check(&parameters(value))
        {
            self.state = State::Failed;
            return Err(ClientError::WrongServerProof);
        }
        Ok(())
    }

    /// The scheme in use: that of the exchange under way, or of the logon that stands.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        match &self.state {
            State::Exchange(scheme, _) | State::Sent(scheme, _) => Some(*scheme),
            State::Established(established) => Some(established.scheme),
            State::Idle | State::Refused(_) | State::Failed => None,
        }
    }

    /// The mechanism, once it is known: with `Negotiate`, when the server has selected one. The
    /// other schemes but `NTLM` have none.
    #[must_use]
    pub fn mechanism(&self) -> Option<Mechanism> {
        match &self.state {
            State::Exchange(_, initiator) => initiator.mechanism(),
            State::Sent(_, context) => context.as_ref().map(InitiatorContext::mechanism),
            State::Established(logon) => logon.context.as_ref().map(InitiatorContext::mechanism),
            State::Idle | State::Refused(_) | State::Failed => None,
        }
    }

    /// Whether the server took the credentials.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    /// Whether later requests on this connection need no credentials. For NTLM that is so unless
    /// the server says otherwise, for others unless it does not ([MS-N2HT] §3.2.5).
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        matches!(&self.state, State::Established(established) if established.persistent)
    }

    /// What the logon left, once the server took it: keys and attributes.
    #[must_use]
    pub fn context(&self) -> Option<&InitiatorContext> {
        match &self.state {
            State::Established(established) => established.context.as_ref(),
            _ => None,
        }
    }

    /// Which side this is; it has the names of the fields.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Ends it and wipes the keys. Dropping does the same.
    pub fn close(self) {}
}

/// Neither keys nor tokens.
impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Idle => "Idle",
            State::Exchange(..) => "Exchange",
            State::Sent(..) => "Sent",
            State::Established(_) => "Established",
            State::Refused(_) => "Refused",
            State::Failed => "Failed",
        };
        f.debug_struct("ClientAuth")
            .field("side", &self.side)
            .field("target", &self.target)
            .field("state", &state)
            .field("scheme", &self.scheme())
            .finish_non_exhaustive()
    }
}
