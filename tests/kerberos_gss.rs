//! `kerberos/gss.txt`: the tokens of RFC 4121, and what is in the authenticator for them.
#![cfg(feature = "kerberos")]

#[path = "support/vectors.rs"]
mod vectors;

use logon::DecodeErrorKind;
use logon::kerberos::{EncryptionType, IntegrityFailed, Key, KeyUsage};
use logon::wire::krb5::{
    AuthenticatorChecksum, GssFlags, GssToken, MicToken, PerMessageFlags, TokenId, WrapToken,
};
use logon::wire::spnego::MechType;
use vectors::Case;

fn key(case: &Case) -> Key {
    let number = i32::try_from(case.u64("EncryptionType")).unwrap();
    Key::new(EncryptionType::try_from(number).unwrap(), &case.hex("Key")).unwrap()
}

fn usage(case: &Case) -> KeyUsage {
    KeyUsage::new(u32::try_from(case.u64("KeyUsage")).unwrap())
}

/// The flags of a token that was sent with this usage.
fn flags(usage: KeyUsage) -> PerMessageFlags {
    match usage {
        KeyUsage::ACCEPTOR_SIGN | KeyUsage::ACCEPTOR_SEAL => {
            PerMessageFlags::ACCEPTOR_SUBKEY | PerMessageFlags::SENT_BY_ACCEPTOR
        }
        _ => PerMessageFlags::ACCEPTOR_SUBKEY,
    }
}

fn verify_mic(key: &Key, usage: KeyUsage, message: &[u8], token: &[u8]) -> bool {
    MicToken::decode(token).is_ok_and(|mic| {
        key.verify_checksum(usage, &[message, &mic.header()], mic.checksum).is_ok()
    })
}

fn check_mic(case: &Case) {
    let (key, usage) = (key(case), usage(case));
    let (message, token) = (case.hex("Message"), case.hex("Token"));
    let mic = MicToken::decode(&token).unwrap();
    assert_eq!(mic.flags, flags(usage));
    assert_eq!(u64::from(mic.flags.bits()), case.u64("Flags"));
    assert_eq!(mic.sequence_number, case.u64("SequenceNumber"));
    assert!(verify_mic(&key, usage, &message, &token), "{}", case.id());

    let header = MicToken { checksum: &[], ..mic }.header();
    let checksum = key.checksum(usage, &[&message, &header]);
    let mut encoded = Vec::new();
    MicToken { checksum: checksum.as_bytes(), ..mic }.encode(&mut encoded);
    assert_eq!(encoded, token, "{}", case.id());

    for bit in 0..token.len() * 8 {
        let mut tampered = token.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        assert!(!verify_mic(&key, usage, &message, &tampered), "bit {bit} of {}", case.id());
    }
    for length in 0..token.len() {
        assert!(!verify_mic(&key, usage, &message, &token[..length]));
        assert!(length >= 16 || MicToken::decode(&token[..length]).is_err());
    }
    let other = match usage {
        KeyUsage::ACCEPTOR_SIGN => KeyUsage::INITIATOR_SIGN,
        _ => KeyUsage::ACCEPTOR_SIGN,
    };
    assert!(!verify_mic(&key, other, &message, &token), "sent back");
    assert!(!verify_mic(&key, usage, &message[1..], &token));
    assert!(WrapToken::decode(&token).is_err());
}

/// The message of a token that is signed only, if it is right.
fn unwrap(key: &Key, usage: KeyUsage, token: &[u8]) -> Option<Vec<u8>> {
    let wrap = WrapToken::decode(token).ok()?;
    let data = wrap.unrotated().concat();
    let length = data.len().checked_sub(usize::from(wrap.extra_count))?;
    let (message, checksum) = data.split_at(length);
    let verified: Result<(), IntegrityFailed> =
        key.verify_checksum(usage, &[message, &wrap.signed_header()], checksum);
    verified.ok().map(|()| message.to_vec())
}

fn check_wrap(case: &Case) {
    let (key, usage) = (key(case), usage(case));
    let (message, token) = (case.hex("Message"), case.hex("Token"));
    let wrap = WrapToken::decode(&token).unwrap();
    assert_eq!(wrap.flags, flags(usage));
    assert_eq!(u64::from(wrap.extra_count), case.u64("ExtraCount"));
    assert_eq!(u64::from(wrap.right_rotation_count), case.u64("RightRotationCount"));
    assert_eq!(unwrap(&key, usage, &token).as_ref(), Some(&message), "{}", case.id());
    let mut encoded = Vec::new();
    wrap.encode(&mut encoded);
    assert_eq!(encoded, token);

    // Rotated another way it is the same message: RRC is not signed, what it says is.
    let plain = wrap.unrotated().concat();
    let longer = u16::try_from(plain.len() + 12).unwrap();
    for (count, data) in [(0, plain.clone()), (longer, wrap.data.to_vec())] {
        let mut rotated = Vec::new();
        WrapToken { right_rotation_count: count, data: &data, ..wrap }.encode(&mut rotated);
        assert_eq!(unwrap(&key, usage, &rotated).as_ref(), Some(&message), "{count}");
    }
    for bit in 0..token.len() * 8 {
        let mut tampered = token.clone();
        tampered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(unwrap(&key, usage, &tampered), None, "bit {bit} of {}", case.id());
    }
    for length in 0..token.len() {
        assert_eq!(unwrap(&key, usage, &token[..length]), None);
    }
    let empty = WrapToken { data: &[], ..wrap };
    assert_eq!(empty.unrotated(), [&[][..]; 2]);
}

#[test]
fn published_tokens_verify_and_tampered_ones_do_not() {
    for case in vectors::load("kerberos/gss.txt") {
        match case.kind() {
            "mic" => check_mic(&case),
            "wrap" => check_wrap(&case),
            other => panic!("{other}"),
        }
    }
}

/// An AP-REQ for the framing: its tag and an empty value.
const AP_REQ: [u8; 2] = [0x6e, 0];

fn framed(mech: MechType<'_>, id: TokenId, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GssToken { mech: Some(mech), id, message }.encode(&mut out).unwrap();
    out
}

#[test]
fn messages_are_told_apart_by_identifier_and_tag() {
    for (id, tag) in [(TokenId::ApReq, 0x6e), (TokenId::ApRep, 0x6f), (TokenId::Error, 0x7e)] {
        for mech in [MechType::KRB5, MechType::MS_KRB5] {
            let message = [tag, 1, 7];
            let bytes = framed(mech, id, &message);
            let token = GssToken::decode(&bytes).unwrap();
            assert_eq!(token, GssToken { mech: Some(mech), id, message: &message });
        }
        let bare = [tag, 0];
        let token = GssToken::decode(&bare).unwrap();
        assert_eq!(token, GssToken { mech: None, id, message: &bare });
    }
    let reply = framed(MechType::KRB5, TokenId::ApRep, &AP_REQ);
    assert_eq!(GssToken::decode(&reply).unwrap_err().field, "TOK_ID");
}

#[test]
fn what_is_no_token_of_kerberos_is_refused() {
    let honest = framed(MechType::KRB5, TokenId::ApReq, &AP_REQ);
    for length in 0..honest.len() {
        assert!(GssToken::decode(&honest[..length]).is_err(), "{length}");
    }
    let longer = [&honest[..], &[0]].concat();
    assert_eq!(GssToken::decode(&longer).unwrap_err().kind, DecodeErrorKind::TrailingData);
    // User-to-user has an identifier of its own, and so has a MIC token within a framing.
    let foreign = framed(MechType::NTLMSSP, TokenId::ApReq, &AP_REQ);
    assert_eq!(GssToken::decode(&foreign).unwrap_err().field, "thisMech");
    for id in [[4, 0], [4, 1], [1, 1], [2, 1]] {
        let mut other = honest.clone();
        let at = other.len() - 4;
        other[at..at + 2].copy_from_slice(&id);
        assert_eq!(GssToken::decode(&other).unwrap_err().field, "TOK_ID");
    }
    for token in [&b"NTLMSSP\0"[..], &[0x30, 0], &[0x61, 0]] {
        assert!(GssToken::decode(token).is_err());
    }
}

#[test]
fn the_checksum_of_the_authenticator_is_read_with_its_bounds() {
    let plain = AuthenticatorChecksum {
        bindings: [7; 16],
        flags: GssFlags::MUTUAL | GssFlags::INTEG,
        delegation: None,
        extensions: &[],
    };
    let mut bytes = Vec::new();
    plain.encode(&mut bytes).unwrap();
    assert_eq!(bytes, [&[16, 0, 0, 0][..], &[7; 16], &[0x22, 0, 0, 0]].concat());
    assert_eq!(AuthenticatorChecksum::decode(&bytes).unwrap(), plain);
    for length in 0..24 {
        let error = AuthenticatorChecksum::decode(&bytes[..length]).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::Truncated);
    }
    for wrong in [0, 15, 17, 255] {
        let mut tampered = bytes.clone();
        tampered[0] = wrong;
        let error = AuthenticatorChecksum::decode(&tampered).unwrap_err();
        assert_eq!((error.field, error.kind), ("Lgth", DecodeErrorKind::BadValue));
    }
    // Unknown flags and what stands behind are no mistake.
    let mut more = bytes.clone();
    more[23] = 0x80;
    more.extend([1, 2, 3]);
    let decoded = AuthenticatorChecksum::decode(&more).unwrap();
    assert_eq!(decoded.flags.bits(), 0x8000_0022);
    assert_eq!(decoded.extensions, [1, 2, 3]);
}

//
#[test]
fn a_delegated_ticket_stays_within_its_bounds() {
    let delegating = AuthenticatorChecksum {
        bindings: [0; 16],
        flags: GssFlags::DELEG,
        delegation: Some(b"KRB_CRED"),
        extensions: b"ext",
    };
    let mut bytes = Vec::new();
    delegating.encode(&mut bytes).unwrap();
    assert_eq!(bytes[24..28], [1, 0, 8, 0]);
    assert_eq!(AuthenticatorChecksum::decode(&bytes).unwrap(), delegating);
    // What is not there, or not as it says, is ignored as a whole.
    let mut option = bytes.clone();
    option[24] = 2;
    let mut long = bytes.clone();
    long[26] = 12;
    let cut = (24..36).map(|length| bytes[..length].to_vec());
    for wrong in cut.chain([option, long]) {
        let this = AuthenticatorChecksum::decode(&wrong).unwrap();
        assert_eq!((this.flags, this.delegation), (GssFlags::empty(), None));
        assert_eq!(this.extensions, &wrong[24..]);
        let mut again = Vec::new();
        this.encode(&mut again).unwrap();
        assert_eq!(AuthenticatorChecksum::decode(&again).unwrap(), this);
    }
    let too_long = vec![0; 0x1_0000];
    let this = AuthenticatorChecksum { delegation: Some(&too_long), ..delegating };
    assert!(this.encode(&mut Vec::new()).is_err());
}
