//! What is believed of a PAC ([MS-PAC] §2.8, §4.1.2.2).

use super::{Key, KeyUsage};
use crate::env::FileTime;
use crate::error::{DecodeError, DecodeErrorKind};
use crate::wire::krb5::{Element, EncTicketPart, decode_authorization_data};
use crate::wire::pac::{ClientInfo, KerbValidationInfo, PacType, UpnDnsInfo};
use crate::wire::{Sid, Utf16Le};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// Who the client is for Windows, as its domain says in a ticket: verified with the service's
/// key, and belonging to the ticket ([MS-PAC]).
///
/// Its KDC signature cannot be checked here. That is as good as the service's key is secret:
/// whoever has the key can make tickets of any content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pac {
    user: Sid,
    groups: Vec<Sid>,
    account_name: String,
    domain_name: String,
    dns_domain_name: Option<String>,
    upn: Option<String>,
    full_name: String,
}

/// Why a PAC is not believed.
/// See [MS-PAC] §2.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacError {
    /// It is malformed.
    Decode(DecodeError),
    /// The server's signature was not made with this key ([MS-PAC] §2.8.4).
    WrongSignature,
    /// It was made for another ticket: another client or another logon ([MS-PAC] §2.7).
    OtherTicket,
    /// It names two accounts ([MS-PAC] §2.10, §2.15).
    OtherAccount,
    /// Its account is none of a domain, or one of this machine ([MS-PAC] §4.1.2.2).
    NotOfADomain,
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::WrongSignature => f.write_str("the PAC is not signed with the service's key"),
            Self::OtherTicket => f.write_str("the PAC belongs to another ticket"),
            Self::OtherAccount => f.write_str("the PAC names two accounts"),
            Self::NotOfADomain => f.write_str("the account of the PAC is none of a domain"),
        }
    }
}

impl core::error::Error for PacError {}

impl From<DecodeError> for PacError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// `AD-IF-RELEVANT` ([RFC 4120] §5.2.6.1).
pub(super) const AD_IF_RELEVANT: i32 = 1;

/// `AD-WIN2K-PAC` ([RFC 4120] §7.5.4).
const AD_WIN2K_PAC: i32 = 128;

/// `SE_GROUP_ENABLED` and `SE_GROUP_USE_FOR_DENY_ONLY` ([MS-PAC] §2.2.1).
const ENABLED: u32 = 4;
const USE_FOR_DENY_ONLY: u32 = 0x10;

impl Pac {
    /// Finds the PAC of a ticket and verifies it with the service's key; `None` if the ticket
    /// has none, or one that does not say who the client is, as those of other KDCs.
    ///
    /// `machine` is the identifier of this machine's own accounts and groups, if it has such: no
    /// domain may put somebody into those ([MS-PAC] §4.1.2.2).
    ///
    /// # Errors
    /// [`PacError`] if it cannot be believed.
    pub fn of_ticket(
        ticket: &EncTicketPart<'_>,
        service_key: &Key,
        machine: Option<&Sid>,
    ) -> Result<Option<Self>, PacError> {
        let Some(bytes) = Self::find(&ticket.authorization_data)? else { return Ok(None) };
        let pac = PacType::decode(bytes)?;
        verify_signature(&pac, service_key)?;

        let client = pac.client_info()?.ok_or(missing("PAC_CLIENT_INFO"))?;
        verify_client(&client, ticket)?;
        // Other KDCs than those of Windows and Samba sign a PAC that says nothing.
        let Some(logon) = pac.logon_info()? else { return Ok(None) };
        let upn_dns = pac.upn_dns_info()?;
        let user = user_of(&logon).ok_or(missing("LogonDomainId"))?;
        let others = [pac.requestor()?, upn_dns.and_then(|info| info.sid)];
        if others.into_iter().flatten().any(|other| other != user) {
            return Err(PacError::OtherAccount);
        }
        // As for groups: no domain has a say over those of a machine.
        if !user.is_of_a_domain() || machine.is_some_and(|machine| user.is_in(machine)) {
            return Err(PacError::NotOfADomain);
        }
        Ok(Some(Self::new(user, &logon, upn_dns, machine)))
    }

    /// The bytes of the PAC in the authorization data of a ticket: in an `AD-IF-RELEVANT`.
    /// What a client puts into an authenticator is not from the domain.
    ///
    /// # Errors
    /// [`DecodeError`] if there are two, or the authorization data is malformed.
    pub fn find<'a>(authorization_data: &[Element<'a>]) -> Result<Option<&'a [u8]>, DecodeError> {
        let mut found = None;
        for outer in authorization_data.iter().filter(|outer| outer.kind == AD_IF_RELEVANT) {
            for inner in decode_authorization_data(outer.data)? {
                if inner.kind == AD_WIN2K_PAC && found.replace(inner.data).is_some() {
                    return Err(error("AD-WIN2K-PAC", DecodeErrorKind::Duplicate));
                }
            }
        }
        Ok(found)
    }

    fn new(
        user: Sid,
        logon: &KerbValidationInfo<'_>,
        upn_dns: Option<UpnDnsInfo<'_>>,
        machine: Option<&Sid>,
    ) -> Self {
        let some = |text: Utf16Le<'_>| Some(text.to_string()).filter(|text| !text.is_empty());
        Self {
            user,
            groups: groups_of(logon, machine),
            account_name: logon.effective_name.to_string(),
            domain_name: logon.logon_domain_name.to_string(),
            dns_domain_name: upn_dns.and_then(|info| some(info.dns_domain_name)),
            upn: upn_dns.and_then(|info| some(info.upn)),
            full_name: logon.full_name.to_string(),
        }
    }

    /// The account.
    #[must_use]
    pub fn user(&self) -> &Sid {
        &self.user
    }

    /// Its groups, each once; those that only ever deny are left out.
    #[must_use]
    pub fn groups(&self) -> &[Sid] {
        &self.groups
    }

    /// The account's name (`sAMAccountName`).
    #[must_use]
    pub fn account_name(&self) -> &str {
        &self.account_name
    }

    /// The NetBIOS name of its domain.
    #[must_use]
    pub fn domain_name(&self) -> &str {
        &self.domain_name
    }

    /// The DNS name of its domain, if the PAC tells.
    #[must_use]
    pub fn dns_domain_name(&self) -> Option<&str> {
        self.dns_domain_name.as_deref()
    }

    /// Its user principal name, if the PAC tells.
    #[must_use]
    pub fn upn(&self) -> Option<&str> {
        self.upn.as_deref()
    }

    /// Its name for people; may be empty.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.full_name
    }
}

fn error(field: &'static str, kind: DecodeErrorKind) -> DecodeError {
    DecodeError { structure: "PAC", field, offset: 0, kind }
}

fn missing(field: &'static str) -> DecodeError {
    error(field, DecodeErrorKind::Missing)
}

/// The signature has to be of the key's own checksum type ([MS-PAC] §2.8.4).
fn verify_signature(pac: &PacType<'_>, service_key: &Key) -> Result<(), PacError> {
    let (server, kdc) = (pac.server_signature()?, pac.kdc_signature()?);
    if server.signature_type != service_key.encryption_type().checksum_type() {
        return Err(PacError::WrongSignature);
    }
    let parts = pac.signed_parts(&server, &kdc);
    service_key
        .verify_checksum(KeyUsage::PAC_SIGNATURE, &parts, server.signature)
        .map_err(|_| PacError::WrongSignature)
}

fn verify_client(client: &ClientInfo<'_>, ticket: &EncTicketPart<'_>) -> Result<(), PacError> {
    let since_epoch = Duration::from_secs(ticket.auth_time.unix_seconds());
    let same_time = client.client_id == FileTime::from_unix(since_epoch).ticks();
    let same_name = client.name.to_string() == ticket.client.components.join("/");
    if same_time && same_name { Ok(()) } else { Err(PacError::OtherTicket) }
}

/// The account. Without a number of its own it is the first of the extra identifiers
/// ([MS-PAC] §2.5, `UserId`).
fn user_of(logon: &KerbValidationInfo<'_>) -> Option<Sid> {
    if logon.user_id == 0 {
        return extra_sids(logon).first().copied();
    }
    logon.logon_domain_id?.with_rid(logon.user_id)
}

fn counts(attributes: u32) -> bool {
    attributes & ENABLED != 0 && attributes & USE_FOR_DENY_ONLY == 0
}

fn extra_sids(logon: &KerbValidationInfo<'_>) -> Vec<Sid> {
    if logon.user_flags & KerbValidationInfo::EXTRA_SIDS == 0 {
        return Vec::new();
    }
    let counting = logon.extra_sids.iter().filter(|extra| counts(extra.attributes));
    counting.map(|extra| extra.sid).collect()
}

fn groups_of(logon: &KerbValidationInfo<'_>, machine: Option<&Sid>) -> Vec<Sid> {
    let mut groups = Vec::new();
    let mut add = |sid: Option<Sid>| groups.extend(sid.filter(may_be_asserted));
    if let Some(domain) = &logon.logon_domain_id {
        add(domain.with_rid(logon.primary_group_id));
        let counting = logon.group_ids.iter().filter(|group| counts(group.attributes));
        counting.for_each(|group| add(domain.with_rid(group.relative_id)));
    }
    extra_sids(logon).into_iter().for_each(|sid| add(Some(sid)));
    if logon.user_flags & KerbValidationInfo::RESOURCE_GROUPS != 0
        && let Some(domain) = &logon.resource_group_domain
    {
        let counting = logon.resource_group_ids.iter().filter(|group| counts(group.attributes));
        counting.for_each(|group| add(domain.with_rid(group.relative_id)));
    }
    groups.retain(|sid| machine.is_none_or(|machine| !sid.is_in(machine)));
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// No domain may say that somebody is in the groups of every machine (`S-1-5-32-…`), is the
/// system, or logged on at the console ([MS-PAC] §4.1.2.2): only the groups of domains remain,
/// and by what means the account was proven (`S-1-18-…`).
fn may_be_asserted(sid: &Sid) -> bool {
    const AUTHENTICATION_AUTHORITY: u64 = 18;
    sid.is_of_a_domain() || sid.authority() == AUTHENTICATION_AUTHORITY
}
