//! Logons by the NTLMv1 family: recorded messages and forged ones, under every opt-in.

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

use forge::{FixedClock, FixedRandom, Forge, hmac_md5, known, rc4, refusal};
use logon::ntlm::{lm_response, ntlm_v1_response, ntlm2_session_challenge, v1_key_exchange_key};
use logon::wire::ntlm::{Authenticate, AvId, Challenge, NegotiateFlags};
use logon::{
    Acceptor, Answer, BindingsOutcome, BindingsPolicy, ChannelBindings, Credential, Error,
    Initiator, InitiatorConfig, InitiatorStep, KeyStrength, MicOutcome, MicPolicy, NtHash,
    PeerIncompatible, Policy, Refusal, TargetName,
};
use old::{
    LM, NOW, NTLM_V1, NTLM2_SESSION, OLD, PASSWORD, SERVER_CHALLENGE, all, client, everything,
    hashes, only, replay, session_base_key, with_lm,
};
use std::sync::Arc;

fn tls() -> ChannelBindings {
    ChannelBindings::from_application_data(*b"tls-server-end-point:one")
}

// S-06, S-07: each kind of response is let in by its own opt-in, and by no other.
#[test]
fn each_opt_in_lets_in_its_own_kind_alone() {
    let switches: [fn(&mut Policy); 3] = [NTLM_V1, NTLM2_SESSION, LM];
    for (number, old) in all().into_iter().enumerate() {
        let own = switches
            .iter()
            .position(|switch| old.log_on(only(*switch), ChannelBindings::none()).is_ok());
        assert_eq!(own, Some([0, 1, 0, 0, 2][number]), "message {number}");
        let refused = |policy| refusal(old.log_on(policy, ChannelBindings::none()));
        assert_eq!(refused(Policy::default()), old.refused, "message {number}");
        for other in switches.iter().enumerate().filter(|(other, _)| Some(*other) != own) {
            assert_eq!(refused(only(*other.1)), old.refused, "message {number}");
        }
        let context = old.log_on(old.opted_in(), ChannelBindings::none()).unwrap();
        assert_eq!(context.exported_session_key(), &old.key, "message {number}");
        assert_eq!(context.identity().to_string(), "CORP\\alice");
        assert_eq!(context.identity().mic(), MicOutcome::NotOffered);
        assert_eq!(context.identity().bindings(), BindingsOutcome::Unavailable);
        assert_eq!(context.identity().target_name(), "");
        old.log_on(everything(), ChannelBindings::none()).unwrap();
    }
}

// E-09: nothing in these messages is covered by a proof, so what has to be covered is refused.
#[test]
fn what_only_ntlmv2_protects_refuses_ntlmv1() {
    for old in all() {
        let with = |change: &dyn Fn(&mut Policy), bindings| {
            let mut policy = old.opted_in();
            change(&mut policy);
            old.log_on(policy, bindings)
        };
        let always = |policy: &mut Policy| policy.bindings = BindingsPolicy::Always;
        for bindings in [tls(), ChannelBindings::none()] {
            assert_eq!(refusal(with(&always, bindings)), Refusal::ChannelBindingsRequired);
        }
        let mic = |policy: &mut Policy| policy.mic = MicPolicy::Always;
        assert_eq!(refusal(with(&mic, ChannelBindings::none())), Refusal::MicRequired);
        let require = |policy: &mut Policy| {
            policy.target_name =
                logon::TargetNamePolicy::Require(vec![TargetName::http("web01.corp.example")]);
        };
        let refused = refusal(with(&require, ChannelBindings::none()));
        assert_eq!(refused, Refusal::TargetNameRequired);
        let context = with(&|_| {}, tls()).unwrap();
        assert_eq!(context.identity().bindings(), BindingsOutcome::NotOffered);
    }
}

// S-06: one bit of the response, another password, another challenge.
#[test]
fn a_tampered_old_response_is_refused() {
    for old in all() {
        let received = Authenticate::decode(&old.authenticate).unwrap();
        let counts = if received.nt_response.is_empty() {
            received.lm_response
        } else {
            received.nt_response
        };
        let mut windows = old.authenticate.windows(counts.len());
        let at = windows.position(|window| window == counts).unwrap();
        let refused = |challenge: &[u8], message: &[u8], answer| {
            let none = ChannelBindings::none();
            refusal(replay(challenge, message, old.opted_in(), none, answer))
        };
        let answer = || with_lm(&old.password, &old.password);
        for bit in 0..24 * 8 {
            let mut tampered = old.authenticate.clone();
            tampered[at + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(refused(&old.challenge, &tampered, answer()), Refusal::WrongProof);
        }
        let mut challenge = old.challenge.clone();
        challenge[24] ^= 1;
        assert_eq!(refused(&challenge, &old.authenticate, answer()), Refusal::WrongProof);
        for (answer, expected) in [
            (with_lm("another", "another"), Refusal::WrongProof),
            (Answer::Unknown, Refusal::UnknownAccount),
            (Answer::Refused(Refusal::AccountLocked), Refusal::AccountLocked),
        ] {
            assert_eq!(refused(&old.challenge, &old.authenticate, answer), expected);
        }
    }
}

fn log_on(forge: &Forge, policy: Policy, answer: Answer) -> Result<logon::Context, Error> {
    forge.log_on(policy, ChannelBindings::none(), answer)
}

/// An NTLM2 session response, as a client makes it that wants to sign and seal.
fn ntlm2_session() -> Forge {
    let client_challenge = [0xaa; 8];
    let challenge = ntlm2_session_challenge(&SERVER_CHALLENGE, &client_challenge);
    let response = ntlm_v1_response(&NtHash::of_password(PASSWORD), &challenge);
    Forge {
        lm_response: [&client_challenge[..], &[0; 16]].concat(),
        nt_response: Some(response.to_vec()),
        ..client(OLD | 0x0008_0000)
    }
}

// S-06: the client's challenge is part of what an NTLM2 session response answers.
#[test]
fn an_ntlm2_session_response_needs_its_client_challenge() {
    let answer = || known("CORP", "alice", PASSWORD);
    let good = ntlm2_session();
    log_on(&good, only(NTLM2_SESSION), answer()).unwrap();
    for index in 0..8 {
        let mut forge = good.clone();
        forge.lm_response[index] ^= 1;
        assert_eq!(refusal(log_on(&forge, everything(), answer())), Refusal::WrongProof);
    }
    for length in [0, 1, 7, 8, 23, 25] {
        let mut forge = good.clone();
        forge.lm_response.resize(length, 0);
        let refused = refusal(log_on(&forge, everything(), answer()));
        assert_eq!(refused, Refusal::NtlmV1, "{length} bytes");
    }
    // A plain NTLMv1 response is none, whatever the flags of AUTHENTICATE say.
    let plain = ntlm_v1_response(&NtHash::of_password(PASSWORD), &SERVER_CHALLENGE);
    let mut forge = Forge { nt_response: Some(plain.to_vec()), ..good };
    assert_eq!(refusal(log_on(&forge, everything(), answer())), Refusal::WrongProof);
    forge.flags.remove(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    assert_eq!(refusal(log_on(&forge, everything(), answer())), Refusal::FlagsChanged);
}

// S-07: CVE-2019-1338: the LM field of a message with an NTLMv2 response counts for nothing.
#[test]
fn an_ntlmv2_message_never_logs_on_by_its_lm_field() {
    let (_, lm) = hashes(PASSWORD);
    let mut good = client(OLD);
    good.remove(AvId::FLAGS);
    let owf = hmac_md5(NtHash::of_password(PASSWORD).expose(), &[&good.hashed]);
    let lm_v2 = hmac_md5(&owf, &[&SERVER_CHALLENGE, &[0xaa; 8]]);
    let lm_v2 = [&lm_v2[..], &[0xaa; 8]].concat();
    for field in [lm_response(&lm, &SERVER_CHALLENGE).to_vec(), lm_v2.clone()] {
        let forge = Forge { lm_response: field, ..good.clone() };
        log_on(&forge, everything(), with_lm(PASSWORD, PASSWORD)).unwrap();
        let wrong = Forge { password: "guess".into(), ..forge };
        for policy in [Policy::default(), only(LM), everything()] {
            let result = log_on(&wrong, policy, with_lm(PASSWORD, PASSWORD));
            assert_eq!(refusal(result), Refusal::WrongProof);
        }
    }
    // Nor by an LMv2 response alone.
    let alone = Forge { lm_response: lm_v2, nt_response: Some(Vec::new()), ..good };
    for (policy, expected) in
        [(Policy::default(), Refusal::LmOnly), (everything(), Refusal::WrongProof)]
    {
        let result = log_on(&alone, policy, with_lm(PASSWORD, PASSWORD));
        assert_eq!(refusal(result), expected);
    }
}

fn lm_only(password: &str) -> Forge {
    let (_, lm) = hashes(password);
    Forge {
        lm_response: lm_response(&lm, &SERVER_CHALLENGE).to_vec(),
        nt_response: Some(Vec::new()),
        ..client(OLD)
    }
}

// S-07: `lm` lets in who has an LM hash, and nobody by the hash of no password, which many stores
// write where there is no LM hash.
#[test]
fn an_lm_response_needs_an_lm_hash_of_a_password() {
    log_on(&lm_only(PASSWORD), only(LM), with_lm(PASSWORD, PASSWORD)).unwrap();
    let without = log_on(&lm_only(PASSWORD), only(LM), known("CORP", "alice", PASSWORD));
    assert_eq!(refusal(without), Refusal::WrongProof);
    let placeholder = log_on(&lm_only(""), only(LM), with_lm(PASSWORD, ""));
    assert_eq!(refusal(placeholder), Refusal::EmptyPassword);
    // The placeholder is in nobody's way who logs on by the NT hash.
    let response = ntlm_v1_response(&NtHash::of_password(PASSWORD), &SERVER_CHALLENGE);
    let forge = Forge { nt_response: Some(response.to_vec()), ..client(OLD) };
    log_on(&forge, only(NTLM_V1), with_lm(PASSWORD, "")).unwrap();
    let empty = log_on(&lm_only(""), only(LM), with_lm("", ""));
    assert_eq!(refusal(empty), Refusal::EmptyPassword);
}

// K-01: an acceptor derives every variant of KXKEY, and takes the client's random key by it.
#[test]
fn every_session_key_of_an_old_logon_is_derived() {
    let (nt, lm) = hashes(PASSWORD);
    let base = session_base_key(PASSWORD);
    let plain = || Forge {
        nt_response: Some(ntlm_v1_response(&nt, &SERVER_CHALLENGE).to_vec()),
        lm_response: lm_response(&lm, &SERVER_CHALLENGE).to_vec(),
        ..client(OLD)
    };
    let asking = |flags| {
        let asking = client(OLD | flags);
        Forge { lm_response: plain().lm_response, nt_response: plain().nt_response, ..asking }
    };
    for (forge, needs_lm) in [
        (plain(), false),
        (ntlm2_session(), false),
        (asking(0x80), true),
        (asking(0x0040_0000), true),
        (asking(0x0040_0080), true),
        (asking(0x4000_0000), false),
        (asking(0x4000_0080), true),
    ] {
        let flags = Challenge::decode(&forge.challenge).unwrap().flags;
        let lm_response = &forge.lm_response;
        let key =
            v1_key_exchange_key(&base, flags, Some(&lm), lm_response, &SERVER_CHALLENGE).unwrap();
        let mut expected = *key.expose();
        let mut forge = forge.clone();
        if flags.contains(NegotiateFlags::KEY_EXCH) {
            forge.encrypted = Some(rc4(key.expose(), &[0x66; 16]));
            expected = [0x66; 16];
        }
        let context = log_on(&forge, everything(), with_lm(PASSWORD, PASSWORD)).unwrap();
        assert_eq!(context.exported_session_key(), expected, "{flags:?}");
        let result = log_on(&forge, everything(), known("CORP", "alice", PASSWORD));
        if needs_lm {
            assert_eq!(refusal(result), Refusal::NoSessionKey, "{flags:?}");
        } else {
            assert_eq!(*result.unwrap().exported_session_key(), expected);
        }
    }
}

// F-04, F-13: LM_KEY is given to who asks for no extended session security, and where NTLMv1 is on.
#[test]
fn extended_session_security_and_lm_key_exclude_each_other() {
    let flags = |asked| Challenge::decode(&client(asked).challenge).unwrap().flags;
    let (ess, lm_key) = (NegotiateFlags::EXTENDED_SESSIONSECURITY, NegotiateFlags::LM_KEY);
    assert_eq!(flags(OLD | 0x80) & (ess | lm_key), lm_key);
    assert_eq!(flags(OLD | 0x0008_0000) & (ess | lm_key), ess);
    assert_eq!(flags(OLD | 0x0008_0080) & (ess | lm_key), ess, "both");
    // Neither Unicode nor ESS: let in by any of the three, and by nothing else.
    let first = |policy| {
        let old = client(0x0000_8206);
        let config = forge::config(NOW, policy);
        let acceptor = logon::Acceptor::new(config, ChannelBindings::none());
        acceptor.step(&old.negotiate, &mut Vec::new()).map(|_| ())
    };
    for opt_in in [NTLM_V1, NTLM2_SESSION, LM] {
        first(only(opt_in)).unwrap();
    }
    assert_eq!(first(Policy::default()).unwrap_err(), PeerIncompatible::LegacyOnly.into());
}

// C-18: a client answers an old CHALLENGE with NTLMv2, or not at all.
#[test]
fn an_initiator_never_answers_with_ntlmv1() {
    let mut seen = 0;
    for case in vectors::load("ms-nlmp/chromium.txt") {
        if case.id().starts_with("min-challenge") {
            let challenge = case.hex("Challenge");
            let credential = Credential::password("CORP\\alice", PASSWORD);
            let (random, clock) = (Arc::new(FixedRandom(0x55)), Arc::new(FixedClock(NOW)));
            let config = Arc::new(InitiatorConfig::new(credential, random, clock));
            let initiator =
                Initiator::ntlm(config, TargetName::http("web01"), ChannelBindings::none());
            let Ok(InitiatorStep::Continue(next)) = initiator.step(None, &mut Vec::new()) else {
                panic!("no NEGOTIATE")
            };
            let mut out = Vec::new();
            let step = next.step(Some(&challenge), &mut out);
            if case.id() == "min-challenge" {
                assert!(matches!(step, Ok(InitiatorStep::Complete(_))));
                assert!(Authenticate::decode(&out).unwrap().nt_response.len() > 24);
            } else {
                let reason = match case.id() {
                    "min-challenge-no-ess" => PeerIncompatible::NtlmV1Wanted,
                    _ => PeerIncompatible::FlagsDowngraded,
                };
                assert_eq!(step.unwrap_err(), reason.into());
                assert!(out.is_empty());
            }
            seen += 1;
        }
        case.pass_over();
    }
    assert_eq!(seen, 3);
}

// F-06: without extended session security a key of an LM hash is 56 or 40 bits long, whatever the
// client asks for besides.
#[test]
fn a_key_of_an_lm_hash_is_not_strong_because_128_bits_were_asked_for() {
    const LM_KEY: u32 = 0x80;
    const BITS_56: u32 = 0x8000_0000;
    const BITS_128: u32 = 0x2000_0000;
    for (flags, strength, enough) in [
        (LM_KEY | BITS_128, KeyStrength::Any, true),
        (LM_KEY | BITS_128, KeyStrength::Bits56, false),
        (LM_KEY | BITS_128 | BITS_56, KeyStrength::Bits56, true),
        (LM_KEY | BITS_128 | BITS_56, KeyStrength::Bits128, false),
        (0x0040_0000 | BITS_128, KeyStrength::Bits128, false),
        (BITS_128, KeyStrength::Bits128, true),
    ] {
        let forge = client(OLD | flags);
        let mut policy = only(NTLM_V1);
        policy.min_key_strength = strength;
        let config = forge::config(NOW, policy);
        let acceptor = Acceptor::new(config, ChannelBindings::none());
        let step = acceptor.step(&forge.negotiate, &mut Vec::new());
        assert_eq!(step.is_ok(), enough, "{flags:x} {strength:?}");
        if let Err(error) = step {
            assert_eq!(error, PeerIncompatible::WeakKeys.into());
        }
    }
}
