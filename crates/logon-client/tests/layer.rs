//! Logons over a connection that the caller has made.

mod support;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use logon::http::{Scheme, Scope};
use logon::{BindingsPolicy, ChannelBindings};
use logon_client::{Body, Error, Hosts, Login, Logon, Outcome, Pinned, PinnedLayer, RequestBody};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Certificate, Site, Spec, login};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tower::{Layer, Service, ServiceExt};

/// hyper's connection as a service.
struct Connection(SendRequest<RequestBody>);

impl Service<Request<RequestBody>> for Connection {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

async fn connect(site: &Site, login: Login) -> Pinned<Connection> {
    let stream = TcpStream::connect(site.address).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let authority = format!("localhost:{}", site.address.port());
    PinnedLayer::new(login, &authority).unwrap().layer(Connection(sender))
}

struct Told {
    status: u16,
    text: String,
    logon: Logon,
}

async fn get(connection: &Pinned<Connection>) -> Result<Told, Error> {
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = connection.clone().oneshot(request).await?;
    let status = response.status().as_u16();
    let logon = response.extensions().get::<Outcome>().unwrap().origin.clone();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Ok(Told { status, text: String::from_utf8(bytes.to_vec()).unwrap(), logon })
}

// H-13, H-14
#[tokio::test]
async fn all_legs_and_all_that_follows_go_over_the_connection_one_after_the_other() {
    for scheme in Scheme::INTEGRATED {
        let site = Site::start(Spec { schemes: vec![scheme], ..Spec::default() }).await;
        let connection = Arc::new(connect(&site, login("alice")).await);
        let mut together = JoinSet::new();
        for _ in 0..10 {
            let connection = Arc::clone(&connection);
            together.spawn(async move { get(&connection).await.unwrap().text });
        }
        for text in together.join_all().await {
            assert!(text.starts_with(r"CORP\alice|"), "{text}");
        }
        let seen = site.take();
        assert!(seen.iter().all(|it| it.connection == seen[0].connection));
        assert_eq!(seen.iter().filter(|it| it.credentials != "-").count(), 2);
        assert_eq!(seen.len(), 12);
    }
}

// H-14
#[tokio::test]
async fn somebody_elses_credentials_do_not_go_over_it() {
    let site = Site::start(Spec::default()).await;
    let connection = connect(&site, login("alice")).await;
    for name in ["authorization", "proxy-authorization", "connection"] {
        let request = Request::get("/").header(name, "x").body(Body::empty()).unwrap();
        let sent = connection.clone().oneshot(request).await;
        assert!(matches!(sent, Err(Error::Field(field)) if field == name));
    }
    assert!(site.take().is_empty());
    assert_eq!(get(&connection).await.unwrap().status, 200);
}

// H-06
#[tokio::test]
async fn after_a_refusal_the_connection_is_of_no_more_use() {
    let site = Site::start(Spec { schemes: vec![Scheme::Ntlm], ..Spec::default() }).await;
    let wrong = Login::new(support::credentials("alice", "wrong"));
    let connection = connect(&site, wrong).await;
    let told = get(&connection).await.unwrap();
    assert_eq!((told.status, told.logon), (401, Logon::Refused { scheme: Scheme::Ntlm }));
    assert!(matches!(get(&connection).await, Err(Error::Closed(_))));
    assert_eq!(site.legs(), ["-", "NTLM 1", "NTLM 3"]);
}

// H-06
#[tokio::test]
async fn a_layer_tries_a_wrong_password_once_over_all_its_connections() {
    let site = Site::start(Spec { schemes: vec![Scheme::Ntlm], ..Spec::default() }).await;
    let wrong = Login::new(support::credentials("alice", "wrong"));
    let layer = PinnedLayer::new(wrong, "localhost").unwrap();
    let mut together = JoinSet::new();
    for _ in 0..5 {
        let stream = TcpStream::connect(site.address).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let connection = layer.layer(Connection(sender));
        together.spawn(async move { get(&connection).await.unwrap().logon });
    }
    let became = together.join_all().await;
    let before = became.iter().filter(|it| **it == Logon::RefusedBefore);
    assert_eq!(before.count(), 4, "{became:?}");
    assert_eq!(site.legs().iter().filter(|leg| *leg == "NTLM 3").count(), 1);
}

#[tokio::test]
async fn a_request_that_is_given_up_in_mid_exchange_ends_it() {
    let address = support::script::serve(|mut peer| async move {
        peer.head().await;
        peer.say("HTTP/1.1 401 no\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n").await;
        peer.head().await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let layer = PinnedLayer::new(login("alice"), "localhost").unwrap();
    let connection = layer.layer(Connection(sender));
    let sent = tokio::time::timeout(Duration::from_millis(300), get(&connection)).await;
    assert!(sent.is_err());
    assert!(matches!(get(&connection).await, Err(Error::Closed(_))));
}

// C-22
#[tokio::test]
async fn a_host_that_may_not_have_the_login_does_not_get_it() {
    let site = Site::start(Spec::default()).await;
    let elsewhere = login("alice").with_hosts(Hosts::only(["web.example"]).unwrap());
    let told = get(&connect(&site, elsewhere).await).await.unwrap();
    assert_eq!((told.status, told.logon), (401, Logon::NoLogin));
    for authority in ["", "alice@localhost", "http://localhost/", "a b"] {
        assert!(PinnedLayer::new(login("alice"), authority).is_err(), "{authority:?}");
    }
}

#[tokio::test]
async fn what_needs_no_logon_is_not_logged_on() {
    let scope = Some(Scope::optional(&Scheme::INTEGRATED));
    let site = Site::start(Spec { scope, ..Spec::default() }).await;
    let told = get(&connect(&site, login("alice")).await).await.unwrap();
    assert_eq!((told.status, told.logon), (200, Logon::NotAsked));
}

// WS-16
#[tokio::test]
async fn over_tls_the_bindings_are_those_that_the_caller_gives() {
    let (certificate, _) = Certificate::make();
    let der = certificate.der.clone();
    let bindings = BindingsPolicy::Always;
    let site = Site::start(Spec { tls: Some(certificate), bindings, ..Spec::default() }).await;
    let mut roots = RootCertStore::empty();
    roots.add(der.clone().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let right = ChannelBindings::tls_server_end_point(&der).unwrap();
    let other = ChannelBindings::from_application_data("tls-server-end-point:other");
    for (bindings, expected) in [(right, 200), (other, 401)] {
        let stream = TcpStream::connect(site.address).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let layer = PinnedLayer::new(login("alice"), "localhost").unwrap().over_tls(bindings);
        assert_eq!(get(&layer.layer(Connection(sender))).await.unwrap().status, expected);
    }
}
