//! The legs of a logon: which scheme it begins with, what each leg sends, and what an answer means
//! for it.

use super::super::Scheme;
use super::auth::{ClientAuth, Established, State};
use super::challenge::Challenges;
use super::credentials::{ClientStep, Credentials};
use super::digest::DigestSession;
use super::error::ClientError;
use crate::config::InitiatorConfig;
use crate::error::{Error, HeaderError, PeerIncompatible};
use crate::identity::TargetName;
use crate::session::{ContextAttributes, Initiator, InitiatorContext, InitiatorStep, Mechanism};
use crate::wire::ntlm::MessageType;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl ClientAuth {
    /// The strongest scheme that is offered, configured, and meets the demands.
    pub(super) fn choose(&self, challenges: &Challenges<'_>) -> Result<Scheme, ClientError> {
        if challenges.is_empty() {
            return Err(out_of_order("a challenge", "a response without one"));
        }
        let ticket = self.has_ticket();
        let has = |scheme: &Scheme| self.config.has(*scheme, ticket);
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

    pub(super) fn meets_demands(&self, scheme: Scheme) -> Result<(), ClientError> {
        let bound = scheme.is_per_connection() && !self.bindings.is_none();
        if self.config.bindings_required && !bound {
            return Err(ClientError::BindingsImpossible);
        }
        // Of the mechanisms, Kerberos can do it. Else it is better not to send anything.
        let proven = match scheme {
            Scheme::Digest => true,
            Scheme::Negotiate => self.has_ticket(),
            Scheme::Ntlm | Scheme::Basic => false,
        };
        if self.config.mutual_auth && !proven {
            return Err(ClientError::MutualAuthMissing);
        }
        Ok(())
    }

    /// The first credentials of a scheme that is configured and meets the demands.
    pub(super) fn start(&mut self, scheme: Scheme) -> Result<Credentials, ClientError> {
        let not_configured = ClientError::NotConfigured { scheme };
        let ntlm = || self.config.initiator.clone().map(|config| (config, self.target.clone()));
        let bindings = || self.bindings.clone();
        let initiator = match scheme {
            Scheme::Negotiate => match self.with_ticket(ntlm()) {
                Some(initiator) => initiator,
                None => {
                    let (config, target) = ntlm().ok_or(not_configured)?;
                    Initiator::negotiate(config, target, bindings())
                }
            },
            Scheme::Ntlm => {
                let (config, target) = ntlm().ok_or(not_configured)?;
                Initiator::ntlm(config, target, bindings())
            }
            Scheme::Basic | Scheme::Digest => {
                let account = self.config.password.as_ref();
                let account = account.ok_or(not_configured)?;
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

    /// A negotiation that begins with Kerberos. NTLM, which does not prove the server, is no part
    /// of it where that is demanded.
    #[cfg(feature = "kerberos")]
    fn with_ticket(&self, ntlm: Option<(Arc<InitiatorConfig>, TargetName)>) -> Option<Initiator> {
        let ticket = Arc::clone(self.ticket.as_ref()?);
        let ntlm = ntlm.filter(|_| !self.config.mutual_auth);
        Some(Initiator::negotiate_kerberos(ticket, ntlm, self.bindings.clone()))
    }

    #[cfg(not(feature = "kerberos"))]
    fn with_ticket(&self, _: Option<(Arc<InitiatorConfig>, TargetName)>) -> Option<Initiator> {
        None
    }

    fn begin(&mut self, scheme: Scheme, initiator: Initiator) -> Result<Credentials, ClientError> {
        let mut out = Vec::new();
        let step = initiator.step(None, &mut out)?;
        Ok(self.send(scheme, step, &out))
    }

    /// Whether the password was right and the nonce too old: once, a new one is answered.
    pub(super) fn is_stale(&self, challenges: &Challenges<'_>) -> bool {
        let first = self.digest.as_ref().is_some_and(|digest| !digest.replaced_stale);
        first && challenges.digest().is_some_and(|challenge| challenge.stale)
    }

    pub(super) fn take_nonce(&mut self, challenges: &Challenges<'_>) -> Result<(), ClientError> {
        let random = &*self.config.random;
        let session = challenges.digest().map(|challenge| DigestSession::new(challenge, random));
        self.digest = session.transpose()?;
        Ok(())
    }

    fn send(&mut self, scheme: Scheme, step: InitiatorStep, out: &[u8]) -> Credentials {
        let (last, mechanism) = match step {
            InitiatorStep::Continue(initiator) => {
                let of_last = (initiator.is_final(), initiator.mechanism());
                self.state = State::Exchange(scheme, initiator);
                of_last
            }
            InitiatorStep::Complete(context) => {
                let mechanism = context.mechanism();
                self.state = State::Sent(scheme, Some(context));
                (true, Some(mechanism))
            }
        };
        let counts = last && mechanism.is_some_and(Mechanism::is_per_connection);
        Credentials::of_token(scheme, out, last, counts)
    }

    /// Answers the token of a 401.
    pub(super) fn answer(
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
    pub(super) fn consent(
        &mut self,
        scheme: Scheme,
        initiator: Initiator,
        token: Option<&[u8]>,
    ) -> Result<InitiatorContext, ClientError> {
        let mut out = Vec::new();
        match self.step(scheme, initiator, token, &mut out) {
            Ok(InitiatorStep::Complete(context)) if out.is_empty() => Ok(context),
            Ok(_) => Err(out_of_order("the server's last token", "one that wants an answer")),
            // The token that is absent would have been the server's proof: a context that needs one
            // is one of Kerberos.
            Err(ClientError::Exchange(Error::OutOfSequence { .. })) if token.is_none() => {
                Err(ClientError::MutualAuthMissing)
            }
            Err(_) if token.is_none() && self.config.mutual_auth => {
                Err(ClientError::MutualAuthMissing)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn established(
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
    pub(super) fn not_asked_for(&mut self) -> Result<ClientStep, ClientError> {
        if self.config.mutual_auth {
            return Err(ClientError::MutualAuthMissing);
        }
        self.state = State::Idle;
        Ok(ClientStep::Done)
    }

    /// A 401 without a token of the scheme in progress.
    pub(super) fn without_token(
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

pub(super) fn out_of_order(expected: &'static str, received: &'static str) -> ClientError {
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
