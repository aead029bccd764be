//! One exchange from the first token to a [`Context`].
//!
//! The first bytes tell what the client speaks: raw NTLM begins with `NTLMSSP`, everything else
//! is SPNEGO. The answer is of the same kind.

mod acceptor;
mod context;
mod initiator;
mod mechanisms;

#[cfg(test)]
mod work_tests;

pub(crate) use mechanisms::Allowed;

pub use acceptor::{Acceptor, AcceptorStep, Exchange, LogonRequest};
pub use context::{Context, ContextAttributes, InitiatorContext, Mechanism};
pub use initiator::{Initiator, InitiatorStep};
