//! TLS to applications, and what to do when it fails.

use super::config::UpstreamConfig;
use logon_client::Trust;
use std::io;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError};

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
        let trust = match &config.ca {
            Some(file) => Trust::pem_file(file).map_err(|error| {
                format!("{error}; `ca` has to be a PEM file with the certificates of authorities")
            })?,
            None => Trust::system().map_err(|error| format!("{error} with `ca`"))?,
        };
        let connector = |http2| trust.connector(http2).map_err(|error| error.to_string());
        Ok(Self { http_1: connector(false)?, http_2: connector(true)? })
    }
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
