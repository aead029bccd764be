//! A file from the disk, with suspicion.

use crate::error::{LineProblem, UserFileError, UserFileErrorKind as Kind};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// Enough for a hundred thousand accounts.
const MAX_SIZE: u64 = 16 << 20;

/// A file as it was read.
pub(crate) struct Contents {
    pub(crate) text: Zeroizing<String>,
    pub(crate) metadata: Metadata,
}

/// Reads a file of UTF-8 text that nobody but its owner and group may touch.
pub(crate) fn read(path: &Path) -> Result<Contents, UserFileError> {
    read_if(path, |mode| Err(UserFileError::new(path, Kind::OpenToOthers { mode })))
}

/// The same, and a warning if others may touch it.
pub(crate) fn read_of_client(path: &Path) -> Result<Contents, UserFileError> {
    read_if(path, |mode| {
        tracing::warn!("{}", UserFileError::new(path, Kind::OpenToOthers { mode }));
        Ok(())
    })
}

/// Reads a file, unless `may_be_open` has something against the mode of one that is open to all.
fn read_if(
    path: &Path,
    may_be_open: impl FnOnce(u32) -> Result<(), UserFileError>,
) -> Result<Contents, UserFileError> {
    let fail = |kind| UserFileError::new(path, kind);
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => fail(Kind::Missing),
        kind => fail(Kind::Unreadable(kind)),
    };
    // Before it is opened: opening a pipe waits for somebody to write to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(fail(Kind::NotAFile));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fail(Kind::NotAFile));
    }
    if let Some(mode) = open_to_others(&metadata) {
        may_be_open(mode)?;
    }
    if metadata.len() > MAX_SIZE {
        return Err(fail(Kind::TooLarge));
    }
    // A buffer that grows would leave copies of the secrets behind. What is appended meanwhile
    // belongs to the next reading.
    let size = usize::try_from(metadata.len()).map_err(|_| fail(Kind::TooLarge))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(unreadable)?;
    match String::from_utf8(core::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Contents { text: Zeroizing::new(text), metadata }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let bytes = Zeroizing::new(error.into_bytes());
            let before = bytes.iter().take(valid).filter(|byte| **byte == b'\n').count();
            let line = before.saturating_add(1);
            Err(UserFileError::at(path, LineProblem { line, kind: Kind::NotUtf8 }))
        }
    }
}

#[cfg(unix)]
fn open_to_others(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Metadata) -> Option<u32> {
    None
}

/// What tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    /// Device, inode, and the time of the last change of anything, permissions included.
    #[cfg(unix)]
    node: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            #[cfg(unix)]
            node: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    pub(crate) fn of_path(path: &Path) -> Result<Self, io::ErrorKind> {
        fs::metadata(path).map(|metadata| Self::of(&metadata)).map_err(|error| error.kind())
    }
}
