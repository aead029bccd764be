//! Where tickets and keys are kept.
#![cfg(unix)]

use logon_kdc::{
    Krb5Conf, PlaceError, client_keytab, credential_cache, read_credential_cache, read_keytab,
    service_keytab,
};
use std::ffi::OsString;
use std::fs;
use std::fs::Permissions;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tracing::{Event, Metadata, Subscriber, field, span};

/// Keeps what this crate logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl field::Visit for Log {
    fn record_debug(&mut self, _: &field::Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push(format!("{value:?}"));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("logon_kdc")
    }
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// An environment with these variables only.
fn with<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
    |name| Some(variables.iter().find(|(this, _)| *this == name)?.1.into())
}

fn conf(libdefaults: &str) -> Krb5Conf {
    Krb5Conf::parse(&format!("[libdefaults]\n{libdefaults}\n"))
}

fn cache(libdefaults: &str, variables: &[(&str, &str)]) -> Result<PathBuf, PlaceError> {
    credential_cache(&conf(libdefaults), &with(variables))
}

fn uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid()
}

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name)
}

#[test]
fn the_variable_is_before_the_configuration_and_that_before_the_default() {
    let name = "default_ccache_name = FILE:/run/cc";
    let variable = [("KRB5CCNAME", "FILE:/home/a/cc")];
    assert_eq!(cache(name, &variable), Ok("/home/a/cc".into()));
    assert_eq!(cache(name, &[("KRB5CCNAME", "")]), Ok("/run/cc".into()));
    assert_eq!(cache("", &[]), Ok(format!("/tmp/krb5cc_{}", uid()).into()));
    // The default does not depend on the environment.
    assert_eq!(cache("", &[("TMPDIR", "/x")]), Ok(format!("/tmp/krb5cc_{}", uid()).into()));
}

#[test]
fn a_path_without_a_type_is_a_file_whatever_stands_in_it() {
    for path in ["/tmp/a", "relative", "/tmp/a:b", "C:\\tickets", "/tmp/%{uid}"] {
        assert_eq!(cache("", &[("KRB5CCNAME", path)]), Ok(path.into()));
    }
}

#[test]
fn what_stands_in_braces_is_replaced_in_the_configuration() {
    let uid = uid();
    let temp = [("TMPDIR", "/var/tmp")];
    let name = "default_ccache_name = FILE:%{TEMP}/krb5cc_%{uid}_%{euid}%{null}";
    assert_eq!(cache(name, &temp), Ok(format!("/var/tmp/krb5cc_{uid}_{uid}").into()));
    assert_eq!(cache(name, &[]), Ok(format!("/tmp/krb5cc_{uid}_{uid}").into()));
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let fields: Vec<Vec<&str>> = passwd.lines().map(|line| line.split(':').collect()).collect();
    let user =
        fields.iter().find(|user| user[2] == uid.to_string()).map_or("nobody", |user| user[0]);
    let name = "default_ccache_name = /run/%{username}/cc";
    assert_eq!(cache(name, &[("USER", "nobody")]), Ok(format!("/run/{user}/cc").into()));
    for (name, token) in [("/run/%{nonsense}/cc", "nonsense"), ("/run/%{uid", "uid")] {
        let error = cache(&format!("default_ccache_name = {name}"), &[]).unwrap_err();
        let PlaceError::Expansion { token: found, .. } = &error else { panic!("{error}") };
        assert_eq!(found, token);
    }
}

#[test]
fn tickets_that_are_in_no_file_are_an_error_that_says_what_to_do() {
    for name in ["KCM:", "KEYRING:persistent:1000", "MEMORY:x", "API:y", "kcm:0", "MSLSA:"] {
        let error = cache(&format!("default_ccache_name = {name}"), &[]).unwrap_err();
        let text = error.to_string();
        let command =
            format!("`KRB5CCNAME=FILE:/tmp/krb5cc_{}` for this program and run `kinit`", uid());
        assert!(text.starts_with(name) && text.contains(&command), "{text}");
        assert!(text.contains("default_ccache_name"), "{text}");
        let error = cache("", &[("KRB5CCNAME", name)]).unwrap_err();
        assert!(matches!(error, PlaceError::Type { from: "KRB5CCNAME", .. }), "{error}");
    }
    let latin1 = |_: &str| Some(OsString::from_vec(b"FILE:/tmp/J\xfcrgen".to_vec()));
    let error = credential_cache(&conf(""), &latin1).unwrap_err();
    assert_eq!(error, PlaceError::NotUnicode { from: "KRB5CCNAME" });
}

#[test]
fn of_a_directory_it_is_the_cache_that_is_primary() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let name = format!("DIR:{}", directory.path().display());
    let variables = [("KRB5CCNAME", name.as_str())];
    assert_eq!(cache("", &variables), Ok(path("tkt")));
    fs::write(path("primary"), "tktAbC\n").unwrap();
    assert_eq!(cache("", &variables), Ok(path("tktAbC")));
    for primary in ["../tkt", "tkt/../../x", "", "tkt\nx", "other"] {
        fs::write(path("primary"), primary).unwrap();
        assert_eq!(cache("", &variables), Err(PlaceError::Primary(path("primary"))));
    }
    fs::write(path("primary"), "t".repeat(5000)).unwrap();
    assert!(matches!(cache("", &variables), Err(PlaceError::Unreadable(_))));
    assert_eq!(cache("", &[("KRB5CCNAME", "DIR::/x/tktA")]), Ok("/x/tktA".into()));
}

#[test]
fn keytabs_have_their_own_variables_and_defaults() {
    let nothing = with(&[]);
    let own = format!("/etc/krb5/user/{}/client.keytab", uid());
    assert_eq!(client_keytab(&conf(""), &nothing), Ok(own.into()));
    assert_eq!(service_keytab(&conf(""), &nothing), Ok("/etc/krb5.keytab".into()));
    let named = conf("default_client_keytab_name = FILE:/a\ndefault_keytab_name = WRFILE:/b");
    assert_eq!(client_keytab(&named, &nothing), Ok("/a".into()));
    assert_eq!(service_keytab(&named, &nothing), Ok("/b".into()));
    let variables = [("KRB5_CLIENT_KTNAME", "/c"), ("KRB5_KTNAME", "FILE:/d")];
    assert_eq!(client_keytab(&named, &with(&variables)), Ok("/c".into()));
    assert_eq!(service_keytab(&named, &with(&variables)), Ok("/d".into()));
    let memory = [("KRB5_CLIENT_KTNAME", "MEMORY:x")];
    let error = client_keytab(&named, &with(&memory)).unwrap_err().to_string();
    assert!(error.contains("set `KRB5_CLIENT_KTNAME=FILE:"), "{error}");
    assert!(!error.contains("kinit"), "{error}");
}

#[test]
fn tickets_and_keys_are_read() {
    let cache = read_credential_cache(&seed("ccache/ccache-v4-tgt")).unwrap();
    assert_eq!(cache.tickets().len(), 1);
    let keytab = read_keytab(&seed("keytab/keytab-v2-three-etypes")).unwrap();
    assert!(!keytab.keys().is_empty());
}

#[test]
fn a_file_that_others_can_read_is_read_with_a_warning() {
    let own = tempfile::NamedTempFile::new().unwrap();
    fs::copy(seed("keytab/keytab-v2-three-etypes"), own.path()).unwrap();
    for (mode, warned) in [(0o600, false), (0o640, false), (0o604, true)] {
        fs::set_permissions(own.path(), Permissions::from_mode(mode)).unwrap();
        let log = Log::default();
        let keytab = tracing::subscriber::with_default(log.clone(), || read_keytab(own.path()));
        assert!(keytab.is_ok());
        let lines = log.0.lock().unwrap();
        assert_eq!(lines.iter().any(|line| line.contains("run `chmod 600 ")), warned, "{lines:?}");
        assert_eq!(lines.len(), usize::from(warned));
    }
}

#[test]
fn files_that_are_not_there_or_not_in_order_are_errors_that_say_what_to_do() {
    let path = PathBuf::from("/nonexistent/cc");
    let error = read_credential_cache(&path).unwrap_err();
    assert_eq!(error, PlaceError::NoCache(path.clone()));
    assert!(error.to_string().contains("run `kinit`"));
    assert_eq!(read_keytab(&path).unwrap_err(), PlaceError::NoKeytab(path));
    let keytab = seed("keytab/keytab-v2-three-etypes");
    assert!(matches!(read_credential_cache(&keytab), Err(PlaceError::Decode { .. })));
    assert!(matches!(read_keytab(&seed("keytab")), Err(PlaceError::Unreadable(_))));
    let notes = tempfile::NamedTempFile::new().unwrap();
    for text in ["notes", ""] {
        std::fs::write(notes.path(), text).unwrap();
        let errors = [read_keytab(notes.path()).err(), read_credential_cache(notes.path()).err()];
        for (error, kind) in errors.into_iter().zip(["keytab", "credential cache"]) {
            let said = error.unwrap().to_string();
            assert!(said.ends_with(&format!(" is no {kind}: is this the right file?")), "{said}");
        }
    }
    let large = tempfile::NamedTempFile::new().unwrap();
    large.as_file().set_len((16 << 20) + 1).unwrap();
    let error = read_keytab(large.path()).unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
}
