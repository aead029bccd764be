//! Whole bodies, for who signs them.

use bytes::{Buf, Bytes, BytesMut};
use http::header::HeaderName;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

use crate::future::Boxed;

/// The whole body of a request, in its extensions: what `Digest` with `qop=auth-int` signs.
#[derive(Clone)]
pub struct EntityBody(pub(crate) Bytes);

/// Reads the body of a request whose `Digest` credentials sign it (`qop=auth-int`, [RFC 7616]
/// §3.4.3), before a [`crate::LogonLayer`] looks at them. Stands before that layer, and only where
/// [`logon::http::DigestConfig::with_auth_int`] is on: no browser signs bodies.
///
/// [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
#[derive(Debug, Clone)]
pub struct SignedBodyLayer {
    max_bytes: usize,
    timeout: Duration,
}

impl SignedBodyLayer {
    /// Reads bodies of up to `max_bytes`; a longer one that is signed is answered with 413, one
    /// that takes more than 30 s with 408.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, timeout: Duration::from_secs(30) }
    }
}

impl<T> Layer<T> for SignedBodyLayer {
    type Service = SignedBodyService<T>;

    fn layer(&self, inner: T) -> Self::Service {
        SignedBodyService { inner, limits: self.clone() }
    }
}

/// A service behind a [`SignedBodyLayer`].
#[derive(Debug, Clone)]
pub struct SignedBodyService<T> {
    inner: T,
    limits: SignedBodyLayer,
}

impl<T, B, R> Service<Request<B>> for SignedBodyService<T>
where
    T: Service<Request<ReadBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    T::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = T::Error;
    type Future = Boxed<R, T::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let SignedBodyLayer { max_bytes, timeout } = self.limits;
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            // What somebody further out may have put there is not ours.
            parts.extensions.remove::<EntityBody>();
            if !is_signed(&parts.headers) {
                return inner.call(Request::from_parts(parts, ReadBody::stream(body))).await;
            }
            let read = tokio::time::timeout(timeout, read(body, max_bytes)).await;
            match read {
                Ok(Ok(bytes)) => {
                    parts.extensions.insert(EntityBody(bytes.clone()));
                    inner.call(Request::from_parts(parts, ReadBody::whole(bytes))).await
                }
                Ok(Err(status)) => Ok(refuse(status)),
                Err(_) => Ok(refuse(StatusCode::REQUEST_TIMEOUT)),
            }
        })
    }
}

/// Whether any credentials look as if they signed the body. Whether they do is not for here to
/// say; to read a body in vain costs no more than to read it later.
fn is_signed(headers: &HeaderMap) -> bool {
    let fields = ["authorization", "proxy-authorization"].map(HeaderName::from_static);
    let values = fields.iter().flat_map(|field| headers.get_all(field));
    values.into_iter().any(|value| {
        let value = value.as_bytes();
        let is_digest = value.get(..7).is_some_and(|name| name.eq_ignore_ascii_case(b"digest "));
        is_digest && value.windows(8).any(|part| part.eq_ignore_ascii_case(b"auth-int"))
    })
}

async fn read<B: Body<Data = Bytes>>(body: B, limit: usize) -> Result<Bytes, StatusCode> {
    let mut body = pin!(body);
    let mut whole = BytesMut::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let Ok(frame) = frame else { return Err(StatusCode::BAD_REQUEST) };
        // Trailers are not signed, and signed requests have none.
        let Ok(data) = frame.into_data() else { continue };
        if data.remaining() > limit.saturating_sub(whole.len()) {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn refuse<R: From<String>>(status: StatusCode) -> Response<R> {
    let mut response = Response::new(R::from(format!("{status}\n")));
    *response.status_mut() = status;
    let close = http::HeaderValue::from_static("close");
    response.headers_mut().insert(http::header::CONNECTION, close);
    response
}

/// By its length alone; it may have secrets in it.
impl fmt::Debug for EntityBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntityBody").field(&self.0.len()).finish()
    }
}

/// A body that is under way, or has been read.
pub struct ReadBody<B>(Source<B>);

enum Source<B> {
    Stream(Pin<Box<B>>),
    Whole(Option<Bytes>),
}

impl<B> ReadBody<B> {
    fn stream(body: B) -> Self {
        Self(Source::Stream(Box::pin(body)))
    }

    fn whole(bytes: Bytes) -> Self {
        Self(Source::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl<B> fmt::Debug for ReadBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBody").finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes>> Body for ReadBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.0 {
            Source::Stream(body) => body.as_mut().poll_frame(context),
            Source::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Stream(body) => body.is_end_stream(),
            Source::Whole(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Stream(body) => body.size_hint(),
            Source::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
        }
    }
}
