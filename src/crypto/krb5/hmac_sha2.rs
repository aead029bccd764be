//! AES with HMAC-SHA2 ([RFC 8009]): the MAC runs over the ciphertext.

use super::{BLOCK, KeyUsage, aes_cts, mac};
use hmac::Hmac;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

/// What a derived key is for: the last byte of its label ([RFC 8009] §5).
const CHECKSUM: u8 = 0x99;
const ENCRYPTION: u8 = 0xaa;
const INTEGRITY: u8 = 0x55;

/// Bytes of the largest output of [`kdf`].
pub(super) const HASH: usize = 48;

/// Encryption type 20, or else 19.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Aes128,
    Aes256,
}

impl Size {
    /// Bytes of `Ke`.
    fn encryption_key(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    /// Bytes of `Kc` and of `Ki`, and of the MAC that is sent.
    pub(super) fn mac(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 24,
        }
    }

    /// HMAC of the hash that belongs to it, in full; zeros behind.
    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; HASH]> {
        let mut digest = Zeroizing::new([0; HASH]);
        match self {
            Self::Aes128 => fill(&mut *digest, &mac::<Hmac<Sha256>>(key, parts)),
            Self::Aes256 => fill(&mut *digest, &mac::<Hmac<Sha384>>(key, parts)),
        }
        digest
    }
}

fn fill(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// `KDF-HMAC-SHA2(key, label, context, k)` ([RFC 8009] §3), of which `length` bytes count: one
/// round is enough for all that is asked of it.
pub(super) fn kdf(
    size: Size,
    key: &[u8],
    label: &[u8],
    context: &[u8],
    length: usize,
) -> Zeroizing<[u8; HASH]> {
    let bits = u32::try_from(length.saturating_mul(8)).unwrap_or(u32::MAX);
    size.hmac(key, &[&[0, 0, 0, 1], label, &[0], context, &bits.to_be_bytes()])
}

fn derive_for(
    size: Size,
    key: &[u8],
    usage: KeyUsage,
    purpose: u8,
) -> (Zeroizing<[u8; HASH]>, usize) {
    let length = if purpose == ENCRYPTION { size.encryption_key() } else { size.mac() };
    let [u0, u1, u2, u3] = usage.number().to_be_bytes();
    (kdf(size, key, &[u0, u1, u2, u3, purpose], &[], length), length)
}

fn cut((derived, length): &(Zeroizing<[u8; HASH]>, usize)) -> &[u8] {
    derived.get(..*length).unwrap_or_default()
}

/// Encrypts `data`, which begins with the confounder, in place; what stands behind it is the
/// first [`Size::mac`] bytes of what this gives.
pub(super) fn encrypt(size: Size, key: &[u8], usage: KeyUsage, data: &mut [u8]) -> [u8; HASH] {
    aes_cts::encrypt(cut(&derive_for(size, key, usage, ENCRYPTION)), data);
    mac_of(size, key, usage, data)
}

/// What has to stand behind `data`, which is still encrypted.
pub(super) fn mac_of(size: Size, key: &[u8], usage: KeyUsage, data: &[u8]) -> [u8; HASH] {
    // The IV is part of it, and always zeros.
    *size.hmac(cut(&derive_for(size, key, usage, INTEGRITY)), &[&[0; BLOCK], data])
}

/// Decrypts `data` in place; [`mac_of`] has been compared before.
pub(super) fn decrypt(size: Size, key: &[u8], usage: KeyUsage, data: &mut [u8]) {
    aes_cts::decrypt(cut(&derive_for(size, key, usage, ENCRYPTION)), data);
}

/// The checksum types 19 and 20, of which the first [`Size::mac`] bytes count.
pub(super) fn checksum(size: Size, key: &[u8], usage: KeyUsage, parts: &[&[u8]]) -> [u8; HASH] {
    *size.hmac(cut(&derive_for(size, key, usage, CHECKSUM)), parts)
}

/// `PRF` ([RFC 8009] §5): as long as the hash.
pub(super) fn prf(size: Size, key: &[u8], input: &[u8]) -> (Zeroizing<[u8; HASH]>, usize) {
    let length = match size {
        Size::Aes128 => 32,
        Size::Aes256 => HASH,
    };
    (kdf(size, key, b"prf", input, length), length)
}
