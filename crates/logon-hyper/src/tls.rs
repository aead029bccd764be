//! TLS, and the channel bindings that follow from its certificate.

use logon::{ChannelBindings, DecodeError};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// TLS with one certificate.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) bindings: ChannelBindings,
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
}

impl Tls {
    /// TLS with a certificate chain, the end-entity certificate first, and its key. Speaks
    /// HTTP/1.1 only: over HTTP/2 a connection carries requests of many.
    ///
    /// # Errors
    /// [`TlsError`] if the certificate or the key is of no use.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let end_entity = chain.first().ok_or(TlsError::NoCertificate)?;
        let bindings =
            ChannelBindings::tls_server_end_point(end_entity).map_err(TlsError::Certificate)?;
        if bindings.is_none() {
            tracing::warn!(
                "this certificate's signature has no channel bindings defined (an Ed25519 key?): \
                 logons over it can be relayed; use RSA or ECDSA"
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Config)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsError::Config)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), bindings })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("bindings", &self.bindings).finish_non_exhaustive()
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCertificate => f.write_str("there is no certificate"),
            Self::Certificate(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TlsError {}
