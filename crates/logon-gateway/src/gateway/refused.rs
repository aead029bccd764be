//! The answers that the gateway gives instead of an application.

use super::proxy::ProxyBody;
use crate::refusal::Refusal;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};

impl From<String> for ProxyBody {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl Refusal {
    /// The answer that says so. Why stands in its extensions, for the log.
    pub(crate) fn response(self) -> Response<ProxyBody> {
        let mut response = Response::new(ProxyBody::text(self.text()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if matches!(self, Self::NoUpstream) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(self);
        response
    }
}
