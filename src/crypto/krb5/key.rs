//! A key and what it does.

use super::hmac_sha2::{self, Size};
use super::string_to_key::string_to_key;
use super::{
    BLOCK, EncryptionType, IntegrityFailed, Iterations, KeyError, KeyUsage, rc4_hmac, simplified,
};
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A protocol key ([RFC 3961] §3): wiped on drop, redacted in `Debug`, without `PartialEq`.
///
/// Keys for one usage are derived from it on each call, which costs about a microsecond.
#[derive(Clone)]
pub struct Key {
    encryption_type: EncryptionType,
    /// As many of them as the encryption type's keys have.
    bytes: Zeroizing<[u8; 32]>,
}

/// A checksum ([RFC 3961] §4) of 12 to 24 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Checksum {
    bytes: [u8; 24],
    length: usize,
}

impl Key {
    /// A key of its bytes.
    ///
    /// # Errors
    /// [`KeyError::Length`] if there are not [`EncryptionType::key_length`] of them.
    pub fn new(encryption_type: EncryptionType, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != encryption_type.key_length() {
            return Err(KeyError::Length);
        }
        let mut this = Self { encryption_type, bytes: Zeroizing::new([0; 32]) };
        this.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(this)
    }

    /// The key that a password stands for, of the salt that the KDC has: by default realm and
    /// components of the principal's name, one behind the other ([RFC 4120] §4).
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be made.
    pub fn from_password(
        encryption_type: EncryptionType,
        password: &str,
        salt: &[u8],
        iterations: Iterations,
    ) -> Result<Self, KeyError> {
        string_to_key(encryption_type, password, salt, iterations)
    }

    /// Its encryption type.
    #[must_use]
    pub fn encryption_type(&self) -> EncryptionType {
        self.encryption_type
    }

    /// The bytes, which are a secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.get(..self.encryption_type.key_length()).unwrap_or_default()
    }

    /// Appends the ciphertext of `plaintext` to `out` ([RFC 3961] §3, `encrypt`). `confounder`
    /// is random, and never used twice.
    pub fn encrypt(
        &self,
        usage: KeyUsage,
        confounder: &[u8; 16],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let key = self.expose();
        let begin = out.len();
        out.reserve(plaintext.len().saturating_add(self.overhead()));
        if self.encryption_type == EncryptionType::Rc4Hmac {
            out.extend([0; rc4_hmac::MAC]);
            out.extend(confounder.iter().take(rc4_hmac::CONFOUNDER));
            out.extend(plaintext);
            let written = out.get_mut(begin..).unwrap_or_default();
            if let Some((front, data)) = written.split_first_chunk_mut() {
                *front = rc4_hmac::encrypt(key, usage, data);
            }
            return;
        }
        out.extend(confounder);
        out.extend(plaintext);
        let data = out.get_mut(begin..).unwrap_or_default();
        match self.size() {
            Some(size) => {
                let mac = hmac_sha2::encrypt(size, key, usage, data);
                out.extend(mac.iter().take(size.mac()));
            }
            None => {
                let mac = simplified::encrypt(key, usage, data);
                out.extend(mac);
            }
        }
    }

    /// The plaintext of `ciphertext` ([RFC 3961] §3, `decrypt`), wiped on drop.
    ///
    /// # Errors
    /// [`IntegrityFailed`] if `ciphertext` was not made with this key for this usage.
    pub fn decrypt(
        &self,
        usage: KeyUsage,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, IntegrityFailed> {
        let key = self.expose();
        if self.encryption_type == EncryptionType::Rc4Hmac {
            let (front, data) = ciphertext.split_first_chunk().ok_or(IntegrityFailed)?;
            if data.len() < rc4_hmac::CONFOUNDER {
                return Err(IntegrityFailed);
            }
            let mut data = Zeroizing::new(Vec::from(data));
            let expected = rc4_hmac::decrypt(key, usage, front, &mut data);
            same(&expected, front)?;
            return Ok(without_front(data, rc4_hmac::CONFOUNDER));
        }
        let mac_length = self.encryption_type.checksum_length();
        let length = ciphertext.len().checked_sub(mac_length).filter(|length| *length >= BLOCK);
        let (data, mac) = ciphertext.split_at(length.ok_or(IntegrityFailed)?);
        let mut plaintext = Zeroizing::new(Vec::new());
        match self.size() {
            Some(size) => {
                let expected = hmac_sha2::mac_of(size, key, usage, data);
                same(expected.get(..mac_length).unwrap_or_default(), mac)?;
                plaintext.extend_from_slice(data);
                hmac_sha2::decrypt(size, key, usage, &mut plaintext);
            }
            None => {
                plaintext.extend_from_slice(data);
                same(&simplified::decrypt(key, usage, &mut plaintext), mac)?;
            }
        }
        Ok(without_front(plaintext, BLOCK))
    }

    /// The checksum over the concatenation of `parts` ([RFC 3961] §4, `get_mic`), of the type
    /// [`EncryptionType::checksum_type`].
    #[must_use]
    pub fn checksum(&self, usage: KeyUsage, parts: &[&[u8]]) -> Checksum {
        let key = self.expose();
        let mut checksum =
            Checksum { bytes: [0; 24], length: self.encryption_type.checksum_length() };
        match (self.encryption_type, self.size()) {
            (EncryptionType::Rc4Hmac, _) => {
                checksum.fill(&rc4_hmac::checksum(key, usage, parts));
            }
            (_, Some(size)) => checksum.fill(&hmac_sha2::checksum(size, key, usage, parts)),
            (_, None) => checksum.fill(&simplified::checksum(key, usage, parts)),
        }
        checksum
    }

    /// Compares a checksum that was received, in constant time ([RFC 3961] §4, `verify_mic`).
    ///
    /// # Errors
    /// [`IntegrityFailed`] if it is another.
    pub fn verify_checksum(
        &self,
        usage: KeyUsage,
        parts: &[&[u8]],
        checksum: &[u8],
    ) -> Result<(), IntegrityFailed> {
        same(self.checksum(usage, parts).as_bytes(), checksum)
    }

    /// The pseudo-random function ([RFC 3961] §3, `pseudo-random`), 16 to 48 bytes.
    #[must_use]
    pub fn prf(&self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        let key = self.expose();
        Zeroizing::new(match (self.encryption_type, self.size()) {
            (EncryptionType::Rc4Hmac, _) => rc4_hmac::prf(key, input).into(),
            (_, Some(size)) => {
                let (output, length) = hmac_sha2::prf(size, key, input);
                output.iter().copied().take(length).collect()
            }
            (_, None) => simplified::prf(key, input).into(),
        })
    }

    /// What [`Key::encrypt`] adds to the length of the plaintext.
    pub(crate) fn overhead(&self) -> usize {
        let confounder = match self.encryption_type {
            EncryptionType::Rc4Hmac => rc4_hmac::CONFOUNDER,
            _ => BLOCK,
        };
        self.encryption_type.checksum_length().saturating_add(confounder)
    }

    /// Which of [RFC 8009] it is, if one.
    fn size(&self) -> Option<Size> {
        match self.encryption_type {
            EncryptionType::Aes128CtsHmacSha256_128 => Some(Size::Aes128),
            EncryptionType::Aes256CtsHmacSha384_192 => Some(Size::Aes256),
            _ => None,
        }
    }
}

impl Checksum {
    fn fill(&mut self, from: &[u8]) {
        self.bytes.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }

    /// The bytes as they are sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn same(expected: &[u8], received: &[u8]) -> Result<(), IntegrityFailed> {
    if expected.ct_eq(received).into() { Ok(()) } else { Err(IntegrityFailed) }
}

/// Takes the confounder away. What the move leaves behind is wiped with the rest: `Zeroizing`
/// wipes all that was reserved.
fn without_front(mut plaintext: Zeroizing<Vec<u8>>, front: usize) -> Zeroizing<Vec<u8>> {
    let front = front.min(plaintext.len());
    drop(plaintext.drain(..front));
    plaintext
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("encryption_type", &self.encryption_type)
            .finish_non_exhaustive()
    }
}
