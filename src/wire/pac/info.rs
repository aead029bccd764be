//! The smaller buffers of a PAC.

use crate::error::{DecodeError, DecodeErrorKind};
use crate::wire::cursor::Cursor;
use crate::wire::{Sid, Utf16Le};

/// `PAC_CLIENT_INFO` ([MS-PAC] §2.7): ties the PAC to its ticket.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | `ClientId`, little-endian as the rest |
/// | 8 | 2 | `NameLength` |
/// | 10 | n | `Name` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientInfo<'a> {
    /// `ClientId`, the ticket's `authtime` as a FILETIME.
    pub client_id: u64,
    /// `Name`, the ticket's `cname`.
    pub name: Utf16Le<'a>,
}

impl<'a> ClientInfo<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("PAC_CLIENT_INFO", bytes);
        let client_id = cursor.u64_le("ClientId")?;
        let length = cursor.u16_le("NameLength")?;
        let odd = cursor.error("Name", DecodeErrorKind::OddLength);
        let name = Utf16Le::new(cursor.take("Name", length.into())?).ok_or(odd)?;
        Ok(Self { client_id, name })
    }
}

/// `UPN_DNS_INFO` ([MS-PAC] §2.10).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | `UpnLength`, `UpnOffset`, little-endian as the rest |
/// | 4 | 4 | `DnsDomainNameLength`, `DnsDomainNameOffset` |
/// | 8 | 4 | `Flags` |
/// | 12 | 4 | `SamNameLength`, `SamNameOffset`, if `Flags` has bit S |
/// | 16 | 4 | `SidLength`, `SidOffset`, likewise |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpnDnsInfo<'a> {
    /// The user principal name.
    pub upn: Utf16Le<'a>,
    /// The DNS name of the account's domain.
    pub dns_domain_name: Utf16Le<'a>,
    /// `Flags`.
    pub flags: u32,
    /// The account's name, if the buffer is of the extended form.
    pub sam_name: Option<Utf16Le<'a>>,
    /// The account, if the buffer is of the extended form.
    pub sid: Option<Sid>,
}

impl<'a> UpnDnsInfo<'a> {
    /// Bit U of `Flags`: the account has no user principal name, and this one is made of its
    /// name and its domain's.
    pub const CONSTRUCTED_UPN: u32 = 1;
    /// Bit S of `Flags`: the buffer is of the extended form.
    pub const EXTENDED: u32 = 2;

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("UPN_DNS_INFO", bytes);
        let upn = text(&mut cursor, "Upn")?;
        let dns_domain_name = text(&mut cursor, "DnsDomainName")?;
        let flags = cursor.u32_le("Flags")?;
        let (mut sam_name, mut sid) = (None, None);
        if flags & Self::EXTENDED != 0 {
            sam_name = Some(text(&mut cursor, "SamName")?);
            sid = Some(Sid::decode(field(&mut cursor, "Sid")?)?);
        }
        Ok(Self { upn, dns_domain_name, flags, sam_name, sid })
    }
}

/// The bytes that a length and an offset name.
fn field<'a>(cursor: &mut Cursor<'a>, field: &'static str) -> Result<&'a [u8], DecodeError> {
    let outside = cursor.error(field, DecodeErrorKind::OutOfBounds);
    let length = usize::from(cursor.u16_le(field)?);
    let offset = usize::from(cursor.u16_le(field)?);
    let end = offset.checked_add(length).ok_or(outside)?;
    cursor.input().get(offset..end).ok_or(outside)
}

fn text<'a>(cursor: &mut Cursor<'a>, name: &'static str) -> Result<Utf16Le<'a>, DecodeError> {
    let odd = cursor.error(name, DecodeErrorKind::OddLength);
    Utf16Le::new(field(cursor, name)?).ok_or(odd)
}
