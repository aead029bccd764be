//! The keys of a service.

use super::{EncryptionType, Key, PrincipalName};
use crate::error::{ApiMisuse, DecodeError};
use crate::wire::krb5::{KeytabEntry, KeytabFile};
use alloc::vec::Vec;

/// The keys of a service, from a keytab (MIT krb5, `keytab_file_format`) or made of a password.
///
/// Keys of encryption types that are not supported here are left out.
#[derive(Debug, Clone, Default)]
pub struct Keytab {
    keys: Vec<ServiceKey>,
    left_out: usize,
}

/// A key of a service: whose, which version, which key ([RFC 4120] §5.2.9).
#[derive(Debug, Clone)]
pub struct ServiceKey {
    /// The service.
    pub principal: PrincipalName,
    /// The version of the key; Active Directory does not always raise it with the key.
    pub kvno: u32,
    /// The key.
    pub key: Key,
}

impl Keytab {
    /// Decodes a file.
    ///
    /// # Errors
    /// [`DecodeError`] if it is no keytab.
    pub fn decode(file: &[u8]) -> Result<Self, DecodeError> {
        let file = KeytabFile::decode(file)?;
        let mut this = Self::default();
        for entry in &file.entries {
            match ServiceKey::of(entry) {
                Some(key) => this.keys.push(key),
                None => this.left_out = this.left_out.saturating_add(1),
            }
        }
        Ok(this)
    }

    /// The keys, in the order of the file.
    #[must_use]
    pub fn keys(&self) -> &[ServiceKey] {
        &self.keys
    }

    /// How many entries of the file were left out: of another encryption type, or with a key that
    /// does not have its length.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The file, of version 2, without times.
    ///
    /// # Errors
    /// [`ApiMisuse::FieldTooLong`] if a name is longer than its length field can say.
    pub fn encode(&self) -> Result<Vec<u8>, ApiMisuse> {
        let entries = self.keys.iter().map(|this| KeytabEntry {
            principal: this.principal.as_wire(),
            timestamp: 0,
            kvno: this.kvno,
            key_type: this.key.encryption_type().number(),
            key: this.key.expose(),
        });
        KeytabFile { entries: entries.collect() }.encode()
    }
}

impl Extend<ServiceKey> for Keytab {
    fn extend<T: IntoIterator<Item = ServiceKey>>(&mut self, keys: T) {
        self.keys.extend(keys);
    }
}

impl FromIterator<ServiceKey> for Keytab {
    fn from_iter<T: IntoIterator<Item = ServiceKey>>(keys: T) -> Self {
        Self { keys: keys.into_iter().collect(), left_out: 0 }
    }
}

impl ServiceKey {
    fn of(entry: &KeytabEntry<'_>) -> Option<Self> {
        let encryption_type = EncryptionType::try_from(entry.key_type).ok()?;
        let key = Key::new(encryption_type, entry.key).ok()?;
        Some(Self { principal: PrincipalName::from(&entry.principal), kvno: entry.kvno, key })
    }
}
