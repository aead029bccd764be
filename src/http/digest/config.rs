//! What Digest is offered with.

use super::counts::NonceCounts;
use super::nonce::Nonce;
use crate::digest::DigestAlgorithm;
use crate::env::{FileTime, SecureRandom};
use crate::error::{ApiMisuse, Error};
use crate::http::header::{is_header_text, push_quoted};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use zeroize::Zeroizing;

/// What Digest is offered with; one is shared by all connections of a server.
/// See [RFC 7616] §3.3.
///
/// # Security
/// Digest proves the password for each request, and protects little else: whoever overhears it
/// can guess at the password offline, and it can be relayed. Offer it over TLS.
pub struct DigestConfig {
    pub(super) realm: Arc<str>,
    key: Zeroizing<[u8; 32]>,
    pub(super) algorithms: Vec<DigestAlgorithm>,
    pub(super) user_hash: bool,
    pub(super) auth_int: bool,
    pub(super) nonce_lifetime: Duration,
    domain: String,
    pub(super) counts: Arc<dyn NonceCounts>,
}

impl DigestConfig {
    /// A configuration for `realm`, the name of the place that the password is for. The stores'
    /// hashes are made with it, so another realm needs other hashes. A new key for nonces is
    /// drawn from `random`.
    ///
    /// # Errors
    /// [`ApiMisuse::NotHeaderText`] if the realm has anything but printable ASCII, which clients
    /// read in different ways. [`Error::RandomFailed`].
    pub fn new(
        realm: impl Into<String>,
        random: &dyn SecureRandom,
        counts: Arc<dyn NonceCounts>,
    ) -> Result<Self, Error> {
        let realm: String = realm.into();
        if !is_header_text(&realm) {
            return Err(ApiMisuse::NotHeaderText("realm").into());
        }
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut *key)?;
        Ok(Self {
            realm: Arc::from(realm),
            key,
            algorithms: Vec::from([DigestAlgorithm::Sha256, DigestAlgorithm::Md5]),
            user_hash: false,
            auth_int: false,
            nonce_lifetime: Duration::from_secs(300),
            domain: String::new(),
            counts,
        })
    }

    /// A configuration with the operating system's randomness, and [`super::RecentNonces`].
    ///
    /// # Errors
    /// Those of [`DigestConfig::new`].
    #[cfg(feature = "std")]
    pub fn with_os(realm: impl Into<String>) -> Result<Self, Error> {
        let counts = Arc::new(super::RecentNonces::default());
        Self::new(realm, &crate::env::OsRandom, counts)
    }

    /// Replaces the key that nonces are made with, so that the servers of a fleet know each
    /// other's: 32 random bytes, as secret as a password.
    ///
    /// # Security
    /// A key that outlives the memory of counts, or is shared without sharing that memory as
    /// well ([`DigestConfig::with_counts`]), lets credentials that somebody overheard serve once
    /// more within the lifetime of their nonce: on every other server, and after a restart.
    #[must_use]
    pub fn with_key(mut self, key: [u8; 32]) -> Self {
        self.key = Zeroizing::new(key);
        self
    }

    /// The algorithms, in the order to offer them, one challenge each; clients take the first
    /// that they know. Default: SHA-256, then MD5. MD5 is there because clients from before 2021
    /// know nothing else, .NET among them; its weakness does not help to forge a response, but
    /// makes guessing passwords cheaper. `&[DigestAlgorithm::Sha256]` does without. With none,
    /// nobody is challenged and nobody gets in.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[DigestAlgorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Whether clients may send a hash in the place of the user name ([RFC 7616] §3.4.4), which
    /// the store then has to know. Default: no.
    #[must_use]
    pub fn with_user_hash(mut self, user_hash: bool) -> Self {
        self.user_hash = user_hash;
        self
    }

    /// Whether to offer `qop=auth-int`, with which the response covers the body ([RFC 7616]
    /// §3.4.3); it serves requests whose body has been read by then. Default: no.
    #[must_use]
    pub fn with_auth_int(mut self, auth_int: bool) -> Self {
        self.auth_int = auth_int;
        self
    }

    /// How long a nonce serves. Behind that, a client goes on with a new one, without asking for
    /// the password again. Default: 5 minutes.
    #[must_use]
    pub fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = lifetime;
        self
    }

    /// The addresses that the password is good for, absolute or beginning with `/` ([RFC 7616]
    /// §3.3 `domain`). Default: none, which means the whole server.
    ///
    /// # Errors
    /// [`ApiMisuse::NotHeaderText`] if one has anything but printable ASCII, a blank or a
    /// quotation mark.
    pub fn with_domain(mut self, addresses: &[&str]) -> Result<Self, ApiMisuse> {
        let is_clean = |text: &&str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
        };
        if !addresses.iter().all(is_clean) {
            return Err(ApiMisuse::NotHeaderText("domain"));
        }
        self.domain = addresses.join(" ");
        Ok(self)
    }

    /// Replaces the memory of counts.
    #[must_use]
    pub fn with_counts(mut self, counts: Arc<dyn NonceCounts>) -> Self {
        self.counts = counts;
        self
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of `WWW-Authenticate`, one for each algorithm, with a new nonce ([RFC 7616]
    /// §3.3). `stale` tells the client that its password was right. There is no `opaque`: it has
    /// no use here, and is one thing less to come back wrong.
    ///
    /// # Errors
    /// [`Error::RandomFailed`].
    pub(crate) fn challenges(
        &self,
        now: FileTime,
        random: &dyn SecureRandom,
        stale: bool,
    ) -> Result<Vec<String>, Error> {
        let nonce = Nonce::new(now, random)?.encode(&self.key, &self.realm);
        let challenge = |algorithm: &DigestAlgorithm| {
            let mut value = String::from("Digest realm=");
            push_quoted(&mut value, &self.realm);
            if !self.domain.is_empty() {
                value.push_str(", domain=");
                push_quoted(&mut value, &self.domain);
            }
            value.push_str(", nonce=");
            push_quoted(&mut value, &nonce);
            value.push_str(if stale { ", stale=true" } else { "" });
            value.push_str(", algorithm=");
            value.push_str(algorithm.name());
            value.push_str(", qop=");
            push_quoted(&mut value, if self.auth_int { "auth, auth-int" } else { "auth" });
            value.push_str(", charset=UTF-8");
            value.push_str(if self.user_hash { ", userhash=true" } else { "" });
            value
        };
        Ok(self.algorithms.iter().map(challenge).collect())
    }

    /// The nonce behind `text`; `None` if it is none of ours.
    pub(super) fn nonce(&self, text: &[u8]) -> Option<Nonce> {
        Nonce::decode(&self.key, &self.realm, text)
    }
}

/// Without the key, with which nonces can be made.
impl fmt::Debug for DigestConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestConfig")
            .field("realm", &self.realm)
            .field("algorithms", &self.algorithms)
            .field("user_hash", &self.user_hash)
            .field("auth_int", &self.auth_int)
            .field("nonce_lifetime", &self.nonce_lifetime)
            .field("domain", &self.domain)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}
