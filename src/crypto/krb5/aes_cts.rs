//! AES in CBC mode with ciphertext stealing, CBC-CS3 ([RFC 3962] §5), and a zero IV.

use super::BLOCK;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, InnerIvInit, KeyInit};
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc, Block};
use cts::{CbcCs3, Decrypt, Encrypt};
use zeroize::Zeroizing;

/// Encrypts in place with a key of 16 or 32 bytes. Less than a block is left alone; callers have
/// a confounder in front.
pub(super) fn encrypt(key: &[u8], data: &mut [u8]) {
    match key.len() {
        16 => encrypt_with::<Aes128Enc>(key, data),
        _ => encrypt_with::<Aes256Enc>(key, data),
    }
}

/// Decrypts in place, the other way round.
pub(super) fn decrypt(key: &[u8], data: &mut [u8]) {
    match key.len() {
        16 => decrypt_with::<Aes128Dec>(key, data),
        _ => decrypt_with::<Aes256Dec>(key, data),
    }
}

/// Enciphers each of `blocks`, what comes of it, and so on until there are as many bytes as in
/// `key`; what is behind them is zeros. The key is expanded once for all of them.
pub(super) fn chains<const N: usize>(
    key: &[u8],
    blocks: [[u8; BLOCK]; N],
) -> [Zeroizing<[u8; 32]>; N] {
    match key.len() {
        16 => chains_with::<Aes128Enc, N>(key, blocks),
        _ => chains_with::<Aes256Enc, N>(key, blocks),
    }
}

fn chains_with<C, const N: usize>(key: &[u8], blocks: [[u8; BLOCK]; N]) -> [Zeroizing<[u8; 32]>; N]
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + KeyInit,
{
    let cipher = C::new_from_slice(key).ok();
    blocks.map(|block| {
        let mut chain = Zeroizing::new([0; 32]);
        let mut block = Zeroizing::new(block);
        for part in chain.chunks_exact_mut(BLOCK).take(key.len() / BLOCK) {
            if let Some(cipher) = &cipher {
                cipher.encrypt_block((&mut *block).into());
            }
            part.copy_from_slice(&*block);
        }
        chain
    })
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
