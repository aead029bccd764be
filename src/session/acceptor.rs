//! The server's side.

use super::context::Context;
use super::mechanisms::{self, Allowed, Start};
use crate::binding::ChannelBindings;
use crate::config::AcceptorConfig;
use crate::credential::{Answer, NetworkLogon, StoreError};
use crate::env::FileTime;
use crate::error::{ApiMisuse, Error, PeerIncompatible};
use crate::identity::Account;
use crate::ntlm;
use crate::spnego;
use crate::spnego::mechanism::{AcceptorMechanism, MechanismStep};
use crate::wire::ntlm::{Challenge, MessageType, SIGNATURE};
use crate::wire::spnego::{MechTypes, NegTokenInit};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// One exchange, server side.
/// See [MS-NLMP] §3.2.5, [RFC 4178] §3.
///
/// ```text
/// new ─▶ step ─▶ Continue ─▶ step ─▶ NeedLogon ─▶ resolve ─▶ Complete(Context)
/// ```
///
/// Every step takes it by value: a step that fails leaves nothing reusable behind.
#[derive(Debug)]
pub struct Acceptor {
    config: Arc<AcceptorConfig>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first token decides what is spoken.
    Start {
        bindings: ChannelBindings,
        allowed: Allowed,
    },
    Bare(mechanisms::Acceptor),
    Spnego(spnego::Acceptor<mechanisms::Acceptor>),
}

/// What a token led to.
/// See [RFC 4178] §3.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an exchange that is not looked at proves nothing"]
pub enum AcceptorStep {
    /// Send `out`, then step again with the answer.
    Continue(Acceptor),
    /// Look the account up, then [`LogonRequest::resolve`].
    NeedLogon(LogonRequest),
    /// The client is who it says. Send `out` if it is not empty.
    Complete(Context),
}

/// An exchange that waits for the credential store: for as long as it takes, and on whatever
/// thread.
/// See [MS-NLMP] §3.2.5.1.2.
#[derive(Debug)]
pub struct LogonRequest(Pending);

#[derive(Debug)]
enum Pending {
    Ntlm(ntlm::PendingLogon),
    Spnego(spnego::Pending<ntlm::PendingLogon>),
}

/// An exchange between CHALLENGE and AUTHENTICATE, to be resumed with a challenge that is
/// already known: a recorded one, in a test.
/// See [MS-NLMP] §3.2.5.1.
///
/// # Security
/// Whoever writes one chooses the challenge, and has to see to it that it is random, stays with
/// its connection and is used once. An [`Acceptor`] of its own sees to all that.
#[derive(Clone)]
pub struct Exchange {
    /// NEGOTIATE as received, without SPNEGO.
    pub negotiate: Vec<u8>,
    /// CHALLENGE as sent, without SPNEGO.
    pub challenge: Vec<u8>,
    /// When the CHALLENGE was made.
    pub issued_at: FileTime,
    /// The initiator's `MechTypeList` in DER, if the exchange is wrapped in SPNEGO.
    pub mech_types: Option<Vec<u8>>,
    /// Whether the initiator owes a `mechListMIC`.
    pub mech_list_mic_required: bool,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

impl Acceptor {
    /// An exchange that begins with the client's first token. `bindings` are those of the
    /// connection it comes over.
    #[must_use]
    pub fn new(config: Arc<AcceptorConfig>, bindings: ChannelBindings) -> Self {
        Self::with_mechanisms(config, bindings, Allowed { ntlm: true, kerberos: true })
    }

    /// An exchange of NTLM, bare or within SPNEGO, and of nothing else: HTTP's `NTLM` scheme.
    #[must_use]
    pub fn ntlm(config: Arc<AcceptorConfig>, bindings: ChannelBindings) -> Self {
        Self::with_mechanisms(config, bindings, Allowed { ntlm: true, kerberos: false })
    }

    /// An exchange of Kerberos, bare or within SPNEGO, and of nothing else.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn kerberos(config: Arc<AcceptorConfig>, bindings: ChannelBindings) -> Self {
        Self::with_mechanisms(config, bindings, Allowed { ntlm: false, kerberos: true })
    }

    pub(crate) fn with_mechanisms(
        config: Arc<AcceptorConfig>,
        bindings: ChannelBindings,
        allowed: Allowed,
    ) -> Self {
        Self { config, state: State::Start { bindings, allowed } }
    }

    /// An exchange that goes on after its CHALLENGE.
    ///
    /// # Security
    /// See [`Exchange`].
    ///
    /// # Errors
    /// [`ApiMisuse::UnreadableExchange`] if the recorded messages are not what they are said to
    /// be.
    pub fn resume(
        config: Arc<AcceptorConfig>,
        bindings: ChannelBindings,
        exchange: Exchange,
    ) -> Result<Self, Error> {
        let readable = Challenge::decode(&exchange.challenge).is_ok()
            && exchange.mech_types.as_deref().is_none_or(|list| MechTypes::decode(list).is_ok());
        if !readable {
            return Err(ApiMisuse::UnreadableExchange.into());
        }
        let Exchange { negotiate, challenge, issued_at, mech_types, mech_list_mic_required } =
            exchange;
        let ntlm =
            mechanisms::Acceptor::Ntlm(ntlm::Acceptor::Authenticate(ntlm::ExpectAuthenticate {
                config: Arc::clone(&config),
                bindings,
                negotiate,
                challenge,
                issued_at,
            }));
        let state = match mech_types {
            None => State::Bare(ntlm),
            Some(mech_types) => {
                let list = spnego::List { mech_types, mech_list_mic_required };
                let state = spnego::ExpectResp { mechanism: ntlm, list };
                State::Spnego(spnego::Acceptor::Resp(state))
            }
        };
        Ok(Self { config, state })
    }

    /// Whether `token` begins an exchange rather than going on with one: a bare NEGOTIATE, or a
    /// `NegTokenInit` with or without its GSS-API framing.
    #[must_use]
    pub fn is_initial(token: &[u8]) -> bool {
        MessageType::of(token) == Some(MessageType::Negotiate) || NegTokenInit::is_begun_by(token)
    }

    /// Takes the client's token. What has to be sent is appended to `out`, also on an error,
    /// when there is something that the client should still get.
    ///
    /// # Errors
    /// Whatever is wrong with the token; see [`Error`] for whose fault that is.
    pub fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<AcceptorStep, Error> {
        let Self { config, state } = self;
        let limit = config.policy.max_token;
        if token.len() > limit {
            return Err(Error::TokenTooLong { length: token.len(), limit });
        }
        let state = match state {
            State::Start { bindings, allowed } => {
                Self::start(token, Start { config: Arc::clone(&config), bindings, allowed })?
            }
            state => state,
        };
        let state = match state {
            State::Bare(mechanism) => match mechanism.step(token, out)? {
                MechanismStep::Continue(next) => State::Bare(next),
                MechanismStep::Pending(pending) => {
                    return Ok(AcceptorStep::NeedLogon(LogonRequest(Pending::Ntlm(pending))));
                }
                MechanismStep::Complete(established) => {
                    return Ok(AcceptorStep::Complete(Context::new(false, established)));
                }
            },
            State::Spnego(spnego) => match spnego.step(token, out)? {
                spnego::Step::Continue(next) => State::Spnego(next),
                spnego::Step::Pending(pending) => {
                    return Ok(AcceptorStep::NeedLogon(LogonRequest(Pending::Spnego(pending))));
                }
                spnego::Step::Complete(established) => {
                    return Ok(AcceptorStep::Complete(Context::new(true, established)));
                }
            },
            start @ State::Start { .. } => start,
        };
        Ok(AcceptorStep::Continue(Self { config, state }))
    }

    /// What is spoken, by the first token.
    fn start(token: &[u8], start: Start) -> Result<State, Error> {
        if token.starts_with(&SIGNATURE) {
            return match start.has_ntlm() {
                true => Ok(State::Bare(mechanisms::Acceptor::Ntlm(start.ntlm()))),
                false => Err(PeerIncompatible::NtlmDisabled.into()),
            };
        }
        #[cfg(feature = "kerberos")]
        if start.has_kerberos() && crate::wire::krb5::GssToken::decode(token).is_ok() {
            let kerberos = start.kerberos().ok_or(PeerIncompatible::NoCommonMechanism)?;
            return Ok(State::Bare(mechanisms::Acceptor::Kerberos(kerberos)));
        }
        Ok(State::Spnego(spnego::Acceptor::new(start)))
    }
}

impl LogonRequest {
    /// Who the client claims to be.
    #[must_use]
    pub fn account(&self) -> Account<'_> {
        match &self.0 {
            Pending::Ntlm(pending) => pending.account(),
            Pending::Spnego(spnego) => spnego.pending.account(),
        }
    }

    /// What a remote authority needs to verify the response by itself; answer it with
    /// [`Answer::Verified`]. A request that a step gave always has it.
    ///
    /// ```
    /// use logon::{AccountName, Answer, LogonRequest, NetworkLogon, Refusal, RemoteLogon};
    ///
    /// /// Names, challenge and responses go there; session base key and names come back.
    /// fn ask_authority(logon: NetworkLogon<'_>) -> Option<([u8; 16], AccountName)> {
    /// #   None
    /// }
    ///
    /// fn answer(request: &LogonRequest) -> Answer {
    ///     match request.challenge_response().and_then(ask_authority) {
    ///         Some((key, name)) => Answer::Verified(RemoteLogon::new(key, name)),
    ///         None => Answer::Refused(Refusal::WrongProof),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn challenge_response(&self) -> Option<NetworkLogon<'_>> {
        match &self.0 {
            Pending::Ntlm(pending) => pending.challenge_response(),
            Pending::Spnego(spnego) => spnego.pending.challenge_response(),
        }
    }

    /// Goes on with the store's answer. What has to be sent is appended to `out`.
    ///
    /// # Errors
    /// [`Error::Denied`] with the reason, at equal cost whatever it is; [`Error::Store`] if the
    /// store could not answer.
    pub fn resolve(
        self,
        answer: Result<Answer, StoreError>,
        out: &mut Vec<u8>,
    ) -> Result<AcceptorStep, Error> {
        let answer = answer.map_err(Error::Store)?;
        let context = match self.0 {
            Pending::Ntlm(pending) => Context::new(false, pending.resolve(answer)?.into()),
            Pending::Spnego(pending) => {
                Context::new(true, pending.resolve::<mechanisms::Acceptor>(answer, out)?)
            }
        };
        Ok(AcceptorStep::Complete(context))
    }
}
