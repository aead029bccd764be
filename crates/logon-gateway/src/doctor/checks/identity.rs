//! The key that signs tokens for applications.

use super::{Subject, permissions};
use crate::doctor::report::Findings;

const TOPIC: &str = "identity";

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let Some(jwt) = &subject.config.identity.jwt else { return };
    let path = subject.path(&jwt.key);
    match std::fs::File::open(&path) {
        Ok(_) => {
            out.ok(TOPIC, format_args!("tokens are signed with {}", path.display()));
            permissions::check(TOPIC, "the key", &path, out);
        }
        Err(error) => out.fail(
            TOPIC,
            format_args!("{}: {error}", path.display()),
            "name the file with the key in `key` of [identity.jwt], readable for the gateway",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::doctor::checks::testing::{config, secret, subject};
    use crate::doctor::report::{Findings, Level};

    #[test]
    fn the_key_of_tokens_has_to_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[identity.jwt]\nfield = \"X-Token\"\nkey = \"k\"\nalgorithm = \"HS256\"\nissuer = \"i\"\naudience = \"a\"\n";
        let config = config(text);
        let findings = || {
            let mut out = Findings::default();
            check(&subject(&config, folder.path()), &mut out);
            out
        };
        findings().assert(Level::Fail, "[identity.jwt]");
        secret(&folder.path().join("k"), "key");
        findings().assert(Level::Ok, "tokens are signed");
        findings().assert_none_above(Level::Ok);
    }
}
