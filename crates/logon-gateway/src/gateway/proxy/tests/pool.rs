//! Connections that are used again.

use super::support::{application, config, front, full, get, head, pass, raw, request, soon, text};
use super::support::{until, upstream};
use crate::gateway::config::values::Span;
use crate::gateway::proxy::Upstream;
use crate::refusal::Refusal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn one_connection_serves_requests_one_after_the_other() {
    let (application, connections) = application(false, |_| async { full("ok") }).await;
    let upstream = upstream(application);
    for _ in 0..20 {
        assert_eq!(text(get(&upstream).await).await, "ok");
        until(|| upstream.pooled() == 1).await;
        tokio::task::yield_now().await;
    }
    let connections = connections.load(Ordering::SeqCst);
    assert!(connections <= 2, "{connections}");
}

/// Answers the first request of each connection and closes it when the second one comes.
async fn forgetful(requests: &Arc<AtomicUsize>) -> std::net::SocketAddr {
    let requests = Arc::clone(requests);
    raw(move |mut stream, _| {
        let requests = Arc::clone(&requests);
        async move {
            head(&mut stream).await;
            requests.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            if !head(&mut stream).await.is_empty() {
                requests.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_that_is_closed_under_a_get_is_replaced_once() {
    let requests = Arc::new(AtomicUsize::new(0));
    let upstream = upstream(forgetful(&requests).await);
    assert_eq!(text(get(&upstream).await).await, "ok");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(text(soon(get(&upstream)).await).await, "ok");
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_connection_that_is_closed_under_a_post_is_not_replaced() {
    let requests = Arc::new(AtomicUsize::new(0));
    let upstream = upstream(forgetful(&requests).await);
    for request in [request("POST", "/", ""), request("PUT", "/", "body")] {
        let before = requests.load(Ordering::SeqCst);
        assert_eq!(text(get(&upstream).await).await, "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let answer = soon(pass(&upstream, request)).await;
        assert_eq!(answer.status(), 502);
        assert_eq!(answer.extensions().get::<Refusal>(), Some(&Refusal::Closed));
        assert_eq!(requests.load(Ordering::SeqCst), before + 2);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_not_replaced() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let application = raw(move |mut stream, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            head(&mut stream).await;
        }
    })
    .await;
    let answer = soon(get(&upstream(application))).await;
    assert_eq!(answer.extensions().get::<Refusal>(), Some(&Refusal::Closed));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_restart_of_the_application_is_not_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = upstream(address);
    let serve = |listener: TcpListener, answer: &'static str| async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{answer}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    };
    let (stream, answer) = tokio::join!(serve(listener, "one"), get(&upstream));
    assert_eq!(text(answer).await, "one");
    drop(stream);
    let again = tokio::net::TcpSocket::new_v4().unwrap();
    again.set_reuseaddr(true).unwrap();
    again.bind(address).unwrap();
    let (_stream, answer) = tokio::join!(serve(again.listen(8).unwrap(), "two"), get(&upstream));
    assert_eq!(text(answer).await, "two");
    // POST as well, if the end of the connection was seen before.
}

#[tokio::test]
async fn idle_connections_are_few_and_do_not_stay_long() {
    let (application, connections) = application(false, |_| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        full("ok")
    })
    .await;
    let mut config = config(application);
    config.max_idle = 3;
    config.idle = Span(Duration::from_millis(200));
    let upstream = Upstream::new("app", &config).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let upstream = Arc::clone(&upstream);
        tasks.spawn(async move { text(get(&upstream).await).await });
    }
    assert!(tasks.join_all().await.iter().all(|text| text == "ok"));
    assert_eq!(connections.load(Ordering::SeqCst), 10);
    assert_eq!(upstream.pooled(), 3);
    upstream.sweep();
    assert_eq!(upstream.pooled(), 3);
    let _watch = upstream.watch();
    until(|| upstream.pooled() == 0).await;
}

#[tokio::test]
async fn an_old_connection_is_not_used() {
    let (application, connections) = application(false, |_| async { full("ok") }).await;
    let mut config = config(application);
    config.idle = Span(Duration::from_millis(50));
    let upstream = Upstream::new("app", &config).unwrap();
    for _ in 0..2 {
        assert_eq!(text(get(&upstream).await).await, "ok");
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_requests_need_no_more_connections_than_clients() {
    let (application, connections) = application(false, |_| async { full("ok") }).await;
    let front = front(&upstream(application)).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..64 {
        clients.spawn(async move {
            let mut client = TcpStream::connect(front).await.unwrap();
            for _ in 0..80 {
                client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
                let answer = head(&mut client).await;
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                assert_eq!(super::support::exactly(&mut client, 2).await, "ok");
            }
        });
    }
    tokio::time::timeout(Duration::from_secs(60), clients.join_all()).await.unwrap();
    let connections = connections.load(Ordering::SeqCst);
    // A few more for those whose task has not yet seen the end of the last answer.
    assert!(connections <= 96, "{connections}");
}
