//! The client's side of Digest, against our own server.

#[path = "support/client.rs"]
mod client;
#[path = "support/connection.rs"]
mod connection;
#[path = "support/digest.rs"]
mod digest;
#[path = "support/fixed.rs"]
mod fixed;

use client::{HOST, NOTHING, advance, alice, bound, finish, sent};
use connection::{Connection, forward, head, respond};
use fixed::{PASSWORD, Users};
use logon::http::{
    ClientAuth, ClientError, ConnectionConfig, Decision, DigestConfig, RecentNonces, Scheme, Scope,
};
use logon::{
    Account, AccountName, Answer, ChannelBindings, CredentialStore, DigestAccount, DigestAlgorithm,
    DigestAnswer, DigestUsername, Ha1, StoreError, digest_user_hash,
};
use std::sync::Arc;
use std::time::Duration;

const REALM: &str = "corp.example";
const NAME: &str = r"CORP\alice";
const JASON: &str = "J\u{e4}s\u{f8}n";

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
        let name = [NAME, JASON].into_iter().find(|name| match username {
            DigestUsername::Plain(sent) => sent == *name,
            DigestUsername::Hash(sent) => sent == digest_user_hash(algorithm, name, realm),
        });
        Ok(match name {
            Some(name) => DigestAnswer::Known {
                ha1: Ha1::of_password(algorithm, name, realm, PASSWORD),
                name: AccountName::new("CORP", name.trim_start_matches(r"CORP\")),
            },
            None => DigestAnswer::Unknown,
        })
    }
}

fn server(algorithms: &[DigestAlgorithm], user_hash: bool) -> Connection {
    let mut server = Connection::with_config(|acceptor| {
        let mut config = ConnectionConfig::new(acceptor);
        let nonces = Arc::new(RecentNonces::default());
        let digest = DigestConfig::new(REALM, &fixed::Counter::default(), nonces).unwrap();
        config.digest = Some(digest.with_algorithms(algorithms).with_user_hash(user_hash));
        config
    });
    server.scope = Arc::new(Scope::required(&[Scheme::Digest]));
    server
}

fn ask(server: &mut Connection, credentials: Option<&str>) -> Decision {
    let lines: Vec<&[u8]> = credentials.iter().map(|value| value.as_bytes()).collect();
    let mut head = head(&server.scope, &lines);
    (head.target, head.digest) = ("/a?b=c", true);
    server.auth.decide(head, &DigestUsers)
}

fn digest_client(name: &str, password: &str) -> ClientAuth {
    let config = alice().with_schemes(&Scheme::ALL).with_password(name, password);
    let mut client = bound(config, ChannelBindings::none());
    client.for_request("GET", "/a?b=c");
    client
}

fn challenges(server: &mut Connection) -> Vec<String> {
    respond(ask(server, None)).challenges
}

/// `Authentication-Info` of a success.
fn info(decision: Decision) -> String {
    connection::field(&forward(decision), "authentication-info").unwrap().to_owned()
}

// H-26: each algorithm, alone and beside others; names of every kind.
#[test]
fn digest_logs_on_by_the_strongest_algorithm_that_is_offered() {
    let all = DigestAlgorithm::ALL;
    let backwards: Vec<_> = all.into_iter().rev().collect();
    for name in [NAME, JASON] {
        for user_hash in [false, true] {
            let alone = all.iter().map(std::slice::from_ref);
            for offered in alone.chain([&all[..], &backwards]) {
                let mut server = server(offered, user_hash);
                let mut client = digest_client(name, PASSWORD);
                let credentials = sent(advance(&mut client, &challenges(&mut server)));
                assert!(credentials.last);
                let strongest = offered.iter().min().unwrap();
                let algorithm = digest::parameter(&credentials.value, "algorithm");
                assert_eq!(algorithm.as_deref(), Some(strongest.name()));
                let decision = ask(&mut server, Some(&credentials.value));
                client.authentication_info(info(decision).as_bytes()).unwrap();
                finish(&mut client, &NOTHING, Some("true")).unwrap();
                assert!(client.is_complete() && !client.is_persistent());
                assert_eq!((client.scheme(), client.mechanism()), (Some(Scheme::Digest), None));
            }
        }
    }
}

// H-19: the nonce serves again, with the next count, and for another request.
#[test]
fn later_requests_answer_the_same_nonce_unasked() {
    let mut server = server(&DigestAlgorithm::ALL, false);
    let mut client = digest_client(NAME, PASSWORD);
    let needed = ClientError::ChallengeNeeded { scheme: Scheme::Digest };
    assert_eq!(client.initial(Scheme::Digest).unwrap_err(), needed);
    let mut credentials = sent(advance(&mut client, &challenges(&mut server)));
    for count in ["00000001", "00000002", "00000003"] {
        assert_eq!(digest::parameter(&credentials.value, "nc").as_deref(), Some(count));
        forward(ask(&mut server, Some(&credentials.value)));
        finish(&mut client, &NOTHING, None).unwrap();
        client.for_request("GET", "/a?b=c");
        credentials = client.initial(Scheme::Digest).unwrap();
    }
    client.for_request("GET", "/other");
    let other = client.initial(Scheme::Digest).unwrap();
    assert_eq!(ask_status(&mut server, &other.value), 400, "made for another request");
}

fn ask_status(server: &mut Connection, credentials: &str) -> u16 {
    respond(ask(server, Some(credentials))).status.code()
}

// H-06: a nonce that was too old is replaced once; a wrong password is refused at once.
#[test]
fn a_stale_nonce_is_answered_once_more_and_no_refusal_is() {
    let mut server = server(&DigestAlgorithm::ALL, false);
    let mut client = digest_client(NAME, PASSWORD);
    let first = sent(advance(&mut client, &challenges(&mut server)));
    server.clock.advance(Duration::from_secs(301));
    let stale = respond(ask(&mut server, Some(&first.value))).challenges;
    let again = sent(advance(&mut client, &stale));
    forward(ask(&mut server, Some(&again.value)));
    finish(&mut client, &NOTHING, None).unwrap();
    // After a success, the next may be stale, too.
    client.initial(Scheme::Digest).unwrap();
    sent(advance(&mut client, &stale));
    let refused = ClientError::Refused { scheme: Scheme::Digest };
    assert_eq!(advance(&mut client, &stale).unwrap_err(), refused, "twice in a row");
    assert_eq!(advance(&mut client, &stale).unwrap_err(), refused);

    let mut wrong = digest_client(NAME, "wrong");
    let first = sent(advance(&mut wrong, &challenges(&mut server)));
    let challenges = respond(ask(&mut server, Some(&first.value))).challenges;
    assert_eq!(advance(&mut wrong, &challenges).unwrap_err(), refused);
}

// WS-10: the server proves that it knows the password, or does not.
#[test]
fn the_servers_proof_is_checked_where_there_is_one_and_demanded_where_it_has_to_be() {
    for demanded in [false, true] {
        let answered = || {
            let config = alice().with_schemes(&Scheme::ALL).with_mutual_auth(demanded);
            let config = config.with_password(NAME, PASSWORD);
            let mut client = bound(config, ChannelBindings::none());
            client.for_request("GET", "/a?b=c");
            let mut server = server(&DigestAlgorithm::ALL, false);
            let mut lines = challenges(&mut server);
            if demanded {
                // It is stronger, and cannot do it.
                lines.push("Negotiate".into());
            }
            let credentials = sent(advance(&mut client, &lines));
            let info = info(ask(&mut server, Some(&credentials.value)));
            (client, info)
        };
        let (mut client, right) = answered();
        client.authentication_info(right.as_bytes()).unwrap();
        finish(&mut client, &NOTHING, None).unwrap();

        let start = right.find("rspauth=\"").unwrap() + 9;
        for place in [0, 1, 31, 63] {
            let (mut client, right) = answered();
            let mut wrong = right.clone().into_bytes();
            let digit = &mut wrong[start + place];
            *digit = if *digit == b'0' { b'1' } else { b'0' };
            let error = client.authentication_info(&wrong).unwrap_err();
            assert_eq!(error, ClientError::WrongServerProof);
            assert!(!client.is_complete() && client.scheme().is_none());
        }
        for absent in ["", "qop=auth", "rspauth=\"\u{7}\"", "rspauth=0123, qop=auth-int"] {
            let (mut client, _) = answered();
            client.authentication_info(absent.as_bytes()).unwrap();
            let result = finish(&mut client, &NOTHING, None);
            let expected = demanded.then_some(ClientError::MutualAuthMissing);
            assert_eq!(result.err(), expected, "{absent}");
        }
    }
}

#[test]
fn what_digest_needs_is_told() {
    let config = alice().with_schemes(&[Scheme::Digest]).with_password(NAME, PASSWORD);
    let mut client = bound(config, ChannelBindings::none());
    let lines = challenges(&mut server(&DigestAlgorithm::ALL, false));
    assert_eq!(advance(&mut client, &lines).unwrap_err(), ClientError::RequestUnknown);
    client.for_request("GET", "/\u{7}");
    let error = advance(&mut client, &lines).unwrap_err();
    assert!(matches!(error, ClientError::Exchange(_)), "{error:?} at {HOST}");
    // Without a password it is not spoken.
    let mut client = bound(alice().with_schemes(&[Scheme::Digest]), ChannelBindings::none());
    let error = advance(&mut client, &lines).unwrap_err();
    assert_eq!(error, ClientError::NoScheme { offered: vec!["Digest".into()] });
}
