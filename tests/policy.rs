//! Every value of every policy of an acceptor: what it lets in, and what it refuses and why.
//! The three opt-ins for old responses are in `ntlmv1_logons.rs`.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{AV_MIC_PRESENT, Forge, finish, known, refusal, utf16le};
use logon::wire::ntlm::{AvId, Negotiate, NegotiateFlags};
use logon::{
    Acceptor, BindingsOutcome, BindingsPolicy, ChannelBindings, ChannelBindingsHash, Context,
    Error, FileTime, KeyStrength, MicOutcome, MicPolicy, PeerIncompatible, Policy, Refusal,
    TargetName, TargetNamePolicy,
};
use pair::{NOW, PASSWORD, Pair};
use std::time::Duration;

/// What Windows offers.
const FLAGS: u32 = 0xe208_82b7;
const OURS: &[u8] = b"tls-server-end-point:ours";

fn negotiate(flags: u32) -> Vec<u8> {
    let flags = NegotiateFlags::from_bits_retain(flags);
    let mut out = Vec::new();
    Negotiate { flags, domain: &[], workstation: &[], version: None }.encode(&mut out).unwrap();
    out
}

fn challenge(flags: u32, policy: Policy) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let acceptor = Acceptor::new(forge::config(NOW, policy), ChannelBindings::none());
    acceptor.step(&negotiate(flags), &mut out).map(|_| out)
}

fn client(flags: u32) -> Forge {
    Forge::answer(&negotiate(flags), &challenge(flags, Policy::default()).unwrap())
}

fn with(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::default();
    change(&mut policy);
    policy
}

fn tls(data: &[u8]) -> ChannelBindings {
    ChannelBindings::from_application_data(data)
}

fn over_tls(forge: &Forge, policy: Policy, bindings: ChannelBindings) -> Result<Context, Error> {
    forge.log_on(policy, bindings, known("CORP", "alice", PASSWORD))
}

fn log_on(forge: &Forge, policy: Policy) -> Result<Context, Error> {
    over_tls(forge, policy, ChannelBindings::none())
}

// S-14, S-13: every policy against every state of the MIC.
#[test]
fn the_mic_policy_decides() {
    let right = client(FLAGS);
    let mut absent = client(FLAGS);
    absent.remove(AvId::FLAGS);
    absent.mic = false;
    let stripped = Forge { mic: false, ..client(FLAGS) };
    // A wrong one: made for another NEGOTIATE.
    let exchange = forge::exchange(&right.negotiate, &right.challenge);
    let wrong = |policy| {
        let mut message = right.message();
        message[72] ^= 1;
        let config = forge::config(NOW, policy);
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange.clone()).unwrap();
        finish(acceptor, &message, known("CORP", "alice", PASSWORD), &mut Vec::new())
    };
    use MicPolicy::{Always, Never, WhenOffered};
    let outcome = |result: Result<Context, Error>| match result {
        Ok(context) => Ok(context.identity().mic()),
        error => Err(refusal(error)),
    };
    assert_eq!(Policy::default().mic, WhenOffered);
    for (mic, expected) in [
        (Never, [Ok(MicOutcome::Ignored); 4]),
        (
            WhenOffered,
            [
                Ok(MicOutcome::Verified),
                Ok(MicOutcome::NotOffered),
                Err(Refusal::MicStripped),
                Err(Refusal::WrongMic),
            ],
        ),
        (
            Always,
            [
                Ok(MicOutcome::Verified),
                Err(Refusal::MicRequired),
                Err(Refusal::MicStripped),
                Err(Refusal::WrongMic),
            ],
        ),
    ] {
        let policy = || with(|policy| policy.mic = mic);
        let found = [
            outcome(log_on(&right, policy())),
            outcome(log_on(&absent, policy())),
            outcome(log_on(&stripped, policy())),
            outcome(wrong(policy())),
        ];
        assert_eq!(found, expected, "{mic:?}");
    }
}

// E-03, E-05, S-17, S-18: peers.md E4, the whole matrix.
#[test]
fn the_bindings_policy_decides() {
    let sending = |hash: Option<ChannelBindingsHash>| {
        let mut forge = client(FLAGS);
        if let Some(hash) = hash {
            forge.set(AvId::CHANNEL_BINDINGS, &hash.0);
        }
        forge
    };
    let clients = [
        sending(Some(ChannelBindingsHash::of(OURS))),
        sending(Some(ChannelBindingsHash::of(b"tls-server-end-point:another"))),
        sending(Some(ChannelBindingsHash::ZERO)),
        sending(None),
    ];
    use BindingsOutcome::{Bound, Ignored, NotOffered, Unavailable};
    use BindingsPolicy::{Always, Never, WhenOffered};
    use Refusal::{ChannelBindingsRequired, WrongChannelBindings, ZeroChannelBindings};
    assert_eq!(Policy::default().bindings, WhenOffered);
    for (bindings, ours, expected) in [
        (Never, true, [Ok(Ignored); 4]),
        (Never, false, [Ok(Ignored); 4]),
        (
            WhenOffered,
            true,
            [Ok(Bound), Err(WrongChannelBindings), Err(ZeroChannelBindings), Ok(NotOffered)],
        ),
        (WhenOffered, false, [Ok(Unavailable); 4]),
        (
            Always,
            true,
            [
                Ok(Bound),
                Err(WrongChannelBindings),
                Err(ZeroChannelBindings),
                Err(ChannelBindingsRequired),
            ],
        ),
        (Always, false, [Err(ChannelBindingsRequired); 4]),
    ] {
        for (client, expected) in clients.iter().zip(expected) {
            let policy = with(|policy| policy.bindings = bindings);
            let own = if ours { tls(OURS) } else { ChannelBindings::none() };
            let found = match over_tls(client, policy, own) {
                Ok(context) => Ok(context.identity().bindings()),
                error => Err(refusal(error)),
            };
            assert_eq!(found, expected, "{bindings:?}, TLS {ours}");
        }
    }
}

// E-04: a certificate being rotated, and that of a proxy in front.
#[test]
fn several_bindings_are_as_good_as_one() {
    let (next, proxy) = (&b"tls-server-end-point:next"[..], &b"tls-server-end-point:proxy"[..]);
    let accepted = tls(OURS).or(tls(next)).or(tls(proxy));
    let sending = |data: &[u8]| {
        let mut forge = client(FLAGS);
        forge.set(AvId::CHANNEL_BINDINGS, &ChannelBindingsHash::of(data).0);
        forge
    };
    for bindings in [BindingsPolicy::WhenOffered, BindingsPolicy::Always] {
        let policy = || with(|policy| policy.bindings = bindings);
        for data in [OURS, next, proxy] {
            let context = over_tls(&sending(data), policy(), accepted.clone()).unwrap();
            assert_eq!(context.identity().bindings(), BindingsOutcome::Bound);
            // Over plain HTTP behind the proxy, its certificate alone is configured.
            let result = over_tls(&sending(data), policy(), ChannelBindings::none().or(tls(proxy)));
            match result {
                Ok(_) => assert_eq!(data, proxy),
                error => assert_eq!(refusal(error), Refusal::WrongChannelBindings),
            }
        }
        let other = over_tls(&sending(b"tls-server-end-point:relay"), policy(), accepted.clone());
        assert_eq!(refusal(other), Refusal::WrongChannelBindings);
    }
}

fn naming(name: Option<&str>, untrusted: bool) -> Forge {
    let mut forge = client(FLAGS);
    if let Some(name) = name {
        forge.set(AvId::TARGET_NAME, &utf16le(name));
    }
    if untrusted {
        forge.set(AvId::FLAGS, &[AV_MIC_PRESENT | 4, 0, 0, 0]);
    }
    forge
}

// S-19, E-08: every policy against every name; case and port do not matter, a list does.
#[test]
fn the_target_name_policy_decides() {
    let own = || {
        // An internationalised host in both its forms: none is made of the other.
        let forms = ["HTTP/xn--bcher-kva.example", "HTTP/bücher.example"];
        let names = ["HTTP/web01.corp.example", "http/web01", "HTTP/alias:8443"];
        names.into_iter().chain(forms).map(TargetName::new).collect::<Vec<_>>()
    };
    let good = [
        "HTTP/web01.corp.example",
        "http/WEB01.Corp.Example",
        "HTTP/web01.corp.example:8443",
        "HTTP/WEB01:80",
        "HTTP/web01",
        "http/ALIAS:8443",
        "HTTP/XN--BCHER-KVA.example",
        "HTTP/BÜCHER.example:443",
    ];
    let bad = [
        "HTTP/web02.corp.example",
        "HTTP/web01.corp.example.evil",
        "HTTP/web01.corp.example:80x",
        "cifs/web01.corp.example",
        "HTTP/alias",
        "HTTP/alias:80",
        "HTTP/bucher.example",
        "HTTP/xn--bcher-kvb.example",
        "web01.corp.example",
        "HTTP/",
        "HTTP",
    ];
    let policies = || {
        [
            TargetNamePolicy::Report,
            TargetNamePolicy::WhenOffered(own()),
            TargetNamePolicy::Require(own()),
        ]
    };
    assert_eq!(Policy::default().target_name, TargetNamePolicy::Report);
    let verdicts = |forge: &Forge| {
        policies().map(|target_name| {
            let result = log_on(forge, with(|policy| policy.target_name = target_name));
            result.map(|context| context.identity().target_name().to_owned())
        })
    };
    let wrong = |result: &Result<String, Error>| refusal(result.clone());
    for name in good {
        for verdict in verdicts(&naming(Some(name), false)) {
            assert_eq!(verdict.unwrap(), name);
        }
    }
    for name in bad {
        let [report, offered, required] = verdicts(&naming(Some(name), false));
        assert_eq!(report.unwrap(), name);
        assert_eq!(wrong(&offered), Refusal::WrongTargetName, "{name}");
        assert_eq!(wrong(&required), Refusal::WrongTargetName, "{name}");
    }
    // None at all, an empty one, and one that the client does not trust itself.
    for forge in [naming(None, false), naming(Some(""), false), naming(Some(good[0]), true)] {
        let [report, offered, required] = verdicts(&forge);
        assert_eq!((report.unwrap(), offered.unwrap()), (String::new(), String::new()));
        assert_eq!(wrong(&required), Refusal::TargetNameRequired);
    }
    let nothing = with(|policy| policy.target_name = TargetNamePolicy::Require(Vec::new()));
    assert_eq!(refusal(log_on(&naming(Some(good[0]), false), nothing)), Refusal::WrongTargetName);
}

// E-05: without TLS a required service name stands in for bindings; an unrequired one does not.
#[test]
fn a_service_name_stands_in_for_bindings_without_tls() {
    let own = || vec![TargetName::http("web01.corp.example")];
    let policy = |target_name| {
        with(|policy| {
            policy.bindings = BindingsPolicy::Always;
            policy.target_name = target_name;
        })
    };
    let named = naming(Some("HTTP/web01.corp.example"), false);
    let context = log_on(&named, policy(TargetNamePolicy::Require(own()))).unwrap();
    assert_eq!(context.identity().bindings(), BindingsOutcome::ServiceName);
    for target_name in [TargetNamePolicy::Report, TargetNamePolicy::WhenOffered(own())] {
        let refused = refusal(log_on(&named, policy(target_name)));
        assert_eq!(refused, Refusal::ChannelBindingsRequired);
    }
    for (name, untrusted, expected) in [
        ("HTTP/other", false, Refusal::WrongTargetName),
        ("HTTP/web01.corp.example", true, Refusal::TargetNameRequired),
    ] {
        let forge = naming(Some(name), untrusted);
        let result = log_on(&forge, policy(TargetNamePolicy::Require(own())));
        assert_eq!(refusal(result), expected);
    }
    // Over TLS the name does not stand in for anything.
    let result = over_tls(&named, policy(TargetNamePolicy::Require(own())), tls(OURS));
    assert_eq!(refusal(result), Refusal::ChannelBindingsRequired);
}

// S-20: each pair of the CHALLENGE, changed and left out; off, nobody looks.
#[test]
fn every_pair_has_to_come_back_unless_policy_says_otherwise() {
    assert!(Policy::default().av_pair_echo);
    let off = || with(|policy| policy.av_pair_echo = false);
    let ids = client(FLAGS).sent_ids();
    assert_eq!(ids.len(), 6);
    for id in ids {
        let mut missing = client(FLAGS);
        missing.remove(id);
        let mut changed = client(FLAGS);
        let place = changed.position(id).unwrap();
        changed.pairs[place].1[0] ^= 1;
        for forge in [missing, changed] {
            let expected = Refusal::AvPairChanged(id.name().unwrap());
            assert_eq!(refusal(log_on(&forge, Policy::default())), expected);
            log_on(&forge, off()).unwrap();
        }
    }
    let mut reordered = client(FLAGS);
    reordered.pairs.reverse();
    reordered.set(AvId(77), b"unknown");
    log_on(&reordered, Policy::default()).unwrap();
}

// F-06: too weak a client is refused at NEGOTIATE, one that drops the bits later at AUTHENTICATE.
#[test]
fn the_key_strength_decides_twice() {
    use KeyStrength::{Any, Bits56, Bits128};
    assert_eq!(Policy::default().min_key_strength, Any);
    let (none, only_56, only_128) = (0x0208_8237, 0x8208_8237, 0x2208_8237);
    // Strength is negotiated by who signs or seals.
    let unsigned = 0xa208_8205;
    for (strength, enough) in [
        (Any, &[none, only_56, only_128, unsigned, FLAGS][..]),
        (Bits56, &[only_56, only_128, FLAGS]),
        (Bits128, &[only_128, FLAGS]),
    ] {
        let policy = || with(|policy| policy.min_key_strength = strength);
        for flags in [none, only_56, only_128, unsigned, FLAGS] {
            let first = challenge(flags, policy());
            if enough.contains(&flags) {
                log_on(&Forge::answer(&negotiate(flags), &first.unwrap()), policy()).unwrap();
            } else {
                assert_eq!(first.unwrap_err(), PeerIncompatible::WeakKeys.into());
                if flags == unsigned {
                    continue;
                }
                // The same flags, when AUTHENTICATE is the first to show them.
                let mut forge = client(FLAGS);
                forge.flags = NegotiateFlags::from_bits_retain(flags & forge.flags.bits());
                forge.session_key = None;
                assert_eq!(refusal(log_on(&forge, policy())), Refusal::WeakKeys, "{flags:x}");
            }
        }
    }
}

// S-02: NTLM switched off: NEGOTIATE bare and within SPNEGO, and AUTHENTICATE.
#[test]
fn ntlm_can_be_switched_off() {
    assert!(Policy::default().ntlm);
    let off = || with(|policy| policy.ntlm = false);
    assert_eq!(challenge(FLAGS, off()).unwrap_err(), PeerIncompatible::NtlmDisabled.into());
    for spnego in [false, true] {
        let pair = Pair { spnego, policy: off(), ..Pair::default() };
        assert_eq!(pair.run().err().unwrap(), PeerIncompatible::NtlmDisabled.into());
    }
    let result = log_on(&client(FLAGS), off());
    assert_eq!(result.unwrap_err(), PeerIncompatible::NtlmDisabled.into());
}

// S-16: a challenge lives as long as policy says, to the tick.
#[test]
fn a_challenge_expires_when_policy_says() {
    let forge = client(FLAGS);
    let after = |ticks: u64, policy| {
        let mut exchange = forge::exchange(&forge.negotiate, &forge.challenge);
        exchange.issued_at = FileTime::from_ticks(NOW);
        let config = forge::config(NOW.wrapping_add(ticks), policy);
        let acceptor = Acceptor::resume(config, ChannelBindings::none(), exchange).unwrap();
        let answer = known("CORP", "alice", PASSWORD);
        finish(acceptor, &forge.message(), answer, &mut Vec::new())
    };
    assert_eq!(Policy::default().challenge_lifetime, Duration::from_secs(120));
    for seconds in [0, 1, 120, 3600] {
        let policy = || with(|policy| policy.challenge_lifetime = Duration::from_secs(seconds));
        after(seconds * 10_000_000, policy()).unwrap();
        let late = after(seconds * 10_000_000 + 1, policy());
        assert_eq!(refusal(late), Refusal::ChallengeExpired, "{seconds} s");
        after(u64::MAX, policy()).expect("a clock that was set back");
    }
}
