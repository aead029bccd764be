//! The head of a request as the application gets it: without what concerns the client's
//! connection only ([RFC 9110] §7.6.1) and what strangers must not say, with what the gateway
//! knows. And the head of an answer as the client gets it.
//!
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1

use super::failure::Failure;
use super::forward::{Passage, Removed};
use super::forwarded::{self, Forwarding};
use super::seen::{Seen, is_hop_by_hop};
use crate::refusal::Refusal;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, StatusCode, Uri, Version};
use http_body::Body;

/// What the gateway adds to a request, and what has to be written for the connection that it goes
/// out on.
#[derive(Debug)]
pub(super) struct Plan {
    /// The client's host, if the application is to be told it.
    host: Option<HeaderValue>,
    /// What the client wants to speak from now on.
    pub(super) upgrade: Option<HeaderValue>,
    /// The client understands trailers.
    te_trailers: bool,
    /// There is a body of unknown length, or one with trailers.
    chunked: bool,
    /// The client waits to be told that its body is wanted.
    pub(super) expects: bool,
    /// It may be sent twice: it changes nothing the second time, and there is no body.
    pub(super) repeatable: bool,
    /// The client's.
    version: Version,
    passage: Passage,
}

/// How the application is to be addressed over a connection.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) host: HeaderValue,
}

/// Takes out of the head of a client's request what is not passed on. The rest is the plan's.
pub(super) fn prepare(
    parts: &mut Parts,
    body: &impl Body,
    passage: Passage,
    preserve_host: bool,
) -> Result<Plan, Failure> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(Failure::of_client(Refusal::Method, parts.method.as_str()));
    }
    let strange = |name: &HeaderName| is_strange(name, &*passage.removed, passage.trusted);
    let seen = Seen::of(&parts.headers, strange);
    let chunked = frame(parts, body, &seen)?;
    let empty = body.is_end_stream();
    let headers = &mut parts.headers;
    let te_trailers = seen.te && has_token(headers, &TE, "trailers");
    let upgrade = if seen.upgrade { upgrade(headers, parts.version, empty) } else { None };

    seen.remove(headers);
    let expects = seen.expect && expects(headers, parts.version, empty);
    Ok(Plan {
        host: passage.asked.clone().filter(|_| preserve_host),
        upgrade,
        te_trailers,
        chunked,
        expects,
        repeatable: empty && parts.method.is_idempotent(),
        version: parts.version,
        passage,
    })
}

impl Plan {
    /// Adds what the gateway knows. To be done once.
    pub(super) fn tell(&self, headers: &mut HeaderMap, forwarding: &Forwarding) {
        let passage = &self.passage;
        // Grown once.
        headers.reserve(passage.set.len().saturating_add(forwarded::FIELDS));
        forwarding.add(headers, passage, self.version);
        for (name, value) in passage.set.iter() {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Writes what is of this connection. May be done again for another one.
    pub(super) fn write<B>(
        &self,
        request: &mut http::Request<B>,
        address: &Address,
        is_http2: bool,
    ) {
        let host = self.host.as_ref().unwrap_or(&address.host);
        if is_http2 {
            *request.uri_mut() = absolute(request.uri(), address, host);
            *request.version_mut() = Version::HTTP_2;
        } else {
            if request.uri().authority().is_some() {
                *request.uri_mut() = Uri::from(path(request.uri()));
            }
            *request.version_mut() = Version::HTTP_11;
        }
        let headers = request.headers_mut();
        if self.te_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if is_http2 {
            headers.remove(TRANSFER_ENCODING);
            headers.remove(HOST);
            headers.remove(CONNECTION);
            return;
        }
        if !is_only(headers, &HOST, host) {
            headers.insert(HOST, host.clone());
        }
        if self.chunked {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            headers.remove(CONTENT_LENGTH);
        }
        let connection = match (&self.upgrade, self.te_trailers) {
            (Some(_), true) => "upgrade, te",
            (Some(_), false) => "upgrade",
            (None, true) => "te",
            (None, false) => return,
        };
        headers.insert(CONNECTION, HeaderValue::from_static(connection));
        if let Some(upgrade) = &self.upgrade {
            headers.insert(UPGRADE, upgrade.clone());
        }
    }
}

/// The target as HTTP/2 has it; the old one if it cannot be written so.
fn absolute(uri: &Uri, address: &Address, host: &HeaderValue) -> Uri {
    let authority = Authority::try_from(host.as_bytes());
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(address.scheme.clone());
    parts.authority = Some(authority.unwrap_or_else(|_| address.authority.clone()));
    parts.path_and_query = Some(path(uri));
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn path(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// Sees to it that the length is said once, by the body itself. True if it has to be chunked.
fn frame(parts: &mut Parts, body: &impl Body, seen: &Seen) -> Result<bool, Failure> {
    let headers = &mut parts.headers;
    let stated = content_length(headers, seen)
        .map_err(|()| Failure::of_client(Refusal::Framing, "no usable Content-Length"))?;
    let stated = stated.map(|stated| stated.length);
    let coded = seen.transfer_encoding;
    if coded && !is_chunked(headers) {
        return Err(Failure::of_client(Refusal::Coding, "a transfer coding besides chunked"));
    }
    if coded && stated.is_some() {
        let reason = "both Content-Length and Transfer-Encoding";
        return Err(Failure::of_client(Refusal::Framing, reason));
    }
    let exact = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
    match (exact, stated) {
        (Some(exact), Some(stated)) if exact != stated => {
            Err(Failure::of_client(Refusal::Framing, "Content-Length and body differ"))
        }
        (Some(exact), stated) => {
            let usual = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
            if exact != 0 || usual || stated.is_some() {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(exact));
            }
            // Trailers need chunks.
            Ok(exact != 0 && seen.trailer)
        }
        (None, _) => {
            headers.remove(CONTENT_LENGTH);
            Ok(true)
        }
    }
}

/// Whether the one transfer coding is `chunked`.
fn is_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(is_chunked) && codings.next().is_none()
}

/// What a head says of the length of its body.
struct Stated {
    length: u64,
    /// It says so once, without more zeros than it takes.
    plainly: bool,
}

/// The one number that all `Content-Length` say.
fn content_length(headers: &HeaderMap, seen: &Seen) -> Result<Option<Stated>, ()> {
    let mut stated: Option<Stated> = None;
    if !seen.content_length {
        return Ok(None);
    }
    for value in headers.get_all(CONTENT_LENGTH) {
        let text = value.to_str().map_err(drop)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(());
        }
        let length: u64 = text.parse().map_err(drop)?;
        if stated.as_ref().is_some_and(|stated| stated.length != length) {
            return Err(());
        }
        let plainly = stated.is_none() && (length == 0 || !text.starts_with('0'));
        stated = Some(Stated { length, plainly });
    }
    Ok(stated)
}

/// What the client wants to speak, if the application may be asked. Other versions of HTTP are
/// not among it: what is sent in them would reach the application unseen.
fn upgrade(headers: &HeaderMap, version: Version, empty: bool) -> Option<HeaderValue> {
    if version != Version::HTTP_11 || !empty || !has_token(headers, &CONNECTION, "upgrade") {
        return None;
    }
    let mut lines = headers.get_all(UPGRADE).iter();
    let (first, more) = (lines.next()?, lines.next());
    let text = first.to_str().ok()?;
    let harmless = |token: &str| {
        let name = token.split('/').next().unwrap_or_default().trim().to_ascii_lowercase();
        !name.is_empty() && !matches!(name.as_str(), "h2c" | "h2" | "h3" | "http" | "tls")
    };
    (more.is_none() && text.split(',').all(|token| harmless(token.trim()))).then(|| first.clone())
}

/// Whether the client waits for a 100. Nothing to wait for, or nobody who understands: no.
fn expects(headers: &mut HeaderMap, version: Version, empty: bool) -> bool {
    let expects = version >= Version::HTTP_11
        && !empty
        && headers
            .get_all(EXPECT)
            .iter()
            .any(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !expects {
        headers.remove(EXPECT);
    }
    expects
}

fn is_only(headers: &HeaderMap, name: &HeaderName, value: &HeaderValue) -> bool {
    let mut values = headers.get_all(name).iter();
    values.next() == Some(value) && values.next().is_none()
}

/// Whether a list has a token. Parameters after `;` do not count.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b',').any(|item| {
            let item = item.split(|byte| *byte == b';').next().unwrap_or_default();
            item.trim_ascii().eq_ignore_ascii_case(token.as_bytes())
        })
    })
}

/// Whether a field is one that only the gateway, or a trusted proxy before it, may say.
fn is_strange(name: &HeaderName, removed: &dyn Removed, trusted: bool) -> bool {
    let text = name.as_str();
    removed.removes(text)
        || (!trusted && name == VIA)
        || (forwarded::is_forwarding(text) && !(trusted && forwarded::is_spelled_with_dashes(text)))
}

/// Fields that must not come after the body ([RFC 9110] §6.5.1), and what strangers must not say.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
pub(super) fn clean_trailers(trailers: &mut HeaderMap, removed: Option<(&dyn Removed, bool)>) {
    let bad: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| {
            let framing = matches!(**name, CONTENT_LENGTH | HOST | EXPECT | TRAILER);
            framing
                || is_hop_by_hop(name)
                || removed.is_some_and(|(removed, trusted)| is_strange(name, removed, trusted))
        })
        .cloned()
        .collect();
    for name in bad {
        trailers.remove(name);
    }
}

/// Edits the head of an answer. `exact` is how long its body is, as far as that is known.
pub(super) fn answer(
    head: &mut http::response::Parts,
    exact: Option<u64>,
    to_head: bool,
) -> Result<(), &'static str> {
    let headers = &mut head.headers;
    let seen = Seen::of(headers, |_| false);
    if seen.transfer_encoding {
        if !is_chunked(headers) {
            return Err("it has a transfer coding that was not asked for");
        }
        if seen.content_length {
            return Err("it has both Content-Length and Transfer-Encoding");
        }
    }
    let switched = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = (switched || head.status == StatusCode::UPGRADE_REQUIRED)
        .then(|| headers.get(UPGRADE).cloned())
        .flatten();
    seen.remove(headers);
    let bodiless = to_head || head.status == StatusCode::NOT_MODIFIED;
    let stated = content_length(headers, &seen).map_err(|()| "its Content-Length is of no use")?;
    if let Some(Stated { length, plainly }) = stated {
        let may = !switched && head.status != StatusCode::NO_CONTENT;
        if !(may && (bodiless || exact == Some(length))) {
            headers.remove(CONTENT_LENGTH);
        } else if !plainly {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
    }
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade);
    }
    // The version of the connection to the application is not that of the client's.
    head.version = Version::HTTP_11;
    Ok(())
}
