//! A server's CHALLENGE answered by the same machine, or by the same program.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/pair.rs"]
mod pair;

use forge::{FixedClock, FixedRandom, refusal};
use logon::Refusal;
use logon::{
    Acceptor, AcceptorConfig, AcceptorStep, ChannelBindings, Context, Credential, Error, Initiator,
    InitiatorConfig, InitiatorStep, RecentChallenges, ReflectionGuard, ServerNames, TargetName,
};
use pair::{NOW, PASSWORD, lookup};
use std::sync::Arc;

fn server() -> AcceptorConfig {
    let names = ServerNames::new("WEB01", "CORP").with_dns("web01.corp.example", "corp.example");
    AcceptorConfig::new(names, Arc::new(FixedRandom(0x42)), Arc::new(FixedClock(NOW)))
}

fn client() -> InitiatorConfig {
    let credential = Credential::password("CORP\\alice", PASSWORD);
    InitiatorConfig::new(credential, Arc::new(FixedRandom(0x55)), Arc::new(FixedClock(NOW)))
}

fn log_on(client: InitiatorConfig, server: AcceptorConfig) -> Result<Context, Error> {
    let none = ChannelBindings::none;
    let initiator = Initiator::ntlm(Arc::new(client), TargetName::http("web01"), none());
    let (mut first, mut second, mut third) = (Vec::new(), Vec::new(), Vec::new());
    let InitiatorStep::Continue(initiator) = initiator.step(None, &mut first)? else { panic!() };
    let acceptor = Acceptor::new(Arc::new(server), none());
    let AcceptorStep::Continue(acceptor) = acceptor.step(&first, &mut second)? else { panic!() };
    let InitiatorStep::Complete(_) = initiator.step(Some(&second), &mut third)? else { panic!() };
    let AcceptorStep::NeedLogon(request) = acceptor.step(&third, &mut Vec::new())? else {
        panic!()
    };
    let answer = lookup(request.account());
    match request.resolve(Ok(answer), &mut Vec::new())? {
        AcceptorStep::Complete(context) => Ok(context),
        step => panic!("{step:?}"),
    }
}

// S-21: a response that carries this machine's own MachineID.
#[test]
fn a_response_of_this_machine_is_refused() {
    let (ours, theirs) = ([1; 32], [2; 32]);
    let result = log_on(client().with_machine_id(ours), server().with_machine_id(ours));
    assert_eq!(refusal(result), Refusal::Reflected);
    log_on(client().with_machine_id(theirs), server().with_machine_id(ours)).unwrap();
    log_on(client(), server().with_machine_id(ours)).unwrap();
    log_on(client().with_machine_id(ours), server()).unwrap();
    // Zeros are an id like any other, and not "none".
    log_on(client(), server().with_machine_id([0; 32])).unwrap();
}

// S-21: a CHALLENGE that this program has answered itself, without any MachineID.
#[test]
fn a_response_of_this_program_is_refused() {
    let guard = || Arc::new(RecentChallenges::default());
    let shared = guard();
    let result = log_on(
        client().with_reflection_guard(shared.clone()),
        server().with_reflection_guard(shared.clone()),
    );
    assert_eq!(refusal(result), Refusal::Reflected);
    assert!(shared.has_answered([0x42; 8]));
    assert!(!shared.has_answered([0x43; 8]));
    log_on(client().with_reflection_guard(guard()), server().with_reflection_guard(guard()))
        .expect("two programs");
    log_on(client(), server().with_reflection_guard(guard())).unwrap();
}

// S-21: the guard keeps the last few thousand, and no more.
#[test]
fn a_guard_forgets_the_oldest_challenge_first() {
    let guard = RecentChallenges::default();
    for number in 0..4097_u64 {
        guard.answering(number.to_be_bytes());
    }
    assert!(!guard.has_answered(0_u64.to_be_bytes()));
    assert!(guard.has_answered(1_u64.to_be_bytes()));
    assert!(guard.has_answered(4096_u64.to_be_bytes()));
}
