//! The client's side of one connection.

use super::super::{Scheme, Side};
use super::challenge::{Challenges, parameters};
use super::config::ClientConfig;
use super::credentials::{ClientStep, Credentials};
use super::digest::{DigestSession, Request};
use super::error::ClientError;
use crate::binding::ChannelBindings;
use crate::error::{Error, HeaderError, PeerIncompatible};
use crate::identity::TargetName;
use crate::session::{ContextAttributes, Initiator, InitiatorContext, InitiatorStep, Mechanism};
use crate::wire::ntlm::MessageType;
use alloc::sync::Arc;
use alloc::vec::Vec;
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
    config: Arc<ClientConfig>,
    side: Side,
    target: TargetName,
    bindings: ChannelBindings,
    state: State,
    /// For `Digest`: what the next credentials are for, and the nonce that they answer.
    request: Option<Request>,
    digest: Option<DigestSession>,
}

enum State {
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

struct Established {
    scheme: Scheme,
    context: Option<InitiatorContext>,
    persistent: bool,
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
        let state = State::Idle;
        Self { config, side, target, bindings, state, request: None, digest: None }
    }

    /// Says which request the next credentials are for: its method, and its target as it stands in
    /// the request line. [`Scheme::Digest`] proves these two; the other schemes do not look.
    pub fn for_request(&mut self, method: &str, uri: &str) {
        self.request = Some(Request { method: method.into(), uri: uri.into() });
    }

    /// Credentials that no challenge asked for, or one that was read elsewhere. Ends whatever was
    /// under way. Of NTLM, these are never more than NEGOTIATE; of `Digest`, they answer the nonce
    /// of the last challenge once more.
    ///
    /// # Errors
    /// [`ClientError::NotConfigured`], [`ClientError::MutualAuthMissing`],
    /// [`ClientError::BindingsImpossible`], [`ClientError::Exchange`]; of `Digest`
    /// [`ClientError::ChallengeNeeded`], [`ClientError::RequestUnknown`].
    pub fn initial(&mut self, scheme: Scheme) -> Result<Credentials, ClientError> {
        self.state = State::Idle;
        if !self.config.has(scheme) {
            return Err(ClientError::NotConfigured { scheme });
        }
        self.meets_demands(scheme)?;
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
                if token.is_none() && !initiator.is_final() {
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

    /// The strongest scheme that is offered, configured, and meets the demands.
    fn choose(&self, challenges: &Challenges<'_>) -> Result<Scheme, ClientError> {
        if challenges.is_empty() {
            return Err(out_of_order("a challenge", "a response without one"));
        }
        let has = |scheme: &Scheme| self.config.has(*scheme);
        let mut offered =
            self.config.schemes().iter().copied().filter(has).filter(|s| challenges.offers(*s));
        let Some(strongest) = offered.next() else {
            let mangled = self.config.schemes().iter().any(|scheme| challenges.mangles(*scheme));
            let offered = challenges.names();
            return Err(match offered.as_slice() {
                [] => HeaderError::NoScheme.into(),
                _ if mangled => HeaderError::BadParameters.into(),
                _ => ClientError::NoScheme { offered },
            });
        };
        // What the strongest lacks is the error if no other has it.
        let scheme = match self.meets_demands(strongest) {
            Ok(()) => strongest,
            Err(error) => {
                offered.find(|scheme| self.meets_demands(*scheme).is_ok()).ok_or(error)?
            }
        };
        if scheme.is_per_connection() && challenges.has_token(scheme) {
            return Err(out_of_order("a challenge without a token", "a token"));
        }
        Ok(scheme)
    }

    fn meets_demands(&self, scheme: Scheme) -> Result<(), ClientError> {
        let bound = scheme.is_per_connection() && !self.bindings.is_none();
        if self.config.bindings_required && !bound {
            return Err(ClientError::BindingsImpossible);
        }
        // None of the mechanisms that the initiator has can do it: better not to send anything.
        if self.config.mutual_auth && scheme != Scheme::Digest {
            return Err(ClientError::MutualAuthMissing);
        }
        Ok(())
    }

    /// The first credentials of a scheme that is configured and meets the demands.
    fn start(&mut self, scheme: Scheme) -> Result<Credentials, ClientError> {
        let initiator = || Arc::clone(&self.config.initiator);
        let (target, bindings) = (|| self.target.clone(), || self.bindings.clone());
        let initiator = match scheme {
            Scheme::Negotiate => Initiator::negotiate(initiator(), target(), bindings()),
            Scheme::Ntlm => Initiator::ntlm(initiator(), target(), bindings()),
            Scheme::Basic | Scheme::Digest => {
                let account = self.config.password.as_ref();
                let account = account.ok_or(ClientError::NotConfigured { scheme })?;
                let credentials = match scheme {
                    Scheme::Digest => {
                        let digest = self.digest.as_mut();
                        let digest = digest.ok_or(ClientError::ChallengeNeeded { scheme })?;
                        let request = self.request.as_ref().ok_or(ClientError::RequestUnknown)?;
                        digest.answer(account, request)?
                    }
                    _ => Credentials::basic(account)?,
                };
                self.state = State::Sent(scheme, None);
                return Ok(credentials);
            }
        };
        self.begin(scheme, initiator)
    }

    pub(super) fn begin(
        &mut self,
        scheme: Scheme,
        initiator: Initiator,
    ) -> Result<Credentials, ClientError> {
        let mut out = Vec::new();
        let step = initiator.step(None, &mut out)?;
        Ok(self.send(scheme, step, &out))
    }

    /// Whether the password was right and the nonce too old: once, a new one is answered.
    fn is_stale(&self, challenges: &Challenges<'_>) -> bool {
        let first = self.digest.as_ref().is_some_and(|digest| !digest.replaced_stale);
        first && challenges.digest().is_some_and(|challenge| challenge.stale)
    }

    fn take_nonce(&mut self, challenges: &Challenges<'_>) -> Result<(), ClientError> {
        let random = &*self.config.initiator.random;
        let session = challenges.digest().map(|challenge| DigestSession::new(challenge, random));
        self.digest = session.transpose()?;
        Ok(())
    }

    fn send(&mut self, scheme: Scheme, step: InitiatorStep, out: &[u8]) -> Credentials {
        let last = match step {
            InitiatorStep::Continue(initiator) => {
                let last = initiator.is_final();
                self.state = State::Exchange(scheme, initiator);
                last
            }
            InitiatorStep::Complete(context) => {
                self.state = State::Sent(scheme, Some(context));
                true
            }
        };
        Credentials::of_token(scheme, out, last)
    }

    /// Answers the token of a 401.
    fn answer(
        &mut self,
        scheme: Scheme,
        initiator: Initiator,
        token: &[u8],
    ) -> Result<ClientStep, ClientError> {
        let mut out = Vec::new();
        let step = self.step(scheme, initiator, Some(token), &mut out)?;
        match step {
            // Complete with nothing to send, and yet a 401: the logon does not stand.
            InitiatorStep::Complete(context) if out.is_empty() => {
                self.established(scheme, Some(context), Some(b"false"))
            }
            step => Ok(ClientStep::Send(self.send(scheme, step, &out))),
        }
    }

    /// One step of the exchange, its errors told as a client needs them.
    fn step(
        &mut self,
        scheme: Scheme,
        initiator: Initiator,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorStep, ClientError> {
        if scheme == Scheme::Negotiate && token.and_then(MessageType::of).is_some() {
            return Err(ClientError::BareNtlm);
        }
        let is_final = initiator.is_final();
        initiator.step(token, out).map_err(|error| match error {
            Error::PeerIncompatible(PeerIncompatible::Rejected) if is_final => {
                self.state = State::Refused(scheme);
                ClientError::Refused { scheme }
            }
            error => error.into(),
        })
    }

    /// The server's last word, in a response that is no 401.
    fn consent(
        &mut self,
        scheme: Scheme,
        initiator: Initiator,
        token: Option<&[u8]>,
    ) -> Result<InitiatorContext, ClientError> {
        let mut out = Vec::new();
        match self.step(scheme, initiator, token, &mut out) {
            Ok(InitiatorStep::Complete(context)) if out.is_empty() => Ok(context),
            Ok(_) => Err(out_of_order("the server's last token", "one that wants an answer")),
            // The token that is absent would have been the server's proof.
            Err(_) if token.is_none() && self.config.mutual_auth => {
                Err(ClientError::MutualAuthMissing)
            }
            Err(error) => Err(error),
        }
    }

    fn established(
        &mut self,
        scheme: Scheme,
        context: Option<InitiatorContext>,
        persistent_auth: Option<&[u8]>,
    ) -> Result<ClientStep, ClientError> {
        let proven = match (&context, &mut self.digest) {
            (Some(context), _) => context.attributes().contains(ContextAttributes::MUTUAL_AUTH),
            (None, Some(digest)) if scheme == Scheme::Digest => {
                digest.replaced_stale = false;
                digest.proven
            }
            (None, _) => false,
        };
        if self.config.mutual_auth && !proven {
            return Err(ClientError::MutualAuthMissing);
        }
        let mechanism = context.as_ref().map(InitiatorContext::mechanism);
        let persistent = mechanism.is_some_and(|mechanism| persists(mechanism, persistent_auth));
        self.state = State::Established(Established { scheme, context, persistent });
        Ok(ClientStep::Done)
    }

    /// The server gave an answer in the midst of the exchange, as servers do that had not asked
    /// for credentials. Nobody is logged on.
    fn not_asked_for(&mut self) -> Result<ClientStep, ClientError> {
        if self.config.mutual_auth {
            return Err(ClientError::MutualAuthMissing);
        }
        self.state = State::Idle;
        Ok(ClientStep::Done)
    }

    /// A 401 without a token of the scheme in progress.
    fn without_token(
        &mut self,
        scheme: Scheme,
        challenges: &Challenges<'_>,
        is_final: bool,
    ) -> ClientError {
        let others = Scheme::INTEGRATED.into_iter().filter(|other| *other != scheme);
        if others.into_iter().any(|other| challenges.has_token(other)) {
            return out_of_order("a token of the scheme in progress", "one of another scheme");
        }
        if !is_final {
            return out_of_order("the server's token", "a challenge without one");
        }
        self.state = State::Refused(scheme);
        ClientError::Refused { scheme }
    }
}

fn out_of_order(expected: &'static str, received: &'static str) -> ClientError {
    ClientError::OutOfOrder { expected, received }
}

/// `Persistent-Auth` of the last response; anything but its two words counts as absent.
fn persists(mechanism: Mechanism, field: Option<&[u8]>) -> bool {
    let field = field.unwrap_or_default().trim_ascii();
    if field.eq_ignore_ascii_case(b"true") {
        true
    } else if field.eq_ignore_ascii_case(b"false") {
        false
    } else {
        mechanism.is_per_connection()
    }
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
