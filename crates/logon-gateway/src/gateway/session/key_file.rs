//! Keeps the file of keys, for a command line.
//!
//! The new file takes the place of the old one at once, complete and on the disk, with the owner,
//! group and permissions of the old one. Two never work on it at once: the second one is refused.

use super::keys::{self, Keys, key_of_line};
use crate::gateway::secret_file;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use zeroize::Zeroizing;

const HEADER: &str = "# Keys of session cookies. The first one seals, all of them open.\n\
                      # Whoever has one of them can be any user.\n";

/// What [`rotate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// The name of the new key, which is no secret.
    pub(crate) id: String,
    /// Keys that were there and stay.
    pub(crate) kept: usize,
    /// Keys that were there and are gone: their cookies are void from now on.
    pub(crate) dropped: usize,
}

/// Puts a new key before the others and keeps `keep` in all. Makes the file if there is none.
///
/// # Errors
/// What is wrong with the file, for the administrator. Nothing was changed then.
pub(crate) fn rotate(path: &Path, keep: usize, now: SystemTime) -> Result<Rotated, String> {
    let fail = |what: String| format!("{}: {what}; nothing was changed", path.display());
    let cannot = |error: io::Error| fail(format!("cannot be written: {error}"));
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(cannot(error)),
    };
    // From here on nobody else works on the file, and whatever fails takes the new one away.
    let new = NewFile::create(&target).map_err(|(new, error)| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            fail(format!("another change is under way; if it is not, remove {}", new.display()))
        }
        _ => cannot(error),
    })?;
    let (old, count) = if target.exists() {
        let text = secret_file::read(&target).map_err(fail)?;
        let count = match Keys::parse(&text) {
            Ok(keys) => keys.len(),
            Err(keys::KeysError::Empty) => 0,
            Err(error) => return Err(fail(error.to_string())),
        };
        (Some(text), count)
    } else {
        (None, 0)
    };
    let key = keys::make().ok_or_else(|| fail("the system has no randomness".to_owned()))?;
    let text = with_key(old.as_ref().map_or(HEADER, |text| text.as_str()), &key, keep, now);
    let keys = Keys::parse(&text).map_err(|error| fail(error.to_string()))?;
    let id = keys.ids().next().unwrap_or_default();
    new.replace(&text, &target).map_err(cannot)?;
    let kept = keys.len().saturating_sub(1);
    Ok(Rotated { id, kept, dropped: count.saturating_sub(kept) })
}

/// The text with the key before the first that is there, and without those beyond `keep`. Comments
/// stay.
fn with_key(old: &str, key: &str, keep: usize, now: SystemTime) -> Zeroizing<String> {
    let made = humantime::format_rfc3339_seconds(now);
    let line = Zeroizing::new(format!("{key} # made {made}\n"));
    let is_key = |text: &&str| key_of_line(text).is_some();
    // What grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(
        old.len().saturating_add(line.len()).saturating_add(1),
    ));
    let mut is_in = false;
    let mut left = keep.saturating_sub(1);
    for content in old.split_inclusive('\n') {
        if is_key(&content) {
            if !is_in {
                text.push_str(&line);
                is_in = true;
            }
            if left == 0 {
                continue;
            }
            left = left.saturating_sub(1);
        }
        text.push_str(content);
    }
    if !is_in {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&line);
    }
    text
}

/// The file that is to take the place of the old one. It goes away with this value if it does not.
struct NewFile {
    path: PathBuf,
    file: File,
    is_pending: bool,
}

impl NewFile {
    fn create(target: &Path) -> Result<Self, (PathBuf, io::Error)> {
        let mut name = OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(".new");
        let path = target.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => Ok(Self { path, file, is_pending: true }),
            Err(error) => Err((path, error)),
        }
    }

    fn replace(mut self, text: &str, target: &Path) -> io::Result<()> {
        self.keep_access(target)?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        self.is_pending = false;
        // That the name lasts is worth trying, and no error where the file system does not do it.
        if let Some(folder) = target.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    /// Owner first: with another owner or group, the same permissions let other people in. Those
    /// of everybody are not kept.
    #[cfg(unix)]
    fn keep_access(&self, target: &Path) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let old = match fs::metadata(target) {
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let new = self.file.metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(&self.file, Some(old.uid()), Some(old.gid()))?;
        }
        let mode = old.permissions().mode() & 0o660;
        self.file.set_permissions(fs::Permissions::from_mode(mode))
    }

    #[cfg(not(unix))]
    fn keep_access(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.is_pending {
            // There is nobody to tell; the next change says that the file is in its way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, Keys, Rotated, key_of_line, rotate};
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn at(path: &Path, keep: usize) -> Result<Rotated, String> {
        rotate(path, keep, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
    }

    fn keys(path: &Path) -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().filter_map(key_of_line).map(str::to_owned).collect()
    }

    #[test]
    fn a_new_file_is_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let rotated = at(&path, 2).unwrap();
        assert_eq!((rotated.kept, rotated.dropped), (0, 0));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(HEADER) && text.contains(" # made 2027-01-15T08:00:00Z\n"));
        assert_eq!(Keys::parse(&text).unwrap().ids().next(), Some(rotated.id));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_new_key_comes_first_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        for _ in 0..3 {
            at(&path, 3).unwrap();
        }
        let before = keys(&path);
        assert_eq!(before.len(), 3);
        let rotated = at(&path, 3).unwrap();
        assert_eq!((rotated.kept, rotated.dropped), (2, 1));
        let after = keys(&path);
        assert_eq!(after[1..], before[..2]);
        assert!(!before.contains(&after[0]));
        let rotated = at(&path, 1).unwrap();
        assert_eq!((rotated.kept, rotated.dropped, keys(&path).len()), (0, 3, 1));
    }

    #[test]
    fn comments_stay_and_a_last_line_without_end_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        at(&path, 1).unwrap();
        let key = keys(&path).remove(0);
        fs::write(&path, format!("# ours\n\n{key}\n# theirs")).unwrap();
        at(&path, 2).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# ours\n\n") && text.ends_with("\n# theirs"), "{text}");
        assert_eq!(keys(&path)[1], key);
        fs::write(&path, "# nothing").unwrap();
        at(&path, 2).unwrap();
        assert_eq!(keys(&path).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("keys"), folder.path().join("link"));
        at(&path, 2).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&path, &link).unwrap();
        at(&link, 2).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(keys(&path).len(), 2);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_is_no_file_of_keys_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, "root:x:0:0\n").unwrap();
        let error = at(&path, 2).unwrap_err();
        assert!(error.contains("line 1 is no key") && error.ends_with("nothing was changed"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "root:x:0:0\n");
        assert!(at(folder.path(), 2).unwrap_err().contains("is not a file"));
        assert!(at(&folder.path().join("no/keys"), 2).unwrap_err().contains("cannot be written"));
        fs::write(folder.path().join(".keys.new"), "").unwrap();
        assert!(at(&path, 2).unwrap_err().contains("another change is under way"));
        assert!(folder.path().join(".keys.new").exists(), "it is not ours to remove");
    }
}
