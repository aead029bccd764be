//! Our own format: a header, then lines of an account name and fields, each after a TAB.

use super::nt_hash;
use crate::accounts::{Entry, Logon};
use crate::digest::{DigestHash, DigestProblem, DigestSecret, check_realm, spellings};
use crate::error::UserFileErrorKind as Kind;
use crate::name::{self, fold};
use logon::{DigestAlgorithm, Ha1, NtHash, Refusal};
use zeroize::Zeroizing;

/// What the header begins with.
pub(crate) const NAME: &str = "logon-users";
/// The header of version 1.
pub(crate) const HEADER: &str = "logon-users 1";
const NT: &str = "nt=";
const HA1: &str = "ha1=";

pub(super) fn is_header(line: &str) -> bool {
    line.trim_end() == HEADER
}

pub(super) fn parse(line: &str) -> Result<Entry, Kind> {
    let (name, fields) = line.split_once('\t').ok_or(Kind::MissingTab)?;
    let name = name::parse(name).map_err(Kind::Name)?;
    let (mut hash, mut upn, mut disabled) = (None, None, false);
    let mut digest = Vec::<(usize, DigestHash)>::new();
    for (field, text) in (1..).zip(fields.split('\t')) {
        let repeated = if let Some(digits) = text.strip_prefix(NT) {
            hash.replace(nt_hash(digits).ok_or(Kind::NtHash)?).is_some()
        } else if let Some(principal) = text.strip_prefix("upn=") {
            upn.replace(user_principal_name(principal)?).is_some()
        } else if let Some(parts) = text.strip_prefix(HA1) {
            let new = digest_hash(parts).map_err(|problem| Kind::Ha1 { field, problem })?;
            let repeated = digest
                .iter()
                .any(|(_, old)| old.is_for(new.ha1.algorithm(), &new.spelling, &new.realm));
            digest.push((field, new));
            repeated
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
    let mut entry = Entry { name, upn, logon, digest: DigestSecret::NONE };
    check_spellings(&entry, &digest)?;
    entry.digest = DigestSecret::Hashes(digest.into_iter().map(|(_, hash)| hash).collect());
    Ok(entry)
}

/// `ALGORITHM:HASH:NAME:REALM`. A realm may have colons in it, a name may not.
fn digest_hash(parts: &str) -> Result<DigestHash, DigestProblem> {
    let mut parts = parts.splitn(4, ':');
    let mut next = || parts.next().ok_or(DigestProblem::Parts);
    let (algorithm, digits, spelling, realm) = (next()?, next()?, next()?, next()?);
    let algorithm = DigestAlgorithm::from_name(algorithm).ok_or(DigestProblem::Algorithm)?;
    let ha1 = Ha1::from_hex(algorithm, digits).ok_or(DigestProblem::Hash)?;
    check_realm(realm)?;
    Ok(DigestHash { ha1, spelling: spelling.to_owned(), realm: realm.to_owned() })
}

/// A line must not answer for another account.
fn check_spellings(entry: &Entry, digest: &[(usize, DigestHash)]) -> Result<(), Kind> {
    let own = spellings(&entry.name, entry.upn.as_deref());
    let own: Vec<_> = own.iter().map(|name| fold(name)).collect();
    match digest.iter().find(|(_, hash)| !own.contains(&fold(&hash.spelling))) {
        Some((field, _)) => Err(Kind::Ha1 { field: *field, problem: DigestProblem::OtherName }),
        None => Ok(()),
    }
}

fn user_principal_name(text: &str) -> Result<String, Kind> {
    match name::checked("", text) {
        Ok(name) if text.contains('@') => Ok(name.user().to_owned()),
        _ => Err(Kind::Upn),
    }
}

/// What an account is to log on with.
#[derive(Clone, Copy)]
pub(crate) enum Secret<'a> {
    NtHash(&'a NtHash),
    /// The password, and the realm that its hashes are wanted for beside those of the line.
    Password(&'a str, Option<&'a str>),
}

/// A new line, without its end. `spellings` are those of [`spellings()`].
pub(crate) fn line(name: &str, spellings: &[String], secret: Secret<'_>) -> Zeroizing<String> {
    with_secret(&[name, "\t", NT].concat(), spellings, secret)
}

/// A line with another secret, and all its fields that have none.
pub(crate) fn with_secret(
    line: &str,
    spellings: &[String],
    secret: Secret<'_>,
) -> Zeroizing<String> {
    let (name, old) = line.split_once('\t').unwrap_or((line, ""));
    let mut fields: Vec<_> = old.split('\t').filter_map(|field| secret.renew(field)).collect();
    if let Secret::Password(password, Some(realm)) = secret {
        // A colon would end the name before its end.
        for spelling in spellings.iter().filter(|spelling| !spelling.contains(':')) {
            for algorithm in DigestAlgorithm::ALL {
                let field = ha1_field(algorithm, spelling, realm, password);
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
        }
    }
    let fields = fields.iter().flat_map(|field| ["\t", field.as_str()]);
    joined(&core::iter::once(name).chain(fields).collect::<Vec<_>>())
}

impl Secret<'_> {
    /// A field of an old line, as the new secret makes it; `None` if it has to go.
    fn renew(self, field: &str) -> Option<Zeroizing<String>> {
        if field.starts_with(NT) {
            return Some(self.nt_field());
        }
        let Some(parts) = field.strip_prefix(HA1) else {
            return Some(Zeroizing::new(field.to_owned()));
        };
        // What is left of the old password would let it in.
        let Self::Password(password, _) = self else { return None };
        let old = digest_hash(parts).ok()?;
        Some(ha1_field(old.ha1.algorithm(), &old.spelling, &old.realm, password))
    }

    fn nt_field(self) -> Zeroizing<String> {
        let of_password;
        let hash = match self {
            Self::NtHash(hash) => hash,
            Self::Password(password, _) => {
                of_password = NtHash::of_password(password);
                &of_password
            }
        };
        let mut buffer = Zeroizing::new([0; 32]);
        // 16 bytes are 32 digits.
        let digits = base16ct::lower::encode_str(hash.expose(), &mut *buffer).unwrap_or_default();
        joined(&[NT, digits])
    }
}

fn ha1_field(
    algorithm: DigestAlgorithm,
    spelling: &str,
    realm: &str,
    password: &str,
) -> Zeroizing<String> {
    let ha1 = Ha1::of_password(algorithm, spelling, realm, password);
    joined(&[HA1, algorithm.name(), ":", ha1.expose(), ":", spelling, ":", realm])
}

/// Parts as one text, allocated once: a string that grows leaves copies behind.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}
