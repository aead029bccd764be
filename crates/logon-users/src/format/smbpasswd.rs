//! smbpasswd(5): `NAME:UID:LM:NT:[FLAGS]:LCT-TIME:`.

use super::{is_hash, nt_hash};
use crate::accounts::{Entry, Logon};
use crate::digest::DigestSecret;
use crate::error::UserFileErrorKind as Kind;
use crate::name;
use logon::Refusal;

/// Whether a line is meant as one of smbpasswd, well-formed or not.
///
/// Generous, because the other reading of a line with colons takes anything for a password: a
/// damaged hash would become one without a word.
pub(super) fn is_like(line: &str) -> bool {
    let mut fields = line.split(':').skip(1);
    let (uid, lm, nt) = (fields.next(), fields.next(), fields.next());
    let number = uid.is_some_and(is_number);
    let hashes = [lm, nt].map(|field| field.is_some_and(|field| is_hash(field) || is_none(field)));
    match fields.next() {
        Some(flags) if flags.starts_with('[') && flags.ends_with(']') => true,
        Some(_) => hashes.contains(&true) && (number || hashes == [true; 2]),
        // Short of the flags. A password in the form `LM:NT` has the same four fields.
        None => number && hashes.contains(&true),
    }
}

pub(super) fn parse(line: &str) -> Result<Entry, Kind> {
    let mut fields = line.split(':');
    let mut next = || fields.next().ok_or(Kind::SmbpasswdFields);
    let (name, uid, lm, nt, flags) = (next()?, next()?, next()?, next()?, next()?);
    let last_change = fields.next().unwrap_or_default();

    let name = name::parse(name).map_err(Kind::Name)?;
    if !is_number(uid) {
        return Err(Kind::Uid);
    }
    if !is_hash(lm) && !is_none(lm) {
        return Err(Kind::LmHash);
    }
    let refusal = refusal(flags)?;
    if !is_last_change(last_change) {
        return Err(Kind::LastChange);
    }
    let logon = match (refusal, nt_hash(nt)) {
        (_, None) if !is_none(nt) => return Err(Kind::NtHash),
        (Some(refusal), _) => Logon::Refused(refusal),
        (None, Some(hash)) => Logon::With(hash),
        (None, None) if is_no_password(nt) => Logon::Refused(Refusal::EmptyPassword),
        // Samba takes such an account for disabled, too.
        (None, None) => Logon::Refused(Refusal::AccountDisabled),
    };
    Ok(Entry { name, upn: None, logon, digest: DigestSecret::NONE })
}

/// What the flags say against a logon.
fn refusal(flags: &str) -> Result<Option<Refusal>, Kind> {
    let inner = flags.strip_prefix('[').and_then(|flags| flags.strip_suffix(']'));
    let inner = inner.ok_or(Kind::Flags)?;
    // `U` user, `H` home directory, `T` temporary duplicate, `M` majority node set, `X` password
    // does not expire.
    if !inner.chars().all(|flag| "UNDHTMWSILX ".contains(flag)) {
        return Err(Kind::Flags);
    }
    let has = |letters: &[char]| inner.contains(letters);
    Ok(if has(&['D']) {
        Some(Refusal::AccountDisabled)
    } else if has(&['L']) {
        Some(Refusal::AccountLocked)
    } else if has(&['W', 'S', 'I']) {
        // Workstation, server, interdomain trust: no human logs on with these.
        Some(Refusal::RefusedByAuthority)
    } else if has(&['N']) {
        Some(Refusal::EmptyPassword)
    } else {
        None
    })
}

fn is_number(uid: &str) -> bool {
    // Samba writes -1, or the same without its sign, where there is no UID.
    uid == "-1" || (uid.bytes().all(|digit| digit.is_ascii_digit()) && uid.parse::<u32>().is_ok())
}

/// A hash that was taken away, in one of the ways of doing that.
fn is_none(hash: &str) -> bool {
    let crossed_out = |mark| hash.len() == 32 && hash.chars().all(|letter| letter == mark);
    is_no_password(hash) || ['X', 'x', '*'].into_iter().any(crossed_out)
}

fn is_no_password(hash: &str) -> bool {
    let padding = hash.strip_prefix("NO PASSWORD");
    padding.is_some_and(|padding| padding.chars().all(|letter| matches!(letter, 'X' | 'x' | '*')))
}

/// Some writers put decimal digits there, ten of them. Older ones have nothing.
fn is_last_change(field: &str) -> bool {
    let is_time = |digits: &str| {
        (1..=16).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    field.is_empty() || field.strip_prefix("LCT-").is_some_and(is_time)
}
