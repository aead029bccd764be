//! The head of a request as the application gets it: without what concerns the client's
//! connection only ([RFC 9110] §7.6.1) and what strangers must not say, with what the gateway
//! knows. And the head of an answer as the client gets it.
//!
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1

use super::failure::Failure;
use super::forward::{Passage, Removed};
use super::forwarded;
use crate::refusal::Refusal;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, StatusCode, Uri, Version};
use http_body::Body;

/// Of a connection, never of a request. `Connection` names more.
static HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
];

/// What depends on the connection that the request goes out on, and has to be written for it.
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
}

/// How the application is to be addressed over a connection.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) host: HeaderValue,
}

/// Edits the head of a client's request, except for what [`Plan::write`] does.
pub(super) fn prepare(
    parts: &mut Parts,
    body: &impl Body,
    passage: Passage,
    preserve_host: bool,
) -> Result<Plan, Failure> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(Failure::of_client(Refusal::Method, parts.method.as_str()));
    }
    let chunked = frame(parts, body)?;
    let empty = body.is_end_stream();
    let headers = &mut parts.headers;
    let te_trailers = has_token(headers, &TE, "trailers");
    let upgrade = upgrade(headers, parts.version, empty);

    remove_hop_by_hop(headers);
    remove_strangers(headers, passage.removed.as_ref(), passage.trusted);
    let expects = expects(headers, parts.version, empty);
    let asked = asked_host(headers, &passage);
    forwarded::add(headers, &passage, parts.version, asked.as_ref());
    headers.extend(passage.set.into_iter().map(|(name, value)| (Some(name), value)));
    Ok(Plan {
        host: asked.filter(|_| preserve_host),
        upgrade,
        te_trailers,
        chunked,
        expects,
        repeatable: empty && parts.method.is_idempotent(),
    })
}

impl Plan {
    /// Writes what is of this connection. May be done again for another one.
    pub(super) fn write(&self, parts: Head<'_>, address: &Address, is_http2: bool) {
        let Head { uri, version, headers } = parts;
        headers.remove(TRANSFER_ENCODING);
        if self.te_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        let host = self.host.as_ref().unwrap_or(&address.host);
        if is_http2 {
            *version = Version::HTTP_2;
            headers.remove(HOST);
            headers.remove(CONNECTION);
            let authority = Authority::try_from(host.as_bytes());
            let path = path(uri);
            let mut parts = http::uri::Parts::default();
            parts.scheme = Some(address.scheme.clone());
            parts.authority = Some(authority.unwrap_or_else(|_| address.authority.clone()));
            parts.path_and_query = Some(path);
            if let Ok(written) = Uri::from_parts(parts) {
                *uri = written;
            }
            return;
        }
        *version = Version::HTTP_11;
        if uri.authority().is_some() {
            *uri = Uri::from(path(uri));
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

/// The parts of a request's head that [`Plan::write`] writes.
pub(super) struct Head<'a> {
    uri: &'a mut Uri,
    version: &'a mut Version,
    headers: &'a mut HeaderMap,
}

/// Writes the plan into a request.
pub(super) fn write<B>(
    plan: &Plan,
    request: &mut http::Request<B>,
    address: &Address,
    is_http2: bool,
) {
    let mut uri = std::mem::take(request.uri_mut());
    let mut version = request.version();
    let head = Head { uri: &mut uri, version: &mut version, headers: request.headers_mut() };
    plan.write(head, address, is_http2);
    *request.uri_mut() = uri;
    *request.version_mut() = version;
}

fn path(uri: &Uri) -> PathAndQuery {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// Sees to it that the length is said once, by the body itself. True if it has to be chunked.
fn frame(parts: &mut Parts, body: &impl Body) -> Result<bool, Failure> {
    let headers = &mut parts.headers;
    let stated = content_length(headers)
        .map_err(|()| Failure::of_client(Refusal::Framing, "no usable Content-Length"))?;
    let codings = headers.get_all(TRANSFER_ENCODING);
    let mut coded = false;
    for coding in codings {
        if coded || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Failure::of_client(Refusal::Coding, "a transfer coding besides chunked"));
        }
        coded = true;
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
            Ok(exact != 0 && headers.contains_key(TRAILER))
        }
        (None, _) => {
            headers.remove(CONTENT_LENGTH);
            Ok(true)
        }
    }
}

/// The one number that all `Content-Length` say.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ()> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let text = value.to_str().map_err(drop)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(());
        }
        let said: u64 = text.parse().map_err(drop)?;
        if length.is_some_and(|length| length != said) {
            return Err(());
        }
        length = Some(said);
    }
    Ok(length)
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
    if !headers.contains_key(EXPECT) {
        return false;
    }
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

fn asked_host(headers: &HeaderMap, passage: &Passage) -> Option<HeaderValue> {
    let authority = passage.authority.as_deref()?;
    match headers.get(HOST) {
        // Shares the bytes.
        Some(host) if host.as_bytes() == authority.as_bytes() => Some(host.clone()),
        _ => HeaderValue::from_str(authority).ok(),
    }
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

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let ordinary = |value: &HeaderValue| {
            let value = value.as_bytes();
            value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
        };
        let lists: Vec<HeaderValue> =
            headers.get_all(CONNECTION).iter().filter(|value| !ordinary(value)).cloned().collect();
        for name in lists.iter().flat_map(|list| list.as_bytes().split(|byte| *byte == b',')) {
            // How long the message is, is not for the connection to say.
            if let Ok(name) = HeaderName::from_bytes(name.trim_ascii())
                && name != CONTENT_LENGTH
            {
                headers.remove(name);
            }
        }
    }
    // Most heads have none of them, or one.
    if headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        for name in &HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

/// Removes what only the gateway, or a trusted proxy before it, may say.
fn remove_strangers(headers: &mut HeaderMap, removed: &dyn Removed, trusted: bool) {
    let strange: Vec<HeaderName> =
        headers.keys().filter(|name| is_strange(name, removed, trusted)).cloned().collect();
    for name in strange {
        headers.remove(name);
    }
}

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
                || HOP_BY_HOP.contains(name)
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
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err("it has a transfer coding that was not asked for");
        }
        if headers.contains_key(CONTENT_LENGTH) {
            return Err("it has both Content-Length and Transfer-Encoding");
        }
    }
    let switched = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = (switched || head.status == StatusCode::UPGRADE_REQUIRED)
        .then(|| headers.get(UPGRADE).cloned())
        .flatten();
    remove_hop_by_hop(headers);
    let bodiless = to_head || head.status == StatusCode::NOT_MODIFIED;
    match content_length(headers).map_err(|()| "its Content-Length is of no use")? {
        None => {}
        Some(_) if switched || head.status == StatusCode::NO_CONTENT => {
            headers.remove(CONTENT_LENGTH);
        }
        // Says it once.
        Some(said) if bodiless || exact == Some(said) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(said));
        }
        Some(_) => {
            headers.remove(CONTENT_LENGTH);
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
