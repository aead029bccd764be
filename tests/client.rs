//! The client's side of HTTP authentication, against our own server and against altered answers.

#[path = "support/capture.rs"]
mod capture;
#[path = "support/client.rs"]
mod client;
#[path = "support/connection.rs"]
mod connection;
#[path = "support/fixed.rs"]
mod fixed;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/vectors.rs"]
mod vectors;

use client::*;
use connection::{Connection, forward};
use fixed::PASSWORD;
use logon::http::{
    BasicConfig, ClientAuth, ClientConfig, ClientError, ClientStep, ConnectionConfig, Decision,
    Scheme, Side, format_token,
};
use logon::wire::ntlm::{AvId, Challenge, MessageType, NegotiateFlags};
use logon::wire::spnego::{NegState, NegTokenInit, NegTokenResp};
use logon::{
    ApiMisuse, ChannelBindings, ChannelBindingsHash, ContextAttributes, Credential, Error,
    HeaderError, InitiatorConfig, InitiatorContext, Mechanism, PeerIncompatible, Refusal,
    TargetName,
};
use std::sync::Arc;

fn out_of_order(result: Result<ClientStep, ClientError>) -> bool {
    matches!(result, Err(ClientError::OutOfOrder { .. }))
}

/// The final token of the server for `Negotiate`.
fn last_token(decision: Decision) -> Vec<u8> {
    let forward = forward(decision);
    let value = connection::field(&forward, "www-authenticate").unwrap();
    logon::http::parse_token(Scheme::Negotiate, value.as_bytes()).unwrap().unwrap()
}

// WS-1, WS-3, WS-12, H-07: both packages, the legs in their order, and which mechanism it was.
#[test]
fn both_packages_log_on_and_say_how() {
    for (scheme, mechanism) in
        [(Scheme::Negotiate, Mechanism::SpnegoNtlm), (Scheme::Ntlm, Mechanism::Ntlm)]
    {
        let (mut client, mut server) = (only(scheme), Connection::new());
        assert_eq!((client.scheme(), client.mechanism()), (None, None));
        let seen = request(&mut client, &mut server).unwrap();
        assert_eq!(seen.user.as_deref(), Some(r"CORP\alice"));
        assert_eq!(seen.last, [false, true], "only the last may take the body with it");
        assert_eq!((client.scheme(), client.mechanism()), (Some(scheme), Some(mechanism)));
        assert!(client.is_complete() && client.is_persistent());
        assert_eq!(client.context().map(InitiatorContext::mechanism), Some(mechanism));
        // The next request needs nothing.
        let seen = request(&mut client, &mut server).unwrap();
        assert_eq!((seen.user.as_deref(), &seen.last[..]), (Some(r"CORP\alice"), &[][..]));
        assert!(client.is_complete() && client.is_persistent());
    }
}

// WS-12: while the server has not selected, nobody knows.
#[test]
fn the_mechanism_of_negotiate_is_known_when_the_server_has_selected_it() {
    let (mut client, _, challenge) = challenged(Scheme::Negotiate);
    assert_eq!(client.mechanism(), None);
    sent(advance(&mut client, &[format_token(Scheme::Negotiate, &challenge)]));
    assert_eq!(client.mechanism(), Some(Mechanism::SpnegoNtlm));
    assert!(!client.is_complete() && client.context().is_none(), "the server has to agree");
    let (client, _, _) = challenged(Scheme::Ntlm);
    assert_eq!(client.mechanism(), Some(Mechanism::Ntlm));
}

// WS-4, WS-5, WS-6: with a credential and a host alone.
#[test]
fn the_first_credentials_are_the_first_message_of_the_package() {
    let mut client = client(alice());
    let ntlm = client.initial(Scheme::Ntlm).unwrap();
    assert!(ntlm.value.starts_with("NTLM TlRMTVNTUAAB"), "{}", ntlm.value);
    let first = token(Scheme::Ntlm, &ntlm);
    assert_eq!(MessageType::of(&first), Some(MessageType::Negotiate));
    let negotiate = client.initial(Scheme::Negotiate).unwrap();
    let token = token(Scheme::Negotiate, &negotiate);
    let init = NegTokenInit::decode(&token).unwrap();
    assert_eq!(init.mech_token, Some(&first[..]));
    assert!(!ntlm.last && !negotiate.last);
}

// WS-7, WS-8: the whole value of the field goes in, the whole value of the other comes out.
#[test]
fn the_answer_is_made_of_the_challenge_of_the_scheme_in_progress() {
    for scheme in Scheme::INTEGRATED {
        let (mut client, mut server, challenge) = challenged(scheme);
        let value = format_token(scheme, &challenge);
        let others = r#"Basic realm="a, NTLM Zm9v", Kerberos Zm9v, Digest nonce="NTLM""#;
        let lines = [format!("{others}, {value}"), others.into()];
        let answer = sent(advance(&mut client, &lines));
        assert!(answer.last && answer.value.starts_with(&format!("{scheme} ")));
        let decision = server.send(&answer.value);
        assert_eq!(connection::user(decision).as_deref(), Some(r"CORP\alice"));
    }
}

// WS-7, WS-16: what the servers sent that real clients spoke to.
#[test]
fn every_recorded_challenge_is_answered() {
    let mut answered = 0;
    for recorded in capture::v2_captures() {
        let scheme = if recorded.spnego { Scheme::Negotiate } else { Scheme::Ntlm };
        let config = alice().with_schemes(&[scheme]);
        let mut client = bound(config, recorded.channel_bindings());
        sent(advance(&mut client, &["Negotiate", "NTLM"]));
        let step = advance(&mut client, &[format_token(scheme, &recorded.replies[0])]);
        // Some clients had asked for no Unicode.
        let flags = Challenge::decode(&recorded.challenge).unwrap().flags;
        if !flags.contains(NegotiateFlags::UNICODE) {
            let downgraded = PeerIncompatible::FlagsDowngraded.into();
            assert_eq!(step.unwrap_err(), ClientError::Exchange(downgraded));
            continue;
        }
        answered += 1;
        let answer = sent(step);
        assert!(answer.last, "{}", recorded.id);
        let token = token(scheme, &answer);
        let sent = ChannelBindingsHash(
            av_pair(&token, AvId::CHANNEL_BINDINGS).unwrap().try_into().unwrap(),
        );
        let own =
            recorded.bindings.as_deref().map_or(ChannelBindingsHash::ZERO, ChannelBindingsHash::of);
        assert_eq!(sent, own, "{}", recorded.id);
        // The last word was for another session key: its MIC is wrong here, and no MIC is no proof.
        match recorded.replies.get(1) {
            Some(reply) if NegTokenResp::decode(reply).unwrap().mech_list_mic.is_some() => {
                let error = finish(&mut client, &[format_token(scheme, reply)], None).unwrap_err();
                assert!(matches!(error, ClientError::Exchange(Error::Denied(_))), "{error:?}");
            }
            Some(reply) => finish(&mut client, &[format_token(scheme, reply)], None).unwrap(),
            None => finish(&mut client, &NOTHING, None).unwrap(),
        }
    }
    assert!(answered >= 20, "{answered}");
}

// WS-9: NTLM ends without a token, Negotiate with one that wants no answer, or with none.
#[test]
fn nothing_is_sent_once_the_exchange_is_complete() {
    let (mut client, decision) = answered(Scheme::Ntlm);
    assert!(forward(decision).fields.iter().all(|(name, _)| *name != "www-authenticate"));
    finish(&mut client, &NOTHING, None).unwrap();
    assert!(client.is_complete());

    let (mut client, decision) = answered(Scheme::Negotiate);
    let token = format_token(Scheme::Negotiate, &last_token(decision));
    finish(&mut client, &[token], None).unwrap();
    assert!(client.is_complete());

    // A server that proves nothing about the list of mechanisms: there was but one in it.
    let (mut client, _) = answered(Scheme::Negotiate);
    finish(&mut client, &["Negotiate"], None).unwrap();
    assert!(client.is_complete());
}

// WS-10, H-04: the token that comes with the success, right and altered.
#[test]
fn the_token_of_the_last_response_is_looked_at_whatever_its_status() {
    let right = last_token(answered(Scheme::Negotiate).1);
    let mic = NegTokenResp::decode(&right).unwrap().mech_list_mic.unwrap().to_vec();
    let place = right.windows(mic.len()).position(|window| window == mic).unwrap();
    let (mut client, _) = answered(Scheme::Negotiate);
    finish(&mut client, &[format_token(Scheme::Negotiate, &right)], None).unwrap();
    for bit in 0..mic.len() * 8 {
        let (mut client, _) = answered(Scheme::Negotiate);
        let mut wrong = right.clone();
        wrong[place + bit / 8] ^= 1 << (bit % 8);
        let line = format_token(Scheme::Negotiate, &wrong);
        let error = finish(&mut client, &[line], None).unwrap_err();
        let ClientError::Exchange(Error::Denied(denial)) = error else { panic!("{error:?}") };
        assert_eq!(denial.refusal(), Refusal::WrongMechListMic);
        assert!(!client.is_complete() && client.context().is_none());
    }
    // One that cannot be read is no success either.
    let (mut client, _) = answered(Scheme::Negotiate);
    let error = finish(&mut client, &["Negotiate !"], None).unwrap_err();
    assert_eq!(error, ClientError::Header(HeaderError::BadBase64));
}

// WS-10: NTLM cannot prove the server, so that nothing is sent at all.
#[test]
fn a_client_that_wants_proof_of_the_server_does_not_speak_ntlm() {
    let strict = || alice().with_mutual_auth(true).with_password("alice", PASSWORD);
    let all = || strict().with_schemes(&Scheme::ALL);
    for lines in [&["Negotiate"][..], &["NTLM"], &["Basic"], &["Negotiate", "NTLM", "Basic"]] {
        let error = advance(&mut client(all()), lines).unwrap_err();
        assert_eq!(error, ClientError::MutualAuthMissing);
    }
    for scheme in [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic] {
        let error = client(all()).initial(scheme).unwrap_err();
        assert_eq!(error, ClientError::MutualAuthMissing);
    }
}

// WS-11: `request-mic` brings another leg, whatever its status.
#[test]
fn a_server_that_asks_for_a_mic_gets_it_in_a_leg_of_its_own() {
    for on_success in [false, true] {
        let (mut client, mut server, challenge) = challenged(Scheme::Negotiate);
        let mut resp = NegTokenResp::decode(&challenge).unwrap();
        resp.neg_state = Some(NegState::RequestMic);
        let mut challenge = Vec::new();
        resp.encode(&mut challenge).unwrap();
        let line = format_token(Scheme::Negotiate, &challenge);
        let answer = sent(advance(&mut client, &[line]));
        let inner = token(Scheme::Negotiate, &answer);
        assert!(NegTokenResp::decode(&inner).unwrap().mech_list_mic.is_some());
        let token = last_token(server.send(&answer.value));
        let line = format_token(Scheme::Negotiate, &token);
        if on_success {
            finish(&mut client, &[line], None).unwrap();
            assert!(client.is_persistent());
        } else {
            let step = advance(&mut client, &[line]).unwrap();
            assert!(matches!(step, ClientStep::Done));
            assert!(!client.is_persistent(), "a 401 leaves no logon on the connection");
        }
        assert!(client.is_complete());
    }
    // Without the MIC that was asked for, the server's consent is worth nothing.
    let (mut client, _, challenge) = challenged(Scheme::Negotiate);
    let mut resp = NegTokenResp::decode(&challenge).unwrap();
    resp.neg_state = Some(NegState::RequestMic);
    let mut challenge = Vec::new();
    resp.encode(&mut challenge).unwrap();
    sent(advance(&mut client, &[format_token(Scheme::Negotiate, &challenge)]));
    let error = finish(&mut client, &NOTHING, None).unwrap_err();
    assert!(matches!(error, ClientError::Exchange(Error::Denied(_))), "{error:?}");
}

// WS-3: any other order, on both packages.
#[test]
fn any_other_order_is_refused() {
    for scheme in Scheme::INTEGRATED {
        let (_, _, challenge) = challenged(scheme);
        let line = format_token(scheme, &challenge);
        let other = Scheme::INTEGRATED.into_iter().find(|other| *other != scheme).unwrap();
        let name = scheme.name();

        // A token before anything was sent.
        assert!(out_of_order(advance(&mut only(scheme), &[&line])));
        assert!(finish(&mut only(scheme), &[&line], None).is_err());
        // Nothing, or nothing that has a token, where one is due.
        for lines in [&[][..], &[name], &[other.name()], &[r#"Basic realm="x""#]] {
            let (mut client, _, _) = challenged(scheme);
            assert!(out_of_order(advance(&mut client, lines)), "{lines:?}");
            assert!(client.scheme().is_none());
            assert!(out_of_order(advance(&mut client, &[name])), "nothing begins by itself");
            client.initial(scheme).unwrap();
        }
        assert!(out_of_order(advance(&mut only(scheme), &NOTHING)));
        // The token of another scheme, or two of the right one.
        for lines in [[format_token(other, b"token"), name.into()], [line.clone(), line.clone()]] {
            let (mut client, _, _) = challenged(scheme);
            assert!(out_of_order(advance(&mut client, &lines)));
        }
        // The CHALLENGE once more.
        let (mut client, _) = answered(scheme);
        assert!(advance(&mut client, &[&line]).is_err());
        assert!(!client.is_complete());
        // A token when all is done.
        let (mut client, decision) = answered(scheme);
        let value = connection::field(&forward(decision), "www-authenticate").map(str::to_owned);
        finish(&mut client, value.as_slice(), None).unwrap();
        assert!(out_of_order(advance(&mut client, &[&line])));
        assert!(!client.is_complete());
    }
    // Success in the midst of it, with a token.
    let (mut client, _, challenge) = challenged(Scheme::Ntlm);
    let line = format_token(Scheme::Ntlm, &challenge);
    let error = finish(&mut client, &[&line], None).unwrap_err();
    assert!(matches!(error, ClientError::OutOfOrder { .. }), "{error:?}");
    let (mut client, _) = answered(Scheme::Ntlm);
    assert!(finish(&mut client, &[line], None).is_err());
    assert!(!client.is_complete());
}

// H-06: after the last credentials it is over, and stays so.
#[test]
fn a_401_after_the_last_credentials_is_a_refusal_and_no_new_beginning() {
    for scheme in Scheme::INTEGRATED {
        for lines in [&["Negotiate", "NTLM"][..], &["Negotiate, NTLM, Basic realm=\"x\""], &[]] {
            let (mut client, _) = answered(scheme);
            for _ in 0..2 {
                let error = advance(&mut client, lines).unwrap_err();
                assert_eq!(error, ClientError::Refused { scheme });
                assert!(!client.is_complete() && !client.is_persistent());
                assert!(client.context().is_none() && client.scheme().is_none());
            }
            // A page for everybody does not log anybody on.
            finish(&mut client, &NOTHING, Some("true")).unwrap();
            assert!(!client.is_complete() && !client.is_persistent());
            assert_eq!(advance(&mut client, lines).unwrap_err(), ClientError::Refused { scheme });
            // Somebody who knows better may.
            assert!(!client.initial(scheme).unwrap().last);
        }
    }
    // The same by our own server, which does not know the password.
    let mut server = Connection::new();
    let error = request(&mut client(bob()), &mut server).unwrap_err();
    assert_eq!(error, ClientError::Refused { scheme: Scheme::Negotiate });
    // And by one that says so within SPNEGO.
    let reject = NegTokenResp { neg_state: Some(NegState::Reject), ..NegTokenResp::default() };
    let mut token = Vec::new();
    reject.encode(&mut token).unwrap();
    let (mut client, _) = answered(Scheme::Negotiate);
    let error = advance(&mut client, &[format_token(Scheme::Negotiate, &token)]).unwrap_err();
    assert_eq!(error, ClientError::Refused { scheme: Scheme::Negotiate });
}

// H-10, H-07
#[test]
fn a_logon_stands_for_the_connection_unless_the_server_says_otherwise() {
    for scheme in Scheme::INTEGRATED {
        for (field, expected) in [
            (None, true),
            (Some("true"), true),
            (Some(" False "), false),
            (Some("false"), false),
            (Some("no"), true),
            (Some(""), true),
            (Some("false, true"), true),
        ] {
            let (mut client, _) = answered(scheme);
            assert!(!client.is_persistent(), "the server has not agreed yet");
            finish(&mut client, &NOTHING, field).unwrap();
            assert_eq!(client.is_persistent(), expected, "{field:?}");
            // Only the response that completed it counts.
            for later in ["true", "false"] {
                finish(&mut client, &NOTHING, Some(later)).unwrap();
                assert_eq!(client.is_persistent(), expected, "{field:?}, then {later}");
            }
            // And a 401 ends it: another logon begins.
            assert!(!sent(advance(&mut client, &[scheme.name()])).last);
            assert!(!client.is_persistent() && !client.is_complete());
        }
        // Not one that was no success of ours.
        let mut idle = only(scheme);
        finish(&mut idle, &NOTHING, Some("true")).unwrap();
        assert!(!idle.is_persistent() && !idle.is_complete());
    }
}

// H-19: never more than the first message, and then the exchange as ever.
#[test]
fn credentials_unasked_begin_an_exchange() {
    for scheme in Scheme::INTEGRATED {
        let (mut client, mut server) = (only(scheme), Connection::new());
        let first = client.initial(scheme).unwrap();
        assert!(!first.last);
        let challenge = connection::challenge(server.send(&first.value), scheme);
        let answer = sent(advance(&mut client, &[format_token(scheme, &challenge)]));
        assert!(answer.last);
        assert_eq!(connection::user(server.send(&answer.value)).as_deref(), Some(r"CORP\alice"));
        // Whatever was under way is over.
        let again = client.initial(scheme).unwrap();
        assert!(!again.last && !client.is_complete());
        // A server that did not want any has not logged anybody on.
        finish(&mut client, &["Negotiate", "NTLM"], None).unwrap();
        assert!(!client.is_complete() && client.scheme().is_none());
        assert!(!sent(advance(&mut client, &[scheme.name()])).last);
    }
    // What is not configured is not sent.
    let mut ntlm = only(Scheme::Ntlm);
    for scheme in [Scheme::Negotiate, Scheme::Basic, Scheme::Digest] {
        assert_eq!(ntlm.initial(scheme).unwrap_err(), ClientError::NotConfigured { scheme });
    }
    let mut basic = client(alice().with_schemes(&[Scheme::Basic]));
    let error = basic.initial(Scheme::Basic).unwrap_err();
    assert_eq!(error, ClientError::NotConfigured { scheme: Scheme::Basic }, "there is no password");
}

// H-26: by strength, in whatever order they are offered and configured.
#[test]
fn the_strongest_scheme_that_both_have_is_taken() {
    let config = |schemes: &[Scheme]| alice().with_password("alice", "x").with_schemes(schemes);
    let order = [Scheme::Basic, Scheme::Ntlm, Scheme::Negotiate];
    assert_eq!(config(&order).schemes(), [Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic]);
    for (lines, expected) in [
        (&[r#"Basic realm="x""#, "NTLM", "Negotiate"][..], Scheme::Negotiate),
        (&[r#"Basic realm="x", nTLM"#], Scheme::Ntlm),
        (&["Kerberos, Nego2, Bearer", "basic realm=x"], Scheme::Basic),
    ] {
        let mut client = client(config(&order));
        let value = sent(advance(&mut client, lines)).value.clone();
        assert!(value.starts_with(&format!("{expected} ")), "{value}");
        assert_eq!(client.scheme(), Some(expected));
    }
    let mut without = client(config(&[Scheme::Basic, Scheme::Ntlm]));
    assert!(sent(advance(&mut without, &["Negotiate", "NTLM"])).value.starts_with("NTLM "));
}

// H-26, H-22: no silent fall to what is weaker.
#[test]
fn without_a_scheme_in_common_nothing_is_sent() {
    let offered = |names: &[&str]| ClientError::NoScheme {
        offered: names.iter().map(ToString::to_string).collect(),
    };
    let with_password = || alice().with_password("alice", PASSWORD);
    let mut auth = client(with_password());
    let error = advance(&mut auth, &[r#"Basic realm="x", Kerberos Zm9v"#, "BASIC, Nego2"]);
    assert_eq!(error.unwrap_err(), offered(&["Basic", "Kerberos", "Nego2"]));
    // Basic, and no password for it.
    let mut auth = client(alice().with_schemes(&[Scheme::Basic]));
    assert_eq!(advance(&mut auth, &["Basic realm=x"]).unwrap_err(), offered(&["Basic"]));
    // The next response may have more to offer.
    let mut auth = client(with_password());
    assert_eq!(advance(&mut auth, &["Basic"]).unwrap_err(), offered(&["Basic"]));
    assert!(sent(advance(&mut auth, &["Basic", "NTLM"])).value.starts_with("NTLM "));
}

// H-26: what was chosen is not exchanged for another when it fails.
#[test]
fn a_scheme_that_fails_is_not_followed_by_a_weaker_one() {
    let config = || alice().with_password("alice", PASSWORD).with_schemes(&Scheme::ALL);
    let mut auth = client(config());
    sent(advance(&mut auth, &["Negotiate", "Basic realm=x"]));
    assert!(out_of_order(advance(&mut auth, &["Basic realm=x"])));
    assert!(out_of_order(advance(&mut auth, &["Basic realm=x"])));
    let mut auth = client(config());
    sent(advance(&mut auth, &["Negotiate", "Basic realm=x"]));
    let bad = advance(&mut auth, &["Negotiate !!", "Basic realm=x"]);
    assert_eq!(bad.unwrap_err(), ClientError::Header(HeaderError::BadBase64));
    assert!(out_of_order(advance(&mut auth, &["Basic realm=x"])));
}

// WS-15: the service that the client meant, of both packages.
#[test]
fn the_host_is_in_the_last_message_as_a_service_principal_name() {
    for scheme in Scheme::INTEGRATED {
        let (mut client, _, challenge) = challenged(scheme);
        let answer = sent(advance(&mut client, &[format_token(scheme, &challenge)]));
        let name: Vec<u8> =
            format!("HTTP/{HOST}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(av_pair(&token(scheme, &answer), AvId::TARGET_NAME), Some(name));
    }
}

// WS-16: those of the certificate over TLS, zeros without; the server's are the same.
#[test]
fn the_certificate_is_in_the_last_message_as_channel_bindings() {
    let data = b"tls-server-end-point:of a test";
    let bindings = ChannelBindings::from_application_data(data);
    for scheme in Scheme::INTEGRATED {
        for (bindings, expected) in [
            (bindings.clone(), ChannelBindingsHash::of(data)),
            (ChannelBindings::none(), ChannelBindingsHash::ZERO),
        ] {
            let mut client = bound(alice().with_schemes(&[scheme]), bindings);
            let mut server = Connection::new();
            let first = sent(advance(&mut client, &[scheme.name()]));
            let challenge = connection::challenge(server.send(&first.value), scheme);
            let answer = sent(advance(&mut client, &[format_token(scheme, &challenge)]));
            let sent = av_pair(&token(scheme, &answer), AvId::CHANNEL_BINDINGS).unwrap();
            assert_eq!(sent, expected.0);
        }
    }
}

// WS-16: where they are demanded, nothing is sent without.
#[test]
fn a_client_that_demands_bindings_sends_nothing_without() {
    let all = || {
        let config = alice().with_bindings_required(true).with_password("alice", PASSWORD);
        config.with_schemes(&Scheme::ALL)
    };
    for lines in [["Negotiate", "NTLM"], ["Basic", "Basic"]] {
        let error = advance(&mut client(all()), &lines).unwrap_err();
        assert_eq!(error, ClientError::BindingsImpossible);
    }
    assert_eq!(client(all()).initial(Scheme::Ntlm).unwrap_err(), ClientError::BindingsImpossible);
    let over_tls = || bound(all(), ChannelBindings::from_application_data(b"x"));
    assert!(sent(advance(&mut over_tls(), &["NTLM"])).value.starts_with("NTLM "));
    let error = advance(&mut over_tls(), &["Basic"]).unwrap_err();
    assert_eq!(error, ClientError::BindingsImpossible, "a password cannot be bound");
}

// WS-17: what can be asked for, and what was got.
#[test]
fn attributes_are_asked_for_and_told() {
    let signed = ContextAttributes::INTEGRITY
        | ContextAttributes::REPLAY_DETECT
        | ContextAttributes::SEQUENCE_DETECT;
    let windows = ContextAttributes::MUTUAL_AUTH | ContextAttributes::SEQUENCE_DETECT;
    let sealed = signed | ContextAttributes::CONFIDENTIALITY;
    for (asked, flags, got) in [
        (ContextAttributes::empty(), NegotiateFlags::empty(), signed),
        (windows, NegotiateFlags::empty(), signed),
        (ContextAttributes::INTEGRITY, NegotiateFlags::empty(), signed),
        (ContextAttributes::CONFIDENTIALITY, NegotiateFlags::SEAL, sealed),
    ] {
        let (random, clock) = (Arc::new(fixed::Counter::default()), fixed::Clock::at(0));
        let credential = Credential::password(r"CORP\alice", PASSWORD);
        let config = InitiatorConfig::new(credential, random, clock).with_attributes(asked);
        let config = Arc::new(config);
        let new = || client(ClientConfig::new(Arc::clone(&config)));
        let first = new().initial(Scheme::Ntlm).unwrap();
        let first = token(Scheme::Ntlm, &first);
        let bits = logon::wire::ntlm::Negotiate::decode(&first).unwrap().flags;
        assert!(bits.contains(NegotiateFlags::SIGN | flags));
        assert_eq!(bits.contains(NegotiateFlags::SEAL), !flags.is_empty());
        let mut client = new();
        request(&mut client, &mut Connection::new()).unwrap();
        assert_eq!(client.context().unwrap().attributes(), got, "{asked:?}");
        // A server that cannot sign is refused by those who demand it, and by nobody else.
        let (_, _, challenge) = challenged(Scheme::Ntlm);
        let challenge = without(&challenge, NegotiateFlags::SIGN);
        client.initial(Scheme::Ntlm).unwrap();
        let step = advance(&mut client, &[format_token(Scheme::Ntlm, &challenge)]);
        assert_eq!(step.is_ok(), !asked.contains(ContextAttributes::INTEGRITY) && flags.is_empty());
    }
}

/// The CHALLENGE less a flag.
fn without(challenge: &[u8], flag: NegotiateFlags) -> Vec<u8> {
    let mut challenge = challenge.to_vec();
    let flags = Challenge::decode(&challenge).unwrap().flags - flag;
    challenge[20..24].copy_from_slice(&flags.bits().to_le_bytes());
    challenge
}

// WS-19, C-18: told apart from every other lack of the server's.
#[test]
fn a_server_that_wants_ntlmv1_gets_nothing_and_the_reason_is_a_type() {
    for (flag, reason) in [
        (NegotiateFlags::EXTENDED_SESSIONSECURITY, PeerIncompatible::NtlmV1Wanted),
        (NegotiateFlags::UNICODE, PeerIncompatible::FlagsDowngraded),
    ] {
        let (mut client, _, challenge) = challenged(Scheme::Ntlm);
        let challenge = without(&challenge, flag);
        let error = advance(&mut client, &[format_token(Scheme::Ntlm, &challenge)]).unwrap_err();
        assert_eq!(error, ClientError::Exchange(reason.into()));
        assert!(client.context().is_none() && client.scheme().is_none());
    }
    // Without TargetInfo it is NTLMv2 all the same.
    let (mut client, _, challenge) = challenged(Scheme::Ntlm);
    let mut sent_by_old = Challenge::decode(&challenge).unwrap();
    sent_by_old.target_info = None;
    sent_by_old.flags -= NegotiateFlags::TARGET_INFO;
    let mut challenge = Vec::new();
    sent_by_old.encode(&mut challenge).unwrap();
    let answer = sent(advance(&mut client, &[format_token(Scheme::Ntlm, &challenge)]));
    let target = av_pair(&token(Scheme::Ntlm, &answer), AvId::TARGET_NAME);
    assert!(target.is_some(), "an NTLMv2 response");
}

// WS-14, WS-20: however it ends, nothing of it stays.
#[test]
fn an_exchange_is_freed_on_error_on_close_and_when_dropped() {
    let initiator = fixed::initiator_config(r"CORP\alice", PASSWORD);
    let config = Arc::new(ClientConfig::new(Arc::clone(&initiator)));
    let idle = Arc::strong_count(&initiator);
    let bindings = ChannelBindings::none;
    let new =
        || ClientAuth::new(Arc::clone(&config), Side::Proxy, TargetName::http(HOST), bindings());
    let begun = || {
        let mut client = new();
        sent(advance(&mut client, &["NTLM"]));
        assert!(Arc::strong_count(&initiator) > idle);
        client
    };
    begun().close();
    assert_eq!(Arc::strong_count(&initiator), idle);
    drop(begun());
    assert_eq!(Arc::strong_count(&initiator), idle);
    let mut client = begun();
    assert!(advance(&mut client, &["NTLM TlRMTVNTUAAD"]).is_err());
    assert_eq!(Arc::strong_count(&initiator), idle, "an error frees it at once");
    drop(client);
    let mut client = begun();
    finish(&mut client, &NOTHING, None).unwrap();
    assert_eq!(Arc::strong_count(&initiator), idle);
    client.close();
    assert_eq!(Arc::strong_count(&config), 1, "and the connection, its configuration");
}

#[test]
fn negotiate_that_is_answered_with_bare_ntlm_is_told() {
    let (_, _, bare) = challenged(Scheme::Ntlm);
    let (mut client, _, _) = challenged(Scheme::Negotiate);
    let error = advance(&mut client, &[format_token(Scheme::Negotiate, &bare)]).unwrap_err();
    assert_eq!(error, ClientError::BareNtlm);
}

// RFC 7617 §2: the example, and the second of §2.1 in UTF-8.
#[test]
fn basic_is_sent_in_utf_8() {
    for (name, password, expected) in [
        ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test", "123\u{a3}", "Basic dGVzdDoxMjPCow=="),
        ("", "", "Basic Og=="),
    ] {
        let config = alice().with_schemes(&[Scheme::Basic]).with_password(name, password);
        let mut client = client(config);
        let credentials = sent(advance(&mut client, &[r#"Basic realm="x""#]));
        assert_eq!((credentials.value.as_str(), credentials.last), (expected, true));
        assert_eq!((client.scheme(), client.mechanism()), (Some(Scheme::Basic), None));
        finish(&mut client, &NOTHING, Some("true")).unwrap();
        assert!(client.is_complete() && !client.is_persistent(), "of one request");
    }
    for (name, password) in [("a:b", "x"), ("a\n", "x"), ("a", "x\0")] {
        let config = alice().with_schemes(&[Scheme::Basic]).with_password(name, password);
        let error = client(config).initial(Scheme::Basic).unwrap_err();
        let misuse = ApiMisuse::NotHeaderText("name or password");
        assert_eq!(error, ClientError::Exchange(misuse.into()));
    }
}

// H-06
#[test]
fn basic_logs_on_to_our_server_or_is_refused() {
    let server = || {
        let mut server = Connection::with_config(|acceptor| {
            let mut config = ConnectionConfig::new(acceptor);
            config.basic = Some(BasicConfig::new("corp").unwrap().without_tls());
            config
        });
        server = server.offering(&[Scheme::Basic]);
        server
    };
    let config = |password| {
        let config = alice().with_schemes(&[Scheme::Basic]);
        client(config.with_password(r"CORP\alice", password))
    };
    let seen = request(&mut config(PASSWORD), &mut server()).unwrap();
    assert_eq!((seen.user.as_deref(), &seen.last[..]), (Some(r"CORP\alice"), &[true][..]));
    let error = request(&mut config("wrong"), &mut server()).unwrap_err();
    assert_eq!(error, ClientError::Refused { scheme: Scheme::Basic });
}

// H-18, H-25: and what is shown of it.
#[test]
fn a_side_knows_its_fields_and_shows_no_secrets() {
    let config = alice().with_password("alice", PASSWORD).with_schemes(&Scheme::ALL);
    let shown = format!("{config:?}");
    assert!(shown.contains("alice") && !shown.contains(PASSWORD), "{shown}");
    let target = TargetName::http("proxy.corp.example");
    let mut auth = ClientAuth::new(Arc::new(config), Side::Proxy, target, ChannelBindings::none());
    assert_eq!(auth.side().credentials_field(), "proxy-authorization");
    let basic = sent(advance(&mut auth, &["Basic realm=x"]));
    let token = basic.value.split(' ').nth(1).unwrap().to_owned();
    for shown in [format!("{basic:?}"), format!("{:?}", ClientStep::Send(basic))] {
        assert!(shown.contains("Basic") && !shown.contains(&token), "{shown}");
    }
    let shown = format!("{auth:?}");
    assert!(shown.contains("Sent") && shown.contains("proxy.corp.example"), "{shown}");
}

#[test]
fn an_error_says_what_to_do() {
    let errors = [
        ClientError::NoScheme { offered: vec!["Kerberos".into(), "Bearer".into()] },
        ClientError::NotConfigured { scheme: Scheme::Basic },
        ClientError::Refused { scheme: Scheme::Ntlm },
        ClientError::Header(HeaderError::BadBase64),
        ClientError::Exchange(PeerIncompatible::NtlmV1Wanted.into()),
        ClientError::BareNtlm,
        ClientError::MutualAuthMissing,
        ClientError::BindingsImpossible,
        ClientError::ChallengeNeeded { scheme: Scheme::Digest },
        ClientError::RequestUnknown,
        ClientError::WrongServerProof,
        ClientError::OutOfOrder { expected: "one thing", received: "another" },
    ];
    for error in &errors {
        let text = error.to_string();
        assert!(text.contains(';') || text.contains(':'), "cause and remedy: {text}");
    }
    assert!(errors[0].to_string().contains("Kerberos, Bearer"));
    assert!(std::error::Error::source(&errors[4]).unwrap().to_string().contains("NTLMv1"));
}
