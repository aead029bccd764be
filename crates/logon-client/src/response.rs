//! The body of an answer, and what becomes of its connection.

use crate::connect::Line;
use crate::error::Error;
use crate::pool::{Key, Pool};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of an answer as it arrives. Read to its end it gives the connection back; dropped
/// before, it closes it.
pub struct ResponseBody {
    body: Incoming,
    lease: Option<Lease>,
}

/// The connection that an answer comes on.
pub(crate) struct Lease {
    pub(crate) line: Line,
    /// Where it goes; `None` if it is of no more use.
    pub(crate) home: Option<(Arc<Pool<Line>>, Key)>,
}

impl Lease {
    fn end(self) {
        if let Some((pool, key)) = self.home {
            pool.put(key, self.line);
        }
    }
}

impl ResponseBody {
    pub(crate) fn new(body: Incoming, lease: Lease) -> Self {
        let mut body = Self { body, lease: Some(lease) };
        if body.body.is_end_stream() {
            body.end();
        }
        body
    }

    /// Of a connection that others use as well.
    pub(crate) fn shared(body: Incoming) -> Self {
        Self { body, lease: None }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            return Poll::Pending;
        };
        match &frame {
            None => self.end(),
            Some(Ok(_)) if self.body.is_end_stream() => self.end(),
            Some(Ok(_)) => {}
            Some(Err(_)) => self.lease = None,
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Error::Broken(error.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
