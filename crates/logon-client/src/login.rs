//! Who logs on, how, and to whom.

use crate::credentials::Credentials;
use crate::hosts::Hosts;
use crate::id::Id;
use logon::http::{ClientConfig, Scheme};
use logon::{ChannelBindings, InitiatorConfig, OsRandom, TargetName};
use logon_kdc::Tickets;
use std::fmt;
use std::sync::Arc;

/// Credentials, with what may be done with them.
pub struct Login {
    /// What NTLM and the schemes with a password need.
    credentials: Option<Credentials>,
    /// What Kerberos needs.
    tickets: Option<Arc<Tickets>>,
    schemes: Vec<Scheme>,
    hosts: Hosts,
    mutual_auth: bool,
    bindings: Bindings,
    service: Option<TargetName>,
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
        Self::of(Some(credentials), None)
    }

    /// A login by Kerberos alone, within `Negotiate`. A server that asks for it proves itself, too; one
    /// that asked before and answers now without taking notice is not asked to, unless
    /// [`Self::with_mutual_auth`] is.
    #[must_use]
    pub fn by_tickets(tickets: Arc<Tickets>) -> Self {
        Self::of(None, Some(tickets))
    }

    /// Kerberos, where there is a ticket of the server. Where there is none, or the server has no
    /// key of it, NTLM is next; but not if a KDC has refused the password.
    #[must_use]
    pub fn with_tickets(mut self, tickets: Arc<Tickets>) -> Self {
        self.tickets = Some(tickets);
        self
    }

    fn of(credentials: Option<Credentials>, tickets: Option<Arc<Tickets>>) -> Self {
        Self {
            credentials,
            tickets,
            schemes: Scheme::INTEGRATED.to_vec(),
            hosts: Hosts::default(),
            mutual_auth: false,
            bindings: Bindings::default(),
            service: None,
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

    /// Whether servers have to prove who they are, which NTLM cannot. Default: no. Where Kerberos
    /// is what logs on, they have to in any case.
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

    /// The service principal name of the server, where it is not `HTTP/` and the host of the request:
    /// it has the port in it, or the host is an alias. DNS is not asked for it. Of several servers
    /// each has one of its own, and needs a login of its own, with [`Self::with_hosts`].
    #[must_use]
    pub fn with_service(mut self, service: TargetName) -> Self {
        self.service = Some(service);
        self
    }

    /// The account's name, as it was given, or that of the tickets; empty if there are none at the
    /// moment.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.credentials, &self.tickets) {
            (Some(credentials), _) => credentials.name().to_owned(),
            (None, Some(tickets)) => {
                tickets.client().map(|client| client.to_string()).unwrap_or_default()
            }
            (None, None) => String::new(),
        }
    }

    pub(crate) fn ready(self) -> Ready {
        let credential = self.credentials.as_ref().map(Credentials::credential);
        let initiator = credential.map(|it| Arc::new(InitiatorConfig::with_os(it)));
        let config = |schemes: &[Scheme]| {
            let config = match &initiator {
                Some(initiator) => ClientConfig::new(Arc::clone(initiator)),
                None => ClientConfig::without_ntlm(Arc::new(OsRandom)),
            };
            let config = config
                .with_schemes(schemes)
                .with_mutual_auth(self.mutual_auth)
                .with_bindings_required(self.bindings == Bindings::Required);
            let password = self
                .credentials
                .as_ref()
                .and_then(|it| it.password_text().map(|password| (it.name(), password)));
            Arc::new(match password {
                Some((name, password)) => config.with_password(name, password),
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
            has_password: self.credentials.is_some(),
            needs_ticket: self.credentials.is_none() || self.mutual_auth,
            tickets: self.tickets,
            service: self.service,
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
    pub(crate) has_password: bool,
    /// Without a ticket `Negotiate` has no meaning.
    pub(crate) needs_ticket: bool,
    pub(crate) tickets: Option<Arc<Tickets>>,
    pub(crate) service: Option<TargetName>,
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
