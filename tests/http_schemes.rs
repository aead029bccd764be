//! Digest and Basic beside Negotiate and NTLM, on one connection.

#[path = "support/connection.rs"]
mod connection;
#[path = "support/digest.rs"]
mod digest;
#[path = "support/fixed.rs"]
mod fixed;

use connection::*;
use fixed::{Broken, PASSWORD, Users};
use logon::http::{
    AuthStatus, BasicConfig, Carrier, ConnectionAuth, ConnectionConfig, Decision, DigestConfig,
    RecentNonces, Response, Scheme, Scope, format_token,
};
use logon::{
    Account, AccountName, Answer, ApiMisuse, BindingsOutcome, ChannelBindings, CredentialStore,
    DigestAccount, DigestAnswer, DigestUsername, Error, Ha1, HeaderError, MicOutcome, NtHash,
    Refusal, RemoteLogon, StoreError,
};
use std::sync::Arc;
use std::time::Duration;

const REALM: &str = "corp.example";

/// The same accounts, with hashes for Digest.
struct DigestUsers;

impl CredentialStore for DigestUsers {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        Users.lookup(account)
    }

    fn has_digest(&self, realm: &str) -> bool {
        realm == REALM
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        let DigestAccount { username, realm, algorithm, .. } = account;
        Ok(match username {
            DigestUsername::Plain(name) if name == "alice" || name == ALICE => {
                let ha1 = Ha1::of_password(algorithm, name, realm, PASSWORD);
                DigestAnswer::Known { ha1, name: AccountName::new("CORP", "alice") }
            }
            DigestUsername::Plain("disabled") => DigestAnswer::Refused(Refusal::AccountDisabled),
            DigestUsername::Plain("down") => return Err(StoreError::new("out of reach")),
            _ => DigestAnswer::Unknown,
        })
    }
}

/// A request and where it comes from.
struct Request<'a> {
    method: &'a str,
    target: &'a str,
    secure: bool,
    carrier: Carrier,
}

const GET: Request<'_> =
    Request { method: "GET", target: "/a?b=c", secure: true, carrier: Carrier::Exclusive };

fn all() -> Connection {
    let mut connection = Connection::with_config(|acceptor| {
        let mut config = ConnectionConfig::new(acceptor);
        let basic = BasicConfig::new(REALM).unwrap();
        config.basic = Some(basic.with_default_domain("CORP"));
        let nonces = Arc::new(RecentNonces::default());
        let digest = DigestConfig::new(REALM, &fixed::Counter::default(), nonces);
        config.digest = Some(digest.unwrap());
        config
    });
    connection.scope = Arc::new(Scope::required(&Scheme::ALL));
    connection
}

fn send(connection: &mut Connection, request: &Request<'_>, credentials: &str) -> Decision {
    let lines = [credentials.as_bytes()];
    let mut head = head(&connection.scope, if credentials.is_empty() { &[] } else { &lines });
    (head.method, head.target) = (request.method, request.target);
    (head.secure, head.carrier) = (request.secure, request.carrier);
    head.digest = DigestUsers.has_digest(REALM);
    connection.auth.decide(head, &DigestUsers)
}

fn basic(user: &str, password: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

fn challenges(connection: &mut Connection) -> Vec<String> {
    respond(send(connection, &GET, "")).challenges
}

fn digest_challenge(connection: &mut Connection) -> String {
    challenges(connection).into_iter().find(|line| line.starts_with("Digest")).unwrap()
}

// HS-6, HS-9, HS-14: one line per scheme (Digest: per algorithm), in this order, with the realm.
#[test]
fn all_schemes_are_offered_strongest_first() {
    let lines = challenges(&mut all());
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[..2], ["Negotiate", "NTLM"]);
    for (line, algorithm) in lines[2..4].iter().zip(["SHA-256", "MD5"]) {
        assert!(line.starts_with(r#"Digest realm="corp.example", nonce=""#), "{line}");
        assert!(line.contains(&format!("algorithm={algorithm}, qop=\"auth\"")), "{line}");
    }
    assert_eq!(lines[4], r#"Basic realm="corp.example", charset="UTF-8""#);
    let mut connection = all();
    connection.scope = Arc::new(Scope::required(&[Scheme::Basic, Scheme::Ntlm]));
    let other = challenges(&mut connection);
    assert_eq!(other, [r#"Basic realm="corp.example", charset="UTF-8""#, "NTLM"]);
}

// HS-6, HS-30: and each is taken without having been offered first, but Digest, which needs a nonce.
#[test]
fn each_scheme_logs_on_and_says_which_it_was() {
    let mut connection = all();
    for scheme in Scheme::INTEGRATED {
        let initiator = match scheme {
            Scheme::Ntlm => fixed::ntlm(ALICE, PASSWORD),
            _ => fixed::negotiate(ALICE, PASSWORD),
        };
        let done = forward(connection.log_on(scheme, initiator)).authentication;
        assert_eq!(done.scheme(), Some(scheme));
        assert_eq!(done.logon().unwrap().package_name(), "NTLM");
    }
    connection.auth.release();
    let challenge = digest_challenge(&mut connection);
    let credentials = digest::answer(&challenge, ("alice", PASSWORD), ("GET", GET.target), 1);
    for (scheme, credentials) in
        [(Scheme::Digest, credentials), (Scheme::Basic, basic("alice", PASSWORD))]
    {
        let done = forward(send(&mut connection, &GET, &credentials)).authentication;
        let logon = done.logon().unwrap();
        assert_eq!((done.status(), logon.scheme()), (AuthStatus::Success, scheme));
        assert_eq!(logon.identity().to_string(), ALICE);
        assert_eq!((logon.mechanism(), logon.package_name()), (None, scheme.name()));
        assert_eq!(logon.identity().mic(), MicOutcome::NotApplicable);
        assert_eq!(logon.identity().bindings(), BindingsOutcome::NotApplicable);
        assert!(done.is_fresh() && !done.is_persistent());
    }
}

#[test]
fn digest_and_basic_prove_one_request_and_leave_nothing_behind() {
    let mut connection = all();
    let challenge = digest_challenge(&mut connection);
    let credentials = digest::answer(&challenge, ("alice", PASSWORD), ("GET", GET.target), 1);
    for credentials in [credentials, basic("alice", PASSWORD)] {
        assert!(forward(send(&mut connection, &GET, &credentials)).authentication.is_fresh());
        assert!(connection.auth.logon().is_none());
        assert_eq!(respond(send(&mut connection, &GET, "")).status.code(), 401);
    }
}

#[test]
fn digest_or_basic_on_a_connection_that_is_logged_on_ends_that_logon() {
    for password in [PASSWORD, "wrong"] {
        let mut connection = all();
        connection.log_on_as_alice();
        let _ = send(&mut connection, &GET, &basic("alice", password));
        assert!(connection.auth.logon().is_none());
        assert_eq!(respond(send(&mut connection, &GET, "")).status.code(), 401);
    }
}

// HS-9: a user who names no domain is of the default domain; others are taken at their word.
#[test]
fn basic_splits_the_name_at_the_backslash_and_fills_in_the_domain() {
    for (sent, domain, name) in [
        ("alice", "CORP", "alice"),
        (r"LAB\alice", "LAB", "alice"),
        ("alice@corp.example", "", "alice@corp.example"),
        (r"\alice", "", "alice"),
    ] {
        let mut connection = all();
        let credentials = basic(sent, "pass:word");
        let lines = [credentials.as_bytes()];
        let mut head = head(&connection.scope, &lines);
        head.secure = true;
        assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
        let account = pending_account(&connection.auth);
        assert_eq!((account.domain(), account.user()), (domain, name), "{sent}");
        let known = logon::KnownAccount::new(
            NtHash::of_password("pass:word"),
            AccountName::new(domain, name),
        );
        assert!(user(connection.auth.resume(Ok(Answer::Known(known)))).is_some());
    }
}

#[test]
fn basic_takes_utf_8_and_what_older_clients_send() {
    for bytes in ["alice:pässwörd".as_bytes(), b"alice:p\xe4ssw\xf6rd"] {
        use base64::prelude::{BASE64_STANDARD, Engine};
        let credentials = format!("Basic {}", BASE64_STANDARD.encode(bytes));
        let mut connection = all();
        let lines = [credentials.as_bytes()];
        let mut head = head(&connection.scope, &lines);
        head.secure = true;
        assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
        let name = AccountName::new("CORP", "alice");
        let known = logon::KnownAccount::new(NtHash::of_password("pässwörd"), name);
        assert!(user(connection.auth.resume(Ok(Answer::Known(known)))).is_some());
    }
}

// HS-19, HS-20
#[test]
fn malformed_basic_is_400() {
    for (credentials, error) in [
        ("Basic", HeaderError::NoToken),
        ("Basic %%%", HeaderError::BadBase64),
        ("Basic YWxpY2U=", HeaderError::NoColon),
        ("Basic YWxpY2U6cAB3", HeaderError::ControlCharacter),
        ("Basic YQphOmI=", HeaderError::ControlCharacter),
    ] {
        let response = respond(send(&mut all(), &GET, credentials));
        assert_eq!(response.status.code(), 400, "{credentials}");
        assert_eq!(response.reason, Some(error.into()), "{credentials}");
    }
}

#[test]
fn whatever_basic_is_refused_for_looks_the_same() {
    let seen = |answer: Result<Answer, StoreError>, password: &str| {
        let mut connection = all();
        let credentials = basic("alice", password);
        let lines = [credentials.as_bytes()];
        let mut head = head(&connection.scope, &lines);
        head.secure = true;
        assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
        let response = respond(connection.auth.resume(answer));
        let lines: Vec<_> = response.challenges.iter().map(String::len).collect();
        (refusal(&response), response.status, lines, response.close, response.retry_after)
    };
    let known = || Users.lookup(Account::new("CORP", "alice"));
    let (wrong, status, lines, close, retry) = seen(known(), "wrong");
    assert_eq!((wrong, status.code()), (Some(Refusal::WrongProof), 401));
    let empty = logon::KnownAccount::new(NtHash::of_password(""), AccountName::default());
    for (answer, password, refusal) in [
        (Answer::Unknown, PASSWORD, Refusal::UnknownAccount),
        (Answer::Refused(Refusal::AccountLocked), PASSWORD, Refusal::AccountLocked),
        (Answer::Known(empty), "", Refusal::EmptyPassword),
    ] {
        let got = seen(Ok(answer), password);
        assert_eq!(got, (Some(refusal), status, lines.clone(), close, retry));
    }
}

#[test]
fn an_account_whose_stand_in_hash_is_guessed_is_still_unknown() {
    // No password has this hash that anybody knows of; that an unknown account is compared with it
    // must not matter.
    let mut connection = all();
    let response = respond(send(&mut connection, &GET, &basic("nobody", "")));
    assert_eq!(refusal(&response), Some(Refusal::UnknownAccount));
}

#[test]
fn a_name_over_the_limit_is_refused_before_anybody_is_asked() {
    for (length, asked) in [(1024, true), (1025, false)] {
        let mut connection = all();
        let credentials = basic(&"a".repeat(length), PASSWORD);
        let response = respond(send(&mut connection, &GET, &credentials));
        let expected = if asked { Refusal::UnknownAccount } else { Refusal::NameTooLong };
        assert_eq!((refusal(&response), response.status.code()), (Some(expected), 401));
    }
}

// HS-29
#[test]
fn nobody_is_not_a_user() {
    for credentials in [basic("", ""), basic("", "x"), basic(r"CORP\", "x")] {
        let response = respond(send(&mut all(), &GET, &credentials));
        assert_eq!(refusal(&response), Some(Refusal::Anonymous), "{credentials}");
    }
}

#[test]
fn an_authority_that_verifies_responses_cannot_verify_a_password() {
    let mut connection = all();
    let credentials = basic("alice", PASSWORD);
    let lines = [credentials.as_bytes()];
    let mut head = head(&connection.scope, &lines);
    head.secure = true;
    assert!(matches!(connection.auth.request(head), Decision::NeedLogon));
    let answer = Answer::Verified(RemoteLogon::new([0; 16], AccountName::new("CORP", "alice")));
    let response = respond(connection.auth.resume(Ok(answer)));
    assert_eq!(response.status.code(), 503);
    assert!(matches!(response.reason, Some(Error::Store(_))));
}

#[test]
fn basic_is_neither_offered_nor_looked_at_without_tls() {
    let plain = Request { secure: false, ..GET };
    let mut connection = all();
    let offered = respond(send(&mut connection, &plain, "")).challenges;
    assert!(offered.iter().all(|line| !line.starts_with("Basic")), "{offered:?}");
    let response = respond(send(&mut connection, &plain, &basic("alice", PASSWORD)));
    assert_eq!((response.status.code(), response.reason), (401, None));

    // Where it is all there is, there is nothing to say in a 401.
    connection.scope = Arc::new(Scope::required(&[Scheme::Basic]));
    for credentials in ["", &basic("alice", PASSWORD)] {
        let response = respond(send(&mut connection, &plain, credentials));
        assert_eq!((response.status.code(), response.challenges.len()), (403, 0));
    }
}

#[test]
fn basic_without_tls_has_to_be_asked_for() {
    let mut connection = Connection::with_config(|acceptor| {
        let mut config = ConnectionConfig::new(acceptor);
        config.basic = Some(BasicConfig::new(REALM).unwrap().without_tls());
        config
    });
    connection.scope = Arc::new(Scope::required(&[Scheme::Basic]));
    let plain = Request { secure: false, ..GET };
    assert_eq!(user(send(&mut connection, &plain, &basic(ALICE, PASSWORD))).unwrap(), ALICE);
}

#[test]
fn a_realm_that_no_field_can_carry_is_refused() {
    for realm in ["umläut", "a\r\nb"] {
        let error = BasicConfig::new(realm).unwrap_err();
        assert_eq!(error, ApiMisuse::NotHeaderText("realm"));
    }
}

#[test]
fn digest_proves_that_the_server_knows_the_password_too() {
    let mut connection = all();
    let challenge = digest_challenge(&mut connection);
    let credentials = digest::answer(&challenge, (ALICE, PASSWORD), ("GET", GET.target), 1);
    let done = forward(send(&mut connection, &GET, &credentials));
    assert_eq!(done.authentication.identity().unwrap().to_string(), ALICE);
    let info = field(&done, "authentication-info").unwrap();
    let proof = info.split('"').nth(1).unwrap();
    assert!(!format!("{done:?}").contains(proof), "it can be guessed at offline");
    assert!(info.starts_with("rspauth=\"") && info.ends_with("cnonce=\"c0ffee\", nc=00000001"));
}

#[test]
fn digest_is_for_one_method_one_target_and_one_count() {
    let mut connection = all();
    let challenge = digest_challenge(&mut connection);
    let credentials = digest::answer(&challenge, ("alice", PASSWORD), ("GET", GET.target), 1);
    let post = Request { method: "POST", ..GET };
    let response = respond(send(&mut connection, &post, &credentials));
    assert_eq!(refusal(&response), Some(Refusal::WrongProof));
    let elsewhere = Request { target: "/other", ..GET };
    assert_eq!(respond(send(&mut connection, &elsewhere, &credentials)).status.code(), 400);
    assert!(user(send(&mut connection, &GET, &credentials)).is_some());

    // Again, the very same: the client is told to make it anew, and not to ask for a password.
    let response = respond(send(&mut connection, &GET, &credentials));
    assert_eq!(response.reason, None);
    assert!(stale(&response));
    let next = digest::answer(&challenge, ("alice", PASSWORD), ("GET", GET.target), 2);
    assert!(user(send(&mut connection, &GET, &next)).is_some());
}

fn stale(response: &Response) -> bool {
    assert_eq!(response.status.code(), 401);
    let mut digests = response.challenges.iter().filter(|line| line.starts_with("Digest"));
    digests.all(|line| digest::parameter(line, "stale").as_deref() == Some("true"))
}

#[test]
fn an_old_nonce_is_stale_for_who_knows_the_password_and_wrong_for_others() {
    let mut connection = all();
    let challenge = digest_challenge(&mut connection);
    connection.clock.advance(Duration::from_secs(301));
    for (password, expected) in [(PASSWORD, true), ("wrong", false)] {
        let credentials = digest::answer(&challenge, ("alice", password), ("GET", GET.target), 1);
        let response = respond(send(&mut connection, &GET, &credentials));
        assert_eq!(stale(&response), expected);
        assert_eq!(refusal(&response).is_none(), expected);
    }
}

#[test]
fn digest_serves_over_http_2() {
    let mut one = all();
    let challenge = digest_challenge(&mut one);
    let credentials = digest::answer(&challenge, ("alice", PASSWORD), ("GET", GET.target), 1);
    let http_2 = Request { carrier: Carrier::Multiplexed, ..GET };
    assert!(user(send(&mut one, &http_2, &credentials)).is_some());
}

#[test]
fn what_digest_is_refused_for_looks_the_same() {
    for (name, password, refused) in [
        ("alice", "wrong", Refusal::WrongProof),
        ("nobody", PASSWORD, Refusal::UnknownAccount),
        ("disabled", PASSWORD, Refusal::AccountDisabled),
        ("ALICE", PASSWORD, Refusal::UnknownAccount),
    ] {
        let mut connection = all();
        let challenge = digest_challenge(&mut connection);
        let credentials = digest::answer(&challenge, (name, password), ("GET", GET.target), 1);
        let response = respond(send(&mut connection, &GET, &credentials));
        assert_eq!(refusal(&response), Some(refused), "{name}");
        assert_eq!((response.challenges.len(), response.close), (5, false));
        assert!(!stale(&response));
    }
    let mut connection = all();
    let challenge = digest_challenge(&mut connection);
    let credentials = digest::answer(&challenge, ("down", PASSWORD), ("GET", GET.target), 1);
    assert_eq!(respond(send(&mut connection, &GET, &credentials)).status.code(), 503);
}

#[test]
fn digest_is_not_offered_where_the_store_has_no_hashes_for_it() {
    let mut connection = all();
    let lines = [];
    let mut head = head(&connection.scope, &lines);
    head.secure = true;
    let response = respond(connection.auth.decide(head, &Users));
    assert_eq!(response.challenges.len(), 3);
    assert!(response.challenges.iter().all(|line| !line.starts_with("Digest")));
}

#[test]
fn a_challenge_that_needs_randomness_and_gets_none_is_500() {
    let clock = fixed::Clock::at(0);
    let acceptor = logon::AcceptorConfig::new(fixed::names(), Arc::new(Broken), clock);
    let mut config = ConnectionConfig::new(Arc::new(acceptor));
    let nonces = Arc::new(RecentNonces::default());
    let digest = DigestConfig::new(REALM, &fixed::Counter::default(), nonces);
    config.digest = Some(digest.unwrap());
    let mut auth = ConnectionAuth::new(Arc::new(config), ChannelBindings::none());
    let scope = Arc::new(Scope::required(&[Scheme::Digest]));
    let mut head = head(&scope, &[]);
    head.digest = true;
    let response = respond(auth.decide(head, &DigestUsers));
    assert_eq!((response.status.code(), response.challenges.len()), (500, 0));
    assert_eq!(response.reason, Some(Error::RandomFailed));
}

// H-25: of those that this side sends.
#[test]
fn tokens_of_the_server_are_in_no_debug_output() {
    for receive_mutual_auth in [false, true] {
        let mut connection = Connection::with_config(|acceptor| {
            let mut config = ConnectionConfig::new(acceptor);
            config.receive_mutual_auth = receive_mutual_auth;
            config
        });
        let (initiator, token) = first(fixed::negotiate(ALICE, PASSWORD));
        let decision = connection.send(&format_token(Scheme::Negotiate, &token));
        let shown = format!("{decision:?}");
        // The challenge, and the last token.
        let sent = challenge(decision, Scheme::Negotiate);
        assert!(!shown.contains(&format_token(Scheme::Negotiate, &sent)[10..]), "{shown}");
        let token = second(initiator, &sent);
        let done = connection.send(&format_token(Scheme::Negotiate, &token));
        let shown = format!("{done:?}");
        assert!(shown.contains("alice") && !shown.contains("Negotiate oR"), "{shown}");
    }
}

// HS-15, HS-31: what is not enabled is not even read.
#[test]
fn credentials_of_a_scheme_that_is_not_enabled_are_not_looked_at() {
    let mut connection = all();
    connection.scope = Arc::new(Scope::required(&[Scheme::Negotiate]));
    for credentials in ["NTLM %%%", "Digest =,,=", "Basic %%%", "NTLM TlRMTVNTUAABAAAAB4IIAA=="] {
        let response = respond(send(&mut connection, &GET, credentials));
        assert_eq!((response.status.code(), response.reason), (401, None), "{credentials}");
        assert_eq!(response.challenges, ["Negotiate"]);
    }
    connection.scope = Arc::new(Scope::optional(&[Scheme::Negotiate]));
    for credentials in ["NTLM %%%", "Digest =,,=", "Basic %%%"] {
        let passed = forward(send(&mut connection, &GET, credentials)).authentication;
        assert_eq!(passed.status(), AuthStatus::NotAuthenticated);
    }
}
