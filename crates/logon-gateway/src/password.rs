//! Passwords from the environment, from a terminal, or made up.

use crate::failure::Failure;
use logon::{OsRandom, SecureRandom};
use zeroize::Zeroizing;

/// The password in the environment variable `name`.
pub(crate) fn from_env(name: &str) -> Result<Zeroizing<String>, Failure> {
    let password = std::env::var(name).map(Zeroizing::new).map_err(|error| {
        Failure::message(format!("--password-env {name}: {error}; set the variable and try again"))
    })?;
    if password.is_empty() {
        return Err(Failure::message(format!("--password-env {name}: the password is empty")));
    }
    Ok(password)
}

/// Asks twice, without echo.
pub(crate) fn ask(account: &str) -> Result<Zeroizing<String>, Failure> {
    let read = |prompt: String| {
        rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| {
            Failure::message(format!(
                "cannot ask for a password: {error}; without a terminal use --password-env"
            ))
        })
    };
    let first = read(format!("Password of {account}: "))?;
    if first.is_empty() {
        return Err(Failure::message("the password is empty; nothing was changed"));
    }
    if *first != *read("Once more: ".to_owned())? {
        return Err(Failure::message("the passwords differ; nothing was changed"));
    }
    Ok(first)
}

/// Letters and digits that are not mistaken for one another; 32 of them, so that a byte maps
/// evenly.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789B";

/// A password of 80 bits.
pub(crate) fn make_up() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0_u8; 16]);
    OsRandom.fill(bytes.as_mut_slice()).map_err(|error| Failure::message(error.to_string()))?;
    let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
    Ok(Zeroizing::new(letters.copied().map(char::from).collect()))
}
