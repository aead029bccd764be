//! A request and its logon, over one connection.

use crate::BoxError;
use crate::body::{Body, Door, RequestBody};
use crate::error::Error;
use crate::party::Party;
use crate::trace::{Event, Observer};
use bytes::Bytes;
use http::header::{EXPECT, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use logon::http::{ClientError, Credentials, Side};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tower_service::Service;
use zeroize::Zeroizing;

/// Legs of one request: two sides with three each, and some that a mechanism adds.
const MAX_LEGS: usize = 16;

/// Of a body that nobody wants, in bytes; a longer one ends the connection.
const MAX_DRAINED: usize = 1024 * 1024;

/// For such a body, and for a connection to be ready again.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A request as it goes over the wire, but for credentials.
pub(crate) struct Message {
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// A body that is kept back says so (`Expect: 100-continue`). Until a server refuses that.
    pub(crate) expects: bool,
}

/// An answer that is the caller's.
pub(crate) struct Answer<B> {
    pub(crate) response: Response<B>,
    /// The connection can be used again when the answer is over.
    pub(crate) keep: bool,
}

/// Why there is no answer over this connection.
pub(crate) enum Failed {
    /// It ended. `again` if nothing can have come of the request; `judged` if the server may have
    /// held the credentials to be wrong.
    Closed { cause: BoxError, again: bool, judged: bool },
    /// It is of no more use, and the exchange goes on over a new one.
    Next(&'static str),
    /// There is no use in another one.
    Fatal(Error),
}

/// How a request is sent.
pub(crate) struct Manner<'a> {
    /// The connection leads to a proxy that passes the request on.
    pub(crate) forwarded: bool,
    /// It has carried a request before, and may have been closed meanwhile.
    pub(crate) reused: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) observer: Option<&'a Arc<dyn Observer>>,
}

impl Manner<'_> {
    fn tell(&self, event: Event<'_>) {
        if let Some(observer) = self.observer {
            observer.event(event);
        }
    }
}

/// Sends a request over a connection, with as many legs as the logon takes.
pub(crate) async fn run<S, B>(
    wire: &mut S,
    origin: &mut Party<'_>,
    proxy: &mut Party<'_>,
    message: &mut Message,
    manner: &Manner<'_>,
) -> Result<Answer<B>, Failed>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
{
    let (method, target) = (message.method.as_str(), message.target.to_string());
    // What a proxy passes on.
    let path = message.target.path_and_query().map_or(target.as_str(), |path| path.as_str());
    let mut for_origin = origin.begin(method, path).await.map_err(|cause| failed(origin, cause))?;
    let mut for_proxy = proxy.begin(method, &target).await.map_err(|cause| failed(proxy, cause))?;
    for leg in 0..MAX_LEGS {
        let whole = [&for_origin, &for_proxy].into_iter().flatten().all(|it| it.last);
        let uncertain = is_uncertain(origin, for_origin.as_ref())
            || is_uncertain(proxy, for_proxy.as_ref())
            || !message.body.can_be_repeated();
        let mut door = None;
        let body = if whole {
            let body = message.body.open().ok_or(Failed::Fatal(Error::BodySpent))?;
            let kept_back = uncertain && (message.expects || !message.body.can_be_repeated());
            if kept_back && !message.body.is_empty() {
                let (body, kept) = RequestBody::kept_back(body);
                door = Some(kept);
                body
            } else {
                RequestBody::new(body)
            }
        } else {
            RequestBody::empty()
        };
        let mut request = message.head(body, door.as_ref());
        add(&mut request, Side::Origin, for_origin.as_ref());
        add(&mut request, Side::Proxy, for_proxy.as_ref());
        let with_body = whole && !message.body.is_empty();
        let (method, target) = (request.method(), request.uri());
        manner.tell(Event::Sent { method, target, headers: request.headers(), with_body });

        origin.sending(for_origin.as_ref());
        proxy.sending(for_proxy.as_ref());
        let sent = send(wire, request, manner.timeout).await;
        let expected = door.is_some() && message.expects;
        let unread = door.and_then(|door| door.take_back());
        let is_unread = unread.is_some();
        if let Some(body) = unread {
            message.body.put_back(body);
        }
        let response = match sent? {
            Ok(response) => response,
            Err((cause, unsent)) => {
                if unsent {
                    origin.unsent();
                    proxy.unsent();
                }
                let judged = whole && leg > 0;
                let stale = (manner.reused || judged) && message.method.is_idempotent();
                // A leg without the body that belongs to it is none of the request.
                let harmless =
                    leg > 0 || !message.body.is_empty() || message.method.is_idempotent();
                let again = unsent || is_unread || (!whole && harmless) || stale;
                return Err(Failed::Closed { cause, again, judged });
            }
        };
        let (status, headers) = (response.status(), response.headers());
        manner.tell(Event::Received { status, headers });
        // To be repeated without (RFC 9110 §10.1.1).
        let refused = expected && status == StatusCode::EXPECTATION_FAILED;
        if refused && message.body.can_be_sent() {
            message.expects = false;
            return Err(Failed::Next("the server refuses to say when it wants the body"));
        }
        let next = match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED if manner.forwarded => {
                origin.unsent();
                for_proxy =
                    proxy.challenged(headers).await.map_err(|cause| failed(proxy, cause))?;
                for_proxy.is_some()
            }
            StatusCode::UNAUTHORIZED => {
                proxy.answered(headers).map_err(|cause| failed(proxy, cause))?;
                for_proxy = None;
                origin.shared = manner.forwarded && !is_session_based(headers);
                let challenged = origin.challenged(headers).await;
                for_origin = challenged.map_err(|cause| failed(origin, cause))?;
                for_origin.is_some()
            }
            _ => {
                proxy.answered(headers).map_err(|cause| failed(proxy, cause))?;
                origin.answered(headers).map_err(|cause| failed(origin, cause))?;
                if !whole && status.is_success() && !message.body.is_empty() {
                    return Err(Failed::Fatal(Error::AnsweredTooEarly(status)));
                }
                false
            }
        };
        if !next {
            let keep = !is_unread && origin.is_settled() && proxy.is_settled();
            return Ok(Answer { response, keep });
        }
        if is_unread {
            return Err(Failed::Next("the server did not wait for the body"));
        }
        if !drain(response.into_body()).await || !is_ready(wire).await {
            return Err(Failed::Next("the server closed the connection with its challenge"));
        }
    }
    let cause = std::io::Error::other(format!("{MAX_LEGS} legs and no end"));
    Err(Failed::Fatal(Error::Broken(cause.into())))
}

impl Message {
    fn head(&self, body: RequestBody, door: Option<&Door>) -> Request<RequestBody> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(door) = door.cloned() {
            if self.expects {
                request.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
            }
            hyper::ext::on_informational(&mut request, move |information| {
                if information.status() == StatusCode::CONTINUE {
                    door.open();
                }
            });
        }
        request
    }
}

/// Whether a request may be answered by a challenge.
fn is_uncertain(party: &Party<'_>, credentials: Option<&Credentials>) -> bool {
    party.login().is_some() && !party.is_logged_on() && credentials.is_none()
}

fn add(request: &mut Request<RequestBody>, side: Side, credentials: Option<&Credentials>) {
    let Some(credentials) = credentials else { return };
    // Wiped with its last copy, which shares the bytes.
    let bytes = Bytes::from_owner(Zeroizing::new(credentials.value.as_bytes().to_vec()));
    // Base64 and a name: always a value.
    if let Ok(mut value) = HeaderValue::from_maybe_shared(bytes) {
        value.set_sensitive(true);
        let name = HeaderName::from_static(side.credentials_field());
        request.headers_mut().insert(name, value);
    }
}

fn failed(party: &Party<'_>, cause: ClientError) -> Failed {
    let side = party.side;
    Failed::Fatal(match party.missing() {
        Some(no_ticket) => Error::LogonWithoutTicket { side, cause: cause.into(), no_ticket },
        None => Error::Logon { side, cause },
    })
}

/// [RFC 4559] §6.
///
/// [RFC 4559]: https://www.rfc-editor.org/rfc/rfc4559#section-6
fn is_session_based(headers: &HeaderMap) -> bool {
    headers.get_all("proxy-support").iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(b"session-based-authentication"))
    })
}

type Sent<B> = Result<Response<B>, (BoxError, bool)>;

/// The head of the answer, or what went wrong and whether nothing was sent.
async fn send<S, B>(
    wire: &mut S,
    request: Request<RequestBody>,
    limit: Option<Duration>,
) -> Result<Sent<B>, Failed>
where
    S: Service<Request<RequestBody>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    let sending = async {
        if let Err(error) = poll_fn(|context| wire.poll_ready(context)).await {
            return Err((error.into(), true));
        }
        wire.call(request).await.map_err(|error| {
            let error: BoxError = error.into();
            let unsent = error
                .downcast_ref::<hyper::Error>()
                .is_some_and(|error| error.is_canceled() || error.is_closed());
            (error, unsent)
        })
    };
    match limit {
        None => Ok(sending.await),
        Some(limit) => tokio::time::timeout(limit, sending)
            .await
            .map_err(|_| Failed::Fatal(Error::Timeout(limit))),
    }
}

/// Reads a body that nobody wants. Whether it ended well and in time.
pub(crate) async fn drain<B: HttpBody<Data = Bytes>>(body: B) -> bool {
    let reading = async {
        let mut body = pin!(body);
        let mut rest = MAX_DRAINED;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            let length = frame.data_ref().map_or(0, Bytes::len);
            match rest.checked_sub(length) {
                Some(left) => rest = left,
                None => return false,
            }
        }
        true
    };
    tokio::time::timeout(DRAIN_TIMEOUT, reading).await.unwrap_or(false)
}

async fn is_ready<S: Service<Request<RequestBody>>>(wire: &mut S) -> bool {
    let ready = poll_fn(|context| wire.poll_ready(context));
    matches!(tokio::time::timeout(DRAIN_TIMEOUT, ready).await, Ok(Ok(())))
}
