//! Stores that take their time.

use logon::{Account, Answer, CredentialStore, DigestAccount, DigestAnswer, StoreError};
use std::future::{Future, ready};

/// The asynchronous twin of [`CredentialStore`]. A slow answer delays its own connection only.
pub trait AsyncCredentialStore: Send + Sync + 'static {
    /// What is known of the claimed `account`.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell; the client gets 503. An unknown account is no
    /// error.
    fn lookup(
        &self,
        account: Account<'_>,
    ) -> impl Future<Output = Result<Answer, StoreError>> + Send;

    /// Whether any account has a hash for `Digest` in `realm`; see
    /// [`CredentialStore::has_digest`]. Has to be at hand.
    fn has_digest(&self, realm: &str) -> bool {
        let _ = realm;
        false
    }

    /// What is known of an account that logs on by `Digest`.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell.
    fn lookup_digest(
        &self,
        account: DigestAccount<'_>,
    ) -> impl Future<Output = Result<DigestAnswer, StoreError>> + Send {
        let _ = account;
        ready(Ok(DigestAnswer::Unknown))
    }
}

/// A [`CredentialStore`] whose answers are at hand, as an [`AsyncCredentialStore`].
#[derive(Debug, Clone)]
pub struct Immediate<S>(pub S);

impl<S: CredentialStore + 'static> AsyncCredentialStore for Immediate<S> {
    fn lookup(
        &self,
        account: Account<'_>,
    ) -> impl Future<Output = Result<Answer, StoreError>> + Send {
        ready(self.0.lookup(account))
    }

    fn has_digest(&self, realm: &str) -> bool {
        self.0.has_digest(realm)
    }

    fn lookup_digest(
        &self,
        account: DigestAccount<'_>,
    ) -> impl Future<Output = Result<DigestAnswer, StoreError>> + Send {
        ready(self.0.lookup_digest(account))
    }
}
