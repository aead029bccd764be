//! `logon get` and `logon forward` where there is no ticket: what they say, and by which exit code.

#[path = "../../../tests/support/kdc.rs"]
mod kdc;
mod support;

use kdc::{Kdc, Served};
use std::path::PathBuf;
use support::PASSWORD;
use support::forward::{self, Running};
use support::get::{Demo, Got, Script, get, run};

const ALICE: &str = r"CORP\alice";

/// A realm for `logon get`, with `HTTP/localhost`.
struct Realm {
    folder: tempfile::TempDir,
    _kdc: Option<Served>,
}

impl Realm {
    fn start() -> Self {
        let kdc = Kdc { services: &["HTTP/localhost"], ..Kdc::new("CORP.EXAMPLE", 0) }.serve();
        let realm = Self::of(&format!("udp/{}", kdc.address));
        Self { _kdc: Some(kdc), ..realm }
    }

    /// Nobody is at its port.
    fn without_kdc() -> Self {
        Self::of("tcp/127.0.0.1:1")
    }

    fn of(kdc: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conf = format!(
            "[libdefaults]\ndefault_realm = CORP.EXAMPLE\n[realms]\nCORP.EXAMPLE = {{\nkdc = {kdc}\n}}\n"
        );
        std::fs::write(folder.path().join("krb5.conf"), conf).unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        Self { folder, _kdc: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ask(&self, user: &str, arguments: &[&str]) -> Got {
        let password = self.path("password");
        let options = ["-q", "-u", user, "--password-file", password.to_str().unwrap()];
        run(get(&[&options, arguments].concat()).env("KRB5_CONFIG", self.path("krb5.conf")))
    }
}

/// Of a server that takes tickets and no NTLM.
fn kerberos_alone(_: &str) -> Vec<u8> {
    b"HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n".to_vec()
}

/// The port is that of a server's, and its name is the one that there are tickets for.
fn by_name(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

#[test]
fn with_mutual_it_is_told_why_there_is_no_ticket_and_nothing_else() {
    let (realm, down) = (Realm::start(), Realm::without_kdc());
    let server = Script::start(kerberos_alone);
    let url = by_name(&server.url());
    for (realm, user, arguments, words) in [
        (&realm, r"CORP\nobody", &[][..], "it does not know the client; check name and realm"),
        (&realm, "elsewhere@SUB.EXAMPLE", &[], "no KDC of realm SUB.CORP.EXAMPLE is known"),
        (&realm, ALICE, &["--spn", "HTTP/other"], "no ticket for HTTP/other: the KDC of"),
        (&down, ALICE, &[], "no ticket for HTTP/localhost: no KDC of realm CORP.EXAMPLE"),
    ] {
        let got = realm.ask(user, &[&["--mutual", url.as_str()], arguments].concat());
        assert_eq!(got.code, 5, "{got:?}");
        assert!(got.said.contains(words), "{words} is not in {got:?}");
        assert!(got.said.starts_with("logon: 401 Unauthorized: localhost: no ticket"), "{got:?}");
        assert!(!got.said.contains("proxy") && !got.said.contains("--scheme ntlm"), "{got:?}");
    }
    let heads = server.heads();
    assert!(heads.iter().all(|head| !head.contains("authorization")), "{heads:?}");
}

#[test]
fn with_mutual_and_no_realm_it_is_told_that_kerberos_is_missing() {
    let server = Script::start(kerberos_alone);
    let realm = Realm::without_kdc();
    for (conf, words) in [("", "default_realm"), ("[libdefaults\n", "krb5.conf")] {
        std::fs::write(realm.path("krb5.conf"), conf).unwrap();
        let got = realm.ask(ALICE, &["--mutual", &by_name(&server.url())]);
        assert_eq!(got.code, 5, "{got:?}");
        assert!(got.said.starts_with("logon: --mutual needs Kerberos, and "), "{got:?}");
        assert!(got.said.contains(words), "{words} is not in {got:?}");
    }
}

#[test]
fn where_ntlm_fails_in_place_of_kerberos_both_are_told() {
    let demo = Demo::start();
    let realm = Realm::without_kdc();
    // NTLM is refused.
    let got = realm.ask(r"CORP\nobody", &[&format!("{}/nego/", by_name(&demo.http))]);
    assert_eq!(got.code, 4, "{got:?}");
    for words in [
        "no ticket for HTTP/localhost: no KDC of realm CORP.EXAMPLE",
        "without the ticket, the credentials were refused (Negotiate)",
        "every attempt counts",
    ] {
        assert!(got.said.contains(words), "{words} is not in {got:?}");
    }
    std::fs::write(realm.path("krb5.conf"), "").unwrap();
    let got = realm.ask("nobody", &[&format!("{}/nego/", by_name(&demo.http))]);
    assert!(got.code == 4 && got.said.contains("Kerberos was not tried: krb5.conf"), "{got:?}");
    let realm = Realm::without_kdc();
    // It is not begun with, or it is rejected.
    let rejects = Script::start(|head| {
        let token = if head.contains("authorization") { " oQcwBaADCgEC" } else { "" };
        let head = format!("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate{token}\r\n");
        format!("{head}Content-Length: 0\r\n\r\n").into_bytes()
    });
    for server in [Script::start(kerberos_alone), rejects] {
        let got = realm.ask(ALICE, &[&by_name(&server.url())]);
        assert_eq!(got.code, 5, "{got:?}");
        assert!(got.said.contains("no ticket for HTTP/localhost: no KDC"), "{got:?}");
        assert!(!got.said.contains("proxy in between"), "{got:?}");
    }
    // By NTLM alone nobody wants a ticket.
    let url = format!("{}/ntlm/", by_name(&demo.http));
    let got = realm.ask(r"CORP\nobody", &["--scheme", "ntlm", &url]);
    assert!(got.code == 4 && !got.said.contains("ticket"), "{got:?}");
}

// By a server that takes no Kerberos
#[test]
fn a_ticket_that_is_not_taken_is_no_wrong_password() {
    let (demo, realm) = (Demo::start(), Realm::start());
    let got = realm.ask(ALICE, &["--mutual", &format!("{}/nego/", by_name(&demo.http))]);
    assert_eq!(got.code, 4, "{got:?}");
    assert!(got.said.contains("does not take the ticket") && got.said.contains("has no keytab"));
    assert!(!got.said.contains("name and password") && !got.said.contains("counts"), "{got:?}");
}

#[test]
fn a_file_that_is_no_keytab_is_told_to_be_none() {
    let realm = Realm::start();
    for text in ["These are notes, and no keys.", ""] {
        std::fs::write(realm.path("notes.txt"), text).unwrap();
        let path = realm.path("notes.txt");
        let arguments = ["-u", ALICE, "--keytab", path.to_str().unwrap(), "http://localhost:1/"];
        let got = run(get(&arguments).env("KRB5_CONFIG", realm.path("krb5.conf")));
        assert_eq!(got.code, 2, "{got:?}");
        assert!(got.said.contains("notes.txt is no keytab: is this the right file?"), "{got:?}");
    }
}

#[test]
fn a_program_that_is_logged_on_for_is_told_why_there_was_no_ticket() {
    let (server, realm) = (Script::start(kerberos_alone), Realm::without_kdc());
    let mut command = forward::command(&["--origin", &by_name(&server.url())]);
    command.env("KRB5_CONFIG", realm.path("krb5.conf"));
    let forward = Running::of(command);
    let host = &forward.address;
    let answer =
        forward.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("; before that, no ticket for HTTP/localhost: no KDC"), "{answer}");
}
