//! The client: requests, their connections, their logons.

use crate::answer::Inner;
use crate::body::Body;
use crate::connect::Connector;
use crate::error::Error;
use crate::exchange;
use crate::hop::{self, Hop, clean};
use crate::http2::Http2;
use crate::login::Login;
use crate::memory::Memory;
use crate::pool::{Origin, Pool};
use crate::proxy::{Proxy, without_password};
use crate::redirect::{self, AnsweredUrl, Redirects};
use crate::response::ResponseBody;
use crate::tls::Trust;
use crate::trace::Observer;
use crate::tunnel::Tunnel;
use http::header::HeaderValue;
use http::{Method, Request, Response};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// An HTTP client that logs on where it is asked to. Clones share connections.
///
/// Every answer has an [`Outcome`](crate::Outcome) in its extensions: whether it came of a logon,
/// and if not, why; and an [`AnsweredUrl`].
///
/// # Wrong passwords
/// Accounts are locked after a few. So of requests that need a logon one tries the credentials of a
/// login at a server or proxy, and the others wait; this is no part of any timeout. Once they are
/// proven, nobody waits. Once they are refused, they are not sent there again until
/// [`Self::reset`]; where they were right before, after the second time in a row. Two attempts that
/// nobody judges, because the request was given up or took too long, or the connection ended, count
/// as a refusal.
///
/// # Security
/// A connection that credentials went over carries requests of the same login only.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// Makes a [`Client`].
#[derive(Debug)]
pub struct ClientBuilder {
    logins: Vec<Login>,
    proxies: Vec<Proxy>,
    redirects: Redirects,
    trust: Option<Trust>,
    connect_timeout: Duration,
    response_timeout: Option<Duration>,
    idle: Duration,
    max_idle: usize,
    http2: bool,
    observer: Option<Arc<dyn Observer>>,
    user_agent: HeaderValue,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            logins: Vec::new(),
            proxies: Vec::new(),
            redirects: Redirects::default(),
            trust: None,
            connect_timeout: Duration::from_secs(30),
            response_timeout: None,
            idle: Duration::from_secs(60),
            max_idle: 16,
            http2: false,
            observer: None,
            user_agent: HeaderValue::from_static(concat!(
                "logon-client/",
                env!("CARGO_PKG_VERSION")
            )),
        }
    }
}

impl ClientBuilder {
    /// Adds a login. Of several the first one is used that the host may have.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.logins.push(login);
        self
    }

    /// Sends requests through a proxy. Of several the first one is used that is for the request.
    /// Default: none.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// How many redirects are followed. Default: 10.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Who vouches for servers. Default: [`Trust::system`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// For a name, a TCP connection, a TLS handshake each. Default: 30 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// For the head of the answer to each leg, from when the leg is begun to be sent. Default:
    /// none.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = Some(timeout);
        self
    }

    /// How long connections wait for another request, and how many for the same server and login.
    /// Default: 60 seconds, 16.
    #[must_use]
    pub fn idle(mut self, time: Duration, max: usize) -> Self {
        (self.idle, self.max_idle) = (time, max);
        self
    }

    /// Whether `https://` requests that need no logon, or carry theirs each (`Basic`), may go over
    /// HTTP/2, if no proxy is in between. What logs on by connection goes over HTTP/1.1; a server
    /// that asks for it is asked in HTTP/1.1 from then on, which costs the first request there a
    /// second connection. Default: no.
    #[must_use]
    pub fn http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Is told of every leg.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// What requests say who sends them, if they do not say it. Default: `logon-client` and its
    /// version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// The client. Without authorities that vouch for servers, `https://` fails when it is used.
    #[must_use]
    pub fn build(self) -> Client {
        let trust = self.trust.map_or_else(Trust::system, Ok);
        let memory = Arc::<Memory>::default();
        let connector = Connector {
            tls_of_both: self.http2.then(|| trust.clone().and_then(|it| it.connector(true))),
            tls: trust.and_then(|trust| trust.connector(false)),
            timeout: self.connect_timeout,
            response_timeout: self.response_timeout,
            observer: self.observer,
            user_agent: self.user_agent,
            memory: Arc::clone(&memory),
        };
        Client(Arc::new(Inner {
            logins: self.logins.into_iter().map(Login::ready).collect(),
            proxies: self.proxies.into_iter().map(Proxy::ready).collect(),
            redirects: self.redirects,
            connector,
            pool: Arc::new(Pool::new(self.idle, self.max_idle)),
            http2: self.http2.then(|| Arc::new(Http2::new(self.idle))),
            memory,
        }))
    }
}

impl Client {
    /// A builder.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Sends a request, logs on if that is asked for, follows redirects.
    ///
    /// # Errors
    /// [`Error`] if there is no answer. Credentials that are refused are an answer, of status 401
    /// or 407.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<ResponseBody>, Error> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(Error::Method(parts.method));
        }
        let url = hop::read(&parts.uri)?;
        let first = url.clone();
        let (method, headers) = (parts.method, clean(parts.headers)?);
        let mut hop = Hop { url, method, headers, body, requested: true, trusted: true };
        for _ in 0..=self.0.redirects.0 {
            let mut response = self.0.answer(&mut hop).await?;
            response.extensions_mut().insert(AnsweredUrl(hop.url.to_string()));
            if self.0.redirects == Redirects::NONE {
                return Ok(response);
            }
            let (status, headers) = (response.status(), response.headers());
            let to = redirect::target(&hop.url, status, headers).map_err(Error::BadRedirect)?;
            let Some(to) = to else { return Ok(response) };
            // Else the connection cannot be used again.
            exchange::drain(response.into_body()).await;
            let (method, with_body) = redirect::method(status, &hop.method);
            let same_origin = to.origin() == hop.url.origin();
            redirect::clean(&mut hop.headers, same_origin, with_body);
            if !with_body {
                hop.body = Body::empty();
            }
            hop.method = method;
            hop.requested = to.origin() == first.origin();
            hop.trusted &= hop.url.scheme() != "https" || to.scheme() == "https";
            hop.url = to;
        }
        Err(Error::TooManyRedirects(self.0.redirects.0))
    }

    /// Sends `GET`.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn get(&self, url: &str) -> Result<Response<ResponseBody>, Error> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = url.parse().map_err(|_| Error::Url(without_password(url)))?;
        self.send(request).await
    }

    /// A connection to a port of a host, for whatever the caller wants to say there: through the
    /// proxy that is for `https://` to that host, which is logged on to if it wants that, or direct
    /// if there is none. Nobody logs on to the host.
    ///
    /// # Errors
    /// [`Error`] if there is no connection, or the proxy makes none.
    pub async fn connect_tunnel(&self, host: &str, port: u16) -> Result<Tunnel, Error> {
        // As URLs write it.
        let host = url::Host::parse(host).map_err(|_| Error::Url(format!("{host}:{port}")))?;
        let origin = Origin { secure: true, host: host.to_string(), port };
        let connector = &self.0.connector;
        match self.0.proxies.iter().find(|proxy| proxy.is_for(&origin)) {
            Some(proxy) => connector.through(&origin, proxy).await.map(Tunnel::through),
            None => connector.tcp(&origin.host, port).await.map(Tunnel::direct),
        }
    }

    /// Closes connections that wait, and forgets what was learned of servers, such as that they
    /// refuse credentials.
    pub fn reset(&self) {
        self.0.pool.clear();
        if let Some(http2) = &self.0.http2 {
            http2.clear();
        }
        self.0.memory.forget();
        let of_proxies = self.0.proxies.iter().filter_map(|proxy| proxy.login.as_ref());
        for login in self.0.logins.iter().chain(of_proxies) {
            if let Some(tickets) = &login.tickets {
                tickets.reset();
            }
        }
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(request).await })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("logins", &self.0.logins)
            .field("proxies", &self.0.proxies)
            .finish_non_exhaustive()
    }
}
