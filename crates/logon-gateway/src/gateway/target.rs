//! Which host and path a request is for.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, Version};
use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a request is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Target {
    /// Host and port as the client wrote them; `None` of an HTTP/1.0 request that names no host.
    pub(crate) asked: Option<HeaderValue>,
    /// The host as [`plain`] gives it, without port; empty if there is none.
    pub(crate) host: String,
}

/// A request whose host cannot be told ([RFC 9112] §3.2): none, several, or none that can be.
///
/// [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadHost;

/// Reads targets. What hosts have come to is kept: most requests name one that others named before.
#[derive(Debug, Default)]
pub(crate) struct Targets(Mutex<HashMap<Box<[u8]>, Arc<Target>>>);

/// Hosts that are known at a time.
const MAX_KNOWN: usize = 256;

/// The longest of them, as long as names can be, and a port.
const MAX_HOST: usize = 261;

impl Targets {
    /// [`Target::of`]
    pub(crate) fn of(
        &self,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<Arc<Target>, BadHost> {
        let mut fields = headers.get_all(HOST).iter();
        let host = match (fields.next(), fields.next(), uri.authority()) {
            (Some(host), None, None) if (1..=MAX_HOST).contains(&host.len()) => host.as_bytes(),
            _ => return Target::of(uri, version, headers).map(Arc::new),
        };
        if let Some(known) = self.known().get(host) {
            return Ok(Arc::clone(known));
        }
        let mut target = Target::of(uri, version, headers)?;
        // Without a part in what the request was read into.
        target.asked = Some(HeaderValue::from_bytes(host).map_err(|_| BadHost)?);
        let target = Arc::new(target);
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(host.into(), Arc::clone(&target));
        Ok(target)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Arc<Target>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    fn of(uri: &Uri, version: Version, headers: &HeaderMap) -> Result<Self, BadHost> {
        let mut fields = headers.get_all(HOST).iter();
        let field = fields.next();
        if fields.next().is_some() {
            return Err(BadHost);
        }
        // Sent with a target that has no host ([RFC 9110] §7.2).
        let field = field.filter(|value| !value.is_empty());
        let said = field.map(|value| Authority::try_from(value.as_bytes()));
        let said = said.transpose().map_err(|_| BadHost)?;
        if let (Some(one), Some(other)) = (uri.authority(), &said)
            && plain(one.host()) != plain(other.host())
        {
            return Err(BadHost);
        }
        // What stands in the target goes before the field ([RFC 9112] §3.2.2, [RFC 9113] §8.3.1);
        // an honest client says the same twice.
        let Some(authority) = uri.authority().or(said.as_ref()) else {
            let needed = version == Version::HTTP_11 || version == Version::HTTP_2;
            return if needed { Err(BadHost) } else { Ok(Self::default()) };
        };
        let (text, bare) = (authority.as_str(), authority.host());
        let host = plain(bare);
        if text.contains('@') || host.is_empty() || !is_port(authority, bare) {
            return Err(BadHost);
        }
        let asked = match field {
            // Shares the bytes.
            Some(value) if value.as_bytes() == text.as_bytes() => Ok(value.clone()),
            _ => HeaderValue::from_str(text),
        };
        Ok(Self { asked: Some(asked.map_err(|_| BadHost)?), host })
    }
}

/// Whether what stands after the host is a port, if anything does.
fn is_port(authority: &Authority, host: &str) -> bool {
    let rest = authority.as_str().strip_prefix(host).unwrap_or_default();
    // A colon alone is none that is given ([RFC 3986] §3.2.3).
    rest.is_empty() || rest == ":" || authority.port_u16().is_some()
}

/// A host without what makes no difference to [`logon::http::Scopes`]: two hosts that have the same
/// scope there have the same application here. Otherwise what is open on one host would open the
/// application of another.
pub(crate) fn plain(host: &str) -> String {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match literal.map(str::parse::<Ipv6Addr>) {
        Some(Ok(address)) => format!("[{address}]"),
        _ => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::{BadHost, MAX_KNOWN, Target, Targets};
    use http::{HeaderMap, HeaderValue, Version};

    fn host(uri: &str, fields: &[&str]) -> Result<String, BadHost> {
        let mut headers = HeaderMap::new();
        for value in fields {
            headers.append("host", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Target::of(&uri.parse().unwrap(), Version::HTTP_11, &headers).map(|target| target.host)
    }

    #[test]
    fn the_host_of_a_request_is_read_without_case_port_and_dot() {
        assert_eq!(host("/", &["Wiki.Corp.Example.:8443"]), Ok("wiki.corp.example".to_owned()));
        assert_eq!(host("/", &["[::1]:80"]), Ok("[::1]".to_owned()));
        assert_eq!(host("http://a.example/", &["A.example:80"]), Ok("a.example".to_owned()));
        assert_eq!(host("http://a.example/", &[]), Ok("a.example".to_owned()));
        assert_eq!(host("/", &["a.example:"]), Ok("a.example".to_owned()));
        assert_eq!(host("/", &["a.example..:80"]), Ok("a.example".to_owned()));
        assert_eq!(host("/", &["[0:0::0001]:80"]), Ok("[::1]".to_owned()));
    }

    #[test]
    fn a_host_that_cannot_be_told_is_refused() {
        for fields in [
            &["a", "a"][..],
            &["a", "b"],
            &[],
            &[""],
            &["a b"],
            &["user@a"],
            &[":80"],
            &["..:80"],
            &["a:b"],
            &["a:65536"],
            &["[::1]:x"],
        ] {
            assert_eq!(host("/", fields), Err(BadHost), "{fields:?}");
        }
        assert_eq!(host("http://a.example/", &["b.example"]), Err(BadHost));
    }

    #[test]
    fn what_is_kept_of_hosts_is_what_would_be_read_again() {
        let targets = Targets::default();
        for round in 0..2 {
            for (uri, host) in [
                ("/", "Wiki.Corp.Example.:8443"),
                ("/", "[::1]:80"),
                ("/", ""),
                ("/", "user@a"),
                ("/", "a:b"),
                ("http://a.example/", "A.example:80"),
                ("http://a.example/", "b.example"),
            ] {
                let uri = uri.parse().unwrap();
                let mut headers = HeaderMap::new();
                headers.append("host", HeaderValue::from_str(host).unwrap());
                for version in [Version::HTTP_10, Version::HTTP_11] {
                    let kept = targets.of(&uri, version, &headers);
                    let read = Target::of(&uri, version, &headers);
                    assert_eq!(kept.as_deref(), read.as_ref(), "{uri} {host:?} {round}");
                }
            }
        }
        assert_eq!(targets.known().len(), 2);
    }

    #[test]
    fn a_second_host_is_refused_though_the_first_is_known() {
        let targets = Targets::default();
        let uri = "/".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("host", HeaderValue::from_static("a"));
        assert!(targets.of(&uri, Version::HTTP_11, &headers).is_ok());
        headers.append("host", HeaderValue::from_static("a"));
        assert_eq!(targets.of(&uri, Version::HTTP_11, &headers), Err(BadHost));
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let targets = Targets::default();
        let uri = "/".parse().unwrap();
        let hosts = (0..2000).map(|number| format!("host{number}")).chain(["a".repeat(300)]);
        for host in hosts {
            let mut headers = HeaderMap::new();
            headers.append("host", HeaderValue::from_str(&host).unwrap());
            assert!(targets.of(&uri, Version::HTTP_11, &headers).is_ok());
            assert!(targets.known().len() <= MAX_KNOWN);
            assert!(targets.known().keys().all(|host| host.len() < 300));
        }
    }
}
