//! One connection over which requests are sent one after the other, as NTLM needs it.

use super::target::Target;
use super::trust::Trust;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConnection;
use tokio_rustls::rustls::pki_types::ServerName;

/// For a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A longer body is not waited for, and the connection is given up.
const BODY: usize = 1 << 20;

pub(in crate::doctor) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    target: Target,
    /// Of an https URL.
    pub(in crate::doctor) tls: Option<TlsFacts>,
}

/// What a handshake told.
#[derive(Debug, Clone)]
pub(in crate::doctor) struct TlsFacts {
    /// `TLS 1.3`.
    pub(in crate::doctor) version: String,
    pub(in crate::doctor) http2: bool,
    /// DER of the server's certificate.
    pub(in crate::doctor) certificate: Vec<u8>,
    /// Why a client would not trust it.
    pub(in crate::doctor) distrust: Option<String>,
}

/// An answer without its body.
pub(in crate::doctor) struct Answer {
    pub(in crate::doctor) status: u16,
    pub(in crate::doctor) headers: HeaderMap,
    pub(in crate::doctor) time: Duration,
    /// Whether another request can follow on this connection.
    pub(in crate::doctor) stays: bool,
}

impl Answer {
    /// The values of all fields of this name; what is not ASCII is shown as such.
    pub(in crate::doctor) fn all(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).into_iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    pub(in crate::doctor) fn date(&self) -> Option<&str> {
        self.headers.get(http::header::DATE)?.to_str().ok()
    }
}

/// Where it ended.
#[derive(Debug)]
pub(in crate::doctor) enum Trouble {
    Connect(io::Error),
    Tls(io::Error),
    Http(hyper::Error),
    Request(http::Error),
    Time,
}

impl Connection {
    pub(in crate::doctor) async fn open(target: &Target, trust: &Trust) -> Result<Self, Trouble> {
        timeout(PATIENCE, Self::connect(target, trust)).await.map_err(|_| Trouble::Time)?
    }

    async fn connect(target: &Target, trust: &Trust) -> Result<Self, Trouble> {
        let tcp = tcp(target).await?;
        if !target.https {
            return Self::start(tcp, target, None).await;
        }
        let (stream, facts) = handshake(tcp, target, trust, &[b"http/1.1"]).await?;
        Self::start(stream, target, Some(facts)).await
    }

    async fn start<I>(io: I, target: &Target, tls: Option<TlsFacts>) -> Result<Self, Trouble>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            http1::handshake(TokioIo::new(io)).await.map_err(Trouble::Http)?;
        // Ends with the sender; how it ends is seen there.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, target: target.clone(), tls })
    }

    /// Asks for the target, with these credentials if there are any.
    pub(in crate::doctor) async fn get(
        &mut self,
        credentials: Option<&str>,
    ) -> Result<Answer, Trouble> {
        timeout(PATIENCE, self.ask(credentials)).await.map_err(|_| Trouble::Time)?
    }

    async fn ask(&mut self, credentials: Option<&str>) -> Result<Answer, Trouble> {
        let mut request = Request::get(self.target.path.as_str())
            .header(http::header::HOST, self.target.authority())
            .header(http::header::USER_AGENT, concat!("logon-doctor/", env!("CARGO_PKG_VERSION")))
            .header(http::header::ACCEPT, "*/*");
        if let Some(credentials) = credentials {
            request = request.header(http::header::AUTHORIZATION, credentials);
        }
        let request = request.body(Empty::new()).map_err(Trouble::Request)?;
        self.sender.ready().await.map_err(Trouble::Http)?;
        let start = Instant::now();
        let response = self.sender.send_request(request).await.map_err(Trouble::Http)?;
        let time = start.elapsed();
        let (parts, body) = response.into_parts();
        let whole = Limited::new(body, BODY).collect().await.is_ok();
        let stays = whole && self.sender.ready().await.is_ok();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, time, stays })
    }
}

/// Whether the server would speak HTTP/2 with a client that can.
pub(in crate::doctor) async fn offers_http2(
    target: &Target,
    trust: &Trust,
) -> Result<bool, Trouble> {
    let asked = async {
        let tcp = tcp(target).await?;
        handshake(tcp, target, trust, &[b"h2", b"http/1.1"]).await
    };
    let (_, facts) = timeout(PATIENCE, asked).await.map_err(|_| Trouble::Time)??;
    Ok(facts.http2)
}

async fn tcp(target: &Target) -> Result<TcpStream, Trouble> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await;
    let stream = stream.map_err(Trouble::Connect)?;
    // Only for speed.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn handshake(
    tcp: TcpStream,
    target: &Target,
    trust: &Trust,
    protocols: &[&[u8]],
) -> Result<(tokio_rustls::client::TlsStream<TcpStream>, TlsFacts), Trouble> {
    let other = |error: String| Trouble::Tls(io::Error::other(error));
    let name = trust.name.as_deref().unwrap_or(&target.host).to_owned();
    let name = ServerName::try_from(name).map_err(|error| other(error.to_string()))?;
    let (mut config, verdict) = trust.client().map_err(other)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, tcp).await.map_err(Trouble::Tls)?;
    let (_, session) = stream.get_ref();
    let facts = TlsFacts {
        version: version(session),
        http2: session.alpn_protocol() == Some(b"h2"),
        certificate: session
            .peer_certificates()
            .and_then(<[_]>::first)
            .map(|certificate| certificate.to_vec())
            .unwrap_or_default(),
        distrust: verdict.take(),
    };
    Ok((stream, facts))
}

fn version(session: &ClientConnection) -> String {
    let version =
        session.protocol_version().and_then(|version| version.as_str().map(str::to_owned));
    version.unwrap_or_else(|| "TLSv?".to_owned()).replace("v1_", " 1.").replace("v1.", " 1.")
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {error}"),
            Self::Tls(error) => write!(f, "no TLS: {error}"),
            Self::Http(error) => write!(f, "no HTTP: {error}"),
            Self::Request(error) => error.fmt(f),
            Self::Time => write!(f, "no answer in {} seconds", PATIENCE.as_secs()),
        }
    }
}
