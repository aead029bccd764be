//! SPNEGO, rule by rule; tokens are put together here by hand.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{known, refusal};
use logon::wire::ntlm::{Negotiate, NegotiateFlags};
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, Context, Error, Initiator, InitiatorContext, InitiatorStep,
    PeerIncompatible, Refusal,
};
use pair::{PASSWORD, Pair, to_continue};

/// A length of two octets where one would do: what DER senders must not and some do write.
fn long(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

fn short(tag: u8, content: &[u8]) -> Vec<u8> {
    if content.len() > 127 {
        return long(tag, content);
    }
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A `NegTokenInit` of elements that are already encoded, framed.
fn init_of(tlv: fn(u8, &[u8]) -> Vec<u8>, elements: &[Vec<u8>]) -> Vec<u8> {
    let choice = tlv(0xa0, &tlv(0x30, &elements.concat()));
    tlv(0x60, &[tlv(6, MechType::SPNEGO.0), choice].concat())
}

fn init(mechs: &[MechType<'_>], token: Option<&[u8]>) -> Vec<u8> {
    let mut elements = vec![short(0xa0, &MechTypes::encode(mechs).unwrap())];
    elements.extend(token.map(|token| short(0xa2, &short(4, token))));
    init_of(short, &elements)
}

fn encode(resp: NegTokenResp<'_>) -> Vec<u8> {
    let mut token = Vec::new();
    resp.encode(&mut token).unwrap();
    token
}

fn spnego() -> Pair {
    Pair { spnego: true, ..Pair::default() }
}

/// The NEGOTIATE of a client, and the client.
fn raw() -> (Initiator, Vec<u8>) {
    let mut negotiate = Vec::new();
    let next = to_continue(Pair::default().initiator().step(None, &mut negotiate).unwrap());
    (next, negotiate)
}

/// The acceptor behind its reply to `token`.
fn reply(token: &[u8]) -> (Acceptor, Vec<u8>) {
    let mut out = Vec::new();
    match spnego().acceptor().step(token, &mut out).unwrap() {
        AcceptorStep::Continue(next) => (next, out),
        step => panic!("{step:?}"),
    }
}

/// A client that prefers Kerberos, up to its last token; `list` is its list in DER.
fn second_choice(list: &[u8]) -> (Acceptor, Vec<u8>, InitiatorContext) {
    let (acceptor, out) = reply(&init_of(short, &[short(0xa0, list)]));
    assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::RequestMic));
    let (initiator, negotiate) = raw();
    let token = encode(NegTokenResp { response_token: Some(&negotiate), ..Default::default() });
    let mut out = Vec::new();
    let AcceptorStep::Continue(acceptor) = acceptor.step(&token, &mut out).unwrap() else {
        panic!("no challenge")
    };
    let challenge = NegTokenResp::decode(&out).unwrap().response_token.unwrap();
    let mut authenticate = Vec::new();
    let step = initiator.step(Some(challenge), &mut authenticate).unwrap();
    let InitiatorStep::Complete(client) = step else { panic!("{step:?}") };
    (acceptor, authenticate, client)
}

fn finish(acceptor: Acceptor, resp: NegTokenResp<'_>) -> (Result<Context, Error>, Vec<u8>) {
    let mut out = Vec::new();
    let answer = known("CORP", "Alice", PASSWORD);
    (forge::finish(acceptor, &encode(resp), answer, &mut out), out)
}

/// The client of a pair behind its AUTHENTICATE, and what a right acceptor says last.
fn before_the_end() -> (Initiator, Vec<u8>) {
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(spnego().initiator().step(None, &mut first).unwrap());
    let AcceptorStep::Continue(acceptor) = spnego().acceptor().step(&first, &mut second).unwrap()
    else {
        panic!("no challenge")
    };
    let initiator = to_continue(initiator.step(Some(&second), &mut third).unwrap());
    let mut last = Vec::new();
    forge::finish(acceptor, &third, known("CORP", "Alice", PASSWORD), &mut last).unwrap();
    (initiator, last)
}

// P-01
#[test]
fn the_first_token_offers_ntlm_and_carries_its_first_message() {
    let (_, negotiate) = raw();
    let mut token = Vec::new();
    let _ = spnego().initiator().step(None, &mut token).unwrap();
    assert_eq!(token, init(&[MechType::NTLMSSP], Some(&negotiate)), "no reqFlags");
    assert_eq!(token[..2], [0x60, u8::try_from(token.len() - 2).unwrap()]);
    assert_eq!(token[2..10], [6, 6, 0x2b, 6, 1, 5, 5, 2]);
    assert_eq!(token[10], 0xa0);
}

// P-02
#[test]
fn req_flags_are_ignored() {
    let (_, negotiate) = raw();
    let list = MechTypes::encode(&[MechType::NTLMSSP]).unwrap();
    let with = |req_flags: &[u8]| {
        let token = short(0xa2, &short(4, &negotiate));
        reply(&init_of(short, &[short(0xa0, &list), short(0xa1, req_flags), token])).1
    };
    let without = reply(&init(&[MechType::NTLMSSP], Some(&negotiate))).1;
    for bits in [&[3, 2, 1, 0x62][..], &[3, 2, 0, 0xff], &[3, 1, 0]] {
        assert_eq!(with(bits), without);
    }
}

// P-03: definite lengths, the shortest form or not, with the framing or without.
#[test]
fn lengths_that_are_too_long_are_read_and_indefinite_ones_are_not() {
    let (_, negotiate) = raw();
    let mechs = long(0x30, &long(6, MechType::NTLMSSP.0));
    let elements = [long(0xa0, &mechs), long(0xa2, &long(4, &negotiate))];
    let framed = init_of(long, &elements);
    let bare = long(0xa0, &long(0x30, &elements.concat()));
    let expected = reply(&init(&[MechType::NTLMSSP], Some(&negotiate))).1;
    for token in [&framed, &bare] {
        assert_eq!(reply(token).1, expected);
    }
    let refused = |token: &[u8]| {
        let mut out = Vec::new();
        let error = spnego().acceptor().step(token, &mut out).unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
    };
    refused(&[&[0xa0, 0x80][..], &long(0x30, &elements.concat()), &[0, 0]].concat());
    refused(&[0xa0, 0x85, 0, 0, 0, 0, 2, 0x30, 0]);
    refused(&[0x60, 0x84, 0xff, 0xff, 0xff, 0xff]);
    // However deep it is nested, only as much is looked at as there are fields.
    let mut deep = Vec::new();
    while deep.len() < 60_000 {
        deep = if deep.len() < 128 { short(0x30, &deep) } else { long(0x30, &deep) };
    }
    refused(&deep);
    refused(&init_of(long, &[long(0xa0, &deep)]));
}

// P-04, P-14: the list as it came, without the tag around it.
#[test]
fn the_list_of_mechanisms_is_signed_as_it_was_sent() {
    let items = [short(6, MechType::KRB5.0), short(6, MechType::NTLMSSP.0)].concat();
    let (usual, unusual) = (short(0x30, &items), long(0x30, &items));
    for (list, signed, right) in [
        (&usual, usual.clone(), true),
        (&unusual, unusual.clone(), true),
        (&unusual, usual.clone(), false),
        (&usual, short(0xa0, &usual), false),
        (&usual, items, false),
    ] {
        let (acceptor, authenticate, mut client) = second_choice(list);
        let mic = client.get_mic(&signed).unwrap();
        let (result, out) = finish(
            acceptor,
            NegTokenResp {
                response_token: Some(&authenticate),
                mech_list_mic: Some(&mic),
                ..Default::default()
            },
        );
        if right {
            result.unwrap();
            let ours = NegTokenResp::decode(&out).unwrap().mech_list_mic.unwrap();
            assert!(client.verify_mic(&signed, ours).unwrap());
        } else {
            assert_eq!(refusal(result), Refusal::WrongMechListMic);
        }
    }
}

// P-07
#[test]
fn the_mechanism_is_named_in_the_first_reply_and_never_again() {
    let list = MechTypes::encode(&[MechType::KRB5, MechType::NTLMSSP]).unwrap();
    let (_, negotiate) = raw();
    for token in [
        init(&[MechType::NTLMSSP], Some(&negotiate)),
        init(&[MechType::NTLMSSP], None),
        init_of(short, &[short(0xa0, &list)]),
    ] {
        let out = reply(&token).1;
        let first = NegTokenResp::decode(&out).unwrap();
        assert!(first.neg_state.is_some());
        assert_eq!(first.supported_mech, Some(MechType::NTLMSSP));
    }
    let (acceptor, authenticate, mut client) = second_choice(&list);
    let mic = client.get_mic(&list).unwrap();
    let resp = NegTokenResp {
        response_token: Some(&authenticate),
        mech_list_mic: Some(&mic),
        ..Default::default()
    };
    let out = finish(acceptor, resp).1;
    assert_eq!(NegTokenResp::decode(&out).unwrap().supported_mech, None);
}

/// What the initiator makes of the acceptor's first reply, changed.
fn first_reply(change: impl FnOnce(&mut NegTokenResp<'_>)) -> Result<InitiatorStep, Error> {
    let mut first = Vec::new();
    let initiator = to_continue(spnego().initiator().step(None, &mut first).unwrap());
    let out = reply(&first).1;
    let mut resp = NegTokenResp::decode(&out).unwrap();
    change(&mut resp);
    initiator.step(Some(&encode(resp)), &mut Vec::new())
}

// P-08
#[test]
fn the_acceptor_selects_what_was_offered_or_nothing() {
    for other in [MechType::KRB5, MechType::NEGOEX, MechType(&[])] {
        let error = first_reply(|resp| resp.supported_mech = Some(other)).unwrap_err();
        assert_eq!(error, PeerIncompatible::MechanismNotOffered.into());
    }
    for same in [Some(MechType::NTLMSSP), None] {
        assert!(first_reply(|resp| resp.supported_mech = same).is_ok());
    }
}

// P-12: asked for in the first reply, and missed at the end.
#[test]
fn a_signature_is_asked_for_once_and_then_it_has_to_come() {
    let list = MechTypes::encode(&[MechType::KRB5, MechType::NTLMSSP]).unwrap();
    let (acceptor, authenticate, _) = second_choice(&list);
    let resp = NegTokenResp { response_token: Some(&authenticate), ..Default::default() };
    let (result, out) = finish(acceptor, resp);
    assert_eq!(refusal(result), Refusal::MechListMicMissing);
    assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
    let (initiator, last) = before_the_end();
    let mut asking = NegTokenResp::decode(&last).unwrap();
    asking.neg_state = Some(NegState::RequestMic);
    let error = initiator.step(Some(&encode(asking)), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
}

// P-18, P-16: an application that signs nothing has a signed list all the same, and ours answers
// theirs.
#[test]
fn signing_is_negotiated_for_the_list_even_if_nobody_asks_for_it() {
    let pair = Pair { sealed: false, key_exchange: false, ..spnego() };
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
    let AcceptorStep::Continue(acceptor) = pair.acceptor().step(&first, &mut second).unwrap()
    else {
        panic!("no challenge")
    };
    let initiator = to_continue(initiator.step(Some(&second), &mut third).unwrap());
    assert!(NegTokenResp::decode(&third).unwrap().mech_list_mic.is_some());
    let mut last = Vec::new();
    let answer = known("CORP", "Alice", PASSWORD);
    let server = forge::finish(acceptor, &third, answer, &mut last).unwrap();
    assert!(server.has_integrity());
    assert!(NegTokenResp::decode(&last).unwrap().mech_list_mic.is_some());
    let step = initiator.step(Some(&last), &mut Vec::new()).unwrap();
    assert!(matches!(step, InitiatorStep::Complete(_)));
}

// P-23
#[test]
fn the_shortest_last_token_is_enough() {
    let bare = [0xa1, 7, 0x30, 5, 0xa0, 3, 10, 1, 0];
    let completed =
        NegTokenResp { neg_state: Some(NegState::AcceptCompleted), ..Default::default() };
    assert_eq!(encode(completed), bare);
    let (initiator, _) = before_the_end();
    let step = initiator.step(Some(&bare), &mut Vec::new()).unwrap();
    assert!(matches!(step, InitiatorStep::Complete(_)));
    // It is what the acceptor says to a client that signs nothing.
    let (_, negotiate) = raw();
    let acceptor = reply(&init(&[MechType::NTLMSSP], Some(&negotiate))).0;
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(spnego().initiator().step(None, &mut first).unwrap());
    let _ = spnego().acceptor().step(&first, &mut second).unwrap();
    let _ = initiator.step(Some(&second), &mut third).unwrap();
    let unsigned = NegTokenResp { mech_list_mic: None, ..NegTokenResp::decode(&third).unwrap() };
    let (result, out) = finish(acceptor, unsigned);
    result.unwrap();
    assert_eq!(out, bare);
}

// P-24
#[test]
fn both_sides_have_to_be_done_at_the_same_time() {
    let early = first_reply(|resp| resp.neg_state = Some(NegState::AcceptCompleted));
    assert!(matches!(early, Err(Error::OutOfSequence { .. })));
    let early = first_reply(|resp| {
        *resp = NegTokenResp { neg_state: Some(NegState::AcceptCompleted), ..Default::default() };
    });
    assert!(matches!(early, Err(Error::OutOfSequence { .. })));
    let (initiator, last) = before_the_end();
    let mut late = NegTokenResp::decode(&last).unwrap();
    (late.neg_state, late.mech_list_mic) = (Some(NegState::AcceptIncomplete), None);
    let error = initiator.step(Some(&encode(late)), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
}

// P-08: not in the last token either.
#[test]
fn the_acceptor_does_not_change_its_mind_at_the_end() {
    for (mech, right) in [
        (None, true),
        (Some(MechType::NTLMSSP), true),
        (Some(MechType::KRB5), false),
        (Some(MechType::NEGOEX), false),
        (Some(MechType(&[])), false),
    ] {
        for signed in [true, false] {
            let (initiator, last) = before_the_end();
            let mut resp = NegTokenResp::decode(&last).unwrap();
            resp.supported_mech = mech;
            if !signed {
                resp.mech_list_mic = None;
            }
            match initiator.step(Some(&encode(resp)), &mut Vec::new()) {
                Ok(step) => {
                    assert!(right && matches!(step, InitiatorStep::Complete(_)), "{mech:?}");
                }
                Err(error) => {
                    assert!(!right, "{mech:?}");
                    assert_eq!(error, PeerIncompatible::MechanismNotOffered.into());
                }
            }
        }
    }
}

// P-12, P-15: success without a last token, as HTTP has it, is no signature.
#[test]
fn a_signature_that_was_asked_for_is_missed_without_a_last_token_too() {
    for ask in [false, true] {
        let mut first = Vec::new();
        let initiator = to_continue(spnego().initiator().step(None, &mut first).unwrap());
        let out = reply(&first).1;
        let mut resp = NegTokenResp::decode(&out).unwrap();
        if ask {
            resp.neg_state = Some(NegState::RequestMic);
        }
        let step = initiator.step(Some(&encode(resp)), &mut Vec::new()).unwrap();
        match to_continue(step).step(None, &mut Vec::new()) {
            Ok(step) => assert!(!ask && matches!(step, InitiatorStep::Complete(_))),
            error => {
                assert!(ask);
                assert_eq!(refusal(error), Refusal::MechListMicMissing);
            }
        }
    }
}

/// A client that prefers Kerberos and offers these flags for NTLM, up to its last token.
fn second_choice_of(flags: u32) -> (Acceptor, forge::Forge) {
    let list = MechTypes::encode(&[MechType::KRB5, MechType::NTLMSSP]).unwrap();
    let acceptor = reply(&init_of(short, &[short(0xa0, &list)])).0;
    let flags = NegotiateFlags::from_bits_retain(flags);
    let message = Negotiate { flags, domain: &[], workstation: &[], version: None };
    let mut negotiate = Vec::new();
    message.encode(&mut negotiate).unwrap();
    let token = encode(NegTokenResp { response_token: Some(&negotiate), ..Default::default() });
    let mut out = Vec::new();
    let AcceptorStep::Continue(acceptor) = acceptor.step(&token, &mut out).unwrap() else {
        panic!("no challenge")
    };
    let challenge = NegTokenResp::decode(&out).unwrap().response_token.unwrap();
    (acceptor, forge::Forge::answer(&negotiate, challenge))
}

// P-11: who negotiates no integrity could have had anything changed; our acceptor does not let him
// in as a second choice, though RFC 4178 §5 would.
#[test]
fn a_second_choice_without_integrity_is_refused() {
    let (unsigned, signed) = (0xa208_8205, 0xa208_8215);
    for flags in [unsigned, signed] {
        for mic in [None, Some([0; 16]), Some([1; 16])] {
            let (acceptor, forge) = second_choice_of(flags);
            let message = forge.message();
            let resp = NegTokenResp {
                response_token: Some(&message),
                mech_list_mic: mic.as_ref().map(<[u8; 16]>::as_slice),
                ..Default::default()
            };
            let (result, out) = finish(acceptor, resp);
            let expected =
                if mic.is_none() { Refusal::MechListMicMissing } else { Refusal::WrongMechListMic };
            assert_eq!(refusal(result), expected);
            assert_eq!(NegTokenResp::decode(&out).unwrap().neg_state, Some(NegState::Reject));
        }
    }
}
