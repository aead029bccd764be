//! The negotiation around a mechanism ([RFC 4178], [MS-SPNG]).
//!
//! ```text
//!  acceptor                                        initiator
//!  ExpectInit      ◀── NegTokenInit ────────────   ExpectStart
//!       │          ─── NegTokenResp ───────────▶      │
//!  ExpectResp      ◀── NegTokenResp ────────────   ExpectResp   (as often as the mechanism wants)
//!       │          ─── accept-completed + MIC ─▶      │
//!  Established                                     Established
//! ```
//!
//! Mechanisms are seen through [`mechanism::AcceptorMechanism`] and its initiator twin only.

mod acceptor;
mod initiator;
pub(crate) mod mechanism;

pub(crate) use acceptor::{Acceptor, ExpectResp, List, Pending, Step};
pub(crate) use initiator::{Initiator, Output};
pub(crate) use mechanism::Mic;
