//! What goes over HTTP/2, and what brings the client back to HTTP/1.1.

mod support;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{StatusCode, Version};
use logon::http::{BasicConfig, ConnectionConfig, Scheme, Scope, ThrottleConfig};
use logon::{AcceptorConfig, ServerNames};
use logon_client::{Body, Client, Error, Login, Logon, Trust};
use logon_hyper::rustls::pki_types::PrivatePkcs8KeyDer;
use logon_hyper::{Limits, Server, rustls};
use logon_tower::{Authentication, Connection, Gate, Immediate, LogonLayer};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{Certificate, Site, Spec, Told, builder, get, login, tell, users};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Says `user|connection|version`; `/ntlm` and `/basic` want a logon by that, `/offer` offers NTLM
/// over HTTP/2 too.
async fn serve(certificate: &Certificate, limits: Limits) -> SocketAddr {
    let mut config =
        ConnectionConfig::new(Arc::new(AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"))));
    config.basic = Some(BasicConfig::new("test").unwrap());
    let layer =
        LogonLayer::of(Gate::new(config, Immediate(users())).throttle(None::<ThrottleConfig>));
    let by = |scheme| layer.clone().scope(Scope::required(&[scheme]));
    let app = Router::new()
        .route("/ntlm", any(report).layer(by(Scheme::Ntlm)))
        .route("/basic", any(report).layer(by(Scheme::Basic)))
        .route("/offer", any(report).layer(by(Scheme::Ntlm)).layer(middleware::from_fn(offer)))
        .fallback(report);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(app).tls(certificate.tls().http2()).limits(limits);
    tokio::spawn(server.serve(listener, std::future::pending()));
    address
}

async fn report(request: Request) -> String {
    let user = request.extensions().get::<Authentication>();
    let user = user.and_then(|seen| seen.identity().map(ToString::to_string)).unwrap_or_default();
    let connection = request.extensions().get::<Connection>().unwrap().id();
    format!("{user}|{connection}|{:?}", request.version())
}

/// As servers do that know nothing of HTTP/2.
async fn offer(request: Request, next: Next) -> Response {
    if request.version() == Version::HTTP_2 {
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "NTLM")]).into_response();
    }
    next.run(request).await
}

struct Rig {
    address: SocketAddr,
    trust: Trust,
}

impl Rig {
    async fn start() -> Self {
        let (certificate, trust) = Certificate::make();
        Self { address: serve(&certificate, Limits::default()).await, trust }
    }

    fn client(&self, login: Option<Login>) -> Client {
        let builder = builder().trust(self.trust.clone()).http2(true);
        login.into_iter().fold(builder, logon_client::ClientBuilder::login).build()
    }

    async fn get(&self, client: &Client, path: &str) -> Told {
        get(client, &format!("https://localhost:{}{path}", self.address.port())).await
    }
}

fn version(told: &Told) -> &str {
    told.text.rsplit('|').next().unwrap_or_default()
}

fn connection(told: &Told) -> &str {
    told.text.split('|').nth(1).unwrap_or_default()
}

fn basic() -> Login {
    login("alice").with_schemes(&[Scheme::Basic])
}

// H-16
#[tokio::test]
async fn http_2_is_spoken_only_by_choice() {
    let rig = Rig::start().await;
    let client = builder().trust(rig.trust.clone()).build();
    assert_eq!(version(&rig.get(&client, "/").await), "HTTP/1.1");
    assert_eq!(version(&rig.get(&rig.client(None), "/").await), "HTTP/2.0");
}

#[tokio::test]
async fn requests_without_a_logon_share_a_connection_at_the_same_time() {
    let rig = Arc::new(Rig::start().await);
    let client = rig.client(None);
    let first = rig.get(&client, "/").await;
    let mut together = JoinSet::new();
    for _ in 0..20 {
        let (rig, client) = (Arc::clone(&rig), client.clone());
        together.spawn(async move { rig.get(&client, "/").await.text });
    }
    let seen: HashSet<_> = together.join_all().await.into_iter().collect();
    assert_eq!(seen, HashSet::from([first.text]));
}

// H-16, H-15: the server's reset brings it to HTTP/1.1, and that is remembered
#[tokio::test]
async fn a_server_that_wants_http_1_1_for_a_logon_is_logged_on_to_over_that() {
    let rig = Rig::start().await;
    let client = rig.client(Some(login("alice")));
    assert_eq!(version(&rig.get(&client, "/").await), "HTTP/2.0");
    let told = rig.get(&client, "/ntlm").await;
    assert_eq!((told.status, told.user(), version(&told)), (200, r"CORP\alice", "HTTP/1.1"));
    let later = rig.get(&client, "/").await;
    assert_eq!((version(&later), connection(&later)), ("HTTP/1.1", connection(&told)));
    client.reset();
    assert_eq!(version(&rig.get(&client, "/").await), "HTTP/2.0");
}

// H-16
#[tokio::test]
async fn a_401_over_http_2_that_offers_logons_by_connection_is_answered_over_http_1_1() {
    let rig = Rig::start().await;
    let client = rig.client(Some(login("alice")));
    let told = rig.get(&client, "/offer").await;
    assert_eq!((told.status, told.user(), version(&told)), (200, r"CORP\alice", "HTTP/1.1"));
    assert_eq!(version(&rig.get(&client, "/").await), "HTTP/1.1");
    // Who has no login has the answer.
    let told = rig.get(&rig.client(None), "/offer").await;
    assert_eq!((told.status, told.outcome.origin), (401, Logon::NoLogin));
}

#[tokio::test]
async fn without_a_login_the_server_that_wants_http_1_1_says_over_that_what_it_wants() {
    let rig = Rig::start().await;
    let told = rig.get(&rig.client(None), "/ntlm").await;
    assert_eq!((told.status, told.outcome.origin), (401, Logon::NoLogin));
}

// H-14: also where nothing is logged on by connection
#[tokio::test]
async fn a_password_goes_with_each_request_over_a_connection_of_its_own_login() {
    let rig = Rig::start().await;
    let client = rig.client(Some(basic()));
    let mut own = HashSet::new();
    for _ in 0..3 {
        let told = rig.get(&client, "/basic").await;
        assert_eq!((told.status, told.user(), version(&told)), (200, r"CORP\alice", "HTTP/2.0"));
        let by_basic = Logon::LoggedOn { scheme: Scheme::Basic, mechanism: None };
        assert_eq!(told.outcome.origin, by_basic);
        own.insert(connection(&told).to_owned());
    }
    assert_eq!(own.len(), 1);
    let url = format!("https://localhost:{}/", rig.address.port());
    let request = http::Request::get(url).header("authorization", "Bearer a.b.c");
    let told = tell(client.send(request.body(Body::empty()).unwrap()).await.unwrap()).await;
    assert_eq!(version(&told), "HTTP/2.0");
    assert!(!own.contains(connection(&told)), "somebody else's request");

    let client = rig.client(Some(
        Login::new(support::credentials("alice", "wrong")).with_schemes(&[Scheme::Basic]),
    ));
    let refused = Logon::Refused { scheme: Scheme::Basic };
    assert_eq!(rig.get(&client, "/basic").await.outcome.origin, refused);
    assert_eq!(rig.get(&client, "/basic").await.outcome.origin, Logon::RefusedBefore);
}

#[tokio::test]
async fn a_body_goes_over_http_2_where_no_logon_can_need_it_again() {
    let rig = Rig::start().await;
    for (login, expected) in [(None, "HTTP/2.0"), (Some(basic()), "HTTP/1.1")] {
        let client = rig.client(login);
        let url = format!("https://localhost:{}/", rig.address.port());
        let request = http::Request::post(url).body(Body::from(vec![b'x'; 200_000])).unwrap();
        let told = tell(client.send(request).await.unwrap()).await;
        assert_eq!((told.status, version(&told)), (200, expected));
    }
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_made_again() {
    let (certificate, trust) = Certificate::make();
    let mut limits = Limits::default();
    limits.request_head = Duration::from_millis(300);
    let rig = Rig { address: serve(&certificate, limits).await, trust };
    let client = rig.client(None);
    let first = rig.get(&client, "/").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let second = rig.get(&client, "/").await;
    assert_eq!(version(&second), "HTTP/2.0");
    assert_ne!(connection(&second), connection(&first));
}

// H-16: a server that has no HTTP/2 costs no second connection
#[tokio::test]
async fn a_server_of_http_1_1_is_logged_on_to_over_the_first_connection() {
    let (certificate, trust) = Certificate::make();
    let site = Site::start(Spec { tls: Some(certificate), ..Spec::default() }).await;
    let client = builder().trust(trust).login(login("alice")).http2(true).build();
    let told = get(&client, &site.url("/")).await;
    assert_eq!((told.status, told.user()), (200, r"CORP\alice"));
    let seen: HashSet<_> = site.take().into_iter().map(|seen| seen.connection).collect();
    assert_eq!(seen.len(), 1);
}

// H-16
#[tokio::test]
async fn a_server_of_http_2_only_gets_an_error_that_says_so() {
    let (certificate, trust) = Certificate::make();
    let key = PrivatePkcs8KeyDer::from(certificate.key.clone()).into();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der.clone().into()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let client = builder().trust(trust).login(login("alice")).build();
    let sent = client.get(&format!("https://localhost:{port}/")).await;
    let Err(Error::Tls { cause, .. }) = sent else { panic!("{sent:?}") };
    assert!(cause.contains("HTTP/1.1"), "{cause}");
}
