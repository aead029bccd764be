//! Keytabs of a service.

use logon::kerberos::Keytab;
use std::path::Path;

/// The keys of a file, of which there is one at least.
///
/// # Errors
/// What is wrong with it, with its name.
pub(crate) fn read(path: &Path) -> Result<Keytab, String> {
    let keytab = logon_kdc::read_keytab(path).map_err(|error| error.to_string())?;
    if keytab.keys().is_empty() {
        let path = path.display();
        return Err(format!("{path} has no key that can be used: export it with AES keys"));
    }
    Ok(keytab)
}
