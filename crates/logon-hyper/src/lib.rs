//! Accepts connections, with TLS or without, and serves a tower service over HTTP on them.
//!
//! Every request carries the [`logon_tower::Connection`] that was made for its connection when
//! it was accepted, with the channel bindings of the certificate that TLS serves. That is all a
//! `LogonLayer` needs:
//!
//! ```no_run
//! # async fn example<S>(app: S) -> std::io::Result<()>
//! # where
//! #     S: tower_service::Service<
//! #             http::Request<logon_hyper::RequestBody>,
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
//!
//! The request's target as it came over the wire goes along as [`logon_tower::RequestTarget`].
//!
//! # TLS
//! [`Tls`] serves one certificate, or [`Certificates`] by name, and takes new ones while the
//! server runs. The channel bindings are those of the certificate that this very connection has
//! been shown, whatever was replaced since.
//!
//! # HTTP/2
//! A logon by NTLM or Negotiate belongs to a connection, and so to HTTP/1.1; that is all that is
//! spoken by default. With [`Tls::http2`] clients may have HTTP/2 for the rest: a response with
//! [`logon_tower::Http11Required`] in its extensions resets its stream with `HTTP_1_1_REQUIRED`
//! (RFC 9113 §7), and clients come back over HTTP/1.1.
//!
//! # Under attack
//! [`Limits`] says what a client may cost. A server whose places are all taken ends connections
//! that are not logged on to make room.
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
mod certificates;
mod crowd;
mod limits;
mod server;
mod service;
mod stream;
mod tls;

pub use body::RequestBody;
pub use certificates::Certificates;
pub use limits::Limits;
pub use rustls;
pub use server::Server;
pub use tls::{Tls, TlsError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
