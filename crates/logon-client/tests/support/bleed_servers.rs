//! Servers and proxies that say whom they take their clients for, and fail when they are asked to.

use super::bleed_log::{Log, Meant, Shown};
use super::support::{Certificate, users};
use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use logon::http::{Authentication, BasicConfig, ConnectionConfig, Scheme, Scope, ThrottleConfig};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::{RequestBody, Server};
use logon_tower::{Connection, Gate, Immediate, LogonLayer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::{Layer, Service, ServiceExt, service_fn};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a site asks for.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) required: bool,
    pub(crate) persistent: bool,
    pub(crate) secure: bool,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

async fn run<S>(service: S, tls: Option<&Certificate>) -> Running
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::new(service);
    if let Some(certificate) = tls {
        server = server.tls(certificate.tls().http2());
    }
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(server.serve(listener, async move {
        let _ = stopped.await;
    }));
    Running { address, _stop: stop }
}

fn config(name: &str) -> ConnectionConfig {
    let acceptor = AcceptorConfig::with_os(ServerNames::new(name, "CORP"));
    ConnectionConfig::new(Arc::new(acceptor))
}

fn connection(request: &Request<RequestBody>) -> u64 {
    request.extensions().get::<Connection>().unwrap().id()
}

/// A server. Its paths are `/number/whom it means/what to do`, with a query that says where a
/// redirect leads.
pub(crate) async fn site(kind: &Kind, certificate: &Certificate, log: Arc<Log>) -> Running {
    let mut config = config("WEB01");
    config.basic = Some(BasicConfig::new("no bleed").unwrap());
    config.persistent = kind.persistent;
    let gate = Gate::new(config, Immediate(users())).throttle(None::<ThrottleConfig>);
    let scope = match kind.required {
        true => Scope::required(&kind.schemes),
        false => Scope::optional(&kind.schemes),
    };
    let (looking, schemes) = (Arc::clone(&log), kind.schemes.clone());
    let app = service_fn(move |mut request: Request<RequestBody>| {
        let answer = answer(&request, &log, &schemes);
        async move {
            // Who answers earlier resets the connection, and the answer with it.
            let _ = request.body_mut().collect().await;
            Ok::<_, Infallible>(answer)
        }
    });
    let guarded = LogonLayer::of(gate).scope(scope).layer(app);
    let schemes = kind.schemes.clone();
    let service = service_fn(move |request| {
        let (log, guarded, schemes) = (Arc::clone(&looking), guarded.clone(), schemes.clone());
        async move { look(request, &log, guarded, &schemes).await }
    });
    run(service, kind.secure.then_some(certificate)).await
}

/// Before anybody is asked who they are.
async fn look<S>(
    request: Request<RequestBody>,
    log: &Log,
    guarded: S,
    schemes: &[Scheme],
) -> Result<Response<Body>, BoxError>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>,
{
    let path = request.uri().path().to_owned();
    let shown = Shown::read(request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes));
    log.request(&path, connection(&request), &meant(&path), &shown);
    if request.version() == Version::HTTP_2 {
        log.state().tally.add("requests over HTTP/2", 1);
    }
    if request.headers().contains_key("proxy-authorization") {
        log.state().violations.push(format!("{path}: credentials for a proxy"));
    }
    let (cut, again) = match (action(&path), &shown) {
        ("cut", _) | ("cut-begin", Shown::Begin) | ("cut-proof", Shown::Name(_)) => (true, false),
        ("again-begin", Shown::Begin) | ("again-proof", Shown::Name(_)) => (false, true),
        _ => (false, false),
    };
    if cut && log.once(&path) {
        return Err("closed before the answer".into());
    }
    if again && log.once(&path) {
        return Ok(refusal(schemes));
    }
    let cut = action(&path) == "cut-answer" && log.once(&path);
    let response = guarded.oneshot(request).await?;
    if cut { Err("closed after it was done".into()) } else { Ok(response) }
}

fn meant(path: &str) -> Meant {
    Meant(path.split('/').nth(2).unwrap().to_owned())
}

fn action(path: &str) -> &str {
    path.split('/').nth(3).unwrap()
}

fn refusal(schemes: &[Scheme]) -> Response<Body> {
    let mut response = Response::new(Body::from("no"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    for scheme in schemes {
        let value = match scheme {
            Scheme::Basic => "Basic realm=\"no bleed\"",
            scheme => scheme.name(),
        };
        response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
    }
    response
}

/// The application.
fn answer(request: &Request<RequestBody>, log: &Log, schemes: &[Scheme]) -> Response<Body> {
    let path = request.uri().path();
    let seen = request.extensions().get::<Authentication>().unwrap();
    let user = seen.identity().map(ToString::to_string);
    let user = user.map_or_else(|| "-".to_owned(), |user| user.replace(r"CORP\", ""));
    log.proven(path, &meant(path), &user);
    let mut response = Response::new(Body::from("short"));
    match action(path) {
        "large" => *response.body_mut() = Body::from(vec![b'x'; 300_000]),
        "broken" => *response.body_mut() = Body::new(Broken(false)),
        "release" => request.extensions().get::<Connection>().unwrap().release(),
        "close" => {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        "refuse" if log.once(path) => response = refusal(schemes),
        "ask-other" => {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        "ask-nothing" => *response.status_mut() = StatusCode::UNAUTHORIZED,
        "go302" | "go307" => {
            let status = if action(path) == "go302" { 302 } else { 307 };
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let to = HeaderValue::from_str(request.uri().query().unwrap()).unwrap();
            response.headers_mut().insert(LOCATION, to);
        }
        _ => {}
    }
    let headers = response.headers_mut();
    headers.insert("x-user", HeaderValue::from_str(&user).unwrap());
    headers.insert("x-path", HeaderValue::from_str(path).unwrap());
    response
}

/// A body that ends too early.
struct Broken(bool);

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.0 {
            return Poll::Ready(Some(Err("closed in the body".into())));
        }
        self.0 = true;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun")))))
    }
}

/// By connection of a client, where it leads: never anywhere else, and never for another client.
type Upstreams = Arc<tokio::sync::Mutex<HashMap<(u64, String), SendRequest<RequestBody>>>>;

/// A proxy that passes requests on. Whom it should take its client for stands in `x-proxy`.
pub(crate) async fn proxy(schemes: &[Scheme], log: Arc<Log>) -> Running {
    let gate = Gate::new(config("PROXY").as_proxy(), Immediate(users()));
    let gate = gate.throttle(None::<ThrottleConfig>);
    let scope = if schemes.is_empty() { Scope::off() } else { Scope::required(schemes) };
    let upstreams = Upstreams::default();
    let app = service_fn(move |request| pass(request, Arc::clone(&upstreams)));
    let guarded = LogonLayer::of(gate).scope(scope).layer(app);
    let service = service_fn(move |request: Request<RequestBody>| {
        let meant = request.headers()["x-proxy"].to_str().unwrap().to_owned();
        let shown = request.headers().get("proxy-authorization").map(HeaderValue::as_bytes);
        log.request("proxy", connection(&request), &Meant(meant), &Shown::read(shown));
        guarded.clone().oneshot(request)
    });
    run(service, None).await
}

async fn pass(
    mut request: Request<RequestBody>,
    upstreams: Upstreams,
) -> Result<Response<Body>, BoxError> {
    let authority = request.uri().authority().unwrap().to_string();
    let key = (connection(&request), authority.clone());
    let kept = upstreams.lock().await.remove(&key).filter(|sender| !sender.is_closed());
    let mut sender = match kept {
        Some(sender) => sender,
        None => {
            let server = TcpStream::connect(authority).await?;
            let (sender, connection) = handshake(TokioIo::new(server)).await?;
            tokio::spawn(connection);
            sender
        }
    };
    *request.uri_mut() = request.uri().path_and_query().unwrap().as_str().parse()?;
    request.headers_mut().remove("proxy-authorization");
    sender.ready().await?;
    let mut response = sender.send_request(request).await?;
    upstreams.lock().await.insert(key, sender);
    if response.status() == StatusCode::UNAUTHORIZED {
        let value = HeaderValue::from_static("Session-Based-Authentication");
        response.headers_mut().insert("proxy-support", value);
    }
    Ok(response.map(Body::new))
}
