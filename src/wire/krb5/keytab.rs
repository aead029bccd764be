//! Keytabs: where a service finds its keys (MIT krb5, "The Kerberos Keytab Binary File Format").

use super::Principal;
use super::file::{ByteOrder, data16, in_either_order, push16, signed, signed16, text};
use crate::error::{ApiMisuse, DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use alloc::vec::Vec;
use core::fmt;

/// A keytab of version 1 or 2 (MIT krb5, `keytab_file_format`).
///
/// ```text
/// file    05 version record*
/// record  int32 size: entry; negative: a hole of so many bytes; 0: the end
/// entry   uint16 count, data realm, data component*, uint32 name_type,
///         uint32 timestamp, uint8 kvno, uint16 key type, data key, uint32 kvno OPTIONAL
/// data    uint16 length, byte*
/// ```
///
/// Version 2 is big-endian. Version 1 is in the byte order of the machine that wrote it, counts
/// the realm as a component, and has no `name_type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeytabFile<'a> {
    /// The entries, in the order of the file.
    pub entries: Vec<KeytabEntry<'a>>,
}

/// One key of one principal.
/// See [`KeytabFile`].
#[derive(Clone, PartialEq, Eq)]
pub struct KeytabEntry<'a> {
    /// Whose key it is.
    pub principal: Principal<'a>,
    /// When it was written, in seconds since 1970.
    pub timestamp: u32,
    /// The version of the key.
    pub kvno: u32,
    /// The encryption type.
    pub key_type: i32,
    /// The key, a secret.
    pub key: &'a [u8],
}

impl fmt::Debug for KeytabEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeytabEntry")
            .field("principal", &self.principal)
            .field("timestamp", &self.timestamp)
            .field("kvno", &self.kvno)
            .field("key_type", &self.key_type)
            .finish_non_exhaustive()
    }
}

const MAGIC: u8 = 5;

impl<'a> KeytabFile<'a> {
    /// Decodes a keytab.
    ///
    /// # Errors
    /// [`DecodeError`] if it is none, is cut off, or has a record that ends within an entry.
    pub fn decode(file: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("keytab", file);
        cursor.expect("magic", &[MAGIC])?;
        let bad = cursor.error("version", DecodeErrorKind::BadValue);
        match cursor.array("version")? {
            [1] => in_either_order(|order| Self::records(cursor.clone(), Version::One(order))),
            [2] => Self::records(cursor, Version::Two),
            _ => Err(bad),
        }
    }

    fn records(mut cursor: Cursor<'a>, version: Version) -> Result<Self, DecodeError> {
        let mut entries = Vec::new();
        while !cursor.rest().is_empty() {
            let bad = cursor.error("size", DecodeErrorKind::OutOfBounds);
            let size = signed(version.order().u32(&mut cursor, "size")?);
            let length = usize::try_from(size.unsigned_abs()).map_err(|_| bad)?;
            let record = cursor.take("record", length).map_err(|_| bad)?;
            match size {
                0 => break,
                1.. => entries.push(KeytabEntry::decode(record, version)?),
                _ => {}
            }
        }
        Ok(Self { entries })
    }

    /// The file, of version 2.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if something is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, ApiMisuse> {
        let mut out = Vec::from([MAGIC, 2]);
        for entry in &self.entries {
            let mut record = Vec::new();
            entry.encode(&mut record)?;
            let size = i32::try_from(record.len());
            out.extend(size.map_err(|_| ApiMisuse::FieldTooLong("record"))?.to_be_bytes());
            out.append(&mut record);
        }
        Ok(out)
    }
}

#[derive(Debug, Clone, Copy)]
enum Version {
    One(ByteOrder),
    Two,
}

impl Version {
    fn order(self) -> ByteOrder {
        match self {
            Self::One(order) => order,
            Self::Two => ByteOrder::Big,
        }
    }
}

impl<'a> KeytabEntry<'a> {
    fn decode(record: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let order = version.order();
        let mut cursor = Cursor::new("keytab entry", record);
        let bad = cursor.error("count", DecodeErrorKind::BadValue);
        let count = order.u16(&mut cursor, "count")?;
        let count = match version {
            Version::One(_) => count.checked_sub(1).ok_or(bad)?,
            Version::Two => count,
        };
        let realm = data16(&mut cursor, order, "realm")?;
        let realm = text(&cursor, "realm", realm)?;
        let mut components = Vec::new();
        for _ in 0..count {
            let component = data16(&mut cursor, order, "component")?;
            components.push(text(&cursor, "component", component)?);
        }
        let name_type = match version {
            Version::One(_) => 0,
            Version::Two => signed(order.u32(&mut cursor, "name_type")?),
        };
        let timestamp = order.u32(&mut cursor, "timestamp")?;
        let [short] = cursor.array("kvno")?;
        let key_type = signed16(order.u16(&mut cursor, "key type")?);
        let key = data16(&mut cursor, order, "key")?;
        // A byte is not enough for everybody; old writers leave the long form out, some write 0.
        let long = order.u32(&mut cursor, "kvno").ok().filter(|kvno| *kvno != 0);
        let kvno = long.unwrap_or(short.into());
        let principal = Principal { realm, components, name_type };
        Ok(Self { principal, timestamp, kvno, key_type, key })
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), ApiMisuse> {
        let Principal { realm, components, name_type } = &self.principal;
        let count = u16::try_from(components.len());
        out.extend(count.map_err(|_| ApiMisuse::FieldTooLong("components"))?.to_be_bytes());
        push16(out, "realm", realm.as_bytes())?;
        for component in components {
            push16(out, "component", component.as_bytes())?;
        }
        out.extend(name_type.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(self.kvno.to_be_bytes().last());
        let key_type = i16::try_from(self.key_type);
        out.extend(key_type.map_err(|_| ApiMisuse::FieldTooLong("key type"))?.to_be_bytes());
        push16(out, "key", self.key)?;
        out.extend(self.kvno.to_be_bytes());
        Ok(())
    }
}
