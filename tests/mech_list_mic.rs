//! `mechListMIC` where there is no integrity to make one with.

use logon::wire::ntlm::{Challenge, NegotiateFlags};
use logon::wire::spnego::{NegState, NegTokenResp};
use logon::{
    ChannelBindings, Credential, Error, Initiator, InitiatorConfig, InitiatorStep, Refusal,
    TargetName,
};
use std::sync::Arc;

fn step(initiator: Initiator, token: Option<&NegTokenResp<'_>>) -> Result<InitiatorStep, Error> {
    let mut bytes = Vec::new();
    let token = token.map(|token| {
        token.encode(&mut bytes).unwrap();
        bytes.as_slice()
    });
    initiator.step(token, &mut Vec::new())
}

// P-13
#[test]
fn mech_list_mic_without_integrity_is_refused_as_the_peers_fault() {
    let mut challenge = Vec::new();
    let message = Challenge {
        target_name: &[],
        flags: NegotiateFlags::UNICODE | NegotiateFlags::EXTENDED_SESSIONSECURITY,
        server_challenge: [1; 8],
        target_info: None,
        version: None,
    };
    message.encode(&mut challenge).unwrap();
    let first = NegTokenResp { response_token: Some(&challenge), ..NegTokenResp::default() };
    let last = NegTokenResp {
        neg_state: Some(NegState::AcceptCompleted),
        mech_list_mic: Some(&[1; 16]),
        ..NegTokenResp::default()
    };

    let config = InitiatorConfig::with_os(Credential::password("CORP\\alice", "secret"));
    let target = TargetName::http("web01.corp.example");
    let mut initiator = Initiator::negotiate(Arc::new(config), target, ChannelBindings::none());
    for token in [None, Some(&first)] {
        let Ok(InitiatorStep::Continue(next)) = step(initiator, token) else { panic!() };
        initiator = next;
    }
    match step(initiator, Some(&last)) {
        Err(Error::Denied(denial)) => assert_eq!(denial.refusal(), Refusal::WrongMechListMic),
        other => panic!("{other:?}"),
    }
}
