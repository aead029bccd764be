//! What a service accepts tickets with.

use super::{EncryptionType, Keytab, ReplayCache, ServiceKey};
use crate::wire::Sid;
use crate::wire::krb5::Principal;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::time::Duration;

/// Keys and rules of a service.
/// See [RFC 4120] §3.2.3.
#[derive(Debug)]
pub struct Service {
    keytab: Keytab,
    encryption_types: Vec<EncryptionType>,
    pub(super) clock_skew: Duration,
    realms: Vec<Realm>,
    pub(super) require_pac: bool,
    pub(super) machine: Option<Sid>,
    pub(super) replay_cache: Arc<dyn ReplayCache>,
}

/// Where an acceptor has its [`Service`] from. It is asked at the beginning of each exchange, so that
/// keys can be replaced while a server runs ([RFC 4120] §3.2.3).
pub trait ServiceSource: Debug + Send + Sync {
    /// The service as it is now.
    fn service(&self) -> Arc<Service>;
}

/// One that stays as it is.
impl ServiceSource for Arc<Service> {
    fn service(&self) -> Arc<Service> {
        Arc::clone(self)
    }
}

#[derive(Debug)]
struct Realm {
    name: String,
    /// As whoever runs the service says.
    domain: Option<String>,
}

impl Service {
    /// A service of these keys. Clients of their realms are trusted, each with a ticket of its own
    /// realm.
    ///
    /// # Security
    /// What a realm's PACs say of security identifiers and user principal names is believed, also
    /// if they are of another domain: with keys of several realms, their KDCs have to be trusted
    /// alike.
    #[must_use]
    pub fn new(keytab: Keytab, replay_cache: Arc<dyn ReplayCache>) -> Self {
        let mut realms: Vec<Realm> = Vec::new();
        for key in keytab.keys() {
            let name = key.principal.realm();
            if realms.iter().all(|known| known.name != name) {
                realms.push(Realm { name: name.into(), domain: None });
            }
        }
        Self {
            keytab,
            encryption_types: EncryptionType::DEFAULT.to_vec(),
            clock_skew: Duration::from_secs(300),
            realms,
            require_pac: true,
            machine: None,
            replay_cache,
        }
    }

    /// Trusts the clients of a realm, which are accounts of the NetBIOS domain `domain`: those of
    /// `CORP.EXAMPLE` are `CORP\alice`, for example. A realm without keys here is vouched for by
    /// those that have some. Without it, where there is one realm alone, its PACs tell the domain,
    /// and else the realm's name is the domain's.
    #[must_use]
    pub fn with_realm(mut self, name: impl Into<String>, domain: impl Into<String>) -> Self {
        let (name, domain) = (name.into(), Some(domain.into()));
        self.realms.retain(|known| known.name != name);
        self.realms.push(Realm { name, domain });
        self
    }

    /// Which encryption types are taken, of tickets and of session keys. Default:
    /// [`EncryptionType::DEFAULT`], which leaves RC4 out.
    ///
    /// # Security
    /// The password of a service with an RC4 key can be guessed from one of its tickets.
    #[must_use]
    pub fn with_encryption_types(mut self, types: &[EncryptionType]) -> Self {
        self.encryption_types = types.to_vec();
        self
    }

    /// How far a client's clock may be off. Default: 5 minutes.
    #[must_use]
    pub fn with_clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew;
        self
    }

    /// Whether a ticket has to say who the account is for Windows ([MS-PAC]), as those of Active
    /// Directory and Samba do. Default: yes. Clients can ask Active Directory for a ticket without:
    /// its account is called as the client spelled it then, which may be another account's name
    /// for somebody who looks at names.
    #[must_use]
    pub fn with_pac_required(mut self, required: bool) -> Self {
        self.require_pac = required;
        self
    }

    /// The identifier of this machine's own accounts and groups, which no domain may put somebody
    /// into ([MS-PAC] §4.1.2.2).
    #[must_use]
    pub fn with_machine_sid(mut self, machine: Sid) -> Self {
        self.machine = Some(machine);
        self
    }

    /// The keys.
    #[must_use]
    pub fn keytab(&self) -> &Keytab {
        &self.keytab
    }

    pub(super) fn allows(&self, encryption_type: EncryptionType) -> bool {
        self.encryption_types.contains(&encryption_type)
    }

    /// What is known of the domain of a realm's accounts; `None` if the realm is not trusted, or
    /// not in tickets of the realm `of`: who has keys here speaks for itself.
    pub(super) fn domain(&self, realm: &str, of: &str) -> Option<Option<&str>> {
        let has_keys = || self.keytab.keys().iter().any(|key| key.principal.realm() == realm);
        let mut known = self.realms.iter().filter(|_| realm == of || !has_keys());
        known.find(|known| known.name == realm).map(|known| known.domain.as_deref())
    }

    /// Whether nobody else's domain can be meant by what a PAC calls its own.
    pub(super) fn has_one_realm(&self) -> bool {
        self.realms.len() == 1
    }

    /// The keys of a name, which is compared as Active Directory does, without regard to case; all
    /// versions, because keytabs and directories do not always agree in their numbers
    /// ([MS-KILE] §3.4.5). The one of that version comes first.
    pub(super) fn keys_of<'k>(
        &'k self,
        name: &'k Principal<'k>,
        kvno: Option<u32>,
    ) -> impl Iterator<Item = &'k ServiceKey> {
        let is_named = move |key: &&ServiceKey| {
            key.principal.realm() == name.realm
                && key.principal.is_called(name.components.iter().copied())
        };
        let is_first = move |key: &&ServiceKey| Some(key.kvno) == kvno;
        let named = || self.keytab.keys().iter().filter(is_named);
        named().filter(is_first).chain(named().filter(move |key| !is_first(key)))
    }
}
