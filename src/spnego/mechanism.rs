//! All that SPNEGO knows of a mechanism.

use crate::credential::Answer;
use crate::error::{Error, PeerIncompatible};
use crate::wire::spnego::{MechType, MechTypes};
use alloc::vec::Vec;
use core::fmt;

/// The accepting side of a mechanism, or of several of which one is at work.
pub(crate) trait AcceptorMechanism: Sized {
    /// What is there before one is selected.
    type Start: fmt::Debug;
    /// The exchange waits for the credential store.
    type Pending: fmt::Debug;
    /// The exchange is complete.
    type Established: MechListMic + fmt::Debug;

    /// Whether `mech` can be selected.
    fn has(start: &Self::Start, mech: MechType<'_>) -> bool;

    /// Why none of `mech_types` can be selected.
    fn why_none(mech_types: MechTypes<'_>) -> PeerIncompatible;

    /// Begins with `mech`; `None` if it cannot be selected.
    fn begin(start: Self::Start, mech: MechType<'_>) -> Option<Self>;

    /// Takes the peer's token; what has to be sent is appended to `out`.
    fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<MechanismStep<Self>, Error>;

    /// Goes on with the store's answer.
    fn resolve(pending: Self::Pending, answer: Answer) -> Result<Self::Established, Error>;
}

/// What a token led to.
pub(crate) enum MechanismStep<M: AcceptorMechanism> {
    Continue(M),
    Pending(M::Pending),
    #[cfg_attr(not(feature = "kerberos"), allow(dead_code))] // NTLM always asks the store.
    Complete(M::Established),
}

/// The initiating side of a mechanism.
pub(crate) trait InitiatorMechanism: Sized {
    /// The exchange is complete as far as the mechanism goes.
    type Established: MechListMic + fmt::Debug;

    /// The mechanism's number.
    fn mech_type(&self) -> MechType<'static>;

    /// Whether nothing but the acceptor's consent is awaited, as far as can be known.
    fn is_final(&self) -> bool;

    /// What the acceptor's refusal means; it may have come with a token.
    fn rejected(&self, token: Option<&[u8]>) -> Error;

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
    fn get_mech_list_mic(&mut self, mech_types: &[u8]) -> Result<Mic, Error>;

    /// Whether the peer's MIC over the list is right.
    fn verify_mech_list_mic(&mut self, mech_types: &[u8], mic: &[u8]) -> Result<bool, Error>;

    /// The refusal of this exchange, with the account in it where there is one.
    fn refuse(&self, refusal: crate::error::Refusal) -> Error;
}

/// A MIC of a mechanism: 16 bytes of NTLM's, up to 40 of Kerberos'. It has its place, because a
/// verdict does not allocate.
#[derive(Clone, Copy)]
pub(crate) struct Mic {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl Mic {
    const MAX: usize = 40;

    /// `None` if it is longer than any.
    #[cfg(feature = "kerberos")]
    pub(crate) fn new(mic: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..mic.len())?.copy_from_slice(mic);
        Some(Self { bytes, length: mic.len() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl From<[u8; 16]> for Mic {
    fn from(mic: [u8; 16]) -> Self {
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(mic) {
            *to = from;
        }
        Self { bytes, length: 16 }
    }
}
