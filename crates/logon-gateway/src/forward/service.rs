//! A program's request, and its answer.

use super::answer::{self, AnswerBody};
use super::guard::Guard;
use super::round::Here;
use super::{head, tunnel, upgrade};
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use logon_client::{Body, Client, Logon, Outcome};
use logon_hyper::RequestBody;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;
use url::Url;

/// A body that is not longer is kept, so that a logon can need it twice.
const KEPT: u64 = 64 << 10;

/// Where requests go.
pub(super) enum Way {
    /// Wherever they want, through the proxy of the client.
    Proxy,
    /// To this server.
    Origin(Url),
}

/// Serves programs.
#[derive(Clone)]
pub(super) struct Forward(Arc<Inner>);

struct Inner {
    client: Client,
    way: Way,
    guard: Guard,
    here: Here,
    /// For an answer.
    limit: Option<Duration>,
}

impl Forward {
    pub(super) fn new(
        client: Client,
        way: Way,
        guard: Guard,
        here: Here,
        limit: Option<Duration>,
    ) -> Self {
        Self(Arc::new(Inner { client, way, guard, here, limit }))
    }
}

impl Service<Request<RequestBody>> for Forward {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { Ok(inner.serve(request).await) })
    }
}

impl Inner {
    async fn serve(&self, request: Request<RequestBody>) -> Response<AnswerBody> {
        match &self.way {
            Way::Proxy => self.proxy(request).await,
            Way::Origin(origin) => {
                if let Some(why) = self.guard.refuses(request.headers()) {
                    return refused(StatusCode::FORBIDDEN, &why);
                }
                if upgrade::is_wanted(&request) {
                    let why = "a WebSocket cannot be logged on with --origin";
                    return refused(StatusCode::NOT_IMPLEMENTED, why);
                }
                self.pass(request, Some(origin)).await
            }
        }
    }

    async fn proxy(&self, request: Request<RequestBody>) -> Response<AnswerBody> {
        let connect = request.method() == Method::CONNECT;
        // A page of elsewhere cannot make a browser ask like a proxy is asked.
        if !connect && request.uri().scheme_str() != Some("http") {
            let why = "this is a proxy: requests have whole http:// URLs, or are CONNECT";
            return answer::of(StatusCode::BAD_REQUEST, why);
        }
        if let Some(why) = self.here.refuses(&request) {
            let why = format!("{} {}: {why}", request.method(), shown(request.uri()));
            return refused(StatusCode::LOOP_DETECTED, &why);
        }
        if connect {
            return tunnel::open(&self.client, request).await;
        }
        if upgrade::is_wanted(&request) {
            let pseudonym = &self.here.pseudonym;
            return upgrade::pass(&self.client, self.limit, pseudonym, request).await;
        }
        self.pass(request, None).await
    }

    /// Passes a request on, to where it says or to the one server.
    async fn pass(
        &self,
        mut request: Request<RequestBody>,
        origin: Option<&Url>,
    ) -> Response<AnswerBody> {
        let host = request.headers().get(HOST).cloned();
        if let Some(origin) = origin {
            let Some(target) = target(origin, request.uri()) else {
                let why = "this is no proxy: requests have a path, and are for one server";
                return answer::of(StatusCode::BAD_REQUEST, why);
            };
            *request.uri_mut() = target;
        }
        head::request(request.headers_mut(), origin.is_some());
        if origin.is_none() {
            let version = request.version();
            self.here.pseudonym.sign(request.headers_mut(), version);
        }
        let (mut parts, body) = request.into_parts();
        // What the server knew of the program's connection is of no use on another one.
        parts.extensions = http::Extensions::new();
        let (method, shown) = (parts.method.clone(), shown(&parts.uri));
        let body = match kept(body).await {
            Ok(body) => body,
            Err(why) => return answer::of(StatusCode::BAD_REQUEST, &why),
        };
        match self.client.send(Request::from_parts(parts, body)).await {
            Ok(response) => {
                tracing::debug!("{method} {shown}: {}", response.status());
                let version = response.version();
                let mut response = back(response, origin.zip(host.as_ref()), &shown);
                if origin.is_none() {
                    self.here.pseudonym.sign(response.headers_mut(), version);
                }
                response
            }
            Err(error) => {
                tracing::warn!("{method} {shown}: {error}");
                answer::of_error(&error)
            }
        }
    }
}

fn refused(status: StatusCode, why: &str) -> Response<AnswerBody> {
    tracing::warn!("refused: {why}");
    answer::of(status, why)
}

/// The answer as the program gets it.
fn back<B>(
    mut response: Response<B>,
    origin: Option<(&Url, &HeaderValue)>,
    shown: &str,
) -> Response<AnswerBody>
where
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<answer::BoxError>,
{
    let outcome = response.extensions_mut().remove::<Outcome>().unwrap_or_default();
    let (logon, missing) = match origin {
        Some(_) => (outcome.origin, outcome.no_ticket),
        None => (outcome.proxy, outcome.no_proxy_ticket),
    };
    let asks = match response.status() {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => true,
        StatusCode::UNAUTHORIZED => origin.is_some() && logon != Logon::NotAsked,
        _ => false,
    };
    if asks {
        // A program that is asked for a password sends one, which nobody here wants.
        let missing = missing.map(|missing| format!("; before that, {missing}"));
        let why = format!("{}: {logon}{}", response.status(), missing.unwrap_or_default());
        tracing::warn!("{shown}: {why}");
        return answer::of(StatusCode::BAD_GATEWAY, &why);
    }
    head::answer(response.headers_mut(), origin);
    let (mut parts, body) = response.into_parts();
    parts.extensions = http::Extensions::new();
    Response::from_parts(parts, body.map_err(Into::into).boxed_unsync())
}

fn target(origin: &Url, asked: &Uri) -> Option<Uri> {
    let path = asked.path_and_query().filter(|path| path.as_str().starts_with('/'))?;
    let plain = asked.authority().is_none();
    let base = origin.as_str().trim_end_matches('/');
    plain.then(|| format!("{base}{path}").parse().ok()).flatten()
}

/// Without the query, which may have secrets in it, and without what stands before an `@`.
fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let authority = authority.rsplit('@').next().unwrap_or_default();
    format!("{authority}{}", uri.path())
}

/// A short body as a whole, a long one as it comes.
async fn kept(body: RequestBody) -> Result<Body, String> {
    if body.size_hint().upper().is_none_or(|length| length > KEPT) {
        return Ok(Body::once(body));
    }
    let collected = body.collect().await.map_err(|error| format!("the body: {error}"))?;
    Ok(Body::from(collected.to_bytes()))
}
