//! Requests to the KDC ([RFC 4120] §5.4.1).

use super::asn1::{
    Written, bits, constant, decode, int32, list, message, microseconds, name, principal, put,
    put_bits, put_field, put_int32, put_list, put_list_field, put_message, put_name, put_option,
    put_string, put_time, put_uint32, required, string, time, uint32, unknown,
};
use super::{Element, EncryptedData, KdcOptions, KerberosTime, Ticket};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, fields, nested, whole};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use der::{SliceReader, Tag};

const VERSION: i32 = 5;

/// Which request it is.
/// See [RFC 4120] §5.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KdcReqKind {
    /// `AS-REQ`.
    As,
    /// `TGS-REQ`.
    Tgs,
}

impl KdcReqKind {
    fn name(self) -> &'static str {
        match self {
            Self::As => "AS-REQ",
            Self::Tgs => "TGS-REQ",
        }
    }

    /// Both of the application tag and of `msg-type`.
    fn number(self) -> u8 {
        match self {
            Self::As => 10,
            Self::Tgs => 12,
        }
    }
}

/// `AS-REQ` or `TGS-REQ` ([RFC 4120] §5.4.1).
///
/// ```text
/// [APPLICATION 10 or 12] SEQUENCE {
///     pvno [1] INTEGER (5), msg-type [2] INTEGER (10 or 12),
///     padata [3] SEQUENCE OF PA-DATA OPTIONAL, req-body [4] KDC-REQ-BODY
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdcReq<'a> {
    /// Which one it is.
    pub kind: KdcReqKind,
    /// `padata`.
    pub padata: Vec<Element<'a>>,
    /// `req-body` in DER, which a checksum in `padata` may run over ([RFC 4120] §7.2.2); see
    /// [`KdcReqBody`].
    pub req_body: &'a [u8],
}

impl<'a> KdcReq<'a> {
    /// Decodes a request, but not its body.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none of this kind.
    pub fn decode(kind: KdcReqKind, der: &'a [u8]) -> Result<Self, DecodeError> {
        decode(kind.name(), der, |reader| {
            message(reader, kind.name(), kind.number().into(), |body| Self::read_body(kind, body))
        })
    }

    fn read_body(kind: KdcReqKind, body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut msg_type, mut req_body) = (None, None, None);
        let mut padata = Vec::new();
        fields(body, |number, field| {
            match number {
                1 => version = Some(constant(field, "pvno", VERSION)?),
                2 => msg_type = Some(constant(field, "msg-type", kind.number().into())?),
                3 => padata = list(field, "padata", Element::read_pa_data)?,
                4 => req_body = Some(whole(field, "req-body", Tag::Sequence)?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "pvno", version)?;
        required(body, "msg-type", msg_type)?;
        Ok(Self { kind, padata, req_body: required(body, "req-body", req_body)? })
    }

    /// Appends the request.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, self.kind.number().into(), |out| {
            put_field(out, 1, |out| put_int32(out, VERSION))?;
            put_field(out, 2, |out| put_int32(out, self.kind.number().into()))?;
            put_list_field(out, 3, &self.padata, Element::put_pa_data)?;
            put_field(out, 4, |out| {
                out.extend(self.req_body);
                Ok(())
            })
        })
    }
}

/// `KDC-REQ-BODY` ([RFC 4120] §5.4.1).
///
/// ```text
/// SEQUENCE {
///     kdc-options [0] KDCOptions, cname [1] PrincipalName OPTIONAL, realm [2] Realm,
///     sname [3] PrincipalName OPTIONAL, from [4] KerberosTime OPTIONAL, till [5] KerberosTime,
///     rtime [6] KerberosTime OPTIONAL, nonce [7] UInt32, etype [8] SEQUENCE OF Int32,
///     addresses [9] HostAddresses OPTIONAL,
///     enc-authorization-data [10] EncryptedData OPTIONAL,
///     additional-tickets [11] SEQUENCE OF Ticket OPTIONAL
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdcReqBody<'a> {
    /// `kdc-options`, with those that have no name.
    pub kdc_options: KdcOptions,
    /// `cname`, of an AS-REQ, in the same realm.
    pub client: Option<Principal<'a>>,
    /// `realm` and `sname`, which is empty if it is absent.
    pub server: Principal<'a>,
    /// `from`.
    pub from: Option<KerberosTime>,
    /// `till`.
    pub till: KerberosTime,
    /// `rtime`.
    pub rtime: Option<KerberosTime>,
    /// `nonce`.
    pub nonce: u32,
    /// `etype`: encryption types, the most wanted first.
    pub etypes: Vec<i32>,
    /// `addresses`.
    pub addresses: Vec<Element<'a>>,
    /// `enc-authorization-data`.
    pub enc_authorization_data: Option<EncryptedData<'a>>,
    /// `additional-tickets`.
    pub additional_tickets: Vec<Ticket<'a>>,
}

impl<'a> KdcReqBody<'a> {
    /// Decodes a body.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("KDC-REQ-BODY", der, |reader| {
            nested(reader, "KDC-REQ-BODY", Tag::Sequence, Self::read_body)
        })
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut kdc_options, mut cname, mut realm, mut sname) = (None, None, None, None);
        let (mut from, mut till, mut rtime, mut nonce) = (None, None, None, None);
        let (mut etypes, mut addresses) = (None, Vec::new());
        let (mut enc_authorization_data, mut additional_tickets) = (None, Vec::new());
        fields(body, |number, field| {
            match number {
                0 => kdc_options = Some(KdcOptions::from_bits_retain(bits(field, "kdc-options")?)),
                1 => cname = Some(name(field, "cname")?),
                2 => realm = Some(string(field, "realm")?),
                3 => sname = Some(name(field, "sname")?),
                4 => from = Some(time(field, "from")?),
                5 => till = Some(time(field, "till")?),
                6 => rtime = Some(time(field, "rtime")?),
                7 => nonce = Some(uint32(field, "nonce")?),
                8 => etypes = Some(list(field, "etype", |each| int32(each, "etype"))?),
                9 => addresses = list(field, "addresses", Element::read)?,
                10 => enc_authorization_data = Some(EncryptedData::read(field)?),
                11 => additional_tickets = list(field, "additional-tickets", Ticket::read)?,
                _ => return unknown(field),
            }
            Ok(())
        })?;
        let realm = required(body, "realm", realm)?;
        Ok(Self {
            kdc_options: required(body, "kdc-options", kdc_options)?,
            client: cname.map(|cname| principal(realm, cname)),
            server: principal(realm, sname.unwrap_or_default()),
            from,
            till: required(body, "till", till)?,
            rtime,
            nonce: required(body, "nonce", nonce)?,
            etypes: required(body, "etype", etypes)?,
            addresses,
            enc_authorization_data,
            additional_tickets,
        })
    }

    /// Appends the body.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let sname = Some(&self.server).filter(|server| !server.components.is_empty());
        put(out, Tag::Sequence, |out| {
            put_field(out, 0, |out| put_bits(out, self.kdc_options.bits()))?;
            put_option(out, 1, self.client.as_ref(), put_name)?;
            put_field(out, 2, |out| put_string(out, self.server.realm))?;
            put_option(out, 3, sname, put_name)?;
            put_option(out, 4, self.from, put_time)?;
            put_field(out, 5, |out| put_time(out, self.till))?;
            put_option(out, 6, self.rtime, put_time)?;
            // As MIT and Windows have it.
            put_field(out, 7, |out| put_int32(out, self.nonce.cast_signed()))?;
            put_field(out, 8, |out| put_list(out, &self.etypes, put_etype))?;
            put_list_field(out, 9, &self.addresses, Element::put)?;
            put_option(out, 10, self.enc_authorization_data, |out, data| data.encode(out))?;
            put_list_field(out, 11, &self.additional_tickets, Ticket::put)
        })
    }
}

fn put_etype(out: &mut Vec<u8>, etype: &i32) -> Written {
    put_int32(out, *etype)
}

/// `PA-ENC-TS-ENC` ([RFC 4120] §5.2.7.2): shows that the client knows its key, now.
///
/// ```text
/// SEQUENCE { patimestamp [0] KerberosTime, pausec [1] Microseconds OPTIONAL }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaEncTsEnc {
    /// `patimestamp`.
    pub patimestamp: KerberosTime,
    /// `pausec`.
    pub pausec: Option<u32>,
}

impl PaEncTsEnc {
    /// Decodes what was decrypted.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &[u8]) -> Result<Self, DecodeError> {
        decode("PA-ENC-TS-ENC", der, |reader| {
            nested(reader, "PA-ENC-TS-ENC", Tag::Sequence, |body| {
                let (mut patimestamp, mut pausec) = (None, None);
                fields(body, |number, field| {
                    match number {
                        0 => patimestamp = Some(time(field, "patimestamp")?),
                        1 => pausec = Some(microseconds(field, "pausec")?),
                        _ => return unknown(field),
                    }
                    Ok(())
                })?;
                Ok(Self { patimestamp: required(body, "patimestamp", patimestamp)?, pausec })
            })
        })
    }

    /// Appends it.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if the time lies beyond the year 9999.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put(out, Tag::Sequence, |out| {
            put_field(out, 0, |out| put_time(out, self.patimestamp))?;
            put_option(out, 1, self.pausec, put_uint32)
        })
    }
}
