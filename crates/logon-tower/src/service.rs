//! The service that stands before the application.

use crate::body::drain;
use crate::connection::{Connection, Http11Required, RequestTarget};
use crate::entity_body::EntityBody;
use crate::facts::Facts;
use crate::gate::{Gate, GateRequest};
use crate::layer::Place;
use crate::log;
use crate::store::AsyncCredentialStore;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use logon::http::{
    Authentication, Decision, Forward, Requirement, Response as Refused, Scope, Scopes, Side,
    Status,
};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// The future of a [`LogonService`].
pub type LogonFuture<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

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
    type Future = LogonFuture<Response<R>, T::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone is not ready yet; the one that is goes along.
        let next = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, next);
        let (gate, place) = (Arc::clone(&self.gate), Arc::clone(&self.place));
        Box::pin(serve(inner, gate, place, request))
    }
}

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
    if facts.hosts > 1 {
        // [RFC 9112] §3.2.
        return Ok(plain(StatusCode::BAD_REQUEST, "More than one Host\n"));
    }
    let scope = place.scopes.find(|scopes| find(scopes, uri(&parts), facts.host));
    // From here on, what somebody further out may have put there is overwritten.
    if scope.requirement() == Requirement::Off {
        parts.extensions.insert(Authentication::default());
        return inner.call(Request::from_parts(parts, body)).await;
    }
    let Some(connection) = parts.extensions.get::<Connection>().cloned() else {
        tracing::error!(
            "a request without a logon_tower::Connection in its extensions: serve with \
             logon-hyper, or give each accepted connection one"
        );
        return Ok(respond(Refused::internal_error(), side));
    };

    // HTTP/2 and 3 may carry requests of many on one connection; there NTLM proves nothing.
    let arrival = gate.arrival(&connection, &facts, parts.version > Version::HTTP_11);
    let has_credentials = facts.has_credentials();
    let signed = has_credentials.then(|| parts.extensions.get::<EntityBody>()).flatten();
    let asked = GateRequest {
        method: parts.method.as_str(),
        target: if has_credentials { target(uri(&parts)) } else { "/" },
        scope: &scope,
        facts: &facts,
        body: signed.map(|body| body.0.as_ref()),
    };
    let decision = match gate.decide_at_once(&connection, &arrival, &asked) {
        Some(decision) => decision,
        // In a box, because the ordinary request should not carry its room around.
        None => Box::pin(gate.decide(&connection, &arrival, &asked)).await,
    };
    match decision {
        Decision::Forward(forward) => {
            let Forward { authentication, fields, close, .. } = forward;
            if has_credentials && authentication.scheme().is_some() {
                // The token has done its work; nobody behind needs to see it.
                parts.headers.remove(side.credentials_field());
            }
            parts.extensions.insert(authentication);
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            if response.status().as_u16() == Status::Challenge(side).code() {
                // The application wants somebody, or somebody else.
                let offer = Box::pin(gate.challenge(&connection, &arrival, &scope)).await;
                if !response.headers().contains_key(side.challenge_field()) {
                    add_challenges(&mut response, offer, side);
                }
            } else {
                for (name, value) in fields {
                    append(response.headers_mut(), name, &value);
                }
            }
            if close {
                close_behind(&mut response);
            }
            Ok(response)
        }
        Decision::Respond(refused) => {
            Ok(Box::pin(answer(refused, body, &place, &connection, side, parts.version)).await)
        }
        _ => Ok(respond(Refused::internal_error(), side)),
    }
}

/// An answer that the application has no part in.
async fn answer<B: Body, R: From<String>>(
    refused: Refused,
    body: B,
    place: &Place,
    connection: &Connection,
    side: Side,
    version: Version,
) -> Response<R> {
    // A body that is still under way keeps the connection from going on; and behind one that
    // nobody read, the operating system may take the answer back with a reset.
    let drained = drain(body, place.max_drained_body, place.drain_timeout).await;
    let goes_on = drained && !refused.close;
    let mut response = if drained || !refused.continues {
        respond(refused, side)
    } else {
        log::body_too_long(connection);
        plain(StatusCode::PAYLOAD_TOO_LARGE, "Log on before sending a long body\n")
    };
    if !goes_on && version <= Version::HTTP_11 {
        close_behind(&mut response);
    }
    response
}

/// The target as it came, where somebody has kept it.
fn uri(parts: &Parts) -> &Uri {
    parts.extensions.get::<RequestTarget>().map_or(&parts.uri, |target| &target.0)
}

fn find(scopes: &Scopes, uri: &Uri, host: Option<&[u8]>) -> Arc<Scope> {
    match (uri.authority(), host) {
        (None, host) => scopes.find(host, target(uri)),
        (Some(authority), None) => scopes.find(Some(authority.as_str().as_bytes()), target(uri)),
        // Nobody knows which of the two the application goes by.
        (Some(_), host) => scopes.find(host, &uri.to_string()),
    }
}

fn fields(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// The target as the request line has it, without scheme and host.
fn target(uri: &Uri) -> &str {
    match (uri.path_and_query(), uri.authority()) {
        (Some(path), _) => path.as_str(),
        (None, Some(authority)) => authority.as_str(),
        (None, None) => "/",
    }
}

fn plain<R: From<String>>(status: StatusCode, text: &str) -> Response<R> {
    let mut response = Response::new(R::from(text.to_owned()));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, value);
    response
}

fn respond<R: From<String>>(refused: Refused, side: Side) -> Response<R> {
    let status =
        StatusCode::from_u16(refused.status.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match refused.status {
        Status::Forbidden => plain(status, "There is no way to log on here; come over HTTPS\n"),
        _ => plain(status, &format!("{status}\n")),
    };
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    add_challenges(&mut response, refused, side);
    response
}

fn add_challenges<R>(response: &mut Response<R>, offer: Refused, side: Side) {
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
