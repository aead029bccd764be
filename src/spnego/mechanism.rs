//! All that SPNEGO knows of a mechanism.

use crate::credential::Answer;
use crate::error::Error;
use crate::wire::spnego::MechType;
use alloc::vec::Vec;

/// The accepting side of a mechanism.
pub(crate) trait AcceptorMechanism: Sized {
    /// The exchange waits for the credential store.
    type Pending;
    /// The exchange is complete.
    type Established: MechListMic;

    /// Takes the peer's token; what has to be sent is appended to `out`.
    fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<MechanismStep<Self>, Error>;

    /// Goes on with the store's answer.
    fn resolve(pending: Self::Pending, answer: Answer) -> Result<Self::Established, Error>;
}

/// What a token led to.
pub(crate) enum MechanismStep<M: AcceptorMechanism> {
    Continue(M),
    Pending(M::Pending),
}

/// The initiating side of a mechanism.
pub(crate) trait InitiatorMechanism: Sized {
    /// The exchange is complete as far as the mechanism goes.
    type Established: MechListMic;

    /// The mechanism's number.
    fn mech_type(&self) -> MechType<'static>;

    /// Takes the acceptor's token, `None` at the start; what has to be sent is appended to
    /// `out`.
    fn step(
        self,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<InitiatorMechanismStep<Self>, Error>;
}

/// What a token led to.
pub(crate) enum InitiatorMechanismStep<M: InitiatorMechanism> {
    Continue(M),
    Complete(M::Established),
}

/// Integrity of the list of mechanisms ([RFC 4178] §5).
pub(crate) trait MechListMic {
    /// Whether integrity is available.
    fn has_integrity(&self) -> bool;

    /// The MIC over the list.
    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<[u8; 16], Error>;

    /// Whether the peer's MIC over the list is right.
    fn verify_mech_list_mic(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<bool, Error>;

    /// The refusal of this exchange, with the account in it where there is one.
    fn refuse(&self, refusal: crate::error::Refusal) -> Error;
}
