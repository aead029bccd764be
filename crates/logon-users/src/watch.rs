//! A user file that may change while the server runs.

use crate::accounts::Options;
use crate::error::{UserFileError, UserFileErrorKind};
use crate::file::UserFile;
use crate::read::Stamp;
use core::fmt;
use core::time::Duration;
use logon::{Account, Answer, CredentialStore, DigestAccount, DigestAnswer, StoreError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Instant;

/// How often a look-up looks whether the file is another one.
const INTERVAL: Duration = Duration::from_secs(1);

/// A [`UserFile`] that is read again when it has changed.
///
/// The file is looked at in a look-up, at most once a second; one thread reads it, the others go
/// on with what was read before. If the new file cannot be used, the last good one stays and the
/// reason is logged, once per change.
///
/// # Security
/// Deleting the file, or emptying it, does therefore not keep anybody out: disable the accounts
/// in it, or stop the server.
pub struct WatchedUserFile {
    path: PathBuf,
    options: Options,
    current: RwLock<Arc<UserFile>>,
    watch: Mutex<Watch>,
}

struct Watch {
    next_check: Instant,
    loaded: Stamp,
    complaint: Option<Complaint>,
}

/// A state of the file that cannot be used, and that was said.
struct Complaint {
    seen: Result<Stamp, io::ErrorKind>,
    error: UserFileError,
}

impl WatchedUserFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// As [`UserFile::load`].
    pub fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, UserFileError> {
        let path = path.into();
        let (file, loaded) = UserFile::load_stamped(&path, &options)?;
        let watch = Watch { next_check: after_interval(), loaded, complaint: None };
        Ok(Self { path, options, current: RwLock::new(Arc::new(file)), watch: Mutex::new(watch) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file as it was last read.
    #[must_use]
    pub fn current(&self) -> Arc<UserFile> {
        // Nobody can panic with this lock, and if somebody did: an `Arc` is never half written.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again, changed or not: for a signal that asks for it.
    ///
    /// # Errors
    /// As [`UserFile::load`]; the last good file stays.
    pub fn reload(&self) -> Result<Arc<UserFile>, UserFileError> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Stamp::of_path(&self.path);
        self.read_again(&mut watch, seen)?;
        Ok(self.current())
    }

    fn refresh(&self) {
        let Some(mut watch) = self.try_watch() else { return };
        if Instant::now() < watch.next_check {
            return;
        }
        watch.next_check = after_interval();
        let seen = Stamp::of_path(&self.path);
        let settled = match &watch.complaint {
            None => seen == Ok(watch.loaded),
            // What the disk or the system failed to do, it may do later without any change.
            Some(Complaint { seen: then, error }) => *then == seen && !is_passing(error.kind()),
        };
        if !settled {
            // The error is logged, and there is nobody here to hand it to.
            let _ = self.read_again(&mut watch, seen);
        }
    }

    /// `None` while another thread reads the file.
    fn try_watch(&self) -> Option<MutexGuard<'_, Watch>> {
        match self.watch.try_lock() {
            Ok(watch) => Some(watch),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn read_again(
        &self,
        watch: &mut Watch,
        seen: Result<Stamp, io::ErrorKind>,
    ) -> Result<(), UserFileError> {
        match UserFile::load_stamped(&self.path, &self.options) {
            Ok((file, loaded)) => {
                let (path, accounts) = (self.path.display(), file.count());
                tracing::info!(%path, accounts, "user file read again");
                let file = Arc::new(file);
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                let old = core::mem::replace(&mut *current, file);
                drop(current);
                // Wiping many hashes takes its time; look-ups need not wait for it.
                drop(old);
                (watch.loaded, watch.complaint) = (loaded, None);
                Ok(())
            }
            Err(error) => {
                let complaint = Complaint { seen, error: error.clone() };
                if watch.complaint.as_ref().is_none_or(|last| !last.is(&complaint)) {
                    let accounts = self.current().count();
                    tracing::error!(%error, accounts, "user file unusable, the last good one stays");
                }
                watch.complaint = Some(complaint);
                Err(error)
            }
        }
    }
}

impl Complaint {
    fn is(&self, other: &Self) -> bool {
        self.seen == other.seen && self.error == other.error
    }
}

fn is_passing(kind: &UserFileErrorKind) -> bool {
    matches!(kind, UserFileErrorKind::Unreadable(_) | UserFileErrorKind::Missing)
}

fn after_interval() -> Instant {
    let now = Instant::now();
    now.checked_add(INTERVAL).unwrap_or(now)
}

impl fmt::Debug for WatchedUserFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedUserFile").field("current", &self.current()).finish_non_exhaustive()
    }
}

impl CredentialStore for WatchedUserFile {
    fn lookup(&self, account: Account<'_>) -> Result<Answer, StoreError> {
        self.refresh();
        self.current().lookup(account)
    }

    fn has_digest(&self, realm: &str) -> bool {
        self.refresh();
        self.current().has_digest(realm)
    }

    fn lookup_digest(&self, account: DigestAccount<'_>) -> Result<DigestAnswer, StoreError> {
        self.refresh();
        self.current().lookup_digest(account)
    }
}
