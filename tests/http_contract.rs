//! What HTTP.SYS promises an application, at the state of one connection.

#[path = "support/connection.rs"]
mod connection;
#[path = "support/fixed.rs"]
mod fixed;

use connection::*;
use fixed::{BOBS_PASSWORD, Clock, PASSWORD, Users};
use logon::http::{
    AuthStatus, Authentication, ConnectionAuth, ConnectionConfig, Decision, Scheme, Scope,
    ScopeRule, Scopes, SecurityStatus, format_token,
};
use logon::wire::ntlm::Challenge;
use logon::{
    Acceptor, AcceptorStep, ChannelBindings, ContextAttributes, CredentialStore, Exchange, Policy,
    Refusal, StoreError, TargetName, TargetNamePolicy, TimeSource,
};
use std::sync::Arc;
use std::time::Duration;

fn with(change: impl FnOnce(&mut ConnectionConfig)) -> Connection {
    Connection::with_config(|acceptor| {
        let mut config = ConnectionConfig::new(acceptor);
        change(&mut config);
        config
    })
}

fn app_challenges() -> Connection {
    let mut connection = Connection::new();
    connection.scope = Arc::new(Scope::app_challenges(&Scheme::INTEGRATED));
    connection
}

// HS-12, HS-13: everything reaches the application, and says that nobody is known.
#[test]
fn an_application_that_challenges_sees_the_request_and_may_serve_it() {
    let seen = forward(app_challenges().plain()).authentication;
    assert_eq!(seen.status(), AuthStatus::NotAuthenticated);
    assert_eq!((seen.scheme(), seen.security_status()), (None, SecurityStatus::OK));
    assert_eq!(seen.cgi_variables().count(), 0);
    // In the other mode it does not see it.
    assert_bare_challenges(&respond(Connection::new().plain()));
}

// HS-12, HS-22: its own 401 offers the schemes and forgets whoever was there.
#[test]
fn a_challenge_of_the_application_offers_the_schemes_and_ends_the_logon() {
    let mut connection = app_challenges();
    connection.log_on_as_alice();
    let offer = connection.auth.challenge(head(&connection.scope, &[]));
    assert_eq!(offer.challenges, ["Negotiate", "NTLM"]);
    assert_eq!(forward(connection.plain()).authentication.status(), AuthStatus::NotAuthenticated);
}

#[test]
fn a_challenge_of_the_application_is_its_own_where_nothing_is_looked_at() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).path("/npm", ScopeRule::off()).build().unwrap();
    let off = scopes.find(None, "/npm/x");
    assert_eq!(off.schemes().len(), 2, "inherited, and not offered");
    let offer = connection.auth.challenge(head(&off, &[]));
    assert!(offer.challenges.is_empty() && !offer.http_1_1_required);
    assert_eq!(user(connection.plain()).unwrap(), ALICE);
}

// HS-16, HS-17, HS-21, HS-22: its legs are answered for it, the failure is its own to answer.
#[test]
fn a_failed_logon_reaches_an_application_that_challenges_with_its_reason() {
    let mut connection = app_challenges();
    let decision = connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong"));
    let failed = forward(decision).authentication;
    assert_eq!(failed.status(), AuthStatus::Failure);
    assert_eq!(failed.scheme(), Some(Scheme::Ntlm));
    assert_eq!(failed.security_status(), SecurityStatus::LOGON_FAILURE);
    assert_eq!(failed.security_status().to_string(), "STATUS_LOGON_FAILURE (0xC000006D)");
    assert!(failed.identity().is_none());
    assert_eq!(failed.cgi_variables().count(), 0);
    assert!(connection.auth.logon().is_none());
    assert_eq!(forward(connection.plain()).authentication.status(), AuthStatus::NotAuthenticated);
}

#[test]
fn guessing_closes_the_connection_of_an_application_that_challenges_too() {
    let mut connection = app_challenges();
    let closes: Vec<bool> = (0..3)
        .map(|_| forward(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong"))).close)
        .collect();
    assert_eq!(closes, [false, false, true]);
}

// HS-21: and each has the name and the number that Windows has.
#[test]
fn reasons_can_be_told_apart_by_their_security_status() {
    let statuses = [
        (Refusal::WrongProof, "STATUS_LOGON_FAILURE", 0xC000_006D),
        (Refusal::UnknownAccount, "STATUS_LOGON_FAILURE", 0xC000_006D),
        (Refusal::WrongChannelBindings, "SEC_E_BAD_BINDINGS", 0x8009_0346),
        (Refusal::ChannelBindingsRequired, "SEC_E_BAD_BINDINGS", 0x8009_0346),
        (Refusal::WrongMic, "SEC_E_MESSAGE_ALTERED", 0x8009_030F),
        (Refusal::MicStripped, "SEC_E_MESSAGE_ALTERED", 0x8009_030F),
        (Refusal::WrongMechListMic, "SEC_E_MESSAGE_ALTERED", 0x8009_030F),
        (Refusal::AccountLocked, "STATUS_ACCOUNT_LOCKED_OUT", 0xC000_0234),
        (Refusal::AccountDisabled, "STATUS_ACCOUNT_DISABLED", 0xC000_0072),
        (Refusal::AccountExpired, "STATUS_ACCOUNT_EXPIRED", 0xC000_0193),
        (Refusal::NtlmBlocked, "STATUS_NTLM_BLOCKED", 0xC000_0418),
        (Refusal::NtlmV1, "SEC_E_UNSUPPORTED_FUNCTION", 0x8009_0302),
        (Refusal::WrongTargetName, "SEC_E_WRONG_PRINCIPAL", 0x8009_0322),
        (Refusal::EmptyPassword, "STATUS_ACCOUNT_RESTRICTION", 0xC000_006E),
    ];
    for (refusal, name, code) in statuses {
        let status = SecurityStatus::of_refusal(refusal);
        assert_eq!((status.name(), status.code()), (name, code), "{refusal:?}");
    }
    let store = SecurityStatus::of_error(&logon::Error::Store(StoreError::new("down")));
    assert_eq!((store.name(), store.code()), ("STATUS_NO_LOGON_SERVERS", 0xC000_005E));
}

// HS-18: never 401, and never the application, in none of the modes.
#[test]
fn a_store_that_is_down_is_503_in_every_mode() {
    for scope in [
        Scope::required(&Scheme::INTEGRATED),
        Scope::optional(&Scheme::INTEGRATED),
        Scope::app_challenges(&Scheme::INTEGRATED),
    ] {
        let mut connection = Connection::new();
        connection.scope = Arc::new(scope);
        let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
        let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
        let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
        let lines = [token.as_bytes()];
        let head = head(&connection.scope, &lines);
        assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
        let response = respond(connection.auth.resume(Err(StoreError::new("down"))));
        assert_eq!((response.status.code(), response.challenges.len()), (503, 0));
        assert_eq!(response.retry_after, Some(5));
    }
}

// HS-19, HS-20, H-02: in none of the modes does the application see it.
#[test]
fn a_field_that_cannot_be_read_is_400_in_every_mode() {
    for scope in [
        Scope::required(&Scheme::INTEGRATED),
        Scope::optional(&Scheme::INTEGRATED),
        Scope::app_challenges(&Scheme::INTEGRATED),
    ] {
        for credentials in [
            "",
            "=====",
            "NTLM",
            "NTLM %%%",
            "Negotiate TlRM=",
            "NTLM TlRM TVNT",
            "NTLM TlRMTVNT\u{e9}",
            "NTLM TlRMTVNTUAABAAAAB4IIAA==x",
            "NTLM TlRMTVNTUAABAAAAB4IIAA==, NTLM TlRMTVNTUAABAAAAB4IIAA==",
        ] {
            let mut connection = Connection::new();
            connection.scope = Arc::new(scope.clone());
            connection.log_on_as_alice();
            let response = respond(connection.send(credentials));
            assert_eq!(response.status.code(), 400, "{credentials}");
            assert!(response.close && response.challenges.is_empty());
            assert!(connection.auth.logon().is_none());
        }
    }
}

// H-02
#[test]
fn scheme_names_have_no_case() {
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let value = format_token(Scheme::Ntlm, &token).replace("NTLM ", "nTlM  ");
    challenge(Connection::new().send(&value), Scheme::Ntlm);
}

// HS-10: `DisableNTLMCredentialCaching`.
#[test]
fn without_persistence_every_request_has_to_log_on() {
    let mut connection = with(|config| config.persistent = false);
    for _ in 0..2 {
        let done = forward(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)));
        assert_eq!(done.authentication.identity().unwrap().to_string(), ALICE);
        assert!(!done.authentication.is_persistent());
        assert_eq!(field(&done, "persistent-auth"), Some("false"));
        assert!(connection.auth.logon().is_none());
        assert_bare_challenges(&respond(connection.plain()));
    }
}

// H-07, H-09
#[test]
fn persistent_auth_says_whether_the_next_request_is_known() {
    for scheme in Scheme::INTEGRATED {
        let initiator = match scheme {
            Scheme::Ntlm => fixed::ntlm(ALICE, PASSWORD),
            _ => fixed::negotiate(ALICE, PASSWORD),
        };
        let mut connection = Connection::new();
        let done = forward(connection.log_on(scheme, initiator));
        assert_eq!(field(&done, "persistent-auth"), Some("true"));
        let next = forward(connection.plain());
        assert_eq!(next.authentication.identity().unwrap().to_string(), ALICE);
        assert!(next.authentication.is_persistent() && !next.authentication.is_fresh());
        assert_eq!(next.fields, [], "on the response that ends the exchange alone");
    }
}

// HS-23: time passes, and a new exchange makes it good.
#[test]
fn a_logon_counts_for_its_lifetime() {
    let mut connection = with(|config| config.identity_lifetime = Some(Duration::from_secs(3600)));
    connection.log_on_as_alice();
    connection.clock.advance(Duration::from_secs(3600));
    assert_eq!(user(connection.plain()).unwrap(), ALICE);
    connection.clock.advance(Duration::from_nanos(100));
    assert_bare_challenges(&respond(connection.plain()));
    assert!(connection.auth.logon().is_none());
    connection.log_on_as_alice();
}

// HS-23: nobody knows how old it is then.
#[test]
fn a_logon_that_has_a_lifetime_ends_when_the_clock_is_set_back() {
    let mut connection = with(|config| config.identity_lifetime = Some(Duration::from_secs(3600)));
    connection.log_on_as_alice();
    connection.clock.set_back(Duration::from_secs(1));
    assert_bare_challenges(&respond(connection.plain()));
    assert!(connection.auth.logon().is_none());
}

// HS-24, HS-32: what the application throws away is gone, a logon that came unasked too.
#[test]
fn a_logon_that_is_released_is_asked_for_again() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    connection.auth.release();
    assert!(connection.auth.logon().is_none());
    assert_bare_challenges(&respond(connection.plain()));
    connection.log_on_as_alice();
}

// HS-24: the request that has it keeps it; the connection does not.
#[test]
fn a_request_keeps_its_identity_while_it_lasts() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let held: Authentication = forward(connection.plain()).authentication;
    connection.auth.release();
    assert_eq!(held.identity().unwrap().to_string(), ALICE);
    let logon = Arc::downgrade(held.logon().unwrap());
    drop(held);
    assert!(logon.upgrade().is_none(), "nobody else holds on to it");
}

// HS-25, HS-26, H-04: the last token goes with whatever the application answers.
#[test]
fn the_last_token_is_on_the_response_and_on_no_other() {
    let mut connection = Connection::new();
    let done = forward(connection.log_on(Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)));
    assert!(field(&done, "www-authenticate").unwrap().starts_with("Negotiate "));
    assert_eq!(done.authentication.mutual_auth_data(), None);
    assert_eq!(field(&forward(connection.plain()), "www-authenticate"), None);
    // NTLM has none.
    let done = forward(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)));
    assert_eq!(field(&done, "www-authenticate"), None);
}

// HS-27: `ReceiveMutualAuth`.
#[test]
fn an_application_that_wants_the_last_token_has_to_send_it() {
    let mut connection = with(|config| config.receive_mutual_auth = true);
    let done = forward(connection.log_on(Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)));
    assert_eq!(field(&done, "www-authenticate"), None);
    assert!(done.authentication.mutual_auth_data().unwrap().starts_with("Negotiate oR"));
}

// HS-33
#[test]
fn the_application_learns_all_that_http_sys_tells() {
    let mut connection = Connection::new();
    let decision = connection.log_on(Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD));
    let done = forward(decision).authentication;
    assert_eq!(done.status(), AuthStatus::Success);
    assert_eq!(done.security_status(), SecurityStatus::OK);
    assert!(done.is_fresh() && done.is_persistent());
    let logon = done.logon().unwrap();
    assert_eq!((logon.scheme(), logon.package_name()), (Scheme::Negotiate, "NTLM"));
    assert_eq!(logon.mechanism().unwrap().to_string(), "SPNEGO(NTLM)");
    let signs = ContextAttributes::INTEGRITY
        | ContextAttributes::REPLAY_DETECT
        | ContextAttributes::SEQUENCE_DETECT;
    assert_eq!(logon.context_attributes(), signs);
    let identity = logon.identity();
    assert_eq!((identity.domain(), identity.user()), ("CORP", "alice"));
    assert_eq!(identity.target_name(), "HTTP/web01.corp.example");
    let variables: Vec<_> = done.cgi_variables().collect();
    let user = || ALICE.to_owned();
    assert_eq!(
        variables,
        [
            ("LOGON_USER", user()),
            ("REMOTE_USER", user()),
            ("AUTH_USER", user()),
            ("AUTH_TYPE", "Negotiate".to_owned())
        ]
    );
}

// HS-33: what the client asked for, and nothing that it did not.
#[test]
fn the_application_learns_whether_messages_can_be_encrypted() {
    for wanted in [false, true] {
        let config = Arc::into_inner(fixed::initiator_config(ALICE, PASSWORD)).unwrap();
        let config = config.with_integrity(true).with_confidentiality(wanted);
        let target = TargetName::http("web01.corp.example");
        let initiator = logon::Initiator::ntlm(Arc::new(config), target, ChannelBindings::none());
        let done = forward(Connection::new().log_on(Scheme::Ntlm, initiator)).authentication;
        let attributes = done.logon().unwrap().context_attributes();
        assert_eq!(attributes.contains(ContextAttributes::CONFIDENTIALITY), wanted);
    }
}

// HS-8: one value has it all, and each part of it counts.
#[test]
fn one_value_configures_a_server() {
    let mut connection = with(|config| {
        config.persistent = false;
        config.max_denials = 1;
        config.side = logon::http::Side::Proxy;
    });
    let response = respond(connection.plain());
    assert_eq!(response.status.code(), 407);
    let (initiator, token) = first(fixed::ntlm(ALICE, "wrong"));
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert_eq!(response.status.code(), 407);
    let sent = logon::http::parse_token(Scheme::Ntlm, response.challenges[0].as_bytes());
    let token = second(initiator, &sent.unwrap().unwrap());
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert!(response.close);
    assert_eq!(connection.auth.side().info_field(), "proxy-authentication-info");
}

// HS-29
#[test]
fn an_anonymous_logon_is_a_failure() {
    use logon::wire::ntlm::{Authenticate, NegotiateFlags};
    let mut connection = app_challenges();
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let flags = NegotiateFlags::UNICODE | NegotiateFlags::NTLM | NegotiateFlags::ANONYMOUS;
    let message = Authenticate {
        lm_response: &[0],
        nt_response: &[],
        domain: &[],
        user: &[],
        workstation: &[],
        encrypted_random_session_key: &[],
        flags: Some(flags),
        version: None,
        mic: None,
    };
    let mut token = Vec::new();
    message.encode(&mut token).unwrap();
    let failed = forward(connection.send(&format_token(Scheme::Ntlm, &token))).authentication;
    assert_eq!(failed.status(), AuthStatus::Failure);
    assert!(failed.identity().is_none());
}

// HS-30
#[test]
fn a_first_message_that_comes_unasked_is_answered() {
    for (scheme, initiator) in [
        (Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)),
        (Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)),
    ] {
        let (_, token) = first(initiator);
        let response = respond(Connection::new().send(&format_token(scheme, &token)));
        assert!(response.continues && !response.close);
    }
}

// HS-31: switched off in between, it is nobody's.
#[test]
fn a_message_of_a_scheme_that_is_no_longer_enabled_is_not_looked_at() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    connection.scope = Arc::new(Scope::required(&[Scheme::Negotiate]));
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    let response = respond(connection.send(&token));
    assert_eq!((response.challenges, response.reason), (vec!["Negotiate".to_owned()], None));
    assert!(connection.auth.logon().is_none());
}

// HS-4: the front keeps the two messages, another worker goes on with them.
#[test]
fn an_exchange_survives_the_worker_that_began_it() {
    let clock = Clock::at(1_800_000_000);
    let worker = || Arc::new(fixed::acceptor_config(&clock));
    let (initiator, negotiate) = first(fixed::ntlm(ALICE, PASSWORD));
    let mut sent = Vec::new();
    let begun = Acceptor::new(worker(), ChannelBindings::none());
    let step = begun.step(&negotiate, &mut sent).unwrap();
    assert!(matches!(step, AcceptorStep::Continue(_)));
    drop(step);

    let exchange = Exchange {
        negotiate,
        challenge: sent.clone(),
        issued_at: clock.now(),
        mech_types: None,
        mech_list_mic_required: false,
    };
    assert!(Challenge::decode(&exchange.challenge).is_ok());
    let other = Acceptor::resume(worker(), ChannelBindings::none(), exchange).unwrap();
    let token = second(initiator, &sent);
    let mut out = Vec::new();
    let AcceptorStep::NeedLogon(request) = other.step(&token, &mut out).unwrap() else {
        panic!("no question")
    };
    let answer = Users.lookup(request.account());
    let AcceptorStep::Complete(context) = request.resolve(answer, &mut out).unwrap() else {
        panic!("not complete")
    };
    assert_eq!(context.identity().to_string(), ALICE);
}

// HS-3, HS-28: one configuration answers for all of its names, and for no other.
#[test]
fn several_hosts_share_one_server_and_each_may_be_named() {
    let wiki = || TargetName::http("wiki.corp.example");
    let names = vec![TargetName::http("web01.corp.example"), wiki()];
    let mut policy = Policy::default();
    policy.target_name = TargetNamePolicy::Require(names);
    let clock = Clock::at(1_800_000_000);
    let config = Arc::new(fixed::acceptor_config(&clock).with_policy(policy));
    for (host, known) in
        [("web01.corp.example", true), ("wiki.corp.example", true), ("mail.corp.example", false)]
    {
        let config = ConnectionConfig::new(Arc::clone(&config));
        let auth = ConnectionAuth::new(Arc::new(config), ChannelBindings::none());
        let scope = Arc::new(Scope::app_challenges(&Scheme::INTEGRATED));
        let mut connection = Connection { auth, scope, clock: Arc::clone(&clock) };
        let initiator = logon::Initiator::ntlm(
            fixed::initiator_config(ALICE, PASSWORD),
            TargetName::http(host),
            ChannelBindings::none(),
        );
        let done = forward(connection.log_on(Scheme::Ntlm, initiator)).authentication;
        assert_eq!(done.identity().is_some(), known, "{host}");
        let expected = if known { SecurityStatus::OK } else { SecurityStatus::WRONG_PRINCIPAL };
        assert_eq!(done.security_status(), expected, "{host}");
    }
}

// H-05, H-24: nothing of the parser, and nothing of the reason, is in the answer.
#[test]
fn a_malformed_token_gets_what_a_wrong_password_gets() {
    let wrong = respond(Connection::new().log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong")));
    for token in ["NTLM AAAA", "NTLM TlRMTVNTUAADAAAA", "Negotiate YIIAAAAA", "NTLM TlRMTVNTUAA="] {
        let malformed = respond(Connection::new().send(token));
        assert_eq!(malformed.status, wrong.status);
        assert_eq!(malformed.challenges, wrong.challenges);
        assert_eq!((malformed.close, malformed.continues), (wrong.close, wrong.continues));
    }
}

// H-18
#[test]
fn a_proxy_has_fields_of_its_own() {
    let mut connection = Connection::with_config(|config| ConnectionConfig::new(config).as_proxy());
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert_eq!(response.status.code(), 407);
    let sent = logon::http::parse_token(Scheme::Ntlm, response.challenges[0].as_bytes());
    let token = second(initiator, &sent.unwrap().unwrap());
    let done = forward(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert_eq!(done.authentication.identity().unwrap().to_string(), ALICE);
    assert_eq!(done.fields, [], "Persistent-Auth is an origin's to say");
    let done = connection.log_on_again();
    assert!(field(&done, "proxy-authenticate").is_some());
}

// H-22
#[test]
fn nego2_is_not_offered_and_not_looked_at() {
    let response = respond(Connection::new().send("Nego2 TlRMTVNTUAABAAAAB4IIAA=="));
    assert_bare_challenges(&response);
    assert_eq!(response.reason, None);
}

// H-25
#[test]
fn tokens_and_passwords_are_in_no_debug_output() {
    let secret = "QUxJQ0U6U2VjcmV0";
    let credentials = format!("Basic {secret}");
    let lines = [credentials.as_bytes()];
    let connection = Connection::new();
    let shown = format!("{:?}", head(&connection.scope, &lines));
    assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", secret.as_bytes())));
}

// HS-16, H-03
#[test]
fn the_leg_in_between_keeps_the_connection_open() {
    let (_, token) = first(fixed::negotiate(ALICE, PASSWORD));
    let response = respond(Connection::new().send(&format_token(Scheme::Negotiate, &token)));
    assert_eq!(response.status.code(), 401);
    assert!(response.continues && !response.close);
    assert_eq!(response.challenges.len(), 1, "only the scheme that is under way");
}

// H-01
#[test]
fn the_first_answer_offers_negotiate_before_ntlm_and_no_token() {
    assert_bare_challenges(&respond(Connection::new().plain()));
}

// H-23
#[test]
fn a_first_message_on_a_connection_that_is_logged_on_starts_over() {
    for scheme in Scheme::INTEGRATED {
        let mut connection = Connection::new();
        connection.log_on_as_alice();
        let (_, token) = first(fixed::ntlm(r"CORP\bob", BOBS_PASSWORD));
        challenge(connection.send(&format_token(scheme, &token)), scheme);
        assert!(connection.auth.logon().is_none());
        assert_bare_challenges(&respond(connection.plain()));
    }
}
