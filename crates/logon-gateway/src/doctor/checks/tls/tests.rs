//! Certificates and keys, right and wrong.

use super::check;
use crate::doctor::checks::Subject;
use crate::doctor::checks::testing::{
    DAY, Made, NOW, certificate, certificate_of, config, secret, subject,
};
use crate::doctor::report::{Findings, Level};
use crate::gateway::config::Config;
use std::path::Path;

const LISTEN: &str =
    "[[listen]]\naddress = \"127.0.0.1:0\"\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";

fn write(folder: &Path, made: &Made) {
    secret(&folder.join("c.pem"), &made.pem);
    secret(&folder.join("k.pem"), &made.key);
}

fn findings(folder: &Path, text: &str) -> Findings {
    let mut out = Findings::default();
    check(&subject(&config(text), folder), &mut out);
    out
}

fn with_host(host: &str) -> String {
    format!("{LISTEN}[[route]]\nhosts = [\"{host}\"]\n")
}

#[test]
fn a_pair_for_the_hosts_served_is_well() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["*.corp.example"], NOW - DAY, NOW + 90 * DAY));
    let out = findings(folder.path(), &with_host("web.corp.example"));
    out.assert(Level::Ok, "for another 90 days");
    out.assert(Level::Note, "signed by itself");
    out.assert_none_above(Level::Note);
}

#[test]
fn a_name_that_no_certificate_has_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["web.corp.example"], NOW - DAY, NOW + 90 * DAY));
    let out = findings(folder.path(), &with_host("web.lab.example"));
    out.assert(Level::Warn, "web.lab.example gets is not for that name");
}

/// The findings on a name that clients use.
fn told(folder: &Path, text: &str, host: &str) -> Findings {
    let (config, hosts) = (config(text), [host.to_owned()]);
    let mut out = Findings::default();
    check(&Subject { hosts: &hosts, ..subject(&config, folder) }, &mut out);
    out
}

#[test]
fn a_name_that_clients_were_told_needs_a_certificate_at_one_listener() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["*.corp.example"], NOW - DAY, NOW + 90 * DAY));
    let look = |text: &str, host: &str| told(folder.path(), text, host);
    look(LISTEN, "web.corp.example").assert(Level::Ok, "web.corp.example get a certificate");
    let other = look(LISTEN, "web.lab.example");
    other.assert(Level::Fail, "ask for web.lab.example get a certificate for *.corp.example");
    let two = format!("{LISTEN}[[listen]]\naddress = \"127.0.0.1:0\"\nself_signed = \"o.pem\"\n");
    look(&two, "localhost").assert(Level::Ok, "localhost get a certificate for it");
    look(&two, "web").assert(Level::Fail, "ask for web get a certificate for");
    // Nobody gets one.
    assert!(look("", "web.lab.example").0.is_empty());
}

#[test]
fn a_wrong_certificate_is_no_failure_where_the_name_is_served_without_tls_too() {
    const PLAIN: &str = "[[listen]]\naddress = \"127.0.0.1:8080\"\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["*.corp.example"], NOW - DAY, NOW + 90 * DAY));
    // Where it is served both ways, some clients are warned by their browser.
    let both = told(folder.path(), &format!("{LISTEN}{PLAIN}"), "web.lab.example");
    both.assert(Level::Warn, "get a certificate for *.corp.example; without TLS");
    both.assert(Level::Warn, "it is served at 127.0.0.1:8080");
    assert_eq!(both.count(Level::Fail), 0);
}

#[test]
fn only_listeners_that_serve_a_name_count_for_it() {
    const LISTENERS: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\nname = \"tls\"\n\
        certificate = \"c.pem\"\nkey = \"k.pem\"\n\
        [[listen]]\naddress = \"127.0.0.1:8080\"\nname = \"plain\"\n";
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["*.corp.example"], NOW - DAY, NOW + 90 * DAY));
    let route = |hosts: &str, listener: &str| {
        format!(
            "[[route]]\nhosts = [{hosts}]\nlisten = [\"{listener}\"]\n\
             upstream = \"http://127.0.0.1:1\"\n"
        )
    };
    let look = |routes: &[String], host: &str| {
        let text = format!("{LISTENERS}{}", routes.concat());
        let config = Config { upstream: None, ..config(&text) };
        let hosts = [host.to_owned()];
        let mut out = Findings::default();
        check(&Subject { hosts: &hosts, ..subject(&config, folder.path()) }, &mut out);
        out
    };
    let corp = route("\"web.corp.example\"", "tls");
    let lab = |listener| route("\"web.lab.example\"", listener);
    let plain = look(&[corp.clone(), lab("plain")], "Web.lab.example.");
    plain.assert(Level::Note, "no listener with TLS has a route for Web.lab.example.");
    plain.assert_none_above(Level::Note);
    let tls = look(&[corp.clone(), lab("tls")], "web.lab.example");
    tls.assert(Level::Fail, "ask for web.lab.example get a certificate for *.corp.example");
    // A route for all hosts.
    look(&[corp.clone(), route("", "tls")], "web.lab.example")
        .assert(Level::Fail, "ask for web.lab");
    look(&[corp, lab("plain")], "web.corp.example").assert(Level::Ok, "get a certificate for it");
}

#[test]
fn a_site_has_a_certificate_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &certificate(&["web.corp.example"], NOW - DAY, NOW + 90 * DAY));
    let made = certificate(&["web.lab.example"], NOW - DAY, NOW + 90 * DAY);
    secret(&folder.path().join("both.pem"), &format!("{}{}", made.pem, made.key));
    let site = "[[listen.site]]\nnames = [\"*.lab.example\"]\ncertificate = \"both.pem\"\nkey = \"both.pem\"\n";
    let text = format!("{LISTEN}{site}[[route]]\nhosts = [\"web.lab.example\"]\n");
    findings(folder.path(), &text).assert_none_above(Level::Note);
}

#[test]
fn time_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, level, words) in [
        (NOW + DAY, NOW + 90 * DAY, Level::Fail, "not valid yet"),
        (NOW - 9 * DAY, NOW - 2 * DAY, Level::Fail, "expired 2 days ago"),
        (NOW - DAY, NOW + 13 * DAY, Level::Warn, "expires in 13 days"),
        (NOW - DAY, NOW + 14 * DAY, Level::Ok, "for another 14 days"),
    ] {
        write(folder.path(), &certificate(&["web"], from, to));
        findings(folder.path(), LISTEN).assert(level, words);
    }
}

#[test]
fn a_key_of_another_certificate_fails() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [0; 2].map(|_| certificate(&["web"], NOW - DAY, NOW + 90 * DAY));
    write(folder.path(), &Made { key: other.key, ..one });
    findings(folder.path(), LISTEN).assert(Level::Fail, "is not the key of");
}

#[test]
fn what_is_missing_or_is_no_pem_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = findings(folder.path(), LISTEN);
    out.assert(Level::Fail, "c.pem: no certificate");
    out.assert(Level::Fail, "k.pem: no private key");
    secret(&folder.path().join("c.pem"), "text");
    findings(folder.path(), LISTEN).assert(Level::Fail, "has no PEM of a certificate");
}

#[test]
fn a_signature_without_channel_bindings_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificate_of(&rcgen::PKCS_ED25519, &["web"], NOW - DAY, NOW + 90 * DAY);
    write(folder.path(), &made);
    findings(folder.path(), LISTEN).assert(Level::Warn, "no channel bindings");
}

#[test]
fn a_chain_in_the_wrong_order_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = certificate(&["web"], NOW - DAY, NOW + 90 * DAY);
    let mut params = rcgen::CertificateParams::new(vec!["other".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "another");
    let stranger = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    made.pem.push_str(&stranger.pem());
    write(folder.path(), &made);
    findings(folder.path(), LISTEN).assert(Level::Warn, "not followed by that of its issuer");
}

#[test]
fn a_certificate_to_be_made_needs_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let listen =
        |file: &str| format!("[[listen]]\naddress = \"127.0.0.1:0\"\nself_signed = \"{file}\"\n");
    let made = findings(folder.path(), &listen("own.pem"));
    made.assert(Level::Note, "will be made at the first start, for localhost, 127.0.0.1");
    findings(folder.path(), &listen("no/own.pem")).assert(Level::Fail, "mkdir -p");
}

#[test]
fn a_box_in_front_needs_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[listen]]\naddress = \"127.0.0.1:0\"\ntls_in_front = \"c.pem\"\n";
    findings(folder.path(), text).assert(Level::Fail, "no certificate");
    write(folder.path(), &certificate(&["web"], NOW - DAY, NOW + 90 * DAY));
    findings(folder.path(), text).assert(Level::Ok, "for another 90 days");
}
