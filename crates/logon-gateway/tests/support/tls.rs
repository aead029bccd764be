//! Certificates, and clients that speak TLS and trust one authority.

use super::gateway::Folder;
use super::{Client, PATIENCE};
use logon::ChannelBindings;
use logon_hyper::rustls::client::Resumption;
use logon_hyper::rustls::pki_types::pem::PemObject;
use logon_hyper::rustls::pki_types::{CertificateDer, ServerName};
use logon_hyper::rustls::{ClientConfig, RootCertStore, crypto};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Vouches for the certificates of a test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn certify(&self, names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        Certificate {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
        }
    }

    /// A client that trusts this authority.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        trusting(self.0.der().clone(), &[])
    }

    /// The same, and it offers HTTP/2.
    pub(crate) fn client2(&self) -> Arc<ClientConfig> {
        trusting(self.0.der().clone(), &[b"h2"])
    }
}

impl Certificate {
    /// Writes `NAME.pem` and `NAME.key`.
    pub(crate) fn save(&self, folder: &Folder, name: &str) {
        folder.write(&format!("{name}.pem"), &self.pem);
        folder.write(&format!("{name}.key"), &self.key);
    }

    /// What a client binds its logon to that sees this certificate.
    pub(crate) fn bindings(&self) -> ChannelBindings {
        ChannelBindings::tls_server_end_point(&self.der).unwrap()
    }
}

/// A client that trusts the one certificate of a file.
pub(crate) fn trusting_file(path: &Path) -> Arc<ClientConfig> {
    trusting(CertificateDer::from_pem_file(path).unwrap(), &[])
}

fn trusting(root: CertificateDer<'static>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let mut config =
        ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    // Each test sees the certificate of its own handshake.
    config.resumption = Resumption::disabled();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

impl Client<TlsStream<TcpStream>> {
    /// Asks for `host`, whose certificate has to say that name. Logons are bound to it.
    pub(crate) async fn connect_tls(
        address: SocketAddr,
        config: &Arc<ClientConfig>,
        host: &str,
    ) -> Self {
        Self::try_connect_tls(address, config, host).await.unwrap()
    }

    pub(crate) async fn try_connect_tls(
        address: SocketAddr,
        config: &Arc<ClientConfig>,
        host: &str,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = timeout(PATIENCE, async {
            connector.connect(name, TcpStream::connect(address).await?).await
        })
        .await
        .expect("no handshake")?;
        let mut client = Self::over(stream).to(host);
        client.bindings = ChannelBindings::tls_server_end_point(&client.certificate()).unwrap();
        Ok(client)
    }

    /// What the server showed.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.stream().get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}
