//! `AUTHENTICATE_MESSAGE` ([MS-NLMP] §2.2.1.3).

use super::fields::PayloadLayout;
use super::{Fields, MessageType, NegotiateFlags, SIGNATURE, Version};
use crate::error::{ApiMisuse, DecodeError};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// `AUTHENTICATE_MESSAGE`, the client's proof.
/// See [MS-NLMP] §2.2.1.3.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `Signature` |
/// | 8 | 4 | `MessageType` = 3 |
/// | 12 | 8 | `LmChallengeResponseFields` |
/// | 20 | 8 | `NtChallengeResponseFields` |
/// | 28 | 8 | `DomainNameFields` |
/// | 36 | 8 | `UserNameFields` |
/// | 44 | 8 | `WorkstationFields` |
/// | 52 | 8 | `EncryptedRandomSessionKeyFields` (may be missing) |
/// | 60 | 4 | `NegotiateFlags` (may be missing) |
/// | 64 | 8 | `Version` (may be missing) |
/// | 72 | 16 | `MIC` (may be missing) |
/// | … | | payload |
///
/// How much of the header exists is told by the lowest payload offset, never by flags: some
/// clients set no VERSION flag and have the field, and a stripped MIC must not be missed.
/// The three names stay undecoded, because their character set is that of the CHALLENGE.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Authenticate<'a> {
    /// `LmChallengeResponse`.
    pub lm_response: &'a [u8],
    /// `NtChallengeResponse`.
    pub nt_response: &'a [u8],
    /// `DomainName`.
    pub domain: &'a [u8],
    /// `UserName`.
    pub user: &'a [u8],
    /// `Workstation`.
    pub workstation: &'a [u8],
    /// `EncryptedRandomSessionKey`; empty if absent.
    pub encrypted_random_session_key: &'a [u8],
    /// `NegotiateFlags`, when present.
    pub flags: Option<NegotiateFlags>,
    /// `Version`, when present.
    pub version: Option<Version>,
    /// `MIC`, when present.
    pub mic: Option<[u8; 16]>,
}

/// Responses can be guessed at offline; of them only the lengths are shown.
impl fmt::Debug for Authenticate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate")
            .field("lm_response", &self.lm_response.len())
            .field("nt_response", &self.nt_response.len())
            .field("domain", &self.domain)
            .field("user", &self.user)
            .field("workstation", &self.workstation)
            .field("flags", &self.flags)
            .field("version", &self.version)
            .field("mic", &self.mic.is_some())
            .finish_non_exhaustive()
    }
}

/// Where `MIC` stands in a message that has one.
pub(crate) const MIC_RANGE: Range<usize> = 72..88;

const AFTER_SESSION_KEY: usize = 60;
const AFTER_FLAGS: usize = 64;
const AFTER_VERSION: usize = 72;
const AFTER_MIC: usize = 88;

impl<'a> Authenticate<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is truncated, is not an AUTHENTICATE, or a field points outside.
    pub fn decode(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = MessageType::Authenticate.open(message)?;
        let lm = Fields::decode(&mut cursor, "LmChallengeResponseFields")?;
        let nt = Fields::decode(&mut cursor, "NtChallengeResponseFields")?;
        let domain = Fields::decode(&mut cursor, "DomainNameFields")?;
        let user = Fields::decode(&mut cursor, "UserNameFields")?;
        let workstation = Fields::decode(&mut cursor, "WorkstationFields")?;
        let mut this = Self {
            lm_response: lm.slice(&cursor, "LmChallengeResponse")?,
            nt_response: nt.slice(&cursor, "NtChallengeResponse")?,
            domain: domain.slice(&cursor, "DomainName")?,
            user: user.slice(&cursor, "UserName")?,
            workstation: workstation.slice(&cursor, "Workstation")?,
            encrypted_random_session_key: &[],
            flags: None,
            version: None,
            mic: None,
        };
        let lowest = [lm, nt, domain, user, workstation]
            .into_iter()
            .filter_map(Fields::payload_offset)
            .fold(message.len(), usize::min);
        if lowest < AFTER_SESSION_KEY {
            return Ok(this);
        }
        let key = Fields::decode(&mut cursor, "EncryptedRandomSessionKeyFields")?;
        this.encrypted_random_session_key = key.slice(&cursor, "EncryptedRandomSessionKey")?;
        let lowest = lowest.min(key.payload_offset().unwrap_or(usize::MAX));
        if lowest >= AFTER_FLAGS {
            let flags = cursor.u32_le("NegotiateFlags")?;
            this.flags = Some(NegotiateFlags::from_bits_retain(flags));
        }
        if lowest >= AFTER_VERSION {
            this.version = Some(Version::decode(&mut cursor)?);
        }
        if lowest >= AFTER_MIC {
            this.mic = Some(cursor.array("MIC")?);
        }
        Ok(this)
    }

    /// Appends the message. Without a MIC the header has 72 bytes, with one 88.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if a field is longer than 65,535 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let header = if self.mic.is_some() { AFTER_MIC } else { AFTER_VERSION };
        let mut layout = PayloadLayout::after(header);
        let mut fields = [[0; 8]; 6];
        for (fields, (name, bytes)) in fields.iter_mut().zip(self.payload()) {
            *fields = layout.place(name, bytes.len())?;
        }
        let payload = self.payload().map(|(_, bytes)| bytes);
        out.reserve(payload.iter().fold(header, |sum, bytes| sum.saturating_add(bytes.len())));
        out.extend(SIGNATURE);
        out.extend(MessageType::Authenticate.code());
        out.extend(fields.as_flattened());
        out.extend(self.flags.unwrap_or_default().bits().to_le_bytes());
        self.version.unwrap_or_default().encode(out);
        if let Some(mic) = self.mic {
            out.extend(mic);
        }
        payload.iter().for_each(|bytes| out.extend(*bytes));
        Ok(())
    }

    /// The payload in the order that it is written in.
    fn payload(&self) -> [(&'static str, &'a [u8]); 6] {
        [
            ("LmChallengeResponse", self.lm_response),
            ("NtChallengeResponse", self.nt_response),
            ("DomainName", self.domain),
            ("UserName", self.user),
            ("Workstation", self.workstation),
            ("EncryptedRandomSessionKey", self.encrypted_random_session_key),
        ]
    }
}
