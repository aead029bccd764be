//! Bodies in both directions.

use super::support::{application, exactly, front, full, head, raw, rest, soon, upstream, values};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn bytes_pass_while_more_are_to_come() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        assert_eq!(exactly(&mut stream, 10).await, "5\r\nfirst\r\n");
        let begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
        stream.write_all(begin.as_bytes()).await.unwrap();
        assert_eq!(exactly(&mut stream, 14).await, "4\r\nlast\r\n0\r\n\r\n");
        stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.unwrap();
    })
    .await;
    let mut client = TcpStream::connect(front(&upstream(application)).await).await.unwrap();
    let begin = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    client.write_all(begin.as_bytes()).await.unwrap();
    let answer = soon(head(&mut client)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(soon(exactly(&mut client, 8)).await, "3\r\none\r\n");
    client.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(soon(exactly(&mut client, 13)).await, "3\r\ntwo\r\n0\r\n\r\n");
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn ten_megabytes_pass_in_both_directions() {
    const LENGTH: usize = 10 << 20;
    let (application, _) = application(false, |request| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert!(body == pattern(LENGTH));
        full(body)
    })
    .await;
    let client = TcpStream::connect(front(&upstream(application)).await).await.unwrap();
    let (mut from, mut to) = client.into_split();
    let writer = tokio::spawn(async move {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n");
        to.write_all(head.as_bytes()).await.unwrap();
        to.write_all(&pattern(LENGTH)).await.unwrap();
        to
    });
    let mut answer = Vec::new();
    soon(async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(from.read_u8().await.unwrap());
        }
        let head = String::from_utf8(answer).unwrap();
        assert_eq!(values(&head, "content-length"), [LENGTH.to_string()]);
        let mut body = vec![0; LENGTH];
        from.read_exact(&mut body).await.unwrap();
        assert!(body == pattern(LENGTH));
    })
    .await;
    drop(writer.await.unwrap());
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let application = raw(|mut stream, _| async move {
        let head = head(&mut stream).await;
        assert_eq!(values(&head, "trailer"), ["X-Sum, Logon-User, X-Forwarded-For"]);
        assert_eq!(values(&head, "te"), ["trailers"]);
        assert_eq!(values(&head, "connection"), ["te"]);
        assert_eq!(exactly(&mut stream, 12).await, "2\r\nhi\r\n0\r\nx-");
        // What only the gateway may say is not said after the body either.
        assert_eq!(super::support::head(&mut stream).await, "sum: 1\r\n\r\n");
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-End\r\n\r\n\
                      2\r\nok\r\n0\r\nX-End: 2\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let mut client = TcpStream::connect(front(&upstream(application)).await).await.unwrap();
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: trailers\r\n\
                   Trailer: X-Sum, Logon-User, X-Forwarded-For\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2\r\nhi\r\n0\r\nLogon-User: mallory\r\nX-Sum: 1\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let answer = soon(head(&mut client)).await;
    assert_eq!(values(&answer, "trailer"), ["X-End"]);
    assert_eq!(soon(exactly(&mut client, 10)).await, "2\r\nok\r\n0\r\n");
    assert_eq!(soon(head(&mut client)).await, "x-end: 2\r\n\r\n");
}

#[tokio::test]
async fn an_early_answer_passes_and_its_connection_is_not_used_again() {
    let application = raw(|mut stream, number| async move {
        head(&mut stream).await;
        let answer = format!("HTTP/1.1 413 No\r\nContent-Length: 1\r\n\r\n{number}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    })
    .await;
    let upstream = upstream(application);
    let front = front(&upstream).await;
    for number in ["0", "1"] {
        let mut client = TcpStream::connect(front).await.unwrap();
        let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = soon(head(&mut client)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(soon(exactly(&mut client, 1)).await, number);
        // Now the rest: it belongs to the first request and to its connection.
        client.write_all(b"world").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert_eq!(upstream.pooled(), 0);
    }
}

#[tokio::test]
async fn an_application_that_reads_no_more_does_not_hold_a_client_for_ever() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno").await.unwrap();
        // Neither reads nor closes.
        std::future::pending::<()>().await;
    })
    .await;
    let upstream = super::support::hasty(application, std::time::Duration::from_millis(200));
    let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
    client
        .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        .await
        .unwrap();
    assert!(soon(head(&mut client)).await.starts_with("HTTP/1.1 413 "));
    assert_eq!(soon(exactly(&mut client, 2)).await, "no");
    soon(async { while client.write_all(&[0; 65536]).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_client_that_breaks_off_ends_the_request() {
    let (ended, end) = tokio::sync::oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let application = raw(move |mut stream, _| {
        let ended = ended.lock().unwrap().take();
        async move {
            head(&mut stream).await;
            let seen = rest(&mut stream).await;
            ended.unwrap().send(seen).unwrap();
        }
    })
    .await;
    let upstream = upstream(application);
    let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    drop(client);
    // No last chunk: the application must not take it for the whole.
    assert_eq!(soon(end).await.unwrap(), "5\r\nhello\r\n");
    assert_eq!(upstream.pooled(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_answer() {
    let (ended, end) = tokio::sync::oneshot::channel();
    let ended = std::sync::Mutex::new(Some(ended));
    let application = raw(move |mut stream, _| {
        let ended = ended.lock().unwrap().take();
        async move {
            head(&mut stream).await;
            let begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
            stream.write_all(begin.as_bytes()).await.unwrap();
            rest(&mut stream).await;
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let upstream = upstream(application);
    let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    soon(head(&mut client)).await;
    drop(client);
    soon(end).await.unwrap();
    assert_eq!(upstream.pooled(), 0);
}

#[tokio::test]
async fn chunks_pass_to_http_1_0_clients_as_plain_bytes() {
    let application = super::support::saying(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
    )
    .await;
    let front = front(&upstream(application)).await;
    let answer = soon(super::support::talk(front, "GET / HTTP/1.0\r\nHost: a\r\n\r\n")).await;
    assert!(answer.ends_with("\r\n\r\none"), "{answer}");
    assert_eq!(values(&answer, "transfer-encoding"), [""; 0]);
}
