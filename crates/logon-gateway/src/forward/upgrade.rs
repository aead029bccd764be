//! `WebSocket` connections to `http://` servers: in a tunnel, as [RFC 6455] §4.1 has it of every
//! client that knows of its proxy. The client that requests are sent by otherwise keeps its
//! connections to itself.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455#section-4.1

use super::answer::{self, AnswerBody};
use super::round::Pseudonym;
use super::{head, tunnel};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use logon_client::{Client, Tunnel};
use logon_hyper::RequestBody;
use std::time::Duration;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a request asks for one. What else may be asked for, such as HTTP/2, nobody has to grant.
pub(super) fn is_wanted<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && is_named(request.headers())
}

fn is_named(headers: &HeaderMap) -> bool {
    let has = |name, wanted: &[u8]| {
        headers.get_all(name).iter().any(|value| {
            let mut items = value.as_bytes().split(|byte| *byte == b',');
            items.any(|item| item.trim_ascii().eq_ignore_ascii_case(wanted))
        })
    };
    has(CONNECTION, b"upgrade") && has(UPGRADE, b"websocket")
}

/// Asks the server itself, and leaves the connection to both if it agrees.
pub(super) async fn pass(
    client: &Client,
    limit: Option<Duration>,
    pseudonym: &Pseudonym,
    mut request: Request<RequestBody>,
) -> Response<AnswerBody> {
    let uri = request.uri();
    let Some(host) = uri.host() else {
        return answer::of(StatusCode::BAD_REQUEST, "the URL has no host");
    };
    let (port, shown) = (uri.port_u16().unwrap_or(80), format!("ws://{host}{}", uri.path()));
    let tunnel = match client.connect_tunnel(host, port).await {
        Ok(tunnel) => tunnel,
        Err(error) => {
            tracing::warn!("{shown}: no tunnel to {host}:{port}: {error}");
            return answer::of_error(&error);
        }
    };
    let program = hyper::upgrade::on(&mut request);
    let Some(asked) = asked(&request, pseudonym) else {
        return answer::of(StatusCode::BAD_REQUEST, "the URL cannot be sent");
    };
    let asking = ask(tunnel, asked);
    let asked = match limit {
        None => asking.await,
        Some(limit) => match tokio::time::timeout(limit, asking).await {
            Ok(asked) => asked,
            Err(_) => {
                tracing::warn!("{shown}: no answer within {limit:?}");
                return answer::of(StatusCode::GATEWAY_TIMEOUT, "no answer in time");
            }
        },
    };
    let mut response = match asked {
        Ok(response) => response,
        Err(error) => {
            tracing::warn!("{shown}: {error}");
            return answer::of(StatusCode::BAD_GATEWAY, &error.to_string());
        }
    };
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switched && !is_named(response.headers()) {
        tracing::warn!("{shown}: the server changes to a protocol that nobody asked for");
        let why = "the server changes to a protocol that nobody asked for";
        return answer::of(StatusCode::BAD_GATEWAY, why);
    }
    tracing::debug!("{shown}: {}", response.status());
    if switched {
        let server = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let joined = match server.await {
                Ok(server) => tunnel::join(program, TokioIo::new(server)).await,
                Err(error) => Err(std::io::Error::other(error)),
            };
            if let Err(error) = joined {
                tracing::debug!("a WebSocket ended: {error}");
            }
        });
    }
    let version = response.version();
    let headers = response.headers_mut();
    head::answer(headers, None);
    pseudonym.sign(headers, version);
    if switched {
        name(headers);
    }
    response.map(|body| body.map_err(Into::into).boxed_unsync())
}

/// The request as the server gets it.
fn asked(
    request: &Request<RequestBody>,
    pseudonym: &Pseudonym,
) -> Option<Request<Empty<bytes::Bytes>>> {
    let uri = request.uri();
    let mut asked = Request::new(Empty::new());
    *asked.uri_mut() = uri.path_and_query().map_or(Uri::default(), |path| path.clone().into());
    *asked.headers_mut() = request.headers().clone();
    let headers = asked.headers_mut();
    head::request(headers, false);
    pseudonym.sign(headers, request.version());
    // Without what somebody may have put before the `@`.
    let host = uri.authority()?.as_str().rsplit('@').next()?;
    headers.insert(HOST, HeaderValue::from_str(host).ok()?);
    name(headers);
    Some(asked)
}

fn name(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

async fn ask(
    tunnel: Tunnel,
    request: Request<Empty<bytes::Bytes>>,
) -> Result<Response<Incoming>, hyper::Error> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tunnel)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!("the connection of a WebSocket ended: {error}");
        }
    });
    sender.send_request(request).await
}
