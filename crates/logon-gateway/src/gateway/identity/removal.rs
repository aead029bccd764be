//! What a client may not say: the fields that applications believe about who a request is from, and
//! about what it is for, where that is decided by its path.
//!
//! Names are compared as the laxest receiver would. CGI and WSGI write `-` as `_` and put `HTTP_`
//! before it ([RFC 3875] §4.1.18), some servers do that to every character but letters and digits,
//! others read environment variables by the same names as fields. nginx, Apache and gunicorn drop
//! names with an underscore, and much older or smaller servers do not; the gateway cannot know
//! which one it talks to. So all of `Remote-User`, `REMOTE_USER`, `remote.user`, `X-Remote-User`
//! and `HTTP_X_REMOTE_USER` count as one name. Nobody else has a use for such a name, so too wide
//! does no harm.
//!
//! Left alone is what a client legitimately shows to prove itself to the application (`X-Auth-Token`,
//! `X-User-Id`, `X-Api-Key`), and assertions that are signed, which the application checks
//! (`X-Amzn-Oidc-Data`, `X-Goog-Iap-Jwt-Assertion`, `Cf-Access-Jwt-Assertion`); `remove` is for
//! whoever wants those gone.

use super::field_name::FieldName;
use std::collections::HashSet;

/// Names that applications are known to believe, without `HTTP_` and `X-`.
const BELIEVED: &[&str] = &[
    // CGI and IIS
    "authuser",
    "logonuser",
    "remoteuser",
    "auth-email",
    "auth-fullname",
    "auth-group",
    "auth-groups",
    "auth-name",
    "auth-password",
    "auth-role",
    "auth-roles",
    "auth-type",
    "unmapped-remote-user",
    // Whatever applications offer as a default: CloudBeaver, OliveTin, Django's example
    "authuser",
    "email",
    "group",
    "groups",
    "role",
    "roles",
    "user",
    "user-email",
    "user-group",
    "user-groups",
    "user-name",
    "user-role",
    "user-roles",
    "usergroup",
    "usergroups",
    "username",
    // Jenkins, SonarQube, Rundeck, oauth2-proxy, Databricks
    "forwarded-access-token",
    "forwarded-displayname",
    "forwarded-email",
    "forwarded-fullname",
    "forwarded-group",
    "forwarded-groups",
    "forwarded-login",
    "forwarded-mail",
    "forwarded-name",
    "forwarded-preferred-username",
    "forwarded-role",
    "forwarded-roles",
    "forwarded-user",
    "forwarded-username",
    "forwarded-uuid",
    // OpenSearch, WebLogic, WebSphere
    "proxy-auth-type",
    "proxy-remote-user",
    "proxy-roles",
    "proxy-user",
    "wsat",
    "wscc",
    "wsru",
    // Shibboleth
    "affiliation",
    "eppn",
    // Certificates that a proxy in front has checked: Envoy, Azure
    "arr-clientcert",
    "forwarded-client-cert",
    "forwarded-tls-client-cert",
    "forwarded-tls-client-cert-info",
    // Where a path is cut in two. Servers take `SCRIPT_NAME` off the front of it, and what is
    // left may be a path that asks for more
    "document-root",
    "original-uri",
    "path-info",
    "path-translated",
    "request-uri",
    "script-filename",
    "script-name",
    "script-url",
    // What CGI calls this is where programs look for a proxy of their own (httpoxy)
    "proxy",
    // Others that log on in front
    "amzn-oidc-identity",
    "credential-identifier",
    "token-subject",
    "rstudio-username",
];

/// Beginnings of names that applications are known to believe.
const BELIEVED_BEGINNINGS: &[&str] = &[
    // IIS, CGI, Authelia, Kubernetes
    "logon-",
    "remote-",
    // ASP.NET Core behind IIS
    "ms-aspnetcore-",
    // Directory and single sign-on modules
    "gap-",
    "ldap-",
    "saml-",
    "sso-",
    "auth-user",
    // Grafana, Gitea, Gogs
    "webauth-",
    // oauth2-proxy, Kong, Etherpad, authentik, Vouch, Pomerium, Caddy
    "auth-request-",
    "authenticated-",
    "authentik-",
    "consumer-",
    "credential-username",
    "pomerium-claim-",
    "token-user-",
    "vouch-idp-",
    "vouch-user",
    // Google, Azure, Cloudflare, Tailscale
    "cf-access-authenticated-",
    "goog-authenticated-user",
    "ms-client-principal",
    "tailscale-",
    // SiteMinder, Tivoli, Oracle
    "iv-",
    "oam-",
    "osso-",
    "sm-",
    "wl-proxy-",
    // Modules of Apache
    "cas-",
    "mellon-",
    "oidc-",
    "shib-",
    // Certificates ([RFC 9440] §4 wants these removed)
    "amzn-mtls-",
    "amzn-tls-client",
    "client-cert",
    "client-dn",
    "client-verify",
    "ssl-",
    "tls-client-",
];

/// Names that a request has in its own right. Where a configured name is one of them but for an
/// `X-` before it, that does not take the other away.
const ORDINARY: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "forwarded",
    "from",
    "host",
    "origin",
    "pragma",
    "range",
    "referer",
    "user-agent",
    "via",
];

/// What says how long a body is and how it is read, where a server takes another sign for the dash:
/// two servers would see two requests.
const FRAMING: &[&str] =
    &["content-encoding", "content-length", "content-type", "transfer-encoding"];

/// Decides by its name whether a field of a client is never passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemovedFields {
    /// Without `HTTP-` and `X-` before them.
    bare: HashSet<String>,
    /// Whole: what would be an ordinary name without its beginning.
    whole: HashSet<String>,
    /// Whether any of the fields that every request has is among them.
    everyday: bool,
}

impl RemovedFields {
    /// Those of the names, and those that applications are known to believe.
    pub(crate) fn new<'a>(configured: impl IntoIterator<Item = &'a FieldName>) -> Self {
        let mut removed = Self {
            bare: BELIEVED.iter().map(|name| (*name).to_owned()).collect(),
            whole: HashSet::new(),
            everyday: false,
        };
        for name in configured {
            removed.add(name.name().as_str());
        }
        removed
    }

    /// Adds a name in all its spellings.
    pub(super) fn add(&mut self, name: &str) {
        let whole = normalized(name);
        let bare = bare(&whole);
        self.everyday |= is_everyday(bare) || is_everyday(&whole);
        if bare != whole && ORDINARY.contains(&bare) {
            self.whole.insert(whole);
        } else {
            self.bare.insert(bare.to_owned());
        }
    }

    /// Whether a field of this name is taken out of every request.
    pub(crate) fn removes(&self, name: &str) -> bool {
        if !self.everyday && is_everyday(name) {
            return false;
        }
        let whole = normalized(name);
        let bare = bare(&whole);
        let is_misspelled = !name.eq_ignore_ascii_case(&whole);
        self.bare.contains(bare)
            || (is_misspelled && FRAMING.contains(&whole.as_str()))
            || self.whole.contains(&whole)
            || BELIEVED_BEGINNINGS.iter().any(|beginning| bare.starts_with(beginning))
    }
}

/// Fields that nearly every request has: they are told at a glance. In lower case, as they come.
fn is_everyday(name: &str) -> bool {
    matches!(
        name,
        "accept"
            | "accept-encoding"
            | "accept-language"
            | "cache-control"
            | "connection"
            | "content-length"
            | "content-type"
            | "cookie"
            | "host"
            | "if-modified-since"
            | "if-none-match"
            | "origin"
            | "referer"
            | "sec-fetch-dest"
            | "sec-fetch-mode"
            | "sec-fetch-site"
            | "sec-fetch-user"
            | "upgrade-insecure-requests"
            | "user-agent"
    )
}

/// The name with whatever is no letter or digit as a single `-`, none at its ends.
pub(super) fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            normalized.push(character.to_ascii_lowercase());
        } else if !normalized.is_empty() && !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    if normalized.ends_with('-') {
        normalized.pop();
    }
    normalized
}

/// A normalized name without any `http-` and `x-` before it.
pub(super) fn bare(normalized: &str) -> &str {
    let mut bare = normalized;
    while let Some(rest) = bare.strip_prefix("http-").or_else(|| bare.strip_prefix("x-")) {
        bare = rest;
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::{BELIEVED, BELIEVED_BEGINNINGS, ORDINARY, RemovedFields, bare, normalized};
    use crate::gateway::identity::field_name::FieldName;
    use proptest::prelude::*;

    /// Written by clients that would like to be somebody else.
    const SPELLINGS: &[&str] = &[
        "LOGON_USER",
        "logon_user",
        "Logon-User",
        "logon.user",
        "LOGON~USER",
        "X-Logon-User",
        "X_LOGON_USER",
        "HTTP_LOGON_USER",
        "HTTP-LOGON-USER",
        "HTTP_X_LOGON_USER",
        "X-HTTP-LOGON-USER",
        "x-x-logon-user",
        "_LOGON_USER",
        "LOGON_USER_",
        "-logon-user-",
        "LOGON__USER",
        "logon-_-user",
        "logon!user",
        "logon$user",
        "LoGoN_uSeR",
        "REMOTE_USER",
        "Remote-User",
        "remote-user",
        "X-Remote-User",
        "X_Remote_User",
        "X-Remote_User",
        "HTTP_REMOTE_USER",
        "http_http_remote_user",
        "remote'user",
        "remote*user",
        "REMOTE_USER_EMAIL",
        "REMOTE_USER_GROUPS",
        "REMOTE_USER_FIRST_NAME",
        "REMOTE_GROUP",
        "REMOTE_GROUPS",
        "Remote-Groups",
        "Remote-Email",
        "Remote-Name",
        "REMOTE_IDENT",
        "X-Remote-Group",
        "X-Remote-Extra-Scopes",
        "AUTH_USER",
        "Auth-User",
        "X-Auth-User",
        "X-Auth-Username",
        "AUTH_TYPE",
        "Auth-Type",
        "auth.type",
        "AUTH_PASSWORD",
        "UNMAPPED_REMOTE_USER",
        "X-Forwarded-User",
        "X_FORWARDED_USER",
        "HTTP_X_FORWARDED_USER",
        "Forwarded-User",
        "X-Forwarded-Groups",
        "X-Forwarded-Email",
        "X-Forwarded-Mail",
        "X-Forwarded-DisplayName",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Access-Token",
        "X-Forwarded-Uuid",
        "X-Forwarded-Roles",
        "X-Forwarded-Login",
        "X-Forwarded-Client-Cert",
        "X-WEBAUTH-USER",
        "X-WebAuth-User",
        "x_webauth_user",
        "X-WEBAUTH-EMAIL",
        "X-WEBAUTH-FULLNAME",
        "X-WEBAUTH-ROLE",
        "X-WEBAUTH-GROUPS",
        "X-Auth-Request-User",
        "X-Auth-Request-Groups",
        "X-Authenticated-User",
        "X-Authenticated-Name",
        "X-Authenticated-Groups",
        "X-User",
        "X-Username",
        "X-Email",
        "X-Groups",
        "X-Role",
        "X-Usergroup",
        "SM_USER",
        "SM-UserDN",
        "iv-user",
        "OAM_REMOTE_USER",
        "OIDC_CLAIM_sub",
        "Shib-Session-ID",
        "eppn",
        "$WSRU",
        "WL-Proxy-Client-Cert",
        "Proxy-Remote-User",
        "X-Proxy-User",
        "X-SSL-Client-CN",
        "SSL_CLIENT_S_DN",
        "Client-Cert",
        "X-ARR-ClientCert",
        "X-MS-CLIENT-PRINCIPAL-NAME",
        "X-Goog-Authenticated-User-Email",
        "Cf-Access-Authenticated-User-Email",
        "Tailscale-User-Login",
        "X-authentik-username",
        "X-Consumer-Username",
        "X-Pomerium-Claim-Email",
    ];

    fn removed(configured: &[&str]) -> RemovedFields {
        let names: Vec<_> = configured.iter().map(|name| FieldName::parse(name).unwrap()).collect();
        RemovedFields::new(&names)
    }

    #[test]
    fn names_that_applications_believe_are_removed_in_every_spelling() {
        let removed = removed(&[]);
        for &name in SPELLINGS {
            http::HeaderName::from_bytes(name.as_bytes()).expect(name);
            assert!(removed.removes(name), "{name}");
        }
    }

    #[test]
    fn ordinary_fields_pass() {
        let removed = removed(&["X-Employee"]);
        for name in ORDINARY.iter().copied().chain([
            "User-Agent",
            "X-User-Agent",
            "Authorization",
            "Accept",
            "Accept-Language",
            "Connection",
            "If-None-Match",
            "X-Requested-With",
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Request-Id",
            "X-Correlation-ID",
            "X-CSRF-Token",
            "X-Auth-Token",
            "X-Auth-Key",
            "X-Api-Key",
            "X-User-Id",
            "X-Goog-Iap-Jwt-Assertion",
            "Cf-Access-Jwt-Assertion",
            "X-Real-IP",
            "X-HTTP-Method-Override",
            "Sec-Fetch-User",
            "Sec-WebSocket-Key",
            "Upgrade-Insecure-Requests",
            "traceparent",
            "SOAPAction",
            "Smart-Home",
            "Remotely",
            "Users",
            "Employee-Id",
            "Idempotency-Key",
            "DNT",
            "X",
            "X-",
            "HTTP",
            "",
        ]) {
            assert!(!removed.removes(name), "{name}");
        }
    }

    #[test]
    fn configured_names_are_removed_in_every_spelling() {
        let removed = removed(&["X-Employee", "cost_centre"]);
        for name in ["X-Employee", "employee", "HTTP_X_EMPLOYEE", "X_Employee", "X-Cost-Centre"] {
            assert!(removed.removes(name), "{name}");
        }
        assert!(!removed.removes("X-Employees"));
    }

    #[test]
    fn what_moves_a_request_to_another_path_is_removed() {
        let removed = removed(&[]);
        for name in ["SCRIPT_NAME", "Script-Name", "X-Script-Name", "PATH_INFO", "X-Original-URI"] {
            assert!(removed.removes(name), "{name}");
        }
    }

    #[test]
    fn what_frames_a_body_passes_in_its_own_spelling_alone() {
        let removed = removed(&[]);
        for name in ["Content_Length", "transfer.encoding", "CONTENT_TYPE", "-Content-Length"] {
            assert!(removed.removes(name), "{name}");
        }
        for name in super::FRAMING {
            assert!(!removed.removes(name) && !removed.removes(&name.to_ascii_uppercase()));
        }
    }

    #[test]
    fn an_ordinary_name_is_only_removed_if_it_is_named_itself() {
        let lookalikes = removed(&["X-User-Agent", "X-Host"]);
        assert!(lookalikes.removes("x_user_agent") && lookalikes.removes("X-HOST"));
        assert!(!lookalikes.removes("User-Agent") && !lookalikes.removes("Host"));
        assert!(removed(&["Referer"]).removes("Referer"));
    }

    #[test]
    fn the_tables_have_normalized_names_and_no_ordinary_one() {
        for &name in BELIEVED {
            assert_eq!(bare(&normalized(name)), name);
            assert!(!ORDINARY.contains(&name), "{name}");
        }
        for beginning in BELIEVED_BEGINNINGS {
            let normalized = normalized(beginning);
            assert_eq!(bare(&normalized), beginning.trim_end_matches('-'));
        }
    }

    proptest! {
        /// Whatever a CGI or WSGI program would take for an identity field does not get through.
        #[test]
        fn no_spelling_of_a_believed_name_survives(
            position in 0_usize..SPELLINGS.len(),
            before in "(?i)((HTTP|X)[-_.!~*'|^`+$%&#]){0,3}",
            separators in proptest::collection::vec("[-_.!~*'|^`+$%&#]{1,3}", 8),
            upper in any::<u64>(),
            ends in "[-_]{0,2}",
        ) {
            let mut name = format!("{ends}{before}");
            let mut separators = separators.iter();
            let words = normalized(SPELLINGS[position]);
            for (index, word) in words.split('-').enumerate() {
                if index > 0 {
                    name.push_str(separators.next().map_or("-", String::as_str));
                }
                for (index, letter) in word.char_indices() {
                    let upper = upper >> (index % 64) & 1 == 1;
                    name.push(if upper { letter.to_ascii_uppercase() } else { letter });
                }
            }
            name.push_str(&ends);
            prop_assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok());
            prop_assert!(removed(&[]).removes(&name), "{name}");
        }

        /// Held against the mapping of CGI itself, not against our own.
        #[test]
        fn what_survives_is_no_variable_of_an_identity(
            name in "(?i)((HTTP|X|MY)[-_.]){0,2}(LOGON|REMOTE|AUTH|PROXY|USER|FAR)[-_.!~](USER|TYPE|AGENT|ID)",
        ) {
            let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
            let variable: String = std::iter::once("HTTP_")
                .chain([name.as_str()])
                .flat_map(str::chars)
                .map(letter)
                .collect();
            let read = ["LOGON_USER", "REMOTE_USER", "AUTH_USER", "AUTH_TYPE", "PROXY_USER"];
            let is_read = read.into_iter().any(|name| {
                ["HTTP_", "HTTP_X_", "HTTP_HTTP_", "HTTP_X_HTTP_", "HTTP_HTTP_X_", "HTTP_X_X_"]
                    .into_iter()
                    .chain(["HTTP_HTTP_HTTP_"])
                    .any(|before| variable == format!("{before}{name}"))
            });
            let is_removed = removed(&[]).removes(&name);
            prop_assert!(is_removed || !is_read, "{name}: {variable}");
            // Nor too much: what has another word before it is another name.
            let is_other = variable.contains("MY_") || variable.contains("FAR_");
            prop_assert!(!(is_removed && is_other), "{name}");
        }
    }

    #[test]
    fn a_field_of_every_request_is_removed_if_that_is_asked_for() {
        let removed = RemovedFields::new(&[]);
        assert!(["host", "user-agent", "cookie"].iter().all(|name| !removed.removes(name)));
        let names = ["Referer", "Sec_Fetch_Site"].map(|name| FieldName::parse(name).unwrap());
        let removed = RemovedFields::new(&names);
        assert!(removed.removes("referer") && removed.removes("sec-fetch-site"));
        assert!(!removed.removes("user-agent"));
    }
}
