//! How long messages are: said once, and never differently than by the bytes themselves.

use super::support::{echo, exactly, front, head, pass, raw, request, rest, saying, soon, talk};
use super::support::{upstream, values};
use crate::refusal::Refusal;
use http::header::{CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a_known_length_stays_one_and_chunks_stay_chunks() {
    let application = raw(|mut stream, _| async move {
        let mut seen = String::new();
        let first = head(&mut stream).await;
        seen.push_str(&first);
        seen.push_str(&exactly(&mut stream, 5).await);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        let second = head(&mut stream).await;
        assert_eq!(values(&second, "transfer-encoding"), ["chunked"]);
        assert_eq!(values(&second, "content-length"), [""; 0]);
        assert_eq!(exactly(&mut stream, 15).await, "5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(values(&seen, "content-length"), ["5"]);
        assert_eq!(values(&seen, "transfer-encoding"), [""; 0]);
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let front = front(&upstream(application)).await;
    let known = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    let answer = soon(talk(front, known)).await;
    assert_eq!(values(&answer, "content-length"), ["2"]);
    assert_eq!(values(&answer, "transfer-encoding"), [""; 0]);
    // GET as well: hyper would leave such a body out by itself.
    let chunks = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let answer = soon(talk(front, chunks)).await;
    assert_eq!(values(&answer, "transfer-encoding"), ["chunked"]);
    assert_eq!(values(&answer, "content-length"), [""; 0]);
    assert!(answer.ends_with("2\r\nok\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn an_empty_post_says_so() {
    let front = front(&upstream(echo().await)).await;
    for length in ["", "Content-Length: 0\r\n"] {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{length}\r\n");
        let answer = talk(front, &request).await;
        let (_, seen) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(values(seen, "content-length"), ["0"]);
    }
    let answer = talk(front, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let (_, seen) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(values(seen, "content-length"), [""; 0]);
}

#[tokio::test]
async fn a_request_that_contradicts_itself_is_not_passed_on() {
    let upstream = upstream(echo().await);
    let cases: [(&[(_, &str)], _); 7] = [
        (&[(CONTENT_LENGTH, "5"), (TRANSFER_ENCODING, "chunked")], Refusal::Framing),
        (&[(CONTENT_LENGTH, "4")], Refusal::Framing),
        (&[(CONTENT_LENGTH, "5"), (CONTENT_LENGTH, "6")], Refusal::Framing),
        (&[(CONTENT_LENGTH, "+5")], Refusal::Framing),
        (&[(CONTENT_LENGTH, "")], Refusal::Framing),
        (&[(TRANSFER_ENCODING, "gzip, chunked")], Refusal::Coding),
        (&[(TRANSFER_ENCODING, "chunked"), (TRANSFER_ENCODING, "chunked")], Refusal::Coding),
    ];
    for (fields, refusal) in cases {
        let mut request = request("POST", "/", "hello");
        for (name, value) in fields {
            request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        }
        let answer = pass(&upstream, request).await;
        assert_eq!(answer.extensions().get::<Refusal>(), Some(&refusal), "{fields:?}");
        assert_eq!(answer.status(), refusal.status());
    }
}

#[tokio::test]
async fn the_length_is_the_bodys_own() {
    // The chunked one claims a length in vain: the client is not believed twice.
    let application = raw(|mut stream, _| async move {
        let head = head(&mut stream).await;
        assert_eq!(values(&head, "content-length"), ["5"]);
        assert_eq!(exactly(&mut stream, 5).await, "hello");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    })
    .await;
    let mut twice = request("POST", "/", "hello");
    twice.headers_mut().append(CONTENT_LENGTH, HeaderValue::from_static("5"));
    twice.headers_mut().append(CONTENT_LENGTH, HeaderValue::from_static("5"));
    assert_eq!(soon(pass(&upstream(application), twice)).await.status(), 200);
}

#[tokio::test]
async fn a_smuggled_request_stays_in_its_body() {
    // Both lengths: hyper goes by the chunks, and what follows them is another request.
    let application = raw(|mut stream, _| async move {
        let first = head(&mut stream).await;
        assert_eq!(values(&first, "content-length"), [""; 0]);
        assert_eq!(values(&first, "transfer-encoding"), ["chunked"]);
        let body = exactly(&mut stream, "c\r\nGET /x HTTP/\r\n0\r\n\r\n".len()).await;
        assert_eq!(body, "C\r\nGET /x HTTP/\r\n0\r\n\r\n");
        stream.write_all(b"HTTP/1.1 204 Fine\r\nConnection: close\r\n\r\n").await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    })
    .await;
    let front = front(&upstream(application)).await;
    let answer = soon(talk(
        front,
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\
         Transfer-Encoding: chunked\r\n\r\nc\r\nGET /x HTTP/\r\n0\r\n\r\n",
    ))
    .await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
}

#[tokio::test]
async fn answers_that_contradict_themselves_are_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
    ] {
        let response = soon(super::support::get(&upstream(saying(answer).await))).await;
        assert_eq!(response.status(), 502, "{answer}");
        assert_eq!(response.extensions().get::<Refusal>(), Some(&Refusal::BadAnswer), "{answer}");
    }
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    for (method, answer, length) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", Some("100")),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
        ("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 100\r\n\r\n", None),
    ] {
        let front = front(&upstream(saying(answer).await)).await;
        let request = format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut stream = tokio::net::TcpStream::connect(front).await.unwrap();
        // Two on one connection: nothing of the first is left over.
        for _ in 0..2 {
            stream.write_all(request.as_bytes()).await.unwrap();
            let seen = soon(head(&mut stream)).await;
            assert!(seen.starts_with(&answer[..12]), "{seen}");
            assert_eq!(values(&seen, "content-length"), Vec::from_iter(length), "{answer}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_passed_on() {
    let application = raw(|mut stream, _| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nold").await.unwrap();
    })
    .await;
    let front = front(&upstream(application)).await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = soon(talk(front, request)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("3\r\nold\r\n0\r\n\r\n"), "{answer}");
}
