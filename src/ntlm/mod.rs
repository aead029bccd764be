//! NTLM: keys, proof, MIC, and the two state machines ([MS-NLMP] §3).
//!
//! ```text
//!  acceptor                                 initiator
//!  ExpectNegotiate   ◀── NEGOTIATE ──────   ExpectStart
//!        │           ─── CHALLENGE ─────▶       │
//!  ExpectAuthenticate                       ExpectChallenge
//!        │           ◀── AUTHENTICATE ───       │
//!  PendingLogon  (the store answers)        Established
//!        │
//!  Established
//! ```
//!
//! States move by value: a step that fails leaves nothing that could be used again, so a
//! challenge serves one AUTHENTICATE, right or wrong.

mod acceptor;
mod initiator;
mod keys;
mod mic;
mod pending;
mod protection;
mod response;
mod session;
mod session_keys;
mod v1;

pub use crate::owf::NtOwfV2;
pub use keys::{ExportedSessionKey, KeyExchangeKey, SessionBaseKey, nt_proof_str};
pub use session::Session;
pub use session_keys::{Role, SealKey, SignKey};
pub use v1::{lm_response, ntlm_v1_response, ntlm2_session_challenge, v1_key_exchange_key};

pub(crate) use acceptor::{Acceptor, ExpectAuthenticate, Step};
pub(crate) use initiator::{Initiator, InitiatorOutput};
pub(crate) use pending::{Established, PendingLogon};
