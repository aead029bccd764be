//! The (Len, MaxLen, BufferOffset) triples of the NTLM messages ([MS-NLMP] §2.2.1).

use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;

/// Where a payload field of a message stands.
/// See [MS-NLMP] §2.2.1.1 to §2.2.1.3.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | `Len`, bytes, little-endian |
/// | 2 | 2 | `MaxLen`, ignored on receipt |
/// | 4 | 4 | `BufferOffset`, bytes from the start of the message |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields {
    /// `Len` in bytes.
    pub len: u16,
    /// `BufferOffset` in bytes; means nothing when `len` is 0.
    pub offset: u32,
}

impl Fields {
    pub(crate) fn decode(
        cursor: &mut Cursor<'_>,
        field: &'static str,
    ) -> Result<Self, DecodeError> {
        let len = cursor.u16_le(field)?;
        let _max_len = cursor.u16_le(field)?;
        let offset = cursor.u32_le(field)?;
        Ok(Self { len, offset })
    }

    /// The bytes of the field; empty when `len` is 0, wherever `offset` points.
    pub(crate) fn slice<'a>(
        self,
        cursor: &Cursor<'a>,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        if self.len == 0 {
            return Ok(&[]);
        }
        let bounds =
            |offset| DecodeError { offset, ..cursor.error(field, DecodeErrorKind::OutOfBounds) };
        let start = usize::try_from(self.offset).map_err(|_| bounds(usize::MAX))?;
        let end = start.checked_add(usize::from(self.len)).ok_or(bounds(start))?;
        cursor.input().get(start..end).ok_or(bounds(start))
    }

    /// The payload offset, if there is any payload.
    pub(crate) fn payload_offset(self) -> Option<usize> {
        if self.len == 0 { None } else { usize::try_from(self.offset).ok() }
    }
}

/// Lays payload fields out behind a header of known size.
#[derive(Debug)]
pub(crate) struct PayloadLayout {
    next: usize,
}

impl PayloadLayout {
    /// A payload that begins `header` bytes into the message.
    pub(crate) fn after(header: usize) -> Self {
        Self { next: header }
    }

    /// The triple for a payload of this length; payloads have to be appended in the order in which
    /// they are placed here. All are placed before anything is written, so that a message that
    /// cannot be written leaves nothing behind.
    pub(crate) fn place(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<[u8; 8], ApiMisuse> {
        let too_long = ApiMisuse::FieldTooLong(field);
        let len = u16::try_from(length).map_err(|_| too_long)?;
        let offset = u32::try_from(self.next).map_err(|_| too_long)?;
        self.next = self.next.checked_add(length).ok_or(too_long)?;
        let ([l0, l1], [o0, o1, o2, o3]) = (len.to_le_bytes(), offset.to_le_bytes());
        Ok([l0, l1, l0, l1, o0, o1, o2, o3])
    }
}
