//! Names of users and services as options have them.

use crate::failure::Failure;
use logon::TargetName;

/// A service principal name as the KDC has it; the realm is found out.
pub(super) fn service(name: &str) -> Result<TargetName, Failure> {
    let bad = |why: &str| Failure::usage(format!("--spn {name:?}: {why}"));
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(bad("there are no blanks in it"));
    }
    match name.split_once('/') {
        _ if name.contains('@') => Err(bad("leave out @ and the realm")),
        Some((class, host)) if !class.is_empty() && !host.is_empty() => Ok(TargetName::new(name)),
        Some(_) => Err(bad("write HTTP/ and a host")),
        None if name.is_empty() => Err(bad("write HTTP/ and a host, or leave it out")),
        None => Err(bad(&format!("a service stands before the host: write HTTP/{name}"))),
    }
}

/// Whether an option names somebody: `CORP\` does not.
pub(super) fn check_user(option: &str, name: &str) -> Result<(), Failure> {
    let user = name.split_once('\\').map_or(name, |(_, user)| user);
    if user.trim().is_empty() || user.starts_with('@') {
        let advice = r"write DOMAIN\user, user@dns.domain, or leave it out";
        // Not the name: a password may stand behind it.
        return Err(Failure::usage(format!("{option} names nobody: {advice}")));
    }
    Ok(())
}
