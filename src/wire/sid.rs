//! Security identifiers ([MS-DTYP] §2.4.2).

use super::cursor::Cursor;
use crate::error::{DecodeError, DecodeErrorKind};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// A security identifier: who somebody is, or which group ([MS-DTYP] §2.4.2).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | `Revision` = 1 |
/// | 1 | 1 | `SubAuthorityCount`, at most 15 |
/// | 2 | 6 | `IdentifierAuthority`, big-endian |
/// | 8 | 4 each | `SubAuthority`, little-endian |
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    authority: u64,
    /// What is behind `count` is zeros.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
    count: usize,
}

const REVISION: u8 = 1;
const MAX_SUB_AUTHORITIES: usize = 15;

/// `S-1-5`, whose identifiers are those of accounts, groups and domains.
const NT_AUTHORITY: u64 = 5;

/// `S-1-5-21`: the first part of the identifier of a domain.
const NT_NON_UNIQUE: u32 = 21;

impl Sid {
    /// An identifier of its parts; `None` if there are more than 15 or the authority has more
    /// than 48 bits.
    #[must_use]
    pub fn new(authority: u64, sub_authorities: &[u32]) -> Option<Self> {
        let mut this = Self { authority, sub_authorities: [0; MAX_SUB_AUTHORITIES], count: 0 };
        if authority >> 48 != 0 {
            return None;
        }
        sub_authorities.iter().try_fold(&mut this, |this, part| this.push(*part))?;
        Some(this)
    }

    /// Decodes an identifier that is all of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("SID", bytes);
        let this = Self::read(&mut cursor, "SID")?;
        cursor.finish("SID")?;
        Ok(this)
    }

    pub(super) fn read(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Self, DecodeError> {
        let bad = cursor.error(field, DecodeErrorKind::BadValue);
        cursor.expect(field, &[REVISION])?;
        let [count] = cursor.array(field)?;
        let [a0, a1, a2, a3, a4, a5] = cursor.array(field)?;
        let authority = u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]);
        let mut this = Self { authority, sub_authorities: [0; MAX_SUB_AUTHORITIES], count: 0 };
        for _ in 0..count {
            let part = cursor.u32_le(field)?;
            this.push(part).ok_or(bad)?;
        }
        Ok(this)
    }

    fn push(&mut self, part: u32) -> Option<&mut Self> {
        *self.sub_authorities.get_mut(self.count)? = part;
        self.count = self.count.saturating_add(1);
        Some(self)
    }

    /// `IdentifierAuthority`.
    #[must_use]
    pub fn authority(&self) -> u64 {
        self.authority
    }

    /// `SubAuthority`.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        self.sub_authorities.get(..self.count).unwrap_or_default()
    }

    /// The account or group of this relative identifier in the domain that `self` is; `None` if
    /// nothing more goes in.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Option<Self> {
        let mut this = *self;
        this.push(rid)?;
        Some(this)
    }

    /// Whether it is an account or a group of this domain.
    #[must_use]
    pub fn is_in(&self, domain: &Self) -> bool {
        let parts = self.sub_authorities().split_last();
        self.authority == domain.authority
            && parts.is_some_and(|(_, parts)| parts == domain.sub_authorities())
    }

    /// Whether it belongs to some domain or machine: `S-1-5-21-…`.
    #[must_use]
    pub fn is_of_a_domain(&self) -> bool {
        self.authority == NT_AUTHORITY && self.sub_authorities().first() == Some(&NT_NON_UNIQUE)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let count = u8::try_from(self.count).unwrap_or_default();
        let mut out = Vec::from([REVISION, count]);
        let [_, _, authority @ ..] = self.authority.to_be_bytes();
        out.extend(authority);
        out.extend(self.sub_authorities().iter().flat_map(|part| part.to_le_bytes()));
        out
    }
}

/// `S-1-5-21-397955417-626881126-188441444-513`; an authority above 2³² in hexadecimal
/// ([MS-DTYP] §2.4.2.1).
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.authority) {
            Ok(authority) => write!(f, "S-1-{authority}")?,
            Err(_) => write!(f, "S-1-0x{:012X}", self.authority)?,
        }
        self.sub_authorities().iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

/// A text that is no security identifier.
/// See [MS-DTYP] §2.4.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSid;

impl fmt::Display for BadSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a security identifier")
    }
}

impl core::error::Error for BadSid {}

impl FromStr for Sid {
    type Err = BadSid;

    fn from_str(text: &str) -> Result<Self, BadSid> {
        let mut parts = text.split('-');
        if !parts.next().is_some_and(|part| part.eq_ignore_ascii_case("S"))
            || parts.next() != Some("1")
        {
            return Err(BadSid);
        }
        let authority = parts.next().ok_or(BadSid)?;
        let authority = match authority.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => authority.parse(),
        };
        let mut this = Self::new(authority.map_err(|_| BadSid)?, &[]).ok_or(BadSid)?;
        for part in parts {
            this.push(part.parse().map_err(|_| BadSid)?).ok_or(BadSid)?;
        }
        Ok(this)
    }
}
