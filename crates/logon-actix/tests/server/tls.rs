//! Connections over TLS: what a logon is bound to.

use crate::support::{Client, PASSWORD, Users};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use logon::http::{ConnectionConfig, Scheme};
use logon::{AcceptorConfig, BindingsPolicy, ChannelBindings, Policy, ServerNames};
use logon_actix::{Gate, LoggedOn, Logon, on_connect_tls};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A server with addresses for HTTPS and HTTP that demands channel bindings.
async fn site() -> (SocketAddr, SocketAddr, CertificateDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(params.self_signed(&key).unwrap());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();

    let mut policy = Policy::default();
    policy.bindings = BindingsPolicy::Always;
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")).with_policy(policy);
    let logon = Logon::of(Gate::new(ConnectionConfig::new(Arc::new(config)), Users));
    let greeting = |user: LoggedOn| async move { user.identity().to_string() };
    let app = move || App::new().route("/", web::to(greeting)).wrap(logon.clone());
    let bindings = ChannelBindings::tls_server_end_point(&certificate).unwrap();
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .on_connect(on_connect_tls(bindings))
        .bind_rustls_0_23("127.0.0.1:0", tls)
        .unwrap()
        .bind("127.0.0.1:0")
        .unwrap();
    let addresses = server.addrs();
    tokio::spawn(server.run());
    (addresses[0], addresses[1], certificate)
}

#[tokio::test]
async fn a_logon_over_tls_is_held_against_the_certificate() {
    let (https, http, certificate) = site().await;
    let bound = ChannelBindings::tls_server_end_point(&certificate).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    for (bindings, status) in [(bound.clone(), 200), (ChannelBindings::none(), 401)] {
        let stream = TcpStream::connect(https).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let answered = Client::new(stream, bindings).log_on(Scheme::Ntlm, "alice", PASSWORD).await;
        assert_eq!(answered.status, status);
    }
    // The same server's plain connections have nothing to be bound to.
    let stream = TcpStream::connect(http).await.unwrap();
    let answered = Client::new(stream, bound).log_on(Scheme::Ntlm, "alice", PASSWORD).await;
    assert_eq!(answered.status, 401);
}
