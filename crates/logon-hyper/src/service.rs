//! Puts the connection into every request.

use http::Request;
use logon_tower::Connection;
use std::task::{Context, Poll};
use tower_service::Service;

/// Serves the requests of one connection.
#[derive(Clone)]
pub(crate) struct ConnectionService<T> {
    inner: T,
    connection: Connection,
}

impl<T> ConnectionService<T> {
    pub(crate) fn new(inner: T, connection: Connection) -> Self {
        Self { inner, connection }
    }
}

impl<T: Service<Request<B>>, B> Service<Request<B>> for ConnectionService<T> {
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> T::Future {
        request.extensions_mut().insert(self.connection.clone());
        self.inner.call(request)
    }
}
