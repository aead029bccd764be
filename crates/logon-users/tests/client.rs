//! What a client finds in a user file.

#[path = "support/mod.rs"]
mod support;

use logon::Refusal;
use logon_users::client::{ClientAccount, ClientSecret, find};
use logon_users::{UserFileError, UserFileErrorKind as Kind};
use support::log::Log;
use support::{HASH, NONE, Scratch, hex, set_mode};

type Answer = Result<Option<ClientAccount>, UserFileError>;

fn find_in(text: impl AsRef<[u8]>, wanted: Option<&str>) -> Answer {
    find(Scratch::with(text).path(), wanted)
}

/// Domain, user, and the password or `#` and the hash.
fn found(text: impl AsRef<[u8]>, wanted: Option<&str>) -> Option<[String; 3]> {
    let ClientAccount { name, secret, .. } = find_in(text, wanted).unwrap()?;
    let secret = match secret {
        ClientSecret::Password(password) => password.to_string(),
        ClientSecret::NtHash(hash) => format!("#{}", hex(&hash)),
    };
    Some([name.domain().to_owned(), name.user().to_owned(), secret])
}

#[track_caller]
fn assert_found(text: impl AsRef<[u8]>, wanted: Option<&str>, expected: [&str; 3]) {
    let found = found(text, wanted).unwrap();
    assert_eq!(found.each_ref().map(String::as_str), expected);
}

const TWO: &str = "# mine\n\nCORP:alice:a\nLAB:bob:b\nLAB:alice:c\n:carol@lab.example:d\n";

#[test]
fn the_first_account_is_found_and_its_password_is_kept() {
    assert_found(TWO, None, ["CORP", "alice", "a"]);
    assert_found("CORP:alice:a:b c:\n", None, ["CORP", "alice", "a:b c:"]);
    assert_found("CORP:jürgen:pässwörd-€\n", None, ["CORP", "jürgen", "pässwörd-€"]);
    assert_found(":alice:a", None, ["", "alice", "a"]);
}

#[test]
fn neither_a_byte_order_mark_nor_the_line_ends_of_windows_are_part_of_anything() {
    assert_found("\u{feff}CORP:alice:a\r\nCORP:bob:b\r\n", None, ["CORP", "alice", "a"]);
    assert_found("\u{feff}# mine\r\nCORP:alice:a\r\n", None, ["CORP", "alice", "a"]);
    assert_found("CORP:alice:a\r\nCORP:bob:b\r\n", Some("bob"), ["CORP", "bob", "b"]);
}

#[test]
fn a_wanted_account_is_found_by_every_way_to_write_its_name() {
    assert_found(TWO, Some("alice"), ["CORP", "alice", "a"]);
    assert_found(TWO, Some("lab\\ALICE"), ["LAB", "alice", "c"]);
    assert_found(TWO, Some("bob"), ["LAB", "bob", "b"]);
    assert_found(TWO, Some("bob@LAB"), ["LAB", "bob", "b"]);
    assert_found(TWO, Some("Carol@lab.example"), ["", "carol@lab.example", "d"]);
    let own = format!("logon-users 1\nCORP\\alice\tnt={HASH}\tupn=alice@corp.example\n");
    assert_found(own, Some("alice@CORP.example"), ["CORP", "alice", &format!("#{HASH}")]);
}

#[test]
fn an_account_that_is_not_there_is_nobody_else() {
    for wanted in ["dave", "CORP\\bob", "carol", "alice@lab.example", "", "\\alice"] {
        assert_eq!(found(TWO, Some(wanted)), None, "{wanted}");
    }
}

#[test]
fn a_hash_in_place_of_a_password_is_the_hash() {
    let lm = "aad3b435b51404eeaad3b435b51404ee";
    let hash = format!("#{HASH}");
    assert_found(format!("CORP:alice:{lm}:{HASH}"), None, ["CORP", "alice", &hash]);
    // A digit short of that, it is a password.
    let password = format!("{lm}:{}", &HASH[1..]);
    assert_found(format!("CORP:alice:{password}"), None, ["CORP", "alice", &password]);
}

#[test]
fn an_smbpasswd_file_has_hashes() {
    let line = format!("CORP\\alice:1000:{NONE}:{HASH}:[U          ]:LCT-00000000:\n");
    assert_found(line, None, ["CORP", "alice", &format!("#{HASH}")]);
}

#[test]
fn an_account_that_may_not_log_on_is_passed_over_and_named_if_it_is_the_wanted_one() {
    let line = |name, flags| format!("{name}:1000:{NONE}:{HASH}:[{flags}]:LCT-00000000:\n");
    let text = line("svc", "DU") + &line("alice", "U");
    assert_found(&text, None, ["", "alice", &format!("#{HASH}")]);
    let error = find_in(&text, Some("SVC")).unwrap_err();
    assert_eq!(error.line(), Some(1));
    assert_eq!(*error.kind(), Kind::MayNotLogOn(Refusal::AccountDisabled));
    assert!(error.to_string().contains("users, line 1: this account may not log on"), "{error}");
}

#[test]
fn a_line_that_is_out_of_order_is_named_wherever_it_stands() {
    for (text, line, kind) in [
        ("CORP:alice:a\nCORP:bob\n", 2, Kind::UnknownFormat),
        ("CORP:alice:a\nCORP:bob:\n", 2, Kind::EmptyPassword),
        ("alice\n", 1, Kind::UnknownFormat),
        ("# mine\r\nCORP::secret\r\n", 2, Kind::Name(logon_users::NameProblem::NoUser)),
    ] {
        let error = find_in(text, Some("alice")).unwrap_err();
        assert_eq!((error.line(), error.kind()), (Some(line), &kind), "{text}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let error = find_in(b"CORP:alice:a\nCORP:b\xffb:b\n", None).unwrap_err();
    assert_eq!((error.line(), error.kind()), (Some(2), &Kind::NotUtf8));
    assert_eq!(*find_in("# nobody\n", None).unwrap_err().kind(), Kind::Empty);
    assert_eq!(*find(Scratch::empty().path(), None).unwrap_err().kind(), Kind::Missing);
}

#[test]
#[cfg(unix)]
fn a_file_that_others_may_read_is_a_warning() {
    let scratch = Scratch::with("CORP:alice:secret\n");
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        assert!(find(scratch.path(), None).unwrap().is_some());
        assert_eq!(log.lines().len(), 0);
        set_mode(&scratch.path(), 0o644);
        assert!(find(scratch.path(), None).unwrap().is_some());
    });
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("chmod 600"), "{lines:?}");
    assert!(!lines[0].contains("secret"), "{lines:?}");
}

#[test]
fn debug_shows_no_secret() {
    let account = find_in("CORP:alice:geheim\n", None).unwrap().unwrap();
    let text = format!("{account:?} {:?}", account.secret);
    assert!(text.contains("alice") && text.contains("Password(..)"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}
