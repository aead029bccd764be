//! What a client asks a KDC for ([RFC 4120] §3.1, §3.3), without a socket.
//!
//! ```text
//!   TicketRequest ── AS-REQ ──▶ KDC of the client's realm      password or keytab: a TGT
//!                 ── TGS-REQ ─▶ the same                       the service's ticket,
//!                 ── TGS-REQ ─▶ KDC of the next realm          or a TGT of the next realm
//! ```

mod as_exchange;
mod config;
mod error;
mod reply;
mod request;
mod secret;
mod tgs_exchange;

pub use config::{ClockOffset, KdcClock, TicketConfig};
pub use error::TicketError;
pub use request::{SendToKdc, ServiceTicket, TicketRequest, TicketStep};
pub use secret::ClientSecret;
