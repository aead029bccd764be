//! `ms-nlmp/`: section 4.2.1, section 4.2.4 (NTLMv2), `sign_seal_keys.txt` and
//! `real_exchange.txt`.
//!
//! The NTLMv1 family is in `ntlmv1.rs`, session security without its extension and the dummy
//! signature in `session_security.rs`.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/pair.rs"]
mod pair;
#[path = "support/vectors.rs"]
mod vectors;

use forge::{finish, hmac_md5, known, rc4, refusal, utf16le};
use logon::ntlm::{
    ExportedSessionKey, NtOwfV2, Role, SealKey, SessionBaseKey, SignKey, nt_proof_str,
};
use logon::wire::ntlm::{Authenticate, Challenge, NegotiateFlags, NtlmV2Response};
use logon::wire::spnego::{MechType, NegState, NegTokenInit, NegTokenResp};
use logon::wire::{Text, Utf16Le};
use logon::{Acceptor, ChannelBindings, Exchange, MicOutcome, NtHash, Policy, Refusal};
use messages::{array, check_authenticate, check_challenge, check_negotiate, flags};
use pair::{Both, Pair};
use vectors::Case;

fn owf(user: &str, domain: &str, password: &str) -> NtOwfV2 {
    let (user, domain) = (utf16le(user), utf16le(domain));
    let text = |bytes| Text::Unicode(Utf16Le::new(bytes).unwrap());
    NtOwfV2::new(&NtHash::of_password(password), text(&user), text(&domain))
}

fn role(case: &Case) -> Role {
    match case.opt_text("Direction").as_deref() {
        None | Some("client") => Role::Initiator,
        Some("server") => Role::Acceptor,
        Some(other) => panic!("{other}"),
    }
}

fn exported(case: &Case) -> ExportedSessionKey {
    ExportedSessionKey::from_bytes(array(&case.hex("ExportedSessionKey")))
}

/// Both ends of a session with this key, every byte of which is the same, and a key exchange.
fn session(key: &ExportedSessionKey, spnego: bool) -> Both {
    let random = key.expose()[0];
    let both = Pair { spnego, random, ..Pair::default() }.run().unwrap();
    assert_eq!(both.client.exported_session_key(), key.expose());
    both
}

/// `wrap` by the side `role`, `unwrap` by the other, which has to get the same out.
fn wrap(both: &mut Both, role: Role, plaintext: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let Both { client, server } = both;
    let mut sealed = plaintext.to_vec();
    let signature = match role {
        Role::Initiator => client.wrap(&mut sealed).unwrap(),
        Role::Acceptor => server.wrap(&mut sealed).unwrap(),
    };
    let mut opened = sealed.clone();
    assert!(match role {
        Role::Initiator => server.unwrap(&mut opened, &signature).unwrap(),
        Role::Acceptor => client.unwrap(&mut opened, &signature).unwrap(),
    });
    assert_eq!(opened, plaintext);
    (sealed, signature.try_into().unwrap())
}

#[test]
fn the_common_values_of_section_4_2_1_are_read_alike() {
    for case in vectors::load("ms-nlmp/section_4_2_1_common.txt") {
        assert_eq!(case.kind(), "common-values");
        for (text, bytes) in [
            ("User", "UserUtf16"),
            ("Domain", "DomainUtf16"),
            ("Password", "PasswordUtf16"),
            ("ServerName", "ServerUtf16"),
            ("Workstation", "WorkstationUtf16"),
        ] {
            let (text, bytes) = (case.text(text), case.hex(bytes));
            assert_eq!(Utf16Le::new(&bytes).unwrap().to_string(), text);
            assert_eq!(Text::Unicode(Utf16Le::new(&bytes).unwrap()).to_text(), text);
            assert_eq!(utf16le(&text), bytes);
            assert_eq!(Utf16Le::new(&bytes[1..]), None);
        }
        assert_eq!(case.hex("RandomSessionKey"), [0x55; 16]);
        assert_eq!(case.hex("Time"), [0; 8]);
        assert_eq!(case.hex("ClientChallenge"), [0xaa; 8]);
        assert_eq!(case.hex("ServerChallenge"), 0x0123_4567_89ab_cdef_u64.to_be_bytes());
    }
}

fn ntlmv2_keys(case: &Case) {
    let (user, domain, password) = (case.text("User"), case.text("Domain"), case.text("Password"));
    let key = owf(&user, &domain, &password);
    assert_eq!(key.expose()[..], case.hex("NtOwfV2"));
    assert_eq!(key.expose()[..], case.hex("LmOwfV2"));
    let (proof, mut temp) = (case.hex("NtProofStr"), case.hex("Temp"));
    let response = [proof.clone(), temp.clone()].concat();
    let decoded = NtlmV2Response::decode(&response).unwrap();
    assert_eq!(decoded.timestamp.to_le_bytes()[..], case.hex("Time"));
    let client_challenge = case.hex("ClientChallenge");
    assert_eq!(decoded.client_challenge[..], client_challenge);
    assert_eq!(decoded.target_info.as_bytes(), [&case.hex("TargetInfo")[..], &[0; 4]].concat());
    assert_eq!(decoded.temp, temp);
    let server_challenge: [u8; 8] = array(&case.hex("ServerChallenge"));
    assert_eq!(nt_proof_str(&key, &server_challenge, &temp)[..], proof);
    let lm = nt_proof_str(&key, &server_challenge, &client_challenge);
    assert_eq!(case.hex("LmChallengeResponse"), [&lm[..], &client_challenge].concat());
    let base = SessionBaseKey::new(&key, &decoded.nt_proof_str);
    assert_eq!(base.expose()[..], case.hex("SessionBaseKey"));
    let key_exchange_key = base.into_key_exchange_key();
    let (random, encrypted) = (case.hex("RandomSessionKey"), case.hex("EncryptedRandomSessionKey"));
    let exported = ExportedSessionKey::from_bytes(array(&random));
    assert_eq!(key_exchange_key.encrypt(&exported)[..], encrypted);
    assert_eq!(key_exchange_key.decrypt(&array(&encrypted)).expose()[..], random);
    assert!(flags(case).contains(NegotiateFlags::KEY_EXCH));

    for other in [
        owf("Usex", &domain, &password),
        owf(&user, "domain", &password),
        owf(&user, &domain, "password"),
    ] {
        assert_ne!(nt_proof_str(&other, &server_challenge, &temp)[..], proof);
    }
    assert_eq!(owf("uSER", &domain, &password).expose(), key.expose());
    for bit in 0..temp.len() * 8 {
        temp[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(nt_proof_str(&key, &server_challenge, &temp)[..], proof);
        temp[bit / 8] ^= 1 << (bit % 8);
    }
    assert_ne!(nt_proof_str(&key, &array(&client_challenge), &temp)[..], proof);
}

/// The case once more without the library's sessions, which shows its parts; then a session.
fn gss_wrap(case: &Case) {
    let (key, flags, role) = (exported(case), flags(case), role(case));
    assert_eq!(case.u64("SeqNum"), 0);
    let (sign_key, seal_key) = (SignKey::new(&key, role), SealKey::new(&key, flags, role));
    let plaintext = case.hex("Plaintext");
    let checksum = hmac_md5(sign_key.expose(), &[&[0; 4], &plaintext])[..8].to_vec();
    let stream = rc4(seal_key.expose(), &[&plaintext[..], &checksum].concat());
    let (sealed, encrypted) = stream.split_at(plaintext.len());
    assert_eq!(case.hex("SealedData"), sealed);
    let exchanged = flags.contains(NegotiateFlags::KEY_EXCH);
    let used = if exchanged { encrypted } else { &checksum[..] };
    let signature = case.hex("Signature");
    assert_eq!(signature, [&[1, 0, 0, 0], used, &[0; 4]].concat());
    for (name, expected) in [
        ("ClientSealKey", seal_key.expose()),
        ("ClientSignKey", sign_key.expose()),
        ("Checksum", &checksum),
        ("EncryptedChecksum", encrypted),
    ] {
        assert!(case.opt_hex(name).is_none_or(|value| value == expected), "{name}");
    }
    if exchanged {
        let (session_sealed, session_signature) = wrap(&mut session(&key, false), role, &plaintext);
        assert_eq!((&session_sealed[..], &session_signature[..]), (sealed, &signature[..]));
        for bit in 0..16 * 8 {
            let mut tampered = signature.clone();
            tampered[bit / 8] ^= 1 << (bit % 8);
            let Both { mut server, .. } = session(&key, false);
            assert!(!server.unwrap(&mut sealed.to_vec(), &tampered).unwrap());
        }
    } else {
        // A session without a key exchange has another key; its signatures are made alike.
        let pair = Pair { key_exchange: false, ..Pair::default() };
        let mut both = pair.run().unwrap();
        let key = both.client.exported_session_key().try_into().unwrap();
        let key = &ExportedSessionKey::from_bytes(key);
        let checksum = hmac_md5(SignKey::new(key, role).expose(), &[&[0; 4], &plaintext]);
        let sealed = rc4(SealKey::new(key, flags, role).expose(), &plaintext);
        let signature = [&[1, 0, 0, 0], &checksum[..8], &[0; 4]].concat();
        assert_eq!(wrap(&mut both, role, &plaintext), (sealed, array(&signature)));
    }
}

// C-01, C-03
#[test]
fn section_4_2_4_holds() {
    for case in vectors::load("ms-nlmp/section_4_2_4_ntlmv2.txt") {
        match case.kind() {
            "ntlmv2-keys" => ntlmv2_keys(&case),
            "message-challenge" => check_challenge(&case),
            "message-authenticate" => check_authenticate(&case),
            "gss-wrap-ess" => gss_wrap(&case),
            "gss-wrap-ess-sequence" => {
                let (key, role) = (exported(&case), role(&case));
                assert!(flags(&case).contains(NegotiateFlags::KEY_EXCH));
                assert_eq!(case.list_text("SeqNum"), ["0", "1"]);
                let mut both = session(&key, false);
                let plaintexts = case.list_hex("Plaintext");
                wrap(&mut both, role, &plaintexts[0]);
                let (sealed, signature) = wrap(&mut both, role, &plaintexts[1]);
                assert_eq!(sealed, case.hex("SecondSealedData"));
                assert_eq!(signature[..], case.hex("SecondSignature"));
                let Both { mut server, .. } = session(&key, false);
                assert!(!server.unwrap(&mut sealed.clone(), &signature).unwrap(), "out of order");
            }
            kind => panic!("{kind}"),
        }
    }
}

#[test]
fn keys_with_extended_session_security_hold() {
    let mut seen = 0;
    for case in vectors::load("ms-nlmp/sign_seal_keys.txt") {
        match case.kind() {
            "seal-key" if !case.id().contains("-noess-") => {
                let (key, role) = (exported(&case), role(&case));
                let expected = case.hex("SealKey");
                let seal_key = SealKey::new(&key, flags(&case), role);
                assert_eq!(seal_key.expose()[..], expected, "{}", case.id());
                let other = if role == Role::Initiator { Role::Acceptor } else { Role::Initiator };
                let wrong = SealKey::new(&key, NegotiateFlags::KEY_128, other);
                assert_ne!(wrong.expose()[..], expected);
                seen += 1;
            }
            "sign-key" => {
                let (key, role) = (exported(&case), role(&case));
                assert!(flags(&case).contains(NegotiateFlags::EXTENDED_SESSIONSECURITY));
                assert_eq!(SignKey::new(&key, role).expose()[..], case.hex("SignKey"));
                seen += 1;
            }
            "gss-wrap-ess" => gss_wrap(&case),
            "gss-mic-ess" => {
                // The key exchange encrypts the checksum with the key stream's first bytes.
                let (key, role, flags) = (exported(&case), role(&case), flags(&case));
                let message = case.hex("Message");
                assert_eq!(case.u64("SeqNum"), 0);
                let sum = hmac_md5(SignKey::new(&key, role).expose(), &[&[0; 4], &message]);
                let sum = rc4(SealKey::new(&key, flags, role).expose(), &sum[..8]);
                assert_eq!(case.hex("Signature"), [&[1, 0, 0, 0], &sum[..], &[0; 4]].concat());
                seen += 1;
            }
            "seal-key" | "dummy-signature" | "gss-mic-noess" | "wrong-direction" => {
                case.pass_over();
            }
            kind => panic!("{kind}"),
        }
    }
    assert_eq!(seen, 11);
}

fn real_exchange(case: &Case) {
    let requests = case.list_hex("RequestToken");
    let replies = case.list_hex("ReplyToken");
    let (negotiate, challenge) = (case.hex("Negotiate"), case.hex("Challenge"));
    let (authenticate, mech_types) = (case.hex("Authenticate"), case.hex("MechTypeList"));
    let hints = case.hex("NegTokenInit2");
    assert!(NegTokenInit::decode(&hints).unwrap().neg_hints.is_some());
    let init = NegTokenInit::decode(&requests[0]).unwrap();
    assert_eq!(
        (init.mech_types.as_der(), init.mech_token),
        (&mech_types[..], Some(&negotiate[..]))
    );
    let reply = NegTokenResp::decode(&replies[0]).unwrap();
    assert_eq!(
        (reply.neg_state, reply.supported_mech),
        (Some(NegState::AcceptIncomplete), Some(MechType::NTLMSSP))
    );
    assert_eq!(reply.response_token, Some(&challenge[..]));
    let last = NegTokenResp::decode(&requests[1]).unwrap();
    assert_eq!(last.response_token, Some(&authenticate[..]));
    assert_eq!(last.mech_list_mic.unwrap(), case.hex("InitiatorMechListMic"));

    let received = Authenticate::decode(&authenticate).unwrap();
    assert_eq!(received.flags, Some(flags(case)));
    assert_eq!(received.mic.unwrap()[..], case.hex("Mic"));
    let response = NtlmV2Response::decode(received.nt_response).unwrap();
    assert_eq!(response.nt_proof_str[..], case.hex("NtProofStr"));
    let (user, domain, password) = (case.text("User"), case.text("Domain"), case.text("Password"));
    let key = owf(&user, &domain, &password);
    let server_challenge = Challenge::decode(&challenge).unwrap().server_challenge;
    let proof = nt_proof_str(&key, &server_challenge, response.temp);
    assert_eq!(proof, response.nt_proof_str);
    let base = SessionBaseKey::new(&key, &proof);
    assert_eq!(base.expose()[..], case.hex("SessionBaseKey"));

    let resume = || {
        let exchange = forge::exchange(&negotiate, &challenge);
        let mech_types = Some(mech_types.clone());
        let config = forge::config(exchange.issued_at.ticks(), Policy::default());
        let exchange = Exchange { mech_types, mech_list_mic_required: false, ..exchange };
        Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap()
    };
    let answer = || known(&domain, &user, &password);
    let mut out = Vec::new();
    let context = finish(resume(), &requests[1], answer(), &mut out).unwrap();
    assert_eq!(context.identity().mic(), MicOutcome::Verified);
    assert_eq!(context.exported_session_key(), case.hex("ExportedSessionKey"));
    let ours = NegTokenResp::decode(&out).unwrap();
    assert_eq!(ours.mech_list_mic.unwrap(), case.hex("AcceptorMechListMic"));
    assert_eq!(out, replies[1], "byte for byte what Windows answers");

    let token = &requests[1];
    let find = |part: &[u8]| (0..token.len()).find(|at| token[*at..].starts_with(part)).unwrap();
    for (part, expected) in [
        (&received.mic.unwrap()[..], Refusal::WrongMic),
        (&proof, Refusal::WrongProof),
        (
            response.target_info.get(logon::wire::ntlm::AvId::TIMESTAMP).unwrap(),
            Refusal::WrongProof,
        ),
        (received.encrypted_random_session_key, Refusal::WrongMic),
        (last.mech_list_mic.unwrap(), Refusal::WrongMechListMic),
    ] {
        let at = find(part);
        for index in 0..part.len() {
            let mut tampered = token.clone();
            tampered[at + index] ^= 2;
            let result = finish(resume(), &tampered, answer(), &mut Vec::new());
            assert_eq!(refusal(result), expected);
        }
    }
}

// C-08, P-04, P-14, P-15: byte for byte what Windows answered.
#[test]
fn a_windows_client_and_its_traffic_are_understood() {
    for case in vectors::load("ms-nlmp/real_exchange.txt") {
        match case.kind() {
            "exchange" => real_exchange(&case),
            "message-negotiate" => check_negotiate(&case),
            "message-authenticate" => check_authenticate(&case),
            "gss-wrap-after-mic" => {
                let (key, role, flags) = (exported(&case), role(&case), flags(&case));
                let (seq_num, plaintext) = (case.u64("SeqNum"), case.hex("Plaintext"));
                // The sealed part: the first message after the mechListMIC has number 1.
                let mut both = session(&key, true);
                let mut sealed = Vec::new();
                for expected in 1..=u8::try_from(seq_num).unwrap() {
                    let (data, signature) = wrap(&mut both, role, &plaintext);
                    assert_eq!(signature[12..], [expected, 0, 0, 0]);
                    sealed = data;
                }
                assert_eq!(sealed, case.hex("SealedData"), "{}", case.id());
                // The checksum covers the prefix as well, for which there is no function here.
                let signed = [case.hex("SignOnlyPrefix"), plaintext.clone()].concat();
                let number = u32::try_from(seq_num).unwrap().to_le_bytes();
                let sum = hmac_md5(SignKey::new(&key, role).expose(), &[&number, &signed]);
                let skipped =
                    vec![0; (plaintext.len() + 8) * (usize::try_from(seq_num).unwrap() - 1)];
                let stream = [&skipped[..], &plaintext, &sum[..8]].concat();
                let stream = rc4(SealKey::new(&key, flags, role).expose(), &stream);
                assert_eq!(stream[stream.len() - 8..], case.hex("Checksum"), "{}", case.id());
            }
            kind => panic!("{kind}"),
        }
    }
}
