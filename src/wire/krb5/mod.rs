//! Kerberos: the files that keys and tickets are kept in, and the tokens of its GSS-API
//! mechanism ([RFC 4121]).

mod ccache;
mod file;
mod gss;
mod keytab;
mod per_message;
mod principal;

pub use ccache::{CachedCredential, CredentialCacheFile, TypedData};
pub use gss::{AuthenticatorChecksum, GssFlags, GssToken, TokenId};
pub use keytab::{KeytabEntry, KeytabFile};
pub use per_message::{MicToken, PerMessageFlags, WrapToken};
pub use principal::Principal;
