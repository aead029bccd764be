//! What an acceptor and an initiator are made of. Shared by all exchanges of a server.

use crate::credential::Credential;
use crate::env::{FileTime, SecureRandom, TimeSource};
use crate::error::ApiMisuse;
use crate::identity::TargetName;
use crate::owf::NtOwfV2;
use crate::policy::{KeyStrength, Policy};
use crate::reflection::ReflectionGuard;
use crate::wire::ntlm::{AvId, TargetInfoBuilder};
use crate::wire::{Utf16Le, push_utf16le};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
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

/// The names as every CHALLENGE carries them.
#[derive(Debug)]
pub(crate) struct EncodedNames {
    unicode: Vec<u8>,
    oem: Vec<u8>,
    /// The AV pairs before the time, or why they cannot be had.
    pairs: Result<Vec<u8>, ApiMisuse>,
}

impl EncodedNames {
    fn new(names: &ServerNames) -> Self {
        let target = if names.standalone { &names.nb_computer } else { &names.nb_domain };
        let oem = target.as_bytes().to_vec();
        Self { unicode: utf16le(target), oem, pairs: Self::pairs(names) }
    }

    /// In the order that Windows keeps; never an `MsvAvFlags`, which would change the MIC that
    /// Windows makes.
    fn pairs(names: &ServerNames) -> Result<Vec<u8>, ApiMisuse> {
        let mut list = TargetInfoBuilder::new();
        for (id, name) in [
            (AvId::NB_DOMAIN_NAME, &names.nb_domain),
            (AvId::NB_COMPUTER_NAME, &names.nb_computer),
            (AvId::DNS_DOMAIN_NAME, &names.dns_domain),
            (AvId::DNS_COMPUTER_NAME, &names.dns_computer),
            (AvId::DNS_TREE_NAME, &names.dns_tree),
        ] {
            if !name.is_empty() {
                list.push_text(id, name)?;
            }
        }
        Ok(list.into_pairs())
    }

    /// `TargetName`: the domain if there is one, else the server.
    pub(crate) fn target_name(&self, unicode: bool) -> &[u8] {
        if unicode { &self.unicode } else { &self.oem }
    }

    /// `TargetInfo` with the time, complete.
    pub(crate) fn target_info(&self, now: FileTime) -> Result<Vec<u8>, ApiMisuse> {
        let pairs = self.pairs.as_ref().map_err(|error| *error)?;
        let mut list = TargetInfoBuilder::after(pairs);
        list.push(AvId::TIMESTAMP, &now.ticks().to_le_bytes())?;
        Ok(list.finish())
    }
}

fn utf16le(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_utf16le(&mut bytes, text);
    bytes
}

/// What all exchanges of a server share.
/// See [MS-NLMP] §3.2.1.
#[derive(Debug)]
pub struct AcceptorConfig {
    pub(crate) names: ServerNames,
    pub(crate) encoded: EncodedNames,
    pub(crate) policy: Policy,
    pub(crate) machine_id: Option<[u8; 32]>,
    pub(crate) reflection: Option<Arc<dyn ReflectionGuard>>,
    /// Whether NTLM is spoken.
    pub(crate) ntlm: bool,
    #[cfg(feature = "kerberos")]
    pub(crate) kerberos: Option<Arc<dyn crate::kerberos::ServiceSource>>,
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
        let encoded = EncodedNames::new(&names);
        let policy = Policy::default();
        Self {
            names,
            encoded,
            policy,
            machine_id: None,
            reflection: None,
            ntlm: true,
            #[cfg(feature = "kerberos")]
            kerberos: None,
            random,
            clock,
        }
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

    /// This machine's `MachineID` ([MS-NLMP] §2.2.2.2): a response that carries it was made
    /// here, and is refused.
    #[must_use]
    pub fn with_machine_id(mut self, machine_id: [u8; 32]) -> Self {
        self.machine_id = Some(machine_id);
        self
    }

    /// Refuses responses that this program made itself as a client.
    #[must_use]
    pub fn with_reflection_guard(mut self, guard: Arc<dyn ReflectionGuard>) -> Self {
        self.reflection = Some(guard);
        self
    }

    /// Accepts tickets of Kerberos, bare and within SPNEGO, where the client's order of mechanisms
    /// decides.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn with_kerberos(self, service: Arc<crate::kerberos::Service>) -> Self {
        self.with_kerberos_source(Arc::new(service))
    }

    /// The same with a service whose keys may be replaced: each exchange is one with the keys of
    /// its beginning.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn with_kerberos_source(mut self, source: Arc<dyn crate::kerberos::ServiceSource>) -> Self {
        self.kerberos = Some(source);
        self
    }

    /// Whether NTLM is accepted, bare and within SPNEGO. Default: yes.
    #[must_use]
    pub fn with_ntlm(mut self, ntlm: bool) -> Self {
        self.ntlm = ntlm;
        self
    }

    /// What tickets are accepted with, as it is now; `None` if they are not.
    #[cfg(feature = "kerberos")]
    #[must_use]
    pub fn kerberos_service(&self) -> Option<Arc<crate::kerberos::Service>> {
        self.kerberos.as_ref().map(|source| source.service())
    }

    /// Whether tickets of Kerberos are accepted.
    pub(crate) fn has_kerberos(&self) -> bool {
        #[cfg(feature = "kerberos")]
        return self.kerberos.is_some();
        #[cfg(not(feature = "kerberos"))]
        false
    }

    /// The names of the server.
    #[must_use]
    pub fn names(&self) -> &ServerNames {
        &self.names
    }

    /// The time by the clock of this configuration.
    #[must_use]
    pub fn now(&self) -> FileTime {
        self.clock.now()
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// To whom a client may speak NTLM ([MS-NLMP] §3.1.1.1 `ClientBlocked`,
/// `ClientBlockExceptions`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NtlmUse {
    /// Any service. The default.
    #[default]
    Anywhere,
    /// These services only; with an empty list, none.
    Only(Vec<TargetName>),
}

/// What the exchanges of a client share.
/// See [MS-NLMP] §3.1.1.
pub struct InitiatorConfig {
    /// Domain, user and workstation, in UTF-16LE as every AUTHENTICATE carries them.
    pub(crate) domain: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) workstation: Vec<u8>,
    pub(crate) response_key: NtOwfV2,
    pub(crate) key_exchange: bool,
    pub(crate) integrity: bool,
    pub(crate) confidentiality: bool,
    pub(crate) min_key_strength: KeyStrength,
    pub(crate) ntlm: NtlmUse,
    pub(crate) machine_id: Option<[u8; 32]>,
    pub(crate) reflection: Option<Arc<dyn ReflectionGuard>>,
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
        Self {
            domain: utf16le(credential.domain()),
            user: utf16le(credential.user()),
            workstation: Vec::new(),
            response_key: NtOwfV2::of(&credential),
            key_exchange: true,
            integrity: false,
            confidentiality: false,
            min_key_strength: KeyStrength::default(),
            ntlm: NtlmUse::default(),
            machine_id: None,
            reflection: None,
            random,
            clock,
        }
    }

    /// A configuration with randomness and clock of the operating system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_os(credential: Credential) -> Self {
        Self::new(credential, Arc::new(crate::env::OsRandom), Arc::new(crate::env::SystemClock))
    }

    /// Names the workstation; by default it stays empty, because it concerns nobody.
    #[must_use]
    pub fn with_workstation(mut self, workstation: impl AsRef<str>) -> Self {
        self.workstation = utf16le(workstation.as_ref());
        self
    }

    /// Whether to ask for a session key of its own, `NTLMSSP_NEGOTIATE_KEY_EXCH`. Default: yes.
    #[must_use]
    pub fn with_key_exchange(mut self, key_exchange: bool) -> Self {
        self.key_exchange = key_exchange;
        self
    }

    /// Whether messages will be signed: a server that cannot is refused. Default: no; signing
    /// is offered all the same, because SPNEGO's `mechListMIC` needs it.
    #[must_use]
    pub fn with_integrity(mut self, integrity: bool) -> Self {
        self.integrity = integrity;
        self
    }

    /// Whether messages will be encrypted: a server that cannot is refused. Default: no.
    #[must_use]
    pub fn with_confidentiality(mut self, confidentiality: bool) -> Self {
        self.confidentiality = confidentiality;
        self
    }

    /// How strong session keys have to be. Default: [`KeyStrength::Any`].
    #[must_use]
    pub fn with_min_key_strength(mut self, strength: KeyStrength) -> Self {
        self.min_key_strength = strength;
        self
    }

    /// To whom NTLM may be spoken at all. Default: [`NtlmUse::Anywhere`].
    #[must_use]
    pub fn with_ntlm(mut self, ntlm: NtlmUse) -> Self {
        self.ntlm = ntlm;
        self
    }

    /// Sends this machine's `MachineID` (`MsvAvSingleHost`, [MS-NLMP] §2.2.2.2), by which its
    /// own servers know it again. By default it is not sent, because it identifies the machine.
    #[must_use]
    pub fn with_machine_id(mut self, machine_id: [u8; 32]) -> Self {
        self.machine_id = Some(machine_id);
        self
    }

    /// Lets the servers in this program know which responses are its own.
    #[must_use]
    pub fn with_reflection_guard(mut self, guard: Arc<dyn ReflectionGuard>) -> Self {
        self.reflection = Some(guard);
        self
    }
}

impl fmt::Debug for InitiatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| Utf16Le::new(bytes).unwrap_or_default().to_string();
        f.debug_struct("InitiatorConfig")
            .field("domain", &text(&self.domain))
            .field("user", &text(&self.user))
            .field("workstation", &text(&self.workstation))
            .finish_non_exhaustive()
    }
}
