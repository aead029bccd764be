//! Account names as people write them: `DOMAIN\user`, `user@dns.domain`, `user`.

use core::fmt;
use logon::AccountName;

/// What is wrong with an account name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameProblem {
    /// There is no user in it.
    NoUser,
    /// Nothing stands before the backslash or after the `@`.
    NoDomain,
    /// More than one backslash, or one where domain and user are apart already.
    SecondBackslash,
    /// A domain and an `@`: either alone says the domain.
    BackslashAndAt,
    /// A TAB or another control character.
    ControlCharacter,
    /// A blank at the beginning or the end, of the whole or of a part.
    OuterBlank,
    /// A `#` at the beginning: the line would be a comment.
    LeadingHash,
}

impl fmt::Display for NameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUser => "there is no user in the account name",
            Self::NoDomain => "the domain in the account name is empty",
            Self::SecondBackslash => "the account name has a backslash too many",
            Self::BackslashAndAt => "the account name has both a domain and an `@`",
            Self::ControlCharacter => "the account name has a control character in it",
            Self::OuterBlank => "the account name has a blank at its beginning or end",
            Self::LeadingHash => "the account name begins with `#`, which begins a comment",
        })?;
        f.write_str(": write `DOMAIN\\user`, `user@dns.domain` or `user`")
    }
}

/// Takes a name apart. A user principal name stays whole, without a domain.
pub(crate) fn parse(name: &str) -> Result<AccountName, NameProblem> {
    match name.split_once('\\') {
        Some((_, user)) if user.contains('\\') => Err(NameProblem::SecondBackslash),
        Some((_, user)) if user.contains('@') => Err(NameProblem::BackslashAndAt),
        Some(("", _)) => Err(NameProblem::NoDomain),
        Some((domain, user)) => checked(domain, user),
        None => checked("", name),
    }
}

/// A name from its parts; the domain may be empty.
pub(crate) fn checked(domain: &str, user: &str) -> Result<AccountName, NameProblem> {
    let first = if domain.is_empty() { user } else { domain };
    if first.starts_with('#') {
        return Err(NameProblem::LeadingHash);
    }
    if domain.contains('\\') || user.contains('\\') {
        return Err(NameProblem::SecondBackslash);
    }
    if !domain.is_empty() && (domain.contains('@') || user.contains('@')) {
        return Err(NameProblem::BackslashAndAt);
    }
    let (local, dns_domain) = split_principal(user).unwrap_or((user, "-"));
    if local.is_empty() {
        return Err(NameProblem::NoUser);
    }
    if dns_domain.is_empty() {
        return Err(NameProblem::NoDomain);
    }
    for part in [domain, local, dns_domain] {
        if part.contains(char::is_control) {
            return Err(NameProblem::ControlCharacter);
        }
        if part.trim() != part {
            return Err(NameProblem::OuterBlank);
        }
    }
    Ok(AccountName::new(domain, user))
}

/// User and DNS domain of a user principal name.
pub(crate) fn split_principal(user: &str) -> Option<(&str, &str)> {
    user.rsplit_once('@')
}

/// How names compare: lower case character by character, whatever the locale.
pub(crate) fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}
