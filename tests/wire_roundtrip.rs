//! Every decoder on anything: what is written is read back, what is read stays the same, and
//! nothing panics.

use logon::wire::ntlm::{
    Authenticate, AvId, Challenge, MessageSignature, Negotiate, NegotiateFlags, NtlmV2Response,
    TargetInfo, TargetInfoBuilder, Version,
};
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::{Acceptor, AcceptorConfig, ChannelBindings, ServerNames};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..max)
}

fn flags() -> impl Strategy<Value = NegotiateFlags> {
    any::<u32>().prop_map(NegotiateFlags::from_bits_retain)
}

fn version() -> impl Strategy<Value = Version> {
    any::<[u8; 8]>().prop_map(Version)
}

/// Pairs that a list takes: those of fixed size have it, and none ends the list.
fn pairs() -> impl Strategy<Value = Vec<(AvId, Vec<u8>)>> {
    let pair = (1..20_u16, bytes(40)).prop_map(|(id, mut value)| {
        match id {
            6 => value.resize(4, 0),
            7 => value.resize(8, 0),
            10 => value.resize(16, 0),
            _ => {}
        }
        (AvId(id), value)
    });
    vec(pair, 0..12)
}

fn list(pairs: &[(AvId, Vec<u8>)]) -> Vec<u8> {
    let mut list = TargetInfoBuilder::new();
    pairs.iter().try_for_each(|(id, value)| list.push(*id, value)).unwrap();
    list.finish()
}

fn states() -> impl Strategy<Value = NegState> {
    prop_oneof![
        Just(NegState::AcceptCompleted),
        Just(NegState::AcceptIncomplete),
        Just(NegState::Reject),
        Just(NegState::RequestMic),
    ]
}

fn mechs() -> impl Strategy<Value = Vec<u8>> {
    let mech = prop_oneof![
        Just(MechType::NTLMSSP.0.to_vec()),
        Just(MechType::KRB5.0.to_vec()),
        vec(any::<u8>(), 1..20),
    ];
    vec(mech, 1..=32).prop_map(|mechs| {
        let mechs: Vec<_> = mechs.iter().map(|mech| MechType(mech)).collect();
        MechTypes::encode(&mechs).unwrap()
    })
}

/// Every decoder; what it accepts survives being written and read again.
fn decode_all(input: &[u8]) {
    let mut out = Vec::new();
    if let Ok(message) = Negotiate::decode(input) {
        message.encode(&mut out).unwrap();
        let again = Negotiate::decode(&out).unwrap();
        // The header that we write always has room for a version.
        let version = Some(message.version.unwrap_or_default());
        assert_eq!(again, Negotiate { version, ..message });
    }
    out.clear();
    if let Ok(message) = Challenge::decode(input) {
        message.encode(&mut out).unwrap();
        let again = Challenge::decode(&out).unwrap();
        let version = Some(message.version.unwrap_or_default());
        assert_eq!(again, Challenge { version, ..message });
        let _ = message.target_name_text();
    }
    out.clear();
    if let Ok(message) = Authenticate::decode(input) {
        message.encode(&mut out).unwrap();
        let again = Authenticate::decode(&out).unwrap();
        let version = Some(message.version.unwrap_or_default());
        let flags = Some(message.flags.unwrap_or_default());
        assert_eq!(again, Authenticate { version, flags, ..message });
    }
    if let Ok(response) = NtlmV2Response::decode(input) {
        assert_eq!([&response.nt_proof_str[..], response.temp].concat(), input);
    }
    if let Ok(target_info) = TargetInfo::decode(input) {
        assert_eq!(target_info.as_bytes(), input);
        let pairs: Vec<_> = target_info.iter().map(|pair| (pair.id, pair.value.to_vec())).collect();
        assert!(input.starts_with(&list(&pairs)));
        let _ = (target_info.duplicate(), target_info.flags(), target_info.timestamp());
    }
    if let Ok(signature) = MessageSignature::decode(input) {
        assert_eq!(signature.encode(), input);
    }
    out.clear();
    if let Ok(token) = NegTokenInit::decode(input) {
        token.encode(&mut out).unwrap();
        let again = NegTokenInit::decode(&out).unwrap();
        assert_eq!(again, NegTokenInit { neg_hints: None, ..token });
        assert_eq!(MechTypes::decode(token.mech_types.as_der()), Ok(token.mech_types));
        assert!((1..=32).contains(&token.mech_types.iter().count()));
    }
    out.clear();
    if let Ok(token) = NegTokenResp::decode(input) {
        token.encode(&mut out).unwrap();
        assert_eq!(NegTokenResp::decode(&out), Ok(token));
    }
    let _ = ChannelBindings::tls_server_end_point(input);
    let _ = Acceptor::is_initial(input);
    let config = Arc::new(AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")));
    let _ = Acceptor::new(config, ChannelBindings::none()).step(input, &mut Vec::new());
}

/// A message cut off anywhere, or with one byte another, is read or refused.
fn mangle(message: &[u8], at: prop::sample::Index, byte: u8) {
    decode_all(message);
    for length in 0..message.len() {
        decode_all(&message[..length]);
    }
    let mut message = message.to_vec();
    let at = at.index(message.len());
    message[at] = byte;
    decode_all(&message);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn negotiate_is_read_as_written(
        flags in flags(), domain in bytes(20), workstation in bytes(20), version in version(),
        at: prop::sample::Index, byte: u8,
    ) {
        let (domain, workstation) = (&domain[..], &workstation[..]);
        let message = Negotiate { flags, domain, workstation, version: Some(version) };
        let mut out = Vec::new();
        message.encode(&mut out).unwrap();
        prop_assert_eq!(Negotiate::decode(&out), Ok(message));
        mangle(&out, at, byte);
    }

    #[test]
    fn challenge_is_read_as_written(
        flags in flags(), target_name in bytes(20), server_challenge: [u8; 8],
        pairs in option::of(pairs()), version in version(),
        at: prop::sample::Index, byte: u8,
    ) {
        let list = pairs.map(|pairs| list(&pairs));
        let target_info = list.as_ref().map(|list| TargetInfo::decode(list).unwrap());
        let target_name = &target_name[..];
        let version = Some(version);
        let message = Challenge { target_name, flags, server_challenge, target_info, version };
        let mut out = Vec::new();
        message.encode(&mut out).unwrap();
        prop_assert_eq!(Challenge::decode(&out), Ok(message));
        mangle(&out, at, byte);
    }

    #[test]
    fn authenticate_is_read_as_written(
        fields in vec(bytes(30), 6), flags in flags(), version in version(), mic: Option<[u8; 16]>,
        at: prop::sample::Index, byte: u8,
    ) {
        let message = Authenticate {
            lm_response: &fields[0],
            nt_response: &fields[1],
            domain: &fields[2],
            user: &fields[3],
            workstation: &fields[4],
            encrypted_random_session_key: &fields[5],
            flags: Some(flags),
            version: Some(version),
            mic,
        };
        let mut out = Vec::new();
        message.encode(&mut out).unwrap();
        let decoded = Authenticate::decode(&out);
        // Without any payload the end of the message is the only hint of how long its header is.
        prop_assert_eq!(decoded, Ok(message));
        mangle(&out, at, byte);
    }

    #[test]
    fn av_lists_and_responses_are_read_as_written(
        pairs in pairs(), tail in bytes(12), time: u64, client_challenge: [u8; 8], proof: [u8; 16],
        at: prop::sample::Index, byte: u8,
    ) {
        let mut list = list(&pairs);
        list.extend(tail);
        let decoded = TargetInfo::decode(&list).unwrap();
        prop_assert_eq!(decoded.as_bytes(), &list);
        let read: Vec<_> = decoded.iter().map(|pair| (pair.id, pair.value.to_vec())).collect();
        prop_assert_eq!(&read, &pairs);
        for (id, _) in &pairs {
            let first = pairs.iter().find(|(other, _)| other == id);
            prop_assert_eq!(decoded.get(*id), first.map(|(_, value)| &value[..]));
        }
        let ids: std::collections::HashSet<_> = pairs.iter().map(|(id, _)| id).collect();
        prop_assert_eq!(decoded.duplicate().is_some(), ids.len() < pairs.len());

        let mut response = Vec::from(proof);
        response.extend([1, 1, 0, 0, 0, 0, 0, 0]);
        response.extend(time.to_le_bytes());
        response.extend(client_challenge);
        response.extend([0; 4]);
        response.extend(&list);
        let decoded = NtlmV2Response::decode(&response).unwrap();
        prop_assert_eq!(decoded.nt_proof_str, proof);
        prop_assert_eq!(decoded.temp, &response[16..]);
        prop_assert_eq!((decoded.timestamp, decoded.client_challenge), (time, client_challenge));
        prop_assert_eq!(decoded.target_info.as_bytes(), &list);
        mangle(&response, at, byte);
        mangle(&list, at, byte);
    }

    #[test]
    fn spnego_tokens_are_read_as_written(
        mechs in mechs(), token in option::of(bytes(300)), mic in option::of(bytes(20)),
        neg_state in option::of(states()), mech in option::of(vec(any::<u8>(), 1..20)),
        at: prop::sample::Index, byte: u8,
    ) {
        let init = NegTokenInit {
            mech_types: MechTypes::decode(&mechs).unwrap(),
            mech_token: token.as_deref(),
            neg_hints: None,
            mech_list_mic: mic.as_deref(),
        };
        let mut out = Vec::new();
        init.encode(&mut out).unwrap();
        prop_assert_eq!(NegTokenInit::decode(&out), Ok(init));
        mangle(&out, at, byte);
        let resp = NegTokenResp {
            neg_state,
            supported_mech: mech.as_deref().map(MechType),
            response_token: token.as_deref(),
            mech_list_mic: mic.as_deref(),
        };
        let mut out = Vec::new();
        resp.encode(&mut out).unwrap();
        prop_assert_eq!(NegTokenResp::decode(&out), Ok(resp));
        mangle(&out, at, byte);
    }

    #[test]
    fn signatures_are_read_as_written(checksum: [u8; 8], seq_num: u32, other: [u8; 16]) {
        let signature = MessageSignature { checksum, seq_num };
        prop_assert_eq!(MessageSignature::decode(&signature.encode()), Ok(signature));
        if let Ok(decoded) = MessageSignature::decode(&other) {
            prop_assert_eq!(decoded.encode(), other);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(input in bytes(200), kind in 0..4_u8) {
        decode_all(&input);
        let mut message = b"NTLMSSP\0".to_vec();
        message.extend([kind, 0, 0, 0]);
        message.extend(&input);
        decode_all(&message);
        for first in [0x60, 0xa0, 0xa1, 0x30] {
            let length = u8::try_from(input.len().min(127)).unwrap();
            let mut token = vec![first, length];
            token.extend(&input[..usize::from(length)]);
            decode_all(&token);
        }
    }

    #[test]
    fn offsets_and_lengths_never_panic(
        fields in vec((prop_oneof![0..200_u16, any::<u16>()], prop_oneof![0..200_u32, any::<u32>()]), 6),
        kind in 1..4_u8, payload in bytes(200),
    ) {
        let mut message = b"NTLMSSP\0".to_vec();
        message.extend([kind, 0, 0, 0]);
        for (length, offset) in fields {
            message.extend(length.to_le_bytes());
            message.extend([0; 2]);
            message.extend(offset.to_le_bytes());
        }
        message.extend(payload);
        decode_all(&message);
    }
}
