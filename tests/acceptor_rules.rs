//! What the server says of itself, and what it makes of times, names and authorities.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{FixedClock, FixedRandom, Forge, refusal, utf16le};
use logon::http::{Side, Status};
use logon::wire::ntlm::{AvId, Challenge, Negotiate, NegotiateFlags};
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, Answer, ChannelBindings, Context, Error, Policy,
    Refusal, ServerNames,
};
use pair::{NOW, PASSWORD, Pair};
use std::collections::HashSet;
use std::sync::Arc;

const FLAGS: u32 = 0xe208_82b7;

fn negotiate() -> Vec<u8> {
    let flags = NegotiateFlags::from_bits_retain(FLAGS);
    let mut out = Vec::new();
    Negotiate { flags, domain: &[], workstation: &[], version: None }.encode(&mut out).unwrap();
    out
}

fn challenge_of(names: ServerNames) -> Vec<u8> {
    let (random, clock) = (Arc::new(FixedRandom(0x42)), Arc::new(FixedClock(NOW)));
    let config = Arc::new(AcceptorConfig::new(names, random, clock));
    let mut out = Vec::new();
    let step = Acceptor::new(config, ChannelBindings::none()).step(&negotiate(), &mut out).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    out
}

fn names() -> ServerNames {
    ServerNames::new("WEB01", "CORP").with_dns("web01.corp.example", "corp.example")
}

fn client() -> Forge {
    Forge::answer(&negotiate(), &challenge_of(names()))
}

fn log_on(forge: &Forge, answer: Answer) -> Result<Context, Error> {
    forge.log_on(Policy::default(), ChannelBindings::none(), answer)
}

fn known() -> Answer {
    forge::known("CORP", "alice", PASSWORD)
}

// S-03
#[test]
fn a_challenge_has_the_servers_names_and_its_time_in_windows_order() {
    let pairs = |names| {
        let message = challenge_of(names);
        let message = Challenge::decode(&message).unwrap();
        let list = message.target_info.unwrap();
        list.iter().map(|pair| (pair.id, pair.value.to_vec())).collect::<Vec<_>>()
    };
    let time = (AvId::TIMESTAMP, NOW.to_le_bytes().to_vec());
    assert_eq!(
        pairs(names()),
        [
            (AvId::NB_DOMAIN_NAME, utf16le("CORP")),
            (AvId::NB_COMPUTER_NAME, utf16le("WEB01")),
            (AvId::DNS_DOMAIN_NAME, utf16le("corp.example")),
            (AvId::DNS_COMPUTER_NAME, utf16le("web01.corp.example")),
            (AvId::DNS_TREE_NAME, utf16le("corp.example")),
            time.clone(),
        ]
    );
    // What is not known is left out, and no pair of the client's is in it.
    let domain = (AvId::NB_DOMAIN_NAME, utf16le("CORP"));
    let computer = (AvId::NB_COMPUTER_NAME, utf16le("WEB01"));
    assert_eq!(pairs(ServerNames::new("WEB01", "CORP")), [domain, computer, time]);
}

// S-04
#[test]
fn the_target_is_the_domain_or_the_server_that_stands_alone() {
    for (names, target, flag) in [
        (names(), "CORP", NegotiateFlags::TARGET_TYPE_DOMAIN),
        (ServerNames::new("WEB01", "web01"), "WEB01", NegotiateFlags::TARGET_TYPE_SERVER),
    ] {
        let message = challenge_of(names);
        let message = Challenge::decode(&message).unwrap();
        assert_eq!(message.target_name, utf16le(target));
        let types = NegotiateFlags::TARGET_TYPE_DOMAIN | NegotiateFlags::TARGET_TYPE_SERVER;
        assert_eq!(message.flags.intersection(types), flag);
    }
}

// S-01: eight random bytes each; that one serves once is shown by tests/handshake.rs.
#[test]
fn every_challenge_is_another() {
    let config = Arc::new(AcceptorConfig::with_os(names()));
    let mut seen = HashSet::new();
    for _ in 0..50 {
        let mut out = Vec::new();
        let acceptor = Acceptor::new(Arc::clone(&config), ChannelBindings::none());
        let _ = acceptor.step(&negotiate(), &mut out).unwrap();
        assert!(seen.insert(Challenge::decode(&out).unwrap().server_challenge));
    }
}

// S-09: whatever the case, the proof is the same, and the identity is as the store spells it.
#[test]
fn a_user_is_the_same_in_any_case() {
    for user in ["alice", "ALICE", "aLiCe"] {
        let mut forge = client();
        forge.user = utf16le(user);
        let context = log_on(&forge, known()).unwrap();
        assert_eq!(context.identity().to_string(), r"CORP\alice");
    }
}

// S-15: the echo of MsvAvTimestamp is enforced, by which a response is as old as its challenge.
// The blob's own TimeStamp may be of the client's clock, however wrong: curl, Java and Firefox
// send theirs.
#[test]
fn the_time_of_the_challenge_comes_back_and_the_clients_own_may_be_any() {
    let sent = client().time;
    for time in [0, sent - 36 * 3600 * 10_000_000, sent, sent + 10 * 365 * 24 * 3600 * 10_000_000] {
        let mut forge = client();
        forge.time = time;
        log_on(&forge, known()).unwrap();
        forge.set(AvId::TIMESTAMP, &(sent ^ 1).to_le_bytes());
        let expected = Refusal::AvPairChanged("MsvAvTimestamp");
        assert_eq!(refusal(log_on(&forge, known())), expected);
        forge.remove(AvId::TIMESTAMP);
        assert_eq!(refusal(log_on(&forge, known())), expected);
    }
}

// S-11: there is no guest, neither by name nor for who is unknown.
#[test]
fn nobody_becomes_a_guest() {
    for user in ["guest", "Gast", "Guest"] {
        for password in ["", PASSWORD] {
            let mut forge = client();
            forge.user = utf16le(user);
            forge.hashed = utf16le(&format!("{}CORP", user.to_uppercase()));
            forge.password = password.into();
            let refused = refusal(log_on(&forge, Answer::Unknown));
            assert_eq!(refused, Refusal::UnknownAccount);
        }
    }
    let pair = Pair { name: r"CORP\guest", password: "", ..Pair::default() };
    assert_eq!(refusal(pair.run()), Refusal::UnknownAccount);
}

// S-27: a domain controller without NTLM is a reason of its own, and no other answer.
#[test]
fn an_authority_that_blocks_ntlm_is_named() {
    let blocked = log_on(&client(), Answer::Refused(Refusal::NtlmBlocked)).unwrap_err();
    let Error::Denied(denial) = &blocked else { panic!("{blocked:?}") };
    assert_eq!(denial.refusal(), Refusal::NtlmBlocked);
    assert_eq!(blocked.to_string(), "the authority has NTLM switched off");
    let unknown = log_on(&client(), Answer::Unknown).unwrap_err();
    let status = |error| Status::of_error(error, Side::Origin);
    assert_eq!(status(&blocked), status(&unknown));
}
