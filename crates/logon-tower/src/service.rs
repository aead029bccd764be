//! The service that stands before the application.

use crate::authentication::Authentication;
use crate::body::drain;
use crate::connection::{Connection, Guard};
use crate::layer::{Scope, Shared};
use crate::log;
use crate::store::AsyncCredentialStore;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use logon::http::{Decision, Forward, RequestHead, Response as Refused, Side, Status};
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
    shared: Arc<Shared<S>>,
    scope: Scope,
}

impl<T, S> LogonService<T, S> {
    pub(crate) fn new(inner: T, shared: Arc<Shared<S>>, scope: Scope) -> Self {
        Self { inner, shared, scope }
    }
}

impl<T: Clone, S> Clone for LogonService<T, S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared), self.scope.clone())
    }
}

impl<T, S> fmt::Debug for LogonService<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonService").field("scope", &self.scope).finish_non_exhaustive()
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
        let (shared, scope) = (Arc::clone(&self.shared), self.scope.clone());
        Box::pin(serve(inner, shared, scope, request))
    }
}

async fn serve<T, S, B, R>(
    mut inner: T,
    shared: Arc<Shared<S>>,
    scope: Scope,
    mut request: Request<B>,
) -> Result<Response<R>, T::Error>
where
    T: Service<Request<B>, Response = Response<R>>,
    S: AsyncCredentialStore,
    B: Body,
    R: From<String> + Send + 'static,
{
    // What somebody further out may have put there is not ours.
    request.extensions_mut().remove::<Authentication>();
    let connection = request.extensions().get::<Connection>().cloned();
    let passes = scope.offer.is_empty() || (!scope.required && !is_per_connection(&request));
    let connection = match connection {
        _ if passes => {
            request.extensions_mut().insert(Authentication { logon: None });
            return inner.call(request).await;
        }
        _ if !is_per_connection(&request) => return Ok(http_1_1_only(&request, &shared, &scope)),
        Some(connection) => connection,
        None => {
            tracing::error!(
                "a request without a logon_tower::Connection in its extensions: serve with \
                 logon-hyper, or give each accepted connection one"
            );
            return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error\n"));
        }
    };

    let side = shared.config.side;
    let mut guard = connection.lock(&shared.config).await;
    let decision = decide(&mut guard, &shared, &scope, request.headers()).await;
    drop(guard);
    match decision {
        Some(Decision::Forward(forward)) => {
            let Forward { logon, fresh, challenge, .. } = forward;
            if let Some(logon) = &logon {
                // The token has done its work; nobody behind needs to see it.
                request.headers_mut().remove(side.credentials_field());
                if fresh {
                    log::success(&connection, logon);
                }
            }
            request.extensions_mut().insert(Authentication { logon });
            let mut response = inner.call(request).await?;
            if response.status().as_u16() == Status::Challenge(side).code() {
                // The application wants somebody, or somebody else.
                if let Some(auth) = connection.lock(&shared.config).await.auth() {
                    auth.release();
                }
                if !response.headers().contains_key(side.challenge_field()) {
                    offer(response.headers_mut(), side, &scope);
                }
            } else if let Some(value) = challenge {
                append(response.headers_mut(), side, &value);
            }
            Ok(response)
        }
        Some(Decision::Respond(refused)) => {
            if let Some(error) = &refused.reason {
                log::failure(&connection, error);
            }
            // A body that is still under way keeps the connection from going on; and behind one
            // that nobody read, the operating system may take the answer back with a reset.
            let body = request.into_body();
            let drained = drain(body, scope.max_drained_body, scope.drain_timeout).await;
            let goes_on = drained && !refused.close;
            let mut response = if drained || !refused.continues {
                respond(refused, side)
            } else {
                log::body_too_long(&connection);
                plain(StatusCode::PAYLOAD_TOO_LARGE, "Log on before sending a long body\n")
            };
            if !goes_on {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
        _ => Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error\n")),
    }
}

/// Asks the connection's state, and the store if need be.
async fn decide<S: AsyncCredentialStore>(
    guard: &mut Guard<'_>,
    shared: &Shared<S>,
    scope: &Scope,
    headers: &HeaderMap,
) -> Option<Decision> {
    let auth = guard.auth()?;
    let field = HeaderName::from_static(auth.side().credentials_field());
    let credentials: Vec<&[u8]> =
        headers.get_all(field).iter().map(HeaderValue::as_bytes).collect();
    let head =
        RequestHead { credentials: &credentials, offer: &scope.offer, required: scope.required };
    let mut decision = auth.request(head);
    while let Decision::NeedLogon = decision {
        let answer = shared.store.lookup(auth.pending_account()?).await;
        decision = auth.resume(answer);
    }
    Some(decision)
}

/// HTTP/2 and 3 may carry requests of many on one connection; there NTLM proves nothing.
fn is_per_connection<B>(request: &Request<B>) -> bool {
    request.version() <= Version::HTTP_11
}

/// The bare offer, whatever came: clients that can log on know that they have to come back over
/// HTTP/1.1, and curl and browsers do.
fn http_1_1_only<B, S, R: From<String>>(
    request: &Request<B>,
    shared: &Shared<S>,
    scope: &Scope,
) -> Response<R> {
    tracing::debug!(version = ?request.version(), "a logon needs HTTP/1.1");
    let side = shared.config.side;
    let code = Status::Challenge(side).code();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = plain(status, "Log on over HTTP/1.1\n");
    offer(response.headers_mut(), side, scope);
    response
}

fn offer(headers: &mut HeaderMap, side: Side, scope: &Scope) {
    scope.offer.iter().for_each(|scheme| append(headers, side, scheme.name()));
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
    let mut response = plain(status, &format!("{status}\n"));
    let headers = response.headers_mut();
    for value in &refused.challenges {
        append(headers, side, value);
    }
    if let Some(seconds) = refused.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn append(headers: &mut HeaderMap, side: Side, value: &str) {
    if let Ok(mut value) = HeaderValue::from_str(value) {
        value.set_sensitive(true);
        headers.append(HeaderName::from_static(side.challenge_field()), value);
    }
}
