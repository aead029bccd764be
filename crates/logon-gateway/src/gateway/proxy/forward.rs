//! One request to an application, and its answer.

use super::BoxError;
use super::failure::{Chain, Failure};
use super::head::{self, Plan};
use super::origin::{Line, Origin};
use super::outgoing::{Outgoing, Progress};
use super::response::{Ending, Lease, ProxyBody};
use super::tunnel;
use super::upstream::Upstream;
use crate::refusal::Refusal;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// What the gateway knows of a request.
#[derive(Debug, Clone)]
pub(crate) struct Passage {
    /// The other end of the accepted connection.
    pub(crate) client: Option<SocketAddr>,
    /// It came over TLS.
    pub(crate) secure: bool,
    /// The other end is a proxy that is believed: what it says in `X-Forwarded-*`, `Forwarded`
    /// and `Via` is kept and added to. What others say there is replaced.
    pub(crate) trusted: bool,
    /// The host that the client asked for.
    pub(crate) authority: Option<String>,
    /// Put in last, after every removal, in the place of whatever has the name. Each name once.
    pub(crate) set: Vec<(HeaderName, HeaderValue)>,
    /// Fields of the client that are never passed on.
    pub(crate) removed: Arc<dyn Removed>,
}

/// Fields of the client's requests that are never passed on: header fields and trailers.
pub(crate) trait Removed: Send + Sync + fmt::Debug {
    /// Whether the field of this name is one; the name is in lower case.
    fn removes(&self, name: &str) -> bool;
}

/// Passes a request on. Where there is no answer the gateway gives one, with a [`Refusal`] among its
/// extensions.
pub(crate) async fn forward<B>(
    upstream: &Arc<Upstream>,
    request: Request<B>,
    passage: Passage,
) -> Response<ProxyBody>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    match pass(upstream, request, passage).await {
        Ok(response) => response,
        Err(failure) => {
            failure.log(upstream.name());
            failure.refusal.response()
        }
    }
}

async fn pass<B>(
    upstream: &Upstream,
    mut request: Request<B>,
    passage: Passage,
) -> Result<Response<ProxyBody>, Failure>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let client = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let (removed, trusted) = (Arc::clone(&passage.removed), passage.trusted);
    let plan = head::prepare(&mut parts, &body, passage, upstream.preserve_host)?;
    let (body, progress, key) = Outgoing::new(body, &removed, trusted, plan.expects);
    // What was known of the client's connection is of no use on another one.
    parts.extensions = http::Extensions::new();
    let to_head = parts.method == Method::HEAD;
    let mut request = Request::from_parts(parts, body);
    if let Some(key) = key.clone() {
        hyper::ext::on_informational(&mut request, move |information| {
            if information.status() == StatusCode::CONTINUE {
                key.open();
            }
        });
    }
    let waiting = Waiting { limit: upstream.response_timeout, progress };
    let answered = send(upstream, request, &plan, &waiting).await?;
    let Answered { response, origin, line } = answered;
    let reusable = match &waiting.progress {
        Some(progress) => {
            progress.answered();
            progress.is_finished()
        }
        None => true,
    };

    let (mut parts, mut body) = response.into_parts();
    let mut application = None;
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        let offer = plan.upgrade.as_ref();
        if !offer.is_some_and(|offer| tunnel::is_offered(offer, &parts.headers)) {
            let reason = "it changes to a protocol that nobody asked for";
            return Err(origin.failure(Refusal::BadAnswer, reason));
        }
        let mut response = Response::from_parts(parts, body);
        application = Some(hyper::upgrade::on(&mut response));
        (parts, body) = response.into_parts();
    }
    let exact = body.size_hint().exact();
    head::answer(&mut parts, exact, to_head)
        .map_err(|reason| origin.failure(Refusal::BadAnswer, reason))?;
    if let Some(application) = application {
        tunnel::open(client, application);
    }
    let ending = if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        Ending::Tunnel
    } else if reusable {
        Ending::Reuse
    } else {
        Ending::Close(upstream.stall)
    };
    let lease = Lease { origin: Arc::clone(origin), line, ending, _key: key };
    Ok(Response::from_parts(parts, ProxyBody::answer(body, upstream.stall, lease)))
}

struct Answered<'a> {
    response: Response<Incoming>,
    origin: &'a Arc<Origin>,
    line: Line,
}

/// Sends it to the first URL that takes it. What may have been received is not sent again, unless
/// that changes nothing.
async fn send<'a>(
    upstream: &'a Upstream,
    mut request: Request<Outgoing>,
    plan: &Plan,
    waiting: &Waiting,
) -> Result<Answered<'a>, Failure> {
    let mut last = None;
    for origin in upstream.candidates() {
        let mut fresh = false;
        loop {
            let mut line = match origin.line(plan.upgrade.is_some(), fresh).await {
                Ok(line) => line,
                Err(error) => {
                    last = Some(origin.failure(error.refusal, error.reason));
                    break;
                }
            };
            head::write(plan, &mut request, &origin.address, line.is_http2());
            let again = (line.reused && plan.repeatable).then(|| copy(&request));
            let sent = waiting.wait(line.send(request)).await;
            if matches!(sent, Err(Unanswered::Unsent(..) | Unanswered::Failed(Refusal::Closed, _)))
            {
                line.discard(origin);
            }
            match sent {
                Ok(response) => return Ok(Answered { response, origin, line }),
                Err(Unanswered::Unsent(unsent, reason)) => {
                    request = *unsent;
                    if !line.reused {
                        last = Some(origin.failure(Refusal::Closed, reason));
                        break;
                    }
                }
                Err(Unanswered::Failed(refusal, reason)) => match again {
                    // Once: what is new, or has failed already, is not tried again.
                    Some(again) if refusal == Refusal::Closed && !fresh => request = again,
                    _ => return Err(origin.failure(refusal, reason)),
                },
            }
            fresh = true;
        }
    }
    Err(last.unwrap_or_else(|| Failure {
        refusal: Refusal::NoUpstream,
        url: None,
        reason: "there is no URL".to_owned(),
    }))
}

/// The same request again. Its body is empty.
fn copy(request: &Request<Outgoing>) -> Request<Outgoing> {
    let mut copy = Request::new(Outgoing::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// The wait for the head of an answer.
struct Waiting {
    limit: Duration,
    progress: Option<Arc<Progress>>,
}

enum Unanswered {
    /// Nothing of it was sent.
    Unsent(Box<Request<Outgoing>>, String),
    Failed(Refusal, String),
}

type Sent = Result<Response<Incoming>, hyper::client::conn::TrySendError<Request<Outgoing>>>;

impl Waiting {
    /// The time begins anew as long as the request is still on its way.
    async fn wait(
        &self,
        sending: impl Future<Output = Sent>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut sending = pin!(sending);
        let frames = || self.progress.as_ref().map_or(0, |progress| progress.frames());
        loop {
            let before = frames();
            match tokio::time::timeout(self.limit, sending.as_mut()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(mut error)) => {
                    let unsent = error.take_message();
                    let error = error.into_error();
                    let reason = Chain(&error).to_string();
                    return Err(match unsent {
                        Some(unsent) => Unanswered::Unsent(Box::new(unsent), reason),
                        None => Unanswered::Failed(self.refusal(&error), reason),
                    });
                }
                Err(_) if frames() != before => {}
                Err(_) => {
                    let reason = format!("no answer within {:?}", self.limit);
                    return Err(Unanswered::Failed(Refusal::Timeout, reason));
                }
            }
        }
    }

    fn refusal(&self, error: &hyper::Error) -> Refusal {
        if self.progress.as_ref().is_some_and(|progress| progress.has_failed()) {
            Refusal::ClientBody
        } else if error.is_parse() {
            Refusal::BadAnswer
        } else {
            Refusal::Closed
        }
    }
}
