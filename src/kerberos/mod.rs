//! Kerberos 5 ([RFC 4120], [RFC 4121]): encryption types and keys, where keys and tickets are kept,
//! and the two sides that use tickets.
//!
//! ```text
//!  Keytab ──▶ Service ──▶ AcceptorConfig::with_kerberos
//!
//!  initiator                        acceptor
//!       ─── AP-REQ: ticket, authenticator, bindings ──▶  keys, times, names, replay cache
//!       ◀── AP-REP: the server's proof, subkey ────────  Established
//! ```
//!
//! Behind the feature `kerberos`, but for the reasons of refusals, which errors name. What is read
//! from a file or received is decoded in `wire::krb5`.

#[cfg(feature = "kerberos")]
mod acceptor;
#[cfg(feature = "kerberos")]
mod ccache;
#[cfg(feature = "kerberos")]
mod chosen;
#[cfg(feature = "kerberos")]
mod initiator;
#[cfg(feature = "kerberos")]
mod kdc;
#[cfg(feature = "kerberos")]
mod keytab;
#[cfg(feature = "kerberos")]
mod pac;
#[cfg(feature = "kerberos")]
mod principal;
mod refusal;
#[cfg(feature = "kerberos")]
mod replay;
#[cfg(feature = "kerberos")]
mod service;
#[cfg(feature = "kerberos")]
mod session;

#[cfg(feature = "kerberos")]
pub use crate::crypto::krb5::{
    Checksum, EncryptionType, IntegrityFailed, Iterations, Key, KeyError, KeyUsage,
};
#[cfg(feature = "kerberos")]
pub use ccache::{CachedTicket, CredentialCache};
#[cfg(feature = "kerberos")]
pub use initiator::InitiatorConfig;
#[cfg(feature = "kerberos")]
pub use kdc::{
    ClientSecret, ClockOffset, KdcClock, SendToKdc, ServiceTicket, TicketConfig, TicketError,
    TicketRequest, TicketStep,
};
#[cfg(feature = "kerberos")]
pub use keytab::{Keytab, ServiceKey};
#[cfg(feature = "kerberos")]
pub use pac::{Pac, PacError};
#[cfg(feature = "kerberos")]
pub use principal::{BadPrincipalName, PrincipalName};
pub use refusal::KerberosRefusal;
#[cfg(all(feature = "kerberos", feature = "std"))]
pub use replay::MemoryReplayCache;
#[cfg(feature = "kerberos")]
pub use replay::ReplayCache;
#[cfg(feature = "kerberos")]
pub use service::{Service, ServiceSource};

#[cfg(feature = "kerberos")]
pub(crate) use acceptor::{Acceptor, Established};
#[cfg(feature = "kerberos")]
pub(crate) use initiator::{Initiator, InitiatorOutput, error_code};
#[cfg(feature = "kerberos")]
pub(crate) use session::Session;
