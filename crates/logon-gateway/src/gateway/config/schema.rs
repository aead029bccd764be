//! What the file may say. Every key is in `logon.example.toml`, which a test holds against this.

use super::logon::{Logon, Names, RequirementName, SchemeName};
use super::values::Span;
use crate::gateway::diagnosis::DiagnosisConfig;
use crate::gateway::identity::IdentityConfig;
use crate::gateway::kerberos::KerberosConfig;
use crate::gateway::proxy::UpstreamConfig;
use crate::gateway::session::SessionConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::Spanned;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The user file: see `logon users`. Paths are relative to the folder of this file.
    pub(crate) users: PathBuf,
    /// Where requests go whose route names no upstream: a URL, or a name of `[upstreams]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) listen: Vec<Listen>,
    #[serde(default)]
    pub(crate) server: Names,
    #[serde(default)]
    pub(crate) logon: Logon,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kerberos: Option<KerberosConfig>,
    #[serde(default)]
    pub(crate) identity: IdentityConfig,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) log: Log,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<Admin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diagnosis: Option<DiagnosisConfig>,
    #[serde(default)]
    pub(crate) route: Vec<Route>,
    #[serde(default)]
    pub(crate) upstreams: BTreeMap<String, UpstreamConfig>,
    /// Members of groups: `DOMAIN\user`, `user`, or user principal names.
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// An address to accept connections at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) address: Spanned<SocketAddr>,
    /// What routes call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// PEM of the certificate chain; with it, the listener speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<Spanned<PathBuf>>,
    /// PEM of its private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<PathBuf>,
    /// PEM of a certificate and its key, made at the first start for this machine,
    /// the hosts of the routes and the names that tickets are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) self_signed: Option<PathBuf>,
    /// Further certificates, by the name that clients ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) site: Vec<Site>,
    /// HTTP/2 for clients that offer it.
    #[serde(default)]
    pub(crate) http2: bool,
    /// PEM of the certificate of a box in front that speaks TLS for this listener, which then
    /// counts as secure: clients bind their logons to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_in_front: Option<PathBuf>,
}

/// A certificate for some names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Site {
    /// `web.corp.example`, or `*.corp.example`.
    pub(crate) names: Vec<String>,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where requests for a host and a path go, and what they need. What it leaves out holds as for
/// the shorter path, the host, and last `[logon]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Route {
    /// Every host, if there is none.
    pub(crate) hosts: Vec<Spanned<String>>,
    /// This path and all below it, written decoded. Default: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<Spanned<String>>,
    /// Names of listeners; every one, if there is none.
    pub(crate) listen: Vec<Spanned<String>>,
    /// A URL, or a name of `[upstreams]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Spanned<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requirement: Option<RequirementName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schemes: Option<Vec<SchemeName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cors_preflight: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pass_schemes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ntlm: Option<Spanned<bool>>,
    /// Who may: these users, and the members of these groups; `["*"]` is everybody who has logged
    /// on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) users: Option<Spanned<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Spanned<Vec<String>>>,
}

/// What clients may cost; see `logon_hyper::Limits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    /// From one address; 0 is no limit.
    pub(crate) connections_per_address: usize,
    pub(crate) tls_handshake: Span,
    pub(crate) request_head: Span,
    pub(crate) head_bytes: usize,
    pub(crate) body_stall: Span,
    pub(crate) write_stall: Span,
    pub(crate) streams: u32,
    pub(crate) drain: Span,
}

impl Default for Limits {
    fn default() -> Self {
        let limits = logon_hyper::Limits::default();
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address.unwrap_or_default(),
            tls_handshake: Span(limits.tls_handshake),
            request_head: Span(limits.request_head),
            head_bytes: limits.head_bytes,
            body_stall: Span(limits.body_stall),
            write_stall: Span(limits.write_stall),
            streams: limits.streams,
            drain: Span::seconds(30),
        }
    }
}

impl Limits {
    pub(crate) fn of_server(&self) -> logon_hyper::Limits {
        let mut limits = logon_hyper::Limits::default();
        limits.connections = self.connections;
        limits.connections_per_address =
            Some(self.connections_per_address).filter(|number| *number > 0);
        limits.tls_handshake = self.tls_handshake.0;
        limits.request_head = self.request_head.0;
        limits.head_bytes = self.head_bytes;
        limits.body_stall = self.body_stall.0;
        limits.write_stall = self.write_stall.0;
        limits.streams = self.streams;
        limits.drain = self.drain.0;
        limits
    }
}

/// Where operators look: `/metrics`, `/healthz`, `/readyz`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// `RUST_LOG` goes before it.
    pub(crate) level: LogLevel,
    /// A line for every request.
    pub(crate) requests: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    #[default]
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
