//! What the SPNEGO and X.509 readers share of DER; the work is done by the `der` crate.

use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use alloc::vec::Vec;
use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag, TagNumber, Writer};

/// A defect on its way to becoming a [`DecodeError`], which the structure is added to.
#[derive(Debug)]
pub(crate) struct Defect {
    field: &'static str,
    offset: usize,
    kind: DecodeErrorKind,
}

impl Defect {
    pub(crate) fn new(
        reader: &SliceReader<'_>,
        field: &'static str,
        kind: DecodeErrorKind,
    ) -> Self {
        Self { field, offset: position(reader.position()), kind }
    }

    pub(crate) fn of(self, structure: &'static str) -> DecodeError {
        let Self { field, offset, kind } = self;
        DecodeError { structure, field, offset, kind }
    }
}

fn position(length: Length) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

impl From<der::Error> for Defect {
    fn from(error: der::Error) -> Self {
        let (field, kind) = match error.kind() {
            der::ErrorKind::Incomplete { .. } => ("DER", DecodeErrorKind::Truncated),
            der::ErrorKind::TrailingData { .. } => ("DER", DecodeErrorKind::TrailingData),
            _ => ("DER", DecodeErrorKind::BadDer),
        };
        Self { field, offset: error.position().map_or(0, position), kind }
    }
}

/// Reads a header, which must have the tag that `tag` names, and gives its content to `read`.
pub(crate) fn nested<'a, T>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
    tag: Tag,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Defect>,
) -> Result<T, Defect> {
    let bad = Defect::new(reader, field, DecodeErrorKind::BadValue);
    if Tag::decode(reader)? != tag {
        return Err(bad);
    }
    let length = length(reader)?;
    reader.read_nested(length, read)
}

/// Reads explicitly tagged fields `[number]` to the end, in ascending order and each once.
pub(crate) fn fields<'a>(
    reader: &mut SliceReader<'a>,
    mut read: impl FnMut(u32, &mut SliceReader<'a>) -> Result<(), Defect>,
) -> Result<(), Defect> {
    let mut next = 0;
    while !reader.is_finished() {
        let bad = Defect::new(reader, "field", DecodeErrorKind::BadValue);
        match Tag::decode(reader)? {
            Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
                if number >= next =>
            {
                next = number.saturating_add(1);
                let length = length(reader)?;
                reader.read_nested(length, |field| read(number, field))?;
            }
            _ => return Err(bad),
        }
    }
    Ok(())
}

/// Reads a length. DER wants the shortest form, and senders have to keep to it; of receivers
/// some tolerate a longer one, and nothing that is signed depends on it.
pub(crate) fn length(reader: &mut SliceReader<'_>) -> Result<Length, Defect> {
    let bad = Defect::new(reader, "length", DecodeErrorKind::BadDer);
    let first = reader.read_byte()?;
    let octets = match first {
        0..=0x7f => return Ok(Length::from(first)),
        0x81..=0x84 => first & 0x7f,
        // Indefinite, or longer than anything here may be.
        _ => return Err(bad),
    };
    let mut length = 0_u32;
    for _ in 0..octets {
        length = length << 8 | u32::from(reader.read_byte()?);
    }
    Ok(Length::from(length))
}

/// Reads a primitive value of this tag.
pub(crate) fn primitive<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
    tag: Tag,
) -> Result<&'a [u8], Defect> {
    nested(reader, field, tag, |inner| Ok(inner.read_slice(inner.remaining_len())?))
}

/// The tag of GeneralString, which `der` does not know: 27.
pub(crate) const GENERAL_STRING: u8 = 0x1b;

/// Reads a GeneralString.
pub(crate) fn general_string<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
) -> Result<&'a [u8], Defect> {
    let bad = Defect::new(reader, field, DecodeErrorKind::BadValue);
    if reader.read_byte()? != GENERAL_STRING {
        return Err(bad);
    }
    let length = length(reader)?;
    Ok(reader.read_slice(length)?)
}

/// Reads a value of this tag, and gives its bytes with tag and length as they were sent.
pub(crate) fn whole<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
    tag: Tag,
) -> Result<&'a [u8], Defect> {
    let mut ahead = reader.clone();
    primitive(&mut ahead, field, tag)?;
    let length = position(ahead.position()).saturating_sub(position(reader.position()));
    Ok(reader.read_slice(Length::try_from(length)?)?)
}

/// The tag `[number]` in its constructed form, as EXPLICIT tagging has it.
pub(crate) const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

struct Sink<'a>(&'a mut Vec<u8>);

impl Writer for Sink<'_> {
    fn write(&mut self, slice: &[u8]) -> der::Result<()> {
        self.0.extend(slice);
        Ok(())
    }
}

/// Appends tag and length; the content is up to the caller.
pub(crate) fn push_header(out: &mut Vec<u8>, tag: Tag, content: usize) -> Result<(), ApiMisuse> {
    let encoded = Length::try_from(content)
        .and_then(|length| Header::new(tag, length).encode(&mut Sink(out)));
    encoded.map_err(|_| ApiMisuse::FieldTooLong("DER"))
}

/// The length of tag, length and content together.
pub(crate) fn tlv_length(tag: Tag, content: usize) -> Result<usize, ApiMisuse> {
    let length = Length::try_from(content).and_then(|length| length.for_tlv(tag));
    length.and_then(usize::try_from).map_err(|_| ApiMisuse::FieldTooLong("DER"))
}
