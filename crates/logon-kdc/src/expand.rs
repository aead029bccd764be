//! `%{…}` in the names of files (MIT krb5, `krb5.conf`, "Parameter expansion").

use crate::Environment;
use crate::file;
use std::path::Path;

/// Of `/etc/passwd`.
const MAX_PASSWD: u64 = 4 << 20;

/// Replaces what stands in `%{…}`.
///
/// # Errors
/// What stands between braces and has no value.
pub(crate) fn expand(text: &str, environment: Environment<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        let (token, after) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        out.push_str(before);
        out.push_str(&value(token, environment).ok_or_else(|| token.to_owned())?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn value(token: &str, environment: Environment<'_>) -> Option<String> {
    match token {
        "uid" | "USERID" => Some(real_uid()?.to_string()),
        "euid" => Some(effective_uid()?.to_string()),
        "username" => user_name(environment),
        "TEMP" => {
            let named = environment("TMPDIR").filter(|named| !named.is_empty());
            named.map_or_else(|| Some("/tmp".to_owned()), |named| named.into_string().ok())
        }
        "null" => Some(String::new()),
        _ => None,
    }
}

/// The name of the effective user: of the local user file, or as the environment says for users
/// that a directory knows.
fn user_name(environment: Environment<'_>) -> Option<String> {
    let uid = effective_uid()?.to_string();
    let passwd = file::read(Path::new("/etc/passwd"), MAX_PASSWD).ok();
    let passwd = passwd.as_ref().and_then(|bytes| core::str::from_utf8(bytes).ok());
    let local = passwd.and_then(|text| {
        let mut users = text.lines().map(|line| line.split(':'));
        users.find_map(|mut user| {
            let name = user.next()?;
            (user.nth(1)? == uid).then(|| name.to_owned())
        })
    });
    let named = |name: &str| environment(name)?.into_string().ok().filter(|name| !name.is_empty());
    local.or_else(|| named("USER")).or_else(|| named("LOGNAME"))
}

#[cfg(unix)]
pub(crate) fn real_uid() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(unix)]
fn effective_uid() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(crate) fn real_uid() -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn effective_uid() -> Option<u32> {
    None
}
