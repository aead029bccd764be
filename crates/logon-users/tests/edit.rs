//! Changes of a user file.

#[path = "support/mod.rs"]
mod support;

use logon::{NtHash, Refusal};
use logon_users::edit::{Added, add, list, remove};
use logon_users::{Format, NameProblem, UserFileErrorKind as Kind};
use std::fs;
use support::{HASH, Scratch, mode, set_mode};

fn hash() -> NtHash {
    NtHash::of_password("password")
}

/// The names in the folder: one, unless something was left behind.
fn files(scratch: &Scratch) -> usize {
    fs::read_dir(scratch.folder()).unwrap().count()
}

#[test]
fn the_first_account_makes_the_file_for_its_owner_alone() {
    let scratch = Scratch::empty();
    assert_eq!(add(scratch.path(), "CORP\\alice", &hash(), false), Ok(Added::New));
    assert_eq!(scratch.text(), format!("logon-users 1\nCORP\\alice\tnt={HASH}\n"));
    assert_eq!(mode(&scratch.path()), 0o600);
    assert_eq!(files(&scratch), 1);
    let listed = list(scratch.path()).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name.to_string(), "CORP\\alice");
}

#[test]
fn an_empty_file_and_one_of_comments_get_the_header() {
    for text in ["", "# our users", "# our users\n"] {
        let scratch = Scratch::with(text);
        assert_eq!(add(scratch.path(), "alice", &hash(), false), Ok(Added::New));
        assert_eq!(list(scratch.path()).unwrap().len(), 1);
        assert!(scratch.text().contains(text));
    }
    let scratch = Scratch::with("# ours\nlogon-users 1");
    add(scratch.path(), "alice", &hash(), false).unwrap();
    assert_eq!(scratch.text(), format!("# ours\nlogon-users 1\nalice\tnt={HASH}\n"));
}

#[test]
fn other_lines_stay_as_they_are() {
    let old = "0".repeat(32);
    let before = format!(
        "# ours\n\nlogon-users 1\r\n{old}\tupn=a@b.example\tnt={old}\tdisabled\r\n  # bob\n\
         CORP\\bob\tnt={old}"
    );
    let scratch = Scratch::with(&before);
    let exists = add(scratch.path(), &old, &hash(), false).unwrap_err();
    assert_eq!(*exists.kind(), Kind::AccountExists);
    assert_eq!(scratch.text(), before);

    assert_eq!(add(scratch.path(), &old, &hash(), true), Ok(Added::Replaced));
    let after = before.replacen(&format!("nt={old}"), &format!("nt={HASH}"), 1);
    assert_eq!(scratch.text(), after);
    assert_eq!(list(scratch.path()).unwrap()[0].refusal, Some(Refusal::AccountDisabled));

    assert_eq!(add(scratch.path(), "corp\\BOB", &hash(), true), Ok(Added::Replaced));
    let after = after.replace(&format!("bob\tnt={old}"), &format!("bob\tnt={HASH}"));
    assert_eq!(scratch.text(), after);

    assert_eq!(add(scratch.path(), "CORP\\carol", &hash(), true), Ok(Added::New));
    assert_eq!(scratch.text(), format!("{after}\nCORP\\carol\tnt={HASH}\n"));

    remove(scratch.path(), "Corp\\Bob").unwrap();
    let without = after.replace(&format!("CORP\\bob\tnt={HASH}"), "");
    assert_eq!(scratch.text(), format!("{without}CORP\\carol\tnt={HASH}\n"));
    assert_eq!(files(&scratch), 1);
}

#[test]
fn what_is_not_there_is_not_removed_and_neither_is_the_last_account() {
    let scratch = Scratch::empty();
    let wrong = |name| remove(scratch.path(), name).unwrap_err().kind().clone();
    assert_eq!(wrong("alice"), Kind::Missing);
    assert_eq!(files(&scratch), 0);
    add(scratch.path(), "alice", &hash(), false).unwrap();
    assert_eq!(wrong("CORP\\alice"), Kind::NoSuchAccount);
    assert_eq!(wrong("alice"), Kind::LastAccount);
    assert_eq!(list(scratch.path()).unwrap().len(), 1);
    assert_eq!(files(&scratch), 1);
}

#[test]
fn names_are_checked_before_anything_is_written() {
    let scratch = Scratch::empty();
    let cases = [
        ("", NameProblem::NoUser),
        ("CORP\\", NameProblem::NoUser),
        ("A\\B\\c", NameProblem::SecondBackslash),
        ("CORP\\a@b", NameProblem::BackslashAndAt),
        ("a\tnt=", NameProblem::ControlCharacter),
        ("a\nb", NameProblem::ControlCharacter),
        ("#alice", NameProblem::LeadingHash),
        (" alice", NameProblem::OuterBlank),
    ];
    for (name, problem) in cases {
        let error = add(scratch.path(), name, &hash(), false).unwrap_err();
        assert_eq!(*error.kind(), Kind::Name(problem), "{name:?}");
    }
    assert_eq!(files(&scratch), 0);
}

#[test]
fn a_name_that_is_the_upn_of_another_account_is_refused() {
    let text = format!("logon-users 1\nCORP\\alice\tnt={HASH}\tupn=alice@corp.example\n");
    let scratch = Scratch::with(&text);
    let error = add(scratch.path(), "alice@corp.example", &hash(), false).unwrap_err();
    assert_eq!(*error.kind(), Kind::Duplicate { first: 2 });
    assert_eq!(scratch.text(), text);
}

#[test]
fn other_formats_and_malformed_files_are_left_alone() {
    let scratch = Scratch::with("CORP:alice:secret\n");
    let error = add(scratch.path(), "bob", &hash(), false).unwrap_err();
    assert_eq!(*error.kind(), Kind::NotEditable(Format::NtlmUserFile));
    let error = remove(scratch.path(), "CORP\\alice").unwrap_err();
    assert_eq!(*error.kind(), Kind::NotEditable(Format::NtlmUserFile));
    assert_eq!(scratch.text(), "CORP:alice:secret\n");
    assert_eq!(list(scratch.path()).unwrap().len(), 1);

    scratch.write("logon-users 1\nalice\tnt=1\n");
    let error = add(scratch.path(), "bob", &hash(), false).unwrap_err();
    assert_eq!((error.line(), error.kind()), (Some(2), &Kind::NtHash));
    assert_eq!(files(&scratch), 1);
}

#[test]
fn a_second_edit_at_the_same_time_is_refused() {
    let scratch = Scratch::empty();
    let lock = scratch.folder().join(".users.new");
    fs::write(&lock, "").unwrap();
    let error = add(scratch.path(), "alice", &hash(), false).unwrap_err();
    let found = error.kind().clone();
    let Kind::EditRunning { lock: named } = found else { panic!("{error}") };
    assert_eq!(named, lock);
    // It is the other edit's, and stays.
    assert!(lock.exists() && !scratch.path().exists());
}

#[test]
#[cfg(unix)]
fn permissions_stay_and_a_file_open_to_everybody_is_not_touched() {
    for permissions in [0o600, 0o640, 0o400, 0o660] {
        let scratch = Scratch::with(format!("logon-users 1\nalice\tnt={HASH}\n"));
        set_mode(&scratch.path(), permissions);
        add(scratch.path(), "bob", &hash(), false).unwrap();
        assert_eq!(mode(&scratch.path()), permissions);
    }
    for permissions in [0o644, 0o664, 0o602] {
        let scratch = Scratch::with(format!("logon-users 1\nalice\tnt={HASH}\n"));
        set_mode(&scratch.path(), permissions);
        let error = add(scratch.path(), "bob", &hash(), false).unwrap_err();
        assert!(matches!(error.kind(), Kind::OpenToOthers { .. }), "{error}");
        let error = remove(scratch.path(), "alice").unwrap_err();
        assert!(matches!(error.kind(), Kind::OpenToOthers { .. }), "{error}");
        // Whoever closes it has to know that the passwords may be known.
        assert_eq!(mode(&scratch.path()), permissions);
    }
}

#[test]
#[cfg(unix)]
fn owner_and_group_stay() {
    use std::os::unix::fs::{MetadataExt, chown};
    let scratch = Scratch::with(format!("logon-users 1\nalice\tnt={HASH}\n"));
    // Root can give the file away; for anybody else it is one's own and has to stay that.
    let _ = chown(scratch.path(), Some(12345), Some(54321));
    set_mode(&scratch.path(), 0o640);
    let owner = || {
        let metadata = fs::metadata(scratch.path()).unwrap();
        (metadata.uid(), metadata.gid())
    };
    let before = owner();
    add(scratch.path(), "bob", &hash(), false).unwrap();
    assert_eq!(owner(), before);
    assert_eq!(mode(&scratch.path()), 0o640);
}

#[test]
#[cfg(unix)]
fn a_symbolic_link_stays_and_its_file_changes() {
    let scratch = Scratch::empty();
    let target = scratch.folder().join("target");
    fs::write(&target, format!("logon-users 1\nalice\tnt={HASH}\n")).unwrap();
    set_mode(&target, 0o640);
    std::os::unix::fs::symlink(&target, scratch.path()).unwrap();
    add(scratch.path(), "bob", &hash(), false).unwrap();
    assert!(scratch.path().is_symlink());
    assert_eq!(list(&target).unwrap().len(), 2);
    assert_eq!(mode(&target) & 0o007, 0);
}

#[test]
fn a_relative_path_is_one_too() {
    // The only test here that needs a working directory, and no other test minds.
    let scratch = Scratch::empty();
    std::env::set_current_dir(scratch.folder()).unwrap();
    add("users", "alice", &hash(), false).unwrap();
    add("users", "bob", &hash(), false).unwrap();
    assert_eq!(list("users").unwrap().len(), 2);
}
