//! `Expect: 100-continue`: it is the application that says whether it wants the body.

use super::support::{exactly, front, head, raw, rest, soon, upstream, values};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const REQUEST: &[u8] =
    b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";

#[tokio::test]
async fn the_client_is_told_to_go_on_when_the_application_says_so() {
    let application = raw(|mut stream, _| async move {
        let head = head(&mut stream).await;
        assert_eq!(values(&head, "expect"), ["100-continue"]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        assert_eq!(exactly(&mut stream, 5).await, "hello");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        rest(&mut stream).await;
    })
    .await;
    let upstream = upstream(application);
    let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
    let begin = Instant::now();
    client.write_all(REQUEST).await.unwrap();
    assert_eq!(soon(head(&mut client)).await, "HTTP/1.1 100 Continue\r\n\r\n");
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_millis(190), "{waited:?}");
    assert!(waited < Duration::from_millis(900), "{waited:?}");
    client.write_all(b"hello").await.unwrap();
    assert!(soon(head(&mut client)).await.starts_with("HTTP/1.1 200 "));
    // Sent whole, answered whole: as good as any other.
    super::support::until(|| upstream.pooled() == 1).await;
}

#[tokio::test]
async fn an_application_that_says_nothing_gets_the_body_after_a_second() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        assert_eq!(exactly(&mut stream, 5).await, "hello");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let mut client = TcpStream::connect(front(&upstream(application)).await).await.unwrap();
    let begin = Instant::now();
    client.write_all(REQUEST).await.unwrap();
    assert_eq!(soon(head(&mut client)).await, "HTTP/1.1 100 Continue\r\n\r\n");
    let waited = begin.elapsed();
    assert!(waited > Duration::from_millis(950) && waited < Duration::from_secs(3), "{waited:?}");
    client.write_all(b"hello").await.unwrap();
    assert!(soon(head(&mut client)).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_refusal_comes_back_without_the_body_having_been_read() {
    for status in ["417 Expectation Failed", "401 Unauthorized", "413 Too Large"] {
        let application = raw(move |mut stream, _| async move {
            head(&mut stream).await;
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Nothing of a body, though the connection stays open for it.
            assert_eq!(rest(&mut stream).await, "");
        })
        .await;
        let upstream = upstream(application);
        let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
        let answer = soon(head(&mut client)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        assert_eq!(soon(exactly(&mut client, 2)).await, "no");
        // No 100 follows, not after a second either, and the connection is not used again.
        let after = tokio::time::timeout(Duration::from_millis(1300), rest(&mut client)).await;
        assert!(after.is_err() || after.as_deref() == Ok(""), "{after:?}");
        assert_eq!(upstream.pooled(), 0);
    }
}

#[tokio::test]
async fn the_answer_is_whole_though_the_body_was_never_wanted() {
    // The end of the answer comes long after its head: the shut gate must not cut it.
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        let begin = "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
        stream.write_all(begin.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    })
    .await;
    let mut client = TcpStream::connect(front(&upstream(application)).await).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    assert!(soon(head(&mut client)).await.starts_with("HTTP/1.1 413 "));
    assert_eq!(soon(exactly(&mut client, 21)).await, "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
}

#[tokio::test]
async fn without_a_body_there_is_nothing_to_expect() {
    let application = super::support::echo().await;
    let front = front(&upstream(application)).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    ] {
        let answer = soon(super::support::talk(front, request)).await;
        assert_eq!(values(&answer, "expect"), [""; 0]);
        assert!(answer.starts_with("HTTP/1."), "{answer}");
        assert!(answer.contains(" 200 OK"), "{answer}");
    }
}
