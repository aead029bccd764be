//! The client/server exchange ([RFC 4120] §5.5).

use super::asn1::{
    bits, constant, decode, list, message, microseconds, name, principal, put_bits, put_field,
    put_int32, put_list_field, put_message, put_name, put_option, put_string, put_time, put_uint32,
    required, string, time, uint32, unknown,
};
use super::{ApOptions, Checksum, Element, EncryptedData, EncryptionKey, KerberosTime, Ticket};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, fields};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use der::SliceReader;

const VERSION: i32 = 5;
const AUTHENTICATOR: u32 = 2;
const AP_REQ: u32 = 14;
const AP_REP: u32 = 15;
const ENC_AP_REP_PART: u32 = 27;

/// `msg-type` of the messages of this exchange ([RFC 4120] §7.5.7).
const AP_REQ_TYPE: i32 = 14;
const AP_REP_TYPE: i32 = 15;

/// `AP-REQ` ([RFC 4120] §5.5.1).
///
/// ```text
/// [APPLICATION 14] SEQUENCE {
///     pvno [0] INTEGER (5), msg-type [1] INTEGER (14), ap-options [2] APOptions,
///     ticket [3] Ticket, authenticator [4] EncryptedData  -- Authenticator
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApReq<'a> {
    /// `ap-options`, with those that have no name.
    pub ap_options: ApOptions,
    /// `ticket`.
    pub ticket: Ticket<'a>,
    /// `authenticator`.
    pub authenticator: EncryptedData<'a>,
}

impl<'a> ApReq<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none; of field `pvno` or `msg-type` if it is another message.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("AP-REQ", der, |reader| message(reader, "AP-REQ", AP_REQ, Self::read_body))
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut msg_type, mut ap_options) = (None, None, None);
        let (mut ticket, mut authenticator) = (None, None);
        fields(body, |number, field| {
            match number {
                0 => version = Some(constant(field, "pvno", VERSION)?),
                1 => msg_type = Some(constant(field, "msg-type", AP_REQ_TYPE)?),
                2 => ap_options = Some(ApOptions::from_bits_retain(bits(field, "ap-options")?)),
                3 => ticket = Some(Ticket::read(field)?),
                4 => authenticator = Some(EncryptedData::read(field)?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "pvno", version)?;
        required(body, "msg-type", msg_type)?;
        Ok(Self {
            ap_options: required(body, "ap-options", ap_options)?,
            ticket: required(body, "ticket", ticket)?,
            authenticator: required(body, "authenticator", authenticator)?,
        })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, AP_REQ, |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_int32(out, AP_REQ_TYPE))?;
            put_field(out, 2, |out| put_bits(out, self.ap_options.bits()))?;
            put_field(out, 3, |out| Ticket::put(out, &self.ticket))?;
            put_field(out, 4, |out| self.authenticator.encode(out))
        })
    }
}

/// `Authenticator` ([RFC 4120] §5.5.1): shows that the client knows the session key, now.
///
/// ```text
/// [APPLICATION 2] SEQUENCE {
///     authenticator-vno [0] INTEGER (5), crealm [1] Realm, cname [2] PrincipalName,
///     cksum [3] Checksum OPTIONAL, cusec [4] Microseconds, ctime [5] KerberosTime,
///     subkey [6] EncryptionKey OPTIONAL, seq-number [7] UInt32 OPTIONAL,
///     authorization-data [8] AuthorizationData OPTIONAL
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticator<'a> {
    /// `crealm` and `cname`.
    pub client: Principal<'a>,
    /// `cksum`.
    pub checksum: Option<Checksum<'a>>,
    /// `cusec`, microseconds of the client's time.
    pub cusec: u32,
    /// `ctime`, the client's time.
    pub ctime: KerberosTime,
    /// `subkey`.
    pub subkey: Option<EncryptionKey<'a>>,
    /// `seq-number`.
    pub seq_number: Option<u32>,
    /// `authorization-data`; empty if it is absent, too.
    pub authorization_data: Vec<Element<'a>>,
}

impl<'a> Authenticator<'a> {
    /// Decodes what was decrypted.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("Authenticator", der, |reader| {
            message(reader, "Authenticator", AUTHENTICATOR, Self::read_body)
        })
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut crealm, mut cname, mut checksum) = (None, None, None, None);
        let (mut cusec, mut ctime, mut subkey, mut seq_number) = (None, None, None, None);
        let mut authorization_data = Vec::new();
        fields(body, |number, field| {
            match number {
                0 => version = Some(constant(field, "authenticator-vno", VERSION)?),
                1 => crealm = Some(string(field, "crealm")?),
                2 => cname = Some(name(field, "cname")?),
                3 => checksum = Some(Checksum::read(field)?),
                4 => cusec = Some(microseconds(field, "cusec")?),
                5 => ctime = Some(time(field, "ctime")?),
                6 => subkey = Some(EncryptionKey::read(field)?),
                7 => seq_number = Some(uint32(field, "seq-number")?),
                8 => authorization_data = list(field, "authorization-data", Element::read)?,
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "authenticator-vno", version)?;
        let crealm = required(body, "crealm", crealm)?;
        Ok(Self {
            client: principal(crealm, required(body, "cname", cname)?),
            checksum,
            cusec: required(body, "cusec", cusec)?,
            ctime: required(body, "ctime", ctime)?,
            subkey,
            seq_number,
            authorization_data,
        })
    }

    /// Appends it. `out` holds a key then, if there is a subkey.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, AUTHENTICATOR, |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_string(out, self.client.realm))?;
            put_field(out, 2, |out| put_name(out, &self.client))?;
            put_option(out, 3, self.checksum, |out, checksum| checksum.put(out))?;
            put_field(out, 4, |out| put_uint32(out, self.cusec))?;
            put_field(out, 5, |out| put_time(out, self.ctime))?;
            put_option(out, 6, self.subkey, |out, subkey| subkey.encode(out))?;
            put_option(out, 7, self.seq_number, put_uint32)?;
            put_list_field(out, 8, &self.authorization_data, Element::put)
        })
    }
}

/// `AP-REP` ([RFC 4120] §5.5.2).
///
/// ```text
/// [APPLICATION 15] SEQUENCE {
///     pvno [0] INTEGER (5), msg-type [1] INTEGER (15), enc-part [2] EncryptedData
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApRep<'a> {
    /// `enc-part`: an [`EncApRepPart`].
    pub enc_part: EncryptedData<'a>,
}

impl<'a> ApRep<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("AP-REP", der, |reader| message(reader, "AP-REP", AP_REP, Self::read_body))
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut msg_type, mut enc_part) = (None, None, None);
        fields(body, |number, field| {
            match number {
                0 => version = Some(constant(field, "pvno", VERSION)?),
                1 => msg_type = Some(constant(field, "msg-type", AP_REP_TYPE)?),
                2 => enc_part = Some(EncryptedData::read(field)?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "pvno", version)?;
        required(body, "msg-type", msg_type)?;
        Ok(Self { enc_part: required(body, "enc-part", enc_part)? })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, AP_REP, |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_int32(out, AP_REP_TYPE))?;
            put_field(out, 2, |out| self.enc_part.encode(out))
        })
    }
}

/// `EncAPRepPart` ([RFC 4120] §5.5.2): shows that the server knows the session key.
///
/// ```text
/// [APPLICATION 27] SEQUENCE {
///     ctime [0] KerberosTime, cusec [1] Microseconds,
///     subkey [2] EncryptionKey OPTIONAL, seq-number [3] UInt32 OPTIONAL
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncApRepPart<'a> {
    /// `ctime` of the authenticator.
    pub ctime: KerberosTime,
    /// `cusec` of the authenticator.
    pub cusec: u32,
    /// `subkey`.
    pub subkey: Option<EncryptionKey<'a>>,
    /// `seq-number`.
    pub seq_number: Option<u32>,
}

impl<'a> EncApRepPart<'a> {
    /// Decodes what was decrypted.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("EncAPRepPart", der, |reader| {
            message(reader, "EncAPRepPart", ENC_AP_REP_PART, Self::read_body)
        })
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut ctime, mut cusec, mut subkey, mut seq_number) = (None, None, None, None);
        fields(body, |number, field| {
            match number {
                0 => ctime = Some(time(field, "ctime")?),
                1 => cusec = Some(microseconds(field, "cusec")?),
                2 => subkey = Some(EncryptionKey::read(field)?),
                3 => seq_number = Some(uint32(field, "seq-number")?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        let ctime = required(body, "ctime", ctime)?;
        Ok(Self { ctime, cusec: required(body, "cusec", cusec)?, subkey, seq_number })
    }

    /// Appends it. `out` holds a key then, if there is a subkey.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        put_message(out, ENC_AP_REP_PART, |out| {
            put_field(out, 0, |out| put_time(out, self.ctime))?;
            put_field(out, 1, |out| put_uint32(out, self.cusec))?;
            put_option(out, 2, self.subkey, |out, subkey| subkey.encode(out))?;
            put_option(out, 3, self.seq_number, put_uint32)
        })
    }
}
