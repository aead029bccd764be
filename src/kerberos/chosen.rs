//! What either side chooses by chance for its message.

use crate::env::SecureRandom;
use crate::error::{Error, RandomFailed};
use crate::kerberos::{EncryptionType, Key};
use zeroize::Zeroizing;

/// A subkey of this side's own, and where it begins to count ([RFC 4120] §5.5.1).
pub(super) struct Chosen {
    pub(super) subkey: Key,
    pub(super) seq_number: u32,
    /// Of the message that says so.
    pub(super) confounder: [u8; 16],
}

impl Chosen {
    pub(super) fn by(
        random: &dyn SecureRandom,
        encryption_type: EncryptionType,
    ) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32 + 16 + 4]);
        random.fill(&mut *bytes)?;
        let (key, rest) = bytes.split_at(32);
        let key = key.get(..encryption_type.key_length()).unwrap_or_default();
        let (confounder, number) = rest.split_first_chunk().ok_or(RandomFailed)?;
        let number = number.first_chunk().copied().ok_or(RandomFailed)?;
        Ok(Self {
            subkey: Key::new(encryption_type, key).map_err(|_| RandomFailed)?,
            // Room to count up without going round.
            seq_number: u32::from_be_bytes(number) & 0x3fff_ffff,
            confounder: *confounder,
        })
    }
}
