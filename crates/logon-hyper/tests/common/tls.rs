//! Certificates, and a client that trusts them all.

use super::Client;
use logon::ChannelBindings;
use logon_hyper::rustls::client::Resumption;
use logon_hyper::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use logon_hyper::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime,
};
use logon_hyper::rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion, crypto,
};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Certificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().into();
        Self { certificate, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }

    /// The arguments of [`logon_hyper::Tls::new`].
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

pub(crate) fn config(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TrustAll))
        .with_no_client_auth();
    config.resumption = Resumption::in_memory_sessions(16);
    config
}

/// A handshake that asks for `name`; for none, if that is an address.
pub(crate) async fn connect(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    name: &str,
) -> Client<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    Client::over(TlsConnector::from(Arc::clone(config)).connect(name, tcp).await.unwrap())
}

impl Client<TlsStream<TcpStream>> {
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.get_ref().get_ref().1.peer_certificates().unwrap()[0].clone()
    }

    pub(crate) fn bindings(&self) -> ChannelBindings {
        ChannelBindings::tls_server_end_point(&self.certificate()).unwrap()
    }
}

#[derive(Debug)]
struct TrustAll;

impl ServerCertVerifier for TrustAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = crypto::ring::default_provider().signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = crypto::ring::default_provider().signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
