//! Changes of a user file, for a command line. Only our own format is edited.
//!
//! The lines that are not changed stay as they are, comments included. The new file takes the
//! place of the old one at once, complete and on the disk. Owner, group and permissions are kept,
//! access control lists and other attributes are not; a file that is open to everybody is refused.
//! Two edits never run at once: the second one is refused.

use crate::accounts::{ListedAccount, Options};
use crate::digest::{DigestProblem, check_realm, spellings};
use crate::error::{UserFileError, UserFileErrorKind as Kind};
use crate::file::{self, UserFile};
use crate::format::own::{self, Secret};
use crate::format::{self, Format};
use crate::name::{self, fold};
use crate::read::{self, Contents};
use logon::{AccountName, NtHash};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What [`add`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// There is a new account.
    New,
    /// The account was there and has another password.
    Replaced,
}

/// Adds an account by the NT hash of its password, and the file if there is none yet (only its
/// owner may read it). With `replace`, an account that is there gets the new hash and keeps its
/// other fields, without those for HTTP's Digest scheme: they are of the old password.
///
/// # Errors
/// [`UserFileError`] if the name is wrong, the account exists and is not to be replaced, the file
/// is malformed or of another format, or it cannot be written.
pub fn add(
    path: impl AsRef<Path>,
    name: &str,
    nt_hash: &NtHash,
    replace: bool,
) -> Result<Added, UserFileError> {
    put(path.as_ref(), name, Secret::NtHash(nt_hash), replace)
}

/// Adds an account as [`add`] does, by its password. With `digest_realm` it can also log on by
/// HTTP's Digest scheme in that realm: with each algorithm, under the names `DOMAIN\user`, `user`
/// and that of `upn=`, spelled as in the file. With `replace`, the account keeps the realms that it
/// has, by hashes of the new password.
///
/// # Errors
/// As [`add`], and if the realm is wrong or the user has a colon in its name.
pub fn add_password(
    path: impl AsRef<Path>,
    name: &str,
    password: &str,
    digest_realm: Option<&str>,
    replace: bool,
) -> Result<Added, UserFileError> {
    put(path.as_ref(), name, Secret::Password(password, digest_realm), replace)
}

fn put(path: &Path, name: &str, secret: Secret<'_>, replace: bool) -> Result<Added, UserFileError> {
    let wanted = parsed_name(path, name)?;
    check_digest(&wanted, secret)
        .map_err(|problem| UserFileError::new(path, Kind::Digest(problem)))?;
    let edit = Edit::begin(path)?;
    let old = edit.old.as_ref().map_or("", |contents| &contents.text);
    let lines = editable(path, old)?;
    let (text, added) = match lines.iter().find(|line| same(&line.entry.name, &wanted)) {
        Some(_) if !replace => return Err(UserFileError::new(path, Kind::AccountExists)),
        Some(line) => {
            let names = spellings(&line.entry.name, line.entry.upn.as_deref());
            let change = |text: &str| Some(own::with_secret(text, &names, secret));
            (with_line(old, line.number, change), Added::Replaced)
        }
        None => {
            let line = own::line(name, &spellings(&wanted, None), secret);
            let header: &[&str] = if has_header(old) { &[] } else { &[own::HEADER, "\n"] };
            let newline = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
            let text = [header, &[old, newline, &line, "\n"]].concat().concat();
            (Zeroizing::new(text), Added::New)
        }
    };
    edit.commit(&text)?;
    Ok(added)
}

/// Removes an account.
///
/// # Errors
/// [`UserFileError`] if there is no such file or account, the account is the only one, the file is
/// malformed or of another format, or it cannot be written.
pub fn remove(path: impl AsRef<Path>, name: &str) -> Result<(), UserFileError> {
    let path = path.as_ref();
    let wanted = parsed_name(path, name)?;
    let edit = Edit::begin(path)?;
    let Some(contents) = &edit.old else {
        return Err(UserFileError::new(path, Kind::Missing));
    };
    let lines = editable(path, &contents.text)?;
    let found = lines.iter().find(|line| same(&line.entry.name, &wanted));
    let found = found.ok_or_else(|| UserFileError::new(path, Kind::NoSuchAccount))?;
    if lines.len() == 1 {
        return Err(UserFileError::new(path, Kind::LastAccount));
    }
    let text = with_line(&contents.text, found.number, |_| None);
    edit.commit(&text)
}

/// The accounts of a file of any format, in its order.
///
/// # Errors
/// As [`UserFile::load`].
pub fn list(path: impl AsRef<Path>) -> Result<Vec<ListedAccount>, UserFileError> {
    UserFile::load(path, &Options::default()).map(|file| file.list())
}

fn parsed_name(path: &Path, name: &str) -> Result<AccountName, UserFileError> {
    name::parse(name).map_err(|problem| UserFileError::new(path, Kind::Name(problem)))
}

fn check_digest(name: &AccountName, secret: Secret<'_>) -> Result<(), DigestProblem> {
    let Secret::Password(_, Some(realm)) = secret else { return Ok(()) };
    if name.user().contains(':') {
        return Err(DigestProblem::Colon);
    }
    check_realm(realm)
}

fn same(one: &AccountName, other: &AccountName) -> bool {
    fold(one.domain()) == fold(other.domain()) && fold(one.user()) == fold(other.user())
}

/// The accounts of a text in our own format.
fn editable(path: &Path, text: &str) -> Result<Vec<format::Line>, UserFileError> {
    let parsed = format::parse(text).map_err(|problem| UserFileError::at(path, problem))?;
    match parsed.format {
        None | Some(Format::LogonUsers) => Ok(parsed.lines),
        Some(other) => Err(UserFileError::new(path, Kind::NotEditable(other))),
    }
}

fn has_header(text: &str) -> bool {
    format::parse(text).is_ok_and(|parsed| parsed.format.is_some())
}

/// The text with one line changed, or removed with its end.
fn with_line(
    text: &str,
    number: usize,
    change: impl Fn(&str) -> Option<Zeroizing<String>>,
) -> Zeroizing<String> {
    let mut changed = None;
    let (mut before, mut after) = ("", "");
    let mut rest = text;
    for (this, line) in (1..).zip(text.split_inclusive('\n')) {
        if this == number {
            let content = line.trim_end_matches(['\n', '\r']);
            let end = line.strip_prefix(content).unwrap_or_default();
            changed = change(content).map(|content| Zeroizing::new([&content, end].concat()));
            before = text.strip_suffix(rest).unwrap_or_default();
            after = rest.strip_prefix(line).unwrap_or_default();
        }
        rest = rest.strip_prefix(line).unwrap_or_default();
    }
    let changed = changed.as_ref().map_or("", |changed| changed.as_str());
    Zeroizing::new([before, changed, after].concat())
}

/// A change under way. The new file is there from the beginning, which keeps others from editing;
/// it goes away with this value, unless it has taken the place of the old one.
struct Edit {
    path: PathBuf,
    /// What the path leads to, symbolic links followed.
    target: PathBuf,
    new_path: PathBuf,
    new: File,
    old: Option<Contents>,
    /// Whether `new_path` is ours to remove. After the renaming it may be the next editor's.
    pending: bool,
}

impl Edit {
    fn begin(path: &Path) -> Result<Self, UserFileError> {
        let fail = |kind| UserFileError::new(path, kind);
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(fail(Kind::Unreadable(error.kind()))),
        };
        let file_name = target.file_name().ok_or_else(|| fail(Kind::NotAFile))?;
        let mut new_name = std::ffi::OsString::from(".");
        new_name.push(file_name);
        new_name.push(".new");
        let new_path = target.with_file_name(new_name);
        let new = create_private(&new_path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => fail(Kind::EditRunning { lock: new_path.clone() }),
            kind => fail(Kind::Unwritable(kind)),
        })?;
        // From here on, whatever fails removes the new file.
        let mut edit =
            Self { path: path.to_owned(), target, new_path, new, old: None, pending: true };
        edit.old = match read::read(path) {
            Ok(contents) => Some(contents),
            Err(error) if *error.kind() == Kind::Missing => None,
            Err(error) => return Err(error),
        };
        Ok(edit)
    }

    /// Puts the new text in place of the old.
    fn commit(mut self, text: &str) -> Result<(), UserFileError> {
        // Held against what a server will say of it, names in two places for instance.
        let lines = editable(&self.path, text)?;
        file::index(lines, &Options::default())
            .map_err(|problem| UserFileError::at(&self.path, problem))?;
        self.keep_access()?;
        self.replace(text)
            .map_err(|error| UserFileError::new(&self.path, Kind::Unwritable(error.kind())))
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        self.new.write_all(text.as_bytes())?;
        self.new.sync_all()?;
        fs::rename(&self.new_path, &self.target)?;
        self.pending = false;
        // The file is in place. That its name lasts is worth trying, and not an error if the file
        // system does not do it.
        if let Some(folder) = self.target.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    /// Owner first: with another owner or group, the same permissions let other people in.
    #[cfg(unix)]
    fn keep_access(&self) -> Result<(), UserFileError> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let Some(Contents { metadata: old, .. }) = &self.old else { return Ok(()) };
        let keep = || -> io::Result<()> {
            let new = self.new.metadata()?;
            if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
                fchown(&self.new, Some(old.uid()), Some(old.gid()))?;
            }
            let mode = old.permissions().mode() & 0o660;
            self.new.set_permissions(fs::Permissions::from_mode(mode))
        };
        keep().map_err(|error| UserFileError::new(&self.path, Kind::KeepOwner(error.kind())))
    }

    #[cfg(not(unix))]
    fn keep_access(&self) -> Result<(), UserFileError> {
        Ok(())
    }
}

impl Drop for Edit {
    fn drop(&mut self) {
        if self.pending {
            // There is nobody to tell; the next edit says that the file is in its way.
            let _ = fs::remove_file(&self.new_path);
        }
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
