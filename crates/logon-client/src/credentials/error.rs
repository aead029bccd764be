//! Why there are no credentials, in words that say what to do about it.

use core::fmt;
use logon_users::UserFileError;
use std::io;
use std::path::PathBuf;

/// Why there are no credentials. Never has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// The user file cannot be used; says which line.
    UserFile(UserFileError),
    /// The value of an environment variable is not Unicode.
    NotUnicode {
        /// Which one.
        variable: &'static str,
    },
    /// `LOGON_NT_HASH` is not an NT hash.
    NtHash,
    /// Both `LOGON_PASSWORD` and `LOGON_NT_HASH` are set.
    TwoSecrets,
    /// A secret is in the environment without `LOGON_USER`, which says whose it is.
    NoName {
        /// The variable with the secret.
        variable: &'static str,
    },
    /// There is no terminal to ask at, or it cannot be read.
    NoTerminal(io::ErrorKind),
    /// Nothing was typed.
    NothingTyped,
    /// There was nothing wrong anywhere, and nothing there.
    NotFound(NotFound),
}

/// What was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    pub(super) name: Option<String>,
    pub(super) user_file: Option<PathBuf>,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserFile(error) => return error.fmt(f),
            Self::NotUnicode { variable } => {
                return write!(f, "{variable} is not UTF-8: set it anew");
            }
            Self::NtHash => "LOGON_NT_HASH is not an NT hash: it has exactly 32 hexadecimal digits",
            Self::TwoSecrets => {
                "both LOGON_PASSWORD and LOGON_NT_HASH are set: unset one of the two"
            }
            Self::NoName { variable } => {
                return write!(
                    f,
                    "{variable} is set, and nothing says whose it is: set LOGON_USER"
                );
            }
            Self::NoTerminal(error) => {
                return write!(f, "cannot ask for credentials at a terminal ({error}): {GIVE}");
            }
            Self::NothingTyped => "nothing was typed",
            Self::NotFound(what) => return what.fmt(f),
        })
    }
}

/// How to give credentials to any program that uses this crate.
const GIVE: &str = "set LOGON_USER and LOGON_PASSWORD, or set NTLM_USER_FILE to the path of a \
                    file with a line DOMAIN:USER:PASSWORD";

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no credentials")?;
        if let Some(name) = &self.name {
            write!(f, " of {name}")?;
        }
        match &self.user_file {
            Some(path) => write!(f, " in the user file {}", path.display())?,
            None => f.write_str(": NTLM_USER_FILE is not set")?,
        }
        write!(f, ", and there is no LOGON_PASSWORD for them in the environment; {GIVE}")
    }
}

impl core::error::Error for CredentialError {}

impl From<UserFileError> for CredentialError {
    fn from(error: UserFileError) -> Self {
        Self::UserFile(error)
    }
}
