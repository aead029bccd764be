//! Applications, and clients, that speak HTTP/2.

use super::support::{application, config, front, front_2, full, get, pass, passage, raw};
use super::support::{request, soon, text, until, upstream};
use crate::gateway::proxy::config::HostHeader;
use crate::gateway::proxy::{Upstream, forward};
use crate::refusal::Refusal;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, TE};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn two(application: SocketAddr) -> Arc<Upstream> {
    let mut config = config(application);
    config.http2 = true;
    Upstream::new("app", &config).unwrap()
}

/// Says how it was asked.
async fn shown(request: Request<Incoming>) -> String {
    let mut fields: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    fields.sort();
    let (version, method, uri) =
        (request.version(), request.method().clone(), request.uri().clone());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    format!("{version:?} {method} {uri}\n{}\n{}", fields.join("\n"), body.len())
}

async fn showing(http2: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    application(http2, |request| async { full(shown(request).await) }).await
}

#[tokio::test]
async fn the_authority_is_the_clients_host_and_there_is_no_other() {
    let (address, connections) = showing(true).await;
    let upstream = two(address);
    for _ in 0..3 {
        let seen = text(soon(pass(&upstream, request("POST", "/a?b", "hello"))).await).await;
        assert!(seen.starts_with("HTTP/2.0 POST http://web.corp.example/a?b\n"), "{seen}");
        assert!(!seen.contains("\nhost:") && !seen.contains("\nconnection:"), "{seen}");
        assert!(seen.contains("\ncontent-length: 5\n"), "{seen}");
        assert!(seen.contains("\nlogon_user: alice\n"), "{seen}");
        assert!(seen.contains("\nx-forwarded-host: web.corp.example\n"), "{seen}");
        assert!(seen.ends_with("\n5"), "{seen}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_authority_can_be_the_applications_own() {
    let (address, _) = showing(true).await;
    let mut config = config(address);
    config.http2 = true;
    config.host = HostHeader::Upstream;
    let upstream = Upstream::new("app", &config).unwrap();
    let seen = text(soon(get(&upstream)).await).await;
    assert!(seen.starts_with(&format!("HTTP/2.0 GET http://{address}/\n")), "{seen}");
}

#[tokio::test]
async fn requests_at_the_same_time_share_a_connection() {
    let waiting = Arc::new(tokio::sync::Barrier::new(100));
    let (address, connections) = application(true, move |_| {
        let waiting = Arc::clone(&waiting);
        async move {
            // All hundred are here before any is answered.
            waiting.wait().await;
            full("ok")
        }
    })
    .await;
    let upstream = two(address);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let upstream = Arc::clone(&upstream);
        tasks.spawn(async move { text(get(&upstream).await).await });
    }
    assert!(soon(tasks.join_all()).await.iter().all(|text| text == "ok"));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn more_requests_than_a_connection_takes_get_another_one() {
    let waiting = Arc::new(tokio::sync::Barrier::new(150));
    let (address, connections) = application(true, move |_| {
        let waiting = Arc::clone(&waiting);
        async move {
            waiting.wait().await;
            full("ok")
        }
    })
    .await;
    let upstream = two(address);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..150 {
        let upstream = Arc::clone(&upstream);
        tasks.spawn(async move { text(get(&upstream).await).await });
    }
    assert!(soon(tasks.join_all()).await.iter().all(|text| text == "ok"));
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_that_ends_is_replaced() {
    // GOAWAY after each answer.
    let connections = Arc::new(AtomicUsize::new(0));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answered = Arc::new(tokio::sync::Notify::new());
            let tell = Arc::clone(&answered);
            let service = hyper::service::service_fn(move |_: Request<Incoming>| {
                tell.notify_one();
                async { Ok::<_, std::convert::Infallible>(full("ok")) }
            });
            tokio::spawn(async move {
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = answered.notified() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });
    let upstream = two(address);
    for _ in 0..5 {
        assert_eq!(text(soon(get(&upstream)).await).await, "ok");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // A request may still get in before the other end has said all of its goodbye.
    assert!(connections.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn trailers_pass_through_http_2_on_both_sides() {
    let (address, _) = application(true, |request| async move {
        assert_eq!(request.headers()["te"], "trailers");
        let body = request.into_body().collect().await.unwrap();
        let mut trailers = body.trailers().unwrap().clone();
        assert!(!trailers.contains_key("logon-user"), "{trailers:?}");
        trailers.insert("x-end", HeaderValue::from_static("2"));
        answering(trailers)
    })
    .await;
    let mut client = client_2(front_2(&two(address)).await).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("1"));
    trailers.insert("logon-user", HeaderValue::from_static("mallory"));
    let body = framed(vec![Frame::data(Bytes::from_static(b"hi")), Frame::trailers(trailers)]);
    let mut request = Request::post("http://web.corp.example/").body(body).unwrap();
    request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
    let answer = soon(client.send_request(request)).await.unwrap();
    let body = soon(answer.into_body().collect()).await.unwrap();
    let trailers = body.trailers().unwrap();
    assert_eq!(
        (&trailers["x-sum"], &trailers["x-end"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(body.to_bytes(), "ok");
}

#[tokio::test]
async fn an_http_2_client_reaches_an_http_1_application() {
    let (address, _) = showing(false).await;
    let mut client = client_2(front_2(&upstream(address)).await).await;
    let body = framed(vec![Frame::data(Bytes::from_static(b"hello"))]);
    let request = Request::post("http://web.corp.example/a?b").body(body).unwrap();
    let answer = soon(client.send_request(request)).await.unwrap();
    let seen = soon(answer.into_body().collect()).await.unwrap().to_bytes();
    let seen = String::from_utf8(seen.to_vec()).unwrap();
    assert!(seen.starts_with("HTTP/1.1 POST /a?b\n"), "{seen}");
    assert!(seen.contains("\nhost: web.corp.example\n"), "{seen}");
    assert!(seen.contains("\ntransfer-encoding: chunked\n"), "{seen}");
    assert!(seen.contains("\nvia: 2.0 logon\n"), "{seen}");
    assert!(seen.ends_with("\n5"), "{seen}");
}

#[tokio::test]
async fn a_length_that_http_2_frames_deny_ends_the_request() {
    let (begun, mut begin) = tokio::sync::mpsc::unbounded_channel();
    let application = raw(move |mut stream, _| {
        let begun = begun.clone();
        async move { begun.send(super::support::rest(&mut stream).await).unwrap() }
    })
    .await;
    let upstream = upstream(application);
    let mut client = client_2(front_2(&upstream).await).await;
    for length in [2, 50] {
        let body = framed(vec![Frame::data(Bytes::from_static(b"helloGET /x HTTP/1.1\r\n\r\n"))]);
        let mut request = Request::post("http://web.corp.example/").body(body).unwrap();
        request.headers_mut().insert("content-length", HeaderValue::from(length));
        let answer = soon(client.send_request(request)).await;
        assert!(answer.is_err() || answer.unwrap().status() == 400);
    }
    // Never more than was announced, and never the next request's.
    while let Ok(Some(seen)) = tokio::time::timeout(Duration::from_millis(100), begin.recv()).await
    {
        let (head, body) = seen.split_once("\r\n\r\n").unwrap_or_default();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert!(body.len() < length.unwrap().parse().unwrap(), "{seen}");
    }
    assert_eq!(upstream.pooled(), 0);
}

#[tokio::test]
async fn an_application_may_decline_http_2_over_tls() {
    for (protocols, seen) in [
        (&["h2", "http/1.1"] as &[&str], "HTTP/2.0 https://web.corp.example/"),
        (&["http/1.1"], "HTTP/1.1 /"),
        (&[], "HTTP/1.1 /"),
    ] {
        let acceptor = super::tls::acceptor("127.0.0.1", false, protocols);
        let mut config = super::tls::config(super::tls::application(acceptor).await);
        config.http2 = true;
        let upstream = Upstream::new("app", &config).unwrap();
        for _ in 0..2 {
            assert_eq!(text(soon(get(&upstream)).await).await, seen);
        }
    }
}

#[tokio::test]
async fn a_change_of_protocol_goes_over_http_1() {
    let application = raw(|mut stream, _| async move {
        let head = super::support::head(&mut stream).await;
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        let answer =
            "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello";
        stream.write_all(answer.as_bytes()).await.unwrap();
        super::support::rest(&mut stream).await;
    })
    .await;
    let mut client = TcpStream::connect(front(&two(application)).await).await.unwrap();
    let request =
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let answer = soon(super::support::head(&mut client)).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(soon(super::support::exactly(&mut client, 5)).await, "hello");
}

#[tokio::test]
async fn who_does_not_speak_http_2_is_not_waited_for() {
    let application = raw(|mut stream, _| async move {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let answer = soon(get(&two(application))).await;
    assert!(answer.status().is_server_error());
    assert!(answer.extensions().get::<Refusal>().is_some());
}

#[tokio::test]
async fn connections_over_http_2_that_nobody_needs_are_closed() {
    let (address, connections) = showing(true).await;
    let mut config = config(address);
    config.http2 = true;
    config.idle = crate::gateway::config::values::Span(Duration::from_millis(40));
    let upstream = Upstream::new("app", &config).unwrap();
    let _watch = upstream.watch();
    text(soon(get(&upstream)).await).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    text(soon(get(&upstream)).await).await;
    until(|| connections.load(Ordering::SeqCst) == 2).await;
}

#[tokio::test]
async fn what_a_trusted_proxy_says_passes_over_http_2_as_well() {
    let (address, _) = showing(true).await;
    let mut passage = passage();
    passage.trusted = true;
    let mut request = request("GET", "/", "");
    let name = HeaderName::from_static("x-forwarded-for");
    request.headers_mut().insert(name, HeaderValue::from_static("10.0.0.1"));
    let seen = text(soon(forward(&two(address), request, passage)).await).await;
    assert!(seen.contains("\nx-forwarded-for: 10.0.0.1, 192.0.2.7\n"), "{seen}");
}

/// A body of frames, one after the other.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

fn framed(frames: Vec<Frame<Bytes>>) -> Frames {
    Frames(frames.into_iter())
}

fn answering(
    trailers: HeaderMap,
) -> Response<http_body_util::combinators::UnsyncBoxBody<Bytes, hyper::Error>> {
    let frames = vec![Frame::data(Bytes::from_static(b"ok")), Frame::trailers(trailers)];
    Response::new(framed(frames).map_err(|never| match never {}).boxed_unsync())
}

async fn client_2(address: SocketAddr) -> hyper::client::conn::http2::SendRequest<Frames> {
    let stream = TcpStream::connect(address).await.unwrap();
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}
