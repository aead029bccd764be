//! Thin, streaming calls into the hash functions and the cipher. No messages, no policy.

mod des;
#[cfg(feature = "kerberos")]
pub(crate) mod krb5;
mod rc4;
mod secret;
#[cfg(test)]
pub(crate) mod work;

pub(crate) use des::{des, desl};
pub(crate) use rc4::Rc4Handle;
pub(crate) use secret::Secret;

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use sha2::{Sha256, Sha512_256};
use zeroize::Zeroize;

/// MD5 over the concatenation of `parts`.
pub(crate) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 over the concatenation of `parts`.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// SHA-512/256 over the concatenation of `parts`.
pub(crate) fn sha512_256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha512_256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// HMAC-MD5 in pieces.
#[derive(Clone)]
pub(crate) struct HmacMd5(Hmac<Md5>);

impl HmacMd5 {
    /// HMAC takes any key length; a 16-byte key is padded to one block.
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Md5>>::default();
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        let mac = Self(Hmac::new(&block));
        block.as_mut_slice().zeroize();
        mac
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        #[cfg(test)]
        work::add(data.len());
        self.0.update(data);
    }

    pub(crate) fn finalize(self) -> [u8; 16] {
        #[cfg(test)]
        work::add(work::PER_MAC);
        self.0.finalize().into_bytes().into()
    }
}

/// HMAC-MD5 over the concatenation of `parts`.
pub(crate) fn hmac_md5(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = HmacMd5::new(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize()
}

/// HMAC-SHA256 over the concatenation of `parts`.
pub(crate) fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block);
    block.as_mut_slice().zeroize();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// MD4 over `bytes`.
pub(crate) fn md4(bytes: &[u8]) -> [u8; 16] {
    Md4::digest(bytes).into()
}

/// CRC-32 as ZIP has it over the concatenation of `parts`, little-endian ([MS-NLMP] §3.4.4.1).
pub(crate) fn crc32(parts: [&[u8]; 2]) -> [u8; 4] {
    let mut crc = crc32fast::Hasher::new();
    parts.iter().for_each(|part| crc.update(part));
    crc.finalize().to_le_bytes()
}

/// MD4 over `text` in UTF-16LE, without keeping the UTF-16 anywhere but in the hash.
pub(crate) fn md4_utf16le(text: &str) -> Secret {
    let mut hash = Md4::new();
    for unit in text.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    Secret::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 2202 §2, test case 2 has a 4-byte key; case 1 has 16 bytes of 0x0b.
    #[test]
    fn hmac_md5_gives_the_published_digest() {
        let expected = [
            0x92, 0x94, 0x72, 0x7a, 0x36, 0x38, 0xbb, 0x1c, 0x13, 0xf4, 0x8e, 0xf8, 0x15, 0x8b,
            0xfc, 0x9d,
        ];
        assert_eq!(hmac_md5(&[0x0b; 16], &[b"Hi ", b"There"]), expected);
    }

    // RFC 4231 §4.2, whose key of 20 bytes HMAC fills up with zeros.
    #[test]
    fn hmac_sha256_gives_the_published_digest() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let expected = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b,
            0xf1, 0x2b, 0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c,
            0x2e, 0x32, 0xcf, 0xf7,
        ];
        assert_eq!(hmac_sha256(&key, &[b"Hi ", b"There"]), expected);
    }
}
