//! `NTLM_USER_FILE` of Heimdal, gss-ntlmssp and pyspnego: `DOMAIN:USER:PASSWORD`.

use super::{is_hash, nt_hash};
use crate::accounts::{Entry, Logon};
use crate::digest::DigestSecret;
use crate::error::UserFileErrorKind as Kind;
use crate::name;
use logon::NtHash;

pub(super) fn is_like(line: &str) -> bool {
    fields(line).is_some()
}

/// Three fields, and the second no number: nothing that lacks the end of an smbpasswd line.
pub(super) fn is_triple(line: &str) -> bool {
    fields(line).is_some_and(|[_, user, password]| {
        !password.contains(':') && user.contains(|letter: char| !letter.is_ascii_digit())
    })
}

pub(super) fn parse(line: &str) -> Result<Entry, Kind> {
    let [domain, user, password] = fields(line).ok_or(Kind::UnknownFormat)?;
    let name = name::checked(domain, user).map_err(Kind::Name)?;
    if password.is_empty() {
        return Err(Kind::EmptyPassword);
    }
    let hash = hash_as_password(password).unwrap_or_else(|| NtHash::of_password(password));
    Ok(Entry { name, upn: None, logon: Logon::With(hash), digest: DigestSecret::NONE })
}

/// The password of a line that has one and not a hash.
pub(super) fn password(line: &str) -> Option<&str> {
    let [_, _, password] = fields(line)?;
    hash_as_password(password).is_none().then_some(password)
}

/// The password is the rest of the line, whatever is in it.
fn fields(line: &str) -> Option<[&str; 3]> {
    let (domain, rest) = line.split_once(':')?;
    let (user, password) = rest.split_once(':')?;
    Some([domain, user, password])
}

/// `LMHASH:NTHASH`, as impacket and others take it in place of a password.
fn hash_as_password(password: &str) -> Option<NtHash> {
    let (lm, nt) = password.split_once(':')?;
    if is_hash(lm) { nt_hash(nt) } else { None }
}
