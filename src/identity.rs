//! Who somebody claims to be, and who somebody is proven to be.

use crate::evidence::{BindingsChecked, BindingsOutcome, MicChecked, MicOutcome, ProofVerified};
use crate::wire::Sid;
use alloc::string::String;
use core::fmt::{self, Write};

/// Who the client claims to be: unproven, straight from AUTHENTICATE ([MS-NLMP] §2.2.1.3).
///
/// Good for looking the account up; never for deciding what somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    domain: &'a str,
    user: &'a str,
    workstation: &'a str,
}

impl<'a> Account<'a> {
    /// A claim made of its parts, for tests of a [`crate::CredentialStore`].
    #[must_use]
    pub fn new(domain: &'a str, user: &'a str) -> Self {
        Self { domain, user, workstation: "" }
    }

    pub(crate) fn with_workstation(self, workstation: &'a str) -> Self {
        Self { workstation, ..self }
    }

    /// The domain as sent; empty for a user principal name, and whenever the client knows none.
    #[must_use]
    pub fn domain(self) -> &'a str {
        self.domain
    }

    /// The user as sent: `alice`, or `alice@corp.example` with an empty domain.
    #[must_use]
    pub fn user(self) -> &'a str {
        self.user
    }

    /// The workstation that the client says it is; often empty, often made up.
    #[must_use]
    pub fn workstation(self) -> &'a str {
        self.workstation
    }
}

/// `DOMAIN\user`, control characters escaped.
impl fmt::Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_account(f, self.domain, self.user)
    }
}

/// The name of an account as its store spells it: what an [`Identity`] will carry.
/// See [MS-NLMP] §3.1.1.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct AccountName {
    domain: String,
    user: String,
    upn: Option<String>,
}

impl AccountName {
    /// A name of domain (may be empty) and user.
    #[must_use]
    pub fn new(domain: impl Into<String>, user: impl Into<String>) -> Self {
        Self { domain: domain.into(), user: user.into(), upn: None }
    }

    /// Adds the account's user principal name, `alice@corp.example`.
    #[must_use]
    pub fn with_upn(mut self, upn: impl Into<String>) -> Self {
        self.upn = Some(upn.into());
        self
    }

    /// The user principal name, if the store knows one.
    #[must_use]
    pub fn upn(&self) -> Option<&str> {
        self.upn.as_deref()
    }

    /// The domain; empty if the store has none.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// `DOMAIN\user`, control characters escaped.
impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_account(f, &self.domain, &self.user)
    }
}

/// What a client calls itself ends up in logs; it must not be able to write lines of its own
/// there.
fn write_account(f: &mut fmt::Formatter<'_>, domain: &str, user: &str) -> fmt::Result {
    if !domain.is_empty() {
        write_visibly(f, domain)?;
        f.write_char('\\')?;
    }
    write_visibly(f, user)
}

/// Controls, line separators, changes of direction and the like are written as escapes.
fn write_visibly(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        '\\' | '"' | '\'' => f.write_char(c),
        _ => write!(f, "{}", c.escape_debug()),
    })
}

/// The service a client wants: a service principal name such as `HTTP/web01.corp.example`.
/// See [MS-NLMP] §2.2.2.1 (`MsvAvTargetName`), [RFC 4559] §4.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetName {
    spn: String,
    untrusted: bool,
}

impl TargetName {
    /// A target of the whole service principal name.
    #[must_use]
    pub fn new(spn: impl Into<String>) -> Self {
        Self { spn: spn.into(), untrusted: false }
    }

    /// The target of a web server: `HTTP/` and the host ([RFC 4559] §4.2).
    #[must_use]
    pub fn http(host: &str) -> Self {
        let mut spn = String::from("HTTP/");
        spn.push_str(host);
        Self::new(spn)
    }

    /// Says that the name comes from where the client cannot vouch for it, such as an address
    /// in a message. Servers then do not count on it (`MsvAvFlags` 0x4, [MS-NLMP] §3.1.5.1.2).
    #[must_use]
    pub fn untrusted(mut self) -> Self {
        self.untrusted = true;
        self
    }

    pub(crate) fn is_untrusted(&self) -> bool {
        self.untrusted
    }

    /// The service principal name; empty when none is known.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.spn
    }
}

impl TargetName {
    /// Whether `sent` names this service: without regard to case, and to a port if this name
    /// has none.
    pub(crate) fn matches(&self, sent: &str) -> bool {
        let Some((service, host)) = sent.split_once('/') else { return false };
        let Some((own_service, own_host)) = self.spn.split_once('/') else { return false };
        let without_port = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        same(service, own_service) && (same(host, own_host) || same(without_port, own_host))
    }
}

/// Who the client is proven to be. Only a completed exchange makes one.
/// See [MS-NLMP] §3.2.5.1.2.
///
/// The names are the store's spelling, so that `corp\ALICE` and `CORP\alice` are one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: AccountName,
    workstation: String,
    target_name: String,
    mic: MicOutcome,
    bindings: BindingsOutcome,
    #[cfg(feature = "kerberos")]
    pac: Option<alloc::sync::Arc<crate::kerberos::Pac>>,
}

/// What the client says of itself beside its account; sent under the proof, but only a claim.
#[derive(Debug, Default)]
pub(crate) struct ClientClaims {
    pub(crate) workstation: String,
    pub(crate) target_name: String,
}

impl Identity {
    /// The three pieces of evidence are the price of an identity.
    pub(crate) fn proven(
        _: &ProofVerified,
        mic: &MicChecked,
        bindings: &BindingsChecked,
        name: AccountName,
        claims: ClientClaims,
    ) -> Self {
        Self {
            name,
            workstation: claims.workstation,
            target_name: claims.target_name,
            mic: mic.outcome(),
            bindings: bindings.outcome(),
            #[cfg(feature = "kerberos")]
            pac: None,
        }
    }

    /// Adds what the domain says of the account, which is of the same ticket.
    #[cfg(feature = "kerberos")]
    pub(crate) fn with_pac(mut self, pac: Option<crate::kerberos::Pac>) -> Self {
        self.pac = pac.map(alloc::sync::Arc::new);
        self
    }

    /// What the domain says of the account: its security identifier and its groups ([MS-PAC]);
    /// `None` of a logon without a ticket of Active Directory or Samba.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn pac(&self) -> Option<&crate::kerberos::Pac> {
        self.pac.as_deref()
    }

    /// The account's security identifier, from whatever source knows it; `None` if none does, as a
    /// user file ([MS-DTYP] §2.4.2).
    #[must_use]
    pub fn user_sid(&self) -> Option<&Sid> {
        #[cfg(feature = "kerberos")]
        return self.pac().map(crate::kerberos::Pac::user);
        #[cfg(not(feature = "kerberos"))]
        None
    }

    /// The security identifiers of its groups, each once; none if no source knows them
    /// ([MS-DTYP] §2.4.2).
    #[must_use]
    pub fn group_sids(&self) -> &[Sid] {
        #[cfg(feature = "kerberos")]
        return self.pac().map(crate::kerberos::Pac::groups).unwrap_or_default();
        #[cfg(not(feature = "kerberos"))]
        &[]
    }

    /// An identity of a scheme that proves a request by itself, and neither has messages to
    /// protect nor anything to bind: `Digest`, `Basic`.
    pub(crate) fn proven_by_request(proof: &ProofVerified, name: AccountName) -> Self {
        let (mic, bindings) = (MicChecked::not_of_ntlm(), BindingsChecked::not_of_ntlm());
        Self::proven(proof, &mic, &bindings, name, ClientClaims::default())
    }

    /// The domain; empty if the store has none.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.name.domain
    }

    /// The user without the domain.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.name.user
    }

    /// The user principal name, if the store knows one: `alice@corp.example`.
    #[must_use]
    pub fn upn(&self) -> Option<&str> {
        self.name.upn()
    }

    /// Domain and user as the store spells them.
    #[must_use]
    pub fn name(&self) -> &AccountName {
        &self.name
    }

    /// The workstation the client names; a claim, not proven.
    #[must_use]
    pub fn workstation(&self) -> &str {
        &self.workstation
    }

    /// The service principal name that the client meant to reach (`MsvAvTargetName`,
    /// [MS-NLMP] §2.2.2.1); empty if it sent none.
    #[must_use]
    pub fn target_name(&self) -> &str {
        &self.target_name
    }

    /// Whether a MIC protected the three messages.
    #[must_use]
    pub fn mic(&self) -> MicOutcome {
        self.mic
    }

    /// Whether the logon was bound to its TLS connection.
    #[must_use]
    pub fn bindings(&self) -> BindingsOutcome {
        self.bindings
    }
}

/// `DOMAIN\user`, or the user alone when there is no domain: the value of `LOGON_USER`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
