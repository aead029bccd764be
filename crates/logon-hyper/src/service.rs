//! What goes with every request, and comes with every answer.

use crate::BoxError;
use crate::body::{RequestBody, ResponseBody};
use crate::crowd::{Seat, Turn};
use http::{Method, Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use logon_tower::{Connection, Http11Required, RequestTarget};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tower_service::Service;

/// Serves the requests of one connection.
pub(crate) struct ConnectionService<T> {
    inner: T,
    connection: Connection,
    seat: Arc<Seat>,
    body_stall: Duration,
}

impl<T> ConnectionService<T> {
    pub(crate) fn new(
        inner: T,
        connection: Connection,
        seat: Arc<Seat>,
        body_stall: Duration,
    ) -> Self {
        Self { inner, connection, seat, body_stall }
    }
}

impl<T, B> HyperService<Request<Incoming>> for ConnectionService<T>
where
    T: Service<Request<RequestBody>, Response = Response<B>> + Clone,
    T::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = BoxError;
    type Future = Answer<T>;

    fn call(&self, request: Request<Incoming>) -> Answer<T> {
        let turn = self.seat.begin();
        let is_http2 = request.version() == Version::HTTP_2;
        let is_head = request.method() == Method::HEAD;
        let mut request = request.map(|body| {
            // It may be read for longer than the answer takes.
            let turn = (!body.is_end_stream()).then(|| self.seat.begin());
            RequestBody::new(body, self.body_stall, turn)
        });
        let target = RequestTarget(request.uri().clone());
        request.extensions_mut().insert(self.connection.clone());
        request.extensions_mut().insert(target);
        let mut service = self.inner.clone();
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        let way = match ready {
            Poll::Ready(Ok(())) => Way::Called { answer: service.call(request) },
            // Another clone waits for its turn, or says what is wrong.
            _ => {
                Way::Waiting { answer: TowerToHyperService::new(self.inner.clone()).call(request) }
            }
        };
        Answer { way, is_http2, is_head, turn: Some(turn) }
    }
}

pin_project! {
    /// An answer under way.
    pub(crate) struct Answer<T: Service<Request<RequestBody>>> {
        #[pin]
        way: Way<T>,
        is_http2: bool,
        is_head: bool,
        // Until the body of the answer has it.
        turn: Option<Turn>,
    }
}

pin_project! {
    /// Most services are ready at once.
    #[project = WayProjection]
    enum Way<T: Service<Request<RequestBody>>> {
        Called { #[pin] answer: T::Future },
        Waiting { #[pin] answer: TowerToHyperServiceFuture<T, Request<RequestBody>> },
    }
}

impl<T, B> Future for Answer<T>
where
    T: Service<Request<RequestBody>, Response = Response<B>>,
    T::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = match this.way.project() {
            WayProjection::Called { answer } => answer.poll(context),
            WayProjection::Waiting { answer } => answer.poll(context),
        };
        let response = ready!(answer).map_err(Into::into)?;
        if *this.is_http2 && response.extensions().get::<Http11Required>().is_some() {
            // Not the answer but the reason resets the stream.
            return Poll::Ready(Err(h2::Error::from(h2::Reason::HTTP_1_1_REQUIRED).into()));
        }
        let turn = this.turn.take();
        // [RFC 9113] §8.1.1; over HTTP/1.1 hyper sees to it.
        let withheld = *this.is_http2 && *this.is_head;
        Poll::Ready(Ok(response.map(|body| ResponseBody::new(body, withheld, turn))))
    }
}
