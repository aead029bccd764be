//! Windows Integrated Authentication as a [tower] layer.
//!
//! A [`LogonLayer`] answers the legs of a handshake itself and hands the application requests of
//! clients that have logged on; who that is stands in the request's extensions as
//! [`Authentication`], and axum handlers take it as [`LoggedOn`].
//!
//! NTLM proves who is at the other end of a *connection*. So whoever accepts connections has to
//! give each a [`Connection`] and put it into the extensions of its requests; `logon-hyper` does.
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
mod service;
mod store;

pub use connection::{Connection, Http11Required, RequestTarget};
pub use entity_body::{EntityBody, ReadBody, SignedBodyLayer, SignedBodyService};
pub use facts::Facts;
pub use future::LogonFuture;
pub use gate::{Arrival, Gate, GateRequest};
pub use layer::{LogonLayer, ScopesHandle};
#[cfg(feature = "axum")]
pub use logged_on::{LoggedOn, LogonRejection};
pub use logon::http::Authentication;
pub use service::LogonService;
pub use store::{AsyncCredentialStore, Immediate};
