//! A URL to ask.

use http::Uri;
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) struct Target {
    pub(in crate::doctor) https: bool,
    /// A name, or an address without brackets.
    pub(in crate::doctor) host: String,
    pub(in crate::doctor) port: u16,
    /// With the query.
    pub(in crate::doctor) path: String,
}

impl Target {
    /// In words what is wrong with a URL that cannot be asked.
    pub(in crate::doctor) fn parse(url: &str) -> Result<Self, String> {
        let wrong = || format!("{url:?} is no URL such as https://web.corp.example/");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err(format!("{url:?}: a user in a URL is not used; leave it out"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong());
        }
        let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        Ok(Self { https, host, port, path })
    }

    /// As in `Host`: without the scheme's own port.
    pub(super) fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.https { 443 } else { 80 } {
            return host;
        }
        format!("{host}:{}", self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_is_taken_apart_and_put_together() {
        for url in ["http://web:8080/a?b=c", "https://web.corp.example/", "http://[::1]:81/"] {
            assert_eq!(Target::parse(url).unwrap().to_string(), url);
        }
        let target = Target::parse("https://[::1]").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("::1", 443, "/"));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in ["web", "ftp://web/", "http://", "/path", "http://user@web/", ""] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
