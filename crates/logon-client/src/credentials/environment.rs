//! Environment variables.

use super::error::CredentialError;
use super::found::{Found, Source};
use super::secret::Credentials;
use logon::NtHash;
use std::ffi::OsString;
use zeroize::Zeroizing;

/// Looks up an environment variable: [`std::env::var_os`], or something else in its place.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

const USER: &str = "LOGON_USER";
const PASSWORD: &str = "LOGON_PASSWORD";
const NT_HASH: &str = "LOGON_NT_HASH";

/// `LOGON_USER` and the secret that belongs to it: `LOGON_PASSWORD`, or `LOGON_NT_HASH` in 32
/// hexadecimal digits. An empty variable is as good as none.
///
/// A `name` that is given has to be the same as `LOGON_USER`, without regard to case; else the secret
/// is somebody else's, and the answer is `None`.
///
/// # Errors
/// [`CredentialError`] if a variable is not Unicode, the hash is malformed, there are both a
/// password and a hash, or a secret without `LOGON_USER`.
///
/// # Security
/// A secret that fitted every name would go to whichever server or proxy a program has a name for.
pub fn from_environment(
    environment: Environment<'_>,
    name: Option<&str>,
) -> Result<Option<Found>, CredentialError> {
    let password = text(environment, PASSWORD)?;
    let hash = text(environment, NT_HASH)?;
    let variable = if password.is_some() { PASSWORD } else { NT_HASH };
    if password.is_none() && hash.is_none() {
        return Ok(None);
    }
    let user = text(environment, USER)?.ok_or(CredentialError::NoName { variable })?;
    let name = name.unwrap_or(&user);
    if user.to_lowercase() != name.to_lowercase() {
        return Ok(None);
    }
    let credentials = match (password, hash) {
        (Some(_), Some(_)) => return Err(CredentialError::TwoSecrets),
        (Some(password), None) => Credentials::password(name, password),
        (None, Some(hash)) => Credentials::nt_hash(name, nt_hash(&hash)?),
        (None, None) => return Ok(None),
    };
    Ok(Some(Found { credentials, source: Source::Environment }))
}

/// Whose credentials the environment asks for: `LOGON_USER`, or gss-ntlmssp's variable.
pub(super) fn wanted(
    environment: Environment<'_>,
) -> Result<Option<Zeroizing<String>>, CredentialError> {
    Ok(text(environment, USER)?.or(text(environment, "NTLMUSER")?))
}

/// The value of a variable that is there and not empty. Wiped, because it may be a secret.
fn text(
    environment: Environment<'_>,
    variable: &'static str,
) -> Result<Option<Zeroizing<String>>, CredentialError> {
    let Some(value) = environment(variable) else { return Ok(None) };
    match value.into_string() {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.is_empty())),
        Err(value) => {
            drop(Zeroizing::new(value.into_encoded_bytes()));
            Err(CredentialError::NotUnicode { variable })
        }
    }
}

fn nt_hash(digits: &str) -> Result<NtHash, CredentialError> {
    let mut bytes = Zeroizing::new([0; 16]);
    match base16ct::mixed::decode(digits, &mut *bytes) {
        Ok(decoded) if decoded.len() == 16 => Ok(NtHash::from_bytes(*bytes)),
        _ => Err(CredentialError::NtHash),
    }
}
