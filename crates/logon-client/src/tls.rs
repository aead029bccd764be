//! TLS to servers, and what to do when it fails.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, ClientConfig, RootCertStore};

/// Its name in ALPN.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// How webpki, whose errors rustls does not let out, calls an authority's certificate that a server
/// uses for itself.
const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Who vouches for servers.
#[derive(Debug, Clone)]
pub struct Trust(Arc<RootCertStore>);

/// Certificates of authorities that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

impl Trust {
    /// The authorities that this system trusts.
    ///
    /// # Errors
    /// [`TlsError`] if there are none.
    pub fn system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Systems have a few that rustls cannot use.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let text = "the system has no certificates of authorities: install its package \
                        ca-certificates, or name a PEM file";
            return Err(TlsError(text.to_owned()));
        }
        Ok(Self(Arc::new(roots)))
    }

    /// The authorities of a PEM file, and no others.
    ///
    /// # Errors
    /// [`TlsError`] if the file cannot be read, or has no certificate of an authority.
    pub fn pem_file(file: &Path) -> Result<Self, TlsError> {
        let shown = file.display();
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| TlsError(format!("{shown}: {error}")))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|error| TlsError(format!("{shown}: {error}")))?;
        }
        if roots.is_empty() {
            return Err(TlsError(format!("{shown} has no certificate of an authority in PEM")));
        }
        Ok(Self(Arc::new(roots)))
    }

    /// No authority: no server is trusted.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Arc::new(RootCertStore::empty()))
    }

    /// Makes TLS connections for HTTP/1.1, and for HTTP/2 as well if the server prefers it.
    ///
    /// # Errors
    /// [`TlsError`] if TLS cannot be set up.
    pub fn connector(&self, http2: bool) -> Result<TlsConnector, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth();
        // What logs on by connection needs HTTP/1.1 from the start: of HTTP/2 all share one.
        let protocols: &[&[u8]] = if http2 { &[HTTP_2, b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// Why the handshake failed, with what to do.
pub(crate) fn reason(error: &io::Error, host: &str) -> String {
    let cause = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(refusal)) => match refusal {
            // A bad signature: of another authority that has the same name.
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                "its certificate is from an authority that is not trusted here: name the \
                 authority's PEM file"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate is not for {host}: use a name that the certificate has")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired (or the clock here is wrong)".to_owned()
            }
            CertificateError::Other(cause) if cause.to_string().contains(CA_AS_SERVER) => {
                "its certificate is that of an authority, which no server may use for itself: make \
                 one for the server with basicConstraints=CA:FALSE (openssl req -x509 makes the \
                 other kind if it is not told)"
                    .to_owned()
            }
            other => format!("its certificate is refused: {other}"),
        },
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
            "it does not speak HTTP/1.1, which logons need; requests without one can go over \
             HTTP/2, if the client is told to speak it"
                .to_owned()
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "it does not speak TLS: should the URL begin with http://?".to_owned()
        }
        Some(other) => other.to_string(),
        None => format!("the handshake broke off: {error}"),
    }
}
