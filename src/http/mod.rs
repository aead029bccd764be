//! HTTP authentication on bytes, for any HTTP stack ([RFC 9110] §11, [RFC 4559], [MS-NTHT]).
//!
//! A server keeps one [`ConnectionAuth`] per accepted connection and asks it about every
//! request; the identity lives in there, and dies with the connection. A client keeps one
//! [`ClientAuth`] per connection and tells it about every answer.

mod authentication;
mod basic;
mod client;
mod config;
mod connection;
mod decision;
mod digest;
mod explanation;
mod header;
mod host;
mod offer;
mod path;
mod request;
mod scheme;
mod scope;
mod scopes;
mod security_status;
mod status;
mod throttle;

pub use authentication::{AuthStatus, Authentication, Logon};
pub use basic::BasicConfig;
pub use client::{ClientAuth, ClientConfig, ClientError, ClientStep, Credentials};
pub use config::ConnectionConfig;
pub use connection::{ConnectionAuth, Question};
pub use decision::{Decision, Forward, Response};
#[cfg(feature = "std")]
pub use digest::RecentNonces;
pub use digest::{DigestConfig, NonceCounts};
pub use explanation::Explanation;
pub use header::{format_token, parse_token};
pub use request::{Carrier, RequestHead, is_intermediary_field};
pub use scheme::{Scheme, Side};
pub use scope::{Requirement, Scope, ScopeRule, is_cors_preflight};
pub use scopes::{ScopeError, Scopes, ScopesBuilder};
pub use security_status::SecurityStatus;
pub use status::Status;
pub use throttle::{Throttle, ThrottleConfig, Throttled};
