//! Kerberos 5 ([RFC 4120]): encryption types and keys ([RFC 3961]).
//!
//! Behind the feature `kerberos`, which changes nothing else.

pub use crate::crypto::krb5::{
    Checksum, EncryptionType, IntegrityFailed, Iterations, Key, KeyError, KeyUsage,
};
