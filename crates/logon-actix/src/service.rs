//! The service that stands before the application.

use crate::middleware::{Logon, Place};
use actix_web::body::EitherBody;
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::http::uri::{Authority, PathAndQuery};
use actix_web::http::{ConnectionType, StatusCode, Uri, Version};
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_core::Stream;
use logon::http::{Authentication, Decision, Forward, Response as Refused, Scope, Side, Status};
use logon_tower::{Arrival, AsyncCredentialStore, Beginning, Connection, Facts, Gate, GateRequest};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// The future of a [`LogonService`].
pub type LogonFuture<B> = Pin<Box<dyn Future<Output = Result<Answer<B>, Error>>>>;

type Answer<B> = ServiceResponse<EitherBody<B>>;

/// Names and values of fields for a response.
type Fields = Vec<(&'static str, String)>;

/// An application behind a [`Logon`].
pub struct LogonService<T, S> {
    inner: Rc<T>,
    logon: Logon<S>,
}

impl<T, S> LogonService<T, S> {
    pub(crate) fn new(inner: T, logon: Logon<S>) -> Self {
        Self { inner: Rc::new(inner), logon }
    }
}

impl<T, S> fmt::Debug for LogonService<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonService").field("logon", &self.logon).finish_non_exhaustive()
    }
}

impl<T, S, B> Service<ServiceRequest> for LogonService<T, S>
where
    T: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S: AsyncCredentialStore,
    B: 'static,
{
    type Response = Answer<B>;
    type Error = Error;
    type Future = LogonFuture<B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> LogonFuture<B> {
        let (inner, logon) = (Rc::clone(&self.inner), self.logon.clone());
        Box::pin(async move { serve(&*inner, &logon.gate, &logon.place, request).await })
    }
}

async fn serve<T, S, B>(
    inner: &T,
    gate: &Gate<S>,
    place: &Place,
    mut request: ServiceRequest,
) -> Result<Answer<B>, Error>
where
    T: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S: AsyncCredentialStore,
{
    let side = gate.config().side;
    let has_connection = request.conn_data::<Connection>().is_some();
    let beginning = {
        let facts = facts(&request, side);
        gate.begin(&place.scopes, &facts, || apart(request.uri()), has_connection)
    };
    let scope = match beginning {
        Beginning::Guarded(scope) => scope,
        Beginning::Unguarded => {
            // What somebody further out may have put there is overwritten, here and below.
            request.extensions_mut().insert(Authentication::default());
            return inner.call(request).await.map(ServiceResponse::map_into_left_body);
        }
        // actix-web says so of several hosts over HTTP/1.1, not over HTTP/2.
        _ => return Ok(answer(request, respond(Refused::bad_request(), side))),
    };
    let Some(connection) = request.conn_data::<Connection>().cloned() else {
        tracing::error!(
            "a connection without a logon_tower::Connection in its data: give \
             HttpServer::on_connect one of logon_actix::on_connect and on_connect_tls"
        );
        return Ok(answer(request, respond(Refused::internal_error(), side)));
    };

    let (arrival, decision) = decide(gate, &connection, &scope, &request).await;
    match decision {
        Decision::Forward(forward) => {
            let Forward { authentication, mut fields, close, .. } = forward;
            if authentication.scheme().is_some() {
                // The token has done its work; nobody behind needs to see it.
                request.headers_mut().remove(side.credentials_field());
            }
            request.extensions_mut().insert(authentication);
            let answered = inner.call(request).await;
            if let Some(challenged) = challenged(&answered, side) {
                // The application wants somebody, or somebody else.
                let offer = gate.challenge(&connection, &arrival, &scope).await;
                fields = if challenged { Fields::new() } else { challenges(offer, side) };
            }
            finish(answered, fields, close)
        }
        Decision::Respond(refused) => {
            // A body that is still under way keeps the connection from going on; and behind one
            // that nobody read, the operating system may take the answer back with a reset.
            let body = request.take_payload();
            let drained = drain(body, place.max_drained_body, place.drain_timeout).await;
            let continues = refused.continues;
            let refused = refused.behind_body(drained);
            if continues && !refused.continues {
                tracing::info!(
                    connection = connection.id(),
                    peer = connection.peer().map(tracing::field::display),
                    "logon failed: the body that came with the first token is over the limit"
                );
            }
            let close = refused.close;
            let mut response = respond(refused, side);
            if close {
                close_behind(&mut response);
            }
            Ok(answer(request, response))
        }
        _ => Ok(answer(request, respond(Refused::internal_error(), side))),
    }
}

async fn decide<S: AsyncCredentialStore>(
    gate: &Gate<S>,
    connection: &Connection,
    scope: &Arc<Scope>,
    request: &ServiceRequest,
) -> (Arrival, Decision) {
    let facts = facts(request, gate.config().side);
    // HTTP/2 may carry requests of many on one connection; there NTLM proves nothing.
    let arrival = gate.arrival(connection, &facts, request.version() > Version::HTTP_11);
    let asked = GateRequest {
        method: request.method().as_str(),
        target: apart(request.uri()).1,
        scope,
        facts: &facts,
        // Bodies that `Digest` signs are for whoever reads them first.
        body: None,
    };
    let decision = gate.decide(connection, &arrival, &asked).await;
    (arrival, decision)
}

fn facts(request: &ServiceRequest, side: Side) -> Facts<'_> {
    let fields = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Facts::gather(side, fields)
}

/// The authority of a target, if it has one, and what stands behind.
fn apart(uri: &Uri) -> (Option<&str>, &str) {
    let authority = uri.authority().map(Authority::as_str);
    let path = uri.path_and_query().map(PathAndQuery::as_str);
    (authority, path.or(authority).unwrap_or("/"))
}

/// Whether the application asks for a logon, and if so, whether by a challenge of its own.
fn challenged<B>(answered: &Result<ServiceResponse<B>, Error>, side: Side) -> Option<bool> {
    let look = |status: StatusCode, headers: &HeaderMap| {
        let asks = status.as_u16() == Status::Challenge(side).code();
        asks.then(|| headers.contains_key(side.challenge_field()))
    };
    match answered {
        Ok(response) => look(response.status(), response.headers()),
        // Of a middleware further in; those of handlers are responses already.
        Err(error) => {
            let response = error.error_response();
            look(response.status(), response.headers())
        }
    }
}

/// Adds to the application's answer, be it a response or an error, what the client has to know.
fn finish<B>(
    answered: Result<ServiceResponse<B>, Error>,
    fields: Fields,
    close: bool,
) -> Result<Answer<B>, Error> {
    match answered {
        Ok(mut response) => {
            add(response.response_mut(), &fields, close);
            Ok(response.map_into_left_body())
        }
        Err(mut error) => {
            if close || !fields.is_empty() {
                error.add_response_mapper(move |mut response| {
                    add(&mut response, &fields, close);
                    response
                });
            }
            Err(error)
        }
    }
}

fn add<B>(response: &mut HttpResponse<B>, fields: &Fields, close: bool) {
    for (name, value) in fields {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    if close {
        close_behind(response);
    }
}

fn answer<B>(request: ServiceRequest, response: HttpResponse) -> Answer<B> {
    request.into_response(response).map_into_right_body()
}

fn respond(refused: Refused, side: Side) -> HttpResponse {
    let status = StatusCode::from_u16(refused.status.code());
    let value = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .insert_header((CONTENT_TYPE, value))
        .body(format!("{}\n", refused.status.text()));
    if let Some(seconds) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    add(&mut response, &challenges(refused, side), false);
    response
}

fn challenges(offer: Refused, side: Side) -> Fields {
    offer.challenges.into_iter().map(|value| (side.challenge_field(), value)).collect()
}

fn close_behind<B>(response: &mut HttpResponse<B>) {
    response.head_mut().set_connection_type(ConnectionType::Close);
}

/// Reads `body` to its end and throws it away; `false` if it is longer than `limit` bytes,
/// breaks off, or takes too long.
async fn drain(body: Payload, limit: u64, timeout: Duration) -> bool {
    // Most legs have no body; no timer for those.
    if matches!(body, Payload::None) {
        return true;
    }
    let drained = async {
        let mut body = pin!(body);
        let mut left = limit;
        while let Some(chunk) = poll_fn(|context| body.as_mut().poll_next(context)).await {
            let Ok(chunk) = chunk else { return false };
            match left.checked_sub(u64::try_from(chunk.len()).unwrap_or(u64::MAX)) {
                Some(rest) => left = rest,
                None => return false,
            }
        }
        true
    };
    tokio::time::timeout(timeout, drained).await.unwrap_or(false)
}
