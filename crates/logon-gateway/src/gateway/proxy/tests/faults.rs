//! Applications that do not answer, or not as they should.

use super::support::upstream;
use super::support::{front, get, hasty, head, pass, raw, request, rest, saying, soon, text};
use crate::gateway::proxy::{ProxyBody, Upstream};
use crate::refusal::Refusal;
use http::Response;
use http_body_util::BodyExt;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const SHORT: Duration = Duration::from_millis(150);

fn refusal(response: &Response<ProxyBody>) -> Option<Refusal> {
    response.extensions().get().copied()
}

#[tokio::test]
async fn nobody_there_is_503_with_retry_after() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let upstream = upstream(address);
    assert!(upstream.is_up());
    for _ in 0..2 {
        let answer = soon(get(&upstream)).await;
        assert_eq!(answer.status(), 503);
        assert_eq!(refusal(&answer), Some(Refusal::NoUpstream));
        assert_eq!(answer.headers()["retry-after"], "5");
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text(answer).await, "The application is not available at the moment.\n");
        assert!(!upstream.is_up());
    }
}

#[tokio::test]
async fn no_connection_in_time_is_504() {
    // TLS with somebody who listens and says nothing.
    let application = raw(|mut stream, _| async move {
        rest(&mut stream).await;
    })
    .await;
    let mut config = super::support::config(application);
    config.urls = vec![format!("https://{application}").parse().unwrap()];
    config.connect_timeout = crate::gateway::config::values::Span(SHORT);
    config.ca = Some(super::tls::authority_file());
    let answer = soon(get(&Upstream::new("app", &config).unwrap())).await;
    assert_eq!((answer.status().as_u16(), refusal(&answer)), (504, Some(Refusal::ConnectTimeout)));
}

#[tokio::test]
async fn no_answer_in_time_is_504_and_ends_the_connection() {
    let (ended, end) = tokio::sync::oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let application = raw(move |mut stream, _| {
        let ended = ended.lock().unwrap().take();
        async move {
            head(&mut stream).await;
            rest(&mut stream).await;
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let begin = Instant::now();
    let answer = soon(get(&hasty(application, SHORT))).await;
    assert_eq!((answer.status().as_u16(), refusal(&answer)), (504, Some(Refusal::Timeout)));
    assert!(begin.elapsed() >= SHORT);
    soon(end).await.unwrap();
}

#[tokio::test]
async fn a_long_upload_is_no_late_answer() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        assert_eq!(super::support::exactly(&mut stream, 6).await, "abcdef");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let front = front(&hasty(application, SHORT)).await;
    let mut client = TcpStream::connect(front).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n").await.unwrap();
    for byte in b"abcdef" {
        tokio::time::sleep(SHORT * 2 / 3).await;
        client.write_all(&[*byte]).await.unwrap();
    }
    let answer = soon(head(&mut client)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_stalls_is_cut_off() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        let begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
        stream.write_all(begin.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    })
    .await;
    let upstream = hasty(application, SHORT);
    let front = front(&upstream).await;
    let begin = Instant::now();
    let answer = soon(super::support::talk(front, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    // Closed without the last chunk: never a complete answer.
    assert!(answer.ends_with("\r\n\r\n3\r\none\r\n"), "{answer}");
    assert!(begin.elapsed() >= SHORT);
    assert_eq!(upstream.pooled(), 0);
}

#[tokio::test]
async fn a_slow_answer_is_not_cut_off() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n").await.unwrap();
        for byte in b"abcdef" {
            tokio::time::sleep(SHORT * 2 / 3).await;
            stream.write_all(&[*byte]).await.unwrap();
        }
    })
    .await;
    let answer = soon(get(&hasty(application, SHORT))).await;
    assert_eq!(soon(text(answer)).await, "abcdef");
}

#[tokio::test]
async fn a_slow_client_is_not_a_stalled_application() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc").await.unwrap();
        tokio::time::sleep(SHORT * 5 / 2).await;
        stream.write_all(b"def").await.unwrap();
    })
    .await;
    let mut body = soon(get(&hasty(application, SHORT))).await.into_body();
    // Waits a little for the first bytes, which starts the timer.
    let first = soon(body.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "abc");
    tokio::time::sleep(SHORT * 2).await;
    let second = soon(body.frame()).await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(second, "def");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_a_complete_one() {
    for begin in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
    ] {
        let application = raw(move |mut stream, _| async move {
            head(&mut stream).await;
            stream.write_all(begin.as_bytes()).await.unwrap();
        })
        .await;
        let upstream = upstream(application);
        let answer = soon(get(&upstream)).await;
        assert_eq!(answer.status(), 200);
        soon(answer.into_body().collect()).await.unwrap_err();
        let front = front(&upstream).await;
        let answer = soon(super::support::talk(front, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert!(answer.contains("hello"), "{answer}");
        assert!(!answer.contains("\r\n0\r\n"), "{answer}");
        assert_eq!(upstream.pooled(), 0);
    }
}

#[tokio::test]
async fn what_is_no_http_is_502() {
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
    ] {
        let response = soon(get(&upstream(saying(answer).await))).await;
        assert_eq!(
            (response.status().as_u16(), refusal(&response)),
            (502, Some(Refusal::BadAnswer))
        );
    }
}

#[tokio::test]
async fn a_head_without_end_is_502() {
    for line in
        ["X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", "aaaaaaaaaaa"]
    {
        let application = raw(move |mut stream, _| async move {
            head(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-First: ").await;
            // Until nobody takes it any more.
            while stream.write_all(line.as_bytes()).await.is_ok() {}
        })
        .await;
        let response = soon(get(&upstream(application))).await;
        assert_eq!(
            (response.status().as_u16(), refusal(&response)),
            (502, Some(Refusal::BadAnswer))
        );
    }
}

#[tokio::test]
async fn an_answer_before_the_question_is_not_given_to_the_next_one() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        // Two for one: the second must not answer another client's request.
        let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\
                     HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
        stream.write_all(twice.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    })
    .await;
    let upstream = upstream(application);
    for _ in 0..3 {
        assert_eq!(text(soon(get(&upstream)).await).await, "ok");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_its_body_is_to_blame_itself() {
    let application = raw(|mut stream, _| async move {
        rest(&mut stream).await;
    })
    .await;
    let upstream = upstream(application);
    let request = request("POST", "/", "").map(|_| Broken);
    let answer =
        soon(crate::gateway::proxy::forward(&upstream, request, super::support::passage())).await;
    assert_eq!((answer.status().as_u16(), refusal(&answer)), (400, Some(Refusal::ClientBody)));
    assert_eq!(upstream.pooled(), 0);
    let answer = soon(pass(&upstream, super::support::request("TRACE", "/", ""))).await;
    assert_eq!((answer.status().as_u16(), refusal(&answer)), (405, Some(Refusal::Method)));
}

/// A body that fails.
struct Broken;

impl http_body::Body for Broken {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::other("gone"))))
    }
}
