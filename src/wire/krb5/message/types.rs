//! Types that several messages have.

use super::asn1::{
    Written, decode, int32, list, octets, put, put_field, put_int32, put_list, put_octets,
    put_option, required, uint32, unknown,
};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, context, fields, nested};
use alloc::vec::Vec;
use core::fmt;
use der::{SliceReader, Tag};

/// `KerberosTime` ([RFC 4120] §5.2.3): whole seconds, here since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KerberosTime(u64);

impl KerberosTime {
    /// A time of `seconds` since 1970-01-01 UTC.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn unix_seconds(self) -> u64 {
        self.0
    }
}

/// `EncryptedData` ([RFC 4120] §5.2.9).
///
/// ```text
/// SEQUENCE { etype [0] Int32, kvno [1] UInt32 OPTIONAL, cipher [2] OCTET STRING }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EncryptedData<'a> {
    /// `etype`.
    pub etype: i32,
    /// `kvno`, which Windows and MIT write as a signed number; -1 is read as 2³²-1.
    pub kvno: Option<u32>,
    /// `cipher`.
    pub cipher: &'a [u8],
}

/// A ciphertext may be worth guessing at; only its length is shown.
impl fmt::Debug for EncryptedData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedData")
            .field("etype", &self.etype)
            .field("kvno", &self.kvno)
            .field("cipher", &self.cipher.len())
            .finish()
    }
}

impl<'a> EncryptedData<'a> {
    /// Decodes it by itself.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("EncryptedData", der, Self::read)
    }

    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        nested(reader, "EncryptedData", Tag::Sequence, |body| {
            let (mut etype, mut kvno, mut cipher) = (None, None, None);
            fields(body, |number, field| {
                match number {
                    0 => etype = Some(int32(field, "etype")?),
                    1 => kvno = Some(uint32(field, "kvno")?),
                    2 => cipher = Some(octets(field, "cipher")?),
                    _ => return unknown(field),
                }
                Ok(())
            })?;
            let etype = required(body, "etype", etype)?;
            Ok(Self { etype, kvno, cipher: required(body, "cipher", cipher)? })
        })
    }

    /// Appends it.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put(out, Tag::Sequence, |out| {
            put_field(out, 0, |out| put_int32(out, self.etype))?;
            put_option(out, 1, self.kvno, |out, kvno| put_int32(out, kvno.cast_signed()))?;
            put_field(out, 2, |out| put_octets(out, self.cipher))
        })
    }
}

/// A number and bytes, as `EncryptionKey`, `Checksum`, `TransitedEncoding`, `PA-DATA` and the
/// elements of `AuthorizationData` and `HostAddresses` are.
fn read_pair<'a>(
    reader: &mut SliceReader<'a>,
    structure: &'static str,
    first: u32,
) -> Result<(i32, &'a [u8]), Defect> {
    nested(reader, structure, Tag::Sequence, |reader| {
        let number = nested(reader, structure, context(first), |field| int32(field, structure))?;
        let second = context(first.saturating_add(1));
        Ok((number, nested(reader, structure, second, |field| octets(field, structure))?))
    })
}

fn put_pair(out: &mut Vec<u8>, first: u32, number: i32, bytes: &[u8]) -> Written {
    put(out, Tag::Sequence, |out| {
        put_field(out, first, |out| put_int32(out, number))?;
        put_field(out, first.saturating_add(1), |out| put_octets(out, bytes))
    })
}

/// `EncryptionKey` ([RFC 4120] §5.2.9).
///
/// ```text
/// SEQUENCE { keytype [0] Int32, keyvalue [1] OCTET STRING }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EncryptionKey<'a> {
    /// `keytype`, an encryption type.
    pub key_type: i32,
    /// `keyvalue`, a secret.
    pub value: &'a [u8],
}

impl fmt::Debug for EncryptionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptionKey").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}

impl<'a> EncryptionKey<'a> {
    /// Decodes it by itself.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("EncryptionKey", der, Self::read)
    }

    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        read_pair(reader, "EncryptionKey", 0).map(|(key_type, value)| Self { key_type, value })
    }

    /// Appends it.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_pair(out, 0, self.key_type, self.value)
    }
}

/// `Checksum` ([RFC 4120] §5.2.9).
///
/// ```text
/// SEQUENCE { cksumtype [0] Int32, checksum [1] OCTET STRING }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum<'a> {
    /// `cksumtype`.
    pub checksum_type: i32,
    /// `checksum`.
    pub checksum: &'a [u8],
}

impl<'a> Checksum<'a> {
    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let pair = read_pair(reader, "Checksum", 0);
        pair.map(|(checksum_type, checksum)| Self { checksum_type, checksum })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) -> Written {
        put_pair(out, 0, self.checksum_type, self.checksum)
    }
}

/// An element of `AuthorizationData`, `HostAddresses` or `METHOD-DATA`: what it is and its bytes.
/// See [RFC 4120] §5.2.5, §5.2.6, §5.2.7.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// `ad-type`, `addr-type` or `padata-type`.
    pub kind: i32,
    /// `ad-data`, `address` or `padata-value`.
    pub data: &'a [u8],
}

/// There may be a token in it; only the length is shown.
impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element").field("kind", &self.kind).field("data", &self.data.len()).finish()
    }
}

impl<'a> Element<'a> {
    /// Of `AuthorizationData` and of `HostAddresses`.
    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        read_pair(reader, "element", 0).map(|(kind, data)| Self { kind, data })
    }

    pub(super) fn put(out: &mut Vec<u8>, this: &Self) -> Written {
        put_pair(out, 0, this.kind, this.data)
    }

    /// `PA-DATA` ([RFC 4120] §5.2.7), the fields of which begin at 1.
    pub(super) fn read_pa_data(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        read_pair(reader, "PA-DATA", 1).map(|(kind, data)| Self { kind, data })
    }

    pub(super) fn put_pa_data(out: &mut Vec<u8>, this: &Self) -> Written {
        put_pair(out, 1, this.kind, this.data)
    }
}

/// Decodes `AuthorizationData` ([RFC 4120] §5.2.6), which `AD-IF-RELEVANT` holds too.
///
/// # Errors
/// [`DecodeError`] if it is none or has more than 128 elements.
pub fn decode_authorization_data(der: &[u8]) -> Result<Vec<Element<'_>>, DecodeError> {
    decode("AuthorizationData", der, |reader| list(reader, "AuthorizationData", Element::read))
}

/// Appends `AuthorizationData` ([RFC 4120] §5.2.6).
///
/// # Errors
/// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
pub fn encode_authorization_data(
    elements: &[Element<'_>],
    out: &mut Vec<u8>,
) -> Result<(), ApiMisuse> {
    put_list(out, elements, Element::put)
}

/// Decodes `METHOD-DATA` ([RFC 4120] §5.9.1), which the KDC names its conditions in.
///
/// # Errors
/// [`DecodeError`] if it is none or has more than 128 elements.
pub fn decode_method_data(der: &[u8]) -> Result<Vec<Element<'_>>, DecodeError> {
    decode("METHOD-DATA", der, |reader| list(reader, "METHOD-DATA", Element::read_pa_data))
}

/// Appends `METHOD-DATA` ([RFC 4120] §5.9.1).
///
/// # Errors
/// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
pub fn encode_method_data(elements: &[Element<'_>], out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
    put_list(out, elements, Element::put_pa_data)
}
