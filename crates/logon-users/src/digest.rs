//! What accounts log on with by HTTP's Digest scheme ([RFC 7616] §3.4.2).

use crate::name::split_principal;
use core::fmt;
use logon::{AccountName, DigestAlgorithm, Ha1, digest_user_hash};
use zeroize::Zeroizing;

/// What is wrong with what an account has for HTTP's Digest scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestProblem {
    /// Fewer than four parts.
    Parts,
    /// An algorithm that nobody knows.
    Algorithm,
    /// Not hexadecimal, or fewer or more digits than the algorithm gives.
    Hash,
    /// The name is none of the account's own.
    OtherName,
    /// The realm is empty, has a blank at its beginning or end, or a control character.
    Realm,
    /// A colon in the name: it ends the name in what is hashed.
    Colon,
}

impl fmt::Display for DigestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parts => "write `ha1=ALGORITHM:HASH:NAME:REALM`",
            Self::Algorithm => "write `SHA-256`, `SHA-512-256` or `MD5` for its algorithm",
            Self::Hash => "the hash has exactly 64 hexadecimal digits, or 32 if it is of MD5",
            Self::OtherName => {
                "write one of the account's own names: `DOMAIN\\user`, `user`, or that of `upn=`"
            }
            Self::Realm => {
                "write a realm without control characters, and without a blank at its beginning \
                 or end"
            }
            Self::Colon => {
                "the account cannot log on by Digest, because there is a colon in its name"
            }
        })
    }
}

/// What an account has for the Digest scheme.
#[derive(Clone)]
pub(crate) enum DigestSecret {
    /// Hashes for some spellings of its name in some realms.
    Hashes(Vec<DigestHash>),
    /// The password: a hash for each spelling and realm.
    Password(Zeroizing<String>),
}

impl DigestSecret {
    pub(crate) const NONE: Self = Self::Hashes(Vec::new());

    pub(crate) fn hashes(&self) -> &[DigestHash] {
        match self {
            Self::Hashes(hashes) => hashes,
            Self::Password(_) => &[],
        }
    }

    /// The hash for exactly these letters, whatever the account is called otherwise.
    pub(crate) fn ha1(
        &self,
        algorithm: DigestAlgorithm,
        spelling: &str,
        realm: &str,
    ) -> Option<Ha1> {
        match self {
            Self::Hashes(hashes) => {
                let found = hashes.iter().find(|hash| hash.is_for(algorithm, spelling, realm))?;
                Some(found.ha1.clone())
            }
            Self::Password(password) => {
                Some(Ha1::of_password(algorithm, spelling, realm, password))
            }
        }
    }
}

/// A hash, and what it is a hash for.
#[derive(Clone)]
pub(crate) struct DigestHash {
    pub(crate) ha1: Ha1,
    pub(crate) spelling: String,
    pub(crate) realm: String,
}

impl DigestHash {
    pub(crate) fn is_for(&self, algorithm: DigestAlgorithm, spelling: &str, realm: &str) -> bool {
        self.ha1.algorithm() == algorithm && self.spelling == spelling && self.realm == realm
    }

    pub(crate) fn user_hash(&self) -> String {
        digest_user_hash(self.ha1.algorithm(), &self.spelling, &self.realm)
    }
}

/// The ways to write an account's name that do not depend on [`crate::Options`], each once.
pub(crate) fn spellings(name: &AccountName, upn: Option<&str>) -> Vec<String> {
    let (domain, user) = (name.domain(), name.user());
    let whole = if domain.is_empty() { user.to_owned() } else { format!("{domain}\\{user}") };
    let alone = split_principal(user).map_or(user, |(user, _)| user).to_owned();
    let mut spellings = vec![whole];
    for other in [Some(alone), upn.map(str::to_owned)].into_iter().flatten() {
        if !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    spellings
}

/// A realm as it is good for a line of a file.
pub(crate) fn check_realm(realm: &str) -> Result<(), DigestProblem> {
    if realm.is_empty() || realm.trim() != realm || realm.contains(char::is_control) {
        return Err(DigestProblem::Realm);
    }
    Ok(())
}
