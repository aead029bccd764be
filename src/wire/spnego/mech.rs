//! `MechType` and `MechTypeList` ([RFC 4178] §4.1).

use crate::error::{ApiMisuse, DecodeErrorKind};
use crate::wire::der::{Defect, nested, primitive, push_header, tlv_length, whole};
use alloc::vec::Vec;
use core::fmt;
use der::oid::{ObjectIdentifier, ObjectIdentifierRef};
use der::{Reader, SliceReader, Tag};

/// `MechType ::= OBJECT IDENTIFIER`, kept as the content bytes of its encoding.
/// See [RFC 4178] §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechType<'a>(pub &'a [u8]);

const NTLMSSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.2.10");
const NEGOEX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.2.30");
const KRB5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2");
const MS_KRB5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.48018.1.2.2");
const KRB5_USER_TO_USER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2.3");
const SPNEGO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.2");
const IAKERB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.5");

impl MechType<'static> {
    /// NTLM ([MS-NLMP] §1.9).
    pub const NTLMSSP: Self = Self(NTLMSSP.as_bytes());
    /// Kerberos 5 ([RFC 4121]).
    pub const KRB5: Self = Self(KRB5.as_bytes());
    /// Kerberos 5 under the number that old Windows wrote by mistake ([MS-SPNG] §3.1.5.2).
    pub const MS_KRB5: Self = Self(MS_KRB5.as_bytes());
    /// NEGOEX ([MS-NEGOEX]).
    pub const NEGOEX: Self = Self(NEGOEX.as_bytes());
    /// SPNEGO itself ([RFC 4178] §1).
    pub const SPNEGO: Self = Self(SPNEGO.as_bytes());
}

impl MechType<'_> {
    /// Whether both are numbers of the same mechanism: Kerberos has two.
    #[must_use]
    pub fn is_same(self, other: MechType<'_>) -> bool {
        let kerberos = |it: MechType<'_>| it.0 == KRB5.as_bytes() || it.0 == MS_KRB5.as_bytes();
        self.0 == other.0 || kerberos(self) && kerberos(other)
    }

    /// The usual name, when it is a mechanism that clients are known to list.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let names = [
            (NTLMSSP, "NTLMSSP"),
            (KRB5, "KRB5"),
            (MS_KRB5, "MS-KRB5"),
            (KRB5_USER_TO_USER, "KRB5-U2U"),
            (NEGOEX, "NEGOEX"),
            (SPNEGO, "SPNEGO"),
            (IAKERB, "IAKERB"),
        ];
        names.iter().find(|(oid, _)| oid.as_bytes() == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for MechType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ObjectIdentifierRef::from_bytes(self.0) {
            Ok(oid) => oid.fmt(f),
            Err(_) => f.write_str("(not an OID)"),
        }
    }
}

/// `MechTypeList ::= SEQUENCE OF MechType`, kept as received: `mechListMIC` runs over its bytes.
/// See [RFC 4178] §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MechTypes<'a> {
    encoded: &'a [u8],
}

/// More mechanisms than anybody has; bounds the work for a hostile list.
const LIMIT: usize = 32;

/// Bytes of a list, which is kept until the exchange ends: 32 numbers of 30 bytes.
const MAX_LENGTH: usize = 1024;

impl<'a> MechTypes<'a> {
    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let encoded = whole(reader, "mechTypes", Tag::Sequence)?;
        if encoded.len() > MAX_LENGTH {
            return Err(Defect::new(reader, "mechTypes", DecodeErrorKind::TooMany));
        }
        let this = Self { encoded };
        let mut list = SliceReader::new(encoded)?;
        nested(&mut list, "mechTypes", Tag::Sequence, |list| {
            let mut count = 0_usize;
            while !list.is_finished() {
                primitive(list, "MechType", Tag::ObjectIdentifier)?;
                count = count.saturating_add(1);
                if count > LIMIT {
                    return Err(Defect::new(list, "mechTypes", DecodeErrorKind::TooMany));
                }
            }
            if count == 0 {
                return Err(Defect::new(list, "mechTypes", DecodeErrorKind::Missing));
            }
            Ok(())
        })?;
        Ok(this)
    }

    /// Checks an encoded list.
    ///
    /// # Errors
    /// [`crate::DecodeError`] if it is not a DER list of 1 to 32 mechanisms.
    pub fn decode(encoded: &'a [u8]) -> Result<Self, crate::DecodeError> {
        let read = || {
            let mut reader = SliceReader::new(encoded)?;
            let this = Self::read(&mut reader)?;
            reader.finish()?;
            Ok(this)
        };
        read().map_err(|defect: Defect| defect.of("MechTypeList"))
    }

    /// The mechanisms, the most preferred first.
    pub fn iter(self) -> impl Iterator<Item = MechType<'a>> {
        let content = SliceReader::new(self.encoded)
            .map_err(Defect::from)
            .and_then(|mut reader| primitive(&mut reader, "mechTypes", Tag::Sequence));
        let mut reader = SliceReader::new(content.unwrap_or_default()).ok();
        core::iter::from_fn(move || {
            let reader = reader.as_mut().filter(|reader| !reader.is_finished())?;
            primitive(reader, "MechType", Tag::ObjectIdentifier).ok().map(MechType)
        })
    }

    /// The DER encoding (`30 …`), the input of `mechListMIC` ([RFC 4178] §5).
    #[must_use]
    pub fn as_der(self) -> &'a [u8] {
        self.encoded
    }

    /// Encodes a list.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if that is longer than DER can say.
    pub fn encode(mechs: &[MechType<'_>]) -> Result<Vec<u8>, ApiMisuse> {
        let mut content = Vec::new();
        for mech in mechs {
            push_header(&mut content, Tag::ObjectIdentifier, mech.0.len())?;
            content.extend(mech.0);
        }
        let mut out = Vec::with_capacity(tlv_length(Tag::Sequence, content.len())?);
        push_header(&mut out, Tag::Sequence, content.len())?;
        out.extend(content);
        Ok(out)
    }
}
