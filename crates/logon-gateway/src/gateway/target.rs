//! Which host and path a request is for.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri, Version};
use std::net::Ipv6Addr;

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

impl Target {
    pub(crate) fn of(uri: &Uri, version: Version, headers: &HeaderMap) -> Result<Self, BadHost> {
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
    use super::{BadHost, Target};
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
}
