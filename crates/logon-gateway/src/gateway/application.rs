//! What stands behind the logon: who may pass, what the application is told, and the way there.

use super::identity::{Groups, IdentityFields, RemovedFields, User};
use super::proxy::{self, Passage, ProxyBody};
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
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;
use tower_service::Service;

/// The applications of a listener, as a service. What it finds in a request's extensions is who
/// sent it.
#[derive(Clone)]
pub(crate) struct Application(Arc<Applications>);

/// What is known of them.
pub(crate) struct Applications {
    pub(crate) scopes: Scopes,
    pub(crate) routes: Routes,
    pub(crate) restrictions: Restrictions,
    pub(crate) groups: Arc<Groups>,
    pub(crate) identity: Arc<IdentityFields>,
    pub(crate) sessions: Option<Arc<Sessions>>,
    pub(crate) trusted_proxies: Vec<IpNet>,
}

/// Beside the fields themselves, which the proxy takes care of.
impl proxy::Removed for RemovedFields {
    fn removes(&self, name: &str) -> bool {
        Self::removes(self, name)
    }
}

impl Application {
    pub(crate) fn new(applications: Applications) -> Self {
        Self(Arc::new(applications))
    }

    pub(crate) fn sessions(&self) -> Option<&Arc<Sessions>> {
        self.0.sessions.as_ref()
    }

    pub(crate) fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// Whether a request came over TLS, and what is sent back goes over it.
    pub(crate) fn is_secure(&self, request: &Request<RequestBody>) -> bool {
        self.0.is_secure(request)
    }

    /// Whether this is the address of a proxy that is believed.
    pub(crate) fn trusts(&self, address: std::net::IpAddr) -> bool {
        self.0.trusts(address)
    }

    /// A request whose sender is known by a session cookie.
    pub(crate) async fn pass(
        &self,
        request: Request<RequestBody>,
        target: Target,
        user: User,
    ) -> Response<ProxyBody> {
        self.0.pass(request, target, Some(user)).await
    }
}

impl Service<Request<RequestBody>> for Application {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let applications = Arc::clone(&self.0);
        Box::pin(async move { Ok(applications.answer(request).await) })
    }
}

impl Applications {
    /// A request that the layer before has looked at.
    async fn answer(&self, mut request: Request<RequestBody>) -> Response<ProxyBody> {
        // Whoever asks the layer has found it.
        let Some(target) = request.extensions_mut().remove::<Target>() else {
            return Refusal::BadHost.response();
        };
        let authentication = request.extensions_mut().remove::<Authentication>();
        let logon = authentication.as_ref().and_then(|it| it.logon());
        let user = logon.map(|logon| User::of(logon));
        let cookie = match (&self.sessions, &user) {
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
        let mut response = self.pass(request, target, user).await;
        if let Some(cookie) = cookie {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    async fn pass(
        &self,
        mut request: Request<RequestBody>,
        target: Target,
        user: Option<User>,
    ) -> Response<ProxyBody> {
        let path = request.uri().path();
        let groups = user.as_ref().map(|user| self.groups.of(user)).unwrap_or_default();
        if let Some(user) = &user
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
                return Refusal::NotAllowed.response();
            }
        }
        let Some(upstream) = self.routes.find(&target.host, path) else {
            return Refusal::NoRoute.response();
        };
        let set = match &user {
            None => Arc::default(),
            Some(user) => match self.identity.fields(user, &groups, SystemTime::now()) {
                Ok(fields) => fields,
                Err(error) => {
                    tracing::error!(account = %user.name, "the application cannot be told: {error}");
                    return Refusal::Untellable.response();
                }
            },
        };
        let connection = request.extensions().get::<Connection>();
        let client = connection.and_then(Connection::peer);
        let passage = Passage {
            client,
            secure: connection.is_some_and(Connection::is_secure),
            trusted: client.is_some_and(|client| self.trusts(client.ip())),
            asked: target.asked,
            set,
            removed: self.identity.removed(),
        };
        self.prepare(request.headers_mut());
        let mut response = proxy::forward(upstream, request, passage).await;
        self.clean(response.headers_mut());
        if let Some(user) = user {
            response.extensions_mut().insert(Asker(user.name));
        }
        response
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
