//! The body of an answer on its way to the client.

use super::BoxError;
use super::failure::Chain;
use super::head;
use super::origin::{Line, Origin};
use super::outgoing::Key;
use super::timer::Timer;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// The body of an answer: the application's, as it arrives, or a text of the gateway.
pub(crate) struct ProxyBody(Kind);

enum Kind {
    Text(Bytes),
    Answer(Answer),
}

struct Answer {
    body: Incoming,
    stall: Stall,
    /// Until the end was read.
    lease: Option<Lease>,
}

/// The connection that an answer comes on.
pub(super) struct Lease {
    pub(super) origin: Arc<Origin>,
    pub(super) line: Line,
    pub(super) ending: Ending,
    /// A body that still waits to be wanted is given up when the answer is over.
    pub(super) _key: Option<Key>,
}

/// What becomes of a connection when its answer is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The request was sent whole before its answer came: on to the next one.
    Reuse,
    /// The answer was early. What is left of the request still goes where it belongs, but not
    /// for longer than this after it.
    Close(Duration),
    /// It is no connection of HTTP any more.
    Tunnel,
}

impl Lease {
    fn end(self) {
        if self.ending == Ending::Reuse {
            self.line.put_back(&self.origin);
        } else {
            self.close();
        }
    }

    fn close(self) {
        let Ending::Close(time) = self.ending else { return };
        let Some(task) = self.line.task().cloned() else { return };
        let Ok(runtime) = Handle::try_current() else { return task.abort() };
        runtime.spawn(async move {
            tokio::time::sleep(time).await;
            task.abort();
        });
    }
}

impl ProxyBody {
    /// A text that is there already.
    pub(crate) fn text(text: impl Into<Bytes>) -> Self {
        Self(Kind::Text(text.into()))
    }

    pub(super) fn answer(body: Incoming, stall: Duration, lease: Lease) -> Self {
        let mut answer = Answer { body, stall: Stall::new(stall), lease: Some(lease) };
        if answer.body.is_end_stream() {
            answer.end();
        }
        Self(Kind::Answer(answer))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.close();
        }
    }
}

impl Answer {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            if self.stall.poll(context).is_pending() {
                return Poll::Pending;
            }
            let limit = self.stall.limit;
            self.broken(&format!("nothing came for {limit:?}"));
            let error = io::Error::new(io::ErrorKind::TimedOut, "the application's answer stalled");
            return Poll::Ready(Some(Err(error.into())));
        };
        self.stall.waiting = false;
        match frame {
            None => {
                self.end();
                Poll::Ready(None)
            }
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    head::clean_trailers(trailers, None);
                    self.end();
                } else if self.body.is_end_stream() {
                    self.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.broken(&Chain(&error).to_string());
                Poll::Ready(Some(Err(error.into())))
            }
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }

    /// The connection is dropped, and closed with that.
    fn broken(&mut self, reason: &str) {
        if let Some(lease) = self.lease.take() {
            let (upstream, url) = (&*lease.origin.upstream, &lease.origin.url);
            tracing::warn!(upstream, url, "the application's answer broke off: {reason}");
            lease.close();
        }
    }
}

/// Runs while nothing comes that is waited for.
struct Stall {
    limit: Duration,
    waiting: bool,
    since: Instant,
    timer: Timer,
}

impl Stall {
    fn new(limit: Duration) -> Self {
        Self { limit, waiting: false, since: Instant::now(), timer: Timer::default() }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.since = Instant::now();
        }
        self.timer.poll(context, self.since.checked_add(self.limit))
    }
}

impl Body for ProxyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Text(text) if text.is_empty() => Poll::Ready(None),
            Kind::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
            Kind::Answer(answer) => answer.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Text(text) => text.is_empty(),
            Kind::Answer(answer) => answer.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Text(text) => SizeHint::with_exact(u64::try_from(text.len()).unwrap_or(u64::MAX)),
            Kind::Answer(answer) => answer.body.size_hint(),
        }
    }
}

impl fmt::Debug for ProxyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyBody").finish_non_exhaustive()
    }
}
