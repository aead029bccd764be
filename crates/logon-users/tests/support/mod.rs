//! What the tests of this crate share.

// Each test binary compiles its own copy of this file and uses a part of it.
#![allow(dead_code)]

pub(crate) mod log;

use logon::{Account, Answer, CredentialStore, NtHash, Refusal};
use logon::{DigestAccount, DigestAlgorithm, DigestAnswer, DigestUsername};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// `NTOWFv1` of "password", as in the test vectors.
pub(crate) const HASH: &str = "8846f7eaee8fb117ad06bdd830b7586c";
/// 32 times X: no hash.
pub(crate) const NONE: &str = "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX";

/// A folder with one file `users`.
pub(crate) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn with(text: impl AsRef<[u8]>) -> Self {
        let scratch = Self::empty();
        scratch.write(text);
        scratch
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("users")
    }

    /// Writes the file anew, for its owner alone.
    pub(crate) fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
        set_mode(&self.path(), 0o600);
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_: &Path, _: u32) {}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(not(unix))]
pub(crate) fn mode(_: &Path) -> u32 {
    0o600
}

/// The answer in short: the name and the hash in hexadecimal, or what else there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Known(String, String),
    Unknown,
    Refused(Refusal),
}

pub(crate) fn look_up(store: &dyn CredentialStore, domain: &str, user: &str) -> Found {
    match store.lookup(Account::new(domain, user)).unwrap() {
        Answer::Known(known) => Found::Known(known.name().to_string(), hex(known.nt_hash())),
        Answer::Unknown => Found::Unknown,
        Answer::Refused(refusal) => Found::Refused(refusal),
        other => panic!("{other:?}"),
    }
}

/// The name as the store spells it, if the account is known.
pub(crate) fn name(store: &dyn CredentialStore, domain: &str, user: &str) -> Option<String> {
    match look_up(store, domain, user) {
        Found::Known(name, _) => Some(name),
        Found::Unknown => None,
        refused => panic!("{refused:?}"),
    }
}

pub(crate) fn hex(hash: &NtHash) -> String {
    hash.expose().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer for the Digest scheme in short, as [`look_up`]; the hash is HA1.
pub(crate) fn look_up_digest(
    store: &dyn CredentialStore,
    username: DigestUsername<'_>,
    realm: &str,
    algorithm: DigestAlgorithm,
) -> Found {
    match store.lookup_digest(DigestAccount::new(username, realm, algorithm)).unwrap() {
        DigestAnswer::Known { ha1, name } => {
            assert_eq!(ha1.algorithm(), algorithm);
            Found::Known(name.to_string(), ha1.expose().into())
        }
        DigestAnswer::Unknown => Found::Unknown,
        DigestAnswer::Refused(refusal) => Found::Refused(refusal),
        other => panic!("{other:?}"),
    }
}
