//! What keytabs and credential caches have in common.

use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use alloc::vec::Vec;

/// Numbers in files of old versions have the byte order of the machine that wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(
        self,
        cursor: &mut Cursor<'_>,
        field: &'static str,
    ) -> Result<u16, DecodeError> {
        match self {
            Self::Little => cursor.u16_le(field),
            Self::Big => cursor.u16_be(field),
        }
    }

    pub(super) fn u32(
        self,
        cursor: &mut Cursor<'_>,
        field: &'static str,
    ) -> Result<u32, DecodeError> {
        match self {
            Self::Little => cursor.u32_le(field),
            Self::Big => cursor.u32_be(field),
        }
    }
}

/// Reads `read` in the order of this machine's kind, which most are, and in the other one if that
/// does not fit.
pub(super) fn in_either_order<T>(
    read: impl Fn(ByteOrder) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    read(ByteOrder::Little).or_else(|error| read(ByteOrder::Big).map_err(|_| error))
}

/// A `name-type` or a key type, which is signed, of the unsigned number that is written.
pub(super) fn signed(number: u32) -> i32 {
    number.cast_signed()
}

/// A key type of 16 bits, which is signed too.
pub(super) fn signed16(number: u16) -> i32 {
    number.cast_signed().into()
}

/// Bytes behind their length of 32 bits.
pub(super) fn data32<'a>(
    cursor: &mut Cursor<'a>,
    order: ByteOrder,
    field: &'static str,
) -> Result<&'a [u8], DecodeError> {
    let bad = cursor.error(field, DecodeErrorKind::OutOfBounds);
    let length = usize::try_from(order.u32(cursor, field)?).map_err(|_| bad)?;
    cursor.take(field, length)
}

/// Bytes behind their length of 16 bits.
pub(super) fn data16<'a>(
    cursor: &mut Cursor<'a>,
    order: ByteOrder,
    field: &'static str,
) -> Result<&'a [u8], DecodeError> {
    let length = order.u16(cursor, field)?;
    cursor.take(field, length.into())
}

/// A text of these bytes, which `cursor` has just read.
pub(super) fn text<'a>(
    cursor: &Cursor<'a>,
    field: &'static str,
    bytes: &'a [u8],
) -> Result<&'a str, DecodeError> {
    core::str::from_utf8(bytes).map_err(|_| cursor.error(field, DecodeErrorKind::BadValue))
}

pub(super) fn push16(
    out: &mut Vec<u8>,
    field: &'static str,
    bytes: &[u8],
) -> Result<(), ApiMisuse> {
    let length = u16::try_from(bytes.len()).map_err(|_| ApiMisuse::FieldTooLong(field))?;
    out.extend(length.to_be_bytes());
    out.extend(bytes);
    Ok(())
}

pub(super) fn push32(
    out: &mut Vec<u8>,
    field: &'static str,
    bytes: &[u8],
) -> Result<(), ApiMisuse> {
    out.extend(length32(field, bytes.len())?);
    out.extend(bytes);
    Ok(())
}

pub(super) fn length32(field: &'static str, length: usize) -> Result<[u8; 4], ApiMisuse> {
    let length = u32::try_from(length).map_err(|_| ApiMisuse::FieldTooLong(field))?;
    Ok(length.to_be_bytes())
}
