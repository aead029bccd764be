//! What a service is called: by the name that is asked for, by `krb5.conf` and by DNS.

use crate::conf::CanonicalizeHostname;
use crate::transport::KdcClient;
use logon::kerberos::PrincipalName;
use std::time::Duration;
use tokio::time::timeout;

/// DNS has so long where others wait.
const WHILE_OTHERS_WAIT: Duration = Duration::from_secs(2);

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    /// `HTTP/host`.
    pub(super) name: String,
    /// Whether that is the service's own name, and not made of a host's.
    pub(super) exactly: bool,
}

/// A service as it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Service<'a> {
    kdc: &'a KdcClient,
    service: &'a str,
    host: &'a str,
    exactly: bool,
}

impl<'a> Service<'a> {
    pub(super) fn new(kdc: &'a KdcClient, wanted: &'a Wanted) -> Self {
        let Wanted { name, exactly } = wanted;
        let (service, host) = name.split_once('/').unwrap_or((name, ""));
        Self { kdc, service, host, exactly: *exactly }
    }

    /// What the KDC is asked for. DNS takes its time, if it is asked.
    pub(super) async fn name(self) -> PrincipalName {
        let canonical = match self.canonicalize() {
            CanonicalizeHostname::Yes => self.canonical_host().await,
            _ => None,
        };
        self.name_with(canonical.as_deref().unwrap_or(self.host)).await
    }

    /// What it is asked for if it did not know that, while others wait.
    pub(super) async fn fallback(self) -> Option<PrincipalName> {
        if self.canonicalize() != CanonicalizeHostname::Fallback {
            return None;
        }
        let name = async { Some(self.name_with(&self.canonical_host().await?).await) };
        timeout(WHILE_OTHERS_WAIT, name).await.ok().flatten()
    }

    fn canonicalize(self) -> CanonicalizeHostname {
        match self.exactly {
            true => CanonicalizeHostname::No,
            false => self.kdc.conf().libdefaults().dns_canonicalize_hostname,
        }
    }

    /// What its host is an alias of.
    async fn canonical_host(self) -> Option<String> {
        let name = self.kdc.canonical_name(self.host).await;
        name.filter(|name| !name.eq_ignore_ascii_case(self.host))
    }

    /// Without a realm if nobody says which it is in.
    async fn name_with(self, host: &str) -> PrincipalName {
        let realm = self.kdc.realm_of(host).await.unwrap_or_default();
        let components = [self.service, host].into_iter().filter(|it| !it.is_empty());
        PrincipalName::new(PrincipalName::SRV_HST, components, &realm)
    }
}

/// The realm that is called as the domain of the service's host.
pub(super) fn realm_by_domain(service: &PrincipalName) -> Option<String> {
    let (_, domain) = service.components().get(1)?.split_once('.')?;
    domain.contains('.').then(|| domain.to_uppercase())
}
