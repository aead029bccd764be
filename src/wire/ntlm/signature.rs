//! `NTLMSSP_MESSAGE_SIGNATURE` ([MS-NLMP] §2.2.2.9).

use crate::error::DecodeError;
use crate::wire::cursor::Cursor;

/// `NTLMSSP_MESSAGE_SIGNATURE` with extended session security.
/// See [MS-NLMP] §2.2.2.9.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | `Version` = 1, little-endian |
/// | 4 | 8 | `Checksum` |
/// | 12 | 4 | `SeqNum`, little-endian |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSignature {
    /// `Checksum`.
    pub checksum: [u8; 8],
    /// `SeqNum`.
    pub seq_num: u32,
}

const VERSION: [u8; 4] = [1, 0, 0, 0];

impl MessageSignature {
    /// Length on the wire in bytes.
    pub const SIZE: usize = 16;

    /// Decodes a signature.
    ///
    /// # Errors
    /// [`DecodeError`] if it has not 16 bytes or another version.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("NTLMSSP_MESSAGE_SIGNATURE", bytes);
        cursor.expect("Version", &VERSION)?;
        let checksum = cursor.array("Checksum")?;
        let seq_num = cursor.u32_le("SeqNum")?;
        cursor.finish("Signature")?;
        Ok(Self { checksum, seq_num })
    }

    /// The 16 bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; 16] {
        let [v0, v1, v2, v3] = VERSION;
        let [c0, c1, c2, c3, c4, c5, c6, c7] = self.checksum;
        let [s0, s1, s2, s3] = self.seq_num.to_le_bytes();
        [v0, v1, v2, v3, c0, c1, c2, c3, c4, c5, c6, c7, s0, s1, s2, s3]
    }
}
