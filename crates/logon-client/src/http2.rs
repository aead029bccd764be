//! HTTP/2, for requests that need no logon or carry theirs each: a connection is shared by many
//! requests there, and what logs on by connection goes over HTTP/1.1 ([RFC 9113] §7).
//!
//! [RFC 9113]: https://www.rfc-editor.org/rfc/rfc9113#section-7

use crate::BoxError;
use crate::attempt::Attempt;
use crate::body::RequestBody;
use crate::connect::{Connector, Line, Secured};
use crate::error::Error;
use crate::exchange::{self, Failed, Manner, Message};
use crate::idle::{Sweeper, Waiting};
use crate::login::Ready;
use crate::outcome::Outcome;
use crate::party::Party;
use crate::pool::{Key, Origin, Pool};
use http::header::{AUTHORIZATION, HOST};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use logon::http::{Scheme, Side, parse_token};
use logon::{ChannelBindings, TargetName};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tower_service::Service;

/// Origins that are known to want HTTP/1.1 at a time.
const MAX: usize = 10_000;

/// Connections of HTTP/2: one for each origin and login, and one for requests without a login.
pub(crate) struct Http2 {
    state: Mutex<State>,
    /// For so long a connection may lie idle.
    time: Duration,
    sweeper: Sweeper,
}

#[derive(Default)]
struct State {
    shared: HashMap<Key, Shared>,
    only_http_1: HashSet<Origin>,
}

#[derive(Clone)]
struct Shared {
    sender: SendRequest<RequestBody>,
    bindings: ChannelBindings,
    used: Instant,
}

/// What goes over HTTP/2, and where.
pub(crate) struct Asked<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) login: Option<&'a Ready>,
    /// The scheme that a logon there succeeded by.
    pub(crate) start: Option<Scheme>,
    /// The whole URL, which HTTP/2 takes its fields from.
    pub(crate) url: Uri,
}

impl Http2 {
    pub(crate) fn new(time: Duration) -> Self {
        Self { state: Mutex::default(), time, sweeper: Sweeper::default() }
    }

    pub(crate) fn clear(&self) {
        *self.state() = State::default();
    }

    /// The answer, and what became of the logon; `None` if the request is one for HTTP/1.1, as
    /// `message` then still is.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        connector: &Connector,
        pool: &Arc<Pool<Line>>,
        asked: &Asked<'_>,
        message: &mut Message,
    ) -> Result<Option<(Response<Incoming>, Outcome)>, Error> {
        // A body that is kept back until somebody is logged on waits for what HTTP/1.1 has.
        let body = &message.body;
        let plain = body.is_empty() || asked.login.is_none() && body.can_be_repeated();
        let by_connection = asked.start.is_some_and(Scheme::is_per_connection);
        if !plain || by_connection || self.state().only_http_1.contains(asked.origin) {
            return Ok(None);
        }
        let target = std::mem::replace(&mut message.target, asked.url.clone());
        let host = message.headers.remove(HOST);
        let answer = self.send(connector, pool, asked, message).await;
        message.target = target;
        if let Some(host) = host {
            message.headers.insert(HOST, host);
        }
        answer
    }

    async fn send(
        self: &Arc<Self>,
        connector: &Connector,
        pool: &Arc<Pool<Line>>,
        asked: &Asked<'_>,
        message: &mut Message,
    ) -> Result<Option<(Response<Incoming>, Outcome)>, Error> {
        let owner = asked.login.map(|login| login.id);
        let key = Key { origin: asked.origin.clone(), proxy: None, owner };
        let mut standing = self.standing(&key);
        loop {
            let reused = standing.is_some();
            let shared = match standing.take() {
                Some(shared) => shared,
                None => match connector.secured(asked.origin).await? {
                    Secured::Http1(line) => {
                        self.wants_http_1(asked.origin);
                        pool.put(Key { owner: None, ..key }, *line);
                        return Ok(None);
                    }
                    Secured::Http2(sender, bindings) => {
                        self.share(&key, Shared { sender, bindings, used: Instant::now() })
                    }
                },
            };
            let mut wire = Wire(shared.sender);
            let target = TargetName::http(&asked.origin.host);
            let attempt =
                asked.login.map(|login| Attempt::new(&connector.memory, login, Some(asked.origin)));
            let mut origin = Party::new(Side::Origin, attempt, target, &shared.bindings, true)
                .with(None, asked.start);
            let mut nobody = Party::nobody(Side::Proxy, &shared.bindings);
            let manner = Manner {
                forwarded: false,
                reused,
                timeout: connector.response_timeout,
                observer: connector.observer.as_ref(),
            };
            let sent = exchange::run(&mut wire, &mut origin, &mut nobody, message, &manner).await;
            match sent {
                Ok(answer) => return Ok(Some((answer.response, Outcome::of(&origin, &nobody)))),
                Err(Failed::Closed { cause, .. }) if cause.is::<Http1Needed>() => {
                    self.wants_http_1(asked.origin);
                    return Ok(None);
                }
                Err(Failed::Closed { again: true, .. } | Failed::Next(_)) if reused => {
                    self.state().shared.remove(&key);
                }
                Err(Failed::Closed { cause, .. }) => return Err(Error::Closed(cause)),
                Err(Failed::Next(reason)) => {
                    return Err(Error::Closed(std::io::Error::other(reason).into()));
                }
                Err(Failed::Fatal(error)) => return Err(error),
            }
        }
    }

    fn standing(&self, key: &Key) -> Option<Shared> {
        let mut state = self.state();
        state.shared.retain(|_, it| !it.sender.is_closed() && it.used.elapsed() <= self.time);
        let shared = state.shared.get_mut(key)?;
        shared.used = Instant::now();
        Some(shared.clone())
    }

    /// The connection from now on: this one, if nobody has made another meanwhile.
    fn share(self: &Arc<Self>, key: &Key, new: Shared) -> Shared {
        let mut state = self.state();
        let shared = state.shared.entry(key.clone()).or_insert_with(|| new.clone());
        if shared.sender.is_closed() {
            *shared = new;
        }
        let shared = shared.clone();
        drop(state);
        self.sweeper.wake(self);
        shared
    }

    fn wants_http_1(&self, origin: &Origin) {
        let mut state = self.state();
        if state.only_http_1.len() < MAX {
            state.only_http_1.insert(origin.clone());
        }
        state.shared.retain(|key, _| key.origin != *origin);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting for Http2 {
    fn sweep(&self) -> Option<Duration> {
        let mut state = self.state();
        state.shared.retain(|_, it| !it.sender.is_closed() && it.used.elapsed() <= self.time);
        let waited = state.shared.values().map(|it| it.used.elapsed());
        waited.max().map(|longest| self.time.saturating_sub(longest))
    }
}

/// This request is one for HTTP/1.1.
#[derive(Debug)]
struct Http1Needed;

impl fmt::Display for Http1Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request needs HTTP/1.1")
    }
}

impl std::error::Error for Http1Needed {}

/// Sends requests over a connection that others send theirs over as well.
struct Wire(SendRequest<RequestBody>);

impl Service<Request<RequestBody>> for Wire {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if logs_on_by_connection(&request) {
            return Box::pin(std::future::ready(Err(Http1Needed.into())));
        }
        let sending = self.0.send_request(request);
        Box::pin(async move {
            sending.await.map_err(|error| match is_http_1_required(&error) {
                true => Http1Needed.into(),
                false => error.into(),
            })
        })
    }
}

fn logs_on_by_connection(request: &Request<RequestBody>) -> bool {
    request.headers().get(AUTHORIZATION).is_some_and(|value| {
        let is_of = |scheme| !matches!(parse_token(scheme, value.as_bytes()), Ok(None));
        Scheme::INTEGRATED.into_iter().any(is_of)
    })
}

fn is_http_1_required(error: &hyper::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED);
        }
        cause = error.source();
    }
    false
}
