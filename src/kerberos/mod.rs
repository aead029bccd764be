//! Kerberos 5 ([RFC 4120]): encryption types and keys ([RFC 3961]), where keys and tickets are
//! kept, and who a client is for Windows ([MS-PAC]).
//!
//! Behind the feature `kerberos`, which changes nothing else. What is read from a file or
//! received is decoded in [`crate::wire::krb5`] and [`crate::wire::pac`].

mod ccache;
mod keytab;
mod pac;
mod principal;

pub use crate::crypto::krb5::{
    Checksum, EncryptionType, IntegrityFailed, Iterations, Key, KeyError, KeyUsage,
};
pub use ccache::{CachedTicket, CredentialCache};
pub use keytab::{Keytab, ServiceKey};
pub use pac::{Pac, PacError};
pub use principal::{BadPrincipalName, PrincipalName};
