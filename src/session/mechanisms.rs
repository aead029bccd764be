//! The mechanisms, as SPNEGO sees them and as a context keeps them.

use super::context::{ContextAttributes, Mechanism};
use crate::binding::ChannelBindings;
use crate::config::AcceptorConfig;
use crate::credential::Answer;
#[cfg(feature = "kerberos")]
use crate::error::ApiMisuse;
use crate::error::{Denial, Error, PeerIncompatible, Refusal};
use crate::identity::{Account, Identity};
#[cfg(feature = "kerberos")]
use crate::kerberos;
use crate::ntlm;
use crate::spnego::Mic;
use crate::spnego::mechanism::{
    AcceptorMechanism, InitiatorMechanism, InitiatorMechanismStep, MechListMic, MechanismStep,
};
use crate::wire::spnego::{MechType, MechTypes};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a server begins with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) config: Arc<AcceptorConfig>,
    pub(super) bindings: ChannelBindings,
    /// What scheme and place have room for.
    pub(super) allowed: Allowed,
}

/// Which mechanisms an exchange may have, of those that the configuration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) ntlm: bool,
    pub(crate) kerberos: bool,
}

/// A mechanism at work on the server's side.
#[derive(Debug)]
pub(super) enum Acceptor {
    Ntlm(ntlm::Acceptor),
    #[cfg(feature = "kerberos")]
    Kerberos(kerberos::Acceptor),
}

/// A mechanism at work on the client's side.
#[derive(Debug)]
pub(super) enum Initiator {
    Ntlm(ntlm::Initiator),
    #[cfg(feature = "kerberos")]
    Kerberos(kerberos::Initiator),
}

/// A completed exchange of whichever mechanism.
#[derive(Debug)]
pub(crate) struct Established {
    pub(super) identity: Identity,
    pub(super) session: Session,
}

/// The session security of whichever mechanism.
#[derive(Debug)]
pub(crate) enum Session {
    Ntlm(ntlm::Session),
    #[cfg(feature = "kerberos")]
    Kerberos(kerberos::Session),
}

impl Start {
    pub(super) fn ntlm(self) -> ntlm::Acceptor {
        ntlm::Acceptor::new(self.config, self.bindings)
    }

    pub(super) fn has_ntlm(&self) -> bool {
        self.allowed.ntlm && self.config.ntlm
    }

    #[cfg(feature = "kerberos")]
    pub(super) fn has_kerberos(&self) -> bool {
        self.allowed.kerberos && self.config.has_kerberos()
    }

    #[cfg(feature = "kerberos")]
    pub(super) fn kerberos(self) -> Option<kerberos::Acceptor> {
        let source = self.config.kerberos.as_ref().filter(|_| self.allowed.kerberos)?;
        let service = source.service();
        Some(kerberos::Acceptor::new(self.config, service, self.bindings))
    }
}

impl AcceptorMechanism for Acceptor {
    type Start = Start;
    type Pending = ntlm::PendingLogon;
    type Established = Established;

    fn has(start: &Start, mech: MechType<'_>) -> bool {
        #[cfg(feature = "kerberos")]
        if mech.is_same(MechType::KRB5) {
            return start.has_kerberos();
        }
        mech == MechType::NTLMSSP && start.has_ntlm()
    }

    fn why_none(mech_types: MechTypes<'_>) -> PeerIncompatible {
        // It is not here, or else it would have been selected.
        if mech_types.iter().any(|mech| mech == MechType::NTLMSSP) {
            return PeerIncompatible::NtlmDisabled;
        }
        PeerIncompatible::NoCommonMechanism
    }

    fn begin(start: Start, mech: MechType<'_>) -> Option<Self> {
        #[cfg(feature = "kerberos")]
        if mech.is_same(MechType::KRB5) {
            return start.kerberos().map(Self::Kerberos);
        }
        Self::has(&start, mech).then(|| Self::Ntlm(start.ntlm()))
    }

    fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<MechanismStep<Self>, Error> {
        Ok(match self {
            Self::Ntlm(ntlm) => match ntlm.step(token, out)? {
                ntlm::Step::Continue(next) => MechanismStep::Continue(Self::Ntlm(next)),
                ntlm::Step::Pending(pending) => MechanismStep::Pending(pending),
            },
            #[cfg(feature = "kerberos")]
            Self::Kerberos(kerberos) => {
                MechanismStep::Complete(kerberos.accept(token, out)?.into())
            }
        })
    }

    fn resolve(pending: ntlm::PendingLogon, answer: Answer) -> Result<Established, Error> {
        pending.resolve(answer).map(Established::from)
    }
}

impl From<ntlm::Established> for Established {
    fn from(established: ntlm::Established) -> Self {
        let ntlm::Established { identity, session } = established;
        Self { identity, session: Session::Ntlm(session) }
    }
}

#[cfg(feature = "kerberos")]
impl From<kerberos::Established> for Established {
    fn from(established: kerberos::Established) -> Self {
        let kerberos::Established { identity, session } = established;
        Self { identity, session: Session::Kerberos(session) }
    }
}

impl Session {
    pub(super) fn mechanism(&self, within_spnego: bool) -> Mechanism {
        match (self, within_spnego) {
            (Self::Ntlm(_), false) => Mechanism::Ntlm,
            (Self::Ntlm(_), true) => Mechanism::SpnegoNtlm,
            #[cfg(feature = "kerberos")]
            (Self::Kerberos(_), false) => Mechanism::Kerberos,
            #[cfg(feature = "kerberos")]
            (Self::Kerberos(_), true) => Mechanism::SpnegoKerberos,
        }
    }

    pub(super) fn attributes(&self) -> ContextAttributes {
        let ordered = ContextAttributes::REPLAY_DETECT | ContextAttributes::SEQUENCE_DETECT;
        let mut attributes = ContextAttributes::empty();
        if self.has_integrity() {
            attributes |= ContextAttributes::INTEGRITY | ordered;
        }
        attributes.set(ContextAttributes::CONFIDENTIALITY, self.has_confidentiality());
        match self {
            Self::Ntlm(_) => {}
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => {
                attributes.set(ContextAttributes::MUTUAL_AUTH, session.is_mutual());
            }
        }
        attributes
    }

    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Ntlm(session) => session.exported_session_key().expose(),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.key(),
        }
    }

    fn has_confidentiality(&self) -> bool {
        match self {
            Self::Ntlm(session) => session.has_confidentiality(),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.has_integrity(),
        }
    }

    pub(super) fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Ntlm(session) => session.get_mic(message).map(Vec::from),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.get_mic(message),
        }
    }

    pub(super) fn verify_mic(&mut self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        match self {
            Self::Ntlm(session) => session.verify_mic(message, signature),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.verify_mic(message, signature),
        }
    }

    pub(super) fn seal(&mut self, prefix: &[u8], message: &mut [u8]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Ntlm(session) => session.seal(prefix, message).map(Vec::from),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.seal(prefix, message),
        }
    }

    pub(super) fn unseal(
        &mut self,
        prefix: &[u8],
        message: &mut [u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        match self {
            Self::Ntlm(session) => session.unseal(prefix, message, signature),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.unseal(prefix, message, signature),
        }
    }
}

impl MechListMic for Session {
    fn has_integrity(&self) -> bool {
        match self {
            Self::Ntlm(session) => session.has_integrity(),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.has_integrity(),
        }
    }

    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<Mic, Error> {
        match self {
            Self::Ntlm(session) => session.get_mech_list_mic(mech_types).map(Mic::from),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => {
                let mic = session.get_mic(mech_types)?;
                Mic::new(&mic).ok_or_else(|| ApiMisuse::FieldTooLong("mechListMIC").into())
            }
        }
    }

    fn verify_mech_list_mic(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<bool, Error> {
        match self {
            Self::Ntlm(session) => session.verify_mech_list_mic(mech_types, mic),
            #[cfg(feature = "kerberos")]
            Self::Kerberos(session) => session.verify_mic(mech_types, mic),
        }
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        Denial::new(refusal, Account::new("", "")).into()
    }
}

impl MechListMic for Established {
    fn has_integrity(&self) -> bool {
        self.session.has_integrity()
    }

    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<Mic, Error> {
        self.session.get_mech_list_mic(mech_types)
    }

    fn verify_mech_list_mic(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<bool, Error> {
        self.session.verify_mech_list_mic(mech_types, mic)
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        let account = Account::new(self.identity.domain(), self.identity.user());
        Denial::new(refusal, account).into()
    }
}

impl InitiatorMechanism for Initiator {
    type Established = Session;

    fn mech_type(&self) -> MechType<'static> {
        match self {
            Self::Ntlm(_) => MechType::NTLMSSP,
            #[cfg(feature = "kerberos")]
            Self::Kerberos(_) => MechType::KRB5,
        }
    }

    fn is_final(&self) -> bool {
        match self {
            // A bare exchange has an end, which is when it is complete.
            Self::Ntlm(_) => false,
            #[cfg(feature = "kerberos")]
            Self::Kerberos(kerberos) => kerberos.is_final(),
        }
    }

    fn rejected(&self, token: Option<&[u8]>) -> Error {
        match self {
            Self::Ntlm(_) => {}
            #[cfg(feature = "kerberos")]
            Self::Kerberos(_) => {
                if let Some(code) = token.and_then(kerberos::error_code) {
                    return PeerIncompatible::KerberosError(code).into();
                }
            }
        }
        let _ = token;
        PeerIncompatible::Rejected.into()
    }

    fn step(
        self,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorMechanismStep<Self>, Error> {
        Ok(match self {
            Self::Ntlm(ntlm) => match ntlm.step(token, out)? {
                ntlm::InitiatorOutput::Continue(next) => {
                    InitiatorMechanismStep::Continue(Self::Ntlm(next))
                }
                ntlm::InitiatorOutput::Complete(session) => {
                    InitiatorMechanismStep::Complete(Session::Ntlm(session))
                }
            },
            #[cfg(feature = "kerberos")]
            Self::Kerberos(kerberos) => match kerberos.step(token, out)? {
                kerberos::InitiatorOutput::Continue(next) => {
                    InitiatorMechanismStep::Continue(Self::Kerberos(next))
                }
                kerberos::InitiatorOutput::Complete(session) => {
                    InitiatorMechanismStep::Complete(Session::Kerberos(session))
                }
            },
        })
    }
}
