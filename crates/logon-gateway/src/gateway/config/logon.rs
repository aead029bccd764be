//! How clients log on.

use super::values::Span;
use crate::gateway::kerberos::Keys;
use ::logon::http::ThrottleConfig;
use ::logon::http::{BasicConfig, ConnectionConfig, DigestConfig, Requirement, Scheme, Scope};
use ::logon::{AcceptorConfig, BindingsPolicy, Error, MicPolicy, Policy, ServerNames};
use ::logon::{TargetName, TargetNamePolicy};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// What this server calls itself in NTLM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Names {
    /// NetBIOS name of the domain, and the domain of users who give none. Default: that of the
    /// user file if it has only one, else `WORKGROUP`.
    pub(crate) domain: String,
    /// NetBIOS name of this machine. Default: its host name.
    pub(crate) computer: String,
    /// DNS name of the domain, for user principal names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dns_domain: Option<String>,
    /// DNS name of this machine. Default: the computer's name in the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dns_computer: Option<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            domain: String::new(),
            computer: computer_name(&host_name()),
            dns_domain: None,
            dns_computer: None,
        }
    }
}

impl Names {
    /// Puts the domain of the users in the place of one that is not said. A file that cannot be
    /// read has none; that is for whoever opens it to say.
    pub(super) fn resolve(&mut self, users: &Path) {
        if !self.domain.is_empty() {
            return;
        }
        let accounts = logon_users::edit::list(users).unwrap_or_default();
        let domain = |name: &str| name.split_once('\\').map(|(domain, _)| domain.to_owned());
        let domains: BTreeSet<_> = accounts.iter().map(|it| domain(&it.name.to_string())).collect();
        let only = if domains.len() == 1 { domains.into_iter().next().flatten() } else { None };
        self.domain = only.unwrap_or_else(|| "WORKGROUP".to_owned());
    }

    pub(crate) fn of_server(&self) -> ServerNames {
        let names = ServerNames::new(self.computer.as_str(), self.domain.as_str());
        let Some(domain) = &self.dns_domain else { return names };
        let computer = self.dns_computer.clone();
        let computer =
            computer.unwrap_or_else(|| format!("{}.{domain}", self.computer.to_lowercase()));
        names.with_dns(computer, domain.as_str())
    }
}

/// What the system calls this machine.
pub(crate) fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// The NetBIOS name that goes with a host name: its first label, at most 15 characters.
fn computer_name(host: &str) -> String {
    let label = host.split('.').next().unwrap_or_default();
    let name: String = label.chars().take(15).collect();
    if name.is_empty() { "LOGON".to_owned() } else { name.to_uppercase() }
}

/// How clients log on, where no route says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logon {
    pub(crate) requirement: RequirementName,
    pub(crate) schemes: Vec<SchemeName>,
    /// CORS preflights pass without a logon.
    pub(crate) cors_preflight: bool,
    /// Schemes whose credentials are the application's own affair, such as `Bearer`.
    pub(crate) pass_schemes: Vec<String>,
    /// NTLM is taken, by itself and within Negotiate.
    pub(crate) ntlm: bool,
    /// What Basic and Digest say that the password is for.
    pub(crate) realm: String,
    /// Extended Protection.
    pub(crate) channel_bindings: Demand,
    /// Message integrity code.
    pub(crate) mic: Demand,
    /// Service principal names that clients may have meant, such as `HTTP/web.corp.example`;
    /// with none in the list, any.
    pub(crate) target_names: Vec<String>,
    /// Whether a logon counts for the requests that follow on its connection.
    pub(crate) persistent: bool,
    /// After which time it counts no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lifetime: Option<Span>,
    /// Refused logons after which a connection is closed.
    pub(crate) max_denials: u32,
    /// Proxies in front that give each client connections of its own.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) throttle: Throttle,
}

impl Default for Logon {
    fn default() -> Self {
        Self {
            requirement: RequirementName::Required,
            schemes: vec![SchemeName::Negotiate, SchemeName::Ntlm],
            cors_preflight: false,
            pass_schemes: Vec::new(),
            ntlm: true,
            realm: "logon".to_owned(),
            channel_bindings: Demand::WhenOffered,
            mic: Demand::WhenOffered,
            target_names: Vec::new(),
            persistent: true,
            lifetime: None,
            max_denials: 3,
            trusted_proxies: Vec::new(),
            throttle: Throttle::default(),
        }
    }
}

impl Logon {
    /// What holds where no route says otherwise. For [`RequirementName::Off`] a rule for `/` has to
    /// say so: a scope that is off has no schemes for routes to inherit.
    pub(crate) fn scope(&self) -> Scope {
        let schemes: Vec<Scheme> = self.schemes.iter().copied().map(SchemeName::scheme).collect();
        let scope = match self.requirement {
            RequirementName::AppChallenges => Scope::app_challenges(&schemes),
            RequirementName::Optional | RequirementName::Off => Scope::optional(&schemes),
            RequirementName::Required => Scope::required(&schemes),
        };
        let pass: Vec<&str> = self.pass_schemes.iter().map(String::as_str).collect();
        scope.with_cors_preflight(self.cors_preflight).with_pass_schemes(&pass).with_ntlm(self.ntlm)
    }

    /// The rest: what decides about a logon, wherever it is asked for.
    pub(crate) fn without_scope(&self) -> Self {
        let Self { requirement, schemes, cors_preflight, pass_schemes, ntlm, .. } = Self::default();
        Self { requirement, schemes, cors_preflight, pass_schemes, ntlm, ..self.clone() }
    }

    /// What all connections share.
    pub(crate) fn connection(
        &self,
        names: &Names,
        keys: Option<&Arc<Keys>>,
    ) -> Result<ConnectionConfig, Error> {
        let mut acceptor = AcceptorConfig::with_os(names.of_server()).with_policy(self.policy());
        if let Some(keys) = keys {
            acceptor = acceptor.with_kerberos_source(Arc::<Keys>::clone(keys));
        }
        let mut config = ConnectionConfig::new(Arc::new(acceptor));
        config.basic = Some(BasicConfig::new(&self.realm)?);
        config.digest = Some(DigestConfig::with_os(&self.realm)?);
        config.persistent = self.persistent;
        config.identity_lifetime = self.lifetime.map(|span| span.0);
        config.kerberos_errors = keys.is_some_and(|keys| keys.tells_errors());
        config.max_denials = self.max_denials;
        Ok(config)
    }

    fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        policy.bindings = match self.channel_bindings {
            Demand::Never => BindingsPolicy::Never,
            Demand::WhenOffered => BindingsPolicy::WhenOffered,
            Demand::Always => BindingsPolicy::Always,
        };
        policy.mic = match self.mic {
            Demand::Never => MicPolicy::Never,
            Demand::WhenOffered => MicPolicy::WhenOffered,
            Demand::Always => MicPolicy::Always,
        };
        if !self.target_names.is_empty() {
            let names = self.target_names.iter().map(|name| TargetName::new(name.as_str()));
            policy.target_name = TargetNamePolicy::WhenOffered(names.collect());
        }
        policy
    }
}

/// Guessing is slowed down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Throttle {
    pub(crate) enabled: bool,
    /// Failures after which an account is refused from an address.
    pub(crate) account_failures: u32,
    /// Failures after which an address is.
    pub(crate) address_failures: u32,
    pub(crate) window: Span,
    pub(crate) lock_out: Span,
    /// Addresses that many clients share.
    pub(crate) exempt: Vec<IpAddr>,
}

impl Default for Throttle {
    fn default() -> Self {
        let config = ThrottleConfig::default();
        Self {
            enabled: true,
            account_failures: config.account_failures,
            address_failures: config.address_failures,
            window: Span(config.window),
            lock_out: Span(config.lock_out),
            exempt: config.exempt,
        }
    }
}

impl Throttle {
    pub(crate) fn config(&self) -> Option<ThrottleConfig> {
        let mut config = ThrottleConfig::default();
        config.account_failures = self.account_failures;
        config.address_failures = self.address_failures;
        config.window = self.window.0;
        config.lock_out = self.lock_out.0;
        config.exempt.clone_from(&self.exempt);
        self.enabled.then_some(config)
    }
}

/// How much of an optional protection is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Demand {
    Never,
    WhenOffered,
    Always,
}

/// A scheme, by the name that it has in HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SchemeName {
    Negotiate,
    #[serde(rename = "NTLM")]
    Ntlm,
    Digest,
    Basic,
}

impl SchemeName {
    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Negotiate => Scheme::Negotiate,
            Self::Ntlm => Scheme::Ntlm,
            Self::Digest => Scheme::Digest,
            Self::Basic => Scheme::Basic,
        }
    }
}

/// What happens without a logon: see [`Requirement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RequirementName {
    Off,
    AppChallenges,
    Optional,
    Required,
}

impl RequirementName {
    pub(crate) fn requirement(self) -> Requirement {
        match self {
            Self::Off => Requirement::Off,
            Self::AppChallenges => Requirement::AppChallenges,
            Self::Optional => Requirement::Optional,
            Self::Required => Requirement::Required,
        }
    }
}
