//! Answers that are ours.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use logon_client::Error;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of any answer.
pub(super) type AnswerBody = UnsyncBoxBody<Bytes, BoxError>;

/// A status, and a line that says why, for whoever sits at the program.
pub(super) fn of(status: StatusCode, why: &str) -> Response<AnswerBody> {
    let text = Full::new(Bytes::from(format!("logon forward: {why}\n")));
    let mut response = Response::new(text.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// The tunnel is open.
pub(super) fn opened() -> Response<AnswerBody> {
    Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync())
}

/// There is none from the other side.
pub(super) fn of_error(error: &Error) -> Response<AnswerBody> {
    let status = match error {
        Error::Url(_) | Error::Field(_) => StatusCode::BAD_REQUEST,
        Error::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        // The program is not to ask for a password, which would be of no use.
        Error::Tunnel { status: StatusCode::FORBIDDEN, .. } => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_GATEWAY,
    };
    of(status, &error.to_string())
}
