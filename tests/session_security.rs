//! Signing and sealing: the published values through [`Session`], and everything that may go
//! wrong between two of them.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/vectors.rs"]
mod vectors;

use forge::rc4;
use logon::ntlm::{
    ExportedSessionKey, KeyExchangeKey, NtOwfV2, Role, SealKey, Session, SessionBaseKey, SignKey,
};
use logon::wire::ntlm::NegotiateFlags;
use logon::{
    AccountName, Answer, ApiMisuse, Credential, KnownAccount, LmHash, NtHash, RemoteLogon,
};
use messages::{array, flags};
use vectors::Case;

const ESS: NegotiateFlags = NegotiateFlags::EXTENDED_SESSIONSECURITY;
const BOTH: NegotiateFlags = NegotiateFlags::SIGN.union(NegotiateFlags::SEAL);

fn session(key: [u8; 16], flags: NegotiateFlags, role: Role) -> Session {
    Session::new(ExportedSessionKey::from_bytes(key), flags, role)
}

/// Both ends: the initiator's, the acceptor's.
fn ends(key: [u8; 16], flags: NegotiateFlags) -> [Session; 2] {
    [session(key, flags, Role::Initiator), session(key, flags, Role::Acceptor)]
}

fn role(case: &Case) -> Role {
    match case.opt_text("Direction").as_deref() {
        None | Some("client") => Role::Initiator,
        Some("server") => Role::Acceptor,
        Some(other) => panic!("{other}"),
    }
}

fn key(case: &Case) -> [u8; 16] {
    array(&case.hex("ExportedSessionKey"))
}

/// The sender's end and the receiver's of a case; the cases tell no flag for what they do.
fn of_case(key: [u8; 16], flags: NegotiateFlags, sender: Role) -> [Session; 2] {
    let [client, server] = ends(key, flags | BOTH);
    if sender == Role::Initiator { [client, server] } else { [server, client] }
}

/// Every bit of a signature but those in `free`, each at a fresh receiver.
fn every_bit_counts(
    receiver: impl Fn() -> Session,
    sealed: Option<&[u8]>,
    message: &[u8],
    signature: &[u8; 16],
    free: std::ops::Range<usize>,
) {
    for bit in 0..16 * 8 {
        let mut tampered = *signature;
        tampered[bit / 8] ^= 1 << (bit % 8);
        let right = match sealed {
            Some(sealed) => {
                let mut data = sealed.to_vec();
                let right = receiver().unseal(&[], &mut data, &tampered).unwrap();
                assert!(right || data.iter().all(|byte| *byte == 0), "wiped");
                right
            }
            None => receiver().verify_mic(message, &tampered).unwrap(),
        };
        assert_eq!(right, free.contains(&(bit / 8)), "bit {bit}");
    }
}

fn wrap_case(case: &Case, key: [u8; 16], free: std::ops::Range<usize>) {
    let (flags, role) = (flags(case), role(case));
    assert_eq!(case.u64("SeqNum"), 0);
    let exported = ExportedSessionKey::from_bytes(key);
    let (sign_key, seal_key) =
        (SignKey::new(&exported, role), SealKey::new(&exported, flags, role));
    for (name, ours) in
        [("ClientSignKey", &sign_key.expose()[..]), ("ClientSealKey", seal_key.expose())]
    {
        assert!(case.opt_hex(name).is_none_or(|published| published == ours), "{name}");
    }
    let plaintext = case.hex("Plaintext");
    let [mut sender, mut receiver] = of_case(key, flags, role);
    let mut data = plaintext.clone();
    let signature = sender.seal(&[], &mut data).unwrap();
    assert_eq!(data, case.hex("SealedData"), "{}", case.id());
    assert_eq!(signature[..], case.hex("Signature"), "{}", case.id());
    let sealed = data.clone();
    assert!(receiver.unseal(&[], &mut data, &signature).unwrap());
    assert_eq!(data, plaintext);
    let fresh = || {
        let [_, receiver] = of_case(key, flags, role);
        receiver
    };
    every_bit_counts(fresh, Some(&sealed), &plaintext, &signature, free);
}

fn without_ess(case: &Case) {
    let seal_key: [u8; 16] = array(&case.hex("SealKey"));
    let exported = ExportedSessionKey::from_bytes(seal_key);
    assert_eq!(SealKey::new(&exported, flags(case), Role::Initiator).expose(), seal_key);
    // Pad, checksum and number are what the key stream gives behind the message.
    let crc = case.hex("Crc32");
    let sealed = case.hex("SealedData");
    let stream = rc4(&seal_key, &[&vec![0; sealed.len() + 4][..], &crc, &[0; 4]].concat());
    let tail = &stream[sealed.len()..];
    assert_eq!(tail[..4], case.hex("EncryptedRandomPad"));
    assert_eq!(tail[4..8], case.hex("EncryptedChecksum"));
    assert_eq!(tail[8..], case.hex("EncryptedSeqNum"));
}

// K-06, K-07, K-08: [MS-NLMP] §4.2.2.4, §4.2.3.4, §4.2.4.4 and what follows them.
#[test]
fn the_wrapped_messages_of_section_4_2_hold() {
    let mut seen = 0;
    for file in ["2_2_ntlmv1", "2_3_ntlmv1_ess", "2_4_ntlmv2"] {
        for case in vectors::load(&format!("ms-nlmp/section_4_{file}.txt")) {
            seen += 1;
            match case.kind() {
                "gss-wrap-ess" => wrap_case(&case, key(&case), 0..0),
                "gss-wrap-noess" => {
                    let exported = array(&case.list_hex("SealKey").concat());
                    wrap_case(&case, exported, 4..8);
                }
                "gss-wrap-ess-sequence" => sequence_case(&case),
                _ => seen -= 1,
            }
            case.pass_over();
        }
    }
    assert_eq!(seen, 6);
    for case in vectors::load("ms-nlmp/section_4_2_2_ntlmv1.txt") {
        if case.kind() == "gss-wrap-noess" {
            without_ess(&case);
        }
        case.pass_over();
    }
}

fn sequence_case(case: &Case) {
    let (key, flags, role) = (key(case), flags(case), role(case));
    let plaintexts = case.list_hex("Plaintext");
    assert_eq!(case.list_text("SeqNum"), ["0", "1"]);
    let [mut sender, mut receiver] = of_case(key, flags, role);
    let mut last = (Vec::new(), [0; 16]);
    for plaintext in &plaintexts {
        let mut data = plaintext.clone();
        let signature = sender.seal(&[], &mut data).unwrap();
        last = (data.clone(), signature);
        assert!(receiver.unseal(&[], &mut data, &signature).unwrap());
        assert_eq!(&data, plaintext);
    }
    assert_eq!(last.0, case.hex("SecondSealedData"));
    assert_eq!(last.1[..], case.hex("SecondSignature"));
}

/// A recorded signature without sealing, and what of it the receiver does not look at.
fn mic_case(case: &Case, key: [u8; 16], flags: NegotiateFlags, free: std::ops::Range<usize>) {
    let (message, role) = (case.hex("Message"), role(case));
    assert_eq!(case.u64("SeqNum"), 0);
    let signature: [u8; 16] = array(&case.hex("Signature"));
    let [mut sender, mut receiver] = of_case(key, flags, role);
    let mut ours = sender.get_mic(&message).unwrap();
    ours[free.clone()].copy_from_slice(&signature[free.clone()]);
    assert_eq!(ours, signature, "{}", case.id());
    assert!(receiver.verify_mic(&message, &signature).unwrap());
    let fresh = || {
        let [_, receiver] = of_case(key, flags, role);
        receiver
    };
    assert!(!fresh().verify_mic(b"jcifs", &signature).unwrap());
    every_bit_counts(fresh, None, &message, &signature, free);
}

// K-02, K-03, K-04, K-06, K-07, F-10: every published key and signature, at 128, 56 and 40 bits.
#[test]
fn the_published_keys_and_signatures_hold() {
    let mut kinds = std::collections::BTreeMap::new();
    for case in vectors::load("ms-nlmp/sign_seal_keys.txt") {
        *kinds.entry(case.kind().to_owned()).or_insert(0) += 1;
        match case.kind() {
            "seal-key" => {
                let (key, flags, role) = (key(&case), flags(&case), role(&case));
                let exported = ExportedSessionKey::from_bytes(key);
                let expected = case.hex("SealKey");
                assert_eq!(SealKey::new(&exported, flags, role).expose(), expected);
                let other = ExportedSessionKey::from_bytes([0x54; 16]);
                assert_ne!(SealKey::new(&other, flags, role).expose(), expected);
                // Of a short key only the beginning counts.
                let mut tail = key;
                tail[15] ^= 1;
                let short = flags
                    .intersects(ESS | NegotiateFlags::LM_KEY | NegotiateFlags::DATAGRAM)
                    && !flags.contains(NegotiateFlags::KEY_128);
                let tail = ExportedSessionKey::from_bytes(tail);
                let same = SealKey::new(&tail, flags, role).expose() == expected;
                assert_eq!(same, short, "{}", case.id());
            }
            "sign-key" => {
                assert!(flags(&case).contains(ESS));
                let (key, role) = (ExportedSessionKey::from_bytes(key(&case)), role(&case));
                assert_eq!(SignKey::new(&key, role).expose()[..], case.hex("SignKey"));
            }
            "gss-wrap-ess" => wrap_case(&case, key(&case), 0..0),
            "gss-mic-ess" => mic_case(&case, key(&case), flags(&case), 0..0),
            "gss-mic-noess" => {
                // 40 bits: the filling is part of the key that is published.
                let seal_key = case.hex("SealKey");
                let mut key = [0; 16];
                key[..5].copy_from_slice(&seal_key[..5]);
                let exported = ExportedSessionKey::from_bytes(key);
                let flags = NegotiateFlags::LM_KEY;
                assert_eq!(SealKey::new(&exported, flags, Role::Acceptor).expose(), seal_key);
                let stream = rc4(&seal_key, &[0; 12]);
                let tail = [&case.hex("Crc32")[..], &[0; 4]].concat();
                let tail: Vec<u8> =
                    tail.iter().zip(&stream[4..]).map(|(byte, key)| byte ^ key).collect();
                assert_eq!(tail, case.hex("EncryptedCrc32AndSeqNum"));
                mic_case(&case, key, flags, 4..8);
            }
            "dummy-signature" => {
                let (flags, message) = (flags(&case), case.hex("Message"));
                let expected = case.hex("Signature");
                for mut end in ends([0x55; 16], flags) {
                    let signature = end.get_mic(&message).unwrap();
                    assert_eq!(signature[..], expected);
                    let verdict = end.verify_mic(&message, &signature).unwrap_err();
                    assert_eq!(verdict, ApiMisuse::NoSessionSecurity.into(), "proves nothing");
                }
            }
            "wrong-direction" => {
                assert_eq!(case.text("Status"), "STATUS_ACCESS_DENIED");
                let [mut sender, _] = ends([0x55; 16], ESS | BOTH | NegotiateFlags::KEY_EXCH);
                let signature = sender.get_mic(b"mine").unwrap();
                assert!(!sender.verify_mic(b"mine", &signature).unwrap());
            }
            kind => panic!("{kind}"),
        }
    }
    assert_eq!(kinds["seal-key"], 13);
    assert_eq!(kinds["sign-key"], 2);
    assert_eq!(kinds.len(), 7);
}

// K-04: LM_KEY and DATAGRAM know 56 and 40 bits only, whatever else was negotiated.
#[test]
fn old_sealing_keys_have_56_or_40_bits() {
    let key = ExportedSessionKey::from_bytes(*b"0123456789abcdef");
    let (bits56, bits128) = (NegotiateFlags::KEY_56, NegotiateFlags::KEY_128);
    let none = NegotiateFlags::empty();
    for role in [Role::Initiator, Role::Acceptor] {
        let of = |flags| SealKey::new(&key, flags, role).expose().to_vec();
        for old in [NegotiateFlags::LM_KEY, NegotiateFlags::DATAGRAM] {
            for flags in [none, bits128] {
                assert_eq!(of(old | flags), b"01234\xe5\x38\xb0");
                assert_eq!(of(old | flags | bits56), b"0123456\xa0");
            }
        }
        for flags in [none, bits56, bits128, bits56 | bits128] {
            assert_eq!(of(flags), b"0123456789abcdef", "the whole key, and both directions'");
        }
    }
}

/// The bytes as `Debug` shows them, in decimal and in hexadecimal.
fn shows(shown: &str, bytes: &[u8]) -> bool {
    let decimal = format!("{bytes:?}");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex_list = format!("{bytes:02x?}");
    let shown = shown.to_lowercase().replace(['\n', ' '], "");
    let inner = |list: &str| list.trim_matches(['[', ']']).replace(' ', "");
    [inner(&decimal), hex, inner(&hex_list)].iter().any(|form| shown.contains(form.as_str()))
}

// S-23: whatever ends up in a log.
#[test]
fn no_secret_is_in_debug_output() {
    const KEY: [u8; 16] =
        [211, 173, 190, 239, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204];
    assert!(shows(&format!("{KEY:?}"), &KEY) && shows(&format!("{KEY:02x?}"), &KEY));
    let (nt, lm) = (|| NtHash::from_bytes(KEY), || LmHash::from_bytes(KEY));
    let name = || AccountName::new("CORP", "alice");
    let exported = || ExportedSessionKey::from_bytes(KEY);
    let flags = ESS | BOTH | NegotiateFlags::KEY_128 | NegotiateFlags::KEY_EXCH;
    let text = logon::wire::Text::Oem(b"alice");
    let owf = NtOwfV2::new(&nt(), text, text);
    let base = SessionBaseKey::new(&owf, &KEY);
    let sign = SignKey::new(&exported(), Role::Initiator);
    let seal = SealKey::new(&exported(), flags, Role::Initiator);
    let mut used = session(KEY, flags, Role::Initiator);
    let _ = used.get_mic(b"message").unwrap();
    let account = || KnownAccount::new(nt(), name()).with_lm_hash(lm());
    for (shown, secret) in [
        (format!("{:?}", nt()), &KEY[..]),
        (format!("{:?}", lm()), &KEY),
        (format!("{:?}", Credential::nt_hash("alice", nt())), &KEY),
        (format!("{:?}", account()), &KEY),
        (format!("{:?}", Answer::Known(account())), &KEY),
        (format!("{:?}", Answer::Verified(RemoteLogon::new(KEY, name()))), &KEY),
        (format!("{owf:?}"), owf.expose()),
        (format!("{base:?}"), base.expose()),
        (format!("{:?}", exported()), &KEY),
        (format!("{sign:?}"), sign.expose()),
        (format!("{seal:?}"), seal.expose()),
        (format!("{used:?}"), &KEY),
        (format!("{used:?}"), sign.expose()),
        (format!("{used:?}"), seal.expose()),
    ] {
        assert!(!shows(&shown, secret), "{shown}");
    }
    let key = base.into_key_exchange_key();
    assert!(!shows(&format!("{key:?}"), key.expose()));
    let password = format!("{:?}", Credential::password("alice", "S3cret!pw"));
    assert!(!password.contains("S3cret"), "{password}");
}

// S-23: a type without drop glue cannot wipe itself.
#[test]
fn every_secret_does_something_when_it_is_dropped() {
    use std::mem::needs_drop;
    for (wiped, name) in [
        (needs_drop::<NtHash>(), "NtHash"),
        (needs_drop::<LmHash>(), "LmHash"),
        (needs_drop::<NtOwfV2>(), "NtOwfV2"),
        (needs_drop::<SessionBaseKey>(), "SessionBaseKey"),
        (needs_drop::<KeyExchangeKey>(), "KeyExchangeKey"),
        (needs_drop::<ExportedSessionKey>(), "ExportedSessionKey"),
        (needs_drop::<SignKey>(), "SignKey"),
        (needs_drop::<SealKey>(), "SealKey"),
    ] {
        assert!(wiped, "{name} is left in memory");
    }
}
