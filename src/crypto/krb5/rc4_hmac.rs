//! RC4-HMAC ([RFC 4757]), which old domains still have.

use super::{KeyUsage, mac};
use crate::crypto::Rc4Handle;
use hmac::Hmac;
use md5::Md5;
use sha1::Sha1;
use zeroize::Zeroizing;

/// Bytes of the confounder.
pub(super) const CONFOUNDER: usize = 8;

/// Bytes of the checksum in front of the ciphertext.
pub(super) const MAC: usize = 16;

/// The message type `T` ([RFC 4757] §3): a usage number, three of which Windows counts otherwise.
fn message_type(usage: KeyUsage) -> [u8; 4] {
    let number = match usage.number() {
        3 | 9 => 8,
        23 => 13,
        number => number,
    };
    number.to_le_bytes()
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    mac::<Hmac<Md5>>(key, parts).into()
}

/// Encrypts `data`, which begins with the confounder, in place; gives what stands in front.
pub(super) fn encrypt(key: &[u8], usage: KeyUsage, data: &mut [u8]) -> [u8; MAC] {
    let base = Zeroizing::new(hmac_md5(key, &[&message_type(usage)]));
    let checksum = hmac_md5(&*base, &[data]);
    apply(&base, &checksum, data);
    checksum
}

/// Decrypts `data`, in front of which `sent` stood, in place; gives what has to stand there.
pub(super) fn decrypt(key: &[u8], usage: KeyUsage, sent: &[u8; MAC], data: &mut [u8]) -> [u8; MAC] {
    let base = Zeroizing::new(hmac_md5(key, &[&message_type(usage)]));
    apply(&base, sent, data);
    hmac_md5(&*base, &[data])
}

fn apply(base: &[u8; 16], checksum: &[u8; MAC], data: &mut [u8]) {
    let key = Zeroizing::new(hmac_md5(base, &[checksum]));
    Rc4Handle::new(&key).apply(data);
}

/// The checksum type -138 ([RFC 4757] §4).
pub(super) fn checksum(key: &[u8], usage: KeyUsage, parts: &[&[u8]]) -> [u8; MAC] {
    let signing_key = Zeroizing::new(hmac_md5(key, &[b"signaturekey\0"]));
    let digest = digest_of(&message_type(usage), parts);
    hmac_md5(&*signing_key, &[&digest])
}

fn digest_of(first: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    use md5::Digest;
    let mut hash = Md5::new_with_prefix(first);
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// The PRF that implementations agree on: HMAC-SHA1.
pub(super) fn prf(key: &[u8], input: &[u8]) -> [u8; 20] {
    mac::<Hmac<Sha1>>(key, &[input]).into()
}
