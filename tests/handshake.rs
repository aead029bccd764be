//! This initiator against this acceptor, and what goes on between them afterwards.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::refusal;
use logon::wire::ntlm::{MessageType, NegotiateFlags};
use logon::wire::spnego::{MechType, NegState, NegTokenInit, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, ApiMisuse, BindingsOutcome, ChannelBindings, Error, InitiatorStep,
    Mechanism, MicOutcome, PeerIncompatible, Policy, Refusal, StoreError,
};
use pair::{Both, NOW, Pair, lookup, to_continue};

fn tls(data: &[u8]) -> ChannelBindings {
    ChannelBindings::from_application_data(data)
}

/// Raw and SPNEGO, with and without a key exchange.
fn kinds() -> impl Iterator<Item = Pair> {
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .map(|(spnego, key_exchange)| Pair { spnego, key_exchange, ..Pair::default() })
}

// C-08, P-15: the whole exchange, each side verifying what the other made.
#[test]
fn every_combination_completes_or_is_refused_for_its_bindings() {
    let (none, ours, other) = (ChannelBindings::none(), tls(b"ours"), tls(b"other"));
    for kind in kinds() {
        for name in ["CORP\\alice", "alice@corp.example"] {
            for (client, server, expected) in [
                (&none, &none, Ok(BindingsOutcome::Unavailable)),
                (&ours, &none, Ok(BindingsOutcome::Unavailable)),
                (&ours, &ours, Ok(BindingsOutcome::Bound)),
                (&none, &ours, Err(Refusal::ZeroChannelBindings)),
                (&other, &ours, Err(Refusal::WrongChannelBindings)),
            ] {
                let pair = Pair {
                    name,
                    client_bindings: client.clone(),
                    server_bindings: server.clone(),
                    ..kind.clone()
                };
                match (pair.run(), expected) {
                    (Ok(Both { client, server }), Ok(expected)) => {
                        let identity = server.identity();
                        assert_eq!(identity.bindings(), expected);
                        assert_eq!(identity.mic(), MicOutcome::Verified);
                        assert_eq!(identity.to_string(), "CORP\\Alice");
                        assert_eq!(identity.workstation(), "LAPTOP");
                        assert_eq!(identity.target_name(), "HTTP/web01.corp.example");
                        let keys = [client.exported_session_key(), server.exported_session_key()];
                        assert_eq!(keys[0], keys[1]);
                        assert_eq!(keys[0] == [0x55; 16], pair.key_exchange);
                        let mechanism =
                            if pair.spnego { Mechanism::SpnegoNtlm } else { Mechanism::Ntlm };
                        assert_eq!(server.mechanism(), mechanism);
                        assert_eq!(client.mechanism(), mechanism);
                    }
                    (result, expected) => assert_eq!(refusal(result), expected.unwrap_err()),
                }
            }
        }
    }
}

// S-05
#[test]
fn a_wrong_password_is_refused() {
    for kind in kinds() {
        for password in ["s3cret!pw", "", "S3cret!pw "] {
            let pair = Pair { password, ..kind.clone() };
            assert_eq!(refusal(pair.run()), Refusal::WrongProof);
        }
        for name in ["CORP\\bob", "OTHER\\alice", "alice", "alice@other.example"] {
            let pair = Pair { name, ..kind.clone() };
            assert_eq!(refusal(pair.run()), Refusal::UnknownAccount);
        }
    }
}

#[test]
fn messages_go_both_ways_in_any_number() {
    for kind in kinds() {
        let Both { mut client, mut server } = kind.run().unwrap();
        for round in 0..4_u8 {
            let text: Vec<u8> = (0..round * 50).collect();
            let signature = client.get_mic(&text).unwrap();
            assert!(server.verify_mic(&text, &signature).unwrap());
            let mut sealed = text.clone();
            let signature = client.wrap(&mut sealed).unwrap();
            assert!(text.is_empty() || sealed != text);
            assert!(server.unwrap(&mut sealed, &signature).unwrap());
            assert_eq!(sealed, text);
            for _ in 0..3 {
                let mut sealed = text.clone();
                let signature = server.wrap(&mut sealed).unwrap();
                assert!(client.unwrap(&mut sealed, &signature).unwrap());
                assert_eq!(sealed, text);
            }
            let signature = server.get_mic(&text).unwrap();
            assert!(client.verify_mic(&text, &signature).unwrap());
        }
    }
}

#[test]
fn a_tampered_message_ends_the_session() {
    let poisoned = Err(Error::ApiMisuse(ApiMisuse::SessionPoisoned));
    for kind in kinds() {
        for bit in 0..(16 + 5) * 8 {
            let Both { mut client, mut server } = kind.run().unwrap();
            let mut sealed = *b"hello";
            let mut signature = client.wrap(&mut sealed).unwrap();
            match bit / 8 {
                index @ 0..16 => signature[index] ^= 1 << (bit % 8),
                index => sealed[index - 16] ^= 1 << (bit % 8),
            }
            assert_eq!(server.unwrap(&mut sealed, &signature), Ok(false));
            assert_eq!(sealed, [0; 5], "nothing of the plaintext gets out");
            let signature = client.get_mic(b"next").unwrap();
            assert_eq!(server.verify_mic(b"next", &signature), poisoned);
            assert_eq!(server.get_mic(b"next"), poisoned.clone().map(|_: bool| vec![0; 16]));
        }
    }
}

#[test]
fn a_signature_serves_once_in_its_place_and_direction() {
    for kind in kinds() {
        let both = || {
            let Both { mut client, server } = kind.run().unwrap();
            let signatures = [(); 3].map(|()| client.get_mic(b"text").unwrap());
            (client, server, signatures)
        };
        let (_, mut server, [first, ..]) = both();
        assert!(server.verify_mic(b"text", &first).unwrap());
        assert!(!server.verify_mic(b"text", &first).unwrap(), "repeated");
        let (_, mut server, [first, _, third]) = both();
        assert!(server.verify_mic(b"text", &first).unwrap());
        assert!(!server.verify_mic(b"text", &third).unwrap(), "one was left out");
        let (_, mut server, [first, ..]) = both();
        assert!(!server.verify_mic(b"test", &first).unwrap(), "another message");
        let (mut client, _, [first, ..]) = both();
        assert!(!client.verify_mic(b"text", &first).unwrap(), "sent back");
        let (_, mut server, [first, ..]) = both();
        assert!(!server.verify_mic(b"text", &first[..15]).unwrap(), "too short");
        let (_, mut server, [first, ..]) = both();
        assert!(!server.verify_mic(b"text", &[&first[..], &[0]].concat()).unwrap(), "too long");
    }
}

// S-25, N-01: each state takes its own message only.
#[test]
fn an_exchange_cannot_begin_at_its_end() {
    for kind in kinds() {
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let initiator = to_continue(kind.initiator().step(None, &mut first).unwrap());
        let _ = kind.acceptor().step(&first, &mut second).unwrap();
        let _ = initiator.step(Some(&second), &mut third).unwrap();
        let mut out = Vec::new();
        // The last token first, or on another connection.
        let error = kind.acceptor().step(&third, &mut out).unwrap_err();
        assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
        // The acceptor's own token.
        kind.acceptor().step(&second, &mut out).unwrap_err();
        // All that the initiator gets is, in SPNEGO, that it is over.
        assert_eq!(out.is_empty(), !kind.spnego);
        out.clear();
        // The first token twice.
        let AcceptorStep::Continue(next) = kind.acceptor().step(&first, &mut out).unwrap() else {
            panic!("no challenge")
        };
        let error = next.step(&first, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
        // The initiator does not begin with an answer, and does not take an answer twice.
        let error = kind.initiator().step(Some(&second), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
        let waiting = to_continue(kind.initiator().step(None, &mut Vec::new()).unwrap());
        let error = waiting.step(None, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
        if let InitiatorStep::Continue(last) =
            to_continue(kind.initiator().step(None, &mut Vec::new()).unwrap())
                .step(Some(&second), &mut Vec::new())
                .unwrap()
        {
            let error = last.step(Some(&second), &mut Vec::new()).unwrap_err();
            assert!(matches!(error, Error::OutOfSequence { .. }), "{error:?}");
        }
    }
}

// S-01: on another connection.
#[test]
fn an_authenticate_serves_one_challenge() {
    let pair = Pair::default();
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
    let _ = pair.acceptor().step(&first, &mut second).unwrap();
    let _ = initiator.step(Some(&second), &mut third).unwrap();
    // Another connection chooses another challenge.
    let mut exchange = forge::exchange(&first, &second);
    exchange.challenge[24] ^= 0xff;
    let acceptor =
        Acceptor::resume(forge::config(NOW, Policy::default()), ChannelBindings::none(), exchange)
            .unwrap();
    let result = forge::finish(
        acceptor,
        &third,
        forge::known("CORP", "alice", pair::PASSWORD),
        &mut third.clone(),
    );
    assert_eq!(refusal(result), Refusal::WrongProof);
}

#[test]
fn a_store_that_fails_is_not_the_clients_fault() {
    for kind in kinds() {
        let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let initiator = to_continue(kind.initiator().step(None, &mut first).unwrap());
        let AcceptorStep::Continue(acceptor) = kind.acceptor().step(&first, &mut second).unwrap()
        else {
            panic!("no challenge")
        };
        let _ = initiator.step(Some(&second), &mut third).unwrap();
        let mut out = Vec::new();
        let AcceptorStep::NeedLogon(request) = acceptor.step(&third, &mut out).unwrap() else {
            panic!("nobody to look up")
        };
        let error = request.resolve(Err(StoreError::new("down")), &mut out).unwrap_err();
        assert_eq!(error, Error::Store(StoreError::new("down")));
        assert!(out.is_empty());
    }
}

// N-15
#[test]
fn a_token_over_the_limit_is_not_looked_at() {
    let mut policy = Policy::default();
    policy.max_token = 39;
    let pair = Pair { policy, ..Pair::default() };
    let error = pair.run().err().unwrap();
    assert_eq!(error, Error::TokenTooLong { length: 40, limit: 39 });
}

// P-08, P-24
#[test]
fn the_initiator_refuses_what_it_did_not_offer() {
    let pair = Pair { spnego: true, ..Pair::default() };
    let mut first = Vec::new();
    let step = |resp: NegTokenResp<'_>| {
        let initiator = to_continue(pair.initiator().step(None, &mut Vec::new()).unwrap());
        let mut token = Vec::new();
        resp.encode(&mut token).unwrap();
        initiator.step(Some(&token), &mut Vec::new()).unwrap_err()
    };
    let _ = pair.initiator().step(None, &mut first).unwrap();
    let init = NegTokenInit::decode(&first).unwrap();
    assert_eq!(init.mech_types.iter().collect::<Vec<_>>(), [MechType::NTLMSSP]);
    let krb5 = NegTokenResp {
        neg_state: Some(NegState::AcceptIncomplete),
        supported_mech: Some(MechType::KRB5),
        ..NegTokenResp::default()
    };
    assert_eq!(step(krb5), PeerIncompatible::MechanismNotOffered.into());
    let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..NegTokenResp::default() };
    assert_eq!(step(reject), PeerIncompatible::Rejected.into());
    let done = NegTokenResp { neg_state: Some(NegState::AcceptCompleted), ..reject };
    assert!(matches!(step(done), Error::OutOfSequence { .. }), "success before the proof");
}

// F-07
#[test]
fn the_initiator_refuses_weakened_flags() {
    let pair = Pair::default();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let _ = pair.initiator().step(None, &mut first).unwrap();
    let _ = pair.acceptor().step(&first, &mut second).unwrap();
    assert_eq!(MessageType::of(&second), Some(MessageType::Challenge));
    for (flag, expected) in [
        (NegotiateFlags::EXTENDED_SESSIONSECURITY, PeerIncompatible::NtlmV1Wanted),
        (NegotiateFlags::UNICODE, PeerIncompatible::FlagsDowngraded),
    ] {
        let mut weak = second.clone();
        let bits = u32::from_le_bytes(weak[20..24].try_into().unwrap()) & !flag.bits();
        weak[20..24].copy_from_slice(&bits.to_le_bytes());
        let initiator = to_continue(pair.initiator().step(None, &mut Vec::new()).unwrap());
        let error = initiator.step(Some(&weak), &mut Vec::new()).unwrap_err();
        assert_eq!(error, expected.into());
    }
    // Anything else that is taken away on its way breaks the MIC.
    let acceptor = {
        let exchange = forge::exchange(&first, &second);
        Acceptor::resume(forge::config(NOW, Policy::default()), ChannelBindings::none(), exchange)
            .unwrap()
    };
    second[23] &= !0x20;
    let initiator = to_continue(pair.initiator().step(None, &mut Vec::new()).unwrap());
    let mut third = Vec::new();
    let _ = initiator.step(Some(&second), &mut third).unwrap();
    let AcceptorStep::NeedLogon(request) = acceptor.step(&third, &mut Vec::new()).unwrap() else {
        panic!("nobody to look up")
    };
    let answer = lookup(request.account());
    assert_eq!(refusal(request.resolve(Ok(answer), &mut Vec::new())), Refusal::WrongMic);
}

// N-15: the limits are those of the specification, to the byte.
#[test]
fn the_usual_limits_are_64_kib_for_a_token_and_1_kib_for_a_name() {
    let policy = Policy::default();
    assert_eq!((policy.max_token, policy.max_name), (65_536, 1024));
    for first in [0x60, 0x4e] {
        let step = |length| {
            let acceptor = Pair::default().acceptor();
            acceptor.step(&vec![first; length], &mut Vec::new()).unwrap_err()
        };
        assert!(!matches!(step(65_536), Error::TokenTooLong { .. }));
        assert_eq!(step(65_537), Error::TokenTooLong { length: 65_537, limit: 65_536 });
    }
}
