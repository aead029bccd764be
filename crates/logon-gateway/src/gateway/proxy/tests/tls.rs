//! Applications behind TLS.

use super::support::{get, soon, text};
use crate::gateway::proxy::{Upstream, UpstreamConfig};
use crate::refusal::Refusal;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// One for all tests of this process.
static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { issuer: Issuer::new(params, key), pem }
});

static FILE: LazyLock<tempfile::NamedTempFile> = LazyLock::new(|| {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &AUTHORITY.pem).unwrap();
    file
});

pub(super) fn authority_file() -> PathBuf {
    FILE.path().to_owned()
}

pub(super) fn acceptor(name: &str, expired: bool, protocols: &[&str]) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let certificate = params.signed_by(&key, &AUTHORITY.issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// An application of one answer, which says the version that it was asked in.
pub(super) async fn application(acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper::service::service_fn(|request| async move {
                    let request: http::Request<hyper::body::Incoming> = request;
                    let text = format!("{:?} {}", request.version(), request.uri());
                    Ok::<_, std::convert::Infallible>(super::support::full(text))
                });
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let io = TokioIo::new(stream);
                if http2 {
                    let executor = hyper_util::rt::TokioExecutor::new();
                    let builder = hyper::server::conn::http2::Builder::new(executor);
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let builder = hyper::server::conn::http1::Builder::new();
                    let _ = builder.serve_connection(io, service).await;
                }
            });
        }
    });
    address
}

pub(super) fn config(application: SocketAddr) -> UpstreamConfig {
    let mut config = UpstreamConfig::of(format!("https://{application}").parse().unwrap());
    config.ca = Some(authority_file());
    config
}

#[tokio::test]
async fn a_certificate_of_the_named_authority_is_good() {
    let application = application(acceptor("127.0.0.1", false, &[])).await;
    let upstream = Upstream::new("app", &config(application)).unwrap();
    for _ in 0..2 {
        assert_eq!(text(soon(get(&upstream)).await).await, "HTTP/1.1 /");
    }
}

#[tokio::test]
async fn the_name_to_verify_can_be_given() {
    let application = application(acceptor("app.corp.example", false, &["http/1.1"])).await;
    let mut config = config(application);
    config.server_name = Some("app.corp.example".to_owned());
    let upstream = Upstream::new("app", &config).unwrap();
    assert_eq!(text(soon(get(&upstream)).await).await, "HTTP/1.1 /");
}

#[tokio::test]
async fn certificates_that_are_not_good_are_refused_and_the_log_says_what_to_do() {
    use crate::gateway::proxy::tests::support::logged;
    let stranger = |name: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if !name.is_empty() {
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
        }
        std::fs::write(file.path(), params.self_signed(&key).unwrap().pem()).unwrap();
        file
    };
    // Another authority, and another one of the same name.
    let (unknown, namesake) = (stranger("unknown"), stranger(""));
    let at = application(acceptor("127.0.0.1", false, &[])).await;
    let (mut first, mut second) = (config(at), config(at));
    first.ca = Some(unknown.path().to_owned());
    second.ca = Some(namesake.path().to_owned());
    let other = config(application(acceptor("app.corp.example", false, &[])).await);
    let old = config(application(acceptor("127.0.0.1", true, &[])).await);
    for (config, remedy) in [
        (&first, "PEM file with `ca`"),
        (&second, "PEM file with `ca`"),
        (&other, "set `server_name`"),
        (&old, "has expired: renew it"),
    ] {
        let upstream = Upstream::new("app", config).unwrap();
        let (answer, log) = logged(soon(get(&upstream))).await;
        assert_eq!(answer.status(), 502);
        assert_eq!(answer.extensions().get::<Refusal>(), Some(&Refusal::Tls));
        assert!(log.contains(remedy), "{log}");
        assert!(log.contains("upstream=\"app\"") && log.contains("https://127.0.0.1:"), "{log}");
        assert!(!upstream.is_up());
    }
}

#[tokio::test]
async fn an_application_without_tls_is_recognised() {
    let application = super::support::raw(|mut stream, _| async move {
        let _ = stream.read_u8().await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        // Whoever closes with bytes unread takes back what was said.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let upstream = Upstream::new("app", &config(application)).unwrap();
    let (answer, log) = super::support::logged(soon(get(&upstream))).await;
    assert_eq!(answer.extensions().get::<Refusal>(), Some(&Refusal::Tls));
    assert!(log.contains("should the URL begin with http://?"), "{log}");
}

#[tokio::test]
async fn an_answer_without_the_end_of_tls_is_never_a_complete_one() {
    // The length is said by the end of the connection only: somebody on the way could cut it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor("127.0.0.1", false, &[]).accept(stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        // No close_notify.
        let (tcp, _) = stream.into_inner();
        drop(tcp);
    });
    let upstream = Upstream::new("app", &config(address)).unwrap();
    let answer = soon(get(&upstream)).await;
    let body = http_body_util::BodyExt::collect(answer.into_body());
    soon(body).await.unwrap_err();
}
