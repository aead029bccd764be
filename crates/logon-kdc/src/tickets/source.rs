//! Where a client's tickets begin.

use super::error::TicketsError;
use crate::place::read_credential_cache;
use core::fmt;
use logon::kerberos::{ClientSecret, CredentialCache, PrincipalName};
use std::path::PathBuf;
use std::time::SystemTime;

pub(super) enum Source {
    Cache(PathBuf),
    Secret(PrincipalName, ClientSecret),
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

    pub(super) fn read(&self) -> Result<CredentialCache, TicketsError> {
        match self {
            Self::Cache(path) => Ok(read_credential_cache(path)?),
            Self::Secret(client, _) => Ok(CredentialCache::new(client.clone())),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(path) => f.debug_tuple("Cache").field(path).finish(),
            Self::Secret(client, _) => f.debug_tuple("Secret").field(client).finish(),
        }
    }
}
