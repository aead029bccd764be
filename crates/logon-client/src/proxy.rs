//! Proxies on the way.

use crate::hosts::Hosts;
use crate::login::{Login, Ready};
use crate::pool::Origin;
use std::fmt;
use url::Url;

/// A proxy that requests go through: `http://` as they are, `https://` in a tunnel (`CONNECT`).
#[derive(Debug)]
pub struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    login: Option<Login>,
    direct: Option<Hosts>,
    /// Only for `https://`, or only for `http://`.
    secure: Option<bool>,
}

/// No proxy that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyError {
    /// Of the environment.
    pub(crate) variable: Option<&'static str>,
    /// Without a password.
    pub(crate) url: String,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = self.variable {
            write!(f, "{variable}: ")?;
        }
        write!(f, "{:?} is no proxy: write http://host:port", self.url)
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
        let bad = || ProxyError { variable: None, url: without_password(url) };
        let read = Url::parse(url).map_err(|_| bad())?;
        let bare = read.username().is_empty()
            && read.password().is_none()
            && matches!(read.path(), "" | "/")
            && read.query().is_none();
        match (read.scheme(), read.host_str(), read.port_or_known_default()) {
            ("http", Some(host), Some(port)) if bare && !host.is_empty() => {
                Ok(Self { host: host.to_owned(), port, login: None, direct: None, secure: None })
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

    /// Changes its login, if it has one: one of the environment has the defaults of
    /// [`Login::new`].
    #[must_use]
    pub fn map_login(mut self, change: impl FnOnce(Login) -> Login) -> Self {
        self.login = self.login.map(change);
        self
    }

    /// Not for these hosts.
    #[must_use]
    pub fn except(mut self, hosts: Hosts) -> Self {
        self.direct = Some(hosts);
        self
    }

    /// For `https://` alone, or for `http://` alone.
    #[must_use]
    pub fn only_for_https(mut self, https: bool) -> Self {
        self.secure = Some(https);
        self
    }

    /// Its host, as URLs write it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is logged on to.
    #[must_use]
    pub fn has_login(&self) -> bool {
        self.login.is_some()
    }

    pub(crate) fn ready(self) -> ReadyProxy {
        ReadyProxy {
            id: crate::id::Id::next(),
            host: self.host,
            port: self.port,
            login: self.login.map(Login::ready),
            direct: self.direct,
            secure: self.secure,
        }
    }
}

pub(crate) fn without_password(url: &str) -> String {
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
    secure: Option<bool>,
}

impl ReadyProxy {
    /// Whether requests to this origin go through it.
    pub(crate) fn is_for(&self, origin: &Origin) -> bool {
        self.secure.is_none_or(|secure| secure == origin.secure)
            && !self.direct.as_ref().is_some_and(|direct| direct.allow(&origin.host, false))
    }
}
