//! The initiator against CHALLENGEs as no acceptor of ours sends them.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use logon::wire::ntlm::{
    Authenticate, AvFlags, AvId, Challenge, NegotiateFlags, NtlmV2Response, TargetInfo,
    TargetInfoBuilder,
};
use logon::wire::spnego::NegTokenResp;
use logon::{ChannelBindings, ChannelBindingsHash, Error, InitiatorStep, PeerIncompatible};
use pair::{NOW, Pair, to_continue};

const FLAGS: NegotiateFlags = NegotiateFlags::UNICODE
    .union(NegotiateFlags::EXTENDED_SESSIONSECURITY)
    .union(NegotiateFlags::TARGET_INFO)
    .union(NegotiateFlags::KEY_128);

fn answer(pair: &Pair, flags: NegotiateFlags, pairs: &[(AvId, &[u8])]) -> Vec<u8> {
    try_answer(pair, flags, pairs).unwrap()
}

fn unsealed() -> Pair {
    Pair { sealed: false, ..Pair::default() }
}

fn try_answer(
    pair: &Pair,
    flags: NegotiateFlags,
    pairs: &[(AvId, &[u8])],
) -> Result<Vec<u8>, Error> {
    let mut list = TargetInfoBuilder::new();
    pairs.iter().try_for_each(|(id, value)| list.push(*id, value)).unwrap();
    let list = list.finish();
    let sent = Challenge {
        target_name: &[],
        flags,
        server_challenge: [7; 8],
        target_info: (!pairs.is_empty()).then(|| TargetInfo::decode(&list).unwrap()),
        version: None,
    };
    let (mut challenge, mut out) = (Vec::new(), Vec::new());
    sent.encode(&mut challenge).unwrap();
    let initiator = to_continue(pair.initiator().step(None, &mut Vec::new()).unwrap());
    let step = initiator.step(Some(&challenge), &mut out)?;
    assert!(matches!(step, InitiatorStep::Complete(_)));
    Ok(out)
}

// F-07
#[test]
fn flags_that_were_not_asked_for_are_not_taken() {
    let pair = Pair { key_exchange: false, sealed: false, ..Pair::default() };
    let unasked = NegotiateFlags::KEY_EXCH
        | NegotiateFlags::SEAL
        | NegotiateFlags::LM_KEY
        | NegotiateFlags::DATAGRAM
        | NegotiateFlags::OEM;
    let message = answer(&pair, FLAGS | NegotiateFlags::SIGN | unasked, &[]);
    let message = Authenticate::decode(&message).unwrap();
    assert_eq!(message.flags, Some(FLAGS | NegotiateFlags::SIGN));
    assert!(message.encrypted_random_session_key.is_empty());
}

// C-14
#[test]
fn a_key_is_exchanged_for_signing_or_sealing_only() {
    for (flags, length) in [(NegotiateFlags::SIGN, 16), (NegotiateFlags::empty(), 0)] {
        let message = answer(&unsealed(), FLAGS | NegotiateFlags::KEY_EXCH | flags, &[]);
        let message = Authenticate::decode(&message).unwrap();
        assert_eq!(message.encrypted_random_session_key.len(), length);
    }
}

// C-04, C-05, C-07, C-10, C-11, C-12
#[test]
fn a_server_cannot_speak_in_the_clients_name() {
    let ours = ChannelBindings::from_application_data(*b"ours");
    let pair = Pair { client_bindings: ours, ..unsealed() };
    for (id, value) in [
        (AvId::CHANNEL_BINDINGS, &[9; 16][..]),
        (AvId::TARGET_NAME, b"H\0"),
        (AvId::SINGLE_HOST, &[0; 48]),
    ] {
        let error = try_answer(&pair, FLAGS, &[(id, value)]).unwrap_err();
        assert_eq!(error, PeerIncompatible::ForbiddenAvPair.into(), "{id}");
    }
    let pairs: [(AvId, &[u8]); 4] = [
        (AvId(99), b"kept"),
        (AvId::FLAGS, &[1, 0, 0, 0]),
        (AvId::TIMESTAMP, &[3; 8]),
        (AvId::NB_DOMAIN_NAME, b"D\0"),
    ];
    let message = answer(&pair, FLAGS, &pairs);
    let message = Authenticate::decode(&message).unwrap();
    let response = NtlmV2Response::decode(message.nt_response).unwrap();
    let list = response.target_info;
    assert_eq!(list.duplicate(), None);
    let hash = ChannelBindingsHash::of(b"ours").0;
    assert_eq!(list.get(AvId::CHANNEL_BINDINGS), Some(&hash[..]));
    let target = forge::utf16le("HTTP/web01.corp.example");
    assert_eq!(list.get(AvId::TARGET_NAME), Some(&target[..]));
    assert_eq!(list.flags(), AvFlags::CONSTRAINED | AvFlags::MIC_PRESENT);
    let ids: Vec<_> = list.iter().map(|pair| pair.id).take(4).collect();
    let sent = [AvId(99), AvId::FLAGS, AvId::TIMESTAMP, AvId::NB_DOMAIN_NAME];
    assert_eq!(ids, sent, "as sent, in order");
    // The server's time, and no LMv2 response beside it.
    assert_eq!(response.timestamp, u64::from_le_bytes([3; 8]));
    assert_eq!(message.lm_response, [0; 24]);
}

// C-04, C-05, C-09
#[test]
fn without_a_time_the_clients_own_and_an_lmv2_response_are_sent() {
    let message = answer(&unsealed(), FLAGS, &[(AvId::NB_DOMAIN_NAME, b"D\0")]);
    let message = Authenticate::decode(&message).unwrap();
    let response = NtlmV2Response::decode(message.nt_response).unwrap();
    assert_eq!(response.timestamp, NOW);
    assert_eq!(message.lm_response.len(), 24);
    assert_eq!(message.lm_response[16..], [0x55; 8], "the client challenge");
    assert!(message.mic.is_some_and(|mic| mic != [0; 16]));
}

// N-15: a CHALLENGE whose TargetInfo leaves no room for the response is the server's fault, and
// nothing of an answer gets out.
#[test]
fn a_challenge_too_long_to_be_answered_is_refused_as_the_servers_fault() {
    for spnego in [false, true] {
        for (length, right) in [(30_000, true), (65_480, false), (65_524, false)] {
            let (mut first, mut out) = (Vec::new(), Vec::new());
            let pair = Pair { spnego, ..unsealed() };
            let initiator = to_continue(pair.initiator().step(None, &mut first).unwrap());
            let mut list = TargetInfoBuilder::new();
            list.push(AvId::TIMESTAMP, &[3; 8]).unwrap();
            list.push(AvId(77), &vec![7; length - 20]).unwrap();
            let list = list.finish();
            assert_eq!(list.len(), length);
            let mut challenge = Vec::new();
            let message = Challenge {
                target_name: &[],
                flags: NegotiateFlags::from_bits_retain(0xe289_8235),
                server_challenge: [7; 8],
                target_info: Some(TargetInfo::decode(&list).unwrap()),
                version: None,
            };
            message.encode(&mut challenge).unwrap();
            if spnego {
                let resp =
                    NegTokenResp { response_token: Some(&challenge), ..NegTokenResp::default() };
                let mut token = Vec::new();
                resp.encode(&mut token).unwrap();
                challenge = token;
            }
            match initiator.step(Some(&challenge), &mut out) {
                Ok(_) => assert!(right, "{length}"),
                Err(error) => {
                    assert!(!right, "{length}");
                    assert!(!matches!(error, Error::ApiMisuse(_)), "{error:?}");
                    assert!(out.is_empty(), "{} bytes got out", out.len());
                }
            }
        }
    }
}
