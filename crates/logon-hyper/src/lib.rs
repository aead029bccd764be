//! Accepts connections, with TLS or without, and serves a tower service over HTTP/1.1 on them.
//!
//! Every request carries the [`logon_tower::Connection`] that was made for its connection when
//! it was accepted, with the channel bindings of the certificate that TLS serves. That is all a
//! `LogonLayer` needs:
//!
//! ```no_run
//! # async fn example<S>(app: S) -> std::io::Result<()>
//! # where
//! #     S: tower_service::Service<
//! #             http::Request<hyper::body::Incoming>,
//! #             Response = http::Response<String>,
//! #             Error = std::convert::Infallible,
//! #         > + Clone + Send + 'static,
//! #     S::Future: Send,
//! # {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! logon_hyper::Server::new(app).serve(listener, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
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

mod server;
mod service;
mod tls;

pub use rustls;
pub use server::{Limits, Server};
pub use tls::{Tls, TlsError};
