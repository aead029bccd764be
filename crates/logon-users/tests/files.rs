//! Files that cannot be used as a whole, and files that change.

#[path = "support/mod.rs"]
mod support;

use logon_users::{Options, UserFile, UserFileErrorKind as Kind, WatchedUserFile};
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use support::log::Log;
use support::{Scratch, name, set_mode};

fn wrong(path: &Path) -> Kind {
    let error = UserFile::load(path, &Options::default()).unwrap_err();
    assert_eq!(error.path(), path);
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error.kind().clone()
}

#[test]
fn a_missing_file_and_a_folder_are_said_to_be_that() {
    let scratch = Scratch::empty();
    assert_eq!(wrong(&scratch.path()), Kind::Missing);
    assert_eq!(wrong(scratch.folder()), Kind::NotAFile);
}

#[test]
#[cfg(unix)]
fn a_file_open_to_everybody_is_refused_with_the_command_to_run() {
    let scratch = Scratch::with("CORP:alice:secret\n");
    for mode in [0o604, 0o644, 0o602, 0o601, 0o777] {
        set_mode(&scratch.path(), mode);
        assert_eq!(wrong(&scratch.path()), Kind::OpenToOthers { mode });
        let error = UserFile::load(scratch.path(), &Options::default()).unwrap_err();
        let command = format!("(mode {mode:04o}): run `chmod 600 {}`", scratch.path().display());
        assert!(error.to_string().ends_with(&command), "{error}");
    }
    for mode in [0o600, 0o640, 0o660] {
        set_mode(&scratch.path(), mode);
        UserFile::load(scratch.path(), &Options::default()).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_is_refused_without_waiting_for_its_other_end() {
    let scratch = Scratch::empty();
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, scratch.path(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(wrong(&scratch.path()), Kind::NotAFile);
}

#[test]
fn a_file_without_accounts_is_never_a_store() {
    for text in ["", "\n\n", "# nobody\n", "logon-users 1\n", "logon-users 1\n# nobody"] {
        assert_eq!(wrong(&Scratch::with(text).path()), Kind::Empty, "{text:?}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_named_by_its_line() {
    let scratch = Scratch::with(b"CORP:alice:a\n\nCORP:j\xf6rg:b\n");
    let error = UserFile::load(scratch.path(), &Options::default()).unwrap_err();
    assert_eq!((error.line(), error.kind()), (Some(3), &Kind::NotUtf8));
}

#[test]
fn a_file_over_the_limit_is_not_read() {
    let scratch = Scratch::with("CORP:alice:a\n");
    let file = fs::OpenOptions::new().write(true).open(scratch.path()).unwrap();
    file.set_len((16 << 20) + 1).unwrap();
    assert_eq!(wrong(&scratch.path()), Kind::TooLarge);
}

/// A little more than the time between two looks at the file.
const NEXT_LOOK: Duration = Duration::from_millis(1100);

#[test]
fn a_changed_file_is_read_again_after_a_second() {
    let scratch = Scratch::with("CORP:alice:a\n");
    let store = WatchedUserFile::open(scratch.path(), Options::default()).unwrap();
    scratch.write("CORP:bob:b\n");
    assert_eq!(name(&store, "CORP", "bob"), None);
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        sleep(NEXT_LOOK);
        assert_eq!(name(&store, "CORP", "bob").as_deref(), Some("CORP\\bob"));
        assert_eq!(name(&store, "CORP", "alice"), None);
        sleep(NEXT_LOOK);
        assert_eq!(name(&store, "CORP", "alice"), None);
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("INFO") && lines[0].contains("accounts=1"), "{lines:?}");
}

#[test]
fn the_last_good_file_stays_and_the_reason_is_logged_once_per_change() {
    let scratch = Scratch::with("CORP:alice:a\n");
    let store = WatchedUserFile::open(scratch.path(), Options::default()).unwrap();
    let log = Log::default();
    let look = || {
        sleep(NEXT_LOOK);
        assert_eq!(name(&store, "CORP", "alice").as_deref(), Some("CORP\\alice"));
        log.lines()
    };
    tracing::subscriber::with_default(log.clone(), || {
        scratch.write("CORP:alice:a\nCORP:bob:\n");
        assert_eq!(look().len(), 1);
        assert_eq!(look().len(), 1);
        fs::remove_file(scratch.path()).unwrap();
        assert_eq!(look().len(), 2);
        assert_eq!(look().len(), 2);
        scratch.write("CORP:alice:a\nCORP:bob:b\n");
        assert_eq!(look().len(), 3);
    });
    let lines = log.lines();
    assert!(lines[0].starts_with("ERROR") && lines[0].contains("line 2"), "{lines:?}");
    assert!(lines[1].starts_with("ERROR") && lines[1].contains("no such file"), "{lines:?}");
    assert!(lines[2].starts_with("INFO") && lines[2].contains("accounts=2"), "{lines:?}");
    assert_eq!(name(&store, "CORP", "bob").as_deref(), Some("CORP\\bob"));
}

#[test]
fn reload_reads_at_once_and_hands_out_the_error() {
    let scratch = Scratch::with("CORP:alice:a\n");
    let store = WatchedUserFile::open(scratch.path(), Options::default()).unwrap();
    scratch.write("CORP:bob:b\nCORP:carol:c\n");
    assert_eq!(store.reload().unwrap().count(), 2);
    scratch.write("");
    assert_eq!(*store.reload().unwrap_err().kind(), Kind::Empty);
    assert_eq!(store.current().count(), 2);
}

#[test]
fn a_watched_file_has_to_be_good_at_first() {
    let scratch = Scratch::empty();
    let error = WatchedUserFile::open(scratch.path(), Options::default()).unwrap_err();
    assert_eq!(*error.kind(), Kind::Missing);
}
