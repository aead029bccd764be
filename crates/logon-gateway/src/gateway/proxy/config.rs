//! What the configuration file says of an application.

use crate::gateway::config::values::Span;
use http::Uri;
use serde::de::{Deserializer, Error};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where an application is, and how to speak to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpstreamConfig {
    /// `http://host:port` or `https://host:port`, one or more. Requests go to them in turn.
    pub(crate) urls: Vec<UpstreamUrl>,
    /// Speaks HTTP/2: over https if the application agrees, over http in any case. Default
    /// `false`, HTTP/1.1.
    #[serde(default)]
    pub(crate) http2: bool,
    /// PEM file of the authorities that may vouch for the application's certificate. Default:
    /// those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    /// The name that its certificate has to have. Default: the host of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server_name: Option<String>,
    /// The host that the application is told: `"preserve"`, the one the client asked for, or
    /// `"upstream"`, the one of the URL. Default `"preserve"`.
    #[serde(default)]
    pub(crate) host: HostHeader,
    /// For a connection, with its TLS handshake. Default `"5s"`.
    #[serde(default = "connect_timeout")]
    pub(crate) connect_timeout: Span,
    /// Until the head of the answer, from the last byte of the request. Default `"60s"`.
    #[serde(default = "response_timeout")]
    pub(crate) response_timeout: Span,
    /// Without a byte of the answer's body, while the client waits for one. Default `"60s"`.
    #[serde(default = "stall")]
    pub(crate) stall: Span,
    /// How long a connection is kept that nobody needs. Default `"30s"`.
    #[serde(default = "idle")]
    pub(crate) idle: Span,
    /// How many of those are kept for each URL. Default `128`.
    #[serde(default = "max_idle")]
    pub(crate) max_idle: usize,
    /// Asks each URL from time to time whether it works. Default: not asked; a URL that cannot
    /// be connected to is left out for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<HealthConfig>,
}

impl UpstreamConfig {
    /// The defaults, for one URL.
    pub(crate) fn of(url: UpstreamUrl) -> Self {
        Self {
            urls: vec![url],
            http2: false,
            ca: None,
            server_name: None,
            host: HostHeader::default(),
            connect_timeout: connect_timeout(),
            response_timeout: response_timeout(),
            stall: stall(),
            idle: idle(),
            max_idle: max_idle(),
            health: None,
        }
    }
}

fn connect_timeout() -> Span {
    Span::seconds(5)
}

fn response_timeout() -> Span {
    Span::seconds(60)
}

fn stall() -> Span {
    Span::seconds(60)
}

fn idle() -> Span {
    Span::seconds(30)
}

fn max_idle() -> usize {
    128
}

/// Which host the application is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HostHeader {
    /// The one the client asked for.
    #[default]
    Preserve,
    /// The one of the URL.
    Upstream,
}

/// How a URL is asked whether it works: any status below 500 says that it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HealthConfig {
    /// What is asked for. Default `"/"`.
    pub(crate) path: String,
    /// How often. Default `"10s"`.
    pub(crate) interval: Span,
    /// Until the answer, with the connection. Default `"2s"`.
    pub(crate) timeout: Span,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { path: "/".to_owned(), interval: Span::seconds(10), timeout: Span::seconds(2) }
    }
}

/// The URL of an application: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamUrl {
    https: bool,
    /// A name, or an address without brackets.
    host: String,
    port: u16,
}

impl UpstreamUrl {
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// A name, or an address without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// As in `Host`: without the scheme's own port, an IPv6 address in brackets.
    pub(crate) fn authority(&self) -> String {
        let own = if self.https { 443 } else { 80 };
        let port = if self.port == own { String::new() } else { format!(":{}", self.port) };
        if self.host.contains(':') {
            format!("[{}]{port}", self.host)
        } else {
            format!("{}{port}", self.host)
        }
    }
}

impl FromStr for UpstreamUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write http://host:port or https://host:port";
        let uri: Uri =
            text.parse().map_err(|error| format!("{text:?} is no URL ({error}): {example}"))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(other) => {
                return Err(format!("{other:?} is not spoken to applications: {example}"));
            }
            None => return Err(format!("{text:?} does not say http:// or https://: {example}")),
        };
        let Some(authority) = uri.authority() else {
            return Err(format!("{text:?} has no host: {example}"));
        };
        if authority.as_str().contains('@') {
            return Err(format!("a URL of an application has no user or password: {example}"));
        }
        if uri.path() != "/" || uri.query().is_some() || text.ends_with(['?', '#', '/']) {
            return Err(format!(
                "{text:?} has a path or a query, which would not be used: {example}"
            ));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(format!("{text:?} has no host: {example}"));
        }
        let after_host = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        let port = match (after_host, authority.port_u16()) {
            ("", _) if https => 443,
            ("", _) => 80,
            (_, Some(port)) if port != 0 => port,
            _ => return Err(format!("{text:?} has no port from 1 to 65535: {example}")),
        };
        Ok(Self { https, host, port })
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl<'de> Deserialize<'de> for UpstreamUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

impl Serialize for UpstreamUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
