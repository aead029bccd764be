//! The state of one HTTP connection, request by request.

#[path = "support/connection.rs"]
mod connection;
#[path = "support/fixed.rs"]
mod fixed;

use connection::*;

use fixed::{BOBS_PASSWORD, Broken, Clock, PASSWORD, Users};
use logon::http::{
    ConnectionAuth, ConnectionConfig, Decision, Scheme, Scope, Status, format_token, parse_token,
};
use logon::wire::spnego::{MechType, MechTypes, NegTokenInit};
use logon::{
    AcceptorConfig, Answer, ChannelBindings, CredentialStore, Error, HeaderError, Initiator,
    InitiatorStep, PeerIncompatible, Policy, Refusal, StoreError,
};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_request_without_credentials_is_challenged_with_one_line_per_scheme() {
    let response = respond(Connection::new().plain());
    assert_bare_challenges(&response);
    assert_eq!(response.reason, None);
    assert!(!response.close);
}

// P-22
#[test]
fn both_schemes_log_on_and_the_logon_stays_with_the_connection() {
    for (scheme, initiator) in [
        (Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)),
        (Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)),
        // Bare NTLM within Negotiate is answered in kind.
        (Scheme::Negotiate, fixed::ntlm(ALICE, PASSWORD)),
    ] {
        let mut connection = Connection::new();
        let done = forward(connection.log_on(scheme, initiator));
        let logon = done.authentication.logon().unwrap();
        assert_eq!(logon.identity().to_string(), ALICE);
        assert_eq!(logon.scheme(), scheme);
        assert!(done.authentication.is_fresh());
        let next = forward(connection.plain());
        assert!(!next.authentication.is_fresh());
        assert!(Arc::ptr_eq(next.authentication.logon().unwrap(), logon));
    }
}

#[test]
fn the_last_token_of_spnego_goes_out_with_the_response() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::negotiate(ALICE, PASSWORD));
    let token =
        challenge(connection.send(&format_token(Scheme::Negotiate, &token)), Scheme::Negotiate);
    let mut out = Vec::new();
    let InitiatorStep::Continue(initiator) = initiator.step(Some(&token), &mut out).unwrap() else {
        panic!("the server has the last word")
    };
    let done = forward(connection.send(&format_token(Scheme::Negotiate, &out)));
    let last = parse_token(Scheme::Negotiate, field(&done, "www-authenticate").unwrap().as_bytes());
    let last = last.unwrap().unwrap();
    let step = initiator.step(Some(&last), &mut Vec::new()).unwrap();
    assert!(matches!(step, InitiatorStep::Complete(_)), "the mechListMIC is verified");
}

#[test]
fn a_wrong_password_is_refused_with_bare_schemes_and_leaves_nothing_behind() {
    let mut connection = Connection::new();
    let response = respond(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong")));
    assert_bare_challenges(&response);
    assert_eq!(refusal(&response), Some(Refusal::WrongProof));
    assert_bare_challenges(&respond(connection.plain()));
}

// S-22
#[test]
fn an_unknown_account_looks_like_a_wrong_password() {
    let mut connection = Connection::new();
    let wrong = respond(connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong")));
    let unknown = respond(connection.log_on(Scheme::Ntlm, fixed::ntlm(r"CORP\eve", PASSWORD)));
    assert_eq!(refusal(&unknown), Some(Refusal::UnknownAccount));
    assert_eq!(unknown.status, wrong.status);
    assert_eq!(unknown.challenges, wrong.challenges);
    assert_eq!(unknown.close, wrong.close);
}

#[test]
fn names_cannot_write_lines_of_their_own_into_a_log() {
    let mut connection = Connection::new();
    let eve = "CORP\\eve\nINFO logged on account=CORP\\root\u{1b}[2J";
    let response = respond(connection.log_on(Scheme::Ntlm, fixed::ntlm(eve, PASSWORD)));
    let Some(Error::Denied(denial)) = &response.reason else { panic!("{:?}", response.reason) };
    let shown = denial.account().to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.contains("\\n"), "{shown:?}");
}

// S-23
#[test]
fn what_can_be_guessed_at_offline_is_not_in_debug_output() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    let credentials = [token.as_bytes()];
    let head = head(&connection.scope, &credentials);
    let shown = format!("{head:?}");
    assert!(!shown.contains("78, 84, 76, 77") && !shown.contains("TlRM"), "{shown}");
    assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
    let shown = format!("{:?}", connection.auth);
    // `NTLMSSP` in bytes, and the marks of the response.
    assert!(!shown.contains("78, 84, 76, 77, 83, 83, 80"), "{shown}");
    assert!(!shown.contains("1, 1, 0, 0, 0, 0, 0, 0"), "{shown}");
}

// S-24
#[test]
fn the_third_refused_logon_closes_the_connection() {
    let mut connection = Connection::new();
    let mut closed = Vec::new();
    for _ in 0..3 {
        let decision = connection.log_on(Scheme::Ntlm, fixed::ntlm(ALICE, "wrong"));
        closed.push(respond(decision).close);
    }
    assert_eq!(closed, [false, false, true]);
}

#[test]
fn a_field_without_a_scheme_is_a_bad_request() {
    for value in ["", "   ", "=====", "\"NTLM\" abcd", "(x)"] {
        let response = respond(Connection::new().send(value));
        assert_eq!(response.status.code(), 400, "{value:?}");
        assert_eq!(response.reason, Some(Error::Header(HeaderError::NoScheme)), "{value:?}");
        assert!(response.challenges.is_empty());
    }
}

#[test]
fn bad_base64_is_a_bad_request() {
    for value in [
        "NTLM %%%",
        "Negotiate TlRM",
        "NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAA=",
        "NTLM TlRM TVNT",
        "NTLM TlRMTVNT, NTLM TlRMTVNT",
        "NTLM TlRMTVNTU\u{e4}",
        "NTLM T===",
    ] {
        let response = respond(Connection::new().send(value));
        match value {
            // Whole base64 of four letters, but no message.
            "Negotiate TlRM" => assert_bare_challenges(&response),
            _ => {
                assert_eq!(response.status.code(), 400, "{value:?}");
                let bad = Some(Error::Header(HeaderError::BadBase64));
                assert_eq!(response.reason, bad, "{value:?}");
            }
        }
    }
}

#[test]
fn a_scheme_without_a_token_is_a_bad_request() {
    let response = respond(Connection::new().send("NTLM"));
    assert_eq!(response.status.code(), 400);
    assert_eq!(response.reason, Some(Error::Header(HeaderError::NoToken)));
}

#[test]
fn two_authorization_lines_are_a_bad_request() {
    let response = respond(Connection::new().lines(&[b"NTLM AAAA", b"NTLM AAAA"]));
    assert_eq!(response.reason, Some(Error::Header(HeaderError::Repeated)));
    assert_eq!(response.status.code(), 400);
}

#[test]
fn a_token_over_the_limit_is_431_and_closes() {
    let value = format!("NTLM {}", "A".repeat(1024 * 1024));
    let response = respond(Connection::new().send(&value));
    assert_eq!(response.status, Status::HeaderTooLarge);
    assert_eq!(response.status.code(), 431);
    assert!(response.close);
}

#[test]
fn scheme_names_are_compared_without_regard_to_case() {
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let value = format_token(Scheme::Ntlm, &token).replacen("NTLM", "nTlM", 1);
    challenge(Connection::new().send(&value), Scheme::Ntlm);
}

#[test]
fn a_foreign_scheme_is_challenged_or_passes_where_a_logon_is_optional() {
    let mut connection = Connection::new();
    assert_bare_challenges(&respond(connection.send("Bearer abc.def")));
    connection.scope = Arc::new(Scope::optional(&Scheme::INTEGRATED));
    assert_eq!(user(connection.send("Bearer abc.def")), None);
    assert_eq!(user(connection.plain()), None);
}

#[test]
fn the_token_of_a_scheme_that_is_not_offered_is_not_looked_at() {
    let mut connection = Connection::new().offering(&[Scheme::Negotiate]);
    let response = respond(connection.send("NTLM %%%"));
    assert_eq!(response.status.code(), 401);
    assert_eq!(response.challenges, ["Negotiate"]);
    assert_eq!(response.reason, None);
}

#[test]
fn a_place_that_offers_nothing_passes_everything_and_touches_no_exchange() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let scope = std::mem::replace(&mut connection.scope, Arc::new(Scope::off()));
    assert_eq!(user(connection.send("NTLM %%%")), None);
    connection.scope = scope;
    let token = second(initiator, &sent);
    assert_eq!(user(connection.send(&format_token(Scheme::Ntlm, &token))).unwrap(), ALICE);
}

// S-25
#[test]
fn authenticate_without_a_challenge_is_out_of_sequence() {
    let mut other = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(other.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));

    let response = respond(Connection::new().send(&token));
    assert_bare_challenges(&response);
    assert!(matches!(response.reason, Some(Error::OutOfSequence { .. })));
    assert_eq!(user(other.send(&token)).unwrap(), ALICE, "where it belongs it is right");
}

// S-01: on the same connection.
#[test]
fn a_challenge_serves_one_authenticate() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    assert_eq!(user(connection.send(&token)).unwrap(), ALICE);
    let again = respond(connection.send(&token));
    assert!(matches!(again.reason, Some(Error::OutOfSequence { .. })));
    assert_bare_challenges(&respond(connection.plain()));
}

// S-16
#[test]
fn a_challenge_expires() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    connection.clock.advance(Duration::from_secs(121));
    let token = second(initiator, &sent);
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert_eq!(refusal(&response), Some(Refusal::ChallengeExpired));
}

#[test]
fn a_new_handshake_drops_the_old_identity_at_once() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let (_, token) = first(fixed::ntlm(r"CORP\bob", BOBS_PASSWORD));
    challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    assert!(connection.auth.logon().is_none());
    assert_bare_challenges(&respond(connection.plain()));
    let bob = connection.log_on(Scheme::Ntlm, fixed::ntlm(r"CORP\bob", BOBS_PASSWORD));
    assert_eq!(user(bob).unwrap(), r"CORP\bob");
}

#[test]
fn a_failed_handshake_after_a_good_one_leaves_no_identity() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    respond(connection.log_on(Scheme::Ntlm, fixed::ntlm(r"CORP\bob", "wrong")));
    assert_bare_challenges(&respond(connection.plain()));
}

#[test]
fn any_other_authorization_drops_the_identity() {
    for value in ["Bearer abc", "NTLM %%%", "NTLM", "="] {
        let mut connection = Connection::new();
        connection.log_on_as_alice();
        respond(connection.send(value));
        assert_bare_challenges(&respond(connection.plain()));
    }
}

#[test]
fn an_anonymous_request_in_mid_exchange_ends_it() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    assert_bare_challenges(&respond(connection.plain()));
    let token = second(initiator, &sent);
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert!(matches!(response.reason, Some(Error::OutOfSequence { .. })));
}

#[test]
fn an_exchange_does_not_change_its_scheme_on_the_way() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = second(initiator, &sent);
    let response = respond(connection.send(&format_token(Scheme::Negotiate, &token)));
    assert!(matches!(response.reason, Some(Error::OutOfSequence { .. })));
}

#[test]
fn an_identity_counts_only_where_its_scheme_is_offered() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    connection.scope = Arc::new(Scope::required(&[Scheme::Negotiate]));
    assert_eq!(respond(connection.plain()).challenges, ["Negotiate"]);
    connection.scope = Arc::new(Scope::required(&Scheme::INTEGRATED));
    assert_eq!(user(connection.plain()).unwrap(), ALICE);
}

#[test]
fn a_released_connection_has_to_log_on_anew() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    connection.auth.release();
    assert_bare_challenges(&respond(connection.plain()));
}

#[test]
fn a_store_that_cannot_answer_is_503_without_an_offer() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let token = format_token(Scheme::Ntlm, &second(initiator, &sent));
    let credentials = [token.as_bytes()];
    let head = head(&connection.scope, &credentials);
    assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
    assert_eq!(pending_account(&connection.auth).to_string(), ALICE);
    let response = respond(connection.auth.resume(Err(StoreError::new("out of reach"))));
    assert_eq!(response.status.code(), 503);
    assert!(response.challenges.is_empty(), "clients would ask for the password again");
    assert!(response.retry_after.is_some());
}

#[test]
fn a_broken_random_number_generator_is_500() {
    let clock = Clock::at(0);
    let config = AcceptorConfig::new(fixed::names(), Arc::new(Broken), clock);
    let mut connection = Connection::with_config(|_| ConnectionConfig::new(Arc::new(config)));
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &token)));
    assert_eq!(response.status.code(), 500);
    assert!(response.challenges.is_empty());
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut connection = Connection::new();
    connection.log_on_as_alice();
    let response = respond(connection.auth.resume(Ok(logon::Answer::Unknown)));
    assert_eq!(response.status.code(), 500);
    assert_eq!(user(connection.plain()).unwrap(), ALICE);
}

#[test]
fn a_proxy_says_407() {
    let mut connection = Connection::with_config(|config| ConnectionConfig::new(config).as_proxy());
    assert_eq!(respond(connection.plain()).status.code(), 407);
    assert_eq!(connection.auth.side().challenge_field(), "proxy-authenticate");
    assert_eq!(connection.auth.side().credentials_field(), "proxy-authorization");
}

// P-06, P-28, E-03: who cannot be served, and who is not bound to this connection, is asked anew and
// told nothing; the reject token of SPNEGO does not go out either.
#[test]
fn a_client_that_cannot_be_served_is_challenged_with_bare_schemes() {
    let with_policy = |change: fn(&mut Policy), bindings| {
        let clock = Clock::at(1_800_000_000);
        let mut policy = Policy::default();
        change(&mut policy);
        let config = Arc::new(fixed::acceptor_config(&clock).with_policy(policy));
        let auth = ConnectionAuth::new(Arc::new(ConnectionConfig::new(config)), bindings);
        Connection { auth, scope: Arc::new(Scope::required(&Scheme::INTEGRATED)), clock }
    };
    let list = MechTypes::encode(&[MechType::KRB5, MechType::NEGOEX]).unwrap();
    let init = NegTokenInit {
        mech_types: MechTypes::decode(&list).unwrap(),
        mech_token: None,
        neg_hints: None,
        mech_list_mic: None,
    };
    let mut token = Vec::new();
    init.encode(&mut token).unwrap();
    let mut connection = Connection::new();
    let response = respond(connection.send(&format_token(Scheme::Negotiate, &token)));
    assert_bare_challenges(&response);
    assert_eq!(response.reason, Some(PeerIncompatible::NoCommonMechanism.into()));

    let off: fn(&mut Policy) = |policy| policy.ntlm = false;
    for (scheme, initiator) in [
        (Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)),
        (Scheme::Negotiate, fixed::ntlm(ALICE, PASSWORD)),
        (Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)),
    ] {
        let mut connection = with_policy(off, ChannelBindings::none());
        let (_, token) = first(initiator);
        let response = respond(connection.send(&format_token(scheme, &token)));
        assert_bare_challenges(&response);
        assert_eq!(response.reason, Some(PeerIncompatible::NtlmDisabled.into()));
    }

    // The client binds to nothing, and says so with zeros.
    let tls = ChannelBindings::from_application_data(b"tls-server-end-point:ours");
    for (scheme, initiator) in [
        (Scheme::Ntlm, fixed::ntlm(ALICE, PASSWORD)),
        (Scheme::Negotiate, fixed::negotiate(ALICE, PASSWORD)),
    ] {
        let mut connection = with_policy(|_| {}, tls.clone());
        let response = respond(connection.log_on(scheme, initiator));
        assert_bare_challenges(&response);
        assert_eq!(refusal(&response), Some(Refusal::ZeroChannelBindings));
        assert!(connection.auth.logon().is_none());
    }
}

// N-01, S-25: behind authenticate_without_a_challenge_is_out_of_sequence.
// N-01: the answer has no token in it, and what was begun is gone.
#[test]
fn a_message_that_is_not_expected_ends_the_exchange() {
    for damage in [
        |message: &mut Vec<u8>| message[0] ^= 1,
        |message: &mut Vec<u8>| message[8] = 2,
        |message: &mut Vec<u8>| message[8] = 4,
        |message: &mut Vec<u8>| message[11] = 1,
        |message: &mut Vec<u8>| message.truncate(8),
    ] {
        let mut connection = Connection::new();
        let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
        let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
        let right = second(initiator, &sent);
        let mut wrong = right.clone();
        damage(&mut wrong);
        let response = respond(connection.send(&format_token(Scheme::Ntlm, &wrong)));
        assert_bare_challenges(&response);
        assert!(!response.continues);
        let late = respond(connection.send(&format_token(Scheme::Ntlm, &right)));
        assert_bare_challenges(&late);
        assert!(matches!(late.reason, Some(Error::OutOfSequence { .. })), "{:?}", late.reason);
    }
}

// S-01: a CHALLENGE is used up by a logon that is refused, too.
#[test]
fn a_refused_authenticate_uses_up_its_challenge() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let sent = challenge(connection.send(&format_token(Scheme::Ntlm, &token)), Scheme::Ntlm);
    let right = second(initiator, &sent);
    let mut wrong = right.clone();
    // The MIC stands at 72.
    wrong[75] ^= 1;
    let refused = respond(connection.send(&format_token(Scheme::Ntlm, &wrong)));
    assert_eq!(refusal(&refused), Some(Refusal::WrongMic));
    let again = respond(connection.send(&format_token(Scheme::Ntlm, &right)));
    assert_bare_challenges(&again);
    assert!(matches!(again.reason, Some(Error::OutOfSequence { .. })));
}

// S-01, S-16: one connection has one CHALLENGE pending; the next takes its place.
#[test]
fn a_second_challenge_puts_the_first_out_of_use() {
    let mut connection = Connection::new();
    let (initiator, token) = first(fixed::ntlm(ALICE, PASSWORD));
    let token = format_token(Scheme::Ntlm, &token);
    let old = challenge(connection.send(&token), Scheme::Ntlm);
    let new = challenge(connection.send(&token), Scheme::Ntlm);
    assert_ne!(old, new);
    let late = second(initiator, &old);
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &late)));
    assert_eq!(refusal(&response), Some(Refusal::WrongProof));
    // That was the try that the second had.
    let (initiator, _) = first(fixed::ntlm(ALICE, PASSWORD));
    let right = second(initiator, &new);
    let response = respond(connection.send(&format_token(Scheme::Ntlm, &right)));
    assert!(matches!(response.reason, Some(Error::OutOfSequence { .. })));
}

// S-22: whatever the store refuses for, the client sees what a wrong password gets.
#[test]
fn no_refusal_of_the_store_can_be_told_from_a_wrong_password() {
    let seen = |answer: Answer, scheme, initiator: fn(&str, &str) -> Initiator| {
        let mut connection = Connection::new();
        let (initiator, token) = first(initiator(ALICE, "wrong"));
        let sent = challenge(connection.send(&format_token(scheme, &token)), scheme);
        let token = format_token(scheme, &second(initiator, &sent));
        let credentials = [token.as_bytes()];
        let head = head(&connection.scope, &credentials);
        assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
        let response = respond(connection.auth.resume(Ok(answer)));
        let (status, close) = (response.status.code(), response.close);
        (status, response.challenges, close, response.continues, response.retry_after)
    };
    let known = || Users.lookup(logon::Account::new("CORP", "alice")).unwrap();
    for (scheme, initiator) in [
        (Scheme::Ntlm, fixed::ntlm as fn(&str, &str) -> Initiator),
        (Scheme::Negotiate, fixed::negotiate),
    ] {
        let wrong = seen(known(), scheme, initiator);
        assert_eq!(seen(Answer::Unknown, scheme, initiator), wrong);
        for refusal in [
            Refusal::AccountDisabled,
            Refusal::AccountLocked,
            Refusal::AccountExpired,
            Refusal::RefusedByAuthority,
            Refusal::NtlmBlocked,
        ] {
            assert_eq!(seen(Answer::Refused(refusal), scheme, initiator), wrong, "{refusal:?}");
        }
    }
}

// F-09, F-13, N-05: over HTTP it is 401 without a token.
#[test]
fn a_client_that_cannot_speak_with_us_gets_bare_schemes() {
    let (_, token) = first(fixed::ntlm(ALICE, PASSWORD));
    for flags in [0x0008_8247_u32, 0x0008_8204, 0x0000_8206] {
        let mut token = token.clone();
        token[12..16].copy_from_slice(&flags.to_le_bytes());
        let response = respond(Connection::new().send(&format_token(Scheme::Ntlm, &token)));
        assert_bare_challenges(&response);
        assert!(matches!(response.reason, Some(Error::PeerIncompatible(_))), "{flags:x}");
    }
}
