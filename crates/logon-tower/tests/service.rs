//! What the layer makes of requests and of the application's answers, without a socket.

mod support;

use http::header::{CONNECTION, PROXY_AUTHENTICATE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, Response};
use logon::http::{BasicConfig, ConnectionConfig, Scheme, Scope, Side, ThrottleConfig};
use logon::{Account, Answer, CredentialStore, StoreError};
use logon_tower::{AsyncCredentialStore, Gate, Immediate, LogonLayer};
use std::sync::Arc;
use support::{App, PASSWORD, Users, config, connection, get, log_on};
use tokio::sync::Notify;
use tower_layer::Layer;

const BASIC: (&str, &str) = ("authorization", "Basic YWxpY2U6UzNjcmV0IXB3");
const WRONG: (&str, &str) = ("authorization", "Basic YWxpY2U6d3Jvbmc=");

fn gate(change: impl FnOnce(&mut ConnectionConfig)) -> Gate<Immediate<Users>> {
    let mut config = config();
    change(&mut config);
    Gate::new(config, Immediate(Users))
}

/// Answers with the status that the path names.
fn answers() -> App {
    App(|parts, _| {
        let status = parts.uri.path().trim_start_matches('/').parse::<u16>().unwrap_or(200);
        Response::builder().status(status).body(String::new()).unwrap()
    })
}

/// Answers with the values of the fields that carry credentials.
fn reports() -> App {
    App(|parts: &Parts, _| {
        let value = |name| parts.headers.get(name).map_or("-", |value| value.to_str().unwrap());
        let seen = format!("{} {}", value("authorization"), value("proxy-authorization"));
        Response::new(seen)
    })
}

fn values(headers: &HeaderMap, name: http::header::HeaderName) -> Vec<&str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

// H-04, H-09, HS-25: whatever the application answers, unless it asks for somebody else.
#[tokio::test]
async fn the_last_token_is_on_every_answer_but_a_challenge() {
    let service = LogonLayer::of(gate(|_| {})).layer(answers());
    for (path, token) in
        [("/200", true), ("/302", true), ("/404", true), ("/500", true), ("/401", false)]
    {
        let done = log_on(&service, &connection(), Side::Origin, path, PASSWORD).await;
        let challenges = values(done.headers(), WWW_AUTHENTICATE);
        assert_eq!(done.headers().contains_key("persistent-auth"), token, "{path}");
        match token {
            true => assert!(challenges[0].starts_with("Negotiate oR"), "{path} {challenges:?}"),
            false => assert_eq!(challenges, ["Negotiate", "NTLM"]),
        }
    }
}

// H-18: what is for the proxy stays with it, and what is for the origin does not.
#[tokio::test]
async fn a_proxy_takes_its_own_credentials_and_no_others() {
    let gate = Gate::new(config().as_proxy(), Immediate(Users));
    let service = LogonLayer::of(gate).layer(reports());
    let connection = connection();
    let asked = get(&service, &connection, "/", &[BASIC]).await;
    assert_eq!(asked.status(), 407);
    assert_eq!(values(asked.headers(), PROXY_AUTHENTICATE), ["Negotiate", "NTLM"]);
    let done = log_on(&service, &connection, Side::Proxy, "/", PASSWORD).await;
    assert_eq!((done.status().as_u16(), done.body().as_str()), (200, "- -"));
    let next = get(&service, &connection, "/", &[BASIC]).await;
    assert_eq!(*next.body(), format!("{} -", BASIC.1));
}

#[tokio::test]
async fn guessing_closes_the_connection_of_an_application_that_challenges_too() {
    let scope = Scope::app_challenges(&Scheme::INTEGRATED);
    let service = LogonLayer::of(gate(|_| {})).scope(scope).layer(answers());
    let connection = connection();
    let mut closes = Vec::new();
    for _ in 0..3 {
        let refused = log_on(&service, &connection, Side::Origin, "/", "wrong").await;
        assert_eq!(refused.status(), 200);
        closes.push(refused.headers().contains_key(CONNECTION));
    }
    assert_eq!(closes, [false, false, true]);
}

// H-08
#[tokio::test]
async fn a_logon_with_one_store_does_not_count_for_another() {
    let one = LogonLayer::of(gate(|_| {})).layer(answers());
    let other = LogonLayer::of(gate(|_| {})).layer(answers());
    let connection = connection();
    assert_eq!(log_on(&one, &connection, Side::Origin, "/", PASSWORD).await.status(), 200);
    assert_eq!(get(&other, &connection, "/", &[]).await.status(), 401);
    assert_eq!(get(&one, &connection, "/", &[]).await.status(), 200);
}

/// A store that says when it is asked, and answers when it is told.
#[derive(Clone, Default)]
struct Held(Arc<[Notify; 2]>);

impl AsyncCredentialStore for Held {
    async fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        let [asked, told] = &*self.0;
        asked.notify_one();
        told.notified().await;
        Users.lookup(account)
    }
}

// HS-24: not even by a request that comes in between.
#[tokio::test]
async fn a_release_while_the_store_is_asked_is_not_lost() {
    let store = Held::default();
    let service = LogonLayer::of(Gate::new(config(), store.clone())).layer(answers());
    let connection = connection();
    let [asked, told] = &*store.0;
    let meanwhile = async {
        asked.notified().await;
        connection.release();
        let tell = async { told.notify_one() };
        tokio::join!(get(&service, &connection, "/", &[]), tell).0
    };
    let log_on = log_on(&service, &connection, Side::Origin, "/", PASSWORD);
    let (done, next) = tokio::join!(log_on, meanwhile);
    assert_eq!((done.status().as_u16(), next.status().as_u16()), (200, 401));
}

#[tokio::test]
async fn a_challenge_of_the_applications_own_making_is_left_alone() {
    let app = App(|_, _| {
        let challenge = Response::builder().status(401).header(WWW_AUTHENTICATE, "Bearer");
        challenge.body(String::new()).unwrap()
    });
    let scope = Scope::optional(&Scheme::INTEGRATED);
    let service = LogonLayer::of(gate(|_| {})).scope(scope).layer(app);
    let connection = connection();
    let first = log_on(&service, &connection, Side::Origin, "/", PASSWORD).await;
    let next = get(&service, &connection, "/", &[]).await;
    for answered in [first, next] {
        assert_eq!(values(answered.headers(), WWW_AUTHENTICATE), ["Bearer"]);
    }
}

// H-25: whoever logs fields sees that these are not for logs.
#[tokio::test]
async fn tokens_in_answers_are_marked_as_secrets() {
    let service = LogonLayer::of(gate(|_| {})).layer(answers());
    let done = log_on(&service, &connection(), Side::Origin, "/", PASSWORD).await;
    assert!(done.headers()[WWW_AUTHENTICATE].is_sensitive());
}

// HS-18
#[tokio::test]
async fn who_is_sent_away_for_a_while_is_told_for_how_long() {
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 1;
    let basic = BasicConfig::new("x").unwrap().without_tls();
    let gate = gate(|config| config.basic = Some(basic)).throttle(Some(limits));
    let service = LogonLayer::of(gate).scope(Scope::required(&[Scheme::Basic])).layer(answers());
    let down = ("authorization", "Basic ZG93bjp4");
    for (credentials, status, retry_after) in
        [(down, 503, vec!["5"]), (WRONG, 401, vec![]), (BASIC, 429, vec!["900"])]
    {
        let refused = get(&service, &connection(), "/", &[credentials]).await;
        assert_eq!(refused.status(), status);
        assert_eq!(values(refused.headers(), RETRY_AFTER), retry_after);
    }
}

#[tokio::test]
async fn a_success_makes_up_for_the_failures_of_its_account() {
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 2;
    let basic = BasicConfig::new("x").unwrap().without_tls();
    let gate = gate(|config| config.basic = Some(basic)).throttle(Some(limits));
    let service = LogonLayer::of(gate).scope(Scope::required(&[Scheme::Basic])).layer(answers());
    for (credentials, status) in
        [(WRONG, 401), (BASIC, 200), (WRONG, 401), (BASIC, 200), (WRONG, 401), (WRONG, 401)]
    {
        assert_eq!(get(&service, &connection(), "/", &[credentials]).await.status(), status);
    }
    assert_eq!(get(&service, &connection(), "/", &[BASIC]).await.status(), 429);
}

#[tokio::test]
async fn guessers_are_told_apart_by_what_a_trusted_proxy_says_and_by_nothing_else() {
    for trusted in [false, true] {
        let mut limits = ThrottleConfig::default();
        limits.account_failures = 1;
        let basic = BasicConfig::new("x").unwrap().without_tls();
        let gate = gate(|config| config.basic = Some(basic)).throttle(Some(limits));
        let proxies = trusted.then(|| "192.0.2.0/24".parse().unwrap());
        let gate = gate.trusted_proxies(proxies);
        let scope = Scope::required(&[Scheme::Basic]);
        let service = LogonLayer::of(gate).scope(scope).layer(answers());
        let from = async |address, credentials| {
            let fields = [credentials, ("x-forwarded-for", address)];
            get(&service, &connection(), "/", &fields).await.status().as_u16()
        };
        assert_eq!(from("10.0.0.1", WRONG).await, 401);
        assert_eq!(from("10.0.0.1", BASIC).await, 429);
        // Only the last address is the proxy's own word.
        assert_eq!(from("10.0.0.2, 10.0.0.1", BASIC).await, 429);
        let other = from("10.0.0.1, 10.0.0.2", BASIC).await;
        assert_eq!(other, if trusted { 200 } else { 429 });
    }
}

#[tokio::test]
async fn the_last_of_several_proxies_says_whether_it_was_tls() {
    let basic = BasicConfig::new("x").unwrap();
    let gate = gate(|config| config.basic = Some(basic));
    let gate = gate.trusted_proxies(["192.0.2.0/24".parse().unwrap()]);
    let service = LogonLayer::of(gate).scope(Scope::required(&[Scheme::Basic])).layer(answers());
    for (proto, status) in [("http, HTTPS", 200), ("https, http", 403), ("https,http2", 403)] {
        let fields = [BASIC, ("x-forwarded-proto", proto)];
        assert_eq!(get(&service, &connection(), "/", &fields).await.status(), status, "{proto}");
    }
}
