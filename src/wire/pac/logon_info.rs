//! `KERB_VALIDATION_INFO` ([MS-PAC] §2.5).

use super::ndr::{Ndr, Referent};
use crate::error::DecodeError;
use crate::wire::{Sid, Utf16Le};
use alloc::vec::Vec;

/// `KERB_VALIDATION_INFO` ([MS-PAC] §2.5): the account and its groups. Of the other fields only
/// what somebody may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KerbValidationInfo<'a> {
    /// `EffectiveName`, the account's name.
    pub effective_name: Utf16Le<'a>,
    /// `FullName`, for people.
    pub full_name: Utf16Le<'a>,
    /// `LogonDomainName`, the NetBIOS name of the account's domain.
    pub logon_domain_name: Utf16Le<'a>,
    /// `LogonServer`, the NetBIOS name of the KDC.
    pub logon_server: Utf16Le<'a>,
    /// `LogonTime`, a FILETIME, as are the others; 0x7FFFFFFFFFFFFFFF for never.
    pub logon_time: u64,
    /// `KickOffTime`: until when the account may be logged on.
    pub kick_off_time: u64,
    /// `LogonDomainId`, the account's domain; `None` if it is not known.
    pub logon_domain_id: Option<Sid>,
    /// `UserId`, the account in that domain; 0 if it is the first of the extra identifiers.
    pub user_id: u32,
    /// `PrimaryGroupId`, in that domain.
    pub primary_group_id: u32,
    /// `GroupIds`, in that domain.
    pub group_ids: Vec<GroupMembership>,
    /// `UserFlags`.
    pub user_flags: u32,
    /// `UserAccountControl`.
    pub user_account_control: u32,
    /// `ExtraSids`, which hold if `UserFlags` has [`KerbValidationInfo::EXTRA_SIDS`].
    pub extra_sids: Vec<SidAndAttributes>,
    /// `ResourceGroupDomainSid`, the service's domain.
    pub resource_group_domain: Option<Sid>,
    /// `ResourceGroupIds`, in that domain, which hold if `UserFlags` has
    /// [`KerbValidationInfo::RESOURCE_GROUPS`].
    pub resource_group_ids: Vec<GroupMembership>,
}

/// `GROUP_MEMBERSHIP` ([MS-PAC] §2.2.2): a group of a domain that is named elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupMembership {
    /// `RelativeId`.
    pub relative_id: u32,
    /// `Attributes`.
    pub attributes: u32,
}

/// `KERB_SID_AND_ATTRIBUTES` ([MS-PAC] §2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidAndAttributes {
    /// `Sid`.
    pub sid: Sid,
    /// `Attributes`.
    pub attributes: u32,
}

/// More groups than a token of Windows holds; applies to each of the three lists.
const MAX_GROUPS: u32 = 1024;

const TITLE: &str = "KERB_VALIDATION_INFO";

impl<'a> KerbValidationInfo<'a> {
    /// Bit D of `UserFlags`: there are extra identifiers.
    pub const EXTRA_SIDS: u32 = 0x20;
    /// Bit H of `UserFlags`: there are resource groups.
    pub const RESOURCE_GROUPS: u32 = 0x200;

    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut ndr = Ndr::new(TITLE, bytes)?;
        let logon_time = ndr.file_time("LogonTime")?;
        ndr.file_time("LogoffTime")?;
        let kick_off_time = ndr.file_time("KickOffTime")?;
        for field in ["PasswordLastSet", "PasswordCanChange", "PasswordMustChange"] {
            ndr.file_time(field)?;
        }
        let effective_name = ndr.string_header("EffectiveName")?;
        let full_name = ndr.string_header("FullName")?;
        let logon_script = ndr.string_header("LogonScript")?;
        let profile_path = ndr.string_header("ProfilePath")?;
        let home_directory = ndr.string_header("HomeDirectory")?;
        let home_directory_drive = ndr.string_header("HomeDirectoryDrive")?;
        ndr.u16("LogonCount")?;
        ndr.u16("BadPasswordCount")?;
        let user_id = ndr.u32("UserId")?;
        let primary_group_id = ndr.u32("PrimaryGroupId")?;
        let group_count = ndr.u32("GroupCount")?;
        let groups = ndr.referent("GroupIds")?;
        let user_flags = ndr.u32("UserFlags")?;
        ndr.bytes("UserSessionKey", 16)?;
        let logon_server = ndr.string_header("LogonServer")?;
        let logon_domain_name = ndr.string_header("LogonDomainName")?;
        let logon_domain_id = ndr.referent("LogonDomainId")?;
        ndr.bytes("Reserved1", 8)?;
        let user_account_control = ndr.u32("UserAccountControl")?;
        ndr.u32("SubAuthStatus")?;
        ndr.file_time("LastSuccessfulILogon")?;
        ndr.file_time("LastFailedILogon")?;
        ndr.u32("FailedILogonCount")?;
        ndr.u32("Reserved3")?;
        let sid_count = ndr.u32("SidCount")?;
        let extra_sids = ndr.referent("ExtraSids")?;
        let resource_group_domain = ndr.referent("ResourceGroupDomainSid")?;
        let resource_group_count = ndr.u32("ResourceGroupCount")?;
        let resource_groups = ndr.referent("ResourceGroupIds")?;

        // What the pointers point to follows in their order.
        let effective_name = ndr.string("EffectiveName", effective_name)?;
        let full_name = ndr.string("FullName", full_name)?;
        ndr.string("LogonScript", logon_script)?;
        ndr.string("ProfilePath", profile_path)?;
        ndr.string("HomeDirectory", home_directory)?;
        ndr.string("HomeDirectoryDrive", home_directory_drive)?;
        let group_ids = read_groups(&mut ndr, "GroupIds", group_count, groups)?;
        let logon_server = ndr.string("LogonServer", logon_server)?;
        let logon_domain_name = ndr.string("LogonDomainName", logon_domain_name)?;
        let logon_domain_id = read_sid(&mut ndr, "LogonDomainId", logon_domain_id)?;
        let extra_sids = read_sids(&mut ndr, "ExtraSids", sid_count, extra_sids)?;
        let resource_group_domain =
            read_sid(&mut ndr, "ResourceGroupDomainSid", resource_group_domain)?;
        let resource_group_ids =
            read_groups(&mut ndr, "ResourceGroupIds", resource_group_count, resource_groups)?;
        Ok(Self {
            effective_name,
            full_name,
            logon_domain_name,
            logon_server,
            logon_time,
            kick_off_time,
            logon_domain_id,
            user_id,
            primary_group_id,
            group_ids,
            user_flags,
            user_account_control,
            extra_sids,
            resource_group_domain,
            resource_group_ids,
        })
    }
}

fn read_sid(
    ndr: &mut Ndr<'_>,
    field: &'static str,
    sid: Referent,
) -> Result<Option<Sid>, DecodeError> {
    if sid.is_null() { Ok(None) } else { ndr.sid(field).map(Some) }
}

fn read_groups(
    ndr: &mut Ndr<'_>,
    field: &'static str,
    count: u32,
    array: Referent,
) -> Result<Vec<GroupMembership>, DecodeError> {
    let mut groups = Vec::new();
    for _ in 0..ndr.array(field, count, array, MAX_GROUPS)? {
        let relative_id = ndr.u32(field)?;
        groups.push(GroupMembership { relative_id, attributes: ndr.u32(field)? });
    }
    Ok(groups)
}

/// The identifiers follow behind the array that points to them; a null one says nothing.
fn read_sids(
    ndr: &mut Ndr<'_>,
    field: &'static str,
    count: u32,
    array: Referent,
) -> Result<Vec<SidAndAttributes>, DecodeError> {
    let mut pointers = Vec::new();
    for _ in 0..ndr.array(field, count, array, MAX_GROUPS)? {
        let sid = ndr.referent(field)?;
        pointers.push((sid, ndr.u32(field)?));
    }
    let mut sids = Vec::new();
    for (sid, attributes) in pointers {
        if let Some(sid) = read_sid(ndr, field, sid)? {
            sids.push(SidAndAttributes { sid, attributes });
        }
    }
    Ok(sids)
}
