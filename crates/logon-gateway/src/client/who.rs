//! Who logs on: chosen by name, or found by itself and then not for everybody.

use crate::cli::LogonOptions;
use crate::failure::{Exit, Failure};
use logon::http::Scheme;
use logon_client::credentials::{CredentialError, Credentials, Found, Search};
use logon_client::{Hosts, Login};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// More than any password.
const MAX_PASSWORD: u64 = 4096;

/// Credentials, and where they may go.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) known: Known,
    schemes: Vec<Scheme>,
    no_bindings: bool,
    require_bindings: bool,
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
        let known = match &options.user {
            Some(name) => Known::Chosen(chosen(name, options.password_file.as_deref())?),
            None => match Search::new().find() {
                Ok(found) => Known::Found(found),
                Err(error) => Known::Nothing(error),
            },
        };
        let schemes = match options.schemes.as_slice() {
            [] => Scheme::INTEGRATED.to_vec(),
            schemes => schemes.iter().map(|scheme| scheme.scheme()).collect(),
        };
        let LogonOptions { no_bindings, require_bindings, .. } = *options;
        Ok(Self { known, schemes, no_bindings, require_bindings, named })
    }

    /// The logins for requests to a host. Where a redirect leads, only the options name hosts.
    pub(crate) fn logins(&self, host: &str) -> Vec<Login> {
        let (found, requested) = match &self.known {
            Known::Chosen(found) => (found, true),
            Known::Found(found) => (found, self.hosts().contains(host)),
            Known::Nothing(_) => return Vec::new(),
        };
        let requested = requested.then(Hosts::requested);
        let hosts = requested.into_iter().chain(self.named.clone());
        hosts.map(|hosts| self.login(found.credentials.clone()).with_hosts(hosts)).collect()
    }

    /// The login to a proxy, unless it may not have what was found.
    pub(crate) fn proxy_login(&self, host: &str) -> Option<Login> {
        match &self.known {
            Known::Found(found) if self.hosts().contains(host) => {
                Some(self.login(found.credentials.clone()))
            }
            _ => None,
        }
    }

    /// Who logs on to a host that every request goes to.
    ///
    /// # Errors
    /// Nobody does.
    pub(crate) fn for_host(&self, host: &str) -> Result<&Found, Failure> {
        let why = match &self.known {
            Known::Chosen(found) => return Ok(found),
            Known::Found(found) if self.hosts().contains(host) => return Ok(found),
            Known::Found(found) => format!(
                "there is {found}, and what nobody chose goes only to hosts that are allowed: \
                 use --allow {host}, or -u NAME"
            ),
            Known::Nothing(CredentialError::NotFound(_)) => {
                "there are no credentials: -u NAME asks for the password".to_owned()
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
        let login = login.with_schemes(&self.schemes);
        match (self.no_bindings, self.require_bindings) {
            (true, _) => login.without_bindings(),
            (_, true) => login.with_bindings_required(),
            _ => login,
        }
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
