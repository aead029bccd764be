//! What the application is told of the way its request came: `X-Forwarded-For`, `-Proto`, `-Host`,
//! `Forwarded` ([RFC 7239]) and `Via` ([RFC 9110] §7.6.3).
//!
//! [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3

use super::forward::Passage;
use http::Version;
use http::header::{Entry, FORWARDED, HeaderMap, HeaderName, HeaderValue, VIA};
use std::collections::HashMap;
use std::net::IpAddr;
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

/// The way of a request, as far as `Forwarded` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Way {
    client: Option<IpAddr>,
    secure: bool,
    host: Option<HeaderValue>,
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
        let client = passage.client.map(|client| client.ip());
        let way = Way { client, secure: passage.secure, host: passage.asked.clone() };
        let Written { client, forwarded } = self.written(way);
        let via = HeaderValue::from_static(match version {
            Version::HTTP_10 => "1.0 logon",
            Version::HTTP_2 => "2.0 logon",
            _ => "1.1 logon",
        });
        let lists = [(FOR, client), (FORWARDED, Some(forwarded)), (VIA, Some(via))];
        let proto = HeaderValue::from_static(if passage.secure { "https" } else { "http" });
        let once = [(PROTO, Some(proto)), (HOST, passage.asked.clone())];
        for (name, value) in lists {
            let Some(value) = value else { continue };
            if passage.trusted {
                append(headers, name, value);
            } else {
                headers.insert(name, value);
            }
        }
        for (name, value) in once {
            let Some(value) = value else { continue };
            if !(passage.trusted && headers.contains_key(&name)) {
                headers.insert(name, value);
            }
        }
    }

    fn written(&self, way: Way) -> Written {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = known.get(&way) {
            return written.clone();
        }
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        let written = way.write();
        known.entry(way).or_insert(written).clone()
    }
}

impl Way {
    fn write(&self) -> Written {
        let client = self.client.map(|client| client.to_canonical());
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
