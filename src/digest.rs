//! What a store and HTTP's Digest scheme have to say to each other ([RFC 7616]).

use crate::crypto;
use crate::error::Refusal;
use crate::identity::AccountName;
use core::fmt;
use zeroize::Zeroizing;

/// A hash function of the Digest scheme ([RFC 7616] §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`: SHA-512/256 of FIPS 180-4, which is not a shortened SHA-512 ([RFC 7616]
    /// §3.9.2 prints an example of the latter, see its erratum 4897).
    Sha512_256,
    /// `MD5`, for clients from before 2015.
    Md5,
}

impl DigestAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha512_256, Self::Md5];

    /// The name as it is written; it is compared without regard to case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
            Self::Md5 => "MD5",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The number of hexadecimal digits that its hashes have.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Sha256 | Self::Sha512_256 => 64,
            Self::Md5 => 32,
        }
    }

    /// The hash of `parts`, one after the other, in lower-case hexadecimal.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> HexHash {
        #[cfg(test)]
        crypto::work::add(parts.iter().map(|part| part.len()).sum());
        match self {
            Self::Sha256 => HexHash::of(&*Zeroizing::new(crypto::sha256(parts))),
            Self::Sha512_256 => HexHash::of(&*Zeroizing::new(crypto::sha512_256(parts))),
            Self::Md5 => HexHash::of(&*Zeroizing::new(crypto::md5(parts))),
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hash as the Digest scheme passes it on: in lower-case hexadecimal digits. Wiped on drop,
/// because some are as good as a password.
#[derive(Clone)]
pub(crate) struct HexHash {
    digits: Zeroizing<[u8; 64]>,
    length: usize,
}

impl HexHash {
    fn of(bytes: &[u8]) -> Self {
        let mut digits = Zeroizing::new([0; 64]);
        // At most 32 bytes, which are 64 digits.
        let length = base16ct::lower::encode(bytes, &mut *digits).map_or(0, <[u8]>::len);
        Self { digits, length }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// `H(A1)` of an account: the hash of its name, the realm and the password ([RFC 7616]
/// §3.4.2). Good as the password itself, for this name in this realm.
///
/// # Security
/// Zeroized on drop, redacted in `Debug`.
#[derive(Clone)]
pub struct Ha1 {
    algorithm: DigestAlgorithm,
    hash: HexHash,
}

impl Ha1 {
    /// The hash of a password, for the user name as the client will send it, letter by letter.
    #[must_use]
    pub fn of_password(
        algorithm: DigestAlgorithm,
        username: &str,
        realm: &str,
        password: &str,
    ) -> Self {
        let parts = [username.as_bytes(), b":", realm.as_bytes(), b":", password.as_bytes()];
        Self { algorithm, hash: algorithm.hash(&parts) }
    }

    /// A hash that is already known, in hexadecimal digits of either case; `None` if there are
    /// other characters, or fewer or more of them than the algorithm gives.
    #[must_use]
    pub fn from_hex(algorithm: DigestAlgorithm, digits: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let bytes = base16ct::mixed::decode(digits, &mut *bytes).ok()?;
        let hash = HexHash::of(bytes);
        (hash.length == algorithm.digits()).then_some(Self { algorithm, hash })
    }

    /// The algorithm that it is a hash of.
    #[must_use]
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The lower-case hexadecimal digits, for a store that has to write them.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.hash.as_str()
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ha1").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The hash that a client sends in the place of its user name, in lower-case hexadecimal digits
/// ([RFC 7616] §3.4.4): for a store that has to find the account by it.
#[must_use]
pub fn digest_user_hash(
    algorithm: DigestAlgorithm,
    username: &str,
    realm: &str,
) -> alloc::string::String {
    algorithm.hash(&[username.as_bytes(), b":", realm.as_bytes()]).as_str().into()
}

/// Whom the store is asked for: the account as the client claims it ([RFC 7616] §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigestAccount<'a> {
    /// The name, or what stands for it.
    pub username: DigestUsername<'a>,
    /// The realm of the [`Ha1`]: the server's own.
    pub realm: &'a str,
    /// The algorithm of the [`Ha1`].
    pub algorithm: DigestAlgorithm,
}

impl<'a> DigestAccount<'a> {
    /// The question for an account.
    #[must_use]
    pub fn new(username: DigestUsername<'a>, realm: &'a str, algorithm: DigestAlgorithm) -> Self {
        Self { username, realm, algorithm }
    }
}

/// A user name of the Digest scheme ([RFC 7616] §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestUsername<'a> {
    /// As the user typed it: `alice`, `CORP\alice`, `alice@corp.example`. The hash is made over
    /// these very characters, so the store must not look further than its spellings.
    Plain(&'a str),
    /// [`digest_user_hash`] of it, in lower-case hexadecimal digits.
    Hash(&'a str),
}

/// What a store says of an account that logs on by Digest.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DigestAnswer {
    /// The account exists and may log on.
    Known {
        /// The hash for the name as the client spells it.
        ha1: Ha1,
        /// The account's name as the store spells it.
        name: AccountName,
    },
    /// There is no such account, or no hash for it in this realm and of this algorithm. Costs
    /// the peer, and looks to it, like a wrong password.
    Unknown,
    /// The account exists and may not log on.
    Refused(Refusal),
}
