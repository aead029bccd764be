//! The answer to a request, under way.

use crate::connection::Connection;
use crate::gate::{Arrival, Gate};
use crate::service::add_challenges;
use crate::store::AsyncCredentialStore;
use http::Response;
use logon::http::Scope;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A future in a box.
pub(crate) type Boxed<R, E> = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

pin_project! {
    /// The future of a [`crate::LogonService`]. The ordinary request has its place right in here;
    /// what takes longer is in a box.
    pub struct LogonFuture<F, S, R, E> {
        #[pin]
        state: State<F, S, R, E>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F, S, R, E> {
        Unguarded { #[pin] answer: F },
        Forwarded { #[pin] answer: F, asked: Option<Asked<S>> },
        Slow { answer: Boxed<R, E> },
    }
}

/// What a request was asked for, in case that the application asks once more.
pub(crate) struct Asked<S> {
    pub(crate) gate: Arc<Gate<S>>,
    pub(crate) connection: Connection,
    pub(crate) arrival: Arrival,
    pub(crate) scope: Arc<Scope>,
}

impl<S: AsyncCredentialStore> Asked<S> {
    /// The application wants somebody, or somebody else.
    pub(crate) async fn challenge<R>(&self, response: &mut Response<R>) {
        let side = self.gate.config().side;
        let offer = self.gate.challenge(&self.connection, &self.arrival, &self.scope).await;
        if !response.headers().contains_key(side.challenge_field()) {
            add_challenges(response, offer, side);
        }
    }
}

impl<F, S, R, E> LogonFuture<F, S, R, E> {
    pub(crate) fn unguarded(answer: F) -> Self {
        Self { state: State::Unguarded { answer } }
    }

    pub(crate) fn forwarded(answer: F, asked: Asked<S>) -> Self {
        Self { state: State::Forwarded { answer, asked: Some(asked) } }
    }

    pub(crate) fn slow(
        answer: impl Future<Output = Result<Response<R>, E>> + Send + 'static,
    ) -> Self {
        Self { state: State::Slow { answer: Box::pin(answer) } }
    }
}

impl<F, S, R, E> Future for LogonFuture<F, S, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
    S: AsyncCredentialStore,
    R: Send + 'static,
    E: 'static,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let (answer, asked) = match state.as_mut().project() {
            StateProjection::Unguarded { answer } => return answer.poll(context),
            StateProjection::Slow { answer } => return answer.as_mut().poll(context),
            StateProjection::Forwarded { answer, asked } => (answer.poll(context), asked),
        };
        let challenge = asked.as_ref().map(|asked| asked.gate.challenge_status());
        let is_challenge = |response: &Response<R>| Some(response.status().as_u16()) == challenge;
        if !matches!(&answer, Poll::Ready(Ok(response)) if is_challenge(response)) {
            return answer;
        }
        let (Poll::Ready(Ok(mut response)), Some(asked)) = (answer, asked.take()) else {
            // Cannot happen: it is an answer, and what was asked is taken here alone.
            return Poll::Pending;
        };
        let mut challenged: Boxed<R, E> = Box::pin(async move {
            asked.challenge(&mut response).await;
            Ok(response)
        });
        let polled = challenged.as_mut().poll(context);
        state.set(State::Slow { answer: challenged });
        polled
    }
}

impl<F, S, R, E> fmt::Debug for LogonFuture<F, S, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogonFuture").finish_non_exhaustive()
    }
}
