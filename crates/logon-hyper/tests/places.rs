//! A server with few places: who has to go for the next client, who may stay, and what does not
//! wait for ever.

mod common;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use common::{Client, PASSWORD, Users};
use http_body::Body as _;
use logon::http::Scheme;
use logon::{AcceptorConfig, ServerNames};
use logon_hyper::{Limits, Server};
use logon_tower::{LoggedOn, LogonLayer};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

const BIG: usize = 64 * 1024 * 1024;

async fn serve(change: impl FnOnce(&mut Limits)) -> SocketAddr {
    let config = AcceptorConfig::with_os(ServerNames::new("WEB01", "CORP"));
    let app = Router::new()
        .route(
            "/",
            post(|_: LoggedOn, _: Bytes| async {})
                .layer(LogonLayer::new(config, Users))
                .get(|| async { "served" }),
        )
        .route(
            "/slow/{milliseconds}",
            get(|Path(milliseconds): Path<u64>| async move {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                "finished"
            }),
        )
        .route("/big", get(|| async { Bytes::from(vec![b'x'; BIG]) }))
        .route(
            "/length",
            post(|body: Body| async move {
                let body = to_bytes(body, usize::MAX).await;
                body.map(|body| body.len().to_string()).map_err(|_| StatusCode::REQUEST_TIMEOUT)
            }),
        );
    let mut limits = Limits::default();
    change(&mut limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new(app).limits(limits).serve(listener, std::future::pending()));
    address
}

/// A client that has been served once.
async fn anonymous(address: SocketAddr) -> Client {
    let mut client = Client::connect(address).await;
    assert_eq!(client.get("").await.body, "served");
    client
}

async fn logged_on(address: SocketAddr) -> Client {
    let mut client = Client::connect(address).await;
    assert_eq!(client.log_on(Scheme::Ntlm, "alice", PASSWORD).await.status, 200);
    client
}

/// Whether the server has closed the connection, or does within `time`.
async fn ends(client: &mut Client, time: u64) -> bool {
    let read = tokio::time::timeout(Duration::from_millis(time), client.0.read_u8()).await;
    match read {
        Ok(Ok(byte)) => panic!("the server said {byte}"),
        Ok(Err(_)) => true,
        Err(_) => false,
    }
}

#[tokio::test]
async fn who_never_asked_goes_first_then_who_is_idle_each_the_oldest() {
    let address = serve(|limits| limits.connections = 4).await;
    let mut idle = [anonymous(address).await, anonymous(address).await];
    let mut silent = [Client::connect(address).await, Client::connect(address).await];
    silent[0].0.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();

    let _newest = anonymous(address).await;
    assert!(ends(&mut silent[0], 1000).await);
    assert!(!ends(&mut silent[1], 100).await);
    let _newest = (_newest, anonymous(address).await);
    assert!(ends(&mut silent[1], 1000).await);
    assert!(!ends(&mut idle[0], 100).await);

    // A request makes the older of the two the younger.
    assert_eq!(idle[0].get("").await.status, 200);
    let _newest = (_newest, anonymous(address).await);
    assert!(ends(&mut idle[1], 1000).await);
    assert_eq!(idle[0].get("").await.status, 200);
}

#[tokio::test]
async fn who_is_logged_on_stays_while_there_are_others() {
    let address = serve(|limits| limits.connections = 3).await;
    let mut known = logged_on(address).await;
    let mut held = Vec::new();
    for round in 0..10 {
        match round % 3 {
            0 => held.push(Client::connect(address).await),
            1 => {
                let mut busy = Client::connect(address).await;
                let request = b"GET /slow/300 HTTP/1.1\r\nHost: x\r\n\r\n";
                busy.0.write_all(request).await.unwrap();
                held.push(busy);
            }
            _ => held.push(anonymous(address).await),
        }
    }
    held.push(anonymous(address).await);
    assert_eq!(known.get("").await.status, 200);
}

#[tokio::test]
async fn among_those_who_are_logged_on_one_goes_for_each_who_comes() {
    let address = serve(|limits| limits.connections = 3).await;
    let mut known = [logged_on(address).await, logged_on(address).await, logged_on(address).await];
    let _newest = logged_on(address).await;
    assert!(ends(&mut known[0], 1000).await);
    assert!(!ends(&mut known[1], 300).await);
    let next = tokio::time::timeout(Duration::from_secs(3), logged_on(address));
    let _newest = (_newest, next.await.unwrap());
    assert!(ends(&mut known[1], 1000).await);
    assert!(!ends(&mut known[2], 300).await);
}

#[tokio::test]
async fn a_request_in_progress_is_finished_before_its_connection_ends() {
    let address = serve(|limits| limits.connections = 1).await;
    let mut busy = Client::connect(address).await;
    busy.0.write_all(b"GET /slow/500 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // It is old enough to go.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let next = tokio::spawn(anonymous(address));
    let answered = busy.read().await;
    assert_eq!((answered.body.as_str(), answered.closes), ("finished", true));
    assert!(ends(&mut busy, 1000).await);
    next.await.unwrap();
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_off_if_its_place_is_needed() {
    let address = serve(|limits| {
        limits.connections = 2;
        limits.drain = Duration::from_millis(300);
    })
    .await;
    let mut busy = [Client::connect(address).await, Client::connect(address).await];
    for client in &mut busy {
        client.0.write_all(b"GET /slow/60000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(3), anonymous(address)).await.unwrap();
    assert!(ends(&mut busy[0], 1000).await);
}

#[tokio::test]
async fn a_flood_of_new_connections_does_not_push_out_who_has_just_come() {
    let address = serve(|limits| limits.connections = 10).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(anonymous(address).await);
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mut slow = Client::connect(address).await;
    for _ in 0..8 {
        held.push(Client::connect(address).await);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(slow.get("").await.body, "served");
}

#[tokio::test]
async fn an_address_has_its_share_and_no_more() {
    let address = serve(|limits| limits.connections_per_address = Some(2)).await;
    let mut mine = vec![anonymous(address).await, anonymous(address).await];
    let mut third = Client::connect(address).await;
    assert!(ends(&mut third, 1000).await);

    // Elsewhere the loopback interface has one address.
    if cfg!(target_os = "linux") {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = Client::over(socket.connect(address).await.unwrap());
        assert_eq!(other.get("").await.status, 200);
    }

    drop(mine.pop());
    tokio::time::sleep(Duration::from_millis(200)).await;
    mine.push(anonymous(address).await);
    assert_eq!(mine[0].get("").await.status, 200);
}

#[tokio::test]
async fn a_body_may_be_slow_but_not_stop() {
    let address = serve(|limits| limits.body_stall = Duration::from_millis(500)).await;
    let head = b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n";
    let mut slow = Client::connect(address).await;
    slow.0.write_all(head).await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        slow.0.write_all(b"x").await.unwrap();
    }
    assert_eq!(slow.read().await.body, "8");

    let mut stopped = Client::connect(address).await;
    stopped.0.write_all(head).await.unwrap();
    stopped.0.write_all(b"xyz").await.unwrap();
    let started = Instant::now();
    assert_eq!(stopped.read().await.status, 408);
    assert!(ends(&mut stopped, 1000).await);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_body_that_is_read_behind_its_answer_is_a_request_in_progress() {
    let (done, length) = tokio::sync::oneshot::channel();
    let done = Arc::new(Mutex::new(Some(done)));
    let answer_at_once = post(move |mut body: Body| async move {
        tokio::spawn(async move {
            let mut length = 0;
            // Not to its end, which hyper tells only with the next request.
            while length < 8 {
                let frame = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                length += frame.unwrap().unwrap().into_data().unwrap().len();
            }
            done.lock().unwrap().take().unwrap().send(length)
        });
        "answered"
    });
    let mut limits = Limits::default();
    limits.request_head = Duration::from_millis(300);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(Router::new().route("/", answer_at_once)).limits(limits);
    tokio::spawn(server.serve(listener, std::future::pending()));

    let mut client = Client::connect(address).await;
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n";
    client.0.write_all(head).await.unwrap();
    assert_eq!(client.read().await.body, "answered");
    for _ in 0..8 {
        // Longer than the time for a head and a goodbye, all together.
        tokio::time::sleep(Duration::from_millis(250)).await;
        client.0.write_all(b"x").await.unwrap();
    }
    assert_eq!(length.await.unwrap(), 8);
    assert!(ends(&mut client, 1000).await, "and idle behind it");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let address = serve(|limits| limits.write_stall = Duration::from_millis(500)).await;
    let ask = async || {
        let mut client = Client::connect(address).await;
        client.0.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        client.0.into_inner()
    };
    let mut reader = ask().await;
    let mut never = ask().await;
    // Slower than the server, and never as slow as the limit.
    let mut read = 0;
    let mut buffer = vec![0; 1024 * 1024];
    while read < BIG {
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(25) && read < BIG {
            read += reader.read(&mut buffer).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), never.read_to_end(&mut rest)).await;
    let _ = ended.expect("the server has closed");
    assert!(rest.len() < BIG, "all of it was read");
}
