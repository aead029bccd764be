//! A client on one HTTP/2 connection.

use super::PATIENCE;
use super::application::Seen;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
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
        let request = self.request("GET", path, fields);
        timeout(PATIENCE, self.fetch(request, None)).await.expect("no answer")
    }

    /// With a body and trailers behind it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(crate) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
        trailers: HeaderMap,
    ) -> Result<Answered2, h2::Error> {
        let request = self.request("POST", path, fields);
        let body = Some((Bytes::copy_from_slice(body), trailers));
        timeout(PATIENCE, self.fetch(request, body)).await.expect("no answer")
    }

    fn request(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Request<()> {
        let target = format!("https://{}{path}", self.host);
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    async fn fetch(
        &self,
        request: Request<()>,
        body: Option<(Bytes, HeaderMap)>,
    ) -> Result<Answered2, h2::Error> {
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut sending) = sender.send_request(request, body.is_none())?;
        if let Some((body, trailers)) = body {
            sending.send_data(body, false)?;
            sending.send_trailers(trailers)?;
        }
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
