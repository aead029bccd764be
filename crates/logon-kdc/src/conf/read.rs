//! The files of a configuration.

use super::meaning::Krb5Conf;
use super::profile::{Directive, Profile};
use super::warning::Place;
use crate::Environment;
use crate::file::{self, ReadError};
use core::fmt;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DEFAULT_FILE: &str = "/etc/krb5.conf";

/// The largest files there are have some hundred KiB.
const MAX_SIZE: u64 = 1 << 20;
/// Of all files together.
const MAX_FILES: usize = 256;
/// Of files that include files.
const MAX_DEPTH: usize = 8;

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfError {
    /// There is none of these files.
    Missing(Vec<PathBuf>),
    /// A file is there and cannot be read.
    Unreadable(ReadError),
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(files) => {
                let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                let files = files.join(", ");
                write!(
                    f,
                    "no Kerberos configuration: there is no {files}; write one, or name it in KRB5_CONFIG"
                )
            }
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ConfError {}

impl Krb5Conf {
    /// Reads the files that `KRB5_CONFIG` names, with `:` between them, else `/etc/krb5.conf`, and
    /// all that they include.
    ///
    /// # Errors
    /// [`ConfError`] if none of the files is there, or one is and cannot be read. An included file
    /// that cannot be read is a [`Warning`](super::Warning).
    pub fn load(environment: Environment<'_>) -> Result<Self, ConfError> {
        let named = environment("KRB5_CONFIG").filter(|named| !named.is_empty());
        let named = named.unwrap_or_else(|| OsString::from(DEFAULT_FILE));
        let files: Vec<PathBuf> =
            std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
        Self::load_files(&files)
    }

    /// Reads these files, the first before the others, and all that they include. A directory is
    /// read as by `includedir`.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn load_files<P: AsRef<Path>>(files: &[P]) -> Result<Self, ConfError> {
        let mut profile = Profile::default();
        let mut reader = Reader { count: 0, open: Vec::new() };
        let mut found = false;
        for file in files.iter().map(AsRef::as_ref) {
            let place = Place { file: file.into(), line: 0 };
            let read = if file.is_dir() {
                reader.directory(&mut profile, file, &place);
                Ok(())
            } else {
                reader.file(&mut profile, file)
            };
            match read {
                Ok(()) => found = true,
                Err(Problem::Unreadable(error)) if error.is_missing() => {}
                Err(Problem::Unreadable(error)) => return Err(ConfError::Unreadable(error)),
                Err(Problem::Not(problem)) => profile.warn(&place, problem),
            }
            profile.end_file();
        }
        if !found {
            let files = files.iter().map(|file| file.as_ref().to_owned());
            return Err(ConfError::Missing(files.collect()));
        }
        Ok(Self::from_profile(profile))
    }
}

/// Reads files into a profile.
struct Reader {
    count: usize,
    /// The files that are being read, each included by the one before it.
    open: Vec<PathBuf>,
}

enum Problem {
    Unreadable(ReadError),
    /// Why it was not even tried.
    Not(&'static str),
}

impl Reader {
    fn file(&mut self, profile: &mut Profile, path: &Path) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Problem::Not("files include files, too deep: not read"));
        }
        if self.count >= MAX_FILES {
            return Err(Problem::Not("more files than 256: not read"));
        }
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&real) {
            return Err(Problem::Not("the file includes itself: not read again"));
        }
        self.count = self.count.saturating_add(1);
        let bytes = file::read(path, MAX_SIZE).map_err(Problem::Unreadable)?;
        let name: Arc<Path> = path.into();
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = core::str::from_utf8(&bytes) {
            let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n');
            let place = Place { file: name.clone(), line: before.count().saturating_add(1) };
            profile.warn(&place, "is not UTF-8 text");
        }
        self.open.push(real);
        profile.add(&text, &name, &mut |profile, directive, place| {
            self.directive(profile, directive, place);
        });
        self.open.pop();
        Ok(())
    }

    fn directive(&mut self, profile: &mut Profile, directive: Directive<'_>, place: &Place) {
        let (Directive::Include(path) | Directive::IncludeDir(path)) = directive;
        let path = Path::new(path);
        if !path.is_absolute() {
            return profile.warn(place, "the path of an included file begins with `/`");
        }
        match directive {
            Directive::Include(_) => self.included(profile, path, place),
            Directive::IncludeDir(_) => self.directory(profile, path, place),
        }
    }

    fn included(&mut self, profile: &mut Profile, path: &Path, place: &Place) {
        match self.file(profile, path) {
            Ok(()) => {}
            Err(Problem::Unreadable(error)) => profile.warn(place, error.to_string()),
            Err(Problem::Not(problem)) => {
                profile.warn(place, format!("{}: {problem}", path.display()));
            }
        }
    }

    /// All files of a directory whose names are not those of backups and the like, by name.
    fn directory(&mut self, profile: &mut Profile, path: &Path, place: &Place) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let problem = format!("{} cannot be read: {}", path.display(), error.kind());
                return profile.warn(place, problem);
            }
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_str().is_some_and(is_included))
            .map(|entry| entry.path())
            .filter(|path| !path.is_dir())
            .collect();
        files.sort();
        for file in files {
            self.included(profile, &file, place);
        }
    }
}

/// Letters, digits, `-` and `_`; or anything that ends with `.conf` and is not hidden.
fn is_included(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.chars().all(plain) || (name.ends_with(".conf") && !name.starts_with('.'))
}
