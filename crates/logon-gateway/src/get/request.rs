//! The request that the command line describes.

use super::body;
use crate::cli::GetOptions;
use crate::failure::Failure;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Uri};
use logon_client::Body;
use url::Url;

/// Fields that this command writes itself, or that a connection must not have here.
const OURS: [HeaderName; 8] =
    [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE];

/// The request, with its body ready to be read.
pub(super) fn of(options: &GetOptions) -> Result<Request<Body>, Failure> {
    let body = match &options.data {
        Some(data) => body::of(data)?,
        None => Body::empty(),
    };
    let mut request = Request::new(body);
    *request.uri_mut() = uri(&options.url)?;
    *request.method_mut() = method(options)?;
    let headers = request.headers_mut();
    for text in &options.headers {
        let (name, value) = field(text)?;
        headers.append(name, value);
    }
    if options.data.is_some() && !headers.contains_key(CONTENT_TYPE) {
        // As curl does, for what is taken over from there.
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
    }
    Ok(request)
}

/// As browsers read it: blanks and letters of other scripts are encoded.
fn uri(text: &str) -> Result<Uri, Failure> {
    let bad = |why: &str| Failure::usage(format!("{why}: write http://host/path or https://…"));
    let url = Url::parse(text).map_err(|error| bad(&format!("{text:?} is no URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(&format!("{text:?} is neither of http nor of https")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let text = "a URL with credentials ends up in logs: use -u NAME and --password-file";
        return Err(Failure::usage(text));
    }
    url.as_str().parse().map_err(|error| bad(&format!("{text:?} cannot be sent ({error})")))
}

fn method(options: &GetOptions) -> Result<Method, Failure> {
    let Some(name) = &options.method else {
        return Ok(if options.data.is_some() { Method::POST } else { Method::GET });
    };
    match Method::from_bytes(name.as_bytes()) {
        Ok(Method::CONNECT) | Err(_) => {
            Err(Failure::usage(format!("--request {name:?} is no method that can be sent here")))
        }
        Ok(method) => Ok(method),
    }
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    // Not the text: its value may be a secret, and the colon what is missing.
    let bad = |why: &str| Failure::usage(format!("--header: {why}; write 'Name: value'"));
    let (name, value) = text.split_once(':').ok_or_else(|| bad("there is no colon"))?;
    let shown = name;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| bad(&format!("{shown:?} is no name of a field")))?;
    if OURS.contains(&name) {
        return Err(Failure::usage(format!("--header: the command writes {name} itself")));
    }
    let mut value = HeaderValue::from_bytes(value.trim().as_bytes())
        .map_err(|_| bad(&format!("the value of {name} has characters that no field may have")))?;
    // It may be a secret, and stays out of traces.
    value.set_sensitive(true);
    Ok((name, value))
}
