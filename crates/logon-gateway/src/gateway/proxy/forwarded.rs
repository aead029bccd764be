//! What the application is told of the way its request came: `X-Forwarded-For`, `-Proto`, `-Host`,
//! `Forwarded` ([RFC 7239]) and `Via` ([RFC 9110] §7.6.3).
//!
//! [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3

use super::forward::Passage;
use http::Version;
use http::header::{Entry, FORWARDED, HeaderMap, HeaderName, HeaderValue, VIA};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whether a field says where a request came from or what was asked for, whichever sign an
/// application takes for a dash: many read `X_Forwarded_For` as `X-Forwarded-For`.
pub(super) fn is_forwarding(name: &str) -> bool {
    const EXACT: [&[u8]; 10] = [
        b"forwarded",
        b"x-real-ip",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-url-scheme",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"client-ip",
        b"true-client-ip",
        b"front-end-https",
    ];
    const PREFIX: &[u8] = b"x-forwarded-";
    let name = name.as_bytes();
    if !matches!(name.first(), Some(b'x' | b'f' | b'c' | b't')) {
        return false;
    }
    let begins = |with: &[u8]| {
        name.len() >= with.len() && name.iter().zip(with).all(|(byte, with)| dashed(*byte) == *with)
    };
    begins(PREFIX) || EXACT.iter().any(|exact| name.len() == exact.len() && begins(exact))
}

/// Whether it is one with dashes where dashes belong.
pub(super) fn is_spelled_with_dashes(name: &str) -> bool {
    name.bytes().all(|byte| byte == dashed(byte))
}

fn dashed(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b'-' }
}

/// How many fields [`Forwarding::add`] adds at most.
pub(super) const FIELDS: usize = 5;

/// Writes what this gateway knows. What it was for the last clients is kept: most ask again.
#[derive(Debug, Default)]
pub(super) struct Forwarding(Mutex<HashMap<Way, Written>>);

/// Clients and hosts that are known at a time.
const MAX_KNOWN: usize = 1024;

/// The longest host of which that is kept, as long as names can be, and a port.
const MAX_HOST: usize = 261;

/// The way of a request, as far as `Forwarded` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    /// An address of IPv6, or of IPv4 as such a one.
    client: Option<u128>,
    secure: bool,
    host: Option<HeaderValue>,
}

/// By what tells most of them apart, in two writes: each costs.
impl Hash for Way {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.client.unwrap_or_default());
        state.write(self.host.as_ref().map_or(b"", HeaderValue::as_bytes));
    }
}

/// What is said of it.
#[derive(Debug, Clone)]
struct Written {
    client: Option<HeaderValue>,
    forwarded: HeaderValue,
}

impl Forwarding {
    /// Adds it to a head. What strangers said is gone already.
    pub(super) fn add(&self, headers: &mut HeaderMap, passage: &Passage, version: Version) {
        let Written { client, forwarded } = self.written(Way::of(passage));
        let mut list = |name: HeaderName, item: HeaderValue| {
            if passage.trusted {
                append(headers, name, item);
            } else {
                headers.insert(name, item);
            }
        };
        if let Some(client) = client {
            list(FOR, client);
        }
        list(FORWARDED, forwarded);
        list(VIA, HeaderValue::from_static(via(version)));
        let mut say = |name: HeaderName, value: HeaderValue| {
            if !(passage.trusted && headers.contains_key(&name)) {
                headers.insert(name, value);
            }
        };
        say(PROTO, HeaderValue::from_static(if passage.secure { "https" } else { "http" }));
        if let Some(host) = &passage.asked {
            say(HOST, host.clone());
        }
    }

    fn written(&self, way: Way) -> Written {
        if way.host.as_ref().is_some_and(|host| host.len() > MAX_HOST) {
            return way.write();
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = known.get(&way) {
            return written.clone();
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let written = way.write();
        known.entry(way.apart()).or_insert(written).clone()
    }
}

impl Way {
    fn of(passage: &Passage) -> Self {
        let client = passage.client.map(|client| match client.ip() {
            IpAddr::V4(client) => client.to_ipv6_mapped().to_bits(),
            IpAddr::V6(client) => client.to_bits(),
        });
        Self { client, secure: passage.secure, host: passage.asked.clone() }
    }

    /// Without a part in what the request was read into.
    fn apart(self) -> Self {
        let copy = |host: HeaderValue| HeaderValue::from_bytes(host.as_bytes()).unwrap_or(host);
        let host = self.host.map(copy);
        Self { host, ..self }
    }

    fn write(&self) -> Written {
        let client = self.client.map(|client| Ipv6Addr::from_bits(client).to_canonical());
        let mut forwarded = "for=".to_owned();
        match client {
            Some(IpAddr::V4(client)) => forwarded.push_str(&client.to_string()),
            Some(IpAddr::V6(client)) => forwarded.push_str(&format!("\"[{client}]\"")),
            None => forwarded.push_str("unknown"),
        }
        if let Some(host) = self.host.as_ref().and_then(|host| host.to_str().ok())
            && !host.bytes().any(|byte| matches!(byte, b'"' | b'\\'))
        {
            forwarded.extend([";host=\"", host, "\""]);
        }
        forwarded.push_str(if self.secure { ";proto=https" } else { ";proto=http" });
        let value = |text: &str| HeaderValue::from_str(text).ok();
        Written {
            client: client.and_then(|client| value(&client.to_string())),
            // Always a value: it is put together of such.
            forwarded: value(&forwarded).unwrap_or(HeaderValue::from_static("for=unknown")),
        }
    }
}

fn via(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0 logon",
        Version::HTTP_2 => "2.0 logon",
        _ => "1.1 logon",
    }
}

/// At the end of the list, which is one line then: applications that read one line read them all.
fn append(headers: &mut HeaderMap, name: HeaderName, item: HeaderValue) {
    let mut entry = match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(item);
            return;
        }
        Entry::Occupied(entry) => entry,
    };
    let mut list = Vec::new();
    for value in entry.iter() {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(item.as_bytes());
    if let Ok(value) = HeaderValue::try_from(list) {
        entry.insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Forwarding, MAX_KNOWN, Way, Written};
    use http::HeaderValue;

    fn way(client: u128, secure: bool, host: &str) -> Way {
        Way { client: Some(client), secure, host: HeaderValue::from_str(host).ok() }
    }

    fn said(written: Written) -> (String, String) {
        let text = |value: HeaderValue| value.to_str().unwrap().to_owned();
        (written.client.map(text).unwrap_or_default(), text(written.forwarded))
    }

    #[test]
    fn what_is_kept_is_that_of_the_same_client_host_and_connection() {
        let forwarding = Forwarding::default();
        let four = 0xffff_c000_0207;
        for _ in 0..2 {
            let one = said(forwarding.written(way(four, true, "a")));
            assert_eq!(one.0, "192.0.2.7");
            assert_eq!(one.1, "for=192.0.2.7;host=\"a\";proto=https");
            let plain = said(forwarding.written(way(four, false, "a")));
            assert_eq!(plain.1, "for=192.0.2.7;host=\"a\";proto=http");
            let other = said(forwarding.written(way(four, true, "b")));
            assert_eq!(other.1, "for=192.0.2.7;host=\"b\";proto=https");
            let six = said(forwarding.written(way(1, true, "a")));
            assert_eq!(six, ("::1".to_owned(), "for=\"[::1]\";host=\"a\";proto=https".to_owned()));
            let nobody = Way { client: None, secure: true, host: None };
            let nobody = said(forwarding.written(nobody));
            assert_eq!(nobody, (String::new(), "for=unknown;proto=https".to_owned()));
        }
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let forwarding = Forwarding::default();
        for client in 0..5000 {
            forwarding.written(way(client, true, "a"));
        }
        forwarding.written(way(1, true, &"a".repeat(300)));
        let known = forwarding.0.lock().unwrap();
        assert!(known.len() <= MAX_KNOWN);
        assert!(known.keys().all(|way| way.host.as_ref().is_some_and(|host| host.len() == 1)));
    }
}
