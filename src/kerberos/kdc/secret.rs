//! What a client shows a KDC that it is who it says.

use super::error::TicketError;
use crate::kerberos::{EncryptionType, Iterations, Key, KeyError, Keytab, PrincipalName};
use crate::wire::krb5::EtypeInfo2Entry;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use zeroize::Zeroizing;

/// A client's password, or keys that were made of it. Wiped when the last clone is dropped.
/// See [RFC 4120] §3.1.
#[derive(Clone)]
pub struct ClientSecret(Arc<Secret>);

enum Secret {
    Password(Zeroizing<String>),
    Keytab(Keytab),
}

impl ClientSecret {
    /// A password.
    #[must_use]
    pub fn password(password: impl Into<Zeroizing<String>>) -> Self {
        Self(Arc::new(Secret::Password(password.into())))
    }

    /// Keys, of which those of the client's name count.
    #[must_use]
    pub fn keytab(keytab: Keytab) -> Self {
        Self(Arc::new(Secret::Keytab(keytab)))
    }

    /// The key that the KDC has, of those that it would take: the first in its order that is
    /// allowed and that there is. The KDC says without proof how it is made; that has limits.
    pub(super) fn key(
        &self,
        client: &PrincipalName,
        allowed: &[EncryptionType],
        infos: &[EtypeInfo2Entry<'_>],
    ) -> Result<Key, TicketError> {
        let offered = infos.iter().map(|info| info.etype).collect();
        let mut problem = TicketError::NoKey { offered };
        for info in infos {
            let mut types = allowed.iter().filter(|it| it.number() == info.etype);
            let Some(encryption_type) = types.next() else { continue };
            match self.make(client, *encryption_type, info) {
                Ok(Some(key)) => return Ok(key),
                Ok(None) => {}
                Err(error) => problem = error.into(),
            }
        }
        Err(problem)
    }

    fn make(
        &self,
        client: &PrincipalName,
        encryption_type: EncryptionType,
        info: &EtypeInfo2Entry<'_>,
    ) -> Result<Option<Key>, KeyError> {
        match &*self.0 {
            Secret::Password(password) => {
                let salt = info.salt.map(|salt| salt.as_bytes().to_vec());
                let salt = salt.unwrap_or_else(|| client.default_salt());
                let iterations = info.s2kparams.map(Iterations::from_s2kparams).transpose()?;
                let iterations = iterations.unwrap_or(Iterations::Default);
                Key::from_password(encryption_type, password, &salt, iterations).map(Some)
            }
            Secret::Keytab(keytab) => {
                let keys = keytab.keys().iter().filter(|it| {
                    it.key.encryption_type() == encryption_type && it.principal.is_alike(client)
                });
                Ok(keys.max_by_key(|it| it.kvno).map(|it| it.key.clone()))
            }
        }
    }
}

/// Not even which of the two.
impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}
