//! Kerberos: the keys of this service, the names that clients know it by, and what the KDC says.
//!
//! The gateway itself needs a keytab and a clock, and asks nobody. What else is looked at here is
//! what its clients need.

mod conf;
mod fix;
mod kdc;
mod keytab;
mod names;
#[cfg(test)]
mod tests;

use super::checks::Clock;
use super::report::Findings;
use keytab::Keys;
use logon::kerberos::PrincipalName;
use logon_kdc::{KdcClient, Krb5Conf};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is looked at.
pub(super) struct Subject<'a> {
    /// As clients write them: names, and perhaps addresses.
    pub(super) hosts: &'a BTreeSet<String>,
    /// Those of this machine if there is none.
    pub(super) keytabs: Vec<PathBuf>,
    /// Where the gateway listens, if that is known.
    pub(super) listen: Vec<SocketAddr>,
    /// Whether tickets of RC4 are taken.
    pub(super) rc4: bool,
    pub(super) clock: Clock,
}

/// How long a KDC may take, and all KDCs of a realm together.
const WAIT: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(5);

/// Gives whether there is a key for tickets of a web server, be it of another name.
pub(super) async fn check(subject: &Subject<'_>, out: &mut Findings) -> bool {
    let environment = |name: &str| std::env::var_os(name);
    let conf = conf::load(&environment, out);
    let mut keytabs = subject.keytabs.clone();
    if keytabs.is_empty() {
        match logon_kdc::service_keytab(&conf, &environment) {
            Ok(path) => keytabs.push(path),
            Err(error) => out.fail(keytab::TOPIC, error, "or name the file with --keytab"),
        }
    }
    let kdc = KdcClient::new(Arc::new(conf)).wait(WAIT).limit(LIMIT);
    check_with(subject, &keytabs, &kdc, out).await
}

async fn check_with(
    subject: &Subject<'_>,
    keytabs: &[PathBuf],
    kdc: &KdcClient,
    out: &mut Findings,
) -> bool {
    let keys = Keys::read(keytabs, out);
    let file = keytabs.first().cloned().unwrap_or_else(|| PathBuf::from("http.keytab"));
    let realm = realm(&keys, kdc.conf());
    let place = fix::Place { realm: &realm, file: &file };
    for host in subject.hosts {
        keytab::check(host, &keys, subject.rc4, &place, out);
    }
    for host in subject.hosts.iter().filter(|host| is_name(host)) {
        conf::check(host, &keys, kdc.conf(), out);
    }
    names::check(subject, &keys, &place, out);
    kdc::check(subject, &keys, kdc, &place, out).await;
    keys.all().any(|key| is_http(&key.principal))
}

/// The realm that this service is in: that of its keys, else of the configuration.
fn realm(keys: &Keys, conf: &Krb5Conf) -> String {
    let of_key = keys.all().find(|key| is_http(&key.principal)).or(keys.all().next());
    let of_key = of_key.map(|key| key.principal.realm());
    let realm = of_key.or(conf.libdefaults().default_realm.as_deref());
    realm.unwrap_or("REALM").to_owned()
}

/// Tickets are for names.
fn is_name(host: &str) -> bool {
    host.parse::<IpAddr>().is_err()
}

fn is_http(name: &PrincipalName) -> bool {
    matches!(name.components(), [service, _] if service.eq_ignore_ascii_case("HTTP"))
}

/// Whether it is the name of the service at `host`, which no acceptor compares by case.
fn is_service_at(name: &PrincipalName, host: &str) -> bool {
    is_http(name) && name.components().get(1).is_some_and(|it| it.eq_ignore_ascii_case(host))
}
