//! What the fields of a request say that matters here, gathered in one pass.

use logon::http::{Side, is_cors_preflight, is_intermediary_field};
use std::net::{IpAddr, SocketAddr};

/// Whom an intermediary names as its client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Nobody,
    Address(IpAddr),
    Word(Box<[u8]>),
}

/// What the fields of a request say about who it is from and how it came.
#[derive(Default)]
pub struct Facts<'a> {
    pub(crate) credentials: Vec<&'a [u8]>,
    pub(crate) intermediary: bool,
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) hosts: usize,
    forwarded_for: Option<&'a [u8]>,
    forwarded: Option<&'a [u8]>,
    real_ip: Option<&'a [u8]>,
    forwarded_proto: Option<&'a [u8]>,
    origin: bool,
    request_method: bool,
}

impl<'a> Facts<'a> {
    /// Reads the fields: names in lower case, values as they came, in their order.
    #[must_use]
    pub fn gather(side: Side, fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut facts = Self::default();
        let credentials_field = side.credentials_field();
        for (name, value) in fields {
            // Most fields are out by their first letter.
            match name.as_bytes().first() {
                Some(b'h') if name == "host" => {
                    facts.host = Some(value);
                    facts.hosts = facts.hosts.saturating_add(1);
                }
                Some(b'a' | b'p') if name == credentials_field => facts.credentials.push(value),
                Some(b'a') if name == "access-control-request-method" => {
                    facts.request_method = true;
                }
                Some(b'o') if name == "origin" => facts.origin = true,
                Some(b'v' | b'f' | b'x') if is_intermediary_field(name) => {
                    facts.intermediary = true;
                    match name {
                        // The last one is what the nearest intermediary has written.
                        "x-forwarded-for" => facts.forwarded_for = Some(value),
                        "forwarded" => facts.forwarded = Some(value),
                        "x-real-ip" => facts.real_ip = Some(value),
                        "x-forwarded-proto" => facts.forwarded_proto = Some(value),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        facts
    }

    /// Whether there is more to it than an ordinary request has.
    pub(crate) fn needs_attention(&self) -> bool {
        !self.credentials.is_empty() || self.hosts > 1
    }

    pub(crate) fn is_preflight(&self, method: &str) -> bool {
        is_cors_preflight(method, self.origin, self.request_method)
    }

    /// Whom the nearest intermediary names as its client, in whichever way: an address, or a word
    /// of its own ([RFC 7239] §6.3).
    ///
    /// [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
    pub(crate) fn client(&self) -> Client {
        if let Some(address) = self.forwarded_for() {
            return Client::Address(address);
        }
        let last = |value: &'a [u8]| value.rsplit(|byte| *byte == b',').next();
        let element = self.forwarded.and_then(last);
        let is_for = |pair: &&[u8]| {
            pair.split_at_checked(4).is_some_and(|(name, _)| name.eq_ignore_ascii_case(b"for="))
        };
        let pair =
            element.and_then(|it| it.split(|b| *b == b';').map(<[u8]>::trim_ascii).find(is_for));
        let word = self.forwarded_for.and_then(last).or(pair).or(self.real_ip);
        word.map_or(Client::Nobody, |word| Client::Word(word.trim_ascii().into()))
    }

    /// The address that the nearest intermediary has the request from. Some write the port, too.
    pub(crate) fn forwarded_for(&self) -> Option<IpAddr> {
        let last = self.forwarded_for?.rsplit(|byte| *byte == b',').next()?;
        let text = std::str::from_utf8(last).ok()?.trim();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let address = bare.unwrap_or(text).parse().ok();
        address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
    }

    /// Whether the nearest intermediary says that it has the request over TLS; to be believed of
    /// trusted ones only.
    #[must_use]
    pub fn is_forwarded_over_tls(&self) -> bool {
        let last = self.forwarded_proto.and_then(|value| value.rsplit(|byte| *byte == b',').next());
        last.is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"https"))
    }
}

/// Credentials may be passwords; they do not go into logs.
impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("credentials", &self.credentials.len())
            .field("intermediary", &self.intermediary)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use logon::http::Side;

    #[test]
    fn two_clients_are_told_apart_however_a_proxy_names_them() {
        let client = |name: &str, value: &str| {
            Facts::gather(Side::Origin, [(name, value.as_bytes())].into_iter()).client()
        };
        for (name, one, other) in [
            ("x-forwarded-for", "192.0.2.1", "192.0.2.2"),
            ("x-forwarded-for", "192.0.2.9, 192.0.2.1", "192.0.2.9, 192.0.2.2"),
            ("x-forwarded-for", "unknown", "192.0.2.2"),
            ("x-forwarded-for", "_one", "_other"),
            ("forwarded", "for=192.0.2.1;proto=http", "for=192.0.2.2;proto=http"),
            ("forwarded", "proto=http; For=_one", "proto=http; For=_other"),
            ("x-real-ip", "192.0.2.1", "192.0.2.2"),
            ("x-real-ip", "192.0.2.1", ""),
        ] {
            assert_ne!(client(name, one), client(name, other), "{name}: {one} {other}");
            assert_eq!(client(name, one), client(name, one), "{name}: {one}");
        }
        assert_ne!(client("via", "1.1 proxy"), client("x-real-ip", "192.0.2.1"));
        // The port is of the proxy's connection, not of the client.
        let (with, without) = ("192.0.2.1:4711", "192.0.2.1");
        assert_eq!(client("x-forwarded-for", with), client("x-forwarded-for", without));
    }

    // With none, failures behind a proxy would count as the proxy's own.
    #[test]
    fn the_address_that_a_proxy_names_is_read_with_and_without_its_port() {
        for (value, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("198.51.100.1, 192.0.2.1:4711", "192.0.2.1"),
            ("unknown", ""),
            ("192.0.2.1:x", ""),
            ("", ""),
        ] {
            let fields = [("x-forwarded-for", value.as_bytes())];
            let facts = Facts::gather(Side::Origin, fields.into_iter());
            let found = facts.forwarded_for().map(|address| address.to_string());
            assert_eq!(found.unwrap_or_default(), address, "{value}");
        }
    }
}
