//! The keys that seal sessions.

use super::{Subject, permissions};
use crate::doctor::report::Findings;
use crate::gateway::session::Sessions;
use zeroize::Zeroizing;

const TOPIC: &str = "session";

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Some(session) = &subject.config.session else { return };
    let path = subject.path(&session.keys);
    let shown = path.display();
    if let Err(error) = Sessions::load(session, subject.folder) {
        let todo = format!("logon session-key --file {shown}");
        return out.fail(TOPIC, error, todo);
    }
    permissions::check(TOPIC, "the file of keys", &path, out);
    let text = Zeroizing::new(std::fs::read_to_string(&path).unwrap_or_default());
    let is_key = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    match text.lines().filter(is_key).count() {
        1 => out.ok(TOPIC, format_args!("{shown} has 1 key")),
        count => out.ok(TOPIC, format_args!("{shown} has {count} keys: the first one seals")),
    }
    let secure = |listen: &crate::gateway::config::Listen| {
        listen.certificate.is_some()
            || listen.self_signed.is_some()
            || listen.tls_in_front.is_some()
    };
    if !subject.config.listen.iter().any(secure) {
        out.warn(
            TOPIC,
            "no listener has TLS, and the cookie is only sent over TLS",
            "give one a `certificate` and a `key`, or leave [session] out",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::doctor::checks::testing::{config, secret, subject};
    use crate::doctor::report::{Findings, Level};
    use crate::gateway::session::rotate;
    use std::path::Path;
    use std::time::SystemTime;

    const SESSION: &str = "session.keys = \"keys\"\n";
    const TLS: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\nself_signed = \"tls.pem\"\n";

    fn findings(folder: &Path, text: &str) -> Findings {
        let mut out = Findings::default();
        check(&subject(&config(text), folder), &mut out);
        out
    }

    #[test]
    fn keys_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let text = format!("{SESSION}{TLS}");
        findings(folder.path(), &text).assert(Level::Fail, "logon session-key --file");
        secret(&path, "# none\n\n");
        findings(folder.path(), &text).assert(Level::Fail, "logon session-key --file");
        std::fs::remove_file(&path).unwrap();
        for count in ["1 key", "2 keys"] {
            rotate(&path, 2, SystemTime::now()).unwrap();
            let out = findings(folder.path(), &text);
            out.assert(Level::Ok, count);
            out.assert_none_above(Level::Ok);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            findings(folder.path(), &text).assert(Level::Warn, "chmod 640");
        }
    }

    #[test]
    fn a_cookie_needs_tls() {
        let folder = tempfile::tempdir().unwrap();
        rotate(&folder.path().join("keys"), 1, SystemTime::now()).unwrap();
        findings(folder.path(), SESSION).assert(Level::Warn, "no listener has TLS");
        assert!(findings(folder.path(), "").0.is_empty());
    }
}
