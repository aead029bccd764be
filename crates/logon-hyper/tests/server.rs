//! Real connections on loopback: a tower service behind the layer, clients on bare sockets.

mod common;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use common::{Client, PASSWORD, Users, first_token};
use logon::http::{Scheme, Scope, format_token};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::{Limits, Server};
use logon_tower::{LoggedOn, LogonLayer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server, and how often its application was called.
struct Site {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

async fn site(
    layer: impl FnOnce(
        LogonLayer<logon_tower::Immediate<Users>>,
    ) -> LogonLayer<logon_tower::Immediate<Users>>,
) -> Site {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let report = move |user: Option<LoggedOn>, body: Body| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let user = user.map(|user| user.identity().to_string()).unwrap_or_default();
            format!("{user} {}", body.len())
        }
    };
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let app = Router::new()
        .route("/", any(report))
        .route("/unauthorized", any(|| async { axum::http::StatusCode::UNAUTHORIZED }))
        .layer(layer(LogonLayer::new(config, Users)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut limits = Limits::default();
    limits.request_head = Duration::from_secs(2);
    tokio::spawn(Server::new(app).limits(limits).serve(listener, std::future::pending()));
    Site { address, calls }
}

/// A service whose clones are ready when they are asked the second time.
#[derive(Default)]
struct Slow {
    asked: bool,
}

impl Clone for Slow {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl tower::Service<axum::http::Request<logon_hyper::RequestBody>> for Slow {
    type Response = axum::http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        context.waker().wake_by_ref();
        let ready = std::mem::replace(&mut self.asked, true);
        if ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: axum::http::Request<logon_hyper::RequestBody>) -> Self::Future {
        assert!(self.asked);
        std::future::ready(Ok(axum::http::Response::new(Body::from("here"))))
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(Slow::default()).serve(listener, std::future::pending()));
    let mut client = Client::connect(address).await;
    for _ in 0..2 {
        assert_eq!(client.get("").await.body, "here");
    }
}

// HS-1, HS-16, PG-7
#[tokio::test]
async fn the_application_sees_one_request_of_a_handshake_and_the_identity_after_it() {
    for scheme in Scheme::INTEGRATED {
        let site = site(|layer| layer).await;
        let mut client = Client::connect(site.address).await;
        let first = client.get("").await;
        assert_eq!(
            (first.status, first.challenges),
            (401, vec!["Negotiate".into(), "NTLM".into()])
        );
        let done = client.log_on(scheme, "alice", PASSWORD).await;
        assert_eq!((done.status, done.body.as_str()), (200, r"CORP\alice 100000"));
        assert_eq!(done.challenges.len(), usize::from(scheme == Scheme::Negotiate));
        assert_eq!(client.get("").await.body, r"CORP\alice 0");
        assert_eq!(site.calls.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn identities_stay_with_their_connections() {
    let site = site(|layer| layer).await;
    let (mut one, mut two) =
        (Client::connect(site.address).await, Client::connect(site.address).await);
    let mut three = Client::connect(site.address).await;
    assert_eq!(one.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    assert_eq!(two.log_on(Scheme::Negotiate, "bob", PASSWORD).await.status, 200);
    for _ in 0..3 {
        assert_eq!(one.get("").await.body, r"CORP\alice 0");
        assert_eq!(three.get("").await.status, 401);
        assert_eq!(two.get("").await.body, r"CORP\bob 0");
    }
}

#[tokio::test]
async fn a_wrong_password_never_reaches_the_application() {
    let site = site(|layer| layer).await;
    let mut client = Client::connect(site.address).await;
    for user in ["alice", "nobody"] {
        let refused = client.log_on(Scheme::Ntlm, user, "wrong").await;
        assert_eq!((refused.status, refused.challenges.len()), (401, 2));
    }
    assert_eq!(client.get("").await.status, 401);
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_store_that_is_down_gives_503() {
    let site = site(|layer| layer).await;
    let mut client = Client::connect(site.address).await;
    let refused = client.log_on(Scheme::Ntlm, "down", PASSWORD).await;
    assert_eq!((refused.status, refused.challenges.len()), (503, 0));
}

#[tokio::test]
async fn malformed_credentials_get_the_status_of_their_defect() {
    let site = site(|layer| layer).await;
    for (credentials, status) in [
        ("=====", 400),
        ("NTLM %%%", 400),
        ("NTLM", 400),
        ("NTLM AAAA\r\nAuthorization: NTLM AAAA", 400),
        ("NTLM AAAA", 401),
        ("Negotiate YIIAAAAA", 401),
        ("NTLM TlRMTVNTUAADAAAA", 401),
        ("Bearer abc", 401),
    ] {
        let mut client = Client::connect(site.address).await;
        let answered = client.get(&format!("Authorization: {credentials}\r\n")).await;
        assert_eq!(answered.status, status, "{credentials}");
    }
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

// H-21
#[tokio::test]
async fn a_token_of_a_mebibyte_is_431_and_others_are_served() {
    let site = site(|layer| layer).await;
    for size in [100_000, 1024 * 1024] {
        let mut client = Client::connect(site.address).await;
        let value = "A".repeat(size);
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: NTLM {value}\r\n\r\n");
        // The server may answer and close before it has read all of it.
        let _ = client.0.write_all(head.as_bytes()).await;
        assert_eq!(client.read().await.status, 431);
    }
    let mut client = Client::connect(site.address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_closes_the_connection_behind_the_answer() {
    let site = site(|layer| layer.max_drained_body(50_000)).await;
    let body = vec![0; 60_000];
    let mut client = Client::connect(site.address).await;
    let answered = client.send("POST", "/", "", &body).await;
    assert_eq!((answered.status, answered.challenges.len()), (401, 2));
    assert!(answered.closes);

    // A client that sends it with the first token will not wait on the next connection either.
    let mut client = Client::connect(site.address).await;
    let negotiate = format_token(Scheme::Ntlm, &first_token());
    let answered =
        client.send("POST", "/", &format!("Authorization: {negotiate}\r\n"), &body).await;
    assert_eq!(answered.status, 413);
    assert!(answered.closes);
}

// RFC 9110 §10.1.1: a client may grow tired of waiting, or never have meant to.
#[tokio::test]
async fn a_body_that_comes_although_it_said_to_wait_is_neither_read_as_requests_nor_costs_the_401()
{
    let site = site(|layer| layer).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for size in [request.len(), 50_000, 4_000_000] {
        let body: Vec<u8> = request.iter().copied().cycle().take(size).collect();
        for credentials in ["", "Authorization: NTLM AAAA\r\n"] {
            let mut stream = TcpStream::connect(site.address).await.unwrap();
            let head = format!(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{credentials}\
                 Expect: 100-continue\r\n\r\n"
            );
            let all = [head.as_bytes(), &body].concat();
            // All of it before it looks for an answer; the server may have closed meanwhile.
            let _ = stream.write_all(&all).await;
            let mut answer = Vec::new();
            let reading = stream.read_to_end(&mut answer);
            let end = tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap();
            let answer = String::from_utf8(answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{size}: {end:?} {answer}");
            assert!(answer.contains("\r\nconnection: close\r\n"), "{size}: {answer}");
            assert!(answer.ends_with("\r\n\r\nLog on to see this\n"), "{size}: {end:?} {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{size}: {answer}");
        }
    }
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_401_of_the_application_offers_the_schemes() {
    let site = site(|layer| layer.scope(Scope::optional(&Scheme::INTEGRATED))).await;
    let mut client = Client::connect(site.address).await;
    let answered = client.send("GET", "/unauthorized", "", b"").await;
    assert_eq!((answered.status, answered.challenges.len()), (401, 2));
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn connections_that_stop_in_the_middle_do_not_trouble_others() {
    let site = site(|layer| layer).await;
    let mut stopped = Vec::new();
    for head in [
        "",
        "GET",
        "GET / HTTP/1.1\r\nAuthorization: NTLM TlRM",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    ] {
        let mut client = Client::connect(site.address).await;
        client.0.write_all(head.as_bytes()).await.unwrap();
        stopped.push(client);
    }
    let mut client = Client::connect(site.address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    // Those that never finished their head are sent away.
    let mut silent = stopped.remove(1);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), silent.0.read_to_end(&mut rest));
    assert!(end.await.is_ok(), "the time for a head has passed");
}

// H-21
#[tokio::test]
async fn a_client_that_says_nothing_is_sent_away() {
    let site = site(|layer| layer).await;
    for said in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut client = Client::connect(site.address).await;
        client.0.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), client.0.read_to_end(&mut rest));
        assert!(end.await.is_ok(), "{said:?}: the time for a head has passed");
    }
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let site = site(|layer| layer).await;
    let mut client = Client::connect(site.address).await;
    client.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut answered = Vec::new();
    let _ = client.0.read_to_end(&mut answered).await;
    assert!(answered.is_empty() || answered.starts_with(b"HTTP/1.1 400"), "{answered:?}");
}

#[tokio::test]
async fn a_server_that_stops_lets_requests_finish_and_ends_idle_connections() {
    let app = Router::new().route(
        "/",
        any(|| async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            "finished"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(Server::new(app).serve(listener, async move {
        let _ = stopped.await;
    }));
    let site = Site { address, calls: Arc::default() };
    let (mut idle, mut busy) =
        (Client::connect(site.address).await, Client::connect(site.address).await);
    assert_eq!(idle.get("").await.body, "finished");
    busy.0.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    assert_eq!(busy.read().await.body, "finished");
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
    assert_eq!(idle.0.read_to_end(&mut Vec::new()).await.unwrap(), 0);
}

#[tokio::test]
async fn an_optional_logon_lets_anonymous_requests_pass() {
    let site = site(|layer| layer.scope(Scope::optional(&Scheme::INTEGRATED))).await;
    let mut client = Client::connect(site.address).await;
    assert_eq!(client.get("").await.body, " 0");
    assert_eq!(client.get("Authorization: Bearer abc\r\n").await.body, " 0");
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.body, r"CORP\alice 100000");
    assert_eq!(client.get("").await.body, r"CORP\alice 0");
}

#[tokio::test]
async fn a_401_of_the_application_ends_the_logon() {
    let site = site(|layer| layer).await;
    let mut client = Client::connect(site.address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    assert_eq!(client.send("GET", "/unauthorized", "", b"").await.status, 401);
    assert_eq!(client.get("").await.status, 401);
}

#[tokio::test]
async fn pipelined_requests_are_decided_one_after_the_other() {
    let site = site(|layer| layer).await;
    let mut client = Client::connect(site.address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    let two = "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nAuthorization: NTLM %\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    client.0.write_all(two.as_bytes()).await.unwrap();
    assert_eq!(client.read().await.body, r"CORP\alice 0");
    assert_eq!(client.read().await.status, 400);
}
