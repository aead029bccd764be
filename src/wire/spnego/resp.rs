//! `NegTokenResp` ([RFC 4178] §4.2.2).

use super::{Element, MechType, Value, total};
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::der::{Defect, context, fields, nested, primitive, push_header, tlv_length};
use alloc::vec::Vec;
use core::fmt;
use der::{Reader, SliceReader, Tag};

/// Every token but the first.
/// See [RFC 4178] §4.2.2.
///
/// ```text
/// NegTokenResp ::= SEQUENCE {
///     negState      [0] ENUMERATED   OPTIONAL,
///     supportedMech [1] MechType     OPTIONAL,
///     responseToken [2] OCTET STRING OPTIONAL,
///     mechListMIC   [3] OCTET STRING OPTIONAL
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct NegTokenResp<'a> {
    /// `negState`.
    pub neg_state: Option<NegState>,
    /// `supportedMech`.
    pub supported_mech: Option<MechType<'a>>,
    /// `responseToken`.
    pub response_token: Option<&'a [u8]>,
    /// `mechListMIC`.
    pub mech_list_mic: Option<&'a [u8]>,
}

/// The token may be an AUTHENTICATE, which can be guessed at offline; only its length is shown.
impl fmt::Debug for NegTokenResp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NegTokenResp")
            .field("neg_state", &self.neg_state)
            .field("supported_mech", &self.supported_mech)
            .field("response_token", &self.response_token.map(<[u8]>::len))
            .field("mech_list_mic", &self.mech_list_mic)
            .finish()
    }
}

/// `negState`.
/// See [RFC 4178] §4.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegState {
    /// 0: the context is established.
    AcceptCompleted = 0,
    /// 1: another token is needed.
    AcceptIncomplete = 1,
    /// 2: the negotiation failed.
    Reject = 2,
    /// 3: another token is needed, and a `mechListMIC` with it.
    RequestMic = 3,
}

impl NegState {
    const ALL: [(u8, Self); 4] = [
        (0, Self::AcceptCompleted),
        (1, Self::AcceptIncomplete),
        (2, Self::Reject),
        (3, Self::RequestMic),
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == code).map(|(_, state)| state)
    }

    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::AcceptCompleted => &[0],
            Self::AcceptIncomplete => &[1],
            Self::Reject => &[2],
            Self::RequestMic => &[3],
        }
    }

    /// The specification's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcceptCompleted => "accept-completed",
            Self::AcceptIncomplete => "accept-incomplete",
            Self::Reject => "reject",
            Self::RequestMic => "request-mic",
        }
    }
}

impl<'a> NegTokenResp<'a> {
    /// Decodes a token.
    ///
    /// # Errors
    /// [`DecodeError`] if it is not the token or not DER.
    pub fn decode(token: &'a [u8]) -> Result<Self, DecodeError> {
        Self::read(token).map_err(|defect| defect.of("NegTokenResp"))
    }

    /// Whether `token` has the tag of a `NegTokenResp`, well-formed or not.
    #[must_use]
    pub fn is_begun_by(token: &[u8]) -> bool {
        token.first() == Some(&0xa1)
    }

    fn read(token: &'a [u8]) -> Result<Self, Defect> {
        let mut reader = SliceReader::new(token)?;
        let this = nested(&mut reader, "negTokenResp", context(1), |choice| {
            nested(choice, "NegTokenResp", Tag::Sequence, Self::read_body)
        })?;
        reader.finish()?;
        Ok(this)
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let mut this = Self::default();
        fields(body, |number, field| {
            match number {
                0 => {
                    let bad = Defect::new(field, "negState", DecodeErrorKind::BadValue);
                    let state = primitive(field, "negState", Tag::Enumerated)?;
                    let [code] = state else { return Err(bad) };
                    this.neg_state = Some(NegState::from_code(*code).ok_or(bad)?);
                }
                1 => {
                    let mech = primitive(field, "supportedMech", Tag::ObjectIdentifier)?;
                    this.supported_mech = Some(MechType(mech));
                }
                2 => {
                    let token = primitive(field, "responseToken", Tag::OctetString)?;
                    this.response_token = Some(token);
                }
                3 => {
                    let mic = primitive(field, "mechListMIC", Tag::OctetString)?;
                    this.mech_list_mic = Some(mic);
                }
                _ => return Err(Defect::new(field, "field", DecodeErrorKind::BadValue)),
            }
            Ok(())
        })?;
        Ok(this)
    }

    /// Appends the token.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let state = self.neg_state.map(NegState::as_bytes);
        let mech = self.supported_mech.map(|mech| mech.0);
        let primitive = |tag, bytes| Value::Primitive(tag, bytes);
        let elements = [
            state.map(|b| Element { number: 0, value: primitive(Tag::Enumerated, b) }),
            mech.map(|b| Element { number: 1, value: primitive(Tag::ObjectIdentifier, b) }),
            Element::octets(2, self.response_token),
            Element::octets(3, self.mech_list_mic),
        ];
        let body = total(elements.iter().flatten())?;
        out.reserve(tlv_length(context(1), tlv_length(Tag::Sequence, body)?)?);
        push_header(out, context(1), tlv_length(Tag::Sequence, body)?)?;
        push_header(out, Tag::Sequence, body)?;
        elements.iter().flatten().try_for_each(|element| element.encode(out))
    }
}
