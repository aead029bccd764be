//! HTTP authentication on bytes, for any HTTP stack ([RFC 9110] §11, [RFC 4559], [MS-NTHT]).
//!
//! A server keeps one [`ConnectionAuth`] per accepted connection and asks it about every
//! request; the identity lives in there, and dies with the connection.

mod connection;
mod header;
mod scheme;
mod status;

pub use connection::{
    ConnectionAuth, ConnectionConfig, Decision, Forward, Logon, RequestHead, Response,
};
pub use header::{format_token, parse_token};
pub use scheme::{Scheme, Side};
pub use status::Status;
