//! Who has logged on.

use logon::AccountName;
use logon::http::{Logon, Scheme};
use logon::wire::Sid;
use std::sync::Arc;

/// Who a request is from: proven on its connection, or by a session cookie that was sealed after
/// such a proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct User {
    /// As the store writes it.
    pub(crate) name: AccountName,
    /// How it was proven.
    pub(crate) scheme: Scheme,
    /// Whether a ticket has proven it.
    pub(crate) kerberos: bool,
    /// Who that is for Windows, if the domain has said so.
    pub(crate) sids: Option<Arc<Sids>>,
}

/// Security identifiers ([MS-DTYP] §2.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sids {
    /// The account's.
    pub(crate) user: Sid,
    /// Those of its groups, each once.
    pub(crate) groups: Vec<Sid>,
}

impl User {
    pub(crate) fn new(name: AccountName, scheme: Scheme) -> Self {
        Self { name, scheme, kerberos: false, sids: None }
    }

    pub(crate) fn of(logon: &Logon) -> Self {
        let identity = logon.identity();
        let sids = identity
            .user_sid()
            .map(|user| Arc::new(Sids { user: *user, groups: identity.group_sids().to_vec() }));
        let mechanism = logon.mechanism();
        let kerberos = mechanism.is_some_and(|mechanism| !mechanism.is_per_connection());
        Self { kerberos, sids, ..Self::new(identity.name().clone(), logon.scheme()) }
    }

    /// Whether NTLM has proven it.
    pub(crate) fn is_of_ntlm(&self) -> bool {
        !self.kerberos && matches!(self.scheme, Scheme::Negotiate | Scheme::Ntlm)
    }

    /// All that it is in Windows, itself included.
    pub(crate) fn all_sids(&self) -> impl Iterator<Item = &Sid> {
        let sids = self.sids.as_deref();
        sids.into_iter().flat_map(|sids| std::iter::once(&sids.user).chain(&sids.groups))
    }
}
