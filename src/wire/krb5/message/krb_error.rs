//! `KRB-ERROR` ([RFC 4120] §5.9.1).

use super::KerberosTime;
use super::asn1::{
    constant, decode, int32, message, microseconds, name, octets, principal, put_field, put_int32,
    put_message, put_name, put_octets, put_option, put_string, put_time, put_uint32, required,
    string, time, unknown,
};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::der::{Defect, fields};
use crate::wire::krb5::Principal;
use alloc::vec::Vec;
use der::SliceReader;

const VERSION: i32 = 5;
const KRB_ERROR: u32 = 30;
const KRB_ERROR_TYPE: i32 = 30;

/// `KRB-ERROR` ([RFC 4120] §5.9.1). Nothing in it is protected.
///
/// ```text
/// [APPLICATION 30] SEQUENCE {
///     pvno [0] INTEGER (5), msg-type [1] INTEGER (30),
///     ctime [2] KerberosTime OPTIONAL, cusec [3] Microseconds OPTIONAL,
///     stime [4] KerberosTime, susec [5] Microseconds, error-code [6] Int32,
///     crealm [7] Realm OPTIONAL, cname [8] PrincipalName OPTIONAL,
///     realm [9] Realm, sname [10] PrincipalName,
///     e-text [11] KerberosString OPTIONAL, e-data [12] OCTET STRING OPTIONAL
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KrbError<'a> {
    /// `ctime`, the client's time.
    pub ctime: Option<KerberosTime>,
    /// `cusec`.
    pub cusec: Option<u32>,
    /// `stime`, the server's time.
    pub stime: KerberosTime,
    /// `susec`.
    pub susec: u32,
    /// `error-code` ([RFC 4120] §7.5.9).
    pub error_code: i32,
    /// `crealm` and `cname`; what is absent is empty.
    pub client: Principal<'a>,
    /// `realm` and `sname`.
    pub server: Principal<'a>,
    /// `e-text`.
    pub e_text: Option<&'a str>,
    /// `e-data`.
    pub e_data: Option<&'a [u8]>,
}

impl<'a> KrbError<'a> {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none.
    pub fn decode(der: &'a [u8]) -> Result<Self, DecodeError> {
        decode("KRB-ERROR", der, |reader| message(reader, "KRB-ERROR", KRB_ERROR, Self::read_body))
    }

    fn read_body(body: &mut SliceReader<'a>) -> Result<Self, Defect> {
        let (mut version, mut msg_type) = (None, None);
        let (mut ctime, mut cusec, mut stime, mut susec) = (None, None, None, None);
        let (mut error_code, mut realm, mut sname) = (None, None, None);
        let (mut crealm, mut cname) = ("", None);
        let (mut e_text, mut e_data) = (None, None);
        fields(body, |number, field| {
            match number {
                0 => version = Some(constant(field, "pvno", VERSION)?),
                1 => msg_type = Some(constant(field, "msg-type", KRB_ERROR_TYPE)?),
                2 => ctime = Some(time(field, "ctime")?),
                3 => cusec = Some(microseconds(field, "cusec")?),
                4 => stime = Some(time(field, "stime")?),
                5 => susec = Some(microseconds(field, "susec")?),
                6 => error_code = Some(int32(field, "error-code")?),
                7 => crealm = string(field, "crealm")?,
                8 => cname = Some(name(field, "cname")?),
                9 => realm = Some(string(field, "realm")?),
                10 => sname = Some(name(field, "sname")?),
                11 => e_text = Some(string(field, "e-text")?),
                12 => e_data = Some(octets(field, "e-data")?),
                _ => return unknown(field),
            }
            Ok(())
        })?;
        required(body, "pvno", version)?;
        required(body, "msg-type", msg_type)?;
        let realm = required(body, "realm", realm)?;
        Ok(Self {
            ctime,
            cusec,
            stime: required(body, "stime", stime)?,
            susec: required(body, "susec", susec)?,
            error_code: required(body, "error-code", error_code)?,
            client: principal(crealm, cname.unwrap_or_default()),
            server: principal(realm, required(body, "sname", sname)?),
            e_text,
            e_data,
        })
    }

    /// Appends the message.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if it is longer than DER can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let crealm = Some(self.client.realm).filter(|realm| !realm.is_empty());
        let cname = Some(&self.client).filter(|client| !client.components.is_empty());
        put_message(out, KRB_ERROR, |out| {
            put_field(out, 0, |out| put_int32(out, VERSION))?;
            put_field(out, 1, |out| put_int32(out, KRB_ERROR_TYPE))?;
            put_option(out, 2, self.ctime, put_time)?;
            put_option(out, 3, self.cusec, put_uint32)?;
            put_field(out, 4, |out| put_time(out, self.stime))?;
            put_field(out, 5, |out| put_uint32(out, self.susec))?;
            put_field(out, 6, |out| put_int32(out, self.error_code))?;
            put_option(out, 7, crealm, put_string)?;
            put_option(out, 8, cname, put_name)?;
            put_field(out, 9, |out| put_string(out, self.server.realm))?;
            put_field(out, 10, |out| put_name(out, &self.server))?;
            put_option(out, 11, self.e_text, put_string)?;
            put_option(out, 12, self.e_data, put_octets)
        })
    }
}
