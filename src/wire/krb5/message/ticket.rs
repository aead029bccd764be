//! Tickets ([RFC 4120] §5.3).

use super::asn1::{
    Written, bits, constant, decode, int32, list, message, name, octets, principal, put, put_bits,
    put_field, put_int32, put_list_field, put_message, put_name, put_octets, put_option,
    put_string, put_time, required, string, time, unknown,
};
use super::{Element, EncryptedData, EncryptionKey, KerberosTime, TicketFlags};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, context, fields, nested, whole};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use core::fmt;
use der::{SliceReader, Tag};

const TICKET: u32 = 1;
const ENC_TICKET_PART: u32 = 3;
const VERSION: i32 = 5;

/// `Ticket` ([RFC 4120] §5.3).
///
/// ```text
/// [APPLICATION 1] SEQUENCE {
///     tkt-vno [0] INTEGER (5), realm [1] Realm, sname [2] PrincipalName,
///     enc-part [3] EncryptedData  -- EncTicketPart
/// }
/// ```
///
/// It keeps its bytes, because a client passes them on as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket<'a> {
    der: &'a [u8],
    /// `realm` and `sname`: the service.
    pub server: Principal<'a>,
    /// `enc-part`.
    pub enc_part: EncryptedData<'a>,
}

/// A ciphertext may be worth guessing at; only its length is shown.
impl fmt::Debug for Ticket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket")
            .field("server", &self.server)
            .field("enc_part", &self.enc_part)
            .finish_non_exhaustive()
    }
}

impl<'a> Ticket<'a> {
    /// Decodes a ticket.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("Ticket", der, Self::read)
    }

    pub(super) fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let der = whole(&mut reader.clone(), "Ticket", super::asn1::application(TICKET))?;
        message(reader, "Ticket", TICKET, |body| {
            let (mut realm, mut sname, mut enc_part) = (None, None, None);
            let mut version = None;
            fields(body, |number, field| {
                match number {
                    0 => version = Some(constant(field, "tkt-vno", VERSION)?),
                    1 => realm = Some(string(field, "realm")?),
                    2 => sname = Some(name(field, "sname")?),
                    3 => enc_part = Some(EncryptedData::read(field)?),
                    _ => return unknown(field),
                }
                Ok(())
            })?;
            required(body, "tkt-vno", version)?;
            let realm = required(body, "realm", realm)?;
            let server = principal(realm, required(body, "sname", sname)?);
            Ok(Self { der, server, enc_part: required(body, "enc-part", enc_part)? })
        })
    }

    /// The bytes as they were received.
    #[must_use]
    pub fn as_der(&self) -> &'a [u8] {
        self.der
    }

    /// Appends a ticket of its parts.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(
        server: &Principal<'_>,
        enc_part: &EncryptedData<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ApiMisuse> {
        put_message(out, TICKET, |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_string(out, server.realm))?;
            put_field(out, 2, |out| put_name(out, server))?;
            put_field(out, 3, |out| enc_part.encode(out))
        })
    }

    pub(super) fn put(out: &mut Vec<u8>, this: &Self) -> Written {
        out.extend(this.der);
        Ok(())
    }
}

/// `EncTicketPart` ([RFC 4120] §5.3): what only the service and the KDC can read.
///
/// ```text
/// [APPLICATION 3] SEQUENCE {
///     flags [0] TicketFlags, key [1] EncryptionKey, crealm [2] Realm, cname [3] PrincipalName,
///     transited [4] TransitedEncoding, authtime [5] KerberosTime,
///     starttime [6] KerberosTime OPTIONAL, endtime [7] KerberosTime,
///     renew-till [8] KerberosTime OPTIONAL, caddr [9] HostAddresses OPTIONAL,
///     authorization-data [10] AuthorizationData OPTIONAL
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncTicketPart<'a> {
    /// `flags`, with those that have no name.
    pub flags: TicketFlags,
    /// `key`, the session key.
    pub key: EncryptionKey<'a>,
    /// `crealm` and `cname`.
    pub client: Principal<'a>,
    /// `transited`.
    pub transited: TransitedEncoding<'a>,
    /// `authtime`.
    pub auth_time: KerberosTime,
    /// `starttime`; `authtime` holds if it is absent.
    pub start_time: Option<KerberosTime>,
    /// `endtime`.
    pub end_time: KerberosTime,
    /// `renew-till`.
    pub renew_till: Option<KerberosTime>,
    /// `caddr`; empty if it is absent, too.
    pub addresses: Vec<Element<'a>>,
    /// `authorization-data`; empty if it is absent, too.
    pub authorization_data: Vec<Element<'a>>,
}

/// `TransitedEncoding` ([RFC 4120] §5.3): the realms between the client's and the service's.
///
/// ```text
/// SEQUENCE { tr-type [0] Int32, contents [1] OCTET STRING }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransitedEncoding<'a> {
    /// `tr-type`: 1 is `DOMAIN-X500-COMPRESS`.
    pub kind: i32,
    /// `contents`; empty if the path is direct.
    pub contents: &'a [u8],
}

impl<'a> TransitedEncoding<'a> {
    fn read(reader: &mut SliceReader<'a>) -> Result<Self, Defect> {
        nested(reader, "transited", Tag::Sequence, |reader| {
            let kind = nested(reader, "tr-type", context(0), |field| int32(field, "tr-type"))?;
            let contents =
                nested(reader, "contents", context(1), |field| octets(field, "contents"))?;
            Ok(Self { kind, contents })
        })
    }

    fn put(self, out: &mut Vec<u8>) -> Written {
        put(out, Tag::Sequence, |out| {
            put_field(out, 0, |out| put_int32(out, self.kind))?;
            put_field(out, 1, |out| put_octets(out, self.contents))
        })
    }
}

impl<'a> EncTicketPart<'a> {
    /// Decodes what was decrypted.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("EncTicketPart", der, |reader| {
            message(reader, "EncTicketPart", ENC_TICKET_PART, Self::read_body)
        })
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut flags, mut key, mut crealm, mut cname) = (None, None, None, None);
        let (mut transited, mut auth_time, mut start_time) = (None, None, None);
        let (mut end_time, mut renew_till) = (None, None);
        let (mut addresses, mut authorization_data) = (Vec::new(), Vec::new());
        fields(body, |number, field| {
            match number {
                0 => flags = Some(TicketFlags::from_bits_retain(bits(field, "flags")?)),
                1 => key = Some(EncryptionKey::read(field)?),
                2 => crealm = Some(string(field, "crealm")?),
                3 => cname = Some(name(field, "cname")?),
                4 => transited = Some(TransitedEncoding::read(field)?),
                5 => auth_time = Some(time(field, "authtime")?),
                6 => start_time = Some(time(field, "starttime")?),
                7 => end_time = Some(time(field, "endtime")?),
                8 => renew_till = Some(time(field, "renew-till")?),
                9 => addresses = list(field, "caddr", Element::read)?,
                10 => authorization_data = list(field, "authorization-data", Element::read)?,
                _ => return unknown(field),
            }
            Ok(())
        })?;
        let crealm = required(body, "crealm", crealm)?;
        Ok(Self {
            flags: required(body, "flags", flags)?,
            key: required(body, "key", key)?,
            client: principal(crealm, required(body, "cname", cname)?),
            transited: required(body, "transited", transited)?,
            auth_time: required(body, "authtime", auth_time)?,
            start_time,
            end_time: required(body, "endtime", end_time)?,
            renew_till,
            addresses,
            authorization_data,
        })
    }

    /// Appends it. `out` holds a key then.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, ENC_TICKET_PART, |out| {
            put_field(out, 0, |out| put_bits(out, self.flags.bits()))?;
            put_field(out, 1, |out| self.key.encode(out))?;
            put_field(out, 2, |out| put_string(out, self.client.realm))?;
            put_field(out, 3, |out| put_name(out, &self.client))?;
            put_field(out, 4, |out| self.transited.put(out))?;
            put_field(out, 5, |out| put_time(out, self.auth_time))?;
            put_option(out, 6, self.start_time, put_time)?;
            put_field(out, 7, |out| put_time(out, self.end_time))?;
            put_option(out, 8, self.renew_till, put_time)?;
            put_list_field(out, 9, &self.addresses, Element::put)?;
            put_list_field(out, 10, &self.authorization_data, Element::put)
        })
    }
}
