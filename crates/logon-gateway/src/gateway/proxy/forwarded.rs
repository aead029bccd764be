//! What the application is told of the way its request came: `X-Forwarded-For`, `-Proto`, `-Host`,
//! `Forwarded` ([RFC 7239]) and `Via` ([RFC 9110] §7.6.3).
//!
//! [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3

use super::forward::Passage;
use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue, VIA};
use http::{HeaderMap as Map, Version};

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

/// Adds what this gateway knows. What strangers said is gone already.
pub(super) fn add(
    headers: &mut HeaderMap,
    passage: &Passage,
    version: Version,
    host: Option<&HeaderValue>,
) {
    let proto = HeaderValue::from_static(if passage.secure { "https" } else { "http" });
    let client = passage.client.map(|client| client.ip().to_canonical());
    let mut forwarded = String::with_capacity(96);
    forwarded.push_str("for=");
    match client {
        Some(client) => {
            let text = client.to_string();
            let (before, behind) = if client.is_ipv6() { ("\"[", "]\"") } else { ("", "") };
            forwarded.extend([before, &text, behind]);
            append(headers, FOR, text);
        }
        None => forwarded.push_str("unknown"),
    }
    if let Some(host) = host.and_then(|host| host.to_str().ok())
        && !host.bytes().any(|byte| matches!(byte, b'"' | b'\\'))
    {
        forwarded.extend([";host=\"", host, "\""]);
    }
    forwarded.push_str(if passage.secure { ";proto=https" } else { ";proto=http" });
    append(headers, FORWARDED, forwarded);
    headers.entry(PROTO).or_insert(proto);
    if let Some(host) = host {
        headers.entry(HOST).or_insert_with(|| host.clone());
    }
    let via = match version {
        Version::HTTP_10 => "1.0 logon",
        Version::HTTP_2 => "2.0 logon",
        _ => "1.1 logon",
    };
    if headers.contains_key(VIA) {
        append(headers, VIA, via.to_owned());
    } else {
        headers.insert(VIA, HeaderValue::from_static(via));
    }
}

/// At the end of the list, which is one line then: applications that read one line read them all.
fn append(headers: &mut Map, name: HeaderName, item: String) {
    if !headers.contains_key(&name) {
        // What was written above: always a value.
        if let Ok(value) = HeaderValue::try_from(item) {
            headers.insert(name, value);
        }
        return;
    }
    let mut list = Vec::new();
    for value in headers.get_all(&name) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(item.as_bytes());
    if let Ok(value) = HeaderValue::try_from(list) {
        headers.insert(name, value);
    }
}
