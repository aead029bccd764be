use super::{Begun, HEADER, RECORD, ReplayFile, SLACK, boot};
use logon::FileTime;
use logon::kerberos::ReplayCache;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const AHEAD: Duration = Duration::from_secs(300);

fn at(seconds: u64) -> FileTime {
    FileTime::from_unix(Duration::from_secs(1_800_000_000 + seconds))
}

fn open(path: &Path, now: u64) -> (ReplayFile, Begun) {
    ReplayFile::open(path, at(now), AHEAD).unwrap()
}

/// Whether an authenticator that was made now is new.
fn is_new(cache: &ReplayFile, number: u8, now: u64) -> bool {
    cache.is_new([number; 32], at(now), at(now + 300), at(now)).unwrap()
}

/// The file as a process leaves it that ends without a word, under another name.
fn left_behind(path: &Path) -> PathBuf {
    let copy = path.with_extension("left");
    fs::copy(path, &copy).unwrap();
    copy
}

/// A cache that began long ago and knows one authenticator, made at 1000.
fn used(folder: &Path) -> (PathBuf, ReplayFile) {
    let path = folder.join("replays");
    let (cache, begun) = open(&path, 0);
    assert_eq!(begun, Begun::Anew { why: "there was no file" });
    assert!(is_new(&cache, 1, 1000));
    (path, cache)
}

//
#[test]
fn what_was_accepted_before_the_process_ended_is_refused_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = used(folder.path());
    let copy = left_behind(&path);
    let (next, begun) = open(&copy, 1001);
    assert_eq!(begun, Begun::Continued { authenticators: 1 });
    assert_eq!(next.is_new([1; 32], at(1000), at(1300), at(1001)), Ok(false));
    // Others may come at once, also those that were made before.
    assert_eq!(next.is_new([2; 32], at(999), at(1299), at(1001)), Ok(true));
    assert!(!is_new(&cache, 1, 1000));
}

//
#[test]
fn a_memory_that_begins_empty_refuses_what_may_have_been_here() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, _) = open(&folder.path().join("replays"), 0);
    assert!(!is_new(&cache, 1, 299));
    assert!(is_new(&cache, 1, 300));
}

#[test]
fn a_file_that_is_not_whole_or_of_another_boot_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _cache) = used(folder.path());
    let good = fs::read(&path).unwrap();
    assert_eq!(good.len(), HEADER + RECORD);
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    for (bytes, expected) in [
        (changed(16, b'x'), "the system was started anew without a word"),
        (changed(52, b'w'), "it was half written"),
        (good[..HEADER + RECORD - 1].to_vec(), "the file is cut off"),
        (good[..HEADER - 1].to_vec(), "the file is cut off"),
        (good[..5].to_vec(), "the file is cut off"),
        (vec![0; HEADER], "the file is cut off"),
        (Vec::new(), "there was no file"),
    ] {
        let copy = path.with_extension("changed");
        fs::write(&copy, bytes).unwrap();
        let (next, begun) = open(&copy, 1001);
        assert_eq!(begun, Begun::Anew { why: expected });
        assert_eq!(next.is_new([1; 32], at(1000), at(1300), at(1001)), Ok(false));
        assert!(!is_new(&next, 2, 1300) && is_new(&next, 2, 1301));
    }
}

#[test]
fn a_file_that_was_closed_is_believed_on_the_next_boot() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = used(folder.path());
    cache.close();
    assert!(cache.is_new([2; 32], at(1000), at(1300), at(1000)).is_err());
    drop(cache);
    let mut bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[16..52], boot());
    bytes[16] = b'x';
    fs::write(&path, bytes).unwrap();
    let (next, begun) = open(&path, 1001);
    assert_eq!(begun, Begun::Continued { authenticators: 1 });
    assert!(!is_new(&next, 1, 1001));
    // From now on it is in use again, by this boot.
    assert_eq!(
        (fs::read(&path).unwrap()[52], &fs::read(&path).unwrap()[16..52]),
        (b'o', &boot()[..])
    );
}

#[test]
fn the_clock_of_a_file_that_was_ahead_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replays");
    drop(open(&path, 1_000_000));
    let (next, begun) = open(&path, 0);
    assert_eq!(begun, Begun::Anew { why: "the clock was set back" });
    assert!(is_new(&next, 1, 301));
}

#[test]
fn two_processes_do_not_share_a_file_and_nobody_else_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = used(folder.path());
    let error = ReplayFile::open(&path, at(0), AHEAD).unwrap_err();
    assert!(error.contains("another process"), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(cache);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let (_again, _) = open(&path, 1001);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_no_replay_cache_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.keytab");
    for content in
        [&[5; 200][..], &[0; HEADER + 1], b"alice:1000:aad3b435", b"l\n", b"logon replays 2\n"]
    {
        fs::write(&path, content).unwrap();
        assert!(ReplayFile::open(&path, at(0), AHEAD).unwrap_err().contains("not a replay cache"));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    assert!(ReplayFile::open(folder.path(), at(0), AHEAD).is_err());
    assert!(ReplayFile::open(&folder.path().join("no/replays"), at(0), AHEAD).is_err());
}

/// Systems that do not say which boot it is have files that do not grow, either.
#[test]
fn the_file_does_not_grow_for_ever_whatever_the_boot_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replays");
    let (cache, _) = ReplayFile::open_in([0; 36], &path, at(0), AHEAD).unwrap();
    for number in 0..SLACK + 1000 {
        let mut digest = [9; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        let now = 2000 + number;
        assert_eq!(cache.is_new(digest, at(now), at(now + 300), at(now)), Ok(true));
    }
    assert!(fs::metadata(&path).unwrap().len() < 2000 * 48);
}

#[test]
fn the_file_does_not_grow_for_ever_and_forgets_nothing_that_could_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cache) = used(folder.path());
    let count = SLACK + 1000;
    for number in 0..count {
        let mut digest = [9; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        // A day of logons.
        let now = 2000 + number;
        assert_eq!(cache.is_new(digest, at(now), at(now + 300), at(now)), Ok(true));
    }
    let length = fs::metadata(&path).unwrap().len();
    assert!(length < 2000 * 48, "{length}");
    let now = 2000 + count;
    let (next, begun) = open(&left_behind(&path), now);
    assert!(matches!(begun, Begun::Continued { authenticators: 300..400 }), "{begun:?}");
    // The last one, and one that is forgotten.
    for number in [count - 1, 10] {
        let mut digest = [9; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        let made = at(2000 + number);
        assert_eq!(next.is_new(digest, made, at(now + 300), at(now)), Ok(false));
    }
    assert!(is_new(&next, 2, now));
}
