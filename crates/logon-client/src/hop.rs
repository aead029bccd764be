//! A request on its way through redirects, and what is sent of it at each of its hops.

use crate::body::Body;
use crate::error::Error;
use crate::exchange::Message;
use crate::pool::Origin;
use crate::proxy::without_password;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{Method, Uri};
use url::{Position, Url};

/// A request at one of its hops.
pub(crate) struct Hop {
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// The caller named this origin.
    pub(crate) requested: bool,
    /// It came over TLS, or began without: credentials may go.
    pub(crate) trusted: bool,
}

impl Hop {
    /// What is sent, to a proxy that passes it on if it is `forwarded`; with the body, which has to
    /// be given back.
    pub(crate) fn message(
        &mut self,
        forwarded: bool,
        user_agent: &HeaderValue,
    ) -> Result<Message, Error> {
        let target = target(&self.url, forwarded)?;
        let mut headers = self.headers.clone();
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| Error::Url(self.url.to_string()))?;
        headers.insert(HOST, host);
        headers.entry(USER_AGENT).or_insert_with(|| user_agent.clone());
        let body = std::mem::take(&mut self.body);
        Ok(Message { method: self.method.clone(), target, headers, body, expects: true })
    }

    pub(crate) fn origin(&self) -> Result<Origin, Error> {
        match (self.url.host_str(), self.url.port_or_known_default()) {
            (Some(host), Some(port)) => {
                Ok(Origin { secure: self.url.scheme() == "https", host: host.to_owned(), port })
            }
            _ => Err(Error::Url(self.url.to_string())),
        }
    }
}

/// A URL that can be asked for.
pub(crate) fn read(uri: &Uri) -> Result<Url, Error> {
    let text = uri.to_string();
    let url = Url::parse(&text).map_err(|_| Error::Url(without_password(&text)))?;
    let known = matches!(url.scheme(), "http" | "https");
    // Credentials in a URL end up in logs and histories, and are easily meant for somebody else.
    let bare = url.username().is_empty() && url.password().is_none();
    if known && bare && url.host_str().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(Error::Url(without_password(&text)))
    }
}

/// The target of the request line: the whole URL for a proxy ([RFC 9112] §3.2).
///
/// [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
pub(crate) fn target(url: &Url, forwarded: bool) -> Result<Uri, Error> {
    let from = if forwarded { Position::BeforeScheme } else { Position::BeforePath };
    let text = &url[from..Position::AfterQuery];
    text.parse().map_err(|_| Error::Url(url.to_string()))
}

/// The caller's fields, without those that belong to the connection.
pub(crate) fn clean(mut headers: HeaderMap) -> Result<HeaderMap, Error> {
    const OURS: [HeaderName; 5] = [CONNECTION, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE];
    if let Some(name) = OURS.into_iter().find(|name| headers.contains_key(name)) {
        return Err(Error::Field(name));
    }
    // Written anew for each leg.
    for name in [CONTENT_LENGTH, EXPECT, HOST] {
        headers.remove(name);
    }
    Ok(headers)
}
