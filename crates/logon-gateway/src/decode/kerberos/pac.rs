//! The PAC in a ticket ([MS-PAC]): who the client is for Windows, and whether it may be believed.

use super::decoded;
use super::words::ChecksumType;
use crate::decode::av_pairs::Time;
use crate::decode::keys::Keys;
use crate::decode::tree::Tree;
use logon::kerberos::{Key, KeyUsage, Pac};
use logon::wire::krb5::EncTicketPart;
use logon::wire::pac::{
    ClientInfo, GroupMembership, KerbValidationInfo, PacBuffer, PacSignature, PacType, UpnDnsInfo,
};
use logon::wire::{Sid, Utf16Le};
use logon::{DecodeError, FileTime};
use std::fmt;
use std::io;
use std::time::Duration;

/// What the PAC is of, and what it is checked with.
pub(super) struct Subject<'a> {
    pub(super) ticket: &'a EncTicketPart<'a>,
    pub(super) service_key: &'a Key,
    pub(super) keys: &'a Keys,
}

pub(super) fn print(tree: &mut Tree<'_>, bytes: &[u8], subject: &Subject<'_>) -> io::Result<()> {
    let Some(pac) = decoded(tree, PacType::decode(bytes))? else { return Ok(()) };
    for buffer in pac.buffers() {
        print_buffer(tree, &pac, buffer, subject)?;
    }
    match Pac::of_ticket(subject.ticket, subject.service_key, None) {
        Ok(Some(pac)) => tree.line(format_args!("a service believes it: {}", pac.user())),
        Ok(None) => tree.line("a service believes it, but it does not say who the client is"),
        Err(error) => tree.line(format_args!("a service refuses it: {error}")),
    }
}

/// The names of [MS-PAC] §2.4.
fn name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        PacType::LOGON_INFO => "KERB_VALIDATION_INFO",
        2 => "PAC_CREDENTIAL_INFO",
        PacType::SERVER_SIGNATURE => "Server Signature",
        PacType::KDC_SIGNATURE => "KDC Signature",
        PacType::CLIENT_INFO => "PAC_CLIENT_INFO",
        11 => "S4U_DELEGATION_INFO",
        PacType::UPN_DNS_INFO => "UPN_DNS_INFO",
        13 => "PAC_CLIENT_CLAIMS_INFO",
        14 => "PAC_DEVICE_INFO",
        15 => "PAC_DEVICE_CLAIMS_INFO",
        16 => "Ticket Signature",
        PacType::ATTRIBUTES_INFO => "PAC_ATTRIBUTES_INFO",
        PacType::REQUESTOR => "PAC_REQUESTOR",
        19 => "Extended KDC Signature",
        20 => "PAC_REQUESTOR_GUID",
        _ => return None,
    })
}

fn print_buffer(
    tree: &mut Tree<'_>,
    pac: &PacType<'_>,
    buffer: &PacBuffer<'_>,
    subject: &Subject<'_>,
) -> io::Result<()> {
    let (kind, length) = (buffer.kind, buffer.data.len());
    match name(kind) {
        Some(name) => tree.line(format_args!("{name} ({kind}), {length} bytes"))?,
        None => tree.line(format_args!("buffer of type {kind}, {length} bytes"))?,
    }
    let tree = &mut tree.below();
    match kind {
        PacType::LOGON_INFO => with(tree, pac.logon_info(), print_logon_info),
        PacType::CLIENT_INFO => {
            with(tree, pac.client_info(), |tree, info| print_client(tree, info, subject.ticket))
        }
        PacType::UPN_DNS_INFO => with(tree, pac.upn_dns_info(), print_upn),
        PacType::REQUESTOR => with(tree, pac.requestor(), |tree, sid| tree.line(sid)),
        PacType::ATTRIBUTES_INFO => {
            with(tree, pac.attributes(), |tree, flags| tree.line(attributes(*flags)))
        }
        PacType::SERVER_SIGNATURE => {
            let signature = pac.server_signature().map(Some);
            with(tree, signature, |tree, it| print_server_signature(tree, pac, it, subject))
        }
        PacType::KDC_SIGNATURE => {
            let signature = pac.kdc_signature().map(Some);
            with(tree, signature, |tree, it| print_kdc_signature(tree, pac, it, subject.keys))
        }
        16 | 19 => tree.line("not checked: made with a key that only the KDC has"),
        _ => Ok(()),
    }
}

fn with<T>(
    tree: &mut Tree<'_>,
    found: Result<Option<T>, DecodeError>,
    print: impl FnOnce(&mut Tree<'_>, &T) -> io::Result<()>,
) -> io::Result<()> {
    match decoded(tree, found)?.flatten() {
        Some(this) => print(tree, &this),
        None => Ok(()),
    }
}

/// `Flags` of `PAC_ATTRIBUTES_INFO` ([MS-PAC] §2.14).
fn attributes(flags: u32) -> String {
    let asked = if flags & 1 == 0 { "" } else { " PAC_WAS_REQUESTED" };
    let given = if flags & 2 == 0 { "" } else { " PAC_WAS_GIVEN_IMPLICITLY" };
    format!("Flags 0x{flags:08x}{asked}{given}")
}

/// The verdict on a signature, from the keys that might have made it.
fn verdict<'k>(
    signature: &PacSignature<'_>,
    mut keys: impl Iterator<Item = &'k Key>,
    parts: &[&[u8]],
) -> Option<bool> {
    let of_type = |key: &&Key| key.encryption_type().checksum_type() == signature.signature_type;
    let right = |key: &Key| {
        key.verify_checksum(KeyUsage::PAC_SIGNATURE, parts, signature.signature).is_ok()
    };
    let first = keys.find(of_type)?;
    Some(right(first) || keys.filter(of_type).any(right))
}

fn print_server_signature(
    tree: &mut Tree<'_>,
    pac: &PacType<'_>,
    signature: &PacSignature<'_>,
    subject: &Subject<'_>,
) -> io::Result<()> {
    let kind = ChecksumType(signature.signature_type);
    let Some(kdc) = decoded(tree, pac.kdc_signature())? else { return Ok(()) };
    let parts = pac.signed_parts(signature, &kdc);
    match verdict(signature, std::iter::once(subject.service_key), &parts) {
        Some(true) => tree.line(format_args!("{kind}: right")),
        Some(false) => {
            tree.line(format_args!("{kind}: wrong; the PAC was altered, or is not of this service"))
        }
        None => tree.line(format_args!("{kind}: not of the type of the service's key, so wrong")),
    }
}

/// Made over the server's signature, with a key of the ticket-granting service.
fn print_kdc_signature(
    tree: &mut Tree<'_>,
    pac: &PacType<'_>,
    signature: &PacSignature<'_>,
    keys: &Keys,
) -> io::Result<()> {
    let kind = ChecksumType(signature.signature_type);
    let Some(server) = decoded(tree, pac.server_signature())? else { return Ok(()) };
    let keys = keys.ticket_granting().map(|it| &it.key);
    match verdict(signature, keys, &[server.signature]) {
        Some(true) => tree.line(format_args!("{kind}: right")),
        Some(false) => {
            tree.line(format_args!("{kind}: not made with the krbtgt key of the keytab"))
        }
        None => tree.line(format_args!(
            "{kind}: not checked, it is made with the krbtgt key, which only the KDC has"
        )),
    }
}

fn print_client(
    tree: &mut Tree<'_>,
    info: &ClientInfo<'_>,
    ticket: &EncTicketPart<'_>,
) -> io::Result<()> {
    let time = FileTime::from_unix(Duration::from_secs(ticket.auth_time.unix_seconds()));
    let same = |same: bool| if same { "as in the ticket" } else { "not that of the ticket" };
    let is_same = same(info.client_id == time.ticks());
    tree.line(format_args!("ClientId {}: {is_same}", Time(info.client_id)))?;
    let name = info.name.to_string();
    let is_same = same(name == ticket.client.components.join("/"));
    tree.line(format_args!("Name {name:?}: {is_same}"))
}

fn print_upn(tree: &mut Tree<'_>, info: &UpnDnsInfo<'_>) -> io::Result<()> {
    let constructed = info.flags & UpnDnsInfo::CONSTRUCTED_UPN != 0;
    let remark = if constructed { " (made of account and domain)" } else { "" };
    tree.line(format_args!("Upn {:?}{remark}", info.upn.to_string()))?;
    tree.line(format_args!("DnsDomainName {:?}", info.dns_domain_name.to_string()))?;
    if let Some(name) = info.sam_name {
        tree.line(format_args!("SamName {:?}", name.to_string()))?;
    }
    match info.sid {
        Some(sid) => tree.line(format_args!("Sid {sid}")),
        None => Ok(()),
    }
}

fn print_logon_info(tree: &mut Tree<'_>, info: &KerbValidationInfo<'_>) -> io::Result<()> {
    let names: [(&str, Utf16Le<'_>); 4] = [
        ("EffectiveName", info.effective_name),
        ("FullName", info.full_name),
        ("LogonDomainName", info.logon_domain_name),
        ("LogonServer", info.logon_server),
    ];
    for (field, name) in names {
        tree.line(format_args!("{field} {:?}", name.to_string()))?;
    }
    tree.line(format_args!("LogonTime {}", Ticks(info.logon_time)))?;
    tree.line(format_args!("KickOffTime {}", Ticks(info.kick_off_time)))?;
    let domain = info.logon_domain_id.as_ref();
    match domain {
        Some(sid) => tree.line(format_args!("LogonDomainId {sid}"))?,
        None => tree.line("LogonDomainId (absent)")?,
    }
    tree.line(format_args!("UserId {}", Relative(domain, info.user_id)))?;
    tree.line(format_args!("PrimaryGroupId {}", Relative(domain, info.primary_group_id)))?;
    tree.line(format_args!("UserFlags 0x{:08x}", info.user_flags))?;
    tree.line(format_args!("UserAccountControl 0x{:08x}", info.user_account_control))?;
    print_groups(tree, "GroupIds", domain, &info.group_ids)?;
    if !info.extra_sids.is_empty() {
        tree.line("ExtraSids")?;
        for extra in &info.extra_sids {
            let (name, attributes) = (well_known(&extra.sid), Attributes(extra.attributes));
            tree.below().line(format_args!("{}{name}, {attributes}", extra.sid))?;
        }
    }
    let resource = info.resource_group_domain.as_ref();
    print_groups(tree, "ResourceGroupIds", resource, &info.resource_group_ids)
}

fn print_groups(
    tree: &mut Tree<'_>,
    field: &str,
    domain: Option<&Sid>,
    groups: &[GroupMembership],
) -> io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    tree.line(field)?;
    for group in groups {
        let (sid, attributes) = (Relative(domain, group.relative_id), Attributes(group.attributes));
        tree.below().line(format_args!("{sid}, {attributes}"))?;
    }
    Ok(())
}

/// A number in a domain, as a security identifier.
struct Relative<'a>(Option<&'a Sid>, u32);

impl fmt::Display for Relative<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(domain, number) = *self;
        match domain.and_then(|domain| domain.with_rid(number)) {
            Some(sid) => write!(f, "{sid}{}", well_known(&sid)),
            None => write!(f, "{number}"),
        }
    }
}

/// Groups that have the same number in every domain ([MS-DTYP] §2.4.2.4).
fn well_known(sid: &Sid) -> &'static str {
    match (sid.authority(), sid.sub_authorities()) {
        (5, [21, .., 500]) => " (Administrator)",
        (5, [21, .., 512]) => " (Domain Admins)",
        (5, [21, .., 513]) => " (Domain Users)",
        (5, [21, .., 514]) => " (Domain Guests)",
        (5, [21, .., 515]) => " (Domain Computers)",
        (5, [21, .., 516]) => " (Domain Controllers)",
        (5, [21, .., 518]) => " (Schema Admins)",
        (5, [21, .., 519]) => " (Enterprise Admins)",
        (5, [21, .., 520]) => " (Group Policy Creator Owners)",
        (5, [21, .., 525]) => " (Protected Users)",
        (5, [21, .., 571]) => " (Allowed RODC Password Replication Group)",
        (5, [21, .., 572]) => " (Denied RODC Password Replication Group)",
        (5, [21, 0, 0, 0, 497]) => " (Claims Valid)",
        (18, [1]) => " (Authentication authority asserted identity)",
        (18, [2]) => " (Service asserted identity)",
        _ => "",
    }
}

/// `SE_GROUP_*` ([MS-PAC] §2.2.1).
struct Attributes(u32);

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bits) = *self;
        write!(f, "attributes 0x{bits:08x}")?;
        if bits & 0x10 != 0 {
            return f.write_str(": only for refusals");
        }
        if bits & 4 == 0 { f.write_str(": not enabled") } else { Ok(()) }
    }
}

/// A time that may never come.
struct Ticks(u64);

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(0x7fff_ffff_ffff_ffff) => f.write_str("never"),
            Self(ticks) => Time(ticks).fmt(f),
        }
    }
}
