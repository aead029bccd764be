//! A sealed cookie that stands for a logon.
//!
//! A connection that is logged on by Negotiate or NTLM needs no cookie; what needs one is a client
//! on HTTP/2, behind a proxy that pools connections, or with many short ones. The cookie is a
//! bearer credential and is treated as such: sealed with XChaCha20-Poly1305, good for one host, only
//! sent over TLS and out of reach of scripts, and never shown to the application.
//!
//! ```text
//! cookie   = base64url( version ‖ key id ‖ nonce ‖ sealed contents ‖ tag )
//! contents = start ‖ renewal ‖ scheme ‖ domain ‖ user ‖ user principal name ‖ identifiers
//! bound to   a label, version, key id, and the host that it was set for
//! ```
//!
//! Nothing is kept on the server. One session ends with its times or with its key; all of them end
//! when the keys are replaced, `logon session-key --keep 1`.

mod config;
mod contents;
mod cookies;
mod key_file;
mod keys;
mod sids;

pub(crate) use config::{CookieName, SessionConfig};
pub(crate) use key_file::{Rotated, rotate};

use super::identity::User;
use super::secret_file;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contents::Contents;
use http::{HeaderMap, HeaderValue};
use keys::Keys;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// Name and value; browsers do not take more.
const MAX_COOKIE: usize = 4096;

/// Cookies of our name looked at in one request. With `__Host-` there is one at most; more are from
/// another name, or from somebody who tries.
const MAX_COPIES: usize = 4;

/// Clocks of several gateways are never quite the same.
const CLOCK_DIFFERENCE: u64 = 60;

/// Seals and opens session cookies.
pub(crate) struct Sessions {
    keys: Keys,
    name: CookieName,
    /// After the value, all but `Max-Age`.
    attributes: String,
    lifetime: u64,
    max_lifetime: u64,
    said_too_long: AtomicBool,
}

/// What a request's cookie says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Who logged on.
    pub(crate) user: User,
    /// The `Set-Cookie` for the answer, if it is time for a new one.
    pub(crate) renewed: Option<HeaderValue>,
}

/// Why there is no cookie for a logon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealError {
    /// The request names no host that the cookie could be bound to.
    NoHost,
    /// It would be longer than browsers take.
    TooLong,
    /// The clock is before 1970.
    Clock,
    /// The operating system has no randomness.
    Random,
    /// The scheme, a name longer than 64 KiB or an odd identifier has no place in it.
    Contents,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoHost => "the request has no host to bind a session cookie to",
            Self::TooLong => "the session cookie would be longer than 4096 bytes",
            Self::Clock => "no session cookie: the clock is before 1970",
            Self::Random => "no session cookie: the system has no randomness",
            Self::Contents => "no session cookie: the user's names or groups have no place in it",
        })
    }
}

impl Sessions {
    /// Reads the keys; their path is relative to `folder`.
    ///
    /// # Errors
    /// What the administrator has to change.
    pub(crate) fn load(config: &SessionConfig, folder: &Path) -> Result<Self, String> {
        let (lifetime, max_lifetime) = (config.lifetime.0, config.max_lifetime.0);
        if lifetime.as_secs() == 0 {
            return Err("session.lifetime is less than a second".to_owned());
        }
        if max_lifetime < lifetime {
            return Err("session.max_lifetime is shorter than session.lifetime".to_owned());
        }
        let path = folder.join(&config.keys);
        let problem = |what: String| {
            let file = path.display();
            format!(
                "session.keys {file}: {what}; make a key with `logon session-key --file {file}`"
            )
        };
        let text = secret_file::read(&path).map_err(problem)?;
        let keys = Keys::parse(&text).map_err(|error| problem(error.to_string()))?;
        Ok(Self {
            keys,
            name: config.cookie.clone(),
            // `__Host-` wants just this: no `Domain`, the whole site, and TLS.
            attributes: format!("; Path=/; Secure; HttpOnly; SameSite={}", config.same_site),
            lifetime: lifetime.as_secs(),
            max_lifetime: max_lifetime.as_secs(),
            said_too_long: AtomicBool::new(false),
        })
    }

    /// What the values of a request's `Cookie` fields say: the user of a valid cookie for this
    /// host, and a new cookie if half of the sliding lifetime is over or the key is not the first
    /// any more.
    ///
    /// Where several cookies have the name, those that are not valid do not count, or a neighbour
    /// in the domain could log everybody out; and where the valid ones are of different users,
    /// none counts, or that neighbour could log everybody on as itself.
    pub(crate) fn open<'a>(
        &self,
        cookies: impl Iterator<Item = &'a [u8]>,
        host: &str,
        now: SystemTime,
    ) -> Option<Opened> {
        let (host, now) = (bound_host(host)?, seconds(now)?);
        let mut found: Option<(Contents, bool)> = None;
        let name = self.name.as_str();
        for (index, value) in cookies.flat_map(|field| cookies::values(field, name)).enumerate() {
            if index >= MAX_COPIES {
                return None;
            }
            let Some((contents, is_first)) = self.unseal(value, &host, now) else { continue };
            match &found {
                Some((other, _)) if other.user.name != contents.user.name => {
                    tracing::info!("session cookies of two users in one request: none counts");
                    return None;
                }
                Some((other, _)) if other.renewed >= contents.renewed => {}
                _ => found = Some((contents, is_first)),
            }
        }
        let (contents, is_first) = found?;
        let renewed = self
            .is_due(&contents, is_first, now)
            .then(|| self.sealed(&Contents { renewed: now, ..contents.clone() }, &host, now).ok())
            .flatten();
        Some(Opened { user: contents.user, renewed })
    }

    /// The `Set-Cookie` for a logon.
    ///
    /// # Errors
    /// [`SealError`]. The client is logged on without a cookie then.
    pub(crate) fn seal(
        &self,
        user: &User,
        host: &str,
        now: SystemTime,
    ) -> Result<HeaderValue, SealError> {
        let host = bound_host(host).ok_or(SealError::NoHost)?;
        let now = seconds(now).ok_or(SealError::Clock)?;
        self.sealed(&Contents { issued: now, renewed: now, user: user.clone() }, &host, now)
    }

    /// Takes the cookie out of a request, every copy and however it is written. The application
    /// has no use for it, and might log it.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        cookies::strip(headers, self.name.as_str());
    }

    /// Takes cookies of this name out of an answer: the application has no say in who is logged on.
    /// To be called before our own is added.
    pub(crate) fn strip_response(&self, headers: &mut HeaderMap) {
        cookies::strip_response(headers, self.name.as_str());
    }

    /// The `Set-Cookie` that ends the session in the browser. The cookie itself stays valid until
    /// its time is over, for whoever kept a copy.
    pub(crate) fn clear(&self) -> HeaderValue {
        let text = format!("{}=; Max-Age=0{}", self.name.as_str(), self.attributes);
        // Made of checked parts: the name is a token.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }

    fn sealed(&self, contents: &Contents, host: &str, now: u64) -> Result<HeaderValue, SealError> {
        let plain = contents.encode().ok_or(SealError::Contents)?;
        let sealed = self.keys.seal(&plain, host.as_bytes()).ok_or(SealError::Random)?;
        let value = URL_SAFE_NO_PAD.encode(sealed);
        let name = self.name.as_str();
        if name.len().saturating_add(value.len()) >= MAX_COOKIE {
            if !self.said_too_long.swap(true, Ordering::Relaxed) {
                let user = &contents.user.name;
                tracing::warn!("no session cookie for {user}: the name is too long for one");
            }
            return Err(SealError::TooLong);
        }
        let max_age = self.end(contents).saturating_sub(now);
        let text = format!("{name}={value}; Max-Age={max_age}{}", self.attributes);
        let mut value = HeaderValue::try_from(text).map_err(|_| SealError::Contents)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The contents of a valid cookie, and whether the first key sealed it.
    fn unseal(&self, value: &[u8], host: &str, now: u64) -> Option<(Contents, bool)> {
        if value.len() > MAX_COOKIE {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (plain, is_first) = self.keys.open(&sealed, host.as_bytes())?;
        let contents = Contents::decode(&plain)?;
        let latest = now.saturating_add(CLOCK_DIFFERENCE);
        let is_from_the_future = contents.issued > latest || contents.renewed > latest;
        let is_valid = !is_from_the_future && now < self.end(&contents);
        is_valid.then_some((contents, is_first))
    }

    /// When a session ends if nothing happens any more.
    fn end(&self, contents: &Contents) -> u64 {
        let sliding = contents.renewed.saturating_add(self.lifetime);
        sliding.min(contents.issued.saturating_add(self.max_lifetime))
    }

    fn is_due(&self, contents: &Contents, is_first: bool, now: u64) -> bool {
        let half_over = now.saturating_sub(contents.renewed) >= self.lifetime.div_ceil(2);
        let gains = self.end(&Contents { renewed: now, ..contents.clone() }) > self.end(contents);
        (half_over && gains) || !is_first
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("name", &self.name)
            .field("keys", &self.keys.len())
            .field("lifetime", &self.lifetime)
            .field("max_lifetime", &self.max_lifetime)
            .finish_non_exhaustive()
    }
}

fn seconds(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|time| time.as_secs())
}

/// The host in the one way that a cookie is bound to it: lower case, without port (cookies do not
/// know ports) and without the dot at the end.
fn bound_host(host: &str) -> Option<String> {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
