//! One URL of an application.

use super::config::{HealthConfig, UpstreamConfig, UpstreamUrl};
use super::connect::{Connected, Connector, Http1, Unconnected};
use super::failure::{Chain, Failure};
use super::head::Address;
use super::outgoing::Outgoing;
use super::pool::{Pool, Stream};
use super::standing::Standing;
use super::timer::Timer;
use super::tls::Tls;
use crate::refusal::Refusal;
use http::header::{HOST, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::AbortHandle;

pub(super) struct Origin {
    /// The application's name, for the log.
    pub(super) upstream: Arc<str>,
    /// For the log.
    pub(super) url: String,
    pub(super) address: Address,
    pub(super) standing: Standing,
    pub(super) pool: Pool,
    connector: Connector,
    http2: bool,
    /// It was asked for HTTP/2 and did not agree.
    declined: AtomicBool,
    /// Requests that come together share the HTTP/2 connection that the first one makes.
    connecting: tokio::sync::Mutex<()>,
}

/// An answer, or a request that has none.
pub(super) type Sent = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>;

/// A connection that a request can be sent on.
pub(super) struct Line {
    sender: Sender,
    /// It has carried a request before, and may have been closed meanwhile.
    pub(super) reused: bool,
}

enum Sender {
    Http1(Http1),
    Http2(http2::SendRequest<Outgoing>, Stream, Timer),
}

impl Origin {
    pub(super) fn new(
        upstream: &Arc<str>,
        url: &UpstreamUrl,
        config: &UpstreamConfig,
        tls: Option<&Tls>,
    ) -> Result<Self, String> {
        let text = url.authority();
        let unusable = |error| format!("{url}: {error}");
        let address = Address {
            scheme: if url.is_https() { Scheme::HTTPS } else { Scheme::HTTP },
            authority: Authority::try_from(text.as_str())
                .map_err(|error| unusable(error.to_string()))?,
            host: HeaderValue::try_from(text).map_err(|error| unusable(error.to_string()))?,
        };
        Ok(Self {
            upstream: Arc::clone(upstream),
            url: url.to_string(),
            address,
            standing: Standing::new(),
            pool: Pool::new(config.idle.0, config.max_idle),
            connector: Connector::new(url, config, tls)?,
            http2: config.http2,
            declined: AtomicBool::new(false),
            connecting: tokio::sync::Mutex::new(()),
        })
    }

    /// A connection from the pool, or a new one. Over one of HTTP/2 the protocol cannot be
    /// changed: `http1` if that is to be done. A `fresh` one of HTTP/1.1 is new in any case.
    pub(super) async fn line(&self, http1: bool, fresh: bool) -> Result<Line, Unconnected> {
        if self.is_for_http2(http1) {
            return Box::pin(self.line_2()).await;
        }
        if !fresh && let Some(line) = self.rested(http1) {
            return Ok(line);
        }
        // Rare, and large with its TLS handshake.
        Box::pin(self.connect(false)).await
    }

    fn is_for_http2(&self, http1: bool) -> bool {
        self.http2 && !http1 && !self.declined.load(Ordering::Relaxed)
    }

    /// A connection of HTTP/1.1 from the pool, if that is what [`Self::line`] would give.
    pub(super) fn rested(&self, http1: bool) -> Option<Line> {
        let sender = if self.is_for_http2(http1) { None } else { self.pool.take() };
        sender.map(|sender| Line { sender: Sender::Http1(sender), reused: true })
    }

    async fn line_2(&self) -> Result<Line, Unconnected> {
        let shared = || {
            let (sender, stream) = self.pool.share()?;
            Some(Line { sender: Sender::Http2(sender, stream, Timer::default()), reused: true })
        };
        if let Some(line) = shared() {
            return Ok(line);
        }
        let _connecting = match self.connecting.try_lock() {
            Ok(connecting) => connecting,
            Err(_) => {
                let connecting = self.connecting.lock().await;
                // Not one after the other, each for the whole time.
                if !self.standing.is_up() {
                    let reason = "another request could not connect".to_owned();
                    return Err(Unconnected { refusal: Refusal::NoUpstream, reason });
                }
                connecting
            }
        };
        // Another request may have made one in the meantime.
        if let Some(line) = shared() {
            return Ok(line);
        }
        self.connect(true).await
    }

    async fn connect(&self, http2: bool) -> Result<Line, Unconnected> {
        let connected = self.connector.connect(http2).await.inspect_err(|error| {
            self.is_down(&error.reason);
        })?;
        let sender = match connected {
            Connected::Http1(sender) => {
                if http2 {
                    self.declined.store(true, Ordering::Relaxed);
                }
                Sender::Http1(sender)
            }
            Connected::Http2(sender) => {
                let stream = self.pool.add(&sender);
                Sender::Http2(sender, stream, Timer::default())
            }
        };
        self.is_up();
        Ok(Line { sender, reused: false })
    }

    fn is_up(&self) {
        if self.standing.works() {
            tracing::info!(upstream = &*self.upstream, url = self.url, "the application is back");
        }
    }

    fn is_down(&self, reason: &str) {
        if self.standing.fails() {
            let (upstream, url) = (&*self.upstream, &self.url);
            tracing::warn!(upstream, url, "the application is down: {reason}");
        }
    }

    /// Asks whether the application works, over a connection of its own.
    pub(super) async fn check(&self, health: &HealthConfig) {
        let status = tokio::time::timeout(health.timeout.0, self.ask(&health.path)).await;
        match status {
            Ok(Ok(status)) if !status.is_server_error() => self.is_up(),
            Ok(Ok(status)) => self.is_down(&format!("its health check says {status}")),
            Ok(Err(reason)) => self.is_down(&reason),
            Err(_) => self.is_down("its health check is not answered in time"),
        }
    }

    async fn ask(&self, path: &str) -> Result<StatusCode, String> {
        let connected = self.connector.connect(true).await.map_err(|error| error.reason)?;
        let mut request = Request::new(Outgoing::empty());
        request.headers_mut().insert("user-agent", HeaderValue::from_static("logon-health"));
        let uri = match connected {
            Connected::Http1(_) => path.to_owned(),
            Connected::Http2(_) => {
                format!("{}://{}{path}", self.address.scheme, self.address.authority)
            }
        };
        *request.uri_mut() = uri.parse().map_err(|error| format!("{path:?}: {error}"))?;
        let answer = match connected {
            Connected::Http1(Http1 { mut sender, .. }) => {
                let headers = request.headers_mut();
                headers.insert(HOST, self.address.host.clone());
                headers.insert("connection", HeaderValue::from_static("close"));
                sender.send_request(request).await
            }
            Connected::Http2(mut sender) => sender.send_request(request).await,
        };
        answer.map(|answer| answer.status()).map_err(|error| Chain(&error).to_string())
    }

    pub(super) fn failure(&self, refusal: Refusal, reason: impl Into<String>) -> Failure {
        Failure { refusal, url: Some(self.url.clone()), reason: reason.into() }
    }
}

impl Line {
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(..))
    }

    /// Sends a request. The future is only for the answer.
    pub(super) fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> Pin<Box<dyn Future<Output = Sent> + Send>> {
        match &mut self.sender {
            Sender::Http1(http1) => Box::pin(http1.sender.try_send_request(request)),
            Sender::Http2(sender, ..) => Box::pin(sender.try_send_request(request)),
        }
    }

    /// For the wait for the answer.
    pub(super) fn timer(&mut self) -> &mut Timer {
        match &mut self.sender {
            Sender::Http1(http1) => &mut http1.timer,
            Sender::Http2(.., timer) => timer,
        }
    }

    /// It has failed: others are not to meet the same end.
    pub(super) fn discard(&self, origin: &Origin) {
        if let Sender::Http2(_, stream, _) = &self.sender {
            origin.pool.discard(stream);
        }
    }

    /// Who ends it if it does not end by itself.
    pub(super) fn task(&self) -> Option<&AbortHandle> {
        match &self.sender {
            Sender::Http1(http1) => Some(&http1.task),
            Sender::Http2(..) => None,
        }
    }

    /// After the answer: for the next request.
    pub(super) fn put_back(self, origin: &Origin) {
        if let Sender::Http1(http1) = self.sender {
            origin.pool.put(http1);
        }
    }
}
