//! The client's side of the negotiation ([RFC 4178] §4.2.1, §5).

use super::mechanism::{InitiatorMechanism, InitiatorMechanismStep, MechListMic, Mic};
use crate::error::{Error, PeerIncompatible, Refusal};
use crate::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use alloc::vec::Vec;

/// A negotiation in progress.
#[derive(Debug)]
pub(crate) enum Initiator<M: InitiatorMechanism> {
    Start(Vec<M>),
    Resp(ExpectResp<M>),
    Final(ExpectFinal<M::Established>),
}

/// The mechanism waits for a token of the acceptor.
#[derive(Debug)]
pub(crate) struct ExpectResp<M> {
    mechanism: M,
    /// What the acceptor may select instead, as long as it has not selected.
    others: Vec<M>,
    list: List,
    first: bool,
}

/// The mechanism is complete; the acceptor has to say that it is content.
#[derive(Debug)]
pub(crate) struct ExpectFinal<E> {
    established: E,
    list: List,
}

/// What was offered.
#[derive(Debug)]
struct List {
    /// In DER.
    mech_types: Vec<u8>,
    /// What is at work.
    mech_type: MechType<'static>,
    /// The acceptor's signature is still owed.
    mech_list_mic_required: bool,
}

/// What a token led to.
#[derive(Debug)]
pub(crate) enum Output<M: InitiatorMechanism> {
    Continue(Initiator<M>),
    Complete(M::Established),
}

impl<M: InitiatorMechanism> Initiator<M> {
    /// A negotiation that offers these mechanisms, the most preferred first.
    pub(crate) fn new(mechanisms: Vec<M>) -> Self {
        Self::Start(mechanisms)
    }

    /// Whether only the acceptor's consent is awaited, as far as can be known: it may still select
    /// another mechanism.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Start(_) => false,
            Self::Resp(state) => state.mechanism.is_final(),
            Self::Final(_) => true,
        }
    }

    /// What is left of the mechanism, when only the acceptor's consent is awaited.
    pub(crate) fn established(&self) -> Option<&M::Established> {
        match self {
            Self::Final(state) => Some(&state.established),
            _ => None,
        }
    }

    /// Takes the acceptor's token, `None` at the start and when the acceptor's last word came
    /// without one; what has to be sent is appended to `out`.
    pub(crate) fn step(self, token: Option<&[u8]>, out: &mut Vec<u8>) -> Result<Output<M>, Error> {
        match (self, token) {
            (Self::Start(mechanisms), None) => start(mechanisms, out),
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

/// The token that comes with the list is of the mechanism that is preferred.
fn start<M: InitiatorMechanism>(
    mut mechanisms: Vec<M>,
    out: &mut Vec<u8>,
) -> Result<Output<M>, Error> {
    let offered: Vec<_> = mechanisms.iter().map(M::mech_type).collect();
    let mech_types = MechTypes::encode(&offered)?;
    let others = mechanisms.split_off(mechanisms.len().min(1));
    let preferred = mechanisms.pop().ok_or(PeerIncompatible::NoCommonMechanism)?;
    let mech_type = preferred.mech_type();
    let mut mech_token = Vec::new();
    let InitiatorMechanismStep::Continue(mechanism) = preferred.step(None, &mut mech_token)? else {
        return Err(Error::OutOfSequence { expected: "a first token", received: "the last" });
    };
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&mech_types)?,
        mech_token: Some(&mech_token),
        neg_hints: None,
        mech_list_mic: None,
    };
    init.encode(out)?;
    let list = List { mech_types, mech_type, mech_list_mic_required: false };
    Ok(Output::Continue(Initiator::Resp(ExpectResp { mechanism, others, list, first: true })))
}

impl<M: InitiatorMechanism> ExpectResp<M> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<Output<M>, Error> {
        let Self { mut mechanism, others, mut list, first } = self;
        let resp = NegTokenResp::decode(token)?;
        match resp.neg_state {
            Some(NegState::Reject) => return Err(mechanism.rejected(resp.response_token)),
            Some(NegState::RequestMic) if !first => {
                return Err(Error::OutOfSequence {
                    expected: "request-mic in the first reply only",
                    received: "request-mic",
                });
            }
            Some(NegState::RequestMic) => list.mech_list_mic_required = true,
            Some(NegState::AcceptIncomplete | NegState::AcceptCompleted) | None => {}
        }
        let is_selected =
            |it: &M| resp.supported_mech.is_some_and(|mech| mech.is_same(it.mech_type()));
        let mut inner = resp.response_token;
        match others.into_iter().find(is_selected) {
            // Somebody may have changed the list: both sides sign it ([RFC 4178] §5).
            Some(other) => {
                list.mech_list_mic_required = true;
                list.mech_type = other.mech_type();
                mechanism = other;
                if inner.take().is_some() {
                    return Err(Error::OutOfSequence {
                        expected: "the choice of a mechanism",
                        received: "a token of one that was not begun",
                    });
                }
            }
            None => {
                same_mechanism(&resp, list.mech_type)?;
                if inner.is_none() {
                    return Err(Error::OutOfSequence {
                        expected: "a token of the mechanism",
                        received: "NegTokenResp without responseToken",
                    });
                }
            }
        }
        let mut response_token = Vec::new();
        let step = mechanism.step(inner, &mut response_token)?;
        let completed = resp.neg_state == Some(NegState::AcceptCompleted);
        match step {
            InitiatorMechanismStep::Complete(established) if response_token.is_empty() => {
                let state = ExpectFinal { established, list };
                if completed { state.consent(&resp) } else { state.sign(&resp, out) }
            }
            _ if completed => Err(Error::OutOfSequence {
                expected: "another token of the mechanism",
                received: "accept-completed",
            }),
            InitiatorMechanismStep::Continue(mechanism) => {
                reply(&response_token, None, out)?;
                let others = Vec::new();
                let next = Self { mechanism, others, list, first: false };
                Ok(Output::Continue(Initiator::Resp(next)))
            }
            InitiatorMechanismStep::Complete(mut established) => {
                let mic = sign(&mut established, &list)?;
                reply(&response_token, mic.as_ref(), out)?;
                Ok(Output::Continue(Initiator::Final(ExpectFinal { established, list })))
            }
        }
    }
}

/// Whatever the acceptor selects, and whenever it says so, is what was offered.
fn same_mechanism(resp: &NegTokenResp<'_>, offered: MechType<'_>) -> Result<(), PeerIncompatible> {
    match resp.supported_mech {
        Some(selected) if !selected.is_same(offered) => Err(PeerIncompatible::MechanismNotOffered),
        _ => Ok(()),
    }
}

fn sign<E: MechListMic>(established: &mut E, list: &List) -> Result<Option<Mic>, Error> {
    match established.has_integrity() {
        true => established.get_mech_list_mic(&list.mech_types).map(Some),
        false => Ok(None),
    }
}

fn reply(token: &[u8], mic: Option<&Mic>, out: &mut Vec<u8>) -> Result<(), Error> {
    let resp = NegTokenResp {
        neg_state: Some(NegState::AcceptIncomplete),
        response_token: Some(token).filter(|token| !token.is_empty()),
        mech_list_mic: mic.map(Mic::as_bytes),
        ..NegTokenResp::default()
    };
    Ok(resp.encode(out)?)
}

impl<E: MechListMic> ExpectFinal<E> {
    /// The mechanism is complete on both sides, but the acceptor waits for the signature.
    fn sign<M: InitiatorMechanism<Established = E>>(
        mut self,
        resp: &NegTokenResp<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Output<M>, Error> {
        self.verify(resp)?;
        let mic = sign(&mut self.established, &self.list)?;
        reply(&[], mic.as_ref(), out)?;
        Ok(Output::Continue(Initiator::Final(self)))
    }

    fn handle<M: InitiatorMechanism<Established = E>>(
        self,
        token: &[u8],
    ) -> Result<Output<M>, Error> {
        let resp = NegTokenResp::decode(token)?;
        if resp.neg_state == Some(NegState::Reject) {
            return Err(PeerIncompatible::Rejected.into());
        }
        same_mechanism(&resp, self.list.mech_type)?;
        self.consent(&resp)
    }

    /// The acceptor's last word.
    fn consent<M: InitiatorMechanism<Established = E>>(
        mut self,
        resp: &NegTokenResp<'_>,
    ) -> Result<Output<M>, Error> {
        match (resp.neg_state, resp.mech_list_mic) {
            (Some(NegState::AcceptCompleted), _) | (None, Some(_)) => {
                self.verify(resp)?;
                self.finish()
            }
            _ => Err(Error::OutOfSequence {
                expected: "accept-completed",
                received: "another negState",
            }),
        }
    }

    /// A signature of the acceptor's, where there is one, has to be right.
    fn verify(&mut self, resp: &NegTokenResp<'_>) -> Result<(), Error> {
        let Some(mic) = resp.mech_list_mic else { return Ok(()) };
        // Without integrity there is no MIC that could be right.
        let right = self.established.has_integrity()
            && self.established.verify_mech_list_mic(&self.list.mech_types, mic)?;
        if !right {
            return Err(self.established.refuse(Refusal::WrongMechListMic));
        }
        self.list.mech_list_mic_required = false;
        Ok(())
    }

    /// That there was no MIC is allowed as long as none was asked for, and the acceptor took what
    /// is preferred: then there was nothing to gain by tampering.
    fn finish<M: InitiatorMechanism<Established = E>>(self) -> Result<Output<M>, Error> {
        if self.list.mech_list_mic_required {
            return Err(self.established.refuse(Refusal::MechListMicMissing));
        }
        Ok(Output::Complete(self.established))
    }
}
