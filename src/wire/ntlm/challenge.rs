//! `CHALLENGE_MESSAGE` ([MS-NLMP] §2.2.1.2).

use super::fields::PayloadLayout;
use super::{Fields, MessageType, NegotiateFlags, SIGNATURE, TargetInfo, Version};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::Text;
use alloc::vec::Vec;

/// `CHALLENGE_MESSAGE`, the server's answer.
/// See [MS-NLMP] §2.2.1.2.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `Signature` |
/// | 8 | 4 | `MessageType` = 2 |
/// | 12 | 8 | `TargetNameFields` |
/// | 20 | 4 | `NegotiateFlags` |
/// | 24 | 8 | `ServerChallenge` |
/// | 32 | 8 | reserved (may be missing) |
/// | 40 | 8 | `TargetInfoFields` (may be missing) |
/// | 48 | 8 | `Version` (may be missing) |
/// | … | | payload |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// `TargetName` in the character set of `flags`, undecoded.
    pub target_name: &'a [u8],
    /// What server and client have in common.
    pub flags: NegotiateFlags,
    /// `ServerChallenge`.
    pub server_challenge: [u8; 8],
    /// `TargetInfo`, when it is present and not empty.
    pub target_info: Option<TargetInfo<'a>>,
    /// `Version`, when the message has room for it before its payload.
    pub version: Option<Version>,
}

const WITHOUT_VERSION: usize = 48;
const HEADER: usize = 56;

impl<'a> Challenge<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is truncated, is not a CHALLENGE, a field points outside, or
    /// `TargetInfo` is not a list of AV pairs.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = MessageType::Challenge.open(message)?;
        let target_name = Fields::decode(&mut cursor, "TargetNameFields")?;
        let flags = NegotiateFlags::from_bits_retain(cursor.u32_le("NegotiateFlags")?);
        let server_challenge = cursor.array("ServerChallenge")?;
        let mut this = Self {
            target_name: target_name.slice(&cursor, "TargetName")?,
            flags,
            server_challenge,
            target_info: None,
            version: None,
        };
        let name_at = target_name.payload_offset().unwrap_or(usize::MAX);
        if message.len().min(name_at) < WITHOUT_VERSION {
            return Ok(this);
        }
        cursor.take("Reserved", 8)?;
        let target_info = Fields::decode(&mut cursor, "TargetInfoFields")?;
        let info_at = target_info.payload_offset().unwrap_or(usize::MAX);
        if target_info.len > 0 {
            let bytes = target_info.slice(&cursor, "TargetInfo")?;
            this.target_info = Some(TargetInfo::decode(bytes)?);
        }
        if message.len().min(name_at).min(info_at) >= HEADER {
            this.version = Some(Version::decode(&mut cursor)?);
        }
        Ok(this)
    }

    /// `TargetName` in the character set that `flags` announce.
    ///
    /// # Errors
    /// [`DecodeError`] for Unicode of an odd number of bytes.
    pub fn target_name_text(&self) -> Result<Text<'a>, DecodeError> {
        let unicode = self.flags.contains(NegotiateFlags::UNICODE);
        Text::decode(MessageType::Challenge.name(), "TargetName", unicode, self.target_name)
    }

    /// Appends the message, always with the header of 56 bytes.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if a field is longer than 65,535 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let target_info = self.target_info.as_ref().map_or(&[][..], TargetInfo::as_bytes);
        let mut layout = PayloadLayout::after(HEADER);
        let name_fields = layout.place("TargetName", self.target_name.len())?;
        let info_fields = layout.place("TargetInfo", target_info.len())?;
        out.reserve(
            HEADER.saturating_add(self.target_name.len()).saturating_add(target_info.len()),
        );
        out.extend(SIGNATURE);
        out.extend(MessageType::Challenge.code());
        out.extend(name_fields);
        out.extend(self.flags.bits().to_le_bytes());
        out.extend(self.server_challenge);
        out.extend([0; 8]);
        out.extend(info_fields);
        self.version.unwrap_or_default().encode(out);
        out.extend(self.target_name);
        out.extend(target_info);
        Ok(())
    }
}
