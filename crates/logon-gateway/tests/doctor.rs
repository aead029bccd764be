//! `logon doctor` as it is run: a broken configuration, a sound one, and the URL of a server.

use logon::kerberos::{EncryptionType, Key, Keytab, PrincipalName, ServiceKey};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const LOGON: &str = env!("CARGO_BIN_EXE_logon");

fn doctor(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(LOGON).arg("doctor").args(arguments).current_dir(folder).output().unwrap()
}

/// What it printed, with one space where there are several and at the ends of lines.
fn text(output: &Output) -> String {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A `logon demo` on free ports, until it is dropped.
struct Demo {
    process: Child,
    http: String,
    https: String,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(LOGON)
            .args(["demo", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It prints its addresses first, one a line.
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let [http, https] = [0; 2].map(|_| lines.next().unwrap().unwrap());
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, http, https }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Users, and a configuration for this application.
fn write(folder: &Path, upstream: &str) {
    let added = Command::new(LOGON)
        .args(["users", "add", "--file", "users", "CORP\\alice", "--password-env", "PW"])
        .env("PW", "S3cret!pw")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(added.status.success(), "{added:?}");
    let config = format!(
        "users = \"users\"\nupstream = \"{upstream}\"\n\n[[listen]]\naddress = \"127.0.0.1:0\"\n\
         self_signed = \"tls.pem\"\n\n[server]\ndomain = \"CORP\"\ncomputer = \"LOGON-DEMO\"\n\
         dns_computer = \"localhost\"\ndns_domain = \"corp.example\"\n\n[limits]\nconnections = 100\n"
    );
    std::fs::write(folder.join("logon.toml"), config).unwrap();
}

#[test]
fn a_sound_configuration_has_nothing_broken() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&[]);
    write(folder.path(), &demo.http);
    let output = doctor(folder.path(), &["--config", "logon.toml"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for words in [
        "logon.toml can be read",
        "users: 1 user (0 disabled)",
        "127.0.0.1:0 is free",
        &format!("{}/ answers 200", demo.http),
        "0 to look after, 0 broken",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert!(output.stderr.is_empty(), "{output:?}");
}

// PG-13, PG-17, PG-18
#[test]
fn a_broken_configuration_fails_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let config = "users = \"users\"\nupstream = \"http://127.0.0.1:1\"\n\n[[listen]]\n\
                  address = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n\n\
                  [[route]]\nhosts = [\"web.corp.invalid\"]\n";
    std::fs::write(folder.path().join("logon.toml"), config).unwrap();
    let output = doctor(folder.path(), &["--config", "logon.toml"]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "users does not exist",
        "-> logon users add --file users",
        "c.pem: no certificate",
        "k.pem: no private key",
        "web.corp.invalid cannot be resolved here",
        "http://127.0.0.1:1/: no connection",
        "setspn -S HTTP/web.corp.invalid ACCOUNT",
        "setspn -S HTTP/web ACCOUNT",
        "\"AuthServerAllowlist\": \"web.corp.invalid\"",
        "network.negotiate-auth.trusted-uris",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn what_cannot_be_read_is_shown_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logon.toml"), "users = \"users\"\nupstrem = \"x\"\n")
        .unwrap();
    let output = doctor(folder.path(), &["--config", "logon.toml"]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("logon.toml:2:1: unknown field `upstrem`"), "{text}");
}

// PG-13, PG-14
#[test]
fn a_url_that_logs_on_is_followed_to_the_challenge() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&["--user", "CORP\\alice"]);
    write(folder.path(), &demo.http);
    let url = format!("{}/both/", demo.https);
    let output = doctor(folder.path(), &["--config", "logon.toml", "--url", &url]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    for words in [
        "TLS 1.3, HTTP/1.1",
        "its certificate is for localhost",
        "does not trust it: nobody",
        &format!("{url}: 401"),
        "WWW-Authenticate: Negotiate",
        "WWW-Authenticate: NTLM",
        "NTLM: CHALLENGE of CORP\\LOGON-DEMO",
        "Negotiate: CHALLENGE of CORP\\LOGON-DEMO (logon-demo.corp.example in",
        "agrees with the CHALLENGE",
        "NTLM: the connection stays after the CHALLENGE",
        "nothing at this URL makes a browser ask again and again",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn a_url_tells_what_it_lacks_and_who_answers() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(&["--http2", "--user", "LAB\\alice"]);
    write(folder.path(), &demo.http);
    let see = |url: String, words: &str| {
        let output = doctor(folder.path(), &["--url", &url]);
        let text = text(&output);
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    };
    see(format!("{}/basic/", demo.https), "only Basic offered");
    see(format!("{}/open/", demo.http), "no logon is asked for here");
    see(format!("{}/ntlm/", demo.https), "HTTP/2 is spoken here");
    see(demo.https.replace("https", "http"), "no HTTP");
    see("http://127.0.0.1:1/".to_owned(), "no connection");
    let url = format!("{}/ntlm/", demo.http);
    let output = doctor(folder.path(), &["--config", "logon.toml", "--url", &url]);
    let text = text(&output);
    assert!(text.contains("another server answers NTLM"), "{text}");
}

#[test]
fn machines_read_json() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(folder.path(), &["--config", "none.toml", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(
        (finding["level"].as_str(), finding["topic"].as_str()),
        (Some("fail"), Some("config"))
    );
    assert!(finding["found"].as_str().unwrap().contains("none.toml"), "{report}");
    assert!(report["service_principal_names"].is_array(), "{report}");
}

#[test]
fn it_has_to_be_told_what_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(doctor(folder.path(), &[]).status.code(), Some(2));
    let output = doctor(folder.path(), &["--url", "web.corp.example"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no URL"), "{output:?}");
}

/// A keytab with one key of AES, of 32 bytes 0x42.
fn keytab(principal: &str) -> Vec<u8> {
    let principal: PrincipalName = principal.parse().unwrap();
    let key = Key::new(EncryptionType::Aes256CtsHmacSha1_96, &[0x42; 32]).unwrap();
    let keys: Keytab = [ServiceKey { principal, kvno: 3, key }].into_iter().collect();
    keys.encode().unwrap()
}

#[test]
fn the_keys_of_kerberos_are_looked_at_without_a_network_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("http.keytab"), keytab("HTTP/localhost@CORP.EXAMPLE"))
        .unwrap();
    let conf = "[libdefaults]\n default_realm = CORP.EXAMPLE\n dns_lookup_kdc = false\n";
    std::fs::write(folder.path().join("krb5.conf"), conf).unwrap();
    let look = |host: &str, more: &[&str]| {
        Command::new(LOGON)
            .args(["doctor", "--keytab", "http.keytab", "--host", host])
            .args(more)
            .env("KRB5_CONFIG", folder.path().join("krb5.conf"))
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let sound = look("localhost", &[]);
    let words = text(&sound);
    assert_eq!(sound.status.code(), Some(0), "{words}");
    for wanted in [
        "the default realm is CORP.EXAMPLE",
        "http.keytab can be read: 1 keys",
        "HTTP/localhost: version 3, aes256-cts-hmac-sha1-96",
        "localhost is in CORP.EXAMPLE, as its key says",
        "no KDC of realm CORP.EXAMPLE is known",
        "0 broken",
    ] {
        assert!(words.contains(wanted), "{wanted:?} is not in\n{words}");
    }
    let broken = look("web.corp.invalid", &["--json"]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    let json: serde_json::Value = serde_json::from_slice(&broken.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let missing = findings.iter().find(|finding| finding["level"] == "fail").unwrap();
    assert_eq!(missing["topic"], "keytab");
    let todo = missing["todo"].as_str().unwrap();
    assert!(todo.contains("kadmin -q 'ktadd -k http.keytab HTTP/web.corp.invalid'"), "{todo}");
    assert_eq!(json["service_principal_names"][0], "HTTP/web");
    for output in [sound, broken] {
        assert!(!format!("{output:?}").contains("4242424242"), "{output:?}");
    }
}

#[test]
fn a_host_without_keys_is_tried_with_ntlm() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "http://127.0.0.1:1");
    let path = |name: &str| folder.path().join(name);
    let conf = format!("[libdefaults]\n default_keytab_name = {}\n", path("machine").display());
    std::fs::write(path("krb5.conf"), conf).unwrap();
    let look = |arguments: &[&str]| {
        let output = Command::new(LOGON)
            .args(["doctor", "--host", "localhost", "--host", "web.corp.invalid"])
            .args(arguments)
            .env("KRB5_CONFIG", path("krb5.conf"))
            .env_remove("KRB5_KTNAME")
            .current_dir(folder.path())
            .output()
            .unwrap();
        text(&output)
    };
    let ntlm = r"curl --ntlm -u 'DOMAIN\user' https://web.corp.invalid/";
    let ticket = "kinit USER; curl --negotiate -u : https://web.corp.invalid/";
    let gateway: [&str; 2] = ["--config", "logon.toml"];
    let cases = [
        (None, &[][..], ntlm),
        // A member of the domain has keys, and none of them is for a web server.
        (Some("host/localhost@CORP.EXAMPLE"), &[], ntlm),
        (Some("HTTP/localhost@CORP.EXAMPLE"), &[], ticket),
        // Somebody else's, as the gateway takes NTLM alone.
        (Some("HTTP/localhost@CORP.EXAMPLE"), &gateway, ntlm),
    ];
    for (key, arguments, expected) in cases {
        if let Some(principal) = key {
            std::fs::write(path("machine"), keytab(principal)).unwrap();
        }
        let text = look(arguments);
        assert!(text.contains(expected), "{key:?}, {arguments:?}: {text}");
        assert_eq!(text.contains(ntlm), expected == ntlm, "{key:?}, {arguments:?}: {text}");
    }
}

#[test]
fn the_keytabs_of_a_configuration_are_looked_at_for_the_names_that_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "http://127.0.0.1:1");
    let mut config = std::fs::read_to_string(folder.path().join("logon.toml")).unwrap();
    config.push_str("[kerberos]\nkeytabs = [\"http.keytab\"]\n");
    std::fs::write(folder.path().join("logon.toml"), config).unwrap();
    let keytab = keytab("HTTP/other.corp.example@CORP.EXAMPLE");
    std::fs::write(folder.path().join("http.keytab"), keytab).unwrap();
    let output = Command::new(LOGON)
        .args(["doctor", "--config", "logon.toml", "--host", "web.corp.invalid"])
        .env("KRB5_CONFIG", folder.path().join("none"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "no key of HTTP/web.corp.invalid, but of HTTP/other",
        // The one that the gateway would make.
        "for localhost, 127.0.0.1, ::1, other.corp.example",
        "FAIL clients that ask for web.corp.invalid get a certificate for localhost",
        "curl --negotiate -u : https://web.corp.invalid/",
        "\"AuthServerAllowlist\": \"web.corp.invalid\"",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn without_a_name_the_keytab_says_it_and_what_hinders_the_start_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "http://127.0.0.1:1");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("web.keytab"), keytab("HTTP/localhost@CORP.EXAMPLE")).unwrap();
    std::fs::write(path("krb5.conf"), "[libdefaults]\n dns_lookup_kdc = false\n").unwrap();
    let config = std::fs::read_to_string(path("logon.toml")).unwrap();
    let look = |kerberos: &str| {
        let kerberos = format!("{config}\n[kerberos]\nkeytabs = [\"web.keytab\"]\n{kerberos}");
        std::fs::write(path("logon.toml"), kerberos).unwrap();
        let output = Command::new(LOGON)
            .args(["doctor", "--config", "logon.toml"])
            .env("KRB5_CONFIG", path("krb5.conf"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        text(&output)
    };
    let words = look("");
    assert!(words.contains("HTTP/localhost: version 3"), "{words}");
    assert!(!words.contains("no key of"), "{words}");
    let words = look("realms = { \"Corp.Example\" = \"CORP\" }\n");
    assert!(words.contains("`realms` names Corp.Example"), "{words}");
    let words = look("replay_cache = \"users\"\n");
    assert!(words.contains("it is not a replay cache"), "{words}");
}
