//! Logons over a connection that somebody else has made.

use crate::BoxError;
use crate::attempt::Attempt;
use crate::body::{Body, RequestBody};
use crate::error::Error;
use crate::exchange::{self, Failed, Manner, Message};
use crate::hop::clean;
use crate::login::{Login, Ready};
use crate::memory::Memory;
use crate::outcome::Outcome;
use crate::party::Party;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::uri::Authority;
use http::{Request, Response};
use http_body::Body as HttpBody;
use logon::http::{ClientAuth, Side};
use logon::{ChannelBindings, TargetName};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::sync::Mutex;
use tower_layer::Layer;
use tower_service::Service;

/// Logs on over a connection of one's own: to a server that a [`Client`](crate::Client) does not
/// reach, over a Unix socket, with other TLS.
///
/// # Security
/// The service that it is put around has to be **one connection of HTTP/1.1**, such as hyper's
/// `client::conn::http1::SendRequest`; never a pool, nor a client that has one. `Negotiate` and
/// `NTLM` prove who is at the other end of a connection: a pool sends the legs of an exchange over
/// several, and afterwards other people's requests over the one that is logged on.
///
/// Credentials that are refused on one connection are not sent on others of the same layer.
#[derive(Debug, Clone)]
pub struct PinnedLayer {
    login: Arc<Ready>,
    host: String,
    authority: String,
    bindings: ChannelBindings,
    secure: bool,
    memory: Arc<Memory>,
    /// The server refuses to say when it wants a body.
    refuses_expect: Arc<AtomicBool>,
}

/// One connection, with a login. Clones share it: a request waits until those before it are
/// answered, and until their answers were read.
///
/// A connection that is of no more use, because the server has closed it, or refused the logon, or
/// because a request was given up in mid-exchange, answers no other request: that is
/// [`Error::Closed`], and the time to make another one.
pub struct Pinned<S> {
    layer: PinnedLayer,
    /// `None` when it is of no more use.
    connection: Arc<Mutex<Option<Connection<S>>>>,
}

struct Connection<S> {
    wire: S,
    auth: Option<ClientAuth>,
}

impl PinnedLayer {
    /// A login to the server that is called `authority`, `host` or `host:port`, without TLS.
    ///
    /// # Errors
    /// [`Error::Url`] if that is neither.
    pub fn new(login: Login, authority: &str) -> Result<Self, Error> {
        let bad = || Error::Url(authority.to_owned());
        let read: Authority = authority.parse().map_err(|_| bad())?;
        // Credentials in it are easily meant for somebody else.
        let host = Some(read.host()).filter(|_| !authority.contains('@')).ok_or_else(bad)?;
        Ok(Self {
            login: Arc::new(login.ready()),
            host: host.to_ascii_lowercase(),
            authority: authority.to_owned(),
            bindings: ChannelBindings::none(),
            secure: false,
            memory: Arc::default(),
            refuses_expect: Arc::default(),
        })
    }

    /// The connection is TLS, all the way to a server that has shown the certificate that these
    /// are of ([`ChannelBindings::tls_server_end_point`]).
    #[must_use]
    pub fn over_tls(mut self, bindings: ChannelBindings) -> Self {
        (self.bindings, self.secure) = (bindings, true);
        self
    }

    fn message(&self, request: Request<Body>) -> Result<Message, Error> {
        let (parts, body) = request.into_parts();
        let mut headers = clean(parts.headers)?;
        if headers.contains_key(AUTHORIZATION) {
            // Somebody else's request, on a connection that has an owner.
            return Err(Error::Field(AUTHORIZATION));
        }
        let bad = || Error::Url(parts.uri.to_string());
        headers.insert(HOST, HeaderValue::from_str(&self.authority).map_err(|_| bad())?);
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let target = target.parse().map_err(|_| bad())?;
        let expects = !self.refuses_expect.load(Ordering::Relaxed);
        Ok(Message { method: parts.method, target, headers, body, expects })
    }
}

impl<S> Layer<S> for PinnedLayer {
    type Service = Pinned<S>;

    /// Around one connection. Each has to be given to a layer once only.
    fn layer(&self, wire: S) -> Pinned<S> {
        let connection = Connection { wire, auth: None };
        Pinned { layer: self.clone(), connection: Arc::new(Mutex::new(Some(connection))) }
    }
}

impl<S> Pinned<S> {
    async fn send<B>(self, request: Request<Body>) -> Result<Response<B>, Error>
    where
        S: Service<Request<RequestBody>, Response = Response<B>>,
        S::Error: Into<BoxError>,
        B: HttpBody<Data = Bytes>,
    {
        let mut message = self.layer.message(request)?;
        let mut place = self.connection.lock().await;
        // Who gives up in between leaves nothing behind.
        let Some(Connection { mut wire, auth }) = place.take() else {
            return Err(Error::Closed("this connection is of no more use".into()));
        };
        let PinnedLayer { login, host, bindings, secure, memory, .. } = &self.layer;
        let login = Some(&**login).filter(|login| login.hosts.allow(host, true));
        let attempt = login.map(|login| Attempt::new(memory, login, None));
        let target = TargetName::http(host);
        let mut origin =
            Party::new(Side::Origin, attempt, target, bindings, *secure).with(auth, None);
        let none = ChannelBindings::none();
        let mut nobody = Party::nobody(Side::Proxy, &none);
        let manner = Manner { forwarded: false, reused: false, timeout: None, observer: None };
        let sent = exchange::run(&mut wire, &mut origin, &mut nobody, &mut message, &manner).await;
        if !message.expects {
            self.layer.refuses_expect.store(true, Ordering::Relaxed);
        }
        match sent {
            Ok(answer) => {
                let outcome = Outcome::of(&origin, &nobody);
                if answer.keep {
                    *place = Some(Connection { wire, auth: origin.auth });
                }
                let mut response = answer.response;
                response.extensions_mut().insert(outcome);
                Ok(response)
            }
            Err(Failed::Next(reason)) => Err(Error::Closed(reason.into())),
            Err(Failed::Closed { cause, .. }) => Err(Error::Closed(cause)),
            Err(Failed::Fatal(error)) => Err(error),
        }
    }
}

impl<S, B> Service<Request<Body>> for Pinned<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError> + Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    type Response = Response<B>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

impl<S> Clone for Pinned<S> {
    fn clone(&self) -> Self {
        Self { layer: self.layer.clone(), connection: Arc::clone(&self.connection) }
    }
}

impl<S> fmt::Debug for Pinned<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pinned").field("layer", &self.layer).finish_non_exhaustive()
    }
}
