//! Who logs on: chosen by name, or found by itself and then not for everybody.

use super::names::{check_user, service};
use super::tickets;
use crate::cli::LogonOptions;
use crate::failure::{Exit, Failure};
use logon::TargetName;
use logon::http::Scheme;
use logon_client::credentials::{CredentialError, Credentials, Found, Search};
use logon_client::logon_kdc::Tickets;
use logon_client::{Hosts, Login};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// More than any password.
const MAX_PASSWORD: u64 = 4096;

/// Credentials, and where they may go.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) known: Known,
    /// For Kerberos: by what is known, or beside it.
    tickets: Option<Arc<Tickets>>,
    /// Why there are none for a password.
    no_kerberos: Option<String>,
    schemes: Vec<Scheme>,
    no_bindings: bool,
    require_bindings: bool,
    mutual: bool,
    service: Option<TargetName>,
    /// Those of the options alone.
    named: Option<Hosts>,
}

/// Where credentials come from.
#[derive(Debug)]
pub(crate) enum Known {
    /// Somebody chose them by name.
    Chosen(Found),
    /// They were there.
    Found(Found),
    /// There are tickets of Kerberos and nothing else, of this client.
    Tickets(String),
    /// There are none that can be used.
    Nothing(CredentialError),
}

impl Who {
    /// Finds them. Asks for a password only if there is a name.
    pub(crate) fn find(options: &LogonOptions) -> Result<Self, Failure> {
        let named = match options.allow.iter().filter(|host| !host.is_empty()) {
            hosts if hosts.clone().next().is_none() => None,
            hosts => Some(Hosts::only(hosts).map_err(|e| Failure::usage(format!("--allow {e}")))?),
        };
        let schemes = match options.schemes.as_slice() {
            [] => Scheme::INTEGRATED.to_vec(),
            schemes => schemes.iter().map(|scheme| scheme.scheme()).collect(),
        };
        let service = options.spn.as_deref().map(service).transpose()?;
        if let Some(name) = &options.user {
            check_user("-u", name)?;
        }
        let kerberos = schemes.contains(&Scheme::Negotiate);
        let mut no_kerberos = None;
        let mut by_password = |credentials: &Credentials| {
            let tickets = kerberos.then(|| tickets::of_password(credentials));
            tickets.transpose().unwrap_or_else(|why| {
                no_kerberos = Some(why);
                None
            })
        };
        let (known, tickets) = match (&options.user, &options.keytab) {
            (Some(name), Some(path)) => {
                (Known::Tickets(name.clone()), Some(tickets::of_keytab(name, path)?))
            }
            (Some(name), None) => {
                let found = chosen(name, options.password_file.as_deref())?;
                let tickets = by_password(&found.credentials);
                (Known::Chosen(found), tickets)
            }
            (None, _) => {
                let tickets = kerberos.then(tickets::found).flatten();
                let client = tickets.as_ref().and_then(|tickets| tickets.client().ok());
                match (Search::new().find(), client) {
                    // One person, and not one or the other as a server likes.
                    (Ok(found), client) => {
                        let same = client.is_some_and(|client| {
                            tickets::principal_of(found.credentials.name()) == Some(client)
                        });
                        let tickets = match same {
                            true => tickets,
                            false => by_password(&found.credentials),
                        };
                        (Known::Found(found), tickets)
                    }
                    (Err(_), Some(client)) => (Known::Tickets(client.to_string()), tickets),
                    (Err(error), None) => (Known::Nothing(error), None),
                }
            }
        };
        let LogonOptions { no_bindings, require_bindings, mutual, .. } = *options;
        Ok(Self {
            known,
            tickets,
            no_kerberos,
            schemes,
            no_bindings,
            require_bindings,
            mutual,
            service,
            named,
        })
    }

    /// The logins for requests to a host. Where a redirect leads, only the options name hosts.
    pub(crate) fn logins(&self, host: &str) -> Vec<Login> {
        let requested = self.login_to(host).map(|login| login.with_hosts(Hosts::requested()));
        let requested = match (requested, &self.service) {
            (Some(login), Some(service)) => Some(login.with_service(service.clone())),
            (login, _) => login,
        };
        let elsewhere = self.named.clone().zip(self.login_anywhere());
        let elsewhere = elsewhere.map(|(hosts, login)| login.with_hosts(hosts));
        requested.into_iter().chain(elsewhere).collect()
    }

    /// The login to a proxy, unless it may not have what was found.
    pub(crate) fn proxy_login(&self, host: &str) -> Option<Login> {
        match &self.known {
            Known::Chosen(_) => None,
            _ => self.login_to(host),
        }
    }

    /// The login to a host that the caller asks. A password that nobody chose does not go to every
    /// one of them; a ticket is worth nothing to any other.
    pub(crate) fn login_to(&self, host: &str) -> Option<Login> {
        match &self.known {
            Known::Found(_) if !self.hosts().contains(host) => self.by_tickets(),
            _ => self.login_anywhere(),
        }
    }

    fn login_anywhere(&self) -> Option<Login> {
        match &self.known {
            Known::Chosen(found) | Known::Found(found) => {
                let login = Login::new(found.credentials.clone());
                Some(self.restrict(match &self.tickets {
                    Some(tickets) => login.with_tickets(Arc::clone(tickets)),
                    None => login,
                }))
            }
            Known::Tickets(_) => self.by_tickets(),
            Known::Nothing(_) => None,
        }
    }

    fn by_tickets(&self) -> Option<Login> {
        self.tickets.clone().map(|tickets| self.restrict(Login::by_tickets(tickets)))
    }

    /// Who logs on to a host that every request goes to.
    ///
    /// # Errors
    /// Nobody does.
    pub(crate) fn for_host(&self, host: &str) -> Result<String, Failure> {
        let why = match &self.known {
            Known::Chosen(found) => return Ok(found.to_string()),
            Known::Found(found) if self.hosts().contains(host) => return Ok(found.to_string()),
            Known::Tickets(client) => return Ok(format!("{client} (by Kerberos)")),
            Known::Found(_) if self.tickets.is_some() => {
                let client = self.tickets.as_ref().and_then(|tickets| tickets.client().ok());
                let client = client.map(|client| client.to_string()).unwrap_or_default();
                return Ok(format!("{client} (by Kerberos)"));
            }
            Known::Found(found) => format!(
                "there is {found}, and what nobody chose goes only to hosts that are allowed: \
                 use --allow {host}, or -u NAME"
            ),
            Known::Nothing(CredentialError::NotFound(_)) => {
                "there are no credentials: kinit gets tickets, -u NAME asks for the password"
                    .to_owned()
            }
            Known::Nothing(error) => format!("{error}; or use -u NAME"),
        };
        Err(Failure::Exit(Exit::NoCredentials, why))
    }

    /// The hosts that get what was found, if the caller asks them.
    fn hosts(&self) -> Hosts {
        let local = Hosts::local();
        self.named.as_ref().map_or(local.clone(), |named| local.or(named.clone()))
    }

    /// A login as the options want it.
    pub(crate) fn login(&self, credentials: Credentials) -> Login {
        self.restrict(Login::new(credentials))
    }

    /// In the schemes and with the channel bindings of the options.
    pub(crate) fn restrict(&self, login: Login) -> Login {
        let login = login.with_schemes(&self.schemes).with_mutual_auth(self.mutual);
        match (self.no_bindings, self.require_bindings) {
            (true, _) => login.without_bindings(),
            (_, true) => login.with_bindings_required(),
            _ => login,
        }
    }

    /// Why there cannot be a ticket, where a password alone is not enough.
    pub(crate) fn no_kerberos(&self) -> Option<&str> {
        self.no_kerberos.as_deref()
    }

    pub(crate) fn sends_no_bindings(&self) -> bool {
        self.no_bindings
    }
}

/// The credentials of an account that somebody named.
pub(crate) fn chosen(name: &str, password_file: Option<&Path>) -> Result<Found, Failure> {
    // As curl takes it. Whatever is said of it must not repeat it.
    if name.contains(':') {
        let text = "-u takes a name alone: what stands on a command line others can read. Give the \
                    password at the terminal, by --password-file or in LOGON_PASSWORD";
        return Err(Failure::usage(text));
    }
    let search = Search::new().name(name);
    let search = match password_file {
        Some(path) => search.given(Credentials::password(name, first_line(path)?)),
        None => search.may_prompt(true),
    };
    search.find().map_err(|error| {
        let advice = match &error {
            CredentialError::NoTerminal(_) => ", or use --password-file",
            _ => "",
        };
        Failure::Exit(Exit::NoCredentials, format!("{name}: {error}{advice}"))
    })
}

/// The password in the first line of a file, which may be a pipe.
fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let shown = path.display();
    let bad = |why: &dyn std::fmt::Display| Failure::usage(format!("{shown}: {why}"));
    let file = std::fs::File::open(path).map_err(|error| bad(&error))?;
    if let Ok(metadata) = file.metadata() {
        warn_if_open(path, &metadata);
    }
    let mut line = Zeroizing::new(String::with_capacity(4096));
    let read = BufReader::with_capacity(1, file.take(MAX_PASSWORD)).read_line(&mut line);
    read.map_err(|error| bad(&error))?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(bad(&"its first line is empty, and should be a password"));
    }
    Ok(Zeroizing::new(password.to_owned()))
}

#[cfg(unix)]
fn warn_if_open(path: &Path, metadata: &std::fs::Metadata) {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_file() && mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!("others can read {path} (mode {mode:o}): `chmod go= {path}`");
    }
}

#[cfg(not(unix))]
fn warn_if_open(_: &Path, _: &std::fs::Metadata) {}
