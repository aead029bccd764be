//! What a client finds in a user file: an account to log on with, and its secret.
//!
//! Heimdal, gss-ntlmssp and pyspnego read `NTLM_USER_FILE` on that side too. Two things are not
//! as for a server. A file that others may read is a warning only, since it is the user's own to
//! keep; and the password is kept where the file has one, for the schemes that need it.

use crate::accounts::{Entry, Logon};
use crate::error::{UserFileError, UserFileErrorKind as Kind};
use crate::format::{self, Format, Line};
use crate::name::{fold, split_principal};
use crate::read;
use core::fmt;
use logon::{AccountName, NtHash, Refusal};
use std::path::Path;
use zeroize::Zeroizing;

/// An account of a user file that may log on.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientAccount {
    /// The name as the file spells it.
    pub name: AccountName,
    /// What it logs on with.
    pub secret: ClientSecret,
}

/// A password or what stands for it. Wiped when it is dropped.
#[derive(Clone)]
pub enum ClientSecret {
    /// The password.
    Password(Zeroizing<String>),
    /// The hash of a password that the file does not have.
    NtHash(NtHash),
}

impl fmt::Debug for ClientAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAccount").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(..)",
            Self::NtHash(_) => "NtHash(..)",
        })
    }
}

/// Finds the account `wanted`, or else the first of the file.
///
/// `wanted` is `DOMAIN\user`, `user@dns.domain` or `user`, and compares without regard to case. A
/// user alone is the first one of that name, whatever the domain; a user principal name is also
/// the user before the `@` in the domain after it. Accounts that may not log on are passed over.
///
/// `None` if the file has no such account.
///
/// # Errors
/// [`UserFileError`] if the file is missing, unreadable, larger than 16 MiB, not UTF-8 or without
/// an account; if any line of it is malformed or of another format than the rest; or if the
/// account is there and may not log on.
pub fn find(
    path: impl AsRef<Path>,
    wanted: Option<&str>,
) -> Result<Option<ClientAccount>, UserFileError> {
    let path = path.as_ref();
    let contents = read::read_of_client(path)?;
    let text = &contents.text;
    let parsed = format::parse(text).map_err(|problem| UserFileError::at(path, problem))?;
    if parsed.lines.is_empty() {
        return Err(UserFileError::new(path, Kind::Empty));
    }
    let mut refused: Option<(usize, Refusal)> = None;
    for Line { number, entry } in parsed.lines {
        if !wanted.is_none_or(|wanted| is_wanted(&entry, wanted)) {
            continue;
        }
        match entry.logon {
            Logon::With(hash) => {
                let secret = match parsed.format {
                    Some(Format::NtlmUserFile) => format::password(text, number),
                    _ => None,
                };
                let secret = secret.map_or(ClientSecret::NtHash(hash), ClientSecret::Password);
                return Ok(Some(ClientAccount { name: entry.name, secret }));
            }
            Logon::Refused(refusal) => refused = refused.or(Some((number, refusal))),
        }
    }
    match refused {
        Some((line, refusal)) => Err(UserFileError::on(path, line, Kind::MayNotLogOn(refusal))),
        None => Ok(None),
    }
}

fn is_wanted(entry: &Entry, wanted: &str) -> bool {
    let wanted = fold(wanted);
    let (domain, user) = (fold(entry.name.domain()), fold(entry.name.user()));
    if let Some(wanted) = wanted.split_once('\\') {
        return wanted == (&domain, &user);
    }
    let by_principal = split_principal(&wanted) == Some((&user, &domain));
    wanted == user || by_principal || entry.upn.as_deref().is_some_and(|upn| fold(upn) == wanted)
}
