//! Bytes to structures and back: no keys, no policy, no state, no clock.
//!
//! Decoders borrow from their input and keep what they do not understand, because proofs and
//! MICs run over the bytes as received. Encoders append to a `Vec<u8>`.

mod cursor;
mod der;
#[cfg(feature = "kerberos")]
pub mod krb5;
pub mod ntlm;
#[cfg(feature = "kerberos")]
pub mod pac;
mod sid;
pub mod spnego;
mod utf16;
pub(crate) mod x509;

pub use sid::{BadSid, Sid};
pub use utf16::{Text, Utf16Le};
pub(crate) use utf16::{Units, ascii_uppercase, push_utf16le, simple_uppercase, unicode_uppercase};
