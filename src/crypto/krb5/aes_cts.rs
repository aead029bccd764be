//! AES in CBC mode with ciphertext stealing, CBC-CS3 ([RFC 3962] §5), and a zero IV.

use super::BLOCK;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, InnerIvInit, KeyInit};
use aes::{Aes128, Aes256, Block};
use cts::{CbcCs3, Decrypt, Encrypt};

/// Encrypts in place with a key of 16 or 32 bytes. Less than a block is left alone; callers have
/// a confounder in front.
pub(super) fn encrypt(key: &[u8], data: &mut [u8]) {
    match key.len() {
        16 => encrypt_with::<Aes128>(key, data),
        _ => encrypt_with::<Aes256>(key, data),
    }
}

/// Decrypts in place, the other way round.
pub(super) fn decrypt(key: &[u8], data: &mut [u8]) {
    match key.len() {
        16 => decrypt_with::<Aes128>(key, data),
        _ => decrypt_with::<Aes256>(key, data),
    }
}

/// There is nothing to steal from in a single block, which is enciphered as it is. (`cts` takes
/// it for two, the second of which is empty.)
fn encrypt_with<C>(key: &[u8], data: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + KeyInit,
{
    let Ok(cipher) = C::new_from_slice(key) else { return };
    match <&mut [u8; BLOCK]>::try_from(&mut *data) {
        Ok(block) => cipher.encrypt_block(block.into()),
        Err(_) => drop(CbcCs3::inner_iv_init(cipher, &Block::default()).encrypt(data)),
    }
}

fn decrypt_with<C>(key: &[u8], data: &mut [u8])
where
    C: BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16> + KeyInit,
{
    let Ok(cipher) = C::new_from_slice(key) else { return };
    match <&mut [u8; BLOCK]>::try_from(&mut *data) {
        Ok(block) => cipher.decrypt_block(block.into()),
        Err(_) => drop(CbcCs3::inner_iv_init(cipher, &Block::default()).decrypt(data)),
    }
}
