//! `krb5.conf`: which realm this is, and where its KDCs are.

use super::keytab::Keys;
use crate::doctor::report::Findings;
use logon_kdc::{ConfError, Environment, Krb5Conf};

const TOPIC: &str = "krb5.conf";

/// The configuration; an empty one if there is none, and then DNS knows the KDCs.
pub(super) fn load(environment: Environment<'_>, out: &mut Findings) -> Krb5Conf {
    match Krb5Conf::load(environment) {
        Ok(conf) => {
            let realm = conf.libdefaults().default_realm.as_deref().unwrap_or("(none)");
            out.ok(TOPIC, format_args!("can be read, the default realm is {realm}"));
            for warning in conf.warnings() {
                out.warn(TOPIC, warning, "correct the line; it was passed over");
            }
            conf
        }
        Err(error @ ConfError::Missing(_)) => {
            out.note(TOPIC, error, "the gateway needs none; here it says where the KDC is");
            Krb5Conf::default()
        }
        Err(error) => {
            out.warn(TOPIC, error, "correct it; it was passed over");
            Krb5Conf::default()
        }
    }
}

/// Whether clients with this configuration look for `host` where its keys are from.
pub(super) fn check(host: &str, keys: &Keys, conf: &Krb5Conf, out: &mut Findings) {
    let Some(key) = keys.of(host).next() else { return };
    let realm = key.principal.realm();
    let said = conf.realm_of(host);
    match said.or(conf.libdefaults().default_realm.as_deref()) {
        Some(said) if said != realm => out.warn(
            TOPIC,
            format_args!("says that {host} is in {said}; its key is of {realm}"),
            format_args!(
                "if the key is right, on clients:\n  [domain_realm]\n    {host} = {realm}"
            ),
        ),
        Some(_) => out.ok(TOPIC, format_args!("{host} is in {realm}, as its key says")),
        None => {}
    }
}
