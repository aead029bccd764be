//! The answer to one request, whichever connections it takes: what goes where, and as whose.

use crate::BoxError;
use crate::attempt::Attempt;
use crate::connect::{Connector, Left, Line, MAX_RESTARTS};
use crate::error::Error;
use crate::exchange::{self, Answer, Failed, Manner, Message};
use crate::hop::{Hop, target};
use crate::http2::{Asked, Http2};
use crate::login::Ready;
use crate::memory::Memory;
use crate::outcome::Outcome;
use crate::party::Party;
use crate::pool::{Key, Origin, Pool};
use crate::proxy::ReadyProxy;
use crate::redirect::Redirects;
use crate::response::{Lease, ResponseBody};
use crate::trace::Event;
use http::Response;
use http::header::AUTHORIZATION;
use logon::TargetName;
use logon::http::{Scheme, Side};
use std::sync::Arc;
use url::Url;

/// What the clones of a client share.
pub(crate) struct Inner {
    pub(crate) logins: Vec<Ready>,
    pub(crate) proxies: Vec<ReadyProxy>,
    pub(crate) redirects: Redirects,
    pub(crate) connector: Connector,
    pub(crate) pool: Arc<Pool<Line>>,
    pub(crate) http2: Option<Arc<Http2>>,
    pub(crate) memory: Arc<Memory>,
}

/// Where a request goes, and who may log on there.
struct Route<'a> {
    origin: Origin,
    proxy: Option<&'a ReadyProxy>,
    /// The proxy passes requests on; else it makes a tunnel, and is logged on to for that.
    forwarded: bool,
    login: Option<&'a Ready>,
    proxy_login: Option<&'a Ready>,
    /// Neither we nor the caller say who asks.
    anonymous: bool,
}

impl Route<'_> {
    /// Why there is no answer, of a connection that ended before one.
    fn ended(&self, cause: BoxError) -> Error {
        if !cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Error::Closed(cause);
        }
        // Not even the first word: an alert of TLS begins otherwise.
        let not_http = cause.to_string().starts_with("invalid HTTP version");
        if not_http && !self.origin.secure && self.proxy.is_none() {
            let to = format!("{}:{}", self.origin.host, self.origin.port);
            return Error::NotHttp { to, cause };
        }
        Error::Broken(cause)
    }
}

impl Inner {
    /// The answer, with what became of the logons.
    pub(crate) async fn answer(&self, hop: &mut Hop) -> Result<Response<ResponseBody>, Error> {
        let route = self.route(hop)?;
        let mut message = hop.message(route.forwarded, &self.connector.user_agent)?;
        let answered = match self.over_http2(&route, &hop.url, &mut message).await? {
            Some(response) => response,
            None => self.over_http1(&route, &mut message).await?,
        };
        hop.body = message.body;
        Ok(answered)
    }

    fn route(&self, hop: &Hop) -> Result<Route<'_>, Error> {
        let origin = hop.origin()?;
        let proxy = self.proxies.iter().find(|proxy| proxy.is_for(&origin));
        let forwarded = proxy.is_some() && !origin.secure;
        let anonymous = !hop.headers.contains_key(AUTHORIZATION);
        // Else the caller has written something else.
        let login = (hop.trusted && anonymous)
            .then(|| self.logins.iter().find(|it| it.hosts.allow(&origin.host, hop.requested)))
            .flatten();
        let proxy_login = proxy.filter(|_| forwarded).and_then(|proxy| proxy.login.as_ref());
        Ok(Route { origin, proxy, forwarded, login, proxy_login, anonymous })
    }

    async fn over_http2(
        &self,
        route: &Route<'_>,
        url: &Url,
        message: &mut Message,
    ) -> Result<Option<Response<ResponseBody>>, Error> {
        let Some(http2) = self.http2.as_ref() else { return Ok(None) };
        if !route.origin.secure || route.proxy.is_some() {
            return Ok(None);
        }
        let (start, _) = self.known(route, message);
        let url = target(url, true)?;
        let asked = Asked { origin: &route.origin, login: route.login, start, url };
        let answered = http2.answer(&self.connector, &self.pool, &asked, message).await?;
        Ok(answered.map(|(response, outcome)| {
            let mut response = response.map(ResponseBody::shared);
            response.extensions_mut().insert(outcome);
            response
        }))
    }

    /// The schemes that logons to the server and to the proxy succeeded by, for a request to begin
    /// with.
    fn known(&self, route: &Route<'_>, message: &Message) -> (Option<Scheme>, Option<Scheme>) {
        // A body must not be left out where nobody has asked for credentials yet.
        if !message.body.is_empty() {
            return (None, None);
        }
        let (origin, proxy) = self.attempts(route);
        let origin = origin.filter(|_| !route.forwarded);
        (origin.and_then(|it| it.scheme()), proxy.and_then(|it| it.scheme()))
    }

    fn attempts<'a>(&'a self, route: &Route<'a>) -> (Option<Attempt<'a>>, Option<Attempt<'a>>) {
        let at = |login, origin| Attempt::new(&self.memory, login, origin);
        (
            route.login.map(|login| at(login, Some(&route.origin))),
            route.proxy_login.map(|login| at(login, None)),
        )
    }

    async fn over_http1(
        &self,
        route: &Route<'_>,
        message: &mut Message,
    ) -> Result<Response<ResponseBody>, Error> {
        let (start, proxy_start) = self.known(route, message);
        let mut left = Left { auth: None, start };
        let mut proxy_left = Left { auth: None, start: proxy_start };
        let (mut restarts, mut judged) = (0_usize, false);
        loop {
            let fresh = restarts > 0;
            let sent =
                self.over_a_connection(route, message, (&mut left, &mut proxy_left), fresh).await;
            let (reason, cause) = match sent {
                Ok(response) => return Ok(response),
                Err(Failed::Next(reason)) => (reason, std::io::Error::other(reason).into()),
                // Some servers close when they refuse: once more may be once too often already.
                Err(Failed::Closed { cause, again: true, judged: was_judged })
                    if message.body.can_be_sent() && !(judged && was_judged) =>
                {
                    judged |= was_judged;
                    ("the connection was closed", cause)
                }
                Err(Failed::Closed { cause, .. }) => return Err(route.ended(cause)),
                Err(Failed::Fatal(error)) => return Err(error),
            };
            if restarts == MAX_RESTARTS {
                return Err(Error::Closed(cause));
            }
            restarts = restarts.saturating_add(1);
            self.connector.tell(Event::Restarting { reason });
        }
    }

    /// The answer that comes over one connection, a `fresh` one or one that waits for requests.
    async fn over_a_connection(
        &self,
        route: &Route<'_>,
        message: &mut Message,
        (left, proxy_left): (&mut Left, &mut Left),
        fresh: bool,
    ) -> Result<Response<ResponseBody>, Failed> {
        let (attempt, proxy_attempt) = self.attempts(route);
        let user = attempt.as_ref().filter(|it| !it.is_refused()).map(Attempt::login);
        let (mut key, line) = self.line(route, user, fresh).await.map_err(Failed::Fatal)?;
        let Line { mut wire, bindings, reused, origin, proxy } = line;

        let target = TargetName::http(&route.origin.host);
        let mut at_origin =
            Party::new(Side::Origin, attempt, target, &bindings, route.origin.secure)
                .with(origin.or(left.auth.take()), left.start);
        let target = route.proxy.map(|proxy| TargetName::http(&proxy.host)).unwrap_or_default();
        let mut at_proxy = Party::new(Side::Proxy, proxy_attempt, target, &bindings, false)
            .with(proxy.or(proxy_left.auth.take()), proxy_left.start);
        let manner = Manner {
            forwarded: route.forwarded,
            reused,
            timeout: self.connector.response_timeout,
            observer: self.connector.observer.as_ref(),
        };
        let sent = exchange::run(&mut wire, &mut at_origin, &mut at_proxy, message, &manner).await;

        let Answer { response, keep } = match sent {
            Ok(answer) => answer,
            Err(failed) => {
                (*left, *proxy_left) = (at_origin.left(), at_proxy.left());
                return Err(failed);
            }
        };
        // It stays its owner's: a server may remember a logon that is forgotten here.
        let owner = user.filter(|_| at_origin.sent || at_origin.auth.is_some());
        key.owner = key.owner.or(owner.map(|login| login.id));
        let outcome = Outcome::of(&at_origin, &at_proxy);
        let (origin, proxy) = (at_origin.end(), at_proxy.end());
        let line = Line { wire, origin, proxy, bindings, reused: true };
        // Whoever the caller named may be logged on by the connection.
        let home = (keep && route.anonymous).then(|| (Arc::clone(&self.pool), key));
        let mut response = response.map(|body| ResponseBody::new(body, Lease { line, home }));
        response.extensions_mut().insert(outcome);
        Ok(response)
    }

    /// A connection for `user`: its own, one that is nobody's, or a new one.
    async fn line(
        &self,
        route: &Route<'_>,
        user: Option<&Ready>,
        fresh: bool,
    ) -> Result<(Key, Line), Error> {
        let proxy = route.proxy.map(|proxy| proxy.id);
        let mut key = Key { origin: route.origin.clone(), proxy, owner: None };
        if !fresh {
            for owner in [user.map(|login| login.id), None] {
                key.owner = owner;
                if let Some(line) = self.pool.take(&key) {
                    return Ok((key, line));
                }
            }
        }
        let line = self.connector.connect(&key.origin, route.proxy).await?;
        Ok((key, line))
    }
}
