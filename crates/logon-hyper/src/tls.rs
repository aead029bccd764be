//! TLS, and the channel bindings that follow from the certificate it has shown.

use crate::certificates::{Certificates, HTTP_2};
use logon::{ChannelBindings, DecodeError};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::Acceptor;
use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// TLS with certificates that can be replaced while the server runs: through any clone.
#[derive(Debug, Clone)]
pub struct Tls {
    certificates: Arc<RwLock<Arc<Certificates>>>,
    http2: bool,
}

/// Why TLS cannot be had of a certificate and a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate.
    NoCertificate,
    /// The end-entity certificate cannot be read.
    Certificate(DecodeError),
    /// The TLS library refuses certificate or key.
    Config(rustls::Error),
    /// This is neither a DNS name nor `*.` and one.
    Name(String),
}

impl Tls {
    /// TLS with a certificate chain, the end-entity certificate first, and its key.
    ///
    /// # Errors
    /// [`TlsError`] if the certificate or the key is of no use.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        Certificates::new(chain, key).map(Self::with_certificates)
    }

    /// TLS with several certificates.
    #[must_use]
    pub fn with_certificates(certificates: Certificates) -> Self {
        Self { certificates: Arc::new(RwLock::new(Arc::new(certificates))), http2: false }
    }

    /// Speaks HTTP/2 with clients that offer it. Without, TLS speaks HTTP/1.1 only, because
    /// NTLM and Negotiate prove who is at the other end of a connection, and over HTTP/2 a
    /// connection carries requests of many: clients that have to log on then make a second
    /// connection. Choose it where most requests need no logon, or one that comes with every
    /// request.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Serves these certificates from now on. Open connections, and handshakes under way, keep
    /// what they began with.
    pub fn replace(&self, certificates: Certificates) {
        let certificates = Arc::new(certificates);
        *self.certificates.write().unwrap_or_else(PoisonError::into_inner) = certificates;
    }

    /// The handshake. Which certificate it shows is decided here, by the client's first message,
    /// so that the bindings are those of that certificate whatever is replaced meanwhile.
    pub(crate) async fn accept<I>(&self, io: I) -> io::Result<Accepted<I>>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        let start = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
        let certificates =
            Arc::clone(&self.certificates.read().unwrap_or_else(PoisonError::into_inner));
        let site = certificates.of(start.client_hello().server_name());
        let config = if self.http2 { &site.http_2 } else { &site.http_1 };
        let stream = start.into_stream(Arc::clone(config)).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
        Ok(Accepted { stream, is_http2, bindings: site.bindings.clone() })
    }
}

/// A connection after its handshake.
pub(crate) struct Accepted<I> {
    pub(crate) stream: TlsStream<I>,
    pub(crate) is_http2: bool,
    pub(crate) bindings: ChannelBindings,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("there is no certificate"),
            Self::Certificate(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Name(name) => write!(f, "{name:?} is neither a DNS name nor `*.` and one"),
        }
    }
}

impl std::error::Error for TlsError {}
