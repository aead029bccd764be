//! The service that stands before the application.

use crate::body::drain;
use crate::connection::{Connection, Http11Required, RequestTarget};
use crate::entity_body::EntityBody;
use crate::facts::Facts;
use crate::future::{Asked, LogonFuture};
use crate::gate::{Beginning, Gate, GateRequest};
use crate::layer::Place;
use crate::log;
use crate::refused::Refused;
use crate::store::AsyncCredentialStore;
use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use logon::http::{Authentication, Decision, Forward, Response as Refusal, Side};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// An application behind a [`crate::LogonLayer`].
pub struct LogonService<T, S> {
    inner: T,
    gate: Arc<Gate<S>>,
    place: Arc<Place>,
}

impl<T, S> LogonService<T, S> {
    pub(crate) fn new(inner: T, gate: Arc<Gate<S>>, place: Arc<Place>) -> Self {
        Self { inner, gate, place }
    }

    /// The application, for what is to be said to it apart from requests.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: Clone, S> Clone for LogonService<T, S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.gate), Arc::clone(&self.place))
    }
}

impl<T, S> fmt::Debug for LogonService<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonService").field("place", &self.place).finish_non_exhaustive()
    }
}

impl<T, S, B, R> Service<Request<B>> for LogonService<T, S>
where
    T: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    T::Future: Send,
    S: AsyncCredentialStore,
    B: Body + Send + 'static,
    B::Data: Send,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = T::Error;
    type Future = LogonFuture<T::Future, S, R, T::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.at_once(&mut request) {
            First::Unguarded => LogonFuture::unguarded(self.inner.call(request)),
            First::Forward(asked) => LogonFuture::forwarded(self.inner.call(request), asked),
            First::Respond(refused) => {
                let (gate, place) = (Arc::clone(&self.gate), Arc::clone(&self.place));
                LogonFuture::slow(async move {
                    let (parts, body) = request.into_parts();
                    Ok(answer(*refused, body, &parts, &place, gate.config().side).await)
                })
            }
            First::Ask => {
                // The clone is not ready yet; the one that is goes along.
                let next = self.inner.clone();
                let inner = std::mem::replace(&mut self.inner, next);
                let (gate, place) = (Arc::clone(&self.gate), Arc::clone(&self.place));
                LogonFuture::slow(serve(inner, gate, place, request))
            }
        }
    }
}

/// What can be said of a request without waiting for anybody.
enum First<S> {
    /// Nothing is asked for.
    Unguarded,
    /// It is the application's, with what is known of it in its extensions.
    Forward(Asked<S>),
    /// It is answered for the application.
    Respond(Box<Refusal>),
    /// Somebody has to be asked.
    Ask,
}

impl<T, S: AsyncCredentialStore> LogonService<T, S> {
    /// The ordinary request of a connection, which is logged on or anonymous.
    fn at_once<B>(&self, request: &mut Request<B>) -> First<S> {
        let facts = Facts::gather(self.gate.config().side, fields(request.headers()));
        let connection = request.extensions().get::<Connection>();
        let target = || apart(uri(request.uri(), request.extensions()));
        let scope = match self.gate.begin(&self.place.scopes, &facts, target, connection.is_some())
        {
            Beginning::Guarded(scope) => scope,
            Beginning::Unguarded => {
                // What somebody further out may have put there is overwritten, here and below.
                request.extensions_mut().insert(Authentication::default());
                return First::Unguarded;
            }
            _ => return First::Ask,
        };
        let (Some(connection), false) = (connection, facts.needs_attention()) else {
            return First::Ask;
        };
        let multiplexed = is_multiplexed(request.version());
        let arrival = self.gate.arrival(connection, &facts, multiplexed);
        let method = request.method().as_str();
        let asked = GateRequest { method, target: "/", scope: &scope, facts: &facts, body: None };
        let authentication = match self.gate.standing(connection, &arrival, &asked) {
            Some(authentication) => authentication,
            None => match self.gate.decide_at_once(connection, &arrival, &asked) {
                Some(Decision::Forward(forward)) => forward.authentication,
                Some(Decision::Respond(refused)) => return First::Respond(Box::new(refused)),
                _ => return First::Ask,
            },
        };
        let (gate, connection) = (Arc::clone(&self.gate), connection.clone());
        request.extensions_mut().insert(authentication);
        First::Forward(Asked { gate, connection, arrival, scope })
    }
}

/// A request with credentials, and whatever else takes its time.
async fn serve<T, S, B, R>(
    mut inner: T,
    gate: Arc<Gate<S>>,
    place: Arc<Place>,
    request: Request<B>,
) -> Result<Response<R>, T::Error>
where
    T: Service<Request<B>, Response = Response<R>>,
    S: AsyncCredentialStore,
    B: Body,
    R: From<String> + Send + 'static,
{
    let side = gate.config().side;
    let (mut parts, body) = request.into_parts();
    let facts = Facts::gather(side, fields(&parts.headers));
    let uri = uri(&parts.uri, &parts.extensions);
    let connection = parts.extensions.get::<Connection>().cloned();
    let scope = match gate.begin(&place.scopes, &facts, || apart(uri), connection.is_some()) {
        Beginning::Guarded(scope) => scope,
        // The scopes were replaced in between.
        Beginning::Unguarded => {
            parts.extensions.insert(Authentication::default());
            return inner.call(Request::from_parts(parts, body)).await;
        }
        _ => return Ok(respond(Refusal::bad_request(), side)),
    };
    let Some(connection) = connection else {
        tracing::error!(
            "a request without a logon_tower::Connection in its extensions: serve with \
             logon-hyper, or give each accepted connection one"
        );
        return Ok(respond(Refusal::internal_error(), side));
    };
    let multiplexed = is_multiplexed(parts.version);
    let arrival = gate.arrival(&connection, &facts, multiplexed);
    let asked = GateRequest {
        method: parts.method.as_str(),
        target: apart(uri).1,
        scope: &scope,
        facts: &facts,
        body: parts.extensions.get::<EntityBody>().map(|body| body.0.as_ref()),
    };
    match gate.decide(&connection, &arrival, &asked).await {
        Decision::Forward(forward) => {
            let Forward { authentication, fields, close, .. } = forward;
            if authentication.scheme().is_some() {
                // The token has done its work; nobody behind needs to see it.
                parts.headers.remove(side.credentials_field());
            }
            let refused = Refused::of(&authentication);
            parts.extensions.insert(authentication);
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            if response.status().as_u16() == gate.challenge_status() {
                Asked { gate, connection, arrival, scope }.challenge(&mut response).await;
            } else {
                for (name, value) in fields {
                    append(response.headers_mut(), name, &value);
                }
            }
            // What failed says more than that the application asks.
            if let Some(refused) = refused {
                response.extensions_mut().insert(refused);
            }
            if close && !multiplexed {
                close_behind(&mut response);
            }
            Ok(response)
        }
        Decision::Respond(refused) => Ok(answer(refused, body, &parts, &place, side).await),
        _ => Ok(respond(Refusal::internal_error(), side)),
    }
}

/// HTTP/2 and 3 may carry requests of many on one connection; there NTLM proves nothing.
fn is_multiplexed(version: Version) -> bool {
    version > Version::HTTP_11
}

/// An answer that the application has no part in.
async fn answer<B: Body, R: From<String>>(
    refused: Refusal,
    body: B,
    parts: &Parts,
    place: &Place,
    side: Side,
) -> Response<R> {
    let continues = refused.continues;
    // A body that is still under way keeps the connection from going on; and behind one that
    // nobody read, the operating system may take the answer back with a reset. One that waits to
    // be wanted is better left where it is: some can be sent only once.
    let waits = !continues && !body.is_end_stream() && waits_to_be_wanted(parts);
    let drained = !waits && drain(body, place.max_drained_body, place.drain_timeout).await;
    let refused = refused.behind_body(drained);
    if continues && !refused.continues {
        log::body_too_long(parts.extensions.get::<Connection>());
    }
    let close = refused.close && !is_multiplexed(parts.version);
    let mut response = respond(refused, side);
    if close {
        close_behind(&mut response);
    }
    response
}

/// Whether the client keeps its body back until it is told to go on ([RFC 9110] §10.1.1).
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
fn waits_to_be_wanted(parts: &Parts) -> bool {
    parts.version == Version::HTTP_11
        && parts
            .headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The target as it came, where somebody has kept it.
fn uri<'a>(uri: &'a Uri, extensions: &'a Extensions) -> &'a Uri {
    extensions.get::<RequestTarget>().map_or(uri, |target| &target.0)
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// The authority of a target, if it has one, and what stands behind.
fn apart(uri: &Uri) -> (Option<&str>, &str) {
    let authority = uri.authority().map(Authority::as_str);
    let path = uri.path_and_query().map(PathAndQuery::as_str);
    (authority, path.or(authority).unwrap_or("/"))
}

fn respond<R: From<String>>(refused: Refusal, side: Side) -> Response<R> {
    let mut response = Response::new(R::from(format!("{}\n", refused.status.text())));
    let status = StatusCode::from_u16(refused.status.code());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    add_challenges(&mut response, refused, side);
    response
}

pub(crate) fn add_challenges<R>(response: &mut Response<R>, mut offer: Refusal, side: Side) {
    // An application that nobody logs on to may answer 401 for reasons of its own.
    if offer.explanation.is_some() || offer.continues {
        response.extensions_mut().insert(Refused::take(&mut offer));
    }
    for value in &offer.challenges {
        append(response.headers_mut(), side.challenge_field(), value);
    }
    if offer.http_1_1_required {
        response.extensions_mut().insert(Http11Required);
    }
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.append(HeaderName::from_static(name), value);
    }
}

fn close_behind<R>(response: &mut Response<R>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}
