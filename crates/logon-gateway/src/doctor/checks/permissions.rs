//! Who may read a file with a secret in it.

use crate::doctor::report::Findings;
use std::path::Path;

/// Warns if others than its owner and group may read it. Windows has no such bits.
pub(in crate::doctor) fn check(topic: &'static str, what: &str, path: &Path, out: &mut Findings) {
    if let Some(mode) = mode(path)
        && mode & 0o007 != 0
    {
        let path = path.display();
        out.warn(
            topic,
            format_args!("{what} {path} is open to everybody on this machine (mode {mode:03o})"),
            format_args!("chmod 640 {path}, with the group that the gateway runs as"),
        );
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::check;
    use crate::doctor::report::{Findings, Level};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_that_everybody_may_read_is_warned_of() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, level) in [(0o600, None), (0o640, None), (0o644, Some(Level::Warn))] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(file.path(), permissions).unwrap();
            let mut out = Findings::default();
            check("TLS", "key", file.path(), &mut out);
            assert_eq!(out.0.first().map(|finding| finding.level), level, "{mode:o}");
        }
    }
}
