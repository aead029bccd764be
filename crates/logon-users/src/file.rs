//! One user file, read once.

use crate::accounts::{Accounts, ListedAccount, Options};
use crate::error::{LineProblem, UserFileError, UserFileErrorKind as Kind};
use crate::format::{self, Format, Line};
use crate::read::{self, Stamp};
use core::fmt;
use logon::{Account, Answer, CredentialStore, DigestAccount, DigestAnswer, StoreError};
use std::path::{Path, PathBuf};

/// The accounts of a file: at least one, and none of them twice.
///
/// # Security
/// The file and its passwords are wiped from memory when the accounts are read; their hashes stay.
pub struct UserFile {
    path: PathBuf,
    format: Format,
    accounts: Accounts,
}

impl UserFile {
    /// Reads a file of one of the three formats.
    ///
    /// # Errors
    /// [`UserFileError`] if the file is missing, unreadable, open to everybody, larger than 16 MiB,
    /// not UTF-8 or without an account; or if any line of it is malformed, is of another format
    /// than the rest, or names an account a second time.
    pub fn load(path: impl AsRef<Path>, options: &Options) -> Result<Self, UserFileError> {
        Self::load_stamped(path.as_ref(), options).map(|(file, _)| file)
    }

    pub(crate) fn load_stamped(
        path: &Path,
        options: &Options,
    ) -> Result<(Self, Stamp), UserFileError> {
        let contents = read::read(path)?;
        let parsed = format::parse(&contents.text);
        let parsed = parsed.map_err(|problem| UserFileError::at(path, problem))?;
        let accounts = index(parsed.lines, options);
        let accounts = accounts.map_err(|problem| UserFileError::at(path, problem))?;
        match parsed.format {
            Some(format) if !accounts.entries().is_empty() => {
                let file = Self { path: path.to_owned(), format, accounts };
                Ok((file, Stamp::of(&contents.metadata)))
            }
            _ => Err(UserFileError::new(path, Kind::Empty)),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The number of accounts, those that may not log on included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.accounts.entries().len()
    }

    /// The accounts in the order of the file.
    #[must_use]
    pub fn list(&self) -> Vec<ListedAccount> {
        self.accounts.list()
    }
}

/// The table of the accounts of a file.
pub(crate) fn index(lines: Vec<Line>, options: &Options) -> Result<Accounts, LineProblem> {
    let mut accounts = Accounts::new(options);
    let mut numbers = Vec::with_capacity(lines.len());
    for Line { number, entry } in lines {
        accounts.insert(entry).map_err(|taken| {
            let first = numbers.get(taken).copied().unwrap_or_default();
            LineProblem { line: number, kind: Kind::Duplicate { first } }
        })?;
        numbers.push(number);
    }
    Ok(accounts)
}

impl fmt::Debug for UserFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFile")
            .field("path", &self.path)
            .field("format", &self.format)
            .field("accounts", &self.count())
            .finish_non_exhaustive()
    }
}

impl CredentialStore for UserFile {
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
