//! Windows Integrated Authentication as a [tower] layer.
//!
//! A [`LogonLayer`] answers the legs of a handshake itself and hands the application requests of
//! clients that have logged on; who that is stands in the request's extensions as
//! [`Authentication`], and axum handlers take it as [`LoggedOn`].
//!
//! NTLM proves who is at the other end of a *connection*. So whoever accepts connections has to
//! give each a [`Connection`] and put it into the extensions of its requests; `logon-hyper` does.
//!
//! # A configuration of one's own
//!
//! [`LogonLayer::new`] has the defaults. Other schemes, numbers and stores go through a [`Gate`];
//! what holds where, through scopes. A scheme of a scope is offered only if the configuration has
//! it too: `Basic` and `Digest` in [`logon::http::ConnectionConfig`].
//!
//! ```
//! use logon::http::{BasicConfig, ConnectionConfig, Requirement, Scheme};
//! use logon::http::{Scope, ScopeRule, Scopes};
//! use logon::{AcceptorConfig, ServerNames};
//! use logon_tower::{Gate, Immediate, LogonLayer};
//! use std::sync::Arc;
//!
//! # fn layer(users: impl logon::CredentialStore + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! let acceptor = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
//! let mut config = ConnectionConfig::new(Arc::new(acceptor));
//! config.basic = Some(BasicConfig::new("corp.example")?);
//! let scopes = Scopes::builder(Scope::required(&Scheme::INTEGRATED))
//!     .path("/api", ScopeRule::new().pass_schemes(&["Bearer"]).cors_preflight(true))
//!     .path("/npm", ScopeRule::new().schemes(&[Scheme::Basic]))
//!     // The application answers 401, with a page that says why; the challenges are added.
//!     .path("/app", ScopeRule::new().requirement(Requirement::AppChallenges))
//!     .build()?;
//! let layer = LogonLayer::of(Gate::new(config, Immediate(users))).scopes(scopes);
//! # let _ = layer; Ok(())
//! # }
//! ```
//!
//! A store that asks a database is an [`AsyncCredentialStore`], and needs no [`Immediate`].
//!
//! # Log and counters
//!
//! One line of `tracing` for each outcome: a logon by `Negotiate` or `NTLM`, and a refusal, at
//! `INFO`; a logon by `Digest` or `Basic`, which comes with every request, at `DEBUG`; guessing
//! that is slowed down, at `WARN`; a store that cannot answer, at `ERROR`. The `code` of a refusal
//! is that of its [`Explanation`](logon::http::Explanation), with cause and remedy; a service around
//! the layer finds it in the response's extensions as [`Refused`]. With the feature `metrics`, which
//! is on by default:
//!
//! | metric | labels |
//! |---|---|
//! | `logon_attempts_total` | `scheme`, `outcome`, `status` |
//! | `logon_duration_seconds` | `scheme`, `outcome` |
//!
//! `outcome` is `success`, `refused` (wrong password, unknown account), `failed` or `malformed`
//! (not even that far), `throttled`, or `unavailable` (the store, or this server); `status` is the
//! name that Windows has for it, `none` of a success. Durations are in seconds and include the
//! store.
//!
//! [tower]: https://docs.rs/tower
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]

mod body;
mod connection;
mod entity_body;
mod facts;
mod future;
mod gate;
mod layer;
mod log;
#[cfg(feature = "axum")]
mod logged_on;
mod refused;
mod service;
mod store;

pub use connection::{Connection, Http11Required, RequestTarget};
pub use entity_body::{EntityBody, ReadBody, SignedBodyLayer, SignedBodyService};
pub use facts::Facts;
pub use future::LogonFuture;
pub use gate::{Arrival, Beginning, Gate, GateRequest};
pub use layer::{LogonLayer, ScopesHandle};
#[cfg(feature = "axum")]
pub use logged_on::{LoggedOn, LogonRejection};
pub use logon::http::Authentication;
pub use refused::Refused;
pub use service::LogonService;
pub use store::{AsyncCredentialStore, Immediate};
