//! Which requests may use somebody's name: none that a web page makes a browser send.
//!
//! A page reaches what listens on loopback in two ways. It sends requests there from its own origin,
//! which browsers say of them; or its own name suddenly leads there (DNS rebinding), which then
//! stands in `Host`.

use http::header::{HOST, HeaderMap, ORIGIN};
use std::net::IpAddr;
use url::{Host, Url};

/// Who is let in.
#[derive(Debug)]
pub(super) struct Guard {
    /// The name of this machine, for others that may come.
    own_name: Option<String>,
    remote: bool,
}

impl Guard {
    pub(super) fn new(remote: bool) -> Self {
        let own_name = gethostname::gethostname().into_string().ok();
        Self { own_name: own_name.filter(|_| remote).map(|name| name.to_lowercase()), remote }
    }

    /// Why a request to the server is refused, if it is.
    pub(super) fn refuses(&self, headers: &HeaderMap) -> Option<String> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next().map(|host| host.to_str()), hosts.next()) {
            (Some(Ok(host)), None) => host,
            _ => return Some("the request does not name one host".to_owned()),
        };
        if !self.is_ours(&format!("http://{host}")) {
            return Some(format!(
                "the request is for {host:?}, which is not this machine: use 127.0.0.1 or localhost"
            ));
        }
        for origin in headers.get_all(ORIGIN) {
            let ours = origin.to_str().is_ok_and(|origin| self.is_ours(origin));
            if !ours {
                return Some(format!("a web page of {origin:?} is not to use your name"));
            }
        }
        // For requests without Origin; programs that are no browsers do not write it.
        let sites = headers.get_all("sec-fetch-site").iter();
        let cross = sites.into_iter().any(|site| site.as_bytes() == b"cross-site");
        cross.then(|| "a web page of elsewhere is not to use your name".to_owned())
    }

    /// Whether a URL is of this machine, by a name that nobody else can have lead here.
    fn is_ours(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let address = match url.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                return name == "localhost"
                    || name.ends_with(".localhost")
                    || self.own_name.as_deref() == Some(name);
            }
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            None => return false,
        };
        self.remote || address.to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;
    use http::header::{HeaderMap, HeaderName, HeaderValue};

    fn refuses(remote: bool, fields: &[(&str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        Guard::new(remote).refuses(&headers).is_some()
    }

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        for host in ["127.0.0.1", "127.0.0.1:3129", "localhost", "LOCALHOST:1", "[::1]:3129"] {
            assert!(!refuses(false, &[("host", host)]), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "",
            "user@evil.example",
            "evil.example:3129",
        ] {
            assert!(refuses(false, &[("host", host)]), "{host}");
        }
        assert!(refuses(false, &[]));
        assert!(refuses(false, &[("host", "localhost"), ("host", "evil.example")]));
        assert!(!refuses(true, &[("host", "10.0.0.1:3129")]));
        assert!(refuses(true, &[("host", "evil.example")]), "it may be rebound here as well");
    }

    #[test]
    fn web_pages_of_elsewhere_are_refused() {
        let host = ("host", "127.0.0.1:3129");
        for (name, value, refused) in [
            ("origin", "http://evil.example", true),
            ("origin", "null", true),
            ("origin", "http://localhost:3000", false),
            ("sec-fetch-site", "cross-site", true),
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "none", false),
        ] {
            assert_eq!(refuses(false, &[host, (name, value)]), refused, "{name}: {value}");
        }
    }
}
