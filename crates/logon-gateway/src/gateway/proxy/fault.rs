//! Why a request has no answer of the application's own.

use super::response::ProxyBody;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use std::fmt;

/// Why the gateway answers itself. An extension of that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `CONNECT`, which is for proxies, or `TRACE`, which would show the client what the
    /// application is told of it.
    Method,
    /// The request says two things of its length.
    Framing,
    /// The request has a transfer coding other than `chunked`.
    Coding,
    /// The client did not send the body it had begun.
    ClientBody,
    /// Nothing answers at any of the application's URLs.
    NoUpstream,
    /// The application cannot be connected to in time.
    ConnectTimeout,
    /// The application's certificate is not to be trusted, or it does not speak TLS.
    Tls,
    /// The application does not answer in time.
    Timeout,
    /// The application closed the connection without an answer.
    Closed,
    /// What the application sent is no HTTP, too large, or says two things of its length.
    BadAnswer,
}

impl Fault {
    /// Its name in logs and metrics.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Framing => "framing",
            Self::Coding => "coding",
            Self::ClientBody => "client-body",
            Self::NoUpstream => "no-upstream",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "upstream-tls",
            Self::Timeout => "upstream-timeout",
            Self::Closed => "upstream-closed",
            Self::BadAnswer => "upstream-answer",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Framing | Self::ClientBody => StatusCode::BAD_REQUEST,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::NoUpstream => StatusCode::SERVICE_UNAVAILABLE,
            Self::ConnectTimeout | Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Tls | Self::Closed | Self::BadAnswer => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whether the client is to blame: its operator's log is not for strangers to fill.
    pub(crate) fn is_clients(self) -> bool {
        match self {
            Self::Method | Self::Framing | Self::Coding | Self::ClientBody => true,
            Self::NoUpstream
            | Self::ConnectTimeout
            | Self::Tls
            | Self::Timeout
            | Self::Closed
            | Self::BadAnswer => false,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Method => "This method is not allowed here.\n",
            Self::Framing => "The request contradicts itself about its length.\n",
            Self::Coding => "This transfer coding is not understood.\n",
            Self::ClientBody => "The request was not complete.\n",
            Self::NoUpstream => "The application is not available at the moment.\n",
            Self::ConnectTimeout | Self::Timeout => "The application does not answer in time.\n",
            Self::Tls | Self::Closed | Self::BadAnswer => {
                "The application did not give an answer that can be passed on.\n"
            }
        }
    }

    /// The answer that says so.
    pub(crate) fn response(self) -> Response<ProxyBody> {
        let mut response = Response::new(ProxyBody::text(self.text()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if matches!(self, Self::NoUpstream) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// A fault, where, and why: what the log says.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    /// The URL, if one was tried.
    pub(super) url: Option<String>,
    pub(super) reason: String,
}

impl Failure {
    pub(super) fn of_client(fault: Fault, reason: impl Into<String>) -> Self {
        Self { fault, url: None, reason: reason.into() }
    }

    /// One line.
    pub(super) fn log(&self, upstream: &str) {
        let (code, reason) = (self.fault.code(), &self.reason);
        let url = self.url.as_deref().unwrap_or("-");
        if self.fault.is_clients() {
            tracing::debug!(upstream, url, fault = code, "request not passed on: {reason}");
        } else {
            tracing::warn!(upstream, url, fault = code, "no answer from the application: {reason}");
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
