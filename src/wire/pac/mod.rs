//! The privilege attribute certificate: who the client is for Windows ([MS-PAC]).
//!
//! Only decoding; what may be believed of it is decided in [`crate::kerberos`].

mod info;
mod logon_info;
mod ndr;

pub use info::{ClientInfo, UpnDnsInfo};
pub use logon_info::{GroupMembership, KerbValidationInfo, SidAndAttributes};

use super::Sid;
use super::cursor::Cursor;
use crate::error::{DecodeError, DecodeErrorKind};
use alloc::vec::Vec;

/// `PACTYPE` ([MS-PAC] §2.3).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | `cBuffers`, little-endian as all numbers |
/// | 4 | 4 | `Version` = 0 |
/// | 8 | 16 each | `Buffers`: `ulType`, `cbBufferSize`, `Offset` of 8 bytes |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacType<'a> {
    input: &'a [u8],
    buffers: Vec<PacBuffer<'a>>,
}

/// A buffer of a PAC ([MS-PAC] §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacBuffer<'a> {
    /// `ulType`.
    pub kind: u32,
    /// `Offset`, in bytes from the start of the PAC.
    pub offset: usize,
    /// The content.
    pub data: &'a [u8],
}

/// `PAC_SIGNATURE_DATA` ([MS-PAC] §2.8).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | `SignatureType` |
/// | 4 | 12, 16 or 24 | `Signature` |
/// | | 2 | `RODCIdentifier`, if a read-only domain controller made it |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacSignature<'a> {
    /// `SignatureType`, a checksum type.
    pub signature_type: i32,
    /// `Signature`.
    pub signature: &'a [u8],
    /// Where the signature stands in the PAC.
    offset: usize,
}

/// More buffers than anybody has; [MS-PAC] knows 16 types.
const MAX_BUFFERS: u32 = 64;

const HEADER: usize = 8;
const BUFFER_INFO: usize = 16;

/// As long as the longest signature.
static ZEROS: [u8; 24] = [0; 24];

impl<'a> PacType<'a> {
    /// `ulType` of `KERB_VALIDATION_INFO` ([MS-PAC] §2.5).
    pub const LOGON_INFO: u32 = 1;
    /// `ulType` of the server's signature ([MS-PAC] §2.8.4).
    pub const SERVER_SIGNATURE: u32 = 6;
    /// `ulType` of the KDC's signature ([MS-PAC] §2.8.5).
    pub const KDC_SIGNATURE: u32 = 7;
    /// `ulType` of `PAC_CLIENT_INFO` ([MS-PAC] §2.7).
    pub const CLIENT_INFO: u32 = 10;
    /// `ulType` of `UPN_DNS_INFO` ([MS-PAC] §2.10).
    pub const UPN_DNS_INFO: u32 = 12;
    /// `ulType` of `PAC_ATTRIBUTES_INFO` ([MS-PAC] §2.14).
    pub const ATTRIBUTES_INFO: u32 = 17;
    /// `ulType` of `PAC_REQUESTOR` ([MS-PAC] §2.15).
    pub const REQUESTOR: u32 = 18;

    /// Decodes a PAC, but not what is in its buffers.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none, if a buffer does not lie in it behind the header, or if there
    /// are two of a type or two that share bytes.
    pub fn decode(input: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("PACTYPE", input);
        let too_many = cursor.error("cBuffers", DecodeErrorKind::TooMany);
        let count = cursor.u32_le("cBuffers")?;
        if count > MAX_BUFFERS {
            return Err(too_many);
        }
        cursor.expect("Version", &[0; 4])?;
        let mut buffers: Vec<PacBuffer<'_>> = Vec::new();
        let header = usize::try_from(count).unwrap_or(usize::MAX);
        let header = header.saturating_mul(BUFFER_INFO).saturating_add(HEADER);
        for _ in 0..count {
            let duplicate = cursor.error("ulType", DecodeErrorKind::Duplicate);
            let kind = cursor.u32_le("ulType")?;
            if buffers.iter().any(|buffer| buffer.kind == kind) {
                return Err(duplicate);
            }
            let outside = cursor.error("Offset", DecodeErrorKind::OutOfBounds);
            let size = usize::try_from(cursor.u32_le("cbBufferSize")?).map_err(|_| outside)?;
            let offset = usize::try_from(cursor.u64_le("Offset")?).map_err(|_| outside)?;
            if offset < header || !offset.is_multiple_of(8) {
                return Err(outside);
            }
            let end = offset.checked_add(size).ok_or(outside)?;
            let data = input.get(offset..end).ok_or(outside)?;
            // What is signed is the PAC with its signatures cut out: two that share bytes would have
            // something else signed than what is read.
            let shares = |other: &PacBuffer<'_>| {
                offset < other.offset.saturating_add(other.data.len()) && other.offset < end
            };
            if buffers.iter().any(shares) {
                return Err(outside);
            }
            buffers.push(PacBuffer { kind, offset, data });
        }
        Ok(Self { input, buffers })
    }

    /// The buffers, in the order of the header.
    #[must_use]
    pub fn buffers(&self) -> &[PacBuffer<'a>] {
        &self.buffers
    }

    fn buffer(&self, kind: u32) -> Option<PacBuffer<'a>> {
        self.buffers.iter().copied().find(|buffer| buffer.kind == kind)
    }

    /// The logon information, if it is there.
    ///
    /// # Errors
    /// [`DecodeError`] if it is malformed or names more than 1024 groups of a kind.
    pub fn logon_info(&self) -> Result<Option<KerbValidationInfo<'a>>, DecodeError> {
        self.buffer(Self::LOGON_INFO)
            .map(|buffer| KerbValidationInfo::decode(buffer.data))
            .transpose()
    }

    /// The client's name and the time of its logon, if they are there.
    ///
    /// # Errors
    /// [`DecodeError`] if they are malformed.
    pub fn client_info(&self) -> Result<Option<ClientInfo<'a>>, DecodeError> {
        self.buffer(Self::CLIENT_INFO).map(|buffer| ClientInfo::decode(buffer.data)).transpose()
    }

    /// The user principal name and the domain's DNS name, if they are there.
    ///
    /// # Errors
    /// [`DecodeError`] if they are malformed.
    pub fn upn_dns_info(&self) -> Result<Option<UpnDnsInfo<'a>>, DecodeError> {
        self.buffer(Self::UPN_DNS_INFO).map(|buffer| UpnDnsInfo::decode(buffer.data)).transpose()
    }

    /// `PAC_REQUESTOR`, who asked for the ticket-granting ticket, if it is there
    /// ([MS-PAC] §2.15).
    ///
    /// # Errors
    /// [`DecodeError`] if it is malformed.
    pub fn requestor(&self) -> Result<Option<Sid>, DecodeError> {
        self.buffer(Self::REQUESTOR).map(|buffer| Sid::decode(buffer.data)).transpose()
    }

    /// The flags of `PAC_ATTRIBUTES_INFO`, if it is there ([MS-PAC] §2.14): 1 if the client has
    /// asked for a PAC, 2 if it was given one unasked.
    ///
    /// # Errors
    /// [`DecodeError`] if it is malformed.
    pub fn attributes(&self) -> Result<Option<u32>, DecodeError> {
        let Some(buffer) = self.buffer(Self::ATTRIBUTES_INFO) else { return Ok(None) };
        let mut cursor = Cursor::new("PAC_ATTRIBUTES_INFO", buffer.data);
        // A length in bits, of which two are in use.
        cursor.u32_le("FlagsLength")?;
        cursor.u32_le("Flags").map(Some)
    }

    /// The server's signature ([MS-PAC] §2.8.4).
    ///
    /// # Errors
    /// [`DecodeError`] if it is absent, malformed or of an unknown type.
    pub fn server_signature(&self) -> Result<PacSignature<'a>, DecodeError> {
        self.signature(Self::SERVER_SIGNATURE, "Server Signature")
    }

    /// The KDC's signature over that of the server ([MS-PAC] §2.8.5).
    ///
    /// # Errors
    /// [`DecodeError`] if it is absent, malformed or of an unknown type.
    pub fn kdc_signature(&self) -> Result<PacSignature<'a>, DecodeError> {
        self.signature(Self::KDC_SIGNATURE, "KDC Signature")
    }

    fn signature(&self, kind: u32, title: &'static str) -> Result<PacSignature<'a>, DecodeError> {
        let missing = Cursor::new("PACTYPE", self.input).error(title, DecodeErrorKind::Missing);
        let buffer = self.buffer(kind).ok_or(missing)?;
        let mut cursor = Cursor::new(title, buffer.data);
        let bad = cursor.error("SignatureType", DecodeErrorKind::BadValue);
        let signature_type = cursor.u32_le("SignatureType")?.cast_signed();
        let length = match signature_type {
            15 | 16 => 12,
            19 | -138 => 16,
            20 => 24,
            _ => return Err(bad),
        };
        let signature = cursor.take("Signature", length)?;
        Ok(PacSignature { signature_type, signature, offset: buffer.offset.saturating_add(4) })
    }

    /// What the server's signature runs over: the PAC with zeros in place of both signatures
    /// ([MS-PAC] §2.8.4), in pieces. All else is as received, other signatures too.
    #[must_use]
    pub fn signed_parts(&self, server: &PacSignature<'a>, kdc: &PacSignature<'a>) -> [&'a [u8]; 5] {
        let (first, second) =
            if server.offset < kdc.offset { (server, kdc) } else { (kdc, server) };
        let zeros = |of: &PacSignature<'_>| ZEROS.get(..of.signature.len()).unwrap_or_default();
        let between = |from: usize, to: usize| self.input.get(from..to).unwrap_or_default();
        [
            between(0, first.offset),
            zeros(first),
            between(first.end(), second.offset),
            zeros(second),
            between(second.end(), self.input.len()),
        ]
    }
}

impl PacSignature<'_> {
    fn end(&self) -> usize {
        self.offset.saturating_add(self.signature.len())
    }
}
