//! The server's side of the negotiation ([RFC 4178] §4.2.2, §5).

use super::mechanism::{AcceptorMechanism, MechListMic, MechanismStep, Mic};
use crate::credential::Answer;
use crate::error::{Error, PeerIncompatible, Refusal};
use crate::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use alloc::vec::Vec;

/// A negotiation in progress.
#[derive(Debug)]
pub(crate) enum Acceptor<M: AcceptorMechanism> {
    Init(ExpectInit<M::Start>),
    Resp(ExpectResp<M>),
    Mic(ExpectMic<M::Established>),
}

/// Nothing has come yet.
#[derive(Debug)]
pub(crate) struct ExpectInit<S>(S);

/// The mechanism is selected and at work.
#[derive(Debug)]
pub(crate) struct ExpectResp<M> {
    pub(crate) mechanism: M,
    pub(crate) list: List,
}

/// The mechanism is complete, with a token of ours that the initiator needs before it can sign the
/// list.
#[derive(Debug)]
pub(crate) struct ExpectMic<E> {
    established: E,
    mech_types: Vec<u8>,
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
    Complete(M::Established),
}

impl<M: AcceptorMechanism> Acceptor<M> {
    /// A negotiation that accepts one of the mechanisms that `start` has.
    pub(crate) fn new(start: M::Start) -> Self {
        Self::Init(ExpectInit(start))
    }

    /// Takes a token; what has to be sent, also on an error, is appended to `out`.
    pub(crate) fn step(self, token: &[u8], out: &mut Vec<u8>) -> Result<Step<M>, Error> {
        or_reject(out, |out| match self {
            Self::Init(state) => state.handle(token, out),
            Self::Resp(state) => state.handle(token, out),
            Self::Mic(state) => state.handle(token, out).map(Step::Complete),
        })
    }
}

/// Whatever goes wrong, the initiator gets a token that says it is over ([RFC 4178] §4.2.2), unless
/// there is one already, with what the mechanism says of it.
fn or_reject<T>(
    out: &mut Vec<u8>,
    step: impl FnOnce(&mut Vec<u8>) -> Result<T, Error>,
) -> Result<T, Error> {
    let before = out.len();
    let result = step(out);
    if result.is_err() && out.len() == before {
        reject(None, out)?;
    }
    result
}

fn reject(response_token: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Error> {
    let neg_state = Some(NegState::Reject);
    let reject = NegTokenResp { neg_state, response_token, ..NegTokenResp::default() };
    Ok(reject.encode(out)?)
}

/// A step of the mechanism. What it wants to be said of an error, goes out as a rejection.
fn step<M: AcceptorMechanism>(
    mechanism: M,
    token: &[u8],
    out: &mut Vec<u8>,
) -> Result<(MechanismStep<M>, Vec<u8>), Error> {
    let mut response_token = Vec::new();
    match mechanism.step(token, &mut response_token) {
        Ok(step) => Ok((step, response_token)),
        Err(error) => {
            if !response_token.is_empty() {
                reject(Some(&response_token), out)?;
            }
            Err(error)
        }
    }
}

impl<S> ExpectInit<S> {
    fn handle<M: AcceptorMechanism<Start = S>>(
        self,
        token: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step<M>, Error> {
        let Self(start) = self;
        if NegTokenResp::is_begun_by(token) {
            return Err(Error::OutOfSequence {
                expected: "NegTokenInit",
                received: "NegTokenResp",
            });
        }
        let init = NegTokenInit::decode(token)?;
        let (selected, list) = select(init.mech_types, |mech| M::has(&start, mech))
            .ok_or_else(|| M::why_none(init.mech_types))?;
        // The optimistic token is for the mechanism that the initiator prefers; it is of no use
        // for any other.
        let token = init.mech_token.filter(|_| !list.mech_list_mic_required);
        let mechanism = M::begin(start, selected).ok_or(PeerIncompatible::NoCommonMechanism)?;
        let supported_mech = Some(selected);
        let Some(token) = token else {
            let reply = NegTokenResp {
                neg_state: Some(list.incomplete()),
                supported_mech,
                ..NegTokenResp::default()
            };
            reply.encode(out)?;
            return Ok(Step::Continue(Acceptor::Resp(ExpectResp { mechanism, list })));
        };
        let (step, response_token) = step(mechanism, token, out)?;
        match step {
            MechanismStep::Continue(mechanism) => {
                let reply = NegTokenResp {
                    neg_state: Some(list.incomplete()),
                    supported_mech,
                    response_token: Some(&response_token),
                    mech_list_mic: None,
                };
                reply.encode(out)?;
                Ok(Step::Continue(Acceptor::Resp(ExpectResp { mechanism, list })))
            }
            MechanismStep::Pending(pending) => {
                let mech_list_mic = init.mech_list_mic.map(<[u8]>::to_vec);
                Ok(Step::Pending(Pending { pending, list, mech_list_mic }))
            }
            MechanismStep::Complete(established) => {
                let reply = Reply { supported_mech, response_token };
                complete(established, list, init.mech_list_mic, reply, out)
            }
        }
    }
}

/// The first mechanism of the initiator's that is here. That order is the initiator's preference:
/// to change it unnoticed would take its signature.
fn select(
    mech_types: MechTypes<'_>,
    has: impl Fn(MechType<'_>) -> bool,
) -> Option<(MechType<'_>, List)> {
    let (place, selected) = mech_types.iter().enumerate().find(|(_, mech)| has(*mech))?;
    let mech_types = mech_types.as_der().to_vec();
    Some((selected, List { mech_types, mech_list_mic_required: place > 0 }))
}

impl List {
    fn incomplete(&self) -> NegState {
        if self.mech_list_mic_required { NegState::RequestMic } else { NegState::AcceptIncomplete }
    }
}

impl<M: AcceptorMechanism> ExpectResp<M> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<Step<M>, Error> {
        let Self { mechanism, list } = self;
        let resp = resp(token)?;
        let inner = resp.response_token.ok_or(Error::OutOfSequence {
            expected: "a token of the mechanism",
            received: "NegTokenResp without responseToken",
        })?;
        let (step, response_token) = step(mechanism, inner, out)?;
        match step {
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
            MechanismStep::Complete(established) => {
                let reply = Reply { supported_mech: None, response_token };
                complete(established, list, resp.mech_list_mic, reply, out)
            }
        }
    }
}

/// A token that goes on with a negotiation.
fn resp(token: &[u8]) -> Result<NegTokenResp<'_>, Error> {
    if NegTokenInit::is_begun_by(token) {
        return Err(Error::OutOfSequence { expected: "NegTokenResp", received: "NegTokenInit" });
    }
    let resp = NegTokenResp::decode(token)?;
    match resp.neg_state {
        Some(NegState::Reject) => Err(PeerIncompatible::Rejected.into()),
        _ => Ok(resp),
    }
}

/// What goes with the last token.
struct Reply<'a> {
    supported_mech: Option<MechType<'a>>,
    response_token: Vec<u8>,
}

/// The mechanism is complete, without the store. An initiator that waits for our token cannot have
/// signed the list yet.
fn complete<M: AcceptorMechanism>(
    mut established: M::Established,
    list: List,
    mech_list_mic: Option<&[u8]>,
    reply: Reply<'_>,
    out: &mut Vec<u8>,
) -> Result<Step<M>, Error> {
    let Reply { supported_mech, response_token } = reply;
    let response_token = Some(response_token.as_slice()).filter(|token| !token.is_empty());
    let awaited =
        list.mech_list_mic_required && mech_list_mic.is_none() && response_token.is_some();
    let mic = match mech_list_mic {
        _ if awaited => sign(&mut established, &list.mech_types)?,
        mic => verify(&mut established, &list, mic)?,
    };
    let neg_state =
        Some(if awaited { NegState::AcceptIncomplete } else { NegState::AcceptCompleted });
    let mech_list_mic = mic.as_ref().map(Mic::as_bytes);
    NegTokenResp { neg_state, supported_mech, response_token, mech_list_mic }.encode(out)?;
    Ok(if awaited {
        let mech_types = list.mech_types;
        Step::Continue(Acceptor::Mic(ExpectMic { established, mech_types }))
    } else {
        Step::Complete(established)
    })
}

impl<E: MechListMic> ExpectMic<E> {
    fn handle(self, token: &[u8], out: &mut Vec<u8>) -> Result<E, Error> {
        let Self { mut established, mech_types } = self;
        let resp = resp(token)?;
        let list = List { mech_types, mech_list_mic_required: true };
        // Ours was sent already.
        verify(&mut established, &list, resp.mech_list_mic)?;
        let neg_state = Some(NegState::AcceptCompleted);
        NegTokenResp { neg_state, ..NegTokenResp::default() }.encode(out)?;
        Ok(established)
    }
}

fn sign<E: MechListMic>(established: &mut E, mech_types: &[u8]) -> Result<Option<Mic>, Error> {
    match established.has_integrity() {
        true => established.get_mech_list_mic(mech_types).map(Some),
        false => Ok(None),
    }
}

/// A `mechListMIC` that came is verified whether it was required or not, and answered with ours.
fn verify<E: MechListMic>(
    established: &mut E,
    list: &List,
    received: Option<&[u8]>,
) -> Result<Option<Mic>, Error> {
    match received {
        Some(mic) => {
            let right = established.has_integrity()
                && established.verify_mech_list_mic(&list.mech_types, mic)?;
            if !right {
                return Err(established.refuse(Refusal::WrongMechListMic));
            }
            sign(established, &list.mech_types)
        }
        None if list.mech_list_mic_required => Err(established.refuse(Refusal::MechListMicMissing)),
        None => Ok(None),
    }
}

impl<P> Pending<P> {
    /// Goes on with the store's answer.
    pub(crate) fn resolve<M: AcceptorMechanism<Pending = P>>(
        self,
        answer: Answer,
        out: &mut Vec<u8>,
    ) -> Result<M::Established, Error> {
        or_reject(out, |out| self.settle::<M>(answer, out))
    }

    fn settle<M: AcceptorMechanism<Pending = P>>(
        self,
        answer: Answer,
        out: &mut Vec<u8>,
    ) -> Result<M::Established, Error> {
        let Self { pending, list, mech_list_mic } = self;
        let mut established = M::resolve(pending, answer)?;
        let ours = verify(&mut established, &list, mech_list_mic.as_deref())?;
        let reply = NegTokenResp {
            neg_state: Some(NegState::AcceptCompleted),
            mech_list_mic: ours.as_ref().map(Mic::as_bytes),
            ..NegTokenResp::default()
        };
        reply.encode(out)?;
        Ok(established)
    }
}
