//! As much of NDR as a PAC needs: type serialization version 1 of one structure with pointers
//! ([MS-RPCE] §2.2.6, [C706] chapter 14).

use crate::error::{DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use crate::wire::{Sid, Utf16Le};

/// Reads numbers at their alignment, little-endian.
#[derive(Debug, Clone)]
pub(super) struct Ndr<'a>(Cursor<'a>);

/// A pointer as it stands in the structure: whether what it points to comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) struct Referent(bool);

/// `RPC_UNICODE_STRING` ([MS-DTYP] §2.3.10) without its characters, which come later.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(super) struct StringHeader {
    length: u16,
    buffer: Referent,
}

/// Version 1, little-endian, header of 8 bytes, filler.
const COMMON_HEADER: [u8; 8] = [1, 0x10, 8, 0, 0xcc, 0xcc, 0xcc, 0xcc];

impl<'a> Ndr<'a> {
    /// Begins behind the headers and the pointer to the structure itself.
    pub(super) fn new(structure: &'static str, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(structure, bytes);
        cursor.expect("common header", &COMMON_HEADER)?;
        let outside = cursor.error("ObjectBufferLength", DecodeErrorKind::OutOfBounds);
        let length = usize::try_from(cursor.u32_le("ObjectBufferLength")?).map_err(|_| outside)?;
        cursor.u32_le("filler")?;
        if length > cursor.rest().len() {
            return Err(outside);
        }
        let mut this = Self(cursor);
        let missing = this.0.error(structure, DecodeErrorKind::Missing);
        if this.referent(structure)?.is_null() {
            return Err(missing);
        }
        Ok(this)
    }

    fn align(&mut self, to: usize, field: &'static str) -> Result<(), DecodeError> {
        let read = self.0.input().len().saturating_sub(self.0.rest().len());
        let padding = read.next_multiple_of(to).saturating_sub(read);
        self.0.take(field, padding).map(|_| ())
    }

    pub(super) fn bytes(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<&'a [u8], DecodeError> {
        self.0.take(field, length)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.align(2, field)?;
        self.0.u16_le(field)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.align(4, field)?;
        self.0.u32_le(field)
    }

    /// `FILETIME`, which is two numbers of 32 bits.
    pub(super) fn file_time(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.align(4, field)?;
        self.0.u64_le(field)
    }

    pub(super) fn referent(&mut self, field: &'static str) -> Result<Referent, DecodeError> {
        self.u32(field).map(|referent| Referent(referent != 0))
    }

    pub(super) fn string_header(
        &mut self,
        field: &'static str,
    ) -> Result<StringHeader, DecodeError> {
        let length = self.u16(field)?;
        self.u16(field)?;
        Ok(StringHeader { length, buffer: self.referent(field)? })
    }

    /// The characters of a string: a conformant varying array.
    pub(super) fn string(
        &mut self,
        field: &'static str,
        header: StringHeader,
    ) -> Result<Utf16Le<'a>, DecodeError> {
        let bad = self.0.error(field, DecodeErrorKind::BadValue);
        if header.buffer.is_null() {
            return if header.length == 0 { Ok(Utf16Le::default()) } else { Err(bad) };
        }
        let maximum = self.u32(field)?;
        let offset = self.u32(field)?;
        let count = self.u32(field)?;
        let length = count.checked_mul(2).ok_or(bad)?;
        if offset != 0 || count > maximum || length != u32::from(header.length) {
            return Err(bad);
        }
        let bytes = self.0.take(field, header.length.into())?;
        Utf16Le::new(bytes).ok_or(bad)
    }

    /// `RPC_SID` ([MS-DTYP] §2.4.2.3): its count stands in front once more.
    pub(super) fn sid(&mut self, field: &'static str) -> Result<Sid, DecodeError> {
        let bad = self.0.error(field, DecodeErrorKind::BadValue);
        let count = self.u32(field)?;
        let sid = Sid::read(&mut self.0, field)?;
        if usize::try_from(count) == Ok(sid.sub_authorities().len()) { Ok(sid) } else { Err(bad) }
    }

    /// How many elements an array has: the number in the structure, which has to be that in
    /// front of the array, and not over `limit`. None if the pointer is null.
    pub(super) fn array(
        &mut self,
        field: &'static str,
        count: u32,
        array: Referent,
        limit: u32,
    ) -> Result<u32, DecodeError> {
        let bad = self.0.error(field, DecodeErrorKind::BadValue);
        if count > limit {
            return Err(self.0.error(field, DecodeErrorKind::TooMany));
        }
        if array.is_null() {
            return if count == 0 { Ok(0) } else { Err(bad) };
        }
        if self.u32(field)? == count { Ok(count) } else { Err(bad) }
    }
}

impl Referent {
    pub(super) fn is_null(self) -> bool {
        !self.0
    }
}
