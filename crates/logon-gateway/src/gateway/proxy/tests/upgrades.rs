//! Connections that change their protocol.

use super::support::{echo, exactly, front, head, raw, rest, saying, soon, talk, upstream, values};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn asking(token: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {token}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

#[tokio::test]
async fn after_a_101_bytes_pass_in_both_directions_to_their_ends() {
    for token in ["websocket", "my-own/1.0"] {
        let application = raw(move |mut stream, _| async move {
            let head = head(&mut stream).await;
            assert_eq!(values(&head, "connection"), ["upgrade"]);
            assert_eq!(values(&head, "upgrade"), [token]);
            assert_eq!(values(&head, "logon_user"), ["alice"]);
            assert_eq!(values(&head, "sec-websocket-key").len(), 1);
            // The first word right behind the head.
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {token}\r\n\
                 Sec-WebSocket-Accept: x\r\n\r\nwelcome"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert_eq!(exactly(&mut stream, 5).await, "hello");
            // The client has said all it will, and still listens.
            assert_eq!(rest(&mut stream).await, "");
            stream.write_all(b"goodbye").await.unwrap();
        })
        .await;
        let upstream = upstream(application);
        let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
        client.write_all(asking(token).as_bytes()).await.unwrap();
        let answer = soon(head(&mut client)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert_eq!(values(&answer, "upgrade"), [token]);
        assert_eq!(values(&answer, "connection"), ["upgrade"]);
        assert_eq!(values(&answer, "sec-websocket-accept"), ["x"]);
        assert_eq!(soon(exactly(&mut client, 7)).await, "welcome");
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(soon(rest(&mut client)).await, "goodbye");
        assert_eq!(upstream.pooled(), 0);
    }
}

#[tokio::test]
async fn a_refused_change_is_an_ordinary_answer() {
    let application = saying(
        "HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno",
    )
    .await;
    let upstream = upstream(application);
    let mut client = TcpStream::connect(front(&upstream).await).await.unwrap();
    for _ in 0..2 {
        client.write_all(asking("websocket").as_bytes()).await.unwrap();
        let answer = soon(head(&mut client)).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert_eq!(values(&answer, "sec-websocket-version"), ["13"]);
        assert_eq!(values(&answer, "upgrade"), ["websocket"]);
        assert_eq!(soon(exactly(&mut client, 2)).await, "no");
    }
}

#[tokio::test]
async fn other_versions_of_http_are_not_asked_for() {
    // What is sent in them would reach the application past the gateway.
    let front = front(&upstream(echo().await)).await;
    for token in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0", "TLS/1.2", "websocket,"] {
        let request = asking(token).replace("keep-alive,", "close,");
        let answer = soon(talk(front, &request)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(values(&answer, "upgrade"), [""; 0], "{token}");
    }
}

#[tokio::test]
async fn a_change_that_nobody_asked_for_is_not_passed_on() {
    let to =
        |token| format!("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n{token}\r\n");
    let h2c: &'static str = to("Upgrade: h2c\r\n").leak();
    let nothing: &'static str = to("").leak();
    for (request, answer) in [
        (asking("websocket"), h2c),
        (asking("websocket"), nothing),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), h2c),
    ] {
        let front = front(&upstream(saying(answer).await)).await;
        let mut client = TcpStream::connect(front).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = soon(head(&mut client)).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
}
