//! `krb5.conf` and the files around it.

use logon_kdc::{ConfError, Krb5Conf};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory of files.
struct Files(TempDir);

impl Files {
    /// Writes `(name, text)`; `DIR` in a text is the directory.
    fn new(files: &[(&str, &str)]) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = this.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("DIR", this.0.path().to_str().unwrap())).unwrap();
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, names: &[&str]) -> Result<Krb5Conf, ConfError> {
        let paths = names.iter().map(|name| self.path(name));
        let value = std::env::join_paths(paths).unwrap();
        Krb5Conf::load(&|name| (name == "KRB5_CONFIG").then(|| value.clone()))
    }
}

fn kdcs(conf: &Krb5Conf, realm: &str) -> Vec<String> {
    conf.kdcs_of(realm).iter().map(|kdc| kdc.host.clone()).collect()
}

fn warnings(conf: &Krb5Conf) -> Vec<String> {
    conf.warnings().iter().map(ToString::to_string).collect()
}

const FEDORA: &[(&str, &str)] = &[
    (
        "krb5.conf",
        "# To opt out of the system crypto-policies configuration of krb5, remove the\n\
         # symlink at /etc/krb5.conf.d/crypto-policies which will not be recreated.\n\
         includedir DIR/krb5.conf.d/\n\n[logging]\n    default = FILE:/var/log/krb5libs.log\n\n\
         [libdefaults]\n    dns_lookup_realm = false\n    ticket_lifetime = 24h\n    rdns = false\n\
         \x20   spake_preauth_groups = edwards25519\n    dns_canonicalize_hostname = fallback\n\
         \x20   qualify_shortname = \"\"\n    default_ccache_name = KEYRING:persistent:%{uid}\n\n\
         [realms]\n[domain_realm]\n",
    ),
    (
        "krb5.conf.d/crypto-policies",
        "[libdefaults]\npermitted_enctypes = aes256-cts-hmac-sha384-192 \
         aes128-cts-hmac-sha256-128 aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 \
         camellia256-cts-cmac camellia128-cts-cmac\n",
    ),
    ("krb5.conf.d/kcm_default_ccache", "[libdefaults]\n    default_ccache_name = KCM:\n"),
    (
        "krb5.conf.d/enable_sssd_conf_dir",
        "[libdefaults]\n\n# If no other file is there.\nincludedir DIR/pubconf/krb5.include.d/\n",
    ),
    (
        "pubconf/krb5.include.d/domain_realm_ad_corp_example",
        "[domain_realm]\n.ad.corp.example = AD.CORP.EXAMPLE\nad.corp.example = AD.CORP.EXAMPLE\n\
         [capaths]\nAD.CORP.EXAMPLE = {\n  LAB.EXAMPLE = AD.CORP.EXAMPLE\n}\n",
    ),
    (
        "pubconf/krb5.include.d/krb5_libdefaults",
        "[libdefaults]\n canonicalize = true\n forwardable = true\n",
    ),
    (
        "pubconf/krb5.include.d/localauth_plugin",
        "[plugins]\n localauth = {\n  module = sssd:/x.so\n }\n",
    ),
    ("krb5.conf.d/broken.rpmsave", "[libdefaults]\n default_realm = OLD\n"),
    ("krb5.conf.d/.hidden.conf", "[libdefaults]\n default_realm = HIDDEN\n"),
];

#[test]
fn the_files_of_fedora_and_of_sssd_are_read_in_their_order() {
    let conf = Files::new(FEDORA).load(&["krb5.conf"]).unwrap();
    assert_eq!(warnings(&conf), [""; 0]);
    let defaults = conf.libdefaults();
    assert_eq!(defaults.default_realm, None);
    assert!(defaults.forwardable);
    assert_eq!(defaults.permitted_enctypes.as_ref().unwrap().len(), 4);
    // The included files stand before the rest.
    assert_eq!(defaults.default_ccache_name.as_deref(), Some("KCM:"));
    assert_eq!(conf.realm_of("web.ad.corp.example"), Some("AD.CORP.EXAMPLE"));
}

#[test]
fn an_included_file_holds_where_it_is_included_and_the_section_goes_on_behind_it() {
    let files = Files::new(&[
        (
            "a",
            "[libdefaults]\n forwardable = yes\ninclude DIR/b\n default_realm = A\n dns_lookup_kdc = no\n",
        ),
        ("b", "[libdefaults]\n default_realm = B\n[realms]\n B = {\n kdc = b\n }\n"),
    ]);
    let conf = files.load(&["a"]).unwrap();
    assert_eq!(warnings(&conf), [""; 0]);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("B"));
    assert!(conf.libdefaults().forwardable && !conf.libdefaults().dns_lookup_kdc);
    assert_eq!(kdcs(&conf, "B"), ["b"]);
}

#[test]
fn files_that_include_each_other_are_read_once_each() {
    let files = Files::new(&[
        ("a", "include DIR/b\n[libdefaults]\n default_realm = A\n"),
        ("b", "include DIR/a\n[libdefaults]\n forwardable = yes\n"),
        ("self", "include DIR/self\n[libdefaults]\n default_realm = S\n"),
    ]);
    let conf = files.load(&["a"]).unwrap();
    assert!(conf.libdefaults().forwardable && conf.libdefaults().default_realm.is_some());
    let [warning] = conf.warnings() else { panic!() };
    assert!(warning.file() == files.path("b") && warning.problem().contains("includes itself"));
    assert_eq!(files.load(&["self"]).unwrap().warnings().len(), 1);
}

#[test]
fn neither_depth_nor_number_of_files_is_without_end() {
    let mut files: Vec<(String, String)> =
        (0..20).map(|n| (format!("f{n}"), format!("include DIR/f{}\n[x]\n", n + 1))).collect();
    files.push(("many".to_owned(), "includedir DIR/d\nincludedir DIR/d\n[x]\n".to_owned()));
    files.extend((0..150).map(|n| (format!("d/{n}"), "[x]\n".to_owned())));
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = Files::new(&files);
    let conf = files.load(&["f0"]).unwrap();
    let [warning] = conf.warnings() else { panic!() };
    assert!(warning.problem().contains("too deep"), "{warning}");
    let conf = files.load(&["many"]).unwrap();
    assert_eq!(conf.warnings().len(), 2 * 150 + 1 - 256);
    assert!(conf.warnings()[0].problem().contains("more files"));
}

#[test]
fn what_cannot_be_included_is_a_warning() {
    let files = Files::new(&[
        (
            "a",
            "include DIR/missing\nincludedir DIR/none\ninclude relative\ninclude DIR/d\n[libdefaults]\n default_realm = A\n",
        ),
        ("d/x", ""),
    ]);
    let conf = files.load(&["a"]).unwrap();
    let lines: Vec<_> = conf.warnings().iter().map(logon_kdc::Warning::line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
}

#[test]
fn of_several_files_the_first_is_before_the_others_and_one_that_is_missing_does_no_harm() {
    let files = Files::new(&[
        ("a", "[libdefaults]\n default_realm = A\n[realms]\n R = {\n kdc = a\n }\n"),
        (
            "b",
            "[libdefaults]\n default_realm = B\n dns_lookup_kdc = no\n[realms]\n R = {\n kdc = b\n }\n",
        ),
    ]);
    let conf = files.load(&["missing", "a", "b"]).unwrap();
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
    assert!(!conf.libdefaults().dns_lookup_kdc);
    assert_eq!(kdcs(&conf, "R"), ["a", "b"]);
}

#[test]
fn what_one_file_ends_by_a_star_later_files_do_not_go_on_with() {
    let files = Files::new(&[
        (
            "a",
            "[libdefaults]*\n dns_lookup_kdc = no\n[realms]\n R = {\n kdc = a\n }*\n S* = {\n kdc = s\n }\n T = {\n kdc* = t\n }\n[domain_realm]\n x = R\n",
        ),
        (
            "b",
            "[libdefaults]\n default_realm = B\n[realms]\n R = {\n kdc = b\n }\n S = {\n kdc = b\n }\n T = {\n kdc = b\n }\n[domain_realm]\n y = R\n",
        ),
    ]);
    let conf = files.load(&["a", "b"]).unwrap();
    assert_eq!(warnings(&conf), [""; 0]);
    assert_eq!(conf.libdefaults().default_realm, None);
    assert_eq!([kdcs(&conf, "R"), kdcs(&conf, "S"), kdcs(&conf, "T")], [["a"], ["s"], ["t"]]);
    assert_eq!(conf.realm_of("y"), Some("R"));
}

#[test]
fn a_directory_among_the_files_is_read_as_one_that_is_included() {
    let files = Files::new(&[
        ("d/10-a.conf", "[libdefaults]\n default_realm = A\n"),
        ("d/20-b", "[libdefaults]\n default_realm = B\n dns_lookup_kdc = no\n"),
        ("d/00-c~", "[libdefaults]\n default_realm = C\n"),
    ]);
    let conf = files.load(&["d"]).unwrap();
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
    assert!(!conf.libdefaults().dns_lookup_kdc);
}

#[test]
fn no_file_at_all_is_an_error_that_names_them() {
    let files = Files::new(&[]);
    let error = files.load(&["a", "b"]).unwrap_err();
    assert_eq!(error, ConfError::Missing(vec![files.path("a"), files.path("b")]));
    assert!(error.to_string().contains("KRB5_CONFIG"));
}

#[test]
fn a_file_that_is_there_and_unreadable_is_an_error() {
    let files = Files::new(&[("large", &"#".repeat((1 << 20) + 1))]);
    let error = files.load(&["large"]).unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    let conf = Krb5Conf::load_files(&["/dev/null"]);
    assert!(conf.unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn bytes_that_are_no_text_are_a_warning() {
    let files = Files::new(&[]);
    fs::write(files.path("a"), b"[libdefaults]\n# J\xfcrgen\n default_realm = A\n").unwrap();
    let conf = files.load(&["a"]).unwrap();
    assert_eq!(conf.warnings()[0].line(), 2);
    assert_eq!(conf.libdefaults().default_realm.as_deref(), Some("A"));
}

#[test]
fn without_the_variable_it_is_the_file_of_the_system() {
    let empty = |_: &str| Some(OsString::new());
    match Krb5Conf::load(&empty) {
        Ok(_) => assert!(PathBuf::from("/etc/krb5.conf").exists()),
        Err(error) => assert!(error.to_string().contains("/etc/krb5.conf"), "{error}"),
    }
}
