//! Accounts of Windows as principals.

use crate::conf::Krb5Conf;
use logon::kerberos::PrincipalName;

/// The principal of an account: `DOMAIN\user`, `user@dns.domain` or `user`. `None` if it is not known
/// which realm that would be.
///
/// A NetBIOS name is that of the one realm whose name begins with it: `CORP` of `CORP.EXAMPLE`. What stands
/// behind an `@` and is no realm of the configuration is part of a user principal name, which the
/// default realm knows.
#[must_use]
pub fn principal_of(account: &str, conf: &Krb5Conf) -> Option<PrincipalName> {
    let default = conf.libdefaults().default_realm.as_deref();
    let known = |realm: &str| Some(realm) == default || !conf.kdcs_of(realm).is_empty();
    let plain = |user: &str, realm: &str| {
        (!user.is_empty()).then(|| PrincipalName::new(PrincipalName::PRINCIPAL, [user], realm))
    };
    if let Some((domain, user)) = account.split_once('\\') {
        let domain = domain.to_uppercase();
        let begins = |realm: &&str| realm.split('.').next() == Some(domain.as_str());
        let realm = match () {
            () if known(&domain) => Some(domain.as_str()),
            () => default.filter(begins).or_else(|| one(conf.realms().filter(begins))),
        };
        return plain(user, realm?);
    }
    let Some((user, suffix)) = account.rsplit_once('@') else { return plain(account, default?) };
    let realm = suffix.to_uppercase();
    if known(&realm) {
        return plain(user, &realm);
    }
    let whole = (!user.is_empty() && !suffix.is_empty()).then_some(account)?;
    Some(PrincipalName::new(PrincipalName::ENTERPRISE, [whole], default?))
}

/// The only one there is.
fn one<T>(mut of: impl Iterator<Item = T>) -> Option<T> {
    of.next().filter(|_| of.next().is_none())
}
