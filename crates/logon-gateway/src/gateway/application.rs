//! What stands behind the logon: who may pass, what the application is told, and the way there.

use super::identity::{Groups, IdentityFields, RemovedFields, User};
use super::proxy::{self, Forwarding, Passage, ProxyBody};
use super::routes::Routes;
use super::rules::Restrictions;
use super::session::Sessions;
use super::target::Target;
use super::watch::Asker;
use crate::refusal::Refusal;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, SET_COOKIE, WWW_AUTHENTICATE};
use http::{Request, Response};
use ipnet::IpNet;
use logon::http::{Authentication, Scheme, Scopes, Side};
use logon_hyper::RequestBody;
use logon_tower::{Connection, Facts};
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;
use tower_service::Service;

/// The applications of a listener, as a service. What it finds in a request's extensions is who
/// sent it.
#[derive(Clone)]
pub(crate) struct Application {
    applications: Arc<Applications>,
    /// Of the one request that this clone serves.
    target: Option<Arc<Target>>,
}

/// What is known of them.
pub(crate) struct Applications {
    pub(crate) scopes: Scopes,
    pub(crate) routes: Routes,
    pub(crate) restrictions: Restrictions,
    pub(crate) groups: Arc<Groups>,
    pub(crate) identity: Arc<IdentityFields>,
    pub(crate) sessions: Option<Arc<Sessions>>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// There is a line for each request, which says who asked.
    pub(crate) lines: bool,
}

/// Beside the fields themselves, which the proxy takes care of.
impl proxy::Removed for RemovedFields {
    fn removes(&self, name: &str) -> bool {
        Self::removes(self, name)
    }
}

impl Application {
    pub(crate) fn new(applications: Applications) -> Self {
        Self { applications: Arc::new(applications), target: None }
    }

    /// The next request is for this.
    pub(crate) fn expect(&mut self, target: Arc<Target>) {
        self.target = Some(target);
    }

    pub(crate) fn sessions(&self) -> Option<&Arc<Sessions>> {
        self.applications.sessions.as_ref()
    }

    pub(crate) fn scopes(&self) -> &Scopes {
        &self.applications.scopes
    }

    /// Whether a request came over TLS, and what is sent back goes over it.
    pub(crate) fn is_secure(&self, request: &Request<RequestBody>) -> bool {
        self.applications.is_secure(request)
    }

    /// Whether this is the address of a proxy that is believed.
    pub(crate) fn trusts(&self, address: std::net::IpAddr) -> bool {
        self.applications.trusts(address)
    }

    /// A request whose sender is known by a session cookie.
    pub(crate) fn pass(
        &self,
        request: Request<RequestBody>,
        target: Arc<Target>,
        user: User,
    ) -> Passing {
        self.passing(request, target, Some(user), None)
    }

    fn passing(
        &self,
        request: Request<RequestBody>,
        target: Arc<Target>,
        user: Option<User>,
        cookie: Option<HeaderValue>,
    ) -> Passing {
        match self.applications.pass(request, target, user.as_ref()) {
            Ok(answer) => {
                let asker = user.filter(|_| self.applications.lines);
                Passing { applications: Arc::clone(&self.applications), answer, cookie, asker }
            }
            Err(refusal) => Passing { cookie, ..self.refused(refusal) },
        }
    }

    fn refused(&self, refusal: Refusal) -> Passing {
        let applications = Arc::clone(&self.applications);
        let answer = Box::pin(ready(refusal.response()));
        Passing { applications, answer, cookie: None, asker: None }
    }
}

impl Service<Request<RequestBody>> for Application {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Passing;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// A request that the layer before has looked at.
    fn call(&mut self, mut request: Request<RequestBody>) -> Passing {
        let authentication = request.extensions_mut().remove::<Authentication>();
        let logon = authentication.as_ref().and_then(|it| it.logon());
        let user = logon.map(|logon| User::of(logon));
        // Whoever asks the layer has found it.
        let Some(target) = self.target.take() else { return self.refused(Refusal::BadHost) };
        let cookie = match (self.sessions(), &user) {
            (Some(sessions), Some(user))
                if authentication.as_ref().is_some_and(Authentication::is_fresh)
                    && self.is_secure(&request) =>
            {
                sessions
                    .seal(user, &target.host, SystemTime::now())
                    .inspect_err(|error| tracing::error!("no session: {error}"))
                    .ok()
            }
            _ => None,
        };
        self.passing(request, target, user, cookie)
    }
}

/// The answer of an application, under way.
pub(crate) struct Passing {
    applications: Arc<Applications>,
    answer: Forwarding,
    cookie: Option<HeaderValue>,
    asker: Option<User>,
}

impl Future for Passing {
    type Output = Result<Response<ProxyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(mut response) = self.answer.as_mut().poll(context) else {
            return Poll::Pending;
        };
        self.applications.clean(response.headers_mut());
        if let Some(user) = self.asker.take() {
            response.extensions_mut().insert(Asker(user.name));
        }
        if let Some(cookie) = self.cookie.take() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Poll::Ready(Ok(response))
    }
}

impl Applications {
    /// Sends it on its way, if it may go there.
    fn pass(
        &self,
        mut request: Request<RequestBody>,
        target: Arc<Target>,
        user: Option<&User>,
    ) -> Result<Forwarding, Refusal> {
        let path = request.uri().path();
        let groups = user.map(|user| self.groups.of(user)).unwrap_or_default();
        if let Some(user) = user
            && self.restrictions.exist()
        {
            let host = Some(target.host.as_bytes()).filter(|host| !host.is_empty());
            let scope = self.scopes.find_apart(host, None, path);
            if !self.restrictions.allow(&scope, user, &groups) {
                let connection = request.extensions().get::<Connection>();
                let peer = connection.and_then(Connection::peer);
                tracing::info!(
                    account = %user.name, host = target.host, path,
                    connection = connection.map(Connection::id),
                    peer = peer.map(tracing::field::display),
                    code = Refusal::NotAllowed.code(), "not allowed here"
                );
                return Err(Refusal::NotAllowed);
            }
        }
        let upstream = self.routes.find(&target.host, path).ok_or(Refusal::NoRoute)?;
        let set = match user {
            None => Arc::default(),
            Some(user) => {
                self.identity.fields(user, &groups, SystemTime::now()).map_err(|error| {
                    tracing::error!(account = %user.name, "the application cannot be told: {error}");
                    Refusal::Untellable
                })?
            }
        };
        let connection = request.extensions().get::<Connection>();
        let client = connection.and_then(Connection::peer);
        let passage = Passage {
            client,
            secure: connection.is_some_and(Connection::is_secure),
            trusted: client.is_some_and(|client| self.trusts(client.ip())),
            asked: target.asked.clone(),
            set,
            removed: self.identity.removed(),
        };
        self.prepare(request.headers_mut());
        Ok(proxy::forward(upstream, request, passage))
    }

    /// Takes out what the application has no business with.
    fn prepare(&self, headers: &mut HeaderMap) {
        // NTLM within a connection that many share would log on somebody else next.
        retain(headers, AUTHORIZATION, |value| !is_of_connection(value));
        if let Some(sessions) = &self.sessions
            && headers.contains_key(COOKIE)
        {
            sessions.strip(headers);
        }
        join_cookies(headers);
    }

    /// Takes out what an application behind a gateway cannot mean.
    fn clean(&self, headers: &mut HeaderMap) {
        // A logon by connection between client and application cannot work here.
        retain(headers, WWW_AUTHENTICATE, |value| !is_of_connection(value));
        if let Some(sessions) = &self.sessions
            && headers.contains_key(SET_COOKIE)
        {
            sessions.strip_response(headers);
        }
    }

    /// Whether a cookie that is sent back now is sent over TLS.
    fn is_secure(&self, request: &Request<RequestBody>) -> bool {
        let Some(connection) = request.extensions().get::<Connection>() else { return false };
        let trusted = connection.peer().is_some_and(|peer| self.trusts(peer.ip()));
        let fields = request.headers().iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
        connection.is_secure()
            || (trusted && Facts::gather(Side::Origin, fields).is_forwarded_over_tls())
    }

    fn trusts(&self, address: std::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// One field of cookies, of those that HTTP/2 splits ([RFC 9113] §8.2.3).
///
/// [RFC 9113]: https://www.rfc-editor.org/rfc/rfc9113
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let values: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // What was put together of values is a value.
    if let Ok(joined) = HeaderValue::from_bytes(&values.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Whether credentials or a challenge begin with the name of a scheme that belongs to a connection.
fn is_of_connection(value: &HeaderValue) -> bool {
    let name =
        value.as_bytes().trim_ascii().split(|byte| matches!(byte, b' ' | b'\t' | b',')).next();
    let scheme = name.and_then(Scheme::from_name);
    matches!(scheme, Some(Scheme::Negotiate | Scheme::Ntlm))
}

fn retain(headers: &mut HeaderMap, name: http::HeaderName, keep: impl Fn(&HeaderValue) -> bool) {
    if headers.get_all(&name).iter().all(&keep) {
        return;
    }
    let kept: Vec<_> = headers.get_all(&name).iter().filter(|it| keep(it)).cloned().collect();
    headers.remove(&name);
    for value in kept {
        headers.append(name.clone(), value);
    }
}
