//! `logon decode`: says what a token says.
//!
//! A token comes as hex, as base64, within a header line or in a file; it is printed as an indented
//! tree. Keytabs and credential caches are printed, too. With keytabs to open it, what is encrypted
//! in a ticket is shown as well; keys never are.
//! What could be read before a defect is printed, too: the defect makes most sense there.

mod av_pairs;
mod input;
mod kerberos;
mod keys;
pub(crate) mod ntlm;
mod spnego;
#[cfg(test)]
mod tests;
pub(crate) mod token;
mod tree;

use input::InputError;
use keys::Keys;
use logon::DecodeError;
use logon_kdc::PlaceError;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use tree::Tree;

/// Prints the token that `argument` holds, or `stdin` if there is no argument or it is `-`, and
/// what the keys of `keytabs` open of it.
pub(crate) fn run(
    argument: Option<&str>,
    keytabs: &[PathBuf],
    stdin: &mut dyn Read,
    out: &mut dyn Write,
) -> Result<(), DecodeFailure> {
    let keys = Keys::read(keytabs)?;
    let token = input::read(argument, stdin)?;
    let mut tree = Tree::new(out, &keys);
    match kerberos::File::of(&token) {
        Some(file) => file?.print(&mut tree, &token)?,
        None => match kerberos::without_tcp_length(&token) {
            Some(message) => {
                tree.line(format_args!("length over TCP: {} bytes", message.len()))?;
                token::print(&mut tree.below(), message)?;
            }
            None => token::print(&mut tree, &token)?,
        },
    }
    Ok(out.flush()?)
}

/// Prints a token below what stands at `depth`, without anything that a password could be guessed
/// by, and what is wrong with it in its place.
pub(crate) fn print_without_secrets(
    token: &[u8],
    depth: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut tree = Tree::without_secrets(out, depth);
    match token::print(&mut tree, token) {
        Ok(()) => Ok(()),
        Err(DecodeFailure::Io(error)) => Err(error),
        Err(DecodeFailure::Unknown(_)) => {
            tree.line(format_args!("unknown token, {} bytes, not shown", token.len()))
        }
        Err(failure) => tree.line(format_args!("malformed: {failure}")),
    }
}

/// Why there is no tree, or only the beginning of one.
#[derive(Debug)]
pub(crate) enum DecodeFailure {
    /// No token could be made of the input.
    Input(InputError),
    /// A keytab cannot be read.
    Keytab(PlaceError),
    /// It is a token, and malformed.
    Malformed(DecodeError),
    /// An NTLM message of a type that does not exist; absent if it ends before the type.
    MessageType(Option<u32>),
    /// It begins like no token at all.
    Unknown(Vec<u8>),
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for DecodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => error.fmt(f),
            Self::Keytab(error) => error.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::MessageType(None) => {
                f.write_str("NTLM message: MessageType at offset 8: the input ends too early")
            }
            Self::MessageType(Some(code)) => write!(
                f,
                "NTLM message: MessageType at offset 8: {code} is none of NEGOTIATE (1), \
                 CHALLENGE (2), AUTHENTICATE (3)"
            ),
            Self::Unknown(start) => write!(
                f,
                "token at offset 0: it begins with {}, and so is neither NTLM, SPNEGO nor Kerberos",
                tree::Hex(start)
            ),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DecodeFailure {}

impl From<InputError> for DecodeFailure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<PlaceError> for DecodeFailure {
    fn from(error: PlaceError) -> Self {
        Self::Keytab(error)
    }
}

impl From<DecodeError> for DecodeFailure {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<io::Error> for DecodeFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
