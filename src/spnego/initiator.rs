//! The client's side of the negotiation ([RFC 4178] §4.2.1, §5).

use super::mechanism::{InitiatorMechanism, InitiatorMechanismStep, MechListMic};
use crate::error::{Error, PeerIncompatible, Refusal};
use crate::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use alloc::vec::Vec;

/// A negotiation in progress.
#[derive(Debug)]
pub(crate) enum Initiator<M: InitiatorMechanism> {
    Start(M),
    Resp(ExpectResp<M>),
    Final(ExpectFinal<M::Established>),
}

/// The mechanism waits for a token of the acceptor.
#[derive(Debug)]
pub(crate) struct ExpectResp<M> {
    mechanism: M,
    mech_types: Vec<u8>,
    first: bool,
}

/// The mechanism is complete; the acceptor has to say that it is content.
#[derive(Debug)]
pub(crate) struct ExpectFinal<E> {
    established: E,
    mech_type: MechType<'static>,
    mech_types: Vec<u8>,
    mech_list_mic_required: bool,
}

/// What a token led to.
#[derive(Debug)]
pub(crate) enum Output<M: InitiatorMechanism> {
    Continue(Initiator<M>),
    Complete(M::Established),
}

impl<M: InitiatorMechanism> Initiator<M> {
    /// A negotiation that offers one mechanism.
    pub(crate) fn new(mechanism: M) -> Self {
        Self::Start(mechanism)
    }

    /// Whether only the acceptor's consent is awaited.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }

    /// Takes the acceptor's token, `None` at the start and when the acceptor's last word came
    /// without one; what has to be sent is appended to `out`.
    pub(crate) fn step(self, token: Option<&[u8]>, out: &mut Vec<u8>) -> Result<Output<M>, Error> {
        match (self, token) {
            (Self::Start(mechanism), None) => start(mechanism, out),
            (Self::Resp(state), Some(token)) => state.handle(token, out),
            (Self::Final(state), Some(token)) => state.handle(token),
            (Self::Final(state), None) => state.finish(),
            (Self::Start(_), Some(_)) => {
                Err(Error::OutOfSequence { expected: "the start", received: "a token" })
            }
            (Self::Resp(_), None) => {
                Err(Error::OutOfSequence { expected: "NegTokenResp", received: "nothing" })
            }
        }
    }
}

fn start<M: InitiatorMechanism>(mechanism: M, out: &mut Vec<u8>) -> Result<Output<M>, Error> {
    let mech_types = MechTypes::encode(&[mechanism.mech_type()])?;
    let mut mech_token = Vec::new();
    let InitiatorMechanismStep::Continue(mechanism) = mechanism.step(None, &mut mech_token)? else {
        return Err(Error::OutOfSequence { expected: "a first token", received: "the last" });
    };
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&mech_types)?,
        mech_token: Some(&mech_token),
        neg_hints: None,
        mech_list_mic: None,
    };
    init.encode(out)?;
    let next = ExpectResp { mechanism, mech_types, first: true };
    Ok(Output::Continue(Initiator::Resp(next)))
}

impl<M: InitiatorMechanism> ExpectResp<M> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<Output<M>, Error> {
        let Self { mechanism, mech_types, first } = self;
        let resp = NegTokenResp::decode(token)?;
        match resp.neg_state {
            Some(NegState::Reject) => return Err(PeerIncompatible::Rejected.into()),
            Some(NegState::AcceptCompleted) => {
                return Err(Error::OutOfSequence {
                    expected: "another token of the mechanism",
                    received: "accept-completed",
                });
            }
            Some(NegState::AcceptIncomplete | NegState::RequestMic) | None => {}
        }
        let mech_type = mechanism.mech_type();
        same_mechanism(&resp, mech_type)?;
        if resp.neg_state == Some(NegState::RequestMic) && !first {
            return Err(Error::OutOfSequence {
                expected: "request-mic in the first reply only",
                received: "request-mic",
            });
        }
        let mech_list_mic_required = resp.neg_state == Some(NegState::RequestMic);
        let inner = resp.response_token.ok_or(Error::OutOfSequence {
            expected: "a token of the mechanism",
            received: "NegTokenResp without responseToken",
        })?;
        let mut response_token = Vec::new();
        match mechanism.step(Some(inner), &mut response_token)? {
            InitiatorMechanismStep::Continue(mechanism) => {
                reply(&response_token, None, out)?;
                let next = Self { mechanism, mech_types, first: false };
                Ok(Output::Continue(Initiator::Resp(next)))
            }
            InitiatorMechanismStep::Complete(mut established) => {
                let mic = if established.has_integrity() {
                    Some(established.get_mech_list_mic(&mech_types)?)
                } else {
                    None
                };
                reply(&response_token, mic.as_ref(), out)?;
                let next =
                    ExpectFinal { established, mech_type, mech_types, mech_list_mic_required };
                Ok(Output::Continue(Initiator::Final(next)))
            }
        }
    }
}

/// Whatever the acceptor selects, and whenever it says so, is what was offered.
fn same_mechanism(resp: &NegTokenResp<'_>, offered: MechType<'_>) -> Result<(), PeerIncompatible> {
    match resp.supported_mech {
        Some(selected) if selected != offered => Err(PeerIncompatible::MechanismNotOffered),
        _ => Ok(()),
    }
}

fn reply(token: &[u8], mic: Option<&[u8; 16]>, out: &mut Vec<u8>) -> Result<(), Error> {
    let resp = NegTokenResp {
        neg_state: Some(NegState::AcceptIncomplete),
        response_token: Some(token),
        mech_list_mic: mic.map(<[u8; 16]>::as_slice),
        ..NegTokenResp::default()
    };
    Ok(resp.encode(out)?)
}

impl<E: MechListMic> ExpectFinal<E> {
    fn handle<M: InitiatorMechanism<Established = E>>(
        mut self,
        token: &[u8],
    ) -> Result<Output<M>, Error> {
        let resp = NegTokenResp::decode(token)?;
        if resp.neg_state == Some(NegState::Reject) {
            return Err(PeerIncompatible::Rejected.into());
        }
        same_mechanism(&resp, self.mech_type)?;
        match (resp.neg_state, resp.mech_list_mic) {
            (Some(NegState::AcceptCompleted) | None, Some(mic)) => {
                // Without integrity there is no MIC that could be right.
                let right = self.established.has_integrity()
                    && self.established.verify_mech_list_mic(&self.mech_types, mic)?;
                if right {
                    Ok(Output::Complete(self.established))
                } else {
                    Err(self.established.refuse(Refusal::WrongMechListMic))
                }
            }
            (Some(NegState::AcceptCompleted), None) => self.finish(),
            _ => Err(Error::OutOfSequence {
                expected: "accept-completed",
                received: "another negState",
            }),
        }
    }

    /// The acceptor's last word had no MIC. That is allowed as long as it asked for none: only
    /// one mechanism was offered, so there was no choice to tamper with.
    fn finish<M: InitiatorMechanism<Established = E>>(self) -> Result<Output<M>, Error> {
        if self.mech_list_mic_required {
            return Err(self.established.refuse(Refusal::MechListMicMissing));
        }
        Ok(Output::Complete(self.established))
    }
}
