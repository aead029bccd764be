//! Why there are no tickets or keys.

use crate::file::ReadError;
use core::fmt;
use logon::DecodeError;
use std::path::PathBuf;

/// Why tickets or keys are not to be had, in words that say what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceError {
    /// They are kept where only MIT krb5 and its servers find them: `KCM:`, `KEYRING:`, `MEMORY:`,
    /// `API:` and the like.
    Type {
        /// The name of the cache or of the keytab.
        name: String,
        /// Where the name is from: an environment variable, or a tag of `krb5.conf`.
        from: &'static str,
        /// The environment variable that can name a file instead.
        variable: &'static str,
        /// The file that it could name.
        instead: String,
    },
    /// The name is not Unicode.
    NotUnicode {
        /// Where the name is from.
        from: &'static str,
    },
    /// The name has a `%{…}` that has no value.
    Expansion {
        /// Where the name is from.
        from: &'static str,
        /// What stands between the braces.
        token: String,
    },
    /// The `primary` file of a `DIR:` names no cache of that directory.
    Primary(PathBuf),
    /// There is no credential cache.
    NoCache(PathBuf),
    /// There is no keytab.
    NoKeytab(PathBuf),
    /// A file is there and cannot be read.
    Unreadable(ReadError),
    /// A file is not what it should be.
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: DecodeError,
    },
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { name, from, variable, instead } => {
                let then = if *variable == "KRB5CCNAME" { " and run `kinit`" } else { "" };
                write!(
                    f,
                    "{name} ({from}) is not a file, and only files are read here: set \
                     `{variable}=FILE:{instead}` for this program{then}",
                )?;
                if then.is_empty() { Ok(()) } else { f.write_str(" with it, too") }
            }
            Self::NotUnicode { from } => write!(f, "what {from} names is not Unicode"),
            Self::Expansion { from, token } => {
                write!(f, "%{{{token}}} in {from} has no value here: write what it stands for")
            }
            Self::Primary(path) => write!(
                f,
                "{} names no cache of its directory: run `kinit`, or `kswitch`",
                path.display()
            ),
            Self::NoCache(path) => {
                write!(f, "there are no tickets in {}: run `kinit`", path.display())
            }
            Self::NoKeytab(path) => write!(
                f,
                "there is no keytab {}: make one with `ktutil` or `samba-tool domain exportkeytab`",
                path.display()
            ),
            Self::Unreadable(error) => error.fmt(f),
            // The first byte: it never was one.
            Self::Decode { path, cause } if cause.field == "magic" => {
                write!(f, "{} is no {}: is this the right file?", path.display(), cause.structure)
            }
            Self::Decode { path, cause } => {
                write!(f, "{} is not in order: {cause}", path.display())
            }
        }
    }
}

impl core::error::Error for PlaceError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Decode { cause, .. } => Some(cause),
            _ => None,
        }
    }
}
