//! The one place where input is sliced.

use crate::error::{DecodeError, DecodeErrorKind};

/// Reads a structure from front to back and knows where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    structure: &'static str,
    input: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(structure: &'static str, input: &'a [u8]) -> Self {
        Self { structure, input, offset: 0 }
    }

    /// The whole structure, read or not.
    pub(crate) fn input(&self) -> &'a [u8] {
        self.input
    }

    /// The bytes not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.input.get(self.offset..).unwrap_or_default()
    }

    pub(crate) fn error(&self, field: &'static str, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { structure: self.structure, field, offset: self.offset, kind }
    }

    pub(crate) fn take(
        &mut self,
        field: &'static str,
        length: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let truncated = self.error(field, DecodeErrorKind::Truncated);
        let end = self.offset.checked_add(length).ok_or(truncated)?;
        let taken = self.input.get(self.offset..end).ok_or(truncated)?;
        self.offset = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let truncated = self.error(field, DecodeErrorKind::Truncated);
        let bytes = self.rest().first_chunk::<N>().ok_or(truncated)?;
        self.take(field, N)?;
        Ok(*bytes)
    }

    pub(crate) fn u16_le(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32_le(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn u64_le(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        self.array(field).map(u64::from_le_bytes)
    }

    #[cfg(feature = "kerberos")]
    pub(crate) fn u16_be(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    #[cfg(feature = "kerberos")]
    pub(crate) fn u32_be(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Reads `N` bytes that must be `expected`.
    pub(crate) fn expect<const N: usize>(
        &mut self,
        field: &'static str,
        expected: &[u8; N],
    ) -> Result<(), DecodeError> {
        let bad = self.error(field, DecodeErrorKind::BadValue);
        if self.array::<N>(field)? == *expected { Ok(()) } else { Err(bad) }
    }

    /// Nothing may be left over.
    pub(crate) fn finish(&self, field: &'static str) -> Result<(), DecodeError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.error(field, DecodeErrorKind::TrailingData))
        }
    }
}
