//! What has to be known of a request.

use super::Scope;
use alloc::sync::Arc;
use core::fmt;

/// What a request came over, and so what a logon on it can prove.
/// See [RFC 4559] §6, [RFC 9113] §7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Carrier {
    /// An HTTP/1.1 connection of one client: a logon counts for all requests that follow on it.
    #[default]
    Exclusive,
    /// An HTTP/1.1 connection that an intermediary may send requests of several clients over: a
    /// logon counts for the request that completes it, and no other.
    Shared,
    /// HTTP/2 or 3, where requests of one connection are not in order: only schemes that prove
    /// every request by itself.
    Multiplexed,
}

/// Whether a field of this name, in any case, says that the request came through an intermediary
/// ([RFC 9110] §7.6.3, [RFC 7239] §4): `Via`, `Forwarded`, `X-Forwarded-…`, `X-Real-IP`.
#[must_use]
pub fn is_intermediary_field(name: &str) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let begins =
        |with: &str| name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    // Asked about every field of every request: most are none by their first letter.
    match name.as_bytes().first() {
        Some(b'v' | b'V') => is("via"),
        Some(b'f' | b'F') => is("forwarded"),
        Some(b'x' | b'X') => is("x-real-ip") || begins("x-forwarded-"),
        _ => false,
    }
}

/// What has to be known of a request.
/// See [RFC 9110] §11.6.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method. `Digest` signs it.
    pub method: &'a str,
    /// The target as it stands on the request line ([RFC 9112] §3.2). `Digest` signs it.
    pub target: &'a str,
    /// The value of every `Authorization` line (as a proxy: `Proxy-Authorization`).
    pub credentials: &'a [&'a [u8]],
    /// What its resource asks for.
    pub scope: &'a Arc<Scope>,
    /// What it came over.
    pub carrier: Carrier,
    /// Whether nobody can read along: TLS, or no network at all. `Basic` needs it.
    pub secure: bool,
    /// Whether it is a CORS preflight (see [`super::is_cors_preflight`]).
    pub preflight: bool,
    /// Whether the store can verify `Digest`: [`crate::CredentialStore::has_digest`].
    pub digest: bool,
    /// The whole body, if it has been read. `Digest` with `qop=auth-int` signs it.
    pub body: Option<&'a [u8]>,
}

impl<'a> RequestHead<'a> {
    /// A request without credentials, over plain HTTP on a connection of its client's own.
    #[must_use]
    pub fn new(method: &'a str, target: &'a str, scope: &'a Arc<Scope>) -> Self {
        Self {
            method,
            target,
            credentials: &[],
            scope,
            carrier: Carrier::Exclusive,
            secure: false,
            preflight: false,
            digest: false,
            body: None,
        }
    }
}

/// Credentials may be a password in plain, and a target may have secrets in it; they do not go
/// into logs.
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("credentials", &self.credentials.len())
            .field("scope", &self.scope)
            .field("carrier", &self.carrier)
            .field("secure", &self.secure)
            .finish_non_exhaustive()
    }
}
