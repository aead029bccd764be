//! New connections: to a server, to a proxy, through a proxy.

use crate::BoxError;
use crate::attempt::Attempt;
use crate::body::{Body, RequestBody};
use crate::error::{Chain, Error};
use crate::exchange::{self, Failed, Manner, Message};
use crate::memory::Memory;
use crate::party::Party;
use crate::pool::{Origin, Pooled};
use crate::proxy::ReadyProxy;
use crate::tls;
use crate::trace::{Event, Observer};
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Read, Write};
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use logon::http::{ClientAuth, Scheme, Side};
use logon::{ChannelBindings, TargetName};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_service::Service;

/// As often a server may close the connection in the course of one logon.
pub(crate) const MAX_RESTARTS: usize = 3;

/// A connection of HTTP/1.1, with whatever has become of it.
pub(crate) struct Line {
    pub(crate) wire: Wire,
    /// Who has logged on to the server over it.
    pub(crate) origin: Option<ClientAuth>,
    /// Who has logged on to the proxy that it leads to.
    pub(crate) proxy: Option<ClientAuth>,
    /// Of the server's certificate.
    pub(crate) bindings: ChannelBindings,
    /// It has carried a request before.
    pub(crate) reused: bool,
}

/// Sends requests over one connection. Its task ends with it.
pub(crate) struct Wire {
    sender: http1::SendRequest<RequestBody>,
    task: AbortHandle,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service<Request<RequestBody>> for Wire {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(self.sender.send_request(request))
    }
}

impl Pooled for Line {
    fn is_closed(&self) -> bool {
        self.wire.sender.is_closed()
    }

    fn is_ready(&self) -> bool {
        self.wire.sender.is_ready()
    }
}

/// How connections are made.
pub(crate) struct Connector {
    pub(crate) tls: Result<TlsConnector, tls::TlsError>,
    /// For servers that may prefer HTTP/2.
    pub(crate) tls_of_both: Option<Result<TlsConnector, tls::TlsError>>,
    pub(crate) timeout: Duration,
    pub(crate) response_timeout: Option<Duration>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) user_agent: HeaderValue,
    /// Of proxies that make tunnels.
    pub(crate) memory: Arc<Memory>,
}

/// A connection in the version of HTTP that the server prefers.
pub(crate) enum Secured {
    Http1(Box<Line>),
    Http2(http2::SendRequest<RequestBody>, ChannelBindings),
}

/// A connection to a proxy that becomes one to the server, or the tunnel's end.
enum Tunnel {
    Open(Upgraded),
    Restart(Box<Left>, &'static str),
}

/// What a connection leaves to the next one of the same request, of one side.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) auth: Option<ClientAuth>,
    pub(crate) start: Option<Scheme>,
}

impl Connector {
    /// A connection over which nothing was said to `origin`.
    pub(crate) async fn connect(
        &self,
        origin: &Origin,
        proxy: Option<&ReadyProxy>,
    ) -> Result<Line, Error> {
        let Some(proxy) = proxy else {
            let tcp = self.tcp(&origin.host, origin.port).await?;
            if !origin.secure {
                return line(TokioIo::new(tcp), ChannelBindings::none()).await;
            }
            return self.tls(tcp, origin).await;
        };
        if !origin.secure {
            let tcp = self.tcp(&proxy.host, proxy.port).await?;
            return line(TokioIo::new(tcp), ChannelBindings::none()).await;
        }
        self.tls(TokioIo::new(self.through(origin, proxy).await?), origin).await
    }

    /// A tunnel through a proxy, over which nothing was said.
    pub(crate) async fn through(
        &self,
        origin: &Origin,
        proxy: &ReadyProxy,
    ) -> Result<Upgraded, Error> {
        let start = self.attempt(proxy).and_then(|attempt| attempt.scheme());
        let mut left = Left { auth: None, start };
        for _ in 0..=MAX_RESTARTS {
            match self.tunnel(origin, proxy, left).await? {
                Tunnel::Open(upgraded) => return Ok(upgraded),
                Tunnel::Restart(next, reason) => {
                    self.tell(Event::Restarting { reason });
                    left = *next;
                }
            }
        }
        let cause = std::io::Error::other("the proxy closes the connection in every exchange");
        Err(Error::Closed(cause.into()))
    }

    fn attempt<'a>(&'a self, proxy: &'a ReadyProxy) -> Option<Attempt<'a>> {
        proxy.login.as_ref().map(|login| Attempt::new(&self.memory, login, None))
    }

    pub(crate) fn tell(&self, event: Event<'_>) {
        if let Some(observer) = &self.observer {
            observer.event(event);
        }
    }

    pub(crate) async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let to = format!("{host}:{port}");
        self.tell(Event::Connecting { to: &to });
        // Without the brackets of a URL.
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let connecting = tokio::time::timeout(self.timeout, TcpStream::connect((name, port)));
        let cause: BoxError = match connecting.await {
            Ok(Ok(tcp)) => {
                // Requests are written whole; waiting for more would only make them late.
                if let Err(error) = tcp.set_nodelay(true) {
                    tracing::debug!("no TCP_NODELAY: {error}");
                }
                return Ok(tcp);
            }
            Ok(Err(error)) => error.into(),
            Err(_) => format!("not within {:?}", self.timeout).into(),
        };
        Err(Error::Connect { to, cause })
    }

    async fn tls<I>(&self, io: I, origin: &Origin) -> Result<Line, Error>
    where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (stream, bindings) = self.handshake(&self.tls, io, origin).await?;
        line(TokioIo::new(stream), bindings).await
    }

    /// A direct connection in the version of HTTP that the server prefers.
    pub(crate) async fn secured(&self, origin: &Origin) -> Result<Secured, Error> {
        let tcp = self.tcp(&origin.host, origin.port).await?;
        let tls = self.tls_of_both.as_ref().unwrap_or(&self.tls);
        let (stream, bindings) = self.handshake(tls, tcp, origin).await?;
        if stream.get_ref().1.alpn_protocol() != Some(tls::HTTP_2) {
            return Ok(Secured::Http1(Box::new(line(TokioIo::new(stream), bindings).await?)));
        }
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Error::Broken(error.into()))?;
        // It ends when nobody can send and nobody waits.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("connection ended: {}", Chain(&error));
            }
        });
        Ok(Secured::Http2(sender, bindings))
    }

    async fn handshake<I>(
        &self,
        tls: &Result<TlsConnector, tls::TlsError>,
        io: I,
        origin: &Origin,
    ) -> Result<(TlsStream<I>, ChannelBindings), Error>
    where
        I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let failed =
            |cause: String| Error::Tls { to: format!("{}:{}", origin.host, origin.port), cause };
        let tls = tls.as_ref().map_err(|error| failed(error.to_string()))?;
        let host = origin.host.as_str();
        let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(plain.to_owned())
            .map_err(|_| failed(format!("{plain:?} is no name for a certificate")))?;
        let shaking = tokio::time::timeout(self.timeout, tls.connect(name, io));
        let stream = match shaking.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(failed(tls::reason(&error, plain))),
            Err(_) => return Err(failed(format!("not within {:?}", self.timeout))),
        };
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let bindings = match certificates.first() {
            Some(certificate) => ChannelBindings::tls_server_end_point(certificate)
                .map_err(|error| failed(format!("its certificate cannot be read: {error}")))?,
            None => ChannelBindings::none(),
        };
        Ok((stream, bindings))
    }

    /// Asks the proxy for a tunnel, and logs on to it if it wants that.
    async fn tunnel(
        &self,
        origin: &Origin,
        proxy: &ReadyProxy,
        left: Left,
    ) -> Result<Tunnel, Error> {
        let tcp = self.tcp(&proxy.host, proxy.port).await?;
        let Line { mut wire, bindings, .. } =
            line(TokioIo::new(tcp), ChannelBindings::none()).await?;
        let authority = format!("{}:{}", origin.host, origin.port);
        let bad = |_| Error::Url(authority.clone());
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(&authority).map_err(|_| bad(()))?);
        headers.insert(http::header::USER_AGENT, self.user_agent.clone());
        let mut message = Message {
            method: Method::CONNECT,
            target: authority.parse::<Uri>().map_err(|_| bad(()))?,
            headers,
            body: Body::empty(),
            expects: false,
        };
        let target = TargetName::http(&proxy.host);
        let mut nobody = Party::nobody(Side::Origin, &bindings);
        let mut party = Party::new(Side::Proxy, self.attempt(proxy), target, &bindings, false)
            .with(left.auth, left.start);
        let manner = Manner {
            forwarded: true,
            reused: false,
            timeout: Some(self.response_timeout.unwrap_or(self.timeout)),
            observer: self.observer.as_ref(),
        };
        let sent = exchange::run(&mut wire, &mut nobody, &mut party, &mut message, &manner).await;
        let response = match sent {
            Ok(answer) => answer.response,
            Err(Failed::Next(reason)) => {
                return Ok(Tunnel::Restart(Box::new(party.left()), reason));
            }
            Err(Failed::Closed { cause, again: true, judged: false }) if party.start.is_some() => {
                tracing::debug!("the proxy closed the connection: {}", Chain(&*cause));
                return Ok(Tunnel::Restart(
                    Box::new(party.left()),
                    "the proxy closed the connection",
                ));
            }
            Err(Failed::Closed { cause, .. }) => return Err(Error::Closed(cause)),
            Err(Failed::Fatal(error)) => return Err(error),
        };
        let status = response.status();
        if !status.is_success() {
            let no_ticket = party.failed_without_ticket();
            return Err(Error::Tunnel { status, logon: party.logon, no_ticket });
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|e| Error::Broken(e.into()))?;
        Ok(Tunnel::Open(upgraded))
    }
}

async fn line<I>(io: I, bindings: ChannelBindings) -> Result<Line, Error>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::Builder::new().handshake(io).await.map_err(|error| Error::Broken(error.into()))?;
    let task = tokio::spawn(async move {
        // Who waits for an answer is told as well.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!("connection ended: {}", Chain(&error));
        }
    });
    let wire = Wire { sender, task: task.abort_handle() };
    Ok(Line { wire, origin: None, proxy: None, bindings, reused: false })
}
