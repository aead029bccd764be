//! Which certificate serves which name.

use crate::tls::TlsError;
use logon::ChannelBindings;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, DnsName, PrivateKeyDer};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Certificates by the name that the client asks for (SNI, [RFC 6066] §3), and one for all
/// other clients.
///
/// [RFC 6066]: https://www.rfc-editor.org/rfc/rfc6066
#[derive(Clone)]
pub struct Certificates {
    default: Arc<Site>,
    exact: HashMap<String, Arc<Site>>,
    /// By what follows the `*.`.
    wildcard: HashMap<String, Arc<Site>>,
}

/// A certificate with all that depends on it. Each has configurations of its own, and with
/// them its own memory of sessions: one that began with another certificate cannot be resumed
/// here, where it would have the wrong channel bindings.
pub(crate) struct Site {
    pub(crate) bindings: ChannelBindings,
    /// HTTP/1.1 only.
    pub(crate) http_1: Arc<ServerConfig>,
    /// HTTP/2 for those who can.
    pub(crate) http_2: Arc<ServerConfig>,
}

impl Certificates {
    /// One certificate for all names: its chain, the end-entity certificate first, and its key.
    ///
    /// # Errors
    /// [`TlsError`] if the certificate or the key is of no use.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let default = Arc::new(Site::new(chain, key)?);
        Ok(Self { default, exact: HashMap::new(), wildcard: HashMap::new() })
    }

    /// Another certificate for clients that ask for one of `names`: `web.corp.example`, or
    /// `*.corp.example` for all names with one label more. An exact name goes before a wildcard.
    ///
    /// # Errors
    /// [`TlsError`] if the certificate or the key is of no use, or a name is none.
    pub fn site(
        mut self,
        names: &[&str],
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let site = Arc::new(Site::new(chain, key)?);
        for name in names {
            let (sites, key) = match name.strip_prefix("*.") {
                Some(rest) => (&mut self.wildcard, rest),
                None => (&mut self.exact, *name),
            };
            DnsName::try_from(key).map_err(|_| TlsError::Name((*name).to_owned()))?;
            sites.insert(key.to_ascii_lowercase(), Arc::clone(&site));
        }
        Ok(self)
    }

    pub(crate) fn of(&self, name: Option<&str>) -> Arc<Site> {
        let name = name.map(str::to_ascii_lowercase).unwrap_or_default();
        let wildcard = || self.wildcard.get(name.split_once('.')?.1);
        Arc::clone(self.exact.get(&name).or_else(wildcard).unwrap_or(&self.default))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("exact", &self.exact.keys())
            .field("wildcard", &self.wildcard.keys())
            .finish_non_exhaustive()
    }
}

impl Site {
    fn new(
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
        let mut http_1 = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Config)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(TlsError::Config)?;
        http_1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut http_2 = http_1.clone();
        http_2.alpn_protocols.insert(0, HTTP_2.to_vec());
        Ok(Self { bindings, http_1: Arc::new(http_1), http_2: Arc::new(http_2) })
    }
}

/// The protocol's name in ALPN (RFC 9113 §3.2).
pub(crate) const HTTP_2: &[u8] = b"h2";
