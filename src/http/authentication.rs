//! What the application learns of a request: the `HTTP_REQUEST_AUTH_INFO` of HTTP.SYS.

use super::{Scheme, SecurityStatus};
use crate::error::Error;
use crate::identity::Identity;
use crate::session::{ContextAttributes, Mechanism};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;

/// Whether it is known who a request is from.
/// See [MS-NTHT] §3.1.5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthStatus {
    /// Nobody has tried to log on, or only by a scheme that is not ours.
    NotAuthenticated,
    /// Somebody has.
    Success,
    /// Somebody has tried, and was refused.
    Failure,
}

/// Everything that authentication knows of a request. Cheap to clone.
/// See [MS-NTHT] §3.1.5.1.
#[derive(Clone, Default)]
pub struct Authentication {
    outcome: Outcome,
    fresh: bool,
    persistent: bool,
    mutual_auth_data: Option<Arc<str>>,
}

#[derive(Debug, Clone, Default)]
enum Outcome {
    #[default]
    Anonymous,
    Success(Arc<Logon>),
    Failure(Option<Scheme>, Arc<Error>),
}

/// A logon over HTTP.
/// See [MS-NTHT] §3.1.
#[derive(Debug)]
pub struct Logon {
    identity: Identity,
    scheme: Scheme,
    mechanism: Option<Mechanism>,
    attributes: ContextAttributes,
}

impl Logon {
    pub(super) fn new(
        identity: Identity,
        scheme: Scheme,
        mechanism: Option<Mechanism>,
        attributes: ContextAttributes,
    ) -> Self {
        Self { identity, scheme, mechanism, attributes }
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The scheme that the client chose.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What was spoken within the scheme; `None` for Digest and Basic, which have nothing
    /// within.
    #[must_use]
    pub fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    /// What client and server agreed on.
    #[must_use]
    pub fn context_attributes(&self) -> ContextAttributes {
        self.attributes
    }

    /// The name of the security package: `NTLM`, or the scheme's where there is no mechanism.
    #[must_use]
    pub fn package_name(&self) -> &'static str {
        match self.mechanism {
            Some(Mechanism::Ntlm | Mechanism::SpnegoNtlm) => "NTLM",
            #[cfg(feature = "kerberos")]
            Some(Mechanism::Kerberos | Mechanism::SpnegoKerberos) => "Kerberos",
            None => self.scheme.name(),
        }
    }
}

impl Authentication {
    pub(super) fn success(logon: Arc<Logon>, fresh: bool, persistent: bool) -> Self {
        Self { outcome: Outcome::Success(logon), fresh, persistent, mutual_auth_data: None }
    }

    pub(super) fn failure(scheme: Option<Scheme>, error: Error) -> Self {
        Self { outcome: Outcome::Failure(scheme, Arc::new(error)), ..Self::default() }
    }

    pub(super) fn with_mutual_auth_data(mut self, data: &str) -> Self {
        self.mutual_auth_data = Some(Arc::from(data));
        self
    }

    /// Whether it is known who the request is from.
    #[must_use]
    pub fn status(&self) -> AuthStatus {
        match self.outcome {
            Outcome::Anonymous => AuthStatus::NotAuthenticated,
            Outcome::Success(_) => AuthStatus::Success,
            Outcome::Failure(..) => AuthStatus::Failure,
        }
    }

    /// The logon, if there is one.
    #[must_use]
    pub fn logon(&self) -> Option<&Arc<Logon>> {
        match &self.outcome {
            Outcome::Success(logon) => Some(logon),
            _ => None,
        }
    }

    /// Who the request is from, if that is proven.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.logon().map(|logon| logon.identity())
    }

    /// Why the logon failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.outcome {
            Outcome::Failure(_, error) => Some(error),
            _ => None,
        }
    }

    /// The scheme that the client chose, also of a logon that failed.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        match &self.outcome {
            Outcome::Anonymous => None,
            Outcome::Success(logon) => Some(logon.scheme),
            Outcome::Failure(scheme, _) => *scheme,
        }
    }

    /// Why the logon failed, as Windows says it; [`SecurityStatus::OK`] if none did.
    #[must_use]
    pub fn security_status(&self) -> SecurityStatus {
        self.error().map_or(SecurityStatus::OK, SecurityStatus::of_error)
    }

    /// Whether this very request completes the logon, rather than following on its connection.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Whether requests that follow on the connection are from the same user without saying so.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// The last token of the exchange as a value of the challenge field, if the application is
    /// to send it ([`super::ConnectionConfig::receive_mutual_auth`]).
    #[must_use]
    pub fn mutual_auth_data(&self) -> Option<&str> {
        self.mutual_auth_data.as_deref()
    }

    /// The variables that IIS and CGI programs know: `LOGON_USER`, `REMOTE_USER` and `AUTH_USER`,
    /// all `DOMAIN\user`, and `AUTH_TYPE`, the scheme ([RFC 3875] §4.1.1, §4.1.11). None at all
    /// for a request without a logon: programs take an empty one for somebody.
    pub fn cgi_variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.logon().into_iter().flat_map(|logon| {
            let user = logon.identity.to_string();
            [
                ("LOGON_USER", user.clone()),
                ("REMOTE_USER", user.clone()),
                ("AUTH_USER", user),
                ("AUTH_TYPE", logon.scheme.name().into()),
            ]
        })
    }
}

/// Without the last token; tokens do not go into logs.
impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("outcome", &self.outcome)
            .field("fresh", &self.fresh)
            .field("persistent", &self.persistent)
            .finish_non_exhaustive()
    }
}
