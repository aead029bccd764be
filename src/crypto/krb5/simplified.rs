//! The simplified profile ([RFC 3961] §5.3) with AES and HMAC-SHA1 ([RFC 3962]).

use super::n_fold::n_fold;
use super::{BLOCK, KeyUsage, aes_cts, mac};
use hmac::Hmac;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// What a derived key is for: the last byte of its constant ([RFC 3961] §5.3).
const CHECKSUM: u8 = 0x99;
const ENCRYPTION: u8 = 0xaa;
const INTEGRITY: u8 = 0x55;

/// Bytes of the HMAC that are sent.
pub(super) const MAC: usize = 12;

/// `DK(base-key, constant)` ([RFC 3961] §5.1); only the first `key.len()` bytes count, 16 or 32.
pub(super) fn derive(key: &[u8], constant: &[u8]) -> Zeroizing<[u8; 32]> {
    let [derived] = aes_cts::chains(key, [n_fold(constant)]);
    derived
}

/// The keys for one usage, which have the length of `key`.
fn derive_for<const N: usize>(
    key: &[u8],
    usage: KeyUsage,
    purposes: [u8; N],
) -> [Zeroizing<[u8; 32]>; N] {
    let [u0, u1, u2, u3] = usage.number().to_be_bytes();
    aes_cts::chains(key, purposes.map(|purpose| n_fold(&[u0, u1, u2, u3, purpose])))
}

fn cut<'a>(derived: &'a Zeroizing<[u8; 32]>, key: &[u8]) -> &'a [u8] {
    derived.get(..key.len()).unwrap_or_default()
}

fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; MAC] {
    let digest: [u8; 20] = mac::<Hmac<Sha1>>(key, parts).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// Encrypts `data`, which begins with the confounder, in place; gives what stands behind it.
pub(super) fn encrypt(key: &[u8], usage: KeyUsage, data: &mut [u8]) -> [u8; MAC] {
    let [integrity, encryption] = derive_for(key, usage, [INTEGRITY, ENCRYPTION]);
    let mac = hmac_sha1(cut(&integrity, key), &[data]);
    aes_cts::encrypt(cut(&encryption, key), data);
    mac
}

/// Decrypts `data` in place; gives what has to stand behind it.
pub(super) fn decrypt(key: &[u8], usage: KeyUsage, data: &mut [u8]) -> [u8; MAC] {
    let [integrity, encryption] = derive_for(key, usage, [INTEGRITY, ENCRYPTION]);
    aes_cts::decrypt(cut(&encryption, key), data);
    hmac_sha1(cut(&integrity, key), &[data])
}

/// `get_mic` of the checksum types 15 and 16.
pub(super) fn checksum(key: &[u8], usage: KeyUsage, parts: &[&[u8]]) -> [u8; MAC] {
    let [key_for_checksums] = derive_for(key, usage, [CHECKSUM]);
    hmac_sha1(cut(&key_for_checksums, key), parts)
}

/// `pseudo-random` ([RFC 3961] §5.3): the hash of `input`, cut to a block and enciphered.
pub(super) fn prf(key: &[u8], input: &[u8]) -> [u8; BLOCK] {
    let hash: [u8; 20] = Sha1::digest(input).into();
    let mut block: [u8; BLOCK] = hash.first_chunk().copied().unwrap_or_default();
    aes_cts::encrypt(cut(&derive(key, b"prf"), key), &mut block);
    block
}
