//! The accept loop, and the life of a connection.

use crate::BoxError;
use crate::body::RequestBody;
use crate::crowd::{Crowd, Member, Place};
use crate::limits::Limits;
use crate::service::ConnectionService;
use crate::stream::Stream;
use crate::tls::Tls;
use http::{Request, Response};
use http_body::Body;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use logon::ChannelBindings;
use logon_tower::Connection;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower_service::Service;

/// Serves a tower service, such as an axum `Router`.
#[derive(Debug, Clone)]
pub struct Server<T> {
    service: T,
    tls: Option<Tls>,
    tls_in_front: Option<ChannelBindings>,
    limits: Limits,
}

impl<T, B> Server<T>
where
    T: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    T::Future: Send,
    T::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// A server of plain HTTP.
    #[must_use]
    pub fn new(service: T) -> Self {
        Self { service, tls: None, tls_in_front: None, limits: Limits::default() }
    }

    /// Speaks HTTPS instead.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves plain HTTP behind a box that speaks TLS with clients: connections count as secure,
    /// and clients bind their logons to that box's certificate
    /// ([`ChannelBindings::tls_server_end_point`]).
    ///
    /// # Security
    /// Nothing shows that a connection came through the box: nobody else may reach this server.
    /// And a box that shares its connections among clients gives one client's logon to another:
    /// see `trusted_proxies` of [`logon_tower::Gate`].
    #[must_use]
    pub fn tls_in_front(mut self, bindings: ChannelBindings) -> Self {
        self.tls_in_front = Some(bindings);
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
        let (served, serving) = watch::channel(());
        let crowd = Crowd::new(self.limits.connections, self.limits.connections_per_address);
        let drain = self.limits.drain;
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(&listener, &crowd) => accepted,
            };
            let Some((stream, peer, place)) = accepted else { continue };
            let stream = Stream::new(stream, self.limits.write_stall, place);
            let guest = Guest { peer, member: crowd.join(), _serving: serving.clone() };
            tokio::spawn(self.clone().connection(stream, guest));
        }
        drop((listener, serving));
        crowd.disperse();
        // Connections hold a receiver each: when all are gone, they have ended.
        if tokio::time::timeout(drain, served.closed()).await.is_err() {
            tracing::warn!("connections were still busy at shutdown");
        }
    }

    async fn connection(self, stream: Stream, guest: Guest) {
        let peer = guest.peer;
        let Some(tls) = self.tls.clone() else {
            let connection = match self.tls_in_front.clone() {
                Some(bindings) => Connection::tls(Some(peer), bindings),
                None => Connection::new(Some(peer), ChannelBindings::none()),
            };
            return self.http_1(TokioIo::new(stream), connection, guest).await;
        };
        // Apart, or every connection would have room for all of TLS and HTTP/2.
        Box::pin(self.tls_connection(tls, stream, guest)).await;
    }

    async fn tls_connection(self, tls: Tls, stream: Stream, guest: Guest) {
        let peer = guest.peer;
        let handshake = tokio::time::timeout(self.limits.tls_handshake, tls.accept(stream));
        let handshake = tokio::select! {
            handshake = handshake => handshake,
            // Nothing was asked for yet.
            () = guest.member.seat().told() => return,
        };
        match handshake {
            Ok(Ok(accepted)) => {
                let connection = Connection::tls(Some(peer), accepted.bindings);
                let io = TokioIo::new(accepted.stream);
                if accepted.is_http2 {
                    Box::pin(self.http_2(io, connection, guest)).await;
                } else {
                    self.http_1(io, connection, guest).await;
                }
            }
            Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
            Err(_) => tracing::debug!(%peer, "TLS handshake timed out"),
        }
    }

    async fn http_1<I>(self, io: I, connection: Connection, guest: Guest)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let service = guest.service(self.service, connection, &self.limits);
        // The time for a head runs in `attend`: the server's own would be set for each request.
        let served = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(io, service)
            .with_upgrades();
        let end = |served: Pin<&mut http1::UpgradeableConnection<_, _>>| {
            served.graceful_shutdown();
        };
        guest.attend(served, end, &self.limits).await;
    }

    async fn http_2<I>(self, io: I, connection: Connection, guest: Guest)
    where
        I: Read + Write + Unpin + Send + 'static,
    {
        let head_bytes = u32::try_from(self.limits.head_bytes).unwrap_or(u32::MAX);
        let service = guest.service(self.service, connection, &self.limits);
        let served = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(head_bytes)
            // Streams that the client opens and takes back at once (CVE-2023-44487).
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(100)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(io, service);
        let end = |served: Pin<&mut http2::Connection<_, _, _>>| {
            served.graceful_shutdown();
        };
        guest.attend(served, end, &self.limits).await;
    }
}

/// Between pings of an HTTP/2 connection, and for the answer to one.
const PING: Duration = Duration::from_secs(20);

/// Time to say goodbye, if no request is in progress.
const GOODBYE: Duration = Duration::from_secs(1);

/// The other end, as the server sees it.
struct Guest {
    peer: SocketAddr,
    member: Member,
    /// Tells the server that it still waits for this one.
    _serving: watch::Receiver<()>,
}

impl Guest {
    fn service<T>(
        &self,
        inner: T,
        connection: Connection,
        limits: &Limits,
    ) -> ConnectionService<T> {
        let seat = Arc::clone(self.member.seat());
        seat.take(&connection);
        ConnectionService::new(inner, connection, seat, limits.body_stall)
    }

    /// Runs `served` to its end, and sees to it that it ends when it has to.
    async fn attend<C: Future<Output = hyper::Result<()>>>(
        self,
        served: C,
        end: impl FnOnce(Pin<&mut C>),
        limits: &Limits,
    ) {
        let (peer, seat) = (self.peer, self.member.seat());
        let mut served = pin!(served);
        let ended = tokio::select! {
            biased;
            ended = served.as_mut() => Some(ended),
            () = seat.told() => None,
            () = seat.idle(limits.request_head) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None if seat.is_silent() => return,
            None => {
                end(served.as_mut());
                let time = if seat.is_busy() { limits.drain } else { GOODBYE };
                let Ok(ended) = tokio::time::timeout(time, served).await else {
                    return tracing::debug!(%peer, "connection cut off");
                };
                ended
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, "connection ended: {error}");
        }
    }
}

/// Waits for a client that may have a place, and for that place. Errors of a single client are
/// not the server's.
async fn accept(
    listener: &TcpListener,
    crowd: &Arc<Crowd>,
) -> Option<(TcpStream, SocketAddr, Place)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let Some(share) = crowd.share(peer.ip()) else {
                tracing::debug!(%peer, "too many connections from this address");
                return None;
            };
            let place = crowd.place(share).await?;
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
