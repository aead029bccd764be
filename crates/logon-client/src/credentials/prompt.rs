//! Whoever sits at the terminal.

use super::error::CredentialError;
use super::found::{Found, Source};
use super::secret::Credentials;
use std::io::{self, IsTerminal, Write};
use zeroize::Zeroizing;

/// Asks for a password, without echo, and for the name as well where there is none.
///
/// # Errors
/// [`CredentialError`] if there is no terminal, or nothing is typed.
pub fn prompt(name: Option<&str>) -> Result<Found, CredentialError> {
    ask(name, read_name, |name| {
        rpassword::prompt_password(format!("Password of {name}: ")).map(Zeroizing::new)
    })
}

fn ask(
    name: Option<&str>,
    read_name: impl FnOnce() -> io::Result<String>,
    read_password: impl FnOnce(&str) -> io::Result<Zeroizing<String>>,
) -> Result<Found, CredentialError> {
    let failed = |error: io::Error| CredentialError::NoTerminal(error.kind());
    let name = match name {
        Some(name) => name.to_owned(),
        None => read_name().map_err(failed)?.trim().to_owned(),
    };
    if name.is_empty() {
        return Err(CredentialError::NothingTyped);
    }
    let password = read_password(&name).map_err(failed)?;
    if password.is_empty() {
        return Err(CredentialError::NothingTyped);
    }
    Ok(Found { credentials: Credentials::password(name, password), source: Source::Prompt })
}

/// A line from standard input, which often is no terminal but a body to be sent.
fn read_name() -> io::Result<String> {
    let (input, mut output) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !output.is_terminal() {
        return Err(io::ErrorKind::NotConnected.into());
    }
    write!(output, "Account (DOMAIN\\user): ")?;
    output.flush()?;
    let mut name = String::new();
    input.read_line(&mut name)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{ask, prompt};
    use crate::credentials::{CredentialError, Source};
    use std::io::{self, ErrorKind};
    use zeroize::Zeroizing;

    fn typed(text: &str) -> io::Result<Zeroizing<String>> {
        Ok(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn who_has_a_name_is_asked_for_the_password_alone() {
        let found = ask(Some("CORP\\alice"), || panic!(), |_| typed(" geheim ")).unwrap();
        assert_eq!(found.source, Source::Prompt);
        assert_eq!(found.credentials.name(), "CORP\\alice");
        assert_eq!(found.credentials.password_text(), Some(" geheim "));
    }

    #[test]
    fn a_name_is_asked_for_and_loses_its_line_end() {
        let password = |name: &str| {
            assert_eq!(name, "alice");
            typed("a")
        };
        let found = ask(None, || Ok("alice\r\n".to_owned()), password).unwrap();
        assert_eq!(found.credentials.name(), "alice");
    }

    #[test]
    fn nothing_typed_is_no_logon() {
        let name = || Ok("\n".to_owned());
        assert_eq!(ask(None, name, |_| panic!()).unwrap_err(), CredentialError::NothingTyped);
        let error = ask(Some("alice"), || panic!(), |_| typed("")).unwrap_err();
        assert_eq!(error, CredentialError::NothingTyped);
    }

    #[test]
    fn without_a_terminal_the_error_says_how_else_to_give_credentials() {
        let error = ask(Some("alice"), || panic!(), |_| Err(ErrorKind::NotFound.into()));
        let error = error.unwrap_err();
        assert_eq!(error, CredentialError::NoTerminal(ErrorKind::NotFound));
        assert!(error.to_string().contains("LOGON_PASSWORD"), "{error}");
        // Standard input of a test is no terminal as a rule; where it is, nobody is asked.
        if !std::io::IsTerminal::is_terminal(&io::stdin()) {
            assert!(matches!(prompt(None), Err(CredentialError::NoTerminal(_))));
        }
    }
}
