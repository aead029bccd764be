//! DES as NTLMv1 uses it.

use des::cipher::{Block, BlockCipherEncrypt, KeyInit};
use des::{Des, cipher::Key};
use zeroize::{Zeroize, Zeroizing};

/// `DES(K, D)` of a key of 56 bits, which become 64 with a parity bit behind every seven.
pub(crate) fn des(key: &[u8; 7], data: &[u8; 8]) -> [u8; 8] {
    let [k0, k1, k2, k3, k4, k5, k6] = *key;
    let mut bits = u64::from_be_bytes([0, k0, k1, k2, k3, k4, k5, k6]);
    let mut spread = Key::<Des>::default();
    for byte in spread.iter_mut().rev() {
        let [.., low] = bits.to_be_bytes();
        *byte = low << 1;
        bits >>= 7;
    }
    #[cfg(test)]
    super::work::add(data.len());
    let mut block = Block::<Des>::from(*data);
    Des::new(&spread).encrypt_block(&mut block);
    spread.as_mut_slice().zeroize();
    block.into()
}

/// `DESL(K, D)` ([MS-NLMP] §6): three encryptions under a key of 16 bytes and five zeros.
pub(crate) fn desl(key: &[u8; 16], data: &[u8; 8]) -> [u8; 24] {
    let [a0, a1, a2, a3, a4, a5, a6, b0, b1, b2, b3, b4, b5, b6, c0, c1] = *key;
    let parts = Zeroizing::new([
        [a0, a1, a2, a3, a4, a5, a6],
        [b0, b1, b2, b3, b4, b5, b6],
        [c0, c1, 0, 0, 0, 0, 0],
    ]);
    let parts = parts.each_ref().map(|part| des(part, data));
    let mut out = [0; 24];
    for (to, from) in out.iter_mut().zip(parts.as_flattened()) {
        *to = *from;
    }
    out
}
