//! Where a client's tickets begin.

use super::error::TicketsError;
use crate::place::read_credential_cache;
use core::fmt;
use logon::kerberos::{ClientSecret, CredentialCache, PrincipalName};
use std::path::PathBuf;
use std::time::SystemTime;

pub(super) enum Source {
    Cache(PathBuf),
    Password(PrincipalName, ClientSecret),
    Keys(PrincipalName, ClientSecret),
}

/// A cache, and what its file looked like.
pub(super) struct Loaded {
    pub(super) cache: CredentialCache,
    pub(super) stamp: Option<Stamp>,
}

/// By which one can tell that a file was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Source {
    /// `None` if it is not there, or cannot be looked at: reading it will say why.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let Self::Cache(path) = self else { return Some(Stamp { modified: None, length: 0 }) };
        let found = std::fs::metadata(path).ok()?;
        Some(Stamp { modified: found.modified().ok(), length: found.len() })
    }

    pub(super) fn secret(&self) -> Option<&ClientSecret> {
        match self {
            Self::Cache(_) => None,
            Self::Password(_, secret) | Self::Keys(_, secret) => Some(secret),
        }
    }

    pub(super) fn is_password(&self) -> bool {
        matches!(self, Self::Password(..))
    }

    pub(super) fn read(&self) -> Result<CredentialCache, TicketsError> {
        match self {
            Self::Cache(path) => Ok(read_credential_cache(path)?),
            Self::Password(client, _) | Self::Keys(client, _) => {
                Ok(CredentialCache::new(client.clone()))
            }
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(path) => f.debug_tuple("Cache").field(path).finish(),
            Self::Password(client, _) => f.debug_tuple("Password").field(client).finish(),
            Self::Keys(client, _) => f.debug_tuple("Keys").field(client).finish(),
        }
    }
}
