//! The bodies of requests, which may stall, and of answers, which end them.

use crate::BoxError;
use crate::crowd::Turn;
use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// The body of a request, as it arrives. Reading it fails if nothing arrives for the time of
/// [`Limits::body_stall`](crate::Limits::body_stall).
pub struct RequestBody {
    body: Incoming,
    stall: Duration,
    /// Runs while the application waits.
    timer: Option<Pin<Box<Sleep>>>,
    /// Until its end was read.
    turn: Option<Turn>,
}

impl RequestBody {
    pub(crate) fn new(body: Incoming, stall: Duration, turn: Option<Turn>) -> Self {
        Self { body, stall, timer: None, turn }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.timer = None;
            if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
                self.turn = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let stall = self.stall;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(timer.as_mut().poll(context));
        let error = io::Error::new(io::ErrorKind::TimedOut, "the body of the request stalled");
        Poll::Ready(Some(Err(error.into())))
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

pin_project! {
    /// The body of an answer. When it is dropped the request is done with.
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: B,
        // Of an answer to HEAD over HTTP/2, where hyper would send it.
        withheld: bool,
        turn: Option<Turn>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn new(body: B, withheld: bool, turn: Option<Turn>) -> Self {
        Self { body, withheld, turn }
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if *this.withheld { Poll::Ready(None) } else { this.body.poll_frame(context) }
    }

    fn is_end_stream(&self) -> bool {
        self.withheld || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
