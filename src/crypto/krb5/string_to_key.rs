//! String-to-key: from a password to a key ([RFC 3961] §3).

use super::hmac_sha2::{self, Size};
use super::{EncryptionType, Key, KeyError, simplified};
use crate::crypto::md4_utf16le;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

/// How often PBKDF2 hashes ([RFC 3962] §4, [RFC 8009] §4); nothing to RC4, which does not use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iterations {
    /// The default of the encryption type: 4096 with SHA-1, 32768 with SHA-2.
    Default,
    /// This often, at the word of somebody who may be trusted.
    Exactly(NonZeroU32),
}

/// Less is a present to whoever wants to guess passwords: MIT does not take less from a KDC.
const LEAST: u32 = 4096;

/// More takes about a second.
const MOST: u32 = 1 << 20;

impl Iterations {
    /// What a KDC asks for in `s2kparams` ([RFC 4120] §5.2.7.5): four bytes, big-endian.
    ///
    /// # Errors
    /// [`KeyError::Parameters`] if there are not four bytes, or the number is not in
    /// 4096 ..= 1048576. It comes unauthenticated, and decides how well a password is hidden and
    /// how long this takes.
    pub fn from_s2kparams(params: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 4] = params.try_into().map_err(|_| KeyError::Parameters)?;
        match NonZeroU32::new(u32::from_be_bytes(bytes)) {
            Some(count) if (LEAST..=MOST).contains(&count.get()) => Ok(Self::Exactly(count)),
            _ => Err(KeyError::Parameters),
        }
    }

    fn or(self, default: u32) -> u32 {
        match self {
            Self::Default => default,
            Self::Exactly(count) => count.get(),
        }
    }
}

/// `string-to-key` of each encryption type.
pub(super) fn string_to_key(
    encryption_type: EncryptionType,
    password: &str,
    salt: &[u8],
    iterations: Iterations,
) -> Result<Key, KeyError> {
    let length = encryption_type.key_length();
    let mut seed = Zeroizing::new([0; 32]);
    let seed = seed.get_mut(..length).ok_or(KeyError::Length)?;
    let password_bytes = password.as_bytes();
    let size = match encryption_type {
        EncryptionType::Aes128CtsHmacSha1_96 | EncryptionType::Aes256CtsHmacSha1_96 => {
            pbkdf2_hmac::<Sha1>(password_bytes, salt, iterations.or(4096), seed);
            let key = simplified::derive(seed, b"kerberos");
            return Key::new(encryption_type, key.get(..length).unwrap_or_default());
        }
        EncryptionType::Rc4Hmac => {
            return Key::new(encryption_type, md4_utf16le(password).expose());
        }
        EncryptionType::Aes128CtsHmacSha256_128 => Size::Aes128,
        EncryptionType::Aes256CtsHmacSha384_192 => Size::Aes256,
    };
    let name = encryption_type.name().as_bytes();
    let salt: Vec<u8> = [name, &[0], salt].concat();
    match size {
        Size::Aes128 => pbkdf2_hmac::<Sha256>(password_bytes, &salt, iterations.or(32768), seed),
        Size::Aes256 => pbkdf2_hmac::<Sha384>(password_bytes, &salt, iterations.or(32768), seed),
    }
    let key = hmac_sha2::kdf(size, seed, b"kerberos", &[], length);
    Key::new(encryption_type, key.get(..length).unwrap_or_default())
}
