//! Several URLs, some of which do not work.

use super::support::{application, config, full, get, soon, text, until};
use crate::gateway::config::values::Span;
use crate::gateway::proxy::config::HealthConfig;
use crate::gateway::proxy::{Upstream, UpstreamConfig};
use crate::refusal::Refusal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;

fn several(addresses: &[SocketAddr]) -> UpstreamConfig {
    let mut config = config(addresses[0]);
    config.urls = addresses.iter().map(|at| format!("http://{at}").parse().unwrap()).collect();
    config
}

async fn named(name: &'static str) -> SocketAddr {
    application(false, move |_| async move { full(name) }).await.0
}

async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn answers(upstream: &Arc<Upstream>, count: usize) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..count {
        let answer = soon(get(upstream)).await;
        assert_eq!(answer.status(), 200);
        answers.push(text(answer).await);
    }
    answers
}

#[tokio::test]
async fn requests_go_to_the_urls_in_turn() {
    let urls = [named("a").await, named("b").await, named("c").await];
    let upstream = Upstream::new("app", &several(&urls)).unwrap();
    assert_eq!(answers(&upstream, 6).await, ["a", "b", "c", "a", "b", "c"]);
}

#[tokio::test]
async fn a_url_that_does_not_work_is_left_out() {
    let urls = [nobody().await, named("b").await, nobody().await];
    let upstream = Upstream::new("app", &several(&urls)).unwrap();
    assert_eq!(answers(&upstream, 6).await, ["b"; 6]);
    assert!(upstream.is_up());
}

#[tokio::test]
async fn if_none_works_all_are_tried_once() {
    let urls = [nobody().await, nobody().await];
    let upstream = Upstream::new("app", &several(&urls)).unwrap();
    for _ in 0..3 {
        let answer = soon(get(&upstream)).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.extensions().get::<Refusal>(), Some(&Refusal::NoUpstream));
        assert!(!upstream.is_up());
    }
    // One comes back: it is found though it was given up.
    let listener = TcpListener::bind(urls[1]).await.unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        super::support::head(&mut stream).await;
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
    });
    assert_eq!(answers(&upstream, 1).await, ["back"]);
    assert!(upstream.is_up());
}

#[tokio::test]
async fn a_health_check_takes_urls_out_and_back() {
    let well = Arc::new(AtomicBool::new(true));
    let asked = Arc::new(AtomicUsize::new(0));
    let (is_well, was_asked) = (Arc::clone(&well), Arc::clone(&asked));
    let (address, _) = application(false, move |request| {
        let (well, asked) = (Arc::clone(&is_well), Arc::clone(&was_asked));
        async move {
            let mut answer = full("a");
            if request.uri().path() == "/health" {
                assert!(request.headers().contains_key("host"));
                asked.fetch_add(1, Ordering::SeqCst);
                if !well.load(Ordering::SeqCst) {
                    *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                }
            }
            answer
        }
    })
    .await;
    let mut config = several(&[address, named("b").await]);
    config.health = Some(HealthConfig {
        path: "/health".to_owned(),
        interval: Span(Duration::from_millis(20)),
        timeout: Span(Duration::from_secs(1)),
    });
    let upstream = Upstream::new("app", &config).unwrap();
    let watch = upstream.watch();
    until(|| asked.load(Ordering::SeqCst) > 1).await;
    assert_eq!(answers(&upstream, 4).await, ["a", "b", "a", "b"]);
    let turn = |well_now: bool| {
        well.store(well_now, Ordering::SeqCst);
        let before = asked.load(Ordering::SeqCst);
        let asked = Arc::clone(&asked);
        async move { until(|| asked.load(Ordering::SeqCst) > before + 2).await }
    };
    turn(false).await;
    assert_eq!(answers(&upstream, 4).await, ["b"; 4]);
    turn(true).await;
    let mut found = answers(&upstream, 4).await;
    found.sort();
    assert_eq!(found, ["a", "a", "b", "b"]);
    drop(watch);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let last = asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(asked.load(Ordering::SeqCst), last);
}

#[tokio::test]
async fn a_health_check_that_is_not_answered_takes_a_url_out() {
    let application = super::support::raw(|mut stream, _| async move {
        super::support::rest(&mut stream).await;
    })
    .await;
    let mut config = config(application);
    config.health =
        Some(HealthConfig { timeout: Span(Duration::from_millis(50)), ..HealthConfig::default() });
    let upstream = Upstream::new("app", &config).unwrap();
    let _watch = upstream.watch();
    until(|| !upstream.is_up()).await;
}
