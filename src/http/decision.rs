//! What to do with a request.

use super::{Authentication, Explanation, Scheme, Status};
use crate::error::Error;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What to do with a request.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub enum Decision {
    /// Pass it to the application.
    Forward(Forward),
    /// Look [`super::ConnectionAuth::pending`] up, then
    /// [`resume`](super::ConnectionAuth::resume) or
    /// [`resume_digest`](super::ConnectionAuth::resume_digest).
    NeedLogon,
    /// Answer it like this; the application does not see it.
    Respond(Response),
}

/// A request for the application.
#[derive(Default)]
#[non_exhaustive]
pub struct Forward {
    /// Who it is from, if that is known.
    pub authentication: Authentication,
    /// Fields for the application's response, name and value, whatever its status is; but if it
    /// is a challenge of the application's own, none of them.
    pub fields: Vec<(&'static str, String)>,
    /// Whether the connection has to be closed behind the response.
    pub close: bool,
}

/// An answer that authentication gives by itself.
/// See [RFC 9110] §11.6, §11.7.
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: Status,
    /// Values of the challenge field, one line each.
    pub challenges: Vec<String>,
    /// Whether it carries a token: the exchange goes on, on this connection and no other.
    pub continues: bool,
    /// Whether the connection has to be closed behind it.
    pub close: bool,
    /// Whether the client has to come back over HTTP/1.1: on HTTP/2 a stream error
    /// `HTTP_1_1_REQUIRED` ([RFC 9113] §7), on HTTP/3 `H3_VERSION_FALLBACK` ([RFC 9114] §8.1).
    /// The status and the challenges are for adapters that cannot send these.
    pub http_1_1_required: bool,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
    /// The scheme of the logon that came to this, or that goes on, if any.
    pub scheme: Option<Scheme>,
    /// Why, for the log and the application; never for the client.
    pub reason: Option<Error>,
    /// The same in words, also where nothing went wrong; `None` of an exchange that goes on, and
    /// where there is nothing to log on to.
    pub explanation: Option<&'static Explanation>,
}

impl Response {
    /// 500, for an adapter that finds itself in the wrong.
    #[must_use]
    pub fn internal_error() -> Self {
        let explanation = Some(Explanation::INTERNAL);
        Self { close: true, explanation, ..Self::new(Status::InternalServerError) }
    }

    /// 400, for an adapter that cannot read a request.
    #[must_use]
    pub fn bad_request() -> Self {
        let explanation = Some(Explanation::BAD_REQUEST);
        Self { close: true, explanation, ..Self::new(Status::BadRequest) }
    }

    /// The same, once the body that came with the request was thrown away, or was not because it
    /// was too long or too slow. Behind what is left of it nothing can go on, an exchange least of
    /// all: a client that sends a long body with its first token does not wait with it.
    #[must_use]
    pub fn behind_body(self, thrown_away: bool) -> Self {
        match (thrown_away, self.continues) {
            (true, _) => self,
            (false, false) => Self { close: true, ..self },
            (false, true) => Self {
                close: true,
                scheme: self.scheme,
                explanation: Some(Explanation::BODY_TOO_LONG),
                ..Self::new(Status::ContentTooLarge)
            },
        }
    }

    pub(super) fn new(status: Status) -> Self {
        Self {
            status,
            challenges: Vec::new(),
            continues: false,
            close: false,
            http_1_1_required: false,
            retry_after: None,
            scheme: None,
            reason: None,
            explanation: None,
        }
    }
}

/// Fields by name alone: tokens and proofs can be guessed at offline, and do not go into logs.
impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Forward")
            .field("authentication", &self.authentication)
            .field("fields", &names)
            .field("close", &self.close)
            .finish()
    }
}

/// Challenges by number alone, for the same reason.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("challenges", &self.challenges.len())
            .field("continues", &self.continues)
            .field("close", &self.close)
            .field("http_1_1_required", &self.http_1_1_required)
            .field("retry_after", &self.retry_after)
            .field("scheme", &self.scheme)
            .field("reason", &self.reason)
            .field("explanation", &self.explanation.map(Explanation::code))
            .finish()
    }
}
