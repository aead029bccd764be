//! A signed token that says who a request is from ([RFC 7519]).

use super::config::{JwtAlgorithm, JwtConfig};
use super::field_name::TokenField;
use super::fields::domain_user;
use super::user::User;
use crate::gateway::secret_file;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use logon::http::Scheme;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// Tokens kept for the next request of the same user.
const MAX_KEPT: usize = 10_000;

/// The least for HS256 ([RFC 7518] §3.2).
const MIN_SHARED_KEY: usize = 32;

/// Signs tokens, and keeps each for a third of its life: whoever gets one has two thirds left.
pub(super) struct Signer {
    key: EncodingKey,
    header: Header,
    /// Before the token.
    scheme: &'static str,
    issuer: String,
    audience: String,
    lifetime: Duration,
    kept: Mutex<HashMap<User, Kept>>,
}

struct Kept {
    groups: Vec<String>,
    value: HeaderValue,
    issued: SystemTime,
}

/// `sub` is what the default format calls the user, whatever the fields call it; `amr` is
/// [RFC 8176]'s.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    preferred_username: &'a str,
    domain: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    upn: Option<&'a str>,
    groups: &'a [String],
    amr: [&'static str; 1],
    auth_scheme: &'static str,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Signer {
    pub(super) fn load(config: &JwtConfig, folder: &Path) -> Result<Self, String> {
        let path = folder.join(&config.key);
        let problem = |what: &str| {
            let file = path.display();
            format!("identity.jwt.key {file}: {what}; make one with `{}`", command(config, &path))
        };
        let text = secret_file::read(&path).map_err(|error| problem(&error))?;
        let key = encoding_key(config.algorithm, &text).map_err(problem)?;
        let mut header = Header::new(algorithm(config.algorithm));
        header.kid.clone_from(&config.key_id);
        let signer = Self {
            key,
            header,
            scheme: match config.field {
                TokenField::Authorization => "Bearer ",
                TokenField::Named(_) => "",
            },
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            lifetime: config.lifetime.0,
            kept: Mutex::default(),
        };
        // A key of another curve is only noticed when it signs.
        let nobody = User::new(logon::AccountName::new("", "-"), Scheme::Negotiate);
        signer
            .sign(&nobody, &[], SystemTime::now())
            .map_err(|error| problem(&format!("the key cannot sign: {error}")))?;
        Ok(signer)
    }

    /// The value of the field.
    pub(super) fn token(
        &self,
        user: &User,
        groups: &[String],
        now: SystemTime,
    ) -> Result<HeaderValue, String> {
        if let Some(value) = self.kept(user, groups, now) {
            return Ok(value);
        }
        let value = self.sign(user, groups, now)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT && !kept.contains_key(user) {
            kept.retain(|_, token| self.is_fresh(token, now));
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
        }
        let token = Kept { groups: groups.to_vec(), value: value.clone(), issued: now };
        kept.insert(user.clone(), token);
        Ok(value)
    }

    fn kept(&self, user: &User, groups: &[String], now: SystemTime) -> Option<HeaderValue> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let token = kept.get(user)?;
        (token.groups == groups && self.is_fresh(token, now)).then(|| token.value.clone())
    }

    /// Not if the clock was set back either.
    fn is_fresh(&self, token: &Kept, now: SystemTime) -> bool {
        let age = now.duration_since(token.issued);
        age.is_ok_and(|age| age < self.lifetime.checked_div(3).unwrap_or_default())
    }

    fn sign(&self, user: &User, groups: &[String], now: SystemTime) -> Result<HeaderValue, String> {
        let issued = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| "the clock is before 1970".to_owned())?
            .as_secs();
        let sub = domain_user(user);
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: &sub,
            preferred_username: user.name.user(),
            domain: user.name.domain(),
            upn: user.name.upn(),
            groups,
            amr: [match user.scheme {
                Scheme::Digest | Scheme::Basic => "pwd",
                // Windows Integrated Authentication.
                _ => "wia",
            }],
            auth_scheme: user.scheme.name(),
            iat: issued,
            nbf: issued,
            exp: issued.saturating_add(self.lifetime.as_secs().max(1)),
        };
        let token = jsonwebtoken::encode(&self.header, &claims, &self.key)
            .map_err(|error| error.to_string())?;
        let mut value = HeaderValue::try_from(format!("{}{token}", self.scheme))
            .map_err(|error| error.to_string())?;
        // Whoever has it is the user, for as long as it lasts.
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("header", &self.header).finish_non_exhaustive()
    }
}

const fn algorithm(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

fn encoding_key(algorithm: JwtAlgorithm, text: &str) -> Result<EncodingKey, &'static str> {
    match algorithm {
        JwtAlgorithm::Hs256 => {
            let key = shared_key(text).ok_or("this is not one line of base64")?;
            if key.len() < MIN_SHARED_KEY {
                return Err("the key is shorter than 32 bytes, which HS256 does not allow");
            }
            Ok(EncodingKey::from_secret(&key))
        }
        JwtAlgorithm::Es256 => EncodingKey::from_ec_pem(text.as_bytes())
            .map_err(|_| "this is no private key for ECDSA in PKCS#8 PEM"),
        JwtAlgorithm::EdDsa => EncodingKey::from_ed_pem(text.as_bytes())
            .map_err(|_| "this is no private key for Ed25519 in PKCS#8 PEM"),
    }
}

/// The bytes of base64, in either alphabet. Always base64: of a key that may also be taken as it
/// is, the two ends sooner or later take different ones.
fn shared_key(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    engines.iter().find_map(|engine| engine.decode(text).ok()).map(Zeroizing::new)
}

fn command(config: &JwtConfig, path: &Path) -> String {
    let path = path.display();
    match config.algorithm {
        JwtAlgorithm::Hs256 => format!("(umask 077; openssl rand -base64 32 > {path})"),
        JwtAlgorithm::Es256 => {
            format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {path}")
        }
        JwtAlgorithm::EdDsa => format!("openssl genpkey -algorithm ed25519 -out {path}"),
    }
}

#[cfg(test)]
mod tests;
