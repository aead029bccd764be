//! Stores that take their time.

use logon::{Account, Answer, CredentialStore, DigestAccount, DigestAnswer, StoreError};
use std::future::{Future, ready};

/// The asynchronous twin of [`CredentialStore`]. A slow answer delays its own connection only.
///
/// ```
/// use logon::{Account, AccountName, Answer, KnownAccount, NtHash, StoreError};
/// use logon_tower::AsyncCredentialStore;
///
/// struct Database;
///
/// impl Database {
///     /// The name of the account as it is written here, and its NT hash.
///     async fn account(&self, user: &str) -> std::io::Result<Option<(String, [u8; 16])>> {
///         Ok(user.eq_ignore_ascii_case("alice").then(|| ("alice".to_owned(), [7; 16])))
///     }
/// }
///
/// impl AsyncCredentialStore for Database {
///     async fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
///         // Clients that know no domain send none.
///         let domain = account.domain();
///         if !domain.is_empty() && !domain.eq_ignore_ascii_case("CORP") {
///             return Ok(Answer::Unknown);
///         }
///         let found = self.account(account.user()).await;
///         let found = found.map_err(|error| StoreError::new(format!("the database: {error}")))?;
///         Ok(found.map_or(Answer::Unknown, |(user, hash)| {
///             let name = AccountName::new("CORP", user);
///             Answer::Known(KnownAccount::new(NtHash::from_bytes(hash), name))
///         }))
///     }
/// }
/// ```
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
    /// [`CredentialStore::has_digest`]. Has to be at hand. Default: no, and then `Digest` is not
    /// offered, however the server is configured: write this one along with
    /// [`AsyncCredentialStore::lookup_digest`].
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
