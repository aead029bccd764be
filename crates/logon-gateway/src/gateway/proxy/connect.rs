//! New connections to an application.

use super::config::{UpstreamConfig, UpstreamUrl};
use super::failure::Chain;
use super::outgoing::Outgoing;
use super::timer::Timer;
use super::tls::{self, HTTP_2, Tls};
use crate::refusal::Refusal;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::rustls::pki_types::ServerName;

/// Between pings of an HTTP/2 connection that is in use, and for the answer to one.
const PING: Duration = Duration::from_secs(20);

/// How one URL is connected to.
pub(super) struct Connector {
    url: UpstreamUrl,
    tls: Option<(Tls, ServerName<'static>)>,
    http2: bool,
    timeout: Duration,
}

/// A connection over which nothing has been sent.
pub(super) enum Connected {
    Http1(Http1),
    Http2(http2::SendRequest<Outgoing>),
}

/// One of HTTP/1.1, for one request at a time.
pub(super) struct Http1 {
    pub(super) sender: http1::SendRequest<Outgoing>,
    /// The task that reads and writes.
    pub(super) task: AbortHandle,
    /// For the waits for its answers.
    pub(super) timer: Timer,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Unconnected {
    pub(super) refusal: Refusal,
    pub(super) reason: String,
}

impl Connector {
    pub(super) fn new(
        url: &UpstreamUrl,
        config: &UpstreamConfig,
        tls: Option<&Tls>,
    ) -> Result<Self, String> {
        let tls = match tls {
            Some(tls) if url.is_https() => {
                Some((tls.clone(), tls::server_name(config, url.host())?))
            }
            _ => None,
        };
        let timeout = config.connect_timeout.0;
        Ok(Self { url: url.clone(), tls, http2: config.http2, timeout })
    }

    /// Connects. HTTP/2 only if `http2` and the configuration say so, and the application agrees.
    pub(super) async fn connect(&self, http2: bool) -> Result<Connected, Unconnected> {
        tokio::time::timeout(self.timeout, self.attempt(http2 && self.http2)).await.unwrap_or_else(
            |_| {
                let reason = format!("no connection within {:?}", self.timeout);
                Err(Unconnected { refusal: Refusal::ConnectTimeout, reason })
            },
        )
    }

    async fn attempt(&self, http2: bool) -> Result<Connected, Unconnected> {
        let tcp =
            TcpStream::connect((self.url.host(), self.url.port())).await.map_err(|error| {
                Unconnected { refusal: Refusal::NoUpstream, reason: error.to_string() }
            })?;
        // Requests are written whole; waiting for more would only make them late.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {error}");
        }
        let Some((tls, name)) = &self.tls else {
            return if http2 {
                handshake_2(TokioIo::new(tcp)).await
            } else {
                handshake_1(TokioIo::new(tcp)).await
            };
        };
        let connector = if http2 { &tls.http_2 } else { &tls.http_1 };
        let stream = connector.connect(name.clone(), tcp).await.map_err(|error| Unconnected {
            refusal: Refusal::Tls,
            reason: tls::reason(&error, name),
        })?;
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            handshake_2(TokioIo::new(stream)).await
        } else {
            handshake_1(TokioIo::new(stream)).await
        }
    }
}

/// What is read of an answer ahead of a client that is slow to take it, and the most that its
/// head may be.
const ANSWER_BUFFER: usize = 128 * 1024;

async fn handshake_1<I>(io: I) -> Result<Connected, Unconnected>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(ANSWER_BUFFER)
        .handshake(io)
        .await
        .map_err(|error| Unconnected::handshake(&error))?;
    let task = tokio::spawn(async move {
        // Who waits for an answer is told as well.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!("connection to the application ended: {}", Chain(&error));
        }
    });
    let (task, timer) = (task.abort_handle(), Timer::default());
    Ok(Connected::Http1(Http1 { sender, task, timer }))
}

async fn handshake_2<I>(io: I) -> Result<Connected, Unconnected>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .handshake(io)
        .await
        .map_err(|error| Unconnected::handshake(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("connection to the application ended: {}", Chain(&error));
        }
    });
    Ok(Connected::Http2(sender))
}

impl Unconnected {
    fn handshake(error: &hyper::Error) -> Self {
        Self { refusal: Refusal::NoUpstream, reason: Chain(error).to_string() }
    }
}
