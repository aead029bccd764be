//! The extractor for axum.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use logon::http::{Authentication, Logon};
use std::ops::Deref;
use std::sync::Arc;

/// An extractor for axum: the logon that a request belongs to. `Option<LoggedOn>` is `None`
/// for anonymous requests, and for those whose logon failed; why it did stands in the
/// [`Authentication`] of the request's extensions. With a ticket of Active Directory or Samba,
/// [`Identity::user_sid`](logon::Identity::user_sid) and
/// [`Identity::group_sids`](logon::Identity::group_sids) say who it is there.
///
/// Where the scope is off nobody is ever logged on: a handler that needs a user answers 401
/// there, without a challenge.
#[derive(Debug, Clone)]
pub struct LoggedOn(Arc<Logon>);

impl Deref for LoggedOn {
    type Target = Logon;

    fn deref(&self) -> &Logon {
        &self.0
    }
}

/// Why a handler got no logon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogonRejection {
    /// 401: the request is anonymous, and the layer lets those pass.
    Anonymous,
    /// 500: no [`crate::LogonLayer`] stands before the handler.
    NoLayer,
}

impl IntoResponse for LogonRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Anonymous => StatusCode::UNAUTHORIZED.into_response(),
            Self::NoLayer => {
                tracing::error!("a handler asks for LoggedOn, but no LogonLayer is before it");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

fn logon(parts: &Parts) -> Result<Option<LoggedOn>, LogonRejection> {
    match parts.extensions.get::<Authentication>() {
        Some(authentication) => Ok(authentication.logon().cloned().map(LoggedOn)),
        None => Err(LogonRejection::NoLayer),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LoggedOn {
    type Rejection = LogonRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, LogonRejection> {
        logon(parts)?.ok_or(LogonRejection::Anonymous)
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for LoggedOn {
    type Rejection = LogonRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, LogonRejection> {
        logon(parts)
    }
}
