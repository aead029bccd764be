//! What an acceptor and an initiator are made of. Shared by all exchanges of a server.

use crate::credential::Credential;
use crate::env::{SecureRandom, TimeSource};
use crate::policy::Policy;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

/// The names a server goes by, as the CHALLENGE tells them ([MS-NLMP] §3.2.5.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNames {
    pub(crate) nb_computer: String,
    pub(crate) nb_domain: String,
    pub(crate) dns_computer: String,
    pub(crate) dns_domain: String,
    pub(crate) dns_tree: String,
    pub(crate) standalone: bool,
}

impl ServerNames {
    /// A server `nb_computer` whose users are in `nb_domain`, both NetBIOS names such as
    /// `WEB01` and `CORP`. Some clients take `nb_domain` for the user's domain.
    #[must_use]
    pub fn new(nb_computer: impl Into<String>, nb_domain: impl Into<String>) -> Self {
        let (nb_computer, nb_domain) = (nb_computer.into(), nb_domain.into());
        let standalone = nb_computer.eq_ignore_ascii_case(&nb_domain);
        Self {
            nb_computer,
            nb_domain,
            dns_computer: String::new(),
            dns_domain: String::new(),
            dns_tree: String::new(),
            standalone,
        }
    }

    /// Adds the DNS names, such as `web01.corp.example` and `corp.example`; the forest is taken
    /// to be the domain.
    #[must_use]
    pub fn with_dns(mut self, computer: impl Into<String>, domain: impl Into<String>) -> Self {
        self.dns_computer = computer.into();
        self.dns_domain = domain.into();
        self.dns_tree.clone_from(&self.dns_domain);
        self
    }

    /// The NetBIOS name of the domain.
    #[must_use]
    pub fn nb_domain(&self) -> &str {
        &self.nb_domain
    }

    /// The DNS name of the domain; empty if there is none.
    #[must_use]
    pub fn dns_domain(&self) -> &str {
        &self.dns_domain
    }
}

/// What all exchanges of a server share.
#[derive(Debug)]
pub struct AcceptorConfig {
    pub(crate) names: ServerNames,
    pub(crate) policy: Policy,
    pub(crate) random: Arc<dyn SecureRandom>,
    pub(crate) clock: Arc<dyn TimeSource>,
}

impl AcceptorConfig {
    /// A configuration with randomness and clock from outside.
    #[must_use]
    pub fn new(
        names: ServerNames,
        random: Arc<dyn SecureRandom>,
        clock: Arc<dyn TimeSource>,
    ) -> Self {
        Self { names, policy: Policy::default(), random, clock }
    }

    /// A configuration with randomness and clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_os(names: ServerNames) -> Self {
        Self::new(names, Arc::new(crate::env::OsRandom), Arc::new(crate::env::SystemClock))
    }

    /// Replaces the default policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The names of the server.
    #[must_use]
    pub fn names(&self) -> &ServerNames {
        &self.names
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// What the exchanges of a client share.
pub struct InitiatorConfig {
    pub(crate) credential: Credential,
    pub(crate) workstation: String,
    pub(crate) key_exchange: bool,
    pub(crate) random: Arc<dyn SecureRandom>,
    pub(crate) clock: Arc<dyn TimeSource>,
}

impl InitiatorConfig {
    /// A configuration with randomness and clock from outside.
    #[must_use]
    pub fn new(
        credential: Credential,
        random: Arc<dyn SecureRandom>,
        clock: Arc<dyn TimeSource>,
    ) -> Self {
        let workstation = String::new();
        Self { credential, workstation, key_exchange: true, random, clock }
    }

    /// A configuration with randomness and clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_os(credential: Credential) -> Self {
        Self::new(credential, Arc::new(crate::env::OsRandom), Arc::new(crate::env::SystemClock))
    }

    /// Names the workstation; by default it stays empty, because it concerns nobody.
    #[must_use]
    pub fn with_workstation(mut self, workstation: impl Into<String>) -> Self {
        self.workstation = workstation.into();
        self
    }

    /// Whether to ask for a session key of its own, `NTLMSSP_NEGOTIATE_KEY_EXCH`. Default: yes.
    #[must_use]
    pub fn with_key_exchange(mut self, key_exchange: bool) -> Self {
        self.key_exchange = key_exchange;
        self
    }
}

impl fmt::Debug for InitiatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitiatorConfig")
            .field("credential", &self.credential)
            .field("workstation", &self.workstation)
            .finish_non_exhaustive()
    }
}
