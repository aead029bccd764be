//! Servers that do what they are told, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One connection of such a server.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    /// Of the server's connections, from 0.
    pub(crate) number: usize,
}

impl Peer {
    /// The head of the next request in lower case; empty at the end.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte).await {
                Ok(1) => head.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }
}

/// The value of a field in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Serves each connection by `script`.
pub(crate) async fn serve<F, Fut>(script: F) -> SocketAddr
where
    F: Fn(Peer) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (script, count) = (Arc::new(script), AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(script(Peer { stream, number }));
        }
    });
    address
}

/// A way to `to` that ends connections: of each, it is told the number and how many requests have
/// begun on it, and says whether to end it instead of passing the request on.
pub(crate) async fn cut<F>(to: SocketAddr, cut: F) -> SocketAddr
where
    F: Fn(usize, usize) -> bool + Send + Sync + 'static,
{
    let cut = Arc::new(cut);
    serve(move |peer: Peer| {
        let cut = Arc::clone(&cut);
        async move {
            let number = peer.number;
            let (mut from_client, mut to_client) = peer.stream.into_split();
            let (mut from_server, mut to_server) =
                TcpStream::connect(to).await.unwrap().into_split();
            let back = tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
            });
            let (mut requests, mut buffer) = (0, vec![0; 65_536]);
            while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                // Heads begin a segment here: clients wait for an answer before the next one.
                if buffer[..read].windows(8).any(|bytes| bytes == b"HTTP/1.1") {
                    requests += 1;
                    if cut(number, requests) {
                        break;
                    }
                }
                if to_server.write_all(&buffer[..read]).await.is_err() {
                    break;
                }
            }
            back.abort();
        }
    })
    .await
}
