//! `VERSION` ([MS-NLMP] §2.2.2.10).

use crate::error::DecodeError;
use crate::wire::cursor::Cursor;
use alloc::vec::Vec;
use core::fmt;

/// `VERSION`, for debugging only: nothing is ever decided by it.
/// See [MS-NLMP] §2.2.2.10.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | `ProductMajorVersion` |
/// | 1 | 1 | `ProductMinorVersion` |
/// | 2 | 2 | `ProductBuild`, little-endian |
/// | 4 | 3 | reserved |
/// | 7 | 1 | `NTLMRevisionCurrent`, 15 |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version(pub [u8; 8]);

impl Version {
    /// What this library sends: product 6.1 (the first with every feature spoken here), no
    /// build, revision 15.
    pub const CURRENT: Self = Self([6, 1, 0, 0, 0, 0, 0, 15]);

    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        cursor.array("Version").map(Self)
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }
}

/// `6.1.7601 revision 15`
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, build_low, build_high, _, _, _, revision]) = self;
        let build = u16::from_le_bytes([*build_low, *build_high]);
        write!(f, "{major}.{minor}.{build} revision {revision}")
    }
}
