//! A front that only forwards, applications that are written out, and clients.

use crate::gateway::config::values::Span;
use crate::gateway::proxy::{Passage, ProxyBody, Removed, Upstream, UpstreamConfig, forward};
use bytes::Bytes;
use http::header::{HOST, HeaderName, HeaderValue};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The fields that only the gateway sets.
#[derive(Debug)]
pub(super) struct Identity;

impl Removed for Identity {
    fn removes(&self, name: &str) -> bool {
        name.replace('_', "-") == "logon-user"
    }
}

pub(super) fn passage() -> Passage {
    Passage {
        client: Some("192.0.2.7:4711".parse().unwrap()),
        secure: true,
        trusted: false,
        asked: Some(HeaderValue::from_static("web.corp.example")),
        set: [(HeaderName::from_static("logon_user"), HeaderValue::from_static("alice"))].into(),
        removed: Arc::new(Identity),
    }
}

pub(super) fn config(application: SocketAddr) -> UpstreamConfig {
    UpstreamConfig::of(format!("http://{application}").parse().unwrap())
}

pub(super) fn upstream(application: SocketAddr) -> Arc<Upstream> {
    Upstream::new("app", &config(application)).unwrap()
}

/// One with little patience.
pub(super) fn hasty(application: SocketAddr, time: Duration) -> Arc<Upstream> {
    let mut config = config(application);
    config.connect_timeout = Span(time);
    config.response_timeout = Span(time);
    config.stall = Span(time);
    Upstream::new("app", &config).unwrap()
}

/// A server that passes all requests on, over HTTP/1.1.
pub(super) async fn front(upstream: &Arc<Upstream>) -> SocketAddr {
    front_with(upstream, passage()).await
}

pub(super) async fn front_with(upstream: &Arc<Upstream>, passage: Passage) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = Arc::clone(upstream);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let (upstream, passage) = (Arc::clone(&upstream), passage.clone());
            let service =
                service_fn(move |request| answer(upstream.clone(), request, passage.clone()));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades(),
            );
        }
    });
    address
}

/// The same over HTTP/2.
pub(super) async fn front_2(upstream: &Arc<Upstream>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = Arc::clone(upstream);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let upstream = Arc::clone(&upstream);
            let service = service_fn(move |request| answer(upstream.clone(), request, passage()));
            tokio::spawn(
                hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

async fn answer(
    upstream: Arc<Upstream>,
    request: Request<Incoming>,
    passage: Passage,
) -> Result<Response<ProxyBody>, Infallible> {
    Ok(forward(&upstream, request, passage).await)
}

/// Passes one request without a body on, and no client is there.
pub(super) async fn get(upstream: &Arc<Upstream>) -> Response<ProxyBody> {
    pass(upstream, request("GET", "/", "")).await
}

pub(super) fn request(method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "web.corp.example")
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap()
}

pub(super) async fn pass(
    upstream: &Arc<Upstream>,
    request: Request<Full<Bytes>>,
) -> Response<ProxyBody> {
    forward(upstream, request, passage()).await
}

pub(super) async fn text(response: Response<ProxyBody>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// An application of raw bytes: `serve` gets each connection with its number.
pub(super) async fn raw<F, S>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream, usize) -> S + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, number));
            number += 1;
        }
    });
    address
}

/// An application that says the same to every request, on connections that it keeps open.
pub(super) async fn saying(answer: &'static str) -> SocketAddr {
    raw(move |mut stream, _| async move {
        while !head(&mut stream).await.is_empty() {
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

/// An application that answers with the request's head.
pub(super) async fn echo() -> SocketAddr {
    raw(|mut stream, _| async move {
        loop {
            let head = head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            let length = head.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await
}

type Answer = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

/// An application on hyper, with the number of connections that it has accepted.
pub(super) async fn application<F, A>(http2: bool, serve: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            let serve = serve.clone();
            let service = service_fn(move |request| {
                let answer = serve(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let io = TokioIo::new(stream);
            if http2 {
                tokio::spawn(
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .timer(TokioTimer::new())
                        .serve_connection(io, service),
                );
            } else {
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(io, service),
                );
            }
        }
    });
    (address, connections)
}

pub(super) fn full(text: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(text.into()).map_err(|never| match never {}).boxed_unsync())
}

/// Reads up to the empty line. What is left of it if the other end closes.
pub(super) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub(super) async fn exactly(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// One request of raw bytes, and all that comes back.
pub(super) async fn talk(front: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(front).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(&mut stream).await
}

/// The values of a field in a head of raw bytes.
pub(super) fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

/// Fails the test that waits in vain.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), what).await.expect("this takes too long")
}

/// Waits until it is so.
pub(super) async fn until(so: impl Fn() -> bool) {
    soon(async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// What was logged at `WARN` and above meanwhile, on this thread.
pub(super) async fn logged<T>(what: impl Future<Output = T>) -> (T, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let done = what.await;
    drop(guard);
    let log = log.0.lock().unwrap().clone();
    (done, String::from_utf8(log).unwrap())
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
