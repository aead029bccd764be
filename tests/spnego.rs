//! The negotiation around NTLM: lists of mechanisms, and who signs them.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::refusal;
use logon::wire::ntlm::MessageType;
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, Context, DecodeErrorKind, Error, InitiatorContext, InitiatorStep,
    Mechanism, PeerIncompatible, Refusal,
};
use pair::{Pair, lookup, to_continue};

fn init(mechs: &[MechType<'_>], mech_token: Option<&[u8]>) -> Vec<u8> {
    let list = MechTypes::encode(mechs).unwrap();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&list).unwrap(),
        mech_token,
        neg_hints: None,
        mech_list_mic: None,
    };
    let mut token = Vec::new();
    init.encode(&mut token).unwrap();
    token
}

fn resp(token: Option<&[u8]>, mic: Option<&[u8]>) -> Vec<u8> {
    let resp = NegTokenResp { response_token: token, mech_list_mic: mic, ..Default::default() };
    let mut token = Vec::new();
    resp.encode(&mut token).unwrap();
    token
}

fn to_next(step: AcceptorStep) -> Acceptor {
    match step {
        AcceptorStep::Continue(next) => next,
        step => panic!("{step:?}"),
    }
}

// P-06
#[test]
fn a_list_without_ntlm_is_rejected_with_a_token() {
    let token = init(&[MechType::KRB5, MechType::NEGOEX], Some(b"krb5"));
    let mut out = Vec::new();
    let error = Pair::default().acceptor().step(&token, &mut out).unwrap_err();
    assert_eq!(error, PeerIncompatible::NoCommonMechanism.into());
    let reply = NegTokenResp::decode(&out).unwrap();
    let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..Default::default() };
    assert_eq!(reply, reject);
}

// P-03: the bound on the list.
#[test]
fn thirty_two_mechanisms_are_read_and_no_more() {
    let mut mechs = vec![MechType::KRB5; 31];
    mechs.push(MechType::NTLMSSP);
    let step = Pair::default().acceptor().step(&init(&mechs, None), &mut Vec::new());
    assert!(matches!(step, Ok(AcceptorStep::Continue(_))));
    let many = |count: usize| {
        // By hand: the decoder refuses to lend such a list.
        let list = MechTypes::encode(&vec![MechType::NTLMSSP; count]).unwrap();
        MechTypes::decode(&list).map(|_| ()).unwrap_err().kind
    };
    assert_eq!(many(0), DecodeErrorKind::Missing);
    assert_eq!(many(33), DecodeErrorKind::TooMany);
    assert_eq!(many(100_000), DecodeErrorKind::TooMany);
}

/// Kerberos first, with a ticket that is of no use here, then NTLM: up to the client's last
/// token, and its own context.
fn second_choice() -> (Acceptor, Vec<u8>, Vec<u8>, InitiatorContext) {
    let mechs = [MechType::KRB5, MechType::NTLMSSP];
    let pair = Pair::default();
    let mut out = Vec::new();
    let token = init(&mechs, Some(b"an AP-REQ"));
    let acceptor = to_next(pair.acceptor().step(&token, &mut out).unwrap());
    let reply = NegTokenResp::decode(&out).unwrap();
    let expected = NegTokenResp {
        neg_state: Some(NegState::RequestMic),
        supported_mech: Some(MechType::NTLMSSP),
        ..Default::default()
    };
    assert_eq!(reply, expected);

    let mut negotiate = Vec::new();
    let initiator = to_continue(pair.initiator().step(None, &mut negotiate).unwrap());
    let mut out = Vec::new();
    let step = acceptor.step(&resp(Some(&negotiate), None), &mut out);
    let acceptor = to_next(step.unwrap());
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::AcceptIncomplete));
    assert_eq!((reply.supported_mech, reply.mech_list_mic), (None, None));
    let challenge = reply.response_token.unwrap();
    assert_eq!(MessageType::of(challenge), Some(MessageType::Challenge));
    let mut authenticate = Vec::new();
    let step = initiator.step(Some(challenge), &mut authenticate).unwrap();
    let InitiatorStep::Complete(context) = step else { panic!("{step:?}") };
    (acceptor, authenticate, MechTypes::encode(&mechs).unwrap(), context)
}

fn end(acceptor: Acceptor, token: &[u8], out: &mut Vec<u8>) -> Result<Context, Error> {
    let AcceptorStep::NeedLogon(request) = acceptor.step(token, out)? else {
        panic!("nobody to look up")
    };
    let answer = lookup(request.account());
    match request.resolve(Ok(answer), out)? {
        AcceptorStep::Complete(context) => Ok(context),
        step => panic!("{step:?}"),
    }
}

// P-05, P-07, P-11, P-15
#[test]
fn a_second_choice_is_signed_by_both_sides() {
    let (acceptor, authenticate, list, mut client) = second_choice();
    let mic = client.get_mic(&list).unwrap();
    let mut out = Vec::new();
    let server = end(acceptor, &resp(Some(&authenticate), Some(&mic)), &mut out).unwrap();
    assert_eq!(server.mechanism(), Mechanism::SpnegoNtlm);
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::AcceptCompleted));
    assert_eq!((reply.supported_mech, reply.response_token), (None, None));
    assert!(client.verify_mic(&list, reply.mech_list_mic.unwrap()).unwrap());
}

// P-11, P-12
#[test]
fn a_second_choice_without_a_signature_is_refused() {
    let (acceptor, authenticate, ..) = second_choice();
    let mut out = Vec::new();
    let result = end(acceptor, &resp(Some(&authenticate), None), &mut out);
    assert_eq!(refusal(result), Refusal::MechListMicMissing);
    assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
}

// P-13
#[test]
fn a_list_that_was_changed_under_way_is_refused() {
    // The client sent another list than the one that arrived.
    let shorter = MechTypes::encode(&[MechType::NTLMSSP]).unwrap();
    let (acceptor, authenticate, _, mut client) = second_choice();
    let mic = client.get_mic(&shorter).unwrap();
    let mut out = Vec::new();
    let result = end(acceptor, &resp(Some(&authenticate), Some(&mic)), &mut out);
    assert_eq!(refusal(result), Refusal::WrongMechListMic);
    assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
    for wrong in [&[0; 16][..], &[], &[1; 15], &[1; 17]] {
        let (acceptor, authenticate, ..) = second_choice();
        let token = resp(Some(&authenticate), Some(wrong));
        assert_eq!(refusal(end(acceptor, &token, &mut out)), Refusal::WrongMechListMic);
    }
}

// P-11, P-13, P-16
#[test]
fn a_signature_nobody_asked_for_is_verified_all_the_same() {
    let pair = Pair { spnego: true, ..Pair::default() };
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
    let acceptor = to_next(pair.acceptor().step(&first, &mut second).unwrap());
    let reply = NegTokenResp::decode(&second).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::AcceptIncomplete));
    let _ = initiator.step(Some(&second), &mut third).unwrap();
    let sent = NegTokenResp::decode(&third).unwrap();
    assert_eq!(sent.mech_list_mic.unwrap().len(), 16);
    let token = resp(sent.response_token, Some(&[1; 16]));
    assert_eq!(refusal(end(acceptor, &token, &mut Vec::new())), Refusal::WrongMechListMic);
    // Left out, it is not missed: there was one mechanism, and no choice to tamper with.
    let acceptor = to_next(pair.acceptor().step(&first, &mut Vec::new()).unwrap());
    let mut out = Vec::new();
    end(acceptor, &resp(sent.response_token, None), &mut out).unwrap();
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!((reply.neg_state, reply.mech_list_mic), (Some(NegState::AcceptCompleted), None));
}

// P-13, P-15, P-24
#[test]
fn the_initiator_verifies_the_acceptors_signature() {
    let pair = Pair { spnego: true, ..Pair::default() };
    let run = |state: NegState, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>, ask: bool| {
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
        let acceptor = to_next(pair.acceptor().step(&first, &mut second).unwrap());
        if ask {
            let reply = NegTokenResp::decode(&second).unwrap();
            let asking = NegTokenResp { neg_state: Some(NegState::RequestMic), ..reply };
            let mut token = Vec::new();
            asking.encode(&mut token).unwrap();
            second = token;
        }
        let initiator = to_continue(initiator.step(Some(&second), &mut third).unwrap());
        let mut out = Vec::new();
        end(acceptor, &third, &mut out).unwrap();
        let reply = NegTokenResp::decode(&out).unwrap();
        let mic = change(reply.mech_list_mic.unwrap().to_vec());
        let reply = NegTokenResp { neg_state: Some(state), mech_list_mic: mic.as_deref(), ..reply };
        let mut token = Vec::new();
        reply.encode(&mut token).unwrap();
        initiator.step(Some(&token), &mut Vec::new())
    };
    let keep = |mic: Vec<u8>| Some(mic);
    let flip = |mut mic: Vec<u8>| {
        mic[4] ^= 1;
        Some(mic)
    };
    let completed = NegState::AcceptCompleted;
    for ask in [false, true] {
        assert!(matches!(run(completed, &keep, ask), Ok(InitiatorStep::Complete(_))));
        assert_eq!(refusal(run(completed, &flip, ask)), Refusal::WrongMechListMic);
        let error = run(NegState::Reject, &keep, ask).unwrap_err();
        assert_eq!(error, PeerIncompatible::Rejected.into());
        assert!(matches!(
            run(NegState::AcceptIncomplete, &keep, ask),
            Err(Error::OutOfSequence { .. })
        ));
    }
    assert!(matches!(run(completed, &|_| None, false), Ok(InitiatorStep::Complete(_))));
    assert_eq!(refusal(run(completed, &|_| None, true)), Refusal::MechListMicMissing);
}

#[test]
fn a_reply_without_a_token_or_with_a_rejection_ends_the_exchange() {
    let pair = Pair { spnego: true, ..Pair::default() };
    let mut first = Vec::new();
    let _ = pair.initiator().step(None, &mut first).unwrap();
    let acceptor = || to_next(pair.acceptor().step(&first, &mut Vec::new()).unwrap());
    let error = acceptor().step(&resp(None, None), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::OutOfSequence { .. }));
    let mut token = Vec::new();
    let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..Default::default() };
    reject.encode(&mut token).unwrap();
    let error = acceptor().step(&token, &mut Vec::new()).unwrap_err();
    assert_eq!(error, PeerIncompatible::Rejected.into());
}

// P-05, P-07
#[test]
fn a_first_choice_without_a_token_gets_one_asked_for() {
    let mut out = Vec::new();
    let token = init(&[MechType::NTLMSSP], None);
    let acceptor = to_next(Pair::default().acceptor().step(&token, &mut out).unwrap());
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::AcceptIncomplete));
    assert_eq!(reply.supported_mech, Some(MechType::NTLMSSP));
    assert_eq!(reply.response_token, None);
    let mut negotiate = Vec::new();
    let _ = Pair::default().initiator().step(None, &mut negotiate).unwrap();
    let mut out = Vec::new();
    let step = acceptor.step(&resp(Some(&negotiate), None), &mut out).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    assert!(NegTokenResp::decode(&out).unwrap().response_token.is_some());
}

// S-23: a token within SPNEGO is no more to be seen than without.
#[test]
fn a_token_within_spnego_is_not_in_debug_output() {
    let token = b"NTLMSSP\0\x03\0\0\0response";
    let resp = NegTokenResp { response_token: Some(token), ..NegTokenResp::default() };
    let shown = format!("{resp:?}");
    assert!(!shown.contains("78, 84, 76, 77, 83, 83, 80"), "{shown}");
    let mut bytes = Vec::new();
    resp.encode(&mut bytes).unwrap();
    let shown = format!("{:?}", NegTokenResp::decode(&bytes).unwrap());
    assert!(!shown.contains("78, 84, 76, 77, 83, 83, 80"), "{shown}");
}
