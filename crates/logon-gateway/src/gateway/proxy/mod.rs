//! Requests to an application, and its answers back.
//!
//! ```text
//! forward ── head (what goes on, what the gateway adds) ── Upstream ── Origin: pool, standing ── hyper connection
//!    └────── Outgoing (body of the request) · ProxyBody (body of the answer) · tunnel (after a 101)
//! ```
//!
//! The pool is our own, on hyper's connections: hyper-util's client keys its pool by the URI's
//! authority and writes `:authority` from it, so that the client's `Host` could not be preserved
//! over HTTP/2, and hosts that strangers make up would fill the pool.

mod config;
mod connect;
mod failure;
mod forward;
mod forwarded;
mod head;
mod origin;
mod outgoing;
mod pool;
mod response;
mod seen;
mod standing;
#[cfg(test)]
mod tests;
mod timer;
mod tls;
mod tunnel;
mod upstream;

pub(crate) use config::{UpstreamConfig, UpstreamUrl};
pub(crate) use forward::{Forwarding, Passage, Removed, forward};
pub(crate) use response::ProxyBody;
pub(crate) use upstream::Upstream;

/// Any error.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
