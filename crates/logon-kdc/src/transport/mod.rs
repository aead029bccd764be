//! A message to a KDC and its answer back ([RFC 4120] §7.2).
//!
//! ```text
//!  client.rs: which KDCs, in which order ──▶ race.rs: one after the other, all heard to the end
//!                                              └▶ ask.rs: name to addresses ─▶ udp.rs, tcp.rs
//! ```

mod answer;
mod ask;
mod client;
mod error;
mod race;
mod tcp;
mod udp;

pub use client::KdcClient;
pub use error::{NoKdc, Outcome, Protocol, SendError, Try};
