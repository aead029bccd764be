//! Who has logged on.

use logon::AccountName;
use logon::http::{Logon, Scheme};

/// Who a request is from: proven on its connection, or by a session cookie that was sealed after
/// such a proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct User {
    /// As the store writes it.
    pub(crate) name: AccountName,
    /// How it was proven.
    pub(crate) scheme: Scheme,
}

impl User {
    pub(crate) fn of(logon: &Logon) -> Self {
        Self { name: logon.identity().name().clone(), scheme: logon.scheme() }
    }
}
