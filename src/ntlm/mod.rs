//! NTLMv2: keys, proof, MIC, and the two state machines ([MS-NLMP] §3).
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
mod session;

pub use keys::{ExportedSessionKey, NtOwfV2, SessionBaseKey, nt_proof_str};
pub use session::{Role, SealKey, SignKey};

pub(crate) use acceptor::{Acceptor, ExpectAuthenticate, Step};
pub(crate) use initiator::{Initiator, InitiatorOutput};
pub(crate) use pending::{Established, PendingLogon};
pub(crate) use session::Session;
