//! Names of fields in the configuration file.

use super::removal::normalized;
use http::HeaderName;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// Fields that say how a request is read, where it goes, or who may have it: the gateway needs or
/// writes them itself. In every spelling, because `Content_Length` would be somebody's
/// `Content-Length`.
const TAKEN: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The name of a field that may carry an identity, checked while it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldName {
    name: HeaderName,
    spelling: String,
}

impl FieldName {
    /// A name, or what is wrong with it.
    pub(crate) fn parse(spelling: &str) -> Result<Self, String> {
        let name = HeaderName::from_bytes(spelling.as_bytes()).map_err(|_| {
            format!(
                "{spelling:?} is no name of a header field: letters, digits, `-` and `_`, without \
                 a colon"
            )
        })?;
        let normalized = normalized(spelling);
        if !normalized.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!(
                "{spelling:?} is no name of a header field: it needs a letter first"
            ));
        }
        if TAKEN.contains(&normalized.as_str()) {
            return Err(format!(
                "the field {spelling:?} cannot be used here: the gateway needs it itself"
            ));
        }
        if let Some(rest) = normalized.strip_prefix("http-") {
            let rest = rest.to_ascii_uppercase().replace('-', "_");
            return Err(format!(
                "{spelling:?} is what a CGI or WSGI program calls the field {rest:?}: write that"
            ));
        }
        Ok(Self { name, spelling: spelling.to_owned() })
    }

    /// For the defaults, all of which are names.
    pub(super) const fn known(name: HeaderName, spelling: String) -> Self {
        Self { name, spelling }
    }

    /// As it goes on the wire.
    pub(crate) const fn name(&self) -> &HeaderName {
        &self.name
    }
}

/// As the administrator wrote it.
impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelling)
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

impl Serialize for FieldName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.spelling)
    }
}

/// The field of a signed token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum TokenField {
    /// `Authorization: Bearer` and the token ([RFC 6750] §2.1).
    #[default]
    Authorization,
    /// The token alone.
    Named(FieldName),
}

impl fmt::Display for TokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization => f.write_str("Authorization"),
            Self::Named(name) => name.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for TokenField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spelling = String::deserialize(deserializer)?;
        if spelling.eq_ignore_ascii_case("authorization") {
            return Ok(Self::Authorization);
        }
        FieldName::parse(&spelling).map(Self::Named).map_err(Error::custom)
    }
}

impl Serialize for TokenField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldName, TAKEN, TokenField};

    #[test]
    fn names_of_fields_are_kept_as_written() {
        for name in ["LOGON_USER", "X-Remote-User", "remote.user", "X-User"] {
            let parsed = FieldName::parse(name).unwrap();
            assert_eq!(parsed.to_string(), name);
            assert_eq!(parsed.name().as_str(), name.to_ascii_lowercase());
        }
    }

    #[test]
    fn names_that_the_gateway_needs_are_refused_in_every_spelling() {
        for name in TAKEN {
            for name in [(*name).to_owned(), name.to_uppercase(), name.replace('-', "_")] {
                let error = FieldName::parse(&name).unwrap_err();
                assert!(error.contains(&name) && error.contains("gateway needs it"), "{error}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", " ", "Remote User", "X-User:", "Пользователь", "X-User\r\nX", "_", "-1"]
        {
            assert!(FieldName::parse(name).unwrap_err().contains("no name"), "{name:?}");
        }
        let error = FieldName::parse("HTTP_REMOTE_USER").unwrap_err();
        assert!(error.ends_with("calls the field \"REMOTE_USER\": write that"), "{error}");
    }

    #[test]
    fn a_token_may_be_in_authorization_and_nothing_else_may() {
        #[derive(serde::Deserialize)]
        struct File {
            field: TokenField,
        }
        let read = |text| toml::from_str::<File>(text).map(|file| file.field);
        assert_eq!(read("field = 'authorization'").unwrap(), TokenField::Authorization);
        assert_eq!(read("field = 'X-Token'").unwrap().to_string(), "X-Token");
        assert!(read("field = 'Cookie'").unwrap_err().to_string().contains("gateway needs"));
        assert!(FieldName::parse("Authorization").is_err());
    }
}
