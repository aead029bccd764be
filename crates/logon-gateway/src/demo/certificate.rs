//! A self-signed certificate for this machine, made anew at every start.

use crate::failure::Failure;
use logon_hyper::Tls;
use logon_hyper::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rcgen::{CertificateParams, DnType, KeyPair};

pub(super) struct SelfSigned {
    pub(super) tls: Tls,
    pub(super) pem: String,
}

/// ECDSA over P-256 with SHA-256, for `localhost`, 127.0.0.1 and `::1`.
pub(super) fn make() -> Result<SelfSigned, Failure> {
    let failed = |error: rcgen::Error| Failure::message(format!("no certificate: {error}"));
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    let pem = certificate.pem();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = Tls::new(vec![certificate.into()], key)
        .map_err(|error| Failure::message(format!("no TLS: {error}")))?;
    Ok(SelfSigned { tls, pem })
}
