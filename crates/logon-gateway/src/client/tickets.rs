//! Kerberos for whoever logs on: by the tickets that are there, by a keytab, or for a password.

use crate::failure::Failure;
use logon_client::credentials::Credentials;
use logon_client::logon_kdc::{
    KdcClient, Krb5Conf, Tickets, TicketsError, principal_of, read_keytab,
};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Tickets of whoever runs this, if there are any.
pub(super) fn found() -> Option<Arc<Tickets>> {
    let found = Tickets::of_environment(&environment).and_then(|tickets| {
        // A cache that cannot be read is none.
        tickets.client().map(|_| tickets)
    });
    match found {
        Ok(tickets) => Some(Arc::new(tickets)),
        Err(TicketsError::Nothing { .. }) => None,
        Err(error) => {
            tracing::warn!("no Kerberos: {error}");
            None
        }
    }
}

/// Tickets for the password of an account, if `krb5.conf` knows its realm.
pub(super) fn of_password(credentials: &Credentials) -> Option<Arc<Tickets>> {
    let password = credentials.password_text()?;
    let conf = Krb5Conf::load(&environment).ok()?;
    let client = principal_of(credentials.name(), &conf)?;
    let kdc = KdcClient::new(Arc::new(conf));
    Some(Arc::new(Tickets::of_password(kdc, client, password.to_owned())))
}

/// Tickets for the keys of an account.
pub(super) fn of_keytab(name: &str, path: &Path) -> Result<Arc<Tickets>, Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure::usage(format!("--keytab: {why}"));
    let conf = Krb5Conf::load(&environment).map_err(|error| bad(&error))?;
    let client = principal_of(name, &conf).ok_or_else(|| {
        bad(&format!(
            "it is not known which realm {name} is of: write NAME@REALM, and the realm into krb5.conf"
        ))
    })?;
    let keytab = read_keytab(path).map_err(|error| bad(&error))?;
    let same = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    let is_of_client = |key: &logon::kerberos::ServiceKey| {
        let names = (key.principal.components(), client.components());
        same(key.principal.realm(), client.realm())
            && names.0.len() == names.1.len()
            && names.0.iter().zip(names.1).all(|(one, other)| same(one, other))
    };
    if !keytab.keys().iter().any(is_of_client) {
        let mut there: Vec<_> = keytab.keys().iter().map(|key| key.principal.to_string()).collect();
        there.dedup();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        return Err(bad(&format!(
            "{} has no key of {client}; it has those of {there}",
            path.display()
        )));
    }
    Ok(Arc::new(Tickets::of_keytab(KdcClient::new(Arc::new(conf)), client, keytab)))
}
