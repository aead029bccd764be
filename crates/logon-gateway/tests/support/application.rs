//! Applications: one that answers with what it received, byte by byte, and one of HTTP/2.

use super::PATIENCE;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// HTTP/1.1 by hand. The body of an answer is the request as it came in. A query changes the
/// answer: `status=401`, `field=Name:value` (more than one, percent signs as they are), and
/// `wait=300` milliseconds before it.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Everything here ends with it.
    runtime: Option<Runtime>,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let received = Arc::default();
        let (address, runtime) = serve_echo("127.0.0.1:0".parse().unwrap(), &received);
        Self { address, received, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `upstream = "http://…"`, as a configuration says it.
    pub(crate) fn line(&self) -> String {
        format!("upstream = \"{}\"\n", self.url())
    }

    /// Every byte of every connection so far, connection by connection.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap().clone()
    }

    /// The same as one text.
    pub(crate) fn text(&self) -> String {
        let texts = self.received();
        texts.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    /// Closes the listener and all connections.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Within a test's own runtime one must not wait for it, but another thread may.
            std::thread::spawn(move || drop(runtime)).join().unwrap();
        }
    }

    /// Listens again where it did.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.runtime = Some(serve_echo(self.address, &self.received).1);
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start(address: SocketAddr) -> (SocketAddr, Runtime, TcpListener) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        (listener.local_addr().unwrap(), runtime, listener)
    })
    .join()
    .unwrap()
}

fn serve_echo(address: SocketAddr, received: &Arc<Mutex<Vec<Vec<u8>>>>) -> (SocketAddr, Runtime) {
    let (address, runtime, listener) = start(address);
    let received = Arc::clone(received);
    runtime.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let number = {
                let mut received = received.lock().unwrap();
                received.push(Vec::new());
                received.len() - 1
            };
            tokio::spawn(echo(stream, Arc::clone(&received), number));
        }
    });
    (address, runtime)
}

async fn echo(mut stream: TcpStream, received: Arc<Mutex<Vec<Vec<u8>>>>, number: usize) {
    let mut buffer = Vec::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        while let Some(length) = request_length(&buffer) {
            let request: Vec<u8> = buffer.drain(..length).collect();
            let answer = answer(&request).await;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                buffer.extend_from_slice(&piece[..read]);
                received.lock().unwrap()[number].extend_from_slice(&piece[..read]);
            }
        }
    }
}

/// How long the first request of `bytes` is, once all of it is there.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let seen = Seen::of(&bytes[..head]);
    let length = if seen.has("transfer-encoding") {
        let rest = &bytes[head..];
        let last = if rest.starts_with(b"0\r\n") {
            0
        } else {
            rest.windows(5).position(|window| window == b"\r\n0\r\n")? + 2
        };
        // With trailers, or without.
        last + 1 + rest[last + 1..].windows(4).position(|window| window == b"\r\n\r\n")? + 4
    } else {
        seen.all("content-length").first().map_or(0, |value| value.parse().unwrap())
    };
    (bytes.len() >= head + length).then_some(head + length)
}

async fn answer(request: &[u8]) -> Vec<u8> {
    let seen = Seen::of(request);
    let target = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let query = target.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let mut status = 200;
    let mut fields = String::new();
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("status", value)) => status = value.parse().unwrap(),
            Some(("field", value)) => {
                write!(fields, "{}\r\n", value.replacen(':', ": ", 1)).unwrap();
            }
            Some(("wait", value)) => {
                let milliseconds = value.parse::<u64>().unwrap();
                tokio::time::sleep(Duration::from_millis(milliseconds).min(PATIENCE)).await;
            }
            _ => {}
        }
    }
    let length = request.len();
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n{fields}\r\n");
    let body = if seen.line.starts_with("HEAD ") { &[] } else { request };
    [head.as_bytes(), body].concat()
}

/// A request as an application received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The request line.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    /// With the chunks, if there are any.
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_ascii_lowercase(), value.trim().to_owned())
        });
        Self { line, fields: fields.collect(), body: bytes[end + 4..].to_vec() }
    }

    /// The values of all fields of a name, in any case.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let name = name.to_ascii_lowercase();
        let fields = self.fields.iter().filter(|(one, _)| *one == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of the only field of a name.
    pub(crate) fn one(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [value] => value,
            ref values => panic!("{name}: {values:?} in {self:#?}"),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        !self.all(name).is_empty()
    }
}

/// HTTP/2 without TLS. Answers with the version, method, target and fields, a line each.
pub(crate) struct Http2 {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Http2 {
    pub(crate) fn start() -> Self {
        let (address, runtime, listener) = start("127.0.0.1:0".parse().unwrap());
        runtime.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let service = hyper::service::service_fn(said);
                let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(serving);
            }
        });
        Self { address, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn said(
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let mut text = format!("{} {} {:?}\r\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())).unwrap();
    }
    text.push_str("\r\n");
    Ok(http::Response::new(Full::from(text)))
}
