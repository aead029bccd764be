//! The page that shows, leg by leg, what a browser sent and what was decided.
//!
//! ```text
//! PATH              explains, and shows this very request      nobody has to log on
//! PATH/new/WAY      begins a try: a number and a cookie        303
//! PATH/try/ID/WAY   asks for a logon, and keeps what came      401 …, 200; all of them the page
//! PATH/show/ID      what was kept                              nobody has to log on
//! ```
//!
//! Whoever has the number of a try may look at it; nobody guesses it. Requests count for a try only
//! from the browser that began it, so that nobody learns a name by sending somebody else a link.

mod conclusion;
mod html;
mod kerberos;
mod leg;
mod page;
mod plain;
mod report;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod tries;
mod ways;

use super::config::values::UrlPath;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    REFERRER_POLICY, SET_COOKIE, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use leg::{Answer, Carried, Leg, Sent};
use logon::AcceptorConfig;
use logon::http::{Scheme, Scope};
use logon_tower::{AsyncCredentialStore, Authentication, Connection, LogonLayer, LogonService};
use page::Page;
use report::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};
use tower_layer::Layer;
use tower_service::Service;
use tries::{AGE, Random, Tries, Try};
use ways::Way;

/// Where the page is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiagnosisConfig {
    /// Requests for this path and all below it are for the page and not for the application.
    #[serde(default = "default_path")]
    pub(crate) path: UrlPath,
}

fn default_path() -> UrlPath {
    UrlPath::from_static("/.logon")
}

/// Answers the requests for the page.
pub(crate) struct Diagnosis<S> {
    path: String,
    ways: Vec<Way>,
    services: Vec<(Way, LogonService<Proven, S>)>,
    tries: Mutex<Tries>,
    policy: HeaderValue,
    acceptor: Arc<AcceptorConfig>,
}

const COOKIE_NAME: &str = "logon-try";

impl<S: AsyncCredentialStore> Diagnosis<S> {
    /// Tries log on by `layer`, each with some of `schemes`; with `ntlm` in no way if it is off.
    pub(crate) fn new(path: &str, layer: LogonLayer<S>, schemes: &[Scheme], ntlm: bool) -> Self {
        let is_on = |scheme: &Scheme| ntlm || *scheme != Scheme::Ntlm;
        let schemes: Vec<Scheme> = schemes.iter().copied().filter(is_on).collect();
        let ways = Way::of(&schemes);
        let service = |way: &Way| {
            let scope = Scope::required(way.schemes()).with_ntlm(ntlm);
            let layer = layer.clone().scope(scope);
            (*way, layer.layer(Proven))
        };
        let services = ways.iter().map(service).collect();
        let acceptor = Arc::clone(&layer.gate().config().acceptor);
        let style = BASE64_STANDARD.encode(Sha256::digest(html::STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy);
        let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { path: path.to_owned(), ways, services, tries: Mutex::default(), policy, acceptor }
    }

    /// Where the page is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether a request for `path` is for the page: this very path or below it, as it is written.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.path.as_str());
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Answers a request that is for the page.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<String>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = request.uri().path().to_owned();
        let below = path.strip_prefix(self.path.as_str()).unwrap_or_default();
        let parts: Vec<_> = below.split('/').skip(1).collect();
        match *parts.as_slice() {
            [] | [""] => self.start(request),
            ["new", way] => match self.way(way) {
                Some(way) => self.begin(request, way),
                None => self.gone(request, StatusCode::NOT_FOUND, NO_SUCH_PAGE),
            },
            ["try", id, way] => match self.way(way) {
                Some(way) => self.attempt(request, id, way).await,
                None => self.gone(request, StatusCode::NOT_FOUND, NO_SUCH_PAGE),
            },
            ["show", id] => self.show(request, id),
            _ => self.gone(request, StatusCode::NOT_FOUND, NO_SUCH_PAGE),
        }
    }

    fn way(&self, name: &str) -> Option<Way> {
        self.ways.iter().copied().find(|way| way.name() == name)
    }

    fn start<B>(&self, request: Request<B>) -> Response<String> {
        let (parts, _) = request.into_parts();
        let (carried, sent) = (Carried::of(&parts), Sent::of(&parts.headers));
        let page = report::start(&self.place(&parts), &carried, &sent);
        self.page(&parts, empty(StatusCode::OK), &page)
    }

    /// A new number, and a cookie that only this browser has.
    fn begin<B>(&self, request: Request<B>, way: Way) -> Response<String> {
        let (Some(id), Some(key)) = (Random::new(), Random::new()) else {
            tracing::error!("no try can begin: the operating system gives no random numbers");
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let (parts, _) = request.into_parts();
        let carried = Carried::of(&parts);
        let place = format!("{}/try/{}", self.path, id.as_str());
        let secure = if carried.secure { "; Secure" } else { "" };
        let cookie = format!(
            "{COOKIE_NAME}={}; Path={place}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            key.as_str(),
            AGE.as_secs()
        );
        let own = carried.connection != 0 && carried.intermediaries.is_empty();
        self.tries().begin(Try {
            id,
            key,
            connection: own.then_some(carried.connection),
            begun: Instant::now(),
            begun_at: SystemTime::now(),
            legs: Vec::new(),
            more: 0,
        });
        let mut response = empty(StatusCode::SEE_OTHER);
        let headers = response.headers_mut();
        for (name, value) in [(SET_COOKIE, cookie), (LOCATION, format!("{place}/{}", way.name()))] {
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// A request of a try: asks for a logon, and keeps what came.
    async fn attempt<B>(&self, request: Request<B>, id: &str, way: Way) -> Response<String>
    where
        B: Body + Send + 'static,
        B::Data: Send,
    {
        let now = Instant::now();
        let Some(seen) = self.tries().find(id, now) else {
            return self.gone(request, StatusCode::NOT_FOUND, OVER);
        };
        let service = self.services.iter().find(|(known, _)| *known == way);
        let (Some((_, service)), true) = (service, is_of_this_client(&seen, &request)) else {
            return self.gone(request, StatusCode::NOT_FOUND, SOMEBODY_ELSES);
        };
        let mut service = service.clone();
        let (parts, body) = request.into_parts();
        let (carried, sent) = (Carried::of(&parts), Sent::of(&parts.headers));
        let first_here = !seen.legs.iter().any(|leg| leg.carried.connection == carried.connection);
        if let (Some(connection), Sent::Nothing, true) =
            (parts.extensions.get::<Connection>(), &sent, first_here)
        {
            // Whoever has logged on here before would not be asked again.
            connection.release();
        }
        let mut asked = Request::from_parts(parts.clone(), body);
        // Only whoever logs on under this very path is shown as logged on.
        asked.extensions_mut().remove::<Authentication>();
        let response = match service.call(asked).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let after = now.saturating_duration_since(seen.begun);
        let leg = Leg { after, carried, sent, answer: Answer::of(&response) };
        let seen = self.tries().add(id, leg, Instant::now());
        match seen {
            Some(seen) => {
                let page = report::of_try(&self.place(&parts), &seen);
                self.page(&parts, response, &page)
            }
            // Forgotten in the meantime; the logon goes on all the same.
            None => response,
        }
    }

    fn show<B>(&self, request: Request<B>, id: &str) -> Response<String> {
        let seen = self.tries().find(id, Instant::now());
        let Some(seen) = seen else { return self.gone(request, StatusCode::NOT_FOUND, OVER) };
        let (parts, _) = request.into_parts();
        let page = report::of_try(&self.place(&parts), &seen);
        self.page(&parts, empty(StatusCode::OK), &page)
    }

    fn gone<B>(&self, request: Request<B>, status: StatusCode, why: &str) -> Response<String> {
        let (parts, _) = request.into_parts();
        let page = report::gone(&self.place(&parts), why);
        self.page(&parts, empty(status), &page)
    }

    fn place(&self, parts: &Parts) -> Place<'_> {
        let (path, ways, acceptor) = (&self.path, &self.ways, &self.acceptor);
        Place { path, ways, origin: origin(parts), acceptor }
    }

    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the page into an answer, in the form that the client reads.
    fn page(&self, parts: &Parts, response: Response<String>, page: &Page) -> Response<String> {
        let (kind, text) = match wants_html(&parts.headers) {
            true => ("text/html; charset=utf-8", html::write(page)),
            false => ("text/plain; charset=utf-8", plain::write(page)),
        };
        let mut response = response.map(|_| text);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

const NO_SUCH_PAGE: &str = "There is no such page here.";
const OVER: &str = "It is over: tries are remembered for ten minutes, and not beyond a restart or a new configuration.";
const SOMEBODY_ELSES: &str = "It was begun by another browser, or this one keeps no cookies (curl \
     does with -b '') and came over another connection. To look at it, use the link that ends in its number behind /show/.";

/// Who has logged on, for the answer of a try. The application of the layer.
#[derive(Debug, Clone)]
struct Proven;

impl<B> Service<Request<B>> for Proven {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut response = empty(StatusCode::OK);
        if let Some(authentication) = request.extensions_mut().remove::<Authentication>() {
            response.extensions_mut().insert(authentication);
        }
        ready(Ok(response))
    }
}

fn empty(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    response
}

/// Whether a request is from the browser that began a try: by its cookie or, of a client that
/// keeps none, by the connection.
fn is_of_this_client<B>(seen: &Try, request: &Request<B>) -> bool {
    let headers = request.headers();
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let mut keys = pairs.filter(|(name, _)| name.trim() == COOKIE_NAME).map(|(_, key)| key.trim());
    let connection = request.extensions().get::<Connection>().map(Connection::id);
    let by_cookie = keys.any(|key| seen.key.is(key));
    by_cookie || (seen.connection.is_some() && seen.connection == connection)
}

/// `https://host`, if the request says so in characters that can be meant.
fn origin(parts: &Parts) -> Option<String> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or(parts.uri.authority().map(http::uri::Authority::as_str))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    if host.is_empty() || host.len() > 255 || !host.bytes().all(plain) {
        return None;
    }
    let secure = parts.extensions.get::<Connection>().is_some_and(Connection::is_secure);
    Some(format!("{}://{host}", if secure { "https" } else { "http" }))
}

/// Browsers say that they read HTML; curl says nothing.
fn wants_html(headers: &HeaderMap) -> bool {
    let field = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let accept = field(ACCEPT).unwrap_or_default();
    let browser = || field(USER_AGENT).is_some_and(|agent| agent.contains("Mozilla"));
    accept.contains("text/html") || (!accept.contains("text/plain") && browser())
}
