//! The single messages among the vectors: every field, and the way back to bytes.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

use crate::vectors::Case;
use logon::wire::ntlm::{
    Authenticate, Challenge, MessageType, Negotiate, NegotiateFlags, NtlmV2Response, TargetInfo,
    Version,
};
use logon::wire::{Text, Utf16Le};
use logon::{DecodeError, DecodeErrorKind};

/// Whole messages that are laid out in another way than this library writes them: without
/// `Version`, with the payload in another order, or with an offset where there is nothing.
const OTHER_LAYOUT: &[&str] = &[
    "4.2.2.3-challenge-message",
    "4.2.3.3-challenge-message",
    "4.2.4.3-authenticate-message",
    "legacy-negotiate-32-bytes",
    "legacy-authenticate-no-version-no-mic",
    "type2-message",
    "type3-message",
    "type1-message",
    "win10-negotiate",
    "negotiate",
    "authenticate",
    "impacket-ntlm2-session-authenticate",
    "win7-epa-authenticate-av-pairs",
    "min-challenge",
    "min-challenge-no-unicode",
    "min-challenge-no-ess",
];

pub(crate) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

pub(crate) fn flags(case: &Case) -> NegotiateFlags {
    NegotiateFlags::from_bits_retain(u32::try_from(case.u64("NegotiateFlags")).unwrap())
}

fn text(flags: NegotiateFlags, bytes: &[u8]) -> String {
    if flags.contains(NegotiateFlags::UNICODE) {
        Text::Unicode(Utf16Le::new(bytes).unwrap()).to_text()
    } else {
        Text::Oem(bytes).to_text()
    }
}

fn version(case: &Case, version: Option<Version>) {
    if let Some(expected) = case.opt_hex("Version") {
        assert_eq!(version.unwrap().0[..], expected, "{}", case.id());
    }
}

fn av_pairs(case: &Case, list: Option<TargetInfo<'_>>) {
    let pairs = case.list_text("AvPair");
    let Some((end, pairs)) = pairs.split_last() else { return };
    assert_eq!(end, "0");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let found = list.unwrap().iter().map(|pair| format!("{} {}", pair.id.0, hex(pair.value)));
    assert_eq!(found.collect::<Vec<_>>(), pairs, "{}", case.id());
}

fn payload_offset(case: &Case, message: &[u8], fields: &[usize]) {
    let Some(expected) = case.opt_u64("PayloadOffset") else { return };
    let offset = |at: &usize| u32::from_le_bytes(array(&message[at + 4..at + 8]));
    assert_eq!(fields.iter().map(offset).min(), Some(u32::try_from(expected).unwrap()));
}

/// What may not be changed in any message.
fn tampered<T: core::fmt::Debug>(message: &[u8], decode: impl Fn(&[u8]) -> Result<T, DecodeError>) {
    for index in 0..12 {
        let mut tampered = message.to_vec();
        tampered[index] ^= 1;
        assert_eq!(decode(&tampered).unwrap_err().kind, DecodeErrorKind::BadValue);
    }
    for length in 0..12 {
        assert_eq!(decode(&message[..length]).unwrap_err().kind, DecodeErrorKind::Truncated);
    }
}

/// A field that is moved out of the message.
fn moved(message: &[u8], at: usize) -> Option<Vec<u8>> {
    let length = u16::from_le_bytes(array(message.get(at..at + 2)?));
    let mut moved = message.to_vec();
    *moved.get_mut(at + 7)? = 0xff;
    (length > 0).then_some(moved)
}

fn same_layout(case: &Case, message: &[u8], written: &[u8]) {
    let same = !OTHER_LAYOUT.contains(&case.id());
    assert_eq!(message == written, same, "{}", case.id());
}

pub(crate) fn check_negotiate(case: &Case) {
    let message = case.hex("Negotiate");
    let decoded = Negotiate::decode(&message).unwrap();
    assert_eq!(decoded.flags, flags(case), "{}", case.id());
    for (name, field) in [("Domain", decoded.domain), ("Workstation", decoded.workstation)] {
        if let Some(expected) = case.opt_text(name) {
            assert_eq!(field, expected.as_bytes(), "{}", case.id());
        }
    }
    version(case, decoded.version);
    if let Some(length) = case.opt_u64("MessageLength") {
        assert_eq!(message.len(), usize::try_from(length).unwrap());
    }
    let mut written = Vec::new();
    decoded.encode(&mut written).unwrap();
    let again = Negotiate::decode(&written).unwrap();
    assert_eq!(again, Negotiate { version: again.version, ..decoded });
    assert_eq!(again.version, Some(decoded.version.unwrap_or_default()));
    same_layout(case, &message, &written);
    tampered(&message, |bytes| Negotiate::decode(bytes).map(|_| ()));
    for moved in [16, 24].into_iter().filter_map(|at| moved(&message, at)) {
        assert_eq!(Negotiate::decode(&moved).unwrap_err().kind, DecodeErrorKind::OutOfBounds);
    }
}

pub(crate) fn check_challenge(case: &Case) {
    let message = case.hex("Challenge");
    let decoded = Challenge::decode(&message).unwrap();
    assert_eq!(decoded.flags, flags(case), "{}", case.id());
    if let Some(expected) = case.opt_hex("ServerChallenge") {
        assert_eq!(decoded.server_challenge[..], expected);
    }
    if let Some(expected) = case.opt_text("TargetName") {
        assert_eq!(decoded.target_name_text().unwrap().to_text(), expected);
    }
    if let Some(expected) = case.opt_hex("TargetInfo") {
        assert_eq!(decoded.target_info.unwrap().as_bytes(), expected);
    }
    av_pairs(case, decoded.target_info);
    version(case, decoded.version);
    payload_offset(case, &message, &[12, 40]);
    let mut written = Vec::new();
    decoded.encode(&mut written).unwrap();
    let again = Challenge::decode(&written).unwrap();
    assert_eq!(again.version, Some(decoded.version.unwrap_or_default()));
    assert_eq!(again, Challenge { version: again.version, ..decoded });
    same_layout(case, &message, &written);
    tampered(&message, |bytes| Challenge::decode(bytes).map(|_| ()));
    for moved in [12, 40].into_iter().filter_map(|at| moved(&message, at)) {
        assert_eq!(Challenge::decode(&moved).unwrap_err().kind, DecodeErrorKind::OutOfBounds);
    }
}

pub(crate) fn check_authenticate(case: &Case) {
    let message = case.hex("Authenticate");
    let decoded = Authenticate::decode(&message).unwrap();
    let flags = flags(case);
    assert_eq!(decoded.flags, Some(flags), "{}", case.id());
    for (name, field) in
        [("User", decoded.user), ("Domain", decoded.domain), ("Workstation", decoded.workstation)]
    {
        if let Some(expected) = case.opt_text(name) {
            assert_eq!(text(flags, field), expected, "{}", case.id());
        }
    }
    for (name, field) in [
        ("LmChallengeResponse", decoded.lm_response),
        ("NtChallengeResponse", decoded.nt_response),
        ("EncryptedRandomSessionKey", decoded.encrypted_random_session_key),
    ] {
        if let Some(expected) = case.opt_hex(name) {
            assert_eq!(field, expected, "{}", case.id());
        }
    }
    if let Some(length) = case.opt_u64("LmChallengeResponseLen") {
        assert_eq!(decoded.lm_response.len(), usize::try_from(length).unwrap());
    }
    if let Some(expected) = case.opt_hex("Mic") {
        assert_eq!(decoded.mic.unwrap()[..], expected, "{}", case.id());
    }
    version(case, decoded.version);
    payload_offset(case, &message, &[12, 20, 28, 36, 44]);
    let response = NtlmV2Response::decode(decoded.nt_response);
    if decoded.nt_response.len() > 24 {
        let response = response.unwrap();
        if let Some(expected) = case.opt_hex("NtProofStr") {
            assert_eq!(response.nt_proof_str[..], expected);
        }
        if let Some(expected) = case.opt_hex("Time") {
            assert_eq!(response.timestamp.to_le_bytes()[..], expected);
        }
        if let Some(expected) = case.opt_hex("ClientChallenge") {
            assert_eq!(response.client_challenge[..], expected);
        }
        if let Some(expected) = case.opt_hex("BytesAfterEol") {
            let pairs: usize = response.target_info.iter().map(|pair| 4 + pair.value.len()).sum();
            assert_eq!(response.target_info.as_bytes()[pairs + 4..], expected);
        }
        av_pairs(case, Some(response.target_info));
    } else {
        response.unwrap_err();
    }
    let mut written = Vec::new();
    decoded.encode(&mut written).unwrap();
    let again = Authenticate::decode(&written).unwrap();
    assert_eq!(again.version, Some(decoded.version.unwrap_or_default()));
    assert_eq!(again, Authenticate { version: again.version, ..decoded });
    same_layout(case, &message, &written);
    tampered(&message, |bytes| Authenticate::decode(bytes).map(|_| ()));
    for moved in [12, 20, 28, 36, 44].into_iter().filter_map(|at| moved(&message, at)) {
        assert_eq!(Authenticate::decode(&moved).unwrap_err().kind, DecodeErrorKind::OutOfBounds);
    }
    assert_eq!(MessageType::of(&message), Some(MessageType::Authenticate));
}
