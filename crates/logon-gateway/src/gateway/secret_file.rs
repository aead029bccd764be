//! Small files with keys in them.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Enough for any key.
const MAX_SIZE: u64 = 64 << 10;

/// Reads a file of text. One that everybody can read is a warning and no error: mounted secrets of
/// containers look like that, and nobody else is in there.
///
/// # Errors
/// What is wrong with the file, without its name.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    // Before it is opened: opening a pipe waits for somebody to write to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.len() > MAX_SIZE {
        return Err(format!("is larger than {MAX_SIZE} bytes, which is no key"));
    }
    warn_if_open(path, &metadata);
    // A buffer that grows would leave copies of the secret behind.
    let size = usize::try_from(metadata.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    file.take(metadata.len()).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not text".to_owned())?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn warn_if_open(path: &Path, metadata: &Metadata) {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        let path = path.display();
        tracing::warn!(
            "{path} can be read or changed by everybody on this machine (mode {mode:o}), and \
             whoever has this key can be any user: `chmod o= {path}`"
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path, _: &Metadata) {}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_is_no_key_is_refused_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(read(&path).unwrap_err(), "there is no such file");
        assert_eq!(read(folder.path()).unwrap_err(), "is not a file");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&path).unwrap_err(), "is not text");
        std::fs::write(&path, vec![b'a'; (64 << 10) + 1]).unwrap();
        assert!(read(&path).unwrap_err().contains("is larger than"));
        std::fs::write(&path, "key\n").unwrap();
        assert_eq!(*read(&path).unwrap(), "key\n");
    }
}
