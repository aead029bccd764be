//! HTTP/2 over TLS, with a client that speaks it frame by frame.

mod common;

use axum::Extension;
use axum::Router;
use axum::extract::Path;
use axum::http::{Request, Uri, Version};
use axum::routing::get;
use common::tls::{Certificate, config, connect};
use common::{Users, first_token};
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use hyper::body::Bytes;
use logon::http::{Scheme, format_token};
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::rustls::version::TLS13;
use logon_hyper::{Limits, Server, Tls};
use logon_tower::{LoggedOn, LogonLayer, RequestTarget};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::client::TlsStream;

struct Site {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

async fn serve(http2: bool, limits: Limits) -> Site {
    let nested = get(|uri: Uri, Extension(target): Extension<RequestTarget>| async move {
        format!("{} {}", uri.path(), target.0)
    });
    let slow = |Path(milliseconds): Path<u64>| async move {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        "slow"
    };
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let app = Router::new()
        .route("/logon", get(|user: LoggedOn| async move { user.identity().to_string() }))
        .route_layer(LogonLayer::new(config, Users))
        .route("/", get(|version: Version| async move { format!("{version:?}") }))
        .route("/slow/{milliseconds}", get(slow))
        .nest("/outer", Router::new().route("/inner", nested));
    let certificate = Certificate::make();
    let mut tls = Tls::new(certificate.chain(), certificate.key()).unwrap();
    if http2 {
        tls = tls.http2();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = Server::new(app).tls(tls).limits(limits);
    let serving = tokio::spawn(server.serve(listener, async move {
        let _ = stopped.await;
    }));
    Site { address, stop, serving }
}

async fn tls(site: &Site, protocols: &[&str]) -> common::Client<TlsStream<TcpStream>> {
    let mut config = config(&[&TLS13]);
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    connect(site.address, &Arc::new(config), "web.example").await
}

async fn http2(site: &Site) -> SendRequest<Bytes> {
    let stream = tls(site, &["h2", "http/1.1"]).await.0.into_inner();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn fetch(client: &SendRequest<Bytes>, path: &str) -> Result<(u16, String), h2::Error> {
    fetch_with(client, path, "Bearer abc").await
}

async fn fetch_with(
    client: &SendRequest<Bytes>,
    path: &str,
    credentials: &str,
) -> Result<(u16, String), h2::Error> {
    let mut client = client.clone().ready().await?;
    let request = Request::get(format!("https://web.example{path}"));
    let request = request.header("authorization", credentials).body(()).unwrap();
    let (response, _) = client.send_request(request, true)?;
    let response = response.await?;
    let status = response.status().as_u16();
    Ok((status, text(response.into_body()).await?))
}

async fn text(mut body: RecvStream) -> Result<String, h2::Error> {
    let mut text = Vec::new();
    while let Some(bytes) = body.data().await {
        text.extend_from_slice(&bytes?);
    }
    Ok(String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn http_2_is_spoken_only_by_choice_and_with_those_who_offer_it() {
    let without = serve(false, Limits::default()).await;
    let client = tls(&without, &["h2", "http/1.1"]).await;
    assert_eq!(client.0.get_ref().get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));

    let with = serve(true, Limits::default()).await;
    let client = http2(&with).await;
    assert_eq!(fetch(&client, "/").await.unwrap(), (200, "HTTP/2.0".into()));
    for offered in [&["http/1.1"][..], &[]] {
        let mut client = tls(&with, offered).await;
        assert_eq!(client.get("").await.body, "HTTP/1.1");
    }
}

// H-15
#[tokio::test]
async fn a_logon_over_http_2_is_sent_back_to_http_1_1_and_others_go_on() {
    let site = serve(true, Limits::default()).await;
    let client = http2(&site).await;
    let first = format_token(Scheme::Ntlm, &first_token());
    for credentials in ["Bearer abc", &first] {
        let refused = fetch_with(&client, "/logon", credentials);
        let (refused, served) = tokio::join!(refused, fetch(&client, "/slow/50"));
        let refused = refused.unwrap_err();
        assert_eq!((refused.reason(), refused.is_reset()), (Some(Reason::HTTP_1_1_REQUIRED), true));
        assert_eq!(served.unwrap().1, "slow");
    }
    assert_eq!(fetch(&client, "/").await.unwrap().0, 200);

    let mut client = tls(&site, &["http/1.1"]).await;
    let answered = client.send("GET", "/logon", "", b"").await;
    assert_eq!((answered.status, answered.challenges.len()), (401, 2));
}

#[tokio::test]
async fn the_target_is_that_of_the_wire_under_nested_routes() {
    let site = serve(true, Limits::default()).await;
    let mut client = tls(&site, &["http/1.1"]).await;
    let answered = client.send("GET", "/outer/inner?a=%20b", "", b"").await;
    assert_eq!(answered.body, "/inner /outer/inner?a=%20b");
    let client = http2(&site).await;
    let (_, body) = fetch(&client, "/outer/inner?a=%20b").await.unwrap();
    assert_eq!(body, "/inner https://web.example/outer/inner?a=%20b");
}

#[tokio::test]
async fn a_server_that_stops_lets_streams_finish() {
    let site = serve(true, Limits::default()).await;
    let client = http2(&site).await;
    let _idle = http2(&site).await;
    let busy = fetch(&client, "/slow/500");
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        site.stop.send(()).unwrap();
    };
    let (served, ()) = tokio::join!(busy, stop);
    assert_eq!(served.unwrap().1, "slow");
    tokio::time::timeout(Duration::from_secs(5), site.serving).await.unwrap().unwrap();
    assert!(fetch(&client, "/").await.is_err());
}

#[tokio::test]
async fn a_connection_without_requests_is_ended_in_time() {
    let mut limits = Limits::default();
    limits.request_head = Duration::from_millis(500);
    let site = serve(true, limits).await;

    // Not even a preface.
    let mut silent = tls(&site, &["h2"]).await;
    let mut rest = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut silent.0, &mut rest);
    let _ = tokio::time::timeout(Duration::from_secs(5), ended).await.expect("ended");

    let client = http2(&site).await;
    // A request takes as long as it takes.
    assert_eq!(fetch(&client, "/slow/1200").await.unwrap().1, "slow");
    assert_eq!(fetch(&client, "/").await.unwrap().0, 200);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(fetch(&client, "/").await.is_err());
}

#[tokio::test]
async fn streams_that_are_opened_and_reset_at_once_end_the_connection() {
    let site = serve(true, Limits::default()).await;
    let mut client = http2(&site).await;
    let mut failed = false;
    for _ in 0..5000 {
        client = match client.ready().await {
            Ok(client) => client,
            Err(_) => {
                failed = true;
                break;
            }
        };
        let request = Request::get("https://web.example/slow/10000").body(()).unwrap();
        let Ok((_, mut stream)) = client.send_request(request, true) else {
            failed = true;
            break;
        };
        stream.send_reset(Reason::CANCEL);
        tokio::task::yield_now().await;
    }
    assert!(failed, "5,000 streams reset and the connection goes on");
    assert_eq!(fetch(&http2(&site).await, "/").await.unwrap().0, 200);
}

#[tokio::test]
async fn no_more_than_the_allowed_streams_are_open_at_a_time() {
    let mut limits = Limits::default();
    limits.streams = 3;
    let site = serve(true, limits).await;
    let client = http2(&site).await;
    assert_eq!(fetch(&client, "/").await.unwrap().0, 200);
    let client = client.ready().await.unwrap();
    assert_eq!(client.current_max_send_streams(), 3);
}

// RFC 9113 §8.1.1: also where the service gives one, as refusals of the layer have a body.
#[tokio::test]
async fn an_answer_to_head_has_no_data() {
    let answer =
        |_| async { Ok::<_, std::convert::Infallible>(http::Response::new("abc".to_owned())) };
    let certificate = Certificate::make();
    let tls = Tls::new(certificate.chain(), certificate.key()).unwrap().http2();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = Server::new(tower::service_fn(answer)).tls(tls);
    let serving = tokio::spawn(server.serve(listener, async move {
        let _ = stopped.await;
    }));
    let site = Site { address, stop, serving };
    let client = http2(&site).await;
    for (method, expected) in [("HEAD", ""), ("GET", "abc")] {
        let mut client = client.clone().ready().await.unwrap();
        let request = Request::builder().method(method).uri("https://web.example/");
        let (response, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(text(response.into_body()).await.unwrap(), expected, "{method}");
    }
    drop(site);
}
