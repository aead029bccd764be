//! Kerberos for whoever logs on: by the tickets that are there, by a keytab, or for a password.

use crate::failure::Failure;
use logon::kerberos::PrincipalName;
use logon_client::credentials::Credentials;
use logon_client::logon_kdc::{self, KdcClient, Krb5Conf, Tickets, TicketsError, read_keytab};
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

/// Tickets for the password of an account, or why there cannot be any.
pub(super) fn of_password(credentials: &Credentials) -> Result<Arc<Tickets>, String> {
    let name = credentials.name();
    let password = credentials.password_text();
    let password = password.ok_or("an NT hash is no password for it")?;
    let conf = Krb5Conf::load(&environment).map_err(|error| error.to_string())?;
    let client = logon_kdc::principal_of(name, &conf).ok_or_else(|| {
        format!("krb5.conf does not say which realm {name} is of: write `default_realm` there")
    })?;
    let kdc = KdcClient::new(Arc::new(conf));
    Ok(Arc::new(Tickets::of_password(kdc, client, password.to_owned())))
}

/// The principal of an account, as far as `krb5.conf` tells.
pub(super) fn principal_of(name: &str) -> Option<PrincipalName> {
    logon_kdc::principal_of(name, &Krb5Conf::load(&environment).ok()?)
}

/// Tickets for the keys of an account, or of a service, in the realm that the keytab has it in.
pub(super) fn of_keytab(name: &str, path: &Path) -> Result<Arc<Tickets>, Failure> {
    let bad = |why: &dyn std::fmt::Display| Failure::usage(format!("--keytab: {why}"));
    let conf = Krb5Conf::load(&environment).map_err(|error| bad(&error))?;
    let keytab = read_keytab(path).map_err(|error| bad(&error))?;
    let wanted = [logon_kdc::principal_of(name, &conf), name.parse().ok()];
    let is_wanted = |principal: &&PrincipalName| {
        let same = |wanted: &PrincipalName| {
            let realm = wanted.realm();
            (realm.is_empty() || realm.eq_ignore_ascii_case(principal.realm()))
                && wanted.components() == principal.components()
        };
        wanted.iter().flatten().any(same)
    };
    let mut principals = keytab.keys().iter().map(|key| &key.principal);
    let Some(client) = principals.clone().find(is_wanted).cloned() else {
        let mut there: Vec<_> = principals.by_ref().map(ToString::to_string).collect();
        there.dedup();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        let path = path.display();
        return Err(bad(&format!("{path} has no key of {name}; it has those of {there}")));
    };
    Ok(Arc::new(Tickets::of_keytab(KdcClient::new(Arc::new(conf)), client, keytab)))
}
