//! `logon users`: keeps a user file.

use crate::cli::UsersCommand;
use crate::failure::Failure;
use crate::password;
use logon::NtHash;
use logon_users::edit::{self, Added};
use std::io::Write;

pub(crate) fn run(command: UsersCommand, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        UsersCommand::Add { file, name, password_env, replace } => {
            let password = match &password_env {
                Some(variable) => password::from_env(variable)?,
                None => password::ask(&name)?,
            };
            let hash = NtHash::of_password(&password);
            let added = edit::add(&file.path, &name, &hash, replace).map_err(explain)?;
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
