//! What a request came over, what passes by, and what is limited, at the state of one connection.

#[path = "support/connection.rs"]
mod connection;
#[path = "support/fixed.rs"]
mod fixed;

use connection::*;
use fixed::{Clock, PASSWORD, Users};
use logon::http::{
    Carrier, ConnectionAuth, ConnectionConfig, Decision, Scheme, Scope, format_token,
    is_intermediary_field,
};
use logon::{Account, Answer, ChannelBindings, CredentialStore, Refusal};
use std::sync::Arc;

fn over(connection: &mut Connection, carrier: Carrier, credentials: &str) -> Decision {
    let lines = [credentials.as_bytes()];
    let mut head = head(&connection.scope, if credentials.is_empty() { &[] } else { &lines });
    head.carrier = carrier;
    connection.auth.decide(head, &Users)
}

// H-08: a connection that somebody shares proves one request at a time, from then on for good.
#[test]
fn a_logon_does_not_outlive_its_request_where_an_intermediary_was_seen() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    assert_bare_challenges(&respond(over(&mut connection, Carrier::Shared, "")));
    assert_bare_challenges(&respond(connection.plain()));
    let done = forward(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)));
    assert_eq!(done.authentication.identity().unwrap().to_string(), ALICE);
    assert_eq!(field(&done, "persistent-auth"), Some("false"));
    assert_bare_challenges(&respond(connection.plain()));
}

// H-08: also where nothing is asked for.
#[test]
fn an_intermediary_is_noticed_at_a_place_that_needs_no_logon() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let guarded = std::mem::replace(&mut connection.scope, Arc::new(Scope::off()));
    assert_eq!(user(over(&mut connection, Carrier::Shared, "")), None);
    connection.scope = guarded;
    assert_bare_challenges(&respond(connection.plain()));
}

#[test]
fn intermediaries_are_known_by_the_fields_they_add() {
    for name in ["via", "Via", "Forwarded", "X-Forwarded-For", "x-forwarded-host", "X-Real-IP"] {
        assert!(is_intermediary_field(name), "{name}");
    }
    for name in ["host", "x-forwarded", "via2", "user-agent", "x-forwärded-for", ""] {
        assert!(!is_intermediary_field(name), "{name}");
    }
}

// H-15: NTLM over HTTP/2 is answered by sending the client back to HTTP/1.1.
#[test]
fn over_http_2_connection_schemes_need_http_1_1() {
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let ntlm = format_token(Scheme::Ntlm, &token);
    for scope in [
        Scope::required(&Scheme::INTEGRATED),
        Scope::optional(&Scheme::INTEGRATED),
        Scope::app_challenges(&Scheme::INTEGRATED),
    ] {
        let mut connection = Connection::new();
        connection.scope = Arc::new(scope);
        let response = respond(over(&mut connection, Carrier::Multiplexed, &ntlm));
        assert!(response.http_1_1_required);
        assert_eq!(response.challenges, ["Negotiate", "NTLM"], "for who cannot be sent back");
    }
    let mut connection = Connection::new();
    let response = respond(over(&mut connection, Carrier::Multiplexed, ""));
    assert!(response.http_1_1_required);
    let mut of_the_application = head(&connection.scope, &[]);
    of_the_application.carrier = Carrier::Multiplexed;
    assert!(Connection::new().auth.challenge(of_the_application).http_1_1_required);
    connection.scope = Arc::new(Scope::optional(&Scheme::INTEGRATED));
    assert_eq!(user(over(&mut connection, Carrier::Multiplexed, "")), None);
}

// S-24, H-21
#[test]
fn exchanges_under_way_are_limited_and_give_their_place_back() {
    let clock = Clock::at(1_800_000_000);
    let mut config = ConnectionConfig::new(Arc::new(fixed::acceptor_config(&clock)));
    config.max_exchanges = 2;
    let config = Arc::new(config);
    let connect = || Connection {
        auth: ConnectionAuth::new(Arc::clone(&config), ChannelBindings::none()),
        scope: Arc::new(Scope::required(&Scheme::INTEGRATED)),
        clock: Arc::clone(&clock),
    };
    let token = || format_token(Scheme::Ntlm, &first(fixed::ntlm(ALICE, PASSWORD)).1);
    let (mut one, mut two, mut three) = (connect(), connect(), connect());
    assert!(respond(one.send(&token())).continues);
    assert!(respond(two.send(&token())).continues);
    let refused = respond(three.send(&token()));
    assert_eq!((refused.status.code(), refused.challenges.len()), (503, 0));
    assert!(refused.retry_after.is_some());
    // Starting over takes no second place.
    assert!(respond(two.send(&token())).continues);
    assert_eq!(config.exchanges(), 2);
    drop(one);
    assert_eq!(config.exchanges(), 1);
    let mut three = connect();
    three.log_on_as_alice();
    assert_eq!(config.exchanges(), 1, "a logon that is complete is no exchange");
    respond(two.plain());
    assert_eq!(config.exchanges(), 0);
}

#[test]
fn a_logon_that_is_throttled_is_refused_unseen() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    let lines = [token.as_bytes()];
    assert!(matches!(
        connection.auth.request(head(&connection.scope, &lines)),
        Decision::NeedLogon
    ));
    let response = respond(connection.auth.throttle(17));
    assert_eq!((response.status.code(), response.retry_after), (429, Some(17)));
    assert!(response.challenges.is_empty());
    assert!(connection.auth.logon().is_none());
    let late = connection.auth.resume(Users.lookup(Account::new("CORP", "alice")));
    assert_eq!(respond(late).status.code(), 500);
    assert_bare_challenges(&respond(connection.plain()));
}

// HS-7: what is foreign passes where nothing is required, and by name where something is.
#[test]
fn a_foreign_scheme_passes_where_the_scope_says() {
    let mut connection = Connection::new();
    assert_bare_challenges(&respond(connection.send("Bearer abc")));
    let required = Scope::required(&Scheme::INTEGRATED);
    connection.scope = Arc::new(required.with_pass_schemes(&["Bearer"]));
    assert_eq!(user(connection.send("bearer abc")), None);
    assert_bare_challenges(&respond(connection.send("Token abc")));
    connection.scope = Arc::new(Scope::optional(&Scheme::INTEGRATED));
    assert_eq!(user(connection.send("Token abc")), None);
}

#[test]
fn a_preflight_passes_where_the_scope_says_and_touches_no_logon() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let preflight = |connection: &mut Connection| {
        let mut head = head(&connection.scope, &[]);
        (head.method, head.preflight) = ("OPTIONS", true);
        connection.auth.decide(head, &Users)
    };
    assert_eq!(user(preflight(&mut connection)).unwrap(), ALICE, "an ordinary request here");
    let required = Scope::required(&Scheme::INTEGRATED);
    connection.scope = Arc::new(required.with_cors_preflight(true));
    assert_eq!(user(preflight(&mut connection)), None);
    assert_eq!(user(connection.plain()).unwrap(), ALICE);
}

#[test]
fn an_answer_about_another_question_lets_nobody_in() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    let lines = [token.as_bytes()];
    assert!(matches!(
        connection.auth.request(head(&connection.scope, &lines)),
        Decision::NeedLogon
    ));
    let response = respond(connection.auth.resume_digest(Ok(logon::DigestAnswer::Unknown)));
    assert_eq!(response.status.code(), 500);
    let response = respond(connection.auth.resume(Ok(Answer::Unknown)));
    assert_eq!(refusal(&response), Some(Refusal::UnknownAccount));
}
