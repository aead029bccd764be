//! Kerberos within SPNEGO, beside NTLM.
#![cfg(feature = "kerberos")]

#[path = "support/ticket.rs"]
mod ticket;

use logon::kerberos::{InitiatorConfig, Key, KeyUsage};
use logon::wire::krb5::{GssFlags, GssToken, KrbError, TokenId};
use logon::wire::ntlm::SIGNATURE;
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::{
    Acceptor, AcceptorStep, ChannelBindings, Context, Credential, Error, Initiator,
    InitiatorContext, InitiatorStep, Mechanism, PeerIncompatible, Policy, Refusal, TargetName,
};
use std::sync::Arc;
use ticket::{AES, Clock, Forge, NOW, Random, accept_with, config, gss, service};

fn initiator_config(forge: &Forge) -> Arc<InitiatorConfig> {
    Arc::new(InitiatorConfig::new(forge.cached(), Arc::new(Random::default()), Arc::new(Clock)))
}

/// Both sides, after as many tokens as it takes.
fn run(initiator: Initiator, acceptor: Acceptor) -> (InitiatorContext, Context) {
    let (mut initiator, mut acceptor) = (Some(initiator), Some(acceptor));
    let (mut client, mut server, mut received) = (None, None, None::<Vec<u8>>);
    for _ in 0..6 {
        let mut out = Vec::new();
        if let Some(next) = initiator.take() {
            match next.step(received.as_deref(), &mut out).unwrap() {
                InitiatorStep::Continue(next) => initiator = Some(next),
                InitiatorStep::Complete(context) => client = Some(context),
                step => panic!("{step:?}"),
            }
        }
        let Some(next) = acceptor.take() else { break };
        let mut answer = Vec::new();
        match next.step(&out, &mut answer).unwrap() {
            AcceptorStep::Continue(next) => acceptor = Some(next),
            AcceptorStep::Complete(context) => server = Some(context),
            step => panic!("{step:?}"),
        }
        received = Some(answer);
    }
    (client.unwrap(), server.unwrap())
}

fn init(mechs: &[MechType<'_>], token: Option<&[u8]>) -> Vec<u8> {
    let mech_types = MechTypes::encode(mechs).unwrap();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&mech_types).unwrap(),
        mech_token: token,
        neg_hints: None,
        mech_list_mic: None,
    };
    let mut out = Vec::new();
    init.encode(&mut out).unwrap();
    out
}

// P-09
#[test]
fn within_spnego_one_token_is_enough_under_both_numbers() {
    for first in [MechType::KRB5, MechType::MS_KRB5] {
        let token =
            init(&[first, MechType::NEGOEX, MechType::NTLMSSP], Some(&Forge::default().token()));
        let none = ChannelBindings::none();
        let (result, out) = accept_with(service(), Policy::default(), none, &token);
        let context = result.unwrap();
        assert_eq!(context.mechanism(), Mechanism::SpnegoKerberos);
        let reply = NegTokenResp::decode(&out).unwrap();
        assert_eq!(reply.neg_state, Some(NegState::AcceptCompleted));
        assert_eq!(reply.supported_mech, Some(first), "the number that was offered");
        assert_eq!(GssToken::decode(reply.response_token.unwrap()).unwrap().id, TokenId::ApRep);
    }
}

// R-20
#[test]
fn a_refusal_within_spnego_carries_the_error_of_kerberos_and_ends_it() {
    let forge = Forge { ctime: NOW - 1000, ..Forge::default() };
    let token = init(&[MechType::KRB5], Some(&forge.token()));
    let none = ChannelBindings::none();
    let (result, out) = accept_with(service(), Policy::default(), none, &token);
    assert!(matches!(result, Err(Error::Denied(_))));
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::Reject));
    let error = GssToken::decode(reply.response_token.unwrap()).unwrap();
    assert_eq!(KrbError::decode(error.message).unwrap().error_code, 37);
}

// R-19
#[test]
fn where_kerberos_is_the_second_choice_both_sides_sign_the_list() {
    let none = ChannelBindings::none;
    let list = [MechType::NEGOEX, MechType::KRB5];
    let config = config(service(), Policy::default());
    let begin = || {
        let acceptor = Acceptor::new(Arc::clone(&config), none());
        let mut out = Vec::new();
        let step = acceptor.step(&init(&list, Some(b"of NEGOEX")), &mut out).unwrap();
        let AcceptorStep::Continue(acceptor) = step else { panic!("{step:?}") };
        let reply = NegTokenResp::decode(&out).unwrap();
        assert_eq!(reply.neg_state, Some(NegState::RequestMic));
        assert_eq!(reply.supported_mech, Some(MechType::KRB5));
        acceptor
    };
    let encode = |resp: NegTokenResp<'_>| {
        let mut out = Vec::new();
        resp.encode(&mut out).unwrap();
        out
    };
    let der = MechTypes::encode(&list).unwrap();
    for (signed, right) in [(Some(&der[..]), true), (Some(b"another list"), false), (None, false)] {
        let forge = Forge {
            cusec: 8 + u32::try_from(signed.map_or(0, <[u8]>::len)).unwrap(),
            ..Forge::default()
        };
        let fresh = Forge {
            cusec: forge.cusec,
            checksum: gss([0; 16], GssFlags::MUTUAL),
            ..Forge::default()
        };
        let mut out = Vec::new();
        let token =
            encode(NegTokenResp { response_token: Some(&fresh.token()), ..Default::default() });
        let step = begin().step(&token, &mut out).unwrap();
        let AcceptorStep::Continue(acceptor) = step else { panic!("{step:?}") };
        let reply = NegTokenResp::decode(&out).unwrap();
        assert_eq!(reply.neg_state, Some(NegState::AcceptIncomplete));
        assert!(reply.mech_list_mic.is_some(), "ours comes with the answer");
        let mic = signed.map(|list| mic_of(&fresh, reply.response_token.unwrap(), list));
        let last = encode(NegTokenResp { mech_list_mic: mic.as_deref(), ..Default::default() });
        let mut out = Vec::new();
        let result = acceptor.step(&last, &mut out);
        let state = NegTokenResp::decode(&out).unwrap().neg_state;
        if right {
            assert!(matches!(result, Ok(AcceptorStep::Complete(_))), "{result:?}");
            assert_eq!(state, Some(NegState::AcceptCompleted));
        } else {
            assert!(matches!(result, Err(Error::Denied(_))), "{result:?}");
            assert_eq!(state, Some(NegState::Reject));
        }
    }
}

/// The initiator's MIC over `list`, made by hand of the subkey in an `AP-REP`.
fn mic_of(forge: &Forge, token: &[u8], list: &[u8]) -> Vec<u8> {
    use logon::wire::krb5::{ApRep, EncApRepPart, MicToken, PerMessageFlags};
    let token = GssToken::decode(token).unwrap();
    let reply = ApRep::decode(token.message).unwrap().enc_part;
    let part = forge.session_key().decrypt(KeyUsage::AP_REP_ENC_PART, reply.cipher).unwrap();
    let part = EncApRepPart::decode(&part).unwrap();
    let subkey = Key::new(AES, part.subkey.unwrap().value).unwrap();
    let flags = PerMessageFlags::ACCEPTOR_SUBKEY;
    let mut token = MicToken { flags, sequence_number: 77, checksum: &[] };
    let checksum = subkey.checksum(KeyUsage::INITIATOR_SIGN, &[list, &token.header()]);
    token.checksum = checksum.as_bytes();
    let mut out = Vec::new();
    token.encode(&mut out);
    out
}

#[test]
fn a_negotiation_of_both_uses_kerberos() {
    let none = ChannelBindings::none;
    let ntlm = || {
        let credential = Credential::password(r"CORP\alice", "S3cret!pw");
        let config =
            logon::InitiatorConfig::new(credential, Arc::new(Random::default()), Arc::new(Clock));
        Some((Arc::new(config), TargetName::http("web01.corp.example")))
    };
    let initiator =
        Initiator::negotiate_kerberos(initiator_config(&Forge::default()), ntlm(), none());
    let (client, server) =
        run(initiator, Acceptor::new(config(service(), Policy::default()), none()));
    assert_eq!(client.mechanism(), Mechanism::SpnegoKerberos);
    assert_eq!(server.identity().to_string(), r"CORP\alice");
}

// A server without Kerberos selects NTLM. Both sides sign the list then, and without the server's
// signature somebody may have taken Kerberos off it.
#[test]
fn ntlm_instead_of_kerberos_takes_the_servers_signature() {
    let none = ChannelBindings::none;
    for signed in [true, false] {
        let credential = Credential::password(r"CORP\alice", "S3cret!pw");
        let ntlm =
            logon::InitiatorConfig::new(credential, Arc::new(Random::default()), Arc::new(Clock));
        let ntlm = Some((Arc::new(ntlm), TargetName::http("web01.corp.example")));
        let ticket = initiator_config(&Forge::default());
        let names = logon::ServerNames::new("WEB01", "CORP");
        let config =
            logon::AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock));
        let mut initiator = Initiator::negotiate_kerberos(ticket, ntlm, none());
        let mut acceptor = Acceptor::new(Arc::new(config), none());
        let mut received = None;
        let request = loop {
            let (mut out, mut answer) = (Vec::new(), Vec::new());
            let step = initiator.step(received.as_deref(), &mut out).unwrap();
            let InitiatorStep::Continue(next) = step else { panic!("{step:?}") };
            initiator = next;
            match acceptor.step(&out, &mut answer).unwrap() {
                AcceptorStep::Continue(next) => acceptor = next,
                AcceptorStep::NeedLogon(request) => break request,
                step => panic!("{step:?}"),
            }
            received = Some(answer);
        };
        let name = logon::AccountName::new("CORP", "alice");
        let known = logon::KnownAccount::new(logon::NtHash::of_password("S3cret!pw"), name);
        let mut last = Vec::new();
        let step = request.resolve(Ok(logon::Answer::Known(known)), &mut last).unwrap();
        assert!(matches!(step, AcceptorStep::Complete(_)));
        if !signed {
            last.clear();
            let neg_state = Some(NegState::AcceptCompleted);
            NegTokenResp { neg_state, ..Default::default() }.encode(&mut last).unwrap();
        }
        match initiator.step(Some(&last), &mut Vec::new()) {
            Ok(InitiatorStep::Complete(context)) if signed => {
                assert_eq!(context.mechanism(), Mechanism::SpnegoNtlm);
            }
            Err(Error::Denied(denial)) if !signed => {
                assert_eq!(denial.refusal(), Refusal::MechListMicMissing);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_exchange_of_ntlm_takes_no_ticket_bare_or_wrapped() {
    let config = config(service(), Policy::default());
    let token = Forge::default().token();
    for token in [&token, &Forge::default().message(), &init(&[MechType::KRB5], Some(&token))] {
        let acceptor = Acceptor::ntlm(Arc::clone(&config), ChannelBindings::none());
        let result = acceptor.step(token, &mut Vec::new());
        assert!(result.is_err(), "{result:?}");
    }
}

#[test]
fn a_server_of_kerberos_alone_takes_no_ntlm_bare_or_wrapped() {
    let names = logon::ServerNames::new("WEB01", "CORP");
    let config = logon::AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock))
        .with_kerberos(Arc::new(service()))
        .with_ntlm(false);
    let config = Arc::new(config);
    let mut negotiate = Vec::new();
    let credential = Credential::password(r"CORP\alice", "S3cret!pw");
    let client =
        logon::InitiatorConfig::new(credential, Arc::new(Random::default()), Arc::new(Clock));
    let none = ChannelBindings::none;
    let _ = Initiator::ntlm(Arc::new(client), TargetName::default(), none())
        .step(None, &mut negotiate)
        .unwrap();
    assert!(negotiate.starts_with(&SIGNATURE));
    let step = |token: &[u8]| {
        Acceptor::new(Arc::clone(&config), none()).step(token, &mut Vec::new()).unwrap_err()
    };
    assert_eq!(step(&negotiate), Error::PeerIncompatible(PeerIncompatible::NtlmDisabled));
    let wrapped = init(&[MechType::NTLMSSP], Some(&negotiate));
    assert_eq!(step(&wrapped), Error::PeerIncompatible(PeerIncompatible::NtlmDisabled));
    let neither = init(&[MechType::NEGOEX], None);
    assert_eq!(step(&neither), Error::PeerIncompatible(PeerIncompatible::NoCommonMechanism));
    let both = init(&[MechType::NTLMSSP, MechType::KRB5], Some(&negotiate));
    let mut out = Vec::new();
    let step = Acceptor::new(Arc::clone(&config), none()).step(&both, &mut out).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    let reply = NegTokenResp::decode(&out).unwrap();
    assert_eq!(reply.supported_mech, Some(MechType::KRB5));
}
