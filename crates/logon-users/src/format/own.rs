//! Our own format: a header, then lines of an account name and fields, each after a TAB.

use super::nt_hash;
use crate::accounts::{Entry, Logon};
use crate::error::UserFileErrorKind as Kind;
use crate::name;
use logon::{NtHash, Refusal};
use zeroize::Zeroizing;

/// What the header begins with.
pub(crate) const NAME: &str = "logon-users";
/// The header of version 1.
pub(crate) const HEADER: &str = "logon-users 1";
const NT: &str = "nt=";
const FIELD_NT: &str = "\tnt=";

pub(super) fn is_header(line: &str) -> bool {
    line.trim_end() == HEADER
}

pub(super) fn parse(line: &str) -> Result<Entry, Kind> {
    let (name, fields) = line.split_once('\t').ok_or(Kind::MissingTab)?;
    let name = name::parse(name).map_err(Kind::Name)?;
    let (mut hash, mut upn, mut disabled) = (None, None, false);
    for (field, text) in (1..).zip(fields.split('\t')) {
        let repeated = if let Some(digits) = text.strip_prefix(NT) {
            hash.replace(nt_hash(digits).ok_or(Kind::NtHash)?).is_some()
        } else if let Some(principal) = text.strip_prefix("upn=") {
            upn.replace(user_principal_name(principal)?).is_some()
        } else if text == "disabled" {
            core::mem::replace(&mut disabled, true)
        } else {
            // The text of the field is not said: a hash without `nt=` would end up in a log.
            return Err(Kind::UnknownField { field });
        };
        if repeated {
            return Err(Kind::RepeatedField { field });
        }
    }
    let logon = match (hash, disabled) {
        (None, _) => return Err(Kind::MissingNtHash),
        (Some(_), true) => Logon::Refused(Refusal::AccountDisabled),
        (Some(hash), false) => Logon::With(hash),
    };
    Ok(Entry { name, upn, logon })
}

fn user_principal_name(text: &str) -> Result<String, Kind> {
    match name::checked("", text) {
        Ok(name) if text.contains('@') => Ok(name.user().to_owned()),
        _ => Err(Kind::Upn),
    }
}

/// A new line, without its end.
pub(crate) fn line(name: &str, nt_hash: &NtHash) -> Zeroizing<String> {
    joined([name, FIELD_NT, &digits(nt_hash), ""])
}

/// A line with another hash, and all its other fields.
pub(crate) fn with_hash(line: &str, nt_hash: &NtHash) -> Zeroizing<String> {
    // No name has a TAB, so this is the field and not a part of the name.
    let (before, old) = line.split_once(FIELD_NT).unwrap_or((line, ""));
    let after = old.find('\t').and_then(|end| old.get(end..)).unwrap_or_default();
    joined([before, FIELD_NT, &digits(nt_hash), after])
}

fn digits(nt_hash: &NtHash) -> Zeroizing<String> {
    let mut buffer = Zeroizing::new([0; 32]);
    // 16 bytes are 32 digits.
    let digits = base16ct::lower::encode_str(nt_hash.expose(), &mut *buffer).unwrap_or_default();
    Zeroizing::new(digits.to_owned())
}

/// Parts as one text, allocated once: a string that grows leaves copies behind.
fn joined(parts: [&str; 4]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}
