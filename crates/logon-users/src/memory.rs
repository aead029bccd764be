//! Accounts that the program itself gives.

use crate::accounts::{Accounts, Entry, Logon, Options};
use crate::digest::DigestSecret;
use core::fmt;
use logon::{Account, AccountName, Answer, CredentialStore, NtHash, Refusal, StoreError};
use logon::{DigestAccount, DigestAnswer};
use zeroize::Zeroizing;

/// A store in memory, for demonstrations and tests: the accounts are found by the same rules as
/// those of a file ([`Options`]).
///
/// Names are `DOMAIN\user`, `user@dns.domain` or `user`. An account replaces the one that was
/// given before by the same name.
///
/// # Security
/// Passwords are kept, for HTTP's Digest scheme: its hashes depend on the realm and on how the
/// user spells the name. They are zeroized on drop.
pub struct MemoryStore {
    options: Options,
    accounts: Accounts,
}

impl MemoryStore {
    /// A store without accounts, default domain and DNS domains.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(Options::default())
    }

    /// A store without accounts.
    #[must_use]
    pub fn with_options(options: Options) -> Self {
        Self { accounts: Accounts::new(&options), options }
    }

    /// Adds an account by its password. It can also log on by HTTP's Digest scheme, in any realm
    /// and by every name that it is found by; a hash in the place of the name has to be of
    /// `DOMAIN\user` or `user`, or of the user principal name that the account is named by.
    #[must_use]
    pub fn with_password(self, name: &str, password: &str) -> Self {
        let logon = Logon::With(NtHash::of_password(password));
        self.with(name, logon, DigestSecret::Password(Zeroizing::new(password.to_owned())))
    }

    /// Adds an account by the NT hash of its password. It cannot log on by Digest.
    #[must_use]
    pub fn with_nt_hash(self, name: &str, nt_hash: NtHash) -> Self {
        self.with(name, Logon::With(nt_hash), DigestSecret::NONE)
    }

    /// Adds an account that may not log on.
    #[must_use]
    pub fn with_refusal(self, name: &str, refusal: Refusal) -> Self {
        self.with(name, Logon::Refused(refusal), DigestSecret::NONE)
    }

    fn with(mut self, name: &str, logon: Logon, digest: DigestSecret) -> Self {
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let entry = Entry { name: AccountName::new(domain, user), upn: None, logon, digest };
        while let Err(taken) = self.accounts.insert(entry.clone()) {
            self.remove(taken);
        }
        self
    }

    fn remove(&mut self, position: usize) {
        let mut kept = Accounts::new(&self.options);
        for (index, entry) in self.accounts.entries().iter().enumerate() {
            if index != position {
                // Cannot be taken: these names were all different before.
                let _ = kept.insert(entry.clone());
            }
        }
        self.accounts = kept;
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("accounts", &self.accounts.entries().len())
            .finish_non_exhaustive()
    }
}

impl CredentialStore for MemoryStore {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        Ok(self.accounts.answer(account))
    }

    fn has_digest(&self, realm: &str) -> bool {
        self.accounts.has_digest(realm)
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        Ok(self.accounts.digest_answer(account))
    }
}
