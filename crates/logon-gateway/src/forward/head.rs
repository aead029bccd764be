//! What of a head is passed on: nothing of a connection, and nothing that logs on by one.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE,
};
use logon::http::Scheme;
use url::{Position, Url};

/// Fields of a connection ([RFC 9110] §7.6.1), and those of the logon that is ours.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
const HOP_BY_HOP: [HeaderName; 7] =
    [PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, CONNECTION];

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let mut named = Vec::new();
    for value in headers.get_all(CONNECTION) {
        let items = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        named.extend(items.filter_map(|name| HeaderName::from_bytes(name).ok()));
    }
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "http2-settings"] {
        headers.remove(name);
    }
}

/// Of a request. `ours` if it is we who log on to the server.
pub(super) fn request(headers: &mut HeaderMap, ours: bool) {
    remove_hop_by_hop(headers);
    for name in [CONTENT_LENGTH, EXPECT, HOST] {
        headers.remove(name);
    }
    // Connections are shared: what logs on by connection would log on others.
    let by_connection = headers.get_all(AUTHORIZATION).iter().any(logs_on_by_connection);
    if ours || by_connection {
        headers.remove(AUTHORIZATION);
    }
}

/// Of an answer to a request that was for `host` here.
pub(super) fn answer(headers: &mut HeaderMap, origin: Option<(&Url, &HeaderValue)>) {
    remove_hop_by_hop(headers);
    for name in ["persistent-auth", "proxy-support"] {
        headers.remove(name);
    }
    let challenges: Vec<_> = headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect();
    headers.remove(WWW_AUTHENTICATE);
    for challenge in challenges {
        if let Some(rest) = without_connection_schemes(&challenge) {
            headers.append(WWW_AUTHENTICATE, rest);
        }
    }
    if let Some((origin, host)) = origin
        && let Some(to) = headers.get(LOCATION).and_then(|to| location(to, origin, host))
    {
        headers.insert(LOCATION, to);
    }
}

fn logs_on_by_connection(credentials: &HeaderValue) -> bool {
    let name = credentials.as_bytes().trim_ascii().split(u8::is_ascii_whitespace).next();
    name.and_then(Scheme::from_name).is_some_and(Scheme::is_per_connection)
}

/// The challenges of a line but for `Negotiate` and `NTLM`.
fn without_connection_schemes(line: &HeaderValue) -> Option<HeaderValue> {
    let items = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let by_connection = |item: &&[u8]| {
        let name = item.split(u8::is_ascii_whitespace).next();
        name.and_then(Scheme::from_name).is_some_and(Scheme::is_per_connection)
    };
    let kept: Vec<_> = items.filter(|item| !item.is_empty() && !by_connection(item)).collect();
    HeaderValue::from_bytes(&kept.join(&b", "[..])).ok().filter(|line| !line.is_empty())
}

/// A redirect within the server leads here again.
fn location(to: &HeaderValue, origin: &Url, host: &HeaderValue) -> Option<HeaderValue> {
    let to = Url::parse(to.to_str().ok()?).ok()?;
    if to.origin() != origin.origin() {
        return None;
    }
    let rest = &to[Position::BeforePath..];
    HeaderValue::from_str(&format!("http://{}{rest}", host.to_str().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::{answer, request};
    use http::header::{HeaderMap, HeaderName, HeaderValue};
    use url::Url;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn what_is_of_a_connection_stays_there() {
        let mut headers = map(&[
            ("connection", "keep-alive, x-own"),
            ("x-own", "1"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic eA=="),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("host", "a"),
            ("accept", "*/*"),
            ("authorization", "Basic eA=="),
        ]);
        request(&mut headers, false);
        assert_eq!(headers, map(&[("accept", "*/*"), ("authorization", "Basic eA==")]));
        request(&mut headers, true);
        assert_eq!(headers, map(&[("accept", "*/*")]));
    }

    #[test]
    fn what_logs_on_by_connection_passes_in_neither_direction() {
        for credentials in ["NTLM TlRM", "negotiate YII=", "Negotiate"] {
            let mut headers = map(&[("authorization", credentials)]);
            request(&mut headers, false);
            assert!(headers.is_empty(), "{credentials}");
        }
        let challenges = "Negotiate, NTLM TlRM, Basic realm=\"a, b\", Digest realm=\"c\"";
        let mut headers = map(&[("www-authenticate", challenges), ("www-authenticate", "NTLM")]);
        answer(&mut headers, None);
        let rest = "Basic realm=\"a, b\", Digest realm=\"c\"";
        assert_eq!(headers, map(&[("www-authenticate", rest)]));
    }

    #[test]
    fn a_redirect_within_the_server_leads_here() {
        let origin = Url::parse("https://web.corp.example").unwrap();
        let host = HeaderValue::from_static("127.0.0.1:8000");
        for (to, expected) in [
            ("https://web.corp.example/a?b#c", "http://127.0.0.1:8000/a?b#c"),
            ("/a", "/a"),
            ("https://other.example/a", "https://other.example/a"),
            ("http://web.corp.example/a", "http://web.corp.example/a"),
        ] {
            let mut headers = map(&[("location", to)]);
            answer(&mut headers, Some((&origin, &host)));
            assert_eq!(headers, map(&[("location", expected)]));
        }
    }
}
