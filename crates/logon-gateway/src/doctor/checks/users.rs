//! The user file.

use super::Subject;
use crate::doctor::report::Findings;
use crate::gateway::config::{Config, SchemeName};
use crate::gateway::options;
use logon_users::{ListedAccount, UserFile};

const TOPIC: &str = "users";

pub(super) fn check(subject: &Subject<'_>, out: &mut Findings) {
    let path = subject.path(&subject.config.users);
    let shown = path.display();
    if !path.exists() {
        return out.fail(
            TOPIC,
            format_args!("{shown} does not exist"),
            format_args!("logon users add --file {shown} '{}\\NAME'", subject.config.server.domain),
        );
    }
    let file = match UserFile::load(&path, &options(&subject.config.server)) {
        Ok(file) => file,
        Err(error) => {
            let todo = "correct the file; `logon users` keeps one that is right";
            return out.fail(TOPIC, error, todo);
        }
    };
    let accounts = file.list();
    let disabled = accounts.iter().filter(|account| account.refusal.is_some()).count();
    if accounts.is_empty() {
        let todo =
            format!("logon users add --file {shown} '{}\\NAME'", subject.config.server.domain);
        return out.fail(TOPIC, format_args!("{shown} has no users"), todo);
    }
    out.ok(TOPIC, format_args!("{shown}: {} ({disabled} disabled)", users(accounts.len())));
    if disabled == accounts.len() {
        out.fail(TOPIC, "all of them are disabled", "nobody can log on: enable or add one");
    }
    domain(subject.config, &accounts, out);
    digest(subject.config, &accounts, out);
}

/// Who types no domain is looked for in that of the server.
fn domain(config: &Config, accounts: &[ListedAccount], out: &mut Findings) {
    let domain = &config.server.domain;
    let elsewhere = |account: &&ListedAccount| {
        let name = account.name.to_string();
        name.split_once('\\').is_some_and(|(its, _)| !its.eq_ignore_ascii_case(domain))
    };
    let others: Vec<&ListedAccount> = accounts.iter().filter(elsewhere).collect();
    if others.len() == accounts.len()
        && let Some(one) = others.first()
    {
        out.warn(
            TOPIC,
            format_args!("none of them is of the domain {domain}, but of others: {}", one.name),
            "set `domain` in [server] to theirs, or whoever types no domain is not found",
        );
    }
}

fn digest(config: &Config, accounts: &[ListedAccount], out: &mut Findings) {
    let routes = config.route.iter().filter_map(|route| route.schemes.as_ref());
    if !routes.chain([&config.logon.schemes]).flatten().any(|name| *name == SchemeName::Digest) {
        return;
    }
    let realm = &config.logon.realm;
    let without: Vec<&ListedAccount> = accounts
        .iter()
        .filter(|account| account.refusal.is_none() && !account.digest_realms.contains(realm))
        .collect();
    if let Some(one) = without.first() {
        out.warn(
            TOPIC,
            format_args!(
                "Digest is offered, but {} cannot use it in the realm {realm:?}: {} …",
                users(without.len()),
                one.name
            ),
            format_args!(
                "logon users add --file {} --replace --digest-realm '{realm}' '{}'",
                config.users.display(),
                one.name
            ),
        );
    }
}

fn users(count: usize) -> String {
    if count == 1 { "1 user".to_owned() } else { format!("{count} users") }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::doctor::checks::testing::{config, secret, subject};
    use crate::doctor::report::{Findings, Level};
    use logon_users::edit::add_password;
    use std::path::Path;

    fn findings(folder: &Path, text: &str) -> Findings {
        let mut out = Findings::default();
        check(&subject(&config(text), folder), &mut out);
        out
    }

    #[test]
    fn a_file_with_users_of_the_domain_is_well() {
        let folder = tempfile::tempdir().unwrap();
        add_password(folder.path().join("users"), "CORP\\a", "pw", Some("logon"), false).unwrap();
        let text = "server.domain = \"CORP\"\nlogon.schemes = [\"NTLM\", \"Digest\"]";
        let out = findings(folder.path(), text);
        out.assert(Level::Ok, "1 user (0 disabled)");
        out.assert_none_above(Level::Ok);
    }

    #[test]
    fn a_missing_an_empty_and_a_broken_file_fail() {
        let folder = tempfile::tempdir().unwrap();
        findings(folder.path(), "").assert(Level::Fail, "does not exist");
        let path = folder.path().join("users");
        secret(&path, "# nobody\n");
        let out = findings(folder.path(), "");
        assert_eq!(out.count(Level::Fail), 1, "{out:?}");
        secret(&path, "what is this\n");
        findings(folder.path(), "").assert(Level::Fail, "line 1");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_read_fails() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        add_password(&path, "CORP\\a", "pw", None, false).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        findings(folder.path(), "").assert(Level::Fail, "chmod 600");
    }

    #[test]
    fn users_of_another_domain_and_without_digest_are_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        add_password(folder.path().join("users"), "CORP\\a", "pw", None, false).unwrap();
        let out = findings(folder.path(), "logon.schemes = [\"NTLM\", \"Digest\"]");
        out.assert(Level::Warn, "none of them is of the domain WORKGROUP");
        out.assert(Level::Warn, "--digest-realm 'logon'");
    }
}
