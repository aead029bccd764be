//! What is said and counted of every request.

use super::proxy::ProxyBody;
use crate::refusal::Refusal;
use http::{Method, Request, Response, StatusCode};
use logon::AccountName;
use logon_hyper::RequestBody;
use logon_tower::{Connection, Refused};
use metrics::{Counter, Histogram, counter, histogram};
use std::net::SocketAddr;
use std::time::Instant;

/// Counts the requests of a listener, and writes a line for each if that is wanted.
pub(crate) struct Watch {
    /// By the first digit of the status.
    answers: [Counter; 5],
    seconds: Histogram,
    lines: bool,
}

/// A request, for as long as it takes.
pub(crate) struct Seen {
    began: Instant,
    line: Option<Line>,
}

/// What its line says. Queries may have secrets in them, and stay out.
struct Line {
    method: Method,
    host: String,
    path: String,
    connection: Option<u64>,
    peer: Option<SocketAddr>,
}

/// In the extensions of an answer: who asked.
#[derive(Debug, Clone)]
pub(crate) struct Asker(pub(crate) AccountName);

impl Watch {
    /// For the listener of this name. Whether there is a `line` for each request.
    pub(crate) fn new(listener: &str, lines: bool) -> Self {
        let listener = listener.to_owned();
        let answers = ["1xx", "2xx", "3xx", "4xx", "5xx"].map(|class| {
            counter!("gateway_requests_total", "listener" => listener.clone(), "class" => class)
        });
        let seconds = histogram!("gateway_request_duration_seconds", "listener" => listener);
        Self { answers, seconds, lines }
    }

    /// `path` is what the line says.
    pub(crate) fn begin(&self, request: &Request<RequestBody>, path: &str) -> Seen {
        let line = self.lines.then(|| {
            let host = request.headers().get(http::header::HOST);
            let host = host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
            let authority = request.uri().authority().map(|it| it.as_str().to_owned());
            let connection = request.extensions().get::<Connection>();
            Line {
                method: request.method().clone(),
                host: authority.or(host).unwrap_or_default(),
                path: path.to_owned(),
                connection: connection.map(Connection::id),
                peer: connection.and_then(Connection::peer),
            }
        });
        Seen { began: Instant::now(), line }
    }

    /// The head of the answer is there.
    pub(crate) fn end(&self, seen: Seen, response: &Response<ProxyBody>) {
        let took = seen.began.elapsed();
        let class = usize::from(response.status().as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.answers.get(class) {
            counter.increment(1);
        }
        self.seconds.record(took);
        if let Some(line) = seen.line {
            line.write(response, took.as_secs_f64());
        }
    }
}

impl Line {
    fn write(&self, response: &Response<ProxyBody>, seconds: f64) {
        let extensions = response.extensions();
        let code = extensions.get::<Refusal>().map(|refusal| refusal.code());
        let explained = extensions.get::<Refused>().and_then(|refused| refused.explanation);
        let code = code.or(explained.map(logon::http::Explanation::code));
        let account = extensions.get::<Asker>().map(|asker| asker.0.to_string());
        let status: StatusCode = response.status();
        tracing::info!(
            method = %self.method,
            host = self.host,
            path = self.path,
            status = status.as_u16(),
            account,
            code,
            connection = self.connection,
            peer = self.peer.map(tracing::field::display),
            ms = (seconds * 10_000.0).round() / 10.0,
            "request"
        );
    }
}
