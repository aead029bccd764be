//! A proxy that logs its clients on, and keeps their connections apart.

use super::{describe, users};
use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use logon::http::{ConnectionConfig, Scheme, Scope, ThrottleConfig};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::{RequestBody, Server};
use logon_tower::{Connection, Gate, Immediate, LogonLayer};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) struct Forward {
    pub(crate) address: SocketAddr,
    /// `METHOD credentials` of each request for the proxy.
    seen: Arc<Mutex<Vec<String>>>,
}

type Upstreams = Arc<tokio::sync::Mutex<HashMap<u64, SendRequest<RequestBody>>>>;

impl Forward {
    /// `session_based` is what it says of itself to answers of 401.
    pub(crate) async fn start(schemes: &[Scheme], session_based: bool) -> Self {
        let acceptor = AcceptorConfig::with_os(ServerNames::new("PROXY", "CORP"));
        let config = ConnectionConfig::new(Arc::new(acceptor)).as_proxy();
        let gate = Gate::new(config, Immediate(users())).throttle(None::<ThrottleConfig>);
        let scope = if schemes.is_empty() { Scope::off() } else { Scope::required(schemes) };
        let upstreams = Upstreams::default();
        let pass = service_fn(move |request| {
            let upstreams = Arc::clone(&upstreams);
            async move { Ok::<_, Infallible>(pass(request, upstreams, session_based).await) }
        });
        let guarded = LogonLayer::of(gate).scope(scope).layer(pass);
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let looking = Arc::clone(&seen);
        let service = service_fn(move |request: Request<RequestBody>| {
            let credentials = request.headers().get("proxy-authorization");
            let credentials = credentials.map(|value| describe(value.as_bytes()));
            let line = format!("{} {}", request.method(), credentials.as_deref().unwrap_or("-"));
            looking.lock().unwrap().push(line);
            guarded.clone().oneshot(request)
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(Server::new(service).serve(listener, std::future::pending()));
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

async fn pass(
    mut request: Request<RequestBody>,
    upstreams: Upstreams,
    session_based: bool,
) -> Response<Body> {
    assert!(!request.headers().contains_key("proxy-authorization"));
    let authority = request.uri().authority().unwrap().to_string();
    if request.method() == Method::CONNECT {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut server = TcpStream::connect(authority).await.unwrap();
            let mut client = TokioIo::new(upgrade.await.unwrap());
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        });
        return Response::new(Body::empty());
    }
    let id = request.extensions().get::<Connection>().unwrap().id();
    let kept = upstreams.lock().await.remove(&id).filter(|sender| !sender.is_closed());
    let mut sender = match kept {
        Some(sender) => sender,
        None => {
            let server = TcpStream::connect(authority).await.unwrap();
            let (sender, connection) = handshake(TokioIo::new(server)).await.unwrap();
            tokio::spawn(connection.with_upgrades());
            sender
        }
    };
    let path = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
    *request.uri_mut() = path;
    sender.ready().await.unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    upstreams.lock().await.insert(id, sender);
    if response.status() == StatusCode::UNAUTHORIZED && session_based {
        let value = "Session-Based-Authentication".parse().unwrap();
        response.headers_mut().insert("proxy-support", value);
    }
    response.map(Body::new)
}
