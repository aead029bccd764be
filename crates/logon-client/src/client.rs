//! The client: requests, their connections, their logons.

use crate::body::Body;
use crate::connect::{Connector, Line, MAX_RESTARTS};
use crate::error::Error;
use crate::exchange::{self, Answer, Failed, Manner, Message};
use crate::http2::{Asked, Http2};
use crate::login::{Login, Ready};
use crate::memory::{Memory, Place};
use crate::party::{Logon, Outcome, Party};
use crate::pool::{Key, Origin, Pool};
use crate::proxy::{Proxy, ReadyProxy, without_password};
use crate::redirect::{self, AnsweredUrl, Redirects};
use crate::response::{Lease, ResponseBody};
use crate::tls::Trust;
use crate::trace::{Event, Observer};
use crate::tunnel::Tunnel;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{Method, Request, Response, Uri};
use logon::TargetName;
use logon::http::{ClientAuth, Side};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use url::{Position, Url};

/// An HTTP client that logs on where it is asked to. Clones share connections.
///
/// Every answer has an [`Outcome`] in its extensions: whether it came of a logon, and if not, why;
/// and an [`AnsweredUrl`].
///
/// # Security
/// A connection that credentials went over carries requests of the same login only.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    logins: Vec<Ready>,
    proxies: Vec<ReadyProxy>,
    redirects: Redirects,
    connector: Connector,
    pool: Arc<Pool<Line>>,
    http2: Option<Http2>,
    memory: Arc<Memory>,
}

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
            http2: self.http2.then(|| Http2::new(self.idle)),
            memory,
        }))
    }
}

/// A request on its way through redirects.
struct Hop {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Body,
    /// The caller named this origin.
    requested: bool,
    /// It came over TLS, or began without: credentials may go.
    trusted: bool,
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
        let url = read(&parts.uri)?;
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
    }
}

impl Inner {
    /// The answer to one request, whichever connections it takes.
    async fn answer(&self, hop: &mut Hop) -> Result<Response<ResponseBody>, Error> {
        let origin = origin(&hop.url)?;
        let proxy = self.proxies.iter().find(|proxy| proxy.is_for(&origin));
        let forwarded = proxy.filter(|_| !origin.secure);
        let login = self.login(hop, &origin);
        let place = login.map(|it| Place { origin: Some(origin.clone()), login: it.id });
        let refused = place.as_ref().is_some_and(|place| self.memory.is_refused(place));
        let login = login.filter(|_| !refused);
        let proxy_login = forwarded.and_then(|proxy| proxy.login.as_ref());
        let proxy_place = proxy_login.map(|login| Place { origin: None, login: login.id });
        let proxy_refused = proxy_place.as_ref().is_some_and(|it| self.memory.is_refused(it));
        let proxy_login = proxy_login.filter(|_| !proxy_refused);

        let mut message = Message {
            method: hop.method.clone(),
            target: target(&hop.url, forwarded.is_some())?,
            headers: self.headers(hop)?,
            body: std::mem::take(&mut hop.body),
        };
        // A body must not be left out where nobody has asked for credentials yet.
        let bodiless = message.body.is_empty();
        let known = |place: &Option<Place>| {
            place.as_ref().filter(|_| bodiless).and_then(|it| self.memory.scheme(it))
        };
        let mut start = known(&place).filter(|_| forwarded.is_none());
        let mut proxy_start = known(&proxy_place);
        if let Some(http2) = self.http2.as_ref().filter(|_| origin.secure && proxy.is_none()) {
            let url = self::target(&hop.url, true)?;
            let asked = Asked { origin: &origin, login, start, url };
            let answered = http2.answer(&self.connector, &self.pool, &asked, &mut message).await?;
            if let Some((response, logon)) = answered {
                hop.body = message.body;
                if let Some(place) = place {
                    self.memory.learn(place, &logon);
                }
                let mut response = response.map(ResponseBody::shared);
                let origin = logon.or_before(refused);
                response.extensions_mut().insert(Outcome { origin, proxy: Logon::NotAsked });
                return Ok(response);
            }
        }
        let mut key = Key { origin, proxy: proxy.map(|proxy| proxy.id), owner: None };
        let (mut restarts, mut judged) = (0_usize, false);
        let (mut kept, mut proxy_kept) = (None, None);
        let answered = loop {
            let line = self.line(&mut key, login, proxy, restarts > 0).await?;
            let Line { mut wire, bindings, reused, origin, proxy: at } = line;
            let secure = key.origin.secure;
            let target = TargetName::http(&key.origin.host);
            let mut at_origin = Party::new(Side::Origin, login, target, &bindings, secure);
            let target = proxy.map(|proxy| TargetName::http(&proxy.host)).unwrap_or_default();
            let mut at_proxy = Party::new(Side::Proxy, proxy_login, target, &bindings, false);
            (at_origin.auth, at_proxy.auth) = (origin.or(kept.take()), at.or(proxy_kept.take()));
            (at_origin.start, at_proxy.start) = (start, proxy_start);
            let manner = Manner {
                forwarded: forwarded.is_some(),
                reused,
                timeout: self.connector.response_timeout,
                observer: self.connector.observer.as_ref(),
            };
            let sent =
                exchange::run(&mut wire, &mut at_origin, &mut at_proxy, &mut message, &manner)
                    .await;
            (start, proxy_start) = (at_origin.start, at_proxy.start);
            // It stays its owner's: a server may remember a logon that is forgotten here.
            let owner =
                login.filter(|_| at_origin.sent || at_origin.auth.is_some()).map(|login| login.id);
            let owner = key.owner.or(owner);
            let (of_origin, of_proxy) = (at_origin.logon, at_proxy.logon);
            let (origin, at) = (at_origin.auth, at_proxy.auth);
            let (reason, cause) = match sent {
                Ok(answer) => {
                    let line = Line { wire, origin, proxy: at, bindings, reused: true };
                    key.owner = owner;
                    break (answer, line, of_origin, of_proxy);
                }
                Err(Failed::Next(reason)) => {
                    // What belongs to a request outlives its connection.
                    let of_request =
                        |auth: &ClientAuth| auth.scheme().is_some_and(|it| !it.is_per_connection());
                    (kept, proxy_kept) = (origin.filter(of_request), at.filter(of_request));
                    (reason, std::io::Error::other(reason).into())
                }
                // Some servers close when they refuse: once more may be once too often already.
                Err(Failed::Closed { cause, again: true, judged: was_judged })
                    if message.body.can_be_sent() && !(judged && was_judged) =>
                {
                    judged |= was_judged;
                    ("the connection was closed", cause)
                }
                Err(Failed::Closed { cause, judged: was_judged, .. }) => {
                    // Once may be an accident.
                    let twice = judged && was_judged;
                    if let (true, Some(place), Some(scheme)) = (twice, place, start) {
                        self.memory.learn(place, &Logon::Refused { scheme });
                    }
                    return Err(Error::Closed(cause));
                }
                Err(Failed::Fatal(error)) => return Err(error),
            };
            if restarts == MAX_RESTARTS {
                return Err(Error::Closed(cause));
            }
            restarts = restarts.saturating_add(1);
            self.connector.tell(Event::Restarting { reason });
        };
        hop.body = message.body;
        let (answer, line, of_origin, of_proxy) = answered;
        if let Some(place) = place {
            self.memory.learn(place, &of_origin);
        }
        if let Some(place) = proxy_place {
            self.memory.learn(place, &of_proxy);
        }
        let Answer { response, keep } = answer;
        // Whoever the caller named may be logged on by the connection.
        let anonymous = !hop.headers.contains_key(AUTHORIZATION);
        let home = (keep && anonymous).then(|| (Arc::clone(&self.pool), key));
        let lease = Lease { line, home };
        let mut response = response.map(|body| ResponseBody::new(body, lease));
        response.extensions_mut().insert(Outcome {
            origin: of_origin.or_before(refused),
            proxy: of_proxy.or_before(proxy_refused),
        });
        Ok(response)
    }
}

impl Inner {
    /// Who logs on, if anybody may.
    fn login(&self, hop: &Hop, origin: &Origin) -> Option<&Ready> {
        // The caller has written something else.
        if !hop.trusted || hop.headers.contains_key(AUTHORIZATION) {
            return None;
        }
        self.logins.iter().find(|login| login.hosts.allow(&origin.host, hop.requested))
    }

    fn headers(&self, hop: &Hop) -> Result<HeaderMap, Error> {
        let mut headers = hop.headers.clone();
        let host = &hop.url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| Error::Url(hop.url.to_string()))?;
        headers.insert(HOST, host);
        let user_agent = || self.connector.user_agent.clone();
        headers.entry(USER_AGENT).or_insert_with(user_agent);
        Ok(headers)
    }

    /// A connection for `login`: its own, one that is nobody's, or a new one. `key` becomes that of
    /// what is found.
    async fn line(
        &self,
        key: &mut Key,
        login: Option<&Ready>,
        proxy: Option<&ReadyProxy>,
        fresh: bool,
    ) -> Result<Line, Error> {
        if !fresh {
            for owner in [login.map(|login| login.id), None] {
                key.owner = owner;
                if let Some(line) = self.pool.take(key) {
                    return Ok(line);
                }
            }
        }
        key.owner = None;
        self.connector.connect(&key.origin, proxy).await
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

/// A URL that can be asked for.
fn read(uri: &Uri) -> Result<Url, Error> {
    let text = uri.to_string();
    let url = Url::parse(&text).map_err(|_| Error::Url(without_password(&text)))?;
    let known = matches!(url.scheme(), "http" | "https");
    // Credentials in a URL end up in logs and histories, and are easily meant for somebody else.
    let bare = url.username().is_empty() && url.password().is_none();
    if known && bare && url.host_str().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(Error::Url(without_password(&text)))
    }
}

fn origin(url: &Url) -> Result<Origin, Error> {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => {
            Ok(Origin { secure: url.scheme() == "https", host: host.to_owned(), port })
        }
        _ => Err(Error::Url(url.to_string())),
    }
}

/// The target of the request line: the whole URL for a proxy ([RFC 9112] §3.2).
///
/// [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
fn target(url: &Url, forwarded: bool) -> Result<Uri, Error> {
    let from = if forwarded { Position::BeforeScheme } else { Position::BeforePath };
    let text = &url[from..Position::AfterQuery];
    text.parse().map_err(|_| Error::Url(url.to_string()))
}

/// The caller's fields, without those that belong to the connection.
pub(crate) fn clean(mut headers: HeaderMap) -> Result<HeaderMap, Error> {
    const OURS: [HeaderName; 5] = [CONNECTION, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE];
    if let Some(name) = OURS.into_iter().find(|name| headers.contains_key(name)) {
        return Err(Error::Field(name));
    }
    // Written anew for each leg.
    for name in [CONTENT_LENGTH, EXPECT, HOST] {
        headers.remove(name);
    }
    Ok(headers)
}
