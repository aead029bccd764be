//! `[session]` in the configuration file.

use crate::gateway::config::values::Span;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::PathBuf;

/// A cookie that stands for a logon. It is only ever sent over TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionConfig {
    /// The file with the keys; `logon session-key` makes it. Has to be given.
    pub(crate) keys: PathBuf,
    /// The name of the cookie. Browsers see to it that a name with `__Host-` before it can only
    /// come from this host. Default: `"__Host-logon"`.
    #[serde(default)]
    pub(crate) cookie: CookieName,
    /// How long it lasts without a request. Default: `"15m"`.
    #[serde(default = "default_lifetime")]
    pub(crate) lifetime: Span,
    /// How long it lasts with requests, from the logon on: also how long somebody who is taken out
    /// of the user file stays logged on. Default: `"10h"`.
    #[serde(default = "default_max_lifetime")]
    pub(crate) max_lifetime: Span,
    /// Whether requests that another site starts have it: `"lax"` for links, `"strict"` never,
    /// `"none"` always. Default: `"lax"`.
    #[serde(default)]
    pub(crate) same_site: SameSite,
}

const fn default_lifetime() -> Span {
    Span::seconds(15 * 60)
}

const fn default_max_lifetime() -> Span {
    Span::seconds(10 * 60 * 60)
}

/// The `SameSite` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SameSite {
    #[default]
    Lax,
    Strict,
    None,
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        })
    }
}

/// The name of a cookie, a token ([RFC 6265] §4.1.1), checked while it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct CookieName(String);

impl CookieName {
    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for CookieName {
    fn default() -> Self {
        Self("__Host-logon".to_owned())
    }
}

impl<'de> Deserialize<'de> for CookieName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Beside the name and the value's own needs, there has to be room in 4096 bytes.
        const MAX_LENGTH: usize = 64;
        let name = String::deserialize(deserializer)?;
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > MAX_LENGTH || !name.bytes().all(is_token) {
            return Err(serde::de::Error::custom(format!(
                "{name:?} is no name for a cookie: up to {MAX_LENGTH} letters, digits, `-` and `_`"
            )));
        }
        Ok(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use super::SessionConfig;

    #[test]
    fn all_but_the_keys_have_a_default() {
        let config: SessionConfig = toml::from_str("keys = 'k'").unwrap();
        assert_eq!(config.cookie.as_str(), "__Host-logon");
        assert_eq!(config.same_site.to_string(), "Lax");
        assert_eq!((config.lifetime.0.as_secs(), config.max_lifetime.0.as_secs()), (900, 36_000));
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<SessionConfig>(&text).unwrap(), config);
    }

    #[test]
    fn wrong_values_are_refused() {
        for (text, part) in [
            ("", "missing field `keys`"),
            ("keys = 'k'\nkey = 'k'", "unknown field `key`"),
            ("keys = 'k'\ncookie = ''", "no name for a cookie"),
            ("keys = 'k'\ncookie = 'a b'", "no name for a cookie"),
            ("keys = 'k'\ncookie = 'a=b'", "no name for a cookie"),
            ("keys = 'k'\ncookie = 'a;b'", "no name for a cookie"),
            ("keys = 'k'\ncookie = 'é'", "no name for a cookie"),
            ("keys = 'k'\nsame_site = 'Lax'", "unknown variant `Lax`"),
            ("keys = 'k'\nlifetime = '0s'", "zero"),
        ] {
            let error = toml::from_str::<SessionConfig>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
