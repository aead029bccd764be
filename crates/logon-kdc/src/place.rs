//! Where tickets and keys are kept.

use crate::Environment;
use crate::conf::Krb5Conf;
use crate::expand::{expand, real_uid};
use crate::file;
use crate::place_error::PlaceError;
use logon::kerberos::{CredentialCache, Keytab};
use std::path::{Path, PathBuf};

/// Of a cache or a keytab. A ticket has up to 64 KiB.
const MAX_SIZE: u64 = 16 << 20;

/// Of the file that says which cache of a directory is in use.
const MAX_PRIMARY: u64 = 4096;

/// A name, and who says it.
struct Name {
    text: String,
    from: &'static str,
}

/// The file that the user's tickets are in: the one that `KRB5CCNAME` names, else the
/// `default_ccache_name` of the configuration, else `/tmp/krb5cc_` and the number of the user.
///
/// A name is `FILE:` and a path, or a path; `DIR:` and a directory is the cache that its `primary`
/// file names. That the file is there is not looked at.
///
/// # Errors
/// [`PlaceError`] if the tickets are not in a file, or if the name has a `%{…}` without a value.
pub fn credential_cache(
    conf: &Krb5Conf,
    environment: Environment<'_>,
) -> Result<PathBuf, PlaceError> {
    let default = conf.libdefaults().default_ccache_name.as_deref();
    let default = default.map(|name| (name, "default_ccache_name of krb5.conf"));
    let default = default.unwrap_or(("/tmp/krb5cc_%{uid}", "the default"));
    let name = find("KRB5CCNAME", default, environment)?;
    let (kind, rest) = split(&name.text);
    match kind {
        None => Ok(rest.into()),
        Some(kind) if kind.eq_ignore_ascii_case("FILE") => Ok(rest.into()),
        Some(kind) if kind.eq_ignore_ascii_case("DIR") => in_directory(rest),
        Some(_) => {
            let uid = real_uid().map(|uid| uid.to_string()).unwrap_or_default();
            Err(other_type(name, "KRB5CCNAME", format!("/tmp/krb5cc_{uid}")))
        }
    }
}

/// The file that a client's own keys are in, for tickets without a person: the one that
/// `KRB5_CLIENT_KTNAME` names, else the `default_client_keytab_name` of the configuration, else
/// `/etc/krb5/user/UID/client.keytab`.
///
/// # Errors
/// [`PlaceError`] if it is not a file, or if the name has a `%{…}` without a value.
pub fn client_keytab(conf: &Krb5Conf, environment: Environment<'_>) -> Result<PathBuf, PlaceError> {
    let default = conf.libdefaults().default_client_keytab_name.as_deref();
    let default = default.map(|name| (name, "default_client_keytab_name of krb5.conf"));
    let default = default.unwrap_or(("/etc/krb5/user/%{euid}/client.keytab", "the default"));
    keytab_named("KRB5_CLIENT_KTNAME", default, environment)
}

/// The file that the keys of services are in: the one that `KRB5_KTNAME` names, else the
/// `default_keytab_name` of the configuration, else `/etc/krb5.keytab`.
///
/// # Errors
/// As for [`client_keytab`].
pub fn service_keytab(
    conf: &Krb5Conf,
    environment: Environment<'_>,
) -> Result<PathBuf, PlaceError> {
    let default = conf.libdefaults().default_keytab_name.as_deref();
    let default = default.map(|name| (name, "default_keytab_name of krb5.conf"));
    let default = default.unwrap_or(("/etc/krb5.keytab", "the default"));
    keytab_named("KRB5_KTNAME", default, environment)
}

/// Reads a credential cache of at most 16 MiB. That others may read it, too, is a warning in the
/// log.
///
/// # Errors
/// [`PlaceError`] if there is none, or it cannot be read or decoded.
pub fn read_credential_cache(path: &Path) -> Result<CredentialCache, PlaceError> {
    let bytes = read(path, PlaceError::NoCache)?;
    let decoded = CredentialCache::decode(&bytes);
    decoded.map_err(|cause| PlaceError::Decode { path: path.to_owned(), cause })
}

/// Reads a keytab, as [`read_credential_cache`] does.
///
/// # Errors
/// [`PlaceError`] if there is none, or it cannot be read or decoded.
pub fn read_keytab(path: &Path) -> Result<Keytab, PlaceError> {
    let bytes = read(path, PlaceError::NoKeytab)?;
    let decoded = Keytab::decode(&bytes);
    decoded.map_err(|cause| PlaceError::Decode { path: path.to_owned(), cause })
}

fn read(
    path: &Path,
    missing: impl FnOnce(PathBuf) -> PlaceError,
) -> Result<zeroize::Zeroizing<Vec<u8>>, PlaceError> {
    file::read_secret(path, MAX_SIZE).map_err(|error| match error.is_missing() {
        true => missing(path.to_owned()),
        false => PlaceError::Unreadable(error),
    })
}

/// What the variable says, as it is; else the default, with its `%{…}` replaced.
fn find(
    variable: &'static str,
    (default, from): (&str, &'static str),
    environment: Environment<'_>,
) -> Result<Name, PlaceError> {
    if let Some(named) = environment(variable).filter(|named| !named.is_empty()) {
        let text = named.into_string().map_err(|_| PlaceError::NotUnicode { from: variable })?;
        return Ok(Name { text, from: variable });
    }
    let text = expand(default, environment);
    let text = text.map_err(|token| PlaceError::Expansion { from, token })?;
    Ok(Name { text, from })
}

/// The type, if there is one, and the rest. A letter alone is a drive of Windows.
fn split(name: &str) -> (Option<&str>, &str) {
    let is_type = |kind: &str| kind.len() > 1 && kind.chars().all(|c| c.is_ascii_alphanumeric());
    match name.split_once(':') {
        Some((kind, rest)) if is_type(kind) => (Some(kind), rest),
        _ => (None, name),
    }
}

fn keytab_named(
    variable: &'static str,
    default: (&str, &'static str),
    environment: Environment<'_>,
) -> Result<PathBuf, PlaceError> {
    let name = find(variable, default, environment)?;
    let (kind, rest) = split(&name.text);
    match kind {
        None => Ok(rest.into()),
        Some(kind) if ["FILE", "WRFILE"].iter().any(|file| kind.eq_ignore_ascii_case(file)) => {
            Ok(rest.into())
        }
        Some(_) => Err(other_type(name, variable, "/path/to/keytab".to_owned())),
    }
}

fn other_type(name: Name, variable: &'static str, instead: String) -> PlaceError {
    PlaceError::Type { name: name.text, from: name.from, variable, instead }
}

/// The cache of a directory that is in use, or with another `:` in front the very file.
fn in_directory(name: &str) -> Result<PathBuf, PlaceError> {
    if let Some(path) = name.strip_prefix(':') {
        return Ok(path.into());
    }
    let directory = Path::new(name);
    let primary = directory.join("primary");
    let text = match file::read(&primary, MAX_PRIMARY) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        // As long as there is but one cache, nothing needs to say which.
        Err(error) if error.is_missing() => "tkt".to_owned(),
        Err(error) => return Err(PlaceError::Unreadable(error)),
    };
    let cache = text.trim_end_matches(['\n', '\r']);
    if !cache.starts_with("tkt") || cache.contains(['/', '\\', '\n']) {
        return Err(PlaceError::Primary(primary));
    }
    Ok(directory.join(cache))
}
