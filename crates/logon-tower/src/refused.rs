//! Why a request was not let in, for whoever stands around the layer.

use logon::Error;
use logon::http::{Authentication, Explanation, Response, Scheme};
use std::sync::Arc;

/// In the extensions of a response: the request was not let in, and why. In every answer that the
/// layer gives by itself, in those of the application that it adds challenges to, and in all
/// others to a request whose logon failed.
///
/// For a log or a service around the layer. A peer must not learn it, for it tells an unknown
/// account from a wrong password; [`Explanation::for_peer`] does not.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// The scheme of the logon that failed, or goes on.
    pub scheme: Option<Scheme>,
    /// What failed, if anything did.
    pub error: Option<Arc<Error>>,
    /// The same in words, also where nothing went wrong; `None` of an exchange that goes on.
    pub explanation: Option<&'static Explanation>,
    /// Whether the exchange goes on: it is refused for the time being only.
    pub continues: bool,
}

impl Refused {
    /// Takes the reason out of an answer of the layer's own.
    pub(crate) fn take(response: &mut Response) -> Self {
        Self {
            scheme: response.scheme,
            error: response.reason.take().map(Arc::new),
            explanation: response.explanation,
            continues: response.continues,
        }
    }

    /// Of a request that goes to the application although its logon failed.
    pub(crate) fn of(authentication: &Authentication) -> Option<Self> {
        let error = authentication.error()?;
        Some(Self {
            scheme: authentication.scheme(),
            error: Some(Arc::new(error.clone())),
            explanation: Some(Explanation::of_error(error)),
            continues: false,
        })
    }
}
