//! `NTLM_USER_FILE`.

use super::error::CredentialError;
use super::found::{Found, Source};
use super::secret::Credentials;
use logon_users::client::{self, ClientSecret};
use std::path::Path;

/// Finds the account `wanted`, or else the first, in a user file; `None` if it is not there.
///
/// A line is `DOMAIN:USER:PASSWORD`, or one of smbpasswd, or one of our own format; which formats
/// there are, see [`logon_users`], and how `wanted` compares, [`client::find`]. A file that
/// others may read is a warning in the log.
///
/// # Errors
/// [`CredentialError::UserFile`], with the line, if the file cannot be used.
pub fn from_user_file(
    path: impl AsRef<Path>,
    wanted: Option<&str>,
) -> Result<Option<Found>, CredentialError> {
    let path = path.as_ref();
    let Some(account) = client::find(path, wanted)? else { return Ok(None) };
    // Not what is shown of a name, which has its control characters escaped.
    let (domain, user) = (account.name.domain(), account.name.user());
    let name = if domain.is_empty() { user.to_owned() } else { [domain, user].join("\\") };
    let credentials = match account.secret {
        ClientSecret::Password(password) => Credentials::password(name, password),
        ClientSecret::NtHash(hash) => Credentials::nt_hash(name, hash),
    };
    Ok(Some(Found { credentials, source: Source::NtlmUserFile(path.to_owned()) }))
}
