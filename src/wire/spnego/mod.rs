//! The SPNEGO tokens ([RFC 4178] §4.2, [MS-SPNG] §2.2.1).

mod init;
mod mech;
mod resp;

pub use init::{NegHints, NegTokenInit};
pub use mech::{MechType, MechTypes};
pub use resp::{NegState, NegTokenResp};

use super::der::{context, push_header, tlv_length};
use crate::error::ApiMisuse;
use alloc::vec::Vec;
use der::Tag;

/// What stands in an explicitly tagged field.
enum Value<'a> {
    /// A value of a tag.
    Primitive(Tag, &'a [u8]),
    /// A complete TLV.
    Encoded(&'a [u8]),
}

/// An explicitly tagged field `[number]` of a token.
struct Element<'a> {
    number: u32,
    value: Value<'a>,
}

impl<'a> Element<'a> {
    fn octets(number: u32, bytes: Option<&'a [u8]>) -> Option<Self> {
        bytes.map(|bytes| Self { number, value: Value::Primitive(Tag::OctetString, bytes) })
    }

    fn inner_length(&self) -> Result<usize, ApiMisuse> {
        match self.value {
            Value::Primitive(tag, bytes) => tlv_length(tag, bytes.len()),
            Value::Encoded(bytes) => Ok(bytes.len()),
        }
    }

    fn length(&self) -> Result<usize, ApiMisuse> {
        tlv_length(context(self.number), self.inner_length()?)
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        push_header(out, context(self.number), self.inner_length()?)?;
        match self.value {
            Value::Primitive(tag, bytes) => {
                push_header(out, tag, bytes.len())?;
                out.extend(bytes);
            }
            Value::Encoded(bytes) => out.extend(bytes),
        }
        Ok(())
    }
}

fn total<'e, 'a: 'e>(elements: impl Iterator<Item = &'e Element<'a>>) -> Result<usize, ApiMisuse> {
    let mut total = 0_usize;
    for element in elements {
        let length = element.length()?;
        total = total.checked_add(length).ok_or(ApiMisuse::FieldTooLong("DER"))?;
    }
    Ok(total)
}
