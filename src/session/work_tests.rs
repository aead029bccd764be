//! What a refusal costs, counted in bytes that are hashed or encrypted.

use super::{Acceptor, AcceptorStep, Initiator, InitiatorStep, LogonRequest};
use crate::binding::ChannelBindings;
use crate::config::{AcceptorConfig, InitiatorConfig, ServerNames};
use crate::credential::{Answer, Credential, KnownAccount, LmHash, NtHash};
use crate::crypto::work;
use crate::error::{Error, Refusal};
use crate::identity::{AccountName, TargetName};
use crate::ntlm;
use crate::policy::{BindingsPolicy, Policy};
use crate::wire::ntlm::{Authenticate, Challenge, Negotiate, NegotiateFlags};
use alloc::sync::Arc;
use alloc::vec::Vec;

fn known(password: &str) -> Answer {
    let name = AccountName::new("CORP", "alice");
    Answer::Known(KnownAccount::new(NtHash::of_password(password), name))
}

/// What the store is asked when `name` logs on with the password "right".
fn request(name: &str, policy: Policy, spnego: bool, damage: impl Fn(&mut [u8])) -> LogonRequest {
    let names = ServerNames::new("WEB01", "CORP");
    let config = Arc::new(AcceptorConfig::with_os(names).with_policy(policy));
    let client = Arc::new(InitiatorConfig::with_os(Credential::password(name, "right")));
    let (target, none) = (TargetName::http("web01"), ChannelBindings::none());
    let initiator = if spnego {
        Initiator::negotiate(client, target, none.clone())
    } else {
        Initiator::ntlm(client, target, none.clone())
    };
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let Ok(InitiatorStep::Continue(initiator)) = initiator.step(None, &mut first) else { panic!() };
    let Ok(AcceptorStep::Continue(acceptor)) =
        Acceptor::new(config, none).step(&first, &mut second)
    else {
        panic!()
    };
    let _ = initiator.step(Some(&second), &mut third).unwrap();
    damage(&mut third);
    match acceptor.step(&third, &mut Vec::new()) {
        Ok(AcceptorStep::NeedLogon(request)) => request,
        step => panic!("{step:?}"),
    }
}

/// The verdict on one and the same kind of AUTHENTICATE, and the bytes hashed for it.
fn verdict(
    policy: Policy,
    spnego: bool,
    damage: impl Fn(&mut [u8]),
    answer: Answer,
) -> (Option<Refusal>, usize) {
    let request = request("CORP\\alice", policy, spnego, damage);
    let (result, bytes) = work::of(|| request.resolve(Ok(answer), &mut Vec::new()));
    let refusal = match result {
        Ok(_) => None,
        Err(Error::Denied(denial)) => Some(denial.refusal()),
        Err(other) => panic!("{other:?}"),
    };
    (refusal, bytes)
}

// S-22
#[test]
fn every_refusal_hashes_as_much_as_a_logon() {
    let whole = |_: &mut [u8]| {};
    let (refusal, logon) = verdict(Policy::default(), false, whole, known("right"));
    assert_eq!(refusal, None);
    assert!(logon > 0);
    let bound = Policy { bindings: BindingsPolicy::Always, ..Policy::default() };
    let late = Policy { challenge_lifetime: core::time::Duration::ZERO, ..Policy::default() };
    // The MIC stands at 72.
    let wrong_mic = |message: &mut [u8]| message[75] ^= 1;
    let cases: [(Refusal, (Option<Refusal>, usize)); 8] = [
        (Refusal::WrongProof, verdict(Policy::default(), false, whole, known("wrong"))),
        (Refusal::UnknownAccount, verdict(Policy::default(), false, whole, Answer::Unknown)),
        (
            Refusal::AccountDisabled,
            verdict(Policy::default(), false, whole, Answer::Refused(Refusal::AccountDisabled)),
        ),
        (
            Refusal::AccountLocked,
            verdict(Policy::default(), false, whole, Answer::Refused(Refusal::AccountLocked)),
        ),
        (Refusal::EmptyPassword, verdict(Policy::default(), false, whole, known(""))),
        (Refusal::WrongMic, verdict(Policy::default(), false, wrong_mic, known("right"))),
        (Refusal::ChannelBindingsRequired, verdict(bound, false, whole, known("right"))),
        (Refusal::ChallengeExpired, verdict(late, false, whole, known("right"))),
    ];
    for (expected, (refusal, bytes)) in cases {
        assert_eq!(refusal, Some(expected));
        assert_eq!(bytes, logon, "{expected:?}");
    }
}

// S-22
#[test]
fn within_spnego_an_unknown_account_costs_as_much_as_a_wrong_password() {
    let whole = |_: &mut [u8]| {};
    let (refusal, wrong) = verdict(Policy::default(), true, whole, known("wrong"));
    assert_eq!(refusal, Some(Refusal::WrongProof));
    let (refusal, unknown) = verdict(Policy::default(), true, whole, Answer::Unknown);
    assert_eq!(refusal, Some(Refusal::UnknownAccount));
    assert_eq!(wrong, unknown);
}

/// What the store is asked about a response of the NTLMv1 family; `lm_response` is made of the
/// server's challenge.
fn old_request(
    flags: NegotiateFlags,
    lm_response: impl FnOnce(&[u8; 8]) -> [u8; 24],
    nt_response: &[u8],
) -> LogonRequest {
    let flags = flags | NegotiateFlags::OEM | NegotiateFlags::NTLM;
    let policy = Policy { ntlm_v1: true, lm: true, ..Policy::default() };
    let names = ServerNames::new("WEB01", "CORP");
    let config = Arc::new(AcceptorConfig::with_os(names).with_policy(policy));
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let negotiate = Negotiate { flags, domain: &[], workstation: &[], version: None };
    negotiate.encode(&mut first).unwrap();
    let acceptor = Acceptor::new(config, ChannelBindings::none());
    let Ok(AcceptorStep::Continue(acceptor)) = acceptor.step(&first, &mut second) else { panic!() };
    let challenge = Challenge::decode(&second).unwrap().server_challenge;
    let authenticate = Authenticate {
        lm_response: &lm_response(&challenge),
        nt_response,
        domain: b"CORP",
        user: b"alice",
        workstation: &[],
        encrypted_random_session_key: &[],
        flags: Some(flags),
        version: None,
        mic: None,
    };
    authenticate.encode(&mut third).unwrap();
    match acceptor.step(&third, &mut Vec::new()) {
        Ok(AcceptorStep::NeedLogon(request)) => request,
        step => panic!("{step:?}"),
    }
}

/// The refusal of a made-up response, and the bytes that it costs.
fn old_verdict(flags: NegotiateFlags, nt_response: &[u8], answer: Answer) -> (Refusal, usize) {
    let request = old_request(flags, |_| [0x33; 24], nt_response);
    let (result, bytes) = work::of(|| request.resolve(Ok(answer), &mut Vec::new()));
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    (denial.refusal(), bytes)
}

// S-22: also where an LM hash is needed, which most accounts do not have.
#[test]
fn a_refused_old_response_costs_the_same_with_and_without_an_lm_hash() {
    let with_lm_hash = || {
        let lm = LmHash::of_password("RIGHT").unwrap();
        let name = AccountName::new("CORP", "alice");
        let account = KnownAccount::new(NtHash::of_password("right"), name);
        Answer::Known(account.with_lm_hash(lm))
    };
    let none = NegotiateFlags::empty();
    for (flags, nt_response) in
        [(none, &[][..]), (none, &[0x44; 24]), (NegotiateFlags::LM_KEY, &[0x44; 24])]
    {
        let (refusal, bytes) = old_verdict(flags, nt_response, with_lm_hash());
        assert_eq!(refusal, Refusal::WrongProof);
        assert!(bytes >= 24);
        let (refusal, without) = old_verdict(flags, nt_response, known("right"));
        assert_eq!((refusal, without), (Refusal::WrongProof, bytes));
        let (refusal, unknown) = old_verdict(flags, nt_response, Answer::Unknown);
        assert_eq!((refusal, unknown), (Refusal::UnknownAccount, bytes));
    }
}

// S-07: what stands in for a missing LM hash is known to everybody, and lets nobody in.
#[test]
fn nobody_logs_on_by_the_lm_hash_that_stands_in_for_a_missing_one() {
    let stand_in = LmHash::from_bytes([0; 16]);
    let respond = |challenge: &[u8; 8]| ntlm::lm_response(&stand_in, challenge);
    for answer in [known("right"), Answer::Unknown] {
        let request = old_request(NegotiateFlags::empty(), respond, &[]);
        let result = request.resolve(Ok(answer), &mut Vec::new());
        let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
        assert!(matches!(denial.refusal(), Refusal::WrongProof | Refusal::UnknownAccount));
    }
}

/// The bytes hashed for a wrong password of the client `name`.
fn work_for(name: &str) -> usize {
    let request = request(name, Policy::default(), false, |_| {});
    let (result, bytes) = work::of(|| request.resolve(Ok(known("wrong")), &mut Vec::new()));
    assert!(
        matches!(result, Err(Error::Denied(denial)) if denial.refusal() == Refusal::WrongProof)
    );
    bytes
}

// S-08: the tries are few, whatever the names: three spellings in Unicode, three domains each.
#[test]
fn a_name_is_tried_in_nine_ways_at_most() {
    // Without a domain there is one try, with one in capitals two; the rest costs the same.
    let two = work_for("CORP\\alice");
    let one_try = two - work_for("alice");
    for (name, tries) in [
        ("CORP\\ALICE", 2),
        ("Corp\\alice", 3),
        ("CORP\\älice", 4),
        ("čorp\\alice", 6),
        ("čorp\\ďábel", 6),
        ("čorp\\ďábıl", 9),
    ] {
        let more = work_for(name) - two;
        assert_eq!((more + one_try / 2) / one_try + 2, tries, "{name}");
    }
}
