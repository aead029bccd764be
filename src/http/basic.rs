//! The Basic scheme ([RFC 7617]): the password itself, so over TLS alone.

use super::header::{Credentials, is_header_text, push_quoted};
use crate::credential::{Answer, NtHash, StoreError};
use crate::error::{ApiMisuse, Denial, Error, HeaderError, Refusal};
use crate::evidence::ProofVerified;
use crate::identity::{Account, AccountName, Identity};
use alloc::string::String;
use core::fmt;
use zeroize::Zeroizing;

/// What Basic is offered with ([RFC 7617] §2).
#[derive(Debug, Clone)]
pub struct BasicConfig {
    realm: String,
    default_domain: String,
    without_tls: bool,
}

impl BasicConfig {
    /// Basic for `realm`, the name of the place that the password is for, as browsers show it.
    /// The store has to answer with hashes ([`Answer::Known`]): one that asks an authority about
    /// responses cannot verify a password, and whoever sends one gets 503.
    ///
    /// # Errors
    /// [`ApiMisuse::NotHeaderText`] if the realm has anything but printable ASCII, which clients
    /// read in different ways.
    pub fn new(realm: impl Into<String>) -> Result<Self, ApiMisuse> {
        let realm = realm.into();
        if !is_header_text(&realm) {
            return Err(ApiMisuse::NotHeaderText("realm"));
        }
        Ok(Self { realm, default_domain: String::new(), without_tls: false })
    }

    /// The domain of users who name none. Without, the store says whose they are.
    #[must_use]
    pub fn with_default_domain(mut self, domain: impl Into<String>) -> Self {
        self.default_domain = domain.into();
        self
    }

    /// Takes passwords over plain HTTP, too.
    ///
    /// # Security
    /// Everybody on the way can read them. Otherwise the scheme is neither offered nor looked at
    /// where a request is not [secure](super::RequestHead::secure).
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.without_tls = true;
        self
    }

    /// Whether it is to be had where requests are secure, or not.
    pub(super) fn is_usable(&self, secure: bool) -> bool {
        secure || self.without_tls
    }

    /// The value of the challenge. Always with UTF-8, or clients guess ([RFC 7617] §2.1).
    pub(super) fn challenge(&self) -> String {
        let mut value = String::from("Basic realm=");
        push_quoted(&mut value, &self.realm);
        value.push_str(", charset=\"UTF-8\"");
        value
    }
}

/// What stands in for the hash of an account that may not log on.
const NOBODY: [u8; 16] = [0; 16];

/// A password that has come; whose it is has to be looked up.
pub(super) struct PendingPassword {
    domain: String,
    user: String,
    nt_hash: NtHash,
    has_password: bool,
}

/// The hash is as good as the password; it does not go into logs.
impl fmt::Debug for PendingPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingPassword").field("account", &self.account()).finish_non_exhaustive()
    }
}

impl PendingPassword {
    /// `user-pass = user-id ":" password`. The password is hashed at once, so that an unknown
    /// user costs what a wrong password does.
    pub(super) fn read(
        credentials: Credentials<'_>,
        config: &BasicConfig,
        max_token: usize,
        max_name: usize,
    ) -> Result<Self, Error> {
        let bytes = Zeroizing::new(credentials.decode(max_token)?);
        let text = text(&bytes);
        let (name, password) = text.split_once(':').ok_or(HeaderError::NoColon)?;
        if text.chars().any(char::is_control) {
            return Err(HeaderError::ControlCharacter.into());
        }
        let (domain, user) = match name.split_once('\\') {
            Some((domain, user)) => (domain, user),
            // A user principal name has its domain in it.
            None if name.contains('@') => ("", name),
            None => (config.default_domain.as_str(), name),
        };
        let account = Account::new(domain, user);
        if name.len() > max_name {
            return Err(Denial::new(Refusal::NameTooLong, Account::new("", "")).into());
        }
        if user.is_empty() {
            return Err(Denial::new(Refusal::Anonymous, account).into());
        }
        let nt_hash = NtHash::of_password(password);
        let has_password = !password.is_empty();
        Ok(Self { domain: domain.into(), user: user.into(), nt_hash, has_password })
    }

    pub(super) fn account(&self) -> Account<'_> {
        Account::new(&self.domain, &self.user)
    }

    /// Compares with the store's answer.
    pub(super) fn resolve(self, answer: Result<Answer, StoreError>) -> Result<Identity, Error> {
        let deny = |refusal| Err(Denial::new(refusal, self.account()).into());
        let (stored, name, refusal) = match answer.map_err(Error::Store)? {
            Answer::Known(known) => (known.nt_hash, known.name, None),
            Answer::Verified(_) => {
                return Err(Error::Store(StoreError::new(
                    "it answers for responses to a challenge, and cannot verify a password",
                )));
            }
            Answer::Unknown => {
                (NtHash::from_bytes(NOBODY), AccountName::default(), Some(Refusal::UnknownAccount))
            }
            Answer::Refused(refusal) => {
                (NtHash::from_bytes(NOBODY), AccountName::default(), Some(refusal))
            }
        };
        let verdict = ProofVerified::of_password(&stored, &self.nt_hash);
        if let Some(refusal) = refusal {
            return deny(refusal);
        }
        let proof = match verdict {
            Ok(proof) => proof,
            Err(refusal) => return deny(refusal),
        };
        // The account whose password is empty is open to everybody ([MS-NLMP] §3.2.5.1.2 leaves
        // it to the server, Windows refuses it over the network).
        if !self.has_password {
            return deny(Refusal::EmptyPassword);
        }
        Ok(Identity::proven_by_request(&proof, name))
    }
}

/// UTF-8, which the challenge asks for; else Latin-1, which older clients send.
fn text(bytes: &[u8]) -> Zeroizing<String> {
    // Allocated once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    match core::str::from_utf8(bytes) {
        Ok(utf8) => text.push_str(utf8),
        Err(_) => text.extend(bytes.iter().copied().map(char::from)),
    }
    text
}
