//! `AV_PAIR` lists ([MS-NLMP] §2.2.2.1).

use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use crate::wire::utf16::push_utf16le;
use alloc::vec::Vec;
use core::fmt;

/// `AvId` ([MS-NLMP] §2.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AvId(pub u16);

impl AvId {
    /// `MsvAvEOL`: the end of the list.
    pub const EOL: Self = Self(0);
    /// `MsvAvNbComputerName`: the server's NetBIOS name, UTF-16LE.
    pub const NB_COMPUTER_NAME: Self = Self(1);
    /// `MsvAvNbDomainName`: the server's NetBIOS domain, UTF-16LE.
    pub const NB_DOMAIN_NAME: Self = Self(2);
    /// `MsvAvDnsComputerName`: the server's host name, UTF-16LE.
    pub const DNS_COMPUTER_NAME: Self = Self(3);
    /// `MsvAvDnsDomainName`: the server's DNS domain, UTF-16LE.
    pub const DNS_DOMAIN_NAME: Self = Self(4);
    /// `MsvAvDnsTreeName`: the forest, UTF-16LE.
    pub const DNS_TREE_NAME: Self = Self(5);
    /// `MsvAvFlags`: [`AvFlags`], 4 bytes little-endian.
    pub const FLAGS: Self = Self(6);
    /// `MsvAvTimestamp`: a FILETIME, 8 bytes little-endian.
    pub const TIMESTAMP: Self = Self(7);
    /// `MsvAvSingleHost`: a `Single_Host_Data` structure.
    pub const SINGLE_HOST: Self = Self(8);
    /// `MsvAvTargetName`: the client's target SPN, UTF-16LE.
    pub const TARGET_NAME: Self = Self(9);
    /// `MsvAvChannelBindings`: the MD5 of the channel bindings, 16 bytes.
    pub const CHANNEL_BINDINGS: Self = Self(10);

    /// The specification's name, when it has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::EOL => "MsvAvEOL",
            Self::NB_COMPUTER_NAME => "MsvAvNbComputerName",
            Self::NB_DOMAIN_NAME => "MsvAvNbDomainName",
            Self::DNS_COMPUTER_NAME => "MsvAvDnsComputerName",
            Self::DNS_DOMAIN_NAME => "MsvAvDnsDomainName",
            Self::DNS_TREE_NAME => "MsvAvDnsTreeName",
            Self::FLAGS => "MsvAvFlags",
            Self::TIMESTAMP => "MsvAvTimestamp",
            Self::SINGLE_HOST => "MsvAvSingleHost",
            Self::TARGET_NAME => "MsvAvTargetName",
            Self::CHANNEL_BINDINGS => "MsvAvChannelBindings",
            Self(_) => return None,
        })
    }
}

impl fmt::Display for AvId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "AvId {}", self.0),
        }
    }
}

bitflags::bitflags! {
    /// `MsvAvFlags` ([MS-NLMP] §2.2.2.1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct AvFlags: u32 {
        /// Authentication is constrained.
        const CONSTRAINED = 0x1;
        /// A MIC is present in AUTHENTICATE.
        const MIC_PRESENT = 0x2;
        /// The target SPN came from an untrusted source.
        const UNTRUSTED_SPN = 0x4;
        const _ = !0;
    }
}

/// One pair of an AV list.
/// See [MS-NLMP] §2.2.2.1.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | `AvId`, little-endian |
/// | 2 | 2 | `AvLen`, bytes, little-endian |
/// | 4 | `AvLen` | `Value` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvPair<'a> {
    /// `AvId`.
    pub id: AvId,
    /// `Value`.
    pub value: &'a [u8],
}

/// A checked AV list: every pair is whole, and `MsvAvEOL` ends it.
/// See [MS-NLMP] §2.2.2.1.
///
/// Bytes behind `MsvAvEOL` are legal and kept, because the proof covers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetInfo<'a> {
    bytes: &'a [u8],
}

const STRUCTURE: &str = "AV_PAIR list";

fn read_pair<'a>(cursor: &mut Cursor<'a>) -> Result<AvPair<'a>, DecodeError> {
    let id = AvId(cursor.u16_le("AvId")?);
    let len = cursor.u16_le("AvLen")?;
    let value = cursor.take("Value", usize::from(len))?;
    Ok(AvPair { id, value })
}

impl<'a> TargetInfo<'a> {
    /// Checks a list to its end.
    ///
    /// # Errors
    /// [`DecodeError`] if a pair is truncated, `MsvAvEOL` is missing or has a value, or a pair
    /// of fixed size has another.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(STRUCTURE, bytes);
        loop {
            if cursor.rest().is_empty() {
                return Err(cursor.error("MsvAvEOL", DecodeErrorKind::MissingTerminator));
            }
            let start = cursor.clone();
            let pair = read_pair(&mut cursor)?;
            let bad = |kind| start.error(pair.id.name().unwrap_or("AvPair"), kind);
            match (pair.id, pair.value.len()) {
                (AvId::EOL, 0) => return Ok(Self { bytes }),
                (AvId::EOL, _) => return Err(bad(DecodeErrorKind::BadValue)),
                // Some servers send flags without a value.
                (AvId::FLAGS, 0 | 4) | (AvId::TIMESTAMP, 8) | (AvId::CHANNEL_BINDINGS, 16) => {}
                (AvId::FLAGS | AvId::TIMESTAMP | AvId::CHANNEL_BINDINGS, _) => {
                    return Err(bad(DecodeErrorKind::BadValue));
                }
                _ => {}
            }
        }
    }

    /// The pairs before `MsvAvEOL`, in order.
    pub fn iter(&self) -> impl Iterator<Item = AvPair<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(STRUCTURE, self.bytes);
        core::iter::from_fn(move || read_pair(&mut cursor).ok().filter(|pair| pair.id != AvId::EOL))
    }

    /// The value of the first pair of this `id`.
    #[must_use]
    pub fn get(&self, id: AvId) -> Option<&'a [u8]> {
        self.iter().find(|pair| pair.id == id).map(|pair| pair.value)
    }

    /// `MsvAvFlags`; none set if the pair is absent.
    #[must_use]
    pub fn flags(&self) -> AvFlags {
        let value = self.get(AvId::FLAGS).and_then(|value| value.first_chunk::<4>());
        value
            .map_or(AvFlags::empty(), |bytes| AvFlags::from_bits_retain(u32::from_le_bytes(*bytes)))
    }

    /// `MsvAvTimestamp`, in 100 ns ticks since 1601.
    #[must_use]
    pub fn timestamp(&self) -> Option<u64> {
        self.get(AvId::TIMESTAMP)?.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The list as received, with whatever stands behind `MsvAvEOL`.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The first id that stands in the list twice. Ids that the specification does not know
    /// are not looked at.
    #[must_use]
    pub fn duplicate(&self) -> Option<AvId> {
        let mut seen = 0_u32;
        self.iter().find_map(|pair| {
            let bit = 1_u32.checked_shl(u32::from(pair.id.0)).unwrap_or(0);
            let again = seen & bit != 0;
            seen |= bit;
            again.then_some(pair.id)
        })
    }
}

/// Five names, a time, flags, bindings and an SPN.
const USUAL_LENGTH: usize = 384;

/// Writes an AV list pair by pair.
/// See [MS-NLMP] §2.2.2.1.
#[derive(Debug, Default)]
pub struct TargetInfoBuilder {
    bytes: Vec<u8>,
}

impl TargetInfoBuilder {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if `value` is longer than 65,535 bytes.
    pub fn push(&mut self, id: AvId, value: &[u8]) -> Result<(), ApiMisuse> {
        self.begin(id, value.len())?;
        self.bytes.extend(value);
        Ok(())
    }

    fn begin(&mut self, id: AvId, length: usize) -> Result<(), ApiMisuse> {
        let too_long = ApiMisuse::FieldTooLong(id.name().unwrap_or("AvPair"));
        let len = u16::try_from(length).map_err(|_| too_long)?;
        // Room for all that a server or a client usually says: one allocation a list.
        if self.bytes.is_empty() {
            self.bytes.reserve(USUAL_LENGTH.max(length.saturating_add(8)));
        }
        self.bytes.extend(id.0.to_le_bytes());
        self.bytes.extend(len.to_le_bytes());
        Ok(())
    }

    /// Appends a pair whose value is `text` in UTF-16LE.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if that is longer than 65,535 bytes.
    pub fn push_text(&mut self, id: AvId, text: &str) -> Result<(), ApiMisuse> {
        self.begin(id, text.encode_utf16().count().saturating_mul(2))?;
        push_utf16le(&mut self.bytes, text);
        Ok(())
    }

    /// Goes on behind pairs that are already written.
    pub(crate) fn after(pairs: &[u8]) -> Self {
        // A time and the end are what usually follows.
        let mut bytes = Vec::with_capacity(pairs.len().saturating_add(16));
        bytes.extend(pairs);
        Self { bytes }
    }

    /// The pairs without `MsvAvEOL`.
    pub(crate) fn into_pairs(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends `MsvAvEOL` and gives the bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend([0; 4]);
        self.bytes
    }
}
