//! `NEGOTIATE_MESSAGE` ([MS-NLMP] §2.2.1.1).

use super::fields::PayloadLayout;
use super::{Fields, MessageType, NegotiateFlags, SIGNATURE, Version};
use crate::error::{ApiMisuse, DecodeError};
use alloc::vec::Vec;

/// `NEGOTIATE_MESSAGE`, the client's first word.
/// See [MS-NLMP] §2.2.1.1.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `Signature` |
/// | 8 | 4 | `MessageType` = 1 |
/// | 12 | 4 | `NegotiateFlags` |
/// | 16 | 8 | `DomainNameFields` (may be missing) |
/// | 24 | 8 | `WorkstationFields` (may be missing) |
/// | 32 | 8 | `Version` (may be missing) |
/// | … | | payload |
///
/// Clients send 16, 32 and 40 bytes and more; what is missing is absent. Both names are always
/// OEM, whatever the flags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiate<'a> {
    /// What the client can do and wants.
    pub flags: NegotiateFlags,
    /// `DomainName` in the OEM code page; empty if absent.
    pub domain: &'a [u8],
    /// `Workstation` in the OEM code page; empty if absent.
    pub workstation: &'a [u8],
    /// `Version`, when the message has room for it before its payload.
    pub version: Option<Version>,
}

const HEADER: usize = 40;

impl<'a> Negotiate<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is truncated, is not a NEGOTIATE, or a field points outside.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = MessageType::Negotiate.open(message)?;
        let flags = NegotiateFlags::from_bits_retain(cursor.u32_le("NegotiateFlags")?);
        let mut this = Self { flags, domain: &[], workstation: &[], version: None };
        if cursor.rest().is_empty() {
            return Ok(this);
        }
        let domain = Fields::decode(&mut cursor, "DomainNameFields")?;
        if cursor.rest().is_empty() && domain.len == 0 {
            return Ok(this);
        }
        let workstation = Fields::decode(&mut cursor, "WorkstationFields")?;
        this.domain = domain.slice(&cursor, "DomainName")?;
        this.workstation = workstation.slice(&cursor, "Workstation")?;
        let payload = [domain, workstation].into_iter().filter_map(Fields::payload_offset).min();
        if message.len().min(payload.unwrap_or(usize::MAX)) >= HEADER {
            this.version = Some(Version::decode(&mut cursor)?);
        }
        Ok(this)
    }

    /// Appends the message, always with the header of 40 bytes.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if a name is longer than 65,535 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let mut layout = PayloadLayout::after(HEADER);
        let domain = layout.place("DomainName", self.domain.len())?;
        let workstation = layout.place("Workstation", self.workstation.len())?;
        out.extend(SIGNATURE);
        out.extend(MessageType::Negotiate.code());
        out.extend(self.flags.bits().to_le_bytes());
        out.extend(domain);
        out.extend(workstation);
        self.version.unwrap_or_default().encode(out);
        out.extend(self.domain);
        out.extend(self.workstation);
        Ok(())
    }
}
