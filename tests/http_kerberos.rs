//! Kerberos over HTTP: a ticket proves one request, and the server to its client.
#![cfg(feature = "kerberos")]

#[path = "support/fixed.rs"]
mod fixed;
#[path = "support/ticket.rs"]
mod ticket;

use logon::http::{
    AuthStatus, Carrier, ConnectionAuth, ConnectionConfig, Decision, Forward, RequestHead,
    Response, Scheme, Scope, format_token, parse_token,
};
use logon::kerberos::{KerberosRefusal, Service};
use logon::wire::krb5::{ApOptions, GssFlags, GssToken, KrbError, TokenId};
use logon::wire::spnego::{MechType, MechTypes, NegState, NegTokenInit, NegTokenResp};
use logon::{
    AcceptorConfig, BindingsPolicy, ChannelBindings, ContextAttributes, Error, Initiator,
    InitiatorStep, Mechanism, PeerIncompatible, Policy, Refusal, ServerNames,
};
use std::sync::Arc;
use ticket::{Clock, Forge, NOW, Random, gss, relevant, service};

fn acceptor(ntlm: bool) -> AcceptorConfig {
    let names = ServerNames::new("WEB01", "CORP");
    AcceptorConfig::new(names, Arc::new(Random::default()), Arc::new(Clock))
        .with_kerberos(Arc::new(service()))
        .with_ntlm(ntlm)
}

fn shared(ntlm: bool) -> Arc<ConnectionConfig> {
    Arc::new(ConnectionConfig::new(Arc::new(acceptor(ntlm))))
}

fn connection(config: &Arc<ConnectionConfig>) -> ConnectionAuth {
    ConnectionAuth::new(Arc::clone(config), ChannelBindings::none())
}

/// A place that offers `Negotiate` and `NTLM`.
fn place(ntlm: bool) -> Arc<Scope> {
    Arc::new(Scope::required(&Scheme::INTEGRATED).with_ntlm(ntlm))
}

/// A request, with credentials unless they are empty.
fn ask(
    auth: &mut ConnectionAuth,
    scope: &Arc<Scope>,
    carrier: Carrier,
    credentials: &str,
) -> Decision {
    let lines = [credentials.as_bytes()];
    let mut head = RequestHead::new("GET", "/", scope);
    head.carrier = carrier;
    if !credentials.is_empty() {
        head.credentials = &lines;
    }
    auth.decide(head, &fixed::Users)
}

fn negotiate(token: &[u8]) -> String {
    format_token(Scheme::Negotiate, token)
}

fn init(mechs: &[MechType<'_>], token: Option<&[u8]>) -> Vec<u8> {
    let list = MechTypes::encode(mechs).unwrap();
    let mech_types = MechTypes::decode(&list).unwrap();
    let init = NegTokenInit { mech_types, mech_token: token, neg_hints: None, mech_list_mic: None };
    let mut out = Vec::new();
    init.encode(&mut out).unwrap();
    out
}

/// What a browser sends: the ticket at once, NTLM behind it.
fn wrapped(forge: &Forge) -> String {
    let list = [MechType::MS_KRB5, MechType::KRB5, MechType::NTLMSSP];
    negotiate(&init(&list, Some(&forge.token())))
}

fn forward(decision: Decision) -> Forward {
    match decision {
        Decision::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

fn respond(decision: Decision) -> Response {
    match decision {
        Decision::Respond(response) => response,
        other => panic!("{other:?}"),
    }
}

/// The values of a field that goes with the application's answer.
fn sent<'a>(forward: &'a Forward, field: &str) -> Vec<&'a str> {
    let of_name = forward.fields.iter().filter(|(name, _)| *name == field);
    of_name.map(|(_, value)| value.as_str()).collect()
}

fn without_mutual() -> Forge {
    let checksum = gss([0; 16], GssFlags::INTEG);
    Forge { checksum, options: ApOptions::empty(), ..Forge::default() }
}

// H-11, HS-26: the next request has to prove itself, with a ticket's authenticator of its own.
#[test]
fn a_ticket_logs_one_request_on_and_not_its_connection() {
    let config = shared(true);
    for again in [Carrier::Exclusive, Carrier::Shared, Carrier::Multiplexed] {
        let (mut auth, scope) = (connection(&config), place(true));
        let cusec = 100 + again as u32;
        let forge = Forge { cusec, ..Forge::default() };
        let done = forward(ask(&mut auth, &scope, Carrier::Exclusive, &wrapped(&forge)));
        assert_eq!(done.authentication.identity().unwrap().to_string(), r"CORP\alice");
        assert!(done.authentication.is_fresh() && !done.authentication.is_persistent());
        assert_eq!(sent(&done, "persistent-auth"), ["false"]);
        assert!(auth.logon().is_none() && auth.standing(&scope, again).is_none());
        assert!(respond(ask(&mut auth, &scope, again, "")).reason.is_none());
        // The same authenticator once more is a replay.
        let refused = respond(ask(&mut auth, &scope, again, &wrapped(&forge)));
        let Some(Error::Denied(denial)) = &refused.reason else { panic!("{refused:?}") };
        assert_eq!(denial.refusal(), Refusal::Kerberos(KerberosRefusal::Replay));
        let next = Forge { cusec: 200 + cusec, ..Forge::default() };
        assert!(forward(ask(&mut auth, &scope, again, &wrapped(&next))).authentication.is_fresh());
    }
}

// HS-25, HS-26
#[test]
fn the_servers_proof_goes_with_the_response_to_who_wants_it() {
    let (mut auth, scope) = (connection(&shared(true)), place(true));
    let done = forward(ask(&mut auth, &scope, Carrier::Exclusive, &wrapped(&Forge::default())));
    let [value] = sent(&done, "www-authenticate")[..] else { panic!("{done:?}") };
    let token = parse_token(Scheme::Negotiate, value.as_bytes()).unwrap().unwrap();
    let reply = NegTokenResp::decode(&token).unwrap();
    assert_eq!(reply.neg_state, Some(NegState::AcceptCompleted));
    assert_eq!(reply.supported_mech, Some(MechType::MS_KRB5));
    assert_eq!(GssToken::decode(reply.response_token.unwrap()).unwrap().id, TokenId::ApRep);
    let logon = done.authentication.logon().unwrap();
    assert!(logon.context_attributes().contains(ContextAttributes::MUTUAL_AUTH));
    assert_eq!((logon.package_name(), logon.scheme()), ("Kerberos", Scheme::Negotiate));
    assert_eq!(logon.mechanism(), Some(Mechanism::SpnegoKerberos));

    // Nothing of Kerberos for who did not ask: nothing at all for a bare ticket, and the end of
    // the negotiation within SPNEGO.
    let bare = Forge { cusec: 8, ..without_mutual() };
    let done = forward(ask(&mut auth, &scope, Carrier::Exclusive, &negotiate(&bare.token())));
    assert!(sent(&done, "www-authenticate").is_empty());
    let logon = done.authentication.logon().unwrap();
    assert!(!logon.context_attributes().contains(ContextAttributes::MUTUAL_AUTH));
    let within = Forge { cusec: 9, ..without_mutual() };
    let done = forward(ask(&mut auth, &scope, Carrier::Exclusive, &wrapped(&within)));
    let value = sent(&done, "www-authenticate")[0].to_owned();
    let token = parse_token(Scheme::Negotiate, value.as_bytes()).unwrap().unwrap();
    let reply = NegTokenResp::decode(&token).unwrap();
    assert_eq!((reply.neg_state, reply.response_token), (Some(NegState::AcceptCompleted), None));
}

// HS-27
#[test]
fn the_servers_proof_goes_to_an_application_that_wants_to_send_it() {
    let mut config = ConnectionConfig::new(Arc::new(acceptor(true)));
    config.receive_mutual_auth = true;
    let mut auth = connection(&Arc::new(config));
    let token = negotiate(&Forge::default().token());
    let done = forward(ask(&mut auth, &place(true), Carrier::Exclusive, &token));
    assert!(sent(&done, "www-authenticate").is_empty());
    let data = done.authentication.mutual_auth_data().unwrap();
    let token = parse_token(Scheme::Negotiate, data.as_bytes()).unwrap().unwrap();
    assert_eq!(GssToken::decode(&token).unwrap().id, TokenId::ApRep);
}

// HS-28, HS-3: one keytab, connections to whatever host, and several names in it.
#[test]
fn one_keytab_proves_the_server_whatever_host_is_asked_for() {
    let key = ticket::service_key(ticket::AES, 3, 0x33);
    let other = logon::kerberos::ServiceKey {
        principal: "HTTP/wiki.corp.example@CORP.EXAMPLE".parse().unwrap(),
        ..key.clone()
    };
    let memory = logon::kerberos::MemoryReplayCache::new(
        logon::FileTime::default(),
        std::time::Duration::ZERO,
    );
    let keytab = [key, other].into_iter().collect();
    let service = Service::new(keytab, Arc::new(memory)).with_pac_required(false);
    let config = acceptor(true).with_kerberos(Arc::new(service));
    let config = Arc::new(ConnectionConfig::new(Arc::new(config)));
    let names = ["HTTP/web01.corp.example@CORP.EXAMPLE", "HTTP/wiki.corp.example@CORP.EXAMPLE"];
    for (cusec, (carrier, server)) in (0..).zip([
        (Carrier::Exclusive, names[0]),
        (Carrier::Shared, names[0]),
        (Carrier::Exclusive, names[1]),
        (Carrier::Multiplexed, names[1]),
    ]) {
        let forge = Forge { server, cusec, ..Forge::default() };
        let done = forward(ask(&mut connection(&config), &place(true), carrier, &wrapped(&forge)));
        let identity = done.authentication.identity().unwrap();
        assert_eq!(identity.target_name(), server.split('@').next().unwrap());
        assert_eq!(sent(&done, "www-authenticate").len(), 1);
    }
}

// HS-3: what a place demands beside the keys.
#[test]
fn a_name_of_the_keytab_that_policy_leaves_out_is_refused() {
    let mut policy = Policy::default();
    let names = vec![logon::TargetName::new("HTTP/wiki.corp.example")];
    policy.target_name = logon::TargetNamePolicy::WhenOffered(names);
    let config = acceptor(true).with_policy(policy);
    let mut auth = connection(&Arc::new(ConnectionConfig::new(Arc::new(config))));
    let token = wrapped(&Forge::default());
    let refused = respond(ask(&mut auth, &place(true), Carrier::Exclusive, &token));
    let Some(Error::Denied(denial)) = &refused.reason else { panic!("{refused:?}") };
    assert_eq!(denial.refusal(), Refusal::WrongTargetName);
}

// H-11, HS-28: nothing of a ticket belongs to a connection.
#[test]
fn over_http_2_negotiate_is_offered_where_it_can_only_be_kerberos() {
    for (config, scope) in [(shared(false), place(true)), (shared(true), place(false))] {
        let mut auth = connection(&config);
        let offer = respond(ask(&mut auth, &scope, Carrier::Multiplexed, ""));
        assert_eq!(offer.challenges, ["Negotiate"]);
        assert!(!offer.http_1_1_required);
        let token = wrapped(&Forge::default());
        let done = forward(ask(&mut auth, &scope, Carrier::Multiplexed, &token));
        assert_eq!(done.authentication.status(), AuthStatus::Success);
        assert_eq!(sent(&done, "www-authenticate").len(), 1);
    }
}

// H-11
#[test]
fn over_http_2_a_ticket_is_taken_where_a_client_has_one_and_ntlm_needs_http_1_1() {
    let (config, scope) = (shared(true), place(true));
    let mut auth = connection(&config);
    // A client without a ticket would come with NTLM.
    assert!(respond(ask(&mut auth, &scope, Carrier::Multiplexed, "")).http_1_1_required);
    let token = wrapped(&Forge::default());
    forward(ask(&mut auth, &scope, Carrier::Multiplexed, &token));
    let (_, bare) = first(fixed::ntlm(r"CORP\alice", fixed::PASSWORD));
    let within = init(&[MechType::NTLMSSP], Some(&bare));
    for credentials in [format_token(Scheme::Ntlm, &bare), negotiate(&bare), negotiate(&within)] {
        let refused = respond(ask(&mut auth, &scope, Carrier::Multiplexed, &credentials));
        assert!(refused.http_1_1_required && !refused.continues, "{refused:?}");
        assert!(refused.reason.is_none());
    }
    // So does an exchange of several tokens, also where only Kerberos can come of it.
    for (config, scope) in [(&config, &scope), (&shared(false), &place(true))] {
        let token = negotiate(&init(&[MechType::NEGOEX, MechType::KRB5], Some(b"of NEGOEX")));
        let mut auth = connection(config);
        let refused = respond(ask(&mut auth, scope, Carrier::Multiplexed, &token));
        assert!(refused.http_1_1_required && !refused.continues, "{refused:?}");
        assert!(!auth.is_in_exchange());
    }
}

fn first(initiator: Initiator) -> (Initiator, Vec<u8>) {
    let mut token = Vec::new();
    match initiator.step(None, &mut token).unwrap() {
        InitiatorStep::Continue(next) => (next, token),
        _ => panic!("complete after one leg"),
    }
}

#[test]
fn where_only_kerberos_is_taken_ntlm_is_refused_wrapped_and_raw() {
    for (config, scope) in [(shared(false), place(true)), (shared(true), place(false))] {
        let mut auth = connection(&config);
        let offer = respond(ask(&mut auth, &scope, Carrier::Exclusive, ""));
        assert_eq!(offer.challenges, ["Negotiate"]);
        let (_, bare) = first(fixed::ntlm(r"CORP\alice", fixed::PASSWORD));
        let within = init(&[MechType::NTLMSSP], Some(&bare));
        for (token, expected) in
            [(&bare, PeerIncompatible::NtlmDisabled), (&within, PeerIncompatible::NtlmDisabled)]
        {
            let refused = respond(ask(&mut auth, &scope, Carrier::Exclusive, &negotiate(token)));
            assert_eq!(refused.challenges, ["Negotiate"]);
            assert!(!refused.continues);
            let Some(Error::PeerIncompatible(what)) = refused.reason else { panic!("{refused:?}") };
            assert_eq!(what, expected);
        }
        // The scheme is not looked at.
        let credentials = format_token(Scheme::Ntlm, &bare);
        let refused = respond(ask(&mut auth, &scope, Carrier::Exclusive, &credentials));
        assert!(refused.reason.is_none() && !refused.continues);
    }
}

#[test]
fn ntlm_from_elsewhere_is_neither_finished_nor_followed_where_only_kerberos_is_taken() {
    let config = shared(true);
    let (open, strict) = (place(true), place(false));
    let mut auth = connection(&config);
    let log_on = |auth: &mut ConnectionAuth, last: &Arc<Scope>| {
        let (initiator, token) = first(fixed::negotiate(r"CORP\alice", fixed::PASSWORD));
        let challenge = respond(ask(auth, &open, Carrier::Exclusive, &negotiate(&token)));
        let challenge = challenge.challenges[0].as_bytes();
        let challenge = parse_token(Scheme::Negotiate, challenge).unwrap().unwrap();
        let mut token = Vec::new();
        let _ = initiator.step(Some(&challenge), &mut token).unwrap();
        ask(auth, last, Carrier::Exclusive, &negotiate(&token))
    };
    let refused = respond(log_on(&mut auth, &strict));
    assert!(matches!(
        refused.reason,
        Some(Error::PeerIncompatible(PeerIncompatible::NtlmDisabled))
    ));
    assert!(auth.logon().is_none());
    forward(log_on(&mut auth, &open));
    assert!(auth.standing(&open, Carrier::Exclusive).is_some());
    assert!(auth.standing(&strict, Carrier::Exclusive).is_none());
    assert_eq!(respond(ask(&mut auth, &strict, Carrier::Exclusive, "")).challenges, ["Negotiate"]);
    // It still counts where it counted.
    assert!(auth.standing(&open, Carrier::Exclusive).is_some());
}

fn telling(config: AcceptorConfig) -> Arc<ConnectionConfig> {
    let mut config = ConnectionConfig::new(Arc::new(config));
    config.kerberos_errors = true;
    Arc::new(config)
}

// R-20: a client may want to know that its ticket or its clock is wrong.
#[test]
fn what_is_wrong_with_a_ticket_goes_with_the_401_where_that_is_wanted_and_nothing_else_does() {
    let (config, scope) = (telling(acceptor(true)), place(true));
    let mut auth = connection(&config);
    let old = Forge { ctime: NOW - 1000, ..Forge::default() };
    let quiet = ask(&mut connection(&shared(true)), &scope, Carrier::Exclusive, &wrapped(&old));
    assert_eq!(respond(quiet).challenges, ["Negotiate", "NTLM"]);
    let other = Forge { service_key: 0x44, ..Forge::default() };
    for (forge, code) in [(&old, 37), (&other, 41)] {
        let refused = respond(ask(&mut auth, &scope, Carrier::Exclusive, &wrapped(forge)));
        let [value, ntlm] = &refused.challenges[..] else { panic!("{refused:?}") };
        assert_eq!(ntlm, "NTLM");
        assert!(!refused.continues && !auth.is_in_exchange());
        let token = parse_token(Scheme::Negotiate, value.as_bytes()).unwrap().unwrap();
        let reply = NegTokenResp::decode(&token).unwrap();
        assert_eq!(reply.neg_state, Some(NegState::Reject));
        let error = GssToken::decode(reply.response_token.unwrap()).unwrap();
        assert_eq!(KrbError::decode(error.message).unwrap().error_code, code);
    }
    // Of a bare ticket it is a bare message; the connection is closed behind the third.
    let mut auth = connection(&config);
    let token = negotiate(&Forge { cusec: 1, ..old.clone() }.token());
    let refused = respond(ask(&mut auth, &scope, Carrier::Exclusive, &token));
    let token = refused.challenges[0].as_bytes();
    let token = parse_token(Scheme::Negotiate, token).unwrap().unwrap();
    assert_eq!(GssToken::decode(&token).unwrap().id, TokenId::Error);

    // What is wrong with a message, or with a password, is nobody's business.
    let mut policy = Policy::default();
    policy.bindings = BindingsPolicy::Always;
    let strict = acceptor(true).with_policy(policy);
    let strict = telling(strict);
    let cases = [
        (&strict, wrapped(&Forge { cusec: 2, ..Forge::default() })),
        (&config, negotiate(&init(&[MechType::KRB5], Some(b"nonsense")))),
    ];
    for (config, credentials) in cases {
        let refused =
            respond(ask(&mut connection(config), &scope, Carrier::Exclusive, &credentials));
        assert_eq!(refused.challenges, ["Negotiate", "NTLM"]);
        assert!(refused.reason.is_some());
    }
}

// H-11: what 1024 groups make of a ticket.
#[test]
fn a_ticket_of_sixty_kilobytes_is_taken_by_default() {
    let many = vec![relevant(9999, &vec![0x5a; 60 << 10])];
    let forge = Forge { authorization_data: many, ..Forge::default() };
    let token = wrapped(&forge);
    assert!(token.len() > 80 << 10);
    let (mut auth, scope) = (connection(&shared(true)), place(true));
    let done = forward(ask(&mut auth, &scope, Carrier::Exclusive, &token));
    assert_eq!(done.authentication.status(), AuthStatus::Success);
}
