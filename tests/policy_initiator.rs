//! Every setting of an initiator: what it sends, and what it refuses to answer.

#[path = "support/forge.rs"]
mod forge;

use forge::{FixedClock, FixedRandom};
use logon::wire::ntlm::{
    Authenticate, AvId, Challenge, Negotiate, NegotiateFlags, NtlmV2Response, TargetInfo,
    TargetInfoBuilder,
};
use logon::wire::spnego::NegTokenInit;
use logon::{
    ApiMisuse, ChannelBindings, Credential, Error, Initiator, InitiatorConfig, InitiatorContext,
    InitiatorStep, KeyStrength, NtlmUse, PeerIncompatible, RandomFailed, SecureRandom, TargetName,
};
use std::sync::Arc;

const NOW: u64 = 133_000_000_000_000_000;

fn of(name: &str) -> InitiatorConfig {
    let (random, clock) = (Arc::new(FixedRandom(0x55)), Arc::new(FixedClock(NOW)));
    InitiatorConfig::new(Credential::password(name, "S3cret!pw"), random, clock)
}

fn alice() -> InitiatorConfig {
    of("CORP\\alice")
}

/// The first token.
fn start(config: InitiatorConfig, target: &str) -> Result<(Initiator, Vec<u8>), Error> {
    let target = TargetName::new(target);
    let mut out = Vec::new();
    match Initiator::ntlm(Arc::new(config), target, ChannelBindings::none()).step(None, &mut out) {
        Ok(InitiatorStep::Continue(next)) => Ok((next, out)),
        Ok(step) => panic!("{step:?}"),
        Err(error) => {
            assert!(out.is_empty(), "nothing is sent");
            Err(error)
        }
    }
}

fn names() -> Vec<(AvId, Vec<u8>)> {
    vec![
        (AvId::NB_DOMAIN_NAME, forge::utf16le("CORP")),
        (AvId::NB_COMPUTER_NAME, forge::utf16le("WEB01")),
        (AvId::TIMESTAMP, NOW.to_le_bytes().to_vec()),
    ]
}

fn challenge(flags: NegotiateFlags, pairs: &[(AvId, Vec<u8>)]) -> Vec<u8> {
    let mut list = TargetInfoBuilder::new();
    for (id, value) in pairs {
        list.push(*id, value).unwrap();
    }
    let list = list.finish();
    let message = Challenge {
        target_name: &forge::utf16le("CORP"),
        flags: flags | NegotiateFlags::TARGET_INFO,
        server_challenge: [0x42; 8],
        target_info: Some(TargetInfo::decode(&list).unwrap()),
        version: None,
    };
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    out
}

/// What is sent in answer to a CHALLENGE with these flags and pairs.
fn answer(
    config: InitiatorConfig,
    flags: NegotiateFlags,
    pairs: &[(AvId, Vec<u8>)],
) -> Result<(Vec<u8>, InitiatorContext), Error> {
    let (next, _) = start(config, "HTTP/web01.corp.example")?;
    let mut out = Vec::new();
    match next.step(Some(&challenge(flags, pairs)), &mut out) {
        Ok(InitiatorStep::Complete(context)) => Ok((out, context)),
        Ok(step) => panic!("{step:?}"),
        Err(error) => {
            assert!(out.is_empty(), "nothing is sent");
            Err(error)
        }
    }
}

/// What a whole server answers.
fn whole() -> NegotiateFlags {
    NegotiateFlags::from_bits_retain(0xe289_8235)
}

fn refused(config: InitiatorConfig, flags: NegotiateFlags) -> Error {
    answer(config, flags, &names()).map(|_| ()).unwrap_err()
}

// C-20: to whom NTLM is spoken; to all others nothing is sent at all.
#[test]
fn ntlm_is_spoken_to_whom_it_is_allowed() {
    let only = |targets: &[&str]| {
        NtlmUse::Only(targets.iter().map(|target| TargetName::new(*target)).collect())
    };
    assert_eq!(NtlmUse::default(), NtlmUse::Anywhere);
    let allowed = |ntlm, target| match start(alice().with_ntlm(ntlm), target) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, PeerIncompatible::NtlmDisabled.into());
            false
        }
    };
    let exceptions = || only(&["HTTP/old.corp.example", "HTTP/older:8080"]);
    for (target, is_exception) in [
        ("HTTP/old.corp.example", true),
        ("http/OLD.corp.example:8080", true),
        ("HTTP/older:8080", true),
        ("HTTP/older", false),
        ("HTTP/old.corp.example.evil", false),
        ("cifs/old.corp.example", false),
        ("", false),
    ] {
        assert!(allowed(NtlmUse::Anywhere, target));
        assert!(!allowed(only(&[]), target), "{target}");
        assert_eq!(allowed(exceptions(), target), is_exception, "{target}");
    }
    let mut out = Vec::new();
    let config = Arc::new(alice().with_ntlm(only(&[])));
    let target = TargetName::http("web01");
    let spnego = Initiator::negotiate(config, target, ChannelBindings::none());
    let error = spnego.step(None, &mut out).map(|_| ()).unwrap_err();
    assert_eq!(error, PeerIncompatible::NtlmDisabled.into());
    assert!(NegTokenInit::decode(&out).is_err() && out.is_empty());
}

// Nobody is logged on as nobody.
#[test]
fn a_credential_without_a_user_is_refused() {
    for name in ["", "CORP\\"] {
        let error = start(of(name), "HTTP/web01").map(|_| ()).unwrap_err();
        assert_eq!(error, ApiMisuse::NoUser.into());
    }
}

// F-06: too weak a CHALLENGE is not answered.
#[test]
fn the_key_strength_decides_before_anything_is_computed() {
    use KeyStrength::{Any, Bits56, Bits128};
    let (bits56, bits128) = (NegotiateFlags::KEY_56, NegotiateFlags::KEY_128);
    let none = whole() - bits56 - bits128;
    for (strength, expected) in [
        (Any, [true; 4]),
        (Bits56, [false, true, true, true]),
        (Bits128, [false, false, true, true]),
    ] {
        let challenges = [none, none | bits56, none | bits128, none | bits56 | bits128];
        for (flags, expected) in challenges.into_iter().zip(expected) {
            let config = alice().with_min_key_strength(strength);
            match answer(config, flags, &names()) {
                Ok(_) => assert!(expected, "{strength:?} {flags:?}"),
                Err(error) => {
                    assert!(!expected, "{strength:?} {flags:?}");
                    assert_eq!(error, PeerIncompatible::WeakKeys.into());
                }
            }
        }
    }
}

// F-07, F-01: what the server did not return is dropped, what is needed may not be missing.
#[test]
fn flags_are_what_both_sides_want() {
    let asked = |config| {
        let (_, out) = start(config, "HTTP/web01").unwrap();
        Negotiate::decode(&out).unwrap().flags
    };
    let (sign, seal) = (NegotiateFlags::SIGN, NegotiateFlags::SEAL);
    let always = NegotiateFlags::REQUEST_TARGET
        | NegotiateFlags::NTLM
        | NegotiateFlags::ALWAYS_SIGN
        | NegotiateFlags::UNICODE
        | NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert!(asked(alice()).contains(always | sign | NegotiateFlags::KEY_EXCH));
    assert!(!asked(alice()).contains(seal));
    assert!(asked(alice().with_confidentiality(true)).contains(seal));
    assert!(!asked(alice().with_key_exchange(false)).contains(NegotiateFlags::KEY_EXCH));

    let (out, _) = answer(alice(), whole() - sign, &names()).unwrap();
    let flags = Authenticate::decode(&out).unwrap().flags.unwrap();
    assert!(!flags.intersects(sign | seal));
    assert!(whole().contains(flags));

    let downgraded = Error::from(PeerIncompatible::FlagsDowngraded);
    assert_eq!(refused(alice(), whole() - NegotiateFlags::UNICODE), downgraded);
    let old = whole() - NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert_eq!(refused(alice(), old), PeerIncompatible::NtlmV1Wanted.into());
    assert_eq!(refused(alice().with_integrity(true), whole() - sign), downgraded);
    assert_eq!(refused(alice().with_confidentiality(true), whole() - seal), downgraded);
    let both = || alice().with_integrity(true).with_confidentiality(true);
    assert_eq!(refused(both(), whole() - sign), downgraded);
    let (_, mut context) = answer(both(), whole() | seal, &names()).unwrap();
    context.wrap(&mut [0; 4]).unwrap();
    let (_, mut context) = answer(alice().with_integrity(true), whole(), &names()).unwrap();
    context.get_mic(b"message").unwrap();
    context.wrap(&mut [0; 4]).unwrap_err();
}

// C-06: integrity of a server that does not say its name cannot be had.
#[test]
fn integrity_needs_the_names_of_the_server() {
    let protected: [fn() -> InitiatorConfig; 2] =
        [|| alice().with_integrity(true), || alice().with_confidentiality(true)];
    let flags = whole() | NegotiateFlags::SEAL;
    for config in protected {
        answer(config(), flags, &names()).unwrap();
        for missing in [AvId::NB_DOMAIN_NAME, AvId::NB_COMPUTER_NAME] {
            let mut pairs = names();
            pairs.retain(|(id, _)| *id != missing);
            let error = answer(config(), flags, &pairs).map(|_| ()).unwrap_err();
            assert_eq!(error, PeerIncompatible::NoServerNames.into());
            answer(alice(), flags, &pairs).expect("not asked for");
        }
        let error = answer(config(), flags, &[]).map(|_| ()).unwrap_err();
        assert_eq!(error, PeerIncompatible::NoServerNames.into());
    }
}

// C-12: a server cannot say what only a client may, nor the same thing twice.
#[test]
fn a_forbidden_pair_is_not_answered() {
    for (id, value) in [
        (AvId::TARGET_NAME, forge::utf16le("HTTP/other")),
        (AvId::CHANNEL_BINDINGS, vec![7; 16]),
        (AvId::SINGLE_HOST, vec![7; 48]),
        (AvId::NB_DOMAIN_NAME, forge::utf16le("CORP")),
        (AvId::TIMESTAMP, vec![7; 8]),
    ] {
        for place in [0, 3] {
            let mut pairs = names();
            pairs.insert(place, (id, value.clone()));
            let error = answer(alice(), whole(), &pairs).map(|_| ()).unwrap_err();
            assert_eq!(error, PeerIncompatible::ForbiddenAvPair.into(), "{id}");
        }
    }
    let mut pairs = names();
    pairs.push((AvId(77), b"unknown".to_vec()));
    let (out, _) = answer(alice(), whole(), &pairs).unwrap();
    let received = Authenticate::decode(&out).unwrap();
    let list = NtlmV2Response::decode(received.nt_response).unwrap().target_info;
    let first = list.iter().take(pairs.len()).map(|pair| (pair.id, pair.value.to_vec()));
    assert_eq!(first.collect::<Vec<_>>(), pairs, "kept in order and bit for bit");
}

// C-13: the machine's id is sent when it is set, in 48 bytes, and not otherwise.
#[test]
fn the_machine_id_is_sent_when_it_is_set() {
    let single_host = |config| {
        let (out, _) = answer(config, whole(), &names()).unwrap();
        let received = Authenticate::decode(&out).unwrap();
        let response = NtlmV2Response::decode(received.nt_response).unwrap();
        response.target_info.get(AvId::SINGLE_HOST).map(<[u8]>::to_vec)
    };
    assert_eq!(single_host(alice()), None);
    let expected = [&48_u32.to_le_bytes()[..], &[0; 12], &[9; 32]].concat();
    assert_eq!(single_host(alice().with_machine_id([9; 32])), Some(expected));
}

// C-16, C-14: the workstation stays empty unless it is named; a key is exchanged if wanted.
#[test]
fn workstation_and_key_exchange_are_as_configured() {
    let (out, context) = answer(alice(), whole(), &names()).unwrap();
    let received = Authenticate::decode(&out).unwrap();
    assert!(received.workstation.is_empty());
    assert_eq!(received.encrypted_random_session_key.len(), 16);
    assert_eq!(context.exported_session_key(), &[0x55; 16]);
    let config = alice().with_workstation("LAPTOP").with_key_exchange(false);
    let (out, context) = answer(config, whole(), &names()).unwrap();
    let received = Authenticate::decode(&out).unwrap();
    assert_eq!(received.workstation, forge::utf16le("LAPTOP"));
    assert!(received.encrypted_random_session_key.is_empty());
    assert_ne!(context.exported_session_key(), &[0x55; 16]);
}

/// A random number generator that fails: who asks it has begun to compute.
#[derive(Debug)]
struct Broken;

impl SecureRandom for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
        Err(RandomFailed)
    }
}

// F-06, F-07: a CHALLENGE that is too weak is refused before a response is begun.
#[test]
fn nothing_is_drawn_for_a_challenge_that_is_too_weak() {
    let broken = || {
        let credential = Credential::password("CORP\\alice", "S3cret!pw");
        InitiatorConfig::new(credential, Arc::new(Broken), Arc::new(FixedClock(NOW)))
            .with_min_key_strength(KeyStrength::Bits128)
    };
    assert_eq!(refused(broken(), whole()), Error::RandomFailed);
    let weak = whole() - NegotiateFlags::KEY_128;
    assert_eq!(refused(broken(), weak), PeerIncompatible::WeakKeys.into());
    let downgraded = whole() - NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert_eq!(refused(broken(), downgraded), PeerIncompatible::NtlmV1Wanted.into());
}
