//! One request to an application, and its answer.

use super::BoxError;
use super::failure::{Chain, Failure};
use super::head::{self, Plan};
use super::origin::{Line, Origin, Sent};
use super::outgoing::{Key, Outgoing, Progress};
use super::response::{Ending, Lease, ProxyBody};
use super::timer::Timer;
use super::tunnel;
use super::upstream::{Candidates, Upstream};
use crate::refusal::Refusal;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

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
    /// The host that the client asked for, as it wrote it.
    pub(crate) asked: Option<HeaderValue>,
    /// Put in last, after every removal, in the place of whatever has the name. Each name once.
    pub(crate) set: Arc<[(HeaderName, HeaderValue)]>,
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
pub(crate) fn forward<B>(
    upstream: &Arc<Upstream>,
    request: Request<B>,
    passage: Passage,
) -> Forwarding
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    // What does not wait is done before: a future is as large as all that it is given.
    match Exchange::begin(upstream, request, passage) {
        Ok((mut exchange, begun)) => Box::pin(async move {
            let answered = exchange.answered(begun).await;
            let upstream = Arc::clone(&exchange.upstream);
            match answered.and_then(|answered| exchange.pass_back(answered)) {
                Ok(response) => response,
                Err(failure) => refused(&upstream, &failure),
            }
        }),
        Err(failure) => Box::pin(ready(refused(upstream, &failure))),
    }
}

/// An answer under way.
pub(crate) type Forwarding = Pin<Box<dyn Future<Output = Response<ProxyBody>> + Send>>;

fn refused(upstream: &Upstream, failure: &Failure) -> Response<ProxyBody> {
    failure.log(upstream.name());
    failure.refusal.response()
}

/// One request and its answer.
struct Exchange {
    upstream: Arc<Upstream>,
    candidates: Candidates,
    plan: Plan,
    waiting: Waiting,
    /// The client's connection, if it changes its protocol.
    client: OnUpgrade,
    to_head: bool,
    key: Option<Key>,
    /// Why the last URL did not take it.
    failure: Option<Failure>,
}

/// How far a request has come without waiting.
enum Begun {
    Sent(Attempt),
    /// There is no connection yet to where it is to be sent first.
    Held(Box<Held>, Option<Arc<Origin>>),
}

/// A request that has been sent.
struct Attempt {
    origin: Arc<Origin>,
    line: Line,
    sending: Pin<Box<dyn Future<Output = Sent> + Send>>,
    /// For another attempt.
    again: Option<Box<Held>>,
    /// The line was made for it, as another had failed.
    fresh: bool,
}

/// A request that can be sent.
struct Held {
    request: Request<Outgoing>,
    /// It has what the gateway adds.
    told: bool,
}

struct Answered {
    response: Response<Incoming>,
    origin: Arc<Origin>,
    line: Line,
}

impl Exchange {
    /// Sends the request at once, if there is a connection that waits for one.
    fn begin<B>(
        upstream: &Arc<Upstream>,
        mut request: Request<B>,
        passage: Passage,
    ) -> Result<(Self, Begun), Failure>
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
        let mut exchange = Self {
            candidates: upstream.candidates(),
            plan,
            waiting: Waiting { limit: upstream.response_timeout, progress },
            client,
            to_head,
            key,
            failure: None,
            upstream: Arc::clone(upstream),
        };
        let held = Held { request, told: false };
        let origin = exchange.candidates.next(upstream);
        let rested = origin.as_ref().and_then(|it| it.rested(exchange.plan.upgrade.is_some()));
        let begun = match (origin, rested) {
            (Some(origin), Some(line)) => Begun::Sent(exchange.send(origin, line, held, false)),
            (origin, _) => Begun::Held(Box::new(held), origin),
        };
        Ok((exchange, begun))
    }

    /// Sends it to the first URL that takes it. What may have been received is not sent again,
    /// unless that changes nothing.
    async fn answered(&mut self, begun: Begun) -> Result<Answered, Failure> {
        // What is rare has a box of its own.
        let mut attempt = match begun {
            Begun::Sent(attempt) => attempt,
            Begun::Held(held, origin) => Box::pin(self.attempt(held, origin, false)).await?,
        };
        loop {
            let unanswered =
                match self.waiting.wait(attempt.sending.as_mut(), attempt.line.timer()).await {
                    Ok(response) => {
                        let Attempt { origin, line, .. } = attempt;
                        return Ok(Answered { response, origin, line });
                    }
                    Err(unanswered) => unanswered,
                };
            let (held, same) = self.failed(attempt, unanswered)?;
            let fresh = same.is_some();
            attempt = Box::pin(self.attempt(held, same, fresh)).await?;
        }
    }

    /// Sends it to this URL, or to the next that can be connected to. On a `fresh` connection if
    /// another one has failed.
    async fn attempt(
        &mut self,
        held: Box<Held>,
        mut origin: Option<Arc<Origin>>,
        mut fresh: bool,
    ) -> Result<Attempt, Failure> {
        while let Some(at) = origin.take().or_else(|| self.candidates.next(&self.upstream)) {
            match at.line(self.plan.upgrade.is_some(), fresh).await {
                Ok(line) => return Ok(self.send(at, line, *held, fresh)),
                Err(error) => self.failure = Some(at.failure(error.refusal, error.reason)),
            }
            fresh = false;
        }
        Err(self.failure.take().unwrap_or_else(|| Failure {
            refusal: Refusal::NoUpstream,
            url: None,
            reason: "there is no URL".to_owned(),
        }))
    }

    fn send(&self, origin: Arc<Origin>, mut line: Line, mut held: Held, fresh: bool) -> Attempt {
        let again = (line.reused && self.plan.repeatable).then(|| Box::new(held.copy()));
        if !held.told {
            self.plan.tell(held.request.headers_mut(), &self.upstream.forwarding);
        }
        self.plan.write(&mut held.request, &origin.address, line.is_http2());
        let sending = line.send(held.request);
        Attempt { origin, line, sending, again, fresh }
    }

    /// What can be sent again, and where to, if it is to be the same URL.
    fn failed(
        &mut self,
        attempt: Attempt,
        unanswered: Unanswered,
    ) -> Result<(Box<Held>, Option<Arc<Origin>>), Failure> {
        let Attempt { origin, line, again, fresh, .. } = attempt;
        if matches!(unanswered, Unanswered::Unsent(..) | Unanswered::Failed(Refusal::Closed, _)) {
            line.discard(&origin);
        }
        match (unanswered, again) {
            (Unanswered::Unsent(request, _), _) if line.reused => {
                Ok((Box::new(Held { request: *request, told: true }), Some(origin)))
            }
            (Unanswered::Unsent(request, reason), _) => {
                self.failure = Some(origin.failure(Refusal::Closed, reason));
                Ok((Box::new(Held { request: *request, told: true }), None))
            }
            // Once: what is new, or has failed already, is not tried again.
            (Unanswered::Failed(Refusal::Closed, _), Some(again)) if !fresh => {
                Ok((again, Some(origin)))
            }
            (Unanswered::Failed(refusal, reason), _) => Err(origin.failure(refusal, reason)),
        }
    }

    /// The answer as the client gets it.
    fn pass_back(self, answered: Answered) -> Result<Response<ProxyBody>, Failure> {
        let Answered { response, origin, line } = answered;
        let reusable = match &self.waiting.progress {
            Some(progress) => {
                progress.answered();
                progress.is_finished()
            }
            None => true,
        };
        let (mut parts, mut body) = response.into_parts();
        let switched = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let mut application = None;
        if switched {
            let offer = self.plan.upgrade.as_ref();
            if !offer.is_some_and(|offer| tunnel::is_offered(offer, &parts.headers)) {
                let reason = "it changes to a protocol that nobody asked for";
                return Err(origin.failure(Refusal::BadAnswer, reason));
            }
            let mut response = Response::from_parts(parts, body);
            application = Some(hyper::upgrade::on(&mut response));
            (parts, body) = response.into_parts();
        }
        head::answer(&mut parts, body.size_hint().exact(), self.to_head)
            .map_err(|reason| origin.failure(Refusal::BadAnswer, reason))?;
        if let Some(application) = application {
            tunnel::open(self.client, application);
        }
        let stall = self.upstream.stall;
        let ending = match (switched, reusable) {
            (true, _) => Ending::Tunnel,
            (false, true) => Ending::Reuse,
            (false, false) => Ending::Close(stall),
        };
        let lease = Lease { origin, line, ending, _key: self.key };
        Ok(Response::from_parts(parts, ProxyBody::answer(body, stall, lease)))
    }
}

impl Held {
    /// The same again. Its body is empty.
    fn copy(&self) -> Self {
        let mut copy = Request::new(Outgoing::empty());
        *copy.method_mut() = self.request.method().clone();
        *copy.uri_mut() = self.request.uri().clone();
        *copy.version_mut() = self.request.version();
        *copy.headers_mut() = self.request.headers().clone();
        Self { request: copy, told: self.told }
    }
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

impl Waiting {
    /// The time begins anew as long as the request is still on its way.
    async fn wait(
        &self,
        mut sending: Pin<&mut (dyn Future<Output = Sent> + Send)>,
        timer: &mut Timer,
    ) -> Result<Response<Incoming>, Unanswered> {
        let frames = || self.progress.as_ref().map_or(0, |progress| progress.frames());
        loop {
            let before = frames();
            let end = Instant::now().checked_add(self.limit);
            let sent = poll_fn(|context| match sending.as_mut().poll(context) {
                Poll::Ready(sent) => Poll::Ready(Some(sent)),
                Poll::Pending => timer.poll(context, end).map(|()| None),
            });
            match sent.await {
                Some(Ok(response)) => return Ok(response),
                Some(Err(mut error)) => {
                    let unsent = error.take_message();
                    let error = error.into_error();
                    let reason = Chain(&error).to_string();
                    return Err(match unsent {
                        Some(unsent) => Unanswered::Unsent(Box::new(unsent), reason),
                        None => Unanswered::Failed(self.refusal(&error), reason),
                    });
                }
                None if frames() != before => {}
                None => {
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
