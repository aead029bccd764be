//! HTTP's Digest scheme, the server's side ([RFC 7616]).
//!
//! ```text
//!                    read                        the store answers
//!   Authorization ──────────▶ PendingDigest ──────────────────────────▶ Proven
//!        │                          │                    │
//!        ▼                          ▼                    ▼
//!   malformed: 400           wrong proof: Denied       Stale: a new nonce, no prompt
//! ```
//!
//! Nonces are made and checked without memory; what is remembered is the counts of those that
//! proved somebody. Credentials without `qop` ([RFC 2069]) carry no count, could be sent again by
//! whoever overhears them, and are refused.
//!
//! Parsing is done here. The crates there are (`digest_auth`, `http-auth`) need `std`, bring a
//! second copy of the hash functions, and are made for clients: they leave nonces, counts and
//! comparison in constant time to the server, let the last of two equal parameters win or do not
//! read credentials at all, and drop the backslash that clients leave bare in `CORP\alice`.

mod config;
mod counts;
mod nonce;
mod parameters;
mod pending;
#[cfg(test)]
mod tests;

pub use config::DigestConfig;
pub use counts::NonceCounts;
#[cfg(feature = "std")]
pub use counts::RecentNonces;
pub(crate) use pending::{DigestRequest, DigestVerdict, PendingDigest};
