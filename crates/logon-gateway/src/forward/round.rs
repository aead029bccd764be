//! Requests that would go round in a circle: from here to here.

use crate::failure::Failure;
use http::header::{HeaderMap, HeaderValue, USER_AGENT, VIA};
use http::{Method, Request, Version};
use logon::{OsRandom, SecureRandom};
use std::net::{IpAddr, SocketAddr};
use url::Host;

/// What this command is known by on the way, and nothing else is.
#[derive(Debug)]
pub(super) struct Pseudonym(String);

impl Pseudonym {
    /// Another one each time, because several may stand in a row.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut random = [0; 8];
        OsRandom.fill(&mut random).map_err(|error| Failure::message(error.to_string()))?;
        Ok(Self(format!("logon-forward-{}", base16ct::lower::encode_string(&random))))
    }

    /// What stands in `User-Agent` where nothing else is said, as in the requests for tunnels,
    /// which have no `Via`.
    pub(super) fn user_agent(&self) -> Option<HeaderValue> {
        let text = format!(concat!("logon/", env!("CARGO_PKG_VERSION"), " ({})"), self.0);
        HeaderValue::from_str(&text).ok()
    }

    /// Adds the name of this proxy, and the version that a message came in ([RFC 9110] §7.6.3).
    ///
    /// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3
    pub(super) fn sign(&self, headers: &mut HeaderMap, version: Version) {
        let version = if version == Version::HTTP_10 { "1.0" } else { "1.1" };
        if let Ok(via) = HeaderValue::from_str(&format!("{version} {}", self.0)) {
            headers.append(VIA, via);
        }
    }

    /// Whether a request has been here before.
    fn has_signed<B>(&self, request: &Request<B>) -> bool {
        let headers = request.headers();
        let mut items = headers.get_all(VIA).iter().flat_map(|via| {
            via.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii_start)
        });
        let name = self.0.as_bytes();
        items.any(|item| item.split(u8::is_ascii_whitespace).nth(1) == Some(name))
            || request.method() == Method::CONNECT
                && headers.get(USER_AGENT) == self.user_agent().as_ref()
    }
}

/// Where this command is, under which name.
#[derive(Debug)]
pub(super) struct Here {
    pub(super) pseudonym: Pseudonym,
    pub(super) address: SocketAddr,
}

impl Here {
    /// Why a request of a proxy's is refused, if it would come round again.
    pub(super) fn refuses<B>(&self, request: &Request<B>) -> Option<String> {
        let Self { pseudonym, address } = self;
        if pseudonym.has_signed(request) {
            return Some(format!("it has been at {address} before: --proxy leads back here"));
        }
        let port = request.uri().port_u16().unwrap_or(80);
        let host = request.uri().host().unwrap_or_default();
        self.is_at(host, port).then(|| format!("it is for {address}, which is this command"))
    }

    /// Whether host and port of a URL lead here.
    pub(super) fn is_at(&self, host: &str, port: u16) -> bool {
        let own = self.address.ip().to_canonical();
        let everywhere = own.is_unspecified();
        let same = |address: IpAddr| {
            let address = address.to_canonical();
            // Whoever connects to no address at all connects to this machine.
            address == own
                || address.is_unspecified() && own.is_loopback()
                || address.is_loopback() && everywhere
        };
        port == self.address.port()
            && match Host::parse(host) {
                Ok(Host::Domain(name)) => {
                    let name = name.trim_end_matches('.');
                    let local = name == "localhost" || name.ends_with(".localhost");
                    local && (own.is_loopback() || everywhere)
                }
                Ok(Host::Ipv4(address)) => same(address.into()),
                Ok(Host::Ipv6(address)) => same(address.into()),
                Err(_) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::{Here, Pseudonym};
    use http::{Method, Request, Version};

    fn here(address: &str) -> Here {
        Here { pseudonym: Pseudonym::new().unwrap(), address: address.parse().unwrap() }
    }

    #[test]
    fn what_leads_here_is_told_from_what_leads_elsewhere() {
        for (address, host, port, expected) in [
            ("127.0.0.1:3129", "127.0.0.1", 3129, true),
            ("127.0.0.1:3129", "127.0.0.1", 3128, false),
            ("127.0.0.1:3129", "127.0.0.2", 3129, false),
            ("127.0.0.1:3129", "LOCALHOST.", 3129, true),
            ("127.0.0.1:3129", "0.0.0.0", 3129, true),
            ("127.0.0.1:3129", "[::ffff:127.0.0.1]", 3129, true),
            ("[::1]:3129", "[::1]", 3129, true),
            ("[::1]:3129", "127.0.0.1", 3129, false),
            ("0.0.0.0:3129", "127.0.0.1", 3129, true),
            ("0.0.0.0:3129", "localhost", 3129, true),
            ("10.0.0.1:3129", "localhost", 3129, false),
            ("10.0.0.1:3129", "10.0.0.1", 3129, true),
            ("127.0.0.1:3129", "proxy.corp.example", 3129, false),
        ] {
            assert_eq!(here(address).is_at(host, port), expected, "{address} {host}:{port}");
        }
    }

    #[test]
    fn a_request_that_was_here_before_is_known_by_its_signature() {
        let here = here("127.0.0.1:3129");
        let request = |method: Method| {
            let uri = "http://a.example:80/".parse().unwrap();
            let mut request = Request::new(());
            (*request.method_mut(), *request.uri_mut()) = (method, uri);
            request
        };
        let mut signed = request(Method::GET);
        signed.headers_mut().insert("via", "1.1 other, 1.0 edge (a comment)".parse().unwrap());
        assert_eq!(here.refuses(&signed), None);
        Pseudonym::new().unwrap().sign(signed.headers_mut(), Version::HTTP_11);
        assert_eq!(here.refuses(&signed), None, "another one of the same kind");
        here.pseudonym.sign(signed.headers_mut(), Version::HTTP_10);
        assert!(here.refuses(&signed).is_some());
        for (method, refused) in [(Method::CONNECT, true), (Method::GET, false)] {
            let mut request = request(method);
            request.headers_mut().insert("user-agent", here.pseudonym.user_agent().unwrap());
            assert_eq!(here.refuses(&request).is_some(), refused);
        }
    }
}
