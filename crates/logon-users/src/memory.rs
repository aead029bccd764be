//! Accounts that the program itself gives.

use crate::accounts::{Accounts, Entry, Logon, Options};
use core::fmt;
use logon::{Account, AccountName, Answer, CredentialStore, NtHash, Refusal, StoreError};

/// A store in memory, for demonstrations and tests: the accounts are found by the same rules as
/// those of a file ([`Options`]).
///
/// Names are `DOMAIN\user`, `user@dns.domain` or `user`. An account replaces the one that was
/// given before by the same name.
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

    /// Adds an account by its password.
    #[must_use]
    pub fn with_password(self, name: &str, password: &str) -> Self {
        self.with_nt_hash(name, NtHash::of_password(password))
    }

    /// Adds an account by the NT hash of its password.
    #[must_use]
    pub fn with_nt_hash(self, name: &str, nt_hash: NtHash) -> Self {
        self.with(name, Logon::With(nt_hash))
    }

    /// Adds an account that may not log on.
    #[must_use]
    pub fn with_refusal(self, name: &str, refusal: Refusal) -> Self {
        self.with(name, Logon::Refused(refusal))
    }

    fn with(mut self, name: &str, logon: Logon) -> Self {
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let entry = Entry { name: AccountName::new(domain, user), upn: None, logon };
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
}
