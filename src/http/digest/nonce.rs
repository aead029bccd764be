//! Nonces that need no memory: the time, randomness, and a MAC over both ([RFC 7616] §3.3, §5.4).
//!
//! ```text
//!   base64( time: 8 bytes, big-endian | random: 12 bytes | MAC: 16 bytes )
//! ```

use crate::crypto::hmac_sha256;
use crate::env::{FileTime, SecureRandom};
use crate::error::RandomFailed;
use alloc::string::String;
use base64::prelude::{BASE64_STANDARD, Engine};
use core::time::Duration;
use subtle::ConstantTimeEq;

/// A nonce that was made with our key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonce {
    pub(super) issued_at: FileTime,
    pub(super) random: [u8; 12],
}

const LENGTH: usize = 36;
/// A multiple of three bytes has one encoding, without padding.
const DIGITS: usize = 48;

impl Nonce {
    pub(super) fn new(now: FileTime, random: &dyn SecureRandom) -> Result<Self, RandomFailed> {
        let mut bytes = [0; 12];
        random.fill(&mut bytes)?;
        Ok(Self { issued_at: now, random: bytes })
    }

    /// As the challenge carries it.
    pub(super) fn encode(&self, key: &[u8; 32], realm: &str) -> String {
        let mut bytes = [0; LENGTH];
        let time = self.issued_at.ticks().to_be_bytes();
        let mac = self.mac(key, realm);
        let parts = time.iter().chain(&self.random).chain(&mac);
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        BASE64_STANDARD.encode(bytes)
    }

    /// `None` if it was not made with this key for this realm.
    pub(super) fn decode(key: &[u8; 32], realm: &str, text: &[u8]) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        if text.len() != DIGITS {
            return None;
        }
        BASE64_STANDARD.decode_slice(text, &mut bytes).ok()?;
        let (time, rest) = bytes.split_first_chunk()?;
        let (random, mac) = rest.split_first_chunk()?;
        let issued_at = FileTime::from_ticks(u64::from_be_bytes(*time));
        let nonce = Self { issued_at, random: *random };
        let ours: bool = nonce.mac(key, realm).as_slice().ct_eq(mac).into();
        ours.then_some(nonce)
    }

    /// Whether `now` is within `lifetime` of the issue, on either side: where the clock was set
    /// back, a nonce must not live until it has caught up.
    pub(super) fn is_fresh(&self, now: FileTime, lifetime: Duration) -> bool {
        let age = now.since(self.issued_at).or_else(|| self.issued_at.since(now));
        age.is_some_and(|age| age <= lifetime)
    }

    fn mac(&self, key: &[u8; 32], realm: &str) -> [u8; 16] {
        let time = self.issued_at.ticks().to_be_bytes();
        let whole = hmac_sha256(key, &[&time, &self.random, realm.as_bytes()]);
        // Half of the hash is as long as it should be at least (RFC 2104 §5).
        whole.first_chunk().copied().unwrap_or_default()
    }
}
