//! `[identity]` in the configuration file.

use super::field_name::{FieldName, TokenField};
use crate::gateway::config::values::Span;
use http::HeaderName;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How an application learns who is logged on.
///
/// A value is UTF-8, also where the name is not ASCII ([RFC 9110] §5.5 leaves such bytes to the
/// two ends). WSGI and Node.js hand them over as Latin-1: an application there encodes the string
/// as Latin-1 and decodes it as UTF-8 to have the name back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdentityConfig {
    /// The fields with the user's name. The first three are what IIS calls it; but nginx, Apache
    /// and gunicorn drop fields with an underscore, hence the fourth. Default: `LOGON_USER`,
    /// `REMOTE_USER`, `AUTH_USER`, `X-Remote-User`.
    pub(crate) user: Vec<FieldName>,
    /// The fields with the scheme of the logon: `Negotiate`, `NTLM`, `Digest` or `Basic`.
    /// Default: `AUTH_TYPE`.
    pub(crate) scheme: Vec<FieldName>,
    /// The fields with the user principal name. Absent for users who have none. Default: none.
    pub(crate) upn: Vec<FieldName>,
    /// The fields with the groups, a comma between them. In a group's name, `%`, `,` and blanks at
    /// its ends are written as `%25`, `%2C`, `%20`: split at commas, then decode. Absent for users
    /// who are in no group. Default: none.
    pub(crate) groups: Vec<FieldName>,
    /// The fields with the domain, of users who have one. Default: none.
    pub(crate) domain: Vec<FieldName>,
    /// The fields with the user's security identifier, `S-1-5-21-…`, of users whose domain says it
    /// in their tickets. Default: none.
    pub(crate) sid: Vec<FieldName>,
    /// The fields with those of the user's groups in the domain, a comma between them. Default: none.
    pub(crate) group_sids: Vec<FieldName>,
    /// How long such a list may be; a user in more groups is not let through, because a list with
    /// some of them left out says something else. Default: 16384.
    pub(crate) group_sids_bytes: usize,
    /// Fields that are not passed on from clients, beside the above and those that applications
    /// are known to believe. Default: none.
    pub(crate) remove: Vec<FieldName>,
    /// How the user's name is written. Default: `"domain-user"`.
    pub(crate) format: UserFormat,
    /// A signed token beside the fields, or instead of them. Default: none.
    pub(crate) jwt: Option<JwtConfig>,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        let known = |lower: &'static str, spelling: &str| {
            FieldName::known(HeaderName::from_static(lower), spelling.to_owned())
        };
        Self {
            user: vec![
                known("logon_user", "LOGON_USER"),
                known("remote_user", "REMOTE_USER"),
                known("auth_user", "AUTH_USER"),
                known("x-remote-user", "X-Remote-User"),
            ],
            scheme: vec![known("auth_type", "AUTH_TYPE")],
            upn: Vec::new(),
            groups: Vec::new(),
            domain: Vec::new(),
            sid: Vec::new(),
            group_sids: Vec::new(),
            group_sids_bytes: 16_384,
            remove: Vec::new(),
            format: UserFormat::default(),
            jwt: None,
        }
    }
}

/// How a user's name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UserFormat {
    /// `CORP\alice`; the whole name of an account without a domain.
    #[default]
    DomainUser,
    /// `alice`. For a single domain: `CORP\alice` and `LAB\alice` look the same.
    User,
    /// `alice@corp.example`, as the store says. One is never made up of user and domain, because
    /// it may be somebody else's: a user without one is not let through.
    Upn,
}

/// A token that says the same, signed ([RFC 7519]), for applications that check signatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwtConfig {
    /// The field. `Authorization` has `Bearer` before the token. Default: `"Authorization"`.
    #[serde(default)]
    pub(crate) field: TokenField,
    /// The file with the key. Has to be given.
    pub(crate) key: PathBuf,
    /// How tokens are signed: `"ES256"`, `"EdDSA"` or `"HS256"`. Has to be given.
    pub(crate) algorithm: JwtAlgorithm,
    /// Who says it, `iss`. Default: `"logon"`.
    #[serde(default = "default_issuer")]
    pub(crate) issuer: String,
    /// Who it is said to, `aud`. Has to be given: without it, an application that has a user's
    /// token can show it to the next application.
    pub(crate) audience: String,
    /// How long a token is valid. Default: `"60s"`.
    #[serde(default = "default_lifetime")]
    pub(crate) lifetime: Span,
    /// The name of the key, `kid`, for applications that know several. Default: none.
    #[serde(default)]
    pub(crate) key_id: Option<String>,
}

impl JwtConfig {
    /// Whether no credentials of clients reach the application.
    pub(crate) fn takes_authorization(&self) -> bool {
        self.field == TokenField::Authorization
    }
}

fn default_issuer() -> String {
    "logon".to_owned()
}

const fn default_lifetime() -> Span {
    Span::seconds(60)
}

/// The signature of a token ([RFC 7518] §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JwtAlgorithm {
    /// A key that the application has as well, and could sign with.
    #[serde(rename = "HS256")]
    Hs256,
    /// ECDSA with P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[cfg(test)]
mod tests {
    use super::{IdentityConfig, JwtAlgorithm, UserFormat};
    use crate::gateway::identity::field_name::TokenField;

    #[test]
    fn an_empty_table_is_the_default_and_the_default_is_written_as_it_is_read() {
        let config: IdentityConfig = toml::from_str("").unwrap();
        assert_eq!(config, IdentityConfig::default());
        let text = toml::to_string(&config).unwrap();
        assert!(text.contains("\"LOGON_USER\""), "{text}");
        assert_eq!(toml::from_str::<IdentityConfig>(&text).unwrap(), config);
    }

    #[test]
    fn every_name_is_read() {
        let config: IdentityConfig = toml::from_str(
            "user = ['X-WEBAUTH-USER']\nscheme = []\nupn = ['X-UPN']\ngroups = ['X-Groups']\n\
             remove = ['X-Secret']\nformat = 'upn'\n\
             [jwt]\nkey = 'jwt.pem'\nalgorithm = 'EdDSA'\naudience = 'wiki'",
        )
        .unwrap();
        assert_eq!(config.format, UserFormat::Upn);
        assert_eq!(config.upn[0].to_string(), "X-UPN");
        let jwt = config.jwt.unwrap();
        assert_eq!((jwt.field, jwt.algorithm), (TokenField::Authorization, JwtAlgorithm::EdDsa));
        assert_eq!((jwt.issuer.as_str(), jwt.lifetime.0.as_secs()), ("logon", 60));
    }

    #[test]
    fn unknown_names_and_missing_ones_are_errors() {
        for (text, part) in [
            ("users = []", "unknown field `users`"),
            ("format = 'name'", "unknown variant `name`"),
            ("user = ['Host']", "gateway needs it"),
            ("jwt = { algorithm = 'ES256', audience = 'a' }", "missing field `key`"),
            ("jwt = { key = 'k', audience = 'a' }", "missing field `algorithm`"),
            ("jwt = { key = 'k', algorithm = 'ES256' }", "missing field `audience`"),
            ("jwt = { key = 'k', algorithm = 'none', audience = 'a' }", "unknown variant `none`"),
        ] {
            let error = toml::from_str::<IdentityConfig>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
