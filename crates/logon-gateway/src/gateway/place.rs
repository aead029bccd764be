//! What a listener serves, and how that is replaced while it serves.

use super::application::{Application, Passing};
use super::diagnosis::Diagnosis;
use super::identity::User;
use super::proxy::ProxyBody;
use super::session::Sessions;
use super::target::{Target, Targets};
use super::watch::{Seen, Watch};
use crate::refusal::Refusal;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use logon::http::{Requirement, Scheme, Scope, Side, is_intermediary_field};
use logon_hyper::RequestBody;
use logon_tower::{
    Connection, Facts, Http11Required, Immediate, LogonFuture, LogonLayer, LogonService,
};
use logon_users::WatchedUserFile;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};
use tower_layer::Layer;
use tower_service::Service;

pub(crate) type Store = Immediate<Arc<WatchedUserFile>>;

/// What a listener serves, by the configuration in force.
pub(crate) struct Place {
    layer: LogonLayer<Store>,
    guarded: LogonService<Application, Store>,
    application: Application,
    diagnosis: Option<Diagnosis<Store>>,
    watch: Watch,
    targets: Targets,
}

impl Place {
    /// `layer` has the scopes of `application`.
    pub(crate) fn new(
        layer: LogonLayer<Store>,
        application: Application,
        diagnosis: Option<Diagnosis<Store>>,
        watch: Watch,
    ) -> Self {
        let guarded = layer.layer(application.clone());
        let targets = Targets::default();
        Self { layer, guarded, application, diagnosis, watch, targets }
    }

    fn answer(self: Arc<Self>, request: Request<RequestBody>) -> Answering {
        let path = request.uri().path();
        // Who reads the log may not look at a user's try.
        let diagnosis = self.diagnosis.as_ref().filter(|page| page.holds(path));
        let seen = self.watch.begin(&request, diagnosis.map_or(path, Diagnosis::path));
        let way = self.decide(request);
        Answering { place: self, seen: Some(seen), way }
    }

    fn decide(self: &Arc<Self>, request: Request<RequestBody>) -> Way {
        if let Some(diagnosis) = &self.diagnosis
            && diagnosis.holds(request.uri().path())
        {
            self.notice_intermediary(&request);
            return Way::Apart(Box::pin(Arc::clone(self).diagnose(request)));
        }
        let target = self.targets.of(request.uri(), request.version(), request.headers());
        let Ok(target) = target else {
            return Way::Apart(Box::pin(std::future::ready(Refusal::BadHost.response())));
        };
        if let Some(sessions) = self.application.sessions()
            && request.headers().contains_key(COOKIE)
            && let Some(session) = self.session(sessions, &request, &target)
        {
            self.notice_intermediary(&request);
            return Way::Apart(Box::pin(Arc::clone(self).of_session(request, target, session)));
        }
        let mut guarded = self.guarded.clone();
        guarded.get_mut().expect(target);
        Way::Guarded(guarded.call(request))
    }

    async fn diagnose(self: Arc<Self>, request: Request<RequestBody>) -> Response<ProxyBody> {
        match &self.diagnosis {
            Some(diagnosis) => diagnosis.answer(request).await.map(ProxyBody::from),
            None => Refusal::NoRoute.response(),
        }
    }

    /// What the layer does with each request, for those that do not come to it: whoever shares a
    /// connection among clients ends the logon that one of them has on it.
    fn notice_intermediary(&self, request: &Request<RequestBody>) {
        let mut names = request.headers().keys().map(HeaderName::as_str);
        if let Some(connection) = request.extensions().get::<Connection>()
            && names.any(is_intermediary_field)
            && !connection.peer().is_some_and(|peer| self.application.trusts(peer.ip()))
        {
            connection.release();
        }
    }

    /// A request of a session. An application that answers 401 wants somebody, or somebody else:
    /// the session ends in this browser, and the schemes are offered, as after any other logon.
    async fn of_session(
        self: Arc<Self>,
        request: Request<RequestBody>,
        target: Arc<Target>,
        session: Session,
    ) -> Response<ProxyBody> {
        let Session { user, renewed, scope } = session;
        let gate = self.layer.gate();
        let connection = request.extensions().get::<Connection>().cloned();
        let arrival = connection.as_ref().map(|connection| {
            let fields = request.headers().iter();
            let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
            let facts = Facts::gather(Side::Origin, fields);
            gate.arrival(connection, &facts, request.version() >= Version::HTTP_2)
        });
        let Ok(mut response) = self.application.pass(request, target, user).await;
        if response.status() != StatusCode::UNAUTHORIZED {
            if let Some(cookie) = renewed {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            return response;
        }
        if let Some(sessions) = self.application.sessions() {
            response.headers_mut().append(SET_COOKIE, sessions.clear());
        }
        if let (Some(connection), Some(arrival)) = (connection, arrival) {
            let offer = gate.challenge(&connection, &arrival, &scope).await;
            for challenge in &offer.challenges {
                if let Ok(challenge) = HeaderValue::try_from(challenge) {
                    response.headers_mut().append(WWW_AUTHENTICATE, challenge);
                }
            }
            if offer.http_1_1_required {
                response.extensions_mut().insert(Http11Required);
            }
        }
        response
    }

    /// Whose session a request belongs to, and a new cookie if it is time for one. Whoever sends
    /// credentials as well is asked for them.
    fn session(
        &self,
        sessions: &Sessions,
        request: &Request<RequestBody>,
        target: &Target,
    ) -> Option<Session> {
        let headers = request.headers();
        if has_credentials(headers) {
            return None;
        }
        // Anybody along the way has read it, and a new one would be read as well.
        if !self.application.is_secure(request) {
            return None;
        }
        let host = Some(target.host.as_bytes());
        let scope = self.application.scopes().find_apart(host, None, request.uri().path());
        if scope.requirement() == Requirement::Off {
            return None;
        }
        let cookies = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let opened = sessions.open(cookies, &target.host, SystemTime::now())?;
        // Who logged on by Basic elsewhere has not proven here what Negotiate would, nor has NTLM
        // what Kerberos would.
        let enabled = scope.schemes().contains(&opened.user.scheme)
            && (scope.ntlm() || !opened.user.is_of_ntlm());
        enabled.then_some(Session { user: opened.user, renewed: opened.renewed, scope })
    }
}

/// What a session cookie stands for.
struct Session {
    user: User,
    /// A new cookie, if it is time for one.
    renewed: Option<HeaderValue>,
    scope: Arc<Scope>,
}

/// Whether a request has credentials of a scheme that is ours.
fn has_credentials(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| {
        let mut parts = value.as_bytes().trim_ascii().split(|byte| matches!(byte, b' ' | b'\t'));
        parts.next().and_then(Scheme::from_name).is_some()
    })
}

/// What a listener serves at the moment. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<RwLock<InForce>>);

/// How long exchanges may still be finished at a place that has been replaced: as long as a
/// challenge serves ([`logon::Policy`]). Whoever begins again and again would else have the old
/// rules for ever.
const OVERLAP: Duration = Duration::from_secs(120);

struct InForce {
    place: Arc<Place>,
    /// What was served before, for exchanges that began there, and since when it is no more.
    before: Option<(Arc<Place>, Instant)>,
}

impl Gateway {
    pub(crate) fn new(place: Place) -> Self {
        Self(Arc::new(RwLock::new(InForce { place: Arc::new(place), before: None })))
    }

    /// Requests that come from now on are answered by `place`; those under way are not touched,
    /// and an exchange under way is finished where it began.
    pub(crate) fn replace(&self, place: Place) {
        let mut in_force = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut in_force.place, Arc::new(place));
        let same_gate = Arc::ptr_eq(before.layer.gate(), in_force.place.layer.gate());
        in_force.before = (!same_gate).then(|| (before, Instant::now()));
    }

    fn place(&self, request: &Request<RequestBody>) -> Arc<Place> {
        let in_force = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, since)) = &in_force.before
            && since.elapsed() < OVERLAP
            && request.headers().contains_key(AUTHORIZATION)
            && let Some(connection) = request.extensions().get::<Connection>()
            && before.layer.gate().is_in_exchange(connection)
        {
            return Arc::clone(before);
        }
        Arc::clone(&in_force.place)
    }
}

impl Service<Request<RequestBody>> for Gateway {
    type Response = Response<ProxyBody>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.place(&request).answer(request)
    }
}

/// An answer under way.
pub(crate) struct Answering {
    place: Arc<Place>,
    /// Until it is there.
    seen: Option<Seen>,
    way: Way,
}

enum Way {
    Guarded(LogonFuture<Passing, Store, ProxyBody, Infallible>),
    /// What takes more room.
    Apart(Pin<Box<dyn Future<Output = Response<ProxyBody>> + Send>>),
}

impl Future for Answering {
    type Output = Result<Response<ProxyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.way {
            Way::Guarded(answer) => {
                let Ok(response) = ready!(Pin::new(answer).poll(context));
                response
            }
            Way::Apart(answer) => ready!(answer.as_mut().poll(context)),
        };
        if let Some(seen) = self.seen.take() {
            self.place.watch.end(seen, &response);
        }
        Poll::Ready(Ok(response))
    }
}
