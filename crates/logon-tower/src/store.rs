//! Stores that take their time.

use logon::{Account, Answer, CredentialStore, StoreError};
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
}
