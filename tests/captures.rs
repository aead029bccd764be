//! Every recorded handshake replayed through the state machine, whole and tampered with.

#[path = "support/capture.rs"]
mod capture;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/vectors.rs"]
mod vectors;

use capture::{SECOND, captures, v2_captures};
use forge::{finish, refusal};
use logon::wire::ntlm::{Authenticate, Challenge, MessageType};
use logon::wire::spnego::{NegState, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, BindingsOutcome, BindingsPolicy, ChannelBindings, Error, Mechanism,
    MicOutcome, MicPolicy, PeerIncompatible, Policy, Refusal,
};

/// Where a part of a message stands in it.
fn place(message: &[u8], part: &[u8]) -> usize {
    let mut windows = message.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

// N-03, N-11, S-13: as clients of today lay their messages out.
#[test]
fn every_recorded_handshake_completes() {
    for capture in v2_captures() {
        let mut out = Vec::new();
        let acceptor = capture.resume(SECOND, Policy::default());
        let context = finish(acceptor, capture.last(), capture.answer(), &mut out);
        let context = context.unwrap_or_else(|error| panic!("{}: {error:?}", capture.id));
        let identity = context.identity();
        assert_eq!((identity.domain(), identity.user()), ("CORP", "Alice"), "{}", capture.id);
        assert_eq!(identity.workstation(), capture.workstation, "{}", capture.id);
        assert_eq!(context.exported_session_key(), capture.key, "{}", capture.id);
        let mic = if capture.mic { MicOutcome::Verified } else { MicOutcome::NotOffered };
        assert_eq!(identity.mic(), mic, "{}", capture.id);
        let nonzero = capture.bindings_hash.as_ref().is_some_and(|hash| *hash != [0; 16]);
        let bindings = match (&capture.bindings, nonzero) {
            (None, _) => BindingsOutcome::Unavailable,
            (Some(_), true) => BindingsOutcome::Bound,
            (Some(_), false) => BindingsOutcome::NotOffered,
        };
        assert_eq!(identity.bindings(), bindings, "{}", capture.id);
        let mechanism = if capture.spnego { Mechanism::SpnegoNtlm } else { Mechanism::Ntlm };
        assert_eq!(context.mechanism(), mechanism, "{}", capture.id);

        // What the client was told at the end is what we tell it.
        match capture.replies.get(1) {
            Some(recorded) if capture.spnego => {
                let (recorded, ours) = (NegTokenResp::decode(recorded), NegTokenResp::decode(&out));
                let (recorded, ours) = (recorded.unwrap(), ours.unwrap());
                assert_eq!(ours.neg_state, Some(NegState::AcceptCompleted));
                assert_eq!(ours.mech_list_mic, recorded.mech_list_mic, "{}", capture.id);
            }
            _ => assert_eq!(out.is_empty(), !capture.spnego, "{}", capture.id),
        }
    }
}

#[test]
fn every_recorded_first_token_gets_a_challenge() {
    for capture in captures() {
        let acceptor = || {
            let config = forge::config(capture.issued_at(), Policy::default());
            Acceptor::new(config, ChannelBindings::none())
        };
        let mut out = Vec::new();
        assert!(Acceptor::is_initial(&capture.requests[0]), "{}", capture.id);
        let step = acceptor().step(&capture.requests[0], &mut out);
        if !capture.v2 {
            assert_eq!(
                step.unwrap_err(),
                Error::PeerIncompatible(PeerIncompatible::LegacyOnly),
                "wget offers neither Unicode nor extended session security"
            );
            continue;
        }
        assert!(matches!(step, Ok(AcceptorStep::Continue(_))), "{}: {step:?}", capture.id);
        let ours = if capture.spnego {
            NegTokenResp::decode(&out).unwrap().response_token.unwrap().to_vec()
        } else {
            out
        };
        assert_eq!(MessageType::of(&ours), Some(MessageType::Challenge));
        let (ours, theirs) = (Challenge::decode(&ours), Challenge::decode(&capture.challenge));
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        let time = |challenge: &Challenge<'_>| challenge.target_info.unwrap().timestamp();
        assert_eq!(time(&ours), time(&theirs), "{}: the clock is the same", capture.id);
        // The reply that was recorded is of the same shape.
        let recorded = &capture.replies[0];
        assert_eq!(MessageType::of(recorded).is_some(), !capture.spnego);
    }
}

// S-07
#[test]
fn wget_answers_with_ntlmv1_and_is_refused() {
    let captures = captures();
    let old: Vec<_> = captures.iter().filter(|capture| !capture.v2).collect();
    assert_eq!(old.len(), 1);
    let wget = old[0];
    assert_eq!(wget.refused(wget.last()), Refusal::NtlmV1);
    let mut policy = Policy::default();
    policy.ntlm2_session = true;
    let config = forge::config(wget.issued_at(), policy);
    let first = Acceptor::new(config, ChannelBindings::none());
    let mut out = Vec::new();
    let AcceptorStep::Continue(next) = first.step(&wget.requests[0], &mut out).unwrap() else {
        panic!("no challenge")
    };
    assert_eq!(MessageType::of(&out), Some(MessageType::Challenge));
    let denial = next.step(wget.last(), &mut out).unwrap_err();
    let Error::Denied(denial) = denial else { panic!("{denial:?}") };
    assert_eq!(denial.refusal(), Refusal::NtlmV1);
    let account = (wget.domain.as_str(), wget.user.as_str());
    assert_eq!((denial.account().domain(), denial.account().user()), account);
}

// S-05
#[test]
fn one_bit_of_the_proof_is_enough() {
    for capture in v2_captures() {
        let forge = capture.forge();
        let message = &capture.authenticate;
        let nt = Authenticate::decode(message).unwrap().nt_response;
        let at = place(message, nt);
        for index in 0..16 {
            let mut tampered = message.clone();
            tampered[at + index] ^= 0x10;
            assert_eq!(capture.refused(&tampered), Refusal::WrongProof, "{}", capture.id);
        }
        // Every AV pair, the bindings among them, is covered by the proof.
        for (id, value) in forge.pairs.iter().filter(|(_, value)| !value.is_empty()) {
            let mut pair = id.0.to_le_bytes().to_vec();
            pair.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            pair.extend(value);
            let mut tampered = message.clone();
            tampered[at + place(nt, &pair) + 4] ^= 1;
            assert_eq!(capture.refused(&tampered), Refusal::WrongProof, "{}: {id}", capture.id);
        }
    }
}

// S-13
#[test]
fn one_bit_of_an_announced_mic_is_enough() {
    let mut seen = 0;
    for capture in v2_captures().iter().filter(|capture| capture.mic) {
        for index in 72..88 {
            let mut tampered = capture.authenticate.clone();
            tampered[index] ^= 1;
            assert_eq!(capture.refused(&tampered), Refusal::WrongMic, "{}", capture.id);
        }
        // The MIC covers the other two messages as well.
        let mut forge = capture.forge();
        forge.negotiate[12] ^= 4;
        let exchange = forge::exchange(&forge.negotiate, &capture.challenge);
        let config = forge::config(capture.issued_at(), Policy::default());
        let acceptor = Acceptor::resume(config, capture.channel_bindings(), exchange).unwrap();
        let result = finish(acceptor, &capture.authenticate, capture.answer(), &mut Vec::new());
        assert_eq!(refusal(result), Refusal::WrongMic, "{}", capture.id);
        seen += 1;
    }
    assert!(seen > 10);
}

// P-13
#[test]
fn a_tampered_mech_list_mic_is_refused() {
    let mut seen = 0;
    for capture in v2_captures().iter().filter(|capture| capture.spnego) {
        let resp = NegTokenResp::decode(capture.last()).unwrap();
        let Some(mic) = resp.mech_list_mic else { continue };
        let mut token = capture.last().to_vec();
        let at = token.len() - mic.len();
        assert_eq!(&token[at..], mic);
        for index in 0..16 {
            token[at + index] ^= 0x80;
            let acceptor = capture.resume(SECOND, Policy::default());
            let result = finish(acceptor, &token, capture.answer(), &mut Vec::new());
            assert_eq!(refusal(result), Refusal::WrongMechListMic, "{}", capture.id);
            token[at + index] ^= 0x80;
        }
        seen += 1;
    }
    assert!(seen > 0);
}

// S-16
#[test]
fn the_age_of_a_challenge_is_bounded() {
    for capture in v2_captures() {
        let lifetime = Policy::default().challenge_lifetime.as_secs() * SECOND;
        let log_on = |age: u64| {
            let acceptor = capture.resume(age, Policy::default());
            finish(acceptor, capture.last(), capture.answer(), &mut Vec::new())
        };
        log_on(0).unwrap();
        log_on(lifetime).unwrap();
        assert_eq!(refusal(log_on(lifetime + 1)), Refusal::ChallengeExpired, "{}", capture.id);
        let config = forge::config(capture.issued_at() - 1, Policy::default());
        let exchange = forge::exchange(&capture.negotiate, &capture.challenge);
        let acceptor = Acceptor::resume(config, capture.channel_bindings(), exchange).unwrap();
        finish(acceptor, &capture.authenticate, capture.answer(), &mut Vec::new())
            .expect("a clock that was set back is not the client's fault");
    }
}

// S-14, S-18
#[test]
fn policy_decides_about_what_clients_leave_out() {
    for capture in v2_captures() {
        let log_on = |policy| {
            let acceptor = capture.resume(SECOND, policy);
            finish(acceptor, capture.last(), capture.answer(), &mut Vec::new())
        };
        let mut policy = Policy::default();
        policy.mic = MicPolicy::Always;
        match log_on(policy) {
            Ok(_) => assert!(capture.mic, "{}", capture.id),
            error => {
                assert_eq!(refusal(error), Refusal::MicRequired, "{}", capture.id);
                assert!(!capture.mic, "{}", capture.id);
            }
        }
        let mut policy = Policy::default();
        policy.bindings = BindingsPolicy::Always;
        let nonzero = capture.bindings_hash.as_ref().is_some_and(|hash| *hash != [0; 16]);
        let bound = capture.bindings.is_some() && nonzero;
        match log_on(policy) {
            Ok(context) => {
                assert!(bound, "{}", capture.id);
                assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
            }
            error => {
                assert_eq!(refusal(error), Refusal::ChannelBindingsRequired, "{}", capture.id);
                assert!(!bound, "{}", capture.id);
            }
        }
        let mut policy = Policy::default();
        policy.bindings = BindingsPolicy::Never;
        let context = log_on(policy).unwrap();
        assert_eq!(context.identity().bindings(), BindingsOutcome::Ignored);
    }
}
