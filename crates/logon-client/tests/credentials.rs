//! Where credentials are looked for, in which order, and what is said when something is wrong.

use logon::NtHash;
use logon_client::credentials::{
    CredentialError, Credentials, Found, Search, Source, from_environment, from_user_file,
};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// `NTOWFv1` of "password", as in the test vectors.
const HASH: &str = "8846f7eaee8fb117ad06bdd830b7586c";

/// Environment variables, by name.
type Variables<'a> = &'a [(&'a str, &'a str)];

fn lookup(variables: Variables<'_>) -> impl Fn(&str) -> Option<OsString> {
    move |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    }
}

fn in_environment(
    variables: Variables<'_>,
    name: Option<&str>,
) -> Result<Option<Found>, CredentialError> {
    from_environment(&lookup(variables), name)
}

fn search(variables: Variables<'_>, name: Option<&str>) -> Result<Found, CredentialError> {
    let environment = lookup(variables);
    let search = Search::new().environment(&environment);
    name.into_iter().fold(search, Search::name).find()
}

/// The name and the password.
fn pair(found: &Found) -> (&str, Option<&str>) {
    (found.credentials.name(), found.credentials.password_text())
}

/// A folder with a user file.
struct UserFile(TempDir);

impl UserFile {
    fn with(text: &str) -> Self {
        let file = Self(TempDir::new().unwrap());
        std::fs::write(file.path(), text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let owner_alone = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(file.path(), owner_alone).unwrap();
        }
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("users")
    }

    fn name(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }
}

#[test]
fn a_user_file_gives_the_first_account_or_the_wanted_one() {
    let file = UserFile::with("\u{feff}# mine\r\nCORP:jürgen:a:ü b\r\n:bob@lab.example:b\r\n");
    let found = from_user_file(file.path(), None).unwrap().unwrap();
    assert_eq!(pair(&found), ("CORP\\jürgen", Some("a:ü b")));
    assert_eq!(found.source, Source::NtlmUserFile(file.path()));
    let found = from_user_file(file.path(), Some("bob@LAB.example")).unwrap().unwrap();
    assert_eq!(pair(&found), ("bob@lab.example", Some("b")));
    assert!(from_user_file(file.path(), Some("carol")).unwrap().is_none());
}

#[test]
fn a_user_file_of_samba_gives_a_hash() {
    let line = format!("CORP\\alice:1000:{}:{HASH}:[U          ]:LCT-00000000:\n", "X".repeat(32));
    let found = from_user_file(UserFile::with(&line).path(), None).unwrap().unwrap();
    assert_eq!(pair(&found), ("CORP\\alice", None));
    let credential = found.credentials.credential();
    assert_eq!((credential.domain(), credential.user()), ("CORP", "alice"));
}

#[test]
fn a_bad_line_is_named_with_file_and_number_and_without_what_is_in_it() {
    for (text, line) in [("CORP:alice:a\nCORP;bob;geheim\n", 2), ("CORP:alice:\n", 1)] {
        let file = UserFile::with(text);
        let error = from_user_file(file.path(), Some("alice")).unwrap_err().to_string();
        assert!(error.contains(&format!("{}, line {line}: ", file.path().display())), "{error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn the_environment_gives_a_password_or_a_hash() {
    let variables = [("LOGON_USER", "CORP\\jürgen"), ("LOGON_PASSWORD", " pässwörd: ")];
    let found = in_environment(&variables, None).unwrap().unwrap();
    assert_eq!(pair(&found), ("CORP\\jürgen", Some(" pässwörd: ")));
    assert_eq!(found.source, Source::Environment);
    let upper = HASH.to_uppercase();
    let found = in_environment(&[("LOGON_USER", "alice"), ("LOGON_NT_HASH", &upper)], None);
    assert_eq!(pair(&found.unwrap().unwrap()), ("alice", None));
}

#[test]
fn what_is_left_out_or_empty_in_the_environment_is_not_there() {
    for variables in [
        &[][..],
        &[("LOGON_USER", "alice")],
        &[("LOGON_USER", "alice"), ("LOGON_PASSWORD", "")],
        &[("LOGON_USER", "alice"), ("LOGON_PASSWORD", ""), ("LOGON_NT_HASH", "")],
    ] {
        assert!(in_environment(variables, None).unwrap().is_none(), "{variables:?}");
    }
}

#[test]
fn a_secret_in_the_environment_is_never_given_to_another_name() {
    let variables = [("LOGON_USER", "CORP\\alice"), ("LOGON_PASSWORD", "a")];
    assert!(in_environment(&variables, Some("CORP\\bob")).unwrap().is_none());
    let found = in_environment(&variables, Some("corp\\Alice")).unwrap().unwrap();
    assert_eq!(pair(&found), ("corp\\Alice", Some("a")));
    // Whoever was named, without a name beside it it is nobody's.
    for variable in ["LOGON_PASSWORD", "LOGON_NT_HASH"] {
        let error = in_environment(&[(variable, HASH)], Some("bob")).unwrap_err();
        assert_eq!(error, CredentialError::NoName { variable });
    }
    let error = search(&[("NTLMUSER", "bob"), ("LOGON_PASSWORD", "a")], None).unwrap_err();
    assert_eq!(error, CredentialError::NoName { variable: "LOGON_PASSWORD" });
}

#[test]
fn what_is_wrong_in_the_environment_is_an_error_and_not_passed_over() {
    let user = ("LOGON_USER", "alice");
    for hash in ["8846f7", &HASH[1..], &format!("{HASH}0"), &HASH.replace('8', "g"), "é"] {
        let error = in_environment(&[user, ("LOGON_NT_HASH", hash)], None).unwrap_err();
        assert_eq!(error, CredentialError::NtHash);
        assert!(!error.to_string().contains(hash), "{error}");
    }
    let both = [user, ("LOGON_PASSWORD", "a"), ("LOGON_NT_HASH", HASH)];
    assert_eq!(in_environment(&both, None).unwrap_err(), CredentialError::TwoSecrets);
    for variable in ["LOGON_PASSWORD", "LOGON_NT_HASH"] {
        let error = in_environment(&[(variable, HASH)], None).unwrap_err();
        assert_eq!(error, CredentialError::NoName { variable });
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let environment = |name: &str| match name {
        "LOGON_PASSWORD" => Some(OsString::from_vec(vec![0xff, 0xfe])),
        _ => Some(OsString::from("alice")),
    };
    let error = from_environment(&environment, None).unwrap_err();
    assert_eq!(error, CredentialError::NotUnicode { variable: "LOGON_PASSWORD" });
}

#[test]
fn what_was_given_comes_before_the_user_file_and_that_before_the_environment() {
    let file = UserFile::with("CORP:alice:of the file\n");
    let path = file.name();
    let variables = [
        ("NTLM_USER_FILE", path.as_str()),
        ("LOGON_USER", "CORP\\alice"),
        ("LOGON_PASSWORD", "of the environment"),
    ];
    let environment = lookup(&variables);
    let search = Search::new().environment(&environment);
    let given = Credentials::password("carol", "of the program".to_owned());
    let found = search.clone().given(given).find().unwrap();
    assert_eq!(pair(&found).1, Some("of the program"));
    assert_eq!(found.source, Source::Given);
    let found = search.find().unwrap();
    assert_eq!(pair(&found).1, Some("of the file"));
    assert_eq!(found.source, Source::NtlmUserFile(file.path()));
    let found = self::search(&variables[1..], None).unwrap();
    assert_eq!(pair(&found).1, Some("of the environment"));
    assert_eq!(found.source, Source::Environment);
}

#[test]
fn a_name_chooses_among_all_that_there_is() {
    let file = UserFile::with("CORP:alice:a\nCORP:bob:b\n");
    let path = file.name();
    let file = ("NTLM_USER_FILE", path.as_str());
    assert_eq!(pair(&search(&[file], Some("bob")).unwrap()), ("CORP\\bob", Some("b")));
    for variable in ["LOGON_USER", "NTLMUSER"] {
        let found = search(&[file, (variable, "bob")], None).unwrap();
        assert_eq!(pair(&found), ("CORP\\bob", Some("b")), "{variable}");
        let found = search(&[file, (variable, "bob")], Some("alice")).unwrap();
        assert_eq!(pair(&found), ("CORP\\alice", Some("a")), "{variable}");
    }
    // Not in the file, so it is the environment's.
    let own = [file, ("LOGON_USER", "carol"), ("LOGON_PASSWORD", "c")];
    let found = search(&own, Some("carol")).unwrap();
    assert_eq!(pair(&found), ("carol", Some("c")));
}

#[test]
fn a_user_file_that_cannot_be_used_ends_the_search() {
    let search = |path: &str| {
        let other = [("LOGON_USER", "CORP\\alice"), ("LOGON_PASSWORD", "a")];
        search(&[("NTLM_USER_FILE", path), other[0], other[1]], None)
    };
    let error = search("/nowhere/users").unwrap_err();
    assert!(error.to_string().starts_with("user file /nowhere/users: there is no such"), "{error}");
    let bad = UserFile::with("CORP:alice:a\nCORP:bob\n");
    assert!(search(&bad.name()).unwrap_err().to_string().contains("line 2"));
    // Empty is not set.
    assert_eq!(search("").unwrap().source, Source::Environment);
}

#[test]
fn without_anything_the_error_says_what_was_looked_for_and_how_to_give_it() {
    let error = search(&[], None).unwrap_err();
    assert!(matches!(error, CredentialError::NotFound(_)));
    let error = error.to_string();
    for word in
        ["NTLM_USER_FILE is not set", "LOGON_USER", "LOGON_PASSWORD", "DOMAIN:USER:PASSWORD"]
    {
        assert!(error.contains(word), "{word}: {error}");
    }
    let file = UserFile::with("CORP:alice:a\n");
    let error = search(&[("NTLM_USER_FILE", &file.name())], Some("bob")).unwrap_err().to_string();
    assert!(error.starts_with("no credentials of bob in the user file "), "{error}");
    assert!(error.contains(&file.name()), "{error}");
}

// WS-13: whether single sign-on is to be had is known without asking anybody.
#[test]
fn single_sign_on_is_there_when_credentials_are_and_nobody_has_to_be_asked() {
    let file = UserFile::with("CORP:alice:a\n");
    let path = file.name();
    for (variables, there) in [
        (&[][..], false),
        (&[("NTLM_USER_FILE", path.as_str())], true),
        (&[("NTLM_USER_FILE", path.as_str()), ("NTLMUSER", "bob")], false),
        (&[("NTLM_USER_FILE", "/nowhere/users")], false),
        (&[("LOGON_USER", "alice"), ("LOGON_PASSWORD", "a")], true),
        (&[("LOGON_USER", "alice"), ("LOGON_NT_HASH", HASH)], true),
        (&[("LOGON_USER", "alice"), ("LOGON_NT_HASH", "half of it")], false),
        (&[("LOGON_USER", "alice")], false),
    ] {
        let environment = lookup(variables);
        let search = Search::new().environment(&environment).may_prompt(true);
        assert_eq!(search.sso_available(), there, "{variables:?}");
    }
    assert!(Search::new().given(Credentials::password("alice", "a".to_owned())).sso_available());
}

// WS-18: the name of whoever would log on, with its domain.
#[test]
fn the_current_user_is_the_one_who_would_log_on() {
    let file = UserFile::with("CORP:alice:a\nLAB:bob:b\n:carol@lab.example:c\n");
    let path = file.name();
    let file = ("NTLM_USER_FILE", path.as_str());
    for (variables, name) in [
        (&[file][..], Some("CORP\\alice")),
        (&[file, ("NTLMUSER", "bob")], Some("LAB\\bob")),
        (&[file, ("NTLMUSER", "carol@lab.example")], Some("carol@lab.example")),
        (&[("LOGON_USER", "CORP\\dave"), ("LOGON_PASSWORD", "d")], Some("CORP\\dave")),
        // A name that nobody could log on with is nobody's.
        (&[("LOGON_USER", "CORP\\dave")], None),
        (&[], None),
    ] {
        let environment = lookup(variables);
        let search = Search::new().environment(&environment).may_prompt(true);
        assert_eq!(search.current_user().as_deref(), name, "{variables:?}");
    }
}

#[test]
fn a_hash_gives_no_password_and_a_name_is_taken_apart_as_ntlm_does() {
    let hash = NtHash::of_password("password");
    assert_eq!(hash.expose()[..2], [0x88, 0x46]);
    let credentials = Credentials::nt_hash("CORP\\alice", hash);
    assert_eq!(credentials.password_text(), None);
    assert_eq!(credentials.credential().user(), "alice");
    let credentials = Credentials::password("alice@corp.example", "password".to_owned());
    let credential = credentials.credential();
    assert_eq!((credential.domain(), credential.user()), ("", "alice@corp.example"));
}

#[test]
fn neither_debug_nor_display_shows_a_secret() {
    let credentials = Credentials::password("CORP\\alice", "geheim".to_owned());
    let found = Found { credentials, source: Source::NtlmUserFile(Path::new("/x").into()) };
    assert_eq!(found.to_string(), "CORP\\alice (from the user file /x)");
    let search = Search::new().given(found.credentials.clone());
    let text = format!("{found:?} {:?} {search:?}", found.credentials);
    assert!(text.contains("alice"), "{text}");
    assert!(!text.contains("geheim"), "{text}");
}
