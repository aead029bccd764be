//! The bodies of requests: what goes with which leg, and what can be sent again.

use crate::BoxError;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Sleep;

type BoxBody = UnsyncBoxBody<Bytes, BoxError>;

/// The body of a request as the caller gives it.
///
/// A logon may need it more than once: a connection that was logged on may have been closed, or
/// the logon on it forgotten. What can be sent again is sent again; what cannot is kept back until
/// the server wants it (`Expect: 100-continue`).
#[derive(Default)]
pub struct Body(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Bytes(Bytes),
    Again(Arc<dyn Fn() -> BoxBody + Send + Sync>),
    Once(Option<BoxBody>),
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// A body that `open` makes from its beginning as often as it is needed, such as a file's.
    #[must_use]
    pub fn again<B>(open: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Again(Arc::new(move || open().map_err(Into::into).boxed_unsync())))
    }

    /// A body that can be sent once.
    #[must_use]
    pub fn once<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self(Kind::Once(Some(body.map_err(Into::into).boxed_unsync())))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Again(_) | Kind::Once(_) => false,
        }
    }

    /// It, from its beginning; `None` if it cannot be had again.
    pub(crate) fn open(&mut self) -> Option<BoxBody> {
        match &mut self.0 {
            Kind::Empty => Some(nothing()),
            Kind::Bytes(bytes) => Some(full(bytes.clone())),
            Kind::Again(open) => Some(open()),
            Kind::Once(body) => body.take(),
        }
    }

    /// Whether [`Self::open`] gives it now.
    pub(crate) fn can_be_sent(&self) -> bool {
        !matches!(self.0, Kind::Once(None))
    }

    /// Whether [`Self::open`] gives it each time.
    pub(crate) fn can_be_repeated(&self) -> bool {
        !matches!(self.0, Kind::Once(_))
    }
}

fn full(bytes: Bytes) -> BoxBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn nothing() -> BoxBody {
    full(Bytes::new())
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Kind::Bytes(bytes)) }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from(Bytes::from_static(text.as_bytes()))
    }
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Empty => "Body::empty",
            Kind::Bytes(_) => "Body::bytes",
            Kind::Again(_) => "Body::again",
            Kind::Once(_) => "Body::once",
        })
    }
}

/// How long a body waits for the 100 that it asked for: some servers never send it
/// ([RFC 9110] §10.1.1).
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
const PATIENCE: Duration = Duration::from_secs(1);

/// The body of one leg on its way.
pub struct RequestBody {
    body: BoxBody,
    gate: Option<Gate>,
}

struct Gate {
    door: Door,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Opens a body that is kept back.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<DoorState>);

#[derive(Default)]
struct DoorState {
    open: AtomicBool,
    /// It stays shut: there is an answer already.
    shut: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Door {
    /// The server wants the body.
    pub(crate) fn open(&self) {
        self.0.open.store(true, Ordering::Release);
        if let Some(waker) = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    /// The server has answered without it. Whether it has not been opened before.
    pub(crate) fn shut(&self) -> bool {
        self.0.shut.store(true, Ordering::Release);
        !self.0.open.load(Ordering::Acquire)
    }
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self { body: nothing(), gate: None }
    }

    /// At once, or behind a door.
    pub(crate) fn new(body: BoxBody, door: Option<Door>) -> Self {
        Self { body, gate: door.map(|door| Gate { door, timer: None }) }
    }
}

impl Gate {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let state = &self.door.0;
        *state.waiting.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(context.waker().clone());
        if state.open.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if state.shut.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        if timer.as_mut().poll(context).is_pending() || state.shut.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        state.open.store(true, Ordering::Release);
        Poll::Ready(())
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(gate) = &mut self.gate {
            if gate.poll(context).is_pending() {
                return Poll::Pending;
            }
            self.gate = None;
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").finish_non_exhaustive()
    }
}
