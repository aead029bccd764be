//! A client on one HTTP/2 connection.

use super::PATIENCE;
use super::application::Seen;
use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use logon_hyper::rustls::ClientConfig;
use logon_hyper::rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// See [`Authority::client2`](super::Authority::client2) for its configuration.
pub(crate) struct Client2 {
    sender: SendRequest<Bytes>,
    host: String,
}

/// An answer. Its body is what an application says that it saw.
#[derive(Debug)]
pub(crate) struct Answered2 {
    pub(crate) head: http::response::Parts,
    pub(crate) body: Vec<u8>,
}

impl Answered2 {
    /// The request as the application received it.
    pub(crate) fn seen(&self) -> Seen {
        assert_eq!(self.head.status, 200, "{self:?}");
        Seen::of(&self.body)
    }
}

impl Client2 {
    pub(crate) async fn connect(
        address: SocketAddr,
        config: &Arc<ClientConfig>,
        host: &str,
    ) -> Self {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::clone(config));
        let tcp = TcpStream::connect(address).await.unwrap();
        let stream = timeout(PATIENCE, connector.connect(name, tcp)).await.unwrap().unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host: host.to_owned() }
    }

    /// # Errors
    /// The stream was reset; see [`h2::Error::reason`].
    pub(crate) async fn get(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answered2, h2::Error> {
        timeout(PATIENCE, self.fetch(path, fields)).await.expect("no answer")
    }

    async fn fetch(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answered2, h2::Error> {
        let mut sender = self.sender.clone().ready().await?;
        let mut request = Request::get(format!("https://{}{path}", self.host));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (response, _) = sender.send_request(request.body(()).unwrap(), true)?;
        let (head, mut stream) = response.await?.into_parts();
        let mut body = Vec::new();
        while let Some(bytes) = stream.data().await {
            let bytes = bytes?;
            body.extend_from_slice(&bytes);
            let _ = stream.flow_control().release_capacity(bytes.len());
        }
        Ok(Answered2 { head, body })
    }
}
