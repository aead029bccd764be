//! An authority elsewhere verifies the response; everything else is still checked here.

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

use forge::{FixedClock, FixedRandom, Forge, hmac_md5, rc4, refusal, utf16le};
use logon::ntlm::{ntlm_v1_response, ntlm2_session_challenge, v1_key_exchange_key};
use logon::wire::ntlm::{Authenticate, AvId, Challenge, NegotiateFlags};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, AccountName, Answer, BindingsPolicy, ChannelBindings,
    ChannelBindingsHash, Context, Error, KeyStrength, LogonRequest, MicOutcome, MicPolicy, NtHash,
    Policy, RecentChallenges, ReflectionGuard, Refusal, RemoteLogon, ServerNames, TargetName,
    TargetNamePolicy,
};
use old::{NOW, NTLM_V1, NTLM2_SESSION, OLD, PASSWORD, SERVER_CHALLENGE, client, everything, only};
use std::sync::Arc;

/// What Windows offers.
const FLAGS: u32 = 0xe208_82b7;

fn modern(flags: u32) -> Forge {
    Forge { mic: true, ..client(flags) }
}

fn without_mic(mut forge: Forge) -> Forge {
    forge.remove(AvId::FLAGS);
    forge.mic = false;
    forge
}

/// `SessionBaseKey` of an NTLMv2 response, as the authority computes it.
fn base_key(forge: &Forge) -> [u8; 16] {
    let message = forge.message();
    let proof = &Authenticate::decode(&message).unwrap().nt_response[..16];
    let owf = hmac_md5(NtHash::of_password(&forge.password).expose(), &[&forge.hashed]);
    hmac_md5(&owf, &[proof])
}

fn verified(key: [u8; 16]) -> Answer {
    Answer::Verified(RemoteLogon::new(key, AccountName::new("CORP", "Alice")))
}

fn log_on(forge: &Forge, policy: Policy, key: [u8; 16]) -> Result<Context, Error> {
    forge.log_on(policy, ChannelBindings::none(), verified(key))
}

fn request(forge: &Forge, policy: Policy) -> Result<LogonRequest, Error> {
    let exchange = forge::exchange(&forge.negotiate, &forge.challenge);
    let config = forge::config(NOW, policy);
    let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
    match acceptor.step(&forge.message(), &mut Vec::new())? {
        AcceptorStep::NeedLogon(request) => Ok(request),
        step => panic!("{step:?}"),
    }
}

// the key that the authority returns is the one to go on with, its name the identity.
#[test]
fn the_right_session_key_completes_a_logon() {
    for flags in [FLAGS, FLAGS & !0x4000_0000] {
        let forge = modern(flags);
        let context = log_on(&forge, Policy::default(), base_key(&forge)).unwrap();
        assert_eq!(context.identity().to_string(), "CORP\\Alice", "not the wire's spelling");
        assert_eq!(context.identity().mic(), MicOutcome::Verified);
        assert_eq!(context.exported_session_key(), forge.exported());
    }
}

// with a wrong key the MIC does not hold; without a MIC nothing shows that the key is wrong.
#[test]
fn a_wrong_session_key_breaks_the_mic() {
    for flags in [FLAGS, FLAGS & !0x4000_0000] {
        let forge = modern(flags);
        let mut key = base_key(&forge);
        for byte in 0..16 {
            key[byte] ^= 1;
            assert_eq!(refusal(log_on(&forge, Policy::default(), key)), Refusal::WrongMic);
            key[byte] ^= 1;
        }
        let bare = without_mic(forge);
        let context = log_on(&bare, Policy::default(), [0x13; 16]).unwrap();
        assert_eq!(context.identity().mic(), MicOutcome::NotOffered);
        assert_ne!(context.exported_session_key(), bare.exported());
        let always = only(|policy| policy.mic = MicPolicy::Always);
        assert_eq!(refusal(log_on(&bare, always, base_key(&bare))), Refusal::MicRequired);
    }
}

// MIC, bindings, echo, flags and age are ours, whatever the authority says.
#[test]
fn what_the_authority_never_sees_is_still_checked() {
    let ours = || ChannelBindings::from_application_data(*b"tls-server-end-point:ours");
    let check = |forge: &Forge, policy: Policy, bindings| {
        refusal(forge.log_on(policy, bindings, verified(base_key(forge))))
    };
    let none = ChannelBindings::none;
    let default = Policy::default;
    let good = modern(FLAGS);
    good.log_on(default(), ours(), verified(base_key(&good))).unwrap();

    let stripped = Forge { mic: false, ..good.clone() };
    assert_eq!(check(&stripped, default(), none()), Refusal::MicStripped);
    let always = only(|policy| policy.bindings = BindingsPolicy::Always);
    assert_eq!(check(&good, always, ours()), Refusal::ChannelBindingsRequired);
    for (hash, expected) in [
        (ChannelBindingsHash([9; 16]), Refusal::WrongChannelBindings),
        (ChannelBindingsHash::ZERO, Refusal::ZeroChannelBindings),
    ] {
        let mut forge = good.clone();
        forge.set(AvId::CHANNEL_BINDINGS, &hash.0);
        assert_eq!(check(&forge, default(), ours()), expected);
    }
    for id in good.sent_ids() {
        let mut forge = good.clone();
        forge.remove(id);
        let expected = Refusal::AvPairChanged(id.name().unwrap());
        assert_eq!(check(&forge, default(), none()), expected);
    }
    let mut twice = good.clone();
    twice.pairs.push((AvId::FLAGS, vec![0; 4]));
    assert_eq!(check(&twice, default(), none()), Refusal::AvPairDuplicated("MsvAvFlags"));
    let mut changed = good.clone();
    changed.flags |= NegotiateFlags::LM_KEY;
    assert_eq!(check(&changed, default(), none()), Refusal::FlagsChanged);
    let zero = only(|policy| policy.challenge_lifetime = std::time::Duration::ZERO);
    assert_eq!(check(&good, zero, none()), Refusal::ChallengeExpired);
}

// what the authority is given: the challenge that was answered, the responses and the
// names as they came.
#[test]
fn the_authority_is_given_what_the_client_sent() {
    let mut forge = modern(FLAGS);
    forge.user = utf16le("aLICE");
    forge.domain = utf16le("Corp");
    forge.workstation = utf16le("LapTop");
    let message = forge.message();
    let sent = Authenticate::decode(&message).unwrap();
    let request = request(&forge, Policy::default()).unwrap();
    let logon = request.challenge_response().unwrap();
    let account = logon.account;
    assert_eq!(
        (account.domain(), account.user(), account.workstation()),
        ("Corp", "aLICE", "LapTop")
    );
    assert_eq!(account, request.account());
    assert_eq!(logon.challenge, Challenge::decode(&forge.challenge).unwrap().server_challenge);
    assert_eq!(logon.nt_response, sent.nt_response);
}

// A-11, S-07: an authority that finds the NT response wrong falls back to the LM field, in which
// an LMv2 or LM response covers neither the AV pairs nor the bindings that are checked here. So
// it is not given one, and cannot vouch for a blob that somebody else made.
#[test]
fn the_authority_is_not_given_a_response_that_does_not_count() {
    let mut lured = modern(FLAGS);
    lured.password = "of somebody else".to_owned();
    lured.lm_response = vec![0x5a; 24];
    let (mut old, _) = old_response(OLD);
    old.lm_response = vec![0x5a; 24];
    for (forge, policy) in [(lured, Policy::default()), (old, only(NTLM_V1))] {
        let request = request(&forge, policy).unwrap();
        assert_eq!(request.challenge_response().unwrap().lm_response, []);
    }
    // The client's challenge of an NTLM2 session response, and an LM response that stands alone,
    // do count.
    let (session, _) = old_response(OLD | 0x0008_0000);
    let (mut lm, _) = old_response(OLD);
    lm.nt_response = Some(Vec::new());
    for (forge, policy) in [(session, only(NTLM2_SESSION)), (lm, only(|policy| policy.lm = true))] {
        let request = request(&forge, policy).unwrap();
        assert_eq!(request.challenge_response().unwrap().lm_response, forge.lm_response);
    }
}

/// NTLM2 session if the flags say so, NTLMv1 else.
fn old_response(flags: u32) -> (Forge, [u8; 8]) {
    let mut forge = client(flags);
    let mut challenge = SERVER_CHALLENGE;
    forge.lm_response = [&[0xaa; 8][..], &[0; 16]].concat();
    if flags & 0x0008_0000 != 0 {
        challenge = ntlm2_session_challenge(&SERVER_CHALLENGE, &[0xaa; 8]);
    }
    let hash = NtHash::of_password(PASSWORD);
    forge.nt_response = Some(ntlm_v1_response(&hash, &challenge).to_vec());
    (forge, challenge)
}

// for an NTLM2 session response the challenge is the half of an MD5, for NTLMv1 it is ours.
#[test]
fn the_authority_is_given_the_challenge_that_was_answered() {
    for (flags, opt_in) in [(OLD, NTLM_V1), (OLD | 0x0008_0000, NTLM2_SESSION)] {
        let (forge, challenge) = old_response(flags);
        let request = request(&forge, only(opt_in)).unwrap();
        let logon = request.challenge_response().unwrap();
        assert_eq!(logon.challenge, challenge);
        assert_eq!(challenge == SERVER_CHALLENGE, flags == OLD);
        // What an authority does with it.
        let expected = ntlm_v1_response(&NtHash::of_password(PASSWORD), &logon.challenge);
        assert_eq!(logon.nt_response, expected);
    }
}

// in the NTLMv1 family the returned key goes through KXKEY; the LM hash stays with the
// authority, so what needs one cannot be had.
#[test]
fn a_returned_key_of_an_old_response_goes_through_kxkey() {
    let base = [0x21; 16];
    for flags in [OLD, OLD | 0x0008_0000, OLD | 0x4000_0000, OLD | 0x80, OLD | 0x0040_0000] {
        let (mut forge, _) = old_response(flags);
        let negotiated = Challenge::decode(&forge.challenge).unwrap().flags;
        let key =
            v1_key_exchange_key(&base, negotiated, None, &forge.lm_response, &SERVER_CHALLENGE);
        let exchanged = negotiated.contains(NegotiateFlags::KEY_EXCH);
        if let (Some(key), true) = (&key, exchanged) {
            forge.encrypted = Some(rc4(key.expose(), &[0x66; 16]));
        }
        let result = log_on(&forge, everything(), base);
        match key {
            Some(key) => {
                let expected = if exchanged { [0x66; 16] } else { *key.expose() };
                assert_eq!(*result.unwrap().exported_session_key(), expected);
            }
            None => assert_eq!(refusal(result), Refusal::NoSessionKey),
        }
    }
}

// A-17, S-27: whatever the authority refuses for is the reason of the refusal.
#[test]
fn a_refusing_authority_refuses() {
    let forge = modern(FLAGS);
    for reason in [
        Refusal::NtlmBlocked,
        Refusal::RefusedByAuthority,
        Refusal::AccountDisabled,
        Refusal::AccountExpired,
        Refusal::WrongProof,
    ] {
        let answer = Answer::Refused(reason);
        let result = forge.log_on(Policy::default(), ChannelBindings::none(), answer);
        assert_eq!(refusal(result), reason);
    }
}

// neither nobody nor what policy refuses anyway is brought to the authority.
#[test]
fn what_will_be_refused_does_not_reach_the_authority() {
    let nobody = Forge { user: Vec::new(), ..modern(FLAGS) };
    assert_eq!(refusal(request(&nobody, everything())), Refusal::Anonymous);
    for flags in [OLD, OLD | 0x0008_0000] {
        let (forge, _) = old_response(flags);
        assert_eq!(refusal(request(&forge, Policy::default())), Refusal::NtlmV1);
    }
}

// nor does the authority see the service that was meant, how strong the keys are, and who
// made the response.
#[test]
fn name_strength_and_reflection_are_checked_behind_an_authority() {
    let good = modern(FLAGS);
    let check = |forge: &Forge, policy: Policy| {
        refusal(forge.log_on(policy, ChannelBindings::none(), verified(base_key(forge))))
    };
    let require = || {
        only(|policy| {
            let own = vec![TargetName::http("web01.corp.example")];
            policy.target_name = TargetNamePolicy::Require(own);
        })
    };
    assert_eq!(check(&good, require()), Refusal::TargetNameRequired);
    let mut other = good.clone();
    other.set(AvId::TARGET_NAME, &utf16le("HTTP/web02.corp.example"));
    assert_eq!(check(&other, require()), Refusal::WrongTargetName);
    other.set(AvId::TARGET_NAME, &utf16le("HTTP/web01.corp.example"));
    other.log_on(require(), ChannelBindings::none(), verified(base_key(&other))).unwrap();

    let mut weak = good.clone();
    weak.flags -= NegotiateFlags::KEY_128 | NegotiateFlags::KEY_56;
    let strong = only(|policy| policy.min_key_strength = KeyStrength::Bits128);
    assert_eq!(check(&weak, strong), Refusal::WeakKeys);

    let mut own = good.clone();
    own.set(AvId(8), &[&[48][..], &[0; 15], &[9; 32]].concat());
    let names = ServerNames::new("WEB01", "CORP");
    let config = |machine_id, answered: Option<[u8; 8]>| {
        let guard = RecentChallenges::default();
        answered.into_iter().for_each(|challenge| guard.answering(challenge));
        let (random, clock) = (Arc::new(FixedRandom(0x42)), Arc::new(FixedClock(NOW)));
        let config = AcceptorConfig::new(names.clone(), random, clock);
        Arc::new(config.with_machine_id(machine_id).with_reflection_guard(Arc::new(guard)))
    };
    for (machine_id, answered, reflected) in [
        ([8; 32], None, false),
        ([9; 32], None, true),
        ([8; 32], Some(SERVER_CHALLENGE), true),
        ([8; 32], Some([7; 8]), false),
    ] {
        let exchange = forge::exchange(&own.negotiate, &own.challenge);
        let config = config(machine_id, answered);
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let answer = verified(base_key(&own));
        let result = forge::finish(acceptor, &own.message(), answer, &mut Vec::new());
        match result {
            Ok(_) => assert!(!reflected),
            error => {
                assert!(reflected);
                assert_eq!(refusal(error), Refusal::Reflected);
            }
        }
    }
}

// S-23: with challenge and response in a log, a password can be guessed at offline.
#[test]
fn the_responses_for_an_authority_are_not_in_debug_output() {
    let request = request(&modern(FLAGS), Policy::default()).unwrap();
    let logon = request.challenge_response().unwrap();
    let shown = format!("{logon:?}");
    for secret in [&logon.nt_response[..16], &logon.challenge] {
        let bytes = format!("{secret:?}");
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    }
    assert!(shown.contains("alice"), "who it is may be shown: {shown}");
}
