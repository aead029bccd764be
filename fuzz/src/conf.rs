//! `krb5.conf`.

use logon_kdc::{KdcAddress, Krb5Conf};

/// Any text: every warning has its line, every KDC can be written and read again, and a text that
/// says nothing else is read without a warning.
pub fn krb5_conf(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let conf = Krb5Conf::parse(&text);
    let lines = text.lines().count();
    for warning in conf.warnings() {
        assert!((1..=lines).contains(&warning.line()) && !warning.problem().is_empty());
    }
    let words = text.split(|c: char| c.is_whitespace() || "={}\"*".contains(c)).take(16);
    for realm in words {
        let kdcs = conf.kdcs_of(realm);
        if !kdcs.is_empty() {
            same_again(kdcs);
        }
        if let Some(realm) = conf.realm_of(realm) {
            assert!(text.contains(realm) || text.contains(['"', '\\']));
        }
    }
}

fn same_again(kdcs: &[KdcAddress]) {
    let lines: String = kdcs.iter().map(|kdc| format!("kdc = {kdc}\n")).collect();
    let again = Krb5Conf::parse(&format!("[realms]\nR = {{\n{lines}}}\n"));
    assert_eq!(again.warnings(), []);
    assert_eq!(again.kdcs_of("R"), kdcs);
}
