//! One invariant per decoder: what decodes can be encoded, and decodes to the same again.
//!
//! Encoders always write the full header. What a decoder reports as absent comes back as its
//! default, everything else comes back unchanged, and a second encoding changes nothing.

use logon::ChannelBindings;
use logon::wire::Utf16Le;
use logon::wire::ntlm::{
    Authenticate, AvId, AvPair, Challenge, MessageSignature, MessageType, Negotiate,
    NtlmV2Response, TargetInfo, TargetInfoBuilder,
};
use logon::wire::spnego::{MechType, MechTypes, NegTokenInit, NegTokenResp};
use sha2::Digest;

/// Writes with `encode`; what came out of a decoder is never too long.
fn encoded<E: std::fmt::Debug>(encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out).expect("what was decoded can be encoded");
    out
}

/// `NEGOTIATE_MESSAGE`.
pub fn negotiate(data: &[u8]) {
    let Ok(first) = Negotiate::decode(data) else { return };
    assert_eq!(MessageType::of(data), Some(MessageType::Negotiate));
    let bytes = encoded(|out| first.encode(out));
    let second = Negotiate::decode(&bytes).expect("our own encoding");
    let version = Some(first.version.unwrap_or_default());
    assert_eq!(second, Negotiate { version, ..first });
    assert_eq!(encoded(|out| second.encode(out)), bytes);
}

/// `CHALLENGE_MESSAGE`.
pub fn challenge(data: &[u8]) {
    let Ok(first) = Challenge::decode(data) else { return };
    assert_eq!(MessageType::of(data), Some(MessageType::Challenge));
    if let Ok(text) = first.target_name_text() {
        assert_eq!(text.is_empty(), text.to_text().is_empty());
    }
    let bytes = encoded(|out| first.encode(out));
    let second = Challenge::decode(&bytes).expect("our own encoding");
    let version = Some(first.version.unwrap_or_default());
    assert_eq!(second, Challenge { version, ..first });
    assert_eq!(encoded(|out| second.encode(out)), bytes);
}

/// `AUTHENTICATE_MESSAGE`. A MIC neither appears nor disappears.
pub fn authenticate(data: &[u8]) {
    let Ok(first) = Authenticate::decode(data) else { return };
    assert_eq!(MessageType::of(data), Some(MessageType::Authenticate));
    let bytes = encoded(|out| first.encode(out));
    let second = Authenticate::decode(&bytes).expect("our own encoding");
    let flags = Some(first.flags.unwrap_or_default());
    let version = Some(first.version.unwrap_or_default());
    assert_eq!(second, Authenticate { flags, version, ..first });
    assert_eq!(encoded(|out| second.encode(out)), bytes);
}

/// A list of AV pairs: writing its pairs again gives the same bytes up to `MsvAvEOL`.
pub fn target_info(data: &[u8]) {
    let Ok(list) = TargetInfo::decode(data) else { return };
    assert_eq!(list.as_bytes(), data);
    check_list(&list);
}

fn check_list(list: &TargetInfo<'_>) {
    let pairs: Vec<AvPair<'_>> = list.iter().collect();
    let mut builder = TargetInfoBuilder::new();
    for pair in &pairs {
        assert_ne!(pair.id, AvId::EOL);
        builder.push(pair.id, pair.value).expect("what was decoded can be encoded");
        let first = pairs.iter().find(|other| other.id == pair.id).map(|other| other.value);
        assert_eq!(list.get(pair.id), first);
        drop(Utf16Le::new(pair.value).map(|text| text.to_string()));
    }
    let bytes = builder.finish();
    assert!(list.as_bytes().starts_with(&bytes), "pairs were changed or lost");
    assert!(TargetInfo::decode(&bytes).expect("our own encoding").iter().eq(list.iter()));

    let twice = |id: AvId| pairs.iter().filter(|pair| pair.id == id).count() > 1;
    let known = pairs.iter().any(|pair| pair.id.name().is_some() && twice(pair.id));
    assert!(!known || list.duplicate().is_some(), "a duplicate was overlooked");
    assert!(list.duplicate().is_none_or(twice), "a duplicate was made up");
    assert_eq!(list.timestamp().is_some(), list.get(AvId::TIMESTAMP).is_some());
}

/// `NTLMv2_RESPONSE`. The proof runs over `temp`, so `temp` must be the bytes as received.
pub fn ntlmv2_response(data: &[u8]) {
    let Ok(response) = NtlmV2Response::decode(data) else { return };
    let again = [&response.nt_proof_str, response.temp].concat();
    assert_eq!(again, data);
    assert!(response.temp.starts_with(&[1, 1]));
    assert_eq!(response.temp[8..16], response.timestamp.to_le_bytes());
    assert_eq!(response.temp[16..24], response.client_challenge);
    assert_eq!(&response.temp[28..], response.target_info.as_bytes());
    check_list(&response.target_info);
}

/// `NTLMSSP_MESSAGE_SIGNATURE`: nothing is optional, the bytes are the same.
pub fn message_signature(data: &[u8]) {
    let Ok(signature) = MessageSignature::decode(data) else { return };
    assert_eq!(signature.encode(), data);
}

/// `NegTokenInit`. Hints are not written, everything else is; the list of mechanisms keeps its
/// bytes, because `mechListMIC` runs over them.
pub fn neg_token_init(data: &[u8]) {
    let Ok(first) = NegTokenInit::decode(data) else { return };
    check_mechs(first.mech_types);
    let bytes = encoded(|out| first.encode(out));
    let second = NegTokenInit::decode(&bytes).expect("our own encoding");
    assert_eq!(second, NegTokenInit { neg_hints: None, ..first });
    assert_eq!(encoded(|out| second.encode(out)), bytes);
}

/// `NegTokenResp`. Lengths may have come in a longer form than ours; nothing else can differ.
pub fn neg_token_resp(data: &[u8]) {
    let Ok(first) = NegTokenResp::decode(data) else { return };
    let bytes = encoded(|out| first.encode(out));
    assert!(bytes.len() <= data.len());
    assert_eq!(NegTokenResp::decode(&bytes).expect("our own encoding"), first);
}

/// `MechTypeList`: keeps its bytes.
pub fn mech_types(data: &[u8]) {
    let Ok(list) = MechTypes::decode(data) else { return };
    assert_eq!(list.as_der(), data);
    check_mechs(list);
}

fn check_mechs(list: MechTypes<'_>) {
    let mechs: Vec<MechType<'_>> = list.iter().collect();
    assert!((1..=32).contains(&mechs.len()));
    for mech in &mechs {
        assert!(!mech.to_string().is_empty());
    }
    let bytes = MechTypes::encode(&mechs).expect("what was decoded");
    assert!(bytes.len() <= list.as_der().len());
    let again = MechTypes::decode(&bytes).expect("our own encoding");
    assert!(again.iter().eq(mechs));
}

/// The channel bindings of a certificate: none, or one of the three hashes over all of it.
pub fn certificate(data: &[u8]) {
    let Ok(bindings) = ChannelBindings::tls_server_end_point(data) else { return };
    let of = |digest: &[u8]| {
        ChannelBindings::from_application_data([b"tls-server-end-point:", digest].concat())
    };
    let possible = [
        ChannelBindings::none(),
        of(&sha2::Sha256::digest(data)),
        of(&sha2::Sha384::digest(data)),
        of(&sha2::Sha512::digest(data)),
    ];
    assert!(possible.contains(&bindings), "bindings of something else: {bindings:?}");
}
