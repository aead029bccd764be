//! The recorded clients, told to lie: each changes something and proves its password over the
//! change, as somebody would who relays a logon to another server and knows no better.

#[path = "support/capture.rs"]
mod capture;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/vectors.rs"]
mod vectors;

use capture::{Capture, SECOND, v2_captures};
use forge::{AV_MIC_PRESENT, Forge, finish, refusal};
use logon::wire::ntlm::AvId;
use logon::{
    Acceptor, Answer, BindingsOutcome, BindingsPolicy, ChannelBindings, ChannelBindingsHash,
    MicOutcome, MicPolicy, Policy, Refusal,
};

const DATA: &[u8] = b"tls-server-end-point:our certificate";

/// The capture without what concerns TLS, and with a MIC whatever the client did.
fn modern(capture: &Capture) -> Forge {
    let mut forge = capture.forge();
    forge.set(AvId::FLAGS, &[AV_MIC_PRESENT, 0, 0, 0]);
    forge.mic = true;
    forge.remove(AvId::CHANNEL_BINDINGS);
    forge
}

fn refused(forge: &Forge, capture: &Capture) -> Refusal {
    refusal(forge.log_on(Policy::default(), ChannelBindings::none(), capture.answer()))
}

#[test]
fn the_forge_makes_what_the_clients_made() {
    for capture in v2_captures() {
        let forge = capture.forge();
        assert_eq!(forge.exported()[..], capture.key, "{}", capture.id);
        let bindings = capture.channel_bindings();
        let context = forge.log_on(Policy::default(), bindings, capture.answer()).unwrap();
        assert_eq!(context.exported_session_key(), capture.key, "{}", capture.id);
        let forge = modern(&capture);
        let context = forge.log_on(Policy::default(), ChannelBindings::none(), capture.answer());
        assert_eq!(context.unwrap().identity().mic(), MicOutcome::Verified, "{}", capture.id);
    }
}

// S-15, S-20, N-12: the time among them.
#[test]
fn every_pair_of_the_challenge_has_to_come_back() {
    for capture in v2_captures() {
        let sent = capture.forge().sent_ids();
        assert!(sent.len() > 3);
        for id in sent {
            let expected = Refusal::AvPairChanged(id.name().unwrap());
            let place = modern(&capture).position(id).unwrap();

            let mut changed = modern(&capture);
            changed.pairs[place].1[0] ^= 1;
            assert_eq!(refused(&changed, &capture), expected, "{}", capture.id);

            let mut shortened = modern(&capture);
            shortened.pairs[place].1.truncate(0);
            if id != AvId::TIMESTAMP {
                assert_eq!(refused(&shortened, &capture), expected, "{}", capture.id);
            }

            let mut removed = modern(&capture);
            removed.remove(id);
            assert_eq!(refused(&removed, &capture), expected, "{}", capture.id);

            let mut doubled = modern(&capture);
            let pair = doubled.pairs[place].clone();
            doubled.pairs.push(pair);
            let expected = Refusal::AvPairDuplicated(id.name().unwrap());
            assert_eq!(refused(&doubled, &capture), expected, "{}", capture.id);
        }
    }
}

// N-10, N-11: bytes behind MsvAvEOL are covered by the proof.
#[test]
fn the_order_of_the_pairs_and_unknown_pairs_do_not_matter() {
    for capture in v2_captures() {
        let mut forge = modern(&capture);
        forge.pairs.reverse();
        forge.pairs.push((AvId(0x7fff), b"of tomorrow".to_vec()));
        forge.pairs.push((AvId(0x7fff), b"and again".to_vec()));
        forge.tail = vec![0; 11];
        forge.log_on(Policy::default(), ChannelBindings::none(), capture.answer()).unwrap();
    }
}

// N-12
#[test]
fn no_pair_of_the_client_may_stand_twice() {
    for capture in v2_captures() {
        for (id, value) in [
            (AvId::FLAGS, vec![0; 4]),
            (AvId::CHANNEL_BINDINGS, vec![0; 16]),
            (AvId::TARGET_NAME, vec![]),
        ] {
            let mut forge = modern(&capture);
            forge.remove(id);
            let first =
                if id == AvId::FLAGS { vec![AV_MIC_PRESENT, 0, 0, 0] } else { value.clone() };
            forge.pairs.push((id, first));
            forge.pairs.push((id, value));
            let expected = Refusal::AvPairDuplicated(id.name().unwrap());
            assert_eq!(refused(&forge, &capture), expected, "{}", capture.id);
        }
        // A second MsvAvFlags in front must not take the MIC away.
        let mut forge = modern(&capture);
        forge.pairs.insert(0, (AvId::FLAGS, vec![0; 4]));
        let expected = Refusal::AvPairDuplicated("MsvAvFlags");
        assert_eq!(refused(&forge, &capture), expected, "{}", capture.id);
    }
}

// S-17, E-03, E-04
#[test]
fn bindings_of_another_connection_are_refused() {
    for capture in v2_captures() {
        let ours = || ChannelBindings::from_application_data(DATA);
        let log_on = |hash: Option<[u8; 16]>, bindings| {
            let mut forge = modern(&capture);
            if let Some(hash) = hash {
                forge.set(AvId::CHANNEL_BINDINGS, &hash);
            }
            forge.log_on(Policy::default(), bindings, capture.answer())
        };
        let right = ChannelBindingsHash::of(DATA).0;
        let context = log_on(Some(right), ours()).unwrap();
        assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
        let rotating = ChannelBindings::from_application_data(*b"old").or(ours());
        let context = log_on(Some(right), rotating).unwrap();
        assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
        for index in 0..16 {
            let mut wrong = right;
            wrong[index] ^= 1;
            let result = log_on(Some(wrong), ours());
            assert_eq!(refusal(result), Refusal::WrongChannelBindings, "{}", capture.id);
        }
        let zero = log_on(Some([0; 16]), ours());
        assert_eq!(refusal(zero), Refusal::ZeroChannelBindings, "{}", capture.id);
        let absent = log_on(None, ours()).unwrap();
        assert_eq!(absent.identity().bindings(), BindingsOutcome::NotOffered);
        for hash in [None, Some([0; 16]), Some(right)] {
            let context = log_on(hash, ChannelBindings::none()).unwrap();
            assert_eq!(context.identity().bindings(), BindingsOutcome::Unavailable);
        }
    }
}

// S-17, S-18, E-03
#[test]
fn bindings_are_demanded_by_policy_alone() {
    for capture in v2_captures() {
        let mut policy = Policy::default();
        policy.bindings = BindingsPolicy::Always;
        let ours = ChannelBindings::from_application_data(DATA);
        let right = ChannelBindingsHash::of(DATA).0;
        for (hash, bindings, expected) in [
            (None, ours.clone(), Refusal::ChannelBindingsRequired),
            (Some([0; 16]), ours.clone(), Refusal::ZeroChannelBindings),
            (Some([1; 16]), ours, Refusal::WrongChannelBindings),
            (Some(right), ChannelBindings::none(), Refusal::ChannelBindingsRequired),
            (None, ChannelBindings::none(), Refusal::ChannelBindingsRequired),
        ] {
            let mut forge = modern(&capture);
            if let Some(hash) = hash {
                forge.set(AvId::CHANNEL_BINDINGS, &hash);
            }
            let result = forge.log_on(policy.clone(), bindings, capture.answer());
            assert_eq!(refusal(result), expected, "{}", capture.id);
        }
    }
}

// N-04, S-13, S-14
#[test]
fn a_mic_that_is_announced_cannot_be_stripped() {
    for capture in v2_captures() {
        let mut stripped = modern(&capture);
        stripped.mic = false;
        assert_eq!(refused(&stripped, &capture), Refusal::MicStripped, "{}", capture.id);
        // Without the bit there is none to strip; then policy decides.
        stripped.set(AvId::FLAGS, &[0; 4]);
        let answer = || capture.answer();
        let context = stripped.log_on(Policy::default(), ChannelBindings::none(), answer());
        assert_eq!(context.unwrap().identity().mic(), MicOutcome::NotOffered);
        let mut policy = Policy::default();
        policy.mic = MicPolicy::Always;
        let result = stripped.log_on(policy.clone(), ChannelBindings::none(), answer());
        assert_eq!(refusal(result), Refusal::MicRequired, "{}", capture.id);
        // A MIC that nobody announces counts for nothing.
        stripped.mic = true;
        let result = stripped.log_on(policy, ChannelBindings::none(), answer());
        assert_eq!(refusal(result), Refusal::MicRequired, "{}", capture.id);
    }
}

// S-13
#[test]
fn the_mic_needs_the_session_key() {
    for capture in v2_captures() {
        let mut message = modern(&capture).message();
        message[72..88].fill(0);
        assert_eq!(capture.refused(&message), Refusal::WrongMic, "{}", capture.id);
    }
}

// S-05, S-11
#[test]
fn neither_a_wrong_password_nor_an_unknown_account_logs_on() {
    for capture in v2_captures() {
        let mut forge = modern(&capture);
        forge.password.push('x');
        assert_eq!(refused(&forge, &capture), Refusal::WrongProof, "{}", capture.id);
        // Whatever the client proves, an answer that is not `Known` refuses.
        for (answer, expected) in [
            (Answer::Unknown, Refusal::UnknownAccount),
            (Answer::Refused(Refusal::AccountLocked), Refusal::AccountLocked),
            (Answer::Refused(Refusal::AccountDisabled), Refusal::AccountDisabled),
        ] {
            for forge in [&forge, &modern(&capture)] {
                let result =
                    forge.log_on(Policy::default(), ChannelBindings::none(), answer.clone());
                assert_eq!(refusal(result), expected, "{}", capture.id);
            }
        }
        let mut nobody = modern(&capture);
        nobody.password = String::new();
        let answer = forge::known("CORP", "alice", "");
        let result = nobody.log_on(Policy::default(), ChannelBindings::none(), answer);
        assert_eq!(refusal(result), Refusal::EmptyPassword, "{}", capture.id);
    }
}

// S-01, S-05
#[test]
fn a_response_to_another_challenge_is_refused() {
    for capture in v2_captures() {
        let message = modern(&capture).message();
        let mut challenge = capture.challenge.clone();
        challenge[24] ^= 1;
        let exchange = forge::exchange(&capture.negotiate, &challenge);
        let config = forge::config(capture.issued_at() + SECOND, Policy::default());
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let result = finish(acceptor, &message, capture.answer(), &mut Vec::new());
        assert_eq!(refusal(result), Refusal::WrongProof, "{}", capture.id);
    }
}
