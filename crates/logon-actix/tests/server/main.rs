//! Real connections on loopback: an actix-web application, clients on bare sockets.

mod support;
#[cfg(feature = "rustls-0_23")]
mod tls;

use actix_web::dev::Extensions;
use actix_web::error::ErrorUnauthorized;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use logon::http::{AuthStatus, ConnectionConfig, Scheme, Scope, ScopeRule, Scopes};
use logon::{AcceptorConfig, ChannelBindings, ServerNames};
use logon_actix::{Authentication, Connection, Gate, LoggedOn, Logon, on_connect};
use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{PASSWORD, Users, request, start};

type Client = support::Client<TcpStream>;

/// A server, and how often its application was called.
struct Site {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

/// Of a request: its user, the bytes of its body, and how many lines of credentials it has.
async fn report(
    user: Option<LoggedOn>,
    request: HttpRequest,
    body: web::Bytes,
    calls: web::Data<AtomicUsize>,
) -> String {
    calls.fetch_add(1, Ordering::SeqCst);
    let user = user.map(|user| user.identity().to_string()).unwrap_or_default();
    format!("{user} {} {}", body.len(), request.headers().get_all("authorization").count())
}

async fn greeting(user: LoggedOn) -> String {
    user.identity().to_string()
}

async fn release(connection: HttpRequest) -> &'static str {
    connection.conn_data::<Connection>().unwrap().release();
    "released"
}

async fn failed(authentication: web::ReqData<Authentication>) -> String {
    (authentication.status() == AuthStatus::Failure).to_string()
}

async fn serve(
    logon: impl FnOnce(Logon<Users>) -> Logon<Users>,
    connect: fn(&dyn Any, &mut Extensions),
) -> Site {
    let calls = web::Data::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let gate = Gate::new(ConnectionConfig::new(Arc::new(config)), Users);
    let logon = logon(Logon::of(gate));
    let app = move || {
        let inner = from_fn(|_, _: actix_web::middleware::Next<actix_web::body::BoxBody>| async {
            Err::<actix_web::dev::ServiceResponse, _>(ErrorUnauthorized("log on"))
        });
        App::new()
            .app_data(counted.clone())
            .route("/", web::to(report))
            .route("/greeting", web::to(greeting))
            .route("/failed", web::to(failed))
            .route("/release", web::to(release))
            .route("/unauthorized", web::to(HttpResponse::Unauthorized))
            .service(web::scope("/inner").wrap(inner).route("", web::to(report)))
            .wrap(logon.clone())
    };
    let server = HttpServer::new(app).workers(2).disable_signals().on_connect(connect);
    let server = server.bind_auto_h2c("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    Site { address, calls: calls.into_inner() }
}

async fn site(logon: impl FnOnce(Logon<Users>) -> Logon<Users>) -> Site {
    serve(logon, on_connect).await
}

async fn connect(site: &Site) -> Client {
    Client::new(TcpStream::connect(site.address).await.unwrap(), ChannelBindings::none())
}

// HS-1, H-01, H-04
#[tokio::test]
async fn the_application_sees_one_request_of_a_handshake_and_the_identity_after_it() {
    for scheme in Scheme::INTEGRATED {
        let site = site(|logon| logon).await;
        let mut client = connect(&site).await;
        let first = client.get("/").await;
        assert_eq!(
            (first.status, &first.challenges[..]),
            (401, &["Negotiate", "NTLM"].map(String::from)[..])
        );
        let done = client.log_on(scheme, "alice", PASSWORD).await;
        assert_eq!((done.status, done.body.as_str()), (200, r"CORP\alice 100000 0"));
        assert_eq!(done.challenges.len(), usize::from(scheme == Scheme::Negotiate));
        assert!(done.fields.contains(&("persistent-auth".into(), "true".into())));
        for _ in 0..3 {
            assert_eq!(client.get("/").await.body, r"CORP\alice 0 0");
        }
        assert_eq!(site.calls.load(Ordering::SeqCst), 4);
    }
}

// H-08
#[tokio::test]
async fn identities_stay_with_their_connections() {
    let site = site(|logon| logon).await;
    let (mut one, mut two) = (connect(&site).await, connect(&site).await);
    let (mut three, mut four) = (connect(&site).await, connect(&site).await);
    assert_eq!(one.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    assert_eq!(two.log_on(Scheme::Negotiate, "bob", PASSWORD).await.status, 200);
    for _ in 0..3 {
        assert_eq!(one.get("/greeting").await.body, r"CORP\alice");
        assert_eq!(three.get("/greeting").await.status, 401);
        assert_eq!(two.get("/greeting").await.body, r"CORP\bob");
        assert_eq!(four.get("/greeting").await.status, 401);
    }
    drop(one);
    assert_eq!(connect(&site).await.get("/greeting").await.status, 401);
}

#[tokio::test]
async fn a_challenge_does_not_serve_on_another_connection() {
    let site = site(|logon| logon).await;
    let (mut one, mut two) = (connect(&site).await, connect(&site).await);
    let authenticate = one.challenged(Scheme::Ntlm, "alice", PASSWORD, "", b"").await;
    assert_eq!(two.send("GET", "/", &authenticate, b"").await.status, 401);
    assert_eq!(one.send("GET", "/", &authenticate, b"").await.status, 200);
    assert_eq!(site.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_wrong_password_never_reaches_the_application() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    for user in ["alice", "nobody"] {
        let refused = client.log_on(Scheme::Ntlm, user, "wrong").await;
        assert_eq!((refused.status, refused.challenges.len()), (401, 2));
    }
    assert_eq!(client.get("/").await.status, 401);
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

// HS-18
#[tokio::test]
async fn a_store_that_is_down_gives_503() {
    let site = site(|logon| logon).await;
    let refused = connect(&site).await.log_on(Scheme::Ntlm, "down", PASSWORD).await;
    assert_eq!((refused.status, refused.challenges.len()), (503, 0));
    assert!(refused.closes);
    assert!(refused.fields.iter().any(|(name, _)| name == "retry-after"));
}

#[tokio::test]
async fn malformed_credentials_get_the_status_of_their_defect() {
    let site = site(|logon| logon).await;
    for (fields, status) in [
        ("Authorization: =====", 400),
        ("Authorization: NTLM %%%", 400),
        ("Authorization: NTLM AAAA\r\nAuthorization: NTLM AAAA", 400),
        ("Host: y", 400),
        ("Authorization: NTLM AAAA", 401),
        ("Authorization: NTLM TlRMTVNTUAADAAAA", 401),
        ("Authorization: Bearer abc", 401),
    ] {
        let answered = connect(&site).await.send("GET", "/", &format!("{fields}\r\n"), b"").await;
        assert_eq!(answered.status, status, "{fields}");
    }
    let long = format!("Authorization: NTLM {}\r\n", "A".repeat(100_000));
    assert_eq!(connect(&site).await.send("GET", "/", &long, b"").await.status, 431);
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_body_over_the_limit_closes_the_connection_behind_the_answer() {
    let site = site(|logon| logon.max_drained_body(50_000)).await;
    let body = vec![0; 60_000];
    let answered = connect(&site).await.send("POST", "/", "", &body).await;
    assert_eq!((answered.status, answered.challenges.len()), (401, 2));
    assert!(answered.closes);

    // A client that sends it with the first token will not wait on the next connection either.
    let (_, negotiate) = start(Scheme::Ntlm, "alice", PASSWORD, ChannelBindings::none());
    let answered = connect(&site).await.send("POST", "/", &negotiate, &body).await;
    assert_eq!(answered.status, 413);
    assert!(answered.closes);
}

#[tokio::test]
async fn chunked_bodies_on_legs_do_not_get_in_the_way() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    client.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for _ in 0..100 {
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        client.write(chunk.as_bytes()).await;
    }
    client.write(b"0\r\n\r\n").await;
    let answered = client.read().await;
    assert_eq!((answered.status, answered.closes), (401, false));
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
}

// HS-13, PG-4
#[tokio::test]
async fn an_optional_logon_lets_anonymous_requests_pass() {
    let site = site(|logon| logon.scope(Scope::optional(&Scheme::INTEGRATED))).await;
    let mut client = connect(&site).await;
    assert_eq!(client.get("/").await.body, " 0 0");
    // Not ours: the application gets it as it came.
    assert_eq!(client.send("GET", "/", "Authorization: Bearer abc\r\n", b"").await.body, " 0 1");
    let rejected = client.get("/greeting").await;
    assert_eq!((rejected.status, rejected.challenges.len()), (401, 2));
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.body, r"CORP\alice 100000 0");
    assert_eq!(client.get("/").await.body, r"CORP\alice 0 0");
}

#[tokio::test]
async fn an_application_may_serve_whom_the_store_refused() {
    let site = site(|logon| logon.scope(Scope::app_challenges(&Scheme::INTEGRATED))).await;
    let mut client = connect(&site).await;
    assert_eq!(client.get("/failed").await.body, "false");
    let authenticate = client.challenged(Scheme::Ntlm, "alice", "wrong", "", b"").await;
    assert_eq!(client.send("GET", "/failed", &authenticate, b"").await.body, "true");
}

#[tokio::test]
async fn a_401_of_the_application_offers_the_schemes_and_ends_the_logon() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    // An answer of a handler, and an error of a middleware further in.
    for path in ["/unauthorized", "/inner"] {
        assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
        let answered = client.get(path).await;
        assert_eq!((answered.status, answered.challenges.len()), (401, 2), "{path}");
        assert_eq!(client.get("/").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_connection_that_the_application_releases_has_to_log_on_anew() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    assert_eq!(client.get("/release").await.body, "released");
    assert_eq!(client.get("/").await.status, 401);
}

// H-09
#[tokio::test]
async fn what_came_through_a_proxy_does_not_log_the_connection_on() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    let via = "Via: 1.1 proxy\r\n";
    let done = client.log_on_with(Scheme::Ntlm, "alice", PASSWORD, via, b"").await;
    assert_eq!((done.status, done.body.as_str()), (200, r"CORP\alice 0 0"));
    assert!(done.fields.contains(&("persistent-auth".into(), "false".into())));
    assert_eq!(client.get("/").await.status, 401);

    // Nor does a logon outlive the first request that has come so.
    let mut client = connect(&site).await;
    let done = client.log_on(Scheme::Ntlm, "alice", PASSWORD).await;
    assert_eq!(done.status, 200);
    assert!(done.fields.contains(&("persistent-auth".into(), "true".into())));
    assert_eq!(client.send("GET", "/", via, b"").await.status, 401);
    assert_eq!(client.get("/").await.status, 401);
}

// H-08
#[tokio::test]
async fn an_intermediary_is_noticed_at_a_place_that_needs_no_logon() {
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).path("/failed", ScopeRule::off()).build().unwrap();
    let site = site(|logon| logon.scopes(scopes)).await;
    for credentials in ["", "Authorization: Bearer x\r\n"] {
        let mut client = connect(&site).await;
        assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
        let fields = format!("Via: 1.1 proxy\r\n{credentials}");
        assert_eq!(client.send("GET", "/failed", &fields, b"").await.body, "false");
        assert_eq!(client.get("/").await.status, 401);
    }
}

#[tokio::test]
async fn a_401_of_a_place_that_needs_no_logon_is_left_alone() {
    let base = Scope::required(&Scheme::INTEGRATED);
    let scopes = Scopes::builder(base).path("/unauthorized", ScopeRule::off()).build().unwrap();
    let site = site(|logon| logon.scopes(scopes)).await;
    for fields in ["", "Via: 1.1 proxy\r\n", "Via: 1.1 proxy\r\nAuthorization: Basic eDp5\r\n"] {
        let answered = connect(&site).await.send("GET", "/unauthorized", fields, b"").await;
        assert_eq!((answered.status, answered.challenges.len()), (401, 0), "{fields}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_decided_one_after_the_other() {
    let site = site(|logon| logon).await;
    let mut client = connect(&site).await;
    // The second comes while the store is still being asked about the first.
    let authenticate = client.challenged(Scheme::Ntlm, "alice", PASSWORD, "", b"").await;
    let two = [request("GET", "/", &authenticate, b""), request("GET", "/greeting", "", b"")];
    client.write(&two.concat()).await;
    assert_eq!(client.read().await.body, r"CORP\alice 0 0");
    assert_eq!(client.read().await.body, r"CORP\alice");

    // What comes behind a failure has nothing of what was before it.
    let broken = request("GET", "/", "Authorization: NTLM %\r\n", b"");
    let get = request("GET", "/", "", b"");
    client.write(&[get.clone(), broken, get].concat()).await;
    assert_eq!(client.read().await.body, r"CORP\alice 0 0");
    let refused = client.read().await;
    assert_eq!((refused.status, refused.closes), (400, true));
    assert_eq!(site.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_place_without_authentication_asks_for_nothing() {
    let scopes = Scopes::builder(Scope::required(&Scheme::INTEGRATED))
        .path("/failed", ScopeRule::off())
        .build()
        .unwrap();
    let site = serve(|logon| logon.scopes(scopes), |_, _| {}).await;
    assert_eq!(connect(&site).await.get("/failed").await.body, "false");
}

#[tokio::test]
async fn scopes_can_be_replaced_while_the_server_runs() {
    let mut handle = None;
    let site = site(|logon| {
        handle = Some(logon.scopes_handle());
        logon
    })
    .await;
    let mut client = connect(&site).await;
    assert_eq!(client.get("/").await.status, 401);
    handle.unwrap().replace(Scope::off().into());
    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn without_on_connect_nobody_gets_in() {
    let site = serve(|logon| logon, |_, _| {}).await;
    let answered = connect(&site).await.get("/").await;
    assert_eq!((answered.status, answered.challenges.len()), (500, 0));
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_handler_without_the_middleware_gets_no_logon() {
    let app = || App::new().route("/", web::to(greeting));
    let server = HttpServer::new(app).workers(1).disable_signals().on_connect(on_connect);
    let server = server.bind("127.0.0.1:0").unwrap();
    let site = Site { address: server.addrs()[0], calls: Arc::default() };
    tokio::spawn(server.run());
    assert_eq!(connect(&site).await.get("/").await.status, 500);
}

#[tokio::test]
async fn over_http_2_ntlm_proves_nothing() {
    let site = site(|logon| logon).await;
    let stream = TcpStream::connect(site.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let (_, negotiate) = start(Scheme::Ntlm, "alice", PASSWORD, ChannelBindings::none());
    let negotiate = negotiate.trim_end().split_once(": ").unwrap().1;
    for credentials in [None, Some(negotiate)] {
        let mut request = http::Request::get("http://x/");
        if let Some(credentials) = credentials {
            request = request.header("authorization", credentials);
        }
        client = client.ready().await.unwrap();
        let (answered, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let answered = answered.await.unwrap();
        let offered: Vec<_> = answered.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(answered.status(), 401);
        assert_eq!(offered, ["Negotiate", "NTLM"]);
    }
    assert_eq!(site.calls.load(Ordering::SeqCst), 0);
}
