//! TLS to applications, and what to do when it fails.

use super::config::UpstreamConfig;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// The protocol's name in ALPN (RFC 9113 §3.2).
pub(super) const HTTP_2: &[u8] = b"h2";

/// Who is to vouch for the application, and what is spoken with it.
#[derive(Clone)]
pub(super) struct Tls {
    /// HTTP/1.1 only.
    pub(super) http_1: TlsConnector,
    /// HTTP/2 if the application agrees.
    pub(super) http_2: TlsConnector,
}

impl Tls {
    pub(super) fn new(config: &UpstreamConfig) -> Result<Self, String> {
        let roots = match &config.ca {
            Some(file) => authorities(file)?,
            None => system()?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut http_1 = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        http_1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut http_2 = http_1.clone();
        http_2.alpn_protocols.insert(0, HTTP_2.to_vec());
        Ok(Self {
            http_1: TlsConnector::from(Arc::new(http_1)),
            http_2: TlsConnector::from(Arc::new(http_2)),
        })
    }
}

fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            format!("{shown}: {error}; `ca` has to be a PEM file that the gateway may read")
        })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| {
            format!("{shown}: {error}; `ca` has to hold the certificates of authorities")
        })?;
    }
    if roots.is_empty() {
        return Err(format!("{shown} has no certificate; `ca` has to hold those of authorities"));
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems have a few that rustls cannot use.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("the system has no certificates of authorities: install its package \
                    ca-certificates, or name a PEM file with `ca`"
            .to_owned());
    }
    Ok(roots)
}

/// The name to verify.
pub(super) fn server_name(
    config: &UpstreamConfig,
    host: &str,
) -> Result<ServerName<'static>, String> {
    let name = config.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name:?} is no name for a certificate: set `server_name`"))
}

/// Why the handshake failed, with what to do.
pub(super) fn reason(error: &io::Error, name: &ServerName<'_>) -> String {
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let name = name.to_str();
    match cause {
        Some(rustls::Error::InvalidCertificate(refusal)) => match refusal {
            // A bad signature: of another authority that has the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is from an authority that is not known here: name the \
                 authority's PEM file with `ca`"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "its certificate is not for {name}: set `server_name` to a name that the \
                     certificate has, or use that name in the URL"
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired: renew it (or correct the clock)".to_owned()
            }
            other => format!("its certificate is refused: {other}"),
        },
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS: should the URL begin with http://?".to_owned()
        }
        Some(other) => format!("TLS: {other}"),
        None => format!("the TLS handshake broke off: {error}"),
    }
}
