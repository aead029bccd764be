//! What can go wrong with a key.

use core::fmt;

/// A ciphertext or checksum was not made with this key for this usage, or was changed since.
/// See [RFC 4120] §7.5.9 (`KRB_AP_ERR_BAD_INTEGRITY`).
///
/// It never says at which step that showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegrityFailed;

/// A key cannot be made of what was given.
/// See [RFC 3961] §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// An encryption type that is not supported here, by its number ([RFC 4120] §7.5.9:
    /// `KDC_ERR_ETYPE_NOSUPP`).
    UnsupportedEncryptionType(i32),
    /// The encryption type has keys of another length.
    Length,
    /// The parameters of string-to-key are malformed, too weak or too much work
    /// ([RFC 3962] §4).
    Parameters,
}

impl fmt::Display for IntegrityFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("made with another key or for another use, or changed under way")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedEncryptionType(number) => {
                write!(f, "encryption type {number} is not supported")
            }
            Self::Length => f.write_str("the key does not have the length of its encryption type"),
            Self::Parameters => f.write_str("the parameters of string-to-key cannot be used"),
        }
    }
}

impl core::error::Error for IntegrityFailed {}
impl core::error::Error for KeyError {}
