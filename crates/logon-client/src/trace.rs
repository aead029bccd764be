//! Looking on.

use http::{HeaderMap, Method, StatusCode, Uri};
use std::fmt;

/// What happens below a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A new connection is made to here.
    Connecting {
        /// Host and port.
        to: &'a str,
    },
    /// A leg is sent.
    Sent {
        /// Its method.
        method: &'a Method,
        /// Its target as it stands in the request line.
        target: &'a Uri,
        /// Its fields, with credentials.
        ///
        /// # Security
        /// What shows them has to leave out `Authorization` and `Proxy-Authorization`, or what of
        /// them is secret.
        headers: &'a HeaderMap,
        /// Whether the body goes with it.
        with_body: bool,
    },
    /// The head of an answer has come.
    Received {
        /// Its status.
        status: StatusCode,
        /// Its fields.
        headers: &'a HeaderMap,
    },
    /// The connection is of no more use, and the request begins again on a new one.
    Restarting {
        /// Why.
        reason: &'a str,
    },
}

/// Is told what happens.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Called in the course of a request: it should not take long.
    fn event(&self, event: Event<'_>);
}
