//! A name and the secret that belongs to it.

use core::fmt;
use logon::{Credential, NtHash};
use std::sync::Arc;
use zeroize::Zeroizing;

/// An account to log on with: its name, and its password or the NT hash of that.
///
/// A clone shares the secret, which is wiped when the last of them is dropped.
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

struct Inner {
    name: String,
    secret: Secret,
}

enum Secret {
    Password(Zeroizing<String>),
    NtHash(NtHash),
}

impl Credentials {
    /// An account and its password. `name` is `DOMAIN\user`, `user@dns.domain` or `user`.
    #[must_use]
    pub fn password(name: impl Into<String>, password: impl Into<Zeroizing<String>>) -> Self {
        Self::new(name.into(), Secret::Password(password.into()))
    }

    /// An account and the hash of its password, which is enough for NTLM and for nothing else.
    #[must_use]
    pub fn nt_hash(name: impl Into<String>, nt_hash: NtHash) -> Self {
        Self::new(name.into(), Secret::NtHash(nt_hash))
    }

    fn new(name: String, secret: Secret) -> Self {
        Self(Arc::new(Inner { name, secret }))
    }

    /// The name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What an [`Initiator`](logon::Initiator) logs on with.
    #[must_use]
    pub fn credential(&self) -> Credential {
        match &self.0.secret {
            Secret::Password(password) => Credential::password(self.name(), password),
            Secret::NtHash(hash) => Credential::nt_hash(self.name(), hash.clone()),
        }
    }

    /// The password, for HTTP's Basic and Digest schemes; `None` where there is a hash alone.
    #[must_use]
    pub fn password_text(&self) -> Option<&str> {
        match &self.0.secret {
            Secret::Password(password) => Some(password),
            Secret::NtHash(_) => None,
        }
    }
}

/// Without the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.0.name).finish_non_exhaustive()
    }
}
