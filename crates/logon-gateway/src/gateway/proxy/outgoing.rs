//! The body of a request on its way to the application.

use super::BoxError;
use super::forward::Removed;
use super::head;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// How long a body waits for the 100 that its client asked for: some applications never send it
/// ([RFC 9110] §10.1.1).
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-10.1.1
const PATIENCE: Duration = Duration::from_secs(1);

/// The body of a request. Most have none.
pub(super) struct Outgoing(Option<Box<Sending>>);

struct Sending {
    body: UnsyncBoxBody<Bytes, BoxError>,
    /// What is still to come, if that was said.
    rest: Option<u64>,
    gate: Option<Gate>,
    progress: Arc<Progress>,
    removed: Arc<dyn Removed>,
    trusted: bool,
}

/// How far a body has come, for those who wait for the answer to it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    frames: AtomicUsize,
    finished: AtomicBool,
    failed: AtomicBool,
    answered: AtomicBool,
}

impl Progress {
    pub(super) fn frames(&self) -> usize {
        self.frames.load(Ordering::Relaxed)
    }

    /// All of it was read.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// The client did not send all of it.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// The application has answered: who still waits for its 100 waits no longer.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Release);
    }
}

/// Keeps the body back until the application wants it.
struct Gate {
    opened: oneshot::Receiver<()>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Opens a gate. When the last one is gone, the gate stays shut, and the request ends.
#[derive(Debug, Clone)]
pub(super) struct Key(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl Key {
    pub(super) fn open(&self) {
        if let Some(opened) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // The body may be gone.
            let _ = opened.send(());
        }
    }
}

impl Outgoing {
    pub(super) fn empty() -> Self {
        Self(None)
    }

    /// `trusted` as in [`Passage`](super::forward::Passage). With a key if `expects`.
    pub(super) fn new<B>(
        body: B,
        removed: &Arc<dyn Removed>,
        trusted: bool,
        expects: bool,
    ) -> (Self, Option<Arc<Progress>>, Option<Key>)
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return (Self::empty(), None, None);
        }
        let progress = Arc::new(Progress::default());
        let (gate, key) = if expects {
            let (sender, opened) = oneshot::channel();
            let key = Key(Arc::new(Mutex::new(Some(sender))));
            (Some(Gate { opened, timer: None }), Some(key))
        } else {
            (None, None)
        };
        let sending = Sending {
            rest: body.size_hint().exact(),
            body: body.map_err(Into::into).boxed_unsync(),
            gate,
            progress: Arc::clone(&progress),
            removed: Arc::clone(removed),
            trusted,
        };
        (Self(Some(Box::new(sending))), Some(progress), key)
    }
}

impl Sending {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(gate) = &mut self.gate {
            match gate.poll(context, &self.progress) {
                Poll::Ready(Ok(())) => self.gate = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Poll::Ready(frame) = polled else { return Poll::Pending };
        self.progress.frames.fetch_add(1, Ordering::Relaxed);
        let mut finished = self.body.is_end_stream();
        let frame = match frame {
            None => {
                finished = true;
                None
            }
            Some(Ok(mut frame)) => {
                if let Some(data) = frame.data_ref() {
                    let read = u64::try_from(data.len()).unwrap_or(u64::MAX);
                    self.rest = self.rest.map(|rest| rest.saturating_sub(read));
                    finished |= self.rest == Some(0);
                } else if let Some(trailers) = frame.trailers_mut() {
                    finished = true;
                    head::clean_trailers(trailers, Some((self.removed.as_ref(), self.trusted)));
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.progress.failed.store(true, Ordering::Release);
                return Poll::Ready(Some(Err(error)));
            }
        };
        if finished {
            self.progress.finished.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }
}

impl Gate {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        progress: &Progress,
    ) -> Poll<Result<(), BoxError>> {
        match Pin::new(&mut self.opened).poll(context) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(_)) => {
                let error = io::Error::other("the application did not want the body");
                return Poll::Ready(Err(error.into()));
            }
            Poll::Pending => {}
        }
        if progress.answered.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(PATIENCE)));
        match timer.as_mut().poll(context) {
            Poll::Ready(()) if !progress.answered.load(Ordering::Acquire) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            None => Poll::Ready(None),
            Some(sending) => sending.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|sending| sending.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |sending| sending.body.size_hint())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outgoing").field(&self.0.is_some()).finish()
    }
}
