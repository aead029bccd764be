//! The extractor.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError};
use logon::http::{Authentication, Logon};
use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

/// An extractor: the logon that a request belongs to. `Option<LoggedOn>` is `None` for anonymous
/// requests, and for those whose logon failed; why it did stands in the [`Authentication`] of the
/// request's extensions.
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
    /// 401: the request is anonymous, and the middleware lets those pass.
    Anonymous,
    /// 500: no [`crate::Logon`] stands before the handler. An `Option<LoggedOn>` is `None` then.
    NoMiddleware,
}

impl fmt::Display for LogonRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status_code())
    }
}

impl std::error::Error for LogonRejection {}

impl ResponseError for LogonRejection {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Anonymous => StatusCode::UNAUTHORIZED,
            Self::NoMiddleware => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl FromRequest for LoggedOn {
    type Error = LogonRejection;
    type Future = Ready<Result<Self, LogonRejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(authentication) = request.extensions().get::<Authentication>().cloned() else {
            tracing::error!("a handler asks for LoggedOn, but no Logon is wrapped around it");
            return ready(Err(LogonRejection::NoMiddleware));
        };
        let logon = authentication.logon().cloned();
        ready(logon.map(LoggedOn).ok_or(LogonRejection::Anonymous))
    }
}
