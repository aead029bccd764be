//! The bodies of requests: what goes with which leg, and what can be sent again.

use crate::BoxError;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Sleep;

pub(crate) type BoxBody = UnsyncBoxBody<Bytes, BoxError>;

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

    /// Nothing of it was read: it can be sent after all.
    pub(crate) fn put_back(&mut self, body: BoxBody) {
        if let Kind::Once(spent) = &mut self.0 {
            *spent = Some(body);
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
    kind: Leg,
    size: SizeHint,
}

enum Leg {
    Open(BoxBody),
    Shut { door: Door, timer: Option<Pin<Box<Sleep>>> },
}

/// Keeps a body back until the server wants it.
#[derive(Clone)]
pub(crate) struct Door(Arc<Mutex<Waiting>>);

struct Waiting {
    /// `None` once it is on its way, or taken back.
    body: Option<BoxBody>,
    open: bool,
    waker: Option<Waker>,
}

impl Door {
    /// The server wants the body.
    pub(crate) fn open(&self) {
        let mut waiting = self.lock();
        waiting.open = true;
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    /// The server has answered: the body again, if nothing of it was read.
    pub(crate) fn take_back(&self) -> Option<BoxBody> {
        self.lock().body.take()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self::new(nothing())
    }

    pub(crate) fn new(body: BoxBody) -> Self {
        Self { size: body.size_hint(), kind: Leg::Open(body) }
    }

    /// Behind a door.
    pub(crate) fn kept_back(body: BoxBody) -> (Self, Door) {
        let size = body.size_hint();
        let waiting = Waiting { body: Some(body), open: false, waker: None };
        let door = Door(Arc::new(Mutex::new(waiting)));
        (Self { kind: Leg::Shut { door: door.clone(), timer: None }, size }, door)
    }
}

/// The body, once it is wanted, or somebody has waited for long enough. Never, once it was taken
/// back.
fn poll_door(
    door: &Door,
    timer: &mut Option<Pin<Box<Sleep>>>,
    context: &mut Context<'_>,
) -> Poll<BoxBody> {
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
    let patient = timer.as_mut().poll(context).is_pending();
    let mut waiting = door.lock();
    waiting.waker = Some(context.waker().clone());
    if patient && !waiting.open {
        return Poll::Pending;
    }
    waiting.body.take().map_or(Poll::Pending, Poll::Ready)
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            match &mut self.kind {
                Leg::Open(body) => return Pin::new(body).poll_frame(context),
                Leg::Shut { door, timer } => match poll_door(door, timer, context) {
                    Poll::Ready(body) => self.kind = Leg::Open(body),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Leg::Open(body) => body.is_end_stream(),
            Leg::Shut { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Leg::Open(body) => body.size_hint(),
            Leg::Shut { .. } => self.size,
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").finish_non_exhaustive()
    }
}
