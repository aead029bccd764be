//! The accept loop.

use crate::service::ConnectionService;
use crate::tls::Tls;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use logon::ChannelBindings;
use logon_tower::Connection;
use std::error::Error as StdError;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower_service::Service;

/// What one client may cost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections served at a time; more wait to be accepted. Default: 10,000.
    pub connections: usize,
    /// Time for the TLS handshake. Default: 10 s.
    pub tls_handshake: Duration,
    /// Time for the head of a request, counted from the end of the one before. Default: 60 s.
    pub request_head: Duration,
    /// Bytes of a request's head. Default: 128 KiB, room for a token of 64 KiB in base64.
    pub head_bytes: usize,
    /// Time for requests in progress when the server shuts down. Default: 10 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            tls_handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(60),
            head_bytes: 128 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves a tower service, such as an axum `Router`.
#[derive(Debug, Clone)]
pub struct Server<T> {
    service: T,
    tls: Option<Tls>,
    limits: Limits,
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<T, B> Server<T>
where
    T: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    T::Future: Send,
    T::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// A server of plain HTTP.
    #[must_use]
    pub fn new(service: T) -> Self {
        Self { service, tls: None, limits: Limits::default() }
    }

    /// Speaks HTTPS instead.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Replaces the default limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves until `shutdown` is ready, then lets requests in progress finish.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(());
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let drain = self.limits.drain;
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &places) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let this = self.clone();
            let stopped = stopped.clone();
            tokio::spawn(async move {
                this.connection(stream, peer, stopped).await;
                drop(place);
            });
        }
        drop((listener, stopped));
        // Connections hold a receiver each: when all are gone, they have ended.
        let ended = async {
            stop.send_replace(());
            stop.closed().await;
        };
        if tokio::time::timeout(drain, ended).await.is_err() {
            tracing::warn!("connections were still busy at shutdown");
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, stopped: Stopped) {
        let Some(tls) = self.tls.clone() else {
            return self.http(TokioIo::new(stream), peer, ChannelBindings::none(), stopped).await;
        };
        let handshake = tls.acceptor.accept(stream);
        let mut stop = stopped.clone();
        let handshake = tokio::select! {
            handshake = tokio::time::timeout(self.limits.tls_handshake, handshake) => handshake,
            // Nothing was asked for yet.
            _ = stop.changed() => return,
        };
        match handshake {
            Ok(Ok(stream)) => {
                self.http(TokioIo::new(stream), peer, tls.bindings.clone(), stopped).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
            Err(_) => tracing::debug!(%peer, "TLS handshake timed out"),
        }
    }

    async fn http<I>(self, io: I, peer: SocketAddr, bindings: ChannelBindings, mut stopped: Stopped)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let connection = Connection::new(Some(peer), bindings);
        let service = ConnectionService::new(self.service, connection);
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.request_head)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(io, TowerToHyperService::new(service))
            .with_upgrades();
        let mut served = pin!(served);
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            _ = stopped.changed() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, "connection ended: {error}");
        }
    }
}

/// Changes when the server shuts down.
type Stopped = watch::Receiver<()>;

type Place = tokio::sync::OwnedSemaphorePermit;

/// Waits for a place, then for a client. Errors of a single client are not the server's.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, Place)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Handshakes are small messages back and forth.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, "no TCP_NODELAY: {error}");
            }
            Some((stream, peer, place))
        }
        Err(error) => {
            tracing::warn!("accept failed: {error}");
            // Out of file descriptors, most likely; a tight loop would not find any.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
