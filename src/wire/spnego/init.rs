//! `NegTokenInit` ([RFC 4178] §4.2.1) and `NegTokenInit2` ([MS-SPNG] §2.2.1).

use super::{Element, MechType, MechTypes, Value, total};
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::der::{
    Defect, context, fields, general_string, nested, primitive, push_header, tlv_length,
};
use alloc::vec::Vec;
use core::fmt;
use der::{Reader, SliceReader, Tag, TagNumber};

/// The initiator's first token, or an acceptor's hint before it.
///
/// ```text
/// NegTokenInit2 ::= SEQUENCE {
///     mechTypes    [0] MechTypeList OPTIONAL,
///     reqFlags     [1] ContextFlags OPTIONAL,
///     mechToken    [2] OCTET STRING OPTIONAL,
///     negHints     [3] NegHints     OPTIONAL,   -- [3] mechListMIC in RFC 4178
///     mechListMIC  [4] OCTET STRING OPTIONAL
/// }
/// ```
///
/// `[3]` is told apart by the tag within: a SEQUENCE is `negHints`, an OCTET STRING
/// `mechListMIC`. `reqFlags` is not kept: it MUST be ignored ([MS-SPNG] §3.1.5.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NegTokenInit<'a> {
    /// `mechTypes`.
    pub mech_types: MechTypes<'a>,
    /// `mechToken`, the optimistic token of the first mechanism.
    pub mech_token: Option<&'a [u8]>,
    /// `negHints`, which only acceptors send.
    pub neg_hints: Option<NegHints<'a>>,
    /// `mechListMIC`.
    pub mech_list_mic: Option<&'a [u8]>,
}

/// A token may be worth guessing at; only its length is shown.
impl fmt::Debug for NegTokenInit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NegTokenInit")
            .field("mech_types", &self.mech_types)
            .field("mech_token", &self.mech_token.map(<[u8]>::len))
            .field("neg_hints", &self.neg_hints)
            .field("mech_list_mic", &self.mech_list_mic)
            .finish()
    }
}

/// `NegHints ::= SEQUENCE { hintName [0] GeneralString OPTIONAL, hintAddress [1] OCTET STRING
/// OPTIONAL }` ([MS-SPNG] §2.2.1). Says nothing that may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NegHints<'a> {
    /// `hintName`.
    pub name: Option<&'a [u8]>,
    /// `hintAddress`.
    pub address: Option<&'a [u8]>,
}

const APPLICATION_0: Tag = Tag::Application { constructed: true, number: TagNumber(0) };

impl<'a> NegTokenInit<'a> {
    /// Decodes a token with its GSS-API framing (`60 … 06 …`), or without it.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not the token, not DER, or has more than 32 mechanisms.
    pub fn decode(token: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(token).map_err(|defect| defect.of("NegTokenInit"))
    }

    /// Whether `token` has the tag of a `NegTokenInit`, framed or not, well-formed or not.
    #[must_use]
    pub fn is_begun_by(token: &[u8]) -> bool {
        matches!(token.first(), Some(0x60 | 0xa0))
    }

    fn read(token: &'a [u8]) -> Result<Self, Defect> {
        let mut reader = SliceReader::new(token)?;
        let this = if Tag::peek(&reader)? == APPLICATION_0 {
            nested(&mut reader, "GSS-API token", APPLICATION_0, |framed| {
                let bad = Defect::new(framed, "thisMech", DecodeErrorKind::BadValue);
                let mech = primitive(framed, "thisMech", Tag::ObjectIdentifier)?;
                if MechType(mech) != MechType::SPNEGO {
                    return Err(bad);
                }
                nested(framed, "negTokenInit", context(0), Self::read_body)
            })?
        } else {
            nested(&mut reader, "negTokenInit", context(0), Self::read_body)?
        };
        reader.finish()?;
        Ok(this)
    }

    fn read_body(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        nested(reader, "NegTokenInit", Tag::Sequence, |body| {
            let (mut mech_types, mut mech_token) = (None, None);
            let (mut neg_hints, mut mech_list_mic) = (None, None);
            fields(body, |number, field| {
                match number {
                    0 => mech_types = Some(MechTypes::read(field)?),
                    1 => drop(field.read_slice(field.remaining_len())?),
                    2 => mech_token = Some(primitive(field, "mechToken", Tag::OctetString)?),
                    3 if Tag::peek(field)? == Tag::Sequence => {
                        neg_hints = Some(NegHints::read(field)?);
                    }
                    3 | 4 if mech_list_mic.is_none() => {
                        let mic = primitive(field, "mechListMIC", Tag::OctetString)?;
                        mech_list_mic = Some(mic);
                    }
                    _ => return Err(Defect::new(field, "field", DecodeErrorKind::BadValue)),
                }
                Ok(())
            })?;
            let missing = Defect::new(body, "mechTypes", DecodeErrorKind::Missing);
            let mech_types = mech_types.ok_or(missing)?;
            Ok(Self { mech_types, mech_token, neg_hints, mech_list_mic })
        })
    }

    /// Appends the token with its GSS-API framing. Hints are not written: only acceptors that
    /// speak first send them, and over HTTP none does.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let elements = [
            Some(Element { number: 0, value: Value::Encoded(self.mech_types.as_der()) }),
            Element::octets(2, self.mech_token),
            Element::octets(3, self.mech_list_mic),
        ];
        let body = total(elements.iter().flatten())?;
        let sequence = tlv_length(Tag::Sequence, body)?;
        let choice = tlv_length(context(0), sequence)?;
        let mech = tlv_length(Tag::ObjectIdentifier, MechType::SPNEGO.0.len())?;
        let framed = choice.checked_add(mech).ok_or(ApiMisuse::FieldTooLong("NegTokenInit"))?;
        out.reserve(tlv_length(APPLICATION_0, framed)?);
        push_header(out, APPLICATION_0, framed)?;
        push_header(out, Tag::ObjectIdentifier, MechType::SPNEGO.0.len())?;
        out.extend(MechType::SPNEGO.0);
        push_header(out, context(0), sequence)?;
        push_header(out, Tag::Sequence, body)?;
        elements.iter().flatten().try_for_each(|element| element.encode(out))
    }
}

impl<'a> NegHints<'a> {
    fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        nested(reader, "negHints", Tag::Sequence, |hints| {
            let mut this = Self::default();
            if Tag::peek(hints).is_ok_and(|tag| tag == context(0)) {
                this.name = Some(nested(hints, "hintName", context(0), |field| {
                    general_string(field, "hintName")
                })?);
            }
            if Tag::peek(hints).is_ok_and(|tag| tag == context(1)) {
                this.address = Some(nested(hints, "hintAddress", context(1), |field| {
                    primitive(field, "hintAddress", Tag::OctetString)
                })?);
            }
            Ok(this)
        })
    }
}
