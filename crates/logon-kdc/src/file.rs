//! A file from the disk, with suspicion.

use core::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    path: PathBuf,
    kind: ReadErrorKind,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// The file cannot be opened or read.
    Io(io::ErrorKind),
    /// A directory, a pipe, a device.
    NotAFile,
    /// More bytes than this.
    TooLarge(u64),
}

impl ReadError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> ReadErrorKind {
        self.kind
    }

    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.kind == ReadErrorKind::Io(io::ErrorKind::NotFound)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.kind {
            _ if self.is_missing() => write!(f, "there is no file {path}"),
            ReadErrorKind::Io(kind) => write!(
                f,
                "{path} cannot be read ({kind}): give the user who runs this program access to it"
            ),
            ReadErrorKind::NotAFile => write!(f, "{path} is not a regular file"),
            ReadErrorKind::TooLarge(max) => {
                write!(f, "{path} is larger than {max} bytes: is this the right file?")
            }
        }
    }
}

impl core::error::Error for ReadError {}

/// Reads a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    read_if(path, max, |_| {})
}

/// Reads a file of secrets, and warns if others can read it, too.
pub(crate) fn read_secret(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    read_if(path, max, |metadata| {
        if let Some(mode) = open_to_others(metadata) {
            let path = path.display();
            tracing::warn!(
                "{path} is open to every user of this machine (mode {mode:04o}): run \
                 `chmod 600 {path}`"
            );
        }
    })
}

fn read_if(
    path: &Path,
    max: u64,
    look_at: impl FnOnce(&Metadata),
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let fail = |kind| ReadError { path: path.to_owned(), kind };
    let unreadable = |error: io::Error| fail(ReadErrorKind::Io(error.kind()));
    // Before it is opened: opening a pipe waits for somebody to write to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(fail(ReadErrorKind::NotAFile));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fail(ReadErrorKind::NotAFile));
    }
    let too_large = || fail(ReadErrorKind::TooLarge(max));
    if metadata.len() > max {
        return Err(too_large());
    }
    look_at(&metadata);
    // A buffer that grows would leave copies of the secrets behind. What is appended meanwhile
    // belongs to the next reading.
    let size = usize::try_from(metadata.len()).map_err(|_| too_large())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
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
