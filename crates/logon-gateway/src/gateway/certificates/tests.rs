//! The names that a certificate is made for.

use super::names;
use crate::gateway::config;
use logon::kerberos::{EncryptionType, Key, Keytab, PrincipalName, ServiceKey};
use std::path::Path;

/// Those beyond this machine's own, with these target names and keys of these principals.
fn names_of(targets: &[&str], principals: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write_keytab(&folder.path().join("http.keytab"), principals);
    let path = folder.path().join("logon.toml");
    let text = format!(
        "users = \"users\"\nupstream = \"http://127.0.0.1:1\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n\
         [logon]\ntarget_names = {targets:?}\n\
         [kerberos]\nkeytabs = [\"http.keytab\"]\n"
    );
    std::fs::write(&path, text).unwrap();
    let config = config::load(&path).map_err(|error| error.to_string()).unwrap();
    let own = ["localhost", "127.0.0.1", "::1", &config::host_name().to_lowercase()];
    let mut names = names(&config, folder.path());
    names.retain(|name| !own.contains(&name.as_str()));
    names
}

fn write_keytab(path: &Path, principals: &[&str]) {
    let key = |name: &&str| {
        let principal: PrincipalName = name.parse().unwrap();
        let key = Key::new(EncryptionType::Aes256CtsHmacSha1_96, &[7; 32]).unwrap();
        ServiceKey { principal, kvno: 1, key }
    };
    let keytab: Keytab = principals.iter().map(key).collect();
    std::fs::write(path, keytab.encode().unwrap()).unwrap();
}

#[test]
fn the_host_of_a_service_name_counts_without_its_port() {
    let targets = ["HTTP/web.corp.example:8443", "http/Web.corp.example", "HTTP/app:80/CORP"];
    let keys = ["HTTP/intranet.corp.example:8443@CORP.EXAMPLE", "HTTP/intranet@CORP.EXAMPLE"];
    let names = names_of(&targets, &keys);
    assert_eq!(names, ["web.corp.example", "app", "intranet.corp.example", "intranet"]);
}

#[test]
fn what_no_certificate_can_be_for_is_left_out() {
    let targets = ["HTTP/:8443", "HTTP/web:https", "HTTP/[fd00::7]:8443", "HTTP/fd00::7", "HTTP"];
    let keys = ["host/web.corp.example@CORP.EXAMPLE", "HTTP/*@CORP.EXAMPLE"];
    assert!(names_of(&targets, &keys).is_empty());
}
