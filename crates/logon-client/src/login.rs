//! Who logs on, how, and to whom.

use crate::credentials::Credentials;
use crate::hosts::Hosts;
use crate::id::Id;
use logon::http::{ClientConfig, Scheme};
use logon::{ChannelBindings, InitiatorConfig};
use std::fmt;
use std::sync::Arc;

/// Credentials, with what may be done with them.
pub struct Login {
    credentials: Credentials,
    schemes: Vec<Scheme>,
    hosts: Hosts,
    mutual_auth: bool,
    bindings: Bindings,
}

/// What a login does with channel bindings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Bindings {
    #[default]
    WhenPossible,
    Required,
    Never,
    Given(ChannelBindings),
}

impl Login {
    /// A login by `Negotiate` or `NTLM` to the hosts that the caller names in requests, with
    /// channel bindings where there is TLS.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            schemes: Scheme::INTEGRATED.to_vec(),
            hosts: Hosts::default(),
            mutual_auth: false,
            bindings: Bindings::default(),
        }
    }

    /// Only these schemes; of those offered the strongest is taken. `Basic` sends the password
    /// itself, over TLS only.
    #[must_use]
    pub fn with_schemes(mut self, schemes: &[Scheme]) -> Self {
        self.schemes = schemes.to_vec();
        self
    }

    /// Only to these hosts. Credentials that nobody chose for a purpose, such as those that
    /// [`crate::credentials::Search`] finds, should not go without it.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Whether servers have to prove who they are, which NTLM cannot. Default: no.
    #[must_use]
    pub fn with_mutual_auth(mut self, required: bool) -> Self {
        self.mutual_auth = required;
        self
    }

    /// No logon without channel bindings: none without TLS, or to a certificate that has none.
    #[must_use]
    pub fn with_bindings_required(mut self) -> Self {
        self.bindings = Bindings::Required;
        self
    }

    /// No channel bindings: for servers behind a TLS-terminating proxy that demand none.
    #[must_use]
    pub fn without_bindings(mut self) -> Self {
        self.bindings = Bindings::Never;
        self
    }

    /// These channel bindings and no others: of a certificate that TLS ends with elsewhere.
    #[must_use]
    pub fn with_bindings(mut self, bindings: ChannelBindings) -> Self {
        self.bindings = Bindings::Given(bindings);
        self
    }

    /// The account's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.credentials.name()
    }

    pub(crate) fn ready(self) -> Ready {
        let initiator = Arc::new(InitiatorConfig::with_os(self.credentials.credential()));
        let config = |schemes: &[Scheme]| {
            let config = ClientConfig::new(Arc::clone(&initiator))
                .with_schemes(schemes)
                .with_mutual_auth(self.mutual_auth)
                .with_bindings_required(self.bindings == Bindings::Required);
            Arc::new(match self.credentials.password_text() {
                Some(password) => config.with_password(self.credentials.name(), password),
                None => config,
            })
        };
        let hidden: Vec<_> =
            self.schemes.iter().copied().filter(|scheme| *scheme != Scheme::Basic).collect();
        let single: Vec<_> =
            hidden.iter().copied().filter(|scheme| !scheme.is_per_connection()).collect();
        Ready {
            id: Id::next(),
            secure: config(&self.schemes),
            insecure: config(&hidden),
            shared: config(&single),
            hosts: self.hosts,
            bindings: self.bindings,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name())
            .field("schemes", &self.schemes)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}

/// A login that connections can belong to.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) id: Id,
    secure: Arc<ClientConfig>,
    /// Without `Basic`.
    insecure: Arc<ClientConfig>,
    /// Without what logs on by connection, either.
    shared: Arc<ClientConfig>,
    pub(crate) hosts: Hosts,
    bindings: Bindings,
}

impl Ready {
    /// For a connection that is TLS all the way, or not; `shared` if others' requests may go over
    /// the same one behind a proxy.
    pub(crate) fn config(&self, secure: bool, shared: bool) -> &Arc<ClientConfig> {
        match (secure, shared) {
            (_, true) => &self.shared,
            (true, false) => &self.secure,
            (false, false) => &self.insecure,
        }
    }

    /// What is sent over a connection that has these.
    pub(crate) fn bindings(&self, of_connection: &ChannelBindings) -> ChannelBindings {
        match &self.bindings {
            Bindings::WhenPossible | Bindings::Required => of_connection.clone(),
            Bindings::Never => ChannelBindings::none(),
            Bindings::Given(given) => given.clone(),
        }
    }
}
