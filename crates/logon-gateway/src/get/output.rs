//! Where the answer goes: standard output, a file that is whole or not there, or something that is
//! no file and is written to as it is.

use super::unwritable;
use crate::failure::Failure;
use http::response::Parts;
use logon::{OsRandom, SecureRandom};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the answer goes.
pub(super) enum Output {
    Stdout,
    File(Part),
    /// Something that is no file, such as a pipe.
    Open(PathBuf, File),
}

/// A file beside the one that is meant, until it is complete.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
    pending: bool,
}

/// Whether a file takes the place of what is there, rather than that it is written to.
pub(super) fn is_replaced(path: &Path) -> bool {
    !is_descriptor(path) && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

/// Something that whoever started this process has opened; it may be a file, and has an end.
fn is_descriptor(path: &Path) -> bool {
    let named = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    named.iter().any(|name| path == Path::new(name))
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc")
}

impl Output {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| *path != Path::new("/dev/stdout")) else {
            return Ok(Self::Stdout);
        };
        let bad = |error: io::Error| unwritable(path, &error);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(bad(io::ErrorKind::IsADirectory.into())),
            Ok(_) if !is_replaced(path) => {
                let append = is_descriptor(path);
                let file = OpenOptions::new().write(true).append(append).open(path).map_err(bad)?;
                Ok(Self::Open(path.to_owned(), file))
            }
            Ok(metadata) => {
                // The file, not a link to it, is replaced, and stays as open as it is.
                let part =
                    Part::beside(&fs::canonicalize(path).map_err(bad)?, true).map_err(bad)?;
                part.file.set_permissions(metadata.permissions()).map_err(bad)?;
                Ok(Self::File(part))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Part::beside(path, false).map(Self::File).map_err(bad)
            }
            Err(error) => Err(bad(error)),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Stdout => Ok(io::stdout().lock().write_all(bytes)?),
            Self::File(part) => {
                part.file.write_all(bytes).map_err(|error| unwritable(&part.target, &error))
            }
            Self::Open(path, file) => {
                file.write_all(bytes).map_err(|error| unwritable(path, &error))
            }
        }
    }

    /// The answer is complete.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Stdout => Ok(io::stdout().lock().flush()?),
            Self::File(part) => part.keep(),
            Self::Open(..) => Ok(()),
        }
    }
}

impl Part {
    /// `private` until it gets the permissions of what it replaces.
    fn beside(target: &Path, private: bool) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let mut random = [0; 4];
        OsRandom.fill(&mut random).map_err(io::Error::other)?;
        let mark = base16ct::lower::encode_string(&random);
        let path = target.with_file_name(format!(".{}.{mark}.part", name.to_string_lossy()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        let file = options.open(&path)?;
        Ok(Self { file, path, target: target.to_owned(), pending: true })
    }

    fn keep(mut self) -> Result<(), Failure> {
        fs::rename(&self.path, &self.target).map_err(|error| unwritable(&self.target, &error))?;
        self.pending = false;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.pending {
            // There is nobody to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Status line and fields, as they came.
pub(super) fn head(parts: &Parts) -> Vec<u8> {
    let mut head = format!("{:?} {}\r\n", parts.version, parts.status).into_bytes();
    for (name, value) in &parts.headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}
