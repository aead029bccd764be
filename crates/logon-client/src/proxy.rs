//! Proxies on the way.

use crate::hosts::Hosts;
use crate::login::{Login, Ready};
use std::fmt;
use url::Url;

/// A proxy that requests go through: `http://` as they are, `https://` in a tunnel (`CONNECT`).
#[derive(Debug)]
pub struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    login: Option<Login>,
    direct: Option<Hosts>,
}

/// No proxy that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyError(String);

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no proxy: write http://host:port", self.0)
    }
}

impl std::error::Error for ProxyError {}

impl Proxy {
    /// The proxy at `url`, such as `http://proxy.corp.example:8080`.
    ///
    /// # Errors
    /// [`ProxyError`] if that is no URL, or one of another scheme or with more in it than host
    /// and port.
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        let bad = || ProxyError(without_password(url));
        let read = Url::parse(url).map_err(|_| bad())?;
        let bare = read.username().is_empty()
            && read.password().is_none()
            && matches!(read.path(), "" | "/")
            && read.query().is_none();
        match (read.scheme(), read.host_str(), read.port_or_known_default()) {
            ("http", Some(host), Some(port)) if bare && !host.is_empty() => {
                Ok(Self { host: host.to_owned(), port, login: None, direct: None })
            }
            _ => Err(bad()),
        }
    }

    /// Logs on to it. The hosts of the login do not matter: it goes to the proxy.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Not for these hosts.
    #[must_use]
    pub fn except(mut self, hosts: Hosts) -> Self {
        self.direct = Some(hosts);
        self
    }

    pub(crate) fn ready(self) -> ReadyProxy {
        ReadyProxy {
            id: crate::id::Id::next(),
            host: self.host,
            port: self.port,
            login: self.login.map(Login::ready),
            direct: self.direct,
        }
    }
}

fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    }
}

/// A proxy that connections can lead to.
#[derive(Debug)]
pub(crate) struct ReadyProxy {
    pub(crate) id: crate::id::Id,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<Ready>,
    direct: Option<Hosts>,
}

impl ReadyProxy {
    /// Whether requests to this host go through it.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        !self.direct.as_ref().is_some_and(|direct| direct.allow(host, false))
    }
}
