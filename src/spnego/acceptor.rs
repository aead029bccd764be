//! The server's side of the negotiation ([RFC 4178] §4.2.2, §5).

use super::mechanism::{AcceptorMechanism, MechListMic, MechanismStep};
use crate::credential::Answer;
use crate::error::{Error, PeerIncompatible, Refusal};
use crate::wire::spnego::{MechType, NegState, NegTokenInit, NegTokenResp};
use alloc::vec::Vec;

/// A negotiation in progress. `M` is a mechanism, still at its start.
#[derive(Debug)]
pub(crate) enum Acceptor<M> {
    Init(ExpectInit<M>),
    Resp(ExpectResp<M>),
}

/// Nothing has come yet.
#[derive(Debug)]
pub(crate) struct ExpectInit<M> {
    mech_type: MechType<'static>,
    mechanism: M,
}

/// The mechanism is selected and at work.
#[derive(Debug)]
pub(crate) struct ExpectResp<M> {
    pub(crate) mechanism: M,
    pub(crate) list: List,
}

/// The list of mechanisms as received, and whether it has to be signed.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) mech_types: Vec<u8>,
    /// The mechanism in use is not the one the initiator prefers: somebody may have changed
    /// the list ([RFC 4178] §5).
    pub(crate) mech_list_mic_required: bool,
}

/// The mechanism waits for the credential store.
#[derive(Debug)]
pub(crate) struct Pending<P> {
    pub(crate) pending: P,
    list: List,
    mech_list_mic: Option<Vec<u8>>,
}

/// What a token led to.
#[derive(Debug)]
pub(crate) enum Step<M: AcceptorMechanism> {
    Continue(Acceptor<M>),
    Pending(Pending<M::Pending>),
}

impl<M: AcceptorMechanism> Acceptor<M> {
    /// A negotiation that accepts one mechanism.
    pub(crate) fn new(mech_type: MechType<'static>, mechanism: M) -> Self {
        Self::Init(ExpectInit { mech_type, mechanism })
    }

    /// Takes a token; what has to be sent, also on an error, is appended to `out`.
    pub(crate) fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<Step<M>, Error> {
        let step = match self {
            Self::Init(state) => state.handle(token, out),
            Self::Resp(state) => state.handle(token, out),
        };
        or_reject(step, out)
    }
}

/// Whatever went wrong, the initiator gets a token that says it is over ([RFC 4178] §4.2.2).
fn or_reject<T>(result: Result<T, Error>, out: &mut Vec<u8>) -> Result<T, Error> {
    if result.is_err() {
        let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..NegTokenResp::default() };
        reject.encode(out)?;
    }
    result
}

impl<M: AcceptorMechanism> ExpectInit<M> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<Step<M>, Error> {
        let Self { mech_type, mechanism } = self;
        if NegTokenResp::is_begun_by(token) {
            return Err(Error::OutOfSequence {
                expected: "NegTokenInit",
                received: "NegTokenResp",
            });
        }
        let init = NegTokenInit::decode(token)?;
        let Some(place) = init.mech_types.iter().position(|mech| mech == mech_type) else {
            return Err(PeerIncompatible::NoCommonMechanism.into());
        };
        let list = List {
            mech_types: init.mech_types.as_der().to_vec(),
            mech_list_mic_required: place > 0,
        };
        // The optimistic token is for the mechanism that the initiator prefers; it is of no use
        // for any other.
        let token = init.mech_token.filter(|_| place == 0);
        let mut response_token = Vec::new();
        let mechanism = match token {
            None => mechanism,
            Some(token) => match mechanism.step(token, &mut response_token)? {
                MechanismStep::Continue(mechanism) => mechanism,
                MechanismStep::Pending(pending) => {
                    let mech_list_mic = init.mech_list_mic.map(<[u8]>::to_vec);
                    return Ok(Step::Pending(Pending { pending, list, mech_list_mic }));
                }
            },
        };
        let neg_state = if list.mech_list_mic_required {
            NegState::RequestMic
        } else {
            NegState::AcceptIncomplete
        };
        let reply = NegTokenResp {
            neg_state: Some(neg_state),
            supported_mech: Some(mech_type),
            response_token: token.map(|_| response_token.as_slice()),
            mech_list_mic: None,
        };
        reply.encode(out)?;
        Ok(Step::Continue(Acceptor::Resp(ExpectResp { mechanism, list })))
    }
}

impl<M: AcceptorMechanism> ExpectResp<M> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<Step<M>, Error> {
        let Self { mechanism, list } = self;
        if NegTokenInit::is_begun_by(token) {
            return Err(Error::OutOfSequence {
                expected: "NegTokenResp",
                received: "NegTokenInit",
            });
        }
        let resp = NegTokenResp::decode(token)?;
        if resp.neg_state == Some(NegState::Reject) {
            return Err(PeerIncompatible::Rejected.into());
        }
        let inner = resp.response_token.ok_or(Error::OutOfSequence {
            expected: "a token of the mechanism",
            received: "NegTokenResp without responseToken",
        })?;
        let mut response_token = Vec::new();
        match mechanism.step(inner, &mut response_token)? {
            MechanismStep::Continue(mechanism) => {
                let reply = NegTokenResp {
                    neg_state: Some(NegState::AcceptIncomplete),
                    response_token: Some(&response_token),
                    ..NegTokenResp::default()
                };
                reply.encode(out)?;
                Ok(Step::Continue(Acceptor::Resp(Self { mechanism, list })))
            }
            MechanismStep::Pending(pending) => {
                let mech_list_mic = resp.mech_list_mic.map(<[u8]>::to_vec);
                Ok(Step::Pending(Pending { pending, list, mech_list_mic }))
            }
        }
    }
}

impl<P> Pending<P> {
    /// Goes on with the store's answer. A `mechListMIC` that came is verified whether it was
    /// required or not, and answered with ours.
    pub(crate) fn resolve<M: AcceptorMechanism<Pending = P>>(
        self,
        answer: Answer,
        out: &mut Vec<u8>,
    ) -> Result<M::Established, Error> {
        let established = self.settle::<M>(answer, out);
        or_reject(established, out)
    }

    fn settle<M: AcceptorMechanism<Pending = P>>(
        self,
        answer: Answer,
        out: &mut Vec<u8>,
    ) -> Result<M::Established, Error> {
        let Self { pending, list, mech_list_mic } = self;
        let mut established = M::resolve(pending, answer)?;
        let mut ours = None;
        match mech_list_mic {
            Some(mic) => {
                let right = established.has_integrity()
                    && established.verify_mech_list_mic(&list.mech_types, &mic)?;
                if !right {
                    return Err(established.refuse(Refusal::WrongMechListMic));
                }
                ours = Some(established.get_mech_list_mic(&list.mech_types)?);
            }
            None if list.mech_list_mic_required => {
                return Err(established.refuse(Refusal::MechListMicMissing));
            }
            None => {}
        }
        let reply = NegTokenResp {
            neg_state: Some(NegState::AcceptCompleted),
            mech_list_mic: ours.as_ref().map(<[u8; 16]>::as_slice),
            ..NegTokenResp::default()
        };
        reply.encode(out)?;
        Ok(established)
    }
}
