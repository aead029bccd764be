//! `logon users`: keeps a user file.

use crate::cli::UsersCommand;
use crate::failure::Failure;
use crate::password;
use logon_users::edit::{self, Added};
use std::io::Write;

pub(crate) fn run(command: UsersCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        UsersCommand::Add { file, name, password_env, digest_realm, replace } => {
            let password = match &password_env {
                Some(variable) => password::from_env(variable)?,
                None => password::ask(&name)?,
            };
            let realm = digest_realm.as_deref();
            let added = edit::add_password(&file.path, &name, &password, realm, replace)
                .map_err(explain)?;
            let done = match added {
                Added::New => "added",
                Added::Replaced => "changed the password of",
            };
            writeln!(out, "{done} {name}")?;
        }
        UsersCommand::Remove { file, name } => {
            edit::remove(&file.path, &name).map_err(explain)?;
            writeln!(out, "removed {name}")?;
        }
        UsersCommand::List { file } => {
            for account in edit::list(&file.path).map_err(explain)? {
                write!(out, "{}", account.name)?;
                if let Some(upn) = &account.upn {
                    write!(out, "\t{upn}")?;
                }
                for realm in &account.digest_realms {
                    write!(out, "\tdigest={realm}")?;
                }
                if let Some(refusal) = account.refusal {
                    write!(out, "\t({refusal})")?;
                }
                writeln!(out)?;
            }
        }
    }
    Ok(())
}

fn explain(error: logon_users::UserFileError) -> Failure {
    Failure::message(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::cli::{UserFileOption, UsersCommand};
    use std::path::Path;

    fn output(command: UsersCommand) -> String {
        let mut out = Vec::new();
        run(command, &mut out).map_err(|failure| failure.to_string()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn add(path: &Path, name: &str, digest_realm: Option<&str>, replace: bool) -> String {
        output(UsersCommand::Add {
            file: UserFileOption { path: path.to_owned() },
            name: name.to_owned(),
            // Set wherever the tests run, and nobody minds that it serves as a password.
            password_env: Some("CARGO_MANIFEST_DIR".to_owned()),
            digest_realm: digest_realm.map(str::to_owned),
            replace,
        })
    }

    #[test]
    fn the_list_says_who_can_log_on_by_digest_and_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        assert_eq!(add(&path, "CORP\\alice", Some("corp"), false), "added CORP\\alice\n");
        assert_eq!(add(&path, "CORP\\bob", None, false), "added CORP\\bob\n");
        let changed = add(&path, "corp\\Alice", Some("lab"), true);
        assert_eq!(changed, "changed the password of corp\\Alice\n");
        let list = output(UsersCommand::List { file: UserFileOption { path } });
        assert_eq!(list, "CORP\\alice\tdigest=corp\tdigest=lab\nCORP\\bob\n");
    }
}
