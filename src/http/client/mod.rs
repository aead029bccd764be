//! The client's side of HTTP authentication ([RFC 9110] §11.3, §11.6; [RFC 4559], [MS-NTHT]).
//!
//! ```text
//!              advance: a challenge              advance: 401 with a token
//!   Idle ─────────────────────────────▶ Exchange ─────────────────────┐
//!     │  initial: unasked                │  ▲  └─────────────────────┘
//!     │                                  │ the last credentials are out
//!     │  Basic, Digest: one leg          ▼
//!     └───────────────────────────────▶ Sent ──── advance: 401 ──────▶ Refused
//!                                        │
//!                                        └─ finish: any other status ▶ Established
//! ```
//!
//! A 401 (407) goes into `advance`, every other status into `finish`. What fails ends the
//! exchange: nothing of it can be used again, and after `Refused` nothing is sent until
//! somebody calls `initial`, because each attempt counts against the account.

mod auth;
mod challenge;
mod config;
mod credentials;
mod digest;
mod error;
mod legs;

pub use auth::ClientAuth;
pub use config::ClientConfig;
pub use credentials::{ClientStep, Credentials};
pub use error::ClientError;
