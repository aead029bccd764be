//! Per-message tokens ([RFC 4121] §4.2.6).

use crate::error::DecodeError;
use crate::wire::cursor::Cursor;
use alloc::vec::Vec;

bitflags::bitflags! {
    /// `Flags` of a per-message token ([RFC 4121] §4.2.2).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PerMessageFlags: u8 {
        /// `SentByAcceptor`.
        const SENT_BY_ACCEPTOR = 1;
        /// `Sealed`: confidentiality in a `Wrap` token.
        const SEALED = 2;
        /// `AcceptorSubkey`: the key is the one that the acceptor asserted.
        const ACCEPTOR_SUBKEY = 4;
    }
}

/// The token of `GSS_GetMIC` ([RFC 4121] §4.2.6.1).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | `TOK_ID` = 04 04 |
/// | 2 | 1 | `Flags` |
/// | 3 | 5 | `Filler` = FF |
/// | 8 | 8 | `SND_SEQ`, big-endian |
/// | 16 | n | `SGN_CKSUM` over the message and the first 16 bytes of this |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MicToken<'a> {
    /// `Flags`, with those that have no name.
    pub flags: PerMessageFlags,
    /// `SND_SEQ`.
    pub sequence_number: u64,
    /// `SGN_CKSUM`.
    pub checksum: &'a [u8],
}

/// The token of `GSS_Wrap` ([RFC 4121] §4.2.6.2).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | `TOK_ID` = 05 04 |
/// | 2 | 1 | `Flags` |
/// | 3 | 1 | `Filler` = FF |
/// | 4 | 2 | `EC`, big-endian as the rest |
/// | 6 | 2 | `RRC` |
/// | 8 | 8 | `SND_SEQ` |
/// | 16 | n | data, rotated right by `RRC` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapToken<'a> {
    /// `Flags`, with those that have no name.
    pub flags: PerMessageFlags,
    /// `EC`: bytes of the checksum or, if it is sealed, of the filler.
    pub extra_count: u16,
    /// `RRC`.
    pub right_rotation_count: u16,
    /// `SND_SEQ`.
    pub sequence_number: u64,
    /// What stands behind the header, as it was sent.
    pub data: &'a [u8],
}

const MIC: [u8; 2] = [4, 4];
const WRAP: [u8; 2] = [5, 4];
const FILLER: u8 = 0xff;

impl<'a> MicToken<'a> {
    /// Decodes a token.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none or has less than 16 bytes.
    pub fn decode(token: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("MIC token", token);
        cursor.expect("TOK_ID", &MIC)?;
        let [flags] = cursor.array("Flags")?;
        let flags = PerMessageFlags::from_bits_retain(flags);
        cursor.expect("Filler", &[FILLER; 5])?;
        let sequence_number = cursor.array("SND_SEQ").map(u64::from_be_bytes)?;
        Ok(Self { flags, sequence_number, checksum: cursor.rest() })
    }

    /// The first 16 bytes, which the checksum runs over, behind the message.
    #[must_use]
    pub fn header(&self) -> [u8; 16] {
        header(MIC, self.flags, [FILLER; 5], self.sequence_number)
    }

    /// Appends the token.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.header());
        out.extend(self.checksum);
    }
}

impl<'a> WrapToken<'a> {
    /// Decodes a token.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none or has less than 16 bytes.
    pub fn decode(token: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("Wrap token", token);
        cursor.expect("TOK_ID", &WRAP)?;
        let [flags] = cursor.array("Flags")?;
        let flags = PerMessageFlags::from_bits_retain(flags);
        cursor.expect("Filler", &[FILLER])?;
        let extra_count = cursor.u16_be("EC")?;
        let right_rotation_count = cursor.u16_be("RRC")?;
        let sequence_number = cursor.array("SND_SEQ").map(u64::from_be_bytes)?;
        Ok(Self { flags, extra_count, right_rotation_count, sequence_number, data: cursor.rest() })
    }

    /// The first 16 bytes.
    #[must_use]
    pub fn header(&self) -> [u8; 16] {
        let [e0, e1] = self.extra_count.to_be_bytes();
        let [r0, r1] = self.right_rotation_count.to_be_bytes();
        header(WRAP, self.flags, [FILLER, e0, e1, r0, r1], self.sequence_number)
    }

    /// Those that the checksum runs over, behind the message: with `EC` and `RRC` as zeros
    /// ([RFC 4121] §4.2.4).
    #[must_use]
    pub fn signed_header(&self) -> [u8; 16] {
        Self { extra_count: 0, right_rotation_count: 0, ..*self }.header()
    }

    /// The data before it was rotated ([RFC 4121] §4.2.5), in two pieces.
    #[must_use]
    pub fn unrotated(&self) -> [&'a [u8]; 2] {
        let count = usize::from(self.right_rotation_count);
        let count = count.checked_rem(self.data.len()).unwrap_or(0);
        let (end, begin) = self.data.split_at_checked(count).unwrap_or_default();
        [begin, end]
    }

    /// Appends the token.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.header());
        out.extend(self.data);
    }
}

fn header(
    [t0, t1]: [u8; 2],
    flags: PerMessageFlags,
    [f0, f1, f2, f3, f4]: [u8; 5],
    sequence_number: u64,
) -> [u8; 16] {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sequence_number.to_be_bytes();
    [t0, t1, flags.bits(), f0, f1, f2, f3, f4, s0, s1, s2, s3, s4, s5, s6, s7]
}
