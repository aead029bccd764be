//! The promises of the layer, over real connections.

mod common;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::routing::any;
use common::{Client, PASSWORD, Users, first_token};
use logon::http::{
    AuthStatus, Authentication, BasicConfig, ConnectionConfig, DigestConfig, Scheme, Scope,
    ScopeRule, Scopes, ThrottleConfig, format_token,
};
use logon::{
    AcceptorConfig, Account, Answer, CredentialStore, Policy, ServerNames, StoreError, TargetName,
    TargetNamePolicy,
};
use logon_hyper::Server;
use logon_tower::{AsyncCredentialStore, Connection, Gate, Immediate, LogonLayer};
use logon_users::MemoryStore;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What the application sees: user, status, security status, and the credentials that came along.
async fn report(Extension(seen): Extension<Authentication>, request: Request) -> String {
    let (parts, body) = request.into_parts();
    axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let user = seen.identity().map(ToString::to_string).unwrap_or_default();
    let credentials = parts.headers.get("authorization").map(|value| value.to_str().unwrap());
    let status = match seen.status() {
        AuthStatus::NotAuthenticated => "nobody",
        AuthStatus::Success => "success",
        AuthStatus::Failure => "failure",
    };
    format!("{user}|{status}|{}|{}", seen.security_status().name(), credentials.unwrap_or("-"))
}

async fn log_off(Extension(connection): Extension<Connection>) -> &'static str {
    connection.release();
    "bye"
}

fn config() -> ConnectionConfig {
    ConnectionConfig::new(Arc::new(AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"))))
}

async fn serve<S: AsyncCredentialStore>(layer: LogonLayer<S>) -> SocketAddr {
    let unauthorized = || async { axum::http::StatusCode::UNAUTHORIZED };
    let app = Router::new()
        .route("/logoff", any(log_off))
        .route("/unauthorized", any(unauthorized))
        .fallback(report)
        .layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(app).serve(listener, std::future::pending()));
    address
}

fn gate() -> Gate<Immediate<Users>> {
    Gate::new(config(), Immediate(Users))
}

async fn log_on(client: &mut Client, user: &str, password: &str) -> common::Answered {
    client.log_on(Scheme::Ntlm, user, password).await
}

// HS-2: the application gets an identity, and nothing that it could log on with elsewhere.
#[tokio::test]
async fn no_token_and_no_password_reaches_the_application() {
    let mut config = config();
    config.basic = Some(BasicConfig::new("x").unwrap().without_tls());
    let gate = Gate::new(config, Immediate(Users));
    let layer = LogonLayer::of(gate).scope(Scope::required(&[Scheme::Ntlm, Scheme::Basic]));
    let address = serve(layer).await;
    let mut client = Client::connect(address).await;
    let answered = log_on(&mut client, "alice", PASSWORD).await;
    assert_eq!(answered.body, r"CORP\alice|success|SEC_E_OK|-");
    let basic = "Authorization: Basic YWxpY2U6UzNjcmV0IXB3\r\n";
    assert_eq!(client.get(basic).await.body, r"CORP\alice|success|SEC_E_OK|-");
}

// HS-7: nothing of it is touched.
#[tokio::test]
async fn a_foreign_scheme_reaches_the_application_as_it_came() {
    let address = serve(LogonLayer::of(gate()).scope(Scope::optional(&Scheme::INTEGRATED))).await;
    let mut client = Client::connect(address).await;
    let answered = client.get("Authorization: Bearer a.b.c\r\n").await;
    assert_eq!(answered.body, "|nobody|SEC_E_OK|Bearer a.b.c");
}

// HS-12, HS-13, HS-17, HS-21, HS-22: serves the anonymous and the refused, or sends its own 401.
#[tokio::test]
async fn an_application_that_challenges_decides_about_everybody() {
    let scope = Scope::app_challenges(&Scheme::INTEGRATED);
    let address = serve(LogonLayer::of(gate()).scope(scope)).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.get("").await.body, "|nobody|SEC_E_OK|-");
    let refused = log_on(&mut client, "alice", "wrong").await;
    assert_eq!((refused.status, refused.body.as_str()), (200, "|failure|STATUS_LOGON_FAILURE|-"));
    let challenged = client.send("GET", "/unauthorized", "", b"").await;
    assert_eq!((challenged.status, challenged.challenges.len()), (401, 2));
    assert_eq!(log_on(&mut client, "alice", PASSWORD).await.body, r"CORP\alice|success|SEC_E_OK|-");
    let challenged = client.send("GET", "/unauthorized", "", b"").await;
    assert_eq!(challenged.challenges, ["Negotiate", "NTLM"]);
    assert_eq!(client.get("").await.body, "|nobody|SEC_E_OK|-");
}

// HS-14: on the wire, a line for each, in the order of the scope.
#[tokio::test]
async fn every_challenge_has_a_line_of_its_own() {
    let mut config = config();
    config.basic = Some(BasicConfig::new("x").unwrap().without_tls());
    config.digest = Some(DigestConfig::with_os("x").unwrap());
    let store = MemoryStore::new().with_password(r"CORP\alice", PASSWORD);
    let gate = Gate::new(config, Immediate(store));
    let address = serve(LogonLayer::of(gate).scope(Scope::required(&Scheme::ALL))).await;
    let mut client = Client::connect(address).await;
    client.0.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut raw = String::new();
    client.0.read_to_string(&mut raw).await.unwrap();
    let lines = raw.lines().filter_map(|line| line.strip_prefix("www-authenticate: "));
    let schemes: Vec<_> = lines.map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(schemes, ["Negotiate", "NTLM", "Digest", "Digest", "Basic"]);
}

// HS-5, HS-11, HS-31, PG-5, PG-7: changed while it serves.
#[tokio::test]
async fn scopes_are_replaced_on_a_live_server() {
    let build = |feed: ScopeRule| {
        let base = Scope::required(&[Scheme::Negotiate]);
        let rules = Scopes::builder(base).path("/feed", feed).path("/open", ScopeRule::off());
        rules.build().unwrap()
    };
    let layer = LogonLayer::of(gate()).scopes(build(ScopeRule::off()));
    let handle = layer.scopes_handle();
    let address = serve(layer).await;
    let mut client = Client::connect(address).await;
    let statuses = async |client: &mut Client| {
        let mut statuses = Vec::new();
        for path in ["/", "/feed/a", "/open"] {
            statuses.push(client.send("GET", path, "", b"").await.status);
        }
        statuses
    };
    assert_eq!(statuses(&mut client).await, [401, 200, 200]);
    let first = format!("Authorization: {}\r\n", format_token(Scheme::Negotiate, &first_token()));

    handle.replace(build(ScopeRule::required().schemes(&[Scheme::Ntlm])));
    assert_eq!(statuses(&mut client).await, [401, 401, 200]);
    assert_eq!(client.send("GET", "/feed/a", "", b"").await.challenges, ["NTLM"]);
    // A token of what is no longer enabled there is nobody's.
    let answered = client.send("GET", "/feed/a", &first, b"").await;
    assert_eq!((answered.status, answered.challenges), (401, vec!["NTLM".to_owned()]));
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

// HS-11: the store is still being asked when what the request came for changes.
#[tokio::test]
async fn a_request_under_way_is_decided_by_the_scope_that_it_came_to() {
    let store = Held::default();
    let layer = LogonLayer::of(Gate::new(config(), store.clone()));
    let handle = layer.scopes_handle();
    let address = serve(layer).await;
    for (password, status, challenges) in [(PASSWORD, 200, 0), ("wrong", 401, 2)] {
        handle.replace(Scope::required(&Scheme::INTEGRATED).into());
        let under_way = tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            log_on(&mut client, "alice", password).await
        });
        let [asked, told] = &*store.0;
        asked.notified().await;
        handle.replace(Scope::required(&[Scheme::Negotiate]).into());
        told.notify_one();
        let answered = under_way.await.unwrap();
        assert_eq!((answered.status, answered.challenges.len()), (status, challenges));
    }
}

// HS-24, HS-32: the application throws a logon away; the next request is asked for one.
#[tokio::test]
async fn an_application_can_log_its_user_off() {
    let address = serve(LogonLayer::of(gate())).await;
    let mut client = Client::connect(address).await;
    assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
    assert_eq!(client.send("GET", "/logoff", "", b"").await.body, "bye");
    assert_eq!(client.get("").await.status, 401);
    assert_eq!(log_on(&mut client, "bob", PASSWORD).await.body, r"CORP\bob|success|SEC_E_OK|-");
}

// HS-10
#[tokio::test]
async fn without_persistence_the_second_request_is_asked_again() {
    let mut config = config();
    config.persistent = false;
    let address = serve(LogonLayer::of(Gate::new(config, Immediate(Users)))).await;
    let mut client = Client::connect(address).await;
    for _ in 0..2 {
        assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
        assert_eq!(client.get("").await.status, 401);
    }
}

// H-08, PG-9: detection; the supported proxies are named.
#[tokio::test]
async fn behind_an_intermediary_a_logon_counts_for_its_request() {
    for field in ["Via: 1.1 p\r\n", "X-Forwarded-For: 10.1.2.3\r\n", "Forwarded: for=x\r\n"] {
        let address = serve(LogonLayer::of(gate())).await;
        let mut client = Client::connect(address).await;
        assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
        assert_eq!(client.get(field).await.status, 401, "{field}");
        assert_eq!(client.get("").await.status, 401, "{field}");

        let trusting = gate().trusted_proxies(["127.0.0.0/8".parse().unwrap()]);
        let address = serve(LogonLayer::of(trusting)).await;
        let mut client = Client::connect(address).await;
        assert_eq!(client.log_on_through(field, "alice", PASSWORD).await.status, 200);
        assert_eq!(client.get(field).await.status, 200, "{field}");
    }
}

// H-08: listed by mistake.
#[tokio::test]
async fn a_trusted_proxy_that_names_a_second_client_shares_its_connection() {
    let trusting = gate().trusted_proxies(["127.0.0.0/8".parse().unwrap()]);
    let address = serve(LogonLayer::of(trusting)).await;
    let first = "X-Forwarded-For: 192.0.2.1\r\n";
    for other in [
        "X-Forwarded-For: 192.0.2.2\r\n",
        "X-Forwarded-For: unknown\r\n",
        "Forwarded: for=192.0.2.2\r\n",
        "X-Real-IP: 192.0.2.2\r\n",
        // It named one before.
        "Via: 1.1 p\r\n",
        "",
    ] {
        let mut client = Client::connect(address).await;
        assert_eq!(client.log_on_through(first, "alice", PASSWORD).await.status, 200);
        for same in [first, "X-Forwarded-For: 192.0.2.1:80\r\n"] {
            assert_eq!(client.get(same).await.status, 200, "{same}");
        }
        assert_eq!(client.get(other).await.status, 401, "{other}");
        assert_eq!(client.get(first).await.status, 401, "{other}");
    }
    // Whoever was named by nobody is not whoever is named now.
    let mut client = Client::connect(address).await;
    assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
    assert_eq!(client.get(first).await.status, 401);
}

// H-08
#[tokio::test]
async fn an_intermediary_is_noticed_at_a_place_that_needs_no_logon() {
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).path("/open", ScopeRule::off()).build().unwrap();
    let address = serve(LogonLayer::of(gate()).scopes(scopes)).await;
    for credentials in ["", "Authorization: Bearer x\r\n"] {
        let mut client = Client::connect(address).await;
        assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
        let fields = format!("Via: 1.1 p\r\n{credentials}");
        assert_eq!(client.send("GET", "/open", &fields, b"").await.status, 200);
        assert_eq!(client.get("").await.status, 401);
    }
}

#[tokio::test]
async fn a_401_of_a_place_that_needs_no_logon_is_left_alone() {
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).path("/unauthorized", ScopeRule::off()).build().unwrap();
    let trusting = gate().trusted_proxies(["127.0.0.0/8".parse().unwrap()]);
    let address = serve(LogonLayer::of(trusting).scopes(scopes)).await;
    let mut client = Client::connect(address).await;
    assert_eq!(log_on(&mut client, "alice", PASSWORD).await.status, 200);
    for fields in ["", "Via: 1.1 p\r\n", "Via: 1.1 p\r\nAuthorization: Basic eDp5\r\n"] {
        let answered = client.send("GET", "/unauthorized", fields, b"").await;
        assert_eq!((answered.status, answered.challenges.len()), (401, 0), "{fields}");
        assert_eq!(client.get("").await.status, 200, "{fields}");
    }
}

#[tokio::test]
async fn only_a_trusted_proxy_can_say_that_a_request_came_over_tls() {
    let basic = "Authorization: Basic YWxpY2U6UzNjcmV0IXB3\r\nX-Forwarded-Proto: https\r\n";
    for (proxies, status) in [(vec![], 403), (vec!["127.0.0.1/32".parse().unwrap()], 200)] {
        let mut config = config();
        config.basic = Some(BasicConfig::new("x").unwrap());
        let gate = Gate::new(config, Immediate(Users)).trusted_proxies(proxies);
        let layer = LogonLayer::of(gate).scope(Scope::required(&[Scheme::Basic]));
        let mut client = Client::connect(serve(layer).await).await;
        assert_eq!(client.get(basic).await.status, status);
    }
}

// S-24: per account and address; other accounts are served, and who waits is let in.
#[tokio::test]
async fn guessing_is_slowed_down() {
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 3;
    let address = serve(LogonLayer::of(gate().throttle(Some(limits)))).await;
    for _ in 0..3 {
        let mut client = Client::connect(address).await;
        assert_eq!(log_on(&mut client, "alice", "wrong").await.status, 401);
    }
    let mut client = Client::connect(address).await;
    let refused = log_on(&mut client, "alice", PASSWORD).await;
    assert_eq!((refused.status, refused.challenges.len()), (429, 0));
    let mut client = Client::connect(address).await;
    assert_eq!(log_on(&mut client, "bob", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn guesses_made_side_by_side_count_as_well() {
    let mut limits = ThrottleConfig::default();
    limits.account_failures = 3;
    let gate = Gate::new(config(), Slow(Duration::from_millis(300))).throttle(Some(limits));
    let address = serve(LogonLayer::of(gate)).await;
    let guess = async || {
        let mut client = Client::connect(address).await;
        log_on(&mut client, "alice", "wrong").await.status
    };
    let statuses =
        tokio::join!(guess(), guess(), guess(), guess(), guess(), guess(), guess(), guess());
    let statuses: [u16; 8] = statuses.into();
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(looked_at, 3, "{statuses:?}");
}

/// A store that takes its time; for "alice" only.
struct Slow(Duration);

impl AsyncCredentialStore for Slow {
    async fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        if account.user() == "alice" {
            tokio::time::sleep(self.0).await;
        }
        Users.lookup(account)
    }
}

#[tokio::test]
async fn a_slow_store_delays_its_own_connection_only() {
    let gate = Gate::new(config(), Slow(Duration::from_secs(5)));
    let address = serve(LogonLayer::of(gate)).await;
    let slow = tokio::spawn(async move {
        let mut client = Client::connect(address).await;
        log_on(&mut client, "alice", PASSWORD).await.status
    });
    let begun = Instant::now();
    for _ in 0..5 {
        let mut client = Client::connect(address).await;
        assert_eq!(log_on(&mut client, "bob", PASSWORD).await.status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "others waited");
    assert_eq!(slow.await.unwrap(), 200);
}

// HS-18
#[tokio::test]
async fn a_store_that_does_not_answer_in_time_is_503() {
    let gate = Gate::new(config(), Slow(Duration::from_secs(60)));
    let address = serve(LogonLayer::of(gate.store_timeout(Duration::from_millis(200)))).await;
    let mut client = Client::connect(address).await;
    let refused = log_on(&mut client, "alice", PASSWORD).await;
    assert_eq!((refused.status, refused.challenges.len()), (503, 0));
}

#[tokio::test]
async fn a_request_for_two_hosts_is_400() {
    let address = serve(LogonLayer::of(gate())).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.get("Host: y\r\n").await.status, 400);
}

#[tokio::test]
async fn a_host_in_the_target_does_not_lead_around_the_scope_of_the_other() {
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).host("open.example", ScopeRule::off()).build().unwrap();
    let address = serve(LogonLayer::of(gate()).scopes(scopes)).await;
    let mut client = Client::connect(address).await;
    // The client's own Host is "x".
    assert_eq!(client.send("GET", "http://open.example/", "", b"").await.status, 401);
    assert_eq!(client.send("GET", "/", "", b"").await.status, 401);
}

// PG-4: an application of its own that takes a user if there is one.
#[tokio::test]
async fn where_nobody_logs_on_the_application_works_as_ever() {
    let address = serve(LogonLayer::of(gate()).scope(Scope::optional(&Scheme::INTEGRATED))).await;
    let mut client = Client::connect(address).await;
    assert_eq!(client.get("").await.body, "|nobody|SEC_E_OK|-");
    assert_eq!(log_on(&mut client, "alice", PASSWORD).await.body, r"CORP\alice|success|SEC_E_OK|-");
}

// PG-15, PG-16: a client of the same process, by a name that is not the machine's; there is no
// loopback check unless the embedder asks for one.
#[tokio::test]
async fn a_program_logs_on_to_itself_by_an_alias() {
    let mut policy = Policy::default();
    let names = vec![TargetName::http("localhost"), TargetName::http("x")];
    policy.target_name = TargetNamePolicy::WhenOffered(names);
    let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")).with_policy(policy);
    let config = ConnectionConfig::new(Arc::new(acceptor));
    let address = serve(LogonLayer::of(Gate::new(config, Immediate(Users)))).await;
    for scheme in Scheme::INTEGRATED {
        let mut client = Client::connect(address).await;
        assert_eq!(client.log_on(scheme, "alice", PASSWORD).await.status, 200);
    }
}

// H-23: the zero-length POST that Internet Explorer sends on a connection that is logged on.
#[tokio::test]
async fn a_post_without_its_body_starts_over_and_never_reaches_the_application() {
    let address = serve(LogonLayer::of(gate())).await;
    for scheme in Scheme::INTEGRATED {
        for method in ["POST", "PUT", "DELETE"] {
            let mut client = Client::connect(address).await;
            assert_eq!(client.log_on(scheme, "alice", PASSWORD).await.status, 200);
            let header = format!("Authorization: {}\r\n", format_token(scheme, &first_token()));
            let answered = client.send(method, "/", &header, b"").await;
            assert_eq!((answered.status, answered.challenges.len()), (401, 1));
            assert_eq!(client.get("").await.status, 401, "the old logon is gone");
        }
    }
}
