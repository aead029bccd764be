//! The NTLMv1 family by its published values: [MS-NLMP] §4.2.2 and §4.2.3, Davenport, and what
//! of `primitives.txt` a public function computes.
//!
//! What of `primitives.txt` no function has a use for (MD4 of an odd number of bytes, MD5,
//! HMAC-MD5 under a key longer than a block, RC4 under a key whose length does not divide 16) is
//! held against the libraries in `primitives.rs`. `ntlmv1_logons.rs` has the
//! messages, `session_security.rs` the signatures of §4.2.2.4 and §4.2.3.4.

#[path = "support/capture.rs"]
mod capture;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/old.rs"]
mod old;
#[path = "support/vectors.rs"]
mod vectors;

use forge::rc4;
use logon::ntlm::{
    ExportedSessionKey, KeyExchangeKey, NtOwfV2, Role, Session, lm_response, ntlm_v1_response,
    ntlm2_session_challenge, v1_key_exchange_key,
};
use logon::wire::ntlm::NegotiateFlags;
use logon::wire::{Text, Utf16Le};
use logon::{LmHash, NtHash};
use messages::{array, check_challenge, flags};
use old::{SERVER_CHALLENGE, hashes, session_base_key};
use vectors::Case;

// K-01, S-06: [MS-NLMP] §4.2.2: both hashes, both responses, the three variants of KXKEY.
#[test]
fn section_4_2_2_holds() {
    let mut kinds = Vec::new();
    for case in vectors::load("ms-nlmp/section_4_2_2_ntlmv1.txt") {
        kinds.push(case.kind().to_owned());
        match case.kind() {
            "ntlmv1-keys" => {
                let password = case.text("Password");
                assert_eq!(NtHash::of_password(&password).expose()[..], case.hex("NtOwfV1"));
                let lm = LmHash::of_password(&password).unwrap();
                assert_eq!(lm.expose()[..], case.hex("LmOwfV1"));
                assert_eq!(session_base_key(&password)[..], case.hex("SessionBaseKey"));
                assert!(!flags(&case).contains(NegotiateFlags::EXTENDED_SESSIONSECURITY));
                assert_ne!(NtHash::of_password("password").expose()[..4], [0xa4, 0xf4, 0x9c, 0x40]);
                // LM knows no lower case.
                assert_eq!(LmHash::of_password("pASSWORD").unwrap().expose(), lm.expose());
            }
            "ntlmv1-responses" => {
                let (nt, lm) = hashes(&case.text("Password"));
                let mut challenge: [u8; 8] = array(&case.hex("ServerChallenge"));
                let nt_response = case.hex("NtChallengeResponse");
                let lm_expected = case.hex("LmChallengeResponse");
                assert_eq!(ntlm_v1_response(&nt, &challenge)[..], nt_response);
                assert_eq!(lm_response(&lm, &challenge)[..], lm_expected);
                assert!(flags(&case).contains(NegotiateFlags::NTLM));
                challenge[7] ^= 1;
                assert_ne!(ntlm_v1_response(&nt, &challenge)[..], nt_response);
                assert_ne!(lm_response(&lm, &challenge)[..], lm_expected);
            }
            "key-exchange" => key_exchange(&case),
            "message-challenge" => check_challenge(&case),
            "message-authenticate" | "gss-wrap-noess" => case.pass_over(),
            kind => panic!("{kind}"),
        }
    }
    assert_eq!(kinds.iter().filter(|kind| *kind == "key-exchange").count(), 3);
}

fn key_exchange(case: &Case) {
    let flags = flags(case);
    let base: [u8; 16] = array(&case.hex("SessionBaseKey"));
    let lm_response = case.hex("LmChallengeResponse");
    let hash = LmHash::from_bytes(array(&case.hex("LmOwfV1")));
    let random = case.hex("RandomSessionKey");
    let key = |hash, response: &[u8]| {
        v1_key_exchange_key(&base, flags, hash, response, &SERVER_CHALLENGE)
    };
    let made = key(Some(&hash), &lm_response).unwrap();
    assert_eq!(made.expose()[..], case.hex("KeyExchangeKey"), "{}", case.id());
    let encrypted = case.hex("EncryptedRandomSessionKey");
    let exported = ExportedSessionKey::from_bytes(array(&random));
    assert_eq!(made.encrypt(&exported)[..], encrypted);
    assert_eq!(made.decrypt(&array(&encrypted)).expose()[..], random);
    let lm_key = flags.contains(NegotiateFlags::LM_KEY);
    let needs_hash = lm_key || flags.contains(NegotiateFlags::REQUEST_NON_NT_SESSION_KEY);
    assert_eq!(key(None, &lm_response).is_none(), needs_hash, "{}", case.id());
    assert_eq!(key(Some(&hash), &lm_response[..7]).is_none(), lm_key, "{}", case.id());
    let other = LmHash::from_bytes([0x11; 16]);
    let changed = key(Some(&other), &lm_response).unwrap().expose() != made.expose();
    assert_eq!(changed, needs_hash, "{}", case.id());
}

// K-01, S-06: [MS-NLMP] §4.2.3.
#[test]
fn section_4_2_3_holds() {
    for case in vectors::load("ms-nlmp/section_4_2_3_ntlmv1_ess.txt") {
        match case.kind() {
            "ntlmv1-ess" => {
                let password = case.text("Password");
                let client_challenge = array(&case.hex("ClientChallenge"));
                let server_challenge = array(&case.hex("ServerChallenge"));
                let base = session_base_key(&password);
                assert_eq!(base[..], case.hex("SessionBaseKey"));
                let negotiated = flags(&case);
                let nt = NtHash::of_password(&password);
                let lm_response = case.hex("LmChallengeResponse");
                assert_eq!(lm_response, [&client_challenge[..], &[0; 16]].concat());
                let challenge = ntlm2_session_challenge(&server_challenge, &client_challenge);
                let response = case.hex("NtChallengeResponse");
                assert_eq!(ntlm_v1_response(&nt, &challenge)[..], response);
                assert_ne!(ntlm_v1_response(&nt, &server_challenge)[..], response);
                let swapped = ntlm2_session_challenge(&client_challenge, &server_challenge);
                assert_ne!(ntlm_v1_response(&nt, &swapped)[..], response);
                let key = |response: &[u8], server| {
                    v1_key_exchange_key(&base, negotiated, None, response, server)
                };
                let made = key(&lm_response, &server_challenge).unwrap();
                assert_eq!(made.expose()[..], case.hex("KeyExchangeKey"));
                assert_ne!(key(&lm_response, &[0; 8]).unwrap().expose(), made.expose());
                assert!(key(&lm_response[..7], &server_challenge).is_none());
            }
            "message-challenge" => check_challenge(&case),
            "gss-wrap-ess" => case.pass_over(),
            kind => panic!("{kind}"),
        }
    }
}

/// KXKEY with nothing negotiated: the key itself.
fn plain_key(bytes: [u8; 16]) -> KeyExchangeKey {
    v1_key_exchange_key(&bytes, NegotiateFlags::empty(), None, &[], &SERVER_CHALLENGE).unwrap()
}

fn davenport_responses(case: &Case) {
    let (nt, lm) = hashes(&case.text("Password"));
    let server: [u8; 8] = array(&case.hex("ServerChallenge"));
    let client: [u8; 8] = array(&case.hex("ClientChallenge"));
    assert_eq!(lm_response(&lm, &server)[..], case.hex("LmV1Response"));
    assert_eq!(ntlm_v1_response(&nt, &server)[..], case.hex("NtV1Response"));
    assert_eq!(case.hex("EssLmResponse"), [&client[..], &[0; 16]].concat());
    let challenge = ntlm2_session_challenge(&server, &client);
    assert_eq!(ntlm_v1_response(&nt, &challenge)[..], case.hex("EssNtResponse"));
}

fn davenport_keys(case: &Case) {
    let (_, lm) = hashes(&case.text("Password"));
    let base = session_base_key("SecREt01");
    assert_eq!(base[..], case.hex("NtlmUserSessionKey"));
    let server: [u8; 8] = array(&case.hex("ServerChallenge"));
    let response = case.hex("LmChallengeResponse");
    let key = |flags, response: &[u8]| {
        let key = v1_key_exchange_key(&base, flags, Some(&lm), response, &server);
        key.unwrap().expose().to_vec()
    };
    let non_nt = NegotiateFlags::REQUEST_NON_NT_SESSION_KEY;
    assert_eq!(key(non_nt, &response), case.hex("LmUserSessionKey"));
    let lm_key = case.hex("LanManagerSessionKey");
    assert_eq!(key(NegotiateFlags::LM_KEY, &response), lm_key);
    assert_eq!(key(NegotiateFlags::LM_KEY | non_nt, &response), lm_key, "LM_KEY goes first");
    let ess = NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert_eq!(key(ess, &case.hex("ClientChallenge")), case.hex("Ntlm2SessionKey"));
}

// K-01: every key of Davenport's that is not NTLMv2's.
#[test]
fn davenports_old_values_hold() {
    for case in vectors::load("ms-nlmp/davenport.txt") {
        match case.kind() {
            "owf" => {
                let (nt, lm) = hashes(&case.text("Password"));
                assert_eq!(nt.expose()[..], case.hex("NtOwfV1"));
                assert_eq!(lm.expose()[..], case.hex("LmOwfV1"));
            }
            "responses" => davenport_responses(&case),
            "session-keys" => davenport_keys(&case),
            "key-exchange-rc4" => {
                let random: [u8; 16] = array(&case.hex("RandomSessionKey"));
                for name in ["LmUserSessionKey", "NtlmUserSessionKey", "LanManagerSessionKey"] {
                    let key = plain_key(array(&case.hex(name)));
                    let encrypted = key.encrypt(&ExportedSessionKey::from_bytes(random));
                    assert_eq!(encrypted[..], case.hex(&format!("EncryptedWith{name}")));
                    assert_eq!(key.decrypt(&encrypted).expose(), &random);
                }
            }
            _ => {}
        }
        case.pass_over();
    }
}

/// Without the lowest bit of every byte, which is parity.
fn without_parity(key: &[u8]) -> [u8; 16] {
    let bits = key.iter().fold(0_u64, |bits, byte| bits << 7 | u64::from(byte >> 1));
    let mut whole = [0; 16];
    whole[..7].copy_from_slice(&bits.to_be_bytes()[1..]);
    whole
}

/// The checksum in a signature without extended session security, decrypted beside the library.
fn crc32(message: &[u8]) -> Vec<u8> {
    let key = ExportedSessionKey::from_bytes([0x77; 16]);
    let signature =
        Session::new(key, NegotiateFlags::SIGN, Role::Initiator).get_mic(message).unwrap();
    let stream = rc4(&[0x77; 16], &[0; 8]);
    signature[8..12].iter().zip(&stream[4..]).map(|(byte, key)| byte ^ key).collect()
}

/// Whether a public function reaches what the case is about.
fn primitive(case: &Case) -> bool {
    match case.kind() {
        "primitive-md4" => {
            // The password in UTF-16LE is what gets hashed.
            let units = case.hex("Message");
            let text =
                units.len().is_multiple_of(2).then(|| Utf16Le::new(&units).unwrap().to_string());
            let Some(text) = text else { return false };
            assert_eq!(NtHash::of_password(&text).expose()[..], case.hex("Digest"));
            let other = NtHash::of_password(&(text + "x"));
            assert_ne!(other.expose(), NtHash::of_password("").expose());
        }
        "primitive-hmac-md5" => {
            // `NTOWFv2` without a user; a short key is filled up with zeros by HMAC as well.
            let (mut key, message) = (case.hex("Key"), case.hex("Message"));
            if key.len() > 16 {
                return false;
            }
            key.resize(16, 0);
            let domain = Text::Unicode(Utf16Le::new(&message).unwrap());
            let mac = |key| {
                let hash = NtHash::from_bytes(key);
                *NtOwfV2::new(&hash, Text::Oem(&[]), domain).expose()
            };
            let expected = case.hex("Mac");
            assert_eq!(mac(array(&key))[..], expected);
            key[15] ^= 1;
            assert_ne!(mac(array(&key))[..], expected);
        }
        "primitive-rc4" => {
            let (key, mut message) = (case.hex("Key"), case.hex("Message"));
            let expected = case.hex("Ciphertext");
            assert_eq!(rc4(&key, &message), expected, "the tests' own");
            if 16 % key.len() != 0 {
                return false;
            }
            message.resize(16, 0);
            let mut whole = key.repeat(16 / key.len());
            let encrypt = |key: &[u8]| {
                let data = ExportedSessionKey::from_bytes(array(&message));
                plain_key(array(key)).encrypt(&data)[..expected.len()].to_vec()
            };
            assert_eq!(encrypt(&whole), expected);
            whole[0] ^= 1;
            assert_ne!(encrypt(&whole), expected);
        }
        "primitive-des" => {
            let mut key = without_parity(&case.hex("Key"));
            let (block, expected) = (array(&case.hex("Block")), case.hex("Ciphertext"));
            let encrypt = |key| ntlm_v1_response(&NtHash::from_bytes(key), &block)[..8].to_vec();
            assert_eq!(encrypt(key), expected);
            key[6] ^= 1;
            assert_ne!(encrypt(key), expected);
        }
        "primitive-des-key" => {
            assert_eq!(without_parity(&case.hex("Key8"))[..7], case.hex("Key7"));
        }
        "primitive-owf-v1" => {
            let password = case.text("Password");
            assert_eq!(NtHash::of_password(&password).expose()[..], case.hex("NtOwfV1"));
            let lm = LmHash::of_password(&password).map(|hash| hash.expose().to_vec());
            assert_eq!(lm, case.opt_hex("LmOwfV1"));
        }
        "primitive-crc32" => {
            let mut message = case.hex("Message");
            let expected = case.hex("Crc32");
            assert_eq!(crc32(&message), expected);
            message[0] ^= 1;
            assert_ne!(crc32(&message), expected);
        }
        "mschapv2" => {
            let password = case.text("Password");
            let (nt, challenge) = (NtHash::of_password(&password), array(&case.hex("Challenge")));
            assert_eq!(nt.expose()[..], case.hex("NtOwfV1"));
            assert_eq!(ntlm_v1_response(&nt, &challenge)[..], case.hex("Response"));
            assert_eq!(session_base_key(&password)[..], case.hex("PasswordHashHash"));
        }
        "primitive-desl" => {
            let (mut key, data) = (array(&case.hex("Key")), array(&case.hex("Data")));
            let expected = case.hex("Response");
            assert_eq!(ntlm_v1_response(&NtHash::from_bytes(key), &data)[..], expected);
            assert_eq!(lm_response(&LmHash::from_bytes(key), &data)[..], expected);
            for index in [0, 7, 15] {
                key[index] ^= 0x80;
                assert_ne!(ntlm_v1_response(&NtHash::from_bytes(key), &data)[..], expected);
                key[index] ^= 0x80;
            }
        }
        _ => return false,
    }
    true
}

#[test]
fn the_primitives_hold_where_they_can_be_reached() {
    let (mut left_out, mut held) = (Vec::new(), 0);
    for case in vectors::load("ms-nlmp/primitives.txt") {
        if primitive(&case) {
            held += 1;
        } else {
            left_out.push(case.id().to_owned());
        }
        case.pass_over();
    }
    let expected = [
        "md4-rfc1320-1",
        "md4-rfc1320-3",
        "md5-rfc1321-0",
        "md5-rfc1321-3",
        "md5-rfc1321-14",
        "hmac-md5-rfc2202-6",
        "hmac-md5-rfc2202-7",
        "rc4-rfc6229-40",
        "rc4-rfc6229-56",
        "rc4-common-Key",
        "rc4-common-Secret",
    ];
    assert_eq!(left_out, expected);
    assert_eq!(held, 24);
}

// LM knows ASCII alone; what depends on a code page has no hash.
#[test]
fn an_lm_hash_is_of_fourteen_ascii_characters_at_most() {
    assert!(LmHash::of_password("12345678901234").is_some());
    for password in ["123456789012345", "Grüße", "пароль"] {
        assert!(LmHash::of_password(password).is_none(), "{password}");
    }
    assert_eq!(format!("{:?}", LmHash::from_bytes([0xab; 16])), "LmHash(Secret(..))");
}
