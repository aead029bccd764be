//! Certificates by name, replaced while the server runs, and the bindings of each: every logon
//! here has to bring those of the certificate that the client has seen.

mod common;

use axum::Router;
use axum::routing::get;
use common::tls::{Certificate, config, connect};
use common::{Client, PASSWORD, Users};
use logon::http::Scheme;
use logon::{AcceptorConfig, BindingsPolicy, ChannelBindings, Policy, ServerNames};
use logon_hyper::rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption};
use logon_hyper::rustls::client::{Tls12ClientSessionValue, Tls13ClientSessionValue};
use logon_hyper::rustls::pki_types::ServerName;
use logon_hyper::rustls::version::{TLS12, TLS13};
use logon_hyper::rustls::{HandshakeKind, NamedGroup};
use logon_hyper::{Certificates, Server, Tls, TlsError};
use logon_tower::{LoggedOn, LogonLayer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;

async fn serve(tls: Tls) -> SocketAddr {
    let mut policy = Policy::default();
    policy.bindings = BindingsPolicy::Always;
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP")).with_policy(policy);
    let app = Router::new().route("/", get(who).post(who)).layer(LogonLayer::new(config, Users));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(app).tls(tls).serve(listener, std::future::pending()));
    address
}

async fn who(user: LoggedOn) -> String {
    user.identity().to_string()
}

type TlsClient = Client<TlsStream<TcpStream>>;

async fn log_on(client: &mut TlsClient, bindings: ChannelBindings) -> u16 {
    client.log_on_bound(Scheme::Ntlm, "alice", PASSWORD, bindings).await.status
}

fn kind(client: &TlsClient) -> HandshakeKind {
    client.0.get_ref().get_ref().1.handshake_kind().unwrap()
}

#[tokio::test]
async fn each_name_has_its_certificate_and_the_bindings_of_it() {
    let [default, web, any] = [(); 3].map(|()| Certificate::make());
    let certificates = Certificates::new(default.chain(), default.key())
        .and_then(|all| all.site(&["Web.corp.example", "www.example"], web.chain(), web.key()))
        .and_then(|all| all.site(&["*.corp.example"], any.chain(), any.key()))
        .unwrap();
    let address = serve(Tls::with_certificates(certificates)).await;
    for (name, expected) in [
        ("web.corp.example", &web),
        ("WEB.CORP.EXAMPLE", &web),
        ("www.example", &web),
        ("other.corp.example", &any),
        ("corp.example", &default),
        ("a.b.corp.example", &default),
        ("unknown.example", &default),
        // No SNI.
        ("127.0.0.1", &default),
    ] {
        let config = Arc::new(config(&[&TLS13]));
        let mut client = connect(address, &config, name).await;
        assert!(client.certificate() == expected.certificate, "{name}");
        let bindings = client.bindings();
        assert_eq!(log_on(&mut client, bindings).await, 200, "{name}");

        for other in [&default, &web, &any].into_iter().filter(|it| !std::ptr::eq(*it, expected)) {
            let mut client = connect(address, &config, name).await;
            let bindings = ChannelBindings::tls_server_end_point(&other.certificate).unwrap();
            assert_eq!(log_on(&mut client, bindings).await, 401, "{name}");
        }
    }
}

#[tokio::test]
async fn a_replaced_certificate_serves_new_connections_and_leaves_open_ones_alone() {
    let [old, new] = [(); 2].map(|()| Certificate::make());
    let tls = Tls::new(old.chain(), old.key()).unwrap();
    let address = serve(tls.clone()).await;
    let config = Arc::new(config(&[&TLS13]));
    let mut logged_on = connect(address, &config, "web.example").await;
    let mut waiting = connect(address, &config, "web.example").await;
    let bindings = logged_on.bindings();
    assert_eq!(log_on(&mut logged_on, bindings.clone()).await, 200);

    tls.replace(Certificates::new(new.chain(), new.key()).unwrap());

    assert_eq!(logged_on.get("").await.body, r"CORP\alice");
    // Whoever has seen the old one logs on with its bindings.
    assert_eq!(log_on(&mut waiting, bindings.clone()).await, 200);
    let mut fresh = connect(address, &config, "web.example").await;
    assert!(fresh.certificate() == new.certificate);
    assert_eq!(log_on(&mut fresh, bindings).await, 401);
    let bindings = fresh.bindings();
    assert_eq!(log_on(&mut fresh, bindings).await, 200);
}

#[tokio::test]
async fn a_resumed_session_has_the_bindings_of_its_certificate() {
    for version in [&TLS12, &TLS13] {
        let [one, two, new] = [(); 3].map(|()| Certificate::make());
        let certificates = Certificates::new(one.chain(), one.key())
            .and_then(|all| all.site(&["two.example"], two.chain(), two.key()))
            .unwrap();
        let tls = Tls::with_certificates(certificates);
        let address = serve(tls.clone()).await;
        let mut config = config(&[version]);
        config.resumption = Resumption::store(Arc::new(AnyName::default()));
        let config = Arc::new(config);
        let visit = async |name| {
            let mut client = connect(address, &config, name).await;
            let bindings = client.bindings();
            assert_eq!(log_on(&mut client, bindings).await, 200, "{name}");
            (kind(&client), client.certificate())
        };
        assert_eq!(visit("one.example").await, (HandshakeKind::Full, one.certificate.clone()));
        assert_eq!(visit("one.example").await, (HandshakeKind::Resumed, one.certificate.clone()));
        // The client offers the session all the same.
        assert_eq!(visit("two.example").await, (HandshakeKind::Full, two.certificate.clone()));
        assert_eq!(visit("two.example").await, (HandshakeKind::Resumed, two.certificate.clone()));
        let certificates = Certificates::new(new.chain(), new.key()).unwrap();
        tls.replace(certificates);
        assert_eq!(visit("two.example").await, (HandshakeKind::Full, new.certificate.clone()));
        assert_eq!(visit("two.example").await, (HandshakeKind::Resumed, new.certificate.clone()));
    }
}

/// Offers the sessions of one server to all.
#[derive(Debug)]
struct AnyName(ClientSessionMemoryCache);

impl Default for AnyName {
    fn default() -> Self {
        Self(ClientSessionMemoryCache::new(16))
    }
}

fn same() -> ServerName<'static> {
    ServerName::try_from("same.example").unwrap()
}

impl ClientSessionStore for AnyName {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(same(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&same())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(same(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&same())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&same());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(same(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&same())
    }
}

#[test]
fn a_name_that_is_none_is_refused() {
    let certificate = Certificate::make();
    for name in ["", "*", "*.", "a b", "*.*.example", "w*.example", "127.0.0.1"] {
        let all = Certificates::new(certificate.chain(), certificate.key()).unwrap();
        let refused = all.site(&[name], certificate.chain(), certificate.key());
        assert!(matches!(refused, Err(TlsError::Name(_))), "{name:?}");
    }
}
