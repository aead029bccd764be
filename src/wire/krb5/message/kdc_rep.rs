//! Answers of the KDC ([RFC 4120] §5.4.2).

use super::asn1::{
    application, bits, constant, decode, int32, list, message, name, octets, principal, put,
    put_bits, put_field, put_int32, put_list, put_list_field, put_message, put_name, put_octets,
    put_option, put_string, put_time, required, string, time, uint32, unknown,
};
use super::{Element, EncryptedData, EncryptionKey, KdcReqKind, KerberosTime, Ticket, TicketFlags};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, context, fields, nested};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use der::{SliceReader, Tag};

const VERSION: i32 = 5;

/// The names and numbers of an answer; its application tag is that of `msg-type`.
fn answer(kind: KdcReqKind) -> (&'static str, u8) {
    match kind {
        KdcReqKind::As => ("AS-REP", 11),
        KdcReqKind::Tgs => ("TGS-REP", 13),
    }
}

/// `AS-REP` or `TGS-REP` ([RFC 4120] §5.4.2).
///
/// ```text
/// [APPLICATION 11 or 13] SEQUENCE {
///     pvno [0] INTEGER (5), msg-type [1] INTEGER (11 or 13),
///     padata [2] SEQUENCE OF PA-DATA OPTIONAL, crealm [3] Realm, cname [4] PrincipalName,
///     ticket [5] Ticket, enc-part [6] EncryptedData
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KdcRep<'a> {
    /// What it answers.
    pub kind: KdcReqKind,
    /// `padata`.
    pub padata: Vec<Element<'a>>,
    /// `crealm` and `cname`.
    pub client: Principal<'a>,
    /// `ticket`.
    pub ticket: Ticket<'a>,
    /// `enc-part`: an [`EncKdcRepPart`].
    pub enc_part: EncryptedData<'a>,
}

impl<'a> KdcRep<'a> {
    /// Decodes an answer.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none to this kind of request.
    pub fn decode(kind: KdcReqKind, der: &'a [u8]) -> Result<Self, DecodeError> {
        let (title, number) = answer(kind);
        decode(title, der, |reader| {
            message(reader, title, number.into(), |body| Self::read_body(kind, body))
        })
    }

    fn read_body(kind: KdcReqKind, body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut msg_type, mut padata) = (None, None, Vec::new());
        let (mut crealm, mut cname, mut ticket, mut enc_part) = (None, None, None, None);
        fields(body, |number, field| {
            match number {
                0 => version = Some(constant(field, "pvno", VERSION)?),
                1 => msg_type = Some(constant(field, "msg-type", answer(kind).1.into())?),
                2 => padata = list(field, "padata", Element::read_pa_data)?,
                3 => crealm = Some(string(field, "crealm")?),
                4 => cname = Some(name(field, "cname")?),
                5 => ticket = Some(Ticket::read(field)?),
                6 => enc_part = Some(EncryptedData::read(field)?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "pvno", version)?;
        required(body, "msg-type", msg_type)?;
        let crealm = required(body, "crealm", crealm)?;
        Ok(Self {
            kind,
            padata,
            client: principal(crealm, required(body, "cname", cname)?),
            ticket: required(body, "ticket", ticket)?,
            enc_part: required(body, "enc-part", enc_part)?,
        })
    }

    /// Appends the answer.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let (_, number) = answer(self.kind);
        put_message(out, number.into(), |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_int32(out, number.into()))?;
            put_list_field(out, 2, &self.padata, Element::put_pa_data)?;
            put_field(out, 3, |out| put_string(out, self.client.realm))?;
            put_field(out, 4, |out| put_name(out, &self.client))?;
            put_field(out, 5, |out| Ticket::put(out, &self.ticket))?;
            put_field(out, 6, |out| self.enc_part.encode(out))
        })
    }
}

/// `LastReq`'s element ([RFC 4120] §5.4.2).
///
/// ```text
/// SEQUENCE { lr-type [0] Int32, lr-value [1] KerberosTime }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastReq {
    /// `lr-type`: 6 is when the password expires, 7 when the account does.
    pub kind: i32,
    /// `lr-value`.
    pub value: KerberosTime,
}

impl LastReq {
    fn read(reader: &mut SliceReader<'_>) -> Result<Self, Defect> {
        nested(reader, "last-req", Tag::Sequence, |body| {
            let kind = nested(body, "lr-type", context(0), |field| int32(field, "lr-type"))?;
            let value = nested(body, "lr-value", context(1), |field| time(field, "lr-value"))?;
            Ok(Self { kind, value })
        })
    }

    fn put(out: &mut Vec<u8>, this: &Self) -> super::asn1::Written {
        put(out, Tag::Sequence, |out| {
            put_field(out, 0, |out| put_int32(out, this.kind))?;
            put_field(out, 1, |out| put_time(out, this.value))
        })
    }
}

/// `EncASRepPart` or `EncTGSRepPart` ([RFC 4120] §5.4.2): what only the client can read.
///
/// ```text
/// [APPLICATION 25 or 26] SEQUENCE {
///     key [0] EncryptionKey, last-req [1] LastReq, nonce [2] UInt32,
///     key-expiration [3] KerberosTime OPTIONAL, flags [4] TicketFlags,
///     authtime [5] KerberosTime, starttime [6] KerberosTime OPTIONAL, endtime [7] KerberosTime,
///     renew-till [8] KerberosTime OPTIONAL, srealm [9] Realm, sname [10] PrincipalName,
///     caddr [11] HostAddresses OPTIONAL,
///     encrypted-pa-data [12] SEQUENCE OF PA-DATA OPTIONAL  -- [RFC 6806] §11
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncKdcRepPart<'a> {
    /// `key`, the session key.
    pub key: EncryptionKey<'a>,
    /// `last-req`.
    pub last_req: Vec<LastReq>,
    /// `nonce` of the request.
    pub nonce: u32,
    /// `key-expiration`.
    pub key_expiration: Option<KerberosTime>,
    /// `flags`, with those that have no name.
    pub flags: TicketFlags,
    /// `authtime`.
    pub auth_time: KerberosTime,
    /// `starttime`.
    pub start_time: Option<KerberosTime>,
    /// `endtime`.
    pub end_time: KerberosTime,
    /// `renew-till`.
    pub renew_till: Option<KerberosTime>,
    /// `srealm` and `sname`.
    pub server: Principal<'a>,
    /// `caddr`.
    pub addresses: Vec<Element<'a>>,
    /// `encrypted-pa-data`.
    pub encrypted_pa_data: Vec<Element<'a>>,
}

impl<'a> EncKdcRepPart<'a> {
    /// Decodes what was decrypted; an AS-REP may have either tag ([RFC 4120] §5.4.2).
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        const TITLE: &str = "EncKDCRepPart";
        decode(TITLE, der, |reader| {
            let number = match Tag::peek(reader) {
                Ok(tag) if tag == application(25) => 25,
                _ => 26,
            };
            message(reader, TITLE, number, Self::read_body)
        })
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut key, mut last_req, mut nonce, mut key_expiration) = (None, None, None, None);
        let (mut flags, mut auth_time, mut start_time) = (None, None, None);
        let (mut end_time, mut renew_till, mut srealm, mut sname) = (None, None, None, None);
        let (mut addresses, mut encrypted_pa_data) = (Vec::new(), Vec::new());
        fields(body, |number, field| {
            match number {
                0 => key = Some(EncryptionKey::read(field)?),
                1 => last_req = Some(list(field, "last-req", LastReq::read)?),
                2 => nonce = Some(uint32(field, "nonce")?),
                3 => key_expiration = Some(time(field, "key-expiration")?),
                4 => flags = Some(TicketFlags::from_bits_retain(bits(field, "flags")?)),
                5 => auth_time = Some(time(field, "authtime")?),
                6 => start_time = Some(time(field, "starttime")?),
                7 => end_time = Some(time(field, "endtime")?),
                8 => renew_till = Some(time(field, "renew-till")?),
                9 => srealm = Some(string(field, "srealm")?),
                10 => sname = Some(name(field, "sname")?),
                11 => addresses = list(field, "caddr", Element::read)?,
                12 => {
                    encrypted_pa_data = list(field, "encrypted-pa-data", Element::read_pa_data)?;
                }
                _ => return unknown(field),
            }
            Ok(())
        })?;
        let srealm = required(body, "srealm", srealm)?;
        Ok(Self {
            key: required(body, "key", key)?,
            last_req: required(body, "last-req", last_req)?,
            nonce: required(body, "nonce", nonce)?,
            key_expiration,
            flags: required(body, "flags", flags)?,
            auth_time: required(body, "authtime", auth_time)?,
            start_time,
            end_time: required(body, "endtime", end_time)?,
            renew_till,
            server: principal(srealm, required(body, "sname", sname)?),
            addresses,
            encrypted_pa_data,
        })
    }

    /// Appends it, with the tag that answers such a request. `out` holds a key then.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, kind: KdcReqKind, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let number = match kind {
            KdcReqKind::As => 25,
            KdcReqKind::Tgs => 26,
        };
        put_message(out, number, |out| {
            put_field(out, 0, |out| self.key.encode(out))?;
            put_field(out, 1, |out| put_list(out, &self.last_req, LastReq::put))?;
            put_field(out, 2, |out| put_int32(out, self.nonce.cast_signed()))?;
            put_option(out, 3, self.key_expiration, put_time)?;
            put_field(out, 4, |out| put_bits(out, self.flags.bits()))?;
            put_field(out, 5, |out| put_time(out, self.auth_time))?;
            put_option(out, 6, self.start_time, put_time)?;
            put_field(out, 7, |out| put_time(out, self.end_time))?;
            put_option(out, 8, self.renew_till, put_time)?;
            put_field(out, 9, |out| put_string(out, self.server.realm))?;
            put_field(out, 10, |out| put_name(out, &self.server))?;
            put_list_field(out, 11, &self.addresses, Element::put)?;
            put_list_field(out, 12, &self.encrypted_pa_data, Element::put_pa_data)
        })
    }
}

/// An element of `ETYPE-INFO2` ([RFC 4120] §5.2.7.5): how the KDC makes the client's key.
///
/// ```text
/// SEQUENCE { etype [0] Int32, salt [1] KerberosString OPTIONAL, s2kparams [2] OCTET STRING OPTIONAL }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtypeInfo2Entry<'a> {
    /// `etype`.
    pub etype: i32,
    /// `salt`; the default one if it is absent.
    pub salt: Option<&'a str>,
    /// `s2kparams`.
    pub s2kparams: Option<&'a [u8]>,
}

impl<'a> EtypeInfo2Entry<'a> {
    /// Decodes `ETYPE-INFO2`, the most wanted first.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none or has more than 128 elements.
    pub fn decode_list(der: &'a [u8]) -> Result<Vec<Self>, DecodeError> {
        decode("ETYPE-INFO2", der, |reader| list(reader, "ETYPE-INFO2", Self::read))
    }

    fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        nested(reader, "ETYPE-INFO2-ENTRY", Tag::Sequence, |body| {
            let (mut etype, mut salt, mut s2kparams) = (None, None, None);
            fields(body, |number, field| {
                match number {
                    0 => etype = Some(int32(field, "etype")?),
                    1 => salt = Some(string(field, "salt")?),
                    2 => s2kparams = Some(octets(field, "s2kparams")?),
                    _ => return unknown(field),
                }
                Ok(())
            })?;
            Ok(Self { etype: required(body, "etype", etype)?, salt, s2kparams })
        })
    }

    /// Appends `ETYPE-INFO2`.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode_list(list: &[Self], out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_list(out, list, |out, this| {
            put(out, Tag::Sequence, |out| {
                put_field(out, 0, |out| put_int32(out, this.etype))?;
                put_option(out, 1, this.salt, put_string)?;
                put_option(out, 2, this.s2kparams, put_octets)
            })
        })
    }
}
