//! The encryption types.

use super::KeyError;
use core::fmt;

/// An encryption type ([RFC 3961] §8): cipher, checksum and key derivation in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncryptionType {
    /// aes128-cts-hmac-sha1-96, 17 ([RFC 3962] §7).
    Aes128CtsHmacSha1_96,
    /// aes256-cts-hmac-sha1-96, 18 ([RFC 3962] §7); what Active Directory uses.
    Aes256CtsHmacSha1_96,
    /// aes128-cts-hmac-sha256-128, 19 ([RFC 8009] §8).
    Aes128CtsHmacSha256_128,
    /// aes256-cts-hmac-sha384-192, 20 ([RFC 8009] §8).
    Aes256CtsHmacSha384_192,
    /// rc4-hmac, 23 ([RFC 4757] §9): weak, and never allowed unless somebody asks for it
    /// ([RFC 8429] §5).
    Rc4Hmac,
}

impl EncryptionType {
    /// What is allowed by default, the strongest first.
    pub const DEFAULT: [Self; 4] = [
        Self::Aes256CtsHmacSha384_192,
        Self::Aes256CtsHmacSha1_96,
        Self::Aes128CtsHmacSha256_128,
        Self::Aes128CtsHmacSha1_96,
    ];

    /// The assigned number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Aes128CtsHmacSha1_96 => 17,
            Self::Aes256CtsHmacSha1_96 => 18,
            Self::Aes128CtsHmacSha256_128 => 19,
            Self::Aes256CtsHmacSha384_192 => 20,
            Self::Rc4Hmac => 23,
        }
    }

    /// The registered name, which `krb5.conf` takes as well.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128CtsHmacSha1_96 => "aes128-cts-hmac-sha1-96",
            Self::Aes256CtsHmacSha1_96 => "aes256-cts-hmac-sha1-96",
            Self::Aes128CtsHmacSha256_128 => "aes128-cts-hmac-sha256-128",
            Self::Aes256CtsHmacSha384_192 => "aes256-cts-hmac-sha384-192",
            Self::Rc4Hmac => "rc4-hmac",
        }
    }

    /// Length of its keys in bytes.
    #[must_use]
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes256CtsHmacSha1_96 | Self::Aes256CtsHmacSha384_192 => 32,
            Self::Aes128CtsHmacSha1_96 | Self::Aes128CtsHmacSha256_128 | Self::Rc4Hmac => 16,
        }
    }

    /// The number of the checksum type that goes with it ([RFC 3961] §3,
    /// `associated checksum algorithm`).
    #[must_use]
    pub const fn checksum_type(self) -> i32 {
        match self {
            Self::Aes128CtsHmacSha1_96 => 15,
            Self::Aes256CtsHmacSha1_96 => 16,
            Self::Aes128CtsHmacSha256_128 => 19,
            Self::Aes256CtsHmacSha384_192 => 20,
            Self::Rc4Hmac => -138,
        }
    }

    /// Length of that checksum in bytes.
    #[must_use]
    pub const fn checksum_length(self) -> usize {
        match self {
            Self::Aes128CtsHmacSha1_96 | Self::Aes256CtsHmacSha1_96 => 12,
            Self::Aes128CtsHmacSha256_128 | Self::Rc4Hmac => 16,
            Self::Aes256CtsHmacSha384_192 => 24,
        }
    }

    /// Whether it must not be used without an explicit decision ([RFC 8429]).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Rc4Hmac)
    }
}

impl TryFrom<i32> for EncryptionType {
    type Error = KeyError;

    fn try_from(number: i32) -> Result<Self, KeyError> {
        let known = Self::DEFAULT.into_iter().chain([Self::Rc4Hmac]);
        let mut found = known.filter(|this| this.number() == number);
        found.next().ok_or(KeyError::UnsupportedEncryptionType(number))
    }
}

impl fmt::Display for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
