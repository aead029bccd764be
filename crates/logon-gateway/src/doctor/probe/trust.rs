//! Looks at certificates as a client would, and goes on whatever it finds.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// Whom a client trusts.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct Trust {
    roots: Arc<RootCertStore>,
    /// The name that the certificate has to have, if not that of the URL.
    pub(in crate::doctor) name: Option<String>,
}

impl Trust {
    /// The authorities that the system knows.
    pub(in crate::doctor) fn system() -> Self {
        let mut roots = RootCertStore::empty();
        // What cannot be read is not trusted, which is then said of the certificate.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self { roots: Arc::new(roots), name: None }
    }

    /// The authorities of a PEM file.
    pub(in crate::doctor) fn file(path: &Path) -> Result<Self, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
        if roots.is_empty() {
            return Err(wrong(&"it has no certificate"));
        }
        Ok(Self { roots: Arc::new(roots), name: None })
    }

    /// What TLS needs, and where the verdict will be.
    pub(super) fn client(&self) -> Result<(ClientConfig, Verdict), String> {
        let provider = Arc::new(crypto::ring::default_provider());
        let strict = WebPkiServerVerifier::builder_with_provider(
            Arc::clone(&self.roots),
            Arc::clone(&provider),
        );
        // None if there are no authorities at all.
        let strict = strict.build().ok();
        let verdict = Verdict::default();
        let verifier =
            Lenient { strict, provider: Arc::clone(&provider), verdict: verdict.clone() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok((config, verdict))
    }
}

/// Why, for whoever does not know the library.
fn words(error: &Error) -> &'static str {
    let Error::InvalidCertificate(error) = error else { return "it cannot be read" };
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::Revoked => "it has been revoked",
        CertificateError::BadEncoding => "it cannot be read",
        // Whichever way the search for an issuer ended.
        _ => "nobody that is trusted here has issued it",
    }
}

/// Why a client would end the handshake.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict(Arc<Mutex<Option<String>>>);

impl Verdict {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Notes what is wrong with the certificate. That the server has its key is still demanded.
/// Nothing secret is sent to a server that is asked like this.
#[derive(Debug)]
struct Lenient {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    verdict: Verdict,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let distrust = match &self.strict {
            None => Some("this system knows no authorities".to_owned()),
            Some(strict) => strict
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .err()
                .map(|error| words(&error).to_owned()),
        };
        *self.verdict.0.lock().unwrap_or_else(PoisonError::into_inner) = distrust;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use tokio_rustls::rustls::{CertificateError, Error};

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let of = |error| words(&Error::InvalidCertificate(error));
        assert_eq!(of(CertificateError::NotValidForName), "it is for another name");
        assert_eq!(of(CertificateError::Expired), "it has expired");
        assert!(of(CertificateError::UnknownIssuer).starts_with("nobody"));
    }
}
