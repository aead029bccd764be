//! Credential caches: where a client finds its tickets (MIT krb5, "Credential cache file format").

use super::Principal;
use super::file::{
    ByteOrder, data16, data32, in_either_order, length32, push16, push32, signed, signed16, text,
};
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use alloc::vec::Vec;
use core::fmt;

/// A credential cache of version 1 to 4 (MIT krb5, `ccache_file_format`).
///
/// ```text
/// file        05 version, header (version 4 only), principal, credential*
/// header      uint16 length, { uint16 tag, uint16 length, byte* }*
/// principal   uint32 name type, uint32 count, data realm, data component*
/// credential  principal client, principal server, uint16 key type, data key,
///             uint32 authtime, starttime, endtime, renew_till, uint8 is_skey, uint32 flags,
///             uint32 count, { uint16 type, data }* addresses, the same authorization data,
///             data ticket, data second ticket
/// data        uint32 length, byte*
/// ```
///
/// Versions 3 and 4 are big-endian, the older ones in the byte order of the machine that wrote
/// them. Version 3 has the key type twice; version 1 has no name type and counts the realm as a
/// component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialCacheFile<'a> {
    /// How far the KDC's clock was ahead of this machine's: seconds and microseconds.
    pub kdc_offset: Option<(i32, i32)>,
    /// Whose cache it is.
    pub default_principal: Principal<'a>,
    /// The credentials, in the order of the file, with those that are none
    /// ([`CachedCredential::is_configuration`]).
    pub credentials: Vec<CachedCredential<'a>>,
}

/// A ticket and its session key.
/// See [`CredentialCacheFile`].
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CachedCredential<'a> {
    /// Whose ticket it is.
    pub client: Principal<'a>,
    /// The service that it is for.
    pub server: Principal<'a>,
    /// The encryption type of the session key.
    pub key_type: i32,
    /// The session key, a secret.
    pub key: &'a [u8],
    /// When the client logged on, in seconds since 1970, as are the next three.
    pub auth_time: u32,
    /// When the ticket begins to be valid; 0 if with `auth_time`.
    pub start_time: u32,
    /// When it ends.
    pub end_time: u32,
    /// When it can no longer be renewed; 0 if it cannot at all.
    pub renew_till: u32,
    /// Whether it is encrypted in another ticket's session key.
    pub is_skey: bool,
    /// Its flags, the first in the highest bit ([RFC 4120] §5.3).
    pub ticket_flags: u32,
    /// The addresses that it may be used from.
    pub addresses: Vec<TypedData<'a>>,
    /// Authorization data.
    pub auth_data: Vec<TypedData<'a>>,
    /// The ticket in DER.
    pub ticket: &'a [u8],
    /// The other ticket, if there is one, in DER.
    pub second_ticket: &'a [u8],
}

/// An address or an element of authorization data: its type and its bytes.
/// See [`CredentialCacheFile`].
pub type TypedData<'a> = (u16, &'a [u8]);

impl fmt::Debug for CachedCredential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedCredential")
            .field("client", &self.client)
            .field("server", &self.server)
            .field("key_type", &self.key_type)
            .field("end_time", &self.end_time)
            .finish_non_exhaustive()
    }
}

const MAGIC: u8 = 5;

/// The tag of the only field of the header that there is: the KDC's time offset.
const KDC_OFFSET: u16 = 1;

impl CachedCredential<'_> {
    /// Whether this is a setting that is only stored as if it were a ticket.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        self.server.realm == "X-CACHECONF:"
    }
}

#[derive(Debug, Clone, Copy)]
struct Version {
    number: u8,
    order: ByteOrder,
}

impl<'a> CredentialCacheFile<'a> {
    /// Decodes a credential cache.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none or is cut off.
    pub fn decode(file: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("credential cache", file);
        cursor.expect("magic", &[MAGIC])?;
        let bad = cursor.error("version", DecodeErrorKind::BadValue);
        match cursor.array("version")? {
            [number @ 1..=2] => {
                in_either_order(|order| Self::read(cursor.clone(), Version { number, order }))
            }
            [number @ 3..=4] => Self::read(cursor, Version { number, order: ByteOrder::Big }),
            _ => Err(bad),
        }
    }

    fn read(mut cursor: Cursor<'a>, version: Version) -> Result<Self, DecodeError> {
        let mut kdc_offset = None;
        if version.number == 4 {
            let header = data16(&mut cursor, version.order, "header")?;
            kdc_offset = read_header(Cursor::new("credential cache header", header))?;
        }
        let default_principal = version.principal(&mut cursor, "default principal")?;
        let mut credentials = Vec::new();
        while !cursor.rest().is_empty() {
            credentials.push(version.credential(&mut cursor)?);
        }
        Ok(Self { kdc_offset, default_principal, credentials })
    }

    /// The file, of version 4.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if something is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, ApiMisuse> {
        let mut header = Vec::new();
        if let Some((seconds, microseconds)) = self.kdc_offset {
            header.extend(KDC_OFFSET.to_be_bytes());
            header.extend([0, 8]);
            header.extend(seconds.to_be_bytes());
            header.extend(microseconds.to_be_bytes());
        }
        let mut out = Vec::from([MAGIC, 4]);
        push16(&mut out, "header", &header)?;
        push_principal(&mut out, &self.default_principal)?;
        self.credentials.iter().try_for_each(|credential| credential.encode(&mut out))?;
        Ok(out)
    }
}

fn read_header(mut cursor: Cursor<'_>) -> Result<Option<(i32, i32)>, DecodeError> {
    let mut kdc_offset = None;
    while !cursor.rest().is_empty() {
        let tag = cursor.u16_be("tag")?;
        let value = data16(&mut cursor, ByteOrder::Big, "value")?;
        if tag == KDC_OFFSET {
            let mut value = Cursor::new("KDC offset", value);
            let seconds = signed(value.u32_be("seconds")?);
            kdc_offset = Some((seconds, signed(value.u32_be("microseconds")?)));
            value.finish("value")?;
        }
    }
    Ok(kdc_offset)
}

impl Version {
    fn principal<'a>(
        self,
        cursor: &mut Cursor<'a>,
        field: &'static str,
    ) -> Result<Principal<'a>, DecodeError> {
        let bad = cursor.error(field, DecodeErrorKind::BadValue);
        let name_type = match self.number {
            1 => 0,
            _ => signed(self.order.u32(cursor, field)?),
        };
        let mut count = self.order.u32(cursor, field)?;
        if self.number == 1 {
            count = count.checked_sub(1).ok_or(bad)?;
        }
        let realm = data32(cursor, self.order, field)?;
        let realm = text(cursor, field, realm)?;
        let mut components = Vec::new();
        for _ in 0..count {
            let component = data32(cursor, self.order, field)?;
            components.push(text(cursor, field, component)?);
        }
        Ok(Principal { realm, components, name_type })
    }

    fn list<'a>(
        self,
        cursor: &mut Cursor<'a>,
        field: &'static str,
    ) -> Result<Vec<TypedData<'a>>, DecodeError> {
        let count = self.order.u32(cursor, field)?;
        let mut list = Vec::new();
        for _ in 0..count {
            let kind = self.order.u16(cursor, field)?;
            list.push((kind, data32(cursor, self.order, field)?));
        }
        Ok(list)
    }

    fn credential<'a>(self, cursor: &mut Cursor<'a>) -> Result<CachedCredential<'a>, DecodeError> {
        let client = self.principal(cursor, "client")?;
        let server = self.principal(cursor, "server")?;
        let key_type = signed16(self.order.u16(cursor, "key type")?);
        if self.number == 3 {
            self.order.u16(cursor, "key type")?;
        }
        let key = data32(cursor, self.order, "key")?;
        let auth_time = self.order.u32(cursor, "authtime")?;
        let start_time = self.order.u32(cursor, "starttime")?;
        let end_time = self.order.u32(cursor, "endtime")?;
        let renew_till = self.order.u32(cursor, "renew_till")?;
        let is_skey = cursor.array("is_skey")? != [0];
        let ticket_flags = self.order.u32(cursor, "flags")?;
        let addresses = self.list(cursor, "addresses")?;
        let auth_data = self.list(cursor, "authorization data")?;
        let ticket = data32(cursor, self.order, "ticket")?;
        let second_ticket = data32(cursor, self.order, "second ticket")?;
        Ok(CachedCredential {
            client,
            server,
            key_type,
            key,
            auth_time,
            start_time,
            end_time,
            renew_till,
            is_skey,
            ticket_flags,
            addresses,
            auth_data,
            ticket,
            second_ticket,
        })
    }
}

impl CachedCredential<'_> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        push_principal(out, &self.client)?;
        push_principal(out, &self.server)?;
        let key_type = i16::try_from(self.key_type);
        out.extend(key_type.map_err(|_| ApiMisuse::FieldTooLong("key type"))?.to_be_bytes());
        push32(out, "key", self.key)?;
        for time in [self.auth_time, self.start_time, self.end_time, self.renew_till] {
            out.extend(time.to_be_bytes());
        }
        out.push(self.is_skey.into());
        out.extend(self.ticket_flags.to_be_bytes());
        for list in [&self.addresses, &self.auth_data] {
            out.extend(length32("list", list.len())?);
            for (kind, value) in list {
                out.extend(kind.to_be_bytes());
                push32(out, "list", value)?;
            }
        }
        push32(out, "ticket", self.ticket)?;
        push32(out, "second ticket", self.second_ticket)
    }
}

fn push_principal(out: &mut Vec<u8>, principal: &Principal<'_>) -> Result<(), ApiMisuse> {
    let Principal { realm, components, name_type } = principal;
    out.extend(name_type.to_be_bytes());
    out.extend(length32("components", components.len())?);
    push32(out, "realm", realm.as_bytes())?;
    components.iter().try_for_each(|component| push32(out, "component", component.as_bytes()))
}
