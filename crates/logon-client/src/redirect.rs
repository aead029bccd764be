//! Where an answer sends the client ([RFC 9110] §15.4).
//!
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110#section-15.4

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE,
    HeaderMap, HeaderValue, LOCATION, REFERER,
};
use http::{Method, StatusCode, Uri};
use url::{Position, Url};

/// How many redirects are followed for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirects(pub(crate) usize);

impl Redirects {
    /// None: the redirect is the answer.
    pub const NONE: Self = Self(0);

    /// Up to `max`; one more is an error.
    #[must_use]
    pub const fn up_to(max: usize) -> Self {
        Self(max)
    }
}

impl Default for Redirects {
    fn default() -> Self {
        Self(10)
    }
}

/// The URL that an answer is of: the last one of its redirects. In the extensions of every answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredUrl(pub String);

/// Of what a server says, as much as is shown.
const SHOWN: usize = 100;

/// Where to, if anywhere; `Err` with what is no URL that can be asked for, if need be shortened.
pub(crate) fn target(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Url>, String> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(LOCATION) else { return Ok(None) };
    let text = String::from_utf8_lossy(location.as_bytes()).into_owned();
    let bad = || match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.clone(),
    };
    let mut to = from.join(&text).map_err(|_| bad())?;
    if !matches!(to.scheme(), "http" | "https") || to.host_str().is_none_or(str::is_empty) {
        return Err(bad());
    }
    // Credentials that a server made up are nobody's.
    let cleared = to.set_username("").is_ok() && to.set_password(None).is_ok();
    // Such as one that is too long for a request line.
    if !cleared || to[..Position::AfterQuery].parse::<Uri>().is_err() {
        return Err(bad());
    }
    if to.fragment().is_none() {
        to.set_fragment(from.fragment());
    }
    Ok(Some(to))
}

/// The method of the next request, and whether the body goes along.
pub(crate) fn method(status: StatusCode, method: &Method) -> (Method, bool) {
    match (status.as_u16(), method) {
        (303, &Method::HEAD) => (Method::HEAD, false),
        (303, _) => (Method::GET, false),
        // As every browser has done since before the specification.
        (301 | 302, &Method::POST) => (Method::GET, false),
        _ => (method.clone(), true),
    }
}

/// Takes out what does not go along.
pub(crate) fn clean(headers: &mut HeaderMap, same_origin: bool, with_body: bool) {
    if !with_body {
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION] {
            headers.remove(name);
        }
    }
    if !same_origin {
        for name in [AUTHORIZATION, COOKIE] {
            headers.remove(name);
        }
        // It may have secrets of the other origin in it.
        if headers.get(REFERER).is_some_and(|value: &HeaderValue| !value.is_empty()) {
            headers.remove(REFERER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, method, target};
    use http::header::{HeaderMap, HeaderValue, LOCATION};
    use http::{Method, StatusCode};
    use url::Url;

    fn to(from: &str, location: &str) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        let from = Url::parse(from).unwrap();
        target(&from, StatusCode::FOUND, &headers).map(|url| url.map(|url| url.to_string()))
    }

    #[test]
    fn a_location_is_read_from_where_it_stands() {
        let from = "https://a.example/x/y?q#part";
        for (location, expected) in [
            ("z", "https://a.example/x/z#part"),
            ("/z#other", "https://a.example/z#other"),
            ("//b.example/", "https://b.example/#part"),
            ("http://user:secret@b.example/", "http://b.example/#part"),
        ] {
            assert_eq!(to(from, location), Ok(Some(expected.to_owned())), "{location}");
        }
        for location in ["file:///etc/passwd", "javascript:alert(1)", "http://", "https://[x]/"] {
            assert_eq!(to(from, location), Err(location.to_owned()));
        }
        let long = "x".repeat(70_000);
        assert_eq!(to(from, &long), Err(format!("{}…", &long[..100])));
    }

    #[test]
    fn only_307_and_308_repeat_a_post() {
        for (status, expected) in [
            (301, (Method::GET, false)),
            (302, (Method::GET, false)),
            (303, (Method::GET, false)),
            (307, (Method::POST, true)),
            (308, (Method::POST, true)),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(method(status, &Method::POST), expected, "{status}");
        }
        assert_eq!(method(StatusCode::SEE_OTHER, &Method::HEAD), (Method::HEAD, false));
        assert_eq!(method(StatusCode::FOUND, &Method::PUT), (Method::PUT, true));
    }

    // H-20: Authorization
    #[test]
    fn another_origin_gets_no_secrets_that_the_caller_wrote() {
        let mut headers = HeaderMap::new();
        for name in ["authorization", "cookie", "referer", "accept"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        let mut same = headers.clone();
        clean(&mut same, true, true);
        assert_eq!(same, headers);
        clean(&mut headers, false, true);
        assert_eq!(headers.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }
}
