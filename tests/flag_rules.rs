//! The flags that server and client agree on, rule by rule.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{Forge, known};
use logon::wire::ntlm::{Challenge, Negotiate, NegotiateFlags};
use logon::{Acceptor, AcceptorConfig, AcceptorStep, ChannelBindings, Policy, ServerNames};
use pair::{NOW, PASSWORD};
use std::sync::Arc;

/// What Windows offers: both character sets, `LM_KEY`, every strength.
const FLAGS: u32 = 0xe208_82b7;

fn negotiate(flags: u32) -> Vec<u8> {
    let flags = NegotiateFlags::from_bits_retain(flags);
    let mut out = Vec::new();
    Negotiate { flags, domain: &[], workstation: &[], version: None }.encode(&mut out).unwrap();
    out
}

fn challenge(negotiate: &[u8], policy: Policy) -> Vec<u8> {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, policy), ChannelBindings::none());
    let step = acceptor.step(negotiate, &mut out).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    out
}

/// The flags of the CHALLENGE to a client that asks for `asked`.
fn offered(asked: NegotiateFlags, policy: Policy) -> NegotiateFlags {
    let challenge = challenge(&negotiate(asked.bits()), policy);
    Challenge::decode(&challenge).unwrap().flags
}

// F-02: nothing comes back but what was asked for, what is always set, and one type of target.
#[test]
fn a_challenge_offers_no_bit_that_was_not_asked_for() {
    let always = NegotiateFlags::REQUEST_TARGET
        | NegotiateFlags::NTLM
        | NegotiateFlags::ALWAYS_SIGN
        | NegotiateFlags::TARGET_INFO
        | NegotiateFlags::TARGET_TYPE_DOMAIN;
    for bit in 0..32 {
        let bit = NegotiateFlags::from_bits_retain(1 << bit);
        if bit == NegotiateFlags::DATAGRAM {
            continue;
        }
        let asked = NegotiateFlags::UNICODE | bit;
        let flags = offered(asked, Policy::default());
        assert!(flags.contains(always), "{bit:?}");
        assert!((asked | always).contains(flags), "{bit:?}: {flags:?}");
        assert!(!flags.contains(NegotiateFlags::TARGET_TYPE_SERVER), "{bit:?}");
    }
    let names = ServerNames::new("WEB01", "WEB01");
    let clock = Arc::new(forge::FixedClock(NOW));
    let config = AcceptorConfig::new(names, Arc::new(forge::FixedRandom(0x42)), clock);
    let mut out = Vec::new();
    let acceptor = Acceptor::new(Arc::new(config), ChannelBindings::none());
    let _ = acceptor.step(&negotiate(FLAGS | 0x0001_0000), &mut out).unwrap();
    let flags = Challenge::decode(&out).unwrap().flags;
    assert!(flags.contains(NegotiateFlags::TARGET_TYPE_SERVER));
    assert!(!flags.contains(NegotiateFlags::TARGET_TYPE_DOMAIN));
}

// F-03, F-04
#[test]
fn unicode_and_extended_session_security_exclude_what_is_older() {
    let mut legacy = Policy::default();
    (legacy.ntlm_v1, legacy.ntlm2_session, legacy.lm) = (true, true, true);
    let old = NegotiateFlags::OEM | NegotiateFlags::LM_KEY;
    let modern = NegotiateFlags::UNICODE | NegotiateFlags::EXTENDED_SESSIONSECURITY;
    for policy in [Policy::default(), legacy.clone()] {
        let flags = offered(old | modern, policy);
        assert!(flags.contains(modern) && !flags.intersects(old), "{flags:?}");
    }
    let flags = offered(old, legacy);
    assert!(flags.contains(old) && !flags.intersects(modern), "{flags:?}");
}

// F-05
#[test]
fn strengths_are_offered_to_who_signs_or_seals() {
    let strengths = NegotiateFlags::KEY_128 | NegotiateFlags::KEY_56;
    let charset = NegotiateFlags::UNICODE;
    assert!(!offered(charset | strengths, Policy::default()).intersects(strengths));
    for user in [NegotiateFlags::SIGN, NegotiateFlags::SEAL] {
        for strength in [NegotiateFlags::KEY_128, NegotiateFlags::KEY_56, strengths] {
            let flags = offered(charset | user | strength, Policy::default());
            assert!(flags.contains(user), "what was asked for is there");
            assert_eq!(flags.intersection(strengths), strength);
        }
    }
}

// F-12
#[test]
fn the_type_of_the_target_is_the_servers_to_say() {
    let types = NegotiateFlags::TARGET_TYPE_DOMAIN | NegotiateFlags::TARGET_TYPE_SERVER;
    for said in [NegotiateFlags::empty(), NegotiateFlags::TARGET_TYPE_SERVER, types] {
        let negotiate = negotiate(FLAGS | said.bits());
        let mut forge = Forge::answer(&negotiate, &challenge(&negotiate, Policy::default()));
        let sent = Challenge::decode(&forge.challenge).unwrap().flags;
        assert_eq!(sent.intersection(types), NegotiateFlags::TARGET_TYPE_DOMAIN);
        forge.flags.remove(types);
        forge.flags |= said;
        let answer = known("CORP", "alice", PASSWORD);
        forge.log_on(Policy::default(), ChannelBindings::none(), answer).unwrap();
    }
}

// F-02: who asks for everything gets back what is spoken here, and no other bit.
#[test]
fn a_bit_that_is_not_spoken_here_is_never_echoed() {
    let mut legacy = Policy::default();
    (legacy.ntlm_v1, legacy.ntlm2_session, legacy.lm) = (true, true, true);
    let asked = NegotiateFlags::all() - NegotiateFlags::DATAGRAM;
    for policy in [Policy::default(), legacy.clone()] {
        assert_eq!(offered(asked, policy).bits(), 0xe289_8235);
    }
    // Without extended session security the two flags of NTLMv1 come back to who opted in.
    let old = asked - NegotiateFlags::EXTENDED_SESSIONSECURITY;
    assert_eq!(offered(old, Policy::default()).bits(), 0xe281_8235);
    assert_eq!(offered(old, legacy).bits(), 0xe2c1_82b5);
}
