//! What the messages are made of: the types of ASN.1 that Kerberos uses ([RFC 4120] §5.1, §5.2).

use super::KerberosTime;
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::der::{
    Defect, GENERAL_STRING, context, general_string, nested, primitive, push_header,
};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use core::time::Duration;
use der::asn1::GeneralizedTime;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber};

/// More elements than anybody has; bounds the memory for a hostile list.
const MAX_ELEMENTS: usize = 128;

/// Reads a message that is all of `input`.
pub(super) fn decode<'a, T>(
    structure: &'static str,
    input: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Defect>,
) -> Result<T, DecodeError> {
    let read = || {
        let mut reader = SliceReader::new(input)?;
        let this = read(&mut reader)?;
        reader.finish()?;
        Ok(this)
    };
    read().map_err(|defect: Defect| defect.of(structure))
}

pub(super) const fn application(number: u32) -> Tag {
    Tag::Application { constructed: true, number: TagNumber(number) }
}

/// Reads `[APPLICATION number] SEQUENCE`.
pub(super) fn message<'a, T>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
    number: u32,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, Defect>,
) -> Result<T, Defect> {
    nested(reader, field, application(number), |reader| nested(reader, field, Tag::Sequence, read))
}

pub(super) fn bad(reader: &SliceReader<'_>, field: &'static str) -> Defect {
    Defect::new(reader, field, DecodeErrorKind::BadValue)
}

/// A field that has to be there.
pub(super) fn required<T>(
    reader: &SliceReader<'_>,
    field: &'static str,
    value: Option<T>,
) -> Result<T, Defect> {
    value.ok_or_else(|| Defect::new(reader, field, DecodeErrorKind::Missing))
}

/// A field that is not in the definition.
pub(super) fn unknown<T>(reader: &SliceReader<'_>) -> Result<T, Defect> {
    Err(bad(reader, "field"))
}

/// An INTEGER of up to eight bytes.
fn integer(reader: &mut SliceReader<'_>, field: &'static str) -> Result<i64, Defect> {
    let bad = bad(reader, field);
    let bytes = primitive(reader, field, Tag::Integer)?;
    let (first, rest) =
        bytes.split_first().ok_or_else(|| Defect::new(reader, field, DecodeErrorKind::BadDer))?;
    if rest.len() > 7 {
        return Err(bad);
    }
    let start = i64::from(first.cast_signed());
    Ok(rest.iter().fold(start, |number, byte| number << 8 | i64::from(*byte)))
}

/// `Int32` ([RFC 4120] §5.2.4).
pub(super) fn int32(reader: &mut SliceReader<'_>, field: &'static str) -> Result<i32, Defect> {
    let bad = bad(reader, field);
    i32::try_from(integer(reader, field)?).map_err(|_| bad)
}

/// `UInt32` ([RFC 4120] §5.2.4), which some write as if it were an `Int32`.
pub(super) fn uint32(reader: &mut SliceReader<'_>, field: &'static str) -> Result<u32, Defect> {
    let bad = bad(reader, field);
    let number = integer(reader, field)?;
    let signed = || i32::try_from(number).map(i32::cast_unsigned);
    u32::try_from(number).or_else(|_| signed()).map_err(|_| bad)
}

/// `Microseconds` ([RFC 4120] §5.2.4).
pub(super) fn microseconds(
    reader: &mut SliceReader<'_>,
    field: &'static str,
) -> Result<u32, Defect> {
    let bad = bad(reader, field);
    let number = u32::try_from(integer(reader, field)?).ok();
    number.filter(|number| *number <= 999_999).ok_or(bad)
}

/// A number that has only one value here: `pvno`, `msg-type`.
pub(super) fn constant(
    reader: &mut SliceReader<'_>,
    field: &'static str,
    value: i32,
) -> Result<(), Defect> {
    let bad = bad(reader, field);
    if int32(reader, field)? == value { Ok(()) } else { Err(bad) }
}

pub(super) fn octets<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
) -> Result<&'a [u8], Defect> {
    primitive(reader, field, Tag::OctetString)
}

/// `KerberosString` ([RFC 4120] §5.2.1).
pub(super) fn string<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
) -> Result<&'a str, Defect> {
    let bad = bad(reader, field);
    let text = core::str::from_utf8(general_string(reader, field)?).ok();
    // To who reads up to a NUL, a name with one is another name.
    text.filter(|text| !text.contains('\0')).ok_or(bad)
}

/// `KerberosTime` ([RFC 4120] §5.2.3): without fractions, in UTC.
pub(super) fn time(
    reader: &mut SliceReader<'_>,
    field: &'static str,
) -> Result<KerberosTime, Defect> {
    let bad = bad(reader, field);
    let time = GeneralizedTime::decode(reader).map_err(|_| bad)?;
    Ok(KerberosTime::from_unix(time.to_unix_duration().as_secs()))
}

/// `KerberosFlags` ([RFC 4120] §5.2.8): the first 32 bits, the first of all the highest. Fewer
/// than 32 must not be sent and are.
pub(super) fn bits(reader: &mut SliceReader<'_>, field: &'static str) -> Result<u32, Defect> {
    let bad = bad(reader, field);
    let bytes = primitive(reader, field, Tag::BitString)?;
    let (unused, bytes) = match bytes.split_first() {
        Some((unused @ 0..=7, bytes)) if *unused == 0 || !bytes.is_empty() => (*unused, bytes),
        _ => return Err(bad),
    };
    let mut four = [0; 4];
    four.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    if bytes.len() <= 4 {
        // What is said to be unused does not count.
        if let Some(last) = bytes.len().checked_sub(1).and_then(|last| four.get_mut(last)) {
            *last &= 0xff_u8.unbounded_shl(unused.into());
        }
    }
    Ok(u32::from_be_bytes(four))
}

/// `SEQUENCE OF`.
pub(super) fn list<'a, T>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
    mut read: impl FnMut(&mut SliceReader<'a>) -> Result<T, Defect>,
) -> Result<Vec<T>, Defect> {
    nested(reader, field, Tag::Sequence, |elements| {
        let mut list = Vec::new();
        while !elements.is_finished() {
            if list.len() == MAX_ELEMENTS {
                return Err(Defect::new(elements, field, DecodeErrorKind::TooMany));
            }
            list.push(read(elements)?);
        }
        Ok(list)
    })
}

/// `PrincipalName` ([RFC 4120] §5.2.2), to which a realm belongs.
pub(super) fn name<'a>(
    reader: &mut SliceReader<'a>,
    field: &'static str,
) -> Result<(i32, Vec<&'a str>), Defect> {
    nested(reader, field, Tag::Sequence, |reader| {
        let name_type = nested(reader, field, context(0), |reader| int32(reader, field))?;
        let components = nested(reader, field, context(1), |reader| {
            list(reader, field, |reader| string(reader, field))
        })?;
        Ok((name_type, components))
    })
}

pub(super) fn principal<'a>(realm: &'a str, name: (i32, Vec<&'a str>)) -> Principal<'a> {
    let (name_type, components) = name;
    Principal { realm, components, name_type }
}

/// The outcome of writing something.
pub(super) type Written = Result<(), ApiMisuse>;

/// Writes a tag, a length and what `content` writes.
pub(super) fn put(
    out: &mut Vec<u8>,
    tag: Tag,
    content: impl FnOnce(&mut Vec<u8>) -> Written,
) -> Written {
    let begin = out.len();
    content(out)?;
    let end = out.len();
    push_header(out, tag, end.saturating_sub(begin))?;
    let header = out.len().saturating_sub(end);
    if let Some(written) = out.get_mut(begin..) {
        written.rotate_right(header);
    }
    Ok(())
}

/// Writes `[APPLICATION number] SEQUENCE` around `content`.
pub(super) fn put_message(
    out: &mut Vec<u8>,
    number: u32,
    content: impl FnOnce(&mut Vec<u8>) -> Written,
) -> Written {
    put(out, application(number), |out| put(out, Tag::Sequence, content))
}

/// Writes a field `[number]`.
pub(super) fn put_field(
    out: &mut Vec<u8>,
    number: u32,
    content: impl FnOnce(&mut Vec<u8>) -> Written,
) -> Written {
    put(out, context(number), content)
}

/// Writes a field `[number]` if there is a value.
pub(super) fn put_option<T>(
    out: &mut Vec<u8>,
    number: u32,
    value: Option<T>,
    content: impl FnOnce(&mut Vec<u8>, T) -> Written,
) -> Written {
    value.map_or(Ok(()), |value| put_field(out, number, |out| content(out, value)))
}

pub(super) fn put_int32(out: &mut Vec<u8>, number: i32) -> Written {
    number.encode_to_vec(out).map_err(|_| ApiMisuse::FieldTooLong("INTEGER"))?;
    Ok(())
}

pub(super) fn put_uint32(out: &mut Vec<u8>, number: u32) -> Written {
    number.encode_to_vec(out).map_err(|_| ApiMisuse::FieldTooLong("INTEGER"))?;
    Ok(())
}

fn put_bytes(out: &mut Vec<u8>, tag: Tag, bytes: &[u8]) -> Written {
    push_header(out, tag, bytes.len())?;
    out.extend(bytes);
    Ok(())
}

pub(super) fn put_octets(out: &mut Vec<u8>, bytes: &[u8]) -> Written {
    put_bytes(out, Tag::OctetString, bytes)
}

pub(super) fn put_string(out: &mut Vec<u8>, text: &str) -> Written {
    let begin = out.len();
    put_bytes(out, Tag::OctetString, text.as_bytes())?;
    // The length is written alike; only the tag is another.
    if let Some(tag) = out.get_mut(begin) {
        *tag = GENERAL_STRING;
    }
    Ok(())
}

pub(super) fn put_time(out: &mut Vec<u8>, time: KerberosTime) -> Written {
    let misuse = ApiMisuse::FieldTooLong("KerberosTime");
    let time = GeneralizedTime::from_unix_duration(Duration::from_secs(time.unix_seconds()));
    time.and_then(|time| time.encode_to_vec(out)).map(|_| ()).map_err(|_| misuse)
}

pub(super) fn put_bits(out: &mut Vec<u8>, bits: u32) -> Written {
    let [b0, b1, b2, b3] = bits.to_be_bytes();
    put_bytes(out, Tag::BitString, &[0, b0, b1, b2, b3])
}

pub(super) fn put_list<T>(
    out: &mut Vec<u8>,
    list: &[T],
    mut element: impl FnMut(&mut Vec<u8>, &T) -> Written,
) -> Written {
    put(out, Tag::Sequence, |out| list.iter().try_for_each(|each| element(out, each)))
}

/// Writes a list as the field `[number]`, or nothing if it is empty.
pub(super) fn put_list_field<T>(
    out: &mut Vec<u8>,
    number: u32,
    list: &[T],
    element: impl FnMut(&mut Vec<u8>, &T) -> Written,
) -> Written {
    let list = Some(list).filter(|list| !list.is_empty());
    put_option(out, number, list, |out, list| put_list(out, list, element))
}

/// Writes the name of a principal, without its realm.
pub(super) fn put_name(out: &mut Vec<u8>, principal: &Principal<'_>) -> Written {
    put(out, Tag::Sequence, |out| {
        put_field(out, 0, |out| put_int32(out, principal.name_type))?;
        put_field(out, 1, |out| {
            put_list(out, &principal.components, |out, part| put_string(out, part))
        })
    })
}
