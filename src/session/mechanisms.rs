//! NTLM as SPNEGO sees it.

use crate::credential::Answer;
use crate::error::{Denial, Error, Refusal};
use crate::identity::Account;
use crate::ntlm;
use crate::spnego::mechanism::{
    AcceptorMechanism, InitiatorMechanism, InitiatorMechanismStep, MechListMic, MechanismStep,
};
use crate::wire::spnego::MechType;
use alloc::vec::Vec;

impl AcceptorMechanism for ntlm::Acceptor {
    type Pending = ntlm::PendingLogon;
    type Established = ntlm::Established;

    fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<MechanismStep<Self>, Error> {
        Ok(match Self::step(self, token, out)? {
            ntlm::Step::Continue(next) => MechanismStep::Continue(next),
            ntlm::Step::Pending(pending) => MechanismStep::Pending(pending),
        })
    }

    fn resolve(pending: Self::Pending, answer: Answer) -> Result<Self::Established, Error> {
        pending.resolve(answer)
    }
}

impl MechListMic for ntlm::Established {
    fn has_integrity(&self) -> bool {
        self.session.has_integrity()
    }

    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
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

impl InitiatorMechanism for ntlm::Initiator {
    type Established = ntlm::Session;

    fn mech_type(&self) -> MechType<'static> {
        MechType::NTLMSSP
    }

    fn step(
        self,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorMechanismStep<Self>, Error> {
        Ok(match Self::step(self, token, out)? {
            ntlm::InitiatorOutput::Continue(next) => InitiatorMechanismStep::Continue(next),
            ntlm::InitiatorOutput::Complete(session) => InitiatorMechanismStep::Complete(session),
        })
    }
}

impl MechListMic for ntlm::Session {
    fn has_integrity(&self) -> bool {
        Self::has_integrity(self)
    }

    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error> {
        Self::get_mech_list_mic(self, mech_types)
    }

    fn verify_mech_list_mic(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<bool, Error> {
        Self::verify_mech_list_mic(self, mech_types, mic)
    }

    fn refuse(&self, refusal: Refusal) -> Error {
        Denial::new(refusal, Account::new("", "")).into()
    }
}
