//! What a listener serves, and how that is replaced while it serves.

use super::application::Application;
use super::diagnosis::Diagnosis;
use super::identity::User;
use super::proxy::ProxyBody;
use super::session::Sessions;
use super::target::Target;
use super::watch::Watch;
use crate::refusal::Refusal;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request, Response};
use logon::http::{Requirement, Scheme};
use logon_hyper::RequestBody;
use logon_tower::{Connection, Immediate, LogonLayer, LogonService};
use logon_users::WatchedUserFile;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::SystemTime;
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
        Self { layer, guarded, application, diagnosis, watch }
    }

    async fn answer(&self, request: Request<RequestBody>) -> Response<ProxyBody> {
        let path = request.uri().path();
        // Who reads the log may not look at a user's try.
        let diagnosis = self.diagnosis.as_ref().filter(|page| page.holds(path));
        let seen = self.watch.begin(&request, diagnosis.map_or(path, Diagnosis::path));
        let response = self.decide(request).await;
        self.watch.end(seen, &response);
        response
    }

    async fn decide(&self, mut request: Request<RequestBody>) -> Response<ProxyBody> {
        if let Some(diagnosis) = &self.diagnosis
            && diagnosis.holds(request.uri().path())
        {
            return Box::pin(diagnosis.answer(request)).await.map(ProxyBody::from);
        }
        let target = Target::of(request.uri(), request.version(), request.headers());
        let Ok(target) = target else { return Refusal::BadHost.response() };
        if let Some(sessions) = self.application.sessions()
            && request.headers().contains_key(COOKIE)
            && let Some((user, renewed)) = self.session(sessions, &request, &target)
        {
            let passing = self.application.pass(request, target, user);
            // Beside what most requests need it would take room in all of them.
            let mut response = Box::pin(passing).await;
            if let Some(cookie) = renewed {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            return response;
        }
        request.extensions_mut().insert(target);
        let Ok(response) = self.guarded.clone().call(request).await;
        response
    }

    /// Whose session a request belongs to, and a new cookie if it is time for one. Whoever sends
    /// credentials as well is asked for them.
    fn session(
        &self,
        sessions: &Sessions,
        request: &Request<RequestBody>,
        target: &Target,
    ) -> Option<(User, Option<HeaderValue>)> {
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
        // Who logged on by Basic elsewhere has not proven here what Negotiate would.
        let enabled = scope.schemes().contains(&opened.user.scheme);
        enabled.then_some((opened.user, opened.renewed))
    }
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

struct InForce {
    place: Arc<Place>,
    /// What was served before, for exchanges that began there.
    before: Option<Arc<Place>>,
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
        in_force.before = (!same_gate).then_some(before);
    }

    fn place(&self, request: &Request<RequestBody>) -> Arc<Place> {
        let in_force = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = &in_force.before
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
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let place = self.place(&request);
        Box::pin(async move { Ok(place.answer(request).await) })
    }
}
