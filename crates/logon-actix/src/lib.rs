//! Windows Integrated Authentication as a middleware for [actix-web].
//!
//! [`Logon`] answers the legs of a handshake itself and hands the application requests of clients
//! that have logged on. Handlers take the logon as [`LoggedOn`], and everything that is known of
//! it as [`ReqData<Authentication>`](actix_web::web::ReqData).
//!
//! NTLM proves who is at the other end of a *connection*, so [`on_connect`] has to be there too:
//! it makes the [`Connection`] that the identities of a connection belong to.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use logon::{AcceptorConfig, ServerNames};
//! use logon_actix::{LoggedOn, Logon, on_connect};
//!
//! async fn hello(user: LoggedOn) -> String {
//!     format!("Hello, {}\n", user.identity())
//! }
//!
//! # async fn example(users: impl logon::CredentialStore + 'static) -> std::io::Result<()> {
//! let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
//! // Made once, outside: the workers share it.
//! let logon = Logon::new(config, users);
//! HttpServer::new(move || App::new().route("/", web::get().to(hello)).wrap(logon.clone()))
//!     .on_connect(on_connect)
//!     .bind("127.0.0.1:8080")?
//!     .run()
//!     .await
//! # }
//! ```
//!
//! # What to know
//!
//! - `wrap` it last, so that it stands before all else: before whatever changes paths, and
//!   before whatever answers by itself.
//! - The application may log a user off with [`Connection::release`]; the connection is
//!   `request.conn_data::<Connection>()`.
//! - Over TLS, `on_connect_tls` (feature `rustls-0_23`) knows the channel bindings. For another
//!   TLS library put a [`Connection::tls`] into the connection's data yourself.
//! - Over TLS, actix-web with its default feature `http2` speaks HTTP/2, where NTLM proves
//!   nothing, and it cannot tell clients to come back over HTTP/1.1. They get a 401; browsers and
//!   curl know what it means. Without that feature they need not be told.
//! - Of `Digest`, `auth-int` is not for here: nobody reads the body that it signs.
//! - actix-web closes connections that were idle for 5 s; who comes back later logs on anew. See
//!   `HttpServer::keep_alive`.
//!
//! [actix-web]: https://docs.rs/actix-web
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

mod connect;
mod logged_on;
mod middleware;
mod service;

pub use connect::on_connect;
#[cfg(feature = "rustls-0_23")]
pub use connect::on_connect_tls;
pub use logged_on::{LoggedOn, LogonRejection};
pub use logon_tower::{AsyncCredentialStore, Authentication, Connection, Gate, Immediate};
pub use middleware::Logon;
pub use service::{LogonFuture, LogonService};
