//! Why a request has no answer of the application's own.

use crate::refusal::Refusal;
use std::fmt;

/// What went wrong, where, and why: what the log says.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) refusal: Refusal,
    /// The URL, if one was tried.
    pub(super) url: Option<String>,
    pub(super) reason: String,
}

impl Failure {
    pub(super) fn of_client(refusal: Refusal, reason: impl Into<String>) -> Self {
        Self { refusal, url: None, reason: reason.into() }
    }

    /// One line.
    pub(super) fn log(&self, upstream: &str) {
        let (code, reason) = (self.refusal.code(), &self.reason);
        let url = self.url.as_deref().unwrap_or("-");
        if self.refusal.is_clients() {
            tracing::debug!(upstream, url, code, "request not passed on: {reason}");
        } else {
            tracing::warn!(upstream, url, code, "no answer from the application: {reason}");
        }
    }
}

/// An error with all that it says of its causes.
pub(super) struct Chain<'a>(pub(super) &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
