//! What goes with every request, and comes with every answer.

use crate::BoxError;
use crate::body::{RequestBody, ResponseBody};
use crate::crowd::Seat;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::service::TowerToHyperService;
use logon_tower::{Connection, Http11Required, RequestTarget};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
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

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, BoxError>> + Send>>;

impl<T, B> HyperService<Request<Incoming>> for ConnectionService<T>
where
    T: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    T::Future: Send,
    T::Error: Into<BoxError>,
    B: 'static,
{
    type Response = Response<ResponseBody<B>>;
    type Error = BoxError;
    type Future = Answer<B>;

    fn call(&self, request: Request<Incoming>) -> Answer<B> {
        let turn = self.seat.begin(&self.connection);
        let version = request.version();
        let mut request = request.map(|body| RequestBody::new(body, self.body_stall));
        let target = RequestTarget(request.uri().clone());
        request.extensions_mut().insert(self.connection.clone());
        request.extensions_mut().insert(target);
        let answer = TowerToHyperService::new(self.inner.clone()).call(request);
        Box::pin(async move {
            let response = answer.await.map_err(Into::into)?;
            let refused = response.extensions().get::<Http11Required>().is_some();
            if refused && version == Version::HTTP_2 {
                // Not the answer but the reason resets the stream.
                return Err(h2::Error::from(h2::Reason::HTTP_1_1_REQUIRED).into());
            }
            Ok(response.map(|body| ResponseBody::new(body, turn)))
        })
    }
}
