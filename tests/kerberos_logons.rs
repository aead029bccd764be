//! Logons by Kerberos: tickets of a KDC in this file, right ones and every kind of wrong one.
#![cfg(feature = "kerberos")]

#[path = "support/ticket.rs"]
mod ticket;

use logon::kerberos::{
    EncryptionType, InitiatorConfig, KerberosRefusal, KeyUsage, MemoryReplayCache, Service,
};
use logon::wire::krb5::{ApOptions, GssFlags, GssToken, KrbError, TicketFlags, TokenId};
use logon::{
    Acceptor, AcceptorStep, BindingsOutcome, BindingsPolicy, ChannelBindings, Context,
    ContextAttributes, Error, FileTime, Initiator, InitiatorContext, InitiatorStep, Mechanism,
    PeerIncompatible, Policy, Refusal, TargetName, TargetNamePolicy,
};
use std::sync::Arc;
use std::time::Duration;
use ticket::{
    Clock, Forge, NOW, REALM, Random, accept_with, config, framed, gss, relevant, service, target,
};

fn accept(forge: &Forge) -> Result<Context, Error> {
    accept_with(service(), Policy::default(), ChannelBindings::none(), &forge.token()).0
}

/// Why a token is refused, and the code that the client gets.
fn refusal(forge: &Forge) -> KerberosRefusal {
    let none = ChannelBindings::none();
    let (result, out) = accept_with(service(), Policy::default(), none, &forge.token());
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    let Refusal::Kerberos(refusal) = denial.refusal() else { panic!("{denial:?}") };
    let token = GssToken::decode(&out).unwrap();
    assert_eq!(token.id, TokenId::Error);
    let error = KrbError::decode(token.message).unwrap();
    assert_eq!(error.error_code, refusal.error_code());
    assert_eq!(error.stime.unix_seconds(), NOW);
    refusal
}

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

#[test]
fn a_ticket_is_a_logon_of_the_client_that_it_names() {
    let context = accept(&Forge::default()).unwrap();
    assert_eq!(context.identity().to_string(), r"CORP\alice");
    assert_eq!(context.identity().upn(), Some("alice@CORP.EXAMPLE"));
    assert_eq!(context.identity().target_name(), "HTTP/web01.corp.example");
    assert_eq!(context.identity().bindings(), BindingsOutcome::Unavailable);
    assert_eq!(context.mechanism(), Mechanism::Kerberos);
    assert!(context.attributes().contains(ContextAttributes::MUTUAL_AUTH));
    assert!(!context.mechanism().is_per_connection());
}

// R-01
#[test]
fn a_message_without_framing_is_taken_and_one_of_another_mechanism_is_not() {
    let message = Forge::default().message();
    let none = ChannelBindings::none;
    let (result, out) = accept_with(service(), Policy::default(), none(), &message);
    assert_eq!(result.unwrap().identity().user(), "alice");
    assert_eq!(out[0], 0x6f, "answered without framing, too");
    let (result, _) = accept_with(service(), Policy::default(), none(), &framed(&out));
    assert!(matches!(result, Err(Error::Decode(_))), "{result:?}");
}

// R-02
#[test]
fn a_version_or_a_kind_of_message_that_is_wrong_is_malformed() {
    let message = Forge::default().message();
    for (old, new) in [([0xa0, 3, 2, 1, 5], 4), ([0xa1, 3, 2, 1, 14], 15)] {
        let at = message.windows(5).position(|it| it == old).unwrap();
        let mut message = message.clone();
        message[at + 4] = new;
        let none = ChannelBindings::none();
        let (result, _) = accept_with(service(), Policy::default(), none, &framed(&message));
        assert!(matches!(result, Err(Error::Decode(_))), "{result:?}");
    }
}

// R-03: old keys, and versions that the keytab does not know.
#[test]
fn every_key_of_the_service_is_tried_whatever_its_version() {
    for kvno in [Some(3), Some(2), Some(0), Some(9), None] {
        for service_key in [0x33, 0x22] {
            let forge = Forge { kvno, service_key, ..Forge::default() };
            assert_eq!(accept(&forge).unwrap().identity().user(), "alice", "{kvno:?}");
        }
    }
    let forge = Forge { service_key: 0x44, ..Forge::default() };
    assert_eq!(refusal(&forge), KerberosRefusal::WrongKey);
}

// R-04
#[test]
fn the_service_is_one_of_the_keytab_in_whatever_case() {
    let server = "http/WEB01.corp.EXAMPLE@CORP.EXAMPLE";
    assert!(accept(&Forge { server, ..Forge::default() }).is_ok());
    for server in [
        "HTTP/web02.corp.example@CORP.EXAMPLE",
        "cifs/web01.corp.example@CORP.EXAMPLE",
        "HTTP/web01.corp.example@OTHER.EXAMPLE",
        "HTTP/web01.corp.example/x@CORP.EXAMPLE",
        "HTTP@CORP.EXAMPLE",
    ] {
        let forge = Forge { server, ..Forge::default() };
        assert_eq!(refusal(&forge), KerberosRefusal::NotUs, "{server}");
    }
}

// The name in a ticket is signed by nobody.
#[test]
fn the_service_that_policy_demands_has_to_be_named_under_the_authenticator() {
    let own = || TargetNamePolicy::Require(vec![TargetName::new("HTTP/web01.corp.example")]);
    for (said, expected) in [
        (vec![target("HTTP/web01.corp.example")], Ok(BindingsOutcome::ServiceName)),
        (vec![target("http/WEB01.corp.example")], Ok(BindingsOutcome::ServiceName)),
        (vec![], Err(Refusal::TargetNameRequired)),
        (vec![target("cifs/web01.corp.example")], Err(Refusal::WrongTargetName)),
        (vec![relevant(144, b"odd")], Err(Refusal::WrongTargetName)),
    ] {
        let mut policy = Policy::default();
        (policy.target_name, policy.bindings) = (own(), BindingsPolicy::Always);
        let token = Forge { said: said.clone(), ..Forge::default() }.token();
        let (result, _) = accept_with(service(), policy, ChannelBindings::none(), &token);
        let outcome = match result {
            Ok(context) => Ok(context.identity().bindings()),
            Err(Error::Denied(denial)) => Err(denial.refusal()),
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(outcome, expected, "{said:?}");
    }
    // And where it is named, it is not that of another service, whatever policy says.
    let wrong = Forge { said: vec![target("cifs/web01.corp.example")], ..Forge::default() };
    let Err(Error::Denied(denial)) = accept(&wrong) else { panic!("let in") };
    assert_eq!(denial.refusal(), Refusal::WrongTargetName);
}

// E-10: the mark of somebody in between.
#[test]
fn who_says_that_he_binds_and_does_not_is_refused_over_tls() {
    let ours = || ChannelBindings::from_application_data("tls-server-end-point:ours");
    let binds = Forge { said: vec![relevant(143, &0x4000_u32.to_le_bytes())], ..Forge::default() };
    let (result, _) = accept_with(service(), Policy::default(), ours(), &binds.token());
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    assert_eq!(denial.refusal(), Refusal::ZeroChannelBindings);
    assert!(accept(&binds).is_ok(), "there is nothing to bind to without TLS");
    let other = Forge { said: vec![relevant(143, &1_u32.to_le_bytes())], ..Forge::default() };
    let (result, _) = accept_with(service(), Policy::default(), ours(), &other.token());
    assert!(result.is_ok());
}

#[test]
fn restrictions_that_nobody_knows_are_not_ignored() {
    for element in [(8, vec![0x30, 0]), (128, vec![0; 8]), (9999, vec![])] {
        let of_ticket = Forge { authorization_data: vec![element.clone()], ..Forge::default() };
        assert_eq!(refusal(&of_ticket), KerberosRefusal::Restricted);
        let of_client = Forge { said: vec![element], ..Forge::default() };
        assert_eq!(refusal(&of_client), KerberosRefusal::Restricted);
    }
    let relevant = || vec![relevant(9999, b"who knows")];
    assert!(accept(&Forge { authorization_data: relevant(), ..Forge::default() }).is_ok());
    assert!(accept(&Forge { said: relevant(), ..Forge::default() }).is_ok());
}

#[test]
fn nobody_is_nobody() {
    for forge in [
        Forge { flags: TicketFlags::ANONYMOUS, ..Forge::default() },
        Forge { client: "WELLKNOWN/ANONYMOUS@CORP.EXAMPLE", ..Forge::default() },
        Forge { client: "WELLKNOWN/OTHER@CORP.EXAMPLE", ..Forge::default() },
    ] {
        let Err(Error::Denied(denial)) = accept(&forge) else { panic!("let in") };
        assert_eq!(denial.refusal(), Refusal::Anonymous);
    }
}

// CVE-2020-25719: a client may ask for a ticket without.
#[test]
fn a_pac_is_demanded_unless_policy_says_otherwise() {
    let (token, none) = (Forge::default().token(), ChannelBindings::none());
    let strict = service().with_pac_required(true);
    let (result, _) = accept_with(strict, Policy::default(), none, &token);
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::PacMissing));
    let garbage = Forge { authorization_data: vec![relevant(128, &[0; 40])], ..Forge::default() };
    assert_eq!(refusal(&garbage), KerberosRefusal::Pac);
}

#[test]
fn policy_can_name_the_services_that_tickets_may_be_for() {
    for (name, right) in [("HTTP/web01.corp.example", true), ("HTTP/wiki.corp.example", false)] {
        let mut policy = Policy::default();
        policy.target_name = TargetNamePolicy::WhenOffered(vec![TargetName::new(name)]);
        let token = Forge::default().token();
        let (result, _) = accept_with(service(), policy, ChannelBindings::none(), &token);
        match result {
            Ok(_) => assert!(right),
            Err(Error::Denied(denial)) => {
                assert_eq!((denial.refusal(), right), (Refusal::WrongTargetName, false));
            }
            other => panic!("{other:?}"),
        }
    }
}

// R-05: every byte of the token counts.
#[test]
fn no_altered_token_is_a_logon_of_somebody_else() {
    let token = Forge::default().token();
    for at in 0..token.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut altered = token.clone();
            altered[at] ^= bit;
            let none = ChannelBindings::none();
            let (result, _) = accept_with(service(), Policy::default(), none, &altered);
            if let Ok(context) = result {
                // What is outside of what is encrypted: the version of the key, options, case.
                assert_eq!(context.identity().to_string(), r"CORP\alice", "{at}");
            }
        }
    }
}

// R-06
#[test]
fn rc4_is_taken_only_where_it_is_allowed_and_des_never() {
    let rc4 = EncryptionType::Rc4Hmac;
    for forge in [
        Forge { encryption_type: rc4, ..Forge::default() },
        Forge { session_type: rc4, ..Forge::default() },
        Forge { subkey: Some((23, vec![1; 16])), ..Forge::default() },
        Forge { etype: Some(3), ..Forge::default() },
        Forge { etype: Some(16), ..Forge::default() },
    ] {
        assert_eq!(refusal(&forge), KerberosRefusal::EncryptionType);
    }
    let both = Forge { encryption_type: rc4, session_type: rc4, ..Forge::default() };
    let allowed = service().with_encryption_types(&[rc4]);
    let none = ChannelBindings::none;
    let (result, _) = accept_with(allowed, Policy::default(), none(), &both.token());
    assert!(result.is_ok());
    let only_aes256 = service().with_encryption_types(&[EncryptionType::Aes256CtsHmacSha1_96]);
    let aes128 =
        Forge { encryption_type: EncryptionType::Aes128CtsHmacSha1_96, ..Forge::default() };
    assert!(accept(&aes128).is_ok());
    let (result, _) = accept_with(only_aes256, Policy::default(), none(), &aes128.token());
    assert!(result.is_err());
}

#[test]
fn all_encryption_types_of_today_log_on_and_answer() {
    for number in [17, 18, 19, 20] {
        for session in [17, 18, 19, 20] {
            let forge = Forge {
                encryption_type: EncryptionType::try_from(number).unwrap(),
                session_type: EncryptionType::try_from(session).unwrap(),
                ..Forge::default()
            };
            let acceptor =
                Acceptor::new(config(service(), Policy::default()), ChannelBindings::none());
            let initiator = Initiator::kerberos(initiator_config(&forge), ChannelBindings::none());
            let (client, server) = run(initiator, acceptor);
            assert_eq!(client.exported_session_key(), server.exported_session_key());
        }
    }
}

#[test]
fn who_has_a_ticket_without_its_session_key_is_refused() {
    let forge = Forge { client_key: 0x11, ..Forge::default() };
    assert_eq!(refusal(&forge), KerberosRefusal::Authenticator);
    // Encrypted for another purpose: the authenticator of a request to the KDC.
    let forge = Forge { usage: KeyUsage::TGS_REQ_AUTHENTICATOR, ..Forge::default() };
    assert_eq!(refusal(&forge), KerberosRefusal::Authenticator);
}

// R-07
#[test]
fn the_client_of_the_authenticator_is_that_of_the_ticket() {
    for client in ["bob@CORP.EXAMPLE", "alice@OTHER.EXAMPLE", "alice/admin@CORP.EXAMPLE"] {
        let forge = Forge { authenticator_client: Some(client), ..Forge::default() };
        assert_eq!(refusal(&forge), KerberosRefusal::BadMatch, "{client}");
    }
}

// R-08
#[test]
fn a_clock_that_is_five_minutes_off_is_right_and_one_that_is_more_is_not() {
    for ctime in [NOW - 300, NOW - 1, NOW, NOW + 300] {
        assert!(accept(&Forge { ctime, cusec: 0, ..Forge::default() }).is_ok(), "{ctime}");
    }
    for ctime in [NOW - 301, NOW + 301, 0, NOW * 2] {
        let forge = Forge { ctime, cusec: 0, ..Forge::default() };
        assert_eq!(refusal(&forge), KerberosRefusal::ClockSkew, "{ctime}");
    }
}

// R-09
#[test]
fn a_ticket_holds_between_its_times_give_or_take_the_skew() {
    for (start, end) in [(NOW - 1, NOW + 1), (NOW + 300, NOW + 600), (NOW - 600, NOW - 300)] {
        let forge = Forge { start: Some(start), end, ..Forge::default() };
        assert!(accept(&forge).is_ok(), "{start} {end}");
    }
    let early = Forge { start: Some(NOW + 301), ..Forge::default() };
    assert_eq!(refusal(&early), KerberosRefusal::NotYetValid);
    let early = Forge { start: None, auth_time: NOW + 301, ..Forge::default() };
    assert_eq!(refusal(&early), KerberosRefusal::NotYetValid);
    let invalid = Forge { flags: TicketFlags::INVALID, ..Forge::default() };
    assert_eq!(refusal(&invalid), KerberosRefusal::NotYetValid);
    let late = Forge { end: NOW - 301, ..Forge::default() };
    assert_eq!(refusal(&late), KerberosRefusal::Expired);
}

// R-03, R-04: the same name and key version in two realms.
#[test]
fn the_key_of_another_realm_opens_nothing() {
    let other = ticket::service_key(ticket::AES, 3, 0x44);
    let principal = "HTTP/web01.corp.example@OTHER.EXAMPLE".parse().unwrap();
    let mut keytab = ticket::keytab();
    keytab.extend([logon::kerberos::ServiceKey { principal, ..other }]);
    let memory = Arc::new(MemoryReplayCache::new(FileTime::default(), Duration::ZERO));
    let (corp, other) =
        ("HTTP/web01.corp.example@CORP.EXAMPLE", "HTTP/web01.corp.example@OTHER.EXAMPLE");
    let (alice, of_other) = ("alice@CORP.EXAMPLE", "alice@OTHER.EXAMPLE");
    for (service_key, server, client, expected) in [
        (0x44, corp, alice, Some(KerberosRefusal::WrongKey)),
        (0x33, other, alice, Some(KerberosRefusal::WrongKey)),
        // Nor does a realm speak for clients of another one that has keys here.
        (0x44, other, alice, Some(KerberosRefusal::Realm)),
        (0x33, corp, of_other, Some(KerberosRefusal::Realm)),
        (0x44, other, of_other, None),
        (0x33, corp, alice, None),
    ] {
        let service = Service::new(keytab.clone(), Arc::clone(&memory) as _);
        // Not even where both have a name.
        let service =
            service.with_realm("CORP.EXAMPLE", "CORP").with_realm("OTHER.EXAMPLE", "OTHER");
        let service = service.with_pac_required(false);
        let token = Forge { service_key, server, client, ..Forge::default() }.token();
        let none = ChannelBindings::none();
        let refusal = match accept_with(service, Policy::default(), none, &token).0 {
            Ok(_) => None,
            Err(Error::Denied(denial)) => Some(denial.refusal()),
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(refusal, expected.map(Refusal::Kerberos));
    }
}

// R-10: clients are behind other addresses than the KDC saw.
#[test]
fn the_addresses_in_a_ticket_are_not_looked_at() {
    let addresses = vec![[192, 0, 2, 7]];
    assert!(accept(&Forge { addresses, ..Forge::default() }).is_ok());
}

// R-12, R-13
#[test]
fn a_checksum_is_that_of_gss_api_or_one_that_verifies_or_absent() {
    let key = Forge::default().session_key();
    let usage = KeyUsage::AP_REQ_AUTHENTICATOR_CHECKSUM;
    let plain = key.checksum(usage, &[]).as_bytes().to_vec();
    let other = key.checksum(usage, &[b"data"]).as_bytes().to_vec();
    for checksum in [None, Some((16, plain.clone()))] {
        let context = accept(&Forge { checksum, ..Forge::default() }).unwrap();
        assert_eq!(context.identity().bindings(), BindingsOutcome::Unavailable);
    }
    // CRC-32, MD5, another algorithm, other data: anybody can make the first two.
    for checksum in [(1, vec![0; 4]), (7, vec![0; 16]), (15, plain), (16, other)] {
        let forge = Forge { checksum: Some(checksum), ..Forge::default() };
        assert_eq!(refusal(&forge), KerberosRefusal::Checksum);
    }
    let (kind, bytes) = gss([0; 16], GssFlags::MUTUAL).unwrap();
    let mut long = bytes.clone();
    long.extend([0xff; 9]);
    let mut unknown = bytes.clone();
    unknown[23] = 0xff;
    for bytes in [long, unknown] {
        assert!(accept(&Forge { checksum: Some((kind, bytes)), ..Forge::default() }).is_ok());
    }
    let of_length = |length| {
        let mut bytes = bytes.clone();
        bytes[0] = length;
        bytes
    };
    for bytes in [bytes[..23].to_vec(), of_length(15), of_length(17), Vec::new()] {
        let result = accept(&Forge { checksum: Some((kind, bytes)), ..Forge::default() });
        assert!(matches!(result, Err(Error::Decode(_))), "{result:?}");
    }
}

// R-14
#[test]
fn channel_bindings_are_compared_under_every_policy() {
    let ours = || ChannelBindings::from_application_data("tls-server-end-point:ours");
    let theirs = ChannelBindings::from_application_data("tls-server-end-point:theirs");
    let hash = |bindings: ChannelBindings| {
        // As our own client writes them.
        let mut token = Vec::new();
        let config = initiator_config(&Forge::default());
        let _ = Initiator::kerberos(config, bindings).step(None, &mut token).unwrap();
        token
    };
    type Expected = Result<BindingsOutcome, Refusal>;
    let wrong: Expected = Err(Refusal::WrongChannelBindings);
    for (policy, right, other, absent, without_tls) in [
        (
            BindingsPolicy::Never,
            Ok(BindingsOutcome::Ignored),
            Ok(BindingsOutcome::Ignored),
            Ok(BindingsOutcome::Ignored),
            Ok(BindingsOutcome::Ignored),
        ),
        (
            BindingsPolicy::WhenOffered,
            Ok(BindingsOutcome::Bound),
            wrong,
            Ok(BindingsOutcome::NotOffered),
            Ok(BindingsOutcome::Unavailable),
        ),
        (
            BindingsPolicy::Always,
            Ok(BindingsOutcome::Bound),
            wrong,
            Err(Refusal::ChannelBindingsRequired),
            Err(Refusal::ChannelBindingsRequired),
        ),
    ] {
        for (sent, at, expected) in [
            (ours(), ours(), right),
            (theirs.clone(), ours(), other),
            (ChannelBindings::none(), ours(), absent),
            (ours(), ChannelBindings::none(), without_tls),
        ] {
            let mut given = Policy::default();
            given.bindings = policy;
            let (result, _) = accept_with(service(), given, at, &hash(sent));
            let outcome = match result {
                Ok(context) => Ok(context.identity().bindings()),
                Err(Error::Denied(denial)) => Err(denial.refusal()),
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!(outcome, expected, "{policy:?}");
        }
    }
}

// R-15: a ticket of the client's is not wanted here.
#[test]
fn a_delegated_ticket_changes_nothing_whatever_its_length_says() {
    let deleg = GssFlags::MUTUAL | GssFlags::INTEG | GssFlags::DELEG;
    let (kind, mut bytes) = gss([0; 16], GssFlags::MUTUAL | GssFlags::INTEG).unwrap();
    bytes[20..24].copy_from_slice(&deleg.bits().to_le_bytes());
    for behind in [
        &[1, 0, 8, 0, b'K', b'R', b'B', b'_', b'C', b'R', b'E', b'D'][..],
        &[1, 0, 9, 0, b'K', b'R', b'B', b'_', b'C', b'R', b'E', b'D'],
        &[1, 0, 0xff, 0xff],
        &[2, 0, 0, 0],
        &[1, 0, 1],
        &[],
    ] {
        let checksum = Some((kind, [&bytes[..], behind].concat()));
        let context = accept(&Forge { checksum, ..Forge::default() }).unwrap();
        assert_eq!(context.identity().to_string(), r"CORP\alice");
        assert!(context.attributes().contains(ContextAttributes::MUTUAL_AUTH));
    }
}

// R-16, R-17
#[test]
fn the_server_proves_itself_to_who_asks_and_to_nobody_else() {
    let none = ChannelBindings::none;
    let quiet = Forge {
        options: ApOptions::empty(),
        checksum: gss([0; 16], GssFlags::INTEG),
        ..Forge::default()
    };
    let (result, out) = accept_with(service(), Policy::default(), none(), &quiet.token());
    assert!(!result.unwrap().attributes().contains(ContextAttributes::MUTUAL_AUTH));
    assert!(out.is_empty());
    // A server that does not know the session key, and an answer to another request.
    let config = initiator_config(&Forge::default());
    let mut token = Vec::new();
    let step = Initiator::kerberos(config, none()).step(None, &mut token).unwrap();
    let InitiatorStep::Continue(initiator) = step else { panic!("{step:?}") };
    let (_, other) = accept_with(service(), Policy::default(), none(), &Forge::default().token());
    let result = initiator.step(Some(&other), &mut Vec::new());
    assert_eq!(result.unwrap_err(), Error::PeerIncompatible(PeerIncompatible::ServerNotProven));
}

#[test]
fn an_answer_with_any_byte_changed_proves_nothing() {
    let none = ChannelBindings::none;
    let config = initiator_config(&Forge::default());
    let begin = || {
        let mut token = Vec::new();
        let fresh = Arc::new(InitiatorConfig::new(
            config.ticket().clone(),
            Arc::new(Random::default()),
            Arc::new(Clock),
        ));
        let step = Initiator::kerberos(fresh, none()).step(None, &mut token).unwrap();
        let InitiatorStep::Continue(initiator) = step else { panic!("{step:?}") };
        (initiator, token)
    };
    let (initiator, token) = begin();
    let (_, answer) = accept_with(service(), Policy::default(), none(), &token);
    assert!(matches!(
        initiator.step(Some(&answer), &mut Vec::new()),
        Ok(InitiatorStep::Complete(_))
    ));
    for at in 0..answer.len() {
        let mut altered = answer.clone();
        altered[at] ^= 0x21;
        let result = begin().0.step(Some(&altered), &mut Vec::new());
        assert!(result.is_err(), "byte {at}");
    }
}

// R-18
#[test]
fn both_sides_protect_messages_in_their_order() {
    let none = ChannelBindings::none;
    let acceptor = Acceptor::new(config(service(), Policy::default()), none());
    let initiator = Initiator::kerberos(initiator_config(&Forge::default()), none());
    let (mut client, mut server) = run(initiator, acceptor);
    for text in [&b""[..], b"one", &[7; 1000]] {
        let signature = client.get_mic(text).unwrap();
        assert_eq!(signature.len(), 28);
        assert!(server.verify_mic(text, &signature).unwrap());
        let mut sealed = text.to_vec();
        let front = server.wrap(&mut sealed).unwrap();
        assert!(text.is_empty() || sealed != text);
        assert!(client.unwrap(&mut sealed, &front).unwrap());
        assert_eq!(sealed, text);
        let mut sealed = text.to_vec();
        let front = client.wrap(&mut sealed).unwrap();
        assert!(server.unwrap(&mut sealed, &front).unwrap());
        assert_eq!(sealed, text);
    }
    let first = client.get_mic(b"first").unwrap();
    let second = client.get_mic(b"second").unwrap();
    assert!(!server.verify_mic(b"second", &second).unwrap(), "one was left out");
    assert!(server.verify_mic(b"first", &first).is_err(), "and that is the end");
}

#[test]
fn a_message_that_was_altered_or_sent_back_is_noticed() {
    let none = ChannelBindings::none;
    let pair = || {
        let acceptor = Acceptor::new(config(service(), Policy::default()), none());
        run(Initiator::kerberos(initiator_config(&Forge::default()), none()), acceptor)
    };
    let (mut client, _) = pair();
    let mut sealed = b"message".to_vec();
    let front = client.wrap(&mut sealed).unwrap();
    for at in 0..front.len() + sealed.len() {
        let (mut front, mut sealed) = (front.clone(), sealed.clone());
        match at.checked_sub(front.len()) {
            Some(at) => sealed[at] ^= 1,
            None => front[at] ^= 1,
        }
        let (_, mut server) = pair();
        assert!(!server.unwrap(&mut sealed, &front).unwrap(), "{at}");
        assert_eq!(sealed, [0; 7]);
    }
    let signature = client.get_mic(b"message").unwrap();
    assert!(!client.verify_mic(b"message", &signature).unwrap(), "sent back");
}

// R-21
#[test]
fn clients_of_other_realms_are_let_in_only_where_they_are_named() {
    let foreign = Forge { client: "alice@OTHER.EXAMPLE", ..Forge::default() };
    assert_eq!(refusal(&foreign), KerberosRefusal::Realm);
    let none = ChannelBindings::none;
    let trusting = || service().with_realm("OTHER.EXAMPLE", "OTHER");
    let (result, _) = accept_with(trusting(), Policy::default(), none(), &foreign.token());
    assert_eq!(result.unwrap().identity().to_string(), r"OTHER\alice");
    let through = Forge { transited: b"MIDDLE.EXAMPLE", ..foreign.clone() };
    let (result, _) = accept_with(trusting(), Policy::default(), none(), &through.token());
    let Err(Error::Denied(denial)) = result else { panic!("{result:?}") };
    assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Transited));
    let checked = Forge { flags: TicketFlags::TRANSITED_POLICY_CHECKED, ..through };
    assert!(accept_with(trusting(), Policy::default(), none(), &checked.token()).0.is_ok());
    // By letter: realms are not names of DNS.
    let other_case = Forge { client: "alice@corp.example", ..Forge::default() };
    assert_eq!(refusal(&other_case), KerberosRefusal::Realm);
    let unmapped = Service::new(
        ticket::keytab(),
        Arc::new(MemoryReplayCache::new(FileTime::from_ticks(0), Duration::ZERO)),
    )
    .with_pac_required(false);
    let token = Forge::default().token();
    let (result, _) = accept_with(unmapped, Policy::default(), none(), &token);
    assert_eq!(result.unwrap().identity().domain(), REALM);
}

#[test]
fn two_names_are_never_one_account() {
    let two = accept(&Forge { client: "alice/admin@CORP.EXAMPLE", ..Forge::default() }).unwrap();
    let one = accept(&Forge { client: r"alice\/admin@CORP.EXAMPLE", ..Forge::default() }).unwrap();
    assert_eq!(two.identity().user(), "alice/admin");
    assert_eq!(one.identity().user(), r"alice\/admin");
    let at = accept(&Forge { client: r"alice\@EVIL@CORP.EXAMPLE", ..Forge::default() }).unwrap();
    assert_eq!(at.identity().user(), r"alice\@EVIL");
}

// R-22
#[test]
fn user_to_user_is_refused() {
    let options = ApOptions::USE_SESSION_KEY | ApOptions::MUTUAL_REQUIRED;
    let forge = Forge { options, ..Forge::default() };
    assert_eq!(refusal(&forge), KerberosRefusal::UserToUser);
}

#[test]
fn secrets_of_a_service_and_of_a_ticket_are_not_shown() {
    let shown = format!("{:?} {:?}", service(), Forge::default().cached());
    for secret in ["51, 51, 51", "33, 33", "94, 94", "5e5e", "3333"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn who_reads_the_log_learns_which_ticket_it_was() {
    let ticket_of = |forge: &Forge| match accept(forge) {
        Err(Error::Denied(denial)) => denial.ticket().map(str::to_owned),
        other => panic!("{other:?}"),
    };
    let other = Forge { server: "HTTP/other@CORP.EXAMPLE", ..Forge::default() };
    let expected = "HTTP/other@CORP.EXAMPLE, key version 3, encryption type 18";
    assert_eq!(ticket_of(&other).as_deref(), Some(expected));
    let wrong = Forge { service_key: 1, kvno: None, ..Forge::default() };
    let expected = "HTTP/web01.corp.example@CORP.EXAMPLE, encryption type 18";
    assert_eq!(ticket_of(&wrong).as_deref(), Some(expected));
    // Where it could be opened, the account is told.
    let late = Forge { end: NOW - 3600, ..Forge::default() };
    assert_eq!(ticket_of(&late), None);
}
