//! What was found, and where.

use super::secret::Credentials;
use core::fmt;
use std::path::PathBuf;

/// Credentials, and where they come from. Written out it is `CORP\alice (from the environment)`.
#[derive(Debug, Clone)]
pub struct Found {
    /// What to log on with.
    pub credentials: Credentials,
    /// Where that was found.
    pub source: Source,
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The program was given them.
    Given,
    /// This user file.
    NtlmUserFile(PathBuf),
    /// The environment variables `LOGON_USER` and `LOGON_PASSWORD` or `LOGON_NT_HASH`.
    Environment,
    /// Somebody typed them at the terminal.
    Prompt,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.credentials.name(), self.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("as given"),
            Self::NtlmUserFile(path) => write!(f, "from the user file {}", path.display()),
            Self::Environment => f.write_str("from the environment"),
            Self::Prompt => f.write_str("from the terminal"),
        }
    }
}
