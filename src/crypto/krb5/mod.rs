//! The encryption and checksum mechanisms of Kerberos ([RFC 3961]).
//!
//! | encryption type | number | profile |
//! |---|---|---|
//! | aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha1-96 | 17, 18 | [RFC 3962], in `simplified.rs` |
//! | aes128-cts-hmac-sha256-128, aes256-cts-hmac-sha384-192 | 19, 20 | [RFC 8009], in `hmac_sha2.rs` |
//! | rc4-hmac | 23 | [RFC 4757], in `rc4_hmac.rs` |
//!
//! DES and Triple-DES are not here and will not be ([RFC 6649], [RFC 8429]).

mod aes_cts;
mod encryption_type;
mod error;
mod hmac_sha2;
mod key;
mod n_fold;
mod rc4_hmac;
mod simplified;
mod string_to_key;
#[cfg(test)]
mod tests;
mod usage;

pub use encryption_type::EncryptionType;
pub use error::{IntegrityFailed, KeyError};
pub use key::{Checksum, Key};
pub use string_to_key::Iterations;
pub use usage::KeyUsage;

use hmac::{KeyInit, Mac};
use zeroize::Zeroize;

/// Length of the confounder in front of what is encrypted: one block of AES.
const BLOCK: usize = 16;

/// HMAC over the concatenation of `parts`; the key is not longer than a block of the hash.
fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> hmac::digest::Output<M> {
    let mut block = hmac::digest::Key::<M>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = <M as KeyInit>::new(&block);
    block.as_mut_slice().zeroize();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes()
}
