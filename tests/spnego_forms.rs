//! The forms in which tokens come: hints, other mechanisms, raw messages, pieces.

#[path = "support/fixed.rs"]
mod fixed;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use fixed::Users;
use forge::{known, utf16le};
use logon::http::{
    ConnectionAuth, ConnectionConfig, Decision, RequestHead, Scheme, Scope, format_token,
    parse_token,
};
use logon::wire::ntlm::{Authenticate, AvId, MessageType, NtlmV2Response};
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::{
    AcceptorStep, ChannelBindings, Error, Initiator, InitiatorStep, Mechanism, PeerIncompatible,
    Policy,
};
use pair::{PASSWORD, Pair, to_continue};
use std::sync::Arc;

const KRB5_USER_TO_USER: MechType<'_> = MechType(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2, 3]);
const IAKERB: MechType<'_> = MechType(&[0x2b, 6, 1, 5, 2, 5]);
const LATE_FALLBACK: MechType<'_> = MechType(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 40]);

/// A value of less than 64 KiB in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    match length {
        0..=0x7f => [&[tag, low], content].concat(),
        0x80..=0xff => [&[tag, 0x81, low], content].concat(),
        _ => [&[tag, 0x82, high, low], content].concat(),
    }
}

fn init_of(elements: &[Vec<u8>]) -> Vec<u8> {
    let choice = der(0xa0, &der(0x30, &elements.concat()));
    der(0x60, &[der(6, MechType::SPNEGO.0), choice].concat())
}

fn mech_types(mechs: &[MechType<'_>]) -> Vec<u8> {
    der(0xa0, &MechTypes::encode(mechs).unwrap())
}

fn hints(name: &[u8]) -> Vec<u8> {
    let name = der(0xa0, &der(0x1b, name));
    der(0xa3, &der(0x30, &[name, der(0xa1, &der(4, &[10, 0, 0, 1]))].concat()))
}

/// The NEGOTIATE of a client, and the client.
fn raw() -> (Initiator, Vec<u8>) {
    let mut negotiate = Vec::new();
    let next = to_continue(Pair::default().initiator().step(None, &mut negotiate).unwrap());
    (next, negotiate)
}

fn step(token: &[u8], policy: Policy) -> (Result<AcceptorStep, Error>, Vec<u8>) {
    let mut out = Vec::new();
    let result = Pair { policy, ..Pair::default() }.acceptor().step(token, &mut out);
    (result, out)
}

// P-19: nothing in a hint is used; the name in the response is the application's.
#[test]
fn hints_of_an_acceptor_are_read_and_not_followed() {
    let hint =
        init_of(&[mech_types(&[MechType::NTLMSSP]), hints(b"not_defined_in_RFC4178@please")]);
    let read = NegTokenInit::decode(&hint).unwrap().neg_hints.unwrap();
    assert_eq!(read.name, Some(&b"not_defined_in_RFC4178@please"[..]));
    assert_eq!(read.address, Some(&[10, 0, 0, 1][..]));
    // An acceptor that speaks first is not answered; the exchange begins with the initiator.
    let pair = Pair { spnego: true, ..Pair::default() };
    let error = pair.initiator().step(Some(&hint), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
    // An initiator that sends hints is served as if it had sent none.
    let (initiator, negotiate) = raw();
    let token = der(0xa2, &der(4, &negotiate));
    let list = mech_types(&[MechType::NTLMSSP]);
    let (result, out) =
        step(&init_of(&[list.clone(), token.clone(), hints(b"HTTP/evil")]), Policy::default());
    assert!(matches!(result, Ok(AcceptorStep::Continue(_))));
    assert_eq!(out, step(&init_of(&[list, token]), Policy::default()).1);
    let challenge = NegTokenResp::decode(&out).unwrap().response_token.unwrap();
    let mut message = Vec::new();
    let _ = initiator.step(Some(challenge), &mut message).unwrap();
    let response = Authenticate::decode(&message).unwrap().nt_response;
    let target = NtlmV2Response::decode(response).unwrap().target_info.get(AvId::TARGET_NAME);
    assert_eq!(target, Some(&utf16le("HTTP/web01.corp.example")[..]));
}

// P-20
#[test]
fn hints_and_signature_are_told_apart_by_the_tag_within() {
    let list = mech_types(&[MechType::NTLMSSP]);
    let mic = |number: u8| der(0xa0 | number, &der(4, &[7; 16]));
    let read = |elements: &[Vec<u8>]| {
        let token = init_of(elements);
        NegTokenInit::decode(&token)
            .map(|init| (init.neg_hints.is_some(), init.mech_list_mic == Some(&[7; 16])))
    };
    assert_eq!(read(&[list.clone(), mic(3)]), Ok((false, true)));
    assert_eq!(read(&[list.clone(), hints(b"x")]), Ok((true, false)));
    assert_eq!(read(&[list.clone(), hints(b"x"), mic(4)]), Ok((true, true)));
    assert_eq!(read(&[list.clone(), mic(4)]), Ok((false, true)));
    read(&[list.clone(), mic(3), mic(4)]).unwrap_err();
    read(&[list, hints(b"x"), mic(3)]).unwrap_err();
}

// P-21, P-27: also with a body that nobody could read.
#[test]
fn mechanisms_that_are_not_ours_are_passed_over() {
    let (_, negotiate) = raw();
    let negoex = b"NEGOEXTS\xff\xff\xff\xff\xff\xff\xff\xff".as_slice();
    for other in [
        MechType::NEGOEX,
        MechType::KRB5,
        MechType::MS_KRB5,
        KRB5_USER_TO_USER,
        IAKERB,
        LATE_FALLBACK,
        MechType(&[]),
    ] {
        for token in [negoex, b"", b"\x60\xff"] {
            let token = der(0xa2, &der(4, token));
            let list = mech_types(&[other, LATE_FALLBACK, MechType::NTLMSSP]);
            let (result, out) = step(&init_of(&[list, token]), Policy::default());
            assert!(matches!(result, Ok(AcceptorStep::Continue(_))), "{other}: {result:?}");
            let reply = NegTokenResp::decode(&out).unwrap();
            assert_eq!(reply.supported_mech, Some(MechType::NTLMSSP), "{other}");
            assert_eq!(reply.response_token, None, "{other}");
        }
        // Behind ours they do not matter at all.
        let token = der(0xa2, &der(4, &negotiate));
        let list = mech_types(&[MechType::NTLMSSP, other]);
        let (_, out) = step(&init_of(&[list, token]), Policy::default());
        let reply = NegTokenResp::decode(&out).unwrap();
        assert_eq!(reply.neg_state, Some(NegState::AcceptIncomplete), "{other}");
    }
}

// P-22: and what is answered is raw, too.
#[test]
fn raw_messages_are_answered_raw() {
    let (initiator, negotiate) = raw();
    let (result, out) = step(&negotiate, Policy::default());
    let Ok(AcceptorStep::Continue(acceptor)) = result else { panic!("{result:?}") };
    assert_eq!(MessageType::of(&out), Some(MessageType::Challenge));
    let mut message = Vec::new();
    let _ = initiator.step(Some(&out), &mut message).unwrap();
    let mut last = Vec::new();
    let answer = known("CORP", "Alice", PASSWORD);
    let context = forge::finish(acceptor, &message, answer, &mut last).unwrap();
    assert_eq!((context.mechanism(), last.len()), (Mechanism::Ntlm, 0));
}

fn respond(auth: &mut ConnectionAuth, scheme: Scheme, token: &[u8]) -> Decision {
    let value = format_token(scheme, token);
    let scope = Arc::new(Scope::required(&Scheme::INTEGRATED));
    let credentials = [value.as_bytes()];
    let mut head = RequestHead::new("GET", "/", &scope);
    head.credentials = &credentials;
    auth.decide(head, &Users)
}

// P-25
#[test]
fn a_token_behind_the_last_one_is_an_error_and_ends_the_logon() {
    let clock = fixed::Clock::at(1_800_000_000);
    let config = ConnectionConfig::new(Arc::new(fixed::acceptor_config(&clock)));
    let mut auth = ConnectionAuth::new(Arc::new(config), ChannelBindings::none());
    let scheme = Scheme::Negotiate;
    let (mut first, mut third) = (Vec::new(), Vec::new());
    let initiator = fixed::negotiate(r"CORP\alice", fixed::PASSWORD);
    let initiator = to_continue(initiator.step(None, &mut first).unwrap());
    let Decision::Respond(response) = respond(&mut auth, scheme, &first) else { panic!("no 401") };
    let second = parse_token(scheme, response.challenges[0].as_bytes()).unwrap().unwrap();
    let initiator = to_continue(initiator.step(Some(&second), &mut third).unwrap());
    let Decision::Forward(done) = respond(&mut auth, scheme, &third) else { panic!("refused") };
    let (_, last) = done.fields.iter().find(|(name, _)| *name == "www-authenticate").unwrap();
    let last = parse_token(scheme, last.as_bytes()).unwrap().unwrap();
    let step = initiator.step(Some(&last), &mut Vec::new()).unwrap();
    assert!(matches!(step, InitiatorStep::Complete(_)), "there is nothing left to step");
    let completed = [0xa1, 7, 0x30, 5, 0xa0, 3, 10, 1, 0];
    for token in [&third[..], &completed] {
        let Decision::Respond(response) = respond(&mut auth, scheme, token) else {
            panic!("accepted")
        };
        assert!(matches!(response.reason, Some(Error::OutOfSequence { .. })));
        assert!(auth.logon().is_none());
    }
}

// P-26: HTTP carries whole tokens.
#[test]
fn a_piece_of_a_token_is_malformed() {
    let (_, negotiate) = raw();
    let token = init_of(&[mech_types(&[MechType::NTLMSSP]), der(0xa2, &der(4, &negotiate))]);
    for length in 1..token.len() {
        let (result, out) = step(&token[..length], Policy::default());
        assert!(matches!(result, Err(Error::Decode(_))), "{length}: {result:?}");
        assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
    }
    assert!(matches!(step(&token, Policy::default()).0, Ok(AcceptorStep::Continue(_))));
}

// P-28
#[test]
fn where_ntlm_is_off_no_form_of_it_is_accepted() {
    let mut policy = Policy::default();
    policy.ntlm = false;
    let (_, negotiate) = raw();
    let token = der(0xa2, &der(4, &negotiate));
    let wrapped = init_of(&[mech_types(&[MechType::NTLMSSP]), token.clone()]);
    for first in [&negotiate, &wrapped] {
        let (result, out) = step(first, policy.clone());
        assert_eq!(result.unwrap_err(), PeerIncompatible::NtlmDisabled.into());
        assert!(MessageType::of(&out).is_none());
    }
    let second = init_of(&[mech_types(&[MechType::KRB5, MechType::NTLMSSP]), token]);
    let (result, mut out) = step(&second, policy);
    if let Ok(AcceptorStep::Continue(acceptor)) = result {
        let resp = NegTokenResp { response_token: Some(&negotiate), ..Default::default() };
        let mut token = Vec::new();
        resp.encode(&mut token).unwrap();
        out.clear();
        let error = acceptor.step(&token, &mut out).unwrap_err();
        assert_eq!(error, PeerIncompatible::NtlmDisabled.into());
    }
    assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
}

// P-22, P-06: a bare AP-REQ is no token of ours, and nothing of it is looked at.
#[test]
fn a_bare_kerberos_token_is_rejected() {
    for mech in [MechType::KRB5, MechType::MS_KRB5, KRB5_USER_TO_USER] {
        for body in [&b""[..], b"\x01\x00", b"\x01\x00\x6e\x82\xff\xff"] {
            let token = der(0x60, &[&der(6, mech.0)[..], body].concat());
            let (result, out) = step(&token, Policy::default());
            assert!(matches!(result, Err(Error::Decode(_))), "{mech}: {result:?}");
            let reply = NegTokenResp::decode(&out).unwrap();
            let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..Default::default() };
            assert_eq!(reply, reject, "{mech}");
        }
    }
}
